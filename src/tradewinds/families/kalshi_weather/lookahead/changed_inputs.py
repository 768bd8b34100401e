"""The raw inputs of a run, and copies of them in which all that was known after a cut is removed or poisoned.

When a record was known: a candle at its end; guidance, climate reports and readings at their `known_at_ts` (guidance by the
config's own publication lags, if it has any); a row of a user file at its `known_at_utc`; a market's listing (strikes, open
and close time, fee) at its open time; its result (also settlement value and time, expiration value, volume) at its settlement.

A result is not blanked but replaced by the opposite one, settled at another time after the cut: by the rules a market
without a result takes its whole event out of the run, and every decision would be gone for a reason that is no look-ahead.
For the same reason a market that never got a result keeps none.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds.core import units
from tradewinds.core.files import read_meta, write_parquet
from tradewinds.families.contract import PLANTED, Future
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.forecasts import user_probabilities
from tradewinds.families.kalshi_weather.forecasts.user_probabilities import TimedProbability
from tradewinds.families.kalshi_weather.levels_key import LEVELS_KEY, levels_path
from tradewinds.families.kalshi_weather.lookahead.changed_books import changed_books
from tradewinds.families.kalshi_weather.lookahead.changed_distributions import changed_distributions
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.pooling.probability_sources import DISTRIBUTION

CANDLES, GUIDANCE, CLIMATE, OBSERVATIONS = "candles", "guidance", "climate reports", "observations"
USER_ROWS, RESULTS, LISTINGS = "user's rows", "results", "listings"
ORDER_BOOKS = "order books"
KINDS = (CANDLES, GUIDANCE, CLIMATE, OBSERVATIONS, USER_ROWS, RESULTS, LISTINGS, ORDER_BOOKS)

# Poison: values that the schemas allow and no market or thermometer has ever shown.
_DEAR = (Decimal("0.98"), Decimal("0.99"))  # bid, ask in dollars
_CHEAP = (Decimal("0.01"), Decimal("0.02"))
_HUGE_VOLUME = Decimal(1_000_000)
_HEAT_F = 150
_LATE_SETTLEMENT = dt.timedelta(days=7)

Row = dict[str, Any]


@dataclass(frozen=True)
class Inputs:
    """A resolved config and everything that its decisions are made from.

    Paths: catalogs per series, candles per (series, climate date), guidance and climate per station, readings per (station,
    climate date). Of candles also those of earlier events to which a pool is fitted.
    """

    config: Mapping[str, Any]
    catalogs: Mapping[str, str]
    candles: Mapping[tuple[str, dt.date], str]
    guidance: Mapping[str, list[str]]
    climate: Mapping[str, list[str]]
    user_file: str | None
    observations: Mapping[tuple[str, dt.date], str] = field(default_factory=dict)


def inputs_of(config: Mapping[str, Any], plan: EventsPlan) -> Inputs:
    """The inputs of a planned run."""
    stations = sorted({station for station, _ in plan.files.climate})
    return Inputs(
        config=config,
        catalogs=plan.files.catalogs,
        candles=plan.files.candles | plan.files.priced_candles,
        guidance={s: [path for key, path in plan.files.guidance.items() if key[0] == s] for s in stations},
        climate={s: [path for key, path in plan.files.climate.items() if key[0] == s] for s in stations},
        observations=plan.files.observations,
        user_file=plan.files.user_probabilities,
    )


def change_future(inputs: Inputs, future: Future, folder: Path) -> tuple[Inputs, Counter[str]]:
    """The inputs as they could have been, given what was known at the cut; changed files are written to `folder`.

    Also says how many records known after the cut were removed or poisoned, by kind, and how many were planted.
    """
    copies = _ChangedFiles(future, folder, int(inputs.config["candles"]["period_interval_minutes"]) * 60)
    changed = inputs
    if CANDLES in future.kinds:
        open_markets = {series: copies.open_markets(path) for series, path in inputs.catalogs.items()}
        candles = {
            (series, day): copies.file(path, partial(copies.candles, open_markets=open_markets[series].get(day, [])))
            for (series, day), path in inputs.candles.items()
        }
        changed = replace(changed, candles=candles)
    if GUIDANCE in future.kinds and inputs.guidance:
        lags = inputs.config["probabilities"]["publication_lag_hours"] or {}
        changed = replace(changed, guidance=copies.files(inputs.guidance, partial(copies.guidance, lag_hours=lags)))
    if CLIMATE in future.kinds:
        changed = replace(changed, climate=copies.files(inputs.climate, copies.climate))
    if OBSERVATIONS in future.kinds:
        readings = {key: copies.file(path, copies.observations) for key, path in inputs.observations.items()}
        changed = replace(changed, observations=readings)
    # the user's own files
    if USER_ROWS in future.kinds and inputs.user_file:
        distributions = inputs.config["probabilities"]["source"] == DISTRIBUTION
        copied = copies.user_distributions if distributions else copies.user_rows
        changed = replace(changed, user_file=copied(inputs.user_file))
    if ORDER_BOOKS in future.kinds and (levels := levels_path(inputs.config)):
        section = {LEVELS_KEY[0]: {LEVELS_KEY[1]: copies.order_books(levels)}}
        changed = replace(changed, config={**inputs.config, **section})
    if future.kinds & {RESULTS, LISTINGS}:
        catalogs = {series: copies.file(path, copies.catalog) for series, path in inputs.catalogs.items()}
        changed = replace(changed, catalogs=catalogs)
    return changed, copies.counts


def _original(path: str) -> pa.Table:
    """The rows of a file of the run. Every cut changes the same files, so the latest of them are kept."""
    found = Path(path).stat()
    return _read(path, found.st_mtime_ns, found.st_size, found.st_ino)


@functools.lru_cache(maxsize=64)
def _read(path: str, *_state: int) -> pa.Table:
    """Read a file; `_state` tells it from others that had its name before."""
    with pq.ParquetFile(path) as file:  # pq.read_table makes a dataset of it, in more time than reading takes
        return file.read()


def utc(ts: int) -> dt.datetime:
    """An instant from Unix seconds."""
    return dt.datetime.fromtimestamp(ts, dt.UTC)


def settled_at(row: Row) -> dt.datetime:
    """When a market's result is known: at its settlement, without one at its close."""
    moment: dt.datetime = row["settlement_ts"] or row["close_time"]
    return moment


@dataclass
class _ChangedFiles:
    """Makes the copies of one change and counts the records it concerns. A file without any is copied if the future says so."""

    future: Future
    folder: Path
    period_seconds: int
    counts: Counter[str] = field(default_factory=Counter)
    written: int = 0

    def _new_path(self) -> Path:
        self.written += 1
        return self.folder / f"{self.written}.parquet"

    def file(self, path: str, change: Callable[[pa.Table], pa.Table]) -> str:
        """A file's changed copy; if nothing of it is later than the cut, the file itself, or another name of it."""
        touched = self.counts.total()
        table = change(_original(path))
        changes = self.counts.total() > touched
        if not changes and not self.future.apart:
            return path
        copy = self._new_path()
        if not changes:
            try:
                copy.hardlink_to(Path(path).resolve())
            except OSError:  # the folder is on another disk
                shutil.copyfile(path, copy)
            return str(copy)
        write_parquet(copy, table, read_meta(path))
        return str(copy)

    def files(self, paths: Mapping[str, list[str]], change: Callable[[pa.Table], pa.Table]) -> dict[str, list[str]]:
        """The copies of several files per station."""
        return {station: [self.file(path, change) for path in listed] for station, listed in paths.items()}

    def _split(self, table: pa.Table, known_at: pa.ChunkedArray, kind: str) -> tuple[pa.Table, pa.Table]:
        """Rows known by the cut, and later ones (counted)."""
        late = pc.greater(known_at, self.future.cut_ts)
        known, later = table.filter(pc.invert(late)), table.filter(late)
        self.counts[kind] += later.num_rows
        return known, later

    def candles(self, table: pa.Table, open_markets: list[str]) -> pa.Table:
        """Cheap books become dear and dear ones cheap; every open market gets such a candle right after the cut."""
        known, later = self._split(table, table["end_period_ts"], CANDLES)
        if not self.future.poisoned:
            return known
        planted = self._next_candles(known, later, open_markets)
        self.counts[PLANTED] += planted.num_rows
        poison = _turn_books(pa.concat_tables([later, planted]))
        order = [("market_ticker", "ascending"), ("end_period_ts", "ascending")]
        return pa.concat_tables([known, poison]).sort_by(order)

    def _next_candles(self, known: pa.Table, later: pa.Table, tickers: list[str]) -> pa.Table:
        """For markets that have none at the first period end after the cut: a candle with the last known ask."""
        end = self._next_period_end()
        present = set(later.filter(pc.equal(later["end_period_ts"], end))["market_ticker"].to_pylist())
        last = (known[name].to_pylist() for name in ("market_ticker", "yes_ask_close")) if tickers else ((), ())
        asks = dict(zip(*last, strict=True))  # in order of time: the last one stays
        zeros = dict.fromkeys(("volume", "open_interest"), Decimal(0))
        empty = dict.fromkeys(schemas.CANDLES.names) | zeros | {"end_period_ts": end, "retrieved_at": utc(end)}
        rows = [empty | {"market_ticker": t, "yes_ask_close": asks.get(t)} for t in tickers if t not in present]
        return pa.Table.from_pylist(rows, schemas.CANDLES)

    def _next_period_end(self) -> int:
        return (self.future.cut_ts // self.period_seconds + 1) * self.period_seconds

    def open_markets(self, catalog: str) -> dict[dt.date, list[str]]:
        """Markets of a series that are open at the first period end after the cut, by climate date."""
        moment = utc(self._next_period_end())
        listed = _original(catalog)
        is_open = pc.and_(pc.less_equal(listed["open_time"], moment), pc.greater_equal(listed["close_time"], moment))
        found: dict[dt.date, list[str]] = {}
        for row in listed.select(["climate_date", "market_ticker"]).filter(is_open).to_pylist():
            found.setdefault(row["climate_date"], []).append(row["market_ticker"])
        return found

    def guidance(self, table: pa.Table, lag_hours: Mapping[str, float]) -> pa.Table:
        """Later runs say absurd things; so does a planted run, known right after the cut, of all days to come."""
        known_at = table["known_at_ts"]
        for model, hours in lag_hours.items():
            by_lag = pc.add(table["runtime_ts"], math.ceil(hours * 3600))
            known_at = pc.if_else(pc.equal(table["model"], model), by_lag, known_at)
        known, later = self._split(table, known_at, GUIDANCE)
        if not self.future.poisoned:
            return known
        ahead = pc.and_(pc.less_equal(known_at, self.future.cut_ts), pc.greater(table["ftime_ts"], self.future.cut_ts))
        planted, shift = table.filter(ahead), pc.subtract(self.future.cut_ts + 1, known_at.filter(ahead))
        for name in ("runtime_ts", "known_at_ts"):
            planted = _with(planted, name, pc.add(planted[name], shift))
        self.counts[PLANTED] += planted.num_rows
        poison = pa.concat_tables([later, planted])
        for name in {"n_x_f", "tmp_f", "n_x_sd_f"} & set(poison.column_names):
            poison = _with(poison, name, pc.add(poison[name], float(_HEAT_F)))
        return pa.concat_tables([known, poison])

    def climate(self, table: pa.Table) -> pa.Table:
        """Later reports are absurd, final, and come right after the cut. (A file has one report per day: none is planted.)"""
        known, later = self._split(table, table["known_at_ts"], CLIMATE)
        if not self.future.poisoned:
            return known
        absurd = {"high_f": _HEAT_F, "low_f": -_HEAT_F, "final": True, "known_at_ts": self.future.cut_ts + 1}
        for name, value in absurd.items():
            later = _with(later, name, pa.repeat(pa.scalar(value, table.schema.field(name).type), later.num_rows))
        return pa.concat_tables([known, later])

    def observations(self, table: pa.Table) -> pa.Table:
        """Later readings are absurd and known right after the cut; so is a planted one of a day that is under way."""
        known, later = self._split(table, table["known_at_ts"], OBSERVATIONS)
        if not self.future.poisoned:
            return known
        planted = known.slice(max(known.num_rows - 1, 0)) if later.num_rows else known.slice(0, 0)
        self.counts[PLANTED] += planted.num_rows
        poison = pa.concat_tables([later, planted])
        known_at = pa.repeat(pa.scalar(self.future.cut_ts + 1, pa.int64()), poison.num_rows)
        poison = _with(_with(poison, "tmp_f", pc.add(poison["tmp_f"], float(_HEAT_F))), "known_at_ts", known_at)
        return pa.concat_tables([known, poison])

    def user_distributions(self, path: str) -> str:
        """Later rows are absurd; so is a planted row for each known one, known right after the cut."""
        table, later, planted = changed_distributions(path, self.future.cut_ts, poisoned=self.future.poisoned)
        self.counts[USER_ROWS] += later
        self.counts[PLANTED] += planted
        copy = self._new_path()
        pq.write_table(table, copy)
        return str(copy)

    def order_books(self, path: str) -> str:
        """Later books are absurd; so is a planted one of each market, known right after the cut."""
        table, later, planted = changed_books(path, self.future.cut_ts, poisoned=self.future.poisoned)
        self.counts[ORDER_BOOKS] += later
        self.counts[PLANTED] += planted
        copy = self._new_path()
        pq.write_table(table, copy)
        return str(copy)

    def user_rows(self, path: str) -> str:
        """Later rows say 0 or 1, whichever is farther; so does a planted row per market, known right after the cut."""
        rows: list[Row] = []
        for ticker, found in user_probabilities.read_user_file(path).items():
            known = [row for row in found if row[0] <= self.future.cut_ts]
            later = found[len(known) :]
            self.counts[USER_ROWS] += len(later)
            if self.future.poisoned:
                planted: TimedProbability = (self.future.cut_ts + 1, found[0][1])
                known += [(ts, Decimal(p < Decimal("0.5"))) for ts, p in (planted, *later)]
                self.counts[PLANTED] += 1
            rows += [{"market_ticker": ticker, "known_at_utc": utc(ts), "p_yes": p} for ts, p in known]
        copy = self._new_path()
        types = (pa.string(), units.TS, units.PROB)
        pq.write_table(
            pa.Table.from_pylist(rows, pa.schema(list(zip(user_probabilities.COLUMNS, types, strict=True)))), copy
        )
        return str(copy)

    def catalog(self, table: pa.Table) -> pa.Table:
        """Later listings and results changed; in every event that is open at the cut a market is listed right after it."""
        rows = table.to_pylist()
        changed = [row for listed in rows if (row := self._market(listed))]
        if self.future.poisoned and LISTINGS in self.future.kinds:
            now = utc(self.future.cut_ts)
            under_way = {row["event_ticker"]: row for row in rows if row["open_time"] <= now < row["close_time"]}
            opened = utc(self.future.cut_ts + 1)
            for row in under_way.values():
                late = {"market_ticker": f"{row['market_ticker']}-PLANTED", "open_time": opened}
                changed.append(row | late | _strange_terms(row))
            self.counts[PLANTED] += len(under_way)
        return pa.Table.from_pylist(changed, table.schema)

    def _market(self, row: Row) -> Row | None:
        now = utc(self.future.cut_ts)
        changed = row
        if row["open_time"] > now and LISTINGS in self.future.kinds:
            self.counts[LISTINGS] += 1
            if not self.future.poisoned:
                return None
            changed = changed | _strange_terms(row)
        if settled_at(row) > now and row["result"] is not None and RESULTS in self.future.kinds:
            self.counts[RESULTS] += 1
            changed = changed | self._other_result(row)
        return changed

    def _other_result(self, row: Row) -> Row:
        """The opposite result: settled right after the cut and with a huge volume, or a week late and with none."""
        poisoned, value = self.future.poisoned, row["settlement_value"]
        return {
            "result": {"yes": "no", "no": "yes"}.get(row["result"], row["result"]),
            "settlement_value": None if value is None else 1 - value,
            "settlement_ts": utc(self.future.cut_ts + 1) if poisoned else settled_at(row) + _LATE_SETTLEMENT,
            "expiration_value": str(_HEAT_F) if poisoned else None,
            "volume": _HUGE_VOLUME if poisoned else None,
            "raw": "{}",
        }


def _with(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    """A table with a column replaced."""
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def _turn_books(table: pa.Table) -> pa.Table:
    """Candles whose books and prices are at the other end of the scale."""
    ask = pc.fill_null(table["yes_ask_close"], pa.scalar(Decimal(0), units.PRICE))
    cheap = pc.less_equal(ask, pa.scalar(Decimal("0.5"), units.PRICE))
    bid, ask = (
        pc.if_else(cheap, pa.scalar(dear, units.PRICE), pa.scalar(low, units.PRICE))
        for dear, low in zip(_DEAR, _CHEAP, strict=True)
    )
    for name in schemas.PRICE_COLUMNS:
        table = _with(table, name, bid if name.startswith("yes_bid") else ask)
    return _with(table, "volume", pa.repeat(pa.scalar(_HUGE_VOLUME, units.COUNT), table.num_rows))


def _strange_terms(row: Row) -> Row:
    """Other strikes, another close, no fee."""
    strikes = {name: None if row[name] is None else row[name] + _HEAT_F for name in ("floor_strike", "cap_strike")}
    return strikes | {"close_time": row["close_time"] + dt.timedelta(days=1), "fee_multiplier": Decimal(0), "raw": "{}"}
