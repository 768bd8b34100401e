"""Daily shares by classes: the built-in strategies written as such, orders by hand, random worlds, and what is shown."""

import csv
import datetime as dt
import json
import os
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.families.equities_daily.test_lookahead import run_of
from tests.reference.naive_share_steps import NaiveShareSteps
from tests.reference.naive_shares import Bar, Settings
from tests.unit import share_runs
from tests.unit.share_classes import CLASSES, called
from tests.unit.share_scripts import Follows, random_case, script_of
from tests.unit.share_worlds import booked_rows, flat, money, replayed, told, weekdays
from tests.unit.test_share_ledger import random_world
from tradewinds.audits import lookahead
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.families.equities_daily import replay
from tradewinds.families.equities_daily.bar_panel import date_of
from tradewinds.families.equities_daily.share_reasons import reason_text
from tradewinds.families.plan import run_plan
from tradewinds.strategies.decisions import buy, cancel, limit, sell

ROOT = Path(__file__).resolve().parents[3]
WORLDS = int(os.environ.get("TRADEWINDS_WORLDS", "16"))
SECTION = (ROOT / "docs/strategies.md").read_text().partition("\n## Classes of daily shares")[2].partition("\n## ")[0]
DOCUMENTED = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
TEMPLATE = (ROOT / "src/tradewinds/cli/templates/equities_daily/my_share_class.py").read_text()
PARAMETERS = {"fall": 0.01, "gain": 0.01, "value": 10000}
MONDAY = dt.date(2024, 1, 1)
HEAD = "from tradewinds.strategies.decisions import buy, cancel, limit, sell\n\n\nclass Strategy:\n"
FILLS_AND_REFUSALS = {
    "STRATEGY",
    "RESTING",
    "sale",
    "resting_sale",
    "no_bars",
    "backtest_end",
    "ALREADY_HELD",
    "LIQUIDITY",
}
FILLS_AND_REFUSALS |= {
    "NO_WHOLE_SHARE",
    "NOTHING_HELD",
    "INSUFFICIENT_CASH",
    "MAX_POSITIONS",
    "NO_VOLUME",
    "NO_NEXT_BAR",
}


# ---- the same as the built-in strategies ----


def without_reasons(trades):
    """Trades without the exit reasons of exit rules: a class has one reason for all its sales."""
    kept = {"no_bars", "backtest_end"}
    rows = [trade | {"reason": trade["reason"] if trade["reason"] in kept else "sale"} for trade in trades]
    return sorted(rows, key=lambda trade: (trade["date"], trade["symbol"]))


@pytest.mark.parametrize("name", CLASSES)
def test_a_built_in_strategy_as_a_class_makes_the_same_trades_to_the_cent(name):
    found = 0
    for seed in range(WORLDS):
        case = random_case(seed) | {"strategy": name}
        # at a bar outside the universe a built-in strategy judges no exit, and a class sees the bar: one membership here
        case["spans"] = {symbol: spans[:1] for symbol, spans in case["spans"].items()}
        world, asked = random_world(seed), Settings(**case)
        trades, equity, result = replayed(world, asked)
        made, market = called(world, asked, CLASSES[name]())
        assert without_reasons(told(market.bars, made.trades)) == without_reasons(trades), f"seed {seed}"
        assert [(date_of(row.day), money(row.cash + row.open_value)) for row in made.equity] == equity, f"seed {seed}"
        late = {"ALREADY_HELD", "NO_NEXT_BAR"}  # a class sees what is held, and its order waits for a bar
        assert Counter({r: n for r, n in made.refusals.items() if r not in late}) == Counter(
            {r: n for r, n in result.refusals.items() if r not in late}
        )
        found += len(trades)
    assert found > WORLDS // 4


# ---- the same as the naive second implementation ----


def agrees(seed):
    """Both implementations follow the same script; returns the reasons that came up."""
    world, asked = random_world(seed), Settings(**random_case(seed))
    seen, seen_naively = [], []
    naive = NaiveShareSteps(world, asked, script_of(seed, seen_naively))
    naive.run()
    made, market = called(world, asked, Follows(script_of(seed, seen)))
    symbols = market.bars.symbols
    assert seen == seen_naively, f"seed {seed}: a view differs"
    refused = sorted((symbols[o.symbol], date_of(o.decided_day), o.reason) for o in made.outcomes if not o.filled)
    assert refused == sorted(naive.refused), f"seed {seed}"
    assert [(date_of(row.day), money(row.cash + row.open_value)) for row in made.equity] == naive.equity, f"seed {seed}"
    assert all(row.cash >= 0 for row in made.equity)
    # fills and their commissions, as the books have them
    rows = [row for row in booked_rows(made.journal) if row[0] == "FILL"]
    signs = {"BUY": 1, "SELL": -1}
    wanted = [("FILL", s, k, signs[k] * q, p, -signs[k] * q * p, r) for k, s, _, q, p, _, r in naive.fills]
    assert sorted(rows) == sorted(wanted), f"seed {seed}"
    fees = sum(row[5] for row in booked_rows(made.journal) if row[0] == "FEE")
    assert -fees == sum(fill[5] for fill in naive.fills)
    trades = sorted(
        (symbols[t.symbol], date_of(t.signal_day), date_of(t.exit_day), t.exit_reason, money(t.pnl))
        for t in made.trades
    )
    named = ("symbol", "signal", "exit_date", "reason", "pnl")
    assert trades == sorted(tuple(trade[name] for name in named) for trade in naive.trades), f"seed {seed}"
    return Counter(row[6] for row in rows) + made.refusals


def test_random_orders_agree_with_the_naive_replay():
    reasons = sum((agrees(seed) for seed in range(WORLDS)), Counter())
    assert set(reasons) >= FILLS_AND_REFUSALS
    assert all(reason_text(reason) != reason for reason in reasons)


class SellsOneOfAll:
    """Buys 18 shares, asks to sell one of them, then all."""

    def on_start(self, parameters):
        self.orders = [lambda share: buy(share, quantity=18), lambda share: sell(share, quantity=1), sell]

    def on_decision(self, view):
        return [self.orders.pop(0)(share) for share in view.changed if self.orders]


def test_a_sale_whose_commission_the_cash_does_not_pay_is_refused():
    """100.00 buys 18 at 5.00 with 9.50: 0.50 is left. One sold brings 5.00 and costs 9.50; all bring 90.00."""
    costs = {"commission_pct": Decimal(0), "slippage_pct": Decimal(0), "min_commission": Decimal("9.50")}
    asked = Settings("Breakout", MONDAY, dt.date(2024, 1, 9), balance=Decimal(100), same_close=True, **costs)
    made, _ = called({"A": flat(MONDAY, [5] * 7)}, asked, SellsOneOfAll())
    assert [(o.quantity, o.reason, o.filled) for o in made.outcomes] == [
        (18, "STRATEGY", True),
        (0, "INSUFFICIENT_CASH", False),
        (18, "sale", True),
    ]
    assert [money(row.cash) for row in made.equity][-1] == Decimal("81.00")
    assert money(made.trades[0].pnl) == Decimal("-19.00")


def test_a_sweep_keeps_no_books_and_comes_to_the_same():
    for seed in range(5):
        world, asked = random_world(seed), Settings(**random_case(seed))
        whole, _ = called(world, asked, Follows(script_of(seed, [])))
        light, _ = called(world, asked, Follows(script_of(seed, [])), books=False)
        assert (light.closed, light.equity, light.journal) == (whole.closed, whole.equity, None)


# ---- orders by hand ----


class Listed:
    """Orders by the number of the close, from 0; keeps what was shown."""

    def __init__(self, **orders):
        self.orders, self.seen = {int(name[1:]): order for name, order in orders.items()}, []

    def on_decision(self, view):
        self.seen.append((view.cash, view.reserved, view.orders, view.market("A")))
        return self.orders.get(len(self.seen) - 1)


def bars(*texts, volume=100_000):
    """Bars of (open, high, low, close) on weekdays."""
    return [
        Bar(date, *map(Decimal, text.split()), volume)
        for date, text in zip(weekdays(MONDAY, len(texts)), texts, strict=True)
    ]


def outcome(rows, strategy, **changes):
    """Fills and refusals of one symbol as (reason, shares, price), and the result."""
    settings = {"commission_pct": Decimal(0), "slippage_pct": Decimal(0), "balance": Decimal(1000)} | changes
    made, _ = called({"A": rows}, Settings("Breakout", MONDAY, dt.date(2024, 12, 31), **settings), strategy)
    return [(o.reason, o.quantity, float(money(o.price))) for o in made.outcomes], made


FALLING = bars("10 10 10 10", "10 10 9 9.5", "9.5 9.5 8.9 9.4", "9 9 8 8")


def test_a_limit_is_filled_where_the_bar_goes_through_it_and_not_where_it_touches():
    assert outcome(FALLING, Listed(d0=limit(buy("A", 5), 9)))[0] == [("RESTING", 5, 9.0)]  # touched on the second day
    strategy = Listed(d0=limit(buy("A", 5), 9))
    outcome(FALLING, strategy)
    held = [(share.held, share.price, share.entry_date) for *_, share in strategy.seen]
    assert [h for h, *_ in held] == [0, 0, 5, 5] and held[2][1:] == (9.0, FALLING[2].date)
    assert [len(orders) for _, _, orders, _ in strategy.seen] == [0, 1, 0, 0]


def test_a_gap_fills_a_limit_at_the_open():
    assert outcome(FALLING, Listed(d2=limit(buy("A", 5), 9.2)))[0] == [("RESTING", 5, 9.0)]
    rising = bars("10 10 10 10", "10 10 10 10", "12 13 12 12")
    assert outcome(rising, Listed(d0=buy("A", 5), d1=limit(sell("A"), 11)))[0][1] == ("resting_sale", 5, 12.0)


def test_slippage_keeps_an_open_from_a_limit():
    rows = bars("10 10 10 10", "9 9.2 9 9.2")
    assert outcome(rows, Listed(d0=limit(buy("A", 5), 9)), slippage_pct=Decimal(1))[0] == []
    assert outcome(rows, Listed(d0=limit(buy("A", 5), 9.1)), slippage_pct=Decimal(1))[0] == [("RESTING", 5, 9.09)]


def test_a_limit_keeps_its_cash_and_gives_it_back():
    strategy = Listed(d0=limit(buy("A", 1000), 8.5), d1=cancel("A"), d2=buy("A", value=10**6))
    fills, _ = outcome(FALLING, strategy, commission_pct=Decimal(1))
    assert strategy.seen[1][:2] == (4.14, 116 * 8.5 + 9.86)
    assert strategy.seen[2][:2] == (1000, 0) and fills == [("STRATEGY", 110, 9.0)]


def test_a_limit_is_over_at_its_time():
    opens, closes = (int(dt.datetime.combine(FALLING[1].date, dt.time(), dt.UTC).timestamp()) + s for s in (0, 86399))
    assert outcome(FALLING, Listed(d0=limit(buy("A", 5), 9.8, until=closes)))[0] == [("RESTING", 5, 9.8)]
    assert outcome(FALLING, Listed(d0=limit(buy("A", 5), 9.8, until=closes - 1)))[0] == []
    assert outcome(FALLING, Listed(d0=limit(buy("A", 5), 10, until=opens)))[0] == [("RESTING", 5, 10.0)]


def test_prices_and_quantities_are_rounded_to_the_grid():
    fills, _ = outcome(FALLING, Listed(d0=limit(buy("A", 5.99), 9.0000016)))
    assert fills == [("RESTING", 5, 9.000002)]
    assert outcome(FALLING, Listed(d0=limit(buy("A", 0.99), 9)))[0] == [("NO_WHOLE_SHARE", 0, 0.0)]


def test_a_position_sold_in_parts_is_one_trade_of_all_of_them():
    rows = bars("10 10 10 10", "10 10 10 10", "11 11 11 11", "14 14 14 14", "14 14 14 14")
    fills, made = outcome(
        rows, Listed(d0=buy("A", 9), d1=sell("A", 6), d2=sell("A", 100)), commission_pct=Decimal("0.1")
    )
    assert fills == [("STRATEGY", 9, 10.0), ("sale", 6, 11.0), ("sale", 3, 14.0)]
    (trade,) = made.trades
    assert (trade.quantity, float(money(trade.exit_price)), trade.exit_day) == (9, 12.0, made.equity[3].day)
    assert money(trade.pnl) == 18 - Decimal("0.09") - Decimal("0.07") - Decimal("0.04")


def test_orders_to_sell_end_with_the_position():
    rows = bars("10 10 10 10", "10 10 10 10", "10 10 10 10", "10 10 10 10", "15 15 15 15")
    strategy = Listed(d0=buy("A", 2), d1=[limit(sell("A"), 12), sell("A")], d2=buy("A", 3))
    assert outcome(rows, strategy)[0] == [("STRATEGY", 2, 10.0), ("sale", 2, 10.0), ("STRATEGY", 3, 10.0)]


def test_the_textbook_fill_at_the_close_that_was_seen():
    fills, made = outcome(FALLING, Listed(d1=buy("A", 2), d3=[sell("A"), buy("A", 1)]), same_close=True)
    assert fills == [("STRATEGY", 2, 9.5), ("sale", 2, 8.0), ("ALREADY_HELD", 0, 0.0)]
    assert [float(money(row.cash + row.open_value)) for row in made.equity] == [1000, 1000, 999.8, 997]


def test_bars_before_the_run_are_history_and_an_unknown_volume_is_nan():
    seen = []

    class Looks:
        def on_decision(self, view):
            seen.append(
                (
                    view.closes("A"),
                    view.closes("A", 2),
                    view.volumes("A", 1),
                    view.history("A", 1)[0],
                    view.history("B"),
                )
            )

    rows = flat(MONDAY, [10, 11, 12, 13])
    rows[3] = Bar(*(getattr(rows[3], name) for name in ("date", "open", "high", "low", "close")), None)
    called({"A": rows}, Settings("Breakout", rows[2].date, rows[3].date), Looks())
    assert seen[0][:3] == ([10.0, 11.0, 12.0], [11.0, 12.0], [200_000.0])
    assert seen[1][0] == [10.0, 11.0, 12.0, 13.0] and str(seen[1][2]) == "[nan]" and seen[1][4] == []
    assert seen[0][3][:6] == (rows[2].date, *seen[0][3][1:2], 11.0, 12.0, 11.0, 12.0)


# ---- files ----


def rows_of(path):
    """The rows of a CSV file."""
    with path.open() as handle:
        return list(csv.DictReader(handle))


def run_file(tmp_path, text, seed=5, **changes):
    """A run of a random world by a strategy file, and its metrics."""
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run/mine.py").write_text(text)
    strategy = {"name": "mine", "file": "mine.py", "history_bars": 6, "parameters": PARAMETERS}
    world = random_world(seed, symbols=6)
    folder = share_runs.write(
        tmp_path / "run", world, **{"strategy": strategy, "on_missing": {"bars": "skip"}, **changes}
    )
    return folder, json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("text", [*DOCUMENTED, TEMPLATE], ids=["mean reversion", "breakout", "limits", "template"])
def test_the_documented_classes_are_short_and_trade(tmp_path, text):
    assert len(text.splitlines()) <= 28
    folder, metrics = run_file(tmp_path, text, seed=11)
    trades = rows_of(folder / "trades.csv")
    assert metrics["num_trades"] == len(trades) >= 2
    assert {trade["reason_code"] for trade in trades} == {"RESTING" if "limit(buy" in text else "STRATEGY"}
    assert "sale" in {trade["settled_result"] for trade in trades}


def test_the_report_and_the_files_tell_of_a_class(tmp_path):
    folder, metrics = run_file(tmp_path, DOCUMENTED[2])
    closed = rows_of(folder / "positions_closed.csv")
    assert sum(Decimal(row["pnl"]) for row in closed) == Decimal(str(metrics["total_pnl_usd"]))
    report = (folder / "report.md").read_text()
    assert "mine on S0" in report and "Limits of your own strategy fill at their price" in report


def test_a_sweep_of_parameters_replays_the_class(tmp_path, monkeypatch):
    _, metrics = run_file(tmp_path, DOCUMENTED[0])
    monkeypatch.chdir(tmp_path / "run")
    raw = {**share_runs.CONFIG, "universe": [f"S{n}" for n in range(6)], "on_missing": {"bars": "skip"}}
    strategy = {"name": "mine", "file": "mine.py", "history_bars": 6, "parameters": PARAMETERS}
    configs = [
        resolve.resolve({**raw, "strategy": strategy | {"parameters": PARAMETERS | {"fall": fall}}})
        for fall in (0.01, 0.08)
    ]
    summaries = replay.replay_shares_many(configs, run_plan(configs[0]), 1)
    assert sum(summaries[0].pnl_micro) == round(metrics["total_pnl_usd"] * 10**6)
    assert len(summaries[0].pnl_micro) > len(summaries[1].pnl_micro)


def body(text):
    return HEAD + "    def on_decision(self, view):\n" + "".join(f"        {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (body("return view.future"), "line 6: AttributeError: 'BarView' object has no attribute 'future'"),
        (body("return buy('NONE', 1)"), "an order for 'NONE', which has had no bar"),
        (body("return buy(view.markets[0], 1, 'NO')"), "the side 'NO', which shares do not have"),
        (body("return buy(view.markets[0])"), "an order to buy that says neither how much nor for how much money"),
        (body("return buy('S0', 1, value=2)"), "line 6: OrderProblem: buy takes a quantity or a value, not both"),
        (body("return limit(buy(view.markets[0], 1), 0)"), "a limit of 0, which is not above 0"),
        (body("return buy(view.markets[0], float('nan'))"), "a quantity that is no number"),
        (body("return buy(view.markets[0], 1, stop=1)"), "an order with a stop, which this market does not have"),
        (body("return buy(view.markets[0], value=-1)"), "a value of -1"),
        (body("return 7"), "TypeError"),
        (
            body("self.kept = getattr(self, 'kept', view)\nself.kept.now"),
            "line 7: ViewClosed: a view is read after its",
        ),
        (body("view.markets[0].close = 3"), "AttributeError"),
        (body("view._state.past[0]._later"), "AttributeError"),
    ],
)
def test_what_is_wrong_with_a_class_is_told_with_its_place(tmp_path, text, words):
    with pytest.raises(SimulationError, match=re.escape(words)):
        run_file(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "strategy", "words"),
    [
        ("x = 1", {}, "has no class Strategy with a method on_decision"),
        ("Strategy = 3", {}, "its Strategy is no class with a method"),
        ("class Strategy(", {}, "Python cannot read it"),
        (None, {}, "there is no such file"),
        (None, {"file": None, "name": "Breakout", "history_bars": 9}, "is for a strategy of your own"),
        (None, {"file": None, "name": "Breakout", "parameters": {"high_bars": "x"}}, "is 'x', no number"),
    ],
)
def test_what_is_wrong_with_the_config_is_told_before_the_run(tmp_path, monkeypatch, text, strategy, words):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("mine.py").write_text(text)
    raw = {**share_runs.CONFIG, "universe": ["A"], "strategy": {"name": "mine", "file": "mine.py"} | strategy}
    with pytest.raises(ConfigError, match=words):
        resolve.resolve(raw)


def test_nothing_that_is_shown_leads_to_a_later_bar(tmp_path):
    """Whatever can be reached from a view by attributes, items and closures holds no bar that has not ended."""
    rows = flat(MONDAY, [*range(10, 19), 777])
    found = Counter()

    class Digs:
        def on_decision(self, view):
            seen, todo = set(), [view]
            while todo:
                thing = todo.pop()
                if id(thing) in seen or isinstance(thing, type) or type(thing).__name__ in ("module", "ABCMeta"):
                    continue
                seen.add(id(thing))
                found["things"] += 1
                if isinstance(thing, int | float):
                    assert thing not in (777, 777 * 10**6) or view.date == rows[-1].date
                    found["last"] += thing == 777
                    continue
                slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
                names = [*slots, *getattr(thing, "__dict__", {})]
                todo += [getattr(thing, name) for name in names if hasattr(thing, name)]
                todo += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
                todo += [getattr(thing, name) for name in ("func", "args", "__self__") if hasattr(thing, name)]
                if isinstance(thing, dict):
                    todo += [*thing.keys(), *thing.values()]
                elif hasattr(thing, "__iter__") and not isinstance(thing, str | bytes):
                    todo += list(thing)

    called({"A": rows}, Settings("Breakout", MONDAY, rows[-1].date), Digs())
    assert found["things"] > 200 and found["last"]


HONEST = body(
    """orders = []
for share in view.changed:
    closes = view.closes(share, 5)
    if share.held and share.close > share.price * 1.02:
        orders.append(sell(share, 1 + share.held // 2))
    elif share.close < max(closes):
        orders.append(limit(buy(share, value=3000), share.close * 0.99, view.now + 400000))
    elif not share.held:
        orders.append(buy(share, value=3000))
return orders"""
)
LOOKS_AHEAD = body(
    """import sys
frame = sys._getframe()
while "desk" not in frame.f_locals:
    frame = frame.f_back
market, orders = frame.f_locals["desk"].market, []
for share in view.changed:
    row = frame.f_locals["desk"].last_row[view._state.index_of(share.ticker)]
    if row + 1 < len(market.close) and market.close[row + 1] > market.close[row] * 1.01:
        orders.append(buy(share, value=3000))
return orders"""
)


@pytest.mark.parametrize(("text", "finds"), [(HONEST, False), (LOOKS_AHEAD, True)], ids=["honest", "looks ahead"])
def test_the_look_ahead_check_finds_a_class_that_climbs_the_stack_and_passes_an_honest_one(
    tmp_path, monkeypatch, text, finds
):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(text)
    own, found, decisions = {"name": "mine", "file": "mine.py", "history_bars": 5}, 0, 0
    for seed in (1, 5, 7):
        for report in lookahead.check(run_of(seed, strategy=own), cuts=5, seed=seed):
            found += len(report.changes)
            decisions += report.decisions.total()
            assert not report.changes or finds, f"seed {seed}, {report.cut}: {report.changes[0]}"
    assert decisions > 100 and bool(found) == finds
