"""Daily equities as a market family: what the rest of the program sees of them."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.families.contract import COMPUTE, FETCH, RunFile, Service, Stage, Tell
from tradewinds.families.equities_daily.plan import SharesPlan, shares_plan
from tradewinds.families.equities_daily.strategies import table
from tradewinds.families.plan import stale_files
from tradewinds.reference_data.corporate_actions import read_actions
from tradewinds.reference_data.exchanges import exchange_of
from tradewinds.reference_data.universe import universe_of

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.archive.archive import Archive
    from tradewinds.archive.routes import Route
    from tradewinds.config.problems import Problems
    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.contract import Subject
    from tradewinds.results.report.run import Family as Report

_HERE = "families/equities_daily"
_CSV = "text/csv; charset=utf-8"
_MARKETS = "it decides which symbols are replayed, and a sweep compares settings over the same ones"

_SERVICES = {"yahoo": Service("chart")}
_NOT_SWEPT = {
    **dict.fromkeys(("universe", "bars", "actions", "adjust", "on_missing", "calendar"), _MARKETS),
    "risk.currency": "it changes no result",
}


class EquitiesDaily:
    """The contract (families/contract.py) for daily equities."""

    name = "equities_daily"
    services = _SERVICES
    stages = (
        Stage("fetch_bars", "bars", FETCH, wildcards={"symbol": "[A-Z0-9][A-Z0-9.-]*", "year": r"\d{4}"}),
        Stage("import_bars", "bars", COMPUTE, (f"{_HERE}/fetch", f"{_HERE}/schemas.py", "core")),
        Stage("panel", "bars", COMPUTE, (f"{_HERE}/bar_panel.py", f"{_HERE}/schemas.py", "core")),
    )
    code = (
        *("engine/equity.py", "engine/result.py", "engine/shares", "reference_data", "results", "core"),
        *(
            f"{_HERE}/{name}.py"
            for name in ("family", "plan", "replay", "bar_panel", "buy_and_hold", "metrics", "run_files")
        ),
        *(f"{_HERE}/schemas.py", f"{_HERE}/strategies"),
    )
    run_files = (
        RunFile("positions_closed", "positions_closed.csv", _CSV, "every closed position with its exit"),
        RunFile("sessions", "sessions.csv", _CSV, "the account and the benchmark at the close of every trading day"),
        RunFile("prices", "prices.parquet", "application/vnd.apache.parquet", "closes of the symbols that were traded"),
    )
    headlines = (
        ("Annualised return, %", "annualised_return_pct"),
        ("Exposure, %", "exposure_pct"),
        ("Days held, mean", "avg_holding_days"),
        ("Above buy and hold, %", "excess_return_pct"),
    )
    days_per_year = 252
    replay_keys = frozenset({"risk", "strategy", "costs", "fill"})
    not_swept = _NOT_SWEPT
    strategies = table.STRATEGIES

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """What the schema cannot say: known strategy and calendar, readable side files, exact money."""

        def asked(question: Callable[[], Any], path: tuple[str | int, ...]) -> None:
            try:
                question()
            except ConfigError as error:
                inside = tuple(error.where.split(".")) if error.where.startswith(f"{path[0]}.") else path
                what = error.what if inside != path or error.where in ("", ".".join(map(str, path))) else str(error)
                problems.add(inside, what, error.remedy if what is error.what else "")

        asked(lambda: table.chosen(config), ("strategy", "name"))
        asked(lambda: exchange_of(config["calendar"]), ("calendar",))
        if isinstance(config["universe"], dict):
            asked(lambda: universe_of(config), ("universe", "file"))
        if config["actions"] is not None:
            asked(lambda: read_actions(config["actions"]), ("actions",))
        for section, key in (("risk", "start_balance"), ("costs", "min_commission")):
            if -int(Decimal(str(config[section][key])).as_tuple().exponent) > 6:
                problems.add((section, key), "has more than 6 decimals.", "Money is exact to a millionth.")

    def currency(self, config: Mapping[str, Any]) -> str:
        """The config's own."""
        return str(config["risk"]["currency"])

    def fees(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Commission and slippage."""
        return dict(config["costs"])

    def series(self, config: Mapping[str, Any]) -> list[str]:
        """The symbols of a config, or the file that names them."""
        return list(config["universe"]) if isinstance(config["universe"], list) else [config["universe"]["file"]]

    def date_of(self, event: str, decision_date: dt.date) -> dt.date:
        """The day of the signal."""
        return decision_date

    def plan(self, config: Mapping[str, Any]) -> SharesPlan:
        """The files of a config's symbols and years."""
        return shares_plan(config)

    def cost(self, config: Mapping[str, Any], plan: SharesPlan) -> tuple[list[dict[str, Any]], list[str]]:
        """Rows of the dry run: files of bars, and what fetching them costs."""
        missing = [path for path in plan.files.bars if not Path(path).exists()]
        asked = len({*plan.missing(), *stale_files(plan)})
        rate = config["yahoo"]["requests_per_second"]
        time = str(dt.timedelta(seconds=math.ceil(asked / rate)))
        row = {
            "what": "symbol-years of bars",
            "total": len(plan.files.bars),
            "present": len(plan.files.bars) - len(missing),
        }
        notes = [f"{len(plan.files.universe)} symbols, bars from {plan.files.source_file or plan.files.source}."]
        done = Path(plan.run_dir, "metrics.json").exists()
        notes.append(
            f"Run {plan.run_id}: {'its results are there' if done else 'not yet simulated'} ({plan.run_dir}/)."
        )
        return [{**row, "missing": len(missing), "requests": asked, "time": time}], notes

    def parameters(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """All that the strategy has."""
        return dict(table.chosen(config)[0].DEFAULTS)

    def reads(self, config: Mapping[str, Any]) -> int:
        """How many bars a signal looks back: it decides which years are read."""
        return table.history_of(config)

    def replay(self, config: Mapping[str, Any], plan: SharesPlan, threads: int, tell: Tell) -> RunResult:
        """Replay the trading days, and write `run_files`; raises as replay.simulate."""
        from tradewinds.families.equities_daily import replay

        return replay.simulate(config, plan, threads, tell)

    def replay_many(self, configs: Sequence[Mapping[str, Any]], plan: SharesPlan, workers: int) -> list[Summary]:
        """The runs of a sweep's points; raises as replay.simulate_many."""
        from tradewinds.families.equities_daily import replay

        return replay.simulate_many(configs, plan, workers)

    def validate(self, config: Mapping[str, Any], plan: SharesPlan, where: str, console: Console) -> None:
        """Say which files of bars are there, and what of them is quarantined."""
        there = [path for path in plan.files.bars if Path(path).exists()]
        console.print(
            f"{where} is valid: run {plan.run_id}, {len(plan.files.universe)} symbols, strategy {config['strategy']['name']}.",
            soft_wrap=True,
        )
        console.print(f"{len(there)} of {len(plan.files.bars)} symbol-years of bars are there.")
        rows: Counter[str] = Counter()
        for path in there:
            rows.update(files.read_meta(path)["quarantined"])
        for reason, count in sorted(rows.items()):
            console.print(f"{count:,} row(s) quarantined: {reason}")

    def lookahead(self, config: Mapping[str, Any], plan: SharesPlan) -> Subject:
        """The replay, made again on changed copies of bars, corporate actions and universe."""
        from tradewinds.families.equities_daily.lookahead import SharesRun

        return SharesRun(config, plan)

    def report(self) -> Report:
        """The report's sections."""
        from tradewinds.families.equities_daily.report import REPORT

        return REPORT

    def archive_routes(self, archive: Archive, cutoff: dt.date | None) -> Mapping[str, Route]:
        """The route of the chart API, which has one tier and so no cutoff."""
        from tradewinds.families.equities_daily import archive_routes

        return archive_routes.routes_of(archive)


FAMILY = EquitiesDaily()
