"""Hide secrets in URLs, wherever they are shown or written: messages, logs, manifests, rows of a database.

A secret is a password in a URL, what stands before the @ of an http or proxy URL (a token may be all of it), and the value of a
parameter whose name says so. In doubt more is hidden than needs be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
# The patterns are texts: `re` compiles each when it is first used, and keeps it. Most processes use none.
# In one URL: up to the last @, since a password that is not quoted may hold any character. In an http URL a port before a
# path begins no password; in one of a database it may be the beginning of one.
_PASSWORD = r"(?is)(?:(https?://[^/@:]*):(?!\d{1,5}[/?#])|((?<!http)(?<!https)://[^/@:]*):).*@"
# In a text, where a URL ends at white space.
_PASSWORD_IN_TEXT = (
    r"(?i)(?:(https?://[^/@:\s]*):(?!\d{1,5}(?:[/?#]|\s))|((?<!http)(?<!https)://[^/@:\s]*):(?!\d{1,5}\s))\S*@"
)
_USER = r"(?i)((?:https?|socks\w*)://)[^/@:\s?#]+@"
_PARAMETER = (
    r"(?i)((?<![\w.\-\[\]%])(?!(?:next|prev|previous|page|continuation|max|min|num)[_\-]?tokens?=)"  # a page, a count
    r"[\w.\-\[\]%]*(?:api_?key|access_?key|key_?id|private_?key|token|secret|signature|passw(?:or)?d|pwd|credential"
    r"|authorization)[\w.\-\[\]%]*=|[?&;](?:key|sig|auth|pass)=)[^&\s#\"'<>]+"
)


def masked(text: str) -> str:
    """Return a text with *** in place of each secret in its URLs."""
    without_users = re.sub(_USER, rf"\1{HIDDEN}@", re.sub(_PASSWORD_IN_TEXT, rf"\1\2:{HIDDEN}@", text))
    return re.sub(_PARAMETER, rf"\1{HIDDEN}", without_users)


def masked_url(url: str) -> str:
    """Return a URL, all of it, with *** in place of its secrets; its password may hold white space."""
    return masked(re.sub(_PASSWORD, rf"\1\2:{HIDDEN}@", url))


def without_secrets(value: Any) -> Any:
    """Return a config without the keys whose values hold a secret; a secret that `${NAME}` names stays."""
    if not isinstance(value, Mapping):
        return value
    kept = {key: without_secrets(item) for key, item in value.items() if not _holds_secret(item)}
    return {key: item for key, item in kept.items() if item != {} or value[key] == {}}


def _holds_secret(value: Any) -> bool:
    if not isinstance(value, str) or "://" not in value:
        return False
    named = re.sub(r"\$\{\w+\}", HIDDEN, value)
    return masked_url(named) != named
