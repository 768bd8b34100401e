"""The trades of a run in other orders, and other trades like them: how much of a drawdown and of a balance is chance.

Two questions with two answers. Another order of the same trades has the same end balance and other drawdowns (shuffled, each
trade once). Another draw of as many trades has another end balance, too (with replacement: the bootstrap of Efron, 1979).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats, Ints, changes
from tradewinds.core.text import counted
from tradewinds.results.report.drawings import Band, Chart, Line, chart_svg, legend_of
from tradewinds.results.report.parts import Drawing, Panel, ReportPart, ReportTable, Text, shown
from tradewinds.results.report.run import ReportRun

PATHS = 1_000
MOST_LUMPS = 500  # of more trades, neighbours are drawn together
LEAST = 10  # with fewer trades there is nothing to shuffle
_STEPS = 60  # points of the picture
_SHARES = (5, 25, 50, 75, 95)  # percentiles

# What shares its outcome is one round trip: the trades of one event, or the fills of one position, in the order of their ends.
_ROUND_TRIPS = """
SELECT sum(pnl)::DOUBLE FROM trades GROUP BY {key} ORDER BY max(settled_ts_utc), min(decision_ts_utc), {key}
"""


class OtherOrders(NamedTuple):
    """What other orders and other draws of a run's round trips come to; amounts in the account's currency.

    Attributes:
        shuffled_falls: the deepest fall of each shuffled path.
        drawn_falls: that of each drawn path.
        drawn_ends: what each drawn path made in all.
        at: numbers of round trips at which `bands` has a value.
        bands: percentiles _SHARES of the drawn paths at each of `at`.
        made: of the run itself, what it had made at each of `at`.
    """

    shuffled_falls: Floats
    drawn_falls: Floats
    drawn_ends: Floats
    at: Ints
    bands: Floats
    made: Floats


def round_trips(run: ReportRun) -> Floats:
    """Return what each round trip of a run made, in the order in which they ended.

    Trades of one event share its outcome, and fills of one position are one trade: their sums are what can be shuffled. A
    family whose event is the symbol itself has one trade a round trip.
    """
    shared = run.query("SELECT count(*) FILTER (event_ticker <> market_ticker) > 0 FROM trades")[0][0]
    rows = run.query(_ROUND_TRIPS.format(key="event_ticker" if shared else "trade_id"))
    found: Floats = np.array([pnl for (pnl,) in rows], np.float64)
    return found


def orders_of(made: Floats, seed: int, paths: int = PATHS) -> OtherOrders:
    """Return other orders and other draws of some round trips.

    Args:
        made: by each of them, at least one.
        seed: the same seed gives the same result.
        paths: how many of each kind.
    """
    random = np.random.default_rng(np.random.SeedSequence([seed, len(made)]))
    shuffled = random.permuted(np.tile(made, (paths, 1)), axis=1)
    drawn = made[random.integers(0, len(made), (paths, len(made)))]
    sums = np.cumsum(drawn, axis=1)
    at = _places(len(made), _STEPS)
    begun = np.concatenate([np.zeros((paths, 1)), sums], axis=1)[:, at]
    own = np.concatenate([[0.0], np.cumsum(made)])[at]
    bands = np.percentile(begun, _SHARES, axis=0)
    return OtherOrders(_falls(np.cumsum(shuffled, axis=1)), _falls(sums), sums[:, -1], at, bands, own)


def _places(count: int, most: int) -> Ints:
    """Return at most `most` + 1 whole numbers from 0 to `count`, at equal distances."""
    found = np.linspace(0, count, min(most, count) + 1).astype(np.int64)
    return found[changes(found)]


def _falls(sums: Floats) -> Floats:
    """Return the deepest fall of each row of running sums, which begin at 0."""
    peaks = np.maximum.accumulate(np.maximum(sums, 0.0), axis=1)
    found: Floats = (peaks - sums).max(axis=1)
    return found


def other_orders(run: ReportRun) -> list[ReportPart]:
    """Return the panel on other orders of the run's round trips."""
    made, title = round_trips(run), "The same trades in another order"
    if len(made) < LEAST:
        few = f"The run has {counted(len(made), 'round trip')}; there is something to shuffle from {LEAST} on."
        return [Panel(title, [Text(few)])]
    each = np.add.reduceat(made, _places(len(made), MOST_LUMPS)[:-1])  # each by itself, if they are few enough
    found = orders_of(each, int(run.config["seed"]))
    start, money = float(run.metrics["start_balance_usd"]), run.currency
    own = float(_falls(np.cumsum(each)[None, :])[0])
    # the figures
    rows = [
        (f"deepest fall, {money}: another order", shown(own, 2), *_shown(found.shuffled_falls)),
        (f"deepest fall, {money}: other trades like them", shown(own, 2), *_shown(found.drawn_falls)),
        (
            f"end balance, {money}: other trades like them",
            shown(start + each.sum(), 2),
            *_shown(start + found.drawn_ends),
        ),
    ]
    header = ("", "this run", "5 % below", "median", "95 % below")
    loss = float((found.drawn_ends < 0).mean() * 100)
    rank = float((found.shuffled_falls < own).mean() * 100)
    said = (
        f"{shown(rank, 0)} % of {PATHS:,} other orders of these {counted(len(made), 'round trip')} fall less deep than "
        "this run did. "
        f"{shown(loss, 0)} % of {PATHS:,} draws of as many round trips end with a loss."
    )
    grouped = (
        f" Neighbours are drawn together, {len(made) / len(each):.1f} at a time." if len(each) < 0.9 * len(made) else ""
    )
    caption = (
        "Dark: half of the draws; light: 90 % of them; the line is this run. Assumed: round trips do not depend on each other, "
        "nor on the size of the account; sizes are those of the run, without compounding; falls are seen where a round trip "
        f"ends, not inside it. The seed is the config's.{grouped}"
    )
    chart = _chart(found, start)
    drawing = Drawing(title, chart_svg(chart), caption, legend_of(chart))
    return [Panel(title, [drawing, ReportTable(header, rows, "lrrrr"), Text(said)])]


def _shown(values: Floats) -> tuple[str, str, str]:
    """Return the 5th, 50th and 95th percentile of some values as text."""
    low, middle, high = (shown(float(value), 2) for value in np.percentile(values, (5, 50, 95)))
    return low, middle, high


def _chart(found: OtherOrders, start: float) -> Chart:
    """Return the chart of the balance over the number of round trips."""
    low, lower, middle, upper, high = (start + found.bands).round(6).tolist()
    return Chart(
        found.at.tolist(),
        [Line(middle, "middle", "median"), Line((start + found.made).round(6).tolist(), "one", "this run")],
        [Band(low, high, "outer", "90 % of the draws"), Band(lower, upper, "inner", "half of them")],
        dates=False,
        x_name="round trips",
        height=240,
    )
