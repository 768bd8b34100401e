"""A user's strategy: the documented one does what it says, and whatever is wrong with a file is told with its place."""

import copy
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tests.reference.compare import engine_rows
from tests.reference.worlds import make_world
from tests.unit.engine_parts import MINUTE, contract, orders, quote, replay
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.families.kalshi_weather.fee_schedule import FEE_ERAS
from tradewinds.families.kalshi_weather.replay import replay_events
from tradewinds.families.kalshi_weather.strategies import file_strategy, weather_strategies

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTED = re.search(r"```python\n(.*?)```", (ROOT / "docs/strategies.md").read_text(), re.DOTALL)[1]


def run(tmp_path, text, seed=12, rounding="cent", **parameters):
    world = make_world(tmp_path, seed)
    path = tmp_path / "mine.py"
    path.write_text(text)
    conf = copy.deepcopy(world.config)
    conf["strategy"] = {"name": "mine", "file": str(path), "parameters": parameters}
    conf["fees"], conf["cadence_minutes"] = {"rounding": rounding}, 1
    conf["on_missing"] = conf["on_missing"] | {"validation": "warn"}
    return replay_events(conf, world.catalogs, world.candles, world.probabilities)


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
        (HEAD + "Orders(quotes.quoted(YES) * 1 - 1, priority=2**64)", SimulationError, "a priority that is no number"),
        (
            HEAD + "Orders(quotes.quoted(YES) * 1 - 1, priority=float('nan'))",
            SimulationError,
            "a priority that is no number",
        ),
        (HEAD + "Orders(quotes.quoted(YES) * 1 - 1, -1)", SimulationError, "no whole number above 0"),
        (HEAD + "Orders(quotes.quoted(YES) * 1 - 1, 2**64)", SimulationError, "no whole number above 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        run(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("import sys\nsys.exit(0)", ConfigError, r"mine\.py: line 2: it ends the program \(sys\.exit\)"),
        ("raise SystemExit", ConfigError, r"mine\.py: line 1: it ends the program"),
        ("exit()", ConfigError, r"mine\.py: line 1: it ends the program"),
        ("while True: pass", ConfigError, r"mine\.py: line 1: it was still busy after 0 s"),
        ("class Odd(BaseException): pass\nraise Odd('\x1b[2J')", ConfigError, r"line 2: Odd: \\x1b"),
        ("x = '\0'", ConfigError, r"mine\.py: .*null bytes"),
        (HEAD + "exit(0)", SimulationError, r"mine\.py: line 3: it ends the program"),
        (HEAD + "[1 for _ in iter(int, 1)]", SimulationError, r"mine\.py: line 3: it was still busy after"),
    ],
)
def test_a_file_that_ends_the_program_or_never_ends_is_named(tmp_path, monkeypatch, text, error, words):
    for name in ("LOAD_SECONDS", "CALL_SECONDS"):
        monkeypatch.setattr(file_strategy, name, 0.3)
    with pytest.raises(error, match=words):
        run(tmp_path, text)


def test_a_file_that_catches_every_error_ends_with_the_process(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import time\nwhile True:\n    try: time.sleep(1)\n    except BaseException: pass\n"
    )
    program = (
        "from tradewinds.core import time_limit\n"
        "from tradewinds.families.kalshi_weather.strategies import file_strategy\n"
        "file_strategy.LOAD_SECONDS = time_limit.AGAIN_SECONDS = 0.05\n"
        "file_strategy.load('mine.py')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 2 and "mine.py, line" in done.stderr and "catches every error" in done.stderr


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "mine.py").write_bytes("# prévision\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"mine\.py, line 1: the strategy file is not text in UTF-8"):
        file_strategy.load(str(tmp_path / "mine.py"))


RAW = {
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


def test_a_file_that_is_not_there_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.py: there is no such file"):
        resolve.resolve(RAW | {"strategy": {"name": "mine", "file": "gone.py"}})
    plain = resolve.run_id(resolve.resolve(RAW))
    assert resolve.run_id(resolve.resolve(RAW | {"strategy": {"name": "ev_threshold"}})) == plain
    (tmp_path / "mine.py").write_text(DOCUMENTED)
    own = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": {"edge": 0.05}}
    assert resolve.run_id(resolve.resolve(RAW | {"strategy": own})) != plain


def test_the_order_of_a_side_that_nobody_wants_and_of_priority(tmp_path):
    """With NO orders only, no YES is bought; a priority by price puts the dearest first at one instant."""
    text = HEAD.replace("return ", "import numpy as np\n    side = np.where(quotes.quoted(NO), NO, NONE)\n    return ")
    result = run(tmp_path, text + "Orders(side, priority=quotes.ask(NO))", seed=13)
    assert result.trades and {trade.side for trade in result.trades} == {"BUY_NO"}
    for one, other in zip(result.trades, result.trades[1:], strict=False):
        if one.decision_ts == other.decision_ts:
            assert one.entry_price_micro >= other.entry_price_micro


def own_rules(tmp_path, text, rounding="cent", **parameters):
    (tmp_path / "mine.py").write_text(text)
    own = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": parameters}
    return weather_strategies.rules_of(resolve.resolve(RAW | {"strategy": own, "fees": {"rounding": rounding}}))


def test_the_exchange_rounding_is_the_strategys_too(tmp_path):
    """A YES for 0.055 that is worth 0.085 costs 0.01 in fees, and 0.005 once they are finer: above 0.021 only then."""
    first = FEE_ERAS[0][0] // MINUTE
    what = contract(p="0.085", start=first - 3, end=first + 3, settles=first + 99)
    quotes = [quote(0, first - 3, first + 2, yes="0.055")]
    bought = {}
    for rounding in ("cent", "exchange"):
        outcome = replay([what], quotes, own_rules(tmp_path, DOCUMENTED, rounding, edge="0.021"))
        bought[rounding] = [(o[0] - first, o[3]) for o in orders(outcome)]
        assert {f.fee_micro for f in outcome.fills} <= {5_000}
    assert bought == {"cent": [], "exchange": [(0, 1), (1, 1), (2, 1)]}


def test_before_march_2026_the_exchange_rounding_changes_nothing_for_a_strategy(tmp_path):
    cent, exchange = (run(tmp_path, DOCUMENTED, rounding=rounding, edge="0.03") for rounding in ("cent", "exchange"))
    assert cent.trades and engine_rows(cent) == engine_rows(exchange) and cent.equity == exchange.equity


def test_it_is_asked_about_the_distinct_quotes_of_each_market_that_somebody_can_buy(tmp_path):
    text = "SEEN = []\n" + HEAD.replace("return ", "SEEN.append(quotes)\n    return ") + "Orders(NONE)"
    first = FEE_ERAS[0][0] // MINUTE
    times = {"start": first - 40, "end": first + 40, "settles": first + 99}
    trio = [contract("A", "0.8", **times), contract("B", "0.8", **times), contract("C", "0.7", **times)]
    begins = [(i, first - 30 + 5 * n, f"0.4{n % 3}") for i in range(3) for n in range(9)]
    quotes = [quote(i, begin, begin + 2, yes=yes, no="0.70") for i, begin, yes in begins]
    quotes.append(quote(2, first + 30, first + 31, no="0.70"))
    assert not replay(trio, quotes, own_rules(tmp_path, text, "exchange")).decisions
    seen = file_strategy.load(str(tmp_path / "mine.py")).__globals__["SEEN"]
    replays = len(seen) // 2  # `replay` looks at the same in several ways
    assert [asked.fee_era for asked in seen] == [0, 1] * replays, "once for each rounding of fees that there was"
    expected = [(p, ask, 700_000) for p in (8, 8, 7) for ask in (400_000, 410_000, 420_000)] + [(7, -1, 700_000)]
    for asked in seen:
        rows = list(zip((asked.p_pico // 10**11).tolist(), asked.yes_ask.tolist(), asked.no_ask.tolist(), strict=True))
        assert len(asked) == len(rows) and sorted(rows) == sorted(expected)
        sold = asked.quoted(Side.YES)
        assert sold.tolist() == [yes != -1 for _, yes, _ in rows] and asked.quoted(Side.NO).all()
        gross = [p * 10**11 - yes * 10**6 for p, yes, _ in rows if yes != -1]
        assert asked.gross_value(Side.YES)[sold].tolist() == gross
        # three at 0.40 to 0.42 cost 0.06 in fees under every rounding
        assert set(asked.fee(Side.YES, 3)[sold].tolist()) == {60_000}
        assert asked.net_value(Side.YES, 3)[sold].tolist() == [one * 3 - 60_000 * 10**6 for one in gross]
        assert asked.gross_value(Side.NO).tolist() == [10**12 - p * 10**11 - 7 * 10**11 for p, _, _ in rows]
        for number, side in enumerate((Side.YES, Side.NO)):  # the number of a side means that side
            assert asked.ask(number).tolist() == asked.ask(side).tolist()
            assert asked.gross_value(number).tolist() == asked.gross_value(side).tolist()


def test_a_million_contracts_may_be_wanted(tmp_path):
    text = HEAD + "Orders(YES, 1_000_000)"
    outcome = replay([contract()], [quote(0, 5, 5, yes="0.456789")], own_rules(tmp_path, text), cash="900000000")
    assert [o[3] for o in orders(outcome)] == [1_000_000]
