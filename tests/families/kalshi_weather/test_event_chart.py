"""The chart of an event: which event is meant, and what is said if there is none."""

import datetime as dt

import pytest

from tests.workflow.harness import CHICAGO
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.families.kalshi_weather.report.event_chart import event_page
from tradewinds.results.report.run import ReportRun

DAY = dt.date(2025, 5, 2)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = resolve.resolve(CHICAGO | {"date_start_local": "2025-05-01", "date_end_local": "2025-05-03"})
    return ReportRun(tmp_path, {}, {}, config, "USD")


@pytest.mark.parametrize(("name", "day"), [("KXHIGHCHI", DAY), ("KXHIGHCHI-25MAY02", None)])
def test_an_event_has_two_names(run, name, day):
    with pytest.raises(DataMissing) as missing:
        event_page(run, name, day)
    assert missing.value.where.endswith("KXHIGHCHI/2025-05-02.parquet") and "folder" in missing.value.remedy


@pytest.mark.parametrize(
    ("name", "day", "said"),
    [
        ("KXHIGHCHI", None, "many events; name the day"),
        ("KXHIGHCHI", dt.date(2025, 6, 1), "no such event"),
        ("KXHIGHMIA", DAY, "no such event"),
        ("KXHIGHCHI-25MAY09", None, "no such event"),
    ],
)
def test_what_is_no_event_of_the_run_is_refused(run, name, day, said):
    with pytest.raises(ConfigError, match=said) as refused:
        event_page(run, name, day)
    assert "KXHIGHCHI-25MAY01" in refused.value.remedy
