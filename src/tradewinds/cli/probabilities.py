"""`tradewinds probabilities`: one date's forecast and every bracket beside its price, for people who trade by hand."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tradewinds.cli import calibrate
from tradewinds.config import resolve as configs
from tradewinds.config.resolve import Config
from tradewinds.core import files
from tradewinds.core.damage import naming_damage
from tradewinds.core.text import instant
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import EventsPlan, plan_of
from tradewinds.pipeline import runner

COLUMNS = (
    *("series_ticker", "event_ticker", "market_ticker", "bracket", "climate_date", "asof_utc", "known_at_utc"),
    *("mu_f", "sigma_f", "method", "reason", "p_yes", "yes_bid", "yes_ask", "edge_yes", "edge_no"),
)

Row = dict[str, Any]


def probabilities(
    config_path: Path, day: dt.date | None, options: runner.RunOptions, console: Console, *, output: str
) -> None:
    """Make the probabilities of one date (of the config's last, if none is given) and show them.

    `output` is "table", "json" or "csv". Edges are P minus price as of the as-of time, without fees.

    Raises:
        ConfigError, DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    loaded = configs.load(config_path)
    day = day or loaded["date_end_local"]
    conf = configs.resolve(loaded | {"date_start_local": day, "date_end_local": day}, source=str(config_path))
    told = console if output == "table" else Console(stderr=True)
    calibrate.make_inputs(conf, options, told)
    plan = plan_of(conf)
    with naming_damage(plan.data_files):
        rows = bracket_rows(conf, plan, day)
    if output == "json":
        print(json.dumps(rows, indent=2))
    elif output == "csv":
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _show(console, rows, files.read_meta(plan.files.probabilities)["events_without"], day)


def bracket_rows(conf: Config, plan: EventsPlan, day: dt.date) -> list[Row]:
    """A row per market with a probability (keys COLUMNS), from the coldest bracket to the hottest, series by series."""
    from tradewinds.families.kalshi_weather.calibration.inputs import (
        asof_of,
        quotes_at,  # here: duckdb and scipy are not light
    )

    rows = []
    said = {row["market_ticker"]: row for row in files.read_rows(plan.files.probabilities)}
    candles = {event.series_ticker: event.path for event in plan.files.events}
    for series, catalog in plan.files.catalogs.items():
        asof = asof_of(conf, climate_days.station_of(series), day)
        quotes = quotes_at([candles[series]], asof)
        listed = files.read_rows(catalog, ["market_ticker", "yes_sub_title", "floor_strike", "cap_strike"], (day, day))
        for market in sorted(listed, key=_coldest):
            if market["market_ticker"] in said:
                rows.append(_row(market, said[market["market_ticker"]], quotes.get(market["market_ticker"])))
    return rows


def _coldest(market: Row) -> float:
    floor, cap = market["floor_strike"], market["cap_strike"]
    return float(floor) if floor is not None else float(cap) - 1000 if cap is not None else 1000.0


def _row(market: Row, said: Row, quote: tuple[float, float] | None) -> Row:
    p = float(said["p_yes"])
    bid, ask = quote or (None, None)
    bid, ask = bid or None, None if ask == 1 else ask  # 0 and 1 are empty sides
    return {
        **{name: said[name] for name in ("series_ticker", "event_ticker", "market_ticker")},
        "bracket": market["yes_sub_title"],
        "climate_date": said["climate_date"].isoformat(),
        "asof_utc": instant(said["asof_ts"]),
        "known_at_utc": instant(said["known_at_ts"]),
        **{name: said[name] for name in ("mu_f", "sigma_f", "method", "reason")},
        "p_yes": p,
        "yes_bid": bid,
        "yes_ask": ask,
        "edge_yes": None if ask is None else round(p - ask, 6),
        "edge_no": None if bid is None else round(bid - p, 6),
    }


def _show(console: Console, rows: list[Row], without: dict[str, str], day: dt.date) -> None:
    for event in dict.fromkeys(row["event_ticker"] for row in rows):
        found = [row for row in rows if row["event_ticker"] == event]
        first = found[0]
        law = "" if first["mu_f"] is None else f", μ {first['mu_f']:.1f} °F, σ {first['sigma_f']:.1f} °F"
        reason = f" ({first['reason']})" if first["reason"] else ""
        console.print(f"{event}: {first['method']}{reason}{law}; as of {first['asof_utc']}", highlight=False)
        table = Table()
        for name in ("bracket", "market", "P(YES)", "bid", "ask", "edge YES", "edge NO"):
            table.add_column(name, justify="left" if name in ("bracket", "market") else "right", no_wrap=True)
        for row in found:
            prices = (_figure(row[name], ".2f") for name in ("yes_bid", "yes_ask"))
            edges = (_figure(row[name], "+.3f") for name in ("edge_yes", "edge_no"))
            table.add_row(
                row["bracket"], row["market_ticker"].rpartition("-")[2], f"{row['p_yes']:.4f}", *prices, *edges
            )
        console.print(table)
    for event, reason in without.items():
        console.print(f"{event}: no probability ({reason})", highlight=False)
    if not rows and not without:
        console.print(f"no market is listed for {day}.")


def _figure(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)
