"""The panel, one file with all bars of a run: how it is made, and how a replay reads and adjusts its bars."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewinds.core import files
from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.damage import naming_damage
from tradewinds.core.errors import DamagedFile, DataMissing, SimulationError
from tradewinds.engine.shares.bars import Bars
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.plan import SharesPlan
from tradewinds.families.equities_daily.schemas import PRICE_COLUMNS, UNKNOWN_VOLUME
from tradewinds.reference_data.corporate_actions import adjusted_bars, adjustment_factors, read_actions
from tradewinds.reference_data.universe import Span, Universe, active_within

if TYPE_CHECKING:
    import pyarrow as pa

# reasons why a symbol is left out of a run
NO_BARS = "NO_BARS"
TOO_LITTLE_HISTORY = "TOO_LITTLE_HISTORY"
NOT_ACTIVE = "NOT_ACTIVE"

NO_ADJUSTED_CLOSE = "NO_ADJUSTED_CLOSE"  # reason why a bar is left out, beyond those of fetch/bar_checks.py

SHOWN_SYMBOLS = 40  # in an error message
EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class LoadedBars:
    """Bars of the symbols that a run can trade, and what was left out.

    Attributes:
        bars: adjusted bars, history before the run included.
        eligible: per row, whether its symbol is a member of the universe on its date and the date is inside the run.
        skipped: (symbol, reason) of the symbols that are left out, in order.
        quarantined: number of rows left out, by reason.
        adjustment: what prices are adjusted by: none, adjusted_close or actions.
    """

    bars: Bars
    eligible: Flags
    skipped: list[tuple[str, str]]
    quarantined: Counter[str]
    adjustment: str


def day_of(date: dt.date) -> int:
    """Convert a date to its day number, counted from 1970-01-01."""
    return (date - EPOCH).days


def date_of(day: int) -> dt.date:
    """Convert a day number to its date."""
    return EPOCH + dt.timedelta(days=day)


def load_bars(config: Mapping[str, Any], plan: SharesPlan, history: int) -> LoadedBars:
    """Read the bars of a run from its panel, leave out what cannot be traded, and adjust prices.

    Args:
        config: a resolved config.
        plan: its plan, whose panel exists.
        history: number of bars that a signal needs, its own included.

    Raises:
        DataMissing: a symbol has no bars or too little history and on_missing.bars is fail, or no symbol can be traded.
        SimulationError: the files of one symbol do not fit together, or prices are in another currency than the account.
        DamagedFile: the panel is not as make_panel writes it.
    """
    universe = plan.files.universe
    first, last = config["date_start_local"], config["date_end_local"]
    # symbols that are members of the universe during the run
    active = {symbol: span for symbol, spans in universe.items() if (span := active_within(spans, first, last))}
    skipped = [(symbol, NOT_ACTIVE) for symbol in universe if symbol not in active]
    # their bars, up to the last day of membership
    names = {file.symbol: file.name for file in plan.files.years}
    bars, adjusted_close, quarantined = _read(
        config, plan.files.panel, {symbol: names[symbol] for symbol in sorted(active)}
    )
    last_days = [min(day_of(max(end for _, end in universe[symbol])), day_of(last)) for symbol in bars.symbols]
    bars, adjusted_close = _keep(bars, adjusted_close, bars.day <= np.array(last_days, np.int64)[bars.owner])
    # without the symbols that never have a signal
    lacking = _lacking(bars, active, history)
    _refuse_lacking(config, lacking, set(active))
    is_lacking = np.array([symbol in dict(lacking) for symbol in bars.symbols], bool)
    bars, adjusted_close = _keep(bars, adjusted_close, ~is_lacking[bars.owner])
    # prices in shares of the first trading day
    bars, adjustment = _adjust(config, bars, adjusted_close, quarantined)
    return LoadedBars(
        bars=bars,
        eligible=_eligible(bars, universe, first, last),
        skipped=sorted(skipped + lacking),
        quarantined=quarantined,
        adjustment=adjustment,
    )


def _read(config: Mapping[str, Any], panel: str, names: Mapping[str, str]) -> tuple[Bars, Ints, Counter[str]]:
    """Read the bars of some symbols up to the last date of a run, without quarantined rows.

    Args:
        config: a resolved config.
        panel: path of the panel.
        names: name in the panel of each symbol, in the order that the bars get.

    Returns:
        The bars, the adjusted close of each row in micro-units (0: none), and the number of quarantined rows by reason.
    """
    table, meta = files.read_table(panel), files.read_meta(panel)
    if not table.schema.equals(schemas.PANEL):
        raise DamagedFile(panel, "its columns are not those of such a file")
    _refuse_currency(meta["currencies"], config["risk"]["currency"])
    columns = {name: table[name].to_numpy() for name in table.column_names}
    # the index of each row's symbol among `names`; -1 for a symbol that is not wanted
    index_of = {name: index for index, name in enumerate(names.values())}
    wanted = np.array([index_of.get(name, -1) for name in meta["names"]], np.int64)
    owner = wanted[columns.pop("number")]
    day, fault = columns.pop("day").astype(np.int64), columns.pop("fault")
    # quarantined rows are counted, good ones kept
    in_run = (owner >= 0) & (day <= day_of(config["date_end_local"]))
    counts = np.bincount(fault[in_run], minlength=1 + len(meta["faults"]))[1:].tolist()
    quarantined = Counter({reason: count for reason, count in zip(meta["faults"], counts, strict=True) if count})
    rows = np.flatnonzero(in_run & (fault == 0))
    owner, day = owner[rows], day[rows]
    if ((np.diff(owner) < 0) | ((np.diff(owner) == 0) & (np.diff(day) <= 0))).any():  # every signal would be wrong
        raise DamagedFile(panel, "its bars are not in order")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(names)))])
    adjusted_close, prices = columns.pop("adj_close")[rows], {name: values[rows] for name, values in columns.items()}
    volume = prices.pop("volume")
    unknown_volume = volume == UNKNOWN_VOLUME
    volume = np.where(unknown_volume, 0, volume)
    return (
        Bars(tuple(names), offsets, day, **prices, volume=volume, unknown_volume=unknown_volume),
        adjusted_close,
        quarantined,
    )


def _keep(bars: Bars, adjusted_close: Ints, kept: Flags) -> tuple[Bars, Ints]:
    """Return the rows of bars and adjusted closes for which `kept` is true; symbols without rows stay."""
    if kept.all():
        return bars, adjusted_close
    counts = np.bincount(bars.owner[kept], minlength=len(bars.symbols))
    columns = {name: getattr(bars, name)[kept] for name in ("day", *PRICE_COLUMNS, "volume")}
    unknown_volume = None if bars.unknown_volume is None else bars.unknown_volume[kept]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return Bars(bars.symbols, offsets, **columns, unknown_volume=unknown_volume), adjusted_close[kept]


def _lacking(bars: Bars, active: Mapping[str, Span], history: int) -> list[tuple[str, str]]:
    """Return (symbol, reason) of the active symbols whose bars cannot make a signal in the run."""
    found = []
    for index, symbol in enumerate(bars.symbols):
        days, (start, end) = bars.day[bars.rows(index)], active[symbol]
        in_run = np.count_nonzero((days >= day_of(start)) & (days <= day_of(end)))
        if not in_run:
            found.append((symbol, NO_BARS))
        elif len(days) < history:
            found.append((symbol, TOO_LITTLE_HISTORY))
    with_bars = set(bars.symbols)
    return found + [(symbol, NO_BARS) for symbol in active if symbol not in with_bars]


def _refuse_lacking(config: Mapping[str, Any], lacking: list[tuple[str, str]], active: set[str]) -> None:
    """Refuse a run in which some symbol lacks bars and on_missing.bars is fail, or in which no symbol is left.

    Raises:
        DataMissing: it names the first symbols, each with its reason.
    """
    if active and (not lacking or (config["on_missing"]["bars"] == "skip" and len(lacking) < len(active))):
        return
    texts = {NO_BARS: "no bars", TOO_LITTLE_HISTORY: "too little history"}
    lines = [f"  {symbol}: {texts[reason]}" for symbol, reason in sorted(lacking)]
    if len(lines) > SHOWN_SYMBOLS:
        lines = [*lines[:SHOWN_SYMBOLS], f"  … and {len(lines) - SHOWN_SYMBOLS} more"]
    period = f"from {config['date_start_local']} to {config['date_end_local']}"
    what = f"{len(lacking)} of {len(active)} symbols cannot be traded {period}."
    if not active:
        what = f"no symbol of the universe is active {period}."
    remedy = (
        "Nothing was written. Bring their bars, change the dates, or leave such symbols out (on_missing: {bars: skip})."
    )
    raise DataMissing("\n".join([f"{what} {remedy}", *lines]))


def _adjust(config: Mapping[str, Any], bars: Bars, adjusted_close: Ints, quarantined: Counter[str]) -> tuple[Bars, str]:
    """Adjust prices for splits and dividends as a config asks for it.

    Args:
        config: a resolved config.
        bars: bars as they were paid.
        adjusted_close: adjusted close of each row in micro-units (0: none).
        quarantined: number of rows left out by reason; rows that are left out here are added.

    Returns:
        The bars, and what they are adjusted by (LoadedBars.adjustment).
    """
    first_day = day_of(config["date_start_local"])
    if config["adjust"] == "none" or (config["actions"] is None and not adjusted_close.any()):
        return bars, "none"
    if config["actions"] is not None:
        prices, shares = adjustment_factors(bars, read_actions(config["actions"]))
        return adjusted_bars(bars, prices, shares, first_day), "actions"
    is_unknown = adjusted_close <= 0
    if is_unknown.any():  # such a bar cannot be compared with its neighbours
        quarantined[NO_ADJUSTED_CLOSE] += int(is_unknown.sum())
        bars, adjusted_close = _keep(bars, adjusted_close, ~is_unknown)
    factors = adjusted_close / bars.close
    return adjusted_bars(bars, factors, np.ones(len(factors)), first_day), "adjusted_close"


def _eligible(bars: Bars, universe: Universe, first: dt.date, last: dt.date) -> Flags:
    """Return per row whether its date is inside a membership of its symbol and from `first` to `last`."""
    found = np.zeros(len(bars.day), bool)
    for index, symbol in enumerate(bars.symbols):
        rows = bars.rows(index)
        for start, end in universe[symbol]:
            lower, upper = day_of(max(start, first)), day_of(min(end, last))
            found[rows] |= (bars.day[rows] >= lower) & (bars.day[rows] <= upper)
    return found


def make_panel(plan: SharesPlan) -> None:
    """Write the panel of a plan: all rows of its files of bars, in order of symbol and day.

    Raises:
        SimulationError: the files of one symbol do not fit together.
    """
    import duckdb  # the replay reads the panel and needs none of these
    import pyarrow as pa
    import pyarrow.compute as pc

    meta_of = {path: files.read_meta(path) for path in plan.files.bars}
    _refuse_stale(meta_of)
    # the rows of all files
    table = schemas.BARS.empty_table()
    if plan.files.bars:
        with naming_damage(plan.stages["bars"]), duckdb.connect() as connection:
            table = connection.sql(
                "SELECT * FROM read_parquet($files)", params={"files": plan.files.bars}
            ).to_arrow_table()
    table = table.cast(schemas.BARS).combine_chunks()
    # symbols and reasons as indices, prices as micro-units
    symbols, faults = (table[name].combine_chunks().dictionary_encode() for name in ("symbol", "quarantine"))
    columns = {name: _micro(pc.fill_null(table[name], 0)) for name in (*PRICE_COLUMNS, "adj_close")}
    columns["number"] = symbols.indices
    columns["day"] = table["date"].cast(pa.int32())
    columns["volume"] = pc.fill_null(table["volume"], UNKNOWN_VOLUME)
    columns["fault"] = pc.add(pc.fill_null(faults.indices, -1), 1)
    panel = pa.table({field.name: columns[field.name] for field in schemas.PANEL}).cast(schemas.PANEL)
    panel = panel.sort_by([("number", "ascending"), ("day", "ascending")])
    meta = {
        "names": symbols.dictionary.to_pylist(),
        "faults": faults.dictionary.to_pylist(),
        "currencies": sorted({str(meta["currency"]) for meta in meta_of.values() if meta.get("currency")}),
    }
    files.write_parquet(plan.files.panel, panel, meta)


def _micro(prices: pa.ChunkedArray) -> Ints:
    """Convert prices without nulls to micro-units.

    A price is stored as a decimal of six digits, that is 128 bits of micro-units, of which this reads the lower half.
    """
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.int64)[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2]
        for chunk in prices.chunks
        if len(chunk)
    ]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int64)


def _refuse_currency(currencies: Sequence[str], account_currency: str) -> None:
    """Raise SimulationError if prices are in another currency than the account."""
    if set(currencies) - {account_currency}:
        remedy = "Set risk.currency to it, or trade other symbols."
        what = f"prices are in {', '.join(currencies)}, not {account_currency}."
        raise SimulationError(what, where="bars", remedy=remedy)


def _refuse_stale(meta_of: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse files that were fetched before a later split of their symbol.

    The chart API adjusts prices for all splits up to the day of its answer, so such a file does not fit those fetched later.

    Args:
        meta_of: metadata of each file of bars, by path.

    Raises:
        SimulationError: it names the files.
    """
    last_split: dict[str, str] = {}  # date of each symbol's last known split, "" for none
    for meta in meta_of.values():
        last_split[meta["symbol"]] = max([last_split.get(meta["symbol"], ""), *meta.get("splits", [])])
    stale = [path for path, meta in meta_of.items() if meta.get("retrieved_at", "9")[:10] < last_split[meta["symbol"]]]
    if stale:
        remedy = "Delete them; the next run fetches them again, adjusted."
        raise SimulationError(f"fetched before a later split: {', '.join(stale)}.", where="bars", remedy=remedy)
