"""Fetch a station's readings of one climate day into one file. Run by its rule as a shell command."""

import argparse
import gc
import sys

if __name__ == "__main__":  # a process of its own, and not a worker of the run
    gc.disable()  # so short a process makes no garbage that is worth collecting
    sys.modules["numpy"] = None  # pyarrow works without numpy, whose import would take a third of the CPU time

from tradewinds.core.errors import FetchError
from tradewinds.families.kalshi_weather.fetch import fetch_jobs
from tradewinds.pipeline.jobs import run_job


def main() -> None:
    """Read the command line and run the job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--station", required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--log", required=True)
    args = parser.parse_args()
    run_job(
        lambda: fetch_jobs.fetch_observations_job(args.station, args.date, args.out),
        rule="fetch_observations",
        refused=FetchError,
        log=args.log,
    )


if __name__ == "__main__":
    main()
