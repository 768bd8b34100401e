"""Leaks of daily shares: signals by bars that are not there yet; fills, members and adjustments known too early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.leaks.planted import Leak, unwatched
from tests.families.equities_daily import test_lookahead as worlds
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.ledger import Ledger
from tradewinds.families.equities_daily.strategies import breakout, mean_reversion

FAMILY = "equities_daily"


def ahead(column: np.ndarray, by: int) -> np.ndarray:
    """A column some rows ahead; the last value from there on."""
    return np.append(column[by:], np.full(min(by, len(column)), column[-1:] if len(column) else 0))


def of_another(bars: Bars, symbol: int) -> np.ndarray:
    """By row of a symbol, the change of the next symbol's close on its next day."""
    rows, others = bars.rows(symbol), bars.rows((symbol + 1) % len(bars.symbols))
    change = ahead(bars.close[others], 1) - bars.close[others]
    place = np.searchsorted(bars.day[others], bars.day[rows])
    return change[np.minimum(place, len(change) - 1)] if len(change) else np.zeros(rows.stop - rows.start)


# By row of a symbol, whether what will come is good news.
NEWS: dict[str, tuple[str, Callable[[Bars, int, slice], np.ndarray]]] = {
    "next close": ("a bar", lambda b, s, r: ahead(b.close[r], 1) > b.close[r]),
    "close in five bars": ("a bar", lambda b, s, r: ahead(b.close[r], 5) > b.close[r]),
    "next open": ("a bar", lambda b, s, r: ahead(b.open[r], 1) > b.close[r]),
    "next high": ("a bar", lambda b, s, r: ahead(b.high[r], 1) > b.close[r] * 1.02),
    "next low": ("a bar", lambda b, s, r: ahead(b.low[r], 1) > b.close[r] * 0.99),
    "next volume": ("a bar", lambda b, s, r: ahead(b.volume[r], 1) > b.volume[r]),
    "mean of the whole history": ("an average", lambda b, s, r: b.close[r] < b.close[r].mean()),
    "mean of seven bars, today in the middle": (
        "an average",
        lambda b, s, r: np.convolve(b.close[r], np.ones(7) / 7, "same")[: r.stop - r.start] > b.close[r],
    ),
    "volume above that of the whole history": ("an average", lambda b, s, r: b.volume[r] > np.median(b.volume[r])),
    "z-score by all bars": (
        "an average",
        lambda b, s, r: np.abs(b.close[r] - b.close[r].mean()) < 0.8 * b.close[r].std(),
    ),
    "highest close of all": ("an extreme", lambda b, s, r: b.close[r] < 0.9 * b.close[r].max(initial=0)),
    "lowest close of all": ("an extreme", lambda b, s, r: b.close[r] > 1.1 * b.close[r].min(initial=10**12)),
    "last close": ("an extreme", lambda b, s, r: b.close[r] < b.close[r][-1:].sum()),
    "another share's next close": ("another market", lambda b, s, r: of_another(b, s) > 0),
    "bars that are left": ("a calendar", lambda b, s, r: np.arange(r.stop - r.start, 0, -1) > 40),
}


def refuse(scores: np.ndarray, good: np.ndarray, day: np.ndarray) -> None:
    """Enter on good news alone."""
    scores[~good] = np.nan


def refuse_on_few_days(scores: np.ndarray, good: np.ndarray, day: np.ndarray) -> None:
    """Enter on good news alone on one day of seven."""
    scores[~good & (day % 7 == 4)] = np.nan


def rank(scores: np.ndarray, good: np.ndarray, day: np.ndarray) -> None:
    """Rank good news a thousandth higher."""
    scores[good] *= 1.001


def add(scores: np.ndarray, good: np.ndarray, day: np.ndarray) -> None:
    """Enter on good news without a signal, on one day of eleven."""
    scores[good & np.isnan(scores) & (day % 11 == 0)] = 1.0


EFFECTS = {"always": refuse, "on few days": refuse_on_few_days, "small": rank, "adds entries": add}


def hindsight(news: Callable[..., Any], effect: Callable[..., None]) -> Callable[[pytest.MonkeyPatch, Path], None]:
    """A change of the strategies: their scores are changed by what will come."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        for module in (mean_reversion, breakout):

            def scores(bars: Bars, given: Any, honest: Any = module.scores) -> np.ndarray:
                made = honest(bars, given)
                for symbol in range(len(bars.symbols)):
                    rows = bars.rows(symbol)
                    if rows.stop > rows.start:
                        effect(made[rows], news(bars, symbol, rows), bars.day[rows])
                return made

            patch.setattr(module, "scores", scores)

    return plant


def fills(condition: Callable[[Any, int], bool], few: bool) -> Callable[[pytest.MonkeyPatch, Path], None]:
    """A change of the ledger: orders are filled at bars for which a condition holds, which is known later."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = Ledger._buy

        def buy(self: Ledger, signal_row: int, row: int, price: int) -> None:
            if (few and self.market.day[row] % 5) or condition(self.market, row):
                honest(self, signal_row, row, price)

        patch.setattr(Ledger, "_buy", buy)

    return plant


FILLS = {
    "close of the day of the fill": lambda m, row: m.close[row] >= m.open[row],
    "high of the day of the fill": lambda m, row: m.bars.high[row] > 1.01 * m.open[row],
    "low of the day of the fill": lambda m, row: m.bars.low[row] > 0.98 * m.open[row],
    "volume of the day of the fill": lambda m, row: m.bars.volume[row] > 300_000,
}


def leaks() -> Iterator[Leak]:
    """Yield the leaks of this family."""

    def build_with(**changes: Any) -> Any:
        return lambda seed, leaky: unwatched(lambda: worlds.run_of(seed, **changes))

    for name, (door, news) in NEWS.items():
        for variant, effect in EFFECTS.items():
            yield Leak(FAMILY, door, name, variant, build_with(), hindsight(news, effect))
    for name, condition in FILLS.items():
        for few in (False, True):
            variant = "on few days" if few else "always"
            yield Leak(FAMILY, "a fill", name, variant, build_with(fill="next_open"), fills(condition, few))
    doors = {worlds.BARS: "a bar", worlds.ACTIONS: "an action", worlds.MEMBERSHIPS: "a membership"}
    for planted, kind, _, changes in worlds.LEAKS:
        if planted is worlds.sale_on_the_last_bar_that_will_ever_come:
            continue  # it changes the worlds of its test, too
        name = planted.__name__.replace("_", " ")
        yield Leak(
            FAMILY, doors[kind], name, "always", build_with(**changes), lambda patch, _, planted=planted: planted(patch)
        )
