"""trades.csv and trades.parquet: a row per trade, or per fill in a run whose positions have several fills."""

from __future__ import annotations

import csv
import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.core import files, units
from tradewinds.core.amount_columns import amount_texts, exact_decimals
from tradewinds.core.arrays import Ints
from tradewinds.core.text import amount_text, instant, quantity_text
from tradewinds.engine.result import FillRow, RunResult
from tradewinds.engine.run_trades import Trades
from tradewinds.results.books import amount_type

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
_EV, _PICO_PLACES = pa.decimal128(15, 12), 12
CHUNK = 10_000  # rows turned into text at a time: a year's at once would take half a gigabyte
_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


class _Column(NamedTuple):
    """A column of some rows: as the text of trades.csv, and as the values of trades.parquet."""

    texts: Sequence[str]
    values: pa.Array


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


def write_trades(target: Path, run_id: str, result: RunResult) -> None:
    """Write trades.csv and trades.parquet.

    Args:
        target: folder of the run.
        run_id: id of the run, of which the ids of its trades are made.
        result: the run.
    """
    schema = trades_schema(result)
    parts: list[list[pa.Array]] = [[] for _ in schema]

    def chunks() -> Iterator[Iterable[Sequence[str]]]:
        for columns in _chunks(uuid.UUID(run_id), result):
            for made, column, field in zip(parts, columns, schema, strict=True):
                made.append(column.values.cast(field.type))
            yield zip(*(column.texts for column in columns), strict=True)

    write_csv(target / "trades.csv", schema.names, chunks())
    arrays = [pa.chunked_array(made, field.type) for made, field in zip(parts, schema, strict=True)]
    files.write_parquet(target / "trades.parquet", pa.Table.from_arrays(arrays, schema=schema), {"run_id": run_id})


def write_csv(path: Path, columns: Sequence[str], chunks: Iterable[Iterable[Sequence[str]]]) -> None:
    """Write a file of rows, whole or not at all.

    Args:
        path: of the file.
        columns: names of the columns.
        chunks: the rows, some at a time.
    """
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        for rows in chunks:
            writer.writerows(rows)


def _chunks(run: uuid.UUID, result: RunResult) -> Iterator[list[_Column]]:
    """Yield the columns of CHUNK rows after CHUNK rows."""
    for start in range(0, len(result.trades if result.fills is None else result.fills), CHUNK):
        if result.fills is None:
            yield _of_trades(run, start, result.trades[start : start + CHUNK], result.places)
        else:
            yield _of_fills(run, start, result.fills[start : start + CHUNK], result.places)


def _of_trades(run: uuid.UUID, first: int, trades: Trades, places: int) -> list[_Column]:
    """Return trades in the order of TRADE_COLUMNS.

    Args:
        run: the run's id.
        first: how many trades of the run come before these.
        trades: of the run.
        places: decimals of its amounts.
    """
    of, money = trades.columns, trades.positions.columns
    return [
        _names(_ids(run, first, len(trades))),
        *(_names(of[name].tolist()) for name in TRADE_COLUMNS[1:5]),
        _instants(of["decision_ts"]),
        _instants(of["quote_ts"]),
        _names(of["side"].tolist()),
        _Column(list(map(str, trades.qty.tolist())), pa.array(trades.qty)),
        _amounts(money["entry_price"], places, 2),
        _amounts(money["entry_fee"], places, 2),
        _amounts(trades.model_prob_yes_pico, _PICO_PLACES, 0),
        _amounts(trades.ev_gross_pico, _PICO_PLACES, 0),
        _amounts(trades.ev_net_pico, _PICO_PLACES, 0),
        _names(of["reason_code"].tolist()),
        _names(of["settled_result"].tolist()),
        _instants(of["settled_ts"]),
        _amounts(trades.payout_micro, places, 2),
        _amounts(trades.pnl_micro, places, 2),
    ]


def _of_fills(run: uuid.UUID, first: int, fills: Sequence[FillRow], places: int) -> list[_Column]:
    """Return fills in the order of TRADE_COLUMNS and further columns.

    Args:
        run: the run's id.
        first: how many fills of the run come before these.
        fills: of the run.
        places: decimals of its amounts.
    """
    rows = zip(_ids(run, first, len(fills)), (_fill_texts(fill, places) for fill in fills), strict=True)
    columns = zip(*((name, *texts) for name, texts in rows), strict=True)
    # this run has no probabilities: the text is empty, the value missing
    return [
        _Column(texts, pa.array([text or None for text in texts] if number in _PROBABILITIES else texts, pa.string()))
        for number, texts in enumerate(columns)
    ]


_PROBABILITIES = range(11, 14)  # places of their columns


def _fill_texts(fill: FillRow, places: int) -> tuple[str, ...]:
    """Return a row without its id."""
    return (
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
        *("", "", ""),
        fill.reason_code,
        fill.settled_result,
        instant(fill.settled_ts),
        amount_text(fill.payout, places),
        amount_text(fill.pnl, places),
        *(amount_text(amount, places) for amount in fill.more),
    )


def _ids(run: uuid.UUID, first: int, count: int) -> list[str]:
    """Return the ids of trades: `uuid.uuid5` of the run's id and the trade's number (RFC 9562, 5.5), without its objects."""
    start, found = hashlib.sha1(run.bytes, usedforsecurity=False), []
    for number in range(first, first + count):
        one = start.copy()
        one.update(str(number).encode())
        h = one.hexdigest()
        found.append(f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{_VARIANTS[h[16]]}{h[17:20]}-{h[20:32]}")
    return found


def _names(texts: Sequence[str]) -> _Column:
    """Return a column of text."""
    return _Column(texts, pa.array(texts, pa.string()))


def _instants(ts: Ints) -> _Column:
    """Return a column of instants in Unix seconds."""
    return _Column(list(map(instant, ts.tolist())), pa.array(ts * units.MICRO).cast(units.TS))


def _amounts(amounts: Ints, places: int, least: int) -> _Column:
    """Return a column of amounts in units of 10^-places, with at least so many decimals."""
    return _Column(amount_texts(amounts, places, least), exact_decimals(np.ascontiguousarray(amounts), places))
