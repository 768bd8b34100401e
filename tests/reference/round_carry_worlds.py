"""Random worlds of round numbers, in which limits are met exactly: prices stand still and jump, costs are round or none.

A margin of 50 at a price of 120 is exactly half of what is wanted, 3 payments of 0.001 are exactly the fees, a position
is worth exactly its least value: what a random walk never meets.
"""

from dataclasses import replace

from tests.reference.carry_golden_worlds import at, coin, settings
from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_market import r8

RATES = (0, 0, 0.0003, 0.0003, 0.001, 0.001, 0.003, -0.0003, -0.001)
FACTORS = ("1.2", "1.2", "1.25", "1.5", "1.6", "0.8", "0.75", "0.5", "2")
DOWN = ("0.4", "0.5", "0.75", "0.8")
VOLUMES = (
    (10, 7),
    (10, 7),
    (100, 70),
    (10, 10),
    (100, 69),
    (7, 70),
)  # of two weeks before the start, one after the other
ROUND_FEES = {"schedule": "bybit_vip0", "spot_taker": 0.001, "perp_taker": 0.0005}
NO_FEES = {"schedule": "bybit_vip0", "spot_taker": 0, "perp_taker": 0}
COMPOSITE = {"strategy.name": "funding_composite", "strategy.parameters.entry_threshold": 0.1}


def round_settings(rng, days, symbols):
    changes = {
        "costs.slippage_bps": rng.choice([0, 0, 0, 10]),
        "costs.fees": rng.choice([ROUND_FEES, NO_FEES]),
        "costs.borrow_apr": rng.choice([0, 0.0876]),
        "margin.leverage": rng.choice([1, 2, 2, 4]),
        "margin.borrow_maintenance": rng.choice([0.25, 0.1]),
        "margin.rebalance.mode": rng.choice(["resize", "margin", "none"]),
        "margin.rebalance.low": rng.choice([0.5, 0.5, 0.25]),
        "margin.rebalance.high": rng.choice([2, 1.5, 3]),
        "execution.fill": rng.choice(["next_open", "last_close"]),
        "risk.max_positions": rng.choice([1, 1, 2]),
        "risk.allocation_pct": rng.choice([100, 50, 25]),
        "strategy.parameters.direction": rng.choice(["long_spot", "short_spot", "both"]),
        "strategy.parameters.max_breakeven_periods": rng.choice([None, None, 1, 3, 10]),
        "strategy.parameters.min_holding_periods": rng.choice([0, 0, 1, 2]),
    }
    if rng.random() < 0.3:
        changes |= {
            **COMPOSITE,
            "strategy.parameters.exit_threshold": rng.choice([0.1, 0.05]),
            "strategy.parameters.volume_decline_ratio": rng.choice([0.7, 1]),
        }
    else:
        enter = rng.choice([0, 0.0003, 0.0003, 0.001])
        changes |= {
            "strategy.parameters.min_funding_rate": enter,
            "strategy.parameters.exit_funding_rate": min(enter, rng.choice([0, 0.0003, -0.001, -0.01])),
        }
    if rng.random() < 0.2:
        changes |= {"risk.max_exposure_quote": 5000, "execution.max_volume_share": 0.5}
    return settings(days, changes, symbols)


def round_symbol(rng, symbol, days, long_history):
    """Return a symbol whose prices stand at 100 and jump a few times."""
    gap, rates, rate = rng.choice([8, 8, 4]), {}, rng.choice(RATES)
    for hour in range(-8 * rng.choice([0, 1, 7, 20]), 24 * days + 9, gap):
        rate = rng.choice(RATES) if rng.random() < 0.4 else rate
        rates[hour] = rate
    first = -rng.choice([336, 336, 336, 335, 344, 200]) if long_history else -24
    levels, price = {first: 100}, Fraction(100)
    for hour in sorted(rng.sample(range(24 * days), rng.randint(1, 4))):
        price = r8(price * Fraction(rng.choice(FACTORS)))
        levels[hour] = price
        if rng.random() < 0.4:  # up and down again: both legs of a reverse carry are in danger
            price = r8(price * Fraction(rng.choice(DOWN)))
            levels[hour + 1] = price
    volumes = dict(zip((first, -168), rng.choice(VOLUMES), strict=True))
    made = coin(rates, levels, symbol=symbol, volumes=volumes, first=first)
    recent = at(-48)
    return replace(
        made,
        spot={start: one for start, one in made.spot.items() if start >= recent},
        mark={} if rng.random() < 0.3 else {start: one for start, one in made.mark.items() if start >= recent},
        step=Fraction(rng.choice(["0.1", "1", "5"])),
        min_notional=Fraction(rng.choice([5, 1000, 2500, 5000])),
        maintenance=Fraction(rng.choice(["0.005", "0.25", "0.25", "0.1"])),
    )


def round_world(rng, symbols):
    """Return (symbols, config) of round numbers."""
    days, long_history = rng.choice([1, 2, 3]), rng.random() < 0.4
    world = [round_symbol(rng, symbol, days, long_history) for symbol in symbols]
    return world, round_settings(rng, days, symbols)
