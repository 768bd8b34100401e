"""The answers of Bybit over an archive: newest first, errors in answers of status 200."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.archive.routes import Answer, Query, Route, RouteFault, json_answer
from tradewinds.families.funding_carry.archive.served_limits import guarded
from tradewinds.families.funding_carry.archive.served_perps import ServedPerps, now_ms, plain
from tradewinds.families.funding_carry.fetch import bybit
from tradewinds.families.funding_carry.symbols import name_of

SOURCE, PREFIX = "bybit", "/v5/market/"
MOST_FUNDING, MOST_CANDLES = 200, 1000
LISTED_AT_ONCE = 500


def routes_of(data: ServedPerps, traps: Mapping[str, Sequence[str]]) -> dict[str, Route]:
    """Return the route of Bybit.

    Args:
        data: the archive's records.
        traps: of the archive.
    """
    faults = {"200_too_many": RouteFault(lambda good, path, query: _error(10006, "Too many visits!"))}
    answer = guarded(BybitApi(data).answer, bybit.SECTION, traps)
    return {PREFIX: Route(bybit.SECTION, answer, faults=lambda path: faults)}


class BybitApi:
    """Answer the requests to the API.

    Args:
        data: the archive's records.
    """

    def __init__(self, data: ServedPerps) -> None:
        self.data = data

    def answer(self, path: str, query: Query) -> Answer:
        """Answer a request."""
        if path == bybit.FUNDING_PATH:
            return self._funding(query)
        if path == bybit.BYBIT_LIST:
            return self._instruments(query)
        if path in bybit.CANDLE_PATHS.values():
            return self._candles(path, query)
        return Answer(404, "text/plain", "not found")

    def _funding(self, query: Query) -> Answer:
        """Answer with the newest settlements up to endTime; startTime alone is an error."""
        if "startTime" in query and "endTime" not in query:
            return _error(10001, "params error: endTime is required with startTime")
        limit = int(query.get("limit", MOST_FUNDING))
        if not 0 < limit <= MOST_FUNDING:
            return _error(10001, "params error: limit invalid")
        name = query.get("symbol", "")
        series = self.data.series_of(SOURCE, "funding", _word(name))
        if series is None:
            return _error(10001, "params error: symbol invalid")
        rows = self.data.rates_between(series, int(query.get("startTime", 0)), int(query.get("endTime", now_ms())))
        shown = [
            {"symbol": name, "fundingRate": row.rate, "fundingRateTimestamp": str(row.stamp)}
            for row in reversed(rows[-limit:])
        ]
        return _result({"category": query.get("category"), "list": shown})

    def _candles(self, path: str, query: Query) -> Answer:
        """Answer with the newest candles from start to end; the newest may be running."""
        limit, name = int(query.get("limit", MOST_FUNDING)), query.get("symbol", "")
        kind = "mark" if path == bybit.CANDLE_PATHS["mark"] else "spot" if query.get("category") == "spot" else "perp"
        if not 0 < limit <= MOST_CANDLES:
            return _error(10001, "params error: limit invalid")
        series = self.data.series_of(SOURCE, kind, _word(name), int(query.get("interval", "60")))
        if series is None:
            return _error(10001, "params error: symbol invalid")
        rows = self.data.candles_between(series, int(query.get("start", 0)), int(query.get("end", now_ms())))
        shown = [
            [str(row.stamp), row.open, row.high, row.low, row.close, *([] if kind == "mark" else [row.volume, "0"])]
            for row in reversed(rows[-limit:])
        ]
        return _result({"symbol": name, "category": query.get("category"), "list": shown})

    def _instruments(self, query: Query) -> Answer:
        """Answer with a page of the list of instruments of a category."""
        is_spot = query.get("category") == "spot"
        leg = "spot" if is_spot else "perp"
        rows = [row for row in self.data.instruments(SOURCE) if row[f"{leg}_step"] is not None]
        start = int(query.get("cursor") or 0)
        end = start + min(int(query.get("limit", LISTED_AT_ONCE)), LISTED_AT_ONCE)
        shown = [_instrument(row, leg) for row in rows[start:end]]
        cursor = str(end) if end < len(rows) else ""
        return _result({"category": query.get("category"), "list": shown, "nextPageCursor": cursor})


def _instrument(row: Mapping[str, Any], leg: str) -> dict[str, Any]:
    """Return an instrument as the API shows it.

    Args:
        row: of schema INSTRUMENTS.
        leg: spot or perp.
    """
    name = name_of(row["symbol"])
    step = {"basePrecision" if leg == "spot" else "qtyStep": plain(row[f"{leg}_step"])}
    least = row[f"{leg}_min_notional"]
    if least is not None:
        step["minOrderAmt" if leg == "spot" else "minNotionalValue"] = plain(least)
    tick = row[f"{leg}_tick"]
    shown = {
        "symbol": f"{name.base}{name.quote}",
        "baseCoin": name.base,
        "quoteCoin": name.quote,
        "lotSizeFilter": step,
    }
    shown |= {"priceFilter": {} if tick is None else {"tickSize": plain(tick)}}
    return shown if leg == "spot" else {**shown, "settleCoin": name.settle, "contractType": "LinearPerpetual"}


def _word(name: str) -> str:
    """Return base and quote of a symbol as one word: BTCUSDC for BTCPERP."""
    return f"{name.removesuffix('PERP')}USDC" if name.endswith("PERP") else name


def _result(result: Mapping[str, Any]) -> Answer:
    """An answer with a result."""
    return json_answer(200, {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ms()})


def _error(code: int, said: str) -> Answer:
    """An answer with an error, whose status is 200 as any other's."""
    return json_answer(200, {"retCode": code, "retMsg": said, "result": {}, "retExtInfo": {}, "time": now_ms()})
