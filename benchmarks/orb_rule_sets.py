"""Run each rule set of config/orb_*.yaml on given bars, and print the table of docs/equities_intraday.md.

    python benchmarks/orb_rule_sets.py --bars FILE|FOLDER [--symbols S …] [--start DATE] [--end DATE] [--work FOLDER] [--write]

The symbols and dates are the given ones for every rule set; the rest of a rule set is its own, costs included. One row more is
of the defaults, without a rule set. A symbol without bars is left out. `--write` puts the table between its two marks in the
page; without it nothing but the work folder is touched.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PAGE = ROOT / "docs" / "equities_intraday.md"
BEGIN, END = "<!-- rule sets: begin -->", "<!-- rule sets: end -->"
RULE_SETS = {  # file in config/, and its name in the table
    "": "the defaults",
    "orb_classic": "classic",
    "orb_adaptive": "adaptive",
    "orb_first_candle_qqq": "A, as for QQQ",
    "orb_first_candle_tqqq": "A, as for TQQQ",
    "orb_candle_breakout": "B",
    "orb_stocks_in_play": "C",
}
HEADS = ("rule set", "trades", "wins, %", "total R", "R a trade", "P&L", "costs", "return, %", "Sharpe", "drawdown, %")


def config_of(name: str, bars: str, symbols: list[str], start: str, end: str) -> dict[str, Any]:
    """Return the resolved config of a rule set on given bars.

    Args:
        name: of its file, without its ending; "" for the defaults.
        bars: path of the bars.
        symbols: to trade.
        start: date of the first session.
        end: date of the last one.
    """
    from tradewinds.config import resolve

    raw = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8")) if name else {}
    raw |= {
        "market": "equities_intraday",
        "symbols": symbols,
        "date_start_local": start,
        "date_end_local": end,
        "bars": {"source": "files", "path": bars},
    }
    if (
        raw.get("risk", {}).get("slots", 1) > 1
    ):  # an equal part for each symbol, and no more parts than the rule set has
        raw["risk"]["slots"] = min(raw["risk"]["slots"], len(symbols))
    return resolve.resolve(raw, source=f"{name or 'the defaults'} on {bars}")


def measured(conf: dict[str, Any]) -> dict[str, Any]:
    """Replay a config and return its metrics; its bars are imported once for all rule sets."""
    from tradewinds.families.equities_intraday.family import FAMILY
    from tradewinds.families.equities_intraday.fetch.user_minutes import import_minutes
    from tradewinds.families.equities_intraday.session_panel import make_session_panel
    from tradewinds.families.plan import run_plan
    from tradewinds.results.metrics import metrics

    plan = run_plan(conf)
    missing = [file for file in plan.files.months if not Path(file.path).exists()]
    if missing:
        import_minutes(conf, missing)
    if not Path(plan.files.panel).exists():
        make_session_panel(conf, plan)
    return metrics(FAMILY.replay(conf, plan, 1, lambda done, total: None))


def row(name: str, found: dict[str, Any]) -> str:
    """Return a row of the table; a dash for a figure that is not defined."""
    figures = (
        (found["num_trades"], 0),
        (found["win_rate_pct"], 1),
        (found["total_r"], 2),
        (found["expectancy_r"], 3),
        (found["total_pnl_usd"], 2),
        (found["total_fees_usd"], 2),
        (found["roi_pct"], 2),
        (found["sharpe"], 2),
        (found["max_drawdown_pct"], 2),
    )
    cells = ["—" if value is None else f"{value:,.{decimals}f}" for value, decimals in figures]
    return f"| {name} | {' | '.join(cells)} |"


def table(bars: str, symbols: list[str], start: str, end: str) -> str:
    """Run all rule sets and return their table, with a line that says on what; arguments as for `config_of`."""
    rows = [row(words, measured(config_of(name, bars, symbols, start, end))) for name, words in RULE_SETS.items()]
    named = " ".join(symbols) if len(symbols) <= 5 else f"{len(symbols)} symbols"
    note = f"{named}, {start} to {end}, after the costs of each rule set (commissions are in the column):"
    return "\n".join([note, "", f"| {' | '.join(HEADS)} |", f"|---|{'---:|' * (len(HEADS) - 1)}", *rows])


def written(page: str, made: str) -> str:
    """Return a page with the table between its two marks."""
    return re.sub(f"(?s){BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{made}\n{END}", page)


def main() -> None:
    """Print the table; with --write put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=Path, required=True)
    parser.add_argument("--symbols", nargs="+", default=["SPY"])
    parser.add_argument("--start", default="2024-03-26")
    parser.add_argument("--end", default="2025-04-01")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks/scratch/orb-rule-sets")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    bars = str(given.bars.resolve())
    given.work.mkdir(parents=True, exist_ok=True)
    os.chdir(given.work)
    made = table(bars, sorted(given.symbols), given.start, given.end)
    print(made)
    if given.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
