"""Database URLs: a short key of a URL, and its form without the password. Imports no SQLAlchemy."""

from __future__ import annotations

import hashlib
import re

from tradewinds.core.url_secrets import masked_url

# Up to the last @: a password that is not quoted may hold any character.
_CREDENTIALS = re.compile(r"://.*@")
_PARAMETER = re.compile(r"(?i)(password|passwd|pwd)=[^&]*")


def url_key(url: str) -> str:
    """Return a short key of a database: a hash of its URL without credentials."""
    return hashlib.sha256(_PARAMETER.sub("", _CREDENTIALS.sub("://", url)).encode()).hexdigest()[:12]


def masked(url: str) -> str:
    """Return a database URL with *** in place of its password, which may be shown."""
    return masked_url(url)
