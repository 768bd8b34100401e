"""A user's minute files as an archive: served as the chart API's, a fetch has the same bars."""

import datetime as dt
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
import requests

from tradewinds.archive.server import running_server
from tradewinds.cli import app as program
from tradewinds.families.equities_intraday import archive_routes
from tradewinds.families.equities_intraday.archive_routes import ONE_MINUTE, PREFIX

NEW_YORK = ZoneInfo("America/New_York")
CONFIG = """market: equities_intraday
symbols: [AAA, BBB]
date_start_local: 2024-07-09
date_end_local: 2024-07-10
bars: {{source: {source}, path: {path}, minutes: {minutes}, label: start, timezone: America/New_York}}
orb: {{base_minutes: 15, adaptive: false}}
trade: {{stop_mode: or_mid, partials: false, primary_r: 2}}
governance: {{max_signals_per_day: 1, time_cutoff: null}}
risk: {{start_balance: 100000, sizing: fixed_shares, fixed_shares: 100}}
"""


def bars():
    """(start, open, high, low, close, volume) of three sessions."""
    opens = [dt.datetime(2024, 7, day, 9, 30, tzinfo=NEW_YORK) for day in (8, 9, 10)]
    starts = [opened + dt.timedelta(minutes=minute) for opened in opens for minute in range(390)]
    return [
        (at, 100 + n % 7 / 4, 100.5 + n % 7 / 4, 99.5 + n % 7 / 4, 100.25 + n % 7 / 4, 100 + n)
        for n, at in enumerate(starts)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["symbol,datetime,open,high,low,close,volume"]
    lines += [f"AAA,{row[0]:%Y-%m-%d %H:%M:%S},{','.join(map(str, row[1:]))}" for row in bars()]
    lines.append("AAA,2024-07-10 16:30:00,1,2,3,4,5")  # after the close, and its high is below its low
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def written(folder, source="files", path="m.csv", minutes=1):
    (folder / "c.yaml").write_text(CONFIG.format(source=source, path=path, minutes=minutes))
    return ["archive", "import", "--config", "c.yaml", "--out", "made"]


def run(arguments):
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    return ended.value.code


def test_the_archive_answers_with_the_minutes_of_the_files(folder, capsys):
    assert run(written(folder)) == 0
    assert "archive of minutes of 1 symbol" in capsys.readouterr().out
    now = dt.datetime(2024, 7, 12, tzinfo=dt.UTC)
    with mock.patch.object(archive_routes, "utc_now", lambda: now), running_server(folder / "made") as server:
        times = {"period1": int((now - dt.timedelta(days=6)).timestamp()), "period2": int(now.timestamp())}
        url = f"{server.root}{PREFIX}AAA{ONE_MINUTE}"
        (result,) = requests.get(url, params=times, timeout=5).json()["chart"]["result"]
    (quote,) = result["indicators"]["quote"]
    found = list(
        zip(result["timestamp"], *(quote[name] for name in ("open", "high", "low", "close", "volume")), strict=True)
    )
    assert found == [(int(row[0].timestamp()), *row[1:]) for row in bars()]
    assert result["meta"]["exchangeTimezoneName"] == "America/New_York" and result["meta"]["currency"] == "USD"


@pytest.mark.parametrize(
    ("changes", "said", "code"),
    [
        ({"minutes": 5}, "bars.minutes: the bars are of 5 minutes", 2),
        ({"path": "nothing.csv"}, "nothing.csv", 3),
    ],
)
def test_what_cannot_be_imported_is_one_paragraph_and_leaves_nothing(folder, capsys, changes, said, code):
    assert run(written(folder, **changes)) == code
    found = capsys.readouterr().err
    assert said in found and found.count("\n") == 1, found
    assert not (folder / "made").exists()


def test_a_config_without_files_is_refused(folder, capsys):
    arguments = written(folder)
    text = (folder / "c.yaml").read_text()
    bars_of_files = text[text.index("bars: ") : text.index("orb:")]
    (folder / "c.yaml").write_text(text.replace(bars_of_files, "bars: {source: synthetic}\n"))
    assert run(arguments) == 2
    assert "bars.source: bars.source is synthetic, and there are no files to import." in capsys.readouterr().err


def test_an_exchange_is_asked_for_perpetuals_alone(folder, capsys):
    assert run([*written(folder), "--exchange", "binance"]) == 2
    assert "--exchange: the market is equities_intraday" in capsys.readouterr().err
