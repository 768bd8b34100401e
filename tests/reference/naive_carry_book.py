"""Positions and the account of the naive funding-carry engine (sections 6 and 13 of its rules)."""

from dataclasses import dataclass, field

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_costs import margins_at_opening
from tests.reference.naive_carry_market import HOUR, r8

ZERO = Fraction(0)
YEAR_HOURS = 8760


@dataclass
class Held:
    """One position, open or closed.

    Attributes:
        name: P00001 and so on, in order of opening.
        market: its symbol.
        direction: +1 long spot, short perp; -1 the reverse.
        quantity: base units now.
        opened_quantity: at the opening.
        opened: Unix s.
        spot_entry, perp_entry: fills of the opening.
        capital: cash that the opening took.
        rate, score: of the record that opened it.
        spot_value, perp_value: what is left of the entry values.
        spot_reference, perp_reference: what is left of their values at reference prices.
        wallet: perp wallet; collateral: locked for the borrowed spot leg.
    """

    name: str
    market: object
    direction: int
    quantity: Fraction
    opened_quantity: Fraction
    opened: int
    spot_entry: object
    perp_entry: object
    capital: Fraction
    rate: Fraction
    score: Fraction | None
    spot_value: Fraction
    perp_value: Fraction
    spot_reference: Fraction
    perp_reference: Fraction
    wallet: Fraction
    collateral: Fraction
    accrued: int
    payments: list = field(default_factory=list)
    borrow: Fraction = ZERO
    fees: Fraction = ZERO
    slippage: Fraction = ZERO
    price_pnl: Fraction = ZERO
    liquidation_cost: Fraction = ZERO
    funding_of_rows: Fraction = ZERO  # part of the funding that rows of trades carry already
    borrow_of_rows: Fraction = ZERO
    spot_exits: list = field(default_factory=list)
    perp_exits: list = field(default_factory=list)
    closed: int | None = None
    exit_reason: str | None = None

    def funding(self):
        return sum(self.payments, ZERO)

    def net(self):
        costs = self.fees + self.slippage + self.borrow + self.liquidation_cost
        return self.funding() + self.price_pnl - costs

    def balance(self, mark_value):
        """Return the margin balance at a value of the perp leg."""
        return self.wallet + self.direction * (self.perp_value - mark_value)


class Account:
    """Cash, open positions and the rows they leave."""

    def __init__(self, rules):
        self.rules = rules
        self.cash = rules.start_balance
        self.open = {}  # by symbol
        self.positions = []  # in order of opening
        self.trades, self.funding_rows = [], []

    def held(self):
        return [self.open[symbol] for symbol in sorted(self.open)]

    # Cash flows

    def to_wallet(self, held, amount):
        """Book a flow of the futures wallet; spot_only has none: "funding, borrow, realised perp go to cash"."""
        if self.rules.both_legs:
            held.wallet += amount
        else:
            self.cash += amount

    def enter(self, market, t, found, fills):
        """Open a position with the fills of both legs."""
        spot, perp = fills
        taken, initial, collateral = margins_at_opening(found.direction, spot, perp, self.rules)
        self.cash -= taken
        held = Held(
            name=f"P{len(self.positions) + 1:05d}",
            market=market,
            direction=found.direction,
            quantity=spot.quantity,
            opened_quantity=spot.quantity,
            opened=t,
            spot_entry=spot,
            perp_entry=perp,
            capital=taken,
            rate=market.rate(t),
            score=found.score,
            spot_value=spot.value,
            perp_value=perp.value,
            spot_reference=spot.reference_value,
            perp_reference=perp.reference_value,
            wallet=initial,
            collateral=collateral,
            accrued=t,
        )
        held.fees, held.slippage = spot.fee + perp.fee, spot.slippage + perp.slippage
        self.open[market.symbol] = held
        self.positions.append(held)
        # ASSUME: an opening has the reason of its strategy too: `rate` of funding_simple, `score` of funding_composite.
        reason = "score" if self.rules.strategy == "funding_composite" else "rate"
        self.row(held, market.spot_symbol, spot, t, reason, "open", -spot.fee)
        self.row(held, market.symbol, perp, t, reason, "open", -perp.fee)

    def accrue(self, held, t):
        """Take what the borrowed leg cost since the opening or the last accrual."""
        if held.direction == 1:
            return
        hours = Fraction(t - held.accrued, HOUR)
        cost = r8(held.quantity * held.market.spot.close(t) * self.rules.borrow_apr * hours / YEAR_HOURS)
        held.accrued = t
        held.borrow += cost
        self.to_wallet(held, -cost)

    def settle(self, held, t):
        """Pay funding and borrow at a settlement of its symbol; return where the mark came from."""
        market = held.market
        mark, source = market.mark_at(t)
        payment = held.direction * r8(held.quantity * mark * market.rate(t))
        held.payments.append(payment)
        self.to_wallet(held, payment)
        self.funding_rows.append(
            {
                "position_id": held.name,
                "symbol": market.symbol,
                "time": t,
                "rate": market.rate(t),
                "interval": market.interval(t),
                "mark": mark,
                "qty": held.quantity,
                "payment": payment,
            }
        )
        self.accrue(held, t)
        return source

    def leave(self, held, t, fills, reason, liquidated=None):
        """Close the quantity of the fills, all of the position or a part.

        Args:
            held: the position.
            t: Unix s.
            fills: of the spot and of the perp leg.
            reason: reason_code.
            liquidated: `spot` or `perp` if that leg was; what is left of its wallet is lost.
        """
        spot, perp = fills
        direction, whole = held.direction, spot.quantity == held.quantity
        shares = {}
        for name in ("spot_value", "perp_value", "spot_reference", "perp_reference", "collateral"):
            amount = getattr(held, name)
            shares[name] = amount if whole else r8(amount * spot.quantity / held.quantity)
            setattr(held, name, amount - shares[name])
        fees = spot.fee + perp.fee
        self.to_wallet(held, direction * (shares["perp_value"] - perp.value))
        self.cash += (spot.value if direction == 1 else shares["collateral"] - spot.value) - fees
        # "what is left of its wallet is lost (liquidation cost)"
        lost = {"spot": ZERO, "perp": ZERO}
        if liquidated == "perp":
            lost["perp"], held.wallet = held.wallet, ZERO
        elif liquidated == "spot":
            lost["spot"] = shares["collateral"] - spot.value
            self.cash -= lost["spot"]
        held.quantity -= spot.quantity
        if whole:
            self.cash += held.wallet
            held.wallet = ZERO
            held.closed, held.exit_reason = t, reason
            del self.open[held.market.symbol]
        held.fees += fees
        held.slippage += spot.slippage + perp.slippage
        held.liquidation_cost += lost["spot"] + lost["perp"]
        held.price_pnl += direction * (spot.reference_value - shares["spot_reference"])
        held.price_pnl += direction * (shares["perp_reference"] - perp.reference_value)
        held.spot_exits.append((spot.quantity, spot.price))
        held.perp_exits.append((perp.quantity, perp.price))
        borrow, funding = held.borrow - held.borrow_of_rows, held.funding() - held.funding_of_rows
        held.borrow_of_rows, held.funding_of_rows = held.borrow, held.funding()
        spot_pnl = direction * (spot.value - shares["spot_value"]) - spot.fee - borrow - lost["spot"]
        perp_pnl = direction * (shares["perp_value"] - perp.value) - perp.fee + funding - lost["perp"]
        self.row(held, held.market.spot_symbol, spot, t, reason, "close", spot_pnl)
        self.row(held, held.market.symbol, perp, t, reason, "close", perp_pnl)

    # Valuation

    def equity(self, t):
        """Return E(t) at the last closes of any age."""
        total = self.cash
        for held in self.held():
            spot = r8(held.quantity * held.market.spot.close(t))
            perp = r8(held.quantity * held.market.perp.close(t))
            total += spot if held.direction == 1 else held.collateral - spot
            total += held.wallet + held.direction * (held.perp_value - perp)
        return total

    def wallets(self):
        # ASSUME: the column `wallets` of equity.csv is the sum of the perp wallets W, without the collateral K.
        return sum((held.wallet for held in self.held()), ZERO)

    def exposure(self, t):
        return sum((held.quantity * held.market.spot.close(t) for held in self.held()), ZERO)

    def row(self, held, leg, one, t, reason, settled_result, pnl):
        """Write one row of trades.csv."""
        self.trades.append(
            {
                "position_id": held.name,
                "leg": leg,
                "time": t,
                "quote_time": one.quote_ts,
                "side": one.side,
                "qty": one.quantity,
                "price": one.price,
                "fee": one.fee,
                "reason": reason,
                "result": settled_result,
                "payout": one.value if one.side == "SELL" else -one.value,
                "pnl": pnl,
                "reference_price": one.reference,
                "slippage": one.slippage,
            }
        )
