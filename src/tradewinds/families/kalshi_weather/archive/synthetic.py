"""A small archive of invented weather and order books that react to it. The same seed gives the same bytes.

Weather: a seasonal mean with an autoregressive anomaly; three guidance models that see the truth with a bias and an error;
hourly readings of the days with events.
Order books: the crowd starts from a noisy guess of the day's extreme, learns the truth through the day with some lag,
and quotes each bracket's probability with a spread, in whole cents. Candles exist only where something changed. A side of
a book is empty when the outcome is as good as certain. One event of each series has a hole of two hours, one event has no
candle, and one date is not listed.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import (
    CANDLES,
    GUIDANCE,
    MARKETS,
    OBSERVATIONS,
    EventArchiveWriter,
)
from tradewinds.families.kalshi_weather.archive.recorded_weather import climate_row
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.distribution import normal_cdf

SERIES = ("KXHIGHCHI", "KXHIGHMIA")
FIRST, LAST = dt.date(2025, 3, 4), dt.date(2025, 3, 14)  # daylight saving begins on March 9
HISTORY_DAYS = 740  # as far back as a forecast looks; the last RECENT_DAYS of them have a stream of their own
RECENT_DAYS = 100
UNLISTED = dt.date(2025, 3, 7)  # of the first series
WITHOUT_CANDLES = dt.date(2025, 3, 12)  # of the second
HOLE = dt.date(2025, 3, 6)  # two hours without candles, every series

# mean of the coldest day, half the yearly swing, day-to-day spread of the anomaly (°F)
_CLIMATE = {"KMDW": (26.0, 29.0, 7.0), "KMIA": (74.0, 8.0, 3.0)}
_PERSISTENCE = 0.65
_GUIDANCE = {"GFS": (1.2, 2.4), "NAM": (-0.8, 2.8)}  # bias and error in °F
_BLEND = {"NBS": (-0.5, 1.9)}  # came later, with random numbers of its own, so that the others' stay what they were
_CROWD_ERROR_F = 1.1
_LAG_MINUTES = 40
_EXCHANGE = ZoneInfo("America/New_York")

Row = dict[str, Any]


def make_synthetic(
    out: str | Path,
    *,
    seed: int = 7,
    series: tuple[str, ...] = SERIES,
    first: dt.date = FIRST,
    last: dt.date = LAST,
) -> None:
    """Write an archive of invented events, with a history of weather before them.

    Args:
        out: the archive's folder.
        seed: the same seed makes the same bytes.
        series: the series.
        first: the first climate date with events.
        last: the last climate date with events.
    """
    # weather, and every event's markets and candles; each part has its own stream of random numbers
    writer = EventArchiveWriter(out, note=f"synthetic, seed {seed}")
    markets: list[Row] = []
    guidance: list[Row] = []
    climate: list[Row] = []
    readings: list[Row] = []
    for number, ticker in enumerate(series):
        station = climate_days.station_of(ticker)
        recent = first - dt.timedelta(days=RECENT_DAYS)
        spans = (("older ", first - dt.timedelta(days=HISTORY_DAYS), recent - dt.timedelta(days=1)), ("", recent, last))
        highs: dict[dt.date, int] = {}
        for age, since, until in spans:
            seen = _highs(random.Random(f"{seed} {ticker} {age}weather"), station, since, until)
            for stream, models in (("guidance", _GUIDANCE), ("blend", _BLEND)):
                guidance += _guidance(random.Random(f"{seed} {ticker} {age}{stream}"), station, seen, models)
            highs |= seen
        climate += _reports(station, highs)
        readings += _readings(random.Random(f"{seed} {ticker} readings"), station, highs, first, last)
        for day in climate_days.date_range(first, last):
            if not (number == 0 and day == UNLISTED):
                silent = number == 1 and day == WITHOUT_CANDLES
                markets += _event(writer, random.Random(f"{seed} {ticker} {day}"), station, day, highs[day], silent)
    # all but the candles, which are written event by event
    writer.add_series(market_objects.series_object(ticker) for ticker in series)
    events = sorted({(row["series_ticker"], row["event_ticker"]) for row in markets})
    writer.add_events([market_objects.event_row(*pair) for pair in events])
    writer.add_markets(pa.Table.from_pylist(markets, MARKETS))
    writer.add_guidance(pa.Table.from_pylist(guidance, GUIDANCE))
    writer.add_climate(pa.Table.from_pylist(climate, schemas.CLIMATE))
    writer.add_observations(pa.Table.from_pylist(readings, OBSERVATIONS))


def _highs(rng: random.Random, station: Station, first: dt.date, last: dt.date) -> dict[dt.date, int]:
    """Daily highs in whole °F: a season, and an anomaly that persists from day to day."""
    coldest, swing, spread = _CLIMATE.get(station.station_id, (50.0, 20.0, 6.0))
    anomaly, highs = 0.0, {}
    for day in climate_days.date_range(first, last):
        anomaly = _PERSISTENCE * anomaly + rng.gauss(0, spread * math.sqrt(1 - _PERSISTENCE**2))
        season = (1 - math.cos((day.timetuple().tm_yday - 20) / 365 * 2 * math.pi)) * swing
        highs[day] = round(coldest + season + anomaly)
    return highs


def _guidance(
    rng: random.Random, station: Station, highs: dict[dt.date, int], models: dict[str, tuple[float, float]]
) -> list[Row]:
    """Some models' forecasts of every day's maximum, from the 12Z run of the day before.

    Args:
        rng: the models' stream of random numbers.
        station: where the temperature is taken.
        highs: the truth by date in °F.
        models: bias and error of each in °F.
    """
    rows = []
    for model, (bias, error) in models.items():
        for day, high in highs.items():
            midnight = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
            spread = round(error * rng.uniform(0.6, 1.4), 1) if model in schemas.OWN_SPREAD else None
            seen = float(round(high + bias + rng.gauss(0, error if spread is None else spread)))
            times = {"runtime_ts": midnight - 43_200, "ftime_ts": midnight + 86_400}
            extreme = {"n_x_f": seen, "tmp_f": None, "n_x_sd_f": spread}
            rows.append({"station_id": station.station_id, "model": model, **times, **extreme})
    return rows


def _reports(station: Station, highs: dict[dt.date, int]) -> list[Row]:
    """Final climate reports, 35 minutes after each climate day."""
    rows = []
    for day, high in highs.items():
        end = dt.datetime.fromtimestamp(climate_days.climate_day_bounds(station, day)[1], dt.UTC)
        rows.append(climate_row(station, day, high, high - 18, end + dt.timedelta(minutes=35)))
    return rows


def _readings(
    rng: random.Random, station: Station, highs: dict[dt.date, int], first: dt.date, last: dt.date
) -> list[Row]:
    """A reading 7 minutes before every full hour: a course of the day that is coldest at 6 and warmest at 15 o'clock.

    Stations measure whole °F and report tenths of °C. The hour of the highest temperature may be missed by a degree.

    Args:
        rng: the readings' own stream of random numbers.
        station: where the temperature is taken.
        highs: the day's maximum in °F, by date.
        first: first climate date with readings.
        last: last one.
    """
    rows = []
    for day in climate_days.date_range(first, last):
        begin, _ = climate_days.climate_day_bounds(station, day)
        missed = rng.choice((0, 0, 1))
        for hour in range(1, 25):
            from_warmest = abs(hour - 15) / (9 if hour < 15 else 15)
            degrees = highs[day] - missed - round(18 * (1 - math.cos(min(1.0, from_warmest) * math.pi)) / 2)
            tenths = round((degrees - 32) / 1.8, 1)
            row = {"valid_ts": begin + hour * 3600 - 420, "tmp_f": round(tenths * 1.8 + 32, 2)}
            rows.append({"station_id": station.station_id, **row})
    return rows


def _event(
    writer: EventArchiveWriter, rng: random.Random, station: Station, day: dt.date, high: int, silent: bool
) -> list[Row]:
    """Write an event's candles into the archive, and return its markets.

    Args:
        writer: of the archive.
        rng: the event's own stream of random numbers.
        station: where the temperature is taken.
        day: the climate date.
        high: the day's maximum in °F.
        silent: the event has no candles.
    """
    # brackets around the crowd's first guess, and the times of the event
    event = climate_days.event_ticker_of(station.series_ticker, day)
    guess = high + rng.gauss(0, _CROWD_ERROR_F)
    ladder = _ladder(event, round(guess) + rng.choice((-1, 0, 1)))
    day_start, day_end = climate_days.climate_day_bounds(station, day)
    opened = dt.datetime.combine(day - dt.timedelta(days=1), dt.time(10), _EXCHANGE).astimezone(dt.UTC)
    closed = dt.datetime.fromtimestamp(day_end - 60, dt.UTC)
    window = (int(opened.timestamp()), int(closed.timestamp()))
    totals = {ticker: ("0.00", "0.00") for ticker, *_ in ladder}
    # candles of each market, from one course of belief
    if not silent:
        belief = list(_beliefs(rng, guess, high, window, day_start))
        edges = [
            (-math.inf if low is None else low - 0.5, math.inf if top is None else top + 0.5) for _, low, top in ladder
        ]
        below = {edge: _chances_below(edge, belief) for edge in {edge for pair in edges for edge in pair}}
        minutes = [ts for ts, _, _ in belief]
        tables = []
        for (ticker, _, _), (lower, upper) in zip(ladder, edges, strict=True):
            chances = [max(0.0, up - down) for up, down in zip(below[upper], below[lower], strict=True)]
            candles = list(_candles(rng, minutes, chances, day == HOLE))
            volumes = [candle.volume for candle in candles]
            totals[ticker] = (f"{sum(volumes)}.00", f"{candles[-1].interest}.00")
            tables.append(_candle_table(ticker, candles))
        writer.add_candles(station.series_ticker, event, pa.concat_tables(tables))
    settled = dt.datetime.fromtimestamp(day_end + 8 * 3600, dt.UTC)
    return [_market(station, event, item, high, opened, closed, settled, totals[item[0]]) for item in ladder]


Bracket = tuple[str, int | None, int | None]


def _ladder(event: str, centre: int) -> list[Bracket]:
    """Six brackets that tile the whole degrees around a centre: a tail, four of two degrees, a tail."""
    low = centre - 4
    pairs: list[Bracket] = [(f"{event}-B{low + 2 * i}.5", low + 2 * i, low + 2 * i + 1) for i in range(4)]
    return [(f"{event}-T{low}", None, low - 1), *pairs, (f"{event}-T{low + 7}", low + 8, None)]


def _market(
    station: Station,
    event: str,
    bracket: Bracket,
    high: int,
    opened: dt.datetime,
    closed: dt.datetime,
    settled: dt.datetime,
    totals: tuple[str, str],
) -> Row:
    """A row of the archive's markets.

    Args:
        station: where the temperature is taken.
        event: the event's ticker.
        bracket: the market's ticker, lowest and highest degree inside; None where it is open.
        high: the day's maximum in °F.
        opened: first instant of trading.
        closed: last instant of trading.
        settled: when it was settled.
        totals: volume and open interest, as the API writes counts.
    """
    # the exchange's strikes: a bracket open to one side pays beyond the strike, a closed one from floor to cap
    ticker, low, top = bracket
    kind = "less" if low is None else "greater" if top is None else "between"
    floor = None if low is None else low - 1 if kind == "greater" else low
    cap = None if top is None else top + 1 if kind == "less" else top
    inside = (low is None or low <= high) and (top is None or high <= top)
    return market_objects.market_row(
        series_ticker=station.series_ticker,
        event_ticker=event,
        market_ticker=ticker,
        strike_type=kind,
        floor=floor,
        cap=cap,
        yes_sub_title=market_objects.subtitle(kind, floor, cap),
        result="yes" if inside else "no",
        open_time=opened,
        close_time=closed,
        settlement_ts=settled,
        volume=totals[0],
        open_interest=totals[1],
        expiration_value=f"{high:.2f}",
    )


def _beliefs(
    rng: random.Random, guess: float, high: int, window: tuple[int, int], day_start: int
) -> Iterator[tuple[int, float, float]]:
    """What the crowd believes of the day's maximum, minute by minute: it learns towards mid-afternoon, with a lag, and wavers.

    Args:
        rng: the event's stream of random numbers.
        guess: the first belief in °F.
        high: the truth in °F.
        window: first and last instant of trading in Unix seconds.
        day_start: begin of the climate day in Unix seconds.

    Yields:
        End of the minute in Unix seconds, mean and spread of the belief in °F.
    """
    waver = 0.0
    for ts in range(window[0] + 60, window[1] + 60, 60):
        hour = (ts - _LAG_MINUTES * 60 - day_start) / 3600  # of the climate day; negative the day before
        learnt = 1 / (1 + math.exp(-(hour - 12.5) / 1.6))
        waver = 0.98 * waver + rng.gauss(0, 0.12)
        yield ts, guess + (high - guess) * learnt + waver * (1 - learnt), 0.12 + _CROWD_ERROR_F * (1 - learnt)


def _chances_below(edge: float, beliefs: list[tuple[int, float, float]]) -> list[float]:
    """The probability, under each of some normal beliefs, that the day's maximum is below `edge` °F."""
    if math.isinf(edge):
        return [float(edge > 0)] * len(beliefs)
    return [normal_cdf((edge - mean) / spread) for _, mean, spread in beliefs]


class _Candle(NamedTuple):
    """A minute of a market: Unix seconds of its end, prices in cents, and counts of contracts.

    Attributes:
        ts: end of the minute.
        opened: bid and ask at its begin.
        closed: bid and ask at its end.
        paid: price of its trades; None without a trade.
        previous: price of the last trade before it.
        volume: contracts traded in it.
        interest: contracts held at its end.
    """

    ts: int
    opened: tuple[int, int]
    closed: tuple[int, int]
    paid: int | None
    previous: int | None
    volume: int
    interest: int


def _candles(rng: random.Random, minutes: list[int], chances: list[float], hole: bool) -> Iterator[_Candle]:
    """A market's candles: only of minutes in which its quote moved or a trade happened.

    Args:
        rng: the event's stream of random numbers.
        minutes: their ends in Unix seconds.
        chances: the crowd's probability of the market in each.
        hole: leave out two hours.
    """
    last: tuple[int, int] | None = None
    price, interest = None, 0
    for number, (ts, chance) in enumerate(zip(minutes, chances, strict=True)):
        quote = _quote(rng, chance)
        volume = rng.randint(1, 60) if rng.random() < 0.06 else 0
        if hole and 600 <= number < 720:
            continue
        if quote == last and not volume:
            continue
        # the trade, at bid or ask; not on an empty side
        paid = (quote[1] if rng.random() < 0.5 else quote[0]) if volume else None
        if paid in (0, 100):
            paid, volume = None, 0
        interest += volume
        yield _Candle(ts, last or (0, 100), quote, paid, price, volume, interest)
        price = paid if paid is not None else price
        last = quote


def _quote(rng: random.Random, p: float) -> tuple[int, int]:
    """Bid and ask in cents around a probability; 0 and 100 are empty sides.

    Spreads are wider in the middle. A coarse grid there makes quotes stay for several minutes.
    """
    mid = round(p * 50) * 2 if 0.06 < p < 0.94 else p * 100
    half = 1 + (1.0 if 0.15 < p < 0.85 else 0.0) + (1.0 if rng.random() < 0.03 else 0.0)
    return max(0, math.floor(mid - half)), min(100, math.ceil(mid + half))


def _candle_table(ticker: str, candles: list[_Candle]) -> pa.Table:
    """Candles of a market as rows of schema CANDLES."""
    times, opened, closed, paid, previous, volumes, interests = zip(*candles, strict=True)
    columns: dict[str, Any] = {
        "market_ticker": [ticker] * len(candles),
        "end_period_ts": times,
        "price_previous": _dollars(previous),
        "volume": _counts(volumes),
        "open_interest": _counts(interests),
    }
    # of both sides of the book: first, highest, lowest and last price
    for number, side in enumerate(("yes_bid", "yes_ask")):
        first, last = ([quote[number] for quote in quotes] for quotes in (opened, closed))
        for name, cents in (
            ("open", first),
            ("high", map(max, first, last)),
            ("low", map(min, first, last)),
            ("close", last),
        ):
            columns[f"{side}_{name}"] = _dollars(cents)
    # all trades of a minute have one price
    price = _dollars(paid)
    columns |= {f"price_{name}": price for name in ("open", "high", "low", "close", "mean")}
    return pa.table(columns, schema=CANDLES)


_PRICES = pa.array([Decimal(cents) / 100 for cents in range(101)], CANDLES.field("yes_bid_open").type)


def _dollars(cents: Iterable[int | None]) -> pa.Array:
    """Prices from 0 to 100 cents in dollars; None stays None."""
    return _PRICES.take(pa.array(cents, pa.int8()))


def _counts(contracts: Sequence[int]) -> pa.Array:
    """Numbers of contracts as the API counts them."""
    return pa.array(contracts, pa.int32()).cast(CANDLES.field("volume").type)
