"""The first version: the tables as they were when the schema had no version yet.

A copy that never changes, so that a database of that time can be recognised, whatever the tables are today.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None

BASE = sa.MetaData()

_INNODB: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}
_OHLC = ("open", "high", "low", "close")
_PRICES = (
    *(f"yes_{side}_{kind}" for side in ("bid", "ask") for kind in _OHLC),
    *(f"price_{kind}" for kind in (*_OHLC, "mean", "previous")),
)


def _exact(precision: int, scale: int) -> sa.types.TypeEngine[Any]:
    """The type that tables.Exact makes: REAL on SQLite."""
    return sa.Numeric(precision, scale).with_variant(sa.REAL(), "sqlite")


sa.Table(
    "strategies",
    BASE,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
    sa.Column("parameters", sa.JSON, nullable=False),
    **_INNODB,
)

sa.Table(
    "backtest_runs",
    BASE,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("strategy", sa.ForeignKey("strategies.name"), nullable=False, index=True),
    sa.Column("status", sa.Enum("RUNNING", "SUCCESS", "FAILED", name="run_status"), nullable=False, index=True),
    sa.Column("market", sa.String(64), nullable=False),
    sa.Column("series", sa.JSON, nullable=False),
    sa.Column("date_start", sa.Date, nullable=False),
    sa.Column("date_end", sa.Date, nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("git_sha", sa.String(64)),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("metrics_json", sa.JSON),
    sa.Column("artifact_path", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("created_at_utc", sa.DateTime, nullable=False),
    sa.Column("loaded_at_utc", sa.DateTime),
    **_INNODB,
)

sa.Table(
    "backtest_trades",
    BASE,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("trade_id", sa.String(36), nullable=False),
    sa.Column("series_ticker", sa.String(64), nullable=False),
    sa.Column("event_ticker", sa.String(64), nullable=False),
    sa.Column("market_ticker", sa.String(64), nullable=False),
    sa.Column("station_id", sa.String(16), nullable=False),
    sa.Column("decision_ts_utc", sa.DateTime, nullable=False),
    sa.Column("quote_ts_utc", sa.DateTime, nullable=False),
    sa.Column("side", sa.String(8), nullable=False),
    sa.Column("qty", sa.BigInteger, nullable=False),
    sa.Column("entry_price", _exact(20, 6), nullable=False),
    sa.Column("entry_fee", _exact(20, 6), nullable=False),
    sa.Column("model_prob_yes", _exact(15, 12), nullable=False),
    sa.Column("ev_gross_per_contract", _exact(15, 12), nullable=False),
    sa.Column("ev_net_per_contract", _exact(15, 12), nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("settled_result", sa.String(16), nullable=False),
    sa.Column("settled_ts_utc", sa.DateTime, nullable=False),
    sa.Column("payout", _exact(20, 6), nullable=False),
    sa.Column("pnl", _exact(20, 6), nullable=False),
    sa.Index("ix_trades_event", "event_ticker"),
    sa.Index("ix_trades_market_time", "market_ticker", "decision_ts_utc"),
    sa.Index("ix_trades_time", "decision_ts_utc"),
    **_INNODB,
)

_METRICS = ("roi_pct", "win_rate_pct", "profit_factor", "max_drawdown_pct", "sharpe", "sortino")
_SCORES = ("exposure_time_avg_minutes", "brier", "log_loss", "avg_profit_usd", "avg_loss_usd")
_MONEY = ("start_balance_usd", "end_balance_usd", "total_pnl_usd", "total_fees_usd")

sa.Table(
    "backtest_metrics",
    BASE,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    *(sa.Column(name, _exact(20, 6), nullable=False) for name in _MONEY),
    sa.Column("max_drawdown_usd", _exact(20, 6)),
    sa.Column("num_trades", sa.BigInteger, nullable=False),
    sa.Column("num_contracts", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.Double) for name in (*_METRICS, *_SCORES)),
    **_INNODB,
)

sa.Table(
    "kalshi_event",
    BASE,
    sa.Column("event_ticker", sa.String(64), primary_key=True),
    sa.Column("series_ticker", sa.String(64), nullable=False),
    sa.Column("climate_date", sa.Date, nullable=False),
    sa.Index("ix_event_series_date", "series_ticker", "climate_date"),
    **_INNODB,
)

sa.Table(
    "kalshi_market",
    BASE,
    sa.Column("market_ticker", sa.String(64), primary_key=True),
    sa.Column("event_ticker", sa.ForeignKey("kalshi_event.event_ticker"), nullable=False, index=True),
    sa.Column("strike_type", sa.String(32)),
    sa.Column("floor_strike", sa.Double),
    sa.Column("cap_strike", sa.Double),
    sa.Column("yes_sub_title", sa.Text),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("result", sa.String(16)),
    sa.Column("settlement_value", _exact(20, 6)),
    sa.Column("open_time_utc", sa.DateTime, nullable=False),
    sa.Column("close_time_utc", sa.DateTime, nullable=False),
    sa.Column("settlement_ts_utc", sa.DateTime),
    **_INNODB,
)

sa.Table(
    "kalshi_backfill_checkpoint",
    BASE,
    sa.Column("series_ticker", sa.String(64), primary_key=True),
    sa.Column("climate_date", sa.Date, primary_key=True),
    sa.Column("window_key", sa.String(64), primary_key=True),
    sa.Column("event_ticker", sa.String(64), nullable=False, index=True),
    sa.Column("status", sa.Enum("RUNNING", "SUCCESS", "FAILED", name="backfill_status"), nullable=False, index=True),
    sa.Column("num_rows", sa.BigInteger),
    sa.Column("num_markets", sa.Integer),
    sa.Column("missing_minutes", sa.BigInteger),
    sa.Column("requests", sa.Integer),
    sa.Column("retries", sa.Integer),
    sa.Column("tier", sa.String(32)),
    sa.Column("reason_if_empty", sa.String(64)),
    sa.Column("error", sa.Text),
    sa.Column("file_path", sa.Text, nullable=False),
    sa.Column("retrieved_at_utc", sa.DateTime),
    sa.Column("updated_at_utc", sa.DateTime, nullable=False),
    **_INNODB,
)

# Market, then time: the key is the index of "a market's candles from … to …". It is how the rows lie on disk, too: always
# in InnoDB, and in SQLite without a rowid, which keeps one tree instead of two.
sa.Table(
    "kalshi_candlestick_1m",
    BASE,
    sa.Column("market_ticker", sa.String(64), primary_key=True),
    sa.Column("end_period_ts_utc", sa.DateTime, primary_key=True),
    sa.Column("period_interval_minutes", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("series_ticker", sa.String(64), nullable=False),
    sa.Column("event_ticker", sa.String(64), nullable=False),
    *(sa.Column(name, _exact(9, 6)) for name in _PRICES),
    sa.Column("volume", _exact(18, 2), nullable=False),
    sa.Column("open_interest", _exact(18, 2), nullable=False),
    sa.Column("retrieved_at_utc", sa.DateTime, nullable=False),
    sqlite_with_rowid=False,
    **_INNODB,
)

# Which candle files the table above holds: committed with their rows, so an interrupted mirror knows where it stopped.
sa.Table(
    "kalshi_candlestick_mirrored",
    BASE,
    sa.Column("series_ticker", sa.String(64), primary_key=True),
    sa.Column("climate_date", sa.Date, primary_key=True),
    sa.Column("window_key", sa.String(64), primary_key=True),
    sa.Column("file_sha256", sa.String(64), nullable=False),
    sa.Column("num_rows", sa.BigInteger, nullable=False),
    sa.Column("mirrored_at_utc", sa.DateTime, nullable=False),
    **_INNODB,
)


def upgrade() -> None:
    """Make the tables that are not there: some may be, if a server stopped half-way."""
    BASE.create_all(op.get_bind())
