"""Fetch what an exchange allows of its perpetuals into one file. Run by its rule as a shell command."""

import argparse

from tradewinds.core.errors import FetchError
from tradewinds.families.funding_carry.fetch.fetch_instruments_job import fetch_instruments_job
from tradewinds.pipeline.jobs import run_job


def main() -> None:
    """Read the command line and run the job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--log", required=True)
    args = parser.parse_args()
    run_job(
        lambda: fetch_instruments_job(args.source, args.out),
        rule="fetch_instruments",
        refused=FetchError,
        log=args.log,
        target=args.out,
    )


if __name__ == "__main__":
    main()
