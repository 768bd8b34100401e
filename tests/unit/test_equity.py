"""Equity points: which instants they are taken at, and what the account is worth there, against a definition in a loop."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine_parts import MINUTE, contract, micro, replay
from tests.unit.test_engine_properties import worlds
from tests.unit.test_quotes import candle, written
from tradewinds.engine.contracts import Side
from tradewinds.engine.equity import DAY_SECONDS, equity_curve
from tradewinds.engine.ledger import Fill
from tradewinds.engine.quotes import Clock, QuoteView

MIDNIGHT = 1440  # in minutes


def bought(what, side, quantity, price, fee, minute):
    return Fill(what, side, quantity, micro(price), micro(fee), minute * MINUTE, minute * MINUTE, 0, 0)


def no_quotes(_):
    return {}


def shown(curve):
    """Points as (minute, kind, cash, open value), money in dollars."""
    return [(p.ts / MINUTE, p.kind, p.cash_micro / 1e6, p.open_value_micro / 1e6) for p in curve]


def test_every_point_by_hand(tmp_path):
    """YES is worth its bid and NO one minus its ask, at the quote of that instant; nothing where there is none."""
    a, b = contract("A", start=720, end=2900, settles=3000), contract("B", start=700, end=4300, settles=4400, pays="0")
    quotes = [
        candle("A", 1500, "0.55", "0.60"),
        candle("B", 700, "0.60", "0.70"),
        candle("B", 2000, "0.20", "1"),  # no ask: nothing to sell NO at
        candle("B", 2990, "0.20", "0.25"),
        candle("B", 4000, "0.50", "0.45"),  # crossed: no quote
    ]
    view = QuoteView([written(tmp_path, "candles.parquet", quotes)], [a, b], Clock(MINUTE))
    fills = [bought(b, Side.NO, 5, "0.35", "0.08", 800), bought(a, Side.YES, 10, "0.40", "0.17", MIDNIGHT)]
    curve = equity_curve(micro("100"), 700 * MINUTE, [a, b], fills, view.marks, [3000 * MINUTE, 4400 * MINUTE])
    assert shown(curve) == [
        (700, "start", 100, 0),
        (1440, "midnight", 98.17, 1.5),  # 5 NO at 1 - 0.70; the order of this instant comes after it
        (2880, "midnight", 94, 5.5),  # 10 YES at 0.55, and the NO have no price
        (3000, "settlement", 104, 3.75),  # the YES have paid 10
        (4320, "midnight", 104, 0),
        (4400, "end", 109, 0),
    ]
    assert [p.equity_micro / 1e6 for p in curve] == [100, 99.67, 99.5, 107.75, 104, 109]
    made = sum(fill.payout_micro - fill.cost_micro for fill in fills)
    assert curve[-1].equity_micro == micro("100") + made


def test_instants_that_coincide_are_one_point():
    def kinds(start, settled):
        curve = equity_curve(micro("9"), start * MINUTE, [], [], no_quotes, [minute * MINUTE for minute in settled])
        assert all(p[2:] == (micro("9"), 0) for p in curve)
        return [(p.ts // MINUTE, p.kind) for p in curve]

    assert kinds(MIDNIGHT, [2000]) == [(1440, "start"), (2000, "end")]
    assert kinds(100, [200, 200, 300, 300]) == [(100, "start"), (200, "settlement"), (300, "end")]
    assert kinds(100, [MIDNIGHT, 1500]) == [(100, "start"), (1440, "settlement"), (1500, "end")]
    assert kinds(1439, [2 * MIDNIGHT]) == [(1439, "start"), (1440, "midnight"), (2880, "end")]
    assert kinds(100, [50, 300]) == [(100, "start"), (300, "end")]  # what settled before is not the run's


@st.composite
def accounts(draw):
    """(start, contracts, fills in time order): all times are multiples of six hours, so that many coincide."""
    step = MIDNIGHT // 4
    contracts = []
    for name in "ABC"[: draw(st.integers(1, 3))]:
        start = draw(st.integers(1, 6))
        settles = start + draw(st.integers(1, 10))
        pays = draw(st.sampled_from(["0", "1", "0.24"]))
        contracts.append(contract(name, start=start * step, end=settles * step, settles=settles * step, pays=pays))
    fills = []
    for what in draw(st.lists(st.sampled_from(contracts), max_size=6)):
        window = st.integers(what.start_ts // MINUTE // step, what.settle_ts // MINUTE // step - 1)
        side, quantity = draw(st.sampled_from(Side)), draw(st.integers(1, 9))
        fills.append(bought(what, side, quantity, f"0.{draw(st.integers(10, 99))}", "0.07", draw(window) * step))
    fills.sort(key=lambda fill: fill.decision_ts)
    return min(c.start_ts for c in contracts), contracts, fills


def value(idx, ts):
    """Made-up liquidation values (YES, NO), another at each instant."""
    return (idx * 7_919 + ts * 31) % 1_000_000, (idx * 104_729 + ts * 17) % 1_000_000


def made_up(wanted):
    """Values for most of what is asked, as marks gives them: without a visible quote there is none."""
    return {(idx, ts): value(idx, ts) for idx, ts in wanted if has_quote(idx, ts)}


def has_quote(idx, ts):
    return (idx + ts // 21_600) % 4 > 0


@settings(max_examples=200)
@given(accounts())
def test_the_curve_is_its_definition(account):
    start, contracts, fills = account
    settled = [c.settle_ts for c in contracts]
    end = max(settled)
    curve = equity_curve(micro("1000"), start, contracts, fills, made_up, settled)
    midnights = {ts for ts in range(0, end, DAY_SECONDS) if ts > start}
    assert [p.ts for p in curve] == sorted({start, end} | midnights | set(settled))
    for point in curve:
        cash, worth = micro("1000"), 0
        for fill in fills:
            idx, settles = contracts.index(fill.contract), fill.contract.settle_ts
            if fill.decision_ts < point.ts:
                cash -= fill.quantity * fill.price_micro + fill.fee_micro
            if settles <= point.ts:
                cash += fill.quantity * fill.contract.payout_micro(fill.side)
            elif fill.decision_ts < point.ts and has_quote(idx, point.ts):
                worth += fill.quantity * value(idx, point.ts)[fill.side]
        assert (point.cash_micro, point.open_value_micro) == (cash, worth)
    kinds = {p.kind: {q.ts for q in curve if q.kind == p.kind} for p in curve}
    assert (kinds["start"], kinds["end"]) == ({start}, {end})
    assert kinds.get("settlement", set()) == set(settled) - {start, end}
    assert curve[-1].equity_micro == micro("1000") + sum(f.payout_micro - f.cost_micro for f in fills)


@settings(max_examples=100)
@given(worlds())
def test_the_curve_of_a_replay_ends_where_its_ledger_ends(world):
    contracts, quotes, how, cash = world
    outcome = replay(contracts, quotes, how, cash=cash)
    start, settled = min(c.start_ts for c in contracts), [c.settle_ts for c in contracts]
    curve = equity_curve(micro(cash), start, contracts, outcome.fills, made_up, settled)
    assert curve[-1][1:] == ("end", outcome.end_cash_micro, 0)
    assert all(p.cash_micro >= 0 and p.open_value_micro >= 0 for p in curve)
