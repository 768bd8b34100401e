"""Switch strategies on and off: a run of an inactive strategy is refused."""

from __future__ import annotations

import contextlib
import shlex

import sqlalchemy as sa

from tradewinds import __version__
from tradewinds.core.database_urls import masked
from tradewinds.core.errors import ConfigError, DatabaseError
from tradewinds.database import queries, schema
from tradewinds.database import tables as t


def set_active(url: str, name: str, active: bool, *, registered: bool) -> bool:
    """Switch a strategy on or off.

    Args:
        url: the database.
        name: the strategy.
        active: on or off.
        registered: this Tradewinds has the strategy, so that the database need not know it yet.

    Returns:
        False for a strategy that is neither in the database nor registered; nothing is changed then.

    Raises:
        DatabaseError: the database refuses.
    """
    with schema.writable(url) as engine, engine.begin() as connection:
        known = connection.scalar(sa.select(t.strategies.c.name).where(t.strategies.c.name == name))
        if known is None and not registered:
            return False
        row = {"name": name, "version": __version__, "is_active": active, "parameters": {}}
        connection.execute(t.upsert(t.strategies, connection.dialect, ["is_active"]), row)
        return True


def refuse_inactive(url: str, name: str) -> None:
    """Refuse to begin a run of a strategy that was switched off.

    A database that cannot be read forbids nothing: the run's load reports what is wrong with it.

    Args:
        url: the database.
        name: the strategy.

    Raises:
        ConfigError: the strategy is inactive; the message tells how to activate it.
    """
    active = None
    with contextlib.suppress(DatabaseError), queries.reading(url) as connection:
        active = connection.scalar(sa.select(t.strategies.c.is_active).where(t.strategies.c.name == name))
    if active is False:
        remedy = f"`tradewinds strategies enable {shlex.quote(name)}` with --config or --database activates it."
        raise ConfigError(f"it is inactive in {masked(url)}.", where=f"strategy {name}", remedy=remedy)
