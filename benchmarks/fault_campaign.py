"""The large fault campaign: `python benchmarks/fault_campaign.py [--faults 100000] [--kills 1000]`.

It fetches a world of all services (the exchange, the weather service, the chart API of shares by the day and by the minute)
again and again through a server that misbehaves, each time with another seed, while workers are killed at random moments. A
clean run, two runs at once over the same data folder, and every run with faults and kills must leave the same files, byte for
byte apart from retrieval times. It stops with an error at the first difference.

A run is bound by the CPU time of its workers and their server, about 13 ms a fault; TMPDIR on a disk in memory saves the
waits for fsync. 65 of 100 requests meet a fault, at most three in a row.
"""

import argparse
import math
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.workflow import fault_campaign as campaign
from tests.workflow.fault_world import make_world
from tradewinds.archive.faults import WEIGHTS, FaultPlan
from tradewinds.families.kalshi_weather.archive.spoilt_answers import KINDS

KILLS_PER_RUN = 50
RATE = 0.65
MOST_DAYS = 360  # a world is within one year


class Campaign:
    """One world, and the runs over it."""

    def __init__(self, work: Path, days: int, *, only_perps: bool = False) -> None:
        self.work, self.dates = work, make_world(work / "archive", days)
        self.stages = campaign.stages_of(self.dates)
        if only_perps:
            self.stages = [[job for stage in self.stages for job in stage if job["job"] == campaign.PERP_JOB]]
        self.faults: Counter[str] = Counter()
        self.kills = 0

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
        with campaign.world_server(self.work / "archive", self.dates, faults=plan) as server:
            if drivers > 1:
                campaign.drive(folder, server, self.stages[:1])
            dice = seed or 1
            running = [campaign.start(folder, server, self.stages, kills=kills, seed=dice) for _ in range(drivers)]
            reports = [campaign.finish(one) for one in running]
        self.faults += server.faults
        failures = [failure for report in reports for failure in report["failures"]]
        unexpected = [failure["message"] for failure in failures if failure["exit_code"] != 4]
        found = campaign.contents(folder)
        killed = sum(report["kills"] for report in reports)
        self.kills += killed
        twice = sum(count > 1 for count in campaign.candle_requests(server).values())
        print(
            f"{name:<16} {campaign.events_of(found)} events, {len(found)} files, {len(server.requests)} requests,"
            f" {sum(server.faults.values())} faults, {killed} kills, {len(failures)} jobs refused,"
            f" {time.monotonic() - started:.0f} s",
            flush=True,
        )
        if unexpected:
            raise SystemExit(f"{name}: {len(unexpected)} unexpected errors, the first one:\n{unexpected[0]}")
        if drivers > 1 and twice:
            raise SystemExit(f"{name}: {twice} candle requests were sent twice")
        return found

    def compare(self, name: str, clean: dict[str, str], found: dict[str, str]) -> None:
        """Stop with an error if two runs left different files.

        Args:
            name: name of the run, for the error.
            clean: what the clean run left, as from `run`.
            found: what this run left.
        """
        wrong = sorted(path for path in clean.keys() | found.keys() if clean.get(path) != found.get(path))
        if wrong:
            raise SystemExit(f"{name}: {len(wrong)} files differ from the clean run's, the first is {wrong[0]}")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Fetch a world through faults and kills until both numbers are reached."
    )
    parser.add_argument("--faults", type=int, default=100_000, help="faults of the services to meet, over all runs")
    parser.add_argument(
        "--kills", type=int, default=1_000, help="kill -9 of a worker at a random moment, over all runs"
    )
    parser.add_argument("--days", type=int, default=60, help="climate dates of the world, over four series")
    parser.add_argument(
        "--seed", type=int, default=3, help="of the first run with faults; each one after it has the next"
    )
    parser.add_argument("--only-perps", action="store_true", help="fetch the months of perpetuals alone")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no further run after so long")
    wanted = parser.parse_args()
    if not 4 < wanted.days <= MOST_DAYS:
        parser.error(f"--days: 5 to {MOST_DAYS}")
    return wanted


def main() -> None:
    """Run the campaign and print its figures."""
    wanted, began = options(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        large = Campaign(Path(folder), wanted.days, only_perps=wanted.only_perps)
        clean = large.run("clean")
        large.compare("two at once", clean, large.run("two at once", drivers=2))
        seeds = []
        while large.faults.total() < wanted.faults or large.kills < wanted.kills:
            if time.monotonic() - began > 60 * wanted.minutes:
                break
            seeds.append(wanted.seed + len(seeds))
            left = min(KILLS_PER_RUN, wanted.kills - large.kills)
            name = f"seed {seeds[-1]}"
            large.compare(name, clean, large.run(name, seed=seeds[-1], kills=max(0, left)))
            shutil.rmtree(large.work / name)
    what = f"{large.faults.total():,} faults and {large.kills:,} kills in {len(seeds)} runs"
    print(f"all the same: {what}, seeds {seeds[:1]} to {seeds[-1:]}, {(time.monotonic() - began) / 60:.0f} minutes")
    kinds = sorted({*WEIGHTS, *KINDS, *large.faults})
    print(", ".join(f"{kind} {large.faults[kind]:,}" for kind in kinds))


if __name__ == "__main__":
    main()
