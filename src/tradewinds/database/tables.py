"""The tables of the results database (SQLAlchemy Core): one schema for SQLite, MySQL 8 and MariaDB 10.6+.

Amounts are decimals of dollars, probabilities decimals, statistics doubles, instants UTC. Tickers compare byte by byte
(utf8mb4_bin). `SCHEMA_VERSION` counts changes of this file; the database remembers its own in `schema_version`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from tradewinds.database.types import Exact, LongText, Utc

SCHEMA_VERSION = 1

RUNNING, SUCCESS, FAILED = "RUNNING", "SUCCESS", "FAILED"

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"}
)
MYSQL = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def _usd() -> Exact:
    return Exact(18, 6)


def ticker() -> String:
    return String(64)


schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at_utc", Utc, nullable=False),
    **MYSQL,
)

strategies = Table(
    "strategies",
    metadata,
    Column("strategy_id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("parameters_sha256", String(64), nullable=False),
    Column("parameters", LongText, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at_utc", Utc, nullable=False),
    UniqueConstraint("name", "version", "parameters_sha256", name="uq_strategies_identity"),
    **MYSQL,
)

backtest_runs = Table(
    "backtest_runs",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("strategy_id", ForeignKey("strategies.strategy_id"), nullable=False, index=True),
    Column("status", String(8), nullable=False, index=True),
    Column("market", String(32), nullable=False),
    Column("series_tickers", LongText, nullable=False),
    Column("date_start_local", Date, nullable=False),
    Column("date_end_local", Date, nullable=False),
    Column("config", LongText, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("git_sha", String(46)),
    Column("tradewinds_version", String(32), nullable=False),
    Column("data_watermark_utc", Utc),
    Column("metrics_json", LongText),
    Column("artifact_path", LongText, nullable=False),
    Column("error", LongText),
    Column("simulated_at_utc", Utc, nullable=False),
    Column("loaded_at_utc", Utc, nullable=False, index=True),
    CheckConstraint(f"status IN ('{RUNNING}', '{SUCCESS}', '{FAILED}')", name="ck_backtest_runs_status"),
    **MYSQL,
)

backtest_trades = Table(
    "backtest_trades",
    metadata,
    Column("run_id", ForeignKey("backtest_runs.run_id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("trade_id", String(36), nullable=False, unique=True),
    Column("series_ticker", ticker(), nullable=False),
    Column("event_ticker", ticker(), nullable=False, index=True),
    Column("market_ticker", ticker(), nullable=False, index=True),
    Column("station_id", String(8), nullable=False),
    Column("decision_ts_utc", Utc, nullable=False, index=True),
    Column("quote_ts_utc", Utc, nullable=False),
    Column("side", String(8), nullable=False),
    Column("qty", Integer, nullable=False),
    Column("entry_price", _usd(), nullable=False),
    Column("entry_fee", _usd(), nullable=False),
    Column("model_prob_yes", Exact(13, 12), nullable=False),
    Column("ev_gross_per_contract", Exact(18, 12), nullable=False),
    Column("ev_net_per_contract", Exact(18, 12), nullable=False),
    Column("reason_code", String(64), nullable=False),
    Column("settled_result", String(16), nullable=False),
    Column("settled_ts_utc", Utc, nullable=False),
    Column("payout", _usd(), nullable=False),
    Column("pnl", _usd(), nullable=False),
    **MYSQL,
)

backtest_metrics = Table(
    "backtest_metrics",
    metadata,
    Column("run_id", ForeignKey("backtest_runs.run_id"), primary_key=True),
    *(
        Column(name, _usd(), nullable=False)
        for name in ("start_balance_usd", "end_balance_usd", "total_pnl_usd", "total_fees_usd")
    ),
    Column("roi_pct", Double),
    Column("num_trades", Integer, nullable=False),
    Column("num_contracts", Integer, nullable=False),
    Column("win_rate_pct", Double),
    Column("avg_profit_usd", _usd()),
    Column("avg_loss_usd", _usd()),
    Column("profit_factor", Double),
    Column("max_drawdown_usd", _usd(), nullable=False),
    *(
        Column(name, Double)
        for name in ("max_drawdown_pct", "sharpe", "sortino", "exposure_time_avg_minutes", "brier", "log_loss")
    ),
    Column("calibration_bins", LongText, nullable=False),
    Column("diagnostics", LongText, nullable=False),
    Index("ix_backtest_metrics_sharpe", "sharpe"),
    **MYSQL,
)
