"""Fills, fees and the size of an entry of the naive funding-carry engine (sections 5 and 10 of its rules)."""

from dataclasses import dataclass

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_market import floor_step, r8
from tests.reference.naive_carry_settings import fee_rates

BUY, SELL = "BUY", "SELL"


@dataclass(frozen=True)
class Fill:
    """One fill of one leg.

    Attributes:
        side: BUY or SELL.
        quantity: base units.
        reference: price before slippage.
        quote_ts: Unix s of the reference price.
        price: fill price.
        value: quantity at the fill price.
        reference_value: quantity at the reference price.
        fee: in quote.
        slippage: cost in quote, positive if it costs.
    """

    side: str
    quantity: Fraction
    reference: Fraction
    quote_ts: int
    price: Fraction
    value: Fraction
    reference_value: Fraction
    fee: Fraction
    slippage: Fraction


def slippage_bps(quantity, volume, rules):
    """Return the slippage of one fill in basis points: bps = min(slippage + impact * 100 * q / V, maximum), by r8."""
    bps = rules.slippage_bps
    if rules.impact > 0:
        bps = rules.max_slippage_bps if volume == 0 else bps + rules.impact * 100 * quantity / volume
    return r8(min(bps, rules.max_slippage_bps))


def fill_price(side, reference, bps):
    sign = 1 if side == BUY else -1
    return r8(reference * (1 + sign * bps / 10000))


def fill(side, quantity, quote, volume, fee_rate, rules):
    """Return the Fill of a quantity at a (reference price, its time)."""
    reference, quote_ts = quote
    price = fill_price(side, reference, slippage_bps(quantity, volume, rules))
    value, reference_value = r8(quantity * price), r8(quantity * reference)
    sign = 1 if side == BUY else -1
    cost = sign * (value - reference_value)
    return Fill(side, quantity, reference, quote_ts, price, value, reference_value, r8(value * fee_rate), cost)


def forced_fill(side, quantity, price, t):
    """Return the Fill of a liquidated leg: at its price, no fee or slippage."""
    value = r8(quantity * price)
    return Fill(side, quantity, price, t, price, value, value, Fraction(0), Fraction(0))


def both_fills(market, t, spot_side, quantity, quotes, rules):
    """Return the fills of both legs of one quantity at ((spot price, time), (perp price, time)).

    ASSUME: V is "base volume of that leg's last candle complete at the time of the fill", at a forced close too.
    """
    perp_side = SELL if spot_side == BUY else BUY
    spot_fee, perp_fee = fee_rates(rules, t)
    return (
        fill(spot_side, quantity, quotes[0], market.spot.volume(t), spot_fee, rules),
        fill(perp_side, quantity, quotes[1], market.perp.volume(t), perp_fee, rules),
    )


def margins_at_opening(direction, spot, perp, rules):
    """Return (cash that an opening takes, initial margin, spot collateral)."""
    fees = spot.fee + perp.fee
    initial = r8(perp.value / rules.leverage) if rules.both_legs else Fraction(0)
    if direction == 1:
        return spot.value + fees + initial, initial, Fraction(0)
    lock = r8(spot.value * rules.borrow_margin)
    return lock + fees + initial, initial, spot.value + lock


def unit_cost(direction, quotes, t, rules):
    """Return (spot fill price, u) of one unit at `slippage_bps`.

    ASSUME: where slippage_bps exceeds max_slippage_bps the smaller one counts here as it does in the fill.
    """
    spot_fee, perp_fee = fee_rates(rules, t)
    bps = r8(min(rules.slippage_bps, rules.max_slippage_bps))
    spot = fill_price(BUY if direction == 1 else SELL, quotes[0][0], bps)
    perp = fill_price(SELL if direction == 1 else BUY, quotes[1][0], bps)
    share = Fraction(1) if direction == 1 else rules.borrow_margin
    margin = 1 / rules.leverage if rules.both_legs else Fraction(0)
    return spot, spot * share + spot * spot_fee + perp * (margin + perp_fee)


def size(market, t, found, quotes, base, cash, exposure, rules):
    """Return (quantity, None) or (0, reason) of an entry.

    Args:
        market: the symbol.
        t: Unix s.
        found: its Signal.
        quotes: reference prices of both legs.
        base: start balance, or the equity after step 5.
        cash: cash now.
        exposure: sum of q * S over the open positions.
        rules: the config.
    """
    spot, u = unit_cost(found.direction, quotes, t, rules)
    budget = base * rules.allocation
    if rules.dynamic:
        budget *= rules.dynamic_min + (rules.dynamic_max - rules.dynamic_min) * found.score
    # ASSUME: the limits are floored to the step each, a negative one is 0; "the first that leaves q = 0 or
    # q * s < min_notional gives the reason".
    limits = [("MIN_NOTIONAL", budget / u), ("INSUFFICIENT_CASH", cash / u)]
    if rules.max_position_quote is not None:
        limits.append(("MAX_POSITION", rules.max_position_quote / spot))
    if rules.max_exposure_quote is not None:
        limits.append(("MAX_EXPOSURE", (rules.max_exposure_quote - exposure) / spot))
    if rules.max_volume_share is not None:
        limits.append(("LIQUIDITY", rules.max_volume_share * min(market.spot.volume(t), market.perp.volume(t))))
    quantity = None
    for reason, limit in limits:
        most = max(floor_step(limit, market.step), Fraction(0))
        quantity = most if quantity is None else min(quantity, most)
        if quantity == 0 or quantity * spot < market.min_notional:
            return Fraction(0), reason
    side = BUY if found.direction == 1 else SELL
    while quantity > 0:
        fills = both_fills(market, t, side, quantity, quotes, rules)
        if margins_at_opening(found.direction, *fills, rules)[0] <= cash:
            break
        quantity -= market.step
    if quantity == 0 or quantity * spot < market.min_notional:
        return Fraction(0), "INSUFFICIENT_CASH"
    return quantity, None
