"""The answers of Hyperliquid over an archive: settlements oldest first, never more than 500."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tradewinds.archive.routes import JSON, Answer, Query, Route, json_answer
from tradewinds.families.funding_carry.archive.served_limits import guarded
from tradewinds.families.funding_carry.archive.served_perps import ServedPerps, now_ms
from tradewinds.families.funding_carry.fetch import hyperliquid
from tradewinds.families.funding_carry.symbols import name_of

SOURCE = "hyperliquid"


def routes_of(data: ServedPerps, traps: Mapping[str, Sequence[str]]) -> dict[str, Route]:
    """Return the route of Hyperliquid.

    Args:
        data: the archive's records.
        traps: of the archive.
    """

    def answer(path: str, query: Query) -> Answer:
        if query.get("type") == "meta":
            listed = data.instruments(SOURCE)
            return json_answer(200, {"universe": [_instrument(row) for row in listed]})
        # settlements from startTime on, cut off without a word
        series = data.series_of(SOURCE, "funding", f"{query.get('coin')}USDC")
        if query.get("type") != "fundingHistory" or series is None:
            return Answer(500, JSON, "null")
        rows = data.rates_between(series, int(query["startTime"]), int(query.get("endTime", now_ms())))
        shown = [
            {"coin": query["coin"], "fundingRate": row.rate, "premium": "0.0", "time": row.stamp}
            for row in rows[: hyperliquid.MOST_ROWS]
        ]
        return json_answer(200, shown)

    return {hyperliquid.PATH: Route(hyperliquid.SECTION, guarded(answer, hyperliquid.SECTION, traps))}


def _instrument(row: Mapping[str, object]) -> dict[str, object]:
    """Return an instrument as the API shows it.

    Args:
        row: of schema INSTRUMENTS.
    """
    digits = str(row["perp_step"]).rstrip("0").partition(".")[2]
    return {"name": name_of(str(row["symbol"])).base, "szDecimals": len(digits)}
