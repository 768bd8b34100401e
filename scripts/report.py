"""Make a run's report (report.md, report.html, plots/) from the run's files alone."""

from pathlib import Path

from tradewinds.jobs import enter_storage, run_job
from tradewinds.markets.kalshi_report import REPORT
from tradewinds.results.report import write_report


def report(folder: Path) -> None:
    write_report(folder, REPORT)


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(lambda: report(Path(snakemake.output.report).parent), stage="report", log=snakemake.log[0])
