"""Run each preset of funding carry on given records, and print the tables of docs/funding_carry.md.

    python benchmarks/carry_presets.py --data FOLDER [--start DATE] [--end DATE] [--work FOLDER] [--write]

Three tables: the presets, what the tool that `preset: seed` follows would say of the same strategy, and a symbol whose funding
interval changes. `--write` puts them between the two marks of the page; without it nothing but the work folder is touched.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

DATA = ROOT.parent / "shared" / "data" / "crypto"
PAGE = ROOT / "docs" / "funding_carry.md"
BEGIN, END = "<!-- presets: begin -->", "<!-- presets: end -->"
BOTH, CHANGING = ["BTC/USDT:USDT", "ETH/USDT:USDT"], ["XTZ/USDT:USDT"]
HOLD = {"name": "funding_simple", "parameters": {"min_funding_rate": -1, "exit_funding_rate": -1}}
PRESETS = {
    "conservative": {"preset": "conservative"},
    "simple, the defaults": {"name": "funding_simple"},
    "balanced": {"preset": "balanced"},
    "aggressive": {"preset": "aggressive"},
    "seed": {"preset": "seed"},
    "always held": HOLD,
}
SEED = {
    "as it is": {},
    "the perpetual leg needs no money (`spot_only`)": {"margin": {"capital_rule": "spot_only"}},
    "… and fills at the last close, without slippage": {
        "margin": {"capital_rule": "spot_only"},
        "execution": {"fill": "last_close"},
        "costs": {"slippage_bps": 0},
    },
}
HEADS = ("", "positions", "funding", "basis", "fees", "slippage", "net, USDT", "return, %", "Sharpe", "drawdown, %")


class Records:
    """Records of some symbols and dates, which are read once."""

    def __init__(self, data: str, symbols: list[str], start: str, end: str) -> None:
        self.base = {
            "market": "funding_carry",
            "symbols": symbols,
            "date_start_local": start,
            "date_end_local": end,
            "data": {"source": "files", "path": data},
            "costs": {"fees": {"schedule": "binance_vip0"}},
        }
        self.study: Any = None

    def row(self, name: str, changes: dict[str, Any]) -> str:
        """Return a row of a table: a replay of the records with some changes of the config."""
        from tradewinds.config import resolve
        from tradewinds.engine.carry.carry_loop import run_carry
        from tradewinds.families.funding_carry.metrics import carry_metrics
        from tradewinds.families.funding_carry.run_rules import rules_of

        costs = {**self.base["costs"], **changes.get("costs", {})}
        conf = resolve.resolve({**self.base, **changes, "costs": costs})
        self.study = self.study or self._read(conf)
        found = carry_metrics(conf, run_carry(self.study.markets, rules_of(conf)), self.study.left_out)
        positions = sum(one["positions"] for one in found["by_symbol"].values())
        amounts = [found[key] for key in ("funding", "price_pnl", "fees", "slippage", "net_pnl", "roi_pct")]
        shown = [f"{amount:,.2f}" for amount in amounts]
        sharpe = "—" if found["sharpe"] is None else f"{found['sharpe']:.2f}"
        return f"| {name} | {positions:,} | {' | '.join(shown)} | {sharpe} | {found['max_drawdown_pct']:.2f} |"

    def _read(self, conf: dict) -> Any:
        """Import the records, make the panel and read it."""
        from tradewinds.families.funding_carry import replay
        from tradewinds.families.funding_carry.fetch.user_perps import import_perps
        from tradewinds.families.funding_carry.make_panel import make_carry_panel
        from tradewinds.families.plan import run_plan

        plan = run_plan(conf)
        import_perps(conf, plan.files.months)
        make_carry_panel(conf, plan)
        return replay.CarryStudy.of(conf, plan)


def table(rows: list[str]) -> str:
    """Return a table of rows."""
    return "\n".join([f"| {' | '.join(HEADS)} |", f"|---{'|---:' * (len(HEADS) - 1)}|", *rows])


def page_part(data: str, start: str, end: str) -> str:
    """Return the three tables with their captions."""
    both = Records(data, BOTH, start, end)
    presets = [both.row(name, {"strategy": strategy}) for name, strategy in PRESETS.items()]
    seed = [both.row(name, {"strategy": {"preset": "seed"}, **changes}) for name, changes in SEED.items()]
    changing = Records(data, CHANGING, "2025-06-01", "2025-12-31")
    rows = [changing.row(name, {"strategy": PRESETS[name]}) for name in ("simple, the defaults", "always held")]
    simple = {"name": "funding_simple", "parameters": {"direction": "both"}}
    rows.append(changing.row("simple, long or short of spot (`direction: both`)", {"strategy": simple}))
    return "\n\n".join(
        [
            f"BTC and ETH, {start} to {end}, 10,000 USDT, margin for both legs, fees of `binance_vip0` (0.1 % spot, 0.05 %"
            "\nperpetual), 5 basis points of slippage a fill:",
            table(presets),
            "The preset `seed` on the same records, under three ways to count. **The second and the third are optimistic**: one"
            "\ncapital is spent twice, and the third also fills at prices that were known before the decision, for nothing.",
            table(seed),
            "XTZ, 2025-06-01 to 2025-12-31, whose funding interval went from 8 hours to 1 and to 4:",
            table(rows),
        ]
    )


def main() -> None:
    """Print the tables, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--start", default="2020-01-01")
    parser.add_argument("--end", default="2025-12-31")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks/scratch/carry_presets")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    data = str(asked.data.resolve())
    asked.work.mkdir(parents=True, exist_ok=True)
    os.chdir(asked.work)
    part = page_part(data, asked.start, asked.end)
    print(part)
    if asked.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{part}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
