"""report.md, report.html and plots/: a run for people, made from its files alone."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tradewinds.core import files
from tradewinds.core.run_names import read_name
from tradewinds.results.report.drawers import Drawers, draw_plots
from tradewinds.results.report.html import html
from tradewinds.results.report.markdown import markdown
from tradewinds.results.report.parts import Page
from tradewinds.results.report.run import FamilyReport, read_run


def page_of(folder: str | Path, family: FamilyReport) -> Page:
    """The content of a run's report, before it is Markdown or HTML.

    Args:
        folder: the run's folder.
        family: the report of its market family.
    """
    run = read_run(folder)
    made = (section(run) for section in family.sections)
    return Page(family.title(run), family.subtitle(run), [section for section in made if section], read_name(folder))


def write_report(folder: str | Path, family: FamilyReport, drawers: Drawers | None = None) -> None:
    """Write plots/, report.html and report.md into a run's folder, in this order; each is whole or absent.

    Args:
        folder: the run's folder.
        family: the report of its market family.
        drawers: processes that draw, if they have been started before.
    """
    target = Path(folder)
    page = page_of(target, family)
    drawn = draw_plots(page.plots(), drawers)
    _write_plots(target / "plots", drawn)
    files.write_text(target / "report.html", html(page, {name: forms["svg"] for name, forms in drawn.items()}))
    files.write_text(target / "report.md", markdown(page))


def _write_plots(folder: Path, drawn: dict[str, dict[str, bytes]]) -> None:
    """Write all pictures into a temporary folder, then put it in place of the one that was there."""
    with tempfile.TemporaryDirectory(prefix=".plots.", dir=folder.parent) as name:
        temporary = Path(name, "plots")
        temporary.mkdir()
        for plot, forms in drawn.items():
            for form, content in forms.items():
                (temporary / f"{plot}.{form}").write_bytes(content)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
