"""Pages from their templates, and the styles and scripts they use. Every text is escaped."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from typing import Any
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel

from tradewinds.config.differences import value_text
from tradewinds.core import text
from tradewinds.core.text import plain
from tradewinds.results.glossary import explanation_of
from tradewinds.results.report.html import with_code
from tradewinds.results.report.parts import coded
from tradewinds.results.report.small_sessions import small_session
from tradewinds.results.report.trade_words import outcome, plain_side
from tradewinds.serve import table_rows, words

_ASSETS = {
    "report.css": ("tradewinds.results.report", "templates/report.css", "text/css"),
    "hints.js": ("tradewinds.results.report", "templates/hints.js", "text/javascript"),
    "favicon.svg": ("tradewinds.serve", "templates/favicon.svg", "image/svg+xml"),
    "report.js": ("tradewinds.results.report", "templates/report.js", "text/javascript"),
    "uPlot.min.css": ("tradewinds.results.report", "vendor/uPlot.min.css", "text/css"),
    "uPlot.iife.min.js": ("tradewinds.results.report", "vendor/uPlot.iife.min.js", "text/javascript"),
    "serve.css": ("tradewinds.serve", "templates/serve.css", "text/css"),
}


def _figure(value: Any, name: str = "") -> str:
    return text.metric_text(name, value)


def _when(value: dt.datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "—"


def address(path: str, asked: BaseModel, **changed: Any) -> str:
    """The address of a page with the parameters that were given.

    Args:
        path: of the page.
        asked: the parameters of the request.
        changed: parameters that get another value; None leaves one out.
    """
    given = asked.model_dump(exclude_unset=True) | changed
    return f"{path}?{urlencode({name: value for name, value in given.items() if value is not None})}"


_PAGES = Environment(
    loader=ChoiceLoader([PackageLoader("tradewinds.serve"), PackageLoader("tradewinds.results.report")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals |= {"address": address, "heading": words.heading, "titled": words.titled, "shared": words.shared}
_PAGES.globals |= {"small_session": small_session, "explained": explanation_of, "coded": coded}
_PAGES.globals |= {"outcome": outcome, "plain_side": plain_side}
_PAGES.globals |= {
    "cell_text": table_rows.cell_text,
    "heading_of": table_rows.heading_of,
    "figure_of": table_rows.figure_of,
}
_shown: dict[str, bool] = {"today": False}
_PAGES.globals |= {"has_today": lambda: _shown["today"]}
_PAGES.globals |= {"FIGURES": table_rows.FIGURES, "MONEY": table_rows.MONEY, "counted": text.counted}
_PAGES.filters |= {
    "figure": _figure,
    "when": _when,
    "plain": plain,
    "money": text.money_text,
    "setting": value_text,
    "with_code": with_code,
    "in_path": lambda text: quote(text, safe=""),
}


def show_today(wanted: bool) -> None:
    """Say whether the pages link to that of open events.

    Args:
        wanted: whether this server has it.
    """
    _shown["today"] = wanted


def shown(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Make a page from the template `name` with some values."""
    return HTMLResponse(_PAGES.get_template(f"{name}.html.j2").render(page=name, **values), status)


def _read_assets() -> dict[str, tuple[bytes, str]]:
    return {
        name: (resources.files(package).joinpath(path).read_bytes(), f"{kind}; charset=utf-8")
        for name, (package, path, kind) in _ASSETS.items()
    }


STATIC = _read_assets()


def favicon() -> Response:
    """The sign of these pages."""
    content, kind = STATIC["favicon.svg"]
    return Response(content, media_type=kind)
