"""`tradewinds archive serve|synthetic|import`, `tradewinds record`, and `tradewinds replay`, which is `archive serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tradewinds.cli.options import ConfigOption, date_of
from tradewinds.core.safe_text import printable
from tradewinds.core.text import counted

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
) -> None:
    """Serve an archive in place of the services that its data is from, on this machine, until Ctrl-C.

    Prints the base_url of each service; set it in the config, for example kalshi.base_url to
    http://127.0.0.1:PORT/trade-api/v2.
    """
    # Imported here, as in every command: the server needs pyarrow and DuckDB, which `--help` does not.
    from tradewinds.archive import server
    from tradewinds.archive.faults import FaultPlan

    server.serve_forever(
        archive,
        port=port,
        cutoff=date_of(cutoff, "--cutoff") if cutoff else None,
        max_requests_per_second=max_requests_per_second,
        log=log,
        faults=FaultPlan(faults, fault_seed, stall_seconds=stall_seconds) if faults else None,
    )


@app.command()
def synthetic(
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 7,
) -> None:
    """Make a small archive of invented weather and order books, from a seed."""
    from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic

    make_synthetic(out, seed=seed)
    typer.echo(printable(f"{out}: synthetic archive, seed {seed}"))


@app.command("import")
def import_files(
    markets: Annotated[list[Path], typer.Option(help="Parquet of markets (strikes, times, results).", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    candles: Annotated[list[Path], typer.Option(help="Parquet of 1-minute candles in cents.", metavar="FILE")] = [],  # noqa: B006
    guidance: Annotated[list[Path], typer.Option(help="Parquet of daily station guidance.", metavar="FILE")] = [],  # noqa: B006
    climate: Annotated[list[Path], typer.Option(help="Parquet of observed daily highs and lows.", metavar="FILE")] = [],  # noqa: B006
) -> None:
    """Make an archive from recorded Parquet files (columns: docs/archive.md)."""
    from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded

    notes = import_recorded(candles=candles, markets=markets, guidance=guidance, climate=climate, out=out)
    typer.echo(printable(f"{out}: archive of {counted(len(markets), 'market file')}"))
    for note in notes:
        typer.echo(printable(note))


def record(
    config: ConfigOption,
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
) -> None:
    """Write what was fetched for a config as an archive that `tradewinds archive serve` serves; fetches nothing.

    Every file must be there (else exit 3 with the list); candles of event contracts with all minutes of the market window.
    """
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
