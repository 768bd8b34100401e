"""Column types that keep their promise on every backend: exact decimals, UTC instants, long text.

MySQL and MariaDB have exact decimals (DECIMAL). SQLite has none: SQLAlchemy's Numeric would store a binary float there.
`Exact` therefore stores the decimal's own digits as TEXT on SQLite ("0.35"), the same text as in trades.csv. Reading
through these tables gives Decimal on both. In hand-written SQLite queries, sum(pnl) adds up as expected; to sort or
compare, write CAST(pnl AS REAL), because SQLite compares text letter by letter.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from tradewinds.results.money import plain

LongText = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


class Exact(TypeDecorator[Decimal]):
    """A decimal with `scale` digits after the point; a value that does not fit is refused, never rounded."""

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        self.precision, self.scale = precision, scale
        super().__init__(precision, scale, asdecimal=True)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TEXT on SQLite, DECIMAL(precision, scale) elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(self.precision + 2))
        return dialect.type_descriptor(Numeric(self.precision, self.scale, asdecimal=True))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Check the digits, then hand over text or a decimal.

        Raises:
            ValueError: more digits than the column holds.
        """
        if value is None:
            return None
        if value != round(value, self.scale) or abs(value) >= Decimal(10) ** (self.precision - self.scale):
            raise ValueError(f"{value} does not fit a decimal({self.precision},{self.scale})")
        return plain(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """A decimal without trailing zeros beyond the cents, whatever the backend keeps."""
        return None if value is None else Decimal(plain(Decimal(value)))


class Utc(TypeDecorator[dt.datetime]):
    """An instant in UTC: aware in Python, without a zone in the database (DATETIME has none)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Turn an aware instant into naive UTC.

        Raises:
            ValueError: a datetime without a zone, whose meaning nobody knows.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give the instant its zone back."""
        return None if value is None else value.replace(tzinfo=dt.UTC)
