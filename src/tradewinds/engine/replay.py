"""The replay: one chronological pass over all events against one cash account.

Only what can change anything is looked at. A quote that was refused is refused again, for the same reason, until the account
changes (a fill, a settlement that pays, a civil midnight, a change of the fee rule), so its refusals are counted when that
happens or when it ends. The quotes of a market or event that is full are counted together. The result is that of stepping
through every decision time (a test steps and compares).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tradewinds.engine.contracts import PICO_PER_MICRO, Contract, Side
from tradewinds.engine.costs import FeeRule
from tradewinds.engine.ledger import Fill, Ledger
from tradewinds.engine.limits import EV_THRESHOLD, FULL_UNTIL_SETTLED, Order, RiskLimits, apply_limits, full
from tradewinds.engine.quotes import NOT_QUOTED, Intervals
from tradewinds.engine.wishes import NONE, AccountRule, QuoteRule, Wish, wishes_of

NEVER = 1 << 62


@dataclass(frozen=True)
class Rules:
    """How orders are made. What is wanted follows from the quote alone (`by_quote`) or, if that is None, also from the
    account and the time (`by_account`). An order that limits reduced must still exceed `min_ev_pico` a contract net of its
    fee (None: it need not). `change_times` are instants at which the rules themselves change.
    """

    by_quote: QuoteRule | None
    by_account: AccountRule | None
    min_ev_pico: int | None
    fee_rule: FeeRule
    limits: RiskLimits
    step_seconds: int
    change_times: tuple[int, ...] = ()


class Decision(NamedTuple):
    """Decisions with the same outcome: a fill (EV_THRESHOLD, one decision), or refusals for a limit's `reason`.

    In a full audit refusals are of one quote, at `times` decision times from `first_ts` on; in a summary they are all of a
    market, side and reason, first made at `first_ts`, and quantity and price are None.
    """

    ticker: str
    first_ts: int
    times: int
    side: str
    quantity: int | None
    price_micro: int | None
    filled: bool
    reason: str


@dataclass
class Outcome:
    """What a replay leaves: fills in execution order, refusals by reason, all decisions, and the account at the end."""

    fills: list[Fill]
    rejections: Counter[str]
    decisions: list[Decision]
    end_cash_micro: int


@dataclass(slots=True)
class _Live:
    """A quote in force from which orders can be made; `reason` is why it was last refused, counted from `since` on."""

    contract: Contract
    quote_ts: int
    t_last: int
    volume_centi: int
    asks: tuple[int | None, int | None]
    wish: Wish | None
    reason: str | None = None
    since: int = 0


class _Upcoming:
    """The intervals of all contracts, handed out in order of time; only those that are wanted, where that is known."""

    def __init__(self, contracts: Sequence[Contract], intervals: Intervals, rules: Rules) -> None:
        self.contracts, self.rules = contracts, rules
        self.wishes = None
        if rules.by_quote is not None and len(intervals):
            wishes = wishes_of(intervals, contracts, rules.by_quote, rules.fee_rule)
            wanted = wishes.side != NONE
            intervals = intervals.where(wanted)
            self.wishes = type(wishes)(wishes.side[wanted], wishes.quantity[wanted], wishes.priority[wanted])
        self.intervals = intervals
        bounds = np.searchsorted(intervals.idx, np.arange(len(contracts) + 1))
        self.at, self.end = bounds[:-1].tolist(), bounds[1:].tolist()
        firsts = [(int(intervals.t_first[k]), i) for i, k in enumerate(self.at) if k < self.end[i]]
        heapq.heapify(firsts)
        self.heap = firsts

    @property
    def next_t(self) -> int:
        """When the next quote comes into force."""
        return self.heap[0][0] if self.heap else NEVER

    def take(self, t: int) -> tuple[int, int] | None:
        """(idx, place) of the next quote in force by t."""
        if not self.heap or self.heap[0][0] > t:
            return None
        _, i = heapq.heappop(self.heap)
        return i, self.at[i]

    def go_on(self, i: int, place: int) -> None:
        """After a quote was taken: the next one of its contract is at a place."""
        self.at[i] = place
        if place < self.end[i]:
            heapq.heappush(self.heap, (int(self.intervals.t_first[place]), i))

    def live(self, i: int, place: int) -> _Live:
        """A quote as an object."""
        columns, wish = self.intervals, None
        yes, no = int(columns.yes_ask[place]), int(columns.no_ask[place])
        asks = (None if yes == NOT_QUOTED else yes, None if no == NOT_QUOTED else no)
        if self.wishes is not None:
            found = self.wishes
            wish = Wish(Side(int(found.side[place])), int(found.quantity[place]), found.priority[place])
        volume = int(columns.volume_centi[place])
        return _Live(self.contracts[i], int(columns.quote_ts[place]), int(columns.t_last[place]), volume, asks, wish)


@dataclass
class Replay:
    """One replay; `jump=False` visits every decision time (slow, for comparison).

    `intervals` as QuoteView.candidates gives them for `contracts`. `full_audit` keeps every refusal apart.
    """

    contracts: Sequence[Contract]
    intervals: Intervals
    rules: Rules
    ledger: Ledger
    jump: bool = True
    full_audit: bool = False
    fills: list[Fill] = field(default_factory=list)
    rejections: Counter[str] = field(default_factory=Counter)
    decisions: list[Decision] = field(default_factory=list)
    _active: dict[int, _Live] = field(default_factory=dict)
    _event_settles: dict[str, int] = field(default_factory=dict)
    _summary: dict[tuple[str, Side, str], list[int]] = field(default_factory=dict)  # first time, times

    def run(self) -> Outcome:
        """Replay everything and settle all positions."""
        for contract in self.contracts:
            known = self._event_settles.get(contract.event.name, contract.settle_ts)
            self._event_settles[contract.event.name] = min(known, contract.settle_ts)
        settlements = sorted((c.settle_ts, c.ticker, i) for i, c in enumerate(self.contracts))
        instants, upcoming = self._instants(), _Upcoming(self.contracts, self.intervals, self.rules)
        settled, passed, t, changed = 0, 0, -NEVER, False
        while self._active or upcoming.heap:
            due = (settlements[settled][0] if settled < len(settlements) else NEVER, *instants[passed : passed + 1])
            t = self._next_t(t, upcoming.next_t, min(due), changed)
            while settled < len(settlements) and settlements[settled][0] <= t:
                changed |= self.ledger.settle(self.contracts[settlements[settled][2]])
                settled += 1
            while passed < len(instants) and instants[passed] <= t:
                passed, changed = passed + 1, True
            fresh = self._take_in(upcoming, t)
            changed = self._decide(fresh, t, anew=changed or not self.jump or t >= NEVER)
        for _, _, i in settlements[settled:]:
            self.ledger.settle(self.contracts[i])
        for (ticker, side, reason), (first, times) in self._summary.items():
            self.decisions.append(Decision(ticker, first, times, side.name, None, None, False, reason))
        return Outcome(self.fills, self.rejections, self.decisions, self.ledger.cash_micro)

    def _instants(self) -> list[int]:
        """When limits or rules begin anew."""
        days = (
            {ts for c in self.contracts for ts in c.event.day_starts}
            if self.rules.limits.orders_per_event_day
            else set()
        )
        return sorted(days | set(self.rules.change_times))

    def _next_t(self, t: int, next_quote: int, due: int, changed: bool) -> int:
        """The next decision time at which anything can differ."""
        if not self._active:
            return next_quote
        if changed or not self.jump:
            return t + self.rules.step_seconds
        step = self.rules.step_seconds
        return min(next_quote, -(-due // step) * step)

    def _take_in(self, upcoming: _Upcoming, t: int) -> list[int]:
        """Take in the quotes that come into force at t, each in the place of the one before it; whose they are."""
        fresh = []
        while taken := upcoming.take(t):
            i, place = taken
            if before := self._active.pop(i, None):
                self._flush(before, t)
            refused = self._refuse_as_full(upcoming, i, place)
            upcoming.go_on(i, place + (refused or 1))
            if not refused:
                self._active[i] = upcoming.live(i, place)
                fresh.append(i)
        return fresh

    def _refuse_as_full(self, upcoming: _Upcoming, i: int, place: int) -> int:
        """Refuse the quotes of a full market or event together, as far as nothing of the event settles before they end; how
        many these are."""
        limits, wishes, contract = self.rules.limits, upcoming.wishes, self.contracts[i]
        if wishes is None or not self.jump or limits.max_volume_share is not None:
            return 0
        reasons = {side: full(contract, side, self.ledger, limits) for side in Side}
        if not any(reasons.values()):
            return 0
        ends = upcoming.intervals.t_last[place : upcoming.end[i]]
        count = int(np.searchsorted(ends, self._event_settles[contract.event.name]))
        if not all(reasons.values()):  # one side is open: only a quote of the other one is refused
            count = min(count, 1) if reasons[Side(int(wishes.side[place]))] else 0
        if not count:
            return 0
        if self.full_audit:
            for k in range(place, place + count):
                live = upcoming.live(i, k)
                reason = reasons[live.wish.side] if live.wish else None
                self._refuse(live, str(reason), int(upcoming.intervals.t_first[k]), live.t_last)
            return count
        firsts, sides = upcoming.intervals.t_first[place : place + count], wishes.side[place : place + count]
        times = (ends[:count] - firsts) // self.rules.step_seconds + 1
        for side, reason in reasons.items():
            of_side = sides == side
            if reason and of_side.any():
                self._count(contract.ticker, side, reason, int(firsts[of_side][0]), int(times[of_side].sum()))
        return count

    def _decide(self, fresh: list[int], t: int, *, anew: bool) -> bool:
        """All orders of one decision time, best first; True if any was filled.

        Unless everything is to be looked at anew, quotes that were refused before stay refused until one of the fresh ones
        is filled.
        """
        if anew:
            self._retire(t)
        elif not fresh:
            return False
        equity = self.ledger.equity_at_cost_micro
        for i in self._active if anew else fresh:
            self._wish_again(self._active[i], equity, t)
        anew = anew or len(fresh) == len(self._active)
        if not anew and not any(self._judge(self._active[i], t)[0] is None for i in fresh if self._active[i].wish):
            looked_at, old = fresh, set()
        else:
            looked_at, old = list(self._active), set() if anew else self._active.keys() - set(fresh)
        filled = False
        for i in self._ranked(looked_at, t):
            if filled or i not in old:
                filled |= self._try(self._active[i], t)
        self._drop_the_full(looked_at)
        return filled

    def _wish_again(self, live: _Live, equity_micro: int, t: int) -> None:
        """What is wanted at a quote now, if that follows from more than the quote."""
        if self.rules.by_quote is None and self.rules.by_account is not None:
            wish = self.rules.by_account(live.contract.p_pico, live.contract.fee_rate, live.asks, equity_micro, t)
            if wish != live.wish:
                self._flush(live, t)
                live.wish, live.reason = wish, None

    def _ranked(self, places: list[int], t: int) -> list[int]:
        """Quotes in force with a wish, in the order in which their orders are made."""
        ranked = []
        for i in places:
            live = self._active[i]
            if live.wish and live.t_last >= t:
                ranked.append((-live.wish.priority, live.contract.ticker, i))
        ranked.sort()
        return [i for _, _, i in ranked]

    def _try(self, live: _Live, t: int) -> bool:
        """Fill an order, or note why not."""
        reason, order, fee_micro, net_total = self._judge(live, t)
        if reason != live.reason:
            self._flush(live, t)
            live.reason, live.since = reason, t
        if reason:
            return False
        gross = live.contract.probability_pico(order.side) - order.price_micro * PICO_PER_MICRO
        fill = Fill(
            *(
                live.contract,
                order.side,
                order.quantity,
                order.price_micro,
                fee_micro,
                t,
                live.quote_ts,
                gross,
                net_total,
            )
        )
        self.ledger.buy(fill)
        self.fills.append(fill)
        bought = (live.contract.ticker, t, 1, order.side.name, order.quantity, order.price_micro)
        self.decisions.append(Decision(*bought, True, EV_THRESHOLD))
        return True

    def _judge(self, live: _Live, t: int) -> tuple[str | None, Order, int, int]:
        """The reason of a refusal, else None; the order as the limits leave it, its fee and its net value (pico-dollars)."""
        contract, wish = live.contract, live.wish
        if wish is None:
            raise AssertionError(f"nothing is wanted of {contract.ticker} at {t}")
        price = live.asks[wish.side] or 0
        order = Order(contract, wish.side, wish.quantity, price, t, live.quote_ts, live.volume_centi)

        def fee(quantity: int, price_micro: int, ts: int) -> int:
            return self.rules.fee_rule(contract.fee_rate, quantity, price_micro, ts)

        reason = apply_limits(order, self.ledger, self.rules.limits, fee)
        if reason:
            return reason, order, 0, 0
        fee_micro = fee(order.quantity, price, t)
        gross = contract.probability_pico(wish.side) - price * PICO_PER_MICRO
        net_total = gross * order.quantity - fee_micro * PICO_PER_MICRO
        least = self.rules.min_ev_pico
        poor = least is not None and net_total <= least * order.quantity
        return EV_THRESHOLD if poor else None, order, fee_micro, net_total

    def _retire(self, t: int) -> None:
        """Forget the quotes that have ended."""
        for i in [i for i, live in self._active.items() if live.t_last < t]:
            self._flush(self._active.pop(i), t)

    def _drop_the_full(self, places: list[int]) -> None:
        """A quote whose market or event is full repeats its refusal to its end: count it whole and forget it."""
        if self.rules.by_quote is None or not self.jump:
            return
        for i in places:
            live = self._active[i]
            if live.reason in FULL_UNTIL_SETTLED and self._event_settles[live.contract.event.name] > live.t_last:
                self._flush(self._active.pop(i), NEVER)

    def _flush(self, live: _Live, until: int) -> None:
        """Count the refusals of a quote before an instant."""
        if live.reason and (last := min(until - self.rules.step_seconds, live.t_last)) >= live.since:
            self._refuse(live, live.reason, live.since, last)
        live.since = until

    def _refuse(self, live: _Live, reason: str, first: int, last: int) -> None:
        if live.wish is None:
            raise AssertionError(f"{reason} for nothing wanted of {live.contract.ticker}")
        side, times = live.wish.side, (last - first) // self.rules.step_seconds + 1
        if self.full_audit:
            refused = (live.contract.ticker, first, times, side.name, live.wish.quantity, live.asks[side])
            self.rejections[reason] += times
            self.decisions.append(Decision(*refused, False, reason))
        else:
            self._count(live.contract.ticker, side, reason, first, times)

    def _count(self, ticker: str, side: Side, reason: str, first: int, times: int) -> None:
        self.rejections[reason] += times
        known = self._summary.setdefault((ticker, side, reason), [first, 0])
        known[0], known[1] = min(known[0], first), known[1] + times
