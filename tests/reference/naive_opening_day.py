"""One session of the naive opening-range engine, minute by minute (sections 6 to 11 of its rules)."""

from datetime import time
from zoneinfo import ZoneInfo

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_opening_bars import (
    CLOCKS,
    level,
    local_time,
    number,
)
from tests.reference.naive_opening_fills import (
    Position,
    affordable_shares,
    commission,
    events_inside,
    initial_stop,
    marketable,
    risk_is_bad,
    targets_of,
    wanted_shares,
    within_volume,
)
from tests.reference.naive_opening_rules import (
    LONG,
    SHORT,
    allowed_sides,
    entry_order,
    tick_of,
    trigger,
)
from tests.reference.naive_opening_score import score

POLICIES = ("pessimistic", "path", "optimistic")


class Trading:
    """One session of all symbols, minute by minute.

    Args:
        session: the session.
        days: one Day per symbol, by symbol.
        equity: {account: cash at the open}.
        config: the config.
        outcome: where breaks, refusals and counts are written.
    """

    def __init__(self, session, days, equity, config, outcome):
        self.session, self.days, self.equity, self.config, self.outcome = session, days, equity, config, outcome
        self.bar_seconds = 60 * config["bars"]["minutes"]
        self.clock = ZoneInfo(CLOCKS[config["calendar"]])
        minutes = config["governance"]["flatten_minutes_before_close"]
        self.flatten_ts = session.close_ts - 60 * minutes if minutes > 0 else None
        self.entered = []  # positions of the session in order of entry
        self.closed = []  # those that left, as far as it is known
        self.held = []  # positions held at the start of the minute, with their shares then

    def run(self):
        """Return the trades of the session in order of entry."""
        order = entry_order(self.days, self.config)
        for start in sorted({bar.start for day in self.days for bar in day.bars}):
            now = {day.symbol: bar for day in self.days for bar in day.bars if bar.start == start}
            self.held = [(day.position, day.position.left) for day in self.days if day.position is not None]
            held_before = {position.symbol for position, _ in self.held}
            entries_before = len(self.entered)
            # First the exits of what is held, by symbol; then the entries, in their order.
            for day in self.days:
                if day.position is not None and day.symbol in now:
                    self.manage(day, now[day.symbol])
            for day in order:
                if day.symbol in now and start >= day.range_end():
                    self.look_for_entry(day, now[day.symbol], day.symbol in held_before, self.entered[entries_before:])
            for day in self.days:
                if day.position is not None and day.symbol in now:
                    self.end_of_bar(day.position, now[day.symbol])
        self.end_of_session()
        return self.entered

    # Section 6: entries

    def look_for_entry(self, day, bar, held_before, entries_now):
        mode = self.config["entry"]["mode"]
        if mode == "stop":
            self.stop_orders(day, bar, held_before, entries_now)
        elif mode == "close_confirm":
            if day.order is not None:
                direction, day.order = day.order, None
                self.decide(day, bar, direction, bar.open, True, entries_now)
            self.signal_at_close(day, bar, held_before)
        elif bar is next(one for one in day.bars if one.start >= day.range_end()):
            direction = LONG if day.close > day.open else SHORT
            # The candle against `direction`: no trade, no refusal.
            wanted = self.config["entry"]["direction"]
            if wanted not in ("long", "short") or direction == (LONG if wanted == "long" else SHORT):
                self.decide(day, bar, direction, bar.open, True, entries_now)

    def stop_orders(self, day, bar, held_before, entries_now):
        """Let resting stop orders be hit by a bar, and arm or disarm the sides.

        ASSUME: of two sides reached in one bar the second leaves no row in `breaks` and no refusal; it is disarmed like
        any side that was reached. A break seen while a position is held leaves no row either.
        """
        sides = allowed_sides(day, self.config)
        reached = []
        for direction in sides:
            price = trigger(day, direction, self.config)
            extreme = bar.high if direction == LONG else bar.low
            if day.armed[direction] and direction * (extreme - price) >= 0:
                distance = max(Fraction(0), direction * (price - bar.open))
                reached.append((distance, 0 if direction == LONG else 1, direction, price))
        for _, _, direction, _ in reached:
            day.armed[direction] = False
        if reached and not held_before:
            distance, _, direction, price = min(reached)
            at_open = distance == 0
            self.decide(day, bar, direction, bar.open if at_open else price, at_open, entries_now)
        # Armed again by a close back inside, the breaking bar itself included.
        for direction in sides:
            if direction * (bar.close - trigger(day, direction, self.config)) < 0:
                day.armed[direction] = True

    def signal_at_close(self, day, bar, held_before):
        """Let a close beyond a trigger ask for a market order at the next bar's open.

        ASSUME: a position entered at this bar's open and gone before its close was not held at its start. A break in the
        last bar has no next bar: no decision, no row in `breaks`.
        """
        for direction in allowed_sides(day, self.config):
            beyond = direction * (bar.close - trigger(day, direction, self.config)) > 0
            if not beyond:
                day.armed[direction] = True
            elif day.armed[direction]:
                day.armed[direction] = False
                if not held_before and day.position is None:
                    day.order = direction

    # Sections 7, 8, 11: one break, one decision

    def decide(self, day, bar, direction, raw, at_open, entries_now):
        """Fill a break or an order, or refuse it; leave one row in `breaks`."""
        reason = self.governance_reason(day, bar)
        done = day.bars_before(bar.start, self.bar_seconds)
        points = None
        if reason is None and self.config["scoring"]["enabled"]:
            points, needed = score(day, done, direction, self.config)
            reason = "SCORE" if points < needed else None
        if reason is None:
            stop = initial_stop(day, done, direction, raw, self.config)
            risk = direction * (raw - stop)
            fill = marketable(raw, direction == LONG, self.config)
            reason = "BAD_STOP" if risk_is_bad(risk, self.config) else None
        if reason is None:
            shares, reason = self.size(day, risk, fill, entries_now)
        if reason is None:
            shares, reason = within_volume(shares, bar.volume, self.config["risk"].get("max_volume_share"))
        self.outcome.breaks.append((day.symbol, self.session.date, bar.start, direction, reason or ""))
        if reason is not None:
            self.outcome.refusals[reason] += 1
            return
        position = Position(
            symbol=day.symbol,
            date=self.session.date,
            direction=direction,
            bar_start=bar.start,
            entry_ts=bar.start if at_open else bar.start + self.bar_seconds,
            raw=raw,
            fill=fill,
            stop=stop,
            risk=risk,
            quantity=shares,
            entry_fee=commission(shares, self.config),
            targets=targets_of(direction, raw, risk, shares, self.config),
            score=points,
            relative_volume=day.relative_volume,
            best=raw,
            worst=raw,
            level=stop,
            left=shares,
        )
        position.waiting = list(position.targets)
        day.position = position
        self.entered.append(position)
        # The bar of the entry itself.
        self.inside(day, bar, filled_inside=not at_open)

    def governance_reason(self, day, bar):
        """Return the first reason of section 11 before SCORE, or None."""
        rules = self.config["governance"]
        cutoff = rules["time_cutoff"]
        if cutoff is not None and local_time(bar.start, self.clock).time() >= time.fromisoformat(cutoff):
            return "TIME_CUTOFF"
        if self.flatten_ts is not None and bar.start >= self.flatten_ts:
            return "SESSION_END"

        def counts(position):
            return rules["scope"] == "account" or position.symbol == day.symbol

        # ASSUME: an entry made earlier in the same minute, by order of entry, already counts as a signal.
        entries = [position for position in self.entered if counts(position)]
        if rules["max_signals_per_day"] is not None and len(entries) >= rules["max_signals_per_day"]:
            return "MAX_SIGNALS"
        closed = [trade for trade in self.closed if counts(trade) and trade.exit_ts <= bar.start]
        closed.sort(key=lambda trade: (trade.exit_ts, trade.symbol))
        if rules["lockout_after_losses"] is not None and locked(closed, rules["lockout_after_losses"]):
            return "LOCKOUT"
        lost = sum((trade.r for trade in closed), Fraction(0))
        if rules["max_daily_loss_r"] is not None and lost <= -number(rules["max_daily_loss_r"]):
            return "DAILY_LOSS"
        return None

    def size(self, day, risk, fill, entries_now):
        """Return (shares, None) or (None, reason)."""
        shared = self.config["risk"]["account"] == "shared"
        equity = self.equity["" if shared else day.symbol]
        shares = wanted_shares(risk, fill, equity, self.config)
        # Held at the start of the minute, even if it has left since, and entered earlier in this minute.
        used = [(one, left) for one, left in self.held] + [(one, one.quantity) for one in entries_now]
        most = self.config["governance"]["max_positions"]
        if most is not None and len(used) >= most:
            return None, "MAX_POSITIONS"
        own = [(one, left) for one, left in used if shared or one.symbol == day.symbol]
        limit = affordable_shares(fill, equity, sum((one.fill * left for one, left in own), Fraction(0)), self.config)
        if limit is not None:
            shares = min(shares, limit)
        return (shares, None) if shares > 0 else (None, "SIZE_ZERO")

    # Section 10: exits

    def manage(self, day, bar):
        """Let a position held at the start of a bar meet the bar: first its open, then its inside."""
        position = day.position
        if self.flatten_ts is not None and bar.start >= self.flatten_ts:
            reason = "session_end"
        elif position.time_is_up:
            reason = "time_stop"
        elif position.at_or_beyond_stop(bar.open):
            reason = position.level_name
        else:
            reason = None
        if reason is not None:
            position.leave(bar.start, position.left, bar.open, reason, self.config)
        else:
            for price, part in list(position.waiting):
                if position.reaches(bar.open, price):
                    position.leave(bar.start, part, bar.open, "target", self.config)
        if position.left == 0:
            position.saw(bar.open)
            self.close(day)
        else:
            self.inside(day, bar, filled_inside=False)

    def inside(self, day, bar, filled_inside):
        """Let a position meet the inside of a bar, and count the bar if the three policies see it differently."""
        position = day.position
        seen = [events_inside(position, bar, policy, filled_inside) for policy in POLICIES]
        self.outcome.ambiguous_bars += any(events != seen[0] for events in seen)
        position.saw(bar.high, bar.low)
        for shares, raw, reason in seen[POLICIES.index(self.config["trade"]["intrabar"])]:
            position.leave(bar.start + self.bar_seconds, shares, raw, reason, self.config)
        if position.left == 0:
            self.close(day)

    def end_of_bar(self, position, bar):
        """Move the stop and wind the time stop, effective from the next bar."""
        trade, direction, tick = self.config["trade"], position.direction, tick_of(self.config)
        moves = []
        if trade["move_be_at_r"] is not None:
            due = position.gain(position.best) >= number(trade["move_be_at_r"]) * position.risk
            even = position.raw + direction * number(trade["be_buffer"])
            moves.append((due, even, "breakeven_stop"))
        if trade["trail"] is not None:
            due = position.gain(position.best) >= number(trade["trail"]["start_r"]) * position.risk
            behind = position.best - direction * number(trade["trail"]["distance_r"]) * position.risk
            moves.append((due, behind, "trailing_stop"))
        for due, price, name in moves:
            moved = level(price, tick, up=direction != LONG)
            if due and direction * (moved - position.level) > 0:
                position.level, position.level_name = moved, name
        if trade["time_stop"] is not None:
            old = bar.start + self.bar_seconds - position.bar_start >= 60 * trade["time_stop"]["minutes"]
            # ASSUME: judged at every bar's end anew; once due, the next bar's open takes it whatever it is.
            position.time_is_up = old and position.gain(bar.close) < number(trade["time_stop"]["min_r"]) * position.risk

    def end_of_session(self):
        """Let what is left leave at the close of its symbol's last bar."""
        for day in self.days:
            if day.position is not None:
                last = day.bars[-1]
                end = last.start + self.bar_seconds
                # ASSUME: only an exit at a last close can be stale, never a flatten before the close.
                self.outcome.stale_exits += self.session.close_ts - end > 300
                day.position.leave(end, day.position.left, last.close, "session_end", self.config)
                self.close(day)

    def close(self, day):
        self.closed.append(day.position)
        day.position = None


def locked(closed, most):
    """Whether so many full stops came in a row at any time today.

    A full stop was closed by the initial stop with no part taken and lost money before costs. Only a trade that won
    before costs ends a row.
    """
    row = 0
    for trade in closed:
        if trade.exit_reason == "stop" and len(trade.legs) == 1 and trade.r_gross < 0:
            row += 1
        elif trade.r_gross > 0:
            row = 0
        if row >= most:
            return True
    return False
