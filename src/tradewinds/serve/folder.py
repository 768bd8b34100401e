"""The files of a run's folder, by the closed list of its market family: no path from outside reaches the file system."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from tradewinds.core.errors import TradewindsError
from tradewinds.results.run_files import RunFile
from tradewinds.serve.models import EquityPoint

_REMEDY = "Run `tradewinds serve` in the folder that `tradewinds run` ran in, or run its config again."


class NotThere(TradewindsError):
    """A file of a run that cannot be shown."""


class Folder:
    """A run's folder, as the database names it; it is used only while its metrics.json says that it holds this run.

    Attributes:
        run_id: the run's id.
        path: the folder.
        files: what may be read of it, by file name.
    """

    def __init__(self, run_id: str, path: str, files: Sequence[RunFile]) -> None:
        self.run_id, self.path = run_id, path
        self.files = {file.name: file for file in files if not file.is_folder}

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder itself, so that what is read later is of the folder that was checked.

        Raises:
            NotThere: there is no such folder, or it holds another run.
        """
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except (OSError, ValueError):  # ValueError: a NUL in the path
            raise NotThere("the run's folder is not here.", where=self.path, remedy=_REMEDY) from None
        try:
            with _plain_file(handle, "metrics.json", self.path) as file:
                found = json.load(file).get("run_id")
            if found != self.run_id:
                raise NotThere("this folder holds another run now.", where=self.path, remedy=_REMEDY)
            yield handle
        except (ValueError, AttributeError):
            raise NotThere("its metrics.json cannot be read.", where=self.path, remedy=_REMEDY) from None
        finally:
            os.close(handle)

    def open(self, name: str) -> BinaryIO:
        """Open a file of `files`; it stays the same file, whatever takes its place later.

        Raises:
            NotThere: no such name, no such folder or file, or it is no plain file.
        """
        if name not in self.files:
            raise NotThere("no such file of a run.", where=name)
        with self._opened() as handle:
            return _plain_file(handle, name, self.path)

    def present(self) -> list[RunFile]:
        """The files of `files` that are there; none without the folder."""
        with contextlib.suppress(NotThere), self._opened() as handle:
            return [file for name, file in self.files.items() if _is_plain(handle, name)]
        return []

    def checked(self) -> Path:
        """Return the folder, for what reads many of its files.

        Raises:
            NotThere: there is no such folder, it holds another run, or one of `files` is a link, a pipe or a folder.
        """
        with self._opened() as handle:
            for name in self.files:
                with contextlib.suppress(FileNotFoundError):
                    if not stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                        raise NotThere(f"its {name} is no plain file.", where=self.path, remedy=_REMEDY)
        return Path(self.path)

    def equity(self) -> Iterator[EquityPoint]:
        """The points of equity.csv.

        Raises:
            NotThere: as `open`, or it holds something else.
        """
        with io.TextIOWrapper(self.open("equity.csv"), encoding="utf-8", newline="") as text:
            rows = csv.DictReader(text)
            try:
                for row in rows:
                    yield EquityPoint.model_validate(row)
            except (ValueError, csv.Error):  # pydantic's and the decoder's errors are ValueErrors
                where = f"{self.path}/equity.csv, line {rows.line_num}"
                raise NotThere("this is no point of an equity curve.", where=where, remedy=_REMEDY) from None

    def rows(self, name: str) -> Iterator[dict[str, str | None]]:
        """The rows of a CSV file of `files`, each by column; an empty cell is None.

        Raises:
            NotThere: as `open`, or it holds something else.
        """
        with io.TextIOWrapper(self.open(name), encoding="utf-8", newline="") as text:
            found = csv.DictReader(text, strict=True)
            try:
                for row in found:
                    if None in row or None in row.values():
                        raise csv.Error("a row is longer or shorter than its header")
                    yield {column: cell or None for column, cell in row.items()}
            except (ValueError, csv.Error) as error:  # the decoder's error is a ValueError
                where = f"{self.path}/{name}, line {found.line_num}"
                raise NotThere(f"this table cannot be read ({error}).", where=where, remedy=_REMEDY) from None


def _is_plain(folder: int, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _plain_file(folder: int, name: str, path: str) -> BinaryIO:
    """A regular file of an open folder: a link leads nowhere, a pipe does not wait."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        raise NotThere(f"it has no file {name}.", where=path, remedy=_REMEDY) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NotThere(f"its {name} is no plain file.", where=path, remedy=_REMEDY)
    return os.fdopen(handle, "rb")
