"""`tradewinds calibrate`: score a config's probabilities and temperatures, without a replay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli import listing
from tradewinds.cli.options import ConfigOption, FileArgument, NoFetchOption, config_file

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tradewinds.config.resolve import Config
    from tradewinds.pipeline.runner import RunOptions

Scores = dict[str, Any]  # the content of calibration.json, or a part of it


def calibrate(
    file: FileArgument = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
    no_fetch: NoFetchOption = False,
) -> None:
    """Score a config's probabilities and temperatures against what happened, baselines and the market's price.

    Fetches what is missing, as a run does, and makes no replay. Every run leaves the same scores in its calibration.json
    (tradewinds docs forecasts).
    """
    config = config_file(file, config)
    # Imported here: they bring rich, psutil and PyYAML, which `--help` does not need.
    from tradewinds.config import resolve as configs
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.terminal import SafeConsole

    console, options = SafeConsole(), RunOptions(fetch="never" if no_fetch else None)
    found = scores(configs.load(config), options, SafeConsole(stderr=True) if as_json else console)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _show(console, found)


def scores(conf: Config, options: RunOptions, console: Console) -> Scores:
    """Make what the scores need, as a run does, and compute them.

    Args:
        conf: a resolved config of temperature events.
        options: how the files are made.
        console: where progress is shown.

    Returns:
        The content of calibration.json.

    Raises:
        ConfigError, DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    # Imported here: the scores need DuckDB and pyarrow, which `--help` does not.
    from tradewinds.families.kalshi_weather.calibration.inputs import run_scores
    from tradewinds.families.kalshi_weather.plan import plan_of
    from tradewinds.pipeline.make import make_inputs
    from tradewinds.pipeline.screen import Screen

    plan = plan_of(conf)
    make_inputs(conf, options, Screen(console))
    return run_scores(conf, plan)


def _show(console: Console, found: Scores) -> None:
    """Print the scores as tables."""
    _show_probabilities(console, found)
    _show_diagram(console, found["probabilities"]["all"])
    _show_temperatures(console, found["temperatures"])
    _show_leads(console, found.get("leads", ()))
    _show_edge(console, found)


def _show_edge(console: Console, found: Scores) -> None:
    """Print what the forecast adds to the price: sentences, then the figures behind them, of all stations together."""
    from tradewinds.results.edge.edge_words import age_words, figure_tables, sentences

    for made in figure_tables(found["edge"]):
        table = listing.table(made.title)
        for number, name in enumerate(made.heads):
            table.add_column(name, justify="right" if number else "left", no_wrap=bool(number))
        for row in made.rows:
            table.add_row(*row)
        console.print(table)
    for said in (*sentences(found["edge"]), age_words(found["ages"])):
        console.print(said, soft_wrap=True, highlight=False)


def _show_probabilities(console: Console, found: Scores) -> None:
    """Print the scores of the probabilities, and the model's Brier skill over each other source."""
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
    """Print the reliability diagram of the model, a row per bin that holds probabilities."""
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


def _show_leads(console: Console, leads: Sequence[Scores]) -> None:
    """Print the scores of what was in force at each lead, of runs whose probabilities change."""
    if not leads:
        return
    heads = ("markets", "Brier", "of the price", "skill", "95 % interval", "days", "MAE", "bias", "CRPS, °F")
    table = _table("By hours before the close", "hours", *heads)
    for lead in leads:
        model, market, against = (
            lead["probabilities"].get("model"),
            lead["probabilities"].get("market"),
            lead["against_market"],
        )
        skill = "—" if against["skill"] is None else f"{against['skill']:+.3f}"
        interval = "—" if against["interval"] is None else "{:+.3f} to {:+.3f}".format(*against["interval"])
        warm = lead["temperatures"]
        degrees = [f"{warm['mae_f']:.2f}", f"{warm['bias_f']:+.2f}", f"{warm['crps_f']:.3f}"] if warm else ["—"] * 3
        briers = f"{model['brier']:.4f}", f"{market['brier']:.4f}" if market else "—"
        days = f"{warm['n']:,}" if warm else "—"
        table.add_row(f"{lead['hours_before_close']}", f"{model['n']:,}", *briers, skill, interval, days, *degrees)
    console.print(table)


def _show_temperatures(console: Console, found: Scores) -> None:
    """Print the scores of the temperature forecasts, with their PIT histograms."""
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


def _bars(counts: Sequence[float]) -> str:
    """Draw a histogram with one character per column."""
    highest = max(counts) or 1
    return "".join("▁▂▃▄▅▆▇█"[round(7 * count / highest)] for count in counts)


def _groups(found: Scores) -> list[tuple[str, Scores]]:
    """List all scores together, then those of each group, for kinds of groups with more than one: (name, scores by source)."""
    several = {kind: part for kind, part in found["by"].items() if len(part) > 1}
    named = [
        (f"{name} h ahead" if kind == "lead_hours" else name, scores)
        for kind, part in several.items()
        for name, scores in part.items()
    ]
    return [("all", found["all"]), *named]


def _table(title: str, *columns: str) -> Table:
    """Make a table with numbers to the right; the first column and the source are text."""
    table = listing.table(title)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < 1 or name == "source" else "right", no_wrap=" " not in name)
    return table
