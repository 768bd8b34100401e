"""The two strategies of the naive funding-carry engine (section 9 of its rules)."""

from dataclasses import dataclass

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_market import rounded
from tests.reference.naive_carry_settings import fee_rates

HALF = Fraction(1, 2)


@dataclass
class Signal:
    """What a strategy says of one symbol at one settlement.

    Attributes:
        direction: +1 long spot, -1 the reverse.
        enter: a symbol without position would enter.
        leave: a symbol with a position would leave, if it may.
        strength: rank among the candidates.
        score: of funding_composite; None of funding_simple.
        refusal: VOLUME or BREAKEVEN, or None.
    """

    direction: int
    enter: bool
    leave: bool
    strength: Fraction
    score: Fraction | None
    refusal: str | None = None


def signal_rates(market, t, parameters):
    """Return the rates of all loaded records up to and including t in the unit of the thresholds.

    ASSUME: "All thresholds and signals use r8h (`per_period` uses the rate itself)": also the series of the composite
    score and the strength.
    """
    until = market.place[t] + 1
    rates = [record[1] for record in market.records[:until]]
    if parameters.threshold_unit == "per_period":
        return rates
    return [rate * 8 / hours for rate, hours in zip(rates, market.hours[:until], strict=True)]


def direction_of(rate, wanted):
    if wanted == "both":
        return -1 if rate < 0 else 1
    return 1 if wanted == "long_spot" else -1


def averages(series, span):
    """Return the exponential means of a series, seeded with its first, rounded to 12 decimals at every step."""
    means = [series[0]]
    for value in series[1:]:
        means.append(rounded((2 * value + (span - 1) * means[-1]) / (span + 1), 12))
    return means


def trend(series, parameters):
    """Return 1 rising, 1/2 stable, 0 falling."""
    span = int(parameters.trend_span)
    # ASSUME: "fewer than span + 1 records: stable": of all loaded records up to t.
    if len(series) < span + 1:
        return HALF
    means = averages(series[-3 * span :], span)
    # ASSUME: the seed's first value is not rounded to 12 decimals; rates have no more.
    change = means[-1] - means[-1 - (span - 1)]
    if change > parameters.trend_threshold:
        return Fraction(1)
    return Fraction(0) if change < -parameters.trend_threshold else HALF


def persistence(series, parameters):
    count = 0
    for rate in reversed(series):
        if rate < parameters.persistence_threshold:
            break
        count += 1
    return min(Fraction(count) / parameters.persistence_max_periods, 1)


def basis(spot, perp, direction, parameters):
    value = (perp - spot) / spot
    size = abs(value) if parameters.basis_side == "abs" else max(direction * value, Fraction(0))
    return min(size / parameters.basis_cap, 1)


def composite_score(series, spot, perp, direction, parameters):
    """Return the score of a series of d * r8h whose last value is that of t."""
    parts = [
        (parameters.weight_rate_level, min(abs(series[-1]) / parameters.rate_cap, 1)),
        (parameters.weight_trend, trend(series, parameters)),
        (parameters.weight_persistence, persistence(series, parameters)),
        (parameters.weight_basis, basis(spot, perp, direction, parameters)),
    ]
    total = sum((weight * part for weight, part in parts), Fraction(0))
    if parameters.normalise_weights:
        total /= sum(weight for weight, _ in parts)
    return rounded(total, 6)


def volume_is_fine(market, t, rules):
    """Compare the mean volume of the last 168 hours of the perpetual with that of the 168 before, by number."""
    need = 168 * 3600 // rules.candle_seconds
    volumes = [candle.volume for _, candle in market.perp.ends_within(0, t)]
    if len(volumes) < 2 * need:
        return True
    recent, prior = volumes[-need:], volumes[-2 * need : -need]
    if sum(prior) == 0:
        return True
    return sum(recent) / need >= rules.parameters.volume_decline_ratio * sum(prior) / need


def breaks_even_too_late(market, t, rules):
    periods = rules.parameters.max_breakeven_periods
    if periods is None:
        return False
    spot_fee, perp_fee = fee_rates(rules, t)
    round_trip = 2 * (spot_fee + perp_fee) + 4 * rules.slippage_bps / 10000
    return round_trip > abs(market.rate(t)) * periods


def signal(market, t, held, rules):
    """Return the Signal of one symbol at its settlement t.

    Args:
        market: the symbol.
        t: Unix s; its prices are fresh.
        held: direction of its open position, None without one.
        rules: the config.
    """
    parameters = rules.parameters
    rates = signal_rates(market, t, parameters)
    direction = direction_of(rates[-1], parameters.direction) if held is None else held
    series = [direction * rate for rate in rates]
    if rules.strategy == "funding_simple":
        enter, leave = series[-1] >= parameters.min_funding_rate, series[-1] < parameters.exit_funding_rate
        found = Signal(direction, enter, leave, series[-1], None)
    elif series[-1] <= 0:
        found = Signal(direction, False, True, series[-1], None)
    else:
        score = composite_score(series, market.spot.close(t), market.perp.close(t), direction, parameters)
        found = Signal(direction, score >= parameters.entry_threshold, score < parameters.exit_threshold, score, score)
    if found.enter and held is None:
        if rules.strategy == "funding_composite" and not volume_is_fine(market, t, rules):
            found.refusal = "VOLUME"
        elif breaks_even_too_late(market, t, rules):
            found.refusal = "BREAKEVEN"
    return found
