"""The large fault campaign: `python benchmarks/fault_campaign.py [DAYS] [KILLS]`, by default 1,200 events and 300 kills.

A clean run, a run with faults, a run with kill -9 at random moments, a run with both, and two runs at once over the same data
folder must all leave the same files, byte for byte apart from retrieval times. It stops with an error at the first
difference.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.workflow import fault_campaign as campaign
from tests.workflow.fault_world import cutoff_of, make_world
from tradewinds.archive.faults import WEIGHTS, FaultPlan
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather.archive.spoilt_answers import KINDS

DAYS, KILLS = 300, 300
RATE = 0.4
MOST_DAYS = 360  # a world is within one year


class Campaign:
    """One world, and the runs over it."""

    def __init__(self, work: Path, days: int) -> None:
        self.work, self.dates = work, make_world(work / "archive", days)
        self.stages = campaign.stages_of(self.dates)
        self.faults: Counter[str] = Counter()

    def run(self, name: str, *, drivers: int = 1, seed: int | None = None, kills: int = 0) -> dict[str, str]:
        """Fetch everything into a folder of its own.

        Args:
            name: name of the run and its folder.
            drivers: number of runs at once in the folder.
            seed: seed of the faults; None for none.
            kills: number of kill -9 at random moments.

        Returns:
            SHA-256 of the content of each data file, by path, without retrieval times.
        """
        plan = None if seed is None else FaultPlan(RATE, seed, stall_seconds=campaign.STALL_SECONDS)
        folder, started = self.work / name, time.monotonic()
        with running_server(self.work / "archive", cutoff=cutoff_of(self.dates), faults=plan) as server:
            if drivers > 1:
                campaign.drive(folder, server, self.stages[:1])
            running = [campaign.start(folder, server, self.stages, kills=kills) for _ in range(drivers)]
            reports = [campaign.finish(one) for one in running]
        self.faults += server.faults
        failures = [failure for report in reports for failure in report["failures"]]
        unexpected = [failure["message"] for failure in failures if failure["exit_code"] != 4]
        found = campaign.contents(folder)
        killed = sum(report["kills"] for report in reports)
        twice = sum(count > 1 for count in campaign.candle_requests(server).values())
        print(
            f"{name:<16} {campaign.events_of(found)} events, {len(server.requests)} requests,"
            f" {sum(server.faults.values())} faults, {killed} kills, {len(failures)} jobs refused,"
            f" {time.monotonic() - started:.0f} s",
            flush=True,
        )
        if unexpected:
            raise SystemExit(f"{name}: {len(unexpected)} unexpected errors, the first one:\n{unexpected[0]}")
        if drivers > 1 and twice:
            raise SystemExit(f"{name}: {twice} candle requests were sent twice")
        return found


def main() -> None:
    """Run the campaign and print its figures."""
    days, kills = (int(text) for text in (*sys.argv[1:], *map(str, (DAYS, KILLS)[len(sys.argv) - 1 :])))
    if not 4 < days <= MOST_DAYS:
        raise SystemExit(f"days: 5 to {MOST_DAYS}")
    with tempfile.TemporaryDirectory() as folder:
        large = Campaign(Path(folder), days)
        clean = large.run("clean")
        trials = {
            "faults": {"seed": 3},
            "faults again": {"seed": 4},
            "kill -9": {"kills": kills},
            "faults, kill -9": {"seed": 5, "kills": kills},
            "two at once": {"drivers": 2},
        }
        for name, settings in trials.items():
            found = large.run(name, **settings)
            wrong = sorted(path for path in clean.keys() | found.keys() if clean.get(path) != found.get(path))
            if wrong:
                raise SystemExit(f"{name}: {len(wrong)} files differ from the clean run's, the first is {wrong[0]}")
    print("all the same;", ", ".join(f"{kind} {large.faults[kind]}" for kind in sorted({*WEIGHTS, *KINDS})))


if __name__ == "__main__":
    main()
