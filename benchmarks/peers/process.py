"""What the processes of all engines share: command line, stopwatch, and the line of JSON they print."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from benchmarks.peers import STARTED


def arguments(description: str) -> argparse.Namespace:
    """Read the command line of an engine's process: folder, --mode, --cash (cents) and --events."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mode", choices=["shared", "isolated", "per_market"], default="shared")
    parser.add_argument("--cash", type=int, default=1000)
    parser.add_argument("--events", type=int)
    parser.add_argument("--twice", action="store_true", help="do it again in the same process, once compiled or warm")
    return parser.parse_args()


class Stopwatch:
    """Seconds of the phases of a process, by name; the first phase, "import", ends when this object is made."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self._since = STARTED
        self.lap("import")

    def lap(self, phase: str) -> None:
        """Add the time since the last call to a phase."""
        now = time.perf_counter()
        self.phases[phase] = self.phases.get(phase, 0.0) + now - self._since
        self._since = now


def tell(version: str, rows: int, trades: int, pnl_cents: float, fees_cents: float, watch: Stopwatch, **more) -> None:
    """Print the figures of a process as a line of JSON, its last line of output.

    Args:
        version: version of the engine.
        rows: rows that were read.
        trades: number of trades.
        pnl_cents: P&L, which must be a whole number of cents.
        fees_cents: fees, which must be a whole number of cents.
        watch: seconds by phase.
        more: further figures by name.
    """
    if round(pnl_cents, 6) != round(pnl_cents) or round(fees_cents, 6) != round(fees_cents):
        raise ValueError(f"{pnl_cents}, {fees_cents}: not in whole cents")
    found = {"trades": trades, "pnl_cents": round(pnl_cents), "fees_cents": round(fees_cents)}
    seconds = {f"{phase}_s": round(value, 3) for phase, value in watch.phases.items()}
    print(json.dumps({"version": version, "rows": rows, **found, **seconds, **more}))
