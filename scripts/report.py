"""Make a run's report (report.md, report.html, plots/) from the run's files alone."""

from pathlib import Path

from tradewinds.config import markets
from tradewinds.core import yaml_text
from tradewinds.pipeline.jobs import enter_storage, run_job
from tradewinds.results.report import write_report
from tradewinds.results.run_files import RUN_LOG


def report(folder: Path) -> None:
    """Write the report of the run in `folder`, with the sections of its market family."""
    config = yaml_text.load((folder / "config_resolved.yaml").read_text(encoding="utf-8"))
    write_report(folder, markets.family_of(config["market"]).report())


if __name__ == "__main__":
    enter_storage(snakemake)
    folder = Path(snakemake.output.report).parent
    run_job(lambda: report(folder), rule="report", log=snakemake.log[0], run_log=folder / RUN_LOG)
