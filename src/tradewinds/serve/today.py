"""The page of open events, and the same as JSON: made anew at most once a minute, however often it is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from tradewinds.core.errors import FetchError, TradewindsError
from tradewinds.serve import models
from tradewinds.serve.folder import NotThere
from tradewinds.serve.render import shown

EVERY_SECONDS = 60
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": models.Problem, "description": "The server was started without a config"},
    503: {"model": models.Problem, "description": "No board could be made yet"},
}

router = APIRouter()

Board = Mapping[str, Any]
"""A board as plain data."""


class Boards:
    """The last board of a config, and the way to the next one.

    Args:
        make: makes a board; it is called by one thread at a time.
        name: of the config's file.
        clock: seconds that only grow.
    """

    def __init__(self, make: Callable[[], Board], name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self._make, self._clock = name, make, clock
        self._lock = threading.Lock()
        self._board: Board | None = None
        self._problem = ""
        self._asked = -float("inf")

    def current(self) -> tuple[Board, str]:
        """Return the board, and why it could not be made anew ("" if it was).

        Raises:
            FetchError: there is no board yet, and none could be made.
        """
        with self._lock:
            if self._clock() - self._asked >= EVERY_SECONDS:
                self._asked = self._clock()
                try:
                    self._board, self._problem = self._make(), ""
                except FetchError as error:
                    self._problem = str(error)
            if self._board is None:
                raise FetchError(self._problem)
            return self._board, self._problem


def _boards(request: Request) -> Boards:
    """Return the boards of this server.

    Raises:
        NotThere: it was started without a config.
    """
    found: Boards | None = request.app.state.boards
    if found is None:
        remedy = "Start the server with `tradewinds serve --today CONFIG`."
        raise NotThere("this server was started without a config for the page of open events.", remedy=remedy)
    return found


@router.get("/today", response_class=HTMLResponse, include_in_schema=False)
def page(request: Request) -> Response:
    """Show the open events of the config that the server was started with."""
    boards = _boards(request)
    try:
        board, problem = boards.current()
    except TradewindsError as error:
        return shown("problem", 503, text=str(error))
    return shown("today", board=board, problem=problem, config=boards.name, every=EVERY_SECONDS)


@router.get("/api/today", responses=_PROBLEMS)
def board(request: Request) -> Response:
    """The open events of the config that the server was started with, as `tradewinds today --json` prints them."""
    try:
        found, problem = _boards(request).current()
    except FetchError as error:
        return JSONResponse({"error": str(error)}, 503)
    return JSONResponse({**found, "problem": problem or None})
