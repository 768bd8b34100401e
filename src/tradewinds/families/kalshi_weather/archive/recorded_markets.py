"""The markets of an import: what their words mean, and what is refused because it could mean several things."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.candle_shapes import dollars
from tradewinds.families.kalshi_weather.archive.recorded_files import NO_VALUE, RecordedFile

COLUMNS = (
    *("series_ticker", "event_ticker", "market_ticker", "strike_type", "floor_strike", "cap_strike"),
    *("result", "open_time", "close_time"),
)
Row = dict[str, Any]
ReportedExtremes = Mapping[tuple[str, dt.date, str], int]
"""Reported extreme in whole °F by station, climate date and target ("max" or "min")."""

_RESULTS = {"yes": "yes", "y": "yes", "true": "yes", "no": "no", "n": "no", "false": "no", "scalar": "scalar"}
_STRIKE_TYPES = frozenset(
    {"less", "less_or_equal", "greater", "greater_or_equal", "between", "functional", "custom", "structured"}
)
_BEFORE_THE_END = ("initialized", "inactive", "active")  # a market of these has no result yet
_STATUSES = {
    **{name: name for name in (*_BEFORE_THE_END, "closed", "determined", "disputed", "amended", "finalized")},
    **{"unopened": "initialized", "open": "active", "paused": "inactive", "settled": "finalized"},
}
_TICKER = re.compile(r"[A-Z0-9.-]+")
_MOST_DEGREES, _MOST_CONTRACTS = 1000, 10**15
# ASSUME: where no settlement time is recorded, 14:00 UTC on the day after.
_SETTLED_AT = dt.time(14, tzinfo=dt.UTC)


class RecordedMarkets(NamedTuple):
    """The markets of an import.

    Attributes:
        rows: one per market, with the arguments of `market_objects.market_row`.
        left_out: number of markets by series, of series that are no daily temperature series.
    """

    rows: list[Row]
    left_out: Counter[str]


def read_markets(
    paths: Iterable[str | Path], reported: ReportedExtremes, traded: Mapping[str, tuple[str, str]]
) -> RecordedMarkets:
    """Read files of markets.

    Args:
        paths: of the files.
        reported: extremes of climate reports, which become the markets' expiration values where none is recorded.
        traded: volume and open interest by ticker, from candles, as the API's decimal strings.

    Raises:
        ConfigError: a cell has no plain meaning, a market is recorded twice in different ways, or there is no market.
    """
    found: dict[str, tuple[Row, str]] = {}
    left_out: Counter[str] = Counter()
    for path in paths:
        file = RecordedFile(path, COLUMNS)
        for row, market in enumerate(_markets(file, left_out)):
            if market is None:
                continue
            ticker, place = market["market_ticker"], f"row {row + 1} of {file.path}"
            before, first = found.setdefault(ticker, (market, place))
            if before != market:
                differing = ", ".join(name for name in market if market[name] != before[name])
                what = f"{ticker} is recorded otherwise in {first} ({differing})."
                file.refuse(row, "market_ticker", what, "Keep one of the rows.")
    if not found:
        raise ConfigError(
            f"no market of a daily temperature series is in it{_series_of(left_out)}.",
            where=", ".join(str(path) for path in paths),
            remedy="`tradewinds series` lists the known ones.",
        )
    rows = [market for market, _ in found.values()]
    for market in rows:
        _complete(market, reported, traded)
    return RecordedMarkets(rows, left_out)


def _series_of(left_out: Counter[str]) -> str:
    return f", but of {', '.join(sorted(left_out))}" if left_out else ""


def _markets(file: RecordedFile, left_out: Counter[str]) -> list[Row | None]:
    """The markets of a file by row; None for those of other series, which are counted in `left_out`."""
    # Columns first: each refuses cells that are nothing of its kind.
    series, events = file.needed_texts("series_ticker"), file.needed_texts("event_ticker")
    known = climate_days.stations()
    left_out.update(ticker for ticker in series if ticker not in known)
    tickers = file.needed_texts("market_ticker")
    titles, results, statuses = file.texts("yes_sub_title"), _results(file), file.texts("status")
    values, observed = file.numbers("settlement_value_dollars"), _observed(file)
    kinds, floors, caps = file.texts("strike_type"), file.numbers("floor_strike"), file.numbers("cap_strike")
    volumes, interests = _counts(file, "volume"), _counts(file, "open_interest")
    opened, closed = file.needed_instants("open_time", up=True), file.needed_instants("close_time", up=False)
    settled = file.instants("settlement_ts", up=True)

    # Then row by row what several cells say together.
    found: list[Row | None] = []
    for row, ticker in enumerate(tickers):
        if series[row] not in known:
            found.append(None)
            continue
        date = _climate_date(file, row, series[row], events[row], ticker)
        if closed[row] <= opened[row]:
            what = f"{closed[row]:%Y-%m-%dT%H:%M:%SZ} is not after open_time {opened[row]:%Y-%m-%dT%H:%M:%SZ}."
            file.refuse(row, "close_time", what, "A market opens before it closes; check both columns and their zones.")
        kind, floor, cap = _strikes(file, row, kinds[row], floors[row], caps[row])
        found.append(
            {
                "series_ticker": series[row],
                "event_ticker": events[row],
                "market_ticker": ticker,
                "strike_type": kind,
                "floor": floor,
                "cap": cap,
                "yes_sub_title": titles[row] or market_objects.subtitle(kind, floor, cap),
                "result": results[row],
                "settlement_value": _settlement_value(file, row, results[row], values[row]),
                "status": _status(file, row, results[row], statuses[row]),
                "open_time": opened[row],
                "close_time": closed[row],
                "settlement_ts": settled[row] or dt.datetime.combine(date + dt.timedelta(days=1), _SETTLED_AT),
                "volume": volumes[row],
                "open_interest": interests[row],
                "expiration_value": observed[row],
            }
        )
    return found


def _climate_date(file: RecordedFile, row: int, series: str, event: str, ticker: str) -> dt.date:
    """The climate date of a market, whose three tickers must belong together.

    The series decides the station on which a market settles, so an event of another city would be judged by the wrong
    thermometer. Events of before 2025 have no KX before their series' name.
    """
    example = climate_days.event_ticker_of(series, dt.date(2025, 5, 1))
    try:
        date = climate_days.climate_date_of(event)
    except ValueError:
        file.refuse(
            row, "event_ticker", f"{event!r} names no climate date.", f"Event tickers end in a date, such as {example}."
        )
    if event.rsplit("-", 1)[0].removeprefix("KX") != series.removeprefix("KX"):
        what = f"{event!r} is no event of the series {series}."
        file.refuse(row, "event_ticker", what, f"Its events are named such as {example}; correct one of the two.")
    if not ticker.startswith(f"{event}-") or not _TICKER.fullmatch(ticker):
        remedy = f"A market's ticker is its event's with a strike, such as {example}-B64.5."
        file.refuse(row, "market_ticker", f"{ticker!r} is no market of the event {event}.", remedy)
    return date


def _complete(market: Row, reported: ReportedExtremes, traded: Mapping[str, tuple[str, str]]) -> None:
    """Fill in what other files know of a market: its observed value, and its counts from candles."""
    station = climate_days.station_of(market["series_ticker"])
    date = climate_days.climate_date_of(market["event_ticker"])
    value = reported.get((station.station_id, date, station.target))
    market["expiration_value"] = market["expiration_value"] or ("" if value is None else f"{value:.2f}")
    counts = traded.get(market["market_ticker"])
    if counts:
        market["volume"], market["open_interest"] = counts


def _results(file: RecordedFile) -> list[str]:
    """The results of a file, in the exchange's words; "" for a market without one."""
    found = []
    for row, value in enumerate(file.values("result")):
        word = str(value).strip().casefold() if isinstance(value, str | bool) else "" if value is None else repr(value)
        if word in NO_VALUE:
            found.append("")
        elif word in _RESULTS:
            found.append(_RESULTS[word])
        else:
            remedy = "Write yes, no or scalar, or leave it empty for a market without a result."
            file.refuse(row, "result", f"{value!r} is no result.", remedy)
    return found


def _settlement_value(file: RecordedFile, row: int, result: str, value: Decimal | None) -> str | None:
    """What a YES contract paid, as the API writes it; None for a market without a result."""
    column = "settlement_value_dollars"
    if result == "scalar":
        if value is None:
            remedy = f"Add what a YES contract paid in dollars as {column} (settlement_value alone may be cents)."
            file.refuse(row, column, "a scalar result has no settlement value.", remedy)
        if not 0 <= value <= 1 or value != round(value, 6):
            remedy = "A YES contract pays 0 to 1 dollar, with 6 decimals at most."
            file.refuse(row, column, f"{value} is no settlement value.", remedy)
        return dollars(value)
    if not result:
        return None
    paid = Decimal(result == "yes")
    if value is not None and value != paid:
        remedy = "yes pays 1 and no pays 0; a result between them is scalar."
        file.refuse(row, column, f"{value} contradicts the result {result}.", remedy)
    return dollars(paid)


def _status(file: RecordedFile, row: int, result: str, word: str | None) -> str:
    """A market's status in the exchange's words; finalized or closed, by its result, where none is recorded."""
    if word is None:
        return "finalized" if result else "closed"
    status = _STATUSES.get(word.casefold())
    if status is None:
        file.refuse(row, "status", f"{word!r} is no status.", f"Known are {', '.join(_STATUSES)}.")
    if result and status in _BEFORE_THE_END:
        remedy = "Correct one of them; a settled market is finalized."
        file.refuse(row, "status", f"{word!r} contradicts the result {result}.", remedy)
    return status


def _strikes(
    file: RecordedFile, row: int, word: str | None, floor: Decimal | None, cap: Decimal | None
) -> tuple[str | None, float | None, float | None]:
    """Strike type, floor and cap of a market; incomplete ones stay so, since a market's words may say what settles it."""
    kind = None if word is None else word.casefold().replace(" ", "_").replace("-", "_")
    if kind is not None and kind not in _STRIKE_TYPES:
        remedy = f"Known are {', '.join(sorted(_STRIKE_TYPES))}; leave it empty where it is not known."
        file.refuse(row, "strike_type", f"{word!r} is no strike type.", remedy)
    for name, value in (("floor_strike", floor), ("cap_strike", cap)):
        if value is not None and abs(value) > _MOST_DEGREES:
            file.refuse(
                row, name, f"{value} is no temperature in °F.", "Strikes are in °F, as the exchange lists them."
            )
    if kind == "between" and floor is not None and cap is not None and math.ceil(floor) > math.floor(cap):
        what = f"no whole degree is between floor_strike {floor} and cap_strike {cap}."
        file.refuse(row, "floor_strike", what, "The floor is the lower strike; both are included.")
    return kind, _whole(floor), _whole(cap)


def _whole(strike: Decimal | None) -> float | None:
    """A strike as the API writes it: 65, not 65.0."""
    if strike is None:
        return None
    return int(strike) if strike == int(strike) else float(strike)


def _counts(file: RecordedFile, name: str) -> list[str]:
    """Numbers of contracts as the API writes them; a missing one is none traded."""
    found = []
    for row, value in enumerate(file.numbers(name)):
        if value is not None and not 0 <= value <= _MOST_CONTRACTS:
            file.refuse(
                row, name, f"{value} is no number of contracts.", "It is 0 or more, or empty where it is not known."
            )
        found.append(f"{value or 0:.2f}")
    return found


def _observed(file: RecordedFile) -> list[str]:
    """Observed temperatures as text; "" where none is recorded."""
    found = []
    for value in file.values("expiration_value"):
        missing = value is None or value != value or str(value).strip().casefold() in NO_VALUE
        found.append("" if missing else str(value).strip() if isinstance(value, str) else f"{value:.2f}")
    return found
