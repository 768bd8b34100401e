"""Scores of probabilities by lead: of what was in force some hours before the close, beside the price of the same instant.

They are for runs whose probabilities change (`asof_policy.mode: latest`): the same market is scored once at every lead.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.calibration.scores import (
    MARKET_PRICE,
    MODEL,
    ScoredMarket,
    brier_parts,
    mean_log_loss,
    skill,
)
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import close_of
from tradewinds.families.kalshi_weather.forecasts.running_law import Law, Running, RunningLaw
from tradewinds.families.kalshi_weather.pooling.asof_quotes import AsofQuote, quotes_at
from tradewinds.families.kalshi_weather.pooling.price_ladders import station_label

LEADS = (36, 30, 24, 18, 15, 12, 9, 6, 4, 2, 1)  # hours before the close
_HOUR = 3600
_TAIL = (
    40  # whole degrees on either side of the observed one, beyond which a law's probability is left out of its scores
)

Row = Mapping[str, Any]


class LeadDay(NamedTuple):
    """A law that was in force at a lead, and what came: the law, and the observed extreme in whole °F."""

    law: Law
    observed_f: int


def lead_scores(
    catalogs: Mapping[str, Mapping[dt.date, Sequence[Row]]],
    candles: Mapping[tuple[str, dt.date], str],
    probabilities: Iterable[Row],
    observed: Mapping[str, Mapping[dt.date, float]],
    missed_sigma_f: float,
    seed: int,
) -> list[dict[str, Any]]:
    """The key `leads` of calibration.json: a mapping per lead at which a market has a probability, the longest lead first.

    Args:
        catalogs: rows of the listed markets by series and climate date: market_ticker, climate_date, result, close_time.
        candles: path per (series, climate date).
        probabilities: rows of the table (columns: schemas.LATEST_PROBABILITIES), of each market in order of their times.
        observed: extreme by final reports in °F, by series and climate date.
        missed_sigma_f: as `RunningLaw.missed_sigma_f`.
        seed: of the bootstrap.

    Returns:
        `hours_before_close`; `probabilities`: by source (model, market) `n`, `brier`, `log_loss`, on the markets that have both
        if there are any, else on all; `against_market` as `scores.skill`; `temperatures`: `n`, `mae_f`, `bias_f`, `crps_f` of
        the laws with their readings.
    """
    timelines = _Timelines.of(probabilities)
    found = {hours: _Scored([], {}) for hours in LEADS}
    for series, by_date in catalogs.items():
        station = climate_days.station_of(series)
        label = station_label(station)
        # what was in force and quoted so long before the last market's close
        closes = {day: max(close_of(market) for market in listed) for day, listed in by_date.items()}
        asked = {
            (day, hours): (candles.get((series, day), ""), close_ts - hours * _HOUR)
            for day, close_ts in closes.items()
            for hours in LEADS
        }
        quotes = quotes_at([one for one in asked.values() if one[0]])
        for day, listed in by_date.items():
            for hours in LEADS:
                path, ts = asked[day, hours]
                in_force = timelines.at([market["market_ticker"] for market in listed], ts)
                found[hours].markets.extend(_markets(label, day, hours, listed, in_force, quotes.get((path, ts), {})))
                with_law = next((row for row in in_force.values() if row["law"] or row["is_over"]), None)
                if with_law is not None and day in observed[series]:
                    law = _law_of(station, with_law, missed_sigma_f)
                    found[hours].days[label, day] = LeadDay(law, round(observed[series][day]))
    return [_scores(hours, one.markets, [*one.days.values()], seed) for hours, one in found.items() if one.markets]


class _Scored(NamedTuple):
    """What is scored at a lead: markets, and laws by station and climate date."""

    markets: list[ScoredMarket]
    days: dict[tuple[str, dt.date], LeadDay]


def _markets(
    label: str,
    day: dt.date,
    hours: int,
    listed: Sequence[Row],
    in_force: Mapping[str, Row],
    quotes: Mapping[str, AsofQuote],
) -> Iterator[ScoredMarket]:
    """The markets of an event that have a result and a probability at a lead.

    Args:
        label: station and target.
        day: climate date.
        hours: the lead.
        listed: the event's markets.
        in_force: rows of probabilities by ticker.
        quotes: by ticker.
    """
    for market in listed:
        row, quote = in_force.get(market["market_ticker"]), quotes.get(market["market_ticker"])
        if row is not None and market["result"] in ("yes", "no"):
            p = {MODEL: float(row["p_yes"])} | ({MARKET_PRICE: quote.mid} if quote else {})
            yield ScoredMarket(label, day, hours, market["result"] == "yes", p)


class _Timelines(NamedTuple):
    """Rows of the table of probabilities by ticker, in order of their times, and these times."""

    rows: dict[str, list[Row]]
    known_at: dict[str, list[int]]

    @classmethod
    def of(cls, probabilities: Iterable[Row]) -> _Timelines:
        """Group rows that are in order of their times."""
        rows: dict[str, list[Row]] = {}
        for row in probabilities:
            rows.setdefault(row["market_ticker"], []).append(row)
        return cls(rows, {ticker: [row["known_at_ts"] for row in found] for ticker, found in rows.items()})

    def at(self, tickers: Iterable[str], ts: int) -> dict[str, Row]:
        """The row of each ticker that is in force at an instant; tickers without one are left out."""
        places = {ticker: bisect.bisect_right(self.known_at.get(ticker, ()), ts) for ticker in tickers}
        return {ticker: self.rows[ticker][place - 1] for ticker, place in places.items() if place}


def _law_of(station: Station, row: Row, missed_sigma_f: float) -> Law:
    """The law from which a row's probability was computed."""
    distribution = Distribution.from_rows(row["law"]) if row["law"] else None
    if row["reached_f"] is None and distribution is not None:
        return distribution
    running = Running(row["reached_f"], 0, 0, row["known_at_ts"], 1, bool(row["is_over"]))
    return RunningLaw(distribution, station.target, running, row["short_f"], missed_sigma_f)


def _scores(hours: int, markets: Sequence[ScoredMarket], days: Sequence[LeadDay], seed: int) -> dict[str, Any]:
    """The scores of one lead."""
    priced = [market for market in markets if MARKET_PRICE in market.p] or markets
    by_source = {}
    for source in (MODEL, MARKET_PRICE):
        p = np.array([market.p[source] for market in priced if source in market.p])
        yes = np.array([market.yes for market in priced if source in market.p], float)
        if len(p):
            by_source[source] = {
                "n": len(p),
                "brier": brier_parts(p, yes)["brier"],
                "log_loss": mean_log_loss(p, yes),
            }
    return {
        "hours_before_close": hours,
        "probabilities": by_source,
        "against_market": skill(markets, MARKET_PRICE, seed),
        "temperatures": _temperatures(days),
    }


def _temperatures(days: Sequence[LeadDay]) -> dict[str, Any] | None:
    """Scores of laws of whole degrees, None without one.

    The settled temperature is a whole number, so CRPS = Σ over whole degrees k of (P(at most k) − [observed ≤ k])².
    """
    if not days:
        return None
    crps, medians, means = [], [], []
    for law, observed_f in days:
        degrees = range(observed_f - _TAIL, observed_f + _TAIL + 1)
        at_most = np.array([law.cdf(k + 0.5) for k in degrees])
        crps.append(float(((at_most - (np.array(degrees) >= observed_f)) ** 2).sum()))
        medians.append(degrees[min(int(np.searchsorted(at_most, 0.5)), len(degrees) - 1)] - observed_f)
        mass = np.diff(at_most, prepend=0.0)
        means.append(float((mass * (np.array(degrees) - observed_f)).sum() / max(mass.sum(), 1e-12)))
    return {
        "n": len(days),
        "mae_f": float(np.abs(medians).mean()),
        "bias_f": float(np.mean(means)),
        "crps_f": float(np.mean(crps)),
    }
