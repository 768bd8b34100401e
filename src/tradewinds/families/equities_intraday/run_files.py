"""The files that only a run of intraday equities writes: trades in R, their legs, sessions, decisions, and files by symbol."""

from __future__ import annotations

import csv
import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import files, units
from tradewinds.core.amount_columns import amount_texts
from tradewinds.core.text import amount_text, instant
from tradewinds.core.units import MICRO, NO_AMOUNT, scaled
from tradewinds.core.url_secrets import without_secrets
from tradewinds.engine.bar_sessions.orb_rules import FACTORS
from tradewinds.engine.bar_sessions.session_result import EXITS, OrbTrade, SessionsResult
from tradewinds.engine.bar_sessions.setups import CLOSE, COUNT, HIGH, LOW, OPEN, VOLUME
from tradewinds.families.equities_intraday.attribution import ATTRIBUTION_COLUMNS, attribution_rows
from tradewinds.families.equities_intraday.decision_factors import scored_decisions
from tradewinds.families.equities_intraday.factor_lines import factor_lines
from tradewinds.families.equities_intraday.metrics import (
    Study,
    open_minutes,
    session_dates,
    symbol_points,
)
from tradewinds.families.equities_intraday.r_values import FINE_R, fine_r, r_text, score_text, trade_r_text
from tradewinds.families.equities_intraday.session_rules import rules_of

TRADE_R_COLUMNS = (
    *("trade_id", "symbol", "session", "or_minutes", "or_high", "or_low", "raw", "stop", "risk_per_share", "targets"),
    *("r", "r_gross", "mae_r", "mfe_r", "score", "rel_volume"),
)
LEG_FILE_COLUMNS = ("trade_id", "ts", "qty", "raw", "fill", "commission", "reason")
SESSION_COLUMNS = (
    *("session", "symbol", "or_minutes", "or_high", "or_low", "or_open", "or_close", "or_volume", "atr", "atr5"),
    *("missing_minutes", "rel_volume", "reason"),
)
FACTOR_COLUMNS = ("session", "symbol", "bar_ts", "direction", "answer", "trade_id", "score", *FACTORS)
ALL_TRADES_COLUMNS = (
    *("trade_id", "symbol", "session", "direction", "entry_ts_utc", "exit_ts_utc", "qty", "entry_price", "exit_price"),
    *("stop", "risk_per_share", "pnl", "r", "r_gross", "mae_r", "mfe_r", "score", "exit_reason"),
)
_MONEY = pa.decimal128(20, 6)
_R = pa.decimal128(24, 6)
_TYPES: dict[str, pa.DataType] = {
    "session": pa.date32(),
    "entry_ts_utc": units.TS,
    "exit_ts_utc": units.TS,
    "qty": pa.int64(),
    **dict.fromkeys(("entry_price", "exit_price", "stop", "risk_per_share", "pnl"), _MONEY),
    **dict.fromkeys(("r", "r_gross", "mae_r", "mfe_r", "score"), _R),
}
ALL_TRADES = pa.schema([(name, _TYPES.get(name, pa.string())) for name in ALL_TRADES_COLUMNS])
EQUITY = pa.schema([("session", pa.date32()), ("equity", _MONEY), ("cumulative_r", _R)])
CHART_BARS = pa.schema(
    [
        ("symbol", pa.string()),
        ("session", pa.date32()),
        ("minute", pa.int32()),
        *((name, pa.float64()) for name in ("open", "high", "low", "close")),
        ("open_minute", pa.int32()),
        ("open_ts", pa.int64()),
    ]
)
_WRITERS = 4  # threads
FIRST_CHARTS, EXTREME_CHARTS = 4, 2  # trades drawn large: the first ones, and the best and the worst
MOST_CHARTS = 600  # trades drawn small, on a page


def write_session_files(
    folder: str | Path,
    run_id: str,
    config: Mapping[str, Any],
    study: Study,
    made: SessionsResult,
    figures: Mapping[str, Any],
) -> None:
    """Write the files of FAMILY.run_files; each of them exists, if need be without rows, also where nothing was traded.

    Args:
        folder: the run's folder.
        run_id: of the run.
        config: resolved.
        study: what the replay read.
        made: the run.
        figures: the metrics of each symbol, by its name.
    """
    target, run = Path(folder), uuid.UUID(run_id)
    ids = [str(uuid.uuid5(run, str(number))) for number in range(len(made.trades))]
    _write_csv(target / "trades_r.csv", TRADE_R_COLUMNS, _trade_rows(made, ids))
    _write_csv(target / "legs.csv", LEG_FILE_COLUMNS, _leg_rows(made, ids))
    _write_csv(target / "sessions.csv", SESSION_COLUMNS, _session_rows(made))
    decisions = scored_decisions(made, rules_of(config, {}).sessions.score)
    _write_lines(target / "factors.csv", FACTOR_COLUMNS, factor_lines(made, ids, decisions))
    _write_csv(target / "attribution.csv", ATTRIBUTION_COLUMNS, attribution_rows(made, decisions))
    files.write_parquet(target / "chart_bars.parquet", _chart_bars(study, made), {})
    # all trades, as text and with exact types
    rows = list(_all_rows(made, ids))
    _write_csv(target / "all_trades.csv", ALL_TRADES_COLUMNS, rows)
    files.write_parquet(target / "all_trades.parquet", _typed(rows), {})
    trades = made.trades
    files.write_parquet(
        target / "combined_equity.parquet", _equity_table(made, made.cash.sum(axis=1).tolist(), trades), {}
    )
    config_text = json.dumps(without_secrets(dict(config)), indent=2, default=_plain, allow_nan=False)
    files.write_text(target / "config.json", config_text + "\n")
    _write_symbols(target / "symbols", made, rows, figures)


def _write_symbols(
    folder: Path, made: SessionsResult, rows: Sequence[tuple[str, ...]], figures: Mapping[str, Any]
) -> None:
    """Write trades, metrics and equity of each symbol.

    Args:
        folder: where they go.
        made: the run.
        rows: of ALL_TRADES_COLUMNS, by trade.
        figures: the metrics of each symbol, by its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own: dict[int, list[int]] = {}
    for number, trade in enumerate(made.trades):
        own.setdefault(trade.symbol, []).append(number)

    def write(symbol: int) -> None:
        name, numbers = made.bars.symbols[symbol], own.get(symbol, [])
        trades = [made.trades[number] for number in numbers]
        files.write_parquet(folder / f"{name}_trades.parquet", _typed([rows[number] for number in numbers]), {})
        text = json.dumps(figures[name], indent=2, allow_nan=False)
        files.write_text(folder / f"{name}_metrics.json", text + "\n")
        equity = [point.equity_micro for point in symbol_points(made, symbol, trades)[1:]]
        files.write_parquet(folder / f"{name}_equity.parquet", _equity_table(made, equity, trades), {})

    with ThreadPoolExecutor(_WRITERS) as pool:  # the disk is waited for, file by file
        list(pool.map(write, range(len(made.bars.symbols))))


def _trade_rows(made: SessionsResult, ids: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Yield the trades as rows of TRADE_R_COLUMNS."""
    dates, setups = _date_texts(made), made.setups
    for trade, name in zip(made.trades, ids, strict=True):
        k = trade.symbol * len(dates) + trade.session
        high, low = setups.ranges[k, [HIGH, LOW]].tolist()
        has_range = bool(setups.ranges[k, COUNT])  # a strategy of the user's own needs none
        yield (
            name,
            made.bars.symbols[trade.symbol],
            dates[trade.session],
            *((str(int(setups.minutes[k])), amount_text(high), amount_text(low)) if has_range else ("",) * 3),
            amount_text(trade.raw),
            *_stop_texts(trade),
            " ".join(amount_text(price) for price in trade.targets),
            *_r_texts(trade),
            score_text(trade.score),
            _ratio_text(setups.rel_volume[k]),
        )


def _stop_texts(trade: OrbTrade) -> tuple[str, str]:
    """Return the stop of a trade and R of a share; empty texts for a trade without a stop."""
    return (amount_text(trade.stop), amount_text(trade.risk)) if trade.risk else ("", "")


def _r_texts(trade: OrbTrade) -> tuple[str, str, str, str]:
    """Return r, r_gross, mae_r and mfe_r of a trade; empty texts for a trade without a stop."""
    return (
        trade_r_text(trade.pnl, trade.risk, trade.shares),
        trade_r_text(trade.gross, trade.risk, trade.shares),
        trade_r_text(trade.direction * (trade.worst - trade.raw), trade.risk),
        trade_r_text(trade.direction * (trade.best - trade.raw), trade.risk),
    )


def _leg_rows(made: SessionsResult, ids: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Yield the legs as rows of LEG_FILE_COLUMNS; an entry's reason is "entry", quantities sold are below 0."""
    for trade, ts, shares, raw, fill, fee, reason in made.leg_rows.tolist():
        yield (
            ids[trade],
            instant(ts),
            str(shares),
            amount_text(raw),
            amount_text(fill),
            amount_text(fee),
            "entry" if reason < 0 else EXITS[reason],
        )


def _session_rows(made: SessionsResult) -> Iterable[tuple[str, ...]]:
    """Yield each session in which a symbol has a bar as a row of SESSION_COLUMNS, by session and symbol."""
    dates, setups = _date_texts(made), made.setups
    minutes, ranges = setups.minutes.tolist(), setups.ranges.tolist()
    prices = list(zip(*(amount_texts(setups.ranges[:, column]) for column in (HIGH, LOW, OPEN, CLOSE)), strict=True))
    atr, atr5 = (amount_texts(np.where(column < 0, NO_AMOUNT, column)) for column in (setups.atr, setups.atr5))
    no_range = ("",) * 4
    for session, symbol in np.argwhere(made.bars.has_bars[:, made.first : made.end].T).tolist():
        k = symbol * len(dates) + made.first + session
        row, built = ranges[k], ranges[k][COUNT] > 0
        yield (
            dates[made.first + session],
            made.bars.symbols[symbol],
            str(minutes[k]),
            *(prices[k] if built else no_range),
            str(row[VOLUME]),
            atr[k],
            atr5[k],
            str(minutes[k] - row[COUNT] * made.bars.bar_minutes),
            _ratio_text(setups.rel_volume[k]),
            setups.reasons[k],
        )


def _all_rows(made: SessionsResult, ids: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Yield the trades as rows of ALL_TRADES_COLUMNS."""
    dates, exits = _date_texts(made), _exit_prices(made)
    for trade, name, exit_price in zip(made.trades, ids, exits, strict=True):
        yield (
            name,
            made.bars.symbols[trade.symbol],
            dates[trade.session],
            "long" if trade.direction > 0 else "short",
            instant(trade.entry_ts),
            instant(trade.exit_ts),
            str(trade.shares),
            amount_text(trade.fill),
            amount_text(exit_price),
            *_stop_texts(trade),
            amount_text(trade.pnl),
            *_r_texts(trade),
            score_text(trade.score),
            EXITS[trade.exit_reason],
        )


def _exit_prices(made: SessionsResult) -> list[int]:
    """Return of every trade the mean price of its exits by shares, rounded half to even; micro-units."""
    sold = [0] * len(made.trades)
    for trade, _, shares, _, fill, _, reason in made.leg_rows.tolist():
        if reason >= 0:
            sold[trade] += abs(shares) * fill
    return [scaled(value, (1, trade.shares)) for value, trade in zip(sold, made.trades, strict=True)]


def _typed(rows: Sequence[tuple[str, ...]]) -> pa.Table:
    """Return rows of ALL_TRADES_COLUMNS as a table of schema ALL_TRADES; empty texts are null."""
    columns = list(zip(*rows, strict=True)) or [()] * len(ALL_TRADES)
    arrays = [
        pa.array([text or None for text in texts], pa.string()).cast(field.type)
        for texts, field in zip(columns, ALL_TRADES, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=ALL_TRADES)


def _equity_table(made: SessionsResult, equity: Sequence[int], trades: Iterable[OrbTrade]) -> pa.Table:
    """Return equity and summed R at the close of each session of the run (schema EQUITY), in order of time.

    R is summed over the trades that have a stop, and null if there are only others.

    Args:
        made: the run.
        equity: by session; micro-units.
        trades: those that count.
    """
    by_session = [0] * len(equity)
    fine = [(trade.session, fine_r(trade.pnl, trade.risk, trade.shares)) for trade in trades]
    for session, value in fine:
        by_session[session - made.first] += value or 0
    sums: list[str | None] = [r_text(scaled(total, (MICRO, FINE_R))) for total in accumulate(by_session)]
    if fine and not any(value is not None for _, value in fine):
        sums = [None] * len(sums)
    dates = session_dates(made.bars)[made.first : made.end]
    texts = [amount_text(amount) for amount in equity]
    columns = [
        pa.array(dates, pa.date32()),
        pa.array(texts, pa.string()).cast(_MONEY),
        pa.array(sums, pa.string()).cast(_R),
    ]
    return pa.Table.from_arrays(columns, schema=EQUITY)


def _chart_bars(study: Study, made: SessionsResult) -> pa.Table:
    """Return the bars of the sessions of the trades that reports draw, the run's and each symbol's (schema CHART_BARS)."""
    figures = [
        (scaled(trade.pnl, (MICRO, trade.risk * trade.shares)) if trade.risk else None, trade.pnl)
        for trade in made.trades
    ]
    own: dict[int, list[int]] = {}
    for number, trade in enumerate(made.trades):
        own.setdefault(trade.symbol, []).append(number)
    # of many symbols each has its share of the pictures
    each = MOST_CHARTS // max(1, len(own))
    chosen = {*all_charted(range(len(figures)), compared(figures, range(len(figures))))}
    for numbers in own.values():
        chosen |= {*all_charted(numbers, compared(figures, numbers), each)}
    pairs = sorted({(made.trades[number].symbol, made.trades[number].session) for number in chosen})
    # the rows of these sessions, one after the other
    bars, sessions = made.bars, len(made.bars.days)
    spans = [bars.first_row[symbol * sessions + session :][:2].tolist() for symbol, session in pairs]
    rows = np.concatenate([np.zeros(0, np.int64), *(np.arange(*span) for span in spans)])
    lengths = [end - first for first, end in spans]
    symbol, session = (np.repeat(np.array([pair[of] for pair in pairs], np.int64), lengths) for of in (0, 1))
    names = pc.take(pa.array(bars.symbols, pa.string()), pa.array(symbol))
    days = pa.array(bars.days[session], pa.int32()).cast(pa.date32())
    clocks = np.array(open_minutes(bars, study.timezone))[session]
    prices = [getattr(bars, name)[rows] / MICRO for name in ("open", "high", "low", "close")]
    columns = [bars.minute[rows], *prices, clocks, bars.open_ts[session]]
    arrays = [
        names,
        days,
        *(pa.array(column).cast(field.type) for column, field in zip(columns, [*CHART_BARS][2:], strict=True)),
    ]
    return pa.Table.from_arrays(arrays, schema=CHART_BARS)


def compared(figures: Sequence[tuple[Any, Any]], numbers: Sequence[int]) -> list[Any]:
    """Return by number of a trade what trades are compared by: R, or profit if one of those to choose from has no R.

    Args:
        figures: by number: R with six decimals, None for none; profit.
        numbers: those to choose from.
    """
    in_money = any(figures[number][0] is None for number in numbers)
    return [figure[in_money] for figure in figures]


def charted(numbers: Sequence[int], net: Sequence[Any]) -> list[int]:
    """Return the numbers of the trades that a report draws, ascending: the first ones, the best and the worst.

    Args:
        numbers: those to choose from, ascending.
        net: by number of a trade, what trades are compared by.
    """
    by_r = sorted(numbers, key=lambda number: net[number])
    return sorted({*numbers[:FIRST_CHARTS], *by_r[:EXTREME_CHARTS], *by_r[-EXTREME_CHARTS:]})


def all_charted(numbers: Sequence[int], net: Sequence[Any], most: int = MOST_CHARTS) -> list[int]:
    """Return the numbers of the trades that a report draws small, ascending: all, or of very many the first and the extremes.

    Args:
        numbers: those to choose from, ascending.
        net: by number of a trade, what trades are compared by.
        most: how many of the first ones.
    """
    return sorted({*numbers[:most], *charted(numbers, net)})


def _date_texts(made: SessionsResult) -> list[str]:
    """Return the date of every session as text."""
    return [date.isoformat() for date in session_dates(made.bars)]


def _ratio_text(value: Fraction | None) -> str:
    """Return a ratio with six decimals, rounded half to even; "" for None."""
    return "" if value is None else r_text(round(value * MICRO))


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a header and rows as CSV, whole or not at all."""
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([columns, *rows])


def _write_lines(path: Path, columns: Sequence[str], lines: Iterable[str]) -> None:
    """Write a header and finished lines as CSV, whole or not at all."""
    files.write_text(path, "\n".join([",".join(columns), *lines, ""]))


def _plain(value: Any) -> str | float:
    """Return a value of a config that JSON does not know: a date as text, a decimal as a number."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in a config")
