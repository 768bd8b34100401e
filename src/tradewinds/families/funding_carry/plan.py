"""The plan of a run of funding carry: one file per symbol, month and kind of record, and one panel of all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.config import resolve as configs
from tradewinds.core.errors import DataMissing
from tradewinds.families.funding_carry.carry_panel import PanelPaths, window_of
from tradewinds.families.funding_carry.fetch.perp_files import present_files
from tradewinds.families.funding_carry.fetch.source_reach import KINDS_OF, finished_through, refuse_out_of_reach
from tradewinds.families.funding_carry.instruments import SPOT_KEYS, settings_of, spot_pair_of
from tradewinds.families.funding_carry.schemas import (
    CANDLES,
    FUNDING,
    INSTRUMENTS,
    KINDS,
    PANEL_CANDLES,
    PANEL_RATES,
    instruments_path,
    month_path,
)
from tradewinds.families.funding_carry.symbols import NO_SPOT_LEG, SHOWN_SYMBOLS
from tradewinds.families.plan import DataFile, Plan, needed_through, run_folder


class PerpMonth(NamedTuple):
    """The file of one symbol, month and kind of record.

    Attributes:
        symbol: unified name of the perpetual.
        kind: one of KINDS.
        month: UTC, such as 2024-03.
        path: path of the file (schema FUNDING or CANDLES).
        spot: unified name of the pair of its spot leg.
    """

    symbol: str
    kind: str
    month: str
    path: str
    spot: str

    @property
    def series(self) -> str:
        """Unified name of what the file has: the pair for the spot leg, else the perpetual."""
        return self.spot if self.kind == "spot" else self.symbol


@dataclass(frozen=True)
class CarryFiles:
    """The files of a run of funding carry.

    Attributes:
        months: one file per symbol, month and kind, in this order.
        cache_dir: folder in which they are kept.
        folder: name of the source's folder.
        panel: paths of the two files with all records of the run.
        source: value of data.source.
        source_files: paths of the user's files that are imported; none for other sources.
        symbols: the symbols of the run, in alphabetical order.
        left_out: symbols that have no files, with the reason; the panel may leave out more.
        minutes: length of a candle.
        instruments: path of the list of what the exchange allows (schema INSTRUMENTS); "" for sources without one.
    """

    months: tuple[PerpMonth, ...]
    cache_dir: str
    folder: str
    panel: PanelPaths
    source: str
    source_files: tuple[str, ...]
    symbols: tuple[str, ...]
    left_out: Mapping[str, str]
    minutes: int
    instruments: str

    @property
    def records(self) -> list[str]:
        """Paths of all files of records, in the order of `months`."""
        return [file.path for file in self.months]


CarryPlan = Plan[CarryFiles]


def carry_plan(conf: Mapping[str, Any]) -> CarryPlan:
    """Return the plan of a resolved config.

    Raises:
        DataMissing: no symbol has a spot leg, or one has none and on_missing.data is fail; the source has forgotten a part; or
            there is no file of the user's.
    """
    run_id, carry_files = configs.run_id(dict(conf)), _files_of(conf)
    is_fetched, date_end = carry_files.source in KINDS_OF, conf["date_end_local"]
    # an exchange is asked for whole days, and some forget
    if is_fetched:
        date_end = finished_through(date_end)
        rates: dict[str, list[tuple[str, str]]] = {}
        for file in carry_files.months:
            if file.kind == "funding":
                rates.setdefault(file.symbol, []).append((file.month, file.path))
        refuse_out_of_reach(carry_files.source, _first_date(conf), rates)
    months = [
        DataFile(
            path=file.path,
            schema=FUNDING if file.kind == "funding" else CANDLES,
            fetched=is_fetched,
            reaches=needed_through(date_end, int(file.month[:4]), int(file.month[5:])) if is_fetched else None,
        )
        for file in carry_files.months
    ]
    listed = [DataFile(path, INSTRUMENTS, fetched=True) for path in (carry_files.instruments,) if path]
    panel = [DataFile(carry_files.panel.rates, PANEL_RATES), DataFile(carry_files.panel.candles, PANEL_CANDLES)]
    own = conf["strategy"].get("file")
    return Plan(
        run_id=run_id,
        run_dir=run_folder(conf, run_id),
        date_end=date_end,
        stages={"instruments": listed, "records": months, "panel": panel},
        inputs={"panel": list(carry_files.panel), **({} if own is None else {"user_strategy": [str(own)]})},
        units=len(carry_files.months),
        files=carry_files,
    )


def _files_of(conf: Mapping[str, Any]) -> CarryFiles:
    """List the files of a resolved config; raises as carry_plan."""
    data, symbols = conf["data"], tuple(sorted(conf["symbols"]))
    _refuse_source_without_spot(data["source"])
    pairs = {symbol: spot_pair_of(conf, symbol) for symbol in symbols}
    left_out = {symbol: NO_SPOT_LEG for symbol, pair in pairs.items() if pair is None}
    _refuse_without_spot(conf, list(left_out))
    folder, minutes = _source_folder(conf), data["candle_minutes"]
    cache_dir = Path(conf["cache_dir"]).as_posix()  # without ./ at its start, of which Snakemake warns
    months = tuple(
        PerpMonth(
            symbol=symbol,
            kind=kind,
            month=month,
            path=month_path(cache_dir, folder, symbol, kind, minutes, month, _other_pair(conf, symbol, kind)),
            spot=pair,
        )
        for symbol, pair in pairs.items()
        if pair is not None
        for month in _months_of(conf)
        for kind in KINDS
    )
    window = window_of(conf)
    legs = {symbol: [settings_of(conf, symbol).get(key) for key in SPOT_KEYS] for symbol in symbols}
    listed = instruments_path(cache_dir, folder) if data["source"] in KINDS_OF else ""
    of_panel = [[file.path for file in months], list(window), legs, conf["on_missing"], listed]
    stem = f"{cache_dir}/panels/{configs.digest(of_panel)[:20]}"
    return CarryFiles(
        months=months,
        cache_dir=cache_dir,
        folder=folder,
        panel=PanelPaths(rates=f"{stem}-rates.parquet", candles=f"{stem}-candles.parquet"),
        source=data["source"],
        source_files=tuple(present_files(data["path"])) if data["source"] == "files" else (),
        symbols=symbols,
        left_out=left_out,
        minutes=minutes,
        instruments=listed,
    )


def _other_pair(conf: Mapping[str, Any], symbol: str, kind: str) -> str:
    """Return the pair of a spot leg that a config names itself; "" for the usual one: other candles have another path."""
    return str(settings_of(conf, symbol).get("spot_symbol") or "") if kind == "spot" else ""


def _months_of(conf: Mapping[str, Any]) -> list[str]:
    """Return the months of a run and its warm-up, such as 2024-03."""
    first, last = _first_date(conf), conf["date_end_local"]
    numbers = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]


def _first_date(conf: Mapping[str, Any]) -> dt.date:
    """Return the first date of which records are read, warm-up included."""
    first: dt.date = conf["date_start_local"] - dt.timedelta(days=conf["data"]["warmup_days"])
    return first


def _source_folder(conf: Mapping[str, Any]) -> str:
    """Name the folder of a source by everything that defines the bytes of its files, so that no two sources share one."""
    data = conf["data"]
    if data["source"] == "files":
        return f"files-{configs.digest([data[key] for key in ('path', 'timezone', 'exchange', 'rates')])[:8]}"
    return f"synthetic-{conf['seed']}" if data["source"] == "synthetic" else str(data["source"])


def _refuse_source_without_spot(source: str) -> None:
    """Raise DataMissing for an exchange that gives no candles of spot pairs."""
    kinds = KINDS_OF.get(source, KINDS)
    if "spot" not in kinds:
        what = f"spot candles missing: {source} gives {', '.join(kinds)} only, and a position has a spot leg."
        raise DataMissing(
            what, where="data.source", remedy="Take another source, or give files of your own (source: files)."
        )


def _refuse_without_spot(conf: Mapping[str, Any], names: list[str]) -> None:
    """Raise DataMissing if no symbol has a spot leg, or one has none and on_missing.data is fail."""
    if names and (len(names) == len(conf["symbols"]) or conf["on_missing"]["data"] == "fail"):
        what = f"no spot pair has the name of {', '.join(names[:SHOWN_SYMBOLS])} ({NO_SPOT_LEG}): it stands for many coins."
        remedy = (
            "Say what its spot leg is, for example "
            "instruments: {'1000PEPE/USDT:USDT': {spot_symbol: PEPE/USDT, spot_multiplier: 1000}}."
        )
        raise DataMissing(what, where="symbols", remedy=remedy)
