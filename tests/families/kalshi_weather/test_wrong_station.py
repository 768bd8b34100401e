"""Climate reports of another station stop a run; a few days that disagree, or too few days, do not."""

import datetime as dt

import pyarrow as pa
import pytest

from tradewinds.core import files
from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.validations.wrong_station import refuse_wrong_stations

FIRST = dt.date(2026, 3, 1)
RIGHT, WRONG = 40, 50


def world(tmp_path, series, reported, *, validation="skip", final=True):
    """Arguments of the check: a day of one winner at 40° for each reported extreme, of which the config has the first."""
    station, column = "KNYC", "low_f" if "LOW" in series else "high_f"
    days = [FIRST + dt.timedelta(days=n) for n in range(len(reported))]
    markets = [
        {"climate_date": day, "market_ticker": f"{series}-{day}-{kind}", "result": result, "strike_type": kind}
        | {"floor_strike": 40.0, "cap_strike": 41.0, "yes_sub_title": None}
        for day in days
        for kind, result in (("between", "yes"), ("greater_or_equal", "yes"))
    ]
    catalog, climate = tmp_path / "catalog.parquet", tmp_path / "climate.parquet"
    fields = [schemas.CATALOG.field(name) for name in markets[0]]
    files.write_parquet(catalog, pa.Table.from_pylist(markets, pa.schema(fields)), {})
    reports = [
        {
            "station_id": station,
            "climate_date": day,
            "high_f": None,
            "low_f": None,
            "issued_ts": 0,
            "product": "",
            "final": final,
        }
        | {column: degrees, "known_at_ts": 0}
        for day, degrees in zip(days, reported, strict=True)
    ]
    files.write_parquet(climate, pa.Table.from_pylist(reports, schemas.CLIMATE), {})
    config = {"date_start_local": FIRST, "date_end_local": FIRST, "on_missing": {"validation": validation}}
    return config, {series: str(catalog)}, [str(climate)]


@pytest.mark.parametrize("series", ["KXHIGHNY", "KXLOWTNYC"])
@pytest.mark.parametrize("validation", ["skip", "fail", {"one_winner": "warn"}])
@pytest.mark.parametrize("reported", [[WRONG] * 5, [RIGHT, WRONG] * 3, [WRONG] * 20 + [RIGHT] * 19])
def test_reports_that_most_days_contradict_stop_the_run_and_name_both(tmp_path, series, validation, reported):
    with pytest.raises(SimulationError) as caught:
        refuse_wrong_stations(*world(tmp_path, series, reported, validation=validation))
    words = str(caught.value)
    assert series in words and "KNYC" in words and f"on {reported.count(WRONG)} of {len(reported)} days" in words
    assert ("lows" if "LOW" in series else "highs") in words and "2026-03-0" in words and "\n" not in words
    assert "settlement_matches_report to warn" in caught.value.remedy


@pytest.mark.parametrize("reported", [[RIGHT] * 9, [RIGHT] * 4 + [WRONG] * 3, [WRONG] * 4, [None] * 9])
def test_single_days_few_days_and_days_without_a_report_do_not(tmp_path, reported):
    refuse_wrong_stations(*world(tmp_path, "KXHIGHNY", reported))


def test_preliminary_reports_are_not_compared(tmp_path):
    refuse_wrong_stations(*world(tmp_path, "KXHIGHNY", [WRONG] * 9, final=False))


@pytest.mark.parametrize("validation", ["warn", {"settlement_matches_report": "warn"}])
def test_a_config_that_only_warns_goes_on(tmp_path, validation):
    refuse_wrong_stations(*world(tmp_path, "KXHIGHNY", [WRONG] * 9, validation=validation))
