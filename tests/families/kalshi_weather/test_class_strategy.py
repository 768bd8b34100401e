"""A strategy that is a class: the documented ones run, runs of sweeps agree, and what is wrong is told with its line."""

import copy
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.reference.worlds import make_world
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.engine.event_contracts import limits, order_desk
from tradewinds.families import strategy_file
from tradewinds.families.kalshi_weather.replay import replay_events, replay_events_many
from tradewinds.families.kalshi_weather.report.reasons import because, reason_text, refusal_text
from tradewinds.families.kalshi_weather.strategies import file_strategy
from tradewinds.results.metrics import metrics

ROOT = Path(__file__).resolve().parents[3]
BLOCKS = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs/strategies.md").read_text().partition("\n## Classes of")[0], re.DOTALL
)
DOCUMENTED = [block for block in BLOCKS if "class Strategy" in block]
TEMPLATE = (ROOT / "src/tradewinds/cli/templates/kalshi_weather/my_class.py").read_text()
PARAMETERS = {"edge": 0.02, "gain": 0.03}

HEAD = "from tradewinds.strategies.decisions import buy, sell, limit, cancel\n"
BUSY = (
    HEAD
    + """
class Strategy:
    def on_decision(self, view):
        orders = []
        for m in view.changed:
            if m.yes_held and m.bid > m.yes_price:
                orders.append(sell(m, 1))
            elif m.probability > m.ask + 0.01:
                orders.append(buy(m, 2))
            elif m.bid > 0.1 and len(view.orders) < 3:
                orders.append(limit(buy(m, 3), m.bid - 0.01))
        return orders
"""
)


def inputs(tmp_path, text, seed=12, **changes):
    """A config of a random world with the text as its strategy, and the paths of its files."""
    world = make_world(tmp_path, seed)
    (tmp_path / "mine.py").write_text(text)
    conf = copy.deepcopy(world.config)
    conf["strategy"] = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": PARAMETERS}
    conf["on_missing"] = conf["on_missing"] | {"validation": "warn"}
    conf["cadence_minutes"] = 1
    return conf | changes, (world.catalogs, world.candles, world.probabilities)


def run(tmp_path, text, seed=12, **changes):
    conf, files = inputs(tmp_path, text, seed, **changes)
    result = replay_events(conf, *files)
    result.check_books()
    return result


@pytest.mark.parametrize("text", [*DOCUMENTED, TEMPLATE], ids=["take profit", "limits", "reversal", "template"])
def test_the_documented_classes_are_short_and_trade(tmp_path, text):
    assert len(text.splitlines()) <= 26
    reasons = Counter()
    for seed in range(10, 20):
        (tmp_path / str(seed)).mkdir()
        result = run(tmp_path / str(seed), text, seed)
        reasons.update(trade.reason_code for trade in result.trades)
    assert reasons and set(reasons) <= {"STRATEGY", "SALE", "RESTING"}
    assert ("RESTING" in reasons) == ("limit(" in text)


def test_every_reason_of_the_engine_has_words():
    refusals = {*limits.REFUSAL_REASONS, order_desk.NOT_OPEN, order_desk.NOT_QUOTED, order_desk.NO_WHOLE_CONTRACT}
    refusals |= {order_desk.WOULD_TAKE, order_desk.NOTHING_HELD, order_desk.PLACED}
    assert all(because(code) != code for code in refusals)
    assert all(reason_text(code) != code for code in order_desk.FILL_REASONS)


def test_three_classes_are_documented():
    assert len(DOCUMENTED) == 3


def test_a_run_with_sales_has_round_trips_and_one_without_has_none(tmp_path):
    result = run(tmp_path, BUSY)
    assert {"SALE", "STRATEGY", "RESTING"} <= {trade.reason_code for trade in result.trades}
    found = metrics(result)
    trips = result.round_trips
    assert sum(trip.pnl_micro for trip in trips) == sum(trade.pnl_micro for trade in result.trades)
    assert found["num_round_trips"] == len(trips) < found["num_trades"] == len(result.trades)
    assert found["win_rate_pct"] == 100 * sum(trip.pnl_micro > 0 for trip in trips) / len(trips)
    minutes = [(trip.settled_ts - trip.decision_ts) / 60 for trip in trips]
    assert found["exposure_time_avg_minutes"] == pytest.approx(sum(minutes) / len(minutes))
    plain = run(tmp_path, BUSY.replace("sell(m, 1)", "buy(m, 1)"))
    assert plain.round_trips is None and "num_round_trips" not in metrics(plain)


def test_a_sweep_makes_the_same_runs(tmp_path):
    conf, files = inputs(tmp_path, BUSY)
    configs = [conf | {"risk": conf["risk"] | {"start_balance_usd": cash}} for cash in (5, 1000)]
    for one, summary in zip(configs, replay_events_many(configs, *files, workers=2), strict=True):
        result = replay_events(one, *files)
        assert summary.pnl_micro.tolist() == [trade.pnl_micro for trade in result.trades]
        assert summary.equity_micro.tolist() == [point.equity_micro for point in result.equity]


def test_parameters_are_each_runs_own(tmp_path):
    text = (
        HEAD
        + "class Strategy:\n    def on_start(self, p): p['edge'] += 1; self.p = p\n    def on_decision(self, view):\n"
    )
    text += "        assert self.p['edge'] == 1.02, self.p\n"
    for _ in range(2):
        run(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("class Strategy: pass", ConfigError, r"its Strategy is no class with a method on_decision\(self, view\)"),
        ("Strategy = 3", ConfigError, "its Strategy is no class"),
        ("x = 1", ConfigError, r"no function orders\(quotes, parameters\), and no class Strategy"),
        (BUSY + "def orders(quotes, parameters): pass", ConfigError, "a function orders and a class Strategy"),
        (
            "class Strategy:\n    def on_start(self, p): 1 / 0\n    def on_decision(self, view): pass",
            SimulationError,
            "line 2: ZeroDivisionError",
        ),
        ("class Strategy:\n    def on_decision(self, view): exit()", SimulationError, "line 2: it ends the program"),
        ("class Strategy:\n    def on_decision(self, view): return 7", SimulationError, "TypeError"),
        (
            "class Strategy:\n    def on_decision(self, view): return view.future",
            SimulationError,
            "line 2: AttributeError: 'DecisionView' object has no attribute 'future'",
        ),
        (
            "KEPT = []\nclass Strategy:\n    def on_decision(self, view):\n        KEPT.append(view)\n        KEPT[0].now",
            SimulationError,
            "line 5: ViewClosed: a view is read after its decision",
        ),
    ],
)
def test_what_is_wrong_with_a_class_is_told_with_its_place(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        run(tmp_path, text)


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "[1 for _ in iter(int, 1)]",
        "return (1 for _ in iter(int, 1) if False)",
        "\n        while True:\n            try:\n                while True: pass\n            except Exception: pass",
    ],
)
def test_a_call_that_never_ends_is_ended(tmp_path, monkeypatch, body):
    monkeypatch.setattr(file_strategy, "CALL_SECONDS", 0.3)
    text = f"class Strategy:\n    def on_decision(self, view):\n        {body}\n"
    with pytest.raises(SimulationError, match="it was still busy after 0 s"):
        run(tmp_path, text)


def test_the_timer_is_gone_after_a_run(tmp_path):
    import signal

    before = signal.getsignal(signal.SIGALRM)
    run(tmp_path, BUSY)
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_class_of_the_file_is_found_again_after_an_edit(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(BUSY)
    first = file_strategy.load(str(path))
    assert isinstance(first, type) and strategy_file.class_of(strategy_file.module_of(str(path), 10)) is first


def test_a_code_of_entries_and_refusals_has_words_for_each():
    """EV_THRESHOLD is why an order was made, and why what a limit left of one was not."""
    assert reason_text("EV_THRESHOLD") == "worth more than it costs"
    assert refusal_text("EV_THRESHOLD") == because("EV_THRESHOLD") != reason_text("EV_THRESHOLD")
    assert refusal_text("MINE") == "MINE"
