"""Trades as CSV: the columns and the text of trades.csv, for the trades of a filter."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from tradewinds.core import safe_text
from tradewinds.core.text import plain
from tradewinds.database import tables as t

OF_FILLS = ("reference_price", "slippage")  # of runs that have one row per fill
COLUMNS = tuple(name for name in t.backtest_trades.c.keys() if name not in ("run_id", "seq"))  # noqa: SIM118
_AMOUNTS = {name for name in COLUMNS if getattr(t.backtest_trades.c[name].type, "least", None)}
_IN_MEMORY = 1 << 20


def spooled(trades: Iterable[Mapping[str, Any]], of_fills: bool) -> BinaryIO:
    """Write trades as CSV into a temporary file, positioned at its start.

    A file, and no stream, because a slow reader of a stream would hold a transaction open.

    Args:
        trades: rows of backtest_trades.
        of_fills: the run has one row per fill, and the columns OF_FILLS.
    """
    names = [name for name in COLUMNS if of_fills or name not in OF_FILLS]
    made = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    text = io.TextIOWrapper(made, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([cell(name, trade[name]) for name in names] for trade in trades)
    text.detach()
    made.seek(0)
    return made  # type: ignore[return-value]


def cell(name: str, value: Any) -> str:
    """A value as trades.csv has it.

    Text that a spreadsheet would compute gets an apostrophe; numbers stay as they are.
    """
    if isinstance(value, Decimal):
        return plain(value, 2 if name in _AMOUNTS else 0)
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return safe_text.cell(value) if isinstance(value, str) else "" if value is None else str(value)
