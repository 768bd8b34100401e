"""The folder of a walk-forward: folds.csv, equity.csv, walk_forward.json, walk_forward.md and plots/. It is whole or absent."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tradewinds.config import resolve
from tradewinds.core.safe_text import cell
from tradewinds.core.text import amount_text, instant, number
from tradewinds.results.report.drawers import draw_plots
from tradewinds.results.report.markdown import markdown
from tradewinds.results.report.parts import Page
from tradewinds.sweeps.chained_equity import Chain
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.keys import setting_text
from tradewinds.sweeps.outcomes import PeriodFigures
from tradewinds.sweeps.walk_forward import Fold, WalkForward

RESULT = "walk_forward.json"
FILES = ("folds.csv", "equity.csv", "walk_forward.md", "plots", RESULT)
_NAMESPACE = uuid.UUID("5d4be9a0-3b53-5d7e-8a0e-6f4a2f0c1d77")


@dataclasses.dataclass(frozen=True)
class WalkForwardOptions:
    """What is asked of a walk-forward.

    Attributes:
        grid: texts KEY=VALUES, of which every combination is a point.
        train: days of training.
        test: days of a test.
        metric: which picks, a name of ranking.RANK_BY.
        anchored: every training begins with the first day.
    """

    grid: Sequence[str]
    train: int
    test: int
    metric: str = "sharpe"
    anchored: bool = False


def walk_forward_id(points: Sequence[SweepPoint], options: WalkForwardOptions) -> str:
    """Return the id of a walk-forward: the same points of the same config, walked in the same way, have the same id."""
    asked = [options.metric, options.train, options.test, options.anchored, list(points[0].settings)]
    return str(uuid.uuid5(_NAMESPACE, resolve.digest([[point.run_id for point in points], asked])))


def finished(folder: Path, code: str, inputs: Iterable[str]) -> dict[str, Any] | None:
    """Return the walk_forward.json of a folder, if it is what the same command would write again; else None.

    It is not if other code made it, a file that it was made from is newer, or one of its own files is gone or damaged.

    Args:
        folder: of the walk-forward.
        code: digest of the code that makes it.
        inputs: paths of the files that replays read; those that are not there do not count.
    """
    if not all((folder / name).exists() for name in FILES):
        return None
    made = (folder / RESULT).stat().st_mtime_ns
    if any(Path(name).exists() and Path(name).stat().st_mtime_ns > made for name in inputs):
        return None
    try:
        found: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except ValueError:  # not what was written: it is made again
        return None
    return found if found.get("code") == code else None


def summary(
    found: WalkForward, options: WalkForwardOptions, *, name: str, currency: str, verdict: str, code: str
) -> dict[str, Any]:
    """Return the content of walk_forward.json.

    Args:
        found: the walk-forward.
        options: what was asked.
        name: its id.
        currency: of the account.
        verdict: sentences on it.
        code: digest of the code that made it.
    """
    return {
        "id": name,
        "metric": options.metric,
        "train_days": options.train,
        "test_days": options.test,
        "anchored": options.anchored,
        "chained_by": "sum",
        "currency": currency,
        "points": len(found.settings),
        "unused_days": found.unused_days,
        "folds": [_fold(fold, found.settings[fold.pick]) for fold in found.folds],
        "out_of_sample": _chain(found.chain),
        "in_sample_best": _hindsight(found),
        "stability": _stability(found),
        "consistency": _consistency(found),
        "verdict": verdict,
        "code": code,
    }


def _hindsight(found: WalkForward) -> dict[str, Any]:
    """The best point of the whole range, and what it made more than the picks on the same test days."""
    gap = (
        None
        if found.best_chain is None
        else number(found.best_chain.pnl_micro - found.chain.pnl_micro, found.chain.places)
    )
    return {
        "settings": found.settings[found.best],
        "whole_range": dataclasses.asdict(found.best_whole),
        "same_test_days": None if found.best_chain is None else _chain(found.best_chain),
        "pnl_gap_usd": gap,
    }


def _stability(found: WalkForward) -> dict[str, Any]:
    """How often the same point, or a neighbour, is picked."""
    steady = found.stability
    return {
        "different_picks": steady.different,
        "most_picked": found.settings[steady.most],
        "most_picked_folds": steady.most_folds,
        "steps": steady.steps,
        "same": steady.same,
        "same_or_neighbour": steady.near,
    }


def _consistency(found: WalkForward) -> dict[str, Any]:
    """Whether what was good in training is good in the test."""
    within = [fold.correlation for fold in found.folds if fold.correlation is not None]
    train, test = found.mean_metrics or (None, None)
    return {
        "folds": len(found.folds),
        "positive_folds": found.positive,
        "positive_share": found.positive / len(found.folds),
        "mean_train_metric": train,
        "mean_test_metric": test,
        "rank_correlation_of_folds": found.correlation,
        "mean_rank_correlation_of_points": sum(within) / len(within) if within else None,
    }


def _fold(fold: Fold, settings: dict[str, Any]) -> dict[str, Any]:
    """A fold of walk_forward.json."""
    dates = {name: str(value) for name, value in dataclasses.asdict(fold.dates).items() if name != "number"}
    return {
        "fold": fold.dates.number,
        **dates,
        "settings": settings,
        "run_id": fold.run_id,
        "train": dataclasses.asdict(fold.train),
        "test": dataclasses.asdict(fold.test),
        "points_that_traded_in_training": fold.traded,
        "points_that_failed_in_training": fold.failed,
        "test_rank": fold.place[0] if fold.place else None,
        "test_ranked_points": fold.place[1] if fold.place else None,
        "rank_correlation_of_points": fold.correlation,
    }


def _chain(chain: Chain) -> dict[str, Any]:
    """The figures of chained test periods."""
    return {"start_balance_usd": number(chain.start_micro, chain.places), **dataclasses.asdict(chain.figures)}


def write(folder: Path, found: WalkForward, content: dict[str, Any], page: Page) -> None:
    """Write the folder of a walk-forward, in place of the one that was there.

    All files are written into a folder beside it, which is renamed at the end: an interrupt leaves nothing half written.

    Args:
        folder: of the walk-forward.
        found: the walk-forward.
        content: of walk_forward.json.
        page: its report.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
        made = Path(name, "made")
        (made / "plots").mkdir(parents=True)
        (made / "folds.csv").write_text(_folds_csv(found), encoding="utf-8")
        (made / "equity.csv").write_text(_equity_csv(found.chain), encoding="utf-8")
        (made / "walk_forward.md").write_text(markdown(page), encoding="utf-8")
        for plot, forms in draw_plots(page.plots()).items():
            for form, drawn in forms.items():
                (made / "plots" / f"{plot}.{form}").write_bytes(drawn)
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
        (made / RESULT).write_text(text, encoding="utf-8")
        # The folder that was there goes away with the temporary one.
        if folder.exists():
            folder.rename(Path(name, "before"))
        made.rename(folder)
        shutil.rmtree(Path(name, "before"), ignore_errors=True)


def _folds_csv(found: WalkForward) -> str:
    """The text of folds.csv: a row per fold."""
    figures = [item.name for item in dataclasses.fields(PeriodFigures)]
    dates = ("train_first", "train_last", "test_first", "test_last")
    columns = [f"{part}_{name}" for part in ("train", "test") for name in figures]
    rest = ("test_rank", "test_ranked_points", "rank_correlation_of_points", "points_that_traded_in_training")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["fold", *dates, "run_id", *found.settings[0], *columns, *rest])
    for fold in found.folds:
        settings = [cell(setting_text(value)) for value in found.settings[fold.pick].values()]
        values = [getattr(part, name) for part in (fold.train, fold.test) for name in figures]
        values += [*(fold.place or (None, None)), fold.correlation, fold.traded]
        head = [fold.dates.number, *(getattr(fold.dates, name) for name in dates), fold.run_id]
        writer.writerow([*head, *settings, *("" if value is None else value for value in values)])
    return out.getvalue()


def _equity_csv(chain: Chain) -> str:
    """The text of equity.csv: the chained out-of-sample equity, exact."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["ts_utc", "fold", "equity_usd"])
    for ts, fold, micro in zip(
        chain.outcome.equity_ts.tolist(), chain.fold, chain.outcome.equity_micro.tolist(), strict=True
    ):
        writer.writerow([instant(ts), fold, amount_text(micro, chain.places)])
    return out.getvalue()
