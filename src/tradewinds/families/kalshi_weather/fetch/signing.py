"""Optional signing of exchange requests (RSA-PSS or Ed25519), with credentials from the environment only."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.core import user_files
from tradewinds.core.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.sources.http import Signer

KEY_ID = "KALSHI_API_KEY_ID"
KEY_PATH = "KALSHI_PRIVATE_KEY_PATH"


def signer_from_environment() -> Signer | None:
    """A signer if both credentials are set, None if neither is.

    Raises:
        ConfigError: only one is set, the key cannot be read, or `cryptography` is not installed.
    """
    key_id, key_path = os.environ.get(KEY_ID), os.environ.get(KEY_PATH)
    if not key_id and not key_path:
        return None
    if not key_id or not key_path:
        remedy = "Signed requests need both; public data needs neither."
        raise ConfigError(f"only one of {KEY_ID} and {KEY_PATH} is set.", where="environment", remedy=remedy)
    return _signer(key_id, Path(key_path))


def _signer(key_id: str, key_path: Path) -> Signer:
    # Read the key; the package is needed by those who sign only.
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
    except ModuleNotFoundError:
        remedy = "pip install tradewinds[signing], or unset the credentials."
        raise ConfigError("signing needs the package cryptography.", where="environment", remedy=remedy) from None
    if key_path.exists():
        user_files.check_plain(key_path, "the key file", "Name an unencrypted PEM file.")
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        remedy = "It must be an unencrypted PEM file with an RSA or Ed25519 private key."
        raise ConfigError(
            f"the key file cannot be used ({type(error).__name__}).", where=KEY_PATH, remedy=remedy
        ) from None

    # The signed message is the time in milliseconds, the method and the path, one after the other.
    def sign(method: str, path: str) -> Mapping[str, str]:
        stamp = str(int(time.time() * 1000))
        message = (stamp + method + path).encode()
        if isinstance(key, ed25519.Ed25519PrivateKey):
            signature = key.sign(message)
        elif isinstance(key, rsa.RSAPrivateKey):
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
            signature = key.sign(message, pss, hashes.SHA256())
        else:
            raise ConfigError("the key is neither RSA nor Ed25519.", where=KEY_PATH, remedy="Make another API key.")
        return {
            "KALSHI-ACCESS-KEY": key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    return sign
