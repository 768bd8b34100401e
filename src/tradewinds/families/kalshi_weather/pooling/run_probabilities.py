"""The table of a run's probabilities by any source, from the files of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tradewinds.families.kalshi_weather.forecasts.market_probabilities import build_probabilities
from tradewinds.families.kalshi_weather.plan import EventFiles
from tradewinds.families.kalshi_weather.pooling.probability_sources import forecast_config, pool_of


def run_probabilities(config: Mapping[str, Any], event_files: EventFiles) -> tuple[pa.Table, dict[str, Any]]:
    """The probabilities of a config (columns: schemas.PROBABILITIES or POOLED_PROBABILITIES), and their metadata.

    Args:
        config: resolved.
        event_files: of its plan; they exist.

    Raises:
        SimulationError: the user's file is wrong, or matches nothing.
    """
    catalogs = event_files.catalogs
    forecasts = {series: event_files.forecasts_of(series) for series in catalogs}
    made = build_probabilities(
        forecast_config(config), catalogs, forecasts, event_files.user_probabilities, event_files.observations
    )
    if pool_of(config["probabilities"]) is None:
        return made
    from tradewinds.families.kalshi_weather.pooling.pooled_probabilities import pooled_table  # imports DuckDB

    return pooled_table(config, catalogs, event_files.priced_candles, made)
