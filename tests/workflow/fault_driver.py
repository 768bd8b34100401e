"""Run fetch jobs in a few worker processes and kill some of them: a backfill without Snakemake's cost per job.

`python -m tests.workflow.fault_driver SPEC` (see `fault_campaign.drive`). The jobs are the production functions; only the
waits between retries are shorter. A job that fails loudly is noted and tried again in the next pass, as a user would.
"""

import dataclasses
import datetime as dt
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from tradewinds.core.errors import FetchError
from tradewinds.families.equities_daily.fetch.fetch_bars_job import fetch_bars_job
from tradewinds.families.equities_intraday.fetch import fetch_minutes_job
from tradewinds.families.funding_carry.fetch import binance_rest, bybit, hyperliquid
from tradewinds.families.funding_carry.fetch.fetch_perp_month_job import fetch_perp_month_job
from tradewinds.families.kalshi_weather.fetch import fetch_jobs
from tradewinds.sources import http

JOBS = {  # those of other families than fetch_jobs'
    "fetch_bars_job": fetch_bars_job,
    "fetch_minutes_job": fetch_minutes_job.fetch_minutes_job,
    "fetch_perp_month_job": fetch_perp_month_job,
}
MOST_PASSES = 25
BACKOFF_SECONDS = 0.005
KILL_GAP_SECONDS = (0.005, 0.06)  # an event takes about 0.05 s
POLL_SECONDS = 0.005


class Crew:
    """The workers of one run; `report` tells what happened."""

    def __init__(self, spec: dict) -> None:
        self.workers, self.kills = spec["workers"], spec["kills"]
        self.stages, self.notes = spec["stages"], Path(spec["notes"])
        self.dice = random.Random(spec["seed"])
        self.report = {"kills": 0, "passes": 0, "failures": []}

    def run(self) -> dict:
        """Work through the stages, each in as many passes as it takes."""
        for stage in self.stages:
            for _ in range(MOST_PASSES):
                if all(Path(job["out"]).exists() for job in stage):
                    break
                self.report["passes"] += 1
                self.one_pass(stage)
        if self.notes.exists():
            self.report["failures"] = [json.loads(line) for line in self.notes.read_text().splitlines()]
        return self.report

    def one_pass(self, stage: list[dict]) -> None:
        """Each worker tries its share once; killed ones are replaced."""
        alive = {self.start(stage, number): number for number in range(self.workers)}
        next_kill = time.monotonic() + self.dice.uniform(*KILL_GAP_SECONDS)
        while alive:
            done, _ = os.waitpid(-1, os.WNOHANG)
            if done:
                del alive[done]
            elif self.report["kills"] < self.kills and time.monotonic() > next_kill:
                victim = self.dice.choice(sorted(alive))
                os.kill(victim, signal.SIGKILL)
                _, status = os.waitpid(victim, 0)
                number = alive.pop(victim)
                if os.WIFSIGNALED(status):  # it had not ended by itself a moment before
                    self.report["kills"] += 1
                    alive[self.start(stage, number)] = number
                next_kill = time.monotonic() + self.dice.uniform(*KILL_GAP_SECONDS)
            else:
                time.sleep(POLL_SECONDS)

    def start(self, stage: list[dict], number: int) -> int:
        """Fork a worker for every `workers`-th job; its process id."""
        child = os.fork()
        if not child:
            for job in stage[number :: self.workers]:
                if not Path(job["out"]).exists():
                    self.work(job)
            os._exit(0)
        return child

    def work(self, job: dict) -> None:
        """Run one job; note its failure."""
        try:
            JOBS.get(job["job"], getattr(fetch_jobs, job["job"], None))(*job["arguments"])
        except FetchError as error:
            self.note({"exit_code": error.exit_code, "message": str(error), "out": job["out"]})
        except Exception:  # any other error is what the campaign looks for
            self.note({"exit_code": 1, "message": traceback.format_exc(), "out": job["out"]})

    def note(self, failure: dict) -> None:
        """Append a line, whole or not at all."""
        with open(self.notes, "ab", buffering=0) as notes:
            notes.write(json.dumps(failure).encode() + b"\n")


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text())
    os.chdir(spec["folder"])
    http.BACKOFF_FIRST_SECONDS = BACKOFF_SECONDS
    for exchange in (binance_rest, bybit, hyperliquid):  # which pause for a minute where nothing is said
        exchange.TEXTS = dataclasses.replace(exchange.TEXTS, busy_seconds=BACKOFF_SECONDS)
    now = dt.datetime.fromisoformat(spec["now"])
    fetch_minutes_job.utc_now = lambda: now
    started = time.monotonic()
    report = Crew(spec).run() | {"seconds": time.monotonic() - started}
    Path(spec["report"]).write_text(json.dumps(report))


if __name__ == "__main__":
    main()
