"""The chart of one event: bid and ask of each bracket, the model's probability, fills and settlement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.files import read_rows, read_table
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import EventsPlan, PlannedEvent, events_plan
from tradewinds.results.report.parts import Plot, listed
from tradewinds.results.report.run import ReportRun

SHOWN = 5  # events that a message names


def event_plot(run: ReportRun, name: str, day: dt.date | None) -> Plot:
    """Return the chart of an event, with a row for each of its markets.

    Args:
        run: the run.
        name: event ticker, or the ticker of its series with a day.
        day: climate date of the event; None with an event ticker.

    Raises:
        ConfigError: the run has no such event.
        DataMissing: the event's candles or catalog are not in the working folder.
    """
    plan = events_plan(resolve.resolve(dict(run.config)))
    event = _event_of(plan, name, day)
    catalog = plan.files.catalogs[event.series_ticker]
    for path in (event.path, catalog, plan.files.probabilities):
        if not Path(path).exists():
            remedy = "Work in the folder in which the run was made, or run its config again."
            raise DataMissing("this file of the run is not here.", where=path, remedy=remedy)
    # The markets of the event in the order of their temperatures, each with what is known of it.
    markets = [row for row in read_rows(catalog) if row["climate_date"] == event.climate_date]
    markets.sort(key=_bottom)
    known = {row["market_ticker"]: row for row in read_rows(plan.files.probabilities)}
    fills, candles = _fills(run, [row["market_ticker"] for row in markets]), read_table(event.path)
    rows = [_market(row, candles, known.get(row["market_ticker"]), fills) for row in markets]
    title = f"{climate_days.event_ticker_of(event.series_ticker, event.climate_date)}: bid, ask and probability of YES"
    caption = "Triangles are purchases: up of YES, down of NO, at the price of YES. Diamonds are settlements."
    return Plot("event", title, "quotes", {"markets": rows}, ("", run.currency), caption)


def _event_of(plan: EventsPlan, name: str, day: dt.date | None) -> PlannedEvent:
    """Return the event that is asked for."""
    events = plan.files.events
    tickers = {climate_days.event_ticker_of(event.series_ticker, event.climate_date): event for event in events}
    if day is None and name in tickers:
        return tickers[name]
    found = [event for event in events if event.series_ticker == name and day in (None, event.climate_date)]
    if len(found) == 1:
        return found[0]
    what = "the series has many events; name the day, too." if found else "the run has no such event."
    where = name if day is None else f"{name}, {day}"
    raise ConfigError(what, where=where, remedy=f"Events: {listed(list(tickers), SHOWN)}.")


def _bottom(row: Mapping[str, Any]) -> tuple[float, float]:
    """Where a market's bracket begins and ends, for sorting."""
    low, high = row["floor_strike"], row["cap_strike"]
    return (low if low is not None else float("-inf"), high if high is not None else float("inf"))


def _fills(run: ReportRun, tickers: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Fills of markets by ticker, as marks at the price of YES."""
    found: dict[str, list[dict[str, Any]]] = {ticker: [] for ticker in tickers}
    rows = run.query(
        "SELECT market_ticker, epoch(decision_ts_utc::TIMESTAMP)::BIGINT, side, qty, entry_price::DOUBLE FROM trades"
    )
    for ticker, ts, side, quantity, price in rows:
        if ticker in found:
            is_yes = side == "BUY_YES"
            y = price if is_yes else 1 - price
            words = f"{quantity} {'YES' if is_yes else 'NO'} at {price:.2f} {run.currency}"
            found[ticker].append({"t": ts, "y": y, "up": is_yes, "remark": words})
    return found


def _market(
    row: Mapping[str, Any],
    candles: pa.Table,
    known: Mapping[str, Any] | None,
    fills: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """A market as the plot shows it.

    Args:
        row: of the catalog.
        candles: of the event.
        known: its row of probabilities; None without one.
        fills: marks by ticker.
    """
    ticker = row["market_ticker"]
    quotes = candles.filter(pc.equal(candles["market_ticker"], ticker))
    times = quotes["end_period_ts"].to_pylist()
    bid, ask = ([_figure(value) for value in quotes[f"yes_{side}_close"].to_pylist()] for side in ("bid", "ask"))
    settled = None
    if row["settlement_ts"] and row["result"] in ("yes", "no"):
        settled = {"t": int(row["settlement_ts"].timestamp()), "y": 1.0 if row["result"] == "yes" else 0.0}
    end = settled["t"] if settled else times[-1] if times else 0
    has = known is not None and end > known["asof_ts"]
    outcome = {"yes": ", settled YES", "no": ", settled NO"}.get(row["result"] or "", "")
    return {
        "name": f"{row['yes_sub_title'] or ticker}{outcome}",
        "t": times,
        "bid": bid,
        "ask": ask,
        "probability": {"p": float(known["p_yes"]), "from": known["asof_ts"], "to": end} if has and known else None,
        "marks": fills[ticker],
        "settled": settled,
    }


def _figure(value: Any) -> float:
    """A price as a float; not a number without one."""
    return float("nan") if value is None else float(value)
