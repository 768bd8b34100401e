"""Exchanges by market identifier code (ISO 10383): on which clock a daily bar opens and closes.

Which days are trading days is not in a table: they are the dates that the bars of the universe have. So a holiday that was
announced late, or a calendar that ends next year, is never a mistake of ours. ASSUME: every session opens and closes at the
exchange's usual times; on a day that closes early a bar is dated some hours after it was known, never before.
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


@dataclass(frozen=True)
class Exchange:
    """An exchange's code, name, time zone and usual session in local time."""

    code: str
    name: str
    timezone: str
    opens: dt.time
    closes: dt.time

    def open_ts(self, date: dt.date) -> int:
        """Unix seconds of a session's open."""
        return self._ts(date, self.opens)

    def close_ts(self, date: dt.date) -> int:
        """Unix seconds of a session's close: from then on its bar is known."""
        return self._ts(date, self.closes)

    @property
    def zone(self) -> ZoneInfo:
        """Its clock."""
        return ZoneInfo(self.timezone)

    def _ts(self, date: dt.date, clock: dt.time) -> int:
        return int(dt.datetime.combine(date, clock, self.zone).timestamp())


@functools.cache
def exchanges() -> Mapping[str, Exchange]:
    """All known exchanges by code (`exchanges.csv` beside this module)."""
    text = Path(__file__).with_name("exchanges.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["calendar"]: _exchange(row) for row in csv.DictReader(text.splitlines())})


def _exchange(row: dict[str, str]) -> Exchange:
    opens, closes = (dt.time.fromisoformat(row[edge]) for edge in ("open", "close"))
    return Exchange(row["calendar"], row["name"], row["timezone"], opens, closes)


def exchange_of(code: str) -> Exchange:
    """The exchange with a code; ConfigError with the known ones for another."""
    if code not in exchanges():
        raise ConfigError(f"unknown calendar {code!r}.", where="calendar", remedy=f"Known: {', '.join(exchanges())}.")
    return exchanges()[code]
