"""Leaks of events: strategy files of both forms, probabilities, candles, results, listings, and pooled fits."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import itertools
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.leaks import strategy_texts as texts
from benchmarks.leaks.planted import Leak, tag, unwatched
from tests.families.kalshi_weather import pooled_world
from tests.families.kalshi_weather import test_lookahead as worlds
from tests.reference.raw_worlds import make_inputs
from tradewinds.audits.strategy_watch import StrategyWatch
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.lookahead import subject
from tradewinds.families.kalshi_weather.lookahead.changed_inputs import Inputs
from tradewinds.families.kalshi_weather.lookahead.subject import EventsRun
from tradewinds.families.kalshi_weather.pooling import pooled_probabilities

FAMILY = "kalshi_weather"
P = Decimal("1e-12")
Table = pa.Table


def with_strategy(text: Callable[[Inputs, bool], str], source: str | None = None) -> Any:
    """What makes the run of a strategy's text, watched."""

    def build(seed: int, leaky: bool) -> tuple[StrategyWatch, Callable[[], EventsRun]]:
        inputs = make_inputs(Path.cwd(), seed, source)
        Path("mine.py").write_text(text(inputs, leaky))
        own = {"name": "mine", "file": str(Path("mine.py").resolve()), "parameters": None}
        watch = StrategyWatch(own["file"], [*inputs.catalogs.values(), *inputs.candles.values()])
        return watch, lambda: EventsRun(dataclasses.replace(inputs, config={**inputs.config, "strategy": own}))

    return build


def class_text(how: str, when: str, effect: str) -> Callable[[Inputs, bool], str]:
    """The text of a class that knows the future somehow; `how` may name {candles} and {catalogs}."""

    def text(inputs: Inputs, leaky: bool) -> str:
        candles, catalogs = sorted(inputs.candles.values()), sorted(inputs.catalogs.values())
        strategy = texts.STRATEGY.format(when=texts.WHEN[when], leaky=leaky, effect=texts.EFFECTS[effect])
        found = how.replace("<candles>", repr(candles)).replace("<catalogs>", repr(catalogs))
        return found.replace("{tag}", tag()) + strategy

    return text


def from_candles(reader: str, other: bool = False) -> str:
    """The text that reads the candle files."""
    imports, body = texts.READERS[reader]
    body = body.replace("; return", "\n    return") if body.startswith("with") else body
    made = texts.FROM_CANDLES.format(imports=imports, body=body, candles="<>", other=texts.ANOTHER if other else "pass")
    return made.replace("'<>'", "<candles>")


def remembered(where: str, minutes: int) -> str:
    """The text that keeps what it saw in one run, and knows it in the next."""
    return (
        texts.REMEMBERED.replace("{where}", texts.KEPT[where])
        .replace("{minutes}", str(minutes))
        .replace("{{", "{")
        .replace("}}", "}")
    )


def class_leaks() -> Iterator[Leak]:
    """Yield the leaks through a class."""
    door = "a strategy file: class"

    def leak(name: str, variant: str, how: str, when: str = "always", effect: str = "buys") -> Leak:
        return Leak(FAMILY, door, name, variant, with_strategy(class_text(how, when, effect)), seeds=range(3, 15))

    for reader in texts.READERS:
        yield leak(f"candle files by {reader}", "always", from_candles(reader))
    for reader in ("pyarrow.parquet", "duckdb", "open() and pyarrow"):
        yield leak(f"candle files by {reader}", "on few days", from_candles(reader), "on few days")
        yield leak(f"candle files by {reader}", "small", from_candles(reader), effect="small")
        yield leak(f"candle files by {reader}", "another market", from_candles(reader, other=True))
    for when, effect in itertools.product(texts.WHEN, texts.EFFECTS):
        variant = "small" if effect == "small" else when
        label = f"{variant}, on few days" if (when, effect) == ("on few days", "small") else variant
        results = texts.FROM_RESULTS.replace("{catalogs!r}", "<catalogs>").replace("{{", "{").replace("}}", "}")
        yield leak("results in the catalogs", label, results, when, effect)
        yield leak("the loop, up the stack", label, texts.STACK.replace("{many}", "30"), when, effect)
        yield leak("the next candle alone, up the stack", label, texts.STACK.replace("{many}", "1"), when, effect)
        yield leak("the loop, among all objects", label, texts.OBJECTS, when, effect)
    for where, minutes in itertools.product(texts.KEPT, (1, 30)):
        yield leak(f"the run before, kept in {where}", f"{minutes} min ahead", remembered(where, minutes))
    for name, (imports, clock) in texts.CLOCKS.items():
        yield leak(f"the clock: {name}", "always", texts.CLOCK.format(imports=imports, clock=clock))
    for name, (imports, chance) in texts.CHANCES.items():
        yield leak(f"chance: {name}", "always", texts.CHANCE.format(imports=imports, chance=chance))


def function_leaks() -> Iterator[Leak]:
    """Yield the leaks through a function."""
    door = "a strategy file: function"

    def build(head: str, effect: str) -> Any:
        def text(inputs: Inputs, leaky: bool) -> str:
            files = {"<candles>": sorted(inputs.candles.values()), "<catalogs>": sorted(inputs.catalogs.values())}
            found = head + texts.FUNCTION.format(leaky=leaky, effect=effect)
            for name, value in files.items():
                found = found.replace(name, repr(value))
            return found

        return with_strategy(text)

    for name, effect in texts.BATCH.items():
        yield Leak(FAMILY, door, name, "always", build("SEEN = set()\n", effect), seeds=range(3, 15))
    for reader in texts.READERS:
        head = f"{from_candles(reader)}\n"
        effect = "future('', 0); count = count + sum(map(len, KNOWN.values())) % 3"
        yield Leak(FAMILY, door, f"candle files by {reader}", "always", build(head, effect), seeds=range(3, 15))
    for name, (imports, clock) in texts.CLOCKS.items():
        effect = f"count = count + 1 + int({clock}) // 86400 % 3"
        yield Leak(FAMILY, door, f"the clock: {name}", "always", build(f"{imports}\n", effect), seeds=range(3, 15))
    for name, (imports, chance) in texts.CHANCES.items():
        effect = f"count = count + ({chance} > 0.4)"
        made = build(f"{imports}\n", effect)
        goes_on = name == texts.GOES_ON
        yield Leak(FAMILY, door, f"chance: {name}", "always", made, seeds=range(3, 15), goes_on=goes_on)


def probabilities(change: Callable[[dict[str, Any], dict[str, Any]], Decimal]) -> Callable[..., None]:
    """A change of the probabilities by what the catalogs will say: `change(row, row of the catalog)`."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        def wrong(honest: Any, conf: Any, catalogs: Any, *rest: Any, **switches: Any) -> Any:
            table, meta = honest(conf, catalogs, *rest, **switches)
            listed = {r["market_ticker"]: r for path in catalogs.values() for r in pq.read_table(path).to_pylist()}
            rows = [r | {"p_yes": change(r, listed[r["market_ticker"]]).quantize(P)} for r in table.to_pylist()]
            return pa.Table.from_pylist(rows, schemas.PROBABILITIES), meta

        for name in ("build_probabilities", "forecast_probabilities"):
            patch.setattr(subject, name, functools.partial(wrong, getattr(subject, name)))

    return plant


def towards(row: dict[str, Any], listed: dict[str, Any], weight: str) -> Decimal:
    """A probability moved towards the result."""
    part, won = Decimal(weight), Decimal(listed["result"] == "yes")
    return row["p_yes"] * (1 - part) + won * part if listed["result"] else row["p_yes"]


def candles_ahead(columns: tuple[str, ...], few: bool) -> Callable[..., None]:
    """A change of the candles that are replayed: some columns are those of the next one."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        def lead(table: Table) -> Table:
            rows = table.to_pylist()
            for number, (row, following) in enumerate(itertools.pairwise(rows)):
                if row["market_ticker"] == following["market_ticker"] and not (few and number % 9):
                    row |= {key: following[key] for key in columns}
            return pa.Table.from_pylist(rows, schemas.CANDLES)

        def change(catalogs: Any, candles: Any, p: str) -> Any:
            return catalogs, {key: worlds.rewritten(folder, path, lead) for key, path in candles.items()}, p

        worlds.simulate_with(patch, change)

    return plant


def product_leaks() -> Iterator[Leak]:
    """Yield the leaks that are built into the product."""

    def build_of(source: str | None, latest: bool | None = None, *, books: bool = False) -> Any:
        return lambda seed, leaky: unwatched(
            lambda: EventsRun(make_inputs(Path.cwd(), seed, source, latest, books=books))
        )

    by_result: dict[str, Callable[[dict[str, Any], dict[str, Any]], Decimal]] = {
        "always": lambda row, listed: towards(row, listed, "0.9"),
        "small": lambda row, listed: towards(row, listed, "0.001"),
        "on few days": lambda row, listed: towards(row, listed, "0.5" if row["climate_date"].day % 4 == 0 else "0"),
    }
    for source, door in (("file", "a probability row"), ("gaussian", "a forecast")):
        for variant, change in by_result.items():
            yield Leak(FAMILY, door, "moved towards the result", variant, build_of(source), probabilities(change))
        late = probabilities(
            lambda row, one: row["p_yes"] * (Decimal("0.9") if one["volume"] and one["volume"] % 2 else 1)
        )
        yield Leak(FAMILY, door, "by the market's final volume", "always", build_of(source), late)
        settled = probabilities(lambda row, one: row["p_yes"] * (Decimal("0.8") if _settles_late(one) else 1))
        yield Leak(FAMILY, door, "by the hour of the settlement", "always", build_of(source), settled)
    columns = {
        "bid and ask of the next candle": ("yes_bid_close", "yes_ask_close"),
        "ask of the next candle": ("yes_ask_close",),
        "bid of the next candle": ("yes_bid_close",),
    }
    for (name, chosen), few in itertools.product(columns.items(), (False, True)):
        variant = "on few days" if few else "always"
        yield Leak(FAMILY, "a bar", name, variant, build_of(None), candles_ahead(chosen, few))
    doors = {"user's rows": "a probability row", "climate reports": "a forecast", "guidance": "a forecast",
             "candles": "a bar", "results": "a result", "listings": "a listing",
             "observations": "a reading of the day", "order books": "an order book"}  # fmt: skip
    for planted, kind, _ in worlds.LEAKS:
        name = planted.__name__.replace("_", " ")
        yield Leak(
            FAMILY,
            doors.get(kind, kind),
            name,
            "always",
            build_of(worlds.SOURCES.get(kind), worlds.LATEST.get(planted), books=kind == worlds.ORDER_BOOKS),
            planted,
            seeds=range(200, 220),
        )


def _settles_late(listed: dict[str, Any]) -> bool:
    """Whether a market settles at an odd minute."""
    settled: dt.datetime | None = listed["settlement_ts"]
    return settled is not None and settled.minute % 2 == 1


def pooled_leaks() -> Iterator[Leak]:
    """Yield the leaks of a pooled fit."""

    def build(seed: int, leaky: bool) -> Any:
        return unwatched(lambda: EventsRun(pooled_world.make_inputs(Path.cwd(), seed)))

    for name, fit in POOLED.items():

        def plant(patch: pytest.MonkeyPatch, folder: Path, fit: Callable[..., Any] = fit) -> None:
            honest = pooled_probabilities.known_weights
            patch.setattr(pooled_probabilities, "known_weights", lambda *given: fit(honest, *given))

        variant = "small" if name.startswith("a hundredth") else "always"
        yield Leak(FAMILY, "a pooled fit", name, variant, build, plant, seeds=range(1, 6))


def _hundredth(honest: Callable[..., Any], ladders: Any, settled: Any, asofs: Any, shrinkage: float) -> list[Any]:
    """Weights moved by a hundredth towards those that know every result."""
    own, all_known = (honest(ladders, ts, asofs, shrinkage) for ts in (settled, [0] * len(settled)))
    return [
        a if a is None or b is None else a._replace(b=a.b + (b.b - a.b) / 100, c=a.c + (b.c - a.c) / 100)
        for a, b in zip(own, all_known, strict=True)
    ]


# How the weights are fitted, given the honest fit and its arguments: ladders, settlements, as-of times, shrinkage.
POOLED: dict[str, Callable[..., Any]] = {
    "results that are not known yet": lambda fit, ladders, settled, asofs, s: fit(
        ladders, [0] * len(settled), asofs, s
    ),
    "results a day early": lambda fit, ladders, settled, asofs, s: fit(
        ladders, [t - 86_400 for t in settled], asofs, s
    ),
    "results three days early": lambda fit, ladders, settled, asofs, s: fit(
        ladders, [t - 3 * 86_400 for t in settled], asofs, s
    ),
    "as-of times a day late": lambda fit, ladders, settled, asofs, s: fit(
        ladders, settled, [t + 86_400 for t in asofs], s
    ),
    "the last weights for all dates": lambda fit, ladders, settled, asofs, s: fit(
        ladders, settled, [max(asofs)] * len(asofs), s
    ),
    "a hundredth of the weights that know all": _hundredth,
}


def leaks() -> Iterator[Leak]:
    """Yield the leaks of this family."""
    yield from class_leaks()
    yield from function_leaks()
    yield from product_leaks()
    yield from pooled_leaks()
