"""Worked examples of funding_composite: scores, the trend, weights, volume, dynamic sizing, and intervals (12-16, 25)."""

from tests.reference.carry_golden_worlds import BTC, NO_COSTS, CarryGolden, at, coin, settings

COMPOSITE = {
    "strategy.name": "funding_composite",
    "strategy.parameters.entry_threshold": 0.1,
    "strategy.parameters.exit_threshold": 0,
}
FAVOURABLE = {"strategy.parameters.basis_side": "favourable"}


def series(rates):
    """Return {hour: rate} whose last rate is at the start of the range, with two settlements after it."""
    count = len(rates)
    before = {8 * (place + 1 - count): rate for place, rate in enumerate(rates)}
    return {**before, 8: rates[-1], 16: rates[-1]}


def scored(name, rates, score, changes=None, perp=100):
    """Return an example whose position opens at the start of the range with a score."""
    return CarryGolden(
        name,
        [coin(series(rates), {-24: 100}, {-24: perp})],
        settings(1, {**COMPOSITE, **(changes or {})}),
        {"positions": [{"open_time": at(0), "entry_score": score}]},
    )


TEN = [0.0005] * 10
SCORES = [
    scored("12 stable", TEN, 0.266667),
    scored("12 the resting rate", [0.0001] * 10, 0.136667),
    scored("12 rising", [0.0005] * 29 + [0.001], 0.616667),
    scored("12 a basis of +0.2 %", TEN, 0.296667, perp=100.2),
    scored("12 a basis of -0.2 %", TEN, 0.296667, perp=99.8),
    scored("12 a favourable basis only", TEN, 0.266667, FAVOURABLE, perp=99.8),
    scored("12 a favourable basis", TEN, 0.296667, FAVOURABLE, perp=100.2),
    # 0.35 * 0.0005 / 0.003 + 0.25 * trend + 0.25 / 30: the trend is 1, then 1/2.
    scored("13 rising", [0.0001] * 6 + [0.0005], 0.316667),
    # 0.35 * 0.000275 / 0.003 + 0.25 / 2: exactly the threshold is stable.
    scored("13 exactly the threshold", [0.0001] * 6 + [0.000275], 0.157083),
    scored("13 six records", [0.0001] * 5 + [0.0005], 0.191667),
]

HEAVY = {
    "strategy.parameters.weight_rate_level": 0.45,
    "strategy.parameters.weight_trend": 0.25,
    "strategy.parameters.weight_persistence": 0.25,
    "strategy.parameters.weight_basis": 0.15,
}
WEIGHTS = [
    scored("14 weights normalised", [0.003] * 2, 0.537879, HEAVY),
    scored("14 weights as they are", [0.003] * 2, 0.591667, {**HEAVY, "strategy.parameters.normalise_weights": False}),
]


def volumes(name, hours, recent, fine):
    """Return an example with some hours of candles before the start: volume 10, then `recent` for 168 hours."""
    given = coin(series(TEN), {-hours: 100}, volumes={-hours: 10, -168: recent}, first=-hours)
    expected = {"refusals": [], "positions": [{"open_time": at(0)}]}
    if not fine:
        # 8 h later 8 of the 168 hours before are of the low volume too: their mean is 9.86.
        expected = {"refusals": [(at(0), BTC, "VOLUME")], "positions": [{"open_time": at(8)}]}
    return CarryGolden(name, [given], settings(1, COMPOSITE), expected)


VOLUMES = [
    volumes("16 seven tenths are fine", 336, 7, True),
    volumes("16 less is not", 336, 6.99, False),
    volumes("16 too few hours are fine", 335, 1, True),
]

INTERVALS = [
    CarryGolden(
        "15 intervals by gaps",
        [coin(dict.fromkeys((0, 8, 9, 10, 14, 30, 38), 0.001))],
        settings(2, NO_COSTS),
        {
            "funding": [{"interval": hours} for hours in (8, 1, 1, 4, 4, 8)],
            "metrics": {"funding_gaps": 1},
        },
    ),
]

DYNAMIC = [
    CarryGolden(
        "25 dynamic sizing",
        [coin(series(TEN))],
        settings(
            1,
            {**COMPOSITE, "strategy.parameters.entry_threshold": 0.2, "risk.dynamic_sizing": {"enabled": True}},
        ),
        {"positions": [{"entry_score": 0.266667, "qty": 24.314}]},
    ),
]

SCORE_GOLDENS = [*SCORES, *WEIGHTS, *VOLUMES, *INTERVALS, *DYNAMIC]
