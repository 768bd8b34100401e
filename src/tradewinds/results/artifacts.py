"""The files of a run that other programs read. Same result, same bytes (the manifest's creation time apart)."""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tradewinds import database, store
from tradewinds.engine.replay import Decision
from tradewinds.engine.result import RunResult, Trade
from tradewinds.results.metrics import metrics
from tradewinds.results.text import dollars, instant, probability

TRADE_COLUMNS = (
    "trade_id",
    "series_ticker",
    "event_ticker",
    "market_ticker",
    "station_id",
    "decision_ts_utc",
    "quote_ts_utc",
    "side",
    "qty",
    "entry_price",
    "entry_fee",
    "model_prob_yes",
    "ev_gross_per_contract",
    "ev_net_per_contract",
    "reason_code",
    "settled_result",
    "settled_ts_utc",
    "payout",
    "pnl",
)
_MONEY = pa.decimal128(20, 6)
_EV = pa.decimal128(15, 12)
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("decision_ts_utc", "quote_ts_utc", "settled_ts_utc"), store.TS),
    **dict.fromkeys(("entry_price", "entry_fee", "payout", "pnl"), _MONEY),
    **dict.fromkeys(("model_prob_yes", "ev_gross_per_contract", "ev_net_per_contract"), _EV),
    "qty": pa.int64(),
}
TRADES = pa.schema([(name, _TYPES.get(name, pa.string())) for name in TRADE_COLUMNS])


def trade_row(run_id: str, sequence: int, trade: Trade) -> dict[str, str]:
    """A row of trades.csv; `sequence` counts the run's trades from 0."""
    return {
        "trade_id": str(uuid.uuid5(uuid.UUID(run_id), str(sequence))),
        "series_ticker": trade.series_ticker,
        "event_ticker": trade.event_ticker,
        "market_ticker": trade.market_ticker,
        "station_id": trade.station_id,
        "decision_ts_utc": instant(trade.decision_ts),
        "quote_ts_utc": instant(trade.quote_ts),
        "side": trade.side,
        "qty": str(trade.qty),
        "entry_price": dollars(trade.entry_price_micro),
        "entry_fee": dollars(trade.entry_fee_micro),
        "model_prob_yes": probability(trade.model_prob_yes_pico),
        "ev_gross_per_contract": probability(trade.ev_gross_pico),
        "ev_net_per_contract": probability(trade.ev_net_pico),
        "reason_code": trade.reason_code,
        "settled_result": trade.settled_result,
        "settled_ts_utc": instant(trade.settled_ts),
        "payout": dollars(trade.payout_micro),
        "pnl": dollars(trade.pnl_micro),
    }


def write_artifacts(folder: str | Path, run_id: str, config: Mapping[str, Any], result: RunResult) -> None:
    """Write trades.csv, trades.parquet, equity.csv, positions_daily.csv, decisions.parquet, metrics.json and
    config_resolved.yaml; each is whole or absent."""
    target = Path(folder)
    rows = [trade_row(run_id, i, trade) for i, trade in enumerate(result.trades)]
    store.write_text(target / "trades.csv", _csv(TRADE_COLUMNS, rows))
    store.write_parquet(target / "trades.parquet", _trade_table(rows), {"run_id": run_id})
    store.write_text(target / "equity.csv", _equity_csv(result))
    store.write_text(target / "positions_daily.csv", _positions_csv(result.trades))
    store.write_parquet(target / "decisions.parquet", _decision_table(result.decisions, config), {"run_id": run_id})
    store.write_text(target / "config_resolved.yaml", resolved_yaml(config))
    found = {"run_id": run_id} | metrics(result)
    found["diagnostics"] = {**found["diagnostics"], "skipped_events": [list(pair) for pair in result.skipped]}
    store.write_text(target / "metrics.json", json.dumps(found, indent=2, allow_nan=False) + "\n")


def resolved_yaml(config: Mapping[str, Any]) -> str:
    """The resolved config as YAML, fit to be run again; a database whose URL holds a password is left out."""
    url = config["database"]["url"]
    named = re.sub(r"\$\{\w+\}", "***", url)  # a password by name may be shown
    hidden = database.masked(named) != named
    shown = {key: value for key, value in config.items() if key != "database" or not hidden}
    return str(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True))


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _trade_table(rows: list[dict[str, str]]) -> pa.Table:
    columns = []
    for field in TRADES:
        text = pa.array([row[field.name] for row in rows], pa.string())
        columns.append(text.cast(field.type) if not pa.types.is_string(field.type) else text)
    return pa.Table.from_arrays(columns, schema=TRADES)


def _equity_csv(result: RunResult) -> str:
    columns = ("ts_utc", "kind", "cash_usd", "open_value_usd", "equity_usd")
    rows = (
        (instant(p.ts), p.kind, dollars(p.cash_micro), dollars(p.open_value_micro), dollars(p.equity_micro))
        for p in result.equity
    )
    return _csv(columns, (dict(zip(columns, row, strict=True)) for row in rows))


def _positions_csv(trades: Sequence[Trade]) -> str:
    """Per UTC date and market: contracts bought that day and their entry cost, by side."""
    columns = ("date_utc", "event_ticker", "market_ticker", "side", "contracts", "entry_cost_usd", "settled_ts_utc")
    grouped: dict[tuple[str, ...], list[int]] = {}
    for trade in trades:
        key = (
            instant(trade.decision_ts)[:10],
            trade.event_ticker,
            trade.market_ticker,
            trade.side,
            instant(trade.settled_ts),
        )
        sums = grouped.setdefault(key, [0, 0])
        sums[0] += trade.qty
        sums[1] += trade.qty * trade.entry_price_micro
    rows = (
        dict(zip(columns, (*key[:4], str(sums[0]), dollars(sums[1]), key[4]), strict=True))
        for key, sums in sorted(grouped.items())
    )
    return _csv(columns, rows)


_DECISIONS = pa.schema(
    [
        ("market_ticker", pa.string()),
        ("first_decision_ts_utc", store.TS),
        ("decisions", pa.int64()),
        ("side", pa.string()),
        ("qty_wanted", pa.int64()),
        ("price", store.PRICE),
        ("filled", pa.bool_()),
        ("reason_code", pa.string()),
    ]
)


def _decision_table(decisions: Sequence[Decision], config: Mapping[str, Any]) -> pa.Table:
    """The audit: fills and a row per market, side and reason of refusal, or under `audit: full` a row for each decision."""
    step = config["cadence_minutes"] * 60
    if config["audit"] == "full":
        decisions = [d._replace(first_ts=d.first_ts + n * step, times=1) for d in decisions for n in range(d.times)]
    ordered = sorted(decisions, key=lambda d: (d.first_ts, d.ticker, d.side, d.reason))
    columns = [list(column) for column in zip(*ordered, strict=True)] or [[] for _ in _DECISIONS]
    columns[1] = [ts * 1_000_000 for ts in columns[1]]
    columns[5] = [None if price is None else Decimal(price) / store.MICRO for price in columns[5]]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _DECISIONS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_DECISIONS)
