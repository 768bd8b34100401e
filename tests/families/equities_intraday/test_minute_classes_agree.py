"""Classes on minute bars against a naive second implementation, and against the compiled opening range."""

import datetime as dt
import os
from collections import Counter

from tests.families.equities_intraday.engine_results import splits_of
from tests.families.equities_intraday.session_scripts import (
    EPOCH,
    Follows,
    amount,
    class_world,
    followed,
    legs_of,
    script_of,
    trades_of,
)
from tests.reference.naive_session_steps import NaiveSessionSteps
from tradewinds.engine.bar_sessions.session_loop import run
from tradewinds.engine.bar_sessions.setups import History
from tradewinds.families.equities_intraday.orb_reasons import reason_text
from tradewinds.families.equities_intraday.session_rules import cutoff_of, rules_of
from tradewinds.strategies.decisions import buy, stop

WORLDS = int(os.environ.get("TRADEWINDS_WORLDS", "24"))
CAME_UP = {
    *("stop", "session_end", "sale", "resting_sale", "stop_sale", "unclear", "stale", "split"),
    *("TIME_CUTOFF", "SESSION_END", "MAX_SIGNALS", "LOCKOUT", "DAILY_LOSS", "BAD_STOP", "MAX_POSITIONS", "SIZE_ZERO"),
    *("LIQUIDITY", "ALREADY_HELD", "NOTHING_HELD", "NO_WHOLE_SHARE", "NO_NEXT_BAR"),
}


def agrees(seed, **fixed):
    """Both implementations follow the same script; returns what came up."""
    world, seen, seen_naively = class_world(seed, **fixed), [], []
    naive = NaiveSessionSteps(
        world.bars, world.sessions, world.config, world.actions, script_of(seed, world.config, seen_naively)
    )
    naive.run()
    made, dates = followed(world, Follows(script_of(seed, world.config, seen)))
    for one, other in zip(seen, seen_naively, strict=True):
        assert one == other, f"seed {seed}: a view differs"
    refused = [(made.bars.symbols[o.symbol], o.decided_ts, o.reason, o.ts) for o in made.outcomes if not o.filled]
    assert sorted(refused) == sorted(naive.refused), f"seed {seed}"
    named = trades_of(made, dates)
    assert named == [{key: trade[key] for key in named[0]} for trade in naive.trades], f"seed {seed}"
    assert sorted(legs_of(made)) == sorted(naive.legs), f"seed {seed}"
    assert [[amount(cash) for cash in row] for row in made.cash.tolist()] == naive.balances, f"seed {seed}"
    assert (made.ambiguous_bars, made.stale_exits) == (naive.unclear, naive.stale), f"seed {seed}"
    found = Counter(leg[-1] for leg in naive.legs) + made.refusals
    split = any(s[0] > world.config["date_start_local"] for rows in world.actions.values() for s in rows)
    return found + Counter(unclear=naive.unclear, stale=naive.stale, split=int(split))


def test_random_orders_agree_with_the_naive_replay():
    found = sum((agrees(seed) for seed in range(WORLDS)), Counter())
    assert set(found) >= CAME_UP, CAME_UP - set(found)
    reasons = set(found) - {"unclear", "split", "stale", "entry"}
    assert all(reason_text(reason) != reason for reason in reasons)


# ---- the same as the compiled opening range ----

AS_A_CLASS = {
    "entry.mode": "stop",
    "entry.direction": "both",
    "orb.adaptive": False,
    "orb.enable_validity_filter": False,
    "orb.on_gap": "use",
    "buffers.use_atr": False,
    "trade.stop_mode": "or_opposite",
    "trade.extra_stop_buffer": 0.05,
    "trade.min_risk_ticks": 0,
    "trade.partials": False,
    "trade.primary_r": None,
    "trade.move_be_at_r": None,
    "trade.trail": None,
    "trade.time_stop": None,
    "risk.account": "per_symbol",  # no symbol uses what another one needs
    "risk.start_balance": 100_000_000,
    "risk.sizing": "fixed_shares",
    "risk.fixed_shares": 10,
    "risk.max_notional_usd": None,
    "risk.max_leverage": 1000,
    "risk.max_volume_share": None,
    "governance.scope": "symbol",
    "governance.max_signals_per_day": 1,
    "governance.max_positions": None,
    "scoring.enabled": False,
    "filter": None,
}


class OpeningRange:
    """The built-in opening range with one entry a session, where a bar ends just as the range does."""

    def __init__(self, config):
        self.minutes, self.buffer = config["orb"]["base_minutes"], config["buffers"]["fixed"]

    def on_decision(self, view):
        orders = []
        for share in [share for share in view.changed if view.minute == self.minutes and share.time == view.now]:
            bars = view.bars_today(share)
            high, low = max(view.highs(share, bars)), min(view.lows(share, bars))
            orders.append(stop(buy(share, stop=low - 0.05), high + self.buffer))
            orders.append(stop(buy(share, side="short", stop=high + 0.05), low - self.buffer))
        return orders


def test_an_opening_range_as_a_class_makes_the_same_trades_to_the_cent():
    found = Counter()
    for seed in range(2 * WORLDS):
        fixed = {name.replace(".", "__"): value for name, value in AS_A_CLASS.items()}
        world = class_world(seed, **fixed)
        minutes, config = world.config["orb"]["base_minutes"], world.config
        made, dates = followed(world, OpeningRange(config))
        bars = made.bars
        rules = rules_of(config, splits_of(world.actions))
        compiled = run(History(bars, {}), rules, cutoff_of(config, bars, "America/New_York"), made.first, made.end)
        ends = {(symbol, session) for symbol, session in ranges_that_end(bars, minutes)}
        wanted = [trade for trade in trades_of(compiled, dates) if (trade["symbol"], trade["date"]) in ends]
        # entries of a minute are in order of their symbols there; here those at the open come first
        own = sorted(trades_of(made, dates), key=lambda trade: (trade["bar_ts"], trade["symbol"]))
        assert own == wanted, f"seed {seed}"
        named = {(trade["symbol"], trade["bar_ts"]) for trade in wanted}
        assert sorted(legs_of(made)) == sorted(leg for leg in legs_of(compiled) if leg[:2] in named), f"seed {seed}"
        found.update(trade["reason"] for trade in wanted)
        found[config["trade"]["intrabar"]] += len(wanted)
    assert set(found) == {"stop", "session_end", "pessimistic", "path", "optimistic"}


def ranges_that_end(bars, minutes):
    """(symbol, date) of the sessions with a bar that ends just as the opening range does."""
    for symbol, name in enumerate(bars.symbols):
        for session, day in enumerate(bars.days.tolist()):
            k = symbol * len(bars.days) + session
            first, end = bars.first_row[k : k + 2].tolist()
            if minutes - bars.bar_minutes in bars.minute[first:end].tolist():
                yield name, EPOCH + dt.timedelta(days=day)
