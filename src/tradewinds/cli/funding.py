"""`tradewinds funding`: runs of funding carry by flags, which are written as configs and run like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli.note import NameOption, NoteOption
from tradewinds.cli.options import NoFetchOption, date_of
from tradewinds.cli.written_config import write_config
from tradewinds.core.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.config.resolve import Config
    from tradewinds.pipeline.screen import Screen

MARKET = "funding_carry"
FOLDER = "configs"
COMPARE = "compare"
MODES = {"simple": "funding_simple", "composite": "funding_composite"}
# flags of one strategy alone, with its parameter
_SIMPLE_FLAGS = {"--min-rate": "min_funding_rate", "--exit-rate": "exit_funding_rate"}
_COMPOSITE_FLAGS = {"--entry-threshold": "entry_threshold", "--exit-threshold": "exit_threshold"}
_NEEDED = {
    "symbols": "--symbol",
    "date_start_local": "--start",
    "date_end_local": "--end",
}  # keys, and the flags for them
_OF_ONE = {**dict.fromkeys(_SIMPLE_FLAGS, "simple"), **dict.fromkeys(_COMPOSITE_FLAGS, "composite")}


def funding(
    symbol: Annotated[
        list[str], typer.Option(help="Perpetuals, with commas between them.", metavar="BTC/USDT:USDT,…")
    ] = [],  # noqa: B006
    start: Annotated[str | None, typer.Option(help="First date, UTC.", metavar="YYYY-MM-DD")] = None,
    end: Annotated[str | None, typer.Option(help="Last date, included.", metavar="YYYY-MM-DD")] = None,
    mode: Annotated[str | None, typer.Option(help="simple, composite, or compare for both.", metavar="MODE")] = None,
    preset: Annotated[
        str | None, typer.Option(help="conservative, balanced, aggressive or seed.", metavar="NAME")
    ] = None,
    min_rate: Annotated[
        float | None, typer.Option(help="simple: enter from this rate of 8 hours on.", metavar="X")
    ] = None,
    exit_rate: Annotated[float | None, typer.Option(help="simple: leave below this rate.", metavar="X")] = None,
    entry_threshold: Annotated[
        float | None, typer.Option(help="composite: enter from this score on.", metavar="X")
    ] = None,
    exit_threshold: Annotated[
        float | None, typer.Option(help="composite: leave below this score.", metavar="X")
    ] = None,
    initial_capital: Annotated[float | None, typer.Option(help="Cash at the start.", metavar="X")] = None,
    leverage: Annotated[float | None, typer.Option(help="Of the perpetual leg.", metavar="X")] = None,
    direction: Annotated[str | None, typer.Option(help="long_spot, short_spot or both.", metavar="WAY")] = None,
    source: Annotated[
        str | None, typer.Option(help="binance, bybit, okx, hyperliquid or synthetic.", metavar="NAME")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Your own records: a file or a folder of files.", metavar="DIR")
    ] = None,
    config: Annotated[
        list[Path],
        typer.Option(help="A config; flags win over it. Two of them: simple, then composite.", metavar="FILE"),
    ] = [],  # noqa: B006
    output_dir: Annotated[
        str | None, typer.Option(help="Folder of the run folders; default: backtests.", metavar="DIR")
    ] = None,
    cache_dir: Annotated[str | None, typer.Option(help="Where records are kept; default: data.", metavar="DIR")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the flags and show the plan; touch nothing.")
    ] = False,
    no_fetch: NoFetchOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what the jobs say, too.")] = False,
    name: NameOption = None,
    note: NoteOption = None,
) -> None:
    """Collect funding: long spot and short perpetual of one coin, held while the funding rate is worth it.

    simple enters and leaves at a funding rate. composite scores the rate's level, its trend, how long it has been high, and the
    basis. compare asks the same question of both, and shows them side by side.

    \b
    Examples:
      tradewinds funding --symbol BTC/USDT:USDT --start 2024-01-01 --end 2024-06-30 --mode compare --source synthetic
          needs no data: rates and prices are invented
      tradewinds funding --symbol BTC/USDT:USDT,ETH/USDT:USDT --start 2024-01-01 --end 2024-06-30 --mode simple
          fetches from Binance's bulk files, once
      tradewinds funding --symbol BTC/USDT:USDT --start 2024-01-01 --end 2024-06-30 --preset aggressive --data records/
          your own records; tradewinds docs funding-carry lists the layouts

    Each run is written as a config, backtests/configs/RUN_ID.yaml: `tradewinds run --config` of it is the same run, and asking
    again does nothing. Exit codes: 0 done (also without a settlement in the range), 2 usage, 3 no data, 4 fetch failed,
    5 simulation failed, 6 database failed, 130 interrupted.
    """
    # Imported here, as in every command: they bring pyarrow, PyYAML and rich, which `--help` does not need.
    from tradewinds.cli.run import carry_out_run
    from tradewinds.config import resolve as configs
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen

    given = {
        "--min-rate": min_rate,
        "--exit-rate": exit_rate,
        "--entry-threshold": entry_threshold,
        "--exit-threshold": exit_threshold,
    }
    sections: dict[str, dict[str, Any]] = {
        "data": _data(source, data),
        "risk": {} if initial_capital is None else {"start_balance": _number(initial_capital)},
        "margin": {} if leverage is None else {"leverage": _number(leverage)},
    }
    keys: dict[str, Any] = {
        "symbols": sorted({part.strip() for word in symbol for part in word.split(",") if part.strip()}) or None,
        "date_start_local": start and date_of(start, "--start").isoformat(),
        "date_end_local": end and date_of(end, "--end").isoformat(),
        "output_dir": output_dir,
        "cache_dir": cache_dir,
    }
    flags = Flags({flag: value for flag, value in given.items() if value is not None}, direction, preset)
    # every run is checked before the first one begins
    bases = [_read(path) for path in config] or [Base({}, {}, "tradewinds funding")]
    _refuse_lacking(keys, bases)
    asked = _modes(mode, preset, bases, flags)
    runs = []
    for number, one in enumerate(asked):
        base = bases[min(number, len(bases) - 1)]
        raw = _merged(base.raw, keys, sections)
        raw["strategy"] = _strategy(base.raw.get("strategy"), one, flags)
        runs.append((raw, configs.resolve(raw, source=base.source, lines=base.lines)))
    screen = Screen(verbose=verbose)
    for one, (raw, conf) in zip(asked, runs, strict=True):
        if dry_run:
            _show_plan(conf, screen)
            continue
        path = Path(conf["output_dir"], FOLDER, f"{configs.run_id(conf)}.yaml")
        write_config(raw, path)
        of_two = f"{name} ({one})" if name and len(runs) > 1 else name
        options = RunOptions(fetch="never" if no_fetch else None, name=of_two, note=note)
        carry_out_run(path, options, screen, dry_run=False)
    if len(runs) > 1 and not dry_run:
        from tradewinds.cli.side_by_side import show_side_by_side

        show_side_by_side(screen, [conf for _, conf in runs], asked)


@dataclass(frozen=True)
class Flags:
    """What the flags say of strategies.

    Attributes:
        values: values of flags of one strategy, by flag.
        direction: of positions; None: as the config says.
        preset: its name; None: as the config says.
    """

    values: Mapping[str, float]
    direction: str | None
    preset: str | None


@dataclass(frozen=True)
class Base:
    """A config that flags are laid upon.

    Attributes:
        raw: as its file says it.
        lines: line of each key path.
        source: where it is from, for messages.
    """

    raw: Mapping[str, Any]
    lines: dict[tuple[str | int, ...], int]
    source: str


def _refuse_lacking(keys: Mapping[str, Any], bases: Sequence[Base]) -> None:
    """Raise ConfigError, naming the flags, if neither they nor a config say what is traded and when."""
    lacking = [
        flag for key, flag in _NEEDED.items() if keys[key] is None and not all(base.raw.get(key) for base in bases)
    ]
    if lacking:
        remedy = "For example --symbol BTC/USDT:USDT --start 2024-01-01 --end 2024-06-30, or a config by --config."
        raise ConfigError(f"{', '.join(lacking)}: not given.", where="tradewinds funding", remedy=remedy)


def _read(path: Path) -> Base:
    """Read the file of --config; raises ConfigError if it cannot be read."""
    from tradewinds.config import resolve as configs

    raw, lines = configs.read(path)
    return Base(raw, lines, str(path))


def _modes(mode: str | None, preset: str | None, bases: Sequence[Base], flags: Flags) -> list[str]:
    """Return the modes of the runs that are asked for, in order: simple, composite, or both.

    Raises:
        ConfigError: flags and configs contradict each other.
    """
    known = (*MODES, COMPARE)
    if mode is not None and mode not in known:
        raise ConfigError(f"{mode!r} is no mode.", where="--mode", remedy=f"One of {', '.join(known)}.")
    if len(bases) > 2:
        raise ConfigError("more than two configs are given.", where="--config", remedy="Give one, or one of each mode.")
    of_configs = [mode_of(base.raw.get("strategy")) for base in bases]
    if len(bases) == 2:
        _check_pair(mode, bases, of_configs)
        return list(MODES)
    of_preset = mode_of({"preset": preset}) if preset is not None else None
    chosen = mode or of_preset or of_configs[0] or next(iter(MODES))
    if preset is not None and of_preset is None:
        raise ConfigError(f"{preset!r} is no preset.", where="--preset", remedy=f"One of {', '.join(_presets())}.")
    if chosen == COMPARE:
        return list(MODES)
    if of_preset not in (None, chosen):
        what = f"the preset {preset} is one of --mode {of_preset}, and the mode is {chosen}."
        raise ConfigError(what, where="--preset", remedy="Leave one of the two out.")
    for flag in flags.values:
        if _OF_ONE[flag] != chosen:
            what = f"this is a setting of --mode {_OF_ONE[flag]}, and the mode is {chosen}."
            raise ConfigError(what, where=flag, remedy=f"Leave it out, or give --mode {_OF_ONE[flag]} or {COMPARE}.")
    return [chosen]


def _check_pair(mode: str | None, bases: Sequence[Base], of_configs: Sequence[str | None]) -> None:
    """Raise ConfigError unless two configs are of the simple and of the composite strategy, in this order."""
    if mode not in (None, COMPARE):
        raise ConfigError("two configs are compared.", where="--config", remedy=f"Give one, or --mode {COMPARE}.")
    for base, found, wanted in zip(bases, of_configs, MODES, strict=True):
        if found != wanted:
            named = "missing" if found is None else MODES[found]
            what = f"its strategy is {named}, and this config must be of {MODES[wanted]}."
            remedy = "Give the config of funding_simple first and that of funding_composite second."
            raise ConfigError(what, where=base.source, remedy=remedy)


def mode_of(strategy: Any) -> str | None:
    """Return the mode of a config's section `strategy`; None if it names no known strategy or preset."""
    from tradewinds.families.funding_carry.strategy_settings import name_of_strategy

    name = name_of_strategy(strategy) if isinstance(strategy, Mapping) else None
    return next((mode for mode, strategy_name in MODES.items() if strategy_name == name), None)


def _presets() -> Sequence[str]:
    """Return the names of all presets."""
    from tradewinds.families.funding_carry.strategy_settings import PRESETS

    return list(PRESETS)


def _merged(
    base: Mapping[str, Any], keys: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a config with the keys of flags that were given; a section of the wrong type stays, for the schema to refuse."""
    raw = {"market": MARKET, **base, **{key: value for key, value in keys.items() if value is not None}}
    for name, changes in sections.items():
        before = base.get(name)
        if changes and isinstance(before, Mapping | None):
            # another source has no path
            kept = {key: value for key, value in (before or {}).items() if key != "path" or "source" not in changes}
            raw[name] = {**kept, **changes}
    return raw


def _strategy(before: Any, mode: str, flags: Flags) -> Any:
    """Return the section `strategy` of one run.

    Args:
        before: that of the config, which may be of the other strategy; then only parameters that both have are kept.
        mode: of the run.
        flags: what the flags say.
    """
    from tradewinds.families.funding_carry.strategy_settings import PARAMETERS

    if not isinstance(before, Mapping | None):
        return before
    told: dict[str, Any] = dict(before or {})
    parameters = told.pop("parameters", None) or {}
    if mode_of(before) != mode:
        told = {"name": MODES[mode]}
        if isinstance(parameters, Mapping):
            parameters = {key: value for key, value in parameters.items() if key in PARAMETERS[MODES[mode]]}
    if flags.preset is not None and mode_of({"preset": flags.preset}) == mode:
        told = {"preset": flags.preset}
    mine = {**_SIMPLE_FLAGS, **_COMPOSITE_FLAGS}
    changes: dict[str, Any] = {mine[flag]: value for flag, value in flags.values.items() if _OF_ONE[flag] == mode}
    if flags.direction is not None:
        changes["direction"] = flags.direction
    if not changes and not parameters:
        return told
    return {**told, "parameters": {**parameters, **changes} if isinstance(parameters, Mapping) else parameters}


def _data(source: str | None, path: Path | None) -> dict[str, Any]:
    """Return the keys of the section `data` that flags say; raises ConfigError if they contradict each other."""
    if path is None:
        return {} if source is None else {"source": source}
    if source not in (None, "files"):
        remedy = "Give --data for your own records, or --source for those of an exchange or invented ones."
        raise ConfigError("--source and --data contradict each other.", where="--data", remedy=remedy)
    return {"source": "files", "path": str(path)}


def _number(value: float) -> float | int:
    """Return a number as it was written: without a point if it is whole."""
    return int(value) if value.is_integer() else value


def _show_plan(conf: Config, screen: Screen) -> None:
    """Print the plan of a run, and touch nothing."""
    from tradewinds.cli.display import show_plan
    from tradewinds.config import markets
    from tradewinds.families.plan import run_plan

    show_plan(screen, *markets.family_of(conf["market"]).cost(conf, run_plan(conf)))
