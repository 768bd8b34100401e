"""The page of an event: which event is meant, what its chart and tables show, and what is said if there is none."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.families.kalshi_weather.candle_files import write_candles
from tests.unit.results_parts import points, trade, written
from tests.unit.results_parts import run as run_of
from tests.workflow.harness import CHICAGO
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.files import write_parquet
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.plan import events_plan
from tradewinds.families.kalshi_weather.report.event_chart import event_page
from tradewinds.families.kalshi_weather.report.event_drawings import event_drawings
from tradewinds.results.report.parts import Drawing
from tradewinds.results.report.pictures import pictures
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


def market(ticker, bracket, result):
    """A row of the catalog: a market of the event of 2 May."""
    blank = {field.name: "x" if field.type == pa.string() else None for field in schemas.CATALOG}
    settled = dt.datetime(2025, 5, 3, 13, tzinfo=dt.UTC)
    times = dict.fromkeys(("open_time", "close_time", "settlement_ts", "retrieved_at"), settled)
    own = {
        "event_ticker": EVENT,
        "climate_date": DAY,
        "market_ticker": ticker,
        "yes_sub_title": bracket,
        "result": result,
    }
    return blank | times | own


EVENT = "KXHIGHCHI-25MAY02"
BRACKETS = {f"{EVENT}-B55": ("55° to 56°", "yes"), f"{EVENT}-T60": ("60° or above", "no")}
ASOF = int(dt.datetime(2025, 5, 2, 4, tzinfo=dt.UTC).timestamp())


@pytest.fixture
def traded(tmp_path, monkeypatch):
    """A run with two trades and a refused order of one event, whose data is there."""
    monkeypatch.chdir(tmp_path)
    config = resolve.resolve(CHICAGO | {"date_start_local": "2025-05-01", "date_end_local": "2025-05-03"})
    plan = events_plan(config)
    [event] = [event for event in plan.files.events if event.climate_date == DAY]
    for path in (event.path, plan.files.catalogs["KXHIGHCHI"], plan.files.probabilities):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_candles(event.path, minutes=3, first=ASOF)
    rows = [market(ticker, *words) for ticker, words in BRACKETS.items()]
    write_parquet(plan.files.catalogs["KXHIGHCHI"], pa.Table.from_pylist(rows, schemas.CATALOG), {})
    known = [
        {"market_ticker": t, "climate_date": DAY, "p_yes": 0.25, "asof_ts": ASOF, "known_at_ts": ASOF - 60}
        for t in BRACKETS
    ]
    write_parquet(plan.files.probabilities, pa.Table.from_pylist(known), {})
    trades = [
        trade(f"{EVENT}-B55", qty=2, price="0.40", decided="05-02 04:01", settled="05-03 13:00"),
        trade(f"{EVENT}-T60", "BUY_NO", 1, "0.70", pays="0", decided="05-02 04:02", settled="05-03 13:00"),
    ]
    folder = written(tmp_path / "run", run_of(trades, points(("05-02 04:00", "start", "1000"))))
    types = {"qty_wanted": pa.int64(), "price": pa.decimal128(9, 6)}
    refused = {"market_ticker": f"{EVENT}-B55", "first_decision_ts_utc": dt.datetime(2025, 5, 2, 4, 2), "decisions": 17}
    refused |= {
        "side": "NO",
        "qty_wanted": 5,
        "price": Decimal("0.60"),
        "filled": False,
        "reason_code": "OPPOSING_POSITION",
    }
    table = pa.Table.from_pylist([refused])
    for name, kind in types.items():
        table = table.set_column(table.column_names.index(name), name, pa.nulls(1, kind))
    pq.write_table(table, folder / "decisions.parquet")
    return ReportRun(folder, {}, {}, config, "USD")


def test_the_page_has_quotes_model_fills_refusals_and_settlement(traded):
    page = event_page(traded, EVENT, None)
    assert (
        page.title == "Chicago Midway high, Friday 2 May 2025" and page.remark == f"{EVENT}. It settled at 55° to 56°."
    )
    low, high = page.plots[0].data["markets"]
    assert (low["name"], high["name"]) == ("55° to 56°, settled YES", "60° or above, settled NO")
    # quotes are kept where they change, and at the end
    assert low["t"] == [ASOF, ASOF + 120] and low["bid"] == [0.123456] * 2 and high["bid"] == [0.351] * 2
    assert low["probability"] == {"p": 0.25, "from": ASOF, "to": low["settled"]["t"]} and low["settled"]["y"] == 1.0
    assert low["marks"] == [{"t": ASOF + 60, "y": 0.4, "up": True, "remark": "2 YES at 0.40 USD, won 1.18"}]
    # the price of YES where NO was bought, or refused
    assert high["marks"][0]["y"] == pytest.approx(0.3) and high["marks"][0]["remark"].startswith(
        "1 NO at 0.70 USD, lost"
    )
    [cross] = low["crosses"]
    # where it was refused there was no price: the bid at which YES would have been sold
    assert cross == {"t": ASOF + 120, "y": 0.123456, "remark": "NO refused 17 ×: the other side of the market is held"}
    # the same in words
    orders, refused = (panel.parts[0] for panel in page.parts)
    assert [(row[1], row[2], row[8]) for row in orders.rows] == [
        ("55° to 56°", "YES", "won"),
        ("60° or above", "NO", "lost"),
    ]
    assert refused.rows[0][:4] == ("2025-05-02 04:02", "55° to 56°", "NO", "—")
    assert (
        refused.rows[0][-1] == "the other side of the market is held"
        and refused.rows[0][-1].code == "OPPOSING_POSITION"
    )


def test_the_picture_of_a_page_can_be_drawn_and_the_report_links_to_its_light_one(traded):
    assert pictures(event_page(traded, EVENT, None).plots[0], ["svg"])["svg"].startswith(b"<?xml")
    [one, other] = event_drawings(traded, list(BRACKETS))
    assert one.panel is other.panel and one.key == f"event-{EVENT}"
    drawn = [part for part in one.panel.parts if isinstance(part, Drawing)]
    assert [part.title for part in drawn] == ["55° to 56°, settled YES", "60° or above, settled NO"]
    assert "the other side of the market is held" in drawn[0].svg and len(drawn[0].svg) < 5_000


def test_an_event_without_its_candles_is_not_drawn(traded):
    Path(
        next(event.path for event in events_plan(dict(traded.config)).files.events if event.climate_date == DAY)
    ).unlink()
    assert event_drawings(traded, list(BRACKETS)) == []
