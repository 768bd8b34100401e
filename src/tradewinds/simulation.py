"""A run's replay from its files to its artifacts: what the workflow's job does, and what `tradewinds reproduce` does again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tradewinds.check import naming_damage
from tradewinds.config import Config
from tradewinds.markets import kalshi_weather
from tradewinds.plan import Plan
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.event_data import write_event_data
from tradewinds.results.manifest import write_manifest
from tradewinds.results.market_names import write_market_names

Tell = Callable[[int, int], None]


def _nobody(done: int, total: int) -> None:
    """Nobody listens."""


def simulate(conf: Config, plan: Plan, inputs: Iterable[str], threads: int, tell: Tell = _nobody) -> None:
    """Replay a run's events and write its tables, metrics and manifest into `plan.run_dir`.

    Args:
        inputs: every file that the run is made from, for the manifest; threads: that DuckDB may use; tell: hears of events
            done, of how many.

    Raises:
        SimulationError: the simulation failed, or a file is damaged.
    """
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.events}
    with naming_damage(plan):
        result = kalshi_weather.simulate(
            conf, plan.catalogs, candles, plan.probabilities, threads, list(plan.climate.values()), tell
        )
    write_event_data(plan.run_dir, plan.events, dict(result.skipped))
    traded = {trade.market_ticker for trade in result.trades}
    write_market_names(plan.run_dir, plan.catalogs.values(), traded)
    write_artifacts(plan.run_dir, plan.run_id, conf, result)
    write_manifest(plan.run_dir, plan.run_id, conf, inputs, result.watermark)
