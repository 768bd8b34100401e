"""Recognises what a user's file of funding rates or candles has: by its columns, and by its name where they do not say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import shortened
from tradewinds.families.funding_carry.symbols import name_of

LAYOUT_REMEDY = (
    "Give funding rates as symbol, timestamp, fundingRate, and candles as timestamp, open, high, low, close, volume: "
    "`tradewinds docs funding-carry` lists the layouts."
)
PRICES = ("open", "high", "low", "close")
# names of columns, small letters; the first one that a file has counts
_RATES = ("funding_rate", "fundingrate", "realizedrate", "realized_rate", "last_funding_rate", "rate")
_RATE_STAMPS = (
    *("ts_raw_utc", "raw_ts_utc", "fundingtime", "funding_time", "fundingratetimestamp", "calc_time"),
    *("timestamp", "ts_utc", "datetime", "date", "time", "ts"),
)
_CANDLE_STAMPS = (
    *("candle_open_utc", "open_ts_utc", "open_time", "opentime", "ts_utc", "timestamp", "start", "date", "datetime"),
    *("time", "ts"),
)
_SYMBOLS = ("symbol", "pair", "instid", "coin")
_MARKETS = ("contract", "market", "market_type", "kind", "type")
_MARKS, _INTERVALS = ("mark_price", "markprice"), ("interval_hours", "funding_interval_hours")
_PREDICTIONS = ("lastfundingrate", "predicted_rate", "predictedfundingrate", "nextfundingrate", "next_funding_rate")
# columns of files without a header, by their number
HEADERLESS = {
    3: ("calc_time", "funding_interval_hours", "last_funding_rate"),
    5: ("timestamp", *PRICES),
    6: ("timestamp", *PRICES, "volume"),
    7: ("timestamp", *PRICES, "volume", "turnover"),
    12: (
        "open_time",
        *PRICES,
        "volume",
        "close_time",
        "quote_volume",
        "count",
        "taker_buy",
        "taker_buy_quote",
        "ignore",
    ),
}
# words of a path or of a column of markets
_SPOT, _MARK = {"spot"}, {"mark", "markprice", "markpriceklines"}
_PERP = {"perp", "perps", "perpetual", "future", "futures", "swap", "linear", "um"}
_OTHERS = {"index", "indexprice", "indexpriceklines", "premium", "premiumindex", "premiumindexklines"}


@dataclass(frozen=True)
class PerpLayout:
    """Which columns of a file are what; "" for one that it does not have.

    Attributes:
        rate: funding rate.
        rate_stamp: time of the settlement.
        mark: mark price of the settlement.
        interval: hours of the settlement's interval.
        prices: by name of PRICES; empty for a file without candles.
        candle_stamp: opening of the candle.
        volume: volume of the candle.
        symbol: the symbol of the row.
        market: the kind of market of the row, such as spot.
        exchange: the exchange of the row.
    """

    rate: str
    rate_stamp: str
    mark: str
    interval: str
    prices: Mapping[str, str]
    candle_stamp: str
    volume: str
    symbol: str
    market: str
    exchange: str


def layout_of_columns(names: Sequence[str], path: str) -> PerpLayout:
    """Return the layout of a file.

    Args:
        names: its columns.
        path: the file, whose name says whether its column `open` has funding rates.

    Raises:
        ConfigError: it has neither funding rates nor candles.
    """
    lower = {name.strip().lower(): name for name in reversed(names)}

    def first(wanted: Iterable[str]) -> str:
        """Return the file's name of the first of some columns that it has; "" for none."""
        return next((lower[name] for name in wanted if name in lower), "")

    prices = {name: lower[name] for name in PRICES if name in lower}
    # as freqtrade keeps it: BTC_USDT_USDT-8h-funding_rate.feather
    is_rate_in_open = len(prices) == len(PRICES) and {"funding", "rate"} <= words_of(path.rpartition("/")[2])
    rate = prices["open"] if is_rate_in_open else first(_RATES)
    if is_rate_in_open or len(prices) < len(PRICES):
        prices = {}
    if not rate and not prices:
        if predicted := first(_PREDICTIONS):
            what = f"its column {predicted!r} is a rate that is predicted, not one that was settled."
            raise ConfigError(what, where=path, remedy="Give settled rates, such as those of fetchFundingRateHistory.")
        shown = ", ".join(shortened(name, 30) for name in names[:12])
        what = f"it has neither funding rates nor candles; its columns are {shown}."
        raise ConfigError(what, where=path, remedy=LAYOUT_REMEDY)
    layout = PerpLayout(
        rate=rate,
        rate_stamp=first(_RATE_STAMPS) if rate else "",
        mark=first(_MARKS) if rate else "",
        interval=first(_INTERVALS) if rate else "",
        prices=prices,
        candle_stamp=first(_CANDLE_STAMPS) if prices else "",
        volume=first(("volume",)) if prices else "",
        symbol=first(_SYMBOLS),
        market=first(_MARKETS),
        exchange=first(("exchange",)),
    )
    if (rate and not layout.rate_stamp) or (prices and not layout.candle_stamp):
        shown = ", ".join(shortened(name, 30) for name in names[:12])
        raise ConfigError(
            f"it has no column of time stamps; its columns are {shown}.", where=path, remedy=LAYOUT_REMEDY
        )
    return layout


def words_of(text: str) -> set[str]:
    """Return the words of a path or of a name of a market, small letters."""
    return set(re.split(r"[^a-z0-9]+", text.lower()))


def is_left_aside(words: set[str]) -> bool:
    """Whether the words of a path say that it has prices of an index or a premium, which are not used."""
    return bool(words & _OTHERS)


def kind_of_candles(symbol_form: str, said: Sequence[set[str]], *, has_volume: bool) -> str | None:
    """Return the kind of a series of candles; None if nothing says it.

    Args:
        symbol_form: how its symbol is written: "perp" with a settle coin, "folder" so but in its path alone, "pair" with two
            coins, "glued" as BTCUSDT.
        said: words of its market, of its file and of the folders above, the nearest first.
        has_volume: whether its candles have a volume.
    """
    for words in said:
        if words & _MARK:
            return "mark"
        is_spot, is_perp = bool(words & _SPOT), bool(words & _PERP)
        if is_spot and not is_perp and symbol_form != "perp":
            return "spot"
        if is_perp and not is_spot:
            return "perp"
    if symbol_form in ("perp", "folder"):
        return "perp" if has_volume else "mark"
    return "spot" if symbol_form == "pair" else None


class SymbolForms:
    """The spellings of the symbols that a run wants.

    Args:
        perps: unified names of the perpetuals.
        pairs: unified name of the pair of each one's spot leg.
    """

    def __init__(self, perps: Sequence[str], pairs: Sequence[str]) -> None:
        self._found: dict[str, tuple[str, str, str]] = {}
        for perp, pair in zip(perps, pairs, strict=True):
            name = name_of(perp)
            settled = [f"{name.base}{sign}{name.quote}{sign}{name.settle}" for sign in "_-"]
            for text in (perp, *settled, f"{name.base}-{name.quote}-SWAP"):
                self._found[text] = ("perp", perp, pair)
            base, quote = pair.split("/")
            for text in (pair, f"{base}_{quote}", f"{base}-{quote}"):
                self._found[text] = ("pair", perp if pair == name.spot else "", pair)
            for text, spot in (
                (f"{name.base}{name.quote}", pair if pair == name.spot else ""),
                (f"{base}{quote}", pair),
            ):
                known = self._found.get(text, ("glued", "", ""))
                self._found[text] = ("glued", known[1] or (perp if text == f"{name.base}{name.quote}" else ""), spot)
        texts = "|".join(re.escape(text) for text in sorted(self._found, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![A-Z0-9])({texts})(?![A-Z0-9]|_USD[TC]?(?![A-Z0-9]))")

    def form_of(self, text: str) -> tuple[str, str, str] | None:
        """Return how a symbol is written, the perpetual and the pair that it may stand for ("" for none); None for another one.

        Args:
            text: the symbol as a file has it.
        """
        return self._found.get(text.strip().upper())

    def form_in_path(self, path: str) -> tuple[str, str, str] | None:
        """Return the form of the last wanted symbol in a path, as `form_of`; None if there is none."""
        found = self._pattern.findall(path.upper())
        if not found:
            return None
        form, perp, pair = self._found[found[-1]]
        return ("folder" if form == "perp" else form), perp, pair
