"""Leaks of funding carry: rates, candles, marks and filters known too early."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.leaks.planted import Leak, nothing, unwatched
from tests.families.funding_carry import test_carry_lookahead as worlds
from tradewinds.engine.carry import carry_loop
from tradewinds.engine.carry.carry_market import Instrument
from tradewinds.engine.carry.carry_prices import LastClose, LegPrices, SymbolPrices
from tradewinds.engine.carry.carry_signals import CarrySignals

FAMILY = "funding_carry"
SEEDS = range(60)
Plant = Callable[[pytest.MonkeyPatch, Path], None]

RATES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "rate of the next settlement": ("a rate", lambda a: np.append(a[1:], a[-1:])),
    "rate three settlements ahead": ("a rate", lambda a: np.append(a[3:], np.full(min(3, len(a)), a[-1]))),
    "last rate": ("a rate", lambda a: np.full_like(a, a[-1])),
    "mean of all rates": ("an average", lambda a: np.full_like(a, int(a.mean()))),
    "highest of all rates": ("an extreme", lambda a: np.full_like(a, a.max())),
    "mean of five rates, today's in the middle": (
        "an average",
        lambda a: np.convolve(a, np.ones(5), "same").astype(np.int64) // 5 if len(a) >= 5 else a,
    ),
    "sum of the rates to come": ("an average", lambda a: np.cumsum(a[::-1])[::-1] // 8),
}
# The same of what is known by then, where that is something else than the own rate.
SO_FAR: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean of all rates": lambda a: np.cumsum(a) // np.arange(1, len(a) + 1),
    "highest of all rates": np.maximum.accumulate,
}
VARIANTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "always": lambda own, other: other,
    "on few days": lambda own, other: np.where(np.arange(len(own)) % 6 == 0, other, own),
    "small": lambda own, other: own + (other - own) // 5,
}


def with_rates(change: Callable[[np.ndarray, SymbolPrices], np.ndarray]) -> Plant:
    """A change of the rates by which a strategy decides."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = CarrySignals.__init__

        def wrong(self: CarrySignals, prices: SymbolPrices, rules: Any) -> None:
            later = SymbolPrices.__new__(SymbolPrices)
            later.__dict__.update(prices.__dict__)
            later.__dict__.pop("rates_per_8h", None)
            rates = prices.rates
            later.rates = type(rates)(rates.ts, change(rates.rate, prices).astype(np.int64), rates.mark)
            later.known_trends = {}
            honest(self, later, rules)

        patch.setattr(CarrySignals, "__init__", wrong)

    return plant


def rates_of_another(own: np.ndarray, prices: SymbolPrices, seen: dict[str, Any]) -> np.ndarray:
    """A symbol's rates, with those that another symbol will have at its next settlement."""
    seen[prices.symbol] = prices.rates
    others = [rates for name, rates in seen.items() if name != prices.symbol and len(rates.ts)]
    if not others:
        return own
    place = np.searchsorted(others[-1].ts, prices.rates.ts, side="right")
    return others[-1].rate[np.minimum(place, len(others[-1].rate) - 1)]


def another_symbol(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Decide by the next rate of another symbol."""
    seen: dict[str, Any] = {}
    with_rates(lambda own, prices: rates_of_another(own, prices, seen))(patch, folder)


def running_candles(by: int, few: bool) -> Plant:
    """The last complete candle is one that is still running, or comes later."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = LegPrices.rows_at

        def rows_at(self: LegPrices, instants: np.ndarray) -> np.ndarray:
            rows = honest(self, instants)
            return np.where(few & (rows % 7 != 0), rows, np.minimum(rows + by, len(self) - 1))

        patch.setattr(LegPrices, "rows_at", rows_at)

    return plant


def opens(column: str, few: bool) -> Plant:
    """A fill at the open has another price of its candle."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = LegPrices.opens_at

        def opens_at(self: LegPrices, instants: np.ndarray) -> np.ndarray:
            found = honest(self, instants)
            if not len(self):
                return found
            inside = np.minimum(np.searchsorted(self.candles.open_ts, instants), len(self) - 1)
            wanted = (found != 0) & ((inside % 5 == 0) if few else True)
            return np.where(wanted, getattr(self.candles, column)[inside], found)

        patch.setattr(LegPrices, "opens_at", opens_at)

    return plant


def next_close(volume_only: bool) -> Plant:
    """The last close, or its volume alone, is the next candle's."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = LegPrices.last

        def last(self: LegPrices, ts: int) -> LastClose:
            own, later = honest(self, ts), honest(self, ts + self.seconds)
            return own._replace(volume=later.volume) if volume_only else later._replace(end_ts=own.end_ts)

        patch.setattr(LegPrices, "last", last)

    return plant


def next_marks(few: bool) -> Plant:
    """Payments are made on the mark price of the next settlement."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = SymbolPrices.marks.func

        def marks(self: SymbolPrices) -> Any:
            price, source = honest(self)
            return [p if few and i % 4 else q for i, (p, q) in enumerate(zip(price, price[1:] + price[-1:]))], source  # noqa: B905

        wrong = functools.cached_property(marks)
        wrong.__set_name__(SymbolPrices, "marks")
        patch.setattr(SymbolPrices, "marks", wrong)

    return plant


def filters(change: Callable[[Instrument, int, Any], Any]) -> Plant:
    """The exchange's filters are known too early."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = Instrument.filters_at
        patch.setattr(Instrument, "filters_at", lambda self, ts: change(self, ts, honest))

    return plant


def only_what_pays(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Enter symbols alone whose rates of the whole range come to a gain."""
    honest = carry_loop.CarryPass._candidates

    def candidates(self: Any) -> Any:
        pays = {
            n: prices.rates.rate[prices.first : prices.end].sum() > 0 for n, prices in enumerate(self.markets.prices)
        }
        return {at: kept for at, found in honest(self).items() if (kept := [one for one in found if pays[one.symbol]])}

    patch.setattr(carry_loop.CarryPass, "_candidates", candidates)


def no_entry_before_a_fall(few: bool) -> Plant:
    """Enter no position at a settlement before which the rate falls."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = carry_loop.CarryPass._candidates

        def stays(self: Any, one: Any) -> bool:
            prices = self.markets.prices[one.symbol]
            row = prices.first + one.settlement
            return (few and row % 4) or prices.rates.rate[
                min(row + 1, len(prices.rates.rate) - 1)
            ] >= prices.rates.rate[row]

        def candidates(self: Any) -> Any:
            return {
                at: kept for at, found in honest(self).items() if (kept := [one for one in found if stays(self, one)])
            }

        patch.setattr(carry_loop.CarryPass, "_candidates", candidates)

    return plant


def leaks() -> Iterator[Leak]:
    """Yield the leaks of this family."""

    def build(seed: int, leaky: bool) -> Any:
        return unwatched(lambda: worlds.run_of(seed))

    def leak(door: str, name: str, variant: str, plant: Plant) -> Leak:
        return Leak(FAMILY, door, name, variant, build, plant, seeds=SEEDS)

    for name, (door, source) in RATES.items():
        for variant, mixed in VARIANTS.items():
            plant = with_rates(lambda own, _, source=source, mixed=mixed: mixed(own, source(own)) if len(own) else own)
            causal = nothing
            if name in SO_FAR:
                causal = with_rates(
                    lambda own, _, past=SO_FAR[name], mixed=mixed: mixed(own, past(own)) if len(own) else own
                )
            yield Leak(FAMILY, door, name, variant, build, plant, causal, SEEDS)
    yield leak("another market", "another symbol's next rate", "always", another_symbol)
    yield leak("a rate", "symbols that pay over the whole range", "always", only_what_pays)
    for few in (False, True):
        variant = "on few days" if few else "always"
        yield leak("a bar", "candle that is still running", variant, running_candles(1, few))
        yield leak("a bar", "candle after the one that is running", variant, running_candles(2, few))
        for column in ("close", "high", "low"):
            yield leak("a fill", f"{column} of the candle of the fill", variant, opens(column, few))
        yield leak("a rate", "no entry before a lower rate", variant, no_entry_before_a_fall(few))
        yield leak("a rate", "mark price of the next settlement", variant, next_marks(few))
    yield leak("a bar", "close of the next candle", "always", next_close(False))
    yield leak("a bar", "volume of the next candle", "always", next_close(True))
    for planted in (worlds.the_last_filters, worlds.the_next_filters):
        name = planted.__name__.replace("_", " ")
        yield leak(
            "an exchange's list", name, "always", lambda patch, _, p=planted: patch.setattr(Instrument, "filters_at", p)
        )
    day = filters(lambda self, ts, honest: honest(self, ts + 86_400))
    yield leak("an exchange's list", "filters of the next day", "always", day)
