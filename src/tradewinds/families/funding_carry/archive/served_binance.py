"""The answers of Binance over an archive: monthly files with their index, the API of perpetuals and that of spot."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.archive.routes import TEXT, Answer, Query, Route, RouteFault, json_answer
from tradewinds.families.funding_carry.archive.served_limits import Patience, ServedLimit, guarded, too_many
from tradewinds.families.funding_carry.archive.served_perps import (
    Series,
    ServedCandle,
    ServedPerps,
    ServedRate,
    month_of,
    now_ms,
    plain,
    plain_name,
)
from tradewinds.families.funding_carry.fetch import binance_bulk, binance_rest
from tradewinds.families.funding_carry.symbols import name_of

SOURCE, LISTING, ZIP = "binance", "/listing", "application/zip"
HEADER_FROM, MICROS_FROM = (
    "2022-01",
    "2025-01",
)  # months whose files have a header line; whose spot stamps are microseconds
PAGE_KEYS = 1000  # names on a page of the index
WEIGHT_LIMITS = {"futures": (2400, 60), "funding": (500, 300), "spot": (6000, 60)}
MOST_ROWS = {
    binance_rest.FUNDING_PATH: 1000,
    "/fapi/v1/klines": 1500,
    "/fapi/v1/markPriceKlines": 1500,
    "/api/v3/klines": 1000,
}
KIND_OF = {path: kind for kind, path in binance_rest.CANDLE_PATHS.items()}
CANDLE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
_FILE = re.compile(
    r"/data/(spot|futures/um)/monthly/(?P<table>fundingRate|klines|markPriceKlines)/(?P<name>[A-Z0-9]+)/"
    r"(?:(?P<interval>\d+[mh])/)?(?P=name)-(?:fundingRate|(?P=interval))-(?P<month>\d{4}-\d{2})\.zip(?P<sum>\.CHECKSUM)?"
)
_PREFIX = re.compile(r"data/(spot|futures/um)/monthly/(fundingRate|klines|markPriceKlines)/([A-Z0-9]+)/(?:(\d+[mh])/)?")


def routes_of(data: ServedPerps, traps: Mapping[str, Sequence[str]]) -> dict[str, Route]:
    """Return the routes of Binance's services.

    Args:
        data: the archive's records.
        traps: of the archive.
    """
    files, api = BinanceFiles(data, traps), BinanceApi(data)
    faults = {"429_weight": RouteFault(lambda good, path, query: too_many(1))}
    futures = Route(binance_rest.FUTURES, guarded(api.answer, binance_rest.FUTURES, traps), faults=lambda path: faults)
    spot = Route(binance_rest.SPOT, guarded(api.answer, binance_rest.SPOT, traps), faults=lambda path: faults)
    return {
        "/data/": Route(binance_bulk.SECTION, files.file),
        LISTING: Route(binance_bulk.SECTION, files.listing, base_path=LISTING, url_key=binance_bulk.LISTING_URL),
        "/fapi/v1/": futures,
        "/api/v3/": spot,
    }


class BinanceFiles:
    """Answer for the monthly files: those of whole months that came as a file.

    Args:
        data: the archive's records.
        traps: `wrong_checksum` names files whose checksum is of something else.
    """

    def __init__(self, data: ServedPerps, traps: Mapping[str, Sequence[str]]) -> None:
        self.data, self.wrong = data, frozenset(traps.get("wrong_checksum", ()))

    def file(self, path: str, query: Query) -> Answer:
        """Answer for a file or its checksum."""
        found = _FILE.fullmatch(path)
        series = (
            self._series(found["table"], path.startswith("/data/spot"), found["name"], found["interval"])
            if found
            else None
        )
        if found is None or series is None or found["month"] not in self._listed(series):
            return Answer(404, TEXT, "NoSuchKey")
        name = path.rpartition("/")[2].removesuffix(".CHECKSUM")
        body = _zipped(name.removesuffix(".zip") + ".csv", self._csv(series, found["month"]))
        if not found["sum"]:
            return Answer(200, ZIP, body)
        digest = hashlib.sha256(body + b"?" if name in self.wrong else body).hexdigest()
        return Answer(200, TEXT, f"{digest}  {name}\n")

    def listing(self, path: str, query: Query) -> Answer:
        """Answer with a page of the index of files below a prefix."""
        found = _PREFIX.fullmatch(query.get("prefix", ""))
        keys: list[str] = []
        if found:
            series = self._series(found[2], found[1] == "spot", found[3], found[4])
            stem = f"{found[0]}{found[3]}-{found[4] or 'fundingRate'}"
            months = self._listed(series) if series else []
            keys = [f"{stem}-{month}.zip{end}" for month in months for end in ("", ".CHECKSUM")]
        keys = [key for key in keys if key > query.get("marker", "")]
        shown = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys[:PAGE_KEYS])
        more = str(len(keys) > PAGE_KEYS).lower()
        head = f"<Name>data</Name><Prefix>{query.get('prefix', '')}</Prefix><IsTruncated>{more}</IsTruncated>"
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>{head}{shown}</ListBucketResult>'
        return Answer(200, "application/xml", text)

    def _series(self, table: str, is_spot: bool, name: str, interval: str | None) -> Series | None:
        """Return the series of a folder of files; None if the archive has none."""
        kind = "spot" if is_spot else {"fundingRate": "funding", "klines": "perp", "markPriceKlines": "mark"}[table]
        return self.data.series_of(SOURCE, kind, name, _minutes(interval) if interval else 0)

    def _listed(self, series: Series) -> list[str]:
        """Return the months of which there is a file: whole ones that are over, have rows, and came as a file."""
        running = month_of(now_ms())
        found = sorted(self.data.months[series].items())
        return [
            month
            for month, file in found
            if file.is_whole and file.via == "bulk" and month < running and self._has_rows(series, month)
        ]

    def _has_rows(self, series: Series, month: str) -> bool:
        """Whether a month has records: before a symbol's listing it has none."""
        return bool(self.data.rates(series, month) if series.kind == "funding" else self.data.candles(series, month))

    def _csv(self, series: Series, month: str) -> str:
        """Return the text of a month's file."""
        if series.kind == "funding":
            lines = [
                f"{row.stamp},{row.hours or _hours(rates, index)},{row.rate}"
                for rates in [self.data.rates(series, month)]
                for index, row in enumerate(rates)
            ]
            head = ",".join(binance_bulk.FUNDING_HEADER)
        else:
            in_micros = series.kind == "spot" and month >= MICROS_FROM
            lines = [_candle_line(row, series.minutes, in_micros) for row in self.data.candles(series, month)]
            head = CANDLE_HEADER
        return "\n".join([*([head] if month >= HEADER_FROM and series.kind != "spot" else []), *lines, ""])


class BinanceApi:
    """Answer the requests to the APIs of perpetuals and of spot, and count what they weigh.

    Args:
        data: the archive's records.
    """

    def __init__(self, data: ServedPerps) -> None:
        self.data = data
        self.limits = {name: ServedLimit(*limit) for name, limit in WEIGHT_LIMITS.items()}
        self.patience = {"futures": Patience(), "spot": Patience()}

    def answer(self, path: str, query: Query) -> Answer:
        """Answer a request, and say in headers what its address has spent in this minute."""
        host = "spot" if path.startswith("/api/") else "futures"
        answer = self._answer(host, path, query)
        spent = str(self.limits[host].spent())
        return answer._replace(headers={**answer.headers, "X-MBX-USED-WEIGHT": spent, binance_rest.USED_WEIGHT: spent})

    def _answer(self, host: str, path: str, query: Query) -> Answer:
        """Answer a request to one of the two APIs."""
        limit = int(query.get("limit", 500)) if path in KIND_OF else 0
        if refusal := self.patience[host].answer(self._counted(path, host, limit)):
            return refusal
        if path == binance_rest.FUNDING_PATH:
            return self._funding(query)
        if path in KIND_OF:
            return self._candles(path, query, limit)
        if path in ("/fapi/v1/exchangeInfo", "/api/v3/exchangeInfo"):
            return json_answer(200, {"symbols": _instruments(self.data.instruments(SOURCE), host)})
        return json_answer(404, {"code": -5000, "msg": f"Path {path}, Method GET is invalid"})

    def _counted(self, path: str, host: str, limit: int) -> list[tuple[ServedLimit, int]]:
        """Return the limits that a request counts in, with its weight."""
        if path == binance_rest.FUNDING_PATH:
            return [(self.limits["funding"], 1), (self.limits["futures"], 1)]
        if host == "spot":
            return [(self.limits["spot"], 2 if path in KIND_OF else 20)]
        steps = ((100, 1), (500, 2), (1001, 5))
        weight = next((weight for most, weight in steps if limit < most), 10) if limit else 1
        return [(self.limits["futures"], weight)]

    def _funding(self, query: Query) -> Answer:
        """Answer with settlements: the first `limit` from startTime on; without times the latest 200."""
        limit = int(query.get("limit", 100))
        if limit > MOST_ROWS[binance_rest.FUNDING_PATH]:
            said = {"limit": "limit can not greater than 1000"}
            shown = {"status": "ERROR", "type": "VALID", "code": "000002", "errorData": said, "data": None}
            return json_answer(200, shown)
        series = self.data.series_of(SOURCE, "funding", query.get("symbol", ""))
        if series is None:
            return _no_symbol()
        first, last = int(query.get("startTime", 0)), int(query.get("endTime", now_ms()))
        rows = self.data.rates_between(series, first, last)
        shown_rows = rows[:limit] if "startTime" in query or "endTime" in query else rows[-200:]
        return json_answer(200, [_rate_row(row, query["symbol"]) for row in shown_rows])

    def _candles(self, path: str, query: Query, limit: int) -> Answer:
        """Answer with candles: the first `limit` from startTime on, else the latest; the last one may be running."""
        series = self.data.series_of(
            SOURCE, KIND_OF[path], query.get("symbol", ""), _minutes(query.get("interval", "1h"))
        )
        if series is None:
            return _no_symbol()
        if not 0 < limit <= MOST_ROWS[path]:
            return json_answer(400, {"code": -1130, "msg": "Data sent for parameter 'limit' is not valid."})
        first, last = int(query.get("startTime", 0)), int(query.get("endTime", now_ms()))
        rows = self.data.candles_between(series, first, last)
        shown = rows[:limit] if "startTime" in query else rows[-limit:]
        return json_answer(200, [_candle_row(row, series.minutes) for row in shown])


def _no_symbol() -> Answer:
    """The answer for a symbol that is not known."""
    return json_answer(400, {"code": -1121, "msg": "Invalid symbol."})


def _rate_row(row: ServedRate, symbol: str) -> dict[str, Any]:
    """Return a settlement as the API shows it."""
    return {"symbol": symbol, "fundingTime": row.stamp, "fundingRate": row.rate, "markPrice": row.mark or ""}


def _candle_row(row: ServedCandle, minutes: int) -> list[Any]:
    """Return a candle as the API shows it."""
    closes = row.stamp + minutes * 60_000 - 1
    return [row.stamp, row.open, row.high, row.low, row.close, row.volume, closes, "0", 0, "0", "0", "0"]


def _candle_line(row: ServedCandle, minutes: int, in_micros: bool) -> str:
    """Return a candle as a line of a file."""
    factor = 1000 if in_micros else 1
    closes = (row.stamp + minutes * 60_000) * factor - 1
    prices = (row.open, row.high, row.low, row.close, row.volume)
    return ",".join([str(row.stamp * factor), *prices, str(closes), "0", "0", "0", "0", "0"])


def _hours(rates: Sequence[ServedRate], index: int) -> int:
    """Return the hours since the settlement before; 8 for the first one."""
    return round((rates[index].stamp - rates[index - 1].stamp) / 3_600_000) if index else 8


def _minutes(interval: str) -> int:
    """Return the length of an interval such as 1h in minutes."""
    return int(interval[:-1]) * (60 if interval[-1] == "h" else 1)


def _zipped(name: str, text: str) -> bytes:
    """Return a zip with one file, with the same bytes at all times."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _instruments(rows: Sequence[Mapping[str, Any]], host: str) -> list[dict[str, Any]]:
    """Return the list of instruments of an API."""
    leg = "spot" if host == "spot" else "perp"
    found = []
    for row in rows:
        name, step = name_of(row["symbol"]), row[f"{leg}_step"]
        if step is None:
            continue
        least = {"minNotional" if leg == "spot" else "notional": plain(row[f"{leg}_min_notional"])}
        filters = [
            {"filterType": "PRICE_FILTER", "tickSize": plain(row[f"{leg}_tick"])},
            {"filterType": "LOT_SIZE", "stepSize": plain(step)},
            {"filterType": "NOTIONAL" if leg == "spot" else "MIN_NOTIONAL", **least},
        ]
        shown = {"symbol": plain_name(row["symbol"]), "baseAsset": name.base, "quoteAsset": name.quote}
        perp = {"contractType": "PERPETUAL", "marginAsset": name.settle} if leg == "perp" else {}
        found.append({**shown, **perp, "status": "TRADING", "filters": filters})
    return found
