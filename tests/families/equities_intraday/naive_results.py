"""Results of the naive engine in plain dictionaries, the form in which two engines are compared."""

import functools

from tests.families.equities_intraday.random_sessions import random_world
from tests.reference.naive_opening_range import simulate

DAY_FIELDS = ("minutes", "high", "low", "open", "close", "volume", "missing", "reason", "relative_volume")


def trade_fields(position):
    """Return one trade; legs twice: as (shares, raw price, reason) and whole."""
    return {
        "symbol": position.symbol,
        "date": position.date,
        "direction": position.direction,
        "bar_ts": position.bar_start,
        "entry_ts": position.entry_ts,
        "raw": position.raw,
        "fill": position.fill,
        "stop": position.stop,
        "risk": position.risk,
        "quantity": position.quantity,
        "entry_fee": position.entry_fee,
        "targets": list(position.targets),
        "legs": [(leg.quantity, leg.raw, leg.reason) for leg in position.legs],
        "whole_legs": [tuple(leg) for leg in position.legs],
        "exit_fill": position.legs[-1].fill,
        "exit_reason": position.exit_reason,
        "exit_ts": position.exit_ts,
        "pnl": position.pnl,
        "r": position.r,
        "r_gross": position.r_gross,
        "best": position.best,
        "worst": position.worst,
        "score": position.score,
        "relative_volume": position.relative_volume,
    }


def naive_results(world, sessions, config, actions=None):
    """Run the naive engine and return its results as dictionaries."""
    outcome = simulate(world, sessions, config, actions)
    days = {}
    for day in outcome.days:
        fields = {name: getattr(day, name) for name in DAY_FIELDS}
        days[day.session.date, day.symbol] = fields | {"atr": day.history.atr, "atr5": day.history.atr5}
    cash = outcome.cash[-1][1]
    return {
        "trades": [trade_fields(position) for position in outcome.trades],
        "refusals": dict(outcome.refusals),
        "quarantined": dict(outcome.quarantined[min(world)]),
        "all_quarantined": {symbol: dict(reasons) for symbol, reasons in outcome.quarantined.items()},
        "zero_volume": dict(outcome.zero_volume),
        "days": days,
        "breaks": list(outcome.breaks),
        "cash": list(outcome.cash),
        "extra": {
            "ambiguous_bars": outcome.ambiguous_bars,
            "stale_exits": outcome.stale_exits,
            "cash": sum(cash.values()),
        },
    }


@functools.cache
def random_results(seed):
    """Return (world, results) of a random world; kept, since the naive engine is slow. Change neither."""
    world = random_world(seed)
    return world, naive_results(world.bars, world.sessions, world.config, world.actions)
