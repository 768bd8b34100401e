"""One pass over the settlements of all symbols, with one account.

At each instant, in this order: liquidations since the one before; funding and borrow interest; exits; rebalancing; entries,
best first; the point of equity. What a step reads is known at its instant: records up to it, closes of candles that are over,
and the open of the candle that begins at it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tradewinds.core.units import Ratio
from tradewinds.engine.carry.carry_books import PERP, SPOT, CarryBooks
from tradewinds.engine.carry.carry_costs import priced, rounded, value_of
from tradewinds.engine.carry.carry_holding import Holding
from tradewinds.engine.carry.carry_market import UNIT
from tradewinds.engine.carry.carry_prices import SymbolPrices
from tradewinds.engine.carry.carry_rebalance import rebalance
from tradewinds.engine.carry.carry_result import CarryResult, Refusal
from tradewinds.engine.carry.carry_rules import CarryRules
from tradewinds.engine.carry.carry_signals import CarrySignals
from tradewinds.engine.carry.carry_sizing import Asked, Offer, price_legs, size_entry
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.engine.equity import Point

BACKTEST_END, STALE_PRICE, NO_FILL_PRICE = "backtest_end", "STALE_PRICE", "NO_FILL_PRICE"


class Candidate(NamedTuple):
    """A symbol that the strategy would enter.

    Attributes:
        strength: by which candidates are ranked.
        symbol: number of the symbol.
        settlement: number of its settlement.
    """

    strength: int
    symbol: int
    settlement: int


class Opening(NamedTuple):
    """Why and how a position is opened.

    Attributes:
        balance: on which its budget is computed; 10^-8 of the quote currency.
        rate: of the record; 10^-12.
        score: 10^-6; None without one.
        reason: of its fills.
        asked: what a strategy that is called asks for; None: the rules of sizes alone decide.
    """

    balance: int
    rate: int
    score: int | None
    reason: str
    asked: Asked | None = None


class Hit(NamedTuple):
    """A liquidation that is due.

    Attributes:
        ts: end of the candle that caused it; Unix s.
        symbol: number of the symbol.
        leg: SPOT or PERP.
    """

    ts: int
    symbol: int
    leg: int


@dataclass
class _Symbol:
    """One symbol in a run: its prices and what the strategy says of them.

    Attributes:
        prices: its records.
        signals: the strategy's.
        stale: by settlement, whether it is not decided.
        leaves: by direction, by settlement, whether a position is to be closed.
    """

    prices: SymbolPrices
    signals: CarrySignals
    stale: list[bool]
    leaves: dict[int, list[bool]]


def run_carry(markets: CarryMarkets, rules: CarryRules, until_ts: int | None = None) -> CarryResult:
    """Replay one account over the settlements of all symbols.

    Args:
        markets: the records.
        rules: the run's.
        until_ts: the last instant that is replayed, with positions left open; Unix s. None: all of them.

    Raises:
        SimulationError: an amount is too large for exact books.
    """
    if rules.stepwise is not None:
        from tradewinds.engine.carry.step_carry import StepCarry  # which is a CarryPass itself

        return StepCarry(markets, rules, rules.stepwise).made(until_ts)
    return CarryPass(markets, rules).made(until_ts)


class CarryPass:
    """The pass: one method for each step of an instant.

    Args:
        markets: the records.
        rules: the run's.

    Attributes:
        books: the account.
        symbols: prices and signals by number of the symbol.
        refusals: what was not opened or closed.
        points: of equity.
        closed_now: symbols whose position was closed at this instant.
    """

    def __init__(self, markets: CarryMarkets, rules: CarryRules) -> None:
        self.markets, self.rules = markets, rules
        self.books = CarryBooks(rules, markets.symbols)
        self.symbols = [self._symbol(prices) for prices in markets.prices]
        self.refusals: list[Refusal] = []
        self.points: list[Point] = []
        self.closed_now: set[int] = set()
        self._entries: dict[int, list[Candidate]] = {}

    def _symbol(self, prices: SymbolPrices) -> _Symbol:
        """Return a symbol's prices and signals."""
        signals = CarrySignals(prices, self.rules)
        leaves = {side: column.tolist() for side, column in signals.leaves.items()}
        return _Symbol(prices, signals, prices.stale(self.rules.max_age_seconds).tolist(), leaves)

    def _candidates(self) -> dict[int, list[Candidate]]:
        """Return what the strategy would enter, by number of the instant: never at a symbol's last settlement."""
        found: dict[int, list[Candidate]] = {}
        for number, one in enumerate(self.symbols):
            wanted = one.signals.enters & ~one.prices.stale(self.rules.max_age_seconds)
            wanted[-1:] = False
            rows = np.flatnonzero(wanted)
            at = np.searchsorted(self.markets.instants, one.prices.settlements[rows]).tolist()
            for instant, row, strength in zip(at, rows.tolist(), one.signals.strength[rows].tolist(), strict=True):
                found.setdefault(instant, []).append(Candidate(strength, number, row))
        return found

    def made(self, until_ts: int | None) -> CarryResult:
        """Go through all instants up to one; None: through all."""
        books, instants = self.books, self.markets.instants.tolist()
        self._entries = self._candidates()
        if instants:
            self.points.append(Point(self.rules.start_ts, "start", books.cash, 0, rows=0))
        for index, ts in enumerate(instants):
            self.closed_now.clear()
            if until_ts is not None and ts > until_ts:
                self._liquidate(index, ts)  # what was due by then is found at the next instant
                break
            settling: list[tuple[Holding, int]] = []
            if books.held:
                self._liquidate(index, ts)
                settling = self._settling(index)
                for holding, row in settling:
                    self._pay(holding, row, ts)
            self._decide_exits(settling, index, ts)
            for holding, row in settling:
                if holding.quantity:
                    self._rebalance(holding, row, ts)
            self._decide_entries(index, ts)
            self._note_equity(index, ts, "end" if index == len(instants) - 1 else "settlement")
        return self._result()

    def _settling(self, index: int) -> list[tuple[Holding, int]]:
        """Return the positions whose symbol settles at an instant, by symbol, each with the number of the settlement."""
        found = []
        for symbol in sorted(self.books.held):
            row = self.markets.timeline(symbol).settlement[index]
            if row >= 0:
                found.append((self.books.held[symbol], row))
        return found

    # 1 liquidations

    def _liquidate(self, index: int, ts: int) -> None:
        """Liquidate what used up its margin since the instant before, by time, then symbol; each makes a point of equity."""
        if not self.rules.margin.both_legs:
            return
        due = [self._hit(holding, index, ts) for holding in self.books.held.values() if self._in_danger(holding, index)]
        for hit in sorted(hit for hit in due if hit):
            holding = self.books.held[hit.symbol]
            spot, perp = self.markets.prices[hit.symbol].spot, self.markets.prices[hit.symbol].perp
            self.books.accrue_borrow(holding, hit.ts, spot.last(hit.ts).price)
            leg = perp if hit.leg == SPOT else spot  # the other one is sold or bought back
            close, fees = leg.last(hit.ts), self.rules.costs.fees_at(hit.ts)
            side = holding.direction if hit.leg == SPOT else -holding.direction
            fee = fees.perp if hit.leg == SPOT else fees.spot
            fill = priced(self.rules.costs, fee, holding.quantity, close.price, side, close.volume)
            self.books.liquidate(holding, hit.leg, hit.ts, self._limit_price(holding, hit.leg), fill, close)
            if hit.ts == ts:
                self.closed_now.add(hit.symbol)
            self._note_equity(None, hit.ts, "liquidation")

    def _in_danger(self, holding: Holding, index: int) -> bool:
        """Return whether a candle that ended since the instant before used up a position's margin."""
        line = self.markets.timeline(holding.symbol)
        if holding.direction == 1:
            return self._reached(holding, PERP, line.high[index])
        return self._reached(holding, PERP, line.low[index]) or self._reached(holding, SPOT, line.spot_high[index])

    def _reached(self, holding: Holding, leg: int, price: int) -> bool:
        """Return whether a price uses up the margin of a leg: exact, before any rounding."""
        times, parts = self._maintenance(holding, leg)
        value = holding.quantity * price * times
        if leg == SPOT:
            return value >= holding.collateral * UNIT * parts
        if holding.direction == 1:
            return value >= (holding.wallet + holding.perp.entry) * UNIT * parts
        return value <= (holding.perp.entry - holding.wallet) * UNIT * parts

    def _maintenance(self, holding: Holding, leg: int) -> Ratio:
        """Return 1 and the maintenance rate of a leg, with the sign of its side, as numerator and denominator."""
        if leg == SPOT:
            rate, direction = self.rules.margin.borrow_maintenance, 1
        else:
            rate, direction = self.markets.prices[holding.symbol].instrument.maintenance, holding.direction
        return rate.denominator + direction * rate.numerator, rate.denominator

    def _hit(self, holding: Holding, index: int, ts: int) -> Hit | None:
        """Return the first candle since the instant before that used up a position's margin; the perpetual's first."""
        prices = self.markets.prices[holding.symbol]
        before = int(self.markets.instants[index - 1])
        watched, ends = prices.watched, []
        column = watched.candles.high if holding.direction == 1 else watched.candles.low
        for leg, candles, values in ((PERP, watched, column), (SPOT, prices.spot, prices.spot.candles.high)):
            if leg == SPOT and holding.direction == 1:
                continue
            rows = candles.between(before, ts)
            reached = (row for row in rows if self._reached(holding, leg, int(values[row])))
            if (row := next(reached, None)) is not None:
                ends.append((candles.end_of(row), -leg, leg))
        return Hit(min(ends)[0], holding.symbol, min(ends)[2]) if ends else None

    def _limit_price(self, holding: Holding, leg: int) -> int:
        """Return the price at which a leg's margin is used up, rounded; 10^-8."""
        times, parts = self._maintenance(holding, leg)
        money = holding.collateral if leg == SPOT else holding.perp.entry + holding.direction * holding.wallet
        return rounded(money * UNIT * parts, holding.quantity * times)

    # 2 funding and borrow

    def _pay(self, holding: Holding, row: int, ts: int) -> None:
        """Pay funding, and take the interest on a borrowed asset."""
        prices = self.markets.prices[holding.symbol]
        at, (mark, source) = prices.first + row, prices.marks
        rate, hours = int(prices.rates.rate[at]), int(prices.hours[at])
        self.books.pay_funding(holding, ts, rate, hours, mark[row], source[row])
        self.books.accrue_borrow(holding, ts, prices.close_prices[0][row])

    # 3 and 4 signals and exits

    def _decide_exits(self, settling: Sequence[tuple[Holding, int]], index: int, ts: int) -> None:
        """Close the positions that are to be closed at an instant."""
        for holding, row in settling:
            self._exit(holding, row, ts)

    def _decide_entries(self, index: int, ts: int) -> None:
        """Open the positions that are to be opened at an instant."""
        if index in self._entries:
            self._enter(self._entries[index], index, ts)

    def _exit(self, holding: Holding, row: int, ts: int) -> None:
        """Close a position at its symbol's last settlement, or if the strategy says so."""
        one = self.symbols[holding.symbol]
        if row == one.prices.count - 1:
            self._force_out(holding, ts)
            return
        if one.stale[row] or len(holding.payments) < self.rules.min_holding:
            return
        if one.leaves[holding.direction][row]:
            self._close(holding, holding.quantity, row, ts, "score" if self.rules.is_composite else "rate")

    def _force_out(self, holding: Holding, ts: int) -> None:
        """Close a position at the last complete closes of any age."""
        prices, quantity = self.markets.prices[holding.symbol], holding.quantity
        spot, perp = prices.spot.last(ts), prices.perp.last(ts)
        offer = Offer(holding.direction, ts, spot.price, perp.price, spot.volume, perp.volume)
        fills = price_legs(self.rules, offer, quantity, -holding.direction)
        self.books.close(holding, quantity, ts, (spot.end_ts, perp.end_ts), fills, BACKTEST_END)
        self.closed_now.add(holding.symbol)

    def _close(self, holding: Holding, quantity: int, row: int, ts: int, reason: str) -> bool:
        """Close a quantity of both legs by ordinary fills; returns whether there were prices."""
        found = self._offer(holding.symbol, holding.direction, row, ts)
        if found is None:
            self.refusals.append(Refusal(holding.symbol, ts, -holding.direction, NO_FILL_PRICE))
            return False
        offer, price_ts = found
        fills = price_legs(self.rules, offer, quantity, -holding.direction)
        self.books.close(holding, quantity, ts, price_ts, fills, reason)
        if not holding.quantity:
            self.closed_now.add(holding.symbol)
        return True

    def _offer(self, symbol: int, direction: int, row: int, ts: int) -> tuple[Offer, tuple[int, int]] | None:
        """Return the reference prices of fills decided at a settlement with their times; None if a candle is missing."""
        prices = self.markets.prices[symbol]
        spot_close, perp_close = prices.spot.last(ts), prices.perp.last(ts)
        if self.rules.fill_at_open:
            spot, perp = (column[row] for column in prices.open_prices)
            if not spot or not perp:
                return None
            times = (ts, ts)
        else:
            spot, perp = spot_close.price, perp_close.price
            times = (spot_close.end_ts, perp_close.end_ts)
        return Offer(direction, ts, spot, perp, spot_close.volume, perp_close.volume), times

    # 5 rebalancing

    def _rebalance(self, holding: Holding, row: int, ts: int) -> None:
        """Keep a position's margin near its target; not on prices that are too old."""
        one = self.symbols[holding.symbol]
        if one.stale[row]:
            return
        mark, spot = one.prices.marks[0][row], one.prices.close_prices[0][row]
        filters = one.prices.instrument.filters_at(ts)

        def reduce(held: Holding, quantity: int) -> bool:
            return self._close(held, quantity, row, ts, "rebalance")

        rebalance(self.books, holding, mark, spot, filters.step, filters.min_notional, reduce)

    # 6 entries

    def _enter(self, candidates: Sequence[Candidate], index: int, ts: int) -> None:
        """Open positions, the strongest candidates first."""
        held = self.books.held
        balance = self._equity(index, ts).equity_micro if self.rules.size.compounding else self.rules.start_cash
        for one in sorted(candidates, key=lambda c: (-c.strength, c.symbol)):
            if one.symbol in held or one.symbol in self.closed_now:
                continue
            direction = int(self.symbols[one.symbol].signals.direction[one.settlement])
            reason = self._open(one, direction, index, ts, balance)
            if reason:
                self.refusals.append(Refusal(one.symbol, ts, direction, reason))

    def _open(self, one: Candidate, direction: int, index: int, ts: int, balance: int) -> str:
        """Open a position; returns the reason if it is refused."""
        symbol = self.symbols[one.symbol]
        prices = symbol.prices
        rate = int(prices.rates.rate[prices.first + one.settlement])
        if symbol.signals.volume_declines(one.settlement):
            return "VOLUME"
        if self._earns_too_slowly(rate, ts):
            return "BREAKEVEN"
        score = one.strength if self.rules.is_composite else None
        reason = "score" if self.rules.is_composite else "rate"
        return self._open_sized(one, direction, index, ts, Opening(balance, rate, score, reason))

    def _open_sized(self, one: Candidate, direction: int, index: int, ts: int, opening: Opening) -> str:
        """Open a position as large as it may be; returns the reason if it is refused."""
        size, prices = self.rules.size, self.symbols[one.symbol].prices
        if len(self.books.held) >= size.max_positions:
            return "MAX_POSITIONS"
        found = self._offer(one.symbol, direction, one.settlement, ts)
        if found is None:
            return NO_FILL_PRICE
        offer, price_ts = found
        exposure = 0
        if size.max_exposure is not None:
            lines = ((h, self.markets.timeline(h.symbol)) for h in self.books.held.values())
            exposure = sum(value_of(holding.quantity, line.spot[index]) for holding, line in lines)
        balance, score = opening.balance, opening.score
        sized = size_entry(self.rules, self.books, prices, offer, balance, score, exposure, opening.asked)
        if sized.fills is None:
            return sized.reason
        self.books.open(one.symbol, direction, ts, price_ts, sized.fills, opening.rate, score, opening.reason)
        return ""

    def _earns_too_slowly(self, rate: int, ts: int) -> bool:
        """Return whether a record's rate would need too many payments to earn the costs of a round trip."""
        most, costs = self.rules.max_breakeven, self.rules.costs
        if most is None:
            return False
        fees = costs.fees_at(ts)
        spent = 2 * (fees.spot + fees.perp) + 4 * costs.slippage_bps / 10_000
        return spent * 10**12 > abs(rate) * most

    # 7 equity

    def _note_equity(self, index: int | None, ts: int, kind: str) -> None:
        """Record the account at an instant; `index` is None between two instants."""
        self.points.append(self._equity(index, ts, kind))

    def _equity(self, index: int | None, ts: int, kind: str = "") -> Point:
        """Return the account at an instant, at the last closes of any age."""
        books, value, wallets, collateral = self.books, 0, 0, 0
        for holding in books.held.values():
            if index is None:
                prices = self.markets.prices[holding.symbol]
                spot, perp = prices.spot.last(ts).price, prices.perp.last(ts).price
            else:
                line = self.markets.timeline(holding.symbol)
                spot, perp = line.spot[index], line.perp[index]
            value += holding.open_value(spot, perp)
            wallets += holding.wallet
            collateral += holding.collateral
        return Point(ts, kind, books.cash, value, wallets, collateral, len(books.rows))

    def _result(self) -> CarryResult:
        """Return everything that was made."""
        every = range(len(self.symbols))
        # the last settlement is not decided on prices, so it cannot be stale
        stale = {n: sum(self.symbols[n].stale[:-1]) for n in every}
        prices = self.markets.prices
        gaps = {n: int(prices[n].odd.sum()) for n in every}
        return CarryResult(
            symbols=self.markets.symbols,
            start_cash=self.rules.start_cash,
            end_cash=self.books.cash,
            journal=self.books.journal(),
            fills=self.books.fills,
            positions=sorted(self.books.closed),
            payments=self.books.payments,
            equity=self.points,
            refusals=self.refusals,
            stale=Counter(stale),
            gaps=Counter(gaps),
            settled=Counter({n: prices[n].count for n in every}),
        )
