"""A user's strategy: the documented one does what it says, and whatever is wrong with a file is told with its place."""

import copy
import re
from fractions import Fraction
from pathlib import Path

import pytest

from tests.reference.worlds import make_world
from tradewinds import config
from tradewinds.errors import ConfigError, SimulationError
from tradewinds.markets import kalshi_weather

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = re.search(r"```python\n(.*?)```", (ROOT / "docs/strategies.md").read_text(), re.DOTALL)[1]


def run(tmp_path, text, seed=12, **parameters):
    world = make_world(tmp_path, seed)
    path = tmp_path / "mine.py"
    path.write_text(text)
    conf = copy.deepcopy(world.config)
    conf["strategy"] = {"name": "mine", "file": str(path), "parameters": parameters}
    conf["fees"], conf["cadence_minutes"] = {"rounding": "cent"}, 1
    conf["on_missing"] = conf["on_missing"] | {"validation": "warn"}
    return kalshi_weather.simulate(conf, world.catalogs, world.candles, world.probabilities)


def test_the_documented_strategy_is_short_and_buys_only_what_is_worth_it(tmp_path):
    assert len(DOCUMENTED.splitlines()) <= 30
    bought = 0
    for seed in range(10, 22):
        folder = tmp_path / str(seed)
        folder.mkdir()
        for trade in run(folder, DOCUMENTED, seed, edge="0.03").trades:
            p = Fraction(trade.model_prob_yes_pico, 10**12)
            price, fee = Fraction(trade.entry_price_micro, 10**6), Fraction(trade.entry_fee_micro, 10**6)
            worth = (p if trade.side == "BUY_YES" else 1 - p) - price - fee
            assert trade.qty == 1 and worth > Fraction("0.03") and trade.ev_net_pico == worth * 10**12
            bought += 1
    assert bought > 50


HEAD = "from tradewinds.strategies.user_file import NO, NONE, YES, Orders\ndef orders(quotes, parameters):\n    return "


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x = (", ConfigError, r"mine\.py: line 1: .* was never closed"),
        ("import nothing_like_it", ConfigError, "line 1: ModuleNotFoundError"),
        ("def order(quotes): pass", ConfigError, r"no function orders\(quotes, parameters\)"),
        (HEAD + "1 / 0", SimulationError, "mine.py: line 3: ZeroDivisionError"),
        (HEAD + "None", SimulationError, "must return Orders"),
        (HEAD + "Orders(YES)", SimulationError, "a side that is not quoted"),
        (HEAD + "Orders(7)", SimulationError, "neither YES, NO nor NONE"),
        (HEAD + "Orders([YES, NO, NONE])", SimulationError, "ValueError"),
        (HEAD + "Orders(quotes.quoted(YES) * 1 - 1, quantity=0.5)", SimulationError, "no whole number above 0"),
        (HEAD + "Orders(quotes.quoted(YES) * 1 - 1, priority='high')", SimulationError, "a priority that is no number"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        run(tmp_path, text)


def test_a_file_that_is_not_there_is_a_config_error(tmp_path):
    raw = {
        "series_tickers": ["KXHIGHCHI"],
        "date_start_local": "2025-05-02",
        "date_end_local": "2025-05-03",
        "asof_policy": {"local_time": "23:00", "days_before": 1},
        "trade_window_policy": "market_close",
        "cadence_minutes": 1,
        "execution_model": "taker",
        "risk": {"start_balance_usd": 1000},
        "output_dir": "backtests",
    }
    with pytest.raises(ConfigError, match=r"gone\.py: there is no such file"):
        config.resolve(raw | {"strategy": {"name": "mine", "file": "gone.py"}})
    plain = config.run_id(config.resolve(raw))
    assert config.run_id(config.resolve(raw | {"strategy": {"name": "ev_threshold"}})) == plain
    (tmp_path / "mine.py").write_text(DOCUMENTED)
    own = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": {"edge": 0.05}}
    assert config.run_id(config.resolve(raw | {"strategy": own})) != plain


def test_the_order_of_a_side_that_nobody_wants_and_of_priority(tmp_path):
    """With NO orders only, no YES is bought; a priority by price puts the dearest first at one instant."""
    text = HEAD.replace("return ", "import numpy as np\n    side = np.where(quotes.quoted(NO), NO, NONE)\n    return ")
    result = run(tmp_path, text + "Orders(side, priority=quotes.ask(NO))", seed=13)
    assert result.trades and {trade.side for trade in result.trades} == {"BUY_NO"}
    for one, other in zip(result.trades, result.trades[1:], strict=False):
        if one.decision_ts == other.decision_ts:
            assert one.entry_price_micro >= other.entry_price_micro
