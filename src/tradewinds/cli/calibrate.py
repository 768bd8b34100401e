"""`tradewinds calibrate`: how good a config's probabilities and temperatures are, with no replay."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from tradewinds.cli import listing
from tradewinds.config import resolve as configs
from tradewinds.config.resolve import Config
from tradewinds.core.damage import naming_damage
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.pipeline import make, runner
from tradewinds.pipeline.screen import Screen

Scores = dict[str, Any]


def calibrate(config_path: Path, options: runner.RunOptions, console: Console, *, as_json: bool) -> None:
    """Make what the scores need (as a run does, with no replay) and show them, or print them as JSON.

    Raises:
        ConfigError, DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    conf = configs.load(config_path)
    found = scores(conf, options, Console(stderr=True) if as_json else console)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show(console, found)


def scores(conf: Config, options: runner.RunOptions, console: Console) -> Scores:
    """The content of calibration.json for a resolved config."""
    from tradewinds.families.kalshi_weather.calibration.inputs import scored_markets_and_days
    from tradewinds.families.kalshi_weather.calibration.scores import (
        calibration_scores,  # here, because scipy is not light and most commands need none
    )

    plan = plan_of(conf)
    make_inputs(conf, options, console)
    with naming_damage(plan.data_files):
        return calibration_scores(*scored_markets_and_days(conf, plan), conf["seed"])


def make_inputs(conf: Config, options: runner.RunOptions, console: Console) -> None:
    """Fetch and make everything that a replay of a resolved config would read."""
    with tempfile.TemporaryDirectory(prefix="tradewinds-") as folder:
        path = Path(folder, "config.yaml")
        path.write_text(yaml.safe_dump(conf, sort_keys=False), encoding="utf-8")
        make.make(path, conf, plan_of(conf), options, Screen(console), target="inputs")


def show(console: Console, found: Scores) -> None:
    """The scores as tables."""
    _show_probabilities(console, found)
    _show_diagram(console, found["probabilities"]["all"])
    _show_temperatures(console, found["temperatures"])


def _show_probabilities(console: Console, found: Scores) -> None:
    parts = ("brier", "reliability", "resolution", "uncertainty", "log_loss")
    heads = ("n", "Brier", "reliab.", "resol.", "uncert.", "log loss")
    table = _table("Probabilities of brackets", "group", "source", *heads)
    for group, by_source in _groups(found["probabilities"]):
        for source, one in by_source.items():
            table.add_row(group, source, f"{one['n']:,}", *(f"{one[name]:.4f}" for name in parts))
    console.print(table)
    table = _table("Brier skill of the model", "over", "markets", "days", "model", "other", "skill", "95 % interval")
    for other, one in found["against"].items():
        if one["n"]:
            interval = "—" if one["interval"] is None else "{:+.3f} to {:+.3f}".format(*one["interval"])
            skill = "—" if one["skill"] is None else f"{one['skill']:+.3f}"
            briers = f"{one['brier']:.4f}", f"{one['brier_other']:.4f}"
            table.add_row(other, f"{one['n']:,}", f"{one['days']:,}", *briers, skill, interval)
    console.print(table)


def _show_diagram(console: Console, by_source: Scores) -> None:
    if "model" not in by_source:
        console.print("No market has both a probability and a result: nothing to score.")
        return
    table = _table("Reliability of the model", "bin", "n", "mean p", "came true", "90 % band", "")
    for one in by_source["model"]["reliability_diagram"]:
        if one["n"]:
            low, high = one["band"]
            outside = "" if low <= one["frequency"] <= high else "outside"
            figures = f"{one['mean_p']:.3f}", f"{one['frequency']:.3f}", f"{low:.3f} to {high:.3f}"
            table.add_row(f"{one['from']:.1f} to {one['to']:.1f}", f"{one['n']:,}", *figures, outside)
    console.print(table)


def _show_temperatures(console: Console, found: Scores) -> None:
    if not found["all"]:
        console.print("No day has both a forecast and a climate report: temperatures are not scored.")
        return
    table = _table("Temperatures, °F", "group", "source", "days", "MAE", "bias", "CRPS", "PIT", "columns outside 95 %")
    for group, by_source in _groups(found):
        for source, one in by_source.items():
            figures = f"{one['mae_f']:.2f}", f"{one['bias_f']:+.2f}", f"{one['crps_f']:.3f}"
            low, high = one["pit_band"]
            outside = sum(not low <= count <= high for count in one["pit"])
            table.add_row(
                group, source, f"{one['n']:,}", *figures, _bars(one["pit"]), f"{outside} of {len(one['pit'])}"
            )
    console.print(table)


def _bars(counts: list[float]) -> str:
    """A histogram in the width of its columns."""
    highest = max(counts) or 1
    return "".join("▁▂▃▄▅▆▇█"[round(7 * count / highest)] for count in counts)


def _groups(found: Scores) -> list[tuple[str, Scores]]:
    """All, then every group of a kind that has more than one."""
    several = {kind: part for kind, part in found["by"].items() if len(part) > 1}
    named = [
        (f"{name} h ahead" if kind == "lead_hours" else name, scores)
        for kind, part in several.items()
        for name, scores in part.items()
    ]
    return [("all", found["all"]), *named]


def _table(title: str, *columns: str) -> Table:
    table = listing.table(title)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < 1 or name == "source" else "right", no_wrap=" " not in name)
    return table
