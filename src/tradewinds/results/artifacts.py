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
from tradewinds.core.text import amount_text, instant, probability, quantity_text
from tradewinds.core.units import DAY_SECONDS
from tradewinds.core.url_secrets import without_secrets
from tradewinds.engine.result import FillRow, RunResult, Trade
from tradewinds.results.books import amount_type, journal_table
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
_EV = pa.decimal128(15, 12)
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


def trades_schema(result: RunResult) -> pa.Schema:
    """Return the columns of a run's trades.parquet: those of TRADE_COLUMNS, and the further ones of its fills."""
    amount = amount_type(result.places)
    types: dict[str, pa.DataType] = {
        **dict.fromkeys(("decision_ts_utc", "quote_ts_utc", "settled_ts_utc"), units.TS),
        **dict.fromkeys(("entry_price", "entry_fee", "payout", "pnl", *result.fill_columns), amount),
        **dict.fromkeys(("model_prob_yes", "ev_gross_per_contract", "ev_net_per_contract"), _EV),
        "qty": pa.int64() if result.fills is None else amount,
    }
    return pa.schema([(name, types.get(name, pa.string())) for name in (*TRADE_COLUMNS, *result.fill_columns)])


def fill_row(run: uuid.UUID, sequence: int, fill: FillRow, places: int) -> tuple[str, ...]:
    """A row of trades.csv of a run that has one per fill, in the order of TRADE_COLUMNS and further columns.

    Args:
        run: the run's id.
        sequence: counts the run's fills from 0.
        fill: the fill.
        places: decimals of its amounts.
    """
    return (
        str(uuid.uuid5(run, str(sequence))),
        fill.series_ticker,
        fill.event_ticker,
        fill.market_ticker,
        "",
        instant(fill.decision_ts),
        instant(fill.quote_ts),
        fill.side,
        quantity_text(fill.quantity, places),
        amount_text(fill.price, places),
        amount_text(fill.fee, places),
        *("", "", ""),  # this run has no probabilities
        fill.reason_code,
        fill.settled_result,
        instant(fill.settled_ts),
        amount_text(fill.payout, places),
        amount_text(fill.pnl, places),
        *(amount_text(amount, places) for amount in fill.more),
    )


def write_artifacts(folder: str | Path, run_id: str, config: Mapping[str, Any], result: RunResult) -> None:
    """Write trades.csv, trades.parquet, journal.parquet, equity.csv, positions_daily.csv, decisions.parquet, metrics.json and
    config_resolved.yaml; each is whole or absent."""
    target = Path(folder)
    _write_trades(target, run_id, result)
    files.write_parquet(target / "journal.parquet", journal_table(result.journal), {"run_id": run_id})
    _write_csv(target / "equity.csv", _equity_columns(result), [_equity_rows(result)])
    _write_csv(target / "positions_daily.csv", POSITION_COLUMNS, [_position_rows(result)])
    files.write_parquet(target / "decisions.parquet", _decision_table(result, config), {"run_id": run_id})
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


def _write_trades(target: Path, run_id: str, result: RunResult) -> None:
    """trades.csv and trades.parquet, from the same text."""
    schema = trades_schema(result)
    columns: list[list[pa.Array]] = [[] for _ in schema]
    run = uuid.UUID(run_id)

    def texts_of(start: int) -> list[tuple[str, ...]]:
        """The rows of a chunk."""
        if result.fills is None:
            return [trade_row(run, start + i, trade) for i, trade in enumerate(result.trades[start : start + CHUNK])]
        fills = result.fills[start : start + CHUNK]
        return [fill_row(run, start + i, fill, result.places) for i, fill in enumerate(fills)]

    def chunks() -> Iterable[list[tuple[str, ...]]]:
        for start in range(0, len(result.trades if result.fills is None else result.fills), CHUNK):
            rows = texts_of(start)
            for field, made, texts in zip(schema, columns, zip(*rows, strict=True), strict=True):
                known = [text or None for text in texts] if field.type == _EV else texts
                made.append(pa.array(known, pa.string()).cast(field.type))
            yield rows

    _write_csv(target / "trades.csv", schema.names, chunks())
    arrays = [pa.chunked_array(made, field.type) for made, field in zip(columns, schema, strict=True)]
    files.write_parquet(target / "trades.parquet", pa.Table.from_arrays(arrays, schema=schema), {"run_id": run_id})


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
        for t in result.trades:
            yield t.decision_ts, t.event_ticker, t.market_ticker, t.side, t.settled_ts, t.qty, t.entry_cost_micro
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
        step = config["cadence_minutes"] * 60
        decisions = [d._replace(first_ts=d.first_ts + n * step, times=1) for d in decisions for n in range(d.times)]
    columns = [list(column) for column in zip(*decisions, strict=True)] or [[] for _ in schema]
    columns[1] = [ts * 1_000_000 for ts in columns[1]]
    exact = (5,) if result.fills is None else (4, 5)
    for index in exact:
        columns[index] = [None if value is None else Decimal(value).scaleb(-result.places) for value in columns[index]]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=schema)
    order = ("first_decision_ts_utc", "market_ticker", "side", "reason_code")
    return table.sort_by([(name, "ascending") for name in order])  # rows that are equal in these stay in their order
