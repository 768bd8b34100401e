"""`tradewinds backtest`: a run of daily equities by flags, which are written as a config and run like any other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewinds.cli.note import NameOption, NoteOption
from tradewinds.cli.options import NoFetchOption, date_of
from tradewinds.cli.written_config import write_config
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.temporary import temporary_folder

BARS = "bars.parquet"
FOLDER = "configs"


def backtest(
    strategy: Annotated[
        str, typer.Option(help="A strategy by name; tradewinds strategies lists them.", metavar="NAME")
    ],
    start: Annotated[str, typer.Option(help="First trading date.", metavar="YYYY-MM-DD")],
    end: Annotated[str, typer.Option(help="Last trading date.", metavar="YYYY-MM-DD")],
    initial_capital: Annotated[
        float | None, typer.Option(help="Cash at the start; default: 100000, or the config's.", metavar="X")
    ] = None,
    universe: Annotated[
        str | None,
        typer.Option(
            help="Symbols, or a CSV of symbol, active_from, active_to; default: all of --bars.", metavar="A,B|FILE"
        ),
    ] = None,
    bars: Annotated[
        Path | None,
        typer.Option(
            help=f"CSV or Parquet of symbol, date, open, high, low, close, volume; default: {BARS}.", metavar="FILE"
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A config of daily equities for all that no flag says.", metavar="FILE")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; touch nothing.")] = False,
    no_fetch: NoFetchOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
    name: NameOption = None,
    note: NoteOption = None,
) -> None:
    """Run a strategy on daily prices of shares, by name.

    Prices must exist: a file of daily bars (bars.parquet here, or --bars), or a config whose bars come from elsewhere; some
    weeks of them before --start are the history of the first signals. Results go into the database, where tradewinds
    leaderboard and compare find them, and into the run's folder. Missing prices are exit code 3, with what is missing of each
    symbol.
    """
    # Imported here: they bring PyYAML, rich and pyarrow, which `--help` does not need.
    from tradewinds.cli.run import carry_out_run
    from tradewinds.config import resolve as configs
    from tradewinds.families.equities_daily.strategies.share_strategies import STRATEGIES
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen

    STRATEGIES.find(strategy)  # before any bars are read
    # The config: what the flags say, over the config of --config.
    raw = _base(config)
    first, last = date_of(start, "--start"), date_of(end, "--end")
    raw |= {"date_start_local": first.isoformat(), "date_end_local": last.isoformat()}
    own = raw.get("strategy", {}) if raw.get("strategy", {}).get("name") == strategy else {}
    raw["strategy"] = {**own, "name": strategy}
    if bars is not None or "bars" not in raw:
        raw["bars"] = {"source": "files", "path": str(bars or BARS)}
    if initial_capital is not None:
        raw["risk"] = {**raw.get("risk", {}), "start_balance": initial_capital}
    if universe is not None:
        raw["universe"] = _universe(universe)
    elif "universe" not in raw:
        raw["universe"] = _symbols(raw["bars"])
    # Check it, and write it where `tradewinds run` can read it.
    conf = configs.resolve(raw, source="tradewinds backtest")
    options = RunOptions(fetch="never" if no_fetch else None, name=name, note=note)
    with _written(raw, Path(conf["output_dir"], FOLDER, f"{run_plan(conf).run_id}.yaml"), kept=not dry_run) as path:
        carry_out_run(path, options, Screen(quiet=quiet), dry_run=dry_run)


@contextlib.contextmanager
def _written(raw: dict[str, Any], path: Path, *, kept: bool) -> Iterator[Path]:
    """Write a config to a file for the time of the block.

    Args:
        raw: the config.
        path: its file, if it is kept.
        kept: keep the file, so that `tradewinds run` can run it again; else it is a temporary one.
    """
    with temporary_folder("tradewinds-") as folder:
        written = path if kept else Path(folder, path.name)
        write_config(raw, written)
        yield written


def _base(config: Path | None) -> dict[str, Any]:
    """The mapping of a config file of daily equities as YAML gives it; without a file, only the market.

    Raises:
        ConfigError: the file is wrong, or of another market.
    """
    import yaml

    from tradewinds.config import resolve as configs

    if config is None:
        return {"market": "equities_daily"}
    if configs.load(config)["market"] != "equities_daily":
        raise ConfigError("this is no config of daily equities.", where=str(config), remedy="tradewinds run runs it.")
    raw: dict[str, Any] = yaml.safe_load(config.read_text(encoding="utf-8"))
    return raw


def _universe(text: str) -> Any:
    """The config's `universe` from the text of --universe: the file of that name, or a list of symbols."""
    if "," not in text and (Path(text).is_file() or text.lower().endswith(".csv")):
        return {"file": text}
    return [symbol for symbol in (part.strip() for part in text.split(",")) if symbol]


def _symbols(bars: dict[str, Any]) -> list[str]:
    """List all symbols of a file of bars.

    Args:
        bars: the config's section.

    Raises:
        DataMissing: there is no such file.
        ConfigError: the bars do not come from a file, or the file has no symbols.
    """
    from tradewinds.families.equities_daily.fetch import user_bars

    if bars["source"] != "files":
        raise ConfigError("no universe is given.", where="--universe", remedy="Name the symbols: --universe A,B,C.")
    if not Path(bars["path"]).exists():
        remedy = "Bring prices: --bars FILE, or a --config whose bars come from elsewhere."
        raise DataMissing(f"there are no prices in {bars['path']}.", remedy=remedy)
    return user_bars.symbols(bars["path"], bars.get("columns", {}).get("symbol", "symbol"))
