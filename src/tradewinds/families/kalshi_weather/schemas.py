"""The data files of daily temperature events: where they lie and which columns they have.

Importing this module is cheap and needs no numpy: one fetch job per event imports it.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from tradewinds.core.files import schema_of
from tradewinds.core.units import COUNT, PRICE, PROB, TS

CATALOG = schema_of(
    ("series_ticker", pa.string()),
    ("event_ticker", pa.string()),
    ("market_ticker", pa.string()),
    ("climate_date", pa.date32()),
    ("market_type", pa.string()),
    ("strike_type", pa.string(), "null"),
    ("floor_strike", pa.float64(), "null"),
    ("cap_strike", pa.float64(), "null"),
    ("yes_sub_title", pa.string(), "null"),
    ("title", pa.string(), "null"),
    ("status", pa.string()),
    ("result", pa.string(), "null"),
    ("settlement_value", PRICE, "null"),
    ("expiration_value", pa.string(), "null"),
    ("open_time", TS),
    ("close_time", TS),
    ("settlement_ts", TS, "null"),
    ("volume", COUNT, "null"),
    ("fee_type", pa.string(), "null"),
    ("fee_multiplier", PRICE, "null"),
    ("tier", pa.string()),
    ("raw", pa.string()),
    ("retrieved_at", TS),
)

_OHLC = ("open", "high", "low", "close")
PRICE_COLUMNS = (
    *(f"yes_bid_{k}" for k in _OHLC),
    *(f"yes_ask_{k}" for k in _OHLC),
    *(f"price_{k}" for k in (*_OHLC, "mean", "previous")),
)
CANDLES = pa.schema(
    [
        pa.field("market_ticker", pa.string(), nullable=False),
        pa.field("end_period_ts", pa.int64(), nullable=False),
        *(pa.field(name, PRICE) for name in PRICE_COLUMNS),
        pa.field("volume", COUNT, nullable=False),
        pa.field("open_interest", COUNT, nullable=False),
        pa.field("retrieved_at", TS, nullable=False),
    ]
)

# A row per run and hour with a daily extreme (n_x_f; NaN where the hour carries none) or a temperature (tmp_f).
GUIDANCE = schema_of(
    ("station_id", pa.string()),
    ("model", pa.string()),
    ("runtime_ts", pa.int64()),
    ("ftime_ts", pa.int64()),
    ("n_x_f", pa.float64()),
    ("tmp_f", pa.float64(), "null"),
    ("known_at_ts", pa.int64()),
)

CLIMATE = schema_of(
    ("station_id", pa.string()),
    ("climate_date", pa.date32()),
    ("high_f", pa.int32(), "null"),
    ("low_f", pa.int32(), "null"),
    ("issued_ts", pa.int64()),
    ("product", pa.string()),
    ("final", pa.bool_()),
    ("known_at_ts", pa.int64()),
)

# Hours between a model's run time and its guidance being public: floors, measured lags are shorter.
PUBLICATION_LAG_HOURS = {"GFS": 5.0, "NAM": 4.0, "MEX": 6.0, "NBS": 2.5, "NBE": 2.5}
# The first year with any of a model's guidance in the weather service's archive (GFS from its predecessor AVN, NAM from ETA).
GUIDANCE_SINCE = {"GFS": 2000, "NAM": 2002, "MEX": 2020, "NBS": 2018, "NBE": 2020}

# The law of a day's extreme: a mixture of normal laws, of one where its shape is not known better.
DISTRIBUTION = pa.list_(
    pa.struct([pa.field(name, pa.float64(), nullable=False) for name in ("weight", "mu_f", "sigma_f")])
)

PROBABILITIES = schema_of(
    ("series_ticker", pa.string()),
    ("event_ticker", pa.string()),
    ("market_ticker", pa.string()),
    ("climate_date", pa.date32()),
    ("asof_ts", pa.int64()),
    ("known_at_ts", pa.int64()),
    ("p_yes", PROB),
    ("mu_f", pa.float64(), "null"),
    ("sigma_f", pa.float64(), "null"),
    ("law", DISTRIBUTION, "null"),
    ("method", pa.string()),
    ("reason", pa.string(), "null"),
)

# A forecast per climate date (forecasts/daily.py): `method` is the one that counts, with its law and that law's mean (mu_f) and
# standard deviation (sigma_f); `reason` says what kept a better one out. Beside it those two of every method that was possible.
FORECAST_METHODS = ("emos", "bias_corrected", "climatology", "raw")
FORECASTS = schema_of(
    ("station_id", pa.string()),
    ("target", pa.string()),
    ("climate_date", pa.date32()),
    ("asof_ts", pa.int64()),
    ("known_at_ts", pa.int64(), "null"),
    ("method", pa.string(), "null"),
    ("reason", pa.string(), "null"),
    ("mu_f", pa.float64(), "null"),
    ("sigma_f", pa.float64(), "null"),
    ("law", DISTRIBUTION, "null"),
    *((f"{method}_{what}_f", pa.float64(), "null") for method in FORECAST_METHODS for what in ("mu", "sigma")),
    ("coefficients", pa.list_(pa.float64())),
)


def catalog_path(series_ticker: str) -> str:
    """The catalog of a series: one row per market (schema CATALOG)."""
    return f"data/catalog/kalshi/{series_ticker}.parquet"


def candle_path(window_key: str, series_ticker: str, climate_date: dt.date) -> str:
    """The candles of one event, all its markets (schema CANDLES)."""
    return f"data/candles/kalshi/{window_key}/{series_ticker}/{climate_date.isoformat()}.parquet"


def guidance_path(station_id: str, model: str, year: int) -> str:
    """One year of station guidance (schema GUIDANCE)."""
    return f"data/guidance/iem/{station_id}/{model}/{year}.parquet"


def climate_path(station_id: str, year: int) -> str:
    """One year of climate reports (schema CLIMATE)."""
    return f"data/climate/iem/{station_id}/{year}.parquet"


def forecast_path(digest: str, station_id: str, target: str, through: dt.date) -> str:
    """Forecasts of a station's "max" or "min" from New Year to a date (schema FORECASTS); the digest names their settings."""
    return f"data/forecasts/{digest}/{station_id}/{target}/{through.isoformat()}.parquet"
