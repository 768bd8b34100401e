"""Make a run's report (report.md, report.html, plots/) from the run's files alone."""

from pathlib import Path

from tradewinds.pipeline.jobs import enter_storage, run_job
from tradewinds.pipeline.result_jobs import write_run_report
from tradewinds.results.run_files import RUN_LOG

if __name__ == "__main__":
    enter_storage(snakemake)
    folder = Path(snakemake.output.report).parent
    run_job(lambda: write_run_report(folder), rule="report", log=snakemake.log[0], run_log=folder / RUN_LOG)
