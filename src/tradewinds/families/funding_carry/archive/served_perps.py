"""The records of perpetuals in an archive, as the routes of exchanges need them.

An archive has the month files of a data folder under the same paths: perp/{source}/{symbol}/{kind}/{month}.parquet, and the
list perp/{source}/instruments.parquet. What a file is of stands in its metadata.
"""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa

from tradewinds.archive.archive import Archive
from tradewinds.core.errors import ConfigError
from tradewinds.families.funding_carry.schemas import CANDLES, FUNDING, INSTRUMENTS
from tradewinds.families.plan import month_end

FOLDER = "perp"
DESCRIBED = ("source", "kind", "symbol", "month", "covers_through")  # what the metadata of a month say
_DAY_MS = 86_400_000
STEP, MIN_NOTIONAL, TICK = Decimal("0.001"), Decimal(5), Decimal("0.01")  # of an archive without a list of instruments


class ServedRate(NamedTuple):
    """A settlement; `stamp` in milliseconds since 1970, `mark` None without a mark price, `hours` None without an interval."""

    stamp: int
    rate: str
    mark: str | None
    hours: int | None


class ServedCandle(NamedTuple):
    """A candle; `stamp`, its opening, in milliseconds since 1970."""

    stamp: int
    open: str
    high: str
    low: str
    close: str
    volume: str


class Series(NamedTuple):
    """One series of records of a source.

    Attributes:
        source: name of the source.
        kind: funding, spot, perp or mark.
        name: unified name of the perpetual, or of the pair for spot.
        minutes: length of the candles; 0 for funding.
    """

    source: str
    kind: str
    name: str
    minutes: int


class BeyondArchive(Exception):
    """An exchange would have records that the archive has not, because its month was recorded before it was over."""


class ServedMonth(NamedTuple):
    """A month file of a series.

    Attributes:
        path: below the archive's folder.
        end: the first instant after its last day, in milliseconds since 1970.
        is_whole: it has all days of the month.
        via: how it came from the source: bulk or rest.
    """

    path: str
    end: int
    is_whole: bool
    via: str


class ServedPerps:
    """Read the month files of an archive.

    Args:
        archive: an archive, which may have none of them.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    @functools.cached_property
    def months(self) -> Mapping[Series, Mapping[str, ServedMonth]]:
        """Month files by series and month; raises ConfigError for a file that does not say what it is."""
        found: dict[Series, dict[str, ServedMonth]] = {}
        for path in sorted((self.archive.folder / FOLDER).glob("*/*/*/*.parquet")):
            name = path.relative_to(self.archive.folder).as_posix()
            about = self.archive.about(name)
            wanted = (*DESCRIBED, "spot") if about.get("kind") == "spot" else DESCRIBED
            if lacking := [key for key in wanted if key not in about]:
                what = f"its metadata do not say {', '.join(lacking)}."
                remedy = "Record the month with tradewinds record, or take the file out of the archive."
                raise ConfigError(what, where=f"{self.archive.folder}/{name}", remedy=remedy)
            named = about["spot"] if about["kind"] == "spot" else about["symbol"]
            series = Series(about["source"], about["kind"], named, about.get("minutes") or 0)
            last, covered = (
                month_end(*map(int, about["month"].split("-"))),
                dt.date.fromisoformat(about["covers_through"]),
            )
            end = dt.datetime.combine(covered + dt.timedelta(days=1), dt.time(), dt.UTC).timestamp()
            served = ServedMonth(name, int(end) * 1000, covered >= last, about.get("via", "bulk"))
            found.setdefault(series, {})[about["month"]] = served
        return found

    def series_of(self, source: str, kind: str, name: str, minutes: int = 0) -> Series | None:
        """Return the series that an exchange calls by a name without strokes, such as BTCUSDT; None if there is none.

        Args:
            source: name of the source.
            kind: funding, spot, perp or mark.
            name: base and quote, as one word.
            minutes: length of the candles.
        """
        wanted = (source, kind, minutes)
        return next(
            (
                series
                for series in self.months
                if (series.source, series.kind, series.minutes) == wanted and plain_name(series.name) == name
            ),
            None,
        )

    def rates(self, series: Series, month: str) -> list[ServedRate]:
        """Return the settlements of a month, in order."""
        return self._rates(self.months[series][month].path)

    def candles(self, series: Series, month: str) -> list[ServedCandle]:
        """Return the candles of a month, in order."""
        return self._candles(self.months[series][month].path)

    def rates_between(self, series: Series, first: int, last: int) -> list[ServedRate]:
        """Return the settlements stamped in [first, last] that are known by now; milliseconds since 1970.

        Raises:
            BeyondArchive: there would be more, which were not recorded.
        """
        found = [row for month in self._months_near(series, first, last) for row in self.rates(series, month)]
        return [row for row in found if first <= row.stamp <= min(last, now_ms())]

    def candles_between(self, series: Series, first: int, last: int) -> list[ServedCandle]:
        """Return the candles that begin in [first, last], the one that is running included; milliseconds since 1970.

        Raises:
            BeyondArchive: there would be more, which were not recorded.
        """
        found = [row for month in self._months_near(series, first, last) for row in self.candles(series, month)]
        return [row for row in found if first <= row.stamp <= min(last, now_ms())]

    def instruments(self, source: str) -> list[dict[str, Decimal | str | None]]:
        """Return the rows of a source's list; without a list in the archive one with usual filters."""
        table = self.archive.table(f"{FOLDER}/{source}/instruments.parquet", INSTRUMENTS)
        if table.num_rows:
            return list(table.to_pylist())
        names = sorted({series.name for series in self.months if series.source == source and series.kind != "spot"})
        usual = {"step": STEP, "min_notional": MIN_NOTIONAL, "tick": TICK}
        filters = {f"{leg}_{key}": value for leg in ("perp", "spot") for key, value in usual.items()}
        return [{"symbol": name, **filters} for name in names]

    def _months_near(self, series: Series, first: int, last: int) -> list[str]:
        """Return the months of a series that may have records in [first, last]; raises as rates_between."""
        months = self.months.get(series, {})
        near = [month for month in sorted(months) if month_of(first - _DAY_MS) <= month <= month_of(last + _DAY_MS)]
        for month in near:
            # a month that was recorded while it ran: what came after that is asked for
            if not months[month].is_whole and months[month].end < min(last, now_ms() - _DAY_MS):
                end = f"{dt.datetime.fromtimestamp(months[month].end / 1000, dt.UTC):%Y-%m-%d}"
                raise BeyondArchive(f"the archive has the {series.kind} records of {series.name} before {end} only")
        return near

    @functools.lru_cache(maxsize=256)  # noqa: B019 - one object for each server, which lives as long as it
    def _rates(self, path: str) -> list[ServedRate]:
        """Return the rows of a file of settlements."""
        table = self.archive.table(path, FUNDING)
        names = ("rate", "mark_price", "interval_hours")
        columns = (_stamps(table["raw_ts_utc"]), *(table[name].to_pylist() for name in names))
        return [
            ServedRate(stamp, plain(rate), None if mark is None else plain(mark), hours)
            for stamp, rate, mark, hours in zip(*columns, strict=True)
        ]

    @functools.lru_cache(maxsize=256)  # noqa: B019 - one object for each server, which lives as long as it
    def _candles(self, path: str) -> list[ServedCandle]:
        """Return the rows of a file of candles."""
        table = self.archive.table(path, CANDLES)
        columns = [[plain(value) for value in table[name].to_pylist()] for name in CANDLES.names[1:]]
        return [ServedCandle(*row) for row in zip(_stamps(table["open_ts_utc"]), *columns, strict=True)]


def plain_name(name: str) -> str:
    """Return a unified name as one word: BTCUSDT for BTC/USDT:USDT and BTC/USDT."""
    return name.partition(":")[0].replace("/", "")


def plain(value: Decimal) -> str:
    """Return a number as text, without exponent and without zeros at its end."""
    return f"{value.normalize():f}"


def month_of(stamp: int) -> str:
    """Return the month of an instant, such as 2024-03.

    Args:
        stamp: milliseconds since 1970; an instant before or long after now is taken as 1970 or 2200.
    """
    seconds = min(max(stamp // 1000, 0), 7_258_118_400)
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m}"


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return int(time.time() * 1000)


def _stamps(column: pa.ChunkedArray) -> list[int]:
    """Return a column of times in milliseconds since 1970."""
    return [value // 1000 for value in column.cast(pa.int64()).to_pylist()]
