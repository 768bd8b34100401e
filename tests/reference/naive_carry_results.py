"""Rows and key figures of the naive funding-carry engine (section 13 of its rules)."""

from collections import Counter
from itertools import pairwise
from math import sqrt

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_market import DAY, r8

ZERO = Fraction(0)
PARTS = ("funding", "price_pnl", "fees", "slippage", "borrow", "liquidation_cost")


def results(run):
    """Return everything a run resulted in.

    Returns:
        trades: one dict per fill, in order of execution.
        positions: one dict per round trip, in order of opening.
        funding: one dict per payment, in order.
        equity: (Unix s, equity, cash, wallets) per point.
        refusals: (Unix s, symbol, reason) in order.
        metrics: the figures of metrics.json that are not common to all families, exact but for the ratios.
    """
    account = run.account
    positions = [position_row(held) for held in account.positions]
    # "Identity, to the last unit"
    net = sum((row["net_pnl"] for row in positions), ZERO)
    assert not account.open
    assert account.cash - run.rules.start_balance == net == sum((row["pnl"] for row in account.trades), ZERO)
    assert not run.points or run.points[-1][1] == account.cash
    return {
        "trades": account.trades,
        "positions": positions,
        "funding": account.funding_rows,
        "equity": run.points,
        "refusals": run.refusals,
        "metrics": metrics(run, positions, net),
    }


def weighted_price(exits):
    """Return the volume-weighted price of partial exits, by r8.

    ASSUME: weights are quantities, prices the fill prices: sum(q * price) / sum(q), not the rounded values.
    """
    return r8(sum((q * price for q, price in exits), ZERO) / sum((q for q, _ in exits), ZERO))


def breakeven_periods(held):
    """Return the first payment count whose sum reaches the position's fees, slippage and borrow, or None.

    ASSUME: the costs are those of its whole life, its exit included; without any payment it never broke even.
    """
    earned, costs = ZERO, held.fees + held.slippage + held.borrow
    for count, payment in enumerate(held.payments, start=1):
        earned += payment
        if earned >= costs:
            return count
    return None


def position_row(held):
    net, days = held.net(), Fraction(held.closed - held.opened, DAY)
    return {
        "position_id": held.name,
        "symbol": held.market.symbol,
        "direction": held.direction,
        "open_time": held.opened,
        "close_time": held.closed,
        "qty": held.opened_quantity,
        "spot_entry": held.spot_entry.price,
        "perp_entry": held.perp_entry.price,
        "spot_exit": weighted_price(held.spot_exits),
        "perp_exit": weighted_price(held.perp_exits),
        "funding": held.funding(),
        "price_pnl": held.price_pnl,
        "fees": held.fees,
        "slippage": held.slippage,
        "borrow": held.borrow,
        "liquidation_cost": held.liquidation_cost,
        "net_pnl": net,
        "periods": len(held.payments),
        "breakeven_periods": breakeven_periods(held),
        # ASSUME: entry_rate is the record's own rate, whatever the threshold's unit.
        "entry_rate": held.rate,
        "entry_score": held.score,
        "exit_reason": held.exit_reason,
        "capital": held.capital,
        "apr_on_capital": net / held.capital / days * 365 * 100 if held.capital > 0 else None,
    }


def median(values):
    if not values:
        return None
    ordered, half = sorted(values), len(values) // 2
    return Fraction(ordered[half]) if len(values) % 2 else Fraction(ordered[half - 1] + ordered[half], 2)


def daily_values(run):
    """Return start_balance, then the last equity at or before each 00:00Z after the start to end + 1 day."""
    values = [run.rules.start_balance]
    for t in range(run.rules.start + DAY, run.rules.end + 1, DAY):
        values.append([point[1] for point in run.points if point[0] <= t][-1])
    return values


def sharpe_and_sortino(values):
    """Return (Sharpe, Sortino) of daily values, None where undefined."""
    returns = [float(after / before) - 1 for before, after in pairwise(values)]
    count = len(returns)
    if count < 2:
        return None, None
    mean = sum(returns) / count
    deviation = sqrt(sum((one - mean) ** 2 for one in returns) / (count - 1))
    downside = sqrt(sum(min(one, 0.0) ** 2 for one in returns) / count)
    return (
        mean / deviation * sqrt(365) if deviation > 0 else None,
        mean / downside * sqrt(365) if downside > 0 else None,
    )


def drawdown(points):
    """Return (largest amount, largest percent) below the running peak over all points.

    ASSUME: the two are each the largest, not of one and the same moment.
    """
    peak, amount, percent = None, ZERO, ZERO
    for _, equity, _, _ in points:
        peak = equity if peak is None else max(peak, equity)
        amount, percent = max(amount, peak - equity), max(percent, (peak - equity) / peak * 100)
    return amount, percent


def seconds_in_market(positions):
    """Return the length of the union of the positions' times."""
    total, covered = 0, None
    for row in sorted(positions, key=lambda row: row["open_time"]):
        begin = row["open_time"] if covered is None else max(row["open_time"], covered)
        total += max(0, row["close_time"] - begin)
        covered = row["close_time"] if covered is None else max(covered, row["close_time"])
    return total


def metrics(run, positions, net):
    rules = run.rules
    days = Fraction(rules.end - rules.start, DAY)
    empty = not run.points
    periods = [row["breakeven_periods"] for row in positions]
    reached = [count for count in periods if count is not None]
    sharpe, sortino = (None, None) if empty else sharpe_and_sortino(daily_values(run))
    amount, percent = drawdown(run.points)
    wins = sum(1 for row in positions if row["net_pnl"] > 0)
    return {
        **{part: sum((row[part] for row in positions), ZERO) for part in PARTS},
        "net_pnl": net,
        "num_trades": len(positions),
        "num_fills": len(run.account.trades),
        "wins": wins,
        "win_rate": Fraction(wins, len(positions)) if positions else None,
        # "amounts are 0, ratios null" of a run without data.
        "apr_pct": None if empty else net / rules.start_balance / days * 365 * 100,
        "sharpe": sharpe,
        "sortino": sortino,
        "max_drawdown": amount,
        "max_drawdown_pct": None if empty else percent,
        "time_in_market_pct": None if empty else Fraction(seconds_in_market(positions)) / (days * DAY) * 100,
        "breakeven_periods": median(reached),
        "never_broke_even": len(periods) - len(reached),
        "mark_source": dict(run.mark_sources),
        "rejections": dict(Counter(reason for _, _, reason in run.refusals)),
        "funding_gaps": sum(market.gaps for market in run.loaded),
        "no_data": [market.symbol for market in run.loaded if not market.settlements],
        "optimistic": optimistic(rules),
    }


def optimistic(rules):
    """Return what makes the result better than it can be: a fill at the decision's own price, maker fees, spot_only."""
    entries = rules.fees if isinstance(rules.fees, list) else [rules.fees]
    flags = {
        "last_close": rules.fill == "last_close",
        "maker": any(entry.get("liquidity", "taker") == "maker" for entry in entries),
        "spot_only": not rules.both_legs,
    }
    return sorted(name for name, on in flags.items() if on)
