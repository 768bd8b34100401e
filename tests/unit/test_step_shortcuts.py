"""Loops that call a strategy have short cuts where little happens: they show and decide what the long ways do."""

import functools
import random
from collections import Counter
from typing import ClassVar

import pytest

from tests.reference.naive_shares import Settings
from tests.unit.share_classes import called
from tests.unit.share_scripts import Follows, script_of
from tests.unit.share_worlds import flat
from tests.unit.step_worlds import Scripted, random_world
from tests.unit.test_share_ledger import MONDAY
from tradewinds.core.errors import SimulationError
from tradewinds.engine.event_contracts import step_replay
from tradewinds.engine.event_contracts.step_replay import StepReplay
from tradewinds.engine.shares import step_ledger
from tradewinds.engine.shares.step_ledger import StepLedger
from tradewinds.engine.stepwise.bar_view import BarState, BarView
from tradewinds.engine.stepwise.step_caller import Moments
from tradewinds.engine.stepwise.view_closed import ViewClosed
from tradewinds.families.strategy_file import ClassCaller
from tradewinds.strategies.decisions import buy

WORLDS = 40
PRICES = [*range(20, 32), *range(32, 18, -2), *range(19, 60)]


class Recorded(Scripted):
    """A script whose caller writes down what it is shown; some things are asked for at some decisions alone."""

    seen: ClassVar[list] = []

    def decide(self, view):
        dice = random.Random(view.now)
        asked = [view.now, view.cash, view.reserved]
        if dice.random() < 0.7:
            asked += [view.markets, view.changed, view.positions]
        if dice.random() < 0.3:
            asked += [view.history(ticker, dice.choice([None, 1, 5])) for ticker in "ABCD"]
        asked += [view.market(ticker) for ticker in dice.sample("ABCD", 2)]
        self.seen.append(repr(asked))
        return super().decide(view)


def shown_of_events(monkeypatch, seed, *, calm=True, lengths=(8, 512)):
    """What a random world shows at every call, what comes of it, and how many instants were passed in stretches."""
    passed, count = StepReplay._pass_stretch, Counter()

    def counted(replay, times):
        found = passed(replay, times)
        count["passed"] += found
        count["ended"] += found < len(times)
        return found

    with monkeypatch.context() as patched:
        patched.setattr("tests.unit.step_worlds.Scripted", Recorded)
        patched.setattr(Recorded, "seen", [])
        patched.setattr(StepReplay, "_pass_stretch", counted)
        patched.setattr(step_replay, "_SHORTEST", lengths[0])
        patched.setattr(step_replay, "_LONGEST", lengths[1])
        if not calm:
            patched.setattr(StepReplay, "_is_calm", property(lambda replay: False))
        outcome, made = random_world(seed).replay()
        return (Recorded.seen, outcome.fills, outcome.rejections, outcome.equity, made.calls), count


@pytest.mark.slow
def test_a_stretch_of_candles_shows_what_single_instants_show(monkeypatch):
    """With long stretches and with short ones, in worlds with orders that end them."""
    seen = Counter()
    for seed in range(WORLDS):
        wanted, none = shown_of_events(monkeypatch, seed, calm=False)
        assert not none
        for lengths in ((8, 512), (2, 3)):
            found, count = shown_of_events(monkeypatch, seed, lengths=lengths)
            assert found == wanted, (seed, lengths)
            seen += count
    assert seen["passed"] > 4 * WORLDS and seen["ended"] > WORLDS / 4, seen


class Notes(Follows):
    """A share class that follows a script, and writes down what it is shown."""

    def __init__(self, seed):
        super().__init__(script_of(seed, []))
        self.seen = []

    def on_decision(self, view):
        past = [view.closes("A", 3), view.volumes("A"), view.history("A", 2), view.lows("A", 1)]
        if len(self.seen) % 3 == 0:  # and some that are asked for later, and not at every bar
            past += [view.opens(view.market("A"), last) for last in (None, 0, 1, 4, 99)] if len(self.seen) > 5 else []
        self.seen.append(repr([view.now, view.date, view.cash, view.markets, view.changed, view.orders, past]))
        return super().on_decision(view)


@pytest.mark.slow
def test_days_of_one_share_are_passed_alike(monkeypatch):
    rows = flat(MONDAY, PRICES)
    for seed in range(20):
        found = []
        for stretches in ((16, 2048), (2, 3), None):
            with monkeypatch.context() as patched:
                if stretches is None:
                    patched.setattr(StepLedger, "_only_symbol", lambda ledger, part: None)
                else:
                    patched.setattr(StepLedger, "_pass", lambda ledger, part: pytest.fail("the long way"))
                    patched.setattr(step_ledger, "_FIRST_STRETCH", stretches[0])
                    patched.setattr(step_ledger, "_STRETCH", stretches[1])
                notes = Notes(seed)
                made, _ = called({"A": rows}, Settings("Breakout", MONDAY, rows[-1].date), notes)
                books = (made.closed, made.equity, made.end_cash, made.outcomes, made.wishes, made.journal)
                found.append((notes.seen, *books))
        assert found[0] == found[2], seed
        assert found[1] == found[2], seed
        assert len(found[0][0]) == len(rows)


def test_a_view_or_a_method_of_it_that_is_kept_is_closed():
    """The loop gives the same view again only where nothing else refers to it."""
    kept, raised, views = [], Counter(), set()

    class Keeps:
        def on_decision(self, view):
            views.add(id(view))
            for one in kept:
                with pytest.raises(ViewClosed):
                    one()
                raised["closed"] += 1
            if len(kept) < 5:
                kept.append((lambda: view.now) if len(kept) % 2 else functools.partial(view.market, "A"))
            return None

    rows = flat(MONDAY, PRICES)
    called({"A": rows}, Settings("Breakout", MONDAY, rows[-1].date), Keeps())
    assert raised["closed"] and len(views) >= 2


def caller_of(strategy, seconds=30.0):
    """A caller of a class, begun."""
    caller = ClassCaller(strategy, {}, "mine.py", seconds)
    caller.start()
    return caller


def test_calls_in_a_row_come_back_only_where_there_is_something_to_do():
    """At orders, and where the view was kept; else the caller passes all decision times by itself."""
    shown, kept, answers = [], [], {3: [], 5: buy("A", 1), 9: (wish for wish in [buy("A", 2)])}

    class Answers:
        def on_decision(self, view):
            if len(shown) == 7:
                kept.append(view)
            return answers.get(len(shown))

    caller, view, times = caller_of(Answers), BarView(BarState(("A",), None)), iter(range(20))
    moments = Moments(map(shown.append, times), times.__length_hint__)
    found = []
    while times.__length_hint__():
        found.append((caller.decide_until(moments, view), len(shown)))
        kept.clear()
    assert found == [([], 3), ([buy("A", 1)], 5), ((), 7), ([buy("A", 2)], 9), (None, 20)]


@pytest.mark.parametrize(
    ("error", "words"), [(ZeroDivisionError("by 0"), "ZeroDivisionError: by 0"), (SystemExit(3), "sys.exit")]
)
def test_an_error_in_calls_in_a_row_is_the_users(error, words):
    class Fails:
        def on_decision(self, view):
            if next(calls) == 4:
                raise error

    calls, times = iter(range(9)), iter(range(9))
    caller = caller_of(Fails)
    with pytest.raises(SimulationError, match=words):
        caller.decide_until(Moments(times, times.__length_hint__), object())
    assert times.__length_hint__() == 4
    assert caller.watched().call is None


def test_one_of_calls_in_a_row_that_takes_too_long_is_ended():
    """The watch looks twice within one call here, as its timer does."""
    callers, seen = [], []

    class Busy:
        def on_decision(self, view):
            seen.append(len(seen))
            callers[0].watched()._look(0, None)
            if len(seen) == 5:
                callers[0].watched()._look(0, None)

    times = iter(range(9))
    callers.append(caller_of(Busy, 0.0))
    with pytest.raises(SimulationError, match="still busy"):
        callers[0].decide_until(Moments(times, times.__length_hint__), object())
    assert len(seen) == 5


def test_calls_with_the_same_view_are_calls_of_their_own_for_the_timer():
    """The watch that ends a call which takes too long looks at each one here, which must be another than the one before."""
    rows = flat(MONDAY, PRICES)
    looked = Counter()
    callers = []

    class Watched:
        def on_decision(self, view):
            callers[0].watched()._look(0, None)
            looked["calls"] += 1

    def make(*_):
        callers.append(ClassCaller(Watched, {}, "mine.py", 0.0))
        return callers[0]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.unit.share_classes.Called", make)
        called({"A": rows}, Settings("Breakout", MONDAY, rows[-1].date), None)
    assert looked["calls"] == len(rows)
