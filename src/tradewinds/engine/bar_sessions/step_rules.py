"""Costs, levels and sizes of a strategy that is called at every minute: the arithmetic of exact.h and holding.h in Python."""

from __future__ import annotations

from tradewinds.core.units import CENT, scaled
from tradewinds.engine.bar_sessions.orb_rules import FINE, OFF, SIZING, SessionRules

MOST = 2**58  # a position's value in micro-units stays below it, as in the compiled pass
_BASIS = 10_000 * FINE


def slipped(rules: SessionRules, raw: int, d: int) -> int:
    """Return the price of a fill at the market; micro-units.

    Args:
        rules: costs.
        raw: price before slippage; micro-units.
        d: 1 to buy, -1 to sell.
    """
    return raw + d * (rules.slippage + scaled(raw, (rules.slippage_bps, _BASIS)))


def commission(rules: SessionRules, shares: int) -> int:
    """Return the commission of a fill, half to even to the cent; micro-units."""
    return scaled(max(rules.per_share * shares, rules.min_commission), (1, FINE // 100)) * CENT


def on_tick(micro: int, tick: int, *, up: bool) -> int:
    """Return a price on the tick; micro-units.

    Args:
        micro: the price; micro-units.
        tick: micro-units; 0: none.
        up: whether it is rounded up.
    """
    if not tick:
        return micro
    return -(-micro // tick) * tick if up else micro // tick * tick


def sized(rules: SessionRules, equity: int, risk: int) -> int:
    """Return the shares of an order that says no size itself.

    Args:
        rules: of sizes; those that are not of fixed shares need a risk.
        equity: of the account at the session's open; micro-units.
        risk: of one share; micro-units.
    """
    if SIZING[rules.sizing] == "fixed_shares":
        return rules.fixed_shares
    if SIZING[rules.sizing] == "risk_usd":
        return rules.risk_amount // risk
    return equity * rules.risk_pct // (100 * FINE * rules.slots * risk)


def affordable(rules: SessionRules, shares: int, equity: int, used: int, fill: int) -> int:
    """Return as many of some shares as the most notional value and the buying power allow.

    Args:
        rules: of sizes.
        shares: wanted.
        equity: of the account at the session's open; micro-units.
        used: buying power that is in use; micro-units.
        fill: price of the entry; micro-units.
    """
    if rules.max_notional != OFF:
        shares = min(shares, rules.max_notional // fill)
    if rules.max_leverage != OFF:
        each = equity * rules.max_leverage
        rest = each * rules.slots - used * FINE * rules.slots
        shares = min(shares, min(each, rest) // (FINE * rules.slots * fill))
    return max(shares, 0)
