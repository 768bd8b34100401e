"""Which candles of an event are wanted: the window policy, the period and the as-of clock, as a folder's name.

The name holds all that defines a candle file's bytes besides its event, so nothing else can ever ask for a refetch. A file
of one window may hold all that another wants: then that one is made from it without a request.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tradewinds.config.resolve import Config
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station

FULL, TRADE = "FULL_MARKET_WINDOW", "TRADE_WINDOW_ONLY"

_TRADE = re.compile(r"trade_(\d\d)(\d\d)_d(\d+)_(\d+)m")
_FULL = re.compile(r"full_(\d+)m")


@dataclass(frozen=True)
class CandleWindow:
    """A window of candles; the as-of clock counts under TRADE_WINDOW_ONLY alone."""

    policy: str
    period_minutes: int
    local_time: str = "00:00"
    days_before: int = 0

    @property
    def key(self) -> str:
        """Its folder: `full_1m`, or `trade_2300_d1_1m`."""
        if self.policy == FULL:
            return f"full_{self.period_minutes}m"
        return f"trade_{self.local_time.replace(':', '')}_d{self.days_before}_{self.period_minutes}m"

    @classmethod
    def parse(cls, key: str) -> CandleWindow:
        """The window of a folder's name.

        Raises:
            ConfigError: it is none.
        """
        if found := _FULL.fullmatch(key):
            return cls(FULL, int(found[1]))
        if found := _TRADE.fullmatch(key):
            return cls(TRADE, int(found[4]), f"{found[1]}:{found[2]}", int(found[3]))
        raise ConfigError(f"{key!r} is no window.", where="--window", remedy="For example full_1m or trade_2300_d1_1m.")

    def asof_ts(self, station: Station, climate_date: dt.date) -> int:
        """The instant from which candles are wanted at the earliest; 0 for the full window."""
        if self.policy == FULL:
            return 0
        return climate_days.asof_ts(station, climate_date, self.local_time, self.days_before)

    def holds(self, other: CandleWindow, station: Station, climate_date: dt.date) -> bool:
        """Whether a file of this window has every candle that the other wants of an event."""
        same = self.period_minutes == other.period_minutes
        return same and self.asof_ts(station, climate_date) <= other.asof_ts(station, climate_date)


def siblings(path: str | Path) -> Iterator[tuple[CandleWindow, Path]]:
    """The files of the same event and period under other windows; `path` is …/{window}/{series}/{date}.parquet."""
    file = Path(path)
    folder, wanted = file.parent.parent.parent, CandleWindow.parse(file.parent.parent.name)
    for other in sorted(folder.glob(f"*_{wanted.period_minutes}m")):
        found = other / file.parent.name / file.name
        if other.name != wanted.key and found.exists():
            yield CandleWindow.parse(other.name), found


def wanted_window(config: Config) -> CandleWindow:
    """The candles that a config wants of every event."""
    candles, asof = config["candles"], config["asof_policy"]
    return CandleWindow(
        candles["window_policy"], candles["period_interval_minutes"], asof["local_time"], asof["days_before"]
    )
