"""Tables of the market data behind the runs: events, markets, what was fetched, and (optionally) the candles themselves."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Double, ForeignKey, Index, Integer, String, Table

from tradewinds.database.tables import MYSQL, _ticker, metadata
from tradewinds.database.types import Exact, LongText, Utc
from tradewinds.store import PRICE_COLUMNS

kalshi_event = Table(
    "kalshi_event",
    metadata,
    Column("event_ticker", ticker(), primary_key=True),
    Column("series_ticker", ticker(), nullable=False),
    Column("climate_date", Date, nullable=False),
    Column("mutually_exclusive", Boolean),
    Index("ix_kalshi_event_series_date", "series_ticker", "climate_date"),
    **MYSQL,
)

kalshi_market = Table(
    "kalshi_market",
    metadata,
    Column("market_ticker", ticker(), primary_key=True),
    Column("event_ticker", ForeignKey("kalshi_event.event_ticker"), nullable=False, index=True),
    Column("series_ticker", ticker(), nullable=False),
    Column("market_type", String(16), nullable=False),
    Column("strike_type", String(32)),
    Column("floor_strike", Double),
    Column("cap_strike", Double),
    Column("yes_sub_title", LongText),
    Column("title", LongText),
    Column("status", String(32), nullable=False),
    Column("result", String(16)),
    Column("settlement_value", Exact(9, 6)),
    Column("expiration_value", String(64)),
    Column("open_time", Utc, nullable=False),
    Column("close_time", Utc, nullable=False, index=True),
    Column("settlement_ts", Utc),
    Column("volume", Exact(18, 2)),
    Column("retrieved_at", Utc, nullable=False),
    **MYSQL,
)

kalshi_backfill_checkpoint = Table(
    "kalshi_backfill_checkpoint",
    metadata,
    Column("path", String(255), primary_key=True),
    Column("series_ticker", ticker(), nullable=False),
    Column("event_ticker", ticker(), index=True),
    Column("climate_date", Date, nullable=False),
    Column("window_policy", String(32), nullable=False),
    Column("window_start_utc", Utc),
    Column("window_end_utc", Utc),
    Column("period_interval_minutes", Integer, nullable=False),
    Column("tier", String(16)),
    Column("requests", Integer, nullable=False),
    Column("markets", Integer, nullable=False),
    Column("candles", Integer, nullable=False),
    Column("reason", String(32)),
    Index("ix_kalshi_backfill_checkpoint_series_date", "series_ticker", "climate_date"),
    **MYSQL,
)

kalshi_candlestick_1m = Table(
    "kalshi_candlestick_1m",
    metadata,
    Column("market_ticker", ticker(), primary_key=True),
    Column("end_period_ts_utc", Utc, primary_key=True),
    Column("period_interval_minutes", Integer, primary_key=True, autoincrement=False),
    *(Column(name, Exact(9, 6)) for name in PRICE_COLUMNS),
    Column("volume", Exact(18, 2), nullable=False),
    Column("open_interest", Exact(18, 2), nullable=False),
    Column("retrieved_at", Utc, nullable=False),
    Index("ix_kalshi_candlestick_1m_time", "end_period_ts_utc"),
    **MYSQL,
)
