"""Tables and views that every run fills, whatever its market: the same on SQLite, MariaDB and MySQL.

A market family adds tables of its own to the same `metadata`, in its own folder (`Family.tables`; schema.all_tables has
them all). Amounts are exact on every server: DECIMAL where the server has it, a checked REAL on SQLite (`Exact` below).
Times are UTC without zone. A change here or in a family's tables needs a step in migrations/versions (a test compares them).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

from tradewinds.core.errors import DatabaseError

metadata = sa.MetaData()

# Options of every table: what MariaDB and MySQL need for transactions and for all of Unicode. SQLite ignores them.
ON_SERVERS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}


class Exact(TypeDecorator[Decimal]):
    """A decimal of fixed precision and scale that is exact on every server.

    SQLite has no decimals. There the column is a REAL, which sorts and compares as a number and gives back every decimal of
    up to 15 significant digits exactly; a value with more digits is refused, not rounded.

    Args:
        precision: digits at most.
        scale: decimals at most.
        least: decimals that a value is given back with if it needs no more; None: always `scale`.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int, least: int | None = None) -> None:
        super().__init__(precision, scale)
        self.precision, self.scale, self.least = precision, scale, least

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Return the server's column type: REAL on SQLite, DECIMAL elsewhere."""
        kind: TypeEngine[Any] = sa.REAL() if dialect.name == "sqlite" else sa.Numeric(self.precision, self.scale)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | int | None, dialect: sa.Dialect) -> Any:
        """Return what the driver is given: on SQLite a float with the same digits.

        Raises:
            DatabaseError: SQLite cannot keep the value exactly.
        """
        if value is None or dialect.name != "sqlite":
            return value
        return _real(Decimal(value))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        """Return a stored value as a Decimal of the column's scale, or with `least` decimals; None stays None."""
        if value is None:
            return None
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        exact = exact.quantize(Decimal(1).scaleb(-self.scale))
        if self.least is None:
            return exact
        short = exact.quantize(Decimal(1).scaleb(-self.least), ROUND_DOWN)
        return short if short == exact else exact


class Quantity(Exact):
    """An exact quantity, which is given back as an int if it is whole, as those of contracts and shares are."""

    cache_ok = True

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """Return a stored value as an int, or as a Decimal if it has decimals; None stays None."""
        exact = super().process_result_value(value, dialect)
        return int(exact) if exact is not None and exact == exact.to_integral_value() else exact


_REAL_DIGITS = 15  # decimals of up to 15 digits survive a round trip through an IEEE 754 double


@functools.lru_cache(maxsize=4096)  # a column of prices has few different values
def _real(value: Decimal) -> float:
    if len(value.normalize().as_tuple().digits) > _REAL_DIGITS:
        what = f"{value} has more than {_REAL_DIGITS} digits; SQLite cannot keep it exactly."
        raise DatabaseError(what, remedy="MariaDB and MySQL can.")
    return float(value)


PLACES = 8  # decimals that amounts and quantities of a run have at most


def money() -> Exact:
    """Return the type of an amount: up to 14 digits before the point and 6 after it."""
    return Exact(20, 6)


def fine_money() -> Exact:
    """Return the type of an amount of a run: up to 14 digits before the point and 8 after it, shown with 6 if these do."""
    return Exact(22, PLACES, 6)


def quantity() -> Quantity:
    """Return the type of a quantity: up to 14 digits before the point and 8 after it."""
    return Quantity(22, PLACES)


def ratio() -> Exact:
    """Return the type of a probability or an expected value: up to 3 digits before the point and 12 after it."""
    return Exact(15, 12)


def key(length: int = 64) -> sa.String:
    """Return the type of a name or id that can be part of a key.

    Args:
        length: characters at most; InnoDB's longest key is 3,072 bytes, and a character takes up to 4.
    """
    return sa.String(length)


strategies = sa.Table(
    "strategies",
    metadata,
    sa.Column("name", key(100), primary_key=True),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
    sa.Column("parameters", sa.JSON, nullable=False),
    **ON_SERVERS,
)

backtest_runs = sa.Table(
    "backtest_runs",
    metadata,
    sa.Column("run_id", key(36), primary_key=True),
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
    sa.Column("name", sa.String(200)),  # what a user calls the run, and says of it (results.run_names)
    sa.Column("note", sa.Text),
    sa.Index("ix_runs_created", "created_at_utc"),
    **ON_SERVERS,
)

backtest_trades = sa.Table(
    "backtest_trades",
    metadata,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("trade_id", key(36), nullable=False),
    sa.Column("series_ticker", key(), nullable=False),
    sa.Column("event_ticker", key(), nullable=False),
    sa.Column("market_ticker", key(), nullable=False),
    sa.Column("station_id", sa.String(16), nullable=False),
    sa.Column("decision_ts_utc", sa.DateTime, nullable=False),
    sa.Column("quote_ts_utc", sa.DateTime, nullable=False),
    sa.Column("side", sa.String(8), nullable=False),
    sa.Column("qty", quantity(), nullable=False),
    sa.Column("entry_price", fine_money(), nullable=False),
    sa.Column("entry_fee", fine_money(), nullable=False),
    sa.Column("model_prob_yes", ratio()),  # null in markets without probabilities, as are the two below
    sa.Column("ev_gross_per_contract", ratio()),
    sa.Column("ev_net_per_contract", ratio()),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("settled_result", sa.String(16), nullable=False),
    sa.Column("settled_ts_utc", sa.DateTime, nullable=False),
    sa.Column("payout", fine_money(), nullable=False),
    sa.Column("pnl", fine_money(), nullable=False),
    sa.Column("reference_price", fine_money()),  # null but of runs that have one row per fill, as is the one below
    sa.Column("slippage", fine_money()),
    sa.Index("ix_trades_event", "event_ticker"),
    sa.Index("ix_trades_market_time", "market_ticker", "decision_ts_utc"),
    sa.Index("ix_trades_time", "decision_ts_utc"),
    **ON_SERVERS,
)

# Figures of metrics.json that are columns, under the same names. Amounts are in the run's currency, whatever their names say.
METRIC_COLUMNS = ("roi_pct", "win_rate_pct", "profit_factor", "max_drawdown_pct", "sharpe", "sortino")
SCORE_COLUMNS = ("exposure_time_avg_minutes", "brier", "log_loss", "avg_profit_usd", "avg_loss_usd")
MONEY_COLUMNS = ("start_balance_usd", "end_balance_usd", "total_pnl_usd", "total_fees_usd")

backtest_metrics = sa.Table(
    "backtest_metrics",
    metadata,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    *(sa.Column(name, fine_money(), nullable=False) for name in MONEY_COLUMNS),
    sa.Column("max_drawdown_usd", fine_money()),
    sa.Column("num_trades", sa.BigInteger, nullable=False),
    sa.Column("num_contracts", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.Double) for name in (*METRIC_COLUMNS, *SCORE_COLUMNS)),
    **ON_SERVERS,
)

# Names that people's own queries use; each upgrade of the schema makes the views anew.
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
    """Build an INSERT that updates the rows whose primary key is there already.

    Args:
        table: where the rows go.
        dialect: the connection's; SQLite and the servers say this differently.
        columns: those to update in a row that is there; None for all outside the key.
    """
    keys = [column.name for column in table.primary_key]
    changed = columns or [column.name for column in table.columns if column.name not in keys]
    if dialect.name == "sqlite":
        lite = sqlite.insert(table)
        return lite.on_conflict_do_update(index_elements=keys, set_={name: lite.excluded[name] for name in changed})
    server = mysql.insert(table)
    return server.on_duplicate_key_update({name: server.inserted[name] for name in changed})
