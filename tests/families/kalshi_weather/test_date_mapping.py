"""DATE_MAPPING: an event whose tickers name another date, another station or none is left out before anything else is asked."""

import csv

import pytest

from tests.families.kalshi_weather.test_validations import DAYS, EVENTS, FIRST, SERIES, Month, failed
from tradewinds.core import files
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.plan import PlannedEvent
from tradewinds.families.kalshi_weather.run_files import write_event_data

LEGACY = ("HIGHCHI-25MAR09", "HIGHCHI-2-25MAR09", "KXHIGHCHI-1-25MAR09")
UNMAPPED = (
    "KXHIGHCHI-25MAR08",
    "KXHIGHCHI-25MAR10",
    "KXHIGHCHI-24MAR09",
    "KXHIGHCHI-25FEB30",
    "KXHIGHCHI-25MÄR09",
    "KXHIGHCHI-TEST",
    "KXHIGHCHI",
    "KXHIGHORD-25MAR09",
    "HIGHMIA-25MAR09",
    "KXHIGHCHI25MAR09",
    "",
)


@pytest.mark.slow
@pytest.mark.parametrize("ticker", UNMAPPED)
@pytest.mark.parametrize("markets", [slice(None), slice(1)], ids=["all markets", "one"])
def test_an_event_that_cannot_be_mapped_is_skipped_and_stops_nothing(tmp_path, ticker, markets):
    month = Month(tmp_path, on_missing={"validation": "fail"})
    for market in month.markets[DAYS[0]][markets]:
        market["event_ticker"] = ticker
    result = month.simulate()
    assert result.skipped == [(FIRST, "DATE_MAPPING")] and not failed(result)
    assert result.diagnostics["events_skipped"] == {"DATE_MAPPING": 1} and result.diagnostics["quarantined"] == []
    assert (
        {trade.event_ticker for trade in result.trades}
        == {EVENTS[1]}
        == {scored.event_ticker for scored in result.scored}
    )


@pytest.mark.parametrize("ticker", LEGACY)
def test_legacy_tickers_are_of_their_series(tmp_path, ticker):
    month = Month(tmp_path)
    for market in month.markets[DAYS[0]]:
        for name in ("event_ticker", "market_ticker"):
            market[name] = market[name].replace(FIRST, ticker)
    for row in [*month.known[DAYS[0]], *month.candles[DAYS[0]]]:
        row["market_ticker"] = row["market_ticker"].replace(FIRST, ticker)
    month.said[DAYS[0]] = {}
    result = month.simulate()
    assert not result.skipped and {trade.event_ticker for trade in result.trades} == {ticker, EVENTS[1]}


def test_it_comes_before_every_other_reason(tmp_path):
    month = Month(tmp_path)
    month.set("markets", 0, event_ticker="KXHIGHCHI-TEST", result=None)
    month.set("markets", 1, result="no")
    month.candles[DAYS[0]].clear()
    month.known[DAYS[0]].clear()
    assert month.simulate().skipped == [(FIRST, "DATE_MAPPING")]
    month.set("markets", 0, event_ticker=FIRST)
    assert month.simulate().skipped == [(FIRST, "UNSETTLED")]


@pytest.mark.parametrize("event_of_other", [None, "VALIDATION:one_winner"])
def test_the_table_of_events_tells_two_events_of_one_name_apart(tmp_path, event_of_other):
    """The catalog lists the second date's event under the first date's ticker; so does the file that was fetched for it."""
    skipped = {EVENTS[1]: "DATE_MAPPING"} | ({FIRST: event_of_other} if event_of_other else {})
    kept = {"event_ticker": FIRST, "markets": [], "rows_per_market": {}, "missing_minutes": {}, "tier": None}
    for day in DAYS:
        told = kept | {"requests": 1, "retries": 0, "kept_from": None, "reason": None}
        files.write_parquet(tmp_path / f"{day}.parquet", schemas.CANDLES.empty_table(), told)
    events = [PlannedEvent(SERIES, day, str(tmp_path / f"{day}.parquet")) for day in DAYS]
    write_event_data(tmp_path, events, skipped)
    with open(tmp_path / "events.csv", newline="") as file:
        found = {row["climate_date"]: row["skipped"] for row in csv.DictReader(file)}
    assert found == {str(DAYS[0]): event_of_other or "", str(DAYS[1]): "DATE_MAPPING"}
