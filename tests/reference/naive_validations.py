"""A second, naive implementation of the validations of an event, row by row.

It is written from their descriptions (docs/validations.md) alone and shares no code with the product.
"""

import functools
import math
from collections import Counter

from tests.reference.fast_fractions import Fraction
from tests.reference.parquet_rows import rows_of

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
PREFIXES = {"KXHIGHCHI": {"KXHIGHCHI", "HIGHCHI"}, "KXHIGHMIA": {"KXHIGHMIA", "HIGHMIA"}}
STATIONS = {"KXHIGHCHI": "KMDW", "KXHIGHMIA": "KMIA", "KXHIGHNY": "KNYC", "KXHIGHLAX": "KLAX", "KXHIGHTPHX": "KPHX"}
FAR = 10**6

fraction_of = functools.cache(Fraction)  # few numbers, many times


def degrees(row):
    """Return the (lowest, highest) whole degree on which a market settles YES; None if its strike fields do not tell."""
    kind, floor, cap = row["strike_type"], row["floor_strike"], row["cap_strike"]
    if kind == "less":
        return -FAR, math.ceil(cap) - 1
    if kind == "greater":
        return math.floor(floor) + 1, FAR
    return (math.ceil(floor), math.floor(cap)) if kind == "between" else None


def failures(config, series, day, asof, rows, p_rows, candles, meta, report, ladders):
    """Return the names of the validations that an event fails, in the order of docs/validations.md.

    Args:
        config: a resolved config.
        series: ticker of the series.
        day: climate date of the event.
        asof: as-of time of the event in Unix seconds.
        rows: the event's rows of the catalog.
        p_rows: the event's rows of the probabilities.
        candles: rows of the candle file.
        meta: metadata of the candle file.
        report: reported temperature in °F; None without a final report.
        ladders: probabilities of all its markets, at each minute at which they are looked at.
    """
    facts = {
        "forecast_known_by_asof": not is_latest(config) and any(p["known_at_ts"] > asof for p in p_rows),
        "one_climate_date": not one_event(rows),
        "one_winner": is_ladder(rows) and all_binary(rows) and [r["result"] for r in rows].count("yes") != 1,
        "ladder_sums_to_one": is_ladder(rows) and not all(sums_to_one(config, ladder) for ladder in ladders),
        "strikes_tile": is_ladder(rows) and not tiles(rows),
        "prices_in_bounds": any(not 0 <= price <= 1 for c in candles for price in prices(c)),
        "refetch_changes_nothing": refetch_differs(rows, candles, meta),
        "volume_in_bounds": any(trades_too_much(config, row, candles) for row in rows),
        "settlement_matches_report": report is not None and any(disagrees(row, report) for row in rows),
    }
    return [name for name, failed in facts.items() if failed]


def is_ladder(rows):
    """Whether the event has several markets."""
    return len(rows) >= 2


def all_binary(rows):
    """Whether no market has a scalar result."""
    return all(row["result"] != "scalar" for row in rows)


def is_of(series, day, event):
    """Whether an event ticker names a date and a series, by the series' own or an older name."""
    named = f"-{day:%y}{MONTHS[day.month - 1]}{day:%d}"
    return event.endswith(named) and event.split("-")[0] in PREFIXES.get(series, {series})


def one_event(rows):
    """Whether all markets have the same event ticker and tickers that begin with it."""
    inside = all(row["market_ticker"].startswith(row["event_ticker"] + "-") for row in rows)
    return len({row["event_ticker"] for row in rows}) == 1 and inside


def is_latest(config):
    """Whether decisions use the last probability known at their own time."""
    return config["asof_policy"].get("mode") == "latest"


def sums_to_one(config, ladder):
    """Whether the probabilities sum to 1 within the tolerance of the config."""
    tolerance = (config["validations"] or {}).get("probability_sum_tolerance")
    if tolerance is None:
        tolerance = {"gaussian": "1e-9", "file": "0.02"}[config["probabilities"]["source"]]
    return abs(sum(ladder) - 1) <= Fraction(str(tolerance))


def tiles(rows):
    """Whether every whole degree from 0 to 200 °F settles exactly one market YES."""
    spans = [degrees(row) for row in rows]
    if None in spans:
        return False
    settled = Counter(k for low, high in spans for k in range(max(low, 0), min(high, 200) + 1))
    return all(settled[k] == 1 for k in range(201))


def prices(candle):
    """Return all prices of a candle that are not null."""
    skipped = ("market_ticker", "end_period_ts", "volume", "open_interest", "retrieved_at")
    return [value for name, value in candle.items() if name not in skipped and value is not None]


def refetch_differs(rows, candles, meta):
    """Whether the rows of a candle file are not those that its fetch wrote, or not of the markets of the catalog."""
    keys = [(c["market_ticker"], c["end_period_ts"]) for c in candles]
    tickers = {row["market_ticker"] for row in rows}
    counted = {t: n for t, n in meta["rows_per_market"].items() if n}
    return keys != sorted(set(keys)) or counted != dict(Counter(t for t, _ in keys)) or set(meta["markets"]) != tickers


def trades_too_much(config, row, candles):
    """Whether the candles of a market trade more than its volume allows within the tolerance of the config."""
    if row["volume"] is None:
        return False
    tolerance = (config["validations"] or {}).get("volume_tolerance")
    traded = sum(fraction_of(str(c["volume"])) for c in candles if c["market_ticker"] == row["market_ticker"])
    return traded > Fraction(str(row["volume"])) * (1 + Fraction(str(0.01 if tolerance is None else tolerance)))


def disagrees(row, report):
    """Whether a market's result differs from what the reported temperature says."""
    if row["result"] == "scalar" or degrees(row) is None:
        return False
    low, high = degrees(row)
    return (row["result"] == "yes") != (low <= report <= high)


def final_highs(paths):
    """Map (station, date) to the high of its final report in °F.

    Args:
        paths: paths of files of climate reports.
    """
    rows = [row for path in paths for row in rows_of(path)]
    return {(r["station_id"], r["climate_date"]): r["high_f"] for r in rows if r["final"]}
