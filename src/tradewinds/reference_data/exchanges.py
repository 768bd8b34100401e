"""Exchanges by market identifier code (ISO 10383): time zone, and usual open and close of a session.

There is no table of trading days: they are the dates that the bars of the universe have (docs/decisions/0004). A table of
holidays would be wrong about a holiday that was announced late, and would end some year.

ASSUME: every session opens and closes at the exchange's usual times. On a day that closes early a bar counts as known some
hours too late, never too early.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from tradewinds.core.errors import ConfigError

TRADING_DAYS_PER_YEAR = 252


@dataclass(frozen=True)
class Exchange:
    """An exchange and its usual session.

    Attributes:
        code: market identifier code, such as XNYS.
        name: name in English.
        timezone: name in the time-zone database.
        opens: usual open of a session, in local time.
        closes: usual close of a session, in local time.
    """

    code: str
    name: str
    timezone: str
    opens: dt.time
    closes: dt.time

    def open_ts(self, date: dt.date) -> int:
        """Return the open of a date's session in Unix seconds."""
        return self._ts(date, self.opens)

    def close_ts(self, date: dt.date) -> int:
        """Return the close of a date's session in Unix seconds: the instant at which its bar is known."""
        return self._ts(date, self.closes)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the exchange."""
        return ZoneInfo(self.timezone)

    def _ts(self, date: dt.date, clock: dt.time) -> int:
        """Return a local time of a date in Unix seconds."""
        return int(dt.datetime.combine(date, clock, self.zone).timestamp())


@functools.cache
def exchanges() -> Mapping[str, Exchange]:
    """Return all known exchanges by code, from `exchanges.csv` beside this module."""
    text = Path(__file__).with_name("exchanges.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["calendar"]: _exchange(row) for row in csv.DictReader(text.splitlines())})


def _exchange(row: dict[str, str]) -> Exchange:
    """Convert a row of exchanges.csv."""
    return Exchange(
        code=row["calendar"],
        name=row["name"],
        timezone=row["timezone"],
        opens=dt.time.fromisoformat(row["open"]),
        closes=dt.time.fromisoformat(row["close"]),
    )


def exchange_of(code: str) -> Exchange:
    """Return the exchange with a code.

    Raises:
        ConfigError: there is no such exchange; names the known ones.
    """
    if code not in exchanges():
        raise ConfigError(f"unknown calendar {code!r}.", where="calendar", remedy=f"Known: {', '.join(exchanges())}.")
    return exchanges()[code]
