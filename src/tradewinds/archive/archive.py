"""The folder of an archive: a note about itself, and Parquet files that the families of markets name and read.

What the files hold is a family's business (docs/archive.md). Here is what all archives have in common: the folder, its
format, files that are written whole, and reading them back.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.archive.clock import ServerClock
from tradewinds.core import files, user_files
from tradewinds.core.errors import ConfigError

FORMAT = 1
ABOUT = "archive.json"


@contextlib.contextmanager
def made_whole(out: str | Path) -> Iterator[Path]:
    """Give the block a folder beside the one to make, which becomes it at the end, and is removed if the block fails.

    Args:
        out: the folder to make.

    Raises:
        ConfigError: `out` is there and not an empty folder.
    """
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError("is there already.", where=str(target), remedy="Name a new folder with --out.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        yield part
        part.chmod(0o755)
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


class ArchiveWriter:
    """Make an archive, or add to one that is there.

    Args:
        folder: the archive's folder; it is made if it is missing.
        note: where the data is from, for people.
    """

    def __init__(self, folder: str | Path, note: str = "") -> None:
        self.folder = Path(folder)
        about = {"format": FORMAT, "made_by": "tradewinds", "note": note}
        files.write_text(self.folder / ABOUT, json.dumps(about, indent=2) + "\n")

    def write(self, name: str, table: pa.Table, about: Mapping[str, Any] | None = None) -> None:
        """Write one file of the archive, whole or not at all.

        Args:
            name: its path below the archive's folder.
            table: its rows, in the order in which they are to stand.
            about: what the file says of itself, if anything.
        """
        files.write_parquet(self.folder / name, table, dict(about or {}))


class Archive:
    """An archive that is there, to be read.

    Args:
        folder: the archive's folder.
        clock: of a server that serves what was known at an instant; None serves all.

    Raises:
        ConfigError: the folder is no archive, or one of another format.
    """

    def __init__(self, folder: str | Path, clock: ServerClock | None = None) -> None:
        self.folder, self.clock = Path(folder), clock
        found = self._about().get("format")
        if found != FORMAT:
            problem = f"is an archive of format {found!r}, this version reads format {FORMAT}."
            raise ConfigError(problem, where=str(self.folder), remedy="Record or import it again.")

    def _about(self) -> dict[str, Any]:
        remedy = "Make one with `tradewinds archive synthetic --out DIR` or `tradewinds archive import`."
        try:
            about: Any = json.loads(user_files.read_text(self.folder / ABOUT, "its description", remedy))
            if not isinstance(about, dict):
                raise ValueError("its description is no mapping")
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"this folder is no archive ({error}).", where=str(self.folder), remedy=remedy) from None
        return about

    def knows(self, known_at_ts: int) -> bool:
        """Return whether something is known at the server's clock; without a clock everything is.

        Args:
            known_at_ts: when it became public, in Unix seconds.
        """
        return self.clock is None or known_at_ts <= self.clock.now()

    def names(self, folder: str) -> list[str]:
        """The names, without ending, of the files in a folder below the archive's, in order."""
        return sorted(path.stem for path in (self.folder / folder).glob("*.parquet"))

    def table(self, name: str, schema: pa.Schema) -> pa.Table:
        """The rows of a file.

        Args:
            name: its path below the archive's folder. Check a name that came from outside against `names` first.
            schema: its columns and their types.

        Returns:
            The rows with these columns; none if the archive has no such file. Later columns that an old file lacks are null.
        """
        path = self.folder / name
        if not path.exists():
            return schema.empty_table()
        table = files.read_table(path)
        return files.completed(table.cast(files.without_absent(schema, table)), schema)

    def about(self, name: str) -> dict[str, Any]:
        """What a file of the archive says of itself."""
        return files.read_meta(self.folder / name)
