"""Faults that only the exchange's answers can have: each changes a good answer, or the tier that has the markets.

A client must store the same files in spite of them, or refuse (`repeated_cursor`, `standing_end`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from tradewinds.archive.routes import JSON, Answer, Query, RouteFault, Spoil, json_answer
from tradewinds.families.kalshi_weather.archive.served_data import ServedData

STUCK_CURSOR = "c3R1Y2s"  # a listing with this cursor never ends

_NOT_FOUND = Answer(404, JSON, '{"error":{"code":"not_found","message":"not found"}}')

_CANDLES = ("duplicated", "reordered")
_BATCH = (*_CANDLES, "left_out", "cutoff_moved")
_EVENT = (*_BATCH, "early_cut", "standing_end", "event_404")
_LISTING = ("repeated_cursor",)

KINDS = frozenset((*_EVENT, *_LISTING))
"""Every kind of fault that one of the exchange's routes can have beyond those of any route."""


def kinds_of(path: str) -> tuple[str, ...]:
    """The kinds of faults that the answer to a path can have beyond those of any route."""
    if not path.endswith("/candlesticks"):
        return _LISTING if path.endswith("/markets") else ()
    if "/events/" in path:
        return _EVENT
    return _BATCH if path.endswith("/markets/candlesticks") else _CANDLES


class ExchangeFaults:
    """The faults of the exchange's routes over an archive.

    Args:
        data: what is served; the kind `cutoff_moved` moves its cutoff.
    """

    def __init__(self, data: ServedData) -> None:
        self.data = data
        spoils: dict[str, Spoil] = {
            "duplicated": _spoil(_duplicated),
            "reordered": _spoil(_reordered),
            "left_out": _spoil(_left_out),
            "cutoff_moved": self._move_cutoff,
            "early_cut": _spoil(_early_cut),
            "standing_end": _spoil(_standing_end),
            "event_404": lambda answer, path, query: _NOT_FOUND,
            "repeated_cursor": _spoil(_repeated_cursor),
        }
        # few requests can have the other kinds: a higher weight lets these come often enough
        self._faults = {kind: RouteFault(spoil, 1.0 if kind in _CANDLES else 2.0) for kind, spoil in spoils.items()}

    def of_path(self, path: str) -> Mapping[str, RouteFault]:
        """The faults that the answer to a path can have, by kind."""
        return {kind: self._faults[kind] for kind in kinds_of(path)}

    def with_stuck_cursor(self, answer: Callable[[str, Query], Answer]) -> Callable[[str, Query], Answer]:
        """Let a listing with STUCK_CURSOR show its first page and lead to STUCK_CURSOR again."""

        def answered(path: str, query: Query) -> Answer:
            if query.get("cursor") != STUCK_CURSOR:
                return answer(path, query)
            first = answer(path, {**query, "cursor": ""})
            return _spoil(_repeated_cursor)(first, path, query) or first

        return answered

    def _move_cutoff(self, answer: Answer, path: str, query: Query) -> Answer | None:
        """Archive the markets that are asked for, just after this answer.

        An event's answer ends half-way, so the client asks for the rest when its markets are archived.
        """
        if answer.status != 200:
            return None
        batch = query.get("market_tickers")
        tickers = batch.split(",") if batch else self.data.by_event[path.split("/")[-2]]
        settled = max(self.data.markets[ticker]["settlement_ts"] for ticker in tickers)
        self.data.move_cutoff(settled + dt.timedelta(seconds=1))
        shown = json.loads(answer.body)
        return json_answer(200, _early_cut(shown, query)) if "adjusted_end_ts" in shown else answer


def _spoil(change: Callable[[Any, Query], Any]) -> Spoil:
    """A fault that changes a good JSON answer; an answer that stays as it was cannot have it."""

    def spoilt(answer: Answer, path: str, query: Query) -> Answer | None:
        if answer.status != 200:
            return None
        changed = change(json.loads(answer.body), query)
        return None if changed == json.loads(answer.body) else json_answer(200, changed)

    return spoilt


def _repeated_cursor(shown: Any, query: Query) -> Any:
    """A listing whose next page is the first one again."""
    return shown | {"cursor": STUCK_CURSOR}


def _lists(shown: Any) -> list[list[Any]]:
    """The lists of candles in an answer of the event route, the batch route or a market's route."""
    if "market_candlesticks" in shown:
        return list(shown["market_candlesticks"])
    return [item["candlesticks"] for item in shown.get("markets", [shown])]


def _duplicated(shown: Any, query: Query) -> Any:
    """Every candle twice."""
    for candles in _lists(shown):
        candles[:] = [candle for candle in candles for _ in range(2)]
    return shown


def _reordered(shown: Any, query: Query) -> Any:
    """Candles from the last to the first."""
    for candles in _lists(shown):
        candles.reverse()
    return shown


def _left_out(shown: Any, query: Query) -> Any:
    """An answer without its first market, as if that had been archived since it was listed."""
    for key in ("markets", "market_tickers", "market_candlesticks"):
        shown.get(key, [])[:1] = []
    return shown


def _standing_end(shown: Any, query: Query) -> Any:
    """An event's answer that is cut where it begins."""
    return _cut(shown, int(query["start_ts"])) if shown["market_tickers"] else shown


def _early_cut(shown: Any, query: Query) -> Any:
    """An event's answer that is cut half-way; the client has to go on from there."""
    ends = sorted({candle["end_period_ts"] for candles in _lists(shown) for candle in candles})
    return _cut(shown, ends[len(ends) // 2]) if len(ends) > 1 else shown


def _cut(shown: Any, last: int) -> Any:
    """An event's answer up to an instant, in Unix seconds, with `adjusted_end_ts` at it."""
    for candles in _lists(shown):
        candles[:] = [candle for candle in candles if candle["end_period_ts"] <= last]
    return shown | {"adjusted_end_ts": last}
