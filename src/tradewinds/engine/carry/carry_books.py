"""The account of a carry run: cash, positions with their wallets and collateral, and the journal of every change of money.

A position of direction 1 is long spot and short perpetual; of direction -1 it is short a borrowed spot and long perpetual. The
margin of the perpetual lies in the position's wallet, which funding, borrow interest and realised profit go to. The proceeds
of a borrowed asset and its margin are locked as collateral. All money is in integers of 10^-8 of the quote currency.
"""

from __future__ import annotations

import numpy as np

from tradewinds.core.errors import SimulationError
from tradewinds.engine.carry.carry_costs import PricedFill, borrow_cost, funding_payment, rounded, share_of, value_of
from tradewinds.engine.carry.carry_holding import Holding, LegTotals
from tradewinds.engine.carry.carry_market import UNIT
from tradewinds.engine.carry.carry_prices import LastClose
from tradewinds.engine.carry.carry_result import MARK_SOURCES, CarryFill, CarryPayment, CarryPosition
from tradewinds.engine.carry.carry_rules import CarryRules
from tradewinds.engine.journal import COLUMNS, Journal, Kind

SPOT, PERP = 0, 1  # legs


class CarryBooks:
    """Cash, open positions and what was done. All changes of money go through it.

    Args:
        rules: the run's.
        symbols: names, by number.

    Attributes:
        cash: what nothing is held against.
        held: open positions by number of the symbol.
        fills: in order of execution.
        payments: in order.
        closed: positions that are closed, in order of closing.
    """

    def __init__(self, rules: CarryRules, symbols: tuple[str, ...]) -> None:
        self.rules, self.symbols = rules, symbols
        self.cash = rules.start_cash
        self.held: dict[int, Holding] = {}
        self.fills: list[CarryFill] = []
        self.payments: list[CarryPayment] = []
        self.closed: list[CarryPosition] = []
        self.rows: list[tuple[int, ...]] = []  # of the journal
        self._opened = 0
        self._reasons: dict[str, int] = {}

    @property
    def with_margin(self) -> bool:
        """Whether the perpetual leg has a wallet."""
        return self.rules.margin.both_legs

    def opening_cost(self, direction: int, spot: PricedFill, perp: PricedFill) -> int:
        """Return the cash that an opening takes, fees and margins included."""
        return self._spot_cash(direction, spot) + spot.fee + perp.fee + self.initial_margin(perp.value)

    def initial_margin(self, value: int) -> int:
        """Return the margin of a perpetual leg of a value; 0 if it needs none."""
        leverage = self.rules.margin.leverage
        return rounded(value * leverage.denominator, leverage.numerator) if self.with_margin else 0

    def _spot_cash(self, direction: int, spot: PricedFill) -> int:
        """Return the cash that the spot leg takes: its value, or the margin on a borrowed one."""
        return spot.value if direction == 1 else share_of(spot.value, self.rules.margin.borrow_margin)

    def open(
        self,
        symbol: int,
        direction: int,
        ts: int,
        price_ts: tuple[int, int],
        fills: tuple[PricedFill, PricedFill],
        rate: int,
        score: int | None,
        reason: str,
    ) -> None:
        """Open a position.

        Args:
            symbol: number of the symbol.
            direction: 1 or -1.
            ts: Unix s.
            price_ts: times of the reference prices of spot and perpetual; Unix s.
            fills: spot and perpetual, of one quantity.
            rate: of the record; 10^-12.
            score: 10^-6; None without one.
            reason: why.
        """
        # what is taken from cash, and where it lies
        spot, perp = fills
        margin, capital = self.initial_margin(perp.value), self.opening_cost(direction, spot, perp)
        locked = 0 if direction == 1 else spot.value + self._spot_cash(direction, spot)
        holding = Holding(
            number=self._opened,
            symbol=symbol,
            direction=direction,
            open_ts=ts,
            opened=spot.quantity,
            quantity=spot.quantity,
            spot=LegTotals(spot.value, spot.reference_value, spot.price),
            perp=LegTotals(perp.value, perp.reference_value, perp.price),
            wallet=margin,
            collateral=locked,
            capital=capital,
            rate=rate,
            score=score,
            accrued_ts=ts,
        )
        # the books
        self._opened += 1
        self.cash -= capital
        self.held[symbol] = holding
        for leg, side, fill in ((SPOT, direction, spot), (PERP, -direction, perp)):
            holding.fees += fill.fee
            holding.slippage += fill.slippage
            cash = -side * fill.value if leg == SPOT else 0
            self._add_fill(holding, leg, ts, price_ts[leg], side, fill, True, reason, -fill.fee, cash)

    def pay_funding(self, holding: Holding, ts: int, rate: int, hours: int, mark: int, source: int) -> None:
        """Pay a position's funding of a settlement.

        Args:
            holding: the position.
            ts: Unix s.
            rate: 10^-12.
            hours: interval of the record.
            mark: 10^-8.
            source: place in MARK_SOURCES.
        """
        amount = funding_payment(holding.direction, holding.quantity, mark, rate)
        holding.payments.append(amount)
        holding.perp.flow += amount
        self._to_wallet(holding, amount)
        name = MARK_SOURCES[source]
        self.payments.append(
            CarryPayment(holding.number, holding.symbol, ts, rate, hours, mark, name, holding.quantity, amount)
        )
        self._write(Kind.FUNDING, ts, holding, PERP, 0, 0, amount, "")

    def accrue_borrow(self, holding: Holding, ts: int, price: int) -> None:
        """Take the interest on a borrowed asset since it was taken last.

        Args:
            holding: the position; nothing happens for direction 1.
            ts: Unix s.
            price: last close of the spot leg; 10^-8.
        """
        if holding.direction == 1:
            return
        cost = borrow_cost(self.rules.costs, holding.quantity, price, ts - holding.accrued_ts)
        holding.accrued_ts = ts
        if not cost:
            return
        holding.borrow += cost
        holding.spot.flow += cost
        self._to_wallet(holding, -cost)
        self._write(Kind.BORROW, ts, holding, SPOT, 0, 0, -cost, "")

    def _to_wallet(self, holding: Holding, amount: int) -> None:
        """Add money to a position's wallet, or to cash if there are no wallets."""
        if self.with_margin:
            holding.wallet += amount
        else:
            self.cash += amount

    def transfer(self, holding: Holding, amount: int) -> None:
        """Move money from cash to a position's wallet; a negative amount moves it back."""
        self.cash -= amount
        holding.wallet += amount

    def close(
        self,
        holding: Holding,
        quantity: int,
        ts: int,
        price_ts: tuple[int, int],
        fills: tuple[PricedFill, PricedFill],
        reason: str,
    ) -> None:
        """Close a quantity of both legs.

        Args:
            holding: the position.
            quantity: all or a part of it.
            ts: Unix s.
            price_ts: times of the reference prices of spot and perpetual; Unix s.
            fills: spot and perpetual, of the quantity.
            reason: why.
        """
        direction = holding.direction
        released = self._share(holding.collateral, quantity, holding.quantity)
        spot, perp = fills
        spot_pnl = self._realise(holding, SPOT, quantity, spot) - spot.fee
        perp_gain = self._realise(holding, PERP, quantity, perp)
        holding.collateral -= released
        holding.quantity -= quantity
        # a sale brings its value; buying back a borrowed asset is paid from the collateral
        self.cash += direction * spot.value + released - spot.fee - perp.fee
        self._to_wallet(holding, perp_gain)
        self._add_fill(
            holding, SPOT, ts, price_ts[SPOT], -direction, spot, False, reason, spot_pnl, direction * spot.value
        )
        self._add_fill(
            holding, PERP, ts, price_ts[PERP], direction, perp, False, reason, perp_gain - perp.fee, perp_gain
        )
        if not holding.quantity:
            self.cash += holding.wallet
            holding.wallet = 0
            self._finish(holding, ts, reason)

    def _realise(self, holding: Holding, leg: int, quantity: int, fill: PricedFill) -> int:
        """Take a share of a leg's entry out of the position, and return the profit of its exit without fee and flows."""
        totals = holding.perp if leg == PERP else holding.spot
        side = -holding.direction if leg == PERP else holding.direction  # of the leg: 1 long, -1 short
        entry = self._share(totals.entry, quantity, holding.quantity)
        reference = self._share(totals.reference, quantity, holding.quantity)
        totals.entry -= entry
        totals.reference -= reference
        totals.exit_value += quantity * fill.price
        totals.exit_quantity += quantity
        holding.fees += fill.fee
        holding.slippage += fill.slippage
        holding.price_pnl += side * (fill.reference_value - reference)
        return side * (fill.value - entry)

    @staticmethod
    def _share(amount: int, part: int, whole: int) -> int:
        """Return a part's share of an amount, rounded; of the whole, all of it."""
        return amount if part == whole else rounded(amount * part, whole)

    def liquidate(
        self, holding: Holding, leg: int, ts: int, price: int, other: PricedFill, other_close: LastClose
    ) -> None:
        """Close a position whose margin is used up: one leg at the price that used it up, the other at its last close.

        What is left of the liquidated leg's margin is lost.

        Args:
            holding: the position, whose interest is paid.
            leg: the liquidated one, SPOT or PERP.
            ts: end of the candle that caused it; Unix s.
            price: of the liquidated leg; 10^-8.
            other: fill of the other leg.
            other_close: the close on which it is made.
        """
        quantity, direction, reason = holding.quantity, holding.direction, "liquidation"
        value = value_of(quantity, price)
        forced = PricedFill(quantity, price, price, value, value, 0, 0)
        spot, perp = (forced, other) if leg == SPOT else (other, forced)
        spot_pnl = self._realise(holding, SPOT, quantity, spot) - spot.fee
        perp_gain = self._realise(holding, PERP, quantity, perp)
        holding.wallet += perp_gain
        lost = holding.wallet if leg == PERP else holding.collateral - value
        holding.liquidation_cost = lost
        # cash gets everything of the position but what is lost
        self.cash += direction * spot.value + holding.collateral + holding.wallet - lost - spot.fee - perp.fee
        holding.wallet = holding.collateral = holding.quantity = 0
        price_ts = (ts if leg == SPOT else other_close.end_ts, ts if leg == PERP else other_close.end_ts)
        spot_lost, perp_lost = (lost, 0) if leg == SPOT else (0, lost)
        spot_cash, perp_pnl = direction * spot.value, perp_gain - perp.fee - perp_lost
        self._add_fill(holding, SPOT, ts, price_ts[0], -direction, spot, False, reason, spot_pnl - spot_lost, spot_cash)
        self._add_fill(holding, PERP, ts, price_ts[1], direction, perp, False, reason, perp_pnl, perp_gain)
        self._write(Kind.LIQUIDATION, ts, holding, leg, 0, 0, -lost, reason)
        self._finish(holding, ts, reason)

    def _add_fill(
        self,
        holding: Holding,
        leg: int,
        ts: int,
        price_ts: int,
        side: int,
        fill: PricedFill,
        opens: bool,
        reason: str,
        pnl: int,
        cash: int,
    ) -> None:
        """Record a fill with its fee; `pnl` is without the leg's flows since its last close, `cash` without the fee."""
        totals = holding.perp if leg == PERP else holding.spot
        if not opens:  # a closing fill realises what flowed since the one before
            pnl += totals.flow if leg == PERP else -totals.flow
            totals.flow = 0
        self.fills.append(
            CarryFill(
                position=holding.number,
                symbol=holding.symbol,
                is_perp=leg == PERP,
                ts=ts,
                price_ts=price_ts,
                side=side,
                quantity=fill.quantity,
                reference=fill.reference,
                price=fill.price,
                value=fill.value,
                fee=fill.fee,
                slippage=fill.slippage,
                opens=opens,
                reason=reason,
                pnl=pnl,
            )
        )
        self._write(Kind.FILL, ts, holding, leg, side * fill.quantity, fill.price, cash, reason)
        if fill.fee:
            self._write(Kind.FEE, ts, holding, leg, 0, 0, -fill.fee, reason)

    def _write(
        self, kind: Kind, ts: int, holding: Holding, leg: int, quantity: int, price: int, cash: int, reason: str
    ) -> None:
        """Write a row of the journal."""
        place = self._reasons.setdefault(reason, len(self._reasons))
        instrument = 2 * holding.symbol + leg
        self.rows.append((ts, int(kind), instrument, holding.number, leg, quantity, price, cash, place))

    def _finish(self, holding: Holding, ts: int, reason: str) -> None:
        """Record a position that is closed."""
        del self.held[holding.symbol]
        # what it earned, and when that covered its costs
        funding, costs = sum(holding.payments), holding.fees + holding.slippage + holding.borrow
        net = funding + holding.price_pnl - costs - holding.liquidation_cost
        earned, breakeven = 0, None
        for count, amount in enumerate(holding.payments, 1):
            earned += amount
            if earned >= costs:
                breakeven = count
                break
        self.closed.append(
            CarryPosition(
                number=holding.number,
                symbol=holding.symbol,
                direction=holding.direction,
                open_ts=holding.open_ts,
                close_ts=ts,
                quantity=holding.opened,
                spot_entry=holding.spot.entry_price,
                perp_entry=holding.perp.entry_price,
                spot_exit=rounded(holding.spot.exit_value, holding.spot.exit_quantity),
                perp_exit=rounded(holding.perp.exit_value, holding.perp.exit_quantity),
                funding=funding,
                price_pnl=holding.price_pnl,
                fees=holding.fees,
                slippage=holding.slippage,
                borrow=holding.borrow,
                liquidation_cost=holding.liquidation_cost,
                net=net,
                periods=len(holding.payments),
                breakeven=breakeven,
                entry_rate=holding.rate,
                entry_score=holding.score,
                exit_reason=reason,
                capital=holding.capital,
            )
        )

    def journal(self) -> Journal:
        """Return the journal of everything so far.

        Raises:
            SimulationError: an amount is too large for exact books.
        """
        try:
            columns = np.array(self.rows, np.int64).reshape(-1, len(COLUMNS)).T
        except OverflowError:
            what = "a quantity or an amount is 92 billion or more, which books with eight decimals cannot hold."
            remedy = "Lower risk.start_balance, or the leverage, or set risk.max_position_quote."
            raise SimulationError(what, where="risk.start_balance", remedy=remedy) from None
        names = [name for symbol in self.symbols for name in (symbol.split(":")[0], symbol)]
        return Journal(
            **dict(zip(COLUMNS, columns, strict=True)),
            instruments=names,
            legs=("spot", "perp"),
            reasons=tuple(self._reasons),
            places=8,
        )


assert UNIT == 10**8  # Journal.places above
