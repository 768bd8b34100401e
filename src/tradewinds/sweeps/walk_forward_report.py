"""A walk-forward in plain sentences, and its report page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tradewinds.core.text import amount_text, counted, number
from tradewinds.results.report.parts import Items, Page, Plot, ReportTable, Section, Text, shown
from tradewinds.sweeps.chained_equity import Chain
from tradewinds.sweeps.keys import label, setting_text
from tradewinds.sweeps.outcomes import PeriodFigures
from tradewinds.sweeps.ranking import RANK_BY
from tradewinds.sweeps.verdict import METRIC_NAMES
from tradewinds.sweeps.walk_forward import Fold, WalkForward

_LIMITS = (
    "Folds are added, not compounded: each begins with the config's balance and without a position, so the chained equity is "
    "that balance plus the results of all folds up to then.",
    "Training figures end where the test begins: equity at that instant, open positions at their value then. Later results of "
    "the last training days do not count.",
    "What is still held at the end of a period is closed there, as at the end of every run.",
    "The best point in hindsight was chosen with all dates known. What it made on the test days is no result that could have "
    "been had.",
    "A grid, a metric and lengths that were changed after this page was read are a choice in hindsight, too.",
)


def sentences(found: WalkForward, lengths: tuple[int, int], anchored: bool, currency: str) -> str:
    """Return a paragraph on a walk-forward.

    Args:
        found: the walk-forward.
        lengths: days of training and of a test.
        anchored: whether every training begins with the first day.
        currency: of the account.
    """
    name, folds, chain, steps = METRIC_NAMES[found.by], found.folds, found.chain.figures, found.stability.steps
    train, test = lengths
    lines = [
        f"{counted(len(folds), 'fold')} of {'at least ' if anchored else ''}{counted(train, 'training day')} and "
        f"{counted(test, 'test day')}, {counted(len(found.settings), 'point')} in each; the point with the best {name} of the "
        "training days is traded on the test days.",
        f"Out of sample, all folds together made {shown(chain.pnl_usd, 2)} {currency} in {counted(chain.num_trades, 'trade')}"
        f"{_ratio(chain)}; {found.positive:,} of {len(folds):,} {'fold' if len(folds) == 1 else 'folds'} made money.",
        _hindsight(found, currency),
    ]
    if steps:
        lines.append(
            f"From one fold to the next the pick stayed the same {found.stability.same:,} of {steps:,} times, and the same or "
            f"a neighbour {found.stability.near:,} times."
        )
    if found.mean_metrics:
        before, after = found.mean_metrics
        lines.append(f"The picks' mean {name} is {shown(before, 2)} in training and {shown(after, 2)} in the test.")
    if found.correlation is not None:
        lines.append(
            f"The rank correlation of the picks' {name} in training and in the test is {found.correlation:.2f} over the folds."
        )
    return " ".join([*lines, *notes(found)])


def _hindsight(found: WalkForward, currency: str) -> str:
    """A sentence on the best point of the whole range: the gap is what the choice in advance made less."""
    text = f"In hindsight the best point of the whole range is {label(found.settings[found.best])}"
    if found.best_chain is None:
        return f"{text}; it fails on the dates of a test, so nothing can be said against it."
    gap = found.best_chain.pnl_micro - found.chain.pnl_micro
    side = (
        "the same as"
        if not gap
        else f"{shown(amount_text(abs(gap), found.chain.places), 2)} {'more' if gap > 0 else 'less'} than"
    )
    return f"{text}: on the same test days it made {shown(found.best_chain.figures.pnl_usd, 2)} {currency}, {side} the picks."


def notes(found: WalkForward) -> list[str]:
    """Sentences on what is odd: folds without a trade, points that failed, days in no fold."""
    said = []
    idle = [str(fold.dates.number) for fold in found.folds if not fold.traded]
    if idle:
        said.append(
            f"In the training of fold {', '.join(idle)} no point made a trade: the first of the grid among equals was taken."
        )
    quiet = [str(fold.dates.number) for fold in found.folds if not fold.test.num_trades]
    if quiet:
        said.append(f"The test of fold {', '.join(quiet)} has no trade.")
    failed = sum(fold.failed for fold in found.folds)
    if failed:
        said.append(f"{counted(failed, 'replay')} of training dates failed; those points could not be taken there.")
    if found.unused_days:
        said.append(f"The last {counted(found.unused_days, 'day')} make no whole test and are in no fold.")
    return said


def _ratio(figures: PeriodFigures) -> str:
    """The Sharpe ratio as the end of a clause; "" without one."""
    return "" if figures.sharpe is None else f", with a Sharpe ratio of {figures.sharpe:.2f}"


def metric_text(figures: PeriodFigures, by: str) -> str:
    """Return a metric with two decimals, — where undefined."""
    return shown(getattr(figures, RANK_BY[by][0]), 2)


def page(found: WalkForward, verdict: str, currency: str, config_name: str) -> Page:
    """Return the report page.

    Args:
        found: the walk-forward.
        verdict: its sentences.
        currency: of the account.
        config_name: what was walked forward, for the line below the title.
    """
    compared = [("the picks, chosen in advance", found.chain.figures)]
    if found.best_chain:
        compared.append(("the best point in hindsight, same test days", found.best_chain.figures))
    compared.append(("the best point in hindsight, whole range", found.best_whole))
    figures = ReportTable(
        ("", f"P&L, {currency}", "trades", "Sharpe", "Sortino", f"largest drawdown, {currency}", "%"),
        [(name, *_figures(one)) for name, one in compared],
        "lrrrrrr",
    )
    return Page(
        "Walk-forward",
        f"{config_name}, {found.folds[0].dates.test_first} to {found.folds[-1].dates.test_last}",
        [
            Section("result", "Result", [Text(verdict), figures]),
            Section("equity", "Out-of-sample equity", [_plot(found, currency)]),
            Section("folds", "Folds", [_folds(found, currency)]),
            Section("limits", "How to read it", [Items(_LIMITS)]),
        ],
    )


def _folds(found: WalkForward, currency: str) -> ReportTable:
    """A row per fold: dates, settings, the metric in training, and metric, P&L and trades of the test."""
    keys, by = list(found.settings[0]), found.by
    header = (
        "fold",
        "training",
        "test",
        *keys,
        f"{by}, training",
        f"{by}, test",
        f"P&L of the test, {currency}",
        "trades",
    )
    return ReportTable(
        header,
        [_cells(fold, found.settings[fold.pick], by) for fold in found.folds],
        "rll" + "l" * len(keys) + "rrrr",
    )


def _cells(fold: Fold, settings: Mapping[str, Any], by: str) -> tuple[str, ...]:
    """The cells of a fold's row."""
    dates = fold.dates
    return (
        str(dates.number),
        f"{dates.train_first} – {dates.train_last}",
        f"{dates.test_first} – {dates.test_last}",
        *map(setting_text, settings.values()),
        metric_text(fold.train, by),
        metric_text(fold.test, by),
        shown(fold.test.pnl_usd, 2),
        f"{fold.test.num_trades:,}",
    )


def _figures(one: PeriodFigures) -> tuple[str, ...]:
    """The cells of a row of figures."""
    ratios = (one.sharpe, one.sortino, one.max_drawdown_usd, one.max_drawdown_pct)
    return (shown(one.pnl_usd, 2), f"{one.num_trades:,}", *(shown(value, 2) for value in ratios))


def _plot(found: WalkForward, currency: str) -> Plot:
    """The chained equity of the picks, beside that of the best point in hindsight."""
    chains = {"picked in advance": found.chain}
    if found.best_chain:
        chains["best in hindsight"] = found.best_chain
    ts = np.unique(np.concatenate([chain.outcome.equity_ts for chain in chains.values()]))
    lines = [{"name": name, "y": _on(chain, ts)} for name, chain in chains.items()]
    caption = (
        "Both lines are the test periods alone, one after the other. The distance at the end is what hindsight adds."
    )
    return Plot(
        "equity",
        "Equity of the test periods",
        "history",
        {"t": ts.tolist(), "lines": lines, "marks": []},
        ("", currency),
        caption,
    )


def _on(chain: Chain, ts: Any) -> list[float]:
    """The equity of a chain at some instants: that of its last point by then."""
    at = np.searchsorted(chain.outcome.equity_ts, ts, side="right") - 1
    return [
        number(int(chain.outcome.equity_micro[i]) if i >= 0 else chain.start_micro, chain.places) for i in at.tolist()
    ]
