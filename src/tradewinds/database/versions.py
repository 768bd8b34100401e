"""The versions that a database's schema can have, without SQLAlchemy: each is one file of migrations/versions."""

from __future__ import annotations

from pathlib import Path

from tradewinds.core.errors import DatabaseError

VERSION_TABLE = "tradewinds_schema"
MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = tuple(sorted(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py")))
CURRENT = VERSIONS[-1]


def known_version(version: str) -> str:
    """Return the version of a database's schema.

    Raises:
        DatabaseError: this Tradewinds does not know it.
    """
    if version not in VERSIONS:
        what = f"its schema has version {version}, of a newer Tradewinds; this one knows versions up to {CURRENT}."
        raise DatabaseError(what, remedy="Use that Tradewinds, or another database.")
    return version
