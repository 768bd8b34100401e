"""What the replay server's faults do to a good JSON answer; the harmless ones must leave no trace in what is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

STUCK_CURSOR = "c3R1Y2s"  # a listing with this cursor never ends

Query = dict[str, str]


def _truncated(shown: Any, query: Query) -> str:
    """JSON cut in the middle; Content-Length agrees, so that only the JSON is broken."""
    text = json.dumps(shown)
    return text[: len(text) // 2]


def _repeated_cursor(shown: Any, query: Query) -> Any:
    return shown | {"cursor": STUCK_CURSOR}


def _lists(shown: Any) -> list[list[Any]]:
    """The lists of candles in an answer of the event route, the batch route or a market's route."""
    if "market_candlesticks" in shown:
        return list(shown["market_candlesticks"])
    return [item["candlesticks"] for item in shown.get("markets", [shown])]


def _duplicated(shown: Any, query: Query) -> Any:
    for candles in _lists(shown):
        candles[:] = [candle for candle in candles for _ in range(2)]
    return shown


def _reordered(shown: Any, query: Query) -> Any:
    for candles in _lists(shown):
        candles.reverse()
    return shown


def _left_out(shown: Any, query: Query) -> Any:
    """The live tier lists a market whose candles it has no longer: it leaves one out, and says nothing."""
    for key in ("markets", "market_tickers", "market_candlesticks"):
        shown.get(key, [])[:1] = []
    return shown


def _standing_end(shown: Any, query: Query) -> Any:
    """An event's answer that is cut where it begins."""
    return _cut(shown, int(query["start_ts"])) if shown["market_tickers"] else shown


def _early_cut(shown: Any, query: Query) -> Any:
    """An event's answer that is cut half-way: the client has to go on from there."""
    ends = sorted({candle["end_period_ts"] for candles in _lists(shown) for candle in candles})
    return _cut(shown, ends[len(ends) // 2]) if len(ends) > 1 else shown


def _cut(shown: Any, last: int) -> Any:
    for candles in _lists(shown):
        candles[:] = [candle for candle in candles if candle["end_period_ts"] <= last]
    return shown | {"adjusted_end_ts": last}


def _cutoff_moved(shown: Any, query: Query) -> Any:
    """What a client gets just before the markets are archived: when it asks for the rest, they are gone."""
    return _early_cut(shown, query) if "adjusted_end_ts" in shown else shown


SPOILT: dict[str, Callable[[Any, Query], Any]] = {
    "truncated": _truncated,
    "duplicated": _duplicated,
    "reordered": _reordered,
    "left_out": _left_out,
    "cutoff_moved": _cutoff_moved,
    "early_cut": _early_cut,
    "standing_end": _standing_end,
    "repeated_cursor": _repeated_cursor,
}
"""Faults that change a good JSON answer; one that stays as it was had no fault."""
