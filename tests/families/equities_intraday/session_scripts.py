"""Scripts that the loop of classes and its naive second implementation follow on the same random worlds of minutes."""

import datetime as dt
import random
from fractions import Fraction

from tests.families.equities_intraday.engine_results import minute_bars, splits_of
from tests.families.equities_intraday.random_sessions import random_world
from tests.reference.naive_opening_bars import number
from tests.unit.share_classes import Called
from tradewinds.engine.bar_sessions.session_result import EXITS
from tradewinds.engine.bar_sessions.setups import History
from tradewinds.engine.bar_sessions.step_sessions import run_called
from tradewinds.families.equities_intraday.session_rules import cutoff_of, rules_of
from tradewinds.strategies.decisions import YES, buy, cancel, limit, sell, stop

EPOCH = dt.date(1970, 1, 1)
NAMES = ("kind", "symbol", "side", "quantity", "value", "limit", "trigger", "stop", "until")


def class_world(seed, **fixed):
    """A random world with a config in which more is entered than governance lets an opening range enter."""
    rng = random.Random(f"limits {seed}")
    often = {
        "governance.max_signals_per_day": rng.choice([None, None, 5, 20]),
        "governance.time_cutoff": rng.choice([None, None, "10:20"]),
        "governance.lockout_after_losses": rng.choice([None, 2, 1]),
        "governance.max_daily_loss_r": rng.choice([None, None, 2]),
        "trade.min_risk_ticks": rng.choice([0, 1, 2]),
        "risk.max_volume_share": rng.choice([None, None, 0.1, 0.003]),
    }
    fixed = {name.replace(".", "__"): value for name, value in often.items()} | fixed
    return random_world(seed, **fixed)


def tick_of(config):
    """The tick of a config; None for none."""
    return Fraction(1, 100) if config["costs"] == "none" else number(config["costs"]["tick"])


def on_tick(value, config, *, up):
    """A price on the tick of a config, or on a millionth without one."""
    tick = tick_of(config) or Fraction(1, 10**6)
    steps = value / tick
    return (-(-steps // 1) if up else steps // 1) * tick


def script_of(seed, config, log):
    """A function of what is visible, which draws its orders from the seed, and writes to `log` what it saw."""
    fixed_size, step = config["risk"]["sizing"] == "fixed_shares", 60 * config["bars"]["minutes"]

    def around(rng, close, *, up):
        ticks = (tick_of(config) or Fraction(1, 100)) * rng.choice([-8, -3, -2, -1, 0, 1, 1, 2, 3, 8])
        return max(on_tick(close + ticks, config, up=up), on_tick(Fraction(1), config, up=True))

    def script(now, date, shares, waiting, cash):
        log.append((now, date, shares, sorted(waiting, key=repr), cash))
        rng = random.Random(f"{seed} {now}")
        wishes = []
        for symbol, (_, close, held, *_) in shares.items():
            chance = rng.random()
            until = now + rng.choice([-1, 0, 1, 2, 5]) * step + rng.choice([0, 0, 1]) if rng.random() < 0.3 else None
            wish = dict.fromkeys(NAMES) | {"symbol": symbol}
            if chance < 0.03:
                wishes.append(wish | {"kind": "cancel"})
            elif chance < (0.35 if held else 0.06):
                wish |= {"kind": "sell", "side": rng.choice([None, None, None, "long", "short"])}
                wish["quantity"] = rng.choice([None, None, abs(held) // 2, abs(held) * 3 + 1, 7])
                buys = held < 0
                how = rng.random()
                if how < 0.35:
                    wish |= {"limit": around(rng, close, up=not buys), "until": until}
                elif how < 0.7:
                    wish |= {"trigger": around(rng, close, up=buys), "until": until}
                if wish["side"] in (None, "short" if buys else "long"):  # else its tick is that of the other side
                    wishes.append(wish)
                else:
                    wishes.append(wish | {"limit": None, "trigger": None, "until": None})
            elif chance < (0.4 if held else 0.45):
                long = rng.random() < 0.5
                wish |= {"kind": "buy", "side": "long" if long else "short"}
                how, size = rng.random(), rng.random()
                if how < 0.35:
                    wish |= {"limit": around(rng, close, up=not long), "until": until}
                elif how < 0.7:
                    wish |= {"trigger": around(rng, close, up=long), "until": until}
                if rng.random() < 0.6:
                    wish["stop"] = on_tick(
                        close
                        - rng.choice([-1, 1, 1, 1]) * (1 if long else -1) * rng.choice([1, 2, 5, 20]) / Fraction(100),
                        config,
                        up=not long,
                    )
                if size < 0.4:
                    wish["quantity"] = rng.choice([0, 1, 10, 100, 100_000])
                elif size < 0.6 or (wish["stop"] is None and not fixed_size):
                    wish["value"] = Fraction(rng.choice([0, 12, 900, 5000, 1_000_000]))
                wishes.append(wish)
        return wishes

    return script


def exactly(value):
    """A shown float as the fraction that it stands for; None for nan."""
    return None if value != value else Fraction(f"{value:.6f}")


def order_of(wish):
    """A wish of a script as the order that a class returns."""
    if wish["kind"] == "cancel":
        return cancel(wish["symbol"])
    prices = {name: None if wish[name] is None else float(wish[name]) for name in ("limit", "trigger", "stop", "value")}
    if wish["kind"] == "sell":
        order = sell(wish["symbol"], wish["quantity"], wish["side"] or YES)
    else:
        order = buy(wish["symbol"], wish["quantity"], wish["side"], value=prices["value"], stop=prices["stop"])
    if prices["limit"] is not None:
        return limit(order, prices["limit"], wish["until"])
    return order if prices["trigger"] is None else stop(order, prices["trigger"], wish["until"])


class Follows:
    """A strategy class's object that follows a script."""

    def __init__(self, script):
        self.script = script

    def on_decision(self, view):
        shares = {
            share.ticker: (
                int(share.time),
                exactly(share.close),
                int(share.held),
                exactly(share.price),
                [exactly(close) for close in view.closes(share, 4)],
                view.bars_today(share),
            )
            for share in view.markets
        }
        waiting = [(o.ticker, o.is_sale, exactly(o.price), exactly(o.trigger)) for o in view.orders]
        return [order_of(w) for w in self.script(int(view.now), view.date, shares, waiting, exactly(view.cash))]


def followed(world, strategy):
    """The result of a world on which a strategy object is called, and its dates; the books are checked."""
    config = world.config
    bars = minute_bars(world.bars, world.sessions, config)
    dates = [EPOCH + dt.timedelta(days=day) for day in bars.days.tolist()]
    first = sum(date < config["date_start_local"] for date in dates)
    end = sum(date <= config["date_end_local"] for date in dates)
    rules = rules_of(config, splits_of(world.actions))
    cutoff = cutoff_of(config, bars, "America/New_York")
    made = run_called(History(bars, rules.splits), rules, cutoff, first, end, lambda: Called(strategy))
    made.journal("STRATEGY").check(rules.start_micro * made.accounts, int(made.cash[-1].sum()))
    return made, dates


def amount(micro):
    """An amount as a fraction."""
    return Fraction(micro, 10**6)


def legs_of(made):
    """The legs of a result in the fields of the naive implementation's, in order."""
    rows = []
    for number_, ts, shares, raw, fill, fee, reason in made.leg_rows.tolist():
        trade = made.trades[number_]
        named = "entry" if reason < 0 else EXITS[reason]
        rows.append(
            (made.bars.symbols[trade.symbol], trade.bar_ts, ts, shares, amount(raw), amount(fill), amount(fee), named)
        )
    return rows


def trades_of(made, dates):
    """The trades of a result in the fields of the naive implementation's, in order of entries."""
    return [
        {
            "symbol": made.bars.symbols[trade.symbol],
            "date": dates[trade.session],
            "d": trade.direction,
            "bar_ts": trade.bar_ts,
            "entry_ts": trade.entry_ts,
            "raw": amount(trade.raw),
            "fill": amount(trade.fill),
            "stop": amount(trade.stop) if trade.risk else None,
            "risk": amount(trade.risk) if trade.risk else None,
            "shares": trade.shares,
            "fee": amount(trade.entry_fee),
            "best": amount(trade.best),
            "worst": amount(trade.worst),
            "pnl": amount(trade.pnl),
            "gross": amount(trade.gross),
            "reason": EXITS[trade.exit_reason],
            "exit_ts": trade.exit_ts,
        }
        for trade in made.trades
    ]
