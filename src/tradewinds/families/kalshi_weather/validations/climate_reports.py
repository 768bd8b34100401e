"""What final climate reports say of each climate date, for the validations that compare it with the exchange's settlements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from tradewinds.core import files
from tradewinds.families.kalshi_weather.schemas import climate_range

_COLUMNS = ["station_id", "climate_date", "high_f", "low_f", "final"]

ReportedExtremes = Mapping[tuple[str, dt.date], Mapping[str, int | None]]
"""High and low (`max`, `min`) in whole °F of final climate reports, by station and climate date."""


def final_reports(climate: Iterable[str], first: dt.date, last: dt.date) -> ReportedExtremes:
    """Extremes of a range of dates; preliminary reports are left out, as the day may still change them.

    Args:
        climate: paths of climate reports (schema schemas.CLIMATE).
        first: first climate date.
        last: last climate date.
    """
    days = climate_range(first, last)
    rows = [row for path in climate for row in files.read_rows(path, _COLUMNS, days) if row["final"]]
    return {(row["station_id"], row["climate_date"]): {"max": row["high_f"], "min": row["low_f"]} for row in rows}
