"""The files of a run's folder: one list that the workflow's rules, the report and the web page read.

`EVERY_RUN` is what a run of every market family has; `Family.run_files` is what a family adds.
"""

from __future__ import annotations

from typing import NamedTuple

SIMULATE, REPORT = "simulate", "report"  # rules that make files of a run
APPENDED = "appended"  # in place of a rule: the run and its jobs append to the file, and no rule makes it
RUN_LOG = "run.log"
CSV = "text/csv; charset=utf-8"
JSON = "application/json"
PARQUET = "application/vnd.apache.parquet"
FOLDER = "inode/directory"


class RunFile(NamedTuple):
    """A file of a run's folder, or a folder in it.

    Attributes:
        kind: its name in the workflow's rules.
        name: its file name.
        media_type: as the web page serves it; FOLDER for a folder, which the web page does not serve.
        purpose: what it holds, in words.
        made_by: the rule that makes it; APPENDED for a file to which the run and its jobs append.
    """

    kind: str
    name: str
    media_type: str
    purpose: str
    made_by: str = SIMULATE

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.media_type == FOLDER


EVERY_RUN = (
    RunFile("page", "report.html", "text/html; charset=utf-8", "the report with its plots, to look at", REPORT),
    RunFile("report", "report.md", "text/markdown; charset=utf-8", "the same words as Markdown", REPORT),
    RunFile("plots", "plots", FOLDER, "each plot of the report as SVG and PNG", REPORT),
    RunFile("trades_csv", "trades.csv", CSV, "every trade, in order of execution"),
    RunFile("trades", "trades.parquet", PARQUET, "the same trades with exact types"),
    RunFile("journal", "journal.parquet", PARQUET, "the books: every change of cash or of a position"),
    RunFile("equity", "equity.csv", CSV, "the account over time"),
    RunFile("positions", "positions_daily.csv", CSV, "what was bought, by UTC date and market"),
    RunFile("decisions", "decisions.parquet", PARQUET, "filled and refused orders with their reasons"),
    RunFile("metrics", "metrics.json", JSON, "figures of the run, and what was skipped and refused"),
    RunFile("config", "config_resolved.yaml", "text/plain; charset=utf-8", "the config with all its defaults"),
    RunFile("manifest", "run_manifest.json", JSON, "inputs, versions and the command that makes the run again"),
    RunFile("log", RUN_LOG, "text/plain; charset=utf-8", "what the run and its jobs did, in detail", APPENDED),
)
