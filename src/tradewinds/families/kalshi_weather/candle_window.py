"""Window of an event's candles: the window policy, the period and the as-of clock, as the name of a folder.

Besides the event, the window alone defines the bytes of a candle file, so no other setting can cause a second fetch. If a file
of one window holds all candles of another window, the second file is made from the first without a request.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tradewinds.config.resolve import Config
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.pooling.probability_sources import pool_of

FULL, TRADE = "FULL_MARKET_WINDOW", "TRADE_WINDOW_ONLY"

_TRADE = r"trade_(\d\d)(\d\d)_d(\d+)_(\d+)m"  # patterns of keys
_FULL = r"full_(\d+)m"


class CandleWindow(NamedTuple):
    """A window of candles.

    Attributes:
        policy: FULL (all candles of a market) or TRADE (from the as-of time on).
        period_minutes: of a candle.
        local_time: "HH:MM" of the as-of time on the station's civil clock; used under TRADE only.
        days_before: days from the as-of time to the climate date; used under TRADE only.
    """

    policy: str
    period_minutes: int
    local_time: str = "00:00"
    days_before: int = 0

    @property
    def key(self) -> str:
        """Name of the folder: `full_1m`, or `trade_2300_d1_1m`."""
        if self.policy == FULL:
            return f"full_{self.period_minutes}m"
        return f"trade_{self.local_time.replace(':', '')}_d{self.days_before}_{self.period_minutes}m"

    @classmethod
    def parse(cls, key: str) -> CandleWindow:
        """The window that a folder's name stands for.

        Raises:
            ConfigError: the name has another form.
        """
        if match := re.fullmatch(_FULL, key):
            return cls(policy=FULL, period_minutes=int(match[1]))
        if match := re.fullmatch(_TRADE, key):
            hour, minute, days_before, period_minutes = match.groups()
            return cls(
                policy=TRADE,
                period_minutes=int(period_minutes),
                local_time=f"{hour}:{minute}",
                days_before=int(days_before),
            )
        raise ConfigError(f"{key!r} is no window.", where="--window", remedy="For example full_1m or trade_2300_d1_1m.")

    def asof_ts(self, station: Station, climate_date: dt.date) -> int:
        """Start of an event's window in Unix seconds; 0 for the full window."""
        if self.policy == FULL:
            return 0
        return climate_days.asof_ts(station, climate_date, self.local_time, self.days_before)

    def holds(self, other: CandleWindow, station: Station, climate_date: dt.date) -> bool:
        """Whether a file of this window has every candle of an event that the other window needs.

        Args:
            other: the other window.
            station: of the event.
            climate_date: of the event.
        """
        same_period = self.period_minutes == other.period_minutes
        return same_period and self.asof_ts(station, climate_date) <= other.asof_ts(station, climate_date)


def siblings(path: str | Path) -> Iterator[tuple[CandleWindow, Path]]:
    """Existing candle files of the same event and period under other windows.

    Args:
        path: of a candle file, existing or not: …/{window}/{series}/{date}.parquet.

    Yields:
        A window and its file, in order of the windows' folders.
    """
    file = Path(path)
    series_folder, window_folder = file.parent, file.parent.parent
    window = CandleWindow.parse(window_folder.name)
    for other_folder in sorted(window_folder.parent.glob(f"*_{window.period_minutes}m")):
        other_file = other_folder / series_folder.name / file.name
        if other_folder.name != window.key and other_file.exists():
            yield CandleWindow.parse(other_folder.name), other_file


def wanted_window(config: Config) -> CandleWindow:
    """The window of candles that a config needs of every event.

    A pool with the price needs the candles before the as-of time whatever the window policy. The replay takes its quotes by the
    policy all the same (tradable_markets.contract_of).
    """
    candles, asof = config["candles"], config["asof_policy"]
    return CandleWindow(
        policy=FULL if pool_of(config["probabilities"]) else candles["window_policy"],
        period_minutes=candles["period_interval_minutes"],
        local_time=asof["local_time"],
        days_before=asof["days_before"],
    )
