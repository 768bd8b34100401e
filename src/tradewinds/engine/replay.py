"""The replay: one chronological pass over all events against one cash account.

Between two changes (a new quote, the end of one, a settlement, a civil midnight, a fill) every decision time repeats the
same refusals. So after a time without a fill the replay jumps to the next change and counts what it jumped over; the
result is that of stepping through every decision time (a test steps and compares).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from tradewinds.engine.contracts import PICO_PER_MICRO, Contract, Side
from tradewinds.engine.costs import FeeRule
from tradewinds.engine.ledger import Fill, Ledger
from tradewinds.engine.limits import EV_THRESHOLD, FULL_UNTIL_SETTLED, Order, RiskLimits, apply_limits, full
from tradewinds.engine.sizing import Sizing


@dataclass(frozen=True)
class Rules:
    """How orders are made: threshold (pico-dollars a contract), size, fee, limits; `step_seconds` between decisions.

    `fixed_wishes` says that a quote's candidate is the same as long as the quote stands (size and fee depend on nothing
    else); `change_times` are instants at which the rules themselves change.
    """

    min_ev_pico: int
    sizing: Sizing
    fixed_wishes: bool
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
    """A quote in force from which orders can be made. `wish` is the candidate at hand, if it does not depend on equity."""

    contract: Contract
    quote_ts: int
    t_first: int
    t_last: int
    volume_centi: int
    asks: tuple[int | None, int | None]
    wish: _Wish | None = None


class _Wish(NamedTuple):
    """A candidate: side, wanted quantity, price, and its exact net expected value a contract (pico-dollars)."""

    side: Side
    quantity: int
    price_micro: int
    net_ev: int | Fraction


@dataclass
class Replay:
    """One replay; `jump=False` visits every decision time (slow, for comparison).

    `intervals` are rows of QuoteView.candidates; contracts by their idx there. `full_audit` keeps every refusal apart.
    """

    contracts: Sequence[Contract]
    intervals: Sequence[tuple[int, int, int, int, int, int | None, int | None]]
    rules: Rules
    ledger: Ledger
    jump: bool = True
    full_audit: bool = False
    fills: list[Fill] = field(default_factory=list)
    rejections: Counter[str] = field(default_factory=Counter)
    decisions: list[Decision] = field(default_factory=list)
    _refused: list[tuple[int, _Live, _Wish, str]] = field(default_factory=list)
    _event_settles: dict[str, int] = field(default_factory=dict)
    _wishes: dict[tuple[int, int | None, int | None], _Wish | None] = field(default_factory=dict)
    _summary: dict[tuple[str, Side, str], list[int]] = field(default_factory=dict)  # first time, times

    def run(self) -> Outcome:
        """Replay everything and settle all positions."""
        for contract in self.contracts:
            known = self._event_settles.get(contract.event.name, contract.settle_ts)
            self._event_settles[contract.event.name] = min(known, contract.settle_ts)
        settlements = sorted((c.settle_ts, c.ticker, i) for i, c in enumerate(self.contracts))
        active: dict[int, _Live] = {}
        upcoming = 0
        settled = 0
        t = 0
        while active or upcoming < len(self.intervals):
            if not active:
                t = max(t, self.intervals[upcoming][2])
            settled = self._settle_until(settlements, settled, t)
            upcoming = self._activate(active, upcoming, t)
            if not active:
                continue
            filled = self._decide(active, t)
            until = t + self.rules.step_seconds
            if not filled and self.jump:
                until = max(until, self._next_change(active, upcoming, settlements, settled, t))
            self._count_refusals(t, until)
            for index in [i for i, live in active.items() if live.t_last < until]:
                del active[index]
            t = until
        self._settle_until(settlements, settled, None)
        for (ticker, side, reason), (first, times) in self._summary.items():
            self.decisions.append(Decision(ticker, first, times, side.name, None, None, False, reason))
        return Outcome(self.fills, self.rejections, self.decisions, self.ledger.cash_micro)

    def _settle_until(self, settlements: list[tuple[int, str, int]], settled: int, t: int | None) -> int:
        while settled < len(settlements) and (t is None or settlements[settled][0] <= t):
            self.ledger.settle(self.contracts[settlements[settled][2]])
            settled += 1
        return settled

    def _activate(self, active: dict[int, _Live], upcoming: int, t: int) -> int:
        """Take in the quotes that come into force by t; those that can never be a candidate are left out."""
        while upcoming < len(self.intervals) and self.intervals[upcoming][2] <= t:
            idx, quote_ts, t_first, t_last, volume, yes_ask, no_ask = self.intervals[upcoming]
            live = _Live(self.contracts[idx], quote_ts, t_first, t_last, volume, (yes_ask, no_ask))
            upcoming += 1
            if not self.rules.fixed_wishes:
                active[idx] = live
                continue
            live.wish = self._fixed_wish(idx, live, t)
            if live.wish and not self._full_already(live, live.wish, t):
                active[idx] = live
        return upcoming

    def _fixed_wish(self, idx: int, live: _Live, t: int) -> _Wish | None:
        """The candidate of a quote; quotes come back, so it is looked up by its prices."""
        key = (idx, *live.asks)
        if key not in self._wishes:
            self._wishes[key] = self._wish(live, 0, t)
        return self._wishes[key]

    def _full_already(self, live: _Live, wish: _Wish, t: int) -> bool:
        """Refuse a new quote of a full market or event as a whole: nothing can change before it ends."""
        limits = self.rules.limits
        if not self.jump or limits.max_volume_share is not None:
            return False
        contract = live.contract
        reason = full(contract, wish.side, self.ledger, limits)
        if reason is None or self._event_settles[contract.event.name] <= live.t_last:
            return False
        self._refuse(live, wish, reason, t, (live.t_last - t) // self.rules.step_seconds + 1)
        return True

    def _wish(self, live: _Live, equity_micro: int, t: int) -> _Wish | None:
        """The better side that is a candidate (tie: YES); None if neither is."""
        best: _Wish | None = None
        for side in (Side.YES, Side.NO):
            price = live.asks[side]
            if price is None:
                continue
            probability = live.contract.probability_pico(side)
            gross = probability - price * PICO_PER_MICRO
            if gross <= self.rules.min_ev_pico:
                continue
            quantity = self.rules.sizing(probability, price, equity_micro)
            if quantity < 1:
                continue
            net_ev = self._net_ev(live.contract, gross, quantity, price, t)
            if net_ev > self.rules.min_ev_pico and (best is None or net_ev > best.net_ev):
                best = _Wish(side, quantity, price, net_ev)
        return best

    def _net_ev(self, contract: Contract, gross_pico: int, quantity: int, price_micro: int, t: int) -> int | Fraction:
        fee_pico = self._fee(contract, quantity, price_micro, t) * PICO_PER_MICRO
        return gross_pico - fee_pico if quantity == 1 else gross_pico - Fraction(fee_pico, quantity)

    def _fee(self, contract: Contract, quantity: int, price_micro: int, t: int) -> int:
        return self.rules.fee_rule(contract.fee_rate, quantity, price_micro, t)

    def _decide(self, active: dict[int, _Live], t: int) -> bool:
        """All orders of one decision time, best first; True if any was filled. Refusals wait in `self._refused`."""
        equity = self.ledger.equity_at_cost_micro
        ranked: list[tuple[int | Fraction, str, int, _Live, _Wish]] = []
        for index, live in active.items():
            wish = live.wish if self.rules.fixed_wishes else self._wish(live, equity, t)
            if wish:
                ranked.append((-wish.net_ev, live.contract.ticker, index, live, wish))
        ranked.sort(key=lambda item: item[:2])
        self._refused = []
        filled = False
        for _, _, index, live, wish in ranked:
            reason = self._try(live, wish, t)
            if reason is None:
                filled = True
            else:
                self._refused.append((index, live, wish, reason))
        self._drop_the_full(active, t)
        return filled

    def _try(self, live: _Live, wish: _Wish, t: int) -> str | None:
        """Fill an order or say why not."""
        contract = live.contract
        order = Order(contract, wish.side, wish.quantity, wish.price_micro, t, live.quote_ts, live.volume_centi)

        def fee(quantity: int, price_micro: int, ts: int) -> int:
            return self._fee(contract, quantity, price_micro, ts)

        reason = apply_limits(order, self.ledger, self.rules.limits, fee)
        if reason:
            return reason
        gross = contract.probability_pico(wish.side) - wish.price_micro * PICO_PER_MICRO
        fee_micro = fee(order.quantity, wish.price_micro, t)
        net_total = gross * order.quantity - fee_micro * PICO_PER_MICRO
        if net_total <= self.rules.min_ev_pico * order.quantity:
            return EV_THRESHOLD
        fill = Fill(
            contract, wish.side, order.quantity, wish.price_micro, fee_micro, t, live.quote_ts, gross, net_total
        )
        self.ledger.buy(fill)
        self.fills.append(fill)
        self.decisions.append(_decision(live, wish, t, 1, order.quantity, True, EV_THRESHOLD))
        return None

    def _drop_the_full(self, active: dict[int, _Live], t: int) -> None:
        """A quote whose market or event is full repeats its refusal to its end: count it whole and forget it."""
        if not (self.rules.fixed_wishes and self.jump):
            return
        staying = []
        for index, live, wish, reason in self._refused:
            if reason in FULL_UNTIL_SETTLED and self._event_settles[live.contract.event.name] > live.t_last:
                self._refuse(live, wish, reason, t, (live.t_last - t) // self.rules.step_seconds + 1)
                del active[index]
            else:
                staying.append((index, live, wish, reason))
        self._refused = staying

    def _count_refusals(self, t: int, until: int) -> None:
        times = (until - t) // self.rules.step_seconds
        for _, live, wish, reason in self._refused:
            self._refuse(live, wish, reason, t, times)

    def _refuse(self, live: _Live, wish: _Wish, reason: str, t: int, times: int) -> None:
        self.rejections[reason] += times
        if self.full_audit:
            self.decisions.append(_decision(live, wish, t, times, wish.quantity, False, reason))
        else:
            self._summary.setdefault((live.contract.ticker, wish.side, reason), [t, 0])[1] += times

    def _next_change(
        self,
        active: dict[int, _Live],
        upcoming: int,
        settlements: list[tuple[int, str, int]],
        settled: int,
        t: int,
    ) -> int:
        """The first decision time after t at which anything can differ."""
        step = self.rules.step_seconds
        changes = [min((live.t_last for live in active.values()), default=t) + step]
        if upcoming < len(self.intervals):
            changes.append(self.intervals[upcoming][2])
        if settled < len(settlements):
            changes.append(-(-settlements[settled][0] // step) * step)
        midnights = (live.contract.event.next_day(t) for live in active.values())
        for instant in (*midnights, *self.rules.change_times):
            if instant is not None and instant > t:
                changes.append(-(-instant // step) * step)
        return min(changes)


def _decision(live: _Live, wish: _Wish, t: int, count: int, quantity: int, filled: bool, reason: str) -> Decision:
    return Decision(live.contract.ticker, t, count, wish.side.name, quantity, wish.price_micro, filled, reason)
