"""Minute files that carry a zone which is not theirs are seen by where their volume lies."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from tests.workflow.door_minutes import CONFIG
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.equities_intraday.fetch import user_minutes
from tradewinds.families.plan import run_plan

NEW_YORK = ZoneInfo("America/New_York")


def write(path, zone, months=(6,), extended=True, only=None):
    """Five-minute steps of minute bars; stamped by the clock of `zone`, with the zone UTC; `only` in these months."""
    lines = ["symbol,datetime,open,high,low,close,volume"]
    for month in months:
        for day in range(3, 28):
            date = dt.date(2024, month, day)
            if date.weekday() > 4 or (month, day) in ((6, 19), (1, 15)):
                continue
            first, last = (4 * 60, 20 * 60) if extended else (570, 960)
            for minute in range(first, last, 3):
                at = dt.datetime.combine(date, dt.time(minute // 60, minute % 60), NEW_YORK)
                clock = zone if only is None or month in only else ZoneInfo("UTC")
                stamp = at.astimezone(clock).replace(tzinfo=dt.UTC)
                volume = 900 + minute if 570 <= minute < 960 else 40
                lines.append(f"AAA,{stamp.isoformat()},100,101,99,100.5,{volume}")
    path.write_text("\n".join(lines) + "\n")


def read(tmp_path):
    import yaml

    raw = yaml.safe_load(CONFIG)
    raw |= {"symbols": ["AAA"], "bars": {"source": "files", "path": str(tmp_path / "m.csv"), "warmup_sessions": 1}}
    raw |= {"date_start_local": "2024-06-10", "date_end_local": "2024-06-20"}
    config = resolve.resolve(raw)
    user_minutes.import_minutes(config, run_plan(config).files.months)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("extended", [True, False])
def test_a_true_zone_is_read(tmp_path, extended):
    write(tmp_path / "m.csv", ZoneInfo("UTC"), extended=extended)
    read(tmp_path)


@pytest.mark.parametrize("zone", ["America/New_York", "America/Chicago", "Europe/London", "Asia/Tokyo", "Asia/Kolkata"])
@pytest.mark.parametrize("extended", [True, False], ids=["extended", "session"])
def test_a_local_clock_with_a_zone_is_refused_with_the_evidence(tmp_path, zone, extended):
    write(tmp_path / "m.csv", ZoneInfo(zone), extended=extended)
    with pytest.raises(ConfigError, match=r"look like another time zone.*bars\.timezone; one clock for all rows"):
        read(tmp_path)


def test_a_clock_that_is_wrong_in_summer_alone_is_said_so(tmp_path):
    write(tmp_path / "m.csv", ZoneInfo("Europe/London"), months=(1, 2, 6))
    with pytest.raises(ConfigError, match=r"zone( in summer)?: \d+% of the volume .* not too late by 1 h"):
        read(tmp_path)
