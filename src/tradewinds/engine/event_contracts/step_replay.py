"""The replay of a strategy that is called at decision times: one pass from instant to instant, with one cash account.

At an instant: what settles by then is paid; candles that end at it become visible; equity is recorded; probabilities change;
resting orders are filled by those candles, and those whose time is over are taken back; markets open and close; then, if the
instant is a decision time at which any market is open and something visible has changed since the last call, the strategy is
called, and its orders are carried out one after the other.

Where nothing waits but candles, a stretch of instants is passed at once: the same calls, with what is visible made beforehand.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.column_rows import ColumnRows, joined
from tradewinds.core.errors import SimulationError
from tradewinds.core.units import MICRO, NEVER, PICO
from tradewinds.engine.event_contracts import kernel_structures
from tradewinds.engine.event_contracts.candles import Candles
from tradewinds.engine.event_contracts.contract_journal import journal_of
from tradewinds.engine.event_contracts.contracts import Contract, Side
from tradewinds.engine.event_contracts.fill_summary import summary_of
from tradewinds.engine.event_contracts.fills import decisions_of
from tradewinds.engine.event_contracts.order_books import OrderBooks
from tradewinds.engine.event_contracts.order_desk import OrderDesk
from tradewinds.engine.event_contracts.order_rules import Rules, StepRules
from tradewinds.engine.event_contracts.replay import ReplayOutcome, RunContracts
from tradewinds.engine.event_contracts.step_stretch import MadeMarkets, stretch_of
from tradewinds.engine.event_contracts.step_tape import ContractTape, arrivals, tapes_of
from tradewinds.engine.event_contracts.step_view import NAN, NO_QUOTE, DecisionView, ShownState
from tradewinds.engine.result import Decision, Summary
from tradewinds.engine.stepwise.view_closed import CLOSED

_MOST_OPEN = 1 << 42  # contracts held at once, as in kernel.c
_SHORTEST, _LONGEST = 8, 512  # instants made at once


class ShownNames(NamedTuple):
    """What a strategy sees of a contract besides its quotes.

    Attributes:
        event: name of its event.
        low: lowest value that settles YES; -inf without one, nan if it is not known.
        high: highest value that settles YES; inf without one, nan if it is not known.
    """

    event: str
    low: float
    high: float


class StepReplay:
    """The replay of one account with a strategy that is called at decision times.

    Args:
        run_contracts: all contracts that may be traded.
        rules: how orders are made; `rules.stepwise` is set.
        step: the same as `rules.stepwise`.
        names: by ticker, what the strategy sees of a contract.
        cash_micro: start balance; micro-units.
        full_audit: record every refusal.
        books: order books from which orders are filled at once; None: no contract has one.

    Attributes:
        calls: how often the strategy was called.
    """

    def __init__(
        self,
        run_contracts: RunContracts,
        rules: Rules,
        step: StepRules,
        names: Mapping[str, ShownNames],
        cash_micro: int,
        *,
        full_audit: bool = False,
        books: OrderBooks | None = None,
    ) -> None:
        self.run_contracts, self.rules, self._names = run_contracts, rules, names
        self._state = ShownState(rules.fee_rule, step.maker_factor)
        self.desk = OrderDesk(run_contracts, rules, step, cash_micro, self._state, full_audit=full_audit, books=books)
        self._strategy = step.make()
        self._agenda: list[int] = []  # a heap of instants at which something may happen
        # heaps of (instant, idx, …)
        self._settling: list[tuple[int, int]] = []
        self._opening: list[tuple[int, int]] = []
        self._closing: list[tuple[int, int]] = []
        self._changing: list[tuple[int, int, int]] = []  # with the probability
        self._aging: list[tuple[int, int]] = []
        self._settled: set[int] = set()
        self._equity: list[tuple[int, int, int]] = []
        self._dirty = self._started = False
        self._since = -NEVER
        self._length = _SHORTEST
        self._made: dict[int, MadeMarkets] = {}
        self.calls = 0

    def admit(self, contracts: Sequence[Contract], candles: Candles) -> None:
        """Add contracts with their candles, before the replay comes to their windows.

        Args:
            contracts: not added before.
            candles: of their markets at least, with their ranges.
        """
        step, index = self.rules.step_seconds, self.run_contracts.idx
        for contract, tape in zip(contracts, self._tapes(contracts, candles), strict=True):
            idx = index[contract.ticker]
            self.desk.tapes[idx] = tape
            tape.shown = int(np.searchsorted(tape.end_ts, self._since))  # the replay has passed their ends
            self._push(self._settling, (contract.settle_ts, idx))
            first_t = -(-contract.start_ts // step) * step
            if first_t < contract.end_ts:
                self._push(self._opening, (first_t, idx))
                self._push(self._closing, (contract.end_ts, idx))
            for known_at, p_pico in contract.later_p:
                if known_at >= self._since:
                    self._push(self._changing, (known_at, idx, p_pico))

    def _tapes(self, contracts: Sequence[Contract], candles: Candles) -> list[ContractTape]:
        """Return what quotes some contracts; the candles of those with an order book are kept for resting orders."""
        books, idx = self.desk.books, self.run_contracts.idx
        if books is None:
            return tapes_of(candles, contracts)
        with_book = [contract for contract in contracts if books.has_book[idx[contract.ticker]]]
        for contract, tape in zip(with_book, tapes_of(candles, with_book), strict=True):
            self.desk.rest_tapes[idx[contract.ticker]] = tape
            tape.shown = int(np.searchsorted(tape.end_ts, self._since))
        return tapes_of(books.quoted(candles, idx), contracts, books, idx)

    def _push(self, heap: list[Any], entry: tuple[int, ...]) -> None:
        """Add an entry to a heap, and its instant to the agenda."""
        heapq.heappush(heap, entry)
        heapq.heappush(self._agenda, entry[0])

    def advance(self, until: int, instants: Sequence[int]) -> None:
        """Replay what happens before an instant.

        Args:
            until: Unix s.
            instants: when equity is recorded, ascending; Unix s.
        """
        with self._strategy.watched():
            self._advance(until, instants)
        self._since = until

    def _advance(self, until: int, instants: Sequence[int]) -> None:
        """Replay what happens before an instant, while the time that the strategy takes is watched."""
        if not self._started:
            self._started = True
            self._strategy.start()
        # what the candles bring, and when the strategy is called about it
        coming = arrivals(sorted(self.desk.tapes.items()), until)
        trades = arrivals(sorted(self.desk.rest_tapes.items()), until)  # of markets that order books quote
        traded = {
            ts: trades.idx[a:b] for ts, a, b in zip(trades.instants, trades.starts, trades.starts[1:], strict=False)
        }
        step = self.rules.step_seconds
        every = self._strategy.every_decision_time
        known = sorted({*coming.instants, *traded, *instants, *(self._decision_times(until) if every else ()), NEVER})
        recorded, place, count, following = set(instants), 0, len(coming.instants), 0
        calm = self._calm_places(known, recorded)
        # one instant after the other, or a stretch of them
        agenda = self._agenda
        while (ts := min(known[following], agenda[0]) if agenda else known[following]) < until:
            if ts == known[following] and self._is_calm:
                first_other = min(agenda[0] if agenda else NEVER, ts + self.desk.max_age + 1)
                stop = bisect.bisect_left(known, first_other, following, calm[following])
                stop = min(stop, following + self._length)
                if stop - following > 1:
                    passed = self._pass_stretch(known[following:stop])
                    following += passed
                    end = bisect.bisect_right(coming.instants, known[following - 1], place)
                    self._leave_stretch(coming.counts(place, end))
                    place = end
                    continue
            following += known[following] == ts
            special = bool(agenda) and agenda[0] == ts  # something but a candle
            while agenda and agenda[0] == ts:
                heapq.heappop(agenda)
            if special:
                self._settle(ts)
            arrived: list[int] = []
            if place < count and coming.instants[place] == ts:
                arrived = coming.idx[coming.starts[place] : coming.starts[place + 1]]
                self._arrive(arrived)
                place += 1
            if ts in recorded:
                self._equity.append((ts, self.desk.account.cash, self._open_value(ts)))
            if special:
                self._change_chances(ts)
            for idx in traded.get(ts, ()):
                if idx in self.desk.rest_tapes:
                    self.desk.rest_tapes[idx].shown += 1
            if self.desk.book:
                self._serve_resting(ts, arrived, traded.get(ts, []))
            if special:
                self._open_and_close(ts)
            if ts % step:
                if self._dirty and self.desk.open:
                    heapq.heappush(self._agenda, -(-ts // step) * step)
            elif self.desk.open and (self._dirty or every):
                self._decide(ts)

    def _calm_places(self, known: Sequence[int], recorded: Set[int]) -> list[int]:
        """Return by place in `known` the place of the next instant that is no part of a stretch.

        Those are instants at which equity is recorded, and others than decision times, unless it is called at all of these.
        """
        step, every = self.rules.step_seconds, self._strategy.every_decision_time
        found, following = [0] * len(known), len(known)
        for place in range(len(known) - 1, -1, -1):
            ts = known[place]
            if ts in recorded or ts == NEVER or (ts % step and not every):
                following = place
            found[place] = following
        return found

    @property
    def _is_calm(self) -> bool:
        """Whether nothing waits but candles: no change that has not been shown, no resting order, and a market is open.

        With order books it is never so: their snapshots come beside the candles.
        """
        waits = self._dirty or self.desk.book or self._state.changed
        return bool(self.desk.open) and self.desk.books is None and not waits

    def _pass_stretch(self, times: Sequence[int]) -> int:
        """Pass instants at which nothing but candles comes, up to an order that changes anything; returns how many.

        Args:
            times: the instants, at least one.
        """
        state, desk, decide, step = self._state, self.desk, self._strategy.decide, self.rules.step_seconds
        stretch = stretch_of(times, sorted(desk.open), desk.tapes, state, self._made)
        every, new_view, seen, done = self._strategy.every_decision_time, object.__new__, state.frames, 0
        state.cash, state.reserved, state.since = desk.free_cash / MICRO, 0.0, float(times[0] - 1)
        for place, (ts, frame, brings) in enumerate(zip(times, stretch.frames, stretch.brings, strict=True)):
            if ts % step if every else not brings:
                continue
            # the strategy sees this instant, and what came since the last one
            seen += stretch.frames[done : place + 1]
            done = place + 1
            state.frame, state.now = frame, float(ts)
            self.calls += 1
            view = new_view(DecisionView)
            view._state = state
            wishes = decide(view)
            view._state = CLOSED
            state.since = state.now
            if wishes:
                for tape, arrived in stretch.shown:
                    tape.shown = arrived[place]
                self._carry_out(wishes, ts)
                if self._dirty:
                    break
        # longer stretches as long as nothing ends them
        passed = place + 1
        self._length = min(2 * self._length, _LONGEST) if passed == len(times) else max(self._length // 2, _SHORTEST)
        state.frame = stretch.frames[passed - 1]
        for tape, arrived in stretch.shown:
            tape.shown = arrived[passed - 1]
        return passed

    def _leave_stretch(self, arrived: Sequence[tuple[int, int]]) -> None:
        """Show the candles of a stretch that was passed as `_arrive` does it.

        Args:
            arrived: contracts with the number of their candles.
        """
        tapes, is_open, state = self.desk.tapes, self.desk.open, self._state
        state.leave_frames()
        for idx, count in arrived:
            tape = tapes.get(idx)
            if tape is None:
                continue
            if idx in is_open:
                row = tape.shown - 1
                state.quotes[idx] = tape.quotes[row]
                if tape.end_ts[row] > state.since:  # between decision times, after the last call
                    state.mark(idx)
                    self._dirty = True
                if self.rules.max_age_seconds is not None:  # the quotes before it are not visible any more
                    self._push(self._aging, (int(tape.end_ts[row]) + self.desk.max_age + 1, idx))
                tape.past += tape.quotes[len(tape.past) : tape.shown]
            else:
                tape.shown += count

    def _decision_times(self, until: int) -> list[int]:
        """Return all decision times before an instant at which a contract that was admitted may be open."""
        step = self.rules.step_seconds
        first = min([ts for ts, _ in self._opening], default=NEVER)
        if self.desk.open:
            first = min(first, self._next_decision)
        last = max([ts for ts, _ in self._closing], default=-NEVER)
        return list(range(first, min(last, until), step))

    @property
    def _next_decision(self) -> int:
        """The decision time after the last call."""
        return int(self._state.now) + self.rules.step_seconds

    def _settle(self, ts: int) -> None:
        """Pay out what settles by an instant, in order of time and ticker."""
        desk, state = self.desk, self._state
        while self._settling and self._settling[0][0] <= ts:
            _, idx = heapq.heappop(self._settling)
            self._dirty |= desk.account.settle(idx)
            self._settled.add(idx)
            desk.drop(idx)
            if idx in desk.open:
                desk.open.discard(idx)
                self._dirty = True
                state.arrange(sorted(desk.open))
            # what is settled is not looked at again
            del desk.tapes[idx]
            desk.rest_tapes.pop(idx, None)
            desk.chances.pop(idx, None)
            self._made.pop(idx, None)
            state.past.pop(self.run_contracts.contracts[idx].ticker, None)
            state.books.pop(self.run_contracts.contracts[idx].ticker, None)
            for shown in (state.facts, state.quotes, state.own):
                shown.pop(idx, None)

    def _arrive(self, arrived: Sequence[int]) -> None:
        """Show candles that have just ended."""
        desk, state = self.desk, self._state
        tapes, is_open, quotes, changed = desk.tapes, desk.open, state.quotes, state.changed
        aged = self.rules.max_age_seconds is not None
        for idx in arrived:
            tape = tapes.get(idx)
            if tape is None:  # settled before its last candle
                continue
            row = tape.shown
            tape.shown = row + 1
            if idx in is_open:
                if aged:
                    self._push(self._aging, (int(tape.end_ts[row]) + desk.max_age + 1, idx))
                quote = quotes[idx] = tape.quotes[row]
                tape.past.append(quote)
                changed[idx] = None
                if tape.book_row >= 0:
                    desk.show_book(idx, row)
        if changed:
            self._dirty = True

    def _open_value(self, ts: int) -> int:
        """Return the liquidation value of what is held; micro-units."""
        value, desk = 0, self.desk
        for idx in desk.account.open:
            tape, held = desk.tapes[idx], desk.account.holdings[idx].held
            row = tape.visible(ts, desk.max_age)
            for side in Side:
                if held[side] and (ask := tape.price(row, Side(1 - side))):
                    value += held[side] * (MICRO - ask)
        return value

    def _serve_resting(self, ts: int, arrived: Sequence[int], traded: Sequence[int]) -> None:
        """Fill resting orders by candles that have just ended, then take back those whose time is over.

        Args:
            ts: the instant; Unix s.
            arrived: contracts with a new quote: a candle, or the snapshot of an order book, which fills no resting order.
            traded: contracts with an order book and a new candle.
        """
        desk = self.desk
        if desk.rest_tapes:
            arrived = sorted([*(idx for idx in arrived if idx not in desk.rest_tapes), *traded])
        for idx in arrived:
            if idx in desk.tapes:
                self._dirty |= desk.fill_resting(idx, desk.candles_of(idx).shown - 1)
        self._dirty |= desk.expire(ts)

    def _change_chances(self, ts: int) -> None:
        """Put probabilities in force that have just become known."""
        desk = self.desk
        while self._changing and self._changing[0][0] <= ts:
            _, idx, p_pico = heapq.heappop(self._changing)
            if idx in desk.open and desk.chances[idx] != p_pico:
                desk.chances[idx] = p_pico
                desk.show_holding(idx)
                self._dirty = True

    def _open_and_close(self, ts: int) -> None:
        """Open and close markets, and hide quotes that are too old."""
        desk, state, rearranged = self.desk, self._state, False
        # markets
        while self._opening and self._opening[0][0] <= ts:
            _, idx = heapq.heappop(self._opening)
            if idx not in self._settled:
                self._open(idx, ts)
                rearranged = True
        while self._closing and self._closing[0][0] <= ts:
            _, idx = heapq.heappop(self._closing)
            if idx in desk.open:
                desk.open.discard(idx)
                rearranged = True
        if rearranged:
            state.arrange(sorted(desk.open))
            self._dirty = True
        # quotes
        while self._aging and self._aging[0][0] <= ts:
            _, idx = heapq.heappop(self._aging)
            if idx in desk.open and desk.tapes[idx].visible(ts, desk.max_age) < 0:
                state.quotes[idx] = NO_QUOTE
                desk.show_book(idx, -1)
                state.mark(idx)
                self._dirty = True

    def _open(self, idx: int, ts: int) -> None:
        """Open a market with all its candles up to now."""
        desk, state, contract = self.desk, self._state, self.run_contracts.contracts[idx]
        tape, names = desk.tapes[idx], self._names[contract.ticker]
        desk.open.add(idx)
        desk.known[contract.ticker] = idx
        row = tape.visible(ts, desk.max_age)
        if row >= 0 and self.rules.max_age_seconds is not None:
            self._push(self._aging, (int(tape.end_ts[row]) + desk.max_age + 1, idx))
        chance = [p for known_at, p in contract.timeline if known_at <= ts][-1]
        desk.chances[idx] = chance
        state.facts[idx] = (contract.ticker, *names, float(contract.start_ts), float(contract.end_ts))
        state.quotes[idx] = tape.quotes[row] if row >= 0 else NO_QUOTE
        state.own[idx] = (chance / PICO, 0.0, 0.0, NAN, NAN)
        tape.past = state.past[contract.ticker] = tape.quotes[: tape.shown]
        state.fee_rates[contract.ticker] = contract.fee_rate
        state.changed[idx] = None
        desk.show_book(idx, row)

    def _decide(self, ts: int) -> None:
        """Call the strategy, and carry out its orders."""
        state, desk = self._state, self.desk
        state.now, state.cash, state.reserved = float(ts), desk.free_cash / MICRO, desk.book.reserved / MICRO
        self._dirty = False
        self.calls += 1
        view = DecisionView(state)
        wishes = self._strategy.decide(view)
        view._close()
        state.forget_changes()
        if wishes:
            self._carry_out(wishes, ts)

    def _carry_out(self, wishes: Sequence[Any], ts: int) -> None:
        """Carry out what the strategy returned at a decision time."""
        desk = self.desk
        for wish in wishes:
            self._dirty |= desk.carry_out(wish, ts, self._strategy.problem)
        while desk.ends:
            heapq.heappush(self._agenda, desk.ends.pop())
        if desk.account.total > _MOST_OPEN:
            raise SimulationError(
                "the account would hold more contracts than can be counted (4 million million).",
                where="risk",
                remedy="Set a limit of contracts, or lower the balance.",
            )
        if self._dirty:  # what came of its orders is visible at the next decision time
            heapq.heappush(self._agenda, ts + self.rules.step_seconds)

    def outcome(self) -> ReplayOutcome:
        """Return the outcome, once all candles are replayed."""
        desk = self.desk
        fills = desk.fills()
        settled = np.array(desk.account.settlements, np.int64).reshape(-1, kernel_structures.SETTLEMENT_COLUMNS)
        tickers = [contract.ticker for contract in self.run_contracts.contracts]
        return ReplayOutcome(
            fills=fills,
            rejections=desk.rejections(),
            decisions=joined(decisions_of(fills), ColumnRows.of(Decision, desk.unfilled())),
            end_cash_micro=desk.account.cash,
            equity=self._equity,
            journal=journal_of(self.fill_rows(), settled, tickers, fill_reasons=fills.columns["reason"].tolist()),
        )

    def summary(self) -> Summary:
        """Return the outcome as columns, without an object per fill."""
        equity = np.array(self._equity, np.int64).reshape(-1, 3)
        return summary_of(self.fill_rows(), self.run_contracts.payout_yes, equity)

    def fill_rows(self, since: int = 0) -> Ints:
        """Return fills as rows of kernel_structures.Buffers.

        Args:
            since: how many of the first are left out.
        """
        return np.array(self.desk.account.fills[since:], np.int64).reshape(-1, kernel_structures.FILL_COLUMNS)
