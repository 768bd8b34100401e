"""`tradewinds serve`: show the database and the run folders as a web page and a JSON API on this machine."""

from __future__ import annotations

import contextlib
import socket
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewinds.cli import listing
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import printable

if TYPE_CHECKING:
    from tradewinds.serve.today import Boards

PORT = 8710
_GRACE_SECONDS = 3  # that a stopped server gives to answers under way


def serve(
    database: listing.DatabaseOption = None,
    config: listing.DatabaseConfigOption = None,
    host: Annotated[str, typer.Option(help="Address to listen at.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.", metavar="P")] = PORT,
    open_browser: Annotated[bool, typer.Option("--open", help="Show the page in your browser.")] = False,
    today: Annotated[
        Path | None,
        typer.Option(
            help="Also show the open events of this config at /today (tradewinds docs today).", metavar="CONFIG"
        ),
    ] = None,
) -> None:
    """Show runs, trades and comparisons as a web page and a JSON API, until Ctrl-C.

    Reads the database and the folders of its runs. Changes nothing. Exit code 6 if there is no
    database yet, or it cannot be read. With --today it also asks the config's services, at most once a minute while that page
    is looked at, and needs no database.
    """
    url = listing.database_url(database, config)
    with _listening(host, port) as listener:
        _serve(url, host, listener, open_browser, today)


def _serve(url: str, host: str, listener: socket.socket, open_browser: bool, today: Path | None) -> None:
    """Serve until Ctrl-C.

    Args:
        url: of the database.
        host: the address the user named.
        listener: the socket at it.
        open_browser: open the page in the user's browser.
        today: the config of the page of open events, None without that page.

    Raises:
        DatabaseError: the database cannot be read.
        ConfigError: the config is wrong, or of a market that has no such page.
    """
    # Imported here: SQLAlchemy, FastAPI and uvicorn, which `--help` does not need.
    from tradewinds.database import queries

    if today is None:
        with queries.reading(url):  # a database that cannot be read is an error now, not at the first request
            pass
    boards = _boards_of(today)
    import uvicorn

    from tradewinds.serve.app import make_app
    from tradewinds.serve.guard import is_local

    # Say where the page is, and who can reach it.
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listener.getsockname()[1]}/{'today' if today else ''}"
    app = make_app(url, host, boards)
    if not is_local(host):
        warning = (
            f"warning: {host} can be reached from other machines, and there is no password: who reaches it reads all."
        )
        print(printable(warning), file=sys.stderr, flush=True)
    print(f"serving {address} · Ctrl-C stops", flush=True)
    if open_browser:
        webbrowser.open(address)
    settings = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the usual end
        uvicorn.Server(settings).run(sockets=[listener])


def _boards_of(config: Path | None) -> Boards | None:
    """Return the boards of a config; None without one."""
    if config is None:
        return None
    from tradewinds.cli.today import board_maker
    from tradewinds.serve.today import Boards

    return Boards(board_maker(config, lambda line: None), str(config))


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Open a socket at an address before anything else, so that a port that is taken is the first error.

    Raises:
        ConfigError: the address is not this machine's, or the port is taken.
    """
    try:
        kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=kind)
    except OSError as error:
        remedy = "--port 0 picks a free port; --host takes an address of this machine."
        raise ConfigError(f"cannot listen ({error.strerror}).", where=f"{host}:{port}", remedy=remedy) from None
    with listener:
        yield listener
