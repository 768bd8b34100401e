"""Small trades and runs for the tests of results: dollars and probabilities as strings, times as "05-02 03:04" of 2025."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pyarrow as pa

from tests.unit.engine_parts import micro, pico
from tests.unit.trade_books import books_of, bought
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.column_rows import ColumnRows
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Decision, RunResult
from tradewinds.engine.run_trades import Trade, Trades
from tradewinds.families.kalshi_weather.climate_days import DAYS_PER_YEAR
from tradewinds.families.kalshi_weather.metrics import ForecastOutcome, score_metrics
from tradewinds.families.kalshi_weather.run_files import write_market_names
from tradewinds.families.kalshi_weather.validations.judge import EventFindings, Failure, validation_diagnostics
from tradewinds.pipeline.simulate import about_run
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.manifest import evidence_of, write_manifest

NINE = {
    "series_tickers": ["KXHIGHMIA", "KXHIGHCHI"],
    "date_start_local": dt.date(2025, 5, 1),
    "date_end_local": dt.date(2025, 5, 3),
    "asof_policy": {"local_time": "23:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 1,
    "execution_model": "taker",
    "risk": {},
    "output_dir": "backtests",
}


def conf(**changes):
    return resolve.resolve(NINE | changes, today=dt.date(2026, 1, 1))


def at(text):
    """Unix seconds of "05-02 03:04"."""
    return int(dt.datetime.fromisoformat(f"2025-{text}+00:00").timestamp())


def trade(
    market="KXHIGHMIA-25MAY02-B80.5", side="BUY_YES", qty=1, price="0.40", fee="0.02", *, pays="1", p="0.8", **at_
):
    """A trade whose expected values are those of its price, fee and probability; `pays` is what a contract of it pays."""
    times = {"quoted": "05-02 03:00", "decided": "05-02 03:04", "settled": "05-03 14:00"} | at_
    right = Decimal(p) if side == "BUY_YES" else 1 - Decimal(p)
    gross = pico(right - Decimal(price))
    series, date, _ = market.split("-")
    return Trade(
        series_ticker=series,
        event_ticker=f"{series}-{date}",
        market_ticker=market,
        station_id={"KXHIGHMIA": "KMIA", "KXHIGHCHI": "KMDW"}[series],
        decision_ts=at(times["decided"]),
        quote_ts=at(times["quoted"]),
        side=side,
        model_prob_yes_pico=pico(p),
        ev_gross_pico=gross,
        ev_net_total_pico=gross * qty - pico(fee),
        reason_code="EV_THRESHOLD",
        settled_result="yes" if (side == "BUY_YES") == (pays == "1") else "no",
        settled_ts=at(times["settled"]),
        position=bought(
            *(market, at(times["decided"]), at(times["settled"]), qty, micro(price), micro(fee), qty * micro(pays)),
            leg=side.removeprefix("BUY_"),
        ),
    )


def points(*rows):
    """Equity points from (time, kind, cash) or (time, kind, cash, open value)."""
    return [Point(at(time), kind, micro(cash), micro(value[0]) if value else 0) for time, kind, cash, *value in rows]


def scored(*pairs):
    """Markets from (probability, came true)."""
    return [ForecastOutcome("E", f"E-{n}", pico(p), yes) for n, (p, yes) in enumerate(pairs)]


def run(
    trades=(),
    equity=(),
    *,
    start="1000",
    skipped=(),
    rejections=None,
    attempted=2,
    decisions=(),
    markets=(),
    failures=(),
):
    """A run of these trades; its counts follow from them. `failures` are (validation, event, why)."""
    found = EventFindings(Counter(name for name, _, _ in failures), [Failure(*failure) for failure in failures])
    quarantine = [event for event, reason in skipped if reason.startswith("VALIDATION:")]
    counts = {
        "events_attempted": attempted,
        "events_traded": len({t.event_ticker for t in trades}),
        "events_skipped": {reason: 1 for _, reason in skipped},
        "rejections": rejections or {},
        "candles_missing_pct": 12.5,
    } | validation_diagnostics(found, len(trades), quarantine)
    end = micro(start) + sum(t.pnl_micro for t in trades)
    watermark = max((t.quote_ts for t in trades), default=None)
    return RunResult(
        start_balance_micro=micro(start),
        end_balance_micro=end,
        journal=books_of(trades),
        trades=Trades.of_rows(trades),
        equity=list(equity),
        decisions=ColumnRows.of(Decision, decisions),
        diagnostics=counts,
        skipped=list(skipped),
        watermark=watermark,
        family_metrics=score_metrics(markets),
        days_per_year=DAYS_PER_YEAR,
        around_the_clock=True,
    )


def written(folder, result, title="Highest temperature", **changes):
    """The folder of a run, with everything the report is made from; all its markets have the same title."""
    how = conf(**changes)
    run_id = resolve.run_id(how)
    write_artifacts(folder, run_id, how, result)
    write_manifest(folder, run_id, how, about_run(how), evidence_of([]), result.watermark)
    tickers = sorted({trade.market_ticker for trade in result.trades})
    listed = {"market_ticker": tickers, "title": [title] * len(tickers), "yes_sub_title": ["80° to 81°"] * len(tickers)}
    catalog = folder.parent / f"{folder.name}.catalog.parquet"
    files.write_parquet(catalog, pa.table(listed, schema=pa.schema([(name, pa.string()) for name in listed])), {})
    write_market_names(folder, [str(catalog)], set(tickers))
    return folder
