"""Fetch a month of one kind of a perpetual's records into one file. Run by its rule as a shell command."""

import argparse

from tradewinds.core.errors import FetchError
from tradewinds.families.funding_carry.fetch.fetch_perp_month_job import fetch_perp_month_job
from tradewinds.pipeline.jobs import run_job


def main() -> None:
    """Read the command line and run the job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--symbol", required=True)
    parser.add_argument("--series", default="")
    parser.add_argument("--kind", required=True)
    parser.add_argument("--month", required=True)
    parser.add_argument("--minutes", required=True, type=int)
    parser.add_argument("--through", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--log", required=True)
    args = parser.parse_args()
    run_job(
        lambda: fetch_perp_month_job(
            args.source, args.symbol, args.kind, args.month, args.minutes, args.through, args.out, args.series
        ),
        rule="fetch_perp_month",
        refused=FetchError,
        log=args.log,
        target=args.out,
    )


if __name__ == "__main__":
    main()
