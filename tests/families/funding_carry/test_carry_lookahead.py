"""The look-ahead check of funding carry finds nothing in the product, and finds each look-ahead that is built into it."""

import numpy as np
import pytest

from tests.families.funding_carry.engine_results import market, resolved
from tests.reference.random_carry_worlds import random_world
from tradewinds.audits.lookahead import check
from tradewinds.core.errors import SimulationError
from tradewinds.engine.carry import carry_prices, carry_signals
from tradewinds.families.funding_carry.carry_panel import window_of
from tradewinds.families.funding_carry.lookahead import CarryRun
from tradewinds.families.funding_carry.run_rules import rules_of

WORLDS = range(14)
MOST = 2**63 // 100


def run_of(seed):
    """Return the run of a random world; None if it decides nothing, or so much that cheaper coins would not fit the books."""
    made = random_world(seed)
    config = resolved(made.settings)
    window = window_of(config)
    markets = [market(one, window) for one in sorted(made.world, key=lambda one: one.symbol)]
    if not any(((one.rates.ts >= window.start) & (one.rates.ts < window.end)).any() for one in markets):
        return None
    try:
        run = CarryRun(markets, rules_of(config))
    except SimulationError:
        return None
    return run if 0 < max((fill.quantity for fill in run.made.fills), default=0) < MOST else None


def changes(seeds, cuts=4):
    """Return what the check finds in some worlds."""
    runs = [(seed, run_of(seed)) for seed in seeds]
    return [
        (seed, change)
        for seed, run in runs
        if run is not None
        for report in check(run, cuts, seed)
        for change in report.changes
    ]


def test_nothing_is_decided_by_what_comes_later():
    assert changes(WORLDS) == []


def test_the_check_compares_fills_and_changes_every_kind_of_record():
    runs = [run for run in map(run_of, WORLDS) if run is not None]
    reports = [report for run in runs for report in check(run, 4)]
    for kind in CarryRun.kinds:
        assert sum(report.records[kind] for report in reports) > 0, kind
    for what in CarryRun.decisions:
        assert sum(report.decisions[what] for report in reports) > 0, what


def running_candles(self, instants):
    """A candle counts from its opening: its close is an hour ahead."""
    return np.searchsorted(self.candles.open_ts, instants, side="right") - 1


def the_next_rate(self, prices, rules, original=carry_signals.CarrySignals.__init__):
    """A settlement is decided by the rate of the next one."""
    later = carry_prices.SymbolPrices.__new__(carry_prices.SymbolPrices)
    later.__dict__.update(prices.__dict__)
    rates = prices.rates
    later.rates = type(rates)(rates.ts, np.append(rates.rate[1:], rates.rate[-1:]), rates.mark)
    later.__dict__.pop("rates_per_8h", None)
    original(self, later, rules)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name", "planted"),
    [
        (carry_prices.LegPrices, "rows_at", running_candles),
        (carry_signals.CarrySignals, "__init__", the_next_rate),
    ],
    ids=["close of a running candle", "rate of the next settlement"],
)
def test_a_look_ahead_that_is_built_in_is_found(monkeypatch, where, name, planted):
    monkeypatch.setattr(where, name, planted)
    assert changes(WORLDS)
