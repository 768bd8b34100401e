"""What can be said of a run's funding rates and candles before it is replayed: files, requests, holes, quarantined records."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core import files
from tradewinds.core.text import counted
from tradewinds.core.units import MICRO
from tradewinds.engine.carry.carry_market import LegCandles, SymbolMarket
from tradewinds.families.contract import Findings
from tradewinds.families.funding_carry.carry_panel import read_carry_panel, read_left_out
from tradewinds.families.funding_carry.fetch.rate_checks import utc_text
from tradewinds.families.funding_carry.plan import CarryPlan
from tradewinds.families.funding_carry.schemas import KINDS
from tradewinds.families.plan import stale_files

INTERVALS = (1, 2, 4, 8)  # hours between settlements; any other distance is a gap
SHOWN = 20  # symbols or months of a kind
# of a month of hourly candles, or of settlements each eight hours, where it is more than one: Binance's file comes with its
# checksum, and the others give a page at a time
_REQUESTS = {
    **{("binance", kind): 2 for kind in KINDS},
    **{("okx", kind): 8 for kind in KINDS[1:]},
}
_NOUNS = {
    "funding": "months of funding rates",
    "spot": "months of spot candles",
    "perp": "months of perp candles",
    "mark": "months of mark prices",
}


def cost(config: Mapping[str, Any], plan: CarryPlan) -> tuple[list[dict[str, Any]], list[str]]:
    """Count the files and requests that a run needs.

    Args:
        config: a resolved config.
        plan: its plan.

    Returns:
        A row per kind of record for the table of the dry run, and the lines below the table.
    """
    due = {*plan.missing(), *stale_files(plan)}
    rows = []
    # one row per kind of record, and one for the list of instruments
    for kind in KINDS:
        paths = [file.path for file in plan.files.months if file.kind == kind]
        missing = [path for path in paths if not Path(path).exists()]
        requests = _REQUESTS.get((plan.files.source, kind), 1) * len(due.intersection(paths))
        rows.append(
            {
                "what": _NOUNS[kind],
                "total": len(paths),
                "present": len(paths) - len(missing),
                "missing": len(missing),
                "requests": requests,
                "time": str(dt.timedelta(seconds=math.ceil(requests / _rate(config)))),
            }
        )
    if plan.files.instruments:
        present = Path(plan.files.instruments).exists()
        requests = 0 if present else 2
        row = {"what": "lists of instruments", "total": 1, "present": int(present), "missing": 1 - present}
        rows.append(
            {**row, "requests": requests, "time": str(dt.timedelta(seconds=math.ceil(requests / _rate(config))))}
        )
    source = config["data"]["path"] if plan.files.source == "files" else plan.files.source
    status = "its results are there" if Path(plan.run_dir, "metrics.json").exists() else "not yet simulated"
    names = plan.files.symbols
    shown = ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
    notes = [
        f"{shown}: {plan.files.minutes}-minute candles, records from {source}.",
        *(f"{symbol} is left out: {reason}." for symbol, reason in plan.files.left_out.items()),
        f"Run {plan.run_id}: {status} ({plan.run_dir}/).",
    ]
    return rows, notes


def _rate(config: Mapping[str, Any]) -> float:
    """Return how many requests a second the source of a config is asked; of a source that is not asked, 1."""
    section = config.get(config["data"]["source"], config["binance_bulk"])
    return float(section["requests_per_second"])


def findings(config: Mapping[str, Any], plan: CarryPlan) -> Findings:
    """Count what the files of records and the panel hold.

    Args:
        config: a resolved config.
        plan: its plan.

    Raises:
        DamagedFile: a file is not what was written.
    """
    notes: list[str] = []
    quarantined: Counter[tuple[str, str, str]] = Counter()
    found: dict[str, None] = {}  # each line once, in order
    for kind in KINDS:
        paths = [file.path for file in plan.files.months if file.kind == kind]
        present = [path for path in paths if Path(path).exists()]
        records = 0
        for path in present:
            meta = files.read_meta(path)
            records += int(pq.read_metadata(path).num_rows)
            found |= dict.fromkeys(meta.get("found", ()))
            for reason, count in meta["quarantined"].items():
                quarantined[meta["symbol"], kind, reason] += count
        notes.append(f"{len(present)} of {len(paths)} {_NOUNS[kind]} are there, with {counted(records, 'record')}.")
    notes += found
    worst = sorted(quarantined.items(), key=lambda item: (-item[1], item[0]))
    notes += [f"{symbol} {kind}: {count:,} quarantined: {reason}" for (symbol, kind, reason), count in worst[:SHOWN]]
    if len(worst) > SHOWN:
        notes.append(f"… and {len(worst) - SHOWN} more symbols and kinds with quarantined records.")
    notes += _other_intervals(plan)
    notes += [f"{symbol} is left out: {reason}." for symbol, reason in plan.files.left_out.items()]
    return Findings([*notes, *(_of_panel(config, plan) if Path(plan.files.panel.candles).exists() else ())])


def _other_intervals(plan: CarryPlan) -> Iterator[str]:
    """Yield lines about symbols whose source names other intervals than the distances of its settlements show."""
    for symbol in plan.files.symbols:
        paths = [file.path for file in plan.files.months if (file.symbol, file.kind) == (symbol, "funding")]
        tables = [files.read_table(path, ["ts_utc", "interval_hours"]) for path in paths if Path(path).exists()]
        if not tables:
            continue
        table = pa.concat_tables(tables)
        seconds = table["ts_utc"].cast(pa.int64()).to_numpy() // MICRO
        named = table["interval_hours"].fill_null(0).to_numpy()[1:]
        distance = np.diff(seconds) // 3600
        known = (named > 0) & np.isin(distance, INTERVALS)
        if (differ := known & (named != distance)).any():
            at = utc_text(int(seconds[1:][differ][0]) * MICRO)
            yield (
                f"{symbol}: the source names another interval than the distance to the settlement before for "
                f"{int(differ.sum()):,} of {counted(int(known.sum()), 'settlement')}, the first at {at}; the distance counts."
            )


def _of_panel(config: Mapping[str, Any], plan: CarryPlan) -> Iterator[str]:
    """Yield lines about the records of a run: settlements, their intervals, gaps, and holes in the candles."""
    for symbol, reason in read_left_out(plan.files.panel).items():
        if symbol not in plan.files.left_out:
            yield f"{symbol} is left out: {reason}."
    markets = read_carry_panel(plan.files.panel, config)
    for market in markets[:SHOWN]:
        yield _of_symbol(market, config["data"]["candle_minutes"])
    if len(markets) > SHOWN:
        yield f"… and {len(markets) - SHOWN} more symbols."


def _of_symbol(market: SymbolMarket, minutes: int) -> str:
    """Return a line about the records of one symbol."""
    hours = np.diff(market.rates.ts) / 3600
    known = {hour: int((hours == hour).sum()) for hour in INTERVALS}
    gaps = len(hours) - sum(known.values())
    steps = ", ".join(f"{count:,} of {hour} h" for hour, count in known.items() if count)
    holes = ", ".join(
        f"{kind} {_holes(candles, minutes):,}"
        for kind, candles in (("spot", market.spot), ("perpetual", market.perp), ("mark", market.mark))
        if len(candles.open_ts)
    )
    marks = "" if len(market.mark.open_ts) else "; it has no mark prices"
    return (
        f"{market.symbol}: {counted(len(market.rates.ts), 'settlement')} ({steps or 'no interval'}; FUNDING_GAP {gaps:,}), "
        f"missing candles: {holes or 'none'}{marks}."
    )


def _holes(candles: LegCandles, minutes: int) -> int:
    """Return how many candles are missing between the first and the last one."""
    span = int(candles.open_ts[-1] - candles.open_ts[0]) // (60 * minutes) + 1
    return span - len(candles.open_ts)
