"""Runs side by side, as frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.core.errors import ConfigError
from tradewinds.database.comparison import comparison_of, from_folder, warnings_of
from tradewinds.session.finished_run import Run
from tradewinds.session.making import load

if TYPE_CHECKING:
    import pandas as pd

    from tradewinds.session.shown_figure import ShownFigure


def compare(*runs: Run | str | Path) -> RunComparison:
    """Compare runs: figures, settings that differ, and what each made on the days that all of them cover.

    Args:
        *runs: two or more runs, or their ids or folders.

    Raises:
        ConfigError: there are fewer than two, or there is no such run.
    """
    if len(runs) < 2:
        raise ConfigError("to compare takes two runs at least.", where="compare", remedy="tw.runs() lists them.")
    return RunComparison([run if isinstance(run, Run) else load(run) for run in runs])


class RunComparison:
    """Runs side by side; columns of its frames are the beginnings of run ids.

    Args:
        runs: two or more.

    Attributes:
        runs: the runs.
        warnings: sentences on what makes the comparison unfair.
        content: all of it, as `tradewinds compare --json` prints it.
    """

    def __init__(self, runs: list[Run]) -> None:
        found = [from_folder(run.folder) for run in runs]
        self.runs = runs
        self.warnings = warnings_of(found)
        self.content: dict[str, Any] = comparison_of(found)

    @property
    def metrics(self) -> pd.DataFrame:
        """A row per figure."""
        return self._frame(self.content["metrics"]).astype("float64")

    @property
    def settings(self) -> pd.DataFrame:
        """A row per setting that differs."""
        return self._frame(self.content["config_differences"])

    @property
    def common_days(self) -> pd.DataFrame:
        """Number and P&L of the trades on the days that all runs cover."""
        common = self.content["common_days"]
        return self._frame({name: common[name] for name in ("num_trades", "pnl_usd")}).astype("float64")

    def plot(self) -> ShownFigure:
        """Draw the equity of all runs, each as a change since its start in percent."""
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        from tradewinds.results.report.pictures import DPI, LAYERS
        from tradewinds.session.shown_figure import ShownFigure

        figure = ShownFigure(figsize=(9, 4.2), dpi=DPI, layout="constrained")
        axes = figure.subplots()
        for number, (run, name) in enumerate(zip(self.runs, self._names(), strict=True)):
            equity = run.equity["equity_usd"]
            change = (equity / run.details["start_balance_usd"] - 1) * 100
            axes.step(equity.index, change, where="post", color=LAYERS[number % len(LAYERS)], label=name)
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        axes.set_ylabel("Change of equity, %")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, fontsize=9)
        return figure

    def _names(self) -> list[str]:
        """Names of the columns: beginnings of run ids, long enough to be different."""
        ids = [run.id for run in self.runs]
        return next((short for n in (8, 13, 18) if len(set(short := [i[:n] for i in ids])) == len(ids)), ids)

    def _frame(self, rows: dict[str, list[Any]]) -> pd.DataFrame:
        """A frame of values by name, with a column per run."""
        import pandas as pd

        return pd.DataFrame.from_dict(rows, orient="index", columns=self._names())

    def __repr__(self) -> str:
        """Return the runs that are compared."""
        return f"<Comparison of {', '.join(self._names())}>"

    def _repr_html_(self) -> str:
        """Return the figures, the settings that differ and the warnings, for a notebook."""
        import html

        said = "".join(f"<p>{html.escape(line)}</p>" for line in self.warnings)
        return f"{self.settings.to_html()}{self.metrics.to_html()}{said}"
