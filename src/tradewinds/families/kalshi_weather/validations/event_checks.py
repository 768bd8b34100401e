"""The validations of an event that can be judged before anything is replayed, one function each.

A check answers with the sentence that says what is wrong, "" when all is well, and None when it cannot judge the event.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tradewinds.core.units import PICO
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.events import Market, MarketEvent
from tradewinds.families.kalshi_weather.validations import statutory_clocks
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFacts

Verdict = str | None

# What a ladder's probabilities may miss 1 by: the forecast's own are exact but for rounding, users round to a digit or two.
SUM_TOLERANCE = {"gaussian": 1e-9, "file": 0.02}
# What candles may trade above the market's own volume: recorded markets differ by a fraction of a per cent where at all.
VOLUME_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Subject:
    """An event and what is known about it: the config, facts of its candles, the reported extreme (whole °F) if final."""

    event: MarketEvent
    config: Mapping[str, Any]
    candles: CandleFacts
    reported_f: int | None

    def setting(self, name: str, default: float) -> Decimal:
        """A tolerance of the config's `validations`, exact."""
        value = (self.config["validations"] or {}).get(name)
        return Decimal(str(default if value is None else value))


def forecast_known_by_asof(subject: Subject) -> Verdict:
    """No probability was known later than the as-of time."""
    event = subject.event
    known = [m for m in event.markets if m.known_at_ts is not None]
    if not known:
        return None
    late = [m for m in known if m.known_at_ts is not None and m.known_at_ts > event.asof_ts]
    return f"{_names(late)} has a probability that was known after the as-of time {_utc(event.asof_ts)}" if late else ""


def one_climate_date(subject: Subject) -> Verdict:
    """All markets belong to one event. (That its ticker names the climate date is seen before: DATE_MAPPING.)"""
    event = subject.event
    tickers = sorted({m.event_ticker for m in event.markets})
    if len(tickers) > 1:
        return f"its markets name {len(tickers)} events: {', '.join(tickers)}"
    strangers = [m for m in event.markets if not m.ticker.startswith(f"{m.event_ticker}-")]
    return f"{_names(strangers)} is no market of {tickers[0]}" if strangers else ""


def one_winner(subject: Subject) -> Verdict:
    """Exactly one market of the ladder settled YES."""
    markets = subject.event.markets
    if not _is_ladder(markets) or any(m.result not in ("yes", "no") for m in markets):
        return None
    winners = [m for m in markets if m.result == "yes"]
    if len(winners) == 1:
        return ""
    return f"{len(winners)} markets settled YES: {_names(winners)}" if winners else "no market settled YES"


def ladder_sums_to_one(subject: Subject) -> Verdict:
    """The probabilities of a ladder sum to 1 within the tolerance."""
    markets = subject.event.markets
    known = [m.p_pico for m in markets if m.p_pico is not None]
    if not _is_ladder(markets) or len(known) < len(markets):
        return None
    tolerance = subject.setting("probability_sum_tolerance", SUM_TOLERANCE[subject.config["probabilities"]["source"]])
    total = sum(known)
    return "" if abs(total - PICO) <= tolerance * PICO else f"its probabilities sum to {total / PICO:.9g}"


def strikes_tile(subject: Subject) -> Verdict:
    """Every whole degree settles exactly one market of the ladder."""
    markets = subject.event.markets
    if not _is_ladder(markets):
        return None
    unread = [m for m in markets if m.bounds is None]
    if unread:
        return f"neither strikes nor words of {_names(unread)} say what settles it"
    ladder = sorted(((*m.bounds, m.ticker) for m in markets if m.bounds), key=_lowest)
    (lowest, _, bottom), (_, highest, top) = ladder[0], ladder[-1]
    if lowest is not None:
        return f"nothing settles below {lowest}, where {bottom} begins"
    for (_, end, below), (start, _, above) in itertools.pairwise(ladder):
        if end is None or start is None or start <= end:
            return f"{below} and {above} overlap"
        if start > end + 1:
            return f"nothing settles from {end + 1} to {start - 1}, between {below} and {above}"
    return "" if highest is None else f"nothing settles above {highest}, where {top} ends"


def _lowest(rung: tuple[int | None, int | None, str]) -> float:
    return -math.inf if rung[0] is None else rung[0]


def prices_in_bounds(subject: Subject) -> Verdict:
    """Every price of the event's candles is from 0 to 1."""
    file = subject.event.file
    if file is None or file.lowest is None or file.highest is None:
        return None
    outside = [price for price in (file.lowest, file.highest) if not 0 <= price <= 1]
    return f"a candle has the price {outside[0]}" if outside else ""


def refetch_changes_nothing(subject: Subject) -> Verdict:
    """The candles are what their fetch said it wrote, for the markets that the catalog lists now."""
    event, file = subject.event, subject.event.file
    if file is None:
        return None
    listed = Counter(m.ticker for m in event.markets)
    twice = [ticker for ticker, times in listed.items() if times > 1]
    if twice:
        return f"the catalog lists {', '.join(twice)} twice"
    found = {t: subject.candles[t] for t in listed if t in subject.candles}
    disordered = [ticker for ticker, candles in found.items() if candles.jumps > 1]
    if disordered:
        return f"the candles of {', '.join(disordered)} are not unique and in order of time"
    rows = {ticker: candles.rows for ticker, candles in found.items()}
    if sum(rows.values()) != file.rows:
        return "its file holds candles of markets that the catalog does not list"
    counts = file.said.get("rows_per_market", rows)
    if {ticker: count for ticker, count in counts.items() if count} != rows:
        return "its file holds other numbers of candles than its fetch counted"
    fetched = file.said.get("markets", listed)
    return "" if set(fetched) == set(listed) else "its candles were fetched for other markets than the catalog lists"


def daylight_saving(subject: Subject) -> Verdict:
    """Around a change of the clocks, climate day and as-of time are those that the law of daylight saving gives."""
    event, policy = subject.event, subject.config["asof_policy"]
    zone, day = event.station.timezone, event.climate_date
    asof_date = day - dt.timedelta(days=policy["days_before"])
    if zone not in statutory_clocks.STANDARD_HOURS or not any(map(statutory_clocks.near_a_change, (day, asof_date))):
        return None
    midnights = tuple(statutory_clocks.standard_midnight_ts(zone, day + dt.timedelta(days=n)) for n in (0, 1))
    if midnights != climate_days.climate_day_bounds(event.station, day):
        return f"its climate day must run from {_utc(midnights[0])} to {_utc(midnights[1])}"
    asof = statutory_clocks.civil_ts(zone, asof_date, dt.time.fromisoformat(policy["local_time"]))
    return "" if asof == event.asof_ts else f"its as-of time is {_utc(event.asof_ts)} and must be {_utc(asof)}"


def station_known(subject: Subject) -> Verdict:
    """The station's standard time is that of its time zone. (That the ticker is one of its series: DATE_MAPPING.)"""
    event, station = subject.event, subject.event.station
    offset = dt.datetime(event.climate_date.year, 1, 15, tzinfo=ZoneInfo(station.timezone)).utcoffset()
    if offset != dt.timedelta(hours=station.lst_offset_hours):
        return f"standard time of {station.timezone} is not {station.lst_offset_hours} hours from UTC"
    return ""


def volume_in_bounds(subject: Subject) -> Verdict:
    """The candles of a market trade no more than the market did."""
    most = 1 + subject.setting("volume_tolerance", VOLUME_TOLERANCE)
    traded = subject.candles
    known = [(m, traded[m.ticker].volume, m.volume) for m in subject.event.markets if m.ticker in traded]
    judged = [(market, candles, volume) for market, candles, volume in known if volume is not None]
    above = [
        f"{market.ticker} trades {candles} contracts in its candles, {volume} in all"
        for market, candles, volume in judged
        if candles > most * volume
    ]
    return "; ".join(above) if judged else None


def settlement_matches_report(subject: Subject) -> Verdict:
    """Every market settled as the final climate report says."""
    value = subject.reported_f
    markets = [m for m in subject.event.markets if m.bounds is not None and m.result in ("yes", "no")]
    if value is None or not markets:
        return None
    wrong = [m for m in markets if (m.result == "yes") != _inside(m, value)]
    results = ", ".join(f"{m.ticker} {m.result}" for m in wrong)
    return f"the climate report says {value} °F, the exchange {results}" if wrong else ""


def _is_ladder(markets: tuple[Market, ...]) -> bool:
    """ASSUME: two and more markets of a day exclude each other; a single one ("80° or above", until 2022) does not."""
    return len(markets) > 1


def _inside(market: Market, value: int) -> bool:
    low, high = market.bounds or (None, None)
    return (low is None or low <= value) and (high is None or value <= high)


def _names(markets: list[Market]) -> str:
    return ", ".join(m.ticker for m in markets)


def _utc(ts: int) -> str:
    return f"{dt.datetime.fromtimestamp(ts, dt.UTC):%Y-%m-%d %H:%MZ}"
