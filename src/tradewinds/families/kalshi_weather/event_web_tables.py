"""The events of a run as the web page shows them."""

from __future__ import annotations

from tradewinds.results.run_tables import CODE, RunTable, TableColumn, numbers, texts

EVENTS_TABLE = RunTable(
    name="events",
    kind="events",
    title="Events",
    one="event",
    columns=(
        TableColumn("event_ticker", "event"),
        TableColumn("series_ticker", "series"),
        *texts("climate_date"),
        TableColumn("skipped", "skipped", CODE),
        *numbers("markets", "candles", "missing_minutes", "requests", "retries"),
        *texts("tier", "kept_from", "reason_if_empty"),
        TableColumn("candles_per_market", "candles per market", in_list=False),
    ),
    filters=("series_ticker", "skipped"),
    main="candles",
    key="event_ticker",
    has_trades=True,
    unit="event_ticker",
)

RUN_TABLES = (EVENTS_TABLE,)
