"""Make a run from Python, find the runs that are there, and read them."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError, DatabaseError, DataMissing, FetchError, SimulationError
from tradewinds.families.plan import run_plan
from tradewinds.pipeline import session_runs
from tradewinds.pipeline.runner import RunOptions, WorkflowFailed
from tradewinds.session.finished_run import Run
from tradewinds.session.settings import Config, place_in

if TYPE_CHECKING:
    import pandas as pd

    from tradewinds.pipeline.screen import Screen

_ONE_AT_A_TIME = threading.Lock()
CONFIG_COPY = "data/user/configs"  # configs of which a file came from Python


def run(
    config: Config | str | Path | Mapping[str, Any],
    *,
    probabilities: pd.DataFrame | None = None,
    levels: pd.DataFrame | None = None,
    strategy: type | Callable[..., Any] | None = None,
    fetch: bool | None = None,
    archive: str | Path | None = None,
    report: bool = True,
    quiet: bool = True,
    name: str | None = None,
    note: str | None = None,
) -> Run:
    """Run a backtest: fetch what is missing, replay, load into the database; the report is drawn in the background.

    The run has the id and the files of `tradewinds run` with the same config. Asking the same question again does nothing.

    Args:
        config: a Config, the path of a config file, or a mapping with its keys.
        probabilities: columns market_ticker (or the index), known_at_utc (or known_at) and p_yes; or those of a file of
            distributions, mu_f with sigma_f or members (tradewinds docs forecasts). They are written below data/user/, and the
            run's config names that file. Where the config pools a forecast with the price, probabilities are pooled in its
            place.
        levels: order books of temperature events, columns market_ticker (or the index), known_at_utc (or known_at), side,
            price and size (tradewinds docs trading-rules); written likewise.
        strategy: a class with on_decision(self, view), or for temperature events a function orders(quotes, parameters), as in
            docs/strategies.md. Its source is written below data/user/, and the run's config names that file.
        fetch: False opens no connection, True fetches whatever the config says; None does what the config says.
        archive: folder of an archive that is served in place of the services while files are fetched; "synthetic" makes one of
            invented events.
        report: False leaves the report to a later run of the same config.
        quiet: False prints progress.
        name: what to call the run, no part of its id; None leaves the name that it has.
        note: what to remember of it; None leaves the note that it has.

    Raises:
        ConfigError, DataMissing, FetchError, SimulationError, DatabaseError: as the command line, which turns them into exit
            codes.
    """
    from tradewinds.database import activity
    from tradewinds.pipeline.make import name_made_run, name_new_run

    asked = _with_own(config_of(config), probabilities, levels, strategy)
    conf = asked.resolved
    plan = run_plan(conf, place_in(asked))
    activity.refuse_inactive(conf["database"]["url"], conf["strategy"]["name"])
    with _ONE_AT_A_TIME:
        runs = session_runs.runs_here()
        naming = functools.partial(name_new_run, plan, name, note)
        made = runs.make(conf, plan, asked.source, _ignore_progress, place_in(asked), naming, with_report=report)
        if made is None:
            _make_from_archive(asked, archive, run_options(fetch, name, note), quiet=quiet)
        if not made:
            name_made_run(conf, plan, name, note)
    return Run(Path(plan.run_dir).resolve(), functools.partial(_finish, runs))


def _finish(runs: session_runs.FolderRuns, made: Run) -> None:
    """Wait until the report of a run is there; one that was left out is made.

    Args:
        runs: of the working folder in which the run was made or opened.
        made: the run.
    """
    runs.wait(made.id)
    if (made.folder / "report.html").exists():
        return
    if Path.cwd() != runs.folder:
        what = f"the report is not made yet, and the working folder is not {runs.folder} any more."
        raise ConfigError(what, where=str(made.folder), remedy=f"Change into {runs.folder} and ask again.")
    run(made.config)
    runs.wait(made.id)


def config_of(config: Config | str | Path | Mapping[str, Any]) -> Config:
    """Return a config that is given as one, as the path of its file or as a mapping."""
    if isinstance(config, Config):
        return config
    return Config.of(config) if isinstance(config, Mapping) else Config.load(config)


def _with_own(
    config: Config,
    probabilities: pd.DataFrame | None,
    levels: pd.DataFrame | None,
    strategy: type | Callable[..., Any] | None,
) -> Config:
    """Return a config that names the files of probabilities, order books and a strategy from Python; they are written.

    Such a config is written, too, so that the command line can make the same run.
    """
    changed = config
    if probabilities is not None:
        from tradewinds.session import own_frames

        is_distribution = own_frames.is_distribution(probabilities)
        write = own_frames.write_distributions if is_distribution else own_frames.write_probabilities
        own: dict[str, Any] = {"source": "distribution" if is_distribution else "file", "path": write(probabilities)}
        asked = changed.resolved.get("probabilities", {})
        if asked.get("source") == "pooled" and not is_distribution:  # the frame is pooled in place of the forecast
            own |= {"source": "pooled", "pooled": {**asked["pooled"], "of": "file"}}
        changed = Config.of({**changed.written, "probabilities": own}, source=changed.source)
    if levels is not None:
        from tradewinds.session.own_frames import write_levels

        changed = Config.of({**changed.written, "liquidity": {"levels": write_levels(levels)}}, source=changed.source)
    if strategy is not None:
        from tradewinds.session.own_strategy import write_strategy

        name, path = write_strategy(strategy)
        kept = changed.written.get("strategy") or {}
        section = {key: kept[key] for key in ("parameters", "history_bars") if key in kept} | {
            "name": name,
            "file": path,
        }
        changed = Config.of({**changed.written, "strategy": section}, source=changed.source)
    if changed is not config:
        changed.save(f"{CONFIG_COPY}/{changed.run_id}.yaml")
    return changed


def _make_from_archive(config: Config, archive: str | Path | None, options: RunOptions, *, quiet: bool) -> None:
    """Make a run with Snakemake, with an archive in place of the services unless it is None."""
    if archive is None:
        _make_with_workflow(config, options, quiet=quiet)
        return
    from tradewinds.pipeline.local_archive import served_settings
    from tradewinds.pipeline.screen import Screen

    tell = functools.partial(Screen(quiet=quiet).print, soft_wrap=True)
    with served_settings(config.written, config.resolved, archive, place_in(config), tell) as asked:
        served = config if asked is config.written else Config.of(asked, source=config.source)
        _make_with_workflow(served, options, quiet=quiet)


def _make_with_workflow(config: Config, options: RunOptions, *, quiet: bool) -> None:
    """Make a run with Snakemake, which reads a temporary file with the config."""
    import yaml

    from tradewinds.core.temporary import temporary_folder
    from tradewinds.families.plan import due_files
    from tradewinds.pipeline.make import make
    from tradewinds.pipeline.screen import Screen

    session_runs.runs_here().wait_for_all()  # Snakemake needs the folder for itself
    screen: Screen = Screen(quiet=quiet)
    plan = run_plan(config.resolved)
    due = due_files(plan)
    with temporary_folder("tradewinds-") as folder:
        path = Path(folder, "config.yaml")
        path.write_text(yaml.safe_dump(dict(config.written), sort_keys=False), encoding="utf-8")
        with job_errors():
            make(path, config.resolved, plan, options, screen, place_of=place_in(config))
    for note in markets.family_of(config.market).fetched_notes(plan, due):
        screen.print(note, soft_wrap=True)


@contextlib.contextmanager
def job_errors() -> Iterator[None]:
    """Raise the failure of jobs as the error of its exit code, which a program can catch by its class."""
    try:
        yield
    except WorkflowFailed as failed:
        kinds = (ConfigError, DataMissing, FetchError, SimulationError, DatabaseError)
        kind = next((one for one in kinds if one.exit_code == failed.exit_code), None)
        if kind is None:  # a bug, which no class stands for
            raise
        raise kind(failed.what) from None


def run_options(fetch: bool | None, name: str | None = None, note: str | None = None) -> RunOptions:
    """Return the options of a run by whether it may fetch, None for what its config says, and by its name and note."""
    return RunOptions(fetch=None if fetch is None else "auto" if fetch else "never", name=name, note=note)


def _ignore_progress(rule: str, done: int, total: int) -> None:
    """Ignore progress."""


def load(name: str | Path, *, output_dir: str | Path = "backtests") -> Run:
    """Open a finished run.

    Args:
        name: its folder, its id, or how its id begins.
        output_dir: where runs lie, for an id.

    Raises:
        ConfigError: there is no such run, or several ids begin so.
    """
    folder = Path(name)
    if not (folder / "run_manifest.json").is_file():
        found = sorted(path.parent for path in Path(output_dir).glob("*/run_manifest.json"))
        named = [path for path in found if path.name.startswith(str(name))]
        if len(named) != 1 or not str(name):
            what = f"{len(named)} runs begin so." if named else "there is no such run."
            remedy = f"Give the folder of a run, or an id of {output_dir}/; tw.runs() lists those of a database."
            raise ConfigError(what, where=str(name), remedy=remedy)
        folder = named[0]
    return Run(folder.resolve(), functools.partial(_finish, session_runs.runs_here()))


def runs(
    *,
    database: str | None = None,
    config: Config | str | Path | None = None,
    series: str | None = None,
    strategy: str | None = None,
    status: str | None = None,
) -> pd.DataFrame:
    """List the runs that were loaded into a database, the latest first: what `tradewinds runs` shows.

    Args:
        database: URL of the database; None for that of the config, or the default one.
        config: whose database is asked.
        series: only runs of this series.
        strategy: only runs of this strategy.
        status: only RUNNING, SUCCESS, FAILED or INTERRUPTED.

    Raises:
        DatabaseError: there is no database yet, or it cannot be read.
    """
    import pandas as pd

    from tradewinds.database import queries, query_filters

    if database and config:
        raise ConfigError("database and config both name a database.", remedy="Give one of them.")
    url = database or (config_of(config)["database.url"] if config else resolve.default_database_url())
    with queries.reading(url) as connection:
        rows = queries.list_runs(connection, query_filters.RunFilter(status, series, strategy))
    frame = pd.DataFrame(rows)
    for column in frame.columns:
        values = frame[column].dropna()
        if len(values) and all(type(value).__name__ == "Decimal" for value in values):
            frame[column] = frame[column].astype("float64")
    return frame.set_index("run_id") if len(frame) else frame
