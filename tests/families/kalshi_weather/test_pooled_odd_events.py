"""One odd event among ordinary ones: what it is scored as, whether it has probabilities, and whether later weights know it."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.families.kalshi_weather.pooled_world import FIRST, LAST, MARKETS, SERIES, make_inputs
from tests.families.kalshi_weather.test_pooled import made
from tradewinds.core import files
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.calibration.against_price import edge_scores
from tradewinds.families.kalshi_weather.pooling.price_ladders import event_ladders

DAY = FIRST + dt.timedelta(days=4)
EVENT = climate_days.event_ticker_of(SERIES[0], DAY)
ASOF = climate_days.asof_ts(climate_days.station_of(SERIES[0]), DAY, "23:00", 1)
SETTLED_BEFORE_LAST = 2 * (
    (LAST - FIRST).days - 1
)  # of two cities; those of the last two days settle after the last as-of time


def change_quote(bid, ask):
    """Another last quote of one market before the as-of time."""

    def change(inputs):
        path = inputs.candles[SERIES[0], DAY]
        rows = pq.read_table(path).to_pylist()
        last = [row for row in rows if row["market_ticker"] == f"{EVENT}-B1" and row["end_period_ts"] <= ASOF][-1]
        last["yes_bid_close"], last["yes_ask_close"] = (None if one is None else Decimal(one) for one in (bid, ask))
        files.write_parquet(path, pa.Table.from_pylist(rows, schemas.CANDLES), files.read_meta(path))

    return change


def change_listing(change_rows):
    """Change the catalog's rows of the event; of those that a change returns none but these are kept."""

    def change(inputs):
        path = inputs.catalogs[SERIES[0]]
        rows = pq.read_table(path).to_pylist()
        own = [row for row in rows if row["climate_date"] == DAY]
        kept = change_rows(own) or own
        rows = [row for row in rows if row["climate_date"] != DAY] + kept
        files.write_parquet(path, pa.Table.from_pylist(rows, schemas.CATALOG), files.read_meta(path))

    return change


def each(**values):
    """A change of all rows of an event."""
    return change_listing(lambda rows: [row | values for row in rows])


def first(**values):
    """A change of the first row of an event."""
    return change_listing(lambda rows: [rows[0] | values, *rows[1:]])


def without_second(rows):
    """An event's rows without the second market, of which the first won."""
    return [rows[0] | {"result": "yes"}, *(row | {"result": "no"} for row in rows[2:])]


def no_candles(inputs):
    """No file of candles."""
    Path(inputs.candles[SERIES[0], DAY]).unlink()


def user_forgets(inputs):
    """The user's file has no row of one market."""
    table = pq.read_table(inputs.user_file)
    rows = [row for row in table.to_pylist() if row["market_ticker"] != f"{EVENT}-B2"]
    pq.write_table(pa.Table.from_pylist(rows, table.schema), inputs.user_file)


def at(ts):
    """An instant from Unix seconds."""
    return dt.datetime.fromtimestamp(ts, dt.UTC)


LAST_ASOF = climate_days.asof_ts(climate_days.station_of(SERIES[0]), LAST, "23:00", 1)
ODD = {
    # what: (change, why it is not scored, whether it has probabilities, whether the last weights are fitted to it)
    "a bid of zero": (change_quote("0", "0.05"), None, True, True),
    "no ask": (change_quote("0.9", "1"), None, True, True),
    "crossed": (change_quote("0.5", "0.4"), "NO_PRICE", False, False),
    "an empty book": (change_quote("0", "1"), "NO_PRICE", False, False),
    "a null bid": (change_quote(None, "0.4"), "NO_PRICE", False, False),
    "no candles": (no_candles, "NO_PRICE", False, False),
    "no probability": (user_forgets, "NO_PROBABILITY", False, False),
    "two winners": (each(result="yes"), "NOT_ONE_WINNER", True, False),
    "no winner": (each(result="no"), "NOT_ONE_WINNER", True, False),
    "a scalar result": (first(result="scalar"), "NOT_ONE_WINNER", True, False),
    "no result": (first(result=None), "NOT_ONE_WINNER", True, False),
    "a gap": (change_listing(without_second), "NOT_A_LADDER", False, False),
    "an overlap": (first(cap_strike=74.0), "NOT_A_LADDER", False, False),
    "no time of settlement": (first(settlement_ts=None), None, True, False),
    "settled at the last as-of time": (first(settlement_ts=at(LAST_ASOF)), None, True, True),
    "settled a second later": (first(settlement_ts=at(LAST_ASOF + 1)), None, True, False),
    "settled a part of a second later": (
        first(settlement_ts=at(LAST_ASOF) + dt.timedelta(microseconds=1)),
        None,
        True,
        False,
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_one_odd_event(tmp_path, name):
    change, reason, has_probabilities, is_fitted_to = ODD[name]
    inputs = make_inputs(tmp_path, 10)
    change(inputs)
    rows, meta = made(inputs)
    assert sum(ticker.startswith(EVENT) for ticker in rows) == (MARKETS if has_probabilities else 0)
    assert meta["events_without"] == ({} if has_probabilities else {EVENT: reason})
    last = [row for row in rows.values() if row["climate_date"] == LAST and row["series_ticker"] == SERIES[0]]
    assert {row["training_events"] for row in last} == {SETTLED_BEFORE_LAST - (not is_fitted_to)}
    p = {row["market_ticker"]: float(row["p_yes"]) for row in pq.read_table(inputs.user_file).to_pylist()}
    edge = edge_scores(event_ladders(inputs.config, inputs.catalogs, inputs.candles, p), {})["edge"]
    assert edge["left_out"] == ({} if reason is None else {reason: 1})
    assert edge["events"] == 2 * ((LAST - FIRST).days + 1) - (reason is not None)
    by_place = {name: one["left_out"] for name, one in edge["by"]["station"].items()}
    assert Counter(by_place["KMDW max"]) == Counter(edge["left_out"]) and by_place["KMIA max"] == {}
