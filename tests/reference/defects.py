"""Defects for the validations to find, planted into the rows of an event at random.

Each function of DEFECTS changes its arguments in place: markets (rows of the catalog), p_rows (rows of probabilities), candles
(rows of the candle file), meta (the candle file's metadata) and report (the climate report).
"""

from decimal import Decimal

EVENT_VALIDATIONS = (
    "forecast_known_by_asof",
    "one_climate_date",
    "one_winner",
    "ladder_sums_to_one",
    "strikes_tile",
    "prices_in_bounds",
    "refetch_changes_nothing",
    "daylight_saving",
    "station_known",
    "volume_in_bounds",
    "settlement_matches_report",
)


def validation_policy(rng):
    """Draw what a failure of each validation does: skip or warn.

    `ladder_sums_to_one` mostly warns, because random probabilities hardly ever sum to 1, and a skipped event has no trades.
    """
    sums = "warn" if rng.random() < 0.9 else "skip"
    return {name: rng.choice(["skip", "skip", "warn"]) for name in EVENT_VALIDATIONS} | {"ladder_sums_to_one": sums}


def plant(rng, markets, p_rows, candles, meta, report):
    """Plant one or two defects into about every third event; the arguments are changed in place."""
    if rng.random() < 0.1 and p_rows:
        normalise(p_rows)
    if rng.random() < 0.35:
        for defect in rng.sample(DEFECTS, rng.choice([1, 1, 2])):
            defect(rng, markets, p_rows, candles, meta, report)


def normalise(p_rows):
    """Scale probabilities so that they sum to 1 exactly."""
    weight = sum(row["p_yes"] for row in p_rows) or Decimal(1)
    for row in p_rows:
        row["p_yes"] = (row["p_yes"] / weight).quantize(Decimal("1e-12"))
    p_rows[-1]["p_yes"] += 1 - sum(row["p_yes"] for row in p_rows)


def late_forecast(rng, markets, p_rows, candles, meta, report):
    """Probabilities became known long after the as-of time."""
    for row in p_rows:
        row["known_at_ts"] = 2_000_000_000


def two_events(rng, markets, p_rows, candles, meta, report):
    """The first market belongs to another event of the same date."""
    for market in markets[:1]:
        market["event_ticker"] = market["event_ticker"].replace("-", "-2-")


def wrong_event_ticker(rng, markets, p_rows, candles, meta, report):
    """The event ticker names another station, another date, or no date that can be read."""
    spoil = rng.choice([("KXHIGH", "HIGHELSE"), ("-25", "-24"), ("-25", "-x25"), ("-25MAR", "-25XYZ"), ("-25", "")])
    for market in markets[: rng.choice([1, None])]:
        market["event_ticker"] = market["event_ticker"].replace(*spoil)


def all_or_no_winners(rng, markets, p_rows, candles, meta, report):
    """All markets settled YES, or all settled NO."""
    result = rng.choice(["yes", "no"])
    for market in markets:
        if market["result"] in ("yes", "no"):
            market["result"] = result


def strikes_with_a_gap(rng, markets, p_rows, candles, meta, report):
    """The floor of the last market is too low or too high by some degrees."""
    for market in markets[-1:]:
        market["floor_strike"] += rng.choice([-1, 1, 2])


def strikes_unread(rng, markets, p_rows, candles, meta, report):
    """The strikes of the first market can be read neither from its fields nor from its title."""
    for market in markets[:1]:
        market |= {"strike_type": None, "cap_strike": None, "yes_sub_title": "a warm day"}


def price_outside(rng, markets, p_rows, candles, meta, report):
    """A price of the first candle is below 0 or above 1."""
    for candle in candles[:1]:
        candle[rng.choice(["yes_ask_close", "yes_bid_low", "price_mean"])] = Decimal(rng.choice(["1.000001", "-0.01"]))


def candle_lost(rng, markets, p_rows, candles, meta, report):
    """A candle that the metadata counts is missing."""
    if len(candles) > 1:
        del candles[rng.randrange(len(candles))]


def candle_twice(rng, markets, p_rows, candles, meta, report):
    """A candle is there twice: that changes no quote, but a fetch never writes it."""
    if candles:
        index = rng.randrange(len(candles))
        candles.insert(index, dict(candles[index]))
        meta["rows_per_market"][candles[index]["market_ticker"]] += 1


def market_new(rng, markets, p_rows, candles, meta, report):
    """The catalog lists a market that was not listed when the candles were fetched."""
    meta["markets"] = meta["markets"][1:]


def volume_small(rng, markets, p_rows, candles, meta, report):
    """Markets traded less than their candles say, or their volume is unknown."""
    for market in markets:
        market["volume"] = rng.choice([None, (market["volume"] * Decimal("0.98")).quantize(Decimal("0.01"))])


def other_report(rng, markets, p_rows, candles, meta, report):
    """The climate report contradicts the results, has no value, or is not final."""
    report |= rng.choice([{"high_f": report["high_f"] + 3}, {"high_f": None}, {"final": False, "high_f": 0}])


DEFECTS = (
    late_forecast,
    two_events,
    wrong_event_ticker,
    all_or_no_winners,
    strikes_with_a_gap,
    strikes_unread,
    price_outside,
    price_outside,  # listed twice, so that every refusal occurs within a hundred worlds
    candle_lost,
    candle_twice,
    market_new,
    volume_small,
    other_report,
)
