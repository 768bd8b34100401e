"""The look-ahead check of funding carry finds nothing in the product, and finds each look-ahead that is built into it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.families.funding_carry.engine_results import market, resolved
from tests.reference.random_carry_worlds import random_world
from tradewinds.audits.lookahead import check
from tradewinds.core.errors import SimulationError
from tradewinds.engine.carry import carry_prices, carry_signals
from tradewinds.engine.carry.carry_market import Instrument, OrderFilters
from tradewinds.families.funding_carry.carry_panel import window_of
from tradewinds.families.funding_carry.lookahead import CarryRun
from tradewinds.families.funding_carry.run_rules import rules_of

WORLDS = range(14)
MOST = 2**63 // 100


def with_changes(one, window):
    """Return a symbol whose exchange asks for larger orders in the second and again in the last quarter of the range."""
    made, quarter = one.instrument, (window.end - window.start) // 4
    times = ((1, 2), (3, 5))
    changes = [OrderFilters(window.start + n * quarter, made.step * by, made.min_notional * by) for n, by in times]
    return replace(one, instrument=replace(made, changes=tuple(changes)))


def run_of(seed):
    """Return the run of a random world; None if it decides nothing, or so much that cheaper coins would not fit the books."""
    made = random_world(seed)
    config = resolved(made.settings)
    window = window_of(config)
    markets = [market(one, window) for one in sorted(made.world, key=lambda one: one.symbol)]
    if not any(((one.rates.ts >= window.start) & (one.rates.ts < window.end)).any() for one in markets):
        return None
    markets = [with_changes(one, window) for one in markets]
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


def the_last_filters(self, ts):
    """A quantity is rounded by the exchange's latest list, whenever that was published."""
    return self.changes[-1] if self.changes else OrderFilters(0, self.step, self.min_notional)


def the_next_filters(self, ts, original=Instrument.filters_at):
    """OrderFilters count from the hour before they are known."""
    return original(self, ts + 3600)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name", "planted"),
    [
        (Instrument, "filters_at", the_last_filters),
        (Instrument, "filters_at", the_next_filters),
        (carry_prices.LegPrices, "rows_at", running_candles),
        (carry_signals.CarrySignals, "__init__", the_next_rate),
    ],
    ids=["latest filters", "filters of the next hour", "close of a running candle", "rate of the next settlement"],
)
def test_a_look_ahead_that_is_built_in_is_found(monkeypatch, where, name, planted):
    monkeypatch.setattr(where, name, planted)
    assert changes(WORLDS)


@pytest.mark.parametrize("leak", [the_last_filters, the_next_filters])
def test_a_leak_of_filters_is_said_to_be_one(monkeypatch, leak):
    monkeypatch.setattr(Instrument, "filters_at", leak)
    assert {kind for _, change in changes(WORLDS) for kind in change.kinds} == {"instrument filters"}
