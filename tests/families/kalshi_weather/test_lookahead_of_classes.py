"""The look-ahead check of strategies that are called: an honest one passes, one that reaches the loop is found."""

import dataclasses

import pytest

from tests.reference.raw_worlds import make_inputs
from tradewinds.audits import lookahead
from tradewinds.families.kalshi_weather.lookahead.subject import EventsRun

LOOKS_AHEAD = """
import sys
from tradewinds.strategies.decisions import buy


class Strategy:
    def on_decision(self, view):
        frame = sys._getframe()
        while "desk" not in frame.f_locals:
            frame = frame.f_back
        desk, orders = frame.f_locals["desk"], []
        for market in view.changed:
            tape = desk.tapes[desk.known[market.ticker]]
            later = tape.ask[tape.shown : tape.shown + 30]
            if len(later) and market.ask == market.ask and later.max() > market.ask * 10**6 + 20_000:
                orders.append(buy(market, 1))
        return orders
"""
HONEST = """
from tradewinds.strategies.decisions import buy, limit, sell


class Strategy:
    def on_decision(self, view):
        orders = []
        for market in view.changed:
            past = [quote.ask for quote in view.history(market.ticker, 30)]
            if market.yes_held and market.bid > market.yes_price + 0.02:
                orders.append(sell(market, 1))
            elif past and market.ask < min(past) + 0.02:
                orders.append(buy(market, 1))
            elif market.bid > 0.1 and len(view.orders) < 4:
                orders.append(limit(buy(market, 2), market.bid - 0.01, view.now + 1200))
        return orders
"""


@pytest.mark.parametrize(("text", "finds"), [(HONEST, False), (LOOKS_AHEAD, True)], ids=["honest", "looks ahead"])
def test_a_strategy_that_reaches_the_loop_through_the_stack_is_found(tmp_path, text, finds):
    """No attribute leads to the loop; a strategy that climbs the interpreter's stack gets there, and the check shows it."""
    (tmp_path / "mine.py").write_text(text)
    own = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": None}
    found = decisions = 0
    for seed in (3, 12):
        (tmp_path / str(seed)).mkdir()
        inputs = make_inputs(tmp_path / str(seed), seed, None)
        subject = EventsRun(dataclasses.replace(inputs, config={**inputs.config, "strategy": own}))
        for report in lookahead.check(subject, cuts=6, seed=seed):
            found += len(report.changes)
            decisions += report.decisions.total()
    assert decisions > 100 and bool(found) == finds
