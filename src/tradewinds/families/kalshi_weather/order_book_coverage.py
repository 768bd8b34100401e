"""How much of a config a user's file of order books covers: found out before any market is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.families.early_findings import EarlyFinding
from tradewinds.families.kalshi_weather import probability_coverage
from tradewinds.families.kalshi_weather.forecasts.user_probabilities import how_to_name, some
from tradewinds.families.kalshi_weather.levels_key import LEVELS_KEY, levels_path
from tradewinds.families.kalshi_weather.order_book_file import KNOWN_AT, read_book_file
from tradewinds.families.kalshi_weather.plan import EventsPlan


def look_at_order_books(config: Mapping[str, Any], plan: EventsPlan) -> Iterator[EarlyFinding]:
    """Read the file of order books of a config, and compare its rows with the config's markets.

    Args:
        config: resolved; it has such a file.
        plan: its plan.

    Raises:
        SimulationError: the file cannot be read, or a row is wrong.
    """
    path = str(levels_path(config))
    file = read_book_file(path)
    if not len(file.ticker):
        yield EarlyFinding(LEVELS_KEY, f"{path} has no rows.", "Write a row per level of a book.", ConfigError)
        return
    if file.without_zone:
        what = f"{KNOWN_AT} has no zone in {counted(file.without_zone, 'row')} of {path}: such times count as UTC."
        yield EarlyFinding(LEVELS_KEY, what)
    # rows of markets of the config
    matching = probability_coverage.events_of(file.tickers, config, plan)
    if not matching:
        first, last = config["date_start_local"], config["date_end_local"]
        what = (
            f"no row of {path} names a market of this config: it has {some(file.tickers)}; the config's markets are of "
            f"{some(config['series_tickers'])} from {first} to {last}."
        )
        remedy = how_to_name(dict.fromkeys(file.tickers), config["series_tickers"])
        yield EarlyFinding(LEVELS_KEY, what, remedy, ConfigError)
        return
    # how much of the config that is
    rows = file.rows_of(matching)
    books = len(np.unique(np.stack([file.ticker[rows], file.micros[rows]]), axis=1).T)
    events = len(set(matching.values()))
    yield EarlyFinding(
        LEVELS_KEY,
        f"{path} has {counted(books, 'order book')} of {counted(len(matching), 'market')} in {events:,} of "
        f"{counted(len(plan.files.events), 'event')}; other markets are quoted by candles alone. "
        f"Rows: {len(rows):,}, of this config: {int(rows.sum()):,}.",
    )
