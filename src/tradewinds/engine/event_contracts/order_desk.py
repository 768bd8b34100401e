"""Where orders of a strategy that is called at decision times are carried out: at once, at rest, or not at all."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.column_rows import objects
from tradewinds.core.units import MICRO, NEVER, PICO
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.fills import Fills
from tradewinds.engine.event_contracts.kernel_structures import FILL_COLUMNS
from tradewinds.engine.event_contracts.order_books import Ladder, OrderBooks, left_of
from tradewinds.engine.event_contracts.order_rules import Rules, StepRules
from tradewinds.engine.event_contracts.replay import RunContracts
from tradewinds.engine.event_contracts.resting_orders import FillRule, OrderAtRest, RestingBook
from tradewinds.engine.event_contracts.step_account import NOTHING_HELD, Proposal, StepAccount
from tradewinds.engine.event_contracts.step_tape import ContractTape
from tradewinds.engine.event_contracts.step_view import NAN, RestingOrder, ShownState
from tradewinds.engine.result import Decision
from tradewinds.engine.stepwise.step_orders import (
    NO,
    NO_SIZE,
    YES,
    Cancellation,
    OrderProblem,
    StepOrder,
    micro_of,
    price_on_grid,
    refuse_stops,
    whole_quantity,
)

# why a fill was made
STRATEGY, SALE, RESTING, RESTING_SALE = "STRATEGY", "SALE", "RESTING", "RESTING_SALE"
FILL_REASONS = (STRATEGY, SALE, RESTING, RESTING_SALE)
SALES = frozenset({SALE, RESTING_SALE})
# why an order was not filled or placed, beyond the limits
NOT_OPEN, NOT_QUOTED, NO_WHOLE_CONTRACT = "NOT_OPEN", "NOT_QUOTED", "NO_WHOLE_CONTRACT"
WOULD_TAKE = "WOULD_TAKE"
PLACED = "PLACED"  # no refusal: the order rests
_SIDES = {YES: Side.YES, NO: Side.NO}


class FillFacts(NamedTuple):
    """What is known of a fill beside its row.

    Attributes:
        reason: why it was made.
        chance: probability of YES in force; pico-units.
        rested: whether the order rested before.
        volume: of the candle that it is compared with; contracts × 100.
        from_book: whether it was bought from an order book.
    """

    reason: str
    chance: int
    rested: bool
    volume: int
    from_book: bool


class OrderDesk:
    """Carries out orders against one account.

    Args:
        run_contracts: all contracts of the run.
        rules: how orders are made; `rules.stepwise` is set.
        step: the same as `rules.stepwise`.
        cash_micro: start balance; micro-units.
        state: what the strategy sees, which is kept up to date.
        full_audit: keep every refusal, and every order that was placed.
        books: order books from which orders are filled at once; None: no contract has one.

    Attributes:
        account: cash and holdings.
        book: resting orders.
        books: order books; None: no contract has one.
        tapes: by idx of the live contracts, their candles, or the snapshots of their order books.
        rest_tapes: by idx of the live contracts with an order book, their candles, which fill resting orders.
        chances: by idx of the live contracts, the probability in force; pico-units.
        open: idx of the open contracts.
        known: idx by ticker of the contracts that have been open.
        ends: until when orders rest that were placed since the list was emptied; Unix s.
        facts: by fill, in the order of the account's rows.
    """

    def __init__(
        self,
        run_contracts: RunContracts,
        rules: Rules,
        step: StepRules,
        cash_micro: int,
        state: ShownState,
        *,
        full_audit: bool,
        books: OrderBooks | None = None,
    ) -> None:
        self.run_contracts, self.step, self.state, self.full_audit = run_contracts, step, state, full_audit
        self.account = StepAccount(run_contracts, rules.limits, rules.fee_rule, cash_micro)
        self.book = RestingBook()
        self.fill_rule = FillRule(step.touch_share, step.touch_fills, step.period_seconds)
        self.max_age = NEVER if rules.max_age_seconds is None else rules.max_age_seconds
        self.books = books
        self.tapes: dict[int, ContractTape] = {}
        self.rest_tapes: dict[int, ContractTape] = {}
        self.chances: dict[int, int] = {}
        self.open: set[int] = set()
        self.known: dict[str, int] = {}
        self.ends: list[int] = []
        self._maker_rates: dict[int, Fraction] = {}
        self.facts: list[FillFacts] = []
        self._refused: dict[
            tuple[int, int, str], list[int]
        ] = {}  # first decision time and number, by idx, side and reason
        self._noted: list[Decision] = []

    @property
    def free_cash(self) -> int:
        """Cash that nothing is reserved for; micro-units."""
        return self.account.cash - self.book.reserved

    def carry_out(self, wish: Any, ts: int, problem: Any) -> bool:
        """Carry out one thing that a strategy returned; returns whether anything visible came of it.

        Args:
            wish: a StepOrder or a Cancellation.
            ts: the decision time; Unix s.
            problem: makes the error for what cannot be meant.
        """
        try:
            if isinstance(wish, Cancellation):
                return self._cancel(wish)
            if not isinstance(wish, StepOrder):
                raise OrderProblem(f"a {type(wish).__name__} that is neither buy, sell, limit nor cancel")
            return self._order(wish, ts)
        except OrderProblem as error:
            raise problem(str(error)) from None

    # ---- orders ----

    def _order(self, order: StepOrder, ts: int) -> bool:
        """Fill an order, let it rest, or refuse it."""
        if order.side not in _SIDES:
            raise OrderProblem(f"a side that is neither YES nor NO ({order.side!r:.40})")
        if order.market not in self.known:
            raise OrderProblem(f"an order for {order.market!r:.80}, which has not been open")
        refuse_stops(order)
        if order.value is not None:
            raise OrderProblem("an order for a value, where contracts are counted: give a quantity")
        idx, named = self.known[order.market], _SIDES[order.side]
        if order.quantity is None and not order.is_sale:
            raise OrderProblem(NO_SIZE)
        if order.quantity is None:  # a sale of all that is held
            quantity = self.account.holdings[idx].held[named]
            if not quantity:
                return self._refuse(ts, idx, Side(1 - named), 0, None, NOTHING_HELD)
        else:
            quantity = whole_quantity(order.quantity)
        # a sale is a purchase of the other side
        side = Side(1 - named) if order.is_sale else named
        if not quantity:
            return self._refuse(ts, idx, side, 0, None, NO_WHOLE_CONTRACT)
        if idx not in self.open:
            return self._refuse(ts, idx, side, quantity, None, NOT_OPEN)
        tape = self.tapes[idx]
        row = tape.visible(ts, self.max_age)
        ask = tape.price(row, side)
        if order.price is None:
            if not self.step.takes:
                raise OrderProblem("an order to be filled at once, where execution_model is maker: use limit")
            return self._at_once(idx, side, quantity, ask, ts, row, is_sale=order.is_sale)
        price = price_on_grid(order.price, self.step.price_grid, is_sale=order.is_sale)
        price = MICRO - price if order.is_sale else price
        if not 0 < price < MICRO:
            raise OrderProblem(f"a limit of {order.price!r:.40}, which is not between 0 and 1")
        until = NEVER if order.until is None else micro_of(order.until, "time") // MICRO
        if ask and ask <= price:
            if self.step.takes and tape.snapshot(row) >= 0:
                return self._limit_in_book(idx, side, quantity, price, ts, until, row, is_sale=order.is_sale)
            if self.step.takes:
                return self._at_once(idx, side, quantity, ask, ts, row, is_sale=order.is_sale)
            return self._refuse(ts, idx, side, quantity, price, WOULD_TAKE)
        return self._place(idx, side, quantity, price, ts, until, is_sale=order.is_sale)

    def _offers(self, idx: int, side: Side, row: int, worst: int = MICRO) -> Ladder | None:
        """Return what is left of the order book in force up to a price; None where there is none."""
        tape = self.tapes[idx]
        snapshot = tape.snapshot(row)
        if self.books is None or snapshot < 0:
            return None
        gone = self.account.gone(idx, side, int(tape.end_ts[row]))
        return left_of(self.books.offers(snapshot, side), gone, worst)

    def _limit_in_book(
        self, idx: int, side: Side, wanted: int, price: int, ts: int, until: int, row: int, *, is_sale: bool
    ) -> bool:
        """Fill an order from the order book up to its limit; what the book does not show rests at the limit."""
        shown = sum(size for _, size in self._offers(idx, side, row, price) or ())
        filled = shown > 0 and self._at_once(
            idx, side, min(wanted, shown), price, ts, row, is_sale=is_sale, worst=price
        )
        if wanted <= shown or (shown and not filled):
            return filled
        return self._place(idx, side, wanted - shown, price, ts, until, is_sale=is_sale) or filled

    def _at_once(
        self, idx: int, side: Side, wanted: int, ask: int, ts: int, row: int, *, is_sale: bool, worst: int = MICRO
    ) -> bool:
        """Fill an order at the visible price, or from the order book up to the worst price, as far as the limits allow."""
        if not ask:
            return self._refuse(ts, idx, side, wanted, None, NOT_QUOTED)
        tape, ladder = self.tapes[idx], self._offers(idx, side, row, worst)
        rate, end, volume = self.run_contracts.contracts[idx].fee_rate, int(tape.end_ts[row]), int(tape.volume[row])
        price = ladder[0][0] if ladder else ask
        proposal = Proposal(idx, side, wanted, price, rate, ts, end, volume, is_sale, ladder=ladder)
        quantity, reason = self.account.allowed(proposal, self.free_cash)
        if reason:
            return self._refuse(ts, idx, side, wanted, ask, reason)
        self._book(proposal, quantity, SALE if is_sale else STRATEGY, rested=False)
        if ladder is not None:
            self.show_book(idx, row)
        return True

    def _place(self, idx: int, side: Side, wanted: int, price: int, ts: int, until: int, *, is_sale: bool) -> bool:
        """Let an order rest as far as the limits allow now; they are asked again when it is filled."""
        # what the limits leave; of a sale not more than other resting sales leave
        proposal = self._resting_proposal(idx, side, wanted, price, ts, is_sale=is_sale)
        quantity, reason = self.account.allowed(proposal, self.free_cash)
        if is_sale and not reason:
            sold = Side(1 - side)
            quantity = min(quantity, self.account.holdings[idx].held[sold] - self.book.sales_of(idx, sold))
            reason = None if quantity > 0 else NOTHING_HELD
        if reason:
            return self._refuse(ts, idx, side, wanted, price, reason)
        end = self.run_contracts.contracts[idx].end_ts
        order = OrderAtRest(
            number=self.book.next_number(),
            idx=idx,
            side=side,
            is_sale=is_sale,
            price=price,
            left=quantity,
            placed_ts=ts,
            until_ts=min(until, end),
            reserved=max(0, self.account.cost_of(proposal, quantity)),
        )
        self.book.add(order)
        self.ends.append(order.until_ts)
        self._show(order)
        if self.full_audit:
            self._note(ts, idx, side, quantity, price, PLACED)
        return True

    def _resting_proposal(
        self,
        idx: int,
        side: Side,
        quantity: int,
        price: int,
        ts: int,
        *,
        is_sale: bool,
        candle: int = -1,
        volume: int = -1,
    ) -> Proposal:
        """Return a resting order as the limits judge it, with the fee of resting orders."""
        rate = self._maker_rates.get(idx)
        if rate is None:
            rate = self._maker_rates[idx] = self.run_contracts.contracts[idx].fee_rate * self.step.maker_factor
        return Proposal(idx, side, quantity, price, rate, ts, candle, volume, is_sale)

    # ---- what becomes of resting orders ----

    def candles_of(self, idx: int) -> ContractTape:
        """Return the candles of a live contract.

        Args:
            idx: of the contract.
        """
        return self.rest_tapes[idx] if idx in self.rest_tapes else self.tapes[idx]

    def fill_resting(self, idx: int, row: int) -> bool:
        """Fill the resting orders of a contract by a candle that has just ended; returns whether any was.

        Args:
            idx: of the contract.
            row: the candle.
        """
        tape, filled = self.candles_of(idx), False
        end = int(tape.end_ts[row])
        begin = end - self.fill_rule.period_seconds
        orders = self.book.of(idx)
        # the oldest order of each queue as the candle begins: what is traded at a price serves no second one
        oldest: dict[tuple[Side, int], OrderAtRest] = {}
        for order in orders:
            oldest.setdefault((order.side, order.price), order)
        for order in orders:
            if order.placed_ts > begin or end > order.until_ts:
                continue
            is_first = oldest[order.side, order.price] is order
            quantity, at_price = self.fill_rule.fillable(order, tape, row, is_first=is_first)
            if quantity > 0:
                filled |= self._fill_at_rest(order, quantity, row, at_price=at_price)
        return filled

    def _fill_at_rest(self, order: OrderAtRest, quantity: int, row: int, *, at_price: bool) -> bool:
        """Fill a resting order as far as the limits allow."""
        tape, idx = self.candles_of(order.idx), order.idx
        end = int(tape.end_ts[row])
        volume = int(tape.volume[row])
        proposal = self._resting_proposal(
            idx, order.side, quantity, order.price, end, is_sale=order.is_sale, candle=end, volume=volume
        )
        if order.filled:  # it has been counted as an order of its day
            proposal = proposal._replace(counts_as_order=False)
        allowed, reason = self.account.allowed(proposal, self.free_cash + order.reserved)
        if reason:
            self._refuse(end, idx, order.side, quantity, order.price, reason)
            if reason == NOTHING_HELD:
                self._remove(order)
            return reason == NOTHING_HELD
        self._book(proposal, allowed, RESTING_SALE if order.is_sale else RESTING, rested=True)
        order.left -= allowed
        order.filled += allowed
        order.at_price += allowed if at_price else 0
        if not order.left:
            self._remove(order)
        else:
            rest = self._resting_proposal(idx, order.side, order.left, order.price, end, is_sale=order.is_sale)
            self.book.reserve(order, max(0, self.account.cost_of(rest, order.left)))
            self._show(order)
        return True

    def expire(self, ts: int) -> bool:
        """Take back the orders whose time is over; returns whether there were any.

        Args:
            ts: the instant, whose candles have been seen; Unix s.
        """
        over = [order for order in self.book if order.until_ts <= ts]
        for order in over:
            self._remove(order)
        return bool(over)

    def drop(self, idx: int) -> None:
        """Take back the orders of a contract that settles.

        Args:
            idx: of the contract.
        """
        for order in self.book.of(idx):
            self._remove(order)

    def _cancel(self, wish: Cancellation) -> bool:
        """Take back what rests; an order that no longer rests needs no cancellation."""
        if wish.market:
            if wish.market not in self.known:
                raise OrderProblem(f"a cancellation for {wish.market!r:.80}, which has not been open")
            orders = self.book.of(self.known[wish.market])
        else:
            order = self.book.get(wish.number)
            orders = [order] if order else []
        for order in orders:
            self._remove(order)
        return bool(orders)

    def _remove(self, order: OrderAtRest) -> None:
        """Take an order out of the book."""
        self.book.remove(order)
        self.state.orders.pop(order.number, None)

    # ---- books, and what the strategy sees of them ----

    def _book(self, proposal: Proposal, quantity: int, reason: str, *, rested: bool) -> None:
        """Book a fill, and show the new holding."""
        self.account.fill(proposal, quantity)
        # an order that fills at several prices has a row for each
        facts = FillFacts(reason, self.chances[proposal.idx], rested, proposal.volume, proposal.ladder is not None)
        self.facts += [facts] * (len(self.account.fills) - len(self.facts))
        self.show_holding(proposal.idx)

    def show_holding(self, idx: int) -> None:
        """Show what is held of a contract.

        Args:
            idx: of the contract.
        """
        holding = self.account.holdings[idx]
        (yes, no), (yes_cost, no_cost) = holding.held, holding.cost
        prices = yes_cost / yes / MICRO if yes else NAN, no_cost / no / MICRO if no else NAN
        self.state.own[idx] = (self.chances[idx] / PICO, float(yes), float(no), *prices)
        if idx in self.open:
            self.state.mark(idx)

    def show_book(self, idx: int, row: int) -> None:
        """Show what is left of a contract's order book, or that none is in force.

        Args:
            idx: of the contract.
            row: of the visible quote, or -1.
        """
        ticker = self.run_contracts.contracts[idx].ticker
        yes, no = (self._offers(idx, side, row) for side in Side)
        if yes is None or no is None:
            self.state.books.pop(ticker, None)
        else:
            self.state.books[ticker] = yes, no

    def _show(self, order: OrderAtRest) -> None:
        """Show a resting order as the strategy wrote it."""
        side = order.sold_side if order.is_sale else order.side
        self.state.orders[order.number] = RestingOrder(
            number=order.number,
            ticker=self.run_contracts.contracts[order.idx].ticker,
            side=side.name,
            is_sale=order.is_sale,
            quantity=float(order.left),
            filled=float(order.filled),
            price=(MICRO - order.price if order.is_sale else order.price) / MICRO,
            placed_at=float(order.placed_ts),
            until=float(order.until_ts),
        )

    def _refuse(self, ts: int, idx: int, side: Side, quantity: int, price: int | None, reason: str) -> bool:
        """Count a refusal, and keep it in a full audit; returns False: nothing visible came of the order."""
        key = idx, int(side), reason
        found = self._refused.get(key)
        if found:
            found[1] += 1
        else:
            self._refused[key] = [ts, 1]
        if self.full_audit:
            self._note(ts, idx, side, quantity, price, reason)
        return False

    def _note(self, ts: int, idx: int, side: Side, quantity: int, price: int | None, reason: str) -> None:
        """Keep a decision that is no fill."""
        ticker = self.run_contracts.contracts[idx].ticker
        self._noted.append(Decision(ticker, ts, 1, side.name, quantity, price, False, reason))

    def rejections(self) -> Counter[str]:
        """Return the number of refusals by reason."""
        found: Counter[str] = Counter()
        for (_, _, reason), (_, times) in self._refused.items():
            found[reason] += times
        return found

    def unfilled(self) -> list[Decision]:
        """Return refusals, one by one in a full audit, else one per contract, side and reason."""
        if self.full_audit:
            return self._noted
        tickers, names = [contract.ticker for contract in self.run_contracts.contracts], [side.name for side in Side]
        return [
            Decision(tickers[idx], first_ts, times, names[side], None, None, False, reason)
            for (idx, side, reason), (first_ts, times) in sorted(self._refused.items())
        ]

    def fills(self) -> Fills:
        """Return all fills in order of execution."""
        rows = np.array(self.account.fills, np.int64).reshape(-1, FILL_COLUMNS)
        reasons, chances, rested = (
            [getattr(fact, name) for fact in self.facts] for name in ("reason", "chance", "rested")
        )
        known = (np.array(chances, np.int64), objects(reasons), np.array(rested, np.bool_))
        return Fills.of_rows(self.run_contracts.contracts, rows, *known)
