"""Trades in R, their fills, sessions, scored decisions and factors as the web page shows them."""

from __future__ import annotations

from tradewinds.results.run_tables import AMOUNT, CODE, COST, NUMBER, TIME, RunTable, TableColumn, numbers, texts

TRADES_TABLE = RunTable(
    name="trades",
    kind="trades_r",
    title="Trades in R",
    one="trade",
    columns=(
        TableColumn("trade_id", "trade"),
        *texts("symbol", "session"),
        TableColumn("or_minutes", "range, minutes", NUMBER),
        TableColumn("or_high", "range high", NUMBER),
        TableColumn("or_low", "range low", NUMBER),
        TableColumn("raw", "entry before slippage", NUMBER),
        *numbers("stop", "risk_per_share"),
        TableColumn("targets", "targets"),
        TableColumn("r", "R", NUMBER),
        TableColumn("r_gross", "R before costs", NUMBER, in_list=False),
        TableColumn("mae_r", "worst R while held", NUMBER, in_list=False),
        TableColumn("mfe_r", "best R while held", NUMBER, in_list=False),
        TableColumn("score", "score", NUMBER),
        TableColumn("rel_volume", "relative volume", NUMBER, in_list=False),
    ),
    filters=("symbol", "session"),
    main="r",
    key="trade_id",
    row_tables=("legs", "factors"),
    unit="trade_id",
)

LEGS_TABLE = RunTable(
    name="legs",
    kind="legs",
    title="Fills",
    one="fill",
    columns=(
        TableColumn("ts", "time, UTC", TIME),
        TableColumn("trade_id", "trade"),
        TableColumn("reason", "reason", CODE),
        TableColumn("qty", "qty", NUMBER),
        TableColumn("raw", "price before slippage", NUMBER),
        TableColumn("fill", "price", NUMBER),
        TableColumn("commission", "commission", COST),
    ),
    filters=("reason", "trade_id"),
    sums=("commission",),
    main="fill",
)

SESSIONS_TABLE = RunTable(
    name="sessions",
    kind="sessions",
    title="Sessions",
    one="session",
    columns=(
        *texts("session", "symbol"),
        TableColumn("reason", "not traded because", CODE),
        TableColumn("or_minutes", "range, minutes", NUMBER),
        TableColumn("or_open", "range open", NUMBER),
        TableColumn("or_high", "range high", NUMBER),
        TableColumn("or_low", "range low", NUMBER),
        TableColumn("or_close", "range close", NUMBER),
        TableColumn("or_volume", "range volume", NUMBER),
        *numbers("atr", "missing_minutes"),
        TableColumn("rel_volume", "relative volume", NUMBER),
    ),
    filters=("symbol", "reason"),
    main="or_close",
)

FACTORS_TABLE = RunTable(
    name="factors",
    kind="factors",
    title="Scored decisions",
    one="decision",
    columns=(
        TableColumn("bar_ts", "bar, UTC", TIME),
        *texts("session", "symbol", "direction"),
        TableColumn("answer", "answer", CODE),
        TableColumn("trade_id", "trade"),
        TableColumn("score", "score", NUMBER),
        *(TableColumn(name, name.replace("_", " "), NUMBER) for name in ("rel_vol", "price_action", "profile")),
        TableColumn("vwap", "VWAP", NUMBER),
        TableColumn("adx", "ADX", NUMBER),
    ),
    filters=("symbol", "direction", "answer", "trade_id"),
    main="score",
)

ATTRIBUTION_TABLE = RunTable(
    name="attribution",
    kind="attribution",
    title="With and without each factor",
    one="group",
    columns=(
        *texts("factor", "held"),
        *numbers("decisions", "trades", "wins", "win_rate", "total_r", "average_r"),
        TableColumn("total_pnl", "P&L", AMOUNT),
    ),
    filters=("factor", "held"),
    main="total_pnl",
)

RUN_TABLES = (TRADES_TABLE, LEGS_TABLE, SESSIONS_TABLE, FACTORS_TABLE, ATTRIBUTION_TABLE)
