"""A second, naive implementation of strategies that are called at every minute of a session: fractions, dicts and instants.

It is written from the rules (docs/strategies.md, docs/equities_intraday.md) alone and shares no code with the product. A
script is asked at the end of every minute with a bar: script(now, date, shares, waiting, cash), where shares is {symbol: (end
of the latest bar, its close, shares held, entry price, the last four closes, bars of the session)} and waiting a list of
(symbol, is an exit, limit, stop price). It answers with a list of dictionaries: kind (buy, sell, cancel), symbol, side (long,
short, or None for a sale of whatever is held), quantity, value, limit, trigger, stop, until. Prices are fractions on the tick.
"""

import datetime as dt
from math import floor
from zoneinfo import ZoneInfo

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_opening_bars import CENT, MICRO, Session, half_even, number, sort_out

NEW_YORK = ZoneInfo("America/New_York")
SIDES = {"long": 1, "short": -1}


class NaiveSessionSteps:
    """Replays a world; `trades`, `legs`, `refused`, `balances`, `unclear` and `stale` are what came of it.

    Args:
        world: raw rows by symbol.
        sessions: (date, open, close) of each session.
        config: resolved.
        actions: {symbol: [(ex-date, ratio), …]}.
        script: see above.
    """

    def __init__(self, world, sessions, config, actions, script):
        free = dict.fromkeys(("slippage_ticks", "slippage_bps", "min_commission", "commission_per_share"), 0)
        costs = free | {"tick": "0.01"} if config["costs"] == "none" else config["costs"]
        self.c, self.script = config | {"costs": costs}, script
        self.sessions = [Session(*session) for session in sessions]
        self.step = 60 * config["bars"]["minutes"]
        self.bars = {symbol: sort_out(rows, self.sessions, config)[0] for symbol, rows in sorted(world.items())}
        self.splits = {s: [(date, number(ratio)) for date, ratio in rows] for s, rows in (actions or {}).items()}
        start, each = number(config["risk"]["start_balance"]), config["risk"]["account"] == "per_symbol"
        self.money = dict.fromkeys(self.bars, start) if each else {None: start}
        self.trades, self.legs, self.refused, self.balances = [], [], [], []
        self.unclear = self.stale = self.placed = 0
        self.held, self.waiting, self.shown, self.past = {}, [], {}, {}

    # ---- settings ----

    def account(self, symbol):
        """Whose money a symbol's trades are made with."""
        return symbol if self.c["risk"]["account"] == "per_symbol" else None

    def tick(self):
        """The tick, or None."""
        return number(self.c["costs"]["tick"]) or None

    def slipped(self, raw, sign):
        """A price at the market: dearer to buy (sign 1), cheaper to sell."""
        costs = self.c["costs"]
        slip = number(costs["slippage_ticks"]) * (self.tick() or 0)
        return raw + sign * (slip + half_even(raw * number(costs["slippage_bps"]) / 10000, MICRO))

    def fee(self, shares):
        """The commission of a fill."""
        costs = self.c["costs"]
        return half_even(max(number(costs["min_commission"]), number(costs["commission_per_share"]) * shares), CENT)

    # ---- the run ----

    def run(self):
        """Replay the sessions of the run, those before as history."""
        for session in self.sessions:
            if session.date > self.c["date_end_local"]:
                break
            live = session.date >= self.c["date_start_local"]
            self.session, self.today, self.base = session, [], dict(self.money)
            for symbol, rows in self.bars.items():
                self.past.setdefault(symbol, []).append((session, rows[session.date]))
            if live:
                self.trade(session)
                self.balances.append(list(self.money.values()))

    def trade(self, session):
        """Trade a session."""
        last = {}
        by_minute = {}
        for symbol, rows in self.bars.items():
            for bar in rows[session.date]:
                by_minute.setdefault(bar.start, {})[symbol] = bar
        for ts, bars in sorted(by_minute.items()):
            self.fill(ts, bars)
            last |= bars
            self.shown |= bars
            self.decide(ts + self.step, last)
        for order in self.waiting:
            if order["kind"] == "buy" and order["limit"] is None and order["trigger"] is None:
                self.refused.append((order["symbol"], order["at"], "NO_NEXT_BAR", session.close_ts))
        self.waiting = []
        for symbol in sorted(self.held):
            end = last[symbol].start + self.step
            self.stale += session.close_ts - end > 300
            self.out(symbol, self.held[symbol]["left"], last[symbol].close, end, "session_end")

    def in_force(self, order, ts):
        """Whether an order's time has not ended before an instant."""
        return order["until"] is None or order["until"] >= ts

    def fill(self, ts, bars):
        """Fill orders by the bars of a minute."""
        self.used = {account: Fraction(0) for account in self.money}
        for symbol, p in self.held.items():
            self.used[self.account(symbol)] += p["fill"] * p["left"]
        self.busy, self.count = set(self.held), len(self.held)
        for symbol in sorted(set(self.held) & set(bars)):
            self.hold(symbol, bars[symbol], ts)
        entries = [order for order in self.waiting if order["kind"] == "buy" and order["symbol"] in bars]
        for order in entries:
            bar, d = bars[order["symbol"]], SIDES[order["side"]]
            by_limit = order["limit"] is not None and (order["limit"] - bar.open) * d > 0
            by_stop = order["trigger"] is not None and (bar.open - order["trigger"]) * d >= 0
            at_market = order["limit"] is None and order["trigger"] is None
            if self.in_force(order, ts) and (by_limit or by_stop or at_market):
                self.enter(order, bar, bar.open, ts, "open")
        later = [order for order in entries if order in self.waiting and self.in_force(order, ts + self.step)]
        near = {}
        for order in later:
            bar, d = bars[order["symbol"]], SIDES[order["side"]]
            at = order["trigger"] if order["limit"] is None else order["limit"]
            best, worst = (bar.high, bar.low) if d > 0 else (bar.low, bar.high)
            if at is not None and ((best - at) * d >= 0 if order["limit"] is None else (at - worst) * d > 0):
                near.setdefault(order["symbol"], []).append((abs(at - bar.open), order["number"], at, order))
        for symbol in sorted(near, key=lambda symbol: min(one[1] for one in near[symbol])):
            for _, _, at, order in sorted(near[symbol], key=lambda one: one[:2]):
                self.enter(order, bars[symbol], at, ts, "limit" if order["trigger"] is None else "stop")
        self.waiting = [o for o in self.waiting if o["until"] is None or o["until"] > ts + self.step]

    # ---- exits ----

    def exits_of(self, symbol, ts):
        """A position's orders to leave that are in force at an instant."""
        return [o for o in self.waiting if o["kind"] == "sell" and o["symbol"] == symbol and self.in_force(o, ts)]

    def hold(self, symbol, bar, ts):
        """A bar of a position that was held at its start."""
        p, done = self.held[symbol], []
        d = p["d"]
        early = self.c["governance"]["flatten_minutes_before_close"]
        if early and ts >= self.session.close_ts - 60 * early:
            done = [(None, p["left"], bar.open, "session_end")]
        else:
            orders = self.exits_of(symbol, ts)
            wanted = [(o, "sale") for o in orders if o["limit"] is None and o["trigger"] is None]
            wanted += [(o, r) for at, o, r in self.stops(p, orders) if (at - bar.open) * d >= 0]
            wanted += [(o, r) for at, o, r in self.limits(p, orders) if (bar.open - at) * d > 0]
            done = self.dealt(p, [(o, bar.open, r) for o, r in wanted])
        if sum(one[1] for one in done) == p["left"]:
            self.seen(p, bar.open, bar.open)
        self.leave(symbol, done, ts)
        if p["left"]:
            self.inside(symbol, bar, ts, "open")

    @staticmethod
    def stops(p, orders):
        """(price, order or None, reason) of all stops, those that a falling position meets first in front."""
        found = [(p["stop"], None, "stop")] if p["stop"] is not None else []
        found += [(o["trigger"], o, "stop_sale") for o in orders if o["trigger"] is not None]
        return sorted(found, key=lambda one: one[0] * p["d"], reverse=True)

    @staticmethod
    def limits(p, orders):
        """(price, order, reason) of all limits, the nearest in front."""
        found = [(o["limit"], o, "resting_sale") for o in orders if o["limit"] is not None]
        return sorted(found, key=lambda one: one[0] * p["d"])

    @staticmethod
    def dealt(p, wanted):
        """What is sold by exits in their order: (order, shares, price, reason)."""
        left, done = p["left"], []
        for order, at, reason in wanted:
            asked = left if order is None or order["quantity"] is None else order["quantity"]
            if min(asked, left) > 0:
                done.append((order, min(asked, left), at, reason))
                left -= min(asked, left)
        return done

    def inside(self, symbol, bar, ts, entered):
        """What happens inside a bar, by the config's order of events."""
        p = self.held[symbol]
        self.seen(p, bar.high, bar.low)
        orders = self.exits_of(symbol, ts + self.step)
        found = {how: self.by(how, p, orders, bar, entered) for how in ("pessimistic", "path", "optimistic")}
        self.unclear += not found["pessimistic"] == found["path"] == found["optimistic"]
        self.leave(symbol, found[self.c["trade"]["intrabar"]], ts + self.step)

    def by(self, how, p, orders, bar, entered):
        """The exits inside a bar under one order of events."""
        d = p["d"]
        up, down = bar.high - bar.open, bar.open - bar.low
        gain_first = up <= down if d > 0 else down <= up
        low, high = (bar.low, bar.high) if d > 0 else (-bar.high, -bar.low)  # as if all were long
        stops = [(o, at, r) for at, o, r in self.stops(p, orders) if low <= at * d]
        limits = [(o, at, r) for at, o, r in self.limits(p, orders) if high > at * d]
        # of a stop order that was filled inside, the fall may have come before; its close tells of what came after
        certain = [one for one in stops if bar.close * d <= one[1] * d]
        if entered == "stop" and (how == "optimistic" or (how == "path" and not gain_first)):
            stops = certain
        first = {"pessimistic": False, "path": gain_first, "optimistic": True}[how]
        return self.dealt(p, limits + stops if first else stops + limits)

    @staticmethod
    def seen(p, high, low):
        """Count prices among the best and the worst."""
        prices = [p["best"], p["worst"], high, low]
        p["best"], p["worst"] = (max(prices), min(prices)) if p["d"] > 0 else (min(prices), max(prices))

    def leave(self, symbol, done, ts):
        """Make some exits."""
        for order, shares, at, reason in done:
            self.waiting = [one for one in self.waiting if one is not order]
            self.out(symbol, shares, at, ts, reason)

    def out(self, symbol, shares, raw, ts, reason):
        """Sell, or buy back, some shares of a position."""
        p = self.held[symbol]
        d, fee = p["d"], self.fee(shares)
        price = raw if reason == "resting_sale" else self.slipped(raw, -d)
        p["left"] -= shares
        p["pnl"] += (price - p["fill"]) * d * shares - fee
        p["gross"] += (raw - p["raw"]) * d * shares
        self.money[self.account(symbol)] += price * d * shares - fee
        self.legs.append((symbol, p["bar_ts"], ts, -d * shares, raw, price, fee, reason))
        if p["left"]:
            p["parts"] = True
            return
        p |= {"reason": reason, "exit_ts": ts}
        self.today.append((ts, symbol, p))
        del self.held[symbol]
        self.waiting = [o for o in self.waiting if o["symbol"] != symbol or o["kind"] == "buy"]

    # ---- entries ----

    def governed(self, symbol, ts):
        """Why nothing may be entered at a bar that starts now; None if it may."""
        g, whole = self.c["governance"], self.c["governance"]["scope"] == "account"
        if g["time_cutoff"] is not None:
            clock = dt.datetime.combine(self.session.date, dt.time.fromisoformat(g["time_cutoff"]), NEW_YORK)
            if ts >= clock.timestamp():
                return "TIME_CUTOFF"
        early = g["flatten_minutes_before_close"]
        if early and ts >= self.session.close_ts - 60 * early:
            return "SESSION_END"
        entered = [t for t in self.trades if t["date"] == self.session.date and (whole or t["symbol"] == symbol)]
        if g["max_signals_per_day"] is not None and len(entered) >= g["max_signals_per_day"]:
            return "MAX_SIGNALS"
        streak, total = 0, Fraction(0)
        for end, name, p in sorted(self.today, key=lambda one: one[:2]):
            if end > ts or not (whole or name == symbol):
                continue
            if p["reason"] == "stop" and not p["parts"] and p["gross"] < 0:
                streak += 1
            elif p["gross"] > 0:
                streak = 0
            total += p["pnl"] / (p["risk"] * p["shares"]) if p["stop"] is not None else 0
            if g["lockout_after_losses"] is not None and streak >= g["lockout_after_losses"]:
                return "LOCKOUT"
        return "DAILY_LOSS" if g["max_daily_loss_r"] and total <= -number(g["max_daily_loss_r"]) else None

    def enter(self, order, bar, raw, ts, how):
        """Enter, or refuse."""
        self.waiting = [one for one in self.waiting if one is not order]
        symbol, d = order["symbol"], SIDES[order["side"]]
        known = ts if how == "open" else ts + self.step
        price = raw if order["limit"] is not None else self.slipped(raw, d)
        risk = None if order["stop"] is None else (raw - order["stop"]) * d
        reason, shares = self.allowed(order, symbol, risk, price, bar, ts)
        if reason:
            self.refused.append((symbol, order["at"], reason, known))
            return
        fee, account = self.fee(shares), self.account(symbol)
        self.money[account] -= price * d * shares + fee
        self.used[account] += price * shares
        self.count += 1
        self.busy.add(symbol)
        p = {"symbol": symbol, "date": self.session.date, "d": d, "bar_ts": ts, "entry_ts": known, "raw": raw}
        p |= {"fill": price, "stop": order["stop"], "risk": risk, "shares": shares, "left": shares, "fee": fee}
        p |= {"best": raw, "worst": raw, "pnl": -fee, "gross": Fraction(0), "parts": False}
        self.held[symbol] = p
        self.trades.append(p)
        self.legs.append((symbol, ts, known, d * shares, raw, price, fee, "entry"))
        self.inside(symbol, bar, ts, how)

    def allowed(self, order, symbol, risk, price, bar, ts):
        """Why an entry is refused, or None and its shares."""
        r, g = self.c["risk"], self.c["governance"]
        if symbol in self.busy:
            return "ALREADY_HELD", 0
        if reason := self.governed(symbol, ts):
            return reason, 0
        least = number(self.c["trade"]["min_risk_ticks"]) * (self.tick() or MICRO)
        if risk is not None and (risk <= 0 or risk < least):
            return "BAD_STOP", 0
        if g["max_positions"] is not None and self.count >= g["max_positions"]:
            return "MAX_POSITIONS", 0
        equity, slots = self.base[self.account(symbol)], r["slots"]
        if order["quantity"] is not None:
            shares = order["quantity"]
        elif order["value"] is not None:
            shares = floor(order["value"] / price)
        elif r["sizing"] == "fixed_shares":
            shares = r["fixed_shares"]
        else:
            lost = number(r["risk_usd"]) if r["sizing"] == "risk_usd" else equity * number(r["risk_pct"]) / 100 / slots
            shares = floor(lost / risk)
        if r["max_notional_usd"] is not None:
            shares = min(shares, floor(number(r["max_notional_usd"]) / price))
        whole = number(r["max_leverage"]) * equity
        shares = min(shares, floor(min(whole / slots, whole - self.used[self.account(symbol)]) / price))
        if shares <= 0:
            return "SIZE_ZERO", 0
        if r["max_volume_share"] is not None and bar.volume is not None:
            shares = min(shares, floor(number(r["max_volume_share"]) * bar.volume))
        return (None, shares) if shares > 0 else ("LIQUIDITY", 0)

    # ---- decisions ----

    def decide(self, now, today):
        """Ask the script, and take its orders."""
        seen = {}
        for symbol in sorted(self.shown):
            closes, end = self.closes(symbol, now)
            p = self.held.get(symbol)
            own = (p["d"] * p["left"], p["fill"]) if p else (0, None)
            count = sum(bar.start + self.step <= now for bar in self.bars[symbol][self.session.date])
            seen[symbol] = (end, closes[-1], *own, closes[-4:], count)
        waiting = [(o["symbol"], o["kind"] == "sell", o["limit"], o["trigger"]) for o in self.waiting]
        for wish in self.script(now, self.session.date, seen, waiting, sum(self.money.values())):
            symbol, p = wish["symbol"], self.held.get(wish["symbol"])
            if wish["kind"] == "cancel":
                self.waiting = [o for o in self.waiting if o["symbol"] != symbol]
                continue
            if wish["quantity"] == 0 or wish["value"] == 0:
                reason = "NO_WHOLE_SHARE"
            elif wish["kind"] == "buy":
                reason = "ALREADY_HELD" if p else None
            else:
                reason = None if p and wish["side"] in (None, "long" if p["d"] > 0 else "short") else "NOTHING_HELD"
            if reason:
                self.refused.append((symbol, now, reason, now))
                continue
            self.placed += 1
            self.waiting.append(wish | {"at": now, "number": self.placed})

    def closes(self, symbol, now):
        """The last closes of bars that have ended, in the terms of today's shares, and the end of the last one."""
        found, end = [], None
        for session, rows in reversed(self.past[symbol]):
            if len(found) >= 4:
                break
            ratio = Fraction(1)
            for date, each in self.splits.get(symbol, []):
                if session.date < date <= self.session.date:
                    ratio *= each
            ended = [bar for bar in rows if bar.start + self.step <= now][-4:]
            if ended:
                end = end or ended[-1].start + self.step
                closes = [half_even(bar.close / ratio, MICRO) if ratio != 1 else bar.close for bar in ended]
                found = closes + found
        return found, end
