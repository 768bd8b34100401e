"""Database URLs: a short name for one, and its form that may be shown. Needs no SQLAlchemy."""

from __future__ import annotations

import hashlib
import re

# up to the last @: a password that was not quoted may hold anything
_CREDENTIALS = re.compile(r"://.*@")
_PASSWORD = re.compile(r"(://[^/@:]*):.*@")
_PARAMETER = re.compile(r"(?i)(password|passwd|pwd)=[^&]*")


def url_key(url: str) -> str:
    """A short name for a database: hash of its URL without credentials."""
    return hashlib.sha256(_PARAMETER.sub("", _CREDENTIALS.sub("://", url)).encode()).hexdigest()[:12]


def masked(url: str) -> str:
    """A database URL that may be shown: its password is starred out."""
    return _PARAMETER.sub(r"\1=***", _PASSWORD.sub(r"\1:***@", url))
