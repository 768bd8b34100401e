"""The user's own distributions: CSV or Parquet with μ and σ, or the members of an ensemble, per series or station and date.

Columns: `series_ticker`, or `station_id` (and `target`, max or min, where the config has both series of a station);
`climate_date`; `known_at_utc`; and `mu_f` with `sigma_f`, or columns whose names begin with `member`. `model` names what made a
row. The law in force is the row with the latest known_at_utc; of equal times the later row of the file. A member is a normal
distribution of its own: of the width `sigma_f` where the file has it, else of Silverman's rule of thumb, 1.06 s n^(−1/5).
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.core import strict, times, user_tables
from tradewinds.core.errors import SimulationError
from tradewinds.core.safe_text import shortened
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.distribution import DECIMALS, Distribution, NormalComponent
from tradewinds.families.kalshi_weather.forecasts.user_probabilities import some

SERIES, STATION, TARGET, DATE, KNOWN_AT, MODEL = (
    *("series_ticker", "station_id", "target", "climate_date", "known_at_utc", "model"),
)
MU, SIGMA, MEMBER = "mu_f", "sigma_f", "member"
METHOD = "distribution"  # of a row that names no model
_COLDEST_F, _HOTTEST_F, _WIDEST_F = -150.0, 200.0, 100.0
_SILVERMAN = 1.06
_REMEDY = "It must be a CSV (.csv) or Parquet file; `tradewinds docs forecasts` has its columns."


class UserLaw(NamedTuple):
    """A distribution of the user's file.

    Attributes:
        known_at_ts: when it was known; Unix seconds.
        distribution: of the day's extreme.
        model: the user's name for what made it.
    """

    known_at_ts: int
    distribution: Distribution
    model: str


UserLaws = dict[tuple[str, dt.date], list[UserLaw]]
"""Distributions by series and climate date, in order of their times, equal times in file order."""


class ReadLaws(NamedTuple):
    """Distributions of a user's file for some series, and the number of its rows, also those of other series."""

    laws: UserLaws
    rows: int


def read_user_file(path: str | Path, series_tickers: Sequence[str], sigma_floor_f: float) -> UserLaws:
    """The distributions of a user's file for some series; as `read_counted`."""
    return read_counted(path, series_tickers, sigma_floor_f).laws


def read_counted(path: str | Path, series_tickers: Sequence[str], sigma_floor_f: float) -> ReadLaws:
    """Read a user's file for some series.

    A row of a station counts for each of the series that settle on it, a row of another series or station for none.

    Args:
        path: the file.
        series_tickers: of the config.
        sigma_floor_f: least width of a member; a `sigma_f` below it is raised to it.

    Raises:
        SimulationError: the file cannot be read, lacks a column, or a row is wrong.
    """
    table = user_tables.read_table(
        path,
        "the file of distributions",
        _REMEDY,
        SimulationError,
        texts=(SERIES, STATION, TARGET, MODEL, DATE, KNOWN_AT),
    )
    members = _check_columns(table, path)
    names = [name for name in (SERIES, STATION, TARGET, MODEL, MU, SIGMA, *members) if name in table.column_names]
    columns = {name: table[name].to_pylist() for name in names}
    known_at, dates = _instants(table[KNOWN_AT], path), _dates(table[DATE], path)
    wanted = [climate_days.station_of(series) for series in series_tickers]
    laws: UserLaws = {}
    for row in range(table.num_rows):
        cells = {name: values[row] for name, values in columns.items()}
        where = f"{path}, row {row + 1}"
        stations = _stations(cells, wanted, where)
        # every row is checked, also those of other series
        law = UserLaw(known_at[row], _distribution(cells, members, sigma_floor_f, where), _model(cells))
        for station in stations:
            laws.setdefault((station.series_ticker, dates[row]), []).append(law)
    for found in laws.values():
        found.sort(key=lambda law: law.known_at_ts)  # a stable sort: equal times keep the file's order
    return ReadLaws(laws, table.num_rows)


def _check_columns(table: pa.Table, path: str | Path) -> list[str]:
    """Return the columns of members; SimulationError where the file has too few columns, or one twice."""
    names = table.column_names
    if repeated := [name for name in names if names.count(name) > 1]:
        raise SimulationError(f"column {repeated[0]} occurs twice.", where=str(path), remedy="Keep one of them.")
    members = [name for name in names if name.startswith(MEMBER)]
    missing = [name for name in (DATE, KNOWN_AT) if name not in names]
    if SERIES not in names and STATION not in names:
        missing.append(f"{SERIES} (or {STATION})")
    if not members:
        missing += [name for name in (MU, SIGMA) if name not in names]
    if missing:
        present = shortened(", ".join(names), 300) or "none"
        remedy = (
            f"It needs {SERIES} or {STATION}, {DATE}, {KNOWN_AT}, and {MU} with {SIGMA} or columns {MEMBER}_1, {MEMBER}_2 …; "
            f"found: {present}."
        )
        raise SimulationError(f"column {missing[0]} is missing.", where=str(path), remedy=remedy)
    if members and MU in names:
        remedy = f"Write {MU} with {SIGMA}, or members, in one file."
        raise SimulationError(f"it has {MU} and members.", where=str(path), remedy=remedy)
    return members


def _stations(cells: Mapping[str, Any], wanted: Sequence[Station], where: str) -> list[Station]:
    """The series of the config that a row is about."""
    target = _text(cells, TARGET)
    if target not in ("", "max", "min"):
        raise SimulationError(
            f"{TARGET} {target[:20]!a} is neither max nor min.", where=where, remedy="Write one of them."
        )
    if series := _text(cells, SERIES):
        return [station for station in wanted if series == station.series_ticker]
    if not (name := _text(cells, STATION)):
        remedy = f"Every row names a {SERIES} or a {STATION}."
        raise SimulationError(f"{SERIES} and {STATION} are empty.", where=where, remedy=remedy)
    found = [one for one in wanted if one.station_id == name and target in ("", one.target)]
    if len({station.target for station in found}) > 1:
        what = f"{name} settles series of the maximum and of the minimum, and the row does not say which it is."
        raise SimulationError(what, where=where, remedy=f"Add a column {TARGET} with max or min, or name the {SERIES}.")
    return found


def _text(cells: Mapping[str, Any], name: str) -> str:
    return str(cells.get(name) or "").strip()


def _model(cells: Mapping[str, Any]) -> str:
    return shortened(_text(cells, MODEL), 60) or METHOD


def _distribution(cells: Mapping[str, Any], members: Sequence[str], floor_f: float, where: str) -> Distribution:
    """The distribution of a row: a normal one, or one component for each member."""
    sigma_f = None
    if cells.get(SIGMA) is not None or not members:
        sigma_f = max(_number(cells[SIGMA], SIGMA, where, 0.0, _WIDEST_F), floor_f)
    if not members:
        mu_f = _number(cells[MU], MU, where, _COLDEST_F, _HOTTEST_F)
        return Distribution.normal(mu_f, sigma_f or floor_f)
    values = [
        _number(cells[name], name, where, _COLDEST_F, _HOTTEST_F) for name in members if not _is_empty(cells[name])
    ]
    if not values:
        raise SimulationError("it has no member.", where=where, remedy="Leave the row out, or give it members.")
    if sigma_f is None:
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        sigma_f = max(round(_SILVERMAN * deviation * len(values) ** -0.2, DECIMALS), floor_f)
    return Distribution(tuple(NormalComponent(1 / len(values), value, sigma_f) for value in values))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value).strip() == ""


def _number(value: Any, name: str, where: str, low: float, high: float) -> float:
    """A temperature or a width in °F."""
    remedy = f"It must be a number in °F, above {low:g} and below {high:g}."
    try:
        found = float(strict.decimal(repr(value) if isinstance(value, float) else str(value).strip()))
    except ValueError:
        raise SimulationError(f"{name} {value!r} is no number.", where=where, remedy=remedy) from None
    if not low < found < high:
        raise SimulationError(f"{name} {value!r} cannot be.", where=where, remedy=remedy)
    return found


def _instants(column: pa.ChunkedArray, path: str | Path) -> list[int]:
    """When rows were known; Unix seconds, rounded up."""
    try:
        found = times.seconds_up(column)
    except times.UnreadableTime as error:
        where = f"{path}, row {error.row + 1}"
        raise SimulationError(f"{KNOWN_AT} {error.what}", where=where, remedy=error.remedy) from None
    return _all(found, KNOWN_AT, path, "Write it like 2025-05-01T18:00:00Z.")


def _dates(column: pa.ChunkedArray, path: str | Path) -> list[dt.date]:
    """The climate dates of rows."""
    try:
        found = times.days(column)
    except times.UnreadableTime as error:
        where = f"{path}, row {error.row + 1}"
        raise SimulationError(f"{DATE} {error.what}", where=where, remedy=error.remedy) from None
    return _all(found, DATE, path, "Write it like 2025-05-01.")


def _all(found: Sequence[Any], name: str, path: str | Path, remedy: str) -> list[Any]:
    """The values of a column that has none missing."""
    if None in found:
        where = f"{path}, row {list(found).index(None) + 1}"
        raise SimulationError(f"{name} is empty.", where=where, remedy=remedy)
    return list(found)


def refuse_unmatched(path: str | Path, laws: UserLaws, until: Mapping[tuple[str, dt.date], int]) -> None:
    """Refuse a file of which no row counts for any event of a config: a run would trade nothing, for no other reason.

    Args:
        path: of the file.
        laws: as from `read_user_file`.
        until: by series and climate date that are listed, the last instant at which a row counts; Unix seconds.

    Raises:
        SimulationError: no row is of such an event, or every row of theirs was known too late.
    """
    if not until or any(laws[key][0].known_at_ts <= ts for key, ts in until.items() if key in laws):
        return
    named = laws.keys() & until.keys()
    if named:
        what, remedy = "every row of its events is known too late.", "asof_policy says when a run looks."
    else:
        dates = some({day.isoformat() for _, day in until})
        what = f"has no row for an event of this config, which are of {some({key[0] for key in until})} on {dates}."
        remedy = f"Check {SERIES} or {STATION}, and {DATE}."
    raise SimulationError(what, where=str(path), remedy=remedy)


def in_force(laws: Iterable[UserLaw], asof_ts: int, until_ts: int) -> list[UserLaw]:
    """Of one date's laws the last one known by an as-of time, and the later ones known before an instant.

    Args:
        laws: in order of their times; of equal times the last counts.
        asof_ts: Unix seconds.
        until_ts: the instant, excluded; Unix seconds.
    """
    known = list(laws)
    first = [law for law in known if law.known_at_ts <= asof_ts][-1:]
    later = {law.known_at_ts: law for law in known if asof_ts < law.known_at_ts < until_ts}
    return first + list(later.values())
