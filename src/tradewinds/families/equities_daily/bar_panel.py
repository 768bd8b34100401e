"""The bars of a run: read, left out what is quarantined or outside a membership, adjusted."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewinds.core import files
from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.errors import DamagedFile, DataMissing, SimulationError
from tradewinds.engine.shares.bars import Bars
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.plan import SharesPlan
from tradewinds.reference_data.corporate_actions import adjusted, factors_of_actions, read_actions
from tradewinds.reference_data.universe import Universe, within

if TYPE_CHECKING:
    import pyarrow as pa

NO_BARS = "NO_BARS"
TOO_LITTLE_HISTORY = "TOO_LITTLE_HISTORY"
NOT_ACTIVE = "NOT_ACTIVE"
NO_ADJUSTED_CLOSE = "NO_ADJUSTED_CLOSE"

PRICES = ("open", "high", "low", "close")
SHOWN = 40
EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Loaded:
    """Bars of the symbols that can be traded, and what is to be told of the rest.

    `eligible`: per row, whether its symbol is active and its date inside the run; `skipped`: (symbol, reason) of those left
    out; `quarantined`: rows left out by reason; `adjustment`: none, adjusted_close or actions.
    """

    bars: Bars
    eligible: Flags
    skipped: list[tuple[str, str]]
    quarantined: Counter[str]
    adjustment: str


def day_of(date: dt.date) -> int:
    """Days since 1970-01-01."""
    return (date - EPOCH).days


def date_of(day: int) -> dt.date:
    """The date of a day."""
    return EPOCH + dt.timedelta(days=day)


def load_bars(config: Mapping[str, Any], plan: SharesPlan, history: int) -> Loaded:
    """The bars of a resolved config.

    Args:
        plan: its plan, whose panel is there; history: bars that a signal needs.

    Raises:
        DataMissing: a symbol lacks bars or history and on_missing.bars says fail, or there is nothing to trade at all.
        SimulationError: files of one symbol do not fit together.
    """
    universe = plan.files.universe
    first, last = config["date_start_local"], config["date_end_local"]
    spans = {symbol: span for symbol, dates in universe.items() if (span := within(dates, first, last))}
    skipped = [(symbol, NOT_ACTIVE) for symbol in universe if symbol not in spans]
    names = {file.symbol: file.name for file in plan.files.years}
    bars, adjusted_close, quarantined = _read(
        config, plan.files.panel, {symbol: names[symbol] for symbol in sorted(spans)}
    )
    ends = np.array([min(day_of(max(e for _, e in universe[s])), day_of(last)) for s in bars.symbols], np.int64)
    bars, adjusted_close = _rows(bars, adjusted_close, bars.day <= ends[bars.owner])
    lacking = _lacking(bars, spans, history)
    _refuse_lacking(config, lacking, set(spans))
    gone = np.array([symbol in dict(lacking) for symbol in bars.symbols], bool)
    bars, adjusted_close = _rows(bars, adjusted_close, ~gone[bars.owner])
    bars, kind = _adjusted(config, bars, adjusted_close, quarantined)
    return Loaded(bars, _eligible(bars, universe, first, last), sorted(skipped + lacking), quarantined, kind)


def _read(config: Mapping[str, Any], panel: str, names: Mapping[str, str]) -> tuple[Bars, Ints, Counter[str]]:
    """Good bars in order, their adjusted closes (0: none), and how many rows were quarantined for which reason; `names` are
    those of the symbols in the panel."""
    table, about = files.read_table(panel), files.read_meta(panel)
    if not table.schema.equals(schemas.PANEL):
        raise DamagedFile(panel, "its columns are not those of such a file")
    _refuse_currency(about["currencies"], config["risk"]["currency"])
    place = {name: number for number, name in enumerate(names.values())}
    columns = {name: table[name].to_numpy() for name in table.column_names}
    owner = np.array([place.get(name, -1) for name in about["names"]], np.int64)[
        columns.pop("number")
    ]  # -1: not wanted
    day, fault = columns.pop("day").astype(np.int64), columns.pop("fault")
    asked = (owner >= 0) & (day <= day_of(config["date_end_local"]))
    counts = np.bincount(fault[asked], minlength=1 + len(about["faults"]))[1:].tolist()
    quarantined = Counter({reason: count for reason, count in zip(about["faults"], counts, strict=True) if count})
    rows = np.flatnonzero(asked & (fault == 0))
    owner, day = owner[rows], day[rows]
    if ((np.diff(owner) < 0) | ((np.diff(owner) == 0) & (np.diff(day) <= 0))).any():  # no signal would be right
        raise DamagedFile(panel, "its bars are not in order")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(names)))])
    adjusted_close, prices = columns.pop("adj_close")[rows], {name: values[rows] for name, values in columns.items()}
    return Bars(tuple(names), offsets, day, **prices), adjusted_close, quarantined


def _rows(bars: Bars, adjusted_close: Ints, keep: Flags) -> tuple[Bars, Ints]:
    """Some rows of all symbols."""
    if keep.all():
        return bars, adjusted_close
    counts = np.bincount(bars.owner[keep], minlength=len(bars.symbols))
    columns = (c[keep] for c in (bars.day, bars.open, bars.high, bars.low, bars.close, bars.volume))
    return Bars(bars.symbols, np.concatenate([[0], np.cumsum(counts)]), *columns), adjusted_close[keep]


def _lacking(bars: Bars, spans: Mapping[str, tuple[dt.date, dt.date]], history: int) -> list[tuple[str, str]]:
    """Symbols of which no signal can ever be made, with the reason."""
    found = []
    for number, symbol in enumerate(bars.symbols):
        days, (start, end) = bars.day[bars.rows(number)], spans[symbol]
        inside = np.count_nonzero((days >= day_of(start)) & (days <= day_of(end)))
        if not inside:
            found.append((symbol, NO_BARS))
        elif len(days) < history:
            found.append((symbol, TOO_LITTLE_HISTORY))
    named = set(bars.symbols)
    return found + [(symbol, NO_BARS) for symbol in spans if symbol not in named]


def _refuse_lacking(config: Mapping[str, Any], lacking: list[tuple[str, str]], active: set[str]) -> None:
    """Say per symbol what is missing, if it is to fail or if nothing is left."""
    if active and (not lacking or (config["on_missing"]["bars"] == "skip" and len(lacking) < len(active))):
        return
    words = {NO_BARS: "no bars", TOO_LITTLE_HISTORY: "too little history"}
    lines = [f"  {symbol}: {words[reason]}" for symbol, reason in sorted(lacking)]
    lines += [f"  … and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    what = f"{len(lacking)} of {len(active)} symbols cannot be traded from {{date_start_local}} to {{date_end_local}}."
    if not active:
        what = "no symbol of the universe is active from {date_start_local} to {date_end_local}."
    remedy = (
        "Nothing was written. Bring their bars, change the dates, or leave such symbols out (on_missing: {bars: skip})."
    )
    told = f"{what.format(**config)} {remedy}"
    raise DataMissing("\n".join([told, *lines[:SHOWN], *lines[SHOWN:][-1:]]))


def _adjusted(
    config: Mapping[str, Any], bars: Bars, adjusted_close: Ints, quarantined: Counter[str]
) -> tuple[Bars, str]:
    first = day_of(config["date_start_local"])
    if config["adjust"] == "none" or (config["actions"] is None and not adjusted_close.any()):
        return bars, "none"
    if config["actions"] is not None:
        return adjusted(bars, *factors_of_actions(bars, read_actions(config["actions"])), first), "actions"
    unknown = adjusted_close <= 0
    if unknown.any():  # a bar that cannot be compared with its neighbours
        quarantined[NO_ADJUSTED_CLOSE] += int(unknown.sum())
        bars, adjusted_close = _rows(bars, adjusted_close, ~unknown)
    factors = adjusted_close / bars.close
    return adjusted(bars, factors, np.ones(len(factors)), first), "adjusted_close"


def _eligible(bars: Bars, universe: Universe, first: dt.date, last: dt.date) -> Flags:
    found = np.zeros(len(bars.day), bool)
    for number, symbol in enumerate(bars.symbols):
        rows = bars.rows(number)
        for start, end in universe[symbol]:
            lower, upper = day_of(max(start, first)), day_of(min(end, last))
            found[rows] |= (bars.day[rows] >= lower) & (bars.day[rows] <= upper)
    return found


def make_panel(plan: SharesPlan) -> None:
    """Put all bars of a plan into one file, in the order of its files.

    Raises:
        SimulationError: files of one symbol do not fit together.
    """
    import duckdb  # the replay reads one file and needs none of these
    import pyarrow as pa
    import pyarrow.compute as pc

    about = {path: files.read_meta(path) for path in plan.files.bars}
    _refuse_stale(about)
    table = schemas.BARS.empty_table()
    if plan.files.bars:
        with duckdb.connect() as connection:
            table = connection.sql(
                "SELECT * FROM read_parquet($files)", params={"files": plan.files.bars}
            ).to_arrow_table()
    table = table.cast(schemas.BARS).combine_chunks()
    symbols, faults = (table[name].combine_chunks().dictionary_encode() for name in ("symbol", "quarantine"))
    columns = {name: _micro(pc.fill_null(table[name], 0)) for name in (*PRICES, "adj_close")}
    columns |= {"number": symbols.indices, "day": table["date"].cast(pa.int32())}
    columns |= {"volume": pc.fill_null(table["volume"], 0)}
    columns |= {"fault": pc.add(pc.fill_null(faults.indices, -1), 1)}
    panel = pa.table({field.name: columns[field.name] for field in schemas.PANEL}).cast(schemas.PANEL)
    panel = panel.sort_by([("number", "ascending"), ("day", "ascending")])
    meta = {"names": symbols.dictionary.to_pylist(), "faults": faults.dictionary.to_pylist()}
    meta["currencies"] = sorted({str(one["currency"]) for one in about.values() if one.get("currency")})
    files.write_parquet(plan.files.panel, panel, meta)


def _micro(prices: pa.ChunkedArray) -> Ints:
    """Prices of six decimals, none of them null, as the integers that they are kept as (the lower half of 128 bits)."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.int64)[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2]
        for chunk in prices.chunks
        if len(chunk)
    ]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int64)


def _refuse_currency(found: Sequence[str], currency: str) -> None:
    if set(found) - {currency}:
        remedy = "Set risk.currency to it, or trade other symbols."
        raise SimulationError(f"prices are in {', '.join(found)}, not {currency}.", where="bars", remedy=remedy)


def _refuse_stale(about: Mapping[str, Mapping[str, Any]]) -> None:
    """Bars of before a later split: the chart API adjusts what it sends for all splits up to that day."""
    split: dict[str, str] = {}
    for meta in about.values():
        split[meta["symbol"]] = max([split.get(meta["symbol"], ""), *meta.get("splits", [])])
    stale = [path for path, meta in about.items() if meta.get("retrieved_at", "9")[:10] < split[meta["symbol"]]]
    if stale:
        remedy = "Delete them; the next run fetches them again, adjusted."
        raise SimulationError(f"fetched before a later split: {', '.join(stale)}.", where="bars", remedy=remedy)
