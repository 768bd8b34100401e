"""Validations of an event that can be judged before the replay, one function each.

A check returns a sentence that describes the failure, "" if the event passes, and None if the check does not apply to it.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tradewinds.core.text import counted
from tradewinds.core.units import PICO
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.events import ReplayEvent, ReplayMarket
from tradewinds.families.kalshi_weather.pooling.probability_sources import is_latest
from tradewinds.families.kalshi_weather.strikes import settles_yes_at
from tradewinds.families.kalshi_weather.validations import statutory_clocks
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFacts

Verdict = str | None
"""Description of a failure; "" for a pass; None where the check does not apply."""

# Tolerance of the sum of a ladder's probabilities, by their source: those of the forecast are exact but for rounding to 12
# decimals, users round to a digit or two.
SUM_TOLERANCE = {"gaussian": 1e-9, "file": 0.02, "distribution": 1e-9, "pooled": 1e-9}
_MINUTE = 60
# Share by which the volume of a market's candles may exceed the market's volume: recorded markets differ by a fraction of a
# per cent where at all.
VOLUME_TOLERANCE = 0.01


class EventFacts(NamedTuple):
    """An event and the data that its validations compare.

    Attributes:
        event: the event with its markets.
        config: resolved.
        candles: facts by market ticker.
        reported_f: the target's extreme by the final climate report in whole °F, None without one.
    """

    event: ReplayEvent
    config: Mapping[str, Any]
    candles: CandleFacts
    reported_f: int | None

    def setting(self, name: str, default: float) -> Decimal:
        """A tolerance in the config's section `validations`, as an exact decimal.

        Args:
            name: key in the section.
            default: value if the config sets none.
        """
        value = (self.config["validations"] or {}).get(name)
        return _decimal(default if value is None else value)


@functools.lru_cache(64)
def _decimal(value: float) -> Decimal:
    """Return a setting as the decimal that is written."""
    return Decimal(str(value))


def forecast_known_by_asof(facts: EventFacts) -> Verdict:
    """Check that every probability was known by the as-of time.

    Where decisions use the last probability known at their own time, each is in force from when it is known.
    """
    event = facts.event
    if is_latest(facts.config):
        return None
    known = [(m, m.known_at_ts) for m in event.markets if m.known_at_ts is not None]
    if not known:
        return None
    late = [m for m, known_at_ts in known if known_at_ts > event.asof_ts]
    if late:
        return f"{_names(late)} has a probability that was known after the as-of time {_utc(event.asof_ts)}"
    return ""


def one_climate_date(facts: EventFacts) -> Verdict:
    """Check that all markets belong to one event.

    An event whose ticker does not name the climate date is skipped earlier, as DATE_MAPPING.
    """
    event = facts.event
    tickers = sorted({m.event_ticker for m in event.markets})
    if len(tickers) > 1:
        return f"its markets name {counted(len(tickers), 'event')}: {', '.join(tickers)}"
    beginning = f"{tickers[0]}-"
    foreign = [m for m in event.markets if not m.ticker.startswith(beginning)]
    return f"{_names(foreign)} is no market of {tickers[0]}" if foreign else ""


def one_winner(facts: EventFacts) -> Verdict:
    """Check that exactly one market of the ladder settled YES."""
    markets = facts.event.markets
    if not _is_ladder(markets) or any(m.result not in ("yes", "no") for m in markets):
        return None
    winners = [m for m in markets if m.result == "yes"]
    if len(winners) == 1:
        return ""
    return f"{counted(len(winners), 'market')} settled YES: {_names(winners)}" if winners else "no market settled YES"


def ladder_sums_to_one(facts: EventFacts) -> Verdict:
    """Check that the probabilities of a ladder sum to 1 within the tolerance.

    Where they change they are checked at every whole minute from which they are in force: no decision comes between.
    """
    markets = facts.event.markets
    if not _is_ladder(markets) or any(m.p_pico is None for m in markets):
        return None
    tolerance = facts.setting("probability_sum_tolerance", SUM_TOLERANCE[facts.config["probabilities"]["source"]])
    begin = max(m.start_ts if m.p_from_ts is None else m.p_from_ts for m in markets)
    changes = {ts for m in markets for ts, _ in m.later_p if ts > begin}
    for minute in sorted({-(-ts // _MINUTE) * _MINUTE for ts in {begin, *changes}}):
        total = sum(p for m in markets if (p := m.p_at(minute)) is not None)
        if abs(total - PICO) > tolerance * PICO:
            since = f" from {_utc(minute)} on" if changes else ""
            return f"its probabilities sum to {total / PICO:.9g}{since}"
    return ""


def strikes_tile(facts: EventFacts) -> Verdict:
    """Check that every whole degree settles exactly one market of the ladder."""
    markets = facts.event.markets
    if not _is_ladder(markets):
        return None
    unread = [m for m in markets if m.bounds is None]
    if unread:
        return f"neither strikes nor words of {_names(unread)} say what settles it"
    # Brackets from the coldest to the hottest: lowest and highest degree, ticker.
    ladder = sorted(((*m.bounds, m.ticker) for m in markets if m.bounds), key=_lowest_degree)
    (lowest, _, coldest), (_, highest, hottest) = ladder[0], ladder[-1]
    if lowest is not None:
        return f"nothing settles below {lowest}, where {coldest} begins"
    for (_, end, below), (start, _, above) in itertools.pairwise(ladder):
        if end is None or start is None or start <= end:
            return f"{below} and {above} overlap"
        if start > end + 1:
            return f"nothing settles from {end + 1} to {start - 1}, between {below} and {above}"
    return "" if highest is None else f"nothing settles above {highest}, where {hottest} ends"


def _lowest_degree(bracket: tuple[int | None, int | None, str]) -> float:
    """Lowest degree of a bracket (lowest, highest, ticker); −∞ for an open one."""
    return -math.inf if bracket[0] is None else bracket[0]


def prices_in_bounds(facts: EventFacts) -> Verdict:
    """Check that every price of the event's candles is from 0 to 1 dollar."""
    file = facts.event.file
    if file is None or file.lowest is None or file.highest is None:
        return None
    outside = [price for price in (file.lowest, file.highest) if not 0 <= price <= 1]
    return f"a candle has the price {outside[0]}" if outside else ""


def refetch_changes_nothing(facts: EventFacts) -> Verdict:
    """Check that the candles are those that the fetch recorded, for the markets that the catalog lists now.

    If so, fetching them again would change nothing.
    """
    event, file = facts.event, facts.event.file
    if file is None:
        return None
    # The catalog lists each market once.
    tickers = [m.ticker for m in event.markets]
    listed = dict.fromkeys(tickers)
    if len(listed) < len(tickers):
        twice = [ticker for ticker, times in Counter(tickers).items() if times > 1]
        return f"the catalog lists {', '.join(twice)} twice"
    # Candles are unique, in order, and of listed markets.
    present = {ticker: facts.candles[ticker] for ticker in listed if ticker in facts.candles}
    disordered = [ticker for ticker, candles in present.items() if candles.jumps > 1]
    if disordered:
        return f"the candles of {', '.join(disordered)} are not unique and in order of time"
    rows = {ticker: candles.rows for ticker, candles in present.items()}
    if sum(rows.values()) != file.rows:
        return "its file holds candles of markets that the catalog does not list"
    # Numbers of candles and markets are those in the file's metadata.
    counts = file.metadata.get("rows_per_market", rows)
    if {ticker: count for ticker, count in counts.items() if count} != rows:
        return "its file holds other numbers of candles than its fetch counted"
    fetched = file.metadata.get("markets", listed)
    return "" if set(fetched) == listed.keys() else "its candles were fetched for other markets than the catalog lists"


def daylight_saving(facts: EventFacts) -> Verdict:
    """Check climate day and as-of time against the statute of daylight saving, around a change of the clocks."""
    event, policy = facts.event, facts.config["asof_policy"]
    zone, day = event.station.timezone, event.climate_date
    asof_date = day - dt.timedelta(days=policy["days_before"])
    if zone not in statutory_clocks.STANDARD_HOURS or not any(map(statutory_clocks.near_a_change, (day, asof_date))):
        return None
    midnights = tuple(statutory_clocks.standard_midnight_ts(zone, day + dt.timedelta(days=n)) for n in (0, 1))
    if midnights != climate_days.climate_day_bounds(event.station, day):
        return f"its climate day must run from {_utc(midnights[0])} to {_utc(midnights[1])}"
    asof = statutory_clocks.civil_ts(zone, asof_date, dt.time.fromisoformat(policy["local_time"]))
    return "" if asof == event.asof_ts else f"its as-of time is {_utc(event.asof_ts)} and must be {_utc(asof)}"


def station_known(facts: EventFacts) -> Verdict:
    """Check that the station's standard time is that of its time zone.

    An event whose ticker belongs to no series of the station is skipped earlier, as DATE_MAPPING.
    """
    event, station = facts.event, facts.event.station
    if _winter_offset(station.timezone, event.climate_date.year) != dt.timedelta(hours=station.lst_offset_hours):
        return f"standard time of {station.timezone} is not {station.lst_offset_hours} hours from UTC"
    return ""


@functools.cache
def _winter_offset(zone: str, year: int) -> dt.timedelta | None:
    """Local time minus UTC in January of a year."""
    return dt.datetime(year, 1, 15, tzinfo=ZoneInfo(zone)).utcoffset()


def volume_in_bounds(facts: EventFacts) -> Verdict:
    """Check that the candles of a market trade no more contracts than the market did."""
    allowed = 1 + facts.setting("volume_tolerance", VOLUME_TOLERANCE)
    traded = facts.candles
    known = [(m.ticker, traded[m.ticker].volume, m.volume) for m in facts.event.markets if m.ticker in traded]
    judged = [(ticker, candles, volume) for ticker, candles, volume in known if volume is not None]
    above = [
        f"{ticker} trades {_contracts(candles):,} contracts in its candles, {_contracts(volume)} in all"
        for ticker, candles, volume in judged
        if candles > allowed * volume
    ]
    return "; ".join(above) if judged else None


def settlement_matches_report(facts: EventFacts) -> Verdict:
    """Check that every market settled as the final climate report requires."""
    reported_f = facts.reported_f
    judged = [(m, m.bounds) for m in facts.event.markets if m.bounds is not None and m.result in ("yes", "no")]
    if reported_f is None or not judged:
        return None
    wrong = [m for m, bounds in judged if (m.result == "yes") != settles_yes_at(bounds, reported_f)]
    results = ", ".join(f"{m.ticker} {m.result}" for m in wrong)
    return f"the climate report says {reported_f} °F, the exchange {results}" if wrong else ""


def _is_ladder(markets: tuple[ReplayMarket, ...]) -> bool:
    """Whether markets form a ladder of brackets.

    ASSUME: two and more markets of a day exclude each other; a single one ("80° or above", until 2022) is no ladder.
    """
    return len(markets) > 1


def _contracts(hundredths: int) -> Decimal:
    """A number of contracts × 100 as the number of contracts."""
    return Decimal(hundredths).scaleb(-2)


def _names(markets: list[ReplayMarket]) -> str:
    """Tickers of markets, joined by commas."""
    return ", ".join(m.ticker for m in markets)


def _utc(ts: int) -> str:
    """An instant in Unix seconds as text."""
    return f"{dt.datetime.fromtimestamp(ts, dt.UTC):%Y-%m-%d %H:%MZ}"
