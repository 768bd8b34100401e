"""Log records without secrets.

It is no part of url_secrets.py because every error imports that module, and `logging` takes longer to import than a help text
to make.
"""

from __future__ import annotations

import logging

from tradewinds.core.url_secrets import masked


class MaskingFormatter(logging.Formatter):
    """Format log records without the secrets of their URLs, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line or lines of a record."""
        return masked(super().format(record))
