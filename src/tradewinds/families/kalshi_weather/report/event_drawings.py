"""Light charts of single events for the report: the brackets that were traded, as vector pictures of a few kilobytes."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.report.event_chart import event_words, orders_of, plotted_markets
from tradewinds.families.kalshi_weather.report.event_data import event_of, plan_of
from tradewinds.results.report.drawings import Band, Chart, Line, Mark, chart_svg
from tradewinds.results.report.parts import Drawing, Panel, ReportPart, back_to
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.unit_page import RefusedOrder, refusals_of

_LEGEND = (("bid", "bid"), ("ask", "ask"), ("model", "the model's probability"))
_HEIGHT = 150  # pixels of a bracket
_POINTS = 240  # of a line


class EventDrawing(NamedTuple):
    """The chart of the event of a market.

    Attributes:
        market: its ticker.
        key: anchor of the chart.
        panel: the chart with its heading.
    """

    market: str
    key: str
    panel: Panel


def event_drawings(run: ReportRun, markets: Sequence[str]) -> list[EventDrawing]:
    """Return a chart of the event of each market; none for an event whose candles are not in the working folder.

    Args:
        run: the run.
        markets: tickers of markets that were traded.
    """
    inner = "SELECT event_ticker FROM trades WHERE list_contains(?, market_ticker)"
    sql = f"SELECT DISTINCT event_ticker, market_ticker FROM trades WHERE event_ticker IN ({inner})"
    rows = run.query(sql, list(markets))
    traded: dict[str, list[str]] = {}
    for event, market in sorted(rows):
        traded.setdefault(event, []).append(market)
    tickers = [market for _, market in rows]
    orders, refused, plan = orders_of(run, tickers), refusals_of(run, tickers), plan_of(run)
    found = []
    for event, own in traded.items():
        if panel := _panel(run, plan, event, {ticker: orders[ticker] for ticker in own}, refused):
            found += [EventDrawing(market, panel.key, panel) for market in own if market in markets]
    return found


def _panel(
    run: ReportRun,
    plan: EventsPlan,
    name: str,
    orders: Mapping[str, Sequence[tuple[Any, ...]]],
    refused: Sequence[RefusedOrder],
) -> Panel | None:
    """Return the chart of an event: a picture of each bracket that was traded; None without its files.

    Args:
        run: the run.
        plan: its plan.
        name: event ticker.
        orders: its filled orders by ticker.
        refused: refused orders.
    """
    try:
        event = event_of(plan, name, None)
    except (ConfigError, DataMissing):  # made elsewhere, or of a strategy that names events of its own
        return None
    parts: list[ReportPart] = [
        Drawing(market["name"], chart_svg(_chart(market)), legend=_LEGEND)
        for market in plotted_markets(run, plan, event, orders.keys(), orders, refused)
        if market["t"]
    ]
    return Panel(f"{event_words(event)}: {name}", [*parts, back_to("extremes")], f"event-{name}")


def _chart(market: dict[str, Any]) -> Chart:
    """Return the chart of a bracket, thinned to what a screen can show."""
    step = math.ceil(len(market["t"]) / _POINTS)
    kept = sorted({*range(0, len(market["t"]), step), len(market["t"]) - 1})
    t = [market["t"][place] for place in kept]
    bid, ask = ([_known(market[side][place]) for place in kept] for side in ("bid", "ask"))
    lines = [Line(bid, "bid", stepped=True), Line(ask, "ask", stepped=True)]
    marks = [Mark(mark["t"], mark["y"], "up" if mark["up"] else "down", mark["remark"]) for mark in market["marks"]]
    marks += [Mark(mark["t"], mark["y"], "refused", mark["remark"]) for mark in market["crosses"]]
    if settled := market["settled"]:
        marks.append(Mark(t[-1], settled["y"], "settled", "settled"))
    inside = [mark for mark in marks if t[0] <= mark.x <= t[-1]]
    model = market["probability"]
    if model:
        steps = [(model["from"], model["p"]), *model.get("later", ())]
        lines.append(Line([_in_force(steps, ts) for ts in t], "model"))
    spread = [] if any(map(math.isnan, (*bid, *ask))) else [Band(bid, ask, "spread", stepped=True)]
    return Chart(t, lines, spread, inside, span=(-0.02, 1.02), height=_HEIGHT)


def _in_force(steps: Sequence[tuple[int, float]], ts: int) -> float:
    """The last of some values that begins by an instant, NaN before the first; steps are in order of time."""
    place = bisect_right(steps, ts, key=lambda step: step[0])
    return steps[place - 1][1] if place else math.nan


def _known(price: float | None) -> float:
    return math.nan if price is None else price
