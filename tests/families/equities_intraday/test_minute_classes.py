"""Orders of classes on minute bars, computed by hand to the cent, and what a class is shown."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from tests.families.equities_intraday.orb_config import DEFAULTS, changed
from tests.families.equities_intraday.session_scripts import followed
from tradewinds.engine.bar_sessions.session_result import EXITS
from tradewinds.strategies.decisions import buy, cancel, limit, sell, stop

NEW_YORK = ZoneInfo("America/New_York")
DAY, HALF_DAY = dt.date(2024, 3, 8), dt.date(2024, 7, 3)
CALM = "100 100.2 99.8 100"


class Listed:
    """Orders by the minutes since the open at which they are returned; keeps what was shown."""

    def __init__(self, **orders):
        self.orders = {int(name[1:]): order for name, order in orders.items()}
        self.seen = {}

    def on_decision(self, view):
        self.seen[view.minute] = (view.market("A"), view.orders, view.cash)
        return self.orders.get(view.minute)


def session_of(date, minutes=390):
    """A session as (date, open, close)."""
    start = int(dt.datetime.combine(date, dt.time(9, 30), NEW_YORK).timestamp())
    return date, start, start + 60 * minutes


def rows_of(session, texts, first=0, volume=100_000):
    """Rows of a symbol: a bar a minute, "open high low close" each."""
    start = session[1] + 60 * first
    prices = [tuple(map(Decimal, text.split())) for text in texts]
    return [(start + 60 * place, *four, volume) for place, four in enumerate(prices)]


def outcome(strategy, *texts, session=None, rows=None, **changes):
    """What becomes of a list of orders on one symbol: (legs, refusals, result)."""
    session = session or session_of(DAY)
    config = changed(DEFAULTS, {"governance.time_cutoff": None} | {k.replace("__", "."): v for k, v in changes.items()})
    config |= {"symbols": ["A"], "date_start_local": session[0], "date_end_local": session[0]}
    rows = rows_of(session, texts) if rows is None else rows
    world = SimpleNamespace(bars={"A": rows}, sessions=[session], config=config, actions={})
    made, _ = followed(world, strategy)
    legs = [
        ("entry" if reason < 0 else EXITS[reason], (ts - session[1]) // 60, shares, fill / 10**6, fee / 10**6)
        for _, ts, shares, _, fill, fee, reason in made.leg_rows.tolist()
    ]
    refused = [outcome.reason for outcome in made.outcomes if not outcome.filled]
    return legs, refused, made


def pnl(made):
    """Profit of the only trade."""
    (trade,) = made.trades
    return trade.pnl / 10**6


# ---- goldens; a tick of slippage, half a cent a share and a dollar at least, as the family's config has them ----


def test_an_entry_with_a_gap_and_a_stop():
    """103.00 at the open is 103.01; R is 103 - 99 = 4; out at 99.00, which is 98.99: -402 - 2 = -404."""
    legs, _, made = outcome(Listed(m1=buy("A", 100, stop=99)), CALM, "103 103.5 102.5 103", "102 102 98.5 98.7", CALM)
    assert legs == [("entry", 1, 100, 103.01, 1.0), ("stop", 3, -100, 98.99, 1.0)]
    (trade,) = made.trades
    assert (pnl(made), trade.r_gross, trade.r) == (-404.0, -1, Fraction(-101, 100))
    assert (trade.risk, trade.mae_r, trade.mfe_r) == (4_000_000, Fraction(-9, 8), Fraction(1, 8))


def test_a_gap_through_the_stop_fills_at_the_open():
    """97.00 is 96.99: (96.99 - 100.01) x 100 - 2 = -304."""
    legs, _, made = outcome(Listed(m1=buy("A", 100, stop=99)), CALM, CALM, "97 97.5 96.8 97", CALM)
    assert legs[1] == ("stop", 2, -100, 96.99, 1.0) and pnl(made) == -304.0


def test_a_sale_with_its_commission():
    """300 shares cost 1.50 to buy; 200 cost 1.00 and 100 cost 1.00 (the least) to sell: 0.99 x 200 + 1.99 x 100 - 3.50."""
    legs, _, made = outcome(
        Listed(m1=buy("A", 300), m2=sell("A", 200), m3=sell("A")),
        CALM,
        CALM,
        "101.01 101.5 101 101.2",
        "102.01 102.1 102 102",
    )
    assert legs == [("entry", 1, 300, 100.01, 1.5), ("sale", 2, -200, 101.0, 1.0), ("sale", 3, -100, 102.0, 1.0)]
    assert pnl(made) == 0.99 * 200 + 1.99 * 100 - 3.5


def test_a_limit_fills_where_the_price_goes_through_it_and_not_where_it_touches():
    orders = Listed(m1=limit(buy("A", 100), 99), m4=limit(sell("A"), 101))
    legs, _, made = outcome(
        orders, CALM, "100 100 99 99.5", "99.5 99.6 98.99 99.2", CALM, "100 101 99.9 100.9", "100.9 101.01 100 100"
    )
    assert legs == [("entry", 3, 100, 99.0, 1.0), ("resting_sale", 6, -100, 101.0, 1.0)] and pnl(made) == 198.0
    assert [len(shown) for _, shown, _ in orders.seen.values()] == [0, 1, 0, 0, 1, 0]


def test_a_limit_fills_at_an_open_beyond_it_without_slippage():
    legs, _, _ = outcome(
        Listed(m1=limit(buy("A", 10), 99), m2=limit(sell("A"), 100)), CALM, "98.5 99 98 99", "100.5 101 100.4 101"
    )
    assert legs == [("entry", 1, 10, 98.5, 1.0), ("resting_sale", 2, -10, 100.5, 1.0)]


def test_a_stop_order_enters_at_its_price_or_at_an_open_beyond_it():
    legs, _, _ = outcome(Listed(m1=stop(buy("A", 10), 101)), CALM, "100.5 101.2 100.4 101.1", CALM)
    assert legs[0] == ("entry", 2, 10, 101.01, 1.0)
    legs, _, _ = outcome(Listed(m1=stop(buy("A", 10), 101)), CALM, "101.5 102 101.2 101.6", CALM)
    assert legs[0] == ("entry", 1, 10, 101.51, 1.0)
    legs, _, _ = outcome(Listed(m1=buy("A", 10), m2=stop(sell("A", 4), 99)), CALM, CALM, "100 100 99 99.4", CALM)
    assert legs[1] == ("stop_sale", 3, -4, 98.99, 1.0)


def test_a_short_position_and_its_stop():
    """Sold at 99.99, bought back at 101.01: -1.02 x 100 - 2 = -104; R is 1."""
    legs, _, made = outcome(Listed(m1=buy("A", 100, "short", stop=101)), CALM, CALM, "100.5 101 100 100.8", CALM)
    assert legs == [("entry", 1, -100, 99.99, 1.0), ("stop", 3, 100, 101.01, 1.0)]
    assert pnl(made) == -104.0 and made.trades[0].r == Fraction(-104, 100)


def test_a_limit_entry_is_stopped_in_its_bar_under_each_order_of_events():
    """A price that fell below the limit to the stop reached the stop after the entry: 99.00 to 97.99, -101 - 2 = -103."""
    for policy in ("pessimistic", "path", "optimistic"):
        legs, _, made = outcome(
            Listed(m1=limit(buy("A", 100, stop=98), 99)), CALM, "100 100 97.5 99.9", CALM, trade__intrabar=policy
        )
        assert legs == [("entry", 2, 100, 99.0, 1.0), ("stop", 2, -100, 97.99, 1.0)] and pnl(made) == -103.0
        assert made.ambiguous_bars == 0


@pytest.mark.parametrize(
    ("policy", "reason", "price"), [("pessimistic", "stop", 98.99), ("path", "resting_sale", 102.0)]
)
def test_a_bar_that_reaches_stop_and_limit_goes_by_the_order_of_events(policy, reason, price):
    """102.50 and 98.50 are both 2.00 from the open: the path has the favourable one first."""
    orders = Listed(m1=buy("A", 100, stop=99), m2=limit(sell("A"), 102))
    legs, _, made = outcome(orders, CALM, CALM, "100.5 102.5 98.5 100", CALM, trade__intrabar=policy)
    assert legs[1] == (reason, 3, -100, price, 1.0) and made.ambiguous_bars == 1


def test_the_session_end_closes_at_the_last_bar_also_of_a_half_day():
    """Bought at 100.01 at 12:58, closed at 13:00 at 100.50, which is 100.49: 48 - 2 = 46. Later rows are no session."""
    session = session_of(HALF_DAY, 210)
    rows = rows_of(session, [CALM, CALM, "100.4 100.6 100.3 100.5", CALM, "90 90 90 90"], first=207)
    orders = Listed(m208=buy("A", 100), m210=buy("A", 5))
    legs, refused, made = outcome(orders, session=session, rows=rows)
    assert legs == [("entry", 208, 100, 100.01, 1.0), ("session_end", 210, -100, 100.49, 1.0)] and pnl(made) == 46.0
    assert made.trades[0].exit_ts == int(dt.datetime(2024, 7, 3, 17, tzinfo=dt.UTC).timestamp())
    assert refused == ["ALREADY_HELD"] and made.stale_exits == 0 and max(orders.seen) == 210


def test_a_symbol_whose_bars_end_early_is_held_until_the_session_ends():
    orders = Listed(m1=buy("A", 100), m3=sell("A"))
    legs, _, made = outcome(orders, CALM, CALM, "100 100.3 100 100.2")
    assert legs[1] == ("session_end", 3, -100, 100.19, 1.0) and made.stale_exits == 1
    assert orders.seen[3][0].held == 100 and made.cash.tolist() == [[100_000_000_000 + 16_000_000]]


def test_positions_leave_before_the_close_and_nothing_is_entered_from_then():
    session = session_of(DAY)
    rows = rows_of(session, [CALM] * 8, first=382)
    orders = Listed(m383=buy("A", 10), m386=buy("A", 10))
    legs, refused, _ = outcome(orders, session=session, rows=rows, governance__flatten_minutes_before_close=5)
    assert [leg[:4] for leg in legs] == [("entry", 383, 10, 100.01), ("session_end", 385, -10, 99.99)]
    assert refused == ["SESSION_END"]


def test_prices_lie_on_the_tick_and_floats_decide_no_cent():
    """A limit to buy is rounded down, a stop order to buy up, the stop of a long position down; 0.1 + 0.2 is 0.30."""
    orders = Listed(m1=limit(buy("A", 5.99, stop=98.009), 99.019))
    legs, _, made = outcome(orders, CALM, "100 100 99.005 99.1", CALM)
    assert legs[0] == ("entry", 2, 5, 99.01, 1.0) and made.trades[0].stop == 98_000_000
    legs, _, _ = outcome(Listed(m1=stop(buy("A", 1), 100.1 + 0.2)), CALM, "100 100.31 100 100.1", CALM)
    assert legs[0][3] == 100.31
    legs, _, _ = outcome(Listed(m1=stop(buy("A", 1), 100.301)), CALM, "100 100.31 100 100.1", CALM)
    assert legs[0][3] == 100.32


def test_the_size_is_what_the_order_says_or_what_risk_says():
    """1 % of 100,000 at a stop 1.00 away; four balances of leverage; a tenth of the bar's volume."""
    for order, share, shares in (
        (buy("A", stop=99), None, 1000),
        (buy("A", value=5000), None, 49),
        (buy("A", 10_000), None, 3999),
        (buy("A", stop=99), 0.001, 100),
    ):
        legs, _, _ = outcome(Listed(m1=order), CALM, CALM, CALM, risk__max_volume_share=share)
        assert legs[0][2] == shares
    legs, _, _ = outcome(Listed(m1=buy("A")), CALM, CALM, risk__sizing="fixed_shares", risk__fixed_shares=7)
    assert legs[0][2] == 7


def test_a_trade_without_a_stop_has_no_r():
    _, _, made = outcome(Listed(m1=buy("A", 1)), CALM, CALM)
    (trade,) = made.trades
    assert (trade.r, trade.r_gross, trade.mae_r, trade.mfe_r, trade.stop, trade.risk) == (None, None, None, None, 0, 0)


def test_what_cannot_be_done_is_refused_with_its_reason():
    two = [buy("A", 1), buy("A", 1)]
    orders = Listed(m1=[sell("A"), buy("A", 0.5)], m2=two, m3=[buy("A", 1), sell("A", side="short"), sell("A")], m4=two)
    legs, refused, _ = outcome(orders, *[CALM] * 5, governance__max_signals_per_day=2)
    assert Counter(refused) == Counter(NOTHING_HELD=2, NO_WHOLE_SHARE=1, ALREADY_HELD=3)
    assert [leg[0] for leg in legs] == ["entry", "sale", "entry", "session_end"]
    legs, refused, _ = outcome(
        Listed(m1=buy("A", 1, stop=100.5), m2=buy("A", 1), m3=sell("A"), m4=buy("A", 1), m5=buy("A", 1)),
        *[CALM] * 5,
        governance__max_signals_per_day=1,
    )
    assert refused == ["BAD_STOP", "MAX_SIGNALS", "NO_NEXT_BAR"] and len(legs) == 2
    cut = outcome(Listed(m1=buy("A", 1)), CALM, CALM, governance__time_cutoff="09:31")[1]
    assert cut == ["TIME_CUTOFF"]


def test_two_full_stops_lock_a_session_and_a_loss_in_r_ends_it():
    falls = "100 100 98.9 99.5"
    orders = Listed(m1=buy("A", 10, stop=99), m3=buy("A", 10, stop=99), m5=buy("A", 10, stop=99))
    bars = [CALM, CALM, falls, CALM, falls, CALM, CALM]
    assert outcome(orders, *bars)[1] == ["LOCKOUT"]
    assert outcome(orders, *bars, governance__lockout_after_losses=None, governance__max_daily_loss_r=2)[1] == [
        "DAILY_LOSS"
    ]
    without = Listed(m1=buy("A", 10), m2=sell("A"), m3=buy("A", 10))
    assert outcome(without, *bars, governance__max_daily_loss_r=0.01)[1] == []  # what has no R is in no sum of R


def test_orders_are_taken_back_at_their_time_on_demand_and_with_the_position():
    session = session_of(DAY)
    later = session[1] + 180
    for until, filled in ((later, True), (later - 1, False)):
        legs, _, _ = outcome(Listed(m1=limit(buy("A", 1), 99, until)), CALM, CALM, "100 100 98 99", CALM)
        assert bool(legs) == filled
    assert outcome(Listed(m1=limit(buy("A", 1), 99), m2=cancel("A")), CALM, CALM, "100 100 98 99")[0] == []
    orders = Listed(m1=buy("A", 2), m2=[limit(sell("A"), 105), sell("A")], m3=buy("A", 3))
    legs, _, _ = outcome(orders, CALM, CALM, CALM, "100 106 100 100", CALM)
    assert [leg[0] for leg in legs] == ["entry", "sale", "entry", "session_end"] and orders.seen[3][1] == ()


def test_what_is_shown_at_the_end_of_a_minute():
    seen = []

    class Looks:
        def on_decision(self, view):
            share = view.market("A")
            hours = (view.opens_at, view.closes_at, view.minute, view.minutes_left)
            seen.append(
                (view.date, hours, view.bars_today(share), view.closes(share), share.held, share.price, view.cash)
            )
            seen.append([(order.side, order.trigger, order.price, order.is_sale) for order in view.orders])
            return {1: [buy("A", 10, "short"), stop(buy("A", 1), 120)], 2: limit(sell("A", 3), 98)}.get(view.minute)

    session = session_of(DAY)
    outcome(Looks(), CALM, "100 100.2 99.8 99.9", "99 99.5 98.5 99")
    views, orders = seen[::2], seen[1::2]
    assert [view[1] for view in views] == [(*session[1:], n, 390 - n) for n in (1, 2, 3)]
    assert views[2][2:] == (3, [100.0, 99.9, 99.0], -10.0, 99.99, 100_000 + 999.9 - 1)
    assert str(orders[1]) == "[('long', 120.0, nan, False)]"
    assert str(orders[2]) == "[('long', 120.0, nan, False), ('', nan, 98.0, True)]"


def test_bars_before_the_run_are_history_in_the_terms_of_todays_shares():
    seen = []

    class Looks:
        def on_decision(self, view):
            seen.append((view.date, view.closes("A"), view.volumes("A", 2), view.bars_today("A")))

    sessions = [session_of(date) for date in (dt.date(2024, 3, 7), DAY, dt.date(2024, 3, 11))]
    rows = [row for session in sessions for row in rows_of(session, ["100 100 100 100"])]
    config = changed(DEFAULTS, {"date_start_local": DAY, "date_end_local": sessions[2][0]}) | {"symbols": ["A"]}
    world = SimpleNamespace(bars={"A": rows}, sessions=sessions, config=config, actions={"A": [(sessions[2][0], 2)]})
    followed(world, Looks())
    assert seen == [
        (DAY, [100.0, 100.0], [100_000.0, 100_000.0], 1),
        (sessions[2][0], [50.0, 50.0, 100.0], [200_000.0, 100_000.0], 1),
    ]


def test_nothing_that_is_shown_leads_to_a_later_bar():
    """Whatever can be reached from a view by attributes, items and closures holds no bar that has not ended."""
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
                    assert thing not in (777, 777 * 10**6) or view.minute == 5
                    found["last"] += thing == 777
                    continue
                slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
                names = [*slots, *getattr(thing, "__dict__", {}), "func", "args", "__self__"]
                todo += [getattr(thing, name) for name in names if hasattr(thing, name)]
                todo += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
                if isinstance(thing, dict):
                    todo += [*thing.keys(), *thing.values()]
                elif hasattr(thing, "__iter__") and not isinstance(thing, str | bytes):
                    todo += list(thing)

    outcome(Digs(), *[CALM] * 4, "777 777 777 777")
    assert found["things"] > 200 and found["last"]
