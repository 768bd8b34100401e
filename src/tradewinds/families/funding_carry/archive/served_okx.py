"""The answers of OKX over an archive: newest first, settlements of the last three months only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.archive.routes import Answer, Query, Route, RouteFault, json_answer
from tradewinds.families.funding_carry.archive.served_limits import guarded
from tradewinds.families.funding_carry.archive.served_perps import ServedPerps, now_ms, plain
from tradewinds.families.funding_carry.fetch import okx
from tradewinds.families.funding_carry.symbols import name_of

SOURCE, PREFIX = "okx", "/api/v5/"
MOST_ROWS = 100
KEPT_MS = 92 * 86_400_000  # three months


def routes_of(data: ServedPerps, traps: Mapping[str, Sequence[str]]) -> dict[str, Route]:
    """Return the route of OKX.

    Args:
        data: the archive's records.
        traps: of the archive.
    """
    faults = {"200_too_frequent": RouteFault(lambda good, path, query: _error("50011", "Too Many Requests"))}
    answer = guarded(OkxApi(data).answer, okx.SECTION, traps)
    return {PREFIX: Route(okx.SECTION, answer, faults=lambda path: faults)}


class OkxApi:
    """Answer the requests to the API.

    Args:
        data: the archive's records.
    """

    def __init__(self, data: ServedPerps) -> None:
        self.data = data

    def answer(self, path: str, query: Query) -> Answer:
        """Answer a request."""
        if path == okx.FUNDING_PATH:
            return self._funding(query)
        if path == okx.OKX_LIST:
            return self._instruments(query)
        if path in okx.CANDLE_PATHS.values():
            return self._candles(path, query)
        return _error("50404", "not found", status=404)

    def _funding(self, query: Query) -> Answer:
        """Answer with the newest settlements before `after`, as far as they are kept."""
        name = query.get("instId", "")
        series = self.data.series_of(SOURCE, "funding", _word(name))
        if series is None:
            return _unknown()
        first = max(int(query.get("before", -1)) + 1, now_ms() - KEPT_MS)
        rows = self.data.rates_between(series, first, int(query.get("after", now_ms() + 1)) - 1)
        shown = [
            {
                "instType": "SWAP",
                "instId": name,
                "fundingRate": _predicted(row.rate),
                "realizedRate": row.rate,
                "fundingTime": str(row.stamp),
                "method": "current_period",
            }
            for row in reversed(rows[-_limit(query) :])
        ]
        return _data(shown)

    def _candles(self, path: str, query: Query) -> Answer:
        """Answer with the newest candles before `after`; the last column says whether one is over."""
        name = query.get("instId", "")
        is_mark, is_perp = path == okx.CANDLE_PATHS["mark"], name.endswith("-SWAP")
        bar = query.get("bar", "1m")
        minutes = int(bar[:-1]) * (60 if bar.endswith("H") else 1)
        series = self.data.series_of(SOURCE, "mark" if is_mark else "perp" if is_perp else "spot", _word(name), minutes)
        if series is None:
            return _unknown()
        rows = self.data.candles_between(
            series, int(query.get("before", -1)) + 1, int(query.get("after", now_ms() + 1)) - 1
        )
        shown = []
        for row in reversed(rows[-_limit(query) :]):
            over = "1" if row.stamp + minutes * 60_000 <= now_ms() else "0"
            # a perpetual's first volume counts contracts, of which nothing is known here
            volumes = [] if is_mark else ["0", row.volume, "0"] if is_perp else [row.volume, "0", "0"]
            shown.append([str(row.stamp), row.open, row.high, row.low, row.close, *volumes, over])
        return _data(shown)

    def _instruments(self, query: Query) -> Answer:
        """Answer with the list of instruments of a type."""
        leg = "perp" if query.get("instType") == "SWAP" else "spot"
        rows = [row for row in self.data.instruments(SOURCE) if row[f"{leg}_step"] is not None]
        return _data([_instrument(row, leg) for row in rows])


def _instrument(row: Mapping[str, Any], leg: str) -> dict[str, str]:
    """Return an instrument as the API shows it; of a perpetual a contract is one coin.

    Args:
        row: of schema INSTRUMENTS.
        leg: spot or perp.
    """
    name, tick = name_of(row["symbol"]), row[f"{leg}_tick"]
    shown = {"lotSz": plain(row[f"{leg}_step"]), "tickSz": "" if tick is None else plain(tick)}
    if leg == "spot":
        return {"instId": f"{name.base}-{name.quote}", **shown}
    sizes = {"ctVal": "1", "ctMult": "1", "ctType": "linear", "settleCcy": name.settle}
    return {"instId": f"{name.base}-{name.quote}-SWAP", **shown, **sizes}


def _predicted(rate: str) -> str:
    """Return a rate that was predicted and not paid, so that taking it for the paid one shows."""
    return "0.00009" if rate != "0.00009" else "0.00008"


def _limit(query: Query) -> int:
    """Return how many rows a page has."""
    return max(1, min(int(query.get("limit", MOST_ROWS)), MOST_ROWS))


def _word(name: str) -> str:
    """Return base and quote of an instrument as one word: BTCUSDT for BTC-USDT-SWAP and BTC-USDT."""
    return name.removesuffix("-SWAP").replace("-", "")


def _data(rows: Sequence[Any]) -> Answer:
    """An answer with rows."""
    return json_answer(200, {"code": "0", "msg": "", "data": rows})


def _unknown() -> Answer:
    """The answer for an instrument that is not known."""
    return _error("51001", "Instrument ID does not exist")


def _error(code: str, said: str, status: int = 200) -> Answer:
    """An answer with an error, whose status is mostly 200."""
    return json_answer(status, {"code": code, "msg": said, "data": []})
