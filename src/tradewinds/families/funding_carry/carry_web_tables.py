"""Positions and funding payments as the web page shows them."""

from __future__ import annotations

from tradewinds.results.run_tables import AMOUNT, CODE, COST, NUMBER, PERCENT, TIME, RunTable, TableColumn

POSITIONS_TABLE = RunTable(
    name="positions",
    kind="round_trips",
    title="Positions",
    one="position",
    columns=(
        TableColumn("position_id", "position"),
        TableColumn("symbol", "symbol"),
        TableColumn("direction", "direction"),
        TableColumn("open_time", "opened, UTC", TIME),
        TableColumn("close_time", "closed, UTC", TIME),
        TableColumn("net_pnl", "net", AMOUNT),
        TableColumn("funding", "funding", AMOUNT),
        TableColumn("price_pnl", "price P&L", AMOUNT),
        TableColumn("fees", "fees", COST),
        TableColumn("slippage", "slippage", COST),
        TableColumn("borrow", "borrow interest", COST),
        TableColumn("liquidation_cost", "liquidation cost", COST),
        TableColumn("periods", "payments", NUMBER),
        TableColumn("breakeven_periods", "payments to break even", NUMBER, if_empty="never"),
        TableColumn("exit_reason", "exit", CODE),
        # the page of a position has these, too
        TableColumn("qty", "quantity", NUMBER, in_list=False),
        TableColumn("spot_entry", "spot bought or sold at", NUMBER, in_list=False),
        TableColumn("spot_exit", "spot closed at", NUMBER, in_list=False),
        TableColumn("perp_entry", "perpetual sold or bought at", NUMBER, in_list=False),
        TableColumn("perp_exit", "perpetual closed at", NUMBER, in_list=False),
        TableColumn("entry_rate", "rate at the entry", PERCENT, in_list=False),
        TableColumn("entry_score", "score at the entry", NUMBER, in_list=False),
        TableColumn("capital", "capital", COST, in_list=False),
        TableColumn("apr_on_capital", "net return a year on the capital, %", NUMBER, in_list=False),
    ),
    filters=("symbol", "direction", "exit_reason"),
    sums=("net_pnl", "funding", "price_pnl", "fees", "slippage", "borrow", "liquidation_cost"),
    main="net_pnl",
    key="position_id",
    row_tables=("funding",),
    has_trades=True,
    unit="position_id",
)

PAYMENTS_TABLE = RunTable(
    name="funding",
    kind="funding",
    title="Funding payments",
    one="payment",
    columns=(
        TableColumn("time", "time, UTC", TIME),
        TableColumn("position_id", "position"),
        TableColumn("symbol", "symbol"),
        TableColumn("rate", "rate", PERCENT),
        TableColumn("interval", "hours", NUMBER),
        TableColumn("mark", "mark price", NUMBER),
        TableColumn("mark_source", "from"),
        TableColumn("qty", "quantity", NUMBER),
        TableColumn("payment", "payment", AMOUNT, digits=None),
    ),
    filters=("symbol", "position_id", "mark_source"),
    sums=("payment",),
    main="payment",
)

RUN_TABLES = (POSITIONS_TABLE, PAYMENTS_TABLE)
