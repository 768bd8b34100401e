"""The files of a run that other programs read. Same result, same bytes (the manifest's creation time apart)."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tradewinds.core import files, units
from tradewinds.core.text import amount_text, instant, probability
from tradewinds.core.units import DAY_SECONDS
from tradewinds.core.url_secrets import without_secrets
from tradewinds.engine.result import Decision, RunResult, Trade
from tradewinds.results.books import journal_table
from tradewinds.results.metrics import metrics

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
    **dict.fromkeys(("decision_ts_utc", "quote_ts_utc", "settled_ts_utc"), units.TS),
    **dict.fromkeys(("entry_price", "entry_fee", "payout", "pnl"), _MONEY),
    **dict.fromkeys(("model_prob_yes", "ev_gross_per_contract", "ev_net_per_contract"), _EV),
    "qty": pa.int64(),
}
TRADES = pa.schema([(name, _TYPES.get(name, pa.string())) for name in TRADE_COLUMNS])


CHUNK = 10_000  # trades turned into text at a time: a year's at once would take half a gigabyte


def trade_row(run: uuid.UUID, sequence: int, trade: Trade) -> tuple[str, ...]:
    """A row of trades.csv in the order of TRADE_COLUMNS; `sequence` counts the run's trades from 0."""
    return (
        str(uuid.uuid5(run, str(sequence))),
        trade.series_ticker,
        trade.event_ticker,
        trade.market_ticker,
        trade.station_id,
        instant(trade.decision_ts),
        instant(trade.quote_ts),
        trade.side,
        str(trade.qty),
        amount_text(trade.entry_price_micro),
        amount_text(trade.entry_fee_micro),
        probability(trade.model_prob_yes_pico),
        probability(trade.ev_gross_pico),
        probability(trade.ev_net_pico),
        trade.reason_code,
        trade.settled_result,
        instant(trade.settled_ts),
        amount_text(trade.payout_micro),
        amount_text(trade.pnl_micro),
    )


def write_artifacts(folder: str | Path, run_id: str, config: Mapping[str, Any], result: RunResult) -> None:
    """Write trades.csv, trades.parquet, journal.parquet, equity.csv, positions_daily.csv, decisions.parquet, metrics.json and
    config_resolved.yaml; each is whole or absent."""
    target = Path(folder)
    _write_trades(target, run_id, result.trades)
    files.write_parquet(target / "journal.parquet", journal_table(result.journal), {"run_id": run_id})
    _write_csv(target / "equity.csv", EQUITY_COLUMNS, [_equity_rows(result)])
    _write_csv(target / "positions_daily.csv", POSITION_COLUMNS, [_position_rows(result.trades)])
    files.write_parquet(target / "decisions.parquet", _decision_table(result.decisions, config), {"run_id": run_id})
    files.write_text(target / "config_resolved.yaml", resolved_yaml(config))
    found = {"run_id": run_id} | metrics(result)
    found["diagnostics"] = {**found["diagnostics"], "skipped_events": [list(pair) for pair in result.skipped]}
    files.write_text(target / "metrics.json", json.dumps(found, indent=2, allow_nan=False) + "\n")


def resolved_yaml(config: Mapping[str, Any]) -> str:
    """The resolved config as YAML, fit to be run again; a URL that holds a password is left out."""
    return str(yaml.safe_dump(without_secrets(config), sort_keys=False, allow_unicode=True))


def _write_csv(path: Path, columns: Sequence[str], chunks: Iterable[Iterable[Sequence[str]]]) -> None:
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        for rows in chunks:
            writer.writerows(rows)


def _write_trades(target: Path, run_id: str, trades: Sequence[Trade]) -> None:
    """trades.csv and trades.parquet, from the same text."""
    columns: list[list[pa.Array]] = [[] for _ in TRADES]
    run = uuid.UUID(run_id)

    def chunks() -> Iterable[list[tuple[str, ...]]]:
        for start in range(0, len(trades), CHUNK):
            rows = [trade_row(run, start + i, trade) for i, trade in enumerate(trades[start : start + CHUNK])]
            for field, made, texts in zip(TRADES, columns, zip(*rows, strict=True), strict=True):
                known = [text or None for text in texts] if field.type == _EV else texts
                made.append(pa.array(known, pa.string()).cast(field.type))
            yield rows

    _write_csv(target / "trades.csv", TRADE_COLUMNS, chunks())
    arrays = [pa.chunked_array(made, field.type) for made, field in zip(columns, TRADES, strict=True)]
    files.write_parquet(target / "trades.parquet", pa.Table.from_arrays(arrays, schema=TRADES), {"run_id": run_id})


EQUITY_COLUMNS = ("ts_utc", "kind", "cash_usd", "open_value_usd", "equity_usd")


def _equity_rows(result: RunResult) -> Iterable[tuple[str, ...]]:
    for p in result.equity:
        yield (
            instant(p.ts),
            p.kind,
            amount_text(p.cash_micro),
            amount_text(p.open_value_micro),
            amount_text(p.equity_micro),
        )


POSITION_COLUMNS = (
    "date_utc",
    "event_ticker",
    "market_ticker",
    "side",
    "contracts",
    "entry_cost_usd",
    "settled_ts_utc",
)


def _position_rows(trades: Sequence[Trade]) -> Iterable[tuple[str, ...]]:
    """Per UTC date and market: contracts bought that day and their entry cost, by side."""
    grouped: dict[tuple[int, str, str, str, int], list[int]] = {}
    for trade in trades:
        day = trade.decision_ts // DAY_SECONDS
        key = (day, trade.event_ticker, trade.market_ticker, trade.side, trade.settled_ts)
        sums = grouped.setdefault(key, [0, 0])
        sums[0] += trade.qty
        sums[1] += trade.entry_cost_micro
    for (day, event, market, side, settled_ts), (contracts, cost) in sorted(grouped.items()):
        yield (
            instant(day * DAY_SECONDS)[:10],
            event,
            market,
            side,
            str(contracts),
            amount_text(cost),
            instant(settled_ts),
        )


_DECISIONS = pa.schema(
    [
        ("market_ticker", pa.string()),
        ("first_decision_ts_utc", units.TS),
        ("decisions", pa.int64()),
        ("side", pa.string()),
        ("qty_wanted", pa.int64()),
        ("price", units.PRICE),
        ("filled", pa.bool_()),
        ("reason_code", pa.string()),
    ]
)


def _decision_table(decisions: Sequence[Decision], config: Mapping[str, Any]) -> pa.Table:
    """The audit: fills and a row per market, side and reason of refusal, or under `audit: full` a row for each decision."""
    if config.get("audit") == "full":
        step = config["cadence_minutes"] * 60
        decisions = [d._replace(first_ts=d.first_ts + n * step, times=1) for d in decisions for n in range(d.times)]
    columns = [list(column) for column in zip(*decisions, strict=True)] or [[] for _ in _DECISIONS]
    columns[1] = [ts * 1_000_000 for ts in columns[1]]
    columns[5] = [None if price is None else Decimal(price) / units.MICRO for price in columns[5]]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _DECISIONS, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=_DECISIONS)
    order = ("first_decision_ts_utc", "market_ticker", "side", "reason_code")
    return table.sort_by([(name, "ascending") for name in order])  # rows that are equal in these stay in their order
