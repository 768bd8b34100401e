"""Tables of temperature events: events and markets, the backfill's checkpoints, and mirrored candles.

They are in one schema with the tables of every run (tradewinds.database.tables). A change here needs a step in
src/tradewinds/database/migrations/versions.
"""

from __future__ import annotations

import sqlalchemy as sa

from tradewinds.database.tables import ON_SERVERS, Exact, key, metadata, money
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS

kalshi_event = sa.Table(
    "kalshi_event",
    metadata,
    sa.Column("event_ticker", key(), primary_key=True),
    sa.Column("series_ticker", key(), nullable=False),
    sa.Column("climate_date", sa.Date, nullable=False),
    sa.Index("ix_event_series_date", "series_ticker", "climate_date"),
    **ON_SERVERS,
)

kalshi_market = sa.Table(
    "kalshi_market",
    metadata,
    sa.Column("market_ticker", key(), primary_key=True),
    sa.Column("event_ticker", sa.ForeignKey("kalshi_event.event_ticker"), nullable=False, index=True),
    sa.Column("strike_type", sa.String(32)),
    sa.Column("floor_strike", sa.Double),
    sa.Column("cap_strike", sa.Double),
    sa.Column("yes_sub_title", sa.Text),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("result", sa.String(16)),
    sa.Column("settlement_value", money()),
    sa.Column("open_time_utc", sa.DateTime, nullable=False),
    sa.Column("close_time_utc", sa.DateTime, nullable=False),
    sa.Column("settlement_ts_utc", sa.DateTime),
    **ON_SERVERS,
)

kalshi_backfill_checkpoint = sa.Table(
    "kalshi_backfill_checkpoint",
    metadata,
    sa.Column("series_ticker", key(), primary_key=True),
    sa.Column("climate_date", sa.Date, primary_key=True),
    sa.Column("window_key", key(), primary_key=True),
    sa.Column("event_ticker", key(), nullable=False, index=True),
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
    **ON_SERVERS,
)

# Market, then time: the key is the index of "a market's candles from … to …". It is how the rows lie on disk, too: always
# in InnoDB, and in SQLite without a rowid, which keeps one tree instead of two.
kalshi_candlestick_1m = sa.Table(
    "kalshi_candlestick_1m",
    metadata,
    sa.Column("market_ticker", key(), primary_key=True),
    sa.Column("end_period_ts_utc", sa.DateTime, primary_key=True),
    sa.Column("period_interval_minutes", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("series_ticker", key(), nullable=False),
    sa.Column("event_ticker", key(), nullable=False),
    *(sa.Column(name, Exact(9, 6)) for name in PRICE_COLUMNS),
    sa.Column("volume", Exact(18, 2), nullable=False),
    sa.Column("open_interest", Exact(18, 2), nullable=False),
    sa.Column("retrieved_at_utc", sa.DateTime, nullable=False),
    sqlite_with_rowid=False,
    **ON_SERVERS,
)

# Which candle files the table above holds: committed with their rows, so an interrupted mirror knows where it stopped.
kalshi_candlestick_mirrored = sa.Table(
    "kalshi_candlestick_mirrored",
    metadata,
    sa.Column("series_ticker", key(), primary_key=True),
    sa.Column("climate_date", sa.Date, primary_key=True),
    sa.Column("window_key", key(), primary_key=True),
    sa.Column("file_sha256", sa.String(64), nullable=False),
    sa.Column("num_rows", sa.BigInteger, nullable=False),
    sa.Column("mirrored_at_utc", sa.DateTime, nullable=False),
    **ON_SERVERS,
)
