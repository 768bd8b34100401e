"""What every engine's process shares: its command line, its clock, and how it tells what it did."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from benchmarks.peers import STARTED


def arguments(description: str) -> argparse.Namespace:
    """The command line of an engine's process: folder, --mode, --cash (cents) and --events."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mode", choices=["shared", "isolated", "per_market"], default="shared")
    parser.add_argument("--cash", type=int, default=1000)
    parser.add_argument("--events", type=int)
    parser.add_argument("--twice", action="store_true", help="do it again in the same process, once compiled or warm")
    return parser.parse_args()


class Stopwatch:
    """Seconds of a process' phases, by name; the first, "import", ends when this is made."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self._since = STARTED
        self.lap("import")

    def lap(self, phase: str) -> None:
        """The time since the last call belongs to this phase."""
        now = time.perf_counter()
        self.phases[phase] = self.phases.get(phase, 0.0) + now - self._since
        self._since = now


def tell(version: str, rows: int, trades: int, pnl_cents: float, fees_cents: float, watch: Stopwatch, **more) -> None:
    """The last line of an engine's process: what it did, as JSON. Amounts must come out in whole cents."""
    if round(pnl_cents, 6) != round(pnl_cents) or round(fees_cents, 6) != round(fees_cents):
        raise ValueError(f"{pnl_cents}, {fees_cents}: not in whole cents")
    found = {"trades": trades, "pnl_cents": round(pnl_cents), "fees_cents": round(fees_cents)}
    seconds = {f"{phase}_s": round(value, 3) for phase, value in watch.phases.items()}
    print(json.dumps({"version": version, "rows": rows, **found, **seconds, **more}))
