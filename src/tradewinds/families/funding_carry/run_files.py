"""The files that only a run of funding carry writes: positions, funding payments, and the rates and scores of the report."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tradewinds.core import files, units
from tradewinds.core.arrays import Ints
from tradewinds.core.text import amount_text, instant, quantity_text
from tradewinds.core.units import DAY_SECONDS, MICRO
from tradewinds.engine.carry.carry_costs import rounded
from tradewinds.engine.carry.carry_market import RATE_UNIT, UNIT
from tradewinds.engine.carry.carry_result import CarryPayment, CarryPosition, CarryResult
from tradewinds.engine.carry.carry_rules import LONG_SPOT, SHORT_SPOT, CarryRules, CompositeStrategy
from tradewinds.engine.carry.carry_signals import CarrySignals, ScoreParts
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.families.funding_carry.metrics import DAYS_PER_YEAR, PLACES

MONEY = pa.decimal128(24, 8)
RATE = pa.decimal128(16, 12)
SCORE = pa.decimal128(9, 6)
RATE_PLACES, SCORE_PLACES = 12, 6
DRAWN_SYMBOLS = 2  # whose rates and scores the report draws
_DIRECTIONS = {1: LONG_SPOT, -1: SHORT_SPOT}
_AMOUNTS = ("funding", "price_pnl", "fees", "slippage", "borrow", "liquidation_cost", "net_pnl")

POSITIONS = pa.schema(
    [
        ("position_id", pa.string()),
        ("symbol", pa.string()),
        ("direction", pa.string()),
        ("open_time", units.TS),
        ("close_time", units.TS),
        *((name, MONEY) for name in ("qty", "spot_entry", "perp_entry", "spot_exit", "perp_exit", *_AMOUNTS)),
        ("periods", pa.int64()),
        ("breakeven_periods", pa.int64()),
        ("entry_rate", RATE),
        ("entry_score", SCORE),
        ("exit_reason", pa.string()),
        ("capital", MONEY),
        ("apr_on_capital", MONEY),
    ]
)
PAYMENTS = pa.schema(
    [
        ("position_id", pa.string()),
        ("time", units.TS),
        ("rate", RATE),
        ("interval", pa.int64()),
        ("mark", MONEY),
        ("qty", MONEY),
        ("payment", MONEY),
        ("symbol", pa.string()),
        ("mark_source", pa.string()),
    ]
)
SERIES = pa.schema(
    [
        ("symbol", pa.string()),
        ("ts", pa.int64()),
        ("rate_8h", pa.float64()),
        ("held", pa.int64()),
        *((name, pa.float64()) for name in ("score", "level", "trend", "persistence", "basis")),
    ]
)


def position_name(number: int) -> str:
    """Return the id of a position by its number: P00001 for 0."""
    return f"P{number + 1:05d}"


def write_carry_files(folder: str | Path, rules: CarryRules, markets: CarryMarkets, made: CarryResult) -> None:
    """Write the files of FAMILY.run_files; each of them exists, if need be without rows.

    Args:
        folder: the run's folder.
        rules: the run's.
        markets: what the replay read.
        made: the run.
    """
    target = Path(folder)
    positions = [_position_row(made.symbols, position) for position in made.positions]
    payments = [_payment_row(made.symbols, payment) for payment in made.payments]
    for name, schema, rows in (("positions", POSITIONS, positions), ("funding", PAYMENTS, payments)):
        _write_csv(target / f"{name}.csv", schema.names, rows)
        files.write_parquet(target / f"{name}.parquet", typed(schema, rows), {})
    files.write_parquet(target / "carry_series.parquet", _series(rules, markets, made), {})


def typed(schema: pa.Schema, rows: Sequence[tuple[str, ...]]) -> pa.Table:
    """Return rows of text as a table with exact types; empty text is null.

    Args:
        schema: columns, in the order of the rows.
        rows: instants, numbers and names as text.
    """
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in schema]
    arrays = []
    for texts, field in zip(columns, schema, strict=True):
        known = [text or None for text in texts]
        if field.type == units.TS:
            arrays.append(pa.array(known, pa.string()).cast(pa.timestamp("us", tz="UTC")))
        else:
            arrays.append(pa.array(known, pa.string()).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _position_row(symbols: Sequence[str], position: CarryPosition) -> tuple[str, ...]:
    """Return a position as a row of POSITIONS."""
    prices = (position.spot_entry, position.perp_entry, position.spot_exit, position.perp_exit)
    parts = (position.funding, position.price_pnl, position.fees, position.slippage, position.borrow)
    return (
        position_name(position.number),
        symbols[position.symbol],
        _DIRECTIONS[position.direction],
        instant(position.open_ts),
        instant(position.close_ts),
        quantity_text(position.quantity, PLACES),
        *(amount_text(price, PLACES) for price in prices),
        *(amount_text(part, PLACES) for part in (*parts, position.liquidation_cost, position.net)),
        str(position.periods),
        "" if position.breakeven is None else str(position.breakeven),
        quantity_text(position.entry_rate, RATE_PLACES),
        "" if position.entry_score is None else quantity_text(position.entry_score, SCORE_PLACES),
        position.exit_reason,
        amount_text(position.capital, PLACES),
        _apr_text(position),
    )


def _apr_text(position: CarryPosition) -> str:
    """Return net / capital / days held x 365 x 100, rounded half to even to 8 decimals; "" where it is undefined."""
    seconds = position.close_ts - position.open_ts
    if position.capital <= 0 or seconds <= 0:
        return ""
    earned = position.net * DAY_SECONDS * DAYS_PER_YEAR * 100 * UNIT
    return amount_text(rounded(earned, position.capital * seconds), PLACES)


def _payment_row(symbols: Sequence[str], payment: CarryPayment) -> tuple[str, ...]:
    """Return a payment as a row of PAYMENTS."""
    return (
        position_name(payment.position),
        instant(payment.ts),
        quantity_text(payment.rate, RATE_PLACES),
        str(payment.hours),
        amount_text(payment.mark, PLACES),
        quantity_text(payment.quantity, PLACES),
        amount_text(payment.amount, PLACES),
        symbols[payment.symbol],
        payment.mark_source,
    )


def _series(rules: CarryRules, markets: CarryMarkets, made: CarryResult) -> pa.Table:
    """Return rates, what was held and scores at the settlements of the symbols that the report draws."""
    tables = [_series_of(rules, markets, made, symbol) for symbol in _drawn(made)]
    return pa.concat_tables(tables) if tables else SERIES.empty_table()


def _drawn(made: CarryResult) -> list[int]:
    """Return the symbols that are drawn: those with the most positions, else the first ones."""
    counts = Counter(position.symbol for position in made.positions)
    ordered = sorted(
        (index for index in range(len(made.symbols)) if made.settled[index]), key=lambda n: (-counts[n], n)
    )
    return sorted(ordered[:DRAWN_SYMBOLS])


def _series_of(rules: CarryRules, markets: CarryMarkets, made: CarryResult, symbol: int) -> pa.Table:
    """Return the rows of SERIES of one symbol."""
    prices = markets.prices[symbol]
    count, rates = prices.count, prices.rates_per_8h
    columns: dict[str, object] = {
        "symbol": [made.symbols[symbol]] * count,
        "ts": prices.settlements,
        "rate_8h": rates[prices.first : prices.end] / RATE_UNIT,
        "held": _held(made, symbol, prices.settlements),
        **dict.fromkeys(("score", "level", "trend", "persistence", "basis"), pa.nulls(count, pa.float64())),
    }
    if isinstance(rules.strategy, CompositeStrategy):
        signals = CarrySignals(prices, rules)
        columns["score"] = signals.strength / MICRO
        seen = rates if rules.per_8h else prices.rates.rate
        parts = {side: ScoreParts.of(prices, rules.strategy, side * seen, side) for side in (1, -1)}
        for name in ("level", "trend", "persistence", "basis"):
            columns[name] = np.where(signals.direction == 1, getattr(parts[1], name), getattr(parts[-1], name))
    return pa.table([columns[name] for name in SERIES.names], schema=SERIES)


def _held(made: CarryResult, symbol: int, settlements: Ints) -> Ints:
    """Return the direction of the position that is held after each settlement; 0 for none."""
    held = np.zeros(len(settlements), np.int64)
    for position in made.positions:
        if position.symbol == symbol:
            first, end = np.searchsorted(settlements, [position.open_ts, position.close_ts])
            held[first:end] = position.direction
    return held


def _write_csv(path: Path, columns: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table as CSV, whole or not at all."""
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
