"""What the family of temperature events tells a run while it fetches, and when it is made."""

import datetime as dt
from pathlib import Path

import pytest

from tests.families.kalshi_weather.candle_files import states, write_candles
from tests.families.kalshi_weather.catalog_files import catalog
from tests.workflow.harness import CHICAGO
from tradewinds.config import resolve
from tradewinds.core.errors import FetchError
from tradewinds.families.kalshi_weather.family import FAMILY
from tradewinds.families.plan import due_files

DAY = dt.date(2025, 5, 2)
ABOUT = {"fetched": 12, "inserted": 3, "updated": 1, "covers_through": "2025-05-03"}
NOTE = "catalog of {}: 12 markets listed, 3 new, 1 changed, closes 2021-09-01 to 2025-05-03; final through 2025-05-03"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def planned(url="sqlite:///t.db", *series):
    dates = {"date_start_local": dt.date(2025, 5, 1), "date_end_local": DAY}
    named = {"series_tickers": list(series or ("KXHIGHCHI",)), "database": {"url": url}}
    conf = resolve.resolve(CHICAGO | dates | named)
    return conf, FAMILY.plan(conf)


def synced(path, series, covers="2025-05-03"):
    closes = {"earliest_close": "2021-09-01T05:00:00+00:00", "latest_close": "2025-05-03T05:00:00+00:00"}
    about = {"series_ticker": series, "markets": 12, **closes, **ABOUT, "covers_through": covers}
    return catalog(path, (DAY, "A", "yes"), **about)


def test_missing_candle_files_have_checkpoints_while_they_are_fetched():
    conf, plan = planned()
    first, second = (event.path for event in plan.files.events)
    write_candles(first)
    with pytest.raises(FetchError), FAMILY.backfill(conf, plan, lambda: {second: "no answer"}):
        assert states("sqlite:///t.db") == {2: ("RUNNING", None)}, "only of the file that is missing"
        raise FetchError("no answer")
    assert states("sqlite:///t.db") == {2: ("FAILED", "no answer")}


def test_a_run_with_nothing_to_fetch_opens_no_database():
    conf, plan = planned("sqlite:///nowhere/t.db")
    for event in plan.files.events:
        write_candles(event.path)
    with FAMILY.backfill(conf, plan, dict):
        pass
    assert not Path("nowhere").exists()


def test_each_catalog_that_was_due_has_its_line():
    chicago, miami, denver = "KXHIGHCHI", "KXHIGHMIA", "KXHIGHDEN"
    _, plan = planned("sqlite:///t.db", chicago, miami, denver)
    catalogs = plan.files.catalogs
    synced(catalogs[chicago], chicago, covers="2025-05-01")
    synced(catalogs[miami], miami)
    due = due_files(plan)
    assert [path for path in due if path in catalogs.values()] == [catalogs[denver], catalogs[chicago]]
    assert due[-1] == catalogs[chicago], "what is not there comes first, what ends too early last"
    for series in (chicago, denver):
        synced(catalogs[series], series)
    assert list(FAMILY.fetched_notes(plan, due)) == [NOTE.format(denver), NOTE.format(chicago)]
    assert list(FAMILY.fetched_notes(plan, due_files(plan))) == [], "candles and weather have none"


def test_a_catalog_without_markets_says_no_dates():
    _, plan = planned()
    [path] = plan.files.catalogs.values()
    about = {"series_ticker": "KXHIGHCHI", "markets": 0, "earliest_close": None, "latest_close": None}
    catalog(path, **ABOUT | about | {"fetched": 0, "inserted": 0, "updated": 0})
    assert list(FAMILY.fetched_notes(plan, [path])) == [
        "catalog of KXHIGHCHI: 0 markets listed, 0 new, 0 changed; final through 2025-05-03"
    ]
