"""An event that is open at this very time: a run leaves it out, `probabilities` and `today` show its prices of now."""

import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pytest

from tests.workflow.harness import Desk
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import CANDLES, MARKETS, EventArchiveWriter

SERIES = "KXHIGHNY"
LADDER = (
    ("T40", "less", None, 40),
    ("B40.5", "between", 40, 41),
    ("B42.5", "between", 42, 43),
    ("T43", "greater", 43, None),
)
CHANCES = (0.1, 0.6, 0.2, 0.1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desk whose config has one day, the running one, of which no market has a result."""
    folder, now = tmp_path_factory.mktemp("open"), dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    day = now.date()
    event = climate_days.event_ticker_of(SERIES, day)
    rows = [
        market_objects.market_row(
            series_ticker=SERIES,
            event_ticker=event,
            market_ticker=f"{event}-{name}",
            strike_type=kind,
            floor=floor,
            cap=cap,
            yes_sub_title=market_objects.subtitle(kind, floor, cap),
            result="",
            open_time=dt.datetime.combine(day - dt.timedelta(days=1), dt.time(15), dt.UTC),
            close_time=dt.datetime.combine(day + dt.timedelta(days=1), dt.time(4, 59), dt.UTC),
            settlement_ts=dt.datetime.combine(day + dt.timedelta(days=1), dt.time(14), dt.UTC),
            status="closed",
        )
        for name, kind, floor, cap in LADDER
    ]
    writer = EventArchiveWriter(folder / "arc", note="open")
    writer.add_series([market_objects.series_object(SERIES)])
    writer.add_events([market_objects.event_row(SERIES, event)])
    writer.add_markets(pa.Table.from_pylist(rows, MARKETS))
    ends = [int((now - dt.timedelta(minutes=n)).timestamp()) for n in range(60, 0, -1)]
    candles = [candle(row["market_ticker"], end) for row in rows for end in ends]
    writer.add_candles(SERIES, event, pa.Table.from_pylist(candles, CANDLES))
    with running_server(folder / "arc") as server:
        risk = {"start_balance_usd": 1000, "min_ev_per_contract": 0.05, "fixed_qty": 1, "max_contracts_per_market": 1}
        desk = Desk(
            folder / "desk",
            server,
            series_tickers=[SERIES],
            date_start_local=day.isoformat(),
            date_end_local=day.isoformat(),
            asof_policy={"local_time": "17:00", "days_before": 1},
            probabilities={"source": "file", "path": "probs.csv"},
            risk=risk,
        )
        known = (now - dt.timedelta(hours=30)).isoformat()
        lines = [f"{row['market_ticker']},{known},{p}" for row, p in zip(rows, CHANCES, strict=True)]
        (desk.folder / "probs.csv").write_text("\n".join(["market_ticker,known_at_utc,p_yes", *lines]) + "\n")
        yield desk


def candle(ticker, end):
    bid, ask = Decimal("0.25"), Decimal("0.30")
    row = {"market_ticker": ticker, "end_period_ts": end, "volume": Decimal(1), "open_interest": Decimal(1)}
    row |= {f"yes_bid_{name}": bid for name in ("open", "high", "low", "close")}
    row |= {f"yes_ask_{name}": ask for name in ("open", "high", "low", "close")}
    return row | {f"price_{name}": None for name in ("open", "high", "low", "close", "mean", "previous")}


def test_a_run_leaves_it_out_and_says_where_it_is_shown(desk):
    for _ in range(2):  # it is asked again whether the event has closed
        done = desk.run()
        said = " ".join(done.stdout.split())
        assert done.returncode == 0, done.stderr
        assert "still open, left out as UNSETTLED. `tradewinds today` shows it now" in said
        assert desk.metrics()["diagnostics"]["events_skipped"] == {"UNSETTLED": 1}
    recorded = desk._call(desk.command("record", "config.yaml", "--out", "recorded"))
    assert recorded.returncode in (2, 3) and not (desk.folder / "recorded").exists()


def test_probabilities_show_the_prices_of_now(desk):
    done = desk._call(desk.command("probabilities", "config.yaml", "--json"))
    rows = json.loads(done.stdout)
    assert [row["p_yes"] for row in rows] == [*CHANCES]
    assert {(row["yes_bid"], row["yes_ask"]) for row in rows} == {(0.25, 0.3)}
    assert [row["edge_yes"] for row in rows] == [-0.2, 0.3, -0.1, -0.2]
    assert "still open: prices are those of" in " ".join(done.stderr.split())


def test_today_shows_it_with_what_the_strategy_would_buy(desk):
    [event] = json.loads(desk._call(desk.command("today", "config.yaml", "--json")).stdout)["events"]
    assert event["state"] == "open" and event["price_age_s"] < 60
    found = [(row["net_ev_yes"], row["net_ev_no"], [o["side"] for o in row["orders"]]) for row in event["brackets"]]
    assert found == [
        ("-0.22", "0.13", ["NO"]),
        ("0.28", "-0.37", ["YES"]),
        ("-0.12", "0.03", []),
        ("-0.22", "0.13", ["NO"]),
    ]
