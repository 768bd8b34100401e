"""`tradewinds series`: the temperature series that a config may name."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tradewinds.core.safe_text import printable

_HEADS = ("series", "city", "station", "of the day", "clock", "first date")


def series(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the temperature series that a config may name, with their cities and stations."""
    from tradewinds.families.kalshi_weather import climate_days

    rows = [
        (
            name,
            station.city,
            station.station_id,
            {"max": "maximum", "min": "minimum"}[station.target],
            station.timezone,
            str(station.first_date or "unknown"),
        )
        for name, station in climate_days.stations().items()
    ]
    if as_json:
        typer.echo(json.dumps([dict(zip(_HEADS, row, strict=True)) for row in rows], indent=2))
        return
    widths = [max(len(row[column]) for row in [_HEADS, *rows]) for column in range(len(_HEADS))]
    for row in [_HEADS, *rows]:
        typer.echo(printable("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()))
