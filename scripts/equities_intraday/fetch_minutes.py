"""Fetch a month of a symbol's minute bars into one file. Run by its rule as a shell command."""

import argparse

from tradewinds.core.errors import FetchError
from tradewinds.families.equities_intraday.fetch import fetch_minutes_job
from tradewinds.pipeline.jobs import run_job


def main() -> None:
    """Read the command line and run the job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbol", required=True)
    parser.add_argument("--month", required=True)
    parser.add_argument("--calendar", required=True)
    parser.add_argument("--through", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--log", required=True)
    args = parser.parse_args()
    run_job(
        lambda: fetch_minutes_job.fetch_minutes_job(args.symbol, args.month, args.calendar, args.through, args.out),
        rule="fetch_minutes",
        refused=FetchError,
        log=args.log,
    )


if __name__ == "__main__":
    main()
