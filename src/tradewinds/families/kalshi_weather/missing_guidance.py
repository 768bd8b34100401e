"""Station-years of guidance that the weather service does not have, and of which models a run may do without.

The file of such a station-year has no rows, and says so in its metadata. It is made only where the config lets the model be
missing (`on_missing.guidance`); the forecasts of its days use the other models and say so. Where the config wants the model,
the file counts as missing and is asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile, FetchError

NOT_ARCHIVED = "NOT_ARCHIVED"  # `reason` of such a file
DONE_WITHOUT = frozenset(
    {"NBS"}
)  # models that may be missing unless the config says otherwise: others are there for decades
_LARGEST_FILE = 32_000  # bytes: a file without rows is smaller, its footer is read for the reason


def may_be_missing(on_missing: Mapping[str, Any], model: str) -> bool:
    """Whether a station-year of a model may be missing.

    Args:
        on_missing: section of the config; without its key `guidance`, only the models of DONE_WITHOUT may be.
        model: the model.
    """
    asked = on_missing.get("guidance")
    return model in DONE_WITHOUT if asked is None else asked == "skip"


def not_archived_meta() -> dict[str, Any]:
    """Metadata of the file of a station-year that the service does not have, beyond those of every file of guidance."""
    return {"reason": NOT_ARCHIVED}


def is_not_archived(path: str | Path) -> bool:
    """Whether an existing file of guidance is that of a station-year that the service does not have.

    A file that cannot be read is none of these: the reader of its rows reports it.
    """
    if Path(path).stat().st_size > _LARGEST_FILE:
        return False
    try:
        return bool(files.read_meta(path).get("reason") == NOT_ARCHIVED)
    except DamagedFile:
        return False


def refuse_none(station_id: str, guidance: Mapping[tuple[str, int], str], on_missing: Mapping[str, Any]) -> None:
    """Refuse to forecast a station of which the service has no guidance of any model.

    Without this a config whose only model may be missing would be forecast from climatology wherever the service is mistaken.

    Args:
        station_id: the station.
        guidance: existing files by (model, year).
        on_missing: section of the config; with `guidance: skip` nothing is refused.

    Raises:
        FetchError: names the models and years.
    """
    if on_missing.get("guidance") == "skip" or not guidance or not all(map(is_not_archived, guidance.values())):
        return
    models, years = (sorted({key[part] for key in guidance}, key=str) for part in (0, 1))
    what = f"the weather service has no guidance of {', '.join(map(str, models))} for {station_id} in {_span(years)}."
    remedy = "Name other models in probabilities.models, or bring probabilities in a file."
    raise FetchError(what, remedy=remedy)


def notes_of(guidance: Mapping[tuple[str, str, int], str]) -> Iterable[str]:
    """One sentence per station and model of which years are missing.

    Args:
        guidance: files by (station, model, year), of which some may not exist.
    """
    missing: dict[tuple[str, str], list[int]] = {}
    for (station_id, model, year), path in guidance.items():
        if Path(path).exists() and is_not_archived(path):
            missing.setdefault((station_id, model), []).append(year)
    return [
        f"guidance of {station_id}: the weather service has no {model} in {_span(years)}; forecasts use the other models and "
        f"say so (MODEL_MISSING:{model}). With on_missing.guidance: fail it is asked for again."
        for (station_id, model), years in missing.items()
    ]


def _span(years: list[Any]) -> str:
    return ", ".join(str(year) for year in sorted(years))
