"""Names of perpetuals: `BASE/QUOTE:SETTLE`, such as BTC/USDT:USDT, whose spot leg is BTC/USDT."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

NO_SPOT_LEG = "NO_SPOT_LEG"  # why a symbol is left out: there is nothing that could be its spot leg
NO_DATA = "NO_DATA"  # why a symbol is left out: the source has no settlement of it in the range
NO_PERP_CANDLES = "NO_PERP_CANDLES"  # why a symbol is left out: its settlements have no prices
SHOWN_SYMBOLS = 40  # in an error message
COINS_OF_QUOTES = (
    "USDT",
    "USDC",
    "FDUSD",
    "BUSD",
    "USD",
    "EUR",
    "BTC",
)  # by which a name without strokes is taken apart

_FORM = re.compile(r"([A-Z0-9]{1,24})/([A-Z0-9]{2,10}):([A-Z0-9]{2,24})(-[0-9A-Z-]+)?")
_MULTIPLE = re.compile(r"(1M|10{3,})[A-Z]")  # 1000PEPE, 1000000MOG, 1MBABYDOGE; not 1INCH


class PerpetualName(NamedTuple):
    """The parts of a perpetual's name.

    Attributes:
        base: the coin that is traded, BTC.
        quote: the coin in which prices are, USDT.
        settle: the coin in which profit and funding are paid, USDT.
    """

    base: str
    quote: str
    settle: str

    @property
    def spot(self) -> str:
        """The pair whose spot market is the other leg, BTC/USDT."""
        return f"{self.base}/{self.quote}"

    @property
    def is_multiple(self) -> bool:
        """Whether the name stands for many coins, as 1000PEPE does for a thousand PEPE, so that no spot pair has it."""
        return bool(_MULTIPLE.match(self.base))


def name_of(symbol: str) -> PerpetualName:
    """Return the parts of a symbol that `form_fault` has found no fault in."""
    found = _FORM.fullmatch(symbol)
    if not found:
        raise ValueError(f"{symbol!r} is no name of a perpetual")
    return PerpetualName(*found.groups()[:3])


def form_fault(symbol: str) -> tuple[str, str] | None:
    """Return what is wrong with a symbol and what to write, as sentences; None for a linear perpetual's name."""
    found = _FORM.fullmatch(symbol)
    if not found:
        near = _nearest_form(symbol)
        remedy = "Write BASE/QUOTE:SETTLE, for example BTC/USDT:USDT." if near is None else f"Did you mean {near}?"
        return f"{symbol!r} is no name of a perpetual.", remedy
    base, quote, settle, expiry = found.groups()
    if expiry:
        return f"{symbol!r} is a future with an expiry date, not a perpetual.", f"Write {base}/{quote}:{settle}."
    if settle == base:
        remedy = f"Take a contract that settles in its quote coin, such as {base}/USDT:USDT."
        return (
            f"{symbol!r} is an inverse contract: it settles in its base coin, and this family is linear only.",
            remedy,
        )
    if settle != quote:
        what = f"{symbol!r} settles in {settle} and is quoted in {quote}: this family is linear only."
        return what, f"Take a contract that settles in its quote coin, such as {base}/{quote}:{quote}."
    return None


def spot_pair_fault(pair: str) -> tuple[str, str] | None:
    """Return what is wrong with the name of a spot pair and what to write, as sentences; None for BASE/QUOTE."""
    if re.fullmatch(r"[A-Z0-9]{1,24}/[A-Z0-9]{2,10}", pair):
        return None
    return f"{pair!r} is no name of a spot pair.", "Write BASE/QUOTE, for example PEPE/USDT."


def settle_coins(symbols: Sequence[str]) -> dict[str, list[str]]:
    """Return the symbols by the coin in which they settle, in order of the coins."""
    found: dict[str, list[str]] = {}
    for symbol in sorted(symbols, key=lambda symbol: (name_of(symbol).settle, symbol)):
        found.setdefault(name_of(symbol).settle, []).append(symbol)
    return found


def _nearest_form(symbol: str) -> str | None:
    """Return the name of a perpetual that another spelling may stand for: BTCUSDT, BTC/USDT, BTC-USDT-SWAP."""
    plain = re.sub(r"[-_]?(SWAP|PERP(ETUAL)?)$", "", symbol.strip().upper())
    parts = [part for part in re.split(r"[/:_-]", plain) if part]
    if len(parts) == 1:
        quote = next((coin for coin in COINS_OF_QUOTES if plain.endswith(coin) and plain != coin), None)
        parts = [plain.removesuffix(quote), quote] if quote else [plain, "USDT"]
    if len(parts) < 2 or not all(re.fullmatch(r"[A-Z0-9]{1,10}", part) for part in parts):
        return None
    return f"{parts[0]}/{parts[1]}:{parts[1]}"
