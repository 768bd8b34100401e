"""The files of a run that other programs read. Same result, same bytes (the manifest's creation time apart)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from tradewinds.core import files, units
from tradewinds.core.column_rows import ColumnRows
from tradewinds.core.text import amount_text, instant, quantity_text
from tradewinds.core.units import DAY_SECONDS
from tradewinds.core.url_secrets import without_secrets
from tradewinds.engine.result import Decision, RunResult
from tradewinds.results.books import amount_type, journal_table
from tradewinds.results.metrics import metrics
from tradewinds.results.trade_files import write_csv, write_trades


def write_artifacts(folder: str | Path, run_id: str, config: Mapping[str, Any], result: RunResult) -> None:
    """Write trades.csv, trades.parquet, journal.parquet, equity.csv, positions_daily.csv, decisions.parquet, metrics.json and
    config_resolved.yaml; each is whole or absent."""
    target = Path(folder)
    write_trades(target, run_id, result)
    files.write_parquet(target / "journal.parquet", journal_table(result.journal), {"run_id": run_id})
    write_csv(target / "equity.csv", _equity_columns(result), [_equity_rows(result)])
    write_csv(target / "positions_daily.csv", POSITION_COLUMNS, [_position_rows(result)])
    files.write_parquet(target / "decisions.parquet", _decision_table(result, config), {"run_id": run_id})
    files.write_text(target / "config_resolved.yaml", resolved_yaml(config))
    found = {"run_id": run_id} | metrics(result)
    found["diagnostics"] = {**found["diagnostics"], "skipped_events": [list(pair) for pair in result.skipped]}
    files.write_text(target / "metrics.json", json.dumps(found, indent=2, allow_nan=False) + "\n")


def resolved_yaml(config: Mapping[str, Any]) -> str:
    """The resolved config as YAML, fit to be run again; a URL that holds a password is left out."""
    return str(yaml.safe_dump(without_secrets(config), sort_keys=False, allow_unicode=True))


EQUITY_COLUMNS = ("ts_utc", "kind", "cash_usd", "open_value_usd", "equity_usd")


HELD_COLUMNS = ("wallets_usd", "collateral_usd")  # of runs whose positions hold cash of the account


def _equity_columns(result: RunResult) -> Sequence[str]:
    return EQUITY_COLUMNS if result.fills is None else (*EQUITY_COLUMNS, *HELD_COLUMNS)


def _equity_rows(result: RunResult) -> Iterable[tuple[str, ...]]:
    for p in result.equity:
        amounts = [p.cash_micro, p.open_value_micro, p.equity_micro]
        if result.fills is not None:
            amounts += [p.wallets_micro, p.collateral_micro]
        yield (instant(p.ts), p.kind, *(amount_text(amount, result.places) for amount in amounts))


POSITION_COLUMNS = (
    "date_utc",
    "event_ticker",
    "market_ticker",
    "side",
    "contracts",
    "entry_cost_usd",
    "settled_ts_utc",
)


def _position_rows(result: RunResult) -> Iterable[tuple[str, ...]]:
    """Per UTC date and market: contracts bought that day and their entry cost, by side; of fills, those that opened."""
    grouped: dict[tuple[int, str, str, str, int], list[int]] = {}
    for day_of, *names, quantity, cost in _entries(result):
        sums = grouped.setdefault((day_of // DAY_SECONDS, *names), [0, 0])  # type: ignore[arg-type]
        sums[0] += quantity
        sums[1] += cost
    for (day, event, market, side, settled_ts), (contracts, cost) in sorted(grouped.items()):
        yield (
            instant(day * DAY_SECONDS)[:10],
            event,
            market,
            side,
            str(contracts) if result.fills is None else quantity_text(contracts, result.places),
            amount_text(cost, result.places),
            instant(settled_ts),
        )


def _entries(result: RunResult) -> Iterable[tuple[int, str, str, str, int, int, int]]:
    """Decision time, event, market, side, settlement time, quantity and cost of every entry."""
    if result.fills is None:
        trades = result.trades
        facts = [
            trades.columns[name] for name in ("decision_ts", "event_ticker", "market_ticker", "side", "settled_ts")
        ]
        columns = [column.tolist() for column in (*facts, trades.qty, trades.entry_cost_micro)]
        yield from zip(*columns, strict=True)
        return
    for f in result.fills:
        if f.settled_result == "open":
            yield f.decision_ts, f.event_ticker, f.market_ticker, f.side, f.settled_ts, f.quantity, -f.payout


def _decisions_schema(result: RunResult) -> pa.Schema:
    """The columns of decisions.parquet."""
    of_fills = result.fills is not None
    return pa.schema(
        [
            ("market_ticker", pa.string()),
            ("first_decision_ts_utc", units.TS),
            ("decisions", pa.int64()),
            ("side", pa.string()),
            ("qty_wanted", amount_type(result.places) if of_fills else pa.int64()),
            ("price", amount_type(result.places) if of_fills else units.PRICE),
            ("filled", pa.bool_()),
            ("reason_code", pa.string()),
        ]
    )


def _decision_table(result: RunResult, config: Mapping[str, Any]) -> pa.Table:
    """The audit: fills and a row per market, side and reason of refusal, or under `audit: full` a row for each decision."""
    decisions, schema = result.decisions, _decisions_schema(result)
    if config.get("audit") == "full":
        decisions = _one_by_one(decisions, config["cadence_minutes"] * 60)
    columns = [column.tolist() for column in decisions.columns.values()]
    columns[1] = [ts * 1_000_000 for ts in columns[1]]
    exact = (5,) if result.fills is None else (4, 5)
    for index in exact:
        columns[index] = [None if value is None else Decimal(value).scaleb(-result.places) for value in columns[index]]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=schema)
    order = ("first_decision_ts_utc", "market_ticker", "side", "reason_code")
    return table.sort_by([(name, "ascending") for name in order])  # rows that are equal in these stay in their order


def _one_by_one(decisions: ColumnRows[Decision], step: int) -> ColumnRows[Decision]:
    """Return a row for each decision; those of one row are `step` seconds apart."""
    times = decisions.columns["times"]
    row = np.repeat(np.arange(len(decisions)), times)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    columns = {name: column[row] for name, column in decisions.columns.items()}
    columns["first_ts"] = columns["first_ts"] + nth * step
    columns["times"] = np.ones(len(row), np.int64)
    return ColumnRows(Decision, columns)
