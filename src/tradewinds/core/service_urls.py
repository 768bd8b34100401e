"""The roots of services: what is wrong with a `base_url`, found before anything is fetched."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SCHEMES = ("http", "https")
_NAME = r"(?a)[\w-]+(?:\.[\w-]+)*\.?"


def service_url_fault(url: str) -> str | None:
    """Return what is wrong with the root of a service, to follow the URL in a sentence; None if it can be asked.

    Args:
        url: the root, as the config has it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text would repeat a part of the URL, perhaps of a password
        return "cannot be parsed: check its brackets and its port"
    if parts.scheme not in _SCHEMES:
        return "does not begin with http:// or https://"
    if not parts.hostname:
        return "names no host"
    if port == 0 or re.search(r"\s", url):
        return "has the port 0" if port == 0 else "holds white space"
    try:
        host = parts.hostname.encode("idna").decode()
    except UnicodeError:
        return "names a host that cannot be"
    return None if ":" in host or re.fullmatch(_NAME, host) else "names a host that cannot be"
