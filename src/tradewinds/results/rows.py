"""The rows of a run's tables: columns of trades.csv and trades.parquet, of equity.csv and of positions_daily.csv.

One list names the trade columns, their order and their exact types; CSV, Parquet and the database all follow it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tradewinds.calendars import DAY_SECONDS
from tradewinds.engine.equity import Point
from tradewinds.engine.replay import Decision
from tradewinds.engine.result import RunResult, Trade
from tradewinds.results.money import dollars, expected_value, iso, plain, probability, usd
from tradewinds.store import PROB, TS

AMOUNT = pa.decimal128(18, 6)  # dollars
EV = pa.decimal128(18, 12)  # dollars per contract

TRADES = pa.schema(
    [
        pa.field("trade_id", pa.string(), nullable=False),
        pa.field("series_ticker", pa.string(), nullable=False),
        pa.field("event_ticker", pa.string(), nullable=False),
        pa.field("market_ticker", pa.string(), nullable=False),
        pa.field("station_id", pa.string(), nullable=False),
        pa.field("decision_ts_utc", TS, nullable=False),
        pa.field("quote_ts_utc", TS, nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("qty", pa.int64(), nullable=False),
        pa.field("entry_price", AMOUNT, nullable=False),
        pa.field("entry_fee", AMOUNT, nullable=False),
        pa.field("model_prob_yes", PROB, nullable=False),
        pa.field("ev_gross_per_contract", EV, nullable=False),
        pa.field("ev_net_per_contract", EV, nullable=False),
        pa.field("reason_code", pa.string(), nullable=False),
        pa.field("settled_result", pa.string(), nullable=False),
        pa.field("settled_ts_utc", TS, nullable=False),
        pa.field("payout", AMOUNT, nullable=False),
        pa.field("pnl", AMOUNT, nullable=False),
    ]
)
EQUITY_COLUMNS = ("ts_utc", "kind", "cash_usd", "open_value_usd", "equity_usd")
DECISIONS = pa.schema(
    [
        pa.field("market_ticker", pa.string(), nullable=False),
        pa.field("first_ts_utc", TS, nullable=False),
        pa.field("count", pa.int64(), nullable=False),  # decision times in a row that were equal
        pa.field("side", pa.string(), nullable=False),
        pa.field("qty", pa.int64(), nullable=False),
        pa.field("price", AMOUNT, nullable=False),
        pa.field("filled", pa.bool_(), nullable=False),
        pa.field("reason_code", pa.string(), nullable=False),
    ]
)
POSITION_COLUMNS = ("ts_utc", "event_ticker", "contracts", "entry_cost_usd")

Row = dict[str, Any]


def trade_id(run_id: str, seq: int) -> str:
    """UUIDv5 of a run and the sequence number of a trade in it (from 1, in execution order)."""
    return str(uuid.uuid5(uuid.UUID(run_id), str(seq)))


def _instant(ts: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ts, dt.UTC)


def trade_row(trade: Trade, run_id: str, seq: int) -> Row:
    """One trade under the names of TRADES, values exact (decimals of dollars, aware UTC instants)."""
    return {
        "trade_id": trade_id(run_id, seq),
        "series_ticker": trade.series_ticker,
        "event_ticker": trade.event_ticker,
        "market_ticker": trade.market_ticker,
        "station_id": trade.station_id,
        "decision_ts_utc": _instant(trade.decision_ts),
        "quote_ts_utc": _instant(trade.quote_ts),
        "side": trade.side,
        "qty": trade.qty,
        "entry_price": dollars(trade.entry_price_micro),
        "entry_fee": dollars(trade.entry_fee_micro),
        "model_prob_yes": probability(trade.model_prob_yes_pico),
        "ev_gross_per_contract": expected_value(trade.ev_gross_pico),
        "ev_net_per_contract": expected_value(trade.ev_net_pico),
        "reason_code": trade.reason_code,
        "settled_result": trade.settled_result,
        "settled_ts_utc": _instant(trade.settled_ts),
        "payout": dollars(trade.payout_micro),
        "pnl": dollars(trade.pnl_micro),
    }


def trade_rows(trades: Sequence[Trade], run_id: str) -> list[Row]:
    """All trades of a run in execution order."""
    return [trade_row(trade, run_id, seq) for seq, trade in enumerate(trades, start=1)]


def cell(value: Any, least_decimals: int) -> str:
    """A value as it stands in a CSV: ISO instants with Z, plain decimals."""
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return plain(value, least_decimals) if isinstance(value, Decimal) else str(value)


def trade_cells(row: Row) -> list[str]:
    """A trade as CSV text: amounts with at least two decimals, probabilities and expected values with at least one."""
    return [cell(row[field.name], 2 if field.type == AMOUNT else 1) for field in TRADES]


def equity_cells(equity: Sequence[Point]) -> Iterator[list[str]]:
    """Equity points as CSV text."""
    for point in equity:
        yield [iso(point.ts), point.kind, usd(point.cash_micro), usd(point.open_value_micro), usd(point.equity_micro)]


def position_cells(result: RunResult) -> Iterator[list[str]]:
    """What was held at each 00:00Z of a run, per event: contracts of both sides and their entry cost without fees.

    A trade is held after its decision and until its settlement (excluded). Days without a position have no row.
    """
    held: dict[tuple[int, str], tuple[int, int]] = {}
    for trade in result.trades:
        first_midnight = (trade.decision_ts // DAY_SECONDS + 1) * DAY_SECONDS
        for midnight in range(first_midnight, trade.settled_ts, DAY_SECONDS):
            contracts, cost = held.get((midnight, trade.event_ticker), (0, 0))
            held[midnight, trade.event_ticker] = contracts + trade.qty, cost + trade.qty * trade.entry_price_micro
    for (midnight, event_ticker), (contracts, cost) in sorted(held.items()):
        yield [iso(midnight), event_ticker, str(contracts), usd(cost)]


def decisions_table(decisions: Iterable[Decision], step_seconds: int | None) -> pa.Table:
    """Decisions as a table of schema DECISIONS.

    With `step_seconds` (seconds between decision times) each decision has its own row; without, equal ones in a row
    share one.
    """
    columns: list[list[Any]] = [[] for _ in DECISIONS]
    for decision in decisions:
        for first_ts, count in _occasions(decision, step_seconds):
            values = (decision.ticker, first_ts * 1_000_000, count, f"BUY_{decision.side}", decision.quantity)
            values += (dollars(decision.price_micro), decision.filled, decision.reason)
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, DECISIONS, strict=True)], schema=DECISIONS
    )


def _occasions(decision: Decision, step_seconds: int | None) -> list[tuple[int, int]]:
    if step_seconds is None:
        return [(decision.first_ts, decision.count)]
    return [(decision.first_ts + n * step_seconds, 1) for n in range(decision.count)]
