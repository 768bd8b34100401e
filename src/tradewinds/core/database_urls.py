"""Database URLs: a short key of a URL, and its form without the password. Imports no SQLAlchemy."""

from __future__ import annotations

import hashlib
import os
import re
from urllib.parse import quote

from tradewinds.core.errors import DatabaseError
from tradewinds.core.url_secrets import masked_url

# Up to the last @: a password that is not quoted may hold any character.
_CREDENTIALS = r"://.*@"
MOST_PORT = 65535
_VARIABLE = r"\$\{(\w+)\}"
# SQLAlchemy's form of a URL, up to the port (sqlalchemy.engine.url).
_FORM = r"[\w+]+://(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?]+\]|[^/:?]+)?(?::(?P<port>[^/?]*))?"
_PARAMETER = r"(?i)(password|passwd|pwd)=[^&]*"


def url_key(url: str) -> str:
    """Return a short key of a database: a hash of its URL without credentials."""
    return hashlib.sha256(re.sub(_PARAMETER, "", re.sub(_CREDENTIALS, "://", url)).encode()).hexdigest()[:12]


def masked(url: str) -> str:
    """Return a database URL with *** in place of its password, which may be shown."""
    return masked_url(url)


def url_fault(url: str) -> str | None:
    """Return why SQLAlchemy could not parse a database URL, to follow the URL in a sentence; None if it could.

    A `${NAME}` may stand for anything that fits at its place.

    Args:
        url: the URL, as the config has it.
    """
    if url.startswith("${"):  # all of it may stand in the variable
        return None
    found = re.match(_FORM, re.sub(_VARIABLE, "1", url))
    if not found:
        return "is no database URL"
    port = found["port"]
    good = port is None or (re.fullmatch("[0-9]{1,5}", port) and int(port) <= MOST_PORT)
    return None if good else "has a port that is none"


def expand(url: str) -> str:
    """Replace each `${NAME}` of a URL by the environment variable.

    Values are quoted in the part before the `@`, so a password may have any characters.

    Args:
        url: a database URL as the config has it.

    Raises:
        DatabaseError: a variable is not set.
    """
    credentials_end = url.rfind("@")

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise DatabaseError(f"environment variable {found[1]} is not set.", where="database.url", remedy="Set it.")
        text = os.environ[found[1]]
        return quote(text, safe="") if found.start() < credentials_end else text

    return re.sub(_VARIABLE, value, url)
