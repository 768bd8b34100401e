"""A report as one HTML file that loads nothing and names no time of its own; all text is escaped."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from tradewinds.results.glossary import explanation_of
from tradewinds.results.report.parts import Page
from tradewinds.results.report.small_sessions import small_session

_HERE = resources.files("tradewinds.results.report")
_SCRIPTS = ("vendor/uPlot.iife.min.js", "templates/report.js", "templates/hints.js")
_STYLES = ("vendor/uPlot.min.css", "templates/report.css")


def html(page: Page, pictures: Mapping[str, bytes]) -> str:
    """The text of report.html.

    Args:
        page: the report.
        pictures: its plots as SVG, by name, for paper and for readers without scripts.
    """
    scripts = [_text(name) for name in _SCRIPTS]
    plots = [{"name": p.name, "kind": p.kind, "data": p.data, "axes": p.axes, "title": p.title} for p in page.plots()]
    return template().render(
        page=page,
        plots=plots,
        pictures={name: base64.b64encode(svg).decode() for name, svg in pictures.items()},
        styles=[_text(name) for name in _STYLES],
        scripts=scripts,
        digests=[_digest(script) for script in scripts],
    )


@functools.cache
def template() -> Template:
    """Compile the template of reports, once in a process."""
    environment = Environment(
        loader=PackageLoader("tradewinds.results.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"small_session": small_session, "explained": explanation_of}
    environment.filters["with_code"] = with_code
    return environment.get_template("report.html.j2")


def with_code(text: str) -> Markup:
    """A text with what stands between backticks as code; everything is escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _text(name: str) -> str:
    return _HERE.joinpath(name).read_text(encoding="utf-8").strip()


def _digest(script: str) -> str:
    """SHA-256 of a script, by which the page's policy lets a browser run it and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
