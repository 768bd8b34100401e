"""Recording small folders of fetched files: objects as the exchange sends them, and refusals of what an archive cannot say."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.families.kalshi_weather.candle_files import write_candles
from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, DamagedFile, DataMissing
from tradewinds.core.files import write_parquet
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive import record
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.fetch import catalog
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.sources.budget import Budget
from tradewinds.sources.endpoint import Endpoint
from tradewinds.sources.http import HttpClient

CHICAGO = climate_days.station_of("KXHIGHCHI")
NOW = dt.datetime(2025, 7, 1, 12, tzinfo=dt.UTC)
OPEN = dt.datetime(2025, 5, 1, 14, tzinfo=dt.UTC)
RAW = {
    "market_type": "binary",
    "open_time": "2025-05-01T14:00:00Z",
    "close_time": "2025-05-03T04:59:00Z",
    "status": "finalized",
    "strike_type": "between",
    "rules_primary": "If the °F …",
}


def market(ticker, **changes):
    """A catalog row and the object it came from; its fraction is text, as the catalog keeps it."""
    event = ticker.rsplit("-", 1)[0]
    settled = {"result": "yes", "settlement_ts": "2025-05-03T14:00:00Z", "settlement_value_dollars": "1.0000"}
    raw = RAW | settled | {"ticker": ticker, "event_ticker": event, "floor_strike": 55.5, "cap_strike": 60}
    row = dict.fromkeys(schemas.CATALOG.names) | {"series_ticker": "KXHIGHCHI", "event_ticker": event}
    row |= {"market_ticker": ticker, "climate_date": dt.date(2025, 5, 2), "market_type": "binary", "tier": "live"}
    row |= {"floor_strike": 55.5, "cap_strike": 60.0, "status": "finalized", "result": "yes", "fee_type": "quadratic"}
    row |= {"settlement_value": Decimal(1), "settlement_ts": OPEN + dt.timedelta(days=2), "fee_multiplier": Decimal(1)}
    row |= {"open_time": OPEN, "close_time": OPEN + dt.timedelta(days=1, hours=14, minutes=59), "retrieved_at": NOW}
    return row | {"raw": json.dumps(raw | changes.pop("raw", {}))} | changes


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Fetch nothing, but leave what a fetch of some catalog rows would; returns config and plan."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("market_ticker,known_at_utc,p_yes\n")

    def files(*rows):
        asked = {"series_tickers": ["KXHIGHCHI"], "date_start_local": "2025-05-02", "date_end_local": "2025-05-02"}
        asked |= {"asof_policy": {"local_time": "23:00", "days_before": 1}, "trade_window_policy": "market_close"}
        asked |= {"cadence_minutes": 1, "execution_model": "taker", "risk": {}, "output_dir": "backtests"}
        conf = resolve.resolve(asked | {"probabilities": {"source": "file", "path": "mine.csv"}})
        plan = plan_of(conf)
        meta = {"covers_through": "2025-06-01", "asked_through": "2025-06-01"}
        write_parquet(plan.files.catalogs["KXHIGHCHI"], pa.Table.from_pylist(list(rows), schemas.CATALOG), meta)
        for event in plan.files.events:
            write_candles(event.path)
        return conf, plan

    return files


BOTH = [market("KXHIGHCHI-25MAY02-B55"), market("KXHIGHCHI-25MAY02-T60")]


def synced_again(archive):
    """The catalog that a served archive's answers give."""
    with running_server(archive) as server:
        budget = Budget(server.root, 1000, 4, folder=Path("budget"))
        client = HttpClient(Endpoint(server.url_of("kalshi"), 1000, 4, 5, 0), budget=budget)
        table, _ = catalog.sync_catalog(client, CHICAGO, None, NOW)
    return table.to_pylist()


def test_objects_are_those_that_were_fetched(fetched):
    late = {"result": "", "status": "closed", "settlement_ts": None, "settlement_value_dollars": None}
    rows = [market("KXHIGHCHI-25MAY02-B55"), market("KXHIGHCHI-25MAY02-T60", raw=late | {"floor_strike": None})]
    rows[1]["floor_strike"] = None
    other_day = market("KXHIGHCHI-25MAY03-T60", climate_date=dt.date(2025, 5, 3), fee_multiplier=Decimal("0.5"))
    assert record.record(*fetched(*rows, other_day), "out/archive") == 1
    archive = EventArchive("out/archive")
    objects = [json.loads(row["raw"]) for row in archive.markets]
    assert objects[0] == json.loads(rows[0]["raw"])
    assert (objects[1]["result"], objects[1]["status"]) == ("yes", "finalized"), "a later listing had forgotten it"
    assert objects[1]["floor_strike"] is None and type(objects[1]["cap_strike"]) is int
    assert list(archive.events) == ["KXHIGHCHI-25MAY02"]
    assert archive.candles("KXHIGHCHI", "KXHIGHCHI-25MAY02").num_rows == 6
    same = [name for name in schemas.CATALOG.names if name not in ("raw", "tier")]
    again = synced_again("out/archive")
    for row, first in zip(again, rows, strict=True):
        assert {name: row[name] for name in same} == {name: first[name] for name in same} | {
            "strike_type": "between",
            "expiration_value": None,
        }


def test_the_fee_is_the_one_that_was_fetched(fetched):
    rows = [row | {"fee_type": "flat", "fee_multiplier": Decimal("0.5")} for row in BOTH]
    record.record(*fetched(*rows), "archive")
    series = EventArchive("archive").series["KXHIGHCHI"]
    assert (series["fee_type"], series["fee_multiplier"]) == ("flat", 0.5)


def test_what_an_archive_cannot_say_is_refused_and_leaves_nothing(fetched, tmp_path):
    conf, plan = fetched(BOTH[0], BOTH[1] | {"fee_multiplier": Decimal("0.5")})
    with pytest.raises(
        ConfigError, match=r"KXHIGHCHI: its markets have several fees \(quadratic × 0.5.* and quadratic"
    ):
        record.record(conf, plan, "out/archive")
    assert list((tmp_path / "out").iterdir()) == []
    Path(plan.files.events[0].path).write_bytes(b"torn")
    with pytest.raises(DamagedFile, match=plan.files.events[0].path):
        record.record(conf, plan, "out/archive")
    Path(plan.files.events[0].path).unlink()
    with pytest.raises(DataMissing, match=f"1 file.*\n  {plan.files.events[0].path}"):
        record.record(conf, plan, "out/archive")


def test_a_series_renamed_within_a_day_keeps_both_events(fetched):
    rows = [BOTH[0], market("HIGHCHI-25MAY02-T60")]
    conf, plan = fetched(*rows)
    table = pa.Table.from_pylist(
        [
            row | {"market_ticker": row["market_ticker"].replace("KXHIGHCHI-25MAY02-T60", "HIGHCHI-25MAY02-T60")}
            for row in pq.read_table(plan.files.events[0].path).to_pylist()
        ],
        schemas.CANDLES,
    )
    counts = {"KXHIGHCHI-25MAY02-B55": 3, "HIGHCHI-25MAY02-T60": 3}
    write_parquet(plan.files.events[0].path, table.sort_by("market_ticker"), {"rows_per_market": counts})
    assert record.record(conf, plan, "archive") == 2
    archive = EventArchive("archive")
    assert [archive.candles("KXHIGHCHI", event).num_rows for event in sorted(archive.events)] == [3, 3]
    assert {row["event_ticker"] for row in synced_again("archive")} == {"HIGHCHI-25MAY02", "KXHIGHCHI-25MAY02"}
