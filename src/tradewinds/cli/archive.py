"""`tradewinds archive serve|synthetic|import`, `tradewinds record`, and `tradewinds replay`, which is `archive serve`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, config_file, date_of, instant_of
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import printable
from tradewinds.core.text import counted

EVENTS, CARRY, MINUTES = "kalshi_weather", "funding_carry", "equities_intraday"  # market families

app = typer.Typer(help="Make and serve archives.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def serve(
    archive: Annotated[Path, typer.Option(help="Folder of the archive.", metavar="DIR")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")] = 8900,
    cutoff: Annotated[
        str | None,
        typer.Option(help="Markets settled before this date are in the historical tier.", metavar="YYYY-MM-DD"),
    ] = None,
    max_requests_per_second: Annotated[
        float | None, typer.Option(help="Answer 429 above this rate, as the exchange does.", metavar="N")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Append every request to this file (JSON lines).", metavar="FILE")
    ] = None,
    faults: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests that go wrong, of every kind.", metavar="RATE")
    ] = 0,
    fault_seed: Annotated[int, typer.Option(help="The same seed, the same faults.", metavar="N")] = 0,
    stall_seconds: Annotated[
        float, typer.Option(min=0, help="Silence of a stalled connection; more than the timeout.", metavar="S")
    ] = 35,
    now: Annotated[
        str | None,
        typer.Option(
            help="Serve what was known at this instant, as if it were now: open markets, candles that have ended, runs that "
            "are public; temperature events only.",
            metavar="INSTANT",
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0, help="With --now: seconds of its clock in a second; 0 stands still.", metavar="N")
    ] = 1,
) -> None:
    """Serve an archive in place of the services that its data is from, on this machine, until Ctrl-C.

    Prints the base_url of each service; set it in the config, for example kalshi.base_url to
    http://127.0.0.1:PORT/trade-api/v2. With --now the answers are those of another time (docs/archive.md).
    """
    # Imported here, as in every command: the server needs pyarrow and DuckDB, which `--help` does not.
    from tradewinds.archive import server
    from tradewinds.archive.clock import ServerClock
    from tradewinds.archive.faults import FaultPlan

    if speed != 1 and now is None:
        raise ConfigError("--speed is of the clock that --now sets.", where="--speed", remedy="Give --now, too.")
    server.serve_forever(
        archive,
        port=port,
        cutoff=date_of(cutoff, "--cutoff") if cutoff else None,
        max_requests_per_second=max_requests_per_second,
        log=log,
        faults=FaultPlan(faults, fault_seed, stall_seconds=stall_seconds) if faults else None,
        clock=ServerClock(instant_of(now, "--now"), speed) if now else None,
    )


@app.command()
def synthetic(
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 7,
    market: Annotated[str, typer.Option(help="kalshi_weather or funding_carry.", metavar="NAME")] = EVENTS,
    symbol: Annotated[
        list[str],
        typer.Option(help="funding_carry: perpetuals, with commas between them.", metavar="BTC/USDT:USDT,…"),
    ] = [],  # noqa: B006
    start: Annotated[
        str | None, typer.Option(help="funding_carry: first date of the runs it can serve.", metavar="YYYY-MM-DD")
    ] = None,
    end: Annotated[str | None, typer.Option(help="funding_carry: last date.", metavar="YYYY-MM-DD")] = None,
    exchange: Annotated[
        str | None, typer.Option(help="funding_carry: in whose place; default: binance.", metavar="NAME")
    ] = None,
) -> None:
    """Make an archive of invented records, from a seed.

    By default weather and order books; with --market funding_carry funding rates and candles of perpetuals.
    """
    own = {"--symbol": symbol, "--start": start, "--end": end, "--exchange": exchange}
    if market == EVENTS:
        from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic

        _refuse_flags(own, f"--market is {EVENTS}")
        make_synthetic(out, seed=seed)
    elif market == CARRY:
        from tradewinds.families.funding_carry.archive import imported_perps

        names = sorted({part.strip() for word in symbol for part in word.split(",") if part.strip()})
        imported_perps.make_synthetic_perps(
            out,
            seed=seed,
            symbols=names or imported_perps.SYMBOLS,
            first=date_of(start, "--start") if start else imported_perps.FIRST,
            last=date_of(end, "--end") if end else imported_perps.LAST,
            exchange=exchange or imported_perps.EXCHANGE,
        )
    else:
        what = f"{market!r} has no invented archive."
        raise ConfigError(what, where="--market", remedy=f"One of {EVENTS}, {CARRY}.")
    typer.echo(printable(f"{out}: synthetic archive, seed {seed}"))


@app.command("import")
def import_files(
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    markets: Annotated[
        list[Path], typer.Option(help="Parquet of markets (strikes, times, results).", metavar="FILE")
    ] = [],  # noqa: B006
    candles: Annotated[list[Path], typer.Option(help="Parquet of 1-minute candles in cents.", metavar="FILE")] = [],  # noqa: B006
    guidance: Annotated[list[Path], typer.Option(help="Parquet of daily station guidance.", metavar="FILE")] = [],  # noqa: B006
    climate: Annotated[list[Path], typer.Option(help="Parquet of observed daily highs and lows.", metavar="FILE")] = [],  # noqa: B006
    config: Annotated[
        Path | None,
        typer.Option(help="Perpetuals or minutes of shares: a config that reads files of your own.", metavar="FILE"),
    ] = None,
    exchange: Annotated[
        str | None, typer.Option(help="Perpetuals: in whose place; default: binance.", metavar="NAME")
    ] = None,
) -> None:
    """Make an archive from recorded files (docs/archive.md).

    Markets, candles, guidance and climate are Parquet files. Perpetuals and minutes of shares are what a config reads from
    files of your own (data.source or bars.source: files), in every layout that a run takes.
    """
    recorded = {"--markets": markets, "--candles": candles, "--guidance": guidance, "--climate": climate}
    if config is not None:
        _refuse_flags(recorded, "--config is given")
        _import_config(config, out, exchange)
        return
    _refuse_flags({"--exchange": exchange}, "there is no --config")
    if not markets:
        remedy = "Give Parquet files of markets, or --config with a config that reads files of your own."
        raise ConfigError("nothing to import is given.", where="--markets", remedy=remedy)
    from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded

    notes = import_recorded(candles=candles, markets=markets, guidance=guidance, climate=climate, out=out)
    typer.echo(printable(f"{out}: archive of {counted(len(markets), 'market file')}"))
    for note in notes:
        typer.echo(printable(note))


def _import_config(path: Path, out: Path, exchange: str | None) -> None:
    """Import what a config reads from the user's own files."""
    from tradewinds.config import resolve as configs

    conf = configs.load(path)
    notes: Sequence[str]
    if conf["market"] == CARRY:
        from tradewinds.families.funding_carry.archive.imported_perps import EXCHANGE, import_perps_archive

        made = import_perps_archive(conf, out, exchange or EXCHANGE)
        what, notes = f"{made.months} month files", made.notes
    elif conf["market"] == MINUTES:
        from tradewinds.families.equities_intraday.imported_minutes import import_minutes_archive

        _refuse_flags({"--exchange": exchange}, f"the market is {MINUTES}")
        what, notes = f"minutes of {counted(import_minutes_archive(conf, out), 'symbol')}", ()
    else:
        said = f"market is {conf['market']}, whose files no archive is made of in this way."
        raise ConfigError(said, where=f"{path}, market", remedy=f"Take a config of {CARRY} or {MINUTES}.")
    typer.echo(printable(f"{out}: archive of {what}; serve it with tradewinds archive serve --archive {out}"))
    for note in notes:
        typer.echo(printable(note))


def _refuse_flags(given: Mapping[str, object], why: str) -> None:
    """Raise ConfigError for flags that have no meaning here."""
    for flag, value in given.items():
        if value:
            raise ConfigError(f"{why}, and this flag has no meaning then.", where=flag, remedy="Leave it out.")


def record(
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    file: FileArgument = None,
    config: ConfigOption = None,
) -> None:
    """Write what was fetched for a config as an archive that `tradewinds archive serve` serves; fetches nothing.

    Every file must be there (else exit 3 with the list); candles of event contracts with all minutes of the market window.
    """
    config = config_file(file, config)
    from tradewinds.config import resolve as configs

    conf = configs.load(config)
    recorded = _record_perps(conf, out) if conf["market"] == "funding_carry" else _record_events(conf, out)
    typer.echo(printable(f"{out}: archive of {recorded}; serve it with tradewinds archive serve --archive {out}"))


def _record_events(conf: dict[str, Any], out: Path) -> str:
    """Record the events of a config and return how many, in words."""
    from tradewinds.families.kalshi_weather.archive import record as recorder
    from tradewinds.families.kalshi_weather.plan import plan_of

    plan = plan_of(conf)
    events = recorder.record(conf, plan, out)
    if plan.files.user_probabilities:
        typer.echo(printable(f"{plan.files.user_probabilities} is yours, not fetched: it is no part of the archive."))
    return counted(events, "event")


def _record_perps(conf: dict[str, Any], out: Path) -> str:
    """Record the months of perpetuals of a config and return how many, in words."""
    from tradewinds.families.funding_carry.archive.recorded_perps import record_perps
    from tradewinds.families.funding_carry.plan import carry_plan

    return f"{record_perps(conf, carry_plan(conf), out)} month files"
