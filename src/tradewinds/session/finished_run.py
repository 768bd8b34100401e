"""A finished run as an object: its figures, tables and pictures, read from the files of its folder."""

from __future__ import annotations

import datetime as dt
import functools
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.config import markets
from tradewinds.core.errors import ConfigError
from tradewinds.core.run_names import read_name
from tradewinds.core.text import metric_text
from tradewinds.results.run_files import EVERY_RUN
from tradewinds.session.settings import Config, dated

if TYPE_CHECKING:
    import pandas as pd

    from tradewinds.results.report.parts import Plot
    from tradewinds.results.report.run import ReportRun
    from tradewinds.session.shown_figure import ShownFigure

_SHOWN_NAMES = 10  # of what a run has traded, in a message
_SHOWN = (  # label and key of the figures that a notebook shows first; an amount's label gets the currency
    ("P&L", "total_pnl_usd"),
    ("Fees", "total_fees_usd"),
    ("Return, %", "roi_pct"),
    ("Trades", "num_trades"),
    ("Win rate, %", "win_rate_pct"),
    ("Max drawdown, %", "max_drawdown_pct"),
    ("Sharpe", "sharpe"),
)


class Run:
    """A finished run. Tables and figures are there at once; the report may still be drawn, and `report` waits for it.

    `tw.run` and `tw.load` make it.

    Args:
        folder: of the run.
        finish: waits until the report is there, and makes it if need be; called with the run.

    Attributes:
        folder: of the run, absolute.
    """

    def __init__(self, folder: Path, finish: Callable[[Run], None]) -> None:
        self.folder = folder
        self._finish = finish

    @property
    def id(self) -> str:
        """The run's id."""
        return self.folder.name

    @property
    def name(self) -> str:
        """What the run was called; "" for a run without a name."""
        return read_name(self.folder).name

    @property
    def note(self) -> str:
        """What is to be remembered of the run; "" for a run without a note."""
        return read_name(self.folder).note

    @functools.cached_property
    def config(self) -> Config:
        """The config with all its defaults, fit to be changed and run again; a URL with a password is left out."""
        return Config.load(self.folder / "config_resolved.yaml")

    @functools.cached_property
    def details(self) -> dict[str, Any]:
        """All of metrics.json: figures, diagnostics, warnings."""
        found: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
        return found

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """All of run_manifest.json: inputs with their digests, versions, the command that makes the run again."""
        found: dict[str, Any] = json.loads((self.folder / "run_manifest.json").read_text(encoding="utf-8"))
        return found

    @property
    def currency(self) -> str:
        """The currency of the account; keys and columns that end in _usd are amounts in it."""
        return markets.currency_of(self.config.market, self.config.resolved)

    @property
    def warnings(self) -> list[str]:
        """What should be known before the figures are believed."""
        return list(self.details.get("warnings", ()))

    @property
    def metrics(self) -> pd.DataFrame:
        """The figures of the run by name, in one column `value`; NaN for a figure that is not defined."""
        import pandas as pd

        figures = {
            key: value
            for key, value in self.details.items()
            if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        }
        series = pd.Series(figures, name="value", dtype="float64").rename_axis("metric")
        return series.to_frame()

    @property
    def trades(self) -> pd.DataFrame:
        """Every trade, by the time of its decision."""
        return self.frame("trades")

    @property
    def equity(self) -> pd.DataFrame:
        """The account over time."""
        return self.frame("equity")

    @property
    def decisions(self) -> pd.DataFrame:
        """Filled and refused orders with their reasons, by the time of the first such decision."""
        return self.frame("decisions")

    @property
    def positions(self) -> pd.DataFrame:
        """What was bought, by UTC date and market."""
        return self.frame("positions")

    @property
    def journal(self) -> pd.DataFrame:
        """The books: every change of cash or of a position."""
        return self.frame("journal")

    def frame(self, name: str, *, exact: bool = False) -> pd.DataFrame:
        """Read a table of the run.

        Args:
            name: a table as `tables` lists it.
            exact: amounts as `decimal.Decimal`, whole numbers as integers and all times as columns, as they were written; else
                floats, and the time as a UTC index.

        Raises:
            ConfigError: the run has no such table.
        """
        from tradewinds.session.frames import read_frame

        tables = self._tables()
        if name not in tables:
            remedy = f"It has {', '.join(tables)}."
            raise ConfigError("the run has no such table.", where=name, remedy=remedy)
        return read_frame(tables[name], exact=exact)

    @property
    def tables(self) -> list[str]:
        """The names that `frame` takes."""
        return list(self._tables())

    def _tables(self) -> dict[str, Path]:
        """The tables of the run by name; where a table is there as CSV and with exact types, the latter."""
        found: dict[str, Path] = {}
        for file in (*EVERY_RUN, *markets.family_of(self.config.market).run_files):
            path = self.folder / file.name
            if path.suffix in (".csv", ".parquet") and path.exists():
                found[file.kind] = path
        return {
            kind: path for kind, path in found.items() if kind.removesuffix("_csv") not in found or kind[-4:] != "_csv"
        }

    def wait(self) -> Run:
        """Wait until the report is there, and return the run.

        Raises:
            TradewindsError: the report could not be made.
        """
        self._finish(self)
        return self

    @property
    def report(self) -> Path:
        """The path of report.html; waits until it is there.

        Raises:
            TradewindsError: the report could not be made.
        """
        return self.wait().folder / "report.html"

    def plot(self, name: str = "equity") -> ShownFigure:
        """Draw a plot of the report, as a matplotlib figure.

        Args:
            name: of the plot, as `plots` lists it; `equity` is the account and its drawdown.

        Raises:
            ConfigError: the report has no such plot.
        """
        from tradewinds.results.report.run import read_curve
        from tradewinds.results.report.sections import equity_plot

        run = self._read()
        if name == "equity":
            curve = read_curve(self.folder / "equity.csv")
            if not len(curve.t):
                raise ConfigError("the run has no point of equity.", where=name, remedy="Look at run.decisions.")
            return _drawn(equity_plot(run, curve))
        plots = {plot.name: plot for plot in self._plots(run)}
        if name not in plots:
            raise ConfigError(
                "the report has no such plot.", where=name, remedy=f"It has {', '.join(plots) or 'none'}."
            )
        return _drawn(plots[name])

    @property
    def plots(self) -> list[str]:
        """The names that `plot` takes."""
        return [plot.name for plot in self._plots(self._read())]

    def event(self, name: str, day: str | dt.date | None = None) -> RunEvent:
        """Return one thing that the run traded, for `run.event(…).plot()`.

        Args:
            name: an event, a series, a symbol: as the columns of the trades name it.
            day: its day, where the name stands for many.

        Raises:
            ConfigError: the run has nothing of this name; says which it has that is like it.
        """
        from tradewinds.core.near_names import meant

        run = self._read()
        known = list(dict.fromkeys(markets.family_of(run.config["market"]).unit_names(run)))
        if name not in known:
            more = f", … ({len(known) - _SHOWN_NAMES:,} more)" if len(known) > _SHOWN_NAMES else ""
            otherwise = f"It has {', '.join(known[:_SHOWN_NAMES]) or 'none'}{more}."
            raise ConfigError(
                "the run has nothing of this name.", where=name, remedy=meant(name, known, otherwise, most=3)
            )
        return RunEvent(self, name, None if day is None else dated(day))

    def _plots(self, run: ReportRun) -> list[Plot]:
        """The plots of the report."""
        from tradewinds.results.report.write import page_of

        return page_of(self.folder, markets.family_of(run.config["market"]).report()).plots()

    def _read(self) -> ReportRun:
        """The run as a report sees it."""
        from tradewinds.results.report.run import read_run

        return read_run(self.folder)

    def __repr__(self) -> str:
        """Return the main figures in one line."""
        pnl = f"{metric_text('total_pnl_usd', self.details['total_pnl_usd'])} {self.currency}"
        return f"<Run {self.id}: P&L {pnl}, {self.details['num_trades']:,} trades>"

    def _repr_html_(self) -> str:
        """Return the main figures as a table, for a notebook."""
        rows = []
        for label, key in _SHOWN:
            value = self.details.get(key)
            name = f"{label}, {self.currency}" if key.endswith("_usd") else label
            text = metric_text(key, value)
            rows.append(f"<tr><th>{html.escape(name)}</th><td>{text}</td></tr>")
        said = "".join(f"<p>{html.escape(line)}</p>" for line in self.warnings)
        dates = f"{self.config['date_start_local']} to {self.config['date_end_local']}"
        head = html.escape(f"Run {self.id}: {self.config['strategy.name']}, {dates}")
        return f"<table><caption>{head}</caption>{''.join(rows)}</table>{said}"


class RunEvent:
    """One thing that a run traded: an event, a symbol or a session.

    Args:
        run: the run.
        name: its name.
        day: its day; None if the name says it.
    """

    def __init__(self, run: Run, name: str, day: dt.date | None) -> None:
        self.run, self.name, self.day = run, name, day

    def plot(self) -> ShownFigure:
        """Draw its chart, as a matplotlib figure.

        Raises:
            ConfigError: the run has no such thing.
            DataMissing: a data file that the chart needs is not in the working folder.
        """
        run = self.run._read()
        return _drawn(markets.family_of(run.config["market"]).unit_page(run, self.name, self.day).plots[0])

    @property
    def trades(self) -> pd.DataFrame:
        """Its trades."""
        import numpy as np

        frame = self.run.trades
        mine = (frame[["series_ticker", "event_ticker", "market_ticker"]] == self.name).any(axis=1)
        if self.day is not None:
            date_of = markets.family_of(self.run.config.market).date_of
            dated_events = zip(frame["event_ticker"], frame.index, strict=True)
            mine &= np.array([date_of(str(event), at.date()) == self.day for event, at in dated_events], bool)
        return frame[mine]

    def __repr__(self) -> str:
        """Return its name and day."""
        return f"<RunEvent {self.name}{f', {self.day}' if self.day else ''} of run {self.run.id[:8]}>"


def _drawn(plot: Plot) -> ShownFigure:
    """Draw a plot."""
    from tradewinds.results.report.pictures import figure_of
    from tradewinds.session.shown_figure import ShownFigure

    return figure_of(plot, ShownFigure)
