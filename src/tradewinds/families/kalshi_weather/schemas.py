"""Paths and columns of the data files of daily temperature events. All paths are relative to the working directory.

This module imports no numpy and is cheap to import, because one fetch job per event imports it.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from tradewinds.core.files import DateRange, schema_of
from tradewinds.core.units import COUNT, PRICE, PROB, TS

# A row per market of a series, as the exchange lists it. Prices are in dollars, volume is in contracts.
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
# A row per market and candle. Prices are in dollars, volume and open interest in contracts; `end_period_ts` is the end.
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

# A row per model run and hour with a daily extreme (n_x_f; NaN where the hour carries none) or a temperature (tmp_f), in °F.
# n_x_sd_f is the standard deviation that the model itself gives the extreme, in °F; only the blend's models have it.
GUIDANCE = schema_of(
    ("station_id", pa.string()),
    ("model", pa.string()),
    ("runtime_ts", pa.int64()),
    ("ftime_ts", pa.int64()),
    ("n_x_f", pa.float64()),
    ("tmp_f", pa.float64(), "null"),
    ("known_at_ts", pa.int64()),
    ("n_x_sd_f", pa.float64(), "later"),
)
OWN_SPREAD = frozenset({"NBS", "NBE"})  # models whose guidance has n_x_sd_f

# A row per climate report, preliminary or final, with the day's extremes in whole °F.
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

# ASSUME: a reading can be read 10 minutes after it was taken (the station's dissemination, the service's ingest).
READING_DELAY_SECONDS = 600
# A row per reading of a station's temperature in °F during one climate day.
OBSERVATIONS = schema_of(
    ("station_id", pa.string()),
    ("valid_ts", pa.int64()),
    ("tmp_f", pa.float64()),
    ("known_at_ts", pa.int64()),
)

# Hours from a model's run time to the publication of its guidance: upper bounds, measured lags are shorter.
PUBLICATION_LAG_HOURS = {"GFS": 5.0, "NAM": 4.0, "MEX": 6.0, "NBS": 2.5, "NBE": 2.5}
# The first year with any of a model's guidance in the weather service's archive (GFS from its predecessor AVN, NAM from ETA).
GUIDANCE_SINCE = {"GFS": 2000, "NAM": 2002, "MEX": 2020, "NBS": 2018, "NBE": 2020}

# The forecast distribution of a day's extreme, in the columns `law`: a mixture of normal components, often of a single one.
DISTRIBUTION = pa.list_(
    pa.struct([pa.field(name, pa.float64(), nullable=False) for name in ("weight", "mu_f", "sigma_f")])
)

# P(YES) of a market at its event's as-of time; the columns that may be null are those of the forecast behind it.
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

# The same with a row for every instant at which a market's probability changes (asof_policy.mode latest): each is in force from
# its known_at_ts on. With readings of the climate day, `reached_f` is what they have reached, `short_f` how far the rest of the
# day stays from its extreme, and `is_over` whether no reading is to come.
_OF_READINGS = (
    ("reached_f", pa.int64(), "null"),
    ("short_f", pa.float64(), "null"),
    ("is_over", pa.bool_(), "null"),
)
LATEST_PROBABILITIES = pa.schema([*PROBABILITIES, *schema_of(*_OF_READINGS)])

# The same of the source `pooled`: p_yes is the pool's. p_base is the forecast's, q the price's share of the ladder, b (of the
# price) and c are their weights, fitted to a number of training events.
_OF_POOL = (
    ("p_base", PROB),
    ("q", pa.float64()),
    ("b", pa.float64()),
    ("c", pa.float64()),
    ("training_events", pa.int64()),
)
POOLED_PROBABILITIES = pa.schema([*PROBABILITIES, *schema_of(*_OF_POOL)])

# A forecast per climate date (forecasts/daily.py): the best possible `method` with its distribution (`law`), mean (mu_f) and
# standard deviation (sigma_f) in °F, and the `reason` why better methods were not possible. Mean and standard deviation of
# every possible method are columns of their own.
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

# The same with further rows for every instant after the as-of time at which a model run becomes public (asof_policy.mode
# latest): `asof_ts` is the instant. `course` is how far each hour of the climate day stays from the day's extreme, in °F.
FORECAST_UPDATES = pa.schema(
    [
        *FORECASTS,
        pa.field(
            "course",
            pa.list_(
                pa.struct(
                    [pa.field("ts", pa.int64(), nullable=False), pa.field("short_f", pa.float64(), nullable=False)]
                )
            ),
        ),
    ]
)


def climate_range(first: dt.date, last: dt.date) -> DateRange:
    """The rows of climate dates between two dates, both included."""
    return DateRange("climate_date", first, last)


def catalog_path(series_ticker: str) -> str:
    """Path of the catalog of a series (schema CATALOG)."""
    return f"data/catalog/kalshi/{series_ticker}.parquet"


def candle_path(window_key: str, series_ticker: str, climate_date: dt.date) -> str:
    """Path of the candles of one event, with all its markets (schema CANDLES).

    Args:
        window_key: folder of the candle window, such as `full_1m`.
        series_ticker: of the event's series.
        climate_date: of the event.
    """
    return f"data/candles/kalshi/{window_key}/{series_ticker}/{climate_date.isoformat()}.parquet"


def guidance_path(station_id: str, model: str, year: int) -> str:
    """Path of one year of a model's guidance for a station (schema GUIDANCE)."""
    return f"data/guidance/iem/{station_id}/{model}/{year}.parquet"


def guidance_schema(model: str) -> pa.Schema:
    """The columns of a file of a model's guidance: schema GUIDANCE, for most models without a spread of their own."""
    return pa.schema([field for field in GUIDANCE if model in OWN_SPREAD or field.name != "n_x_sd_f"])


def climate_path(station_id: str, year: int) -> str:
    """Path of one year of a station's climate reports (schema CLIMATE)."""
    return f"data/climate/iem/{station_id}/{year}.parquet"


def observation_path(station_id: str, climate_date: dt.date) -> str:
    """Path of a station's readings of one climate day (schema OBSERVATIONS)."""
    return f"data/observations/iem/{station_id}/{climate_date.isoformat()}.parquet"


def forecast_path(digest: str, station_id: str, target: str, through: dt.date) -> str:
    """Path of one year of forecasts (schema FORECASTS).

    Args:
        digest: of the forecast's settings.
        station_id: of the station.
        target: "max" or "min".
        through: last climate date; the first is New Year of its year.
    """
    return f"data/forecasts/{digest}/{station_id}/{target}/{through.isoformat()}.parquet"
