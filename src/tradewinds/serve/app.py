"""The web application: the API, the pages, and the answers to requests that fail."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from tradewinds import __version__
from tradewinds.core.errors import ConfigError, DamagedFile, DatabaseError, DataMissing, TradewindsError
from tradewinds.serve import api, api_page, chart_pages, pages, render, table_pages, today
from tradewinds.serve.folder import NotThere
from tradewinds.serve.guard import Guard, is_api
from tradewinds.serve.render import shown
from tradewinds.serve.today import Boards

_STATUS: dict[type[TradewindsError], int] = {
    NotThere: 404,
    ConfigError: 404,
    DataMissing: 404,
    DamagedFile: 404,
    DatabaseError: 503,
}


def make_app(database: str, host: str, boards: Boards | None = None) -> ASGIApp:
    """Make the application.

    Args:
        database: URL of the database that it reads.
        host: the address at which the server listens.
        boards: of open events, for the page /today; None without that page.
    """
    app = FastAPI(
        title="Tradewinds",
        version=__version__,
        summary="Runs, trades, figures and equity of backtests. Read-only.",
        docs_url=None,  # both load scripts from elsewhere; api_page.py is its own
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.database, app.state.boards = database, boards
    render.show_today(boards is not None)
    app.include_router(api.router)
    app.include_router(pages.router, include_in_schema=False)
    app.include_router(table_pages.router, include_in_schema=False)
    app.include_router(chart_pages.router, include_in_schema=False)
    app.include_router(api_page.router, include_in_schema=False)
    app.include_router(today.router, include_in_schema=boards is not None)
    for kind in _STATUS:
        app.add_exception_handler(kind, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    return Guard(app, host)


def _ours(request: Request, error: Exception) -> Response:
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    return _problem(request, str(error), status)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [(".".join(map(str, one["loc"][1:])), one["msg"], one["loc"][0]) for one in error.errors()]
    status = 404 if any(place == "path" for *_, place in found) else 422
    return _problem(request, " ".join(f"{name}: {message}." for name, message, _ in found), status)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(request, "There is no such page." if error.status_code == 404 else error.detail, error.status_code)


def _problem(request: Request, text: str, status: int) -> Response:
    if is_api(request.url.path):
        return JSONResponse({"error": text}, status)
    return shown("problem", status, text=text)
