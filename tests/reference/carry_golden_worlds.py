"""Small worlds for the worked examples of funding carry, and how results are compared with what they must be."""

import copy
from dataclasses import dataclass

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_market import HOUR, Candle, CarrySymbol, midnight

START = midnight("2024-01-01")
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
NO_COSTS = {
    "costs.slippage_bps": 0,
    "costs.fees": {"schedule": "bybit_vip0", "liquidity": "taker", "spot_taker": 0, "perp_taker": 0},
}
MANY = Fraction(1_000_000)


def at(hour):
    """Return the Unix seconds of an hour after the start of the range; negative before it."""
    return START + hour * HOUR


def settings(days, changes, symbols=(BTC,)):
    """Return a config of section 11 for some days from the start on, with changes by dotted key."""
    config = {
        "market": "funding_carry",
        "symbols": list(symbols),
        "date_start_local": "2024-01-01",
        "date_end_local": f"2024-01-{days:02d}",
        "strategy": {"name": "funding_simple", "parameters": {}},
        "data": {"source": "bybit", "candle_minutes": 60},
        "execution": {"fill": "next_open"},
        "costs": {"slippage_bps": 5},
        "margin": {"capital_rule": "both_legs", "leverage": 1},
        "risk": {"start_balance": 10000, "currency": "USDT"},
    }
    for key, value in changes.items():
        *sections, last = key.split(".")
        part = config
        for section in sections:
            part = part.setdefault(section, {})
        part[last] = copy.deepcopy(value)
    return config


def candles(first, last, levels, skip=(), volumes=None):
    """Return hourly candles that begin at the hours first to last.

    Args:
        first: first hour.
        last: last hour.
        levels: {hour: close of its candle and of all after it, to the next}; a candle opens at the close before it.
        skip: hours without a candle.
        volumes: {hour: volume of its candle and of all after it}; 1,000,000 unless said.
    """
    found, price, volume = {}, Fraction(str(levels[min(levels)])), MANY
    for hour in range(min(first, *levels), last + 1):
        before, price = price, Fraction(str(levels.get(hour, price)))
        volume = Fraction(str((volumes or {}).get(hour, volume)))
        if hour >= first and hour not in skip:
            found[at(hour)] = Candle(before, max(before, price), min(before, price), price, volume)
    return found


def records(rates, marks=None):
    """Return funding records of {hour: rate}, with marks of {hour: price} where given."""
    return [
        (at(hour), Fraction(str(rate)), Fraction(str(marks[hour])) if marks and hour in marks else None)
        for hour, rate in sorted(rates.items())
    ]


def coin(rates, spot=None, perp=None, symbol=BTC, marks=None, skip_spot=(), volumes=None, first=-24):
    """Return a symbol with settlements {hour: rate} and candles of given levels: 100 unless said, marks as perp."""
    last = max(rates, default=0) + 8
    levels = {-24: 100} if spot is None else spot
    perp_levels = levels if perp is None else perp
    return CarrySymbol(
        symbol,
        records(rates, marks),
        candles(first, last, levels, skip_spot, volumes),
        candles(first, last, perp_levels, (), volumes),
        candles(first, last, perp_levels),
    )


@dataclass(frozen=True)
class CarryGolden:
    """One worked example.

    Attributes:
        name: number of the example in the rules and what it shows.
        world: list of CarrySymbol.
        settings: the config.
        expected: {part of the results: what it must be}. Lists of dicts name only the keys that are compared;
            `opening` and `closing` are the rows of trades that open or close; `last_point` is that of `equity`.
    """

    name: str
    world: list
    settings: dict
    expected: dict


def exact(value):
    """Return a number as an exact fraction, anything else as it is."""
    if isinstance(value, bool) or value is None or isinstance(value, str | dict | tuple):
        return value
    return Fraction(str(value))


def rows_differ(part, wanted, found):
    if len(wanted) != len(found):
        return [f"{part}: {len(wanted)} rows wanted, {len(found)} found"]
    return [
        f"{part}[{place}].{key}: {value} wanted, {row[key]} found"
        for place, (row, one) in enumerate(zip(found, wanted, strict=True))
        for key, value in one.items()
        if exact(value) != exact(row[key])
    ]


def differences(golden, found):
    """Return what an engine's results, laid out as those of the naive engine, differ in from a golden."""
    wrong = []
    for part, wanted in golden.expected.items():
        if part == "metrics":
            wrong += rows_differ(part, [wanted], [found["metrics"]])
        elif part == "last_point":
            wrong += [] if found["equity"][-1][:3] == wanted else [f"last point {found['equity'][-1]}"]
        elif part == "refusals":
            wrong += [] if found["refusals"] == wanted else [f"refusals {found['refusals']}, wanted {wanted}"]
        elif part in ("opening", "closing"):
            result = {"opening": "open", "closing": "close"}[part]
            wrong += rows_differ(part, wanted, [row for row in found["trades"] if row["result"] == result])
        else:
            wrong += rows_differ(part, wanted, found[part])
    return wrong
