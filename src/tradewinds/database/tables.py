"""Tables and views of the results database: the same on SQLite, MariaDB and MySQL.

Amounts are exact on every server: DECIMAL where the server has it, a checked REAL on SQLite (Exact below). Times are UTC
without zone. A change here needs a step in migrations/versions (a test compares them).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

from tradewinds.core.errors import DatabaseError
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS

metadata = sa.MetaData()

_MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}


class Exact(TypeDecorator[Decimal]):
    """A decimal of fixed precision and scale that stays exact everywhere.

    SQLite has no decimals: there it is a REAL, which sorts and compares as a number and gives back every decimal of up to
    15 significant digits exactly; more digits are refused, not rounded.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision, self.scale = precision, scale

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """REAL on SQLite, DECIMAL elsewhere."""
        kind: TypeEngine[Any] = sa.REAL() if dialect.name == "sqlite" else sa.Numeric(self.precision, self.scale)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        """A float with the same digits for SQLite."""
        if value is None or dialect.name != "sqlite":
            return value
        return _real(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        """Always a Decimal of the column's scale."""
        if value is None:
            return None
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return exact.quantize(Decimal(1).scaleb(-self.scale))


_REAL_DIGITS = 15  # decimals of up to 15 digits survive a round trip through an IEEE 754 double


@functools.lru_cache(maxsize=4096)  # candles have few different prices
def _real(value: Decimal) -> float:
    if len(value.normalize().as_tuple().digits) > _REAL_DIGITS:
        what = f"{value} has more than {_REAL_DIGITS} digits; SQLite cannot keep it exactly."
        raise DatabaseError(what, remedy="MariaDB and MySQL can.")
    return float(value)


def _money() -> Exact:
    return Exact(20, 6)


def _ratio() -> Exact:
    return Exact(15, 12)


def _key(length: int = 64) -> sa.String:
    return sa.String(length)


strategies = sa.Table(
    "strategies",
    metadata,
    sa.Column("name", _key(100), primary_key=True),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
    sa.Column("parameters", sa.JSON, nullable=False),
    **_MYSQL,
)

backtest_runs = sa.Table(
    "backtest_runs",
    metadata,
    sa.Column("run_id", _key(36), primary_key=True),
    sa.Column("strategy", sa.ForeignKey("strategies.name"), nullable=False, index=True),
    sa.Column("status", sa.Enum("RUNNING", "SUCCESS", "FAILED", name="run_status"), nullable=False, index=True),
    sa.Column("market", sa.String(64), nullable=False),
    sa.Column("series", sa.JSON, nullable=False),
    sa.Column("date_start", sa.Date, nullable=False),
    sa.Column("date_end", sa.Date, nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("git_sha", sa.String(64)),
    sa.Column("tradewinds_version", sa.String(32)),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("metrics_json", sa.JSON),
    sa.Column("artifact_path", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("created_at_utc", sa.DateTime, nullable=False),
    sa.Column("loaded_at_utc", sa.DateTime),
    sa.Index("ix_runs_created", "created_at_utc"),
    **_MYSQL,
)

backtest_trades = sa.Table(
    "backtest_trades",
    metadata,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("trade_id", _key(36), nullable=False),
    sa.Column("series_ticker", _key(), nullable=False),
    sa.Column("event_ticker", _key(), nullable=False),
    sa.Column("market_ticker", _key(), nullable=False),
    sa.Column("station_id", sa.String(16), nullable=False),
    sa.Column("decision_ts_utc", sa.DateTime, nullable=False),
    sa.Column("quote_ts_utc", sa.DateTime, nullable=False),
    sa.Column("side", sa.String(8), nullable=False),
    sa.Column("qty", sa.BigInteger, nullable=False),
    sa.Column("entry_price", _money(), nullable=False),
    sa.Column("entry_fee", _money(), nullable=False),
    sa.Column("model_prob_yes", _ratio()),  # null in markets without probabilities, as are the two below
    sa.Column("ev_gross_per_contract", _ratio()),
    sa.Column("ev_net_per_contract", _ratio()),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("settled_result", sa.String(16), nullable=False),
    sa.Column("settled_ts_utc", sa.DateTime, nullable=False),
    sa.Column("payout", _money(), nullable=False),
    sa.Column("pnl", _money(), nullable=False),
    sa.Index("ix_trades_event", "event_ticker"),
    sa.Index("ix_trades_market_time", "market_ticker", "decision_ts_utc"),
    sa.Index("ix_trades_time", "decision_ts_utc"),
    **_MYSQL,
)

METRIC_COLUMNS = ("roi_pct", "win_rate_pct", "profit_factor", "max_drawdown_pct", "sharpe", "sortino")
SCORE_COLUMNS = ("exposure_time_avg_minutes", "brier", "log_loss", "avg_profit_usd", "avg_loss_usd")
MONEY_COLUMNS = ("start_balance_usd", "end_balance_usd", "total_pnl_usd", "total_fees_usd")

backtest_metrics = sa.Table(
    "backtest_metrics",
    metadata,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    *(sa.Column(name, _money(), nullable=False) for name in MONEY_COLUMNS),
    sa.Column("max_drawdown_usd", _money()),
    sa.Column("num_trades", sa.BigInteger, nullable=False),
    sa.Column("num_contracts", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.Double) for name in (*METRIC_COLUMNS, *SCORE_COLUMNS)),
    **_MYSQL,
)

kalshi_event = sa.Table(
    "kalshi_event",
    metadata,
    sa.Column("event_ticker", _key(), primary_key=True),
    sa.Column("series_ticker", _key(), nullable=False),
    sa.Column("climate_date", sa.Date, nullable=False),
    sa.Index("ix_event_series_date", "series_ticker", "climate_date"),
    **_MYSQL,
)

kalshi_market = sa.Table(
    "kalshi_market",
    metadata,
    sa.Column("market_ticker", _key(), primary_key=True),
    sa.Column("event_ticker", sa.ForeignKey("kalshi_event.event_ticker"), nullable=False, index=True),
    sa.Column("strike_type", sa.String(32)),
    sa.Column("floor_strike", sa.Double),
    sa.Column("cap_strike", sa.Double),
    sa.Column("yes_sub_title", sa.Text),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("result", sa.String(16)),
    sa.Column("settlement_value", _money()),
    sa.Column("open_time_utc", sa.DateTime, nullable=False),
    sa.Column("close_time_utc", sa.DateTime, nullable=False),
    sa.Column("settlement_ts_utc", sa.DateTime),
    **_MYSQL,
)

kalshi_backfill_checkpoint = sa.Table(
    "kalshi_backfill_checkpoint",
    metadata,
    sa.Column("series_ticker", _key(), primary_key=True),
    sa.Column("climate_date", sa.Date, primary_key=True),
    sa.Column("window_key", _key(), primary_key=True),
    sa.Column("event_ticker", _key(), nullable=False, index=True),
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
    **_MYSQL,
)

# Market, then time: the key is the index of "a market's candles from … to …". It is how the rows lie on disk, too: always
# in InnoDB, and in SQLite without a rowid, which keeps one tree instead of two.
kalshi_candlestick_1m = sa.Table(
    "kalshi_candlestick_1m",
    metadata,
    sa.Column("market_ticker", _key(), primary_key=True),
    sa.Column("end_period_ts_utc", sa.DateTime, primary_key=True),
    sa.Column("period_interval_minutes", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("series_ticker", _key(), nullable=False),
    sa.Column("event_ticker", _key(), nullable=False),
    *(sa.Column(name, Exact(9, 6)) for name in PRICE_COLUMNS),
    sa.Column("volume", Exact(18, 2), nullable=False),
    sa.Column("open_interest", Exact(18, 2), nullable=False),
    sa.Column("retrieved_at_utc", sa.DateTime, nullable=False),
    sqlite_with_rowid=False,
    **_MYSQL,
)

# Which candle files the table above holds: committed with their rows, so an interrupted mirror knows where it stopped.
kalshi_candlestick_mirrored = sa.Table(
    "kalshi_candlestick_mirrored",
    metadata,
    sa.Column("series_ticker", _key(), primary_key=True),
    sa.Column("climate_date", sa.Date, primary_key=True),
    sa.Column("window_key", _key(), primary_key=True),
    sa.Column("file_sha256", sa.String(64), nullable=False),
    sa.Column("num_rows", sa.BigInteger, nullable=False),
    sa.Column("mirrored_at_utc", sa.DateTime, nullable=False),
    **_MYSQL,
)

VIEWS = {
    "v_backtest_leaderboard": """
        SELECT r.run_id, r.strategy, r.market, r.date_start, r.date_end, m.total_pnl_usd, m.roi_pct, m.num_trades,
               m.win_rate_pct, m.profit_factor, m.max_drawdown_usd, m.sharpe, m.sortino, m.brier
        FROM backtest_runs r JOIN backtest_metrics m ON m.run_id = r.run_id
        WHERE r.status = 'SUCCESS'
        ORDER BY m.sharpe IS NULL, m.sharpe DESC, r.run_id""",
    "backtest_run": "SELECT * FROM backtest_runs",
    "backtest_trade": "SELECT * FROM backtest_trades",
}


def upsert(table: sa.Table, dialect: sa.Dialect, columns: Sequence[str] | None = None) -> sa.Insert:
    """An INSERT that replaces some columns (all others than the key) of rows whose primary key is there already."""
    keys = [column.name for column in table.primary_key]
    changed = columns or [column.name for column in table.columns if column.name not in keys]
    if dialect.name == "sqlite":
        lite = sqlite.insert(table)
        return lite.on_conflict_do_update(index_elements=keys, set_={name: lite.excluded[name] for name in changed})
    server = mysql.insert(table)
    return server.on_duplicate_key_update({name: server.inserted[name] for name in changed})
