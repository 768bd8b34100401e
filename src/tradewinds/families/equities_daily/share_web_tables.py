"""Closed positions and trading days as the web page shows them."""

from __future__ import annotations

from tradewinds.results.run_tables import AMOUNT, CODE, NUMBER, RunTable, TableColumn, amounts, numbers, texts

CLOSED_TABLE = RunTable(
    name="positions",
    kind="positions_closed",
    title="Closed positions",
    one="position",
    columns=(
        *texts("symbol", "signal_date", "entry_date", "exit_date"),
        *numbers("qty", "entry_price", "entry_fee", "exit_price", "exit_fee", "holding_days"),
        TableColumn("pnl", "P&L", AMOUNT),
        TableColumn("pnl_pct", "P&L, %", NUMBER),
        TableColumn("exit_reason", "exit", CODE),
    ),
    filters=("symbol", "exit_reason"),
    sums=("pnl",),
    main="pnl",
    unit="symbol",
)

SESSIONS_TABLE = RunTable(
    name="sessions",
    kind="sessions",
    title="Trading days",
    one="day",
    columns=(*texts("date"), *amounts("equity", "cash", "open_value"), *numbers("positions"), *amounts("benchmark")),
    main="equity",
)

RUN_TABLES = (CLOSED_TABLE, SESSIONS_TABLE)
