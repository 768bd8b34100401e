"""Daily equities as a market family: what the rest of the program sees of them."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds import strategies
from tradewinds.config.problems import Problems
from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.families.equities_daily.plan import EquitiesPlan, plan_of
from tradewinds.families.plan import stale_files
from tradewinds.reference_data.corporate_actions import read_actions
from tradewinds.reference_data.exchanges import exchange_of
from tradewinds.reference_data.universe import universe_of

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.families.contract import Subject
    from tradewinds.results.report.run import Family as Report


__all__ = ["plan_of"]

# Keys of a config that change neither what is read nor which symbols are replayed.
REPLAY_KEYS = frozenset({"risk", "strategy", "costs", "fill"})
_MARKETS = "it decides which symbols are replayed, and a sweep compares settings over the same ones"
NOT_SWEPT = {
    **dict.fromkeys(("universe", "bars", "actions", "adjust", "on_missing", "calendar"), _MARKETS),
    "risk.currency": "it changes no result",
}
BY_EVENT = False
RULES = ("bars",)
FILES = {"positions_closed": "positions_closed.csv", "sessions": "sessions.csv", "prices": "prices.parquet"}
HEADLINES = (
    ("Annualised return, %", "annualised_return_pct"),
    ("Exposure, %", "exposure_pct"),
    ("Days held, mean", "avg_holding_days"),
    ("Above buy and hold, %", "excess_return_pct"),
)


def check(config: dict[str, Any], problems: Problems) -> None:
    """What the schema cannot say: known strategy and calendar, readable side files, exact money."""

    def asked(question: Callable[[], Any], path: tuple[str | int, ...]) -> None:
        try:
            question()
        except ConfigError as error:
            inside = tuple(error.where.split(".")) if error.where.startswith(f"{path[0]}.") else path
            what = error.what if inside != path or error.where in ("", ".".join(map(str, path))) else str(error)
            problems.add(inside, what, error.remedy if what is error.what else "")

    asked(lambda: strategies.of_shares(config), ("strategy", "name"))
    asked(lambda: exchange_of(config["calendar"]), ("calendar",))
    if isinstance(config["universe"], dict):
        asked(lambda: universe_of(config), ("universe", "file"))
    if config["actions"] is not None:
        asked(lambda: read_actions(config["actions"]), ("actions",))
    for section, key in (("risk", "start_balance"), ("costs", "min_commission")):
        if -int(Decimal(str(config[section][key])).as_tuple().exponent) > 6:
            problems.add((section, key), "has more than 6 decimals.", "Money is exact to a millionth.")


def plan_rows(conf: Mapping[str, Any], plan: EquitiesPlan) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the dry run: files of bars, and what fetching them costs."""
    missing = [path for path in plan.bars if not Path(path).exists()]
    asked = len({*plan.missing(), *stale_files(plan)})
    rate = conf["yahoo"]["requests_per_second"]
    time = str(dt.timedelta(seconds=math.ceil(asked / rate)))
    row = {"what": "symbol-years of bars", "total": len(plan.bars), "present": len(plan.bars) - len(missing)}
    notes = [f"{len(plan.universe)} symbols, bars from {plan.source_file or plan.source}."]
    done = Path(plan.run_dir, "metrics.json").exists()
    notes.append(f"Run {plan.run_id}: {'its results are there' if done else 'not yet simulated'} ({plan.run_dir}/).")
    return [{**row, "missing": len(missing), "requests": asked, "time": time}], notes


def resources(conf: Mapping[str, Any], parallel: int | None) -> dict[str, int]:
    """Connections to the chart API."""
    return {"chart": conf["yahoo"]["max_connections"]}


def series(conf: Mapping[str, Any]) -> list[str]:
    """The symbols of a config, or the file that names them."""
    return list(conf["universe"]) if isinstance(conf["universe"], list) else [conf["universe"]["file"]]


def reads(conf: Mapping[str, Any]) -> int:
    """How many bars a signal looks back: it decides which years are read."""
    return strategies.history_of(conf)


def validate(conf: Mapping[str, Any], plan: EquitiesPlan, where: str, console: Console) -> None:
    """Say which files of bars are there, and what of them is quarantined."""
    there = [path for path in plan.bars if Path(path).exists()]
    console.print(
        f"{where} is valid: run {plan.run_id}, {len(plan.universe)} symbols, strategy {conf['strategy']['name']}.",
        soft_wrap=True,
    )
    console.print(f"{len(there)} of {len(plan.bars)} symbol-years of bars are there.")
    rows: Counter[str] = Counter()
    for path in there:
        rows.update(files.read_meta(path)["quarantined"])
    for reason, count in sorted(rows.items()):
        console.print(f"{count:,} row(s) quarantined: {reason}")


def lookahead(conf: Mapping[str, Any], plan: EquitiesPlan) -> Subject:
    """The replay, made again on changed copies of bars, corporate actions and universe."""
    from tradewinds.families.equities_daily.lookahead import SharesRun

    return SharesRun(conf, plan)


def report() -> Report:
    """The report's sections."""
    from tradewinds.families.equities_daily.report import REPORT

    return REPORT
