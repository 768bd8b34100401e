"""Faults of the replay server: what goes wrong on a long backfill, from a seed, so that it goes wrong the same way again.

Most kinds pass when the client asks again; some do no harm; two (`repeated_cursor`, `standing_end`) must make the client
refuse. A fault depends on the seed, the request and how often it was seen, never on the order in which requests arrive.
"""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import json
import random
import socket
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from tradewinds.families.kalshi_weather.archive.spoilt_answers import SPOILT, STUCK_CURSOR, Query

if TYPE_CHECKING:
    from tradewinds.archive.server import Handler
    from tradewinds.families.kalshi_weather.archive.served_data import ServedData

MOST_IN_A_ROW = 3  # then a request gets a good answer, so that the default of 6 retries always suffices
STALL_SECONDS = 35.0  # longer than the default timeout of the exchange's section
Answer = tuple[int, str, str]  # status, content type, body

_JSON, _TEXT, _HTML = "application/json", "text/plain", "text/html"
_PAGE = "<!DOCTYPE html>\n<html><head><title>Just a moment…</title></head><body>We will be back soon.</body></html>\n"

INSTEAD: dict[str, Answer] = {
    "429": (429, _JSON, '{"error":"too many requests"}'),
    "500_json": (500, _JSON, '{"error":{"code":"internal_server_error","message":"internal server error"}}'),
    "500_text": (500, _TEXT, "upstream connect error or disconnect/reset before headers"),
    "502_json": (502, _JSON, '{"message":null}'),
    "502_html": (502, _HTML, _PAGE),
    "503_json": (503, _JSON, '{"error":{"code":"service_unavailable","message":"service unavailable"}}'),
    "503_text": (503, _TEXT, ""),
    "event_404": (404, _JSON, '{"error":{"code":"not_found","message":"not found"}}'),
    "200_html": (200, _HTML, _PAGE),
    "200_empty": (200, _JSON, ""),
    "200_nested": (200, _JSON, "[" * 200_000),
    "200_nonsense": (200, _JSON, "\x00ÿ\ufffd" * 250_000),
}
"""Faults that answer something else."""

_ANYWHERE = (*(kind for kind in INSTEAD if kind != "event_404"), "short_body", "dropped", "stalled", "truncated")
_CANDLES = (*_ANYWHERE, "duplicated", "reordered")
_BATCH = (*_CANDLES, "left_out", "cutoff_moved")
_EVENT = (*_BATCH, "early_cut", "standing_end", "event_404")
_LISTING = (*_ANYWHERE, "repeated_cursor")
_WEIGHTS = {"stalled": 0.1, "200_nested": 0.5, "200_nonsense": 0.5}  # these cost time
_WEIGHTS |= dict.fromkeys(
    set(_EVENT) - set(_CANDLES) | set(_LISTING) - set(_ANYWHERE), 2.0
)  # few requests can have them

KINDS = frozenset((*_EVENT, *_LISTING))


def kinds_of(path: str) -> tuple[str, ...]:
    """The faults that a route can have."""
    if not path.endswith("/candlesticks"):
        return _LISTING if path.endswith("/markets") else _ANYWHERE
    return _EVENT if "/events/" in path else _BATCH if path.endswith("/markets/candlesticks") else _CANDLES


class FaultPlan:
    """Decides for each request whether it goes wrong and how, and counts what did.

    Args:
        rate: share of requests that go wrong, 0 to 1.
        seed: the same seed, the same faults.
        stall_seconds: how long a stalled connection is silent; more than the client's timeout.
    """

    def __init__(self, rate: float, seed: int = 0, *, stall_seconds: float = STALL_SECONDS) -> None:
        self.rate, self.seed, self.stall_seconds = rate, seed, stall_seconds
        self.counts: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        self._history: dict[str, tuple[int, int]] = {}  # request → times seen, faults in a row up to now

    def decide(self, request: str) -> str | None:
        """The fault of a request (path and query) that is seen once more; None for a good answer."""
        kinds = kinds_of(urlsplit(request).path)
        with self._lock:
            seen, row = self._history.get(request, (0, 0))
            dice = random.Random(f"{self.seed} {seen} {request}")
            wrong = row < MOST_IN_A_ROW and dice.random() < self.rate
            self._history[request] = (seen + 1, row + 1 if wrong else 0)
        return dice.choices(kinds, [_WEIGHTS.get(kind, 1.0) for kind in kinds])[0] if wrong else None

    def __call__(self, handler: Handler, path: str) -> bool:
        """A middleware of the replay server."""
        query = dict(parse_qsl(urlsplit(handler.path).query))
        if query.get("cursor") == STUCK_CURSOR:
            return self._spoil("repeated_cursor", handler, path, query | {"cursor": ""})
        kind = self.decide(handler.path)
        if kind is None:
            return False
        handler.fault = kind
        if not self._inject(kind, handler, path, query):
            handler.fault = ""
            return False
        with self._lock:
            self.counts[kind] += 1
        return True

    def _inject(self, kind: str, handler: Handler, path: str, query: Query) -> bool:
        """Answer with a fault; False where this answer cannot have it."""
        if kind in SPOILT:
            return self._spoil(kind, handler, path, query)
        if kind in INSTEAD:
            handler.send(*INSTEAD[kind])
        elif kind == "short_body":
            status, content_type, body = handler.answer(path, query)
            handler.send(status, content_type, body, missing=len(body.encode()) // 2 + 1)
        else:
            time.sleep(self.stall_seconds if kind == "stalled" else 0)
            handler.close_connection = True
            with contextlib.suppress(OSError):  # the client lost patience first
                handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    def _spoil(self, kind: str, handler: Handler, path: str, query: Query) -> bool:
        """Answer with what the archive has, spoilt."""
        status, content_type, body = handler.answer(path, query)
        if status != 200 or content_type != _JSON:
            return False
        spoilt = SPOILT[kind](json.loads(body), query)
        if spoilt == json.loads(body) and kind != "cutoff_moved":
            return False
        if kind == "cutoff_moved":
            self._archive(handler.replay.data, path, query)
        handler.send(status, content_type, spoilt if isinstance(spoilt, str) else json.dumps(spoilt))
        return True

    def _archive(self, data: ServedData, path: str, query: Query) -> None:
        """Move the cutoff just past what was asked for: from now on the historical tier has it."""
        tickers = (
            query["market_tickers"].split(",") if "market_tickers" in query else data.by_event[path.split("/")[-2]]
        )
        settled = max(data.markets[ticker]["settlement_ts"] for ticker in tickers)
        with self._lock:
            data.cutoff = max(data.cutoff, settled + dt.timedelta(seconds=1))
