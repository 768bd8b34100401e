"""`tradewinds orb`: a run of opening range breakouts by flags, which are written as a config and run like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from tradewinds.cli.note import NameOption, NoteOption
from tradewinds.cli.options import date_of
from tradewinds.cli.written_config import write_config
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted

if TYPE_CHECKING:
    from tradewinds.families.plan import Plan
    from tradewinds.pipeline.screen import Screen

MARKET = "equities_intraday"
FOLDER = "configs"
SECTIONS = ("orb", "buffers", "trade", "governance", "factors", "scoring")  # what the file of --config may hold
SYMBOLS = "--symbols"
INCOMPLETE_SHOWN = 10  # opening ranges on the terminal


class SymbolsCommand(TyperCommand):
    """A command whose option --symbols takes all words up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse a command line in which `--symbols SPY QQQ` means `--symbols SPY --symbols QQQ`."""
        return super().parse_args(ctx, spread(args))


def spread(arguments: list[str]) -> list[str]:
    """Return a command line in which each word after --symbols, up to the next option, has the option before it."""
    found: list[str] = []
    first = listing = False  # whether the word before was --symbols; whether a list of symbols goes on
    for word in arguments:
        if word.startswith("-"):
            listing = first = word == SYMBOLS
        elif listing and not first:
            found.append(SYMBOLS)
        else:
            first = False
        found.append(word)
    return found


def orb(
    symbols: Annotated[
        list[str], typer.Option(help="Symbols, with spaces or commas between them.", metavar="SPY QQQ …")
    ],
    start: Annotated[str, typer.Option(help="First session.", metavar="YYYY-MM-DD")],
    end: Annotated[str, typer.Option(help="Last session, included.", metavar="YYYY-MM-DD")],
    config: Annotated[
        Path | None,
        typer.Option(help=f"YAML with any of {', '.join(SECTIONS)}; the rest has defaults.", metavar="FILE"),
    ] = None,
    bars: Annotated[
        Path | None,
        typer.Option(
            help="Minute bars: CSV, Parquet or a folder of such files; default: Yahoo Finance.", metavar="FILE"
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Time stamps of --bars are the start or the end of a bar.", metavar="start|end")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Time zone of stamps of --bars that have none.", metavar="ZONE")
    ] = None,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Invented prices on real sessions.")] = False,
    validate_or: Annotated[
        bool, typer.Option("--validate-or", help="List opening ranges that lack minutes (orb.on_gap: warn).")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also write a report of each symbol: symbols/SPY_report.html.")
    ] = False,
    cache: Annotated[
        bool, typer.Option("--cache", help="Accepted and not needed: bars are always kept and never fetched twice.")
    ] = False,
    cache_dir: Annotated[str | None, typer.Option(help="Where bars are kept; default: data.", metavar="DIR")] = None,
    output_dir: Annotated[
        str | None, typer.Option(help="Folder of the run folders; default: backtests.", metavar="DIR")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what the jobs say, too.")] = False,
    name: NameOption = None,
    note: NoteOption = None,
) -> None:
    """Trade opening range breakouts on minute bars.

    A session's first minutes (15 by default) make a range. A stop order above and below it opens a position; the other side of
    the range is the protective stop, and its distance from the entry is R, the unit in which targets and results are counted.
    Parts leave at 1, 1.5 and 2 R, the rest at the end of the session.

    \b
    Examples:
      tradewinds orb --symbols SPY QQQ --start 2025-01-02 --end 2025-01-31 --synthetic
          needs no data: prices are invented, sessions are real
      tradewinds orb --symbols SPY --start 2024-03-26 --end 2025-04-01 --bars spy_minutes.parquet --report
          your own minute bars; tradewinds docs equities-intraday lists the layouts
      tradewinds orb --symbols SPY --start 2026-11-02 --end 2026-11-20
          fetches from Yahoo Finance, which has minutes of the last 30 days only
      tradewinds orb --symbols SPY --start 2025-01-02 --end 2025-01-31 --synthetic --config rules.yaml
          rules.yaml:   orb: {base_minutes: 5, adaptive: false}
                        trade: {stop_mode: or_mid, partials: false, primary_r: 2}

    The run is written as a config, backtests/configs/RUN_ID.yaml: `tradewinds run --config` of it is the same run, and asking
    again does nothing. Symbols without bars are left out with a warning, as long as others have some. Exit codes: 0 done (also
    without a trade), 2 usage, 3 no bars, 4 fetch failed, 5 simulation failed, 6 database failed, 130 interrupted.
    """
    # Imported here, as in every command: they bring pyarrow, PyYAML and rich, which `--help` does not need.
    from tradewinds.cli.run import carry_out_run
    from tradewinds.config import resolve as configs
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen

    first, last = date_of(start, "--start"), date_of(end, "--end")
    rules, lines = _rules(config)
    raw: dict[str, Any] = {
        "market": MARKET,
        "symbols": symbols_of(symbols),
        "date_start_local": first.isoformat(),
        "date_end_local": last.isoformat(),
        "bars": _bars(bars, label, timezone, synthetic=synthetic),
        **rules,
    }
    if validate_or:
        raw["orb"] = _with_warnings(raw.get("orb"))
    raw |= {key: value for key, value in (("cache_dir", cache_dir), ("output_dir", output_dir)) if value is not None}
    # Check it, and write it where `tradewinds run` can read it.
    conf = configs.resolve(raw, source=str(config or "tradewinds orb"), lines=lines)
    plan, screen = run_plan(conf), Screen(verbose=verbose)
    path = Path(conf["output_dir"], FOLDER, f"{plan.run_id}.yaml")
    write_config(raw, path)
    _remove_unreadable(plan, screen)
    carry_out_run(path, RunOptions(name=name, note=note), screen, dry_run=False)
    diagnostics = json.loads(Path(plan.run_dir, "metrics.json").read_text(encoding="utf-8"))["diagnostics"]
    if without := [symbol for symbol, reason in diagnostics["skipped_events"] if reason == "NO_BARS"]:
        screen.print(f"warning: left out, because there are no bars of them: {', '.join(without)}.", soft_wrap=True)
    if validate_or:
        _show_incomplete(diagnostics, screen)
    if report:
        from tradewinds.families.equities_intraday.symbol_reports import write_symbol_reports

        written = write_symbol_reports(Path(plan.run_dir))
        screen.print(f"reports   {plan.run_dir}/symbols/ ({counted(len(written), 'symbol')})", soft_wrap=True)


def _show_incomplete(diagnostics: Mapping[str, Any], screen: Screen) -> None:
    """Print which opening ranges of a finished run lack minutes: all in the run's log, the first ones on the terminal.

    Args:
        diagnostics: of the run's metrics.json.
        screen: where to print.
    """
    found = diagnostics["incomplete_ranges"]
    screen.print(f"opening ranges: {diagnostics['opening_ranges']['sessions']:,}, {len(found):,} of them lack minutes.")
    for number, (symbol, session, minutes) in enumerate(found):
        show = screen.print if number < INCOMPLETE_SHOWN else screen.record
        show(f"  {symbol} {session}: {minutes} missing", soft_wrap=True)
    if len(found) > INCOMPLETE_SHOWN:
        where = "sessions.csv has all of them"
        screen.console.print(f"  … and {len(found) - INCOMPLETE_SHOWN:,} more; {where}.", soft_wrap=True)


def symbols_of(words: list[str]) -> list[str]:
    """Return the symbols of the words after --symbols, in capitals, each once, in alphabetical order.

    Raises:
        ConfigError: there is none.
    """
    found = sorted({part.strip().upper() for word in words for part in word.split(",") if part.strip()})
    if not found:
        raise ConfigError("no symbol is given.", where=SYMBOLS, remedy="Name some: --symbols SPY QQQ.")
    return found


def _rules(config: Path | None) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    """Read the file of --config.

    Returns:
        Its mapping, and the line of each key path; both empty without a file.

    Raises:
        ConfigError: the file cannot be read, or has other keys than SECTIONS.
    """
    from tradewinds.config import resolve as configs
    from tradewinds.config.problems import dotted

    if config is None:
        return {}, {}
    rules, lines = configs.read(config)
    for key in rules:
        if key not in SECTIONS:
            where = f"{config}, line {lines[(str(key),)]}, {dotted((key,))}"
            remedy = (
                f"Keep {', '.join(SECTIONS)}; symbols, dates and bars are flags here. A config with more keys is run by "
                f"tradewinds run --config {config}."
            )
            raise ConfigError("the file of tradewinds orb --config cannot hold this key.", where=where, remedy=remedy)
    # An empty section (`orb:` and nothing below) has the defaults.
    return {key: value for key, value in rules.items() if value is not None}, lines


def _bars(path: Path | None, label: str | None, timezone: str | None, *, synthetic: bool) -> dict[str, Any]:
    """Return the config's section `bars`.

    Raises:
        ConfigError: flags contradict each other.
    """
    if path is None:
        for flag, value in (("--label", label), ("--timezone", timezone)):
            if value is not None:
                raise ConfigError("there is no file that it describes.", where=flag, remedy="Give --bars FILE, too.")
        return {"source": "synthetic" if synthetic else "yahoo"}
    if synthetic:
        remedy = "Give --bars for your own prices or --synthetic for invented ones."
        raise ConfigError("--bars and --synthetic contradict each other.", remedy=remedy)
    described = {key: value for key, value in (("label", label), ("timezone", timezone)) if value is not None}
    return {"source": "files", "path": str(path), **described}


def _with_warnings(section: Any) -> Any:
    """Return the section `orb` with on_gap warn; a section of the wrong type stays as it is, for the schema to refuse.

    Raises:
        ConfigError: the section says something else.
    """
    if not isinstance(section, dict | None):
        return section
    said = (section or {}).get("on_gap", "use")
    if said not in ("use", "warn"):
        remedy = "Leave one of them out."
        raise ConfigError(
            f"--validate-or and on_gap {said!r} contradict each other.", where="orb.on_gap", remedy=remedy
        )
    return {**(section or {}), "on_gap": "warn"}


def _remove_unreadable(plan: Plan[Any], screen: Screen) -> None:
    """Remove kept files that cannot be read, so that the run makes what it needs of them again; say which."""
    from tradewinds.core.damage import damaged_files

    for damage in damaged_files(plan.data_files):
        screen.print(
            f"warning: {damage.where} cannot be read; it is removed, and made again if the run needs it.",
            soft_wrap=True,
        )
        Path(damage.where).unlink()
