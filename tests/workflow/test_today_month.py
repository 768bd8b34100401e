"""The board against the recorded month of Chicago: at every clock it has the probabilities and prices that the run had then."""

import datetime as dt
from decimal import Decimal

import pyarrow.parquet as pq

from tests.workflow.harness import CHICAGO, TEN_DAYS
from tradewinds.archive.clock import ServerClock
from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.families.kalshi_weather.today.board import BoardMaker
from tradewinds.pipeline.jobs import export_environment

CLOCKS = [dt.datetime(2025, 5, day, hour, 7, tzinfo=dt.UTC) for day in (12, 15, 18) for hour in (5, 13, 16, 22)]


def test_the_board_of_every_clock_is_what_the_run_knew(ten_days, chicago_archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [path] = ten_days.folder.glob("data/probabilities/*.parquet")
    of_run = {row["market_ticker"]: row for row in pq.read_table(path).to_pylist()}
    candles = [row for file in ten_days.candle_files() for row in pq.read_table(file).to_pylist()]
    clock, in_force = ServerClock(CLOCKS[0], speed=0), 0
    with running_server(chicago_archive, clock=clock) as server:
        services = {name: {"base_url": server.urls[name], "requests_per_second": 400} for name in ("kalshi", "iem")}
        config = resolve.resolve({**CHICAGO, **TEN_DAYS, **services})
        export_environment(config)
        maker = BoardMaker(config, "config.yaml", lambda line: None)
        for moment in CLOCKS:
            clock.move_to(moment)
            board = maker.make().as_json()
            assert board["events"] and board["unanswered"] == {}
            for event in board["events"]:
                for row in event["brackets"]:
                    ticker = row["market_ticker"]
                    seen = [
                        c for c in candles if c["market_ticker"] == ticker and c["end_period_ts"] <= moment.timestamp()
                    ]
                    last = max(seen, key=lambda candle: candle["end_period_ts"], default=None)
                    if last:
                        assert Decimal(row["yes_bid"] or 0) == last["yes_bid_close"], (moment, ticker)
                        assert Decimal(row["yes_ask"] or 1) == last["yes_ask_close"], (moment, ticker)
                    if event["state"] == "open" and ticker in of_run:
                        assert Decimal(row["p_yes"]) == of_run[ticker]["p_yes"], (moment, ticker)
                        in_force += 1
    assert in_force > 60
