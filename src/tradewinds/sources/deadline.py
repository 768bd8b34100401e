"""Connections of which a whole answer has a deadline: the timeout of a socket bounds only each wait for more bytes.

At the deadline the sockets of the session are shut down, whatever the client is waiting for: a proxy, headers, the body.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """The connections of one session, which can be shut down at any moment.

    Attributes:
        connections: those made so far.
    """

    def __init__(self) -> None:
        self.connections: list[HTTPConnection] = []
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        """Make the pools of this adapter's connections."""
        super().init_poolmanager(*arguments, **settings)
        self._note_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:
        """Return the pools of connections to a proxy."""
        return self._note_connections(super().proxy_manager_for(proxy, **settings))

    def _note_connections(self, manager: PoolManager) -> PoolManager:
        """Let the pools of a manager note each connection in `connections` before it is opened."""
        made = self.connections

        class Plain(HTTPConnection):
            def connect(self) -> None:
                made.append(self)
                super().connect()

        class Encrypted(HTTPSConnection):
            def connect(self) -> None:
                made.append(self)
                super().connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        if not hasattr(manager, "socks_options"):  # connections through a SOCKS proxy are of another class
            manager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}
        return manager

    @contextlib.contextmanager
    def deadline(self, seconds: float) -> Iterator[threading.Event]:
        """Shut all connections down if the block takes longer; the event says whether that has happened."""
        passed = threading.Event()
        timer = threading.Timer(seconds, self._shut_down, [passed])
        timer.daemon = True
        timer.start()
        try:
            yield passed
        finally:
            timer.cancel()
            self.connections[:] = [connection for connection in self.connections if connection.sock is not None]

    def _shut_down(self, passed: threading.Event) -> None:
        passed.set()
        for connection in list(self.connections):
            with contextlib.suppress(OSError, AttributeError):  # it is closed, or not open yet
                connection.sock.shutdown(socket.SHUT_RDWR)


Connected = tuple[requests.Session, DeadlineAdapter]
"""A session and the adapter of its connections."""


def session_with_deadline() -> Connected:
    """A session whose connections keep a deadline, and their adapter."""
    session, adapter = requests.Session(), DeadlineAdapter()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session, adapter
