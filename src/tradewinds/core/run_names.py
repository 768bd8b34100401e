"""The name and the note that a user gives to a run: a file beside its results, no part of its id.

`tradewinds run --name … --note …` writes it with the run, `tradewinds note` afterwards. The database has both in the run's row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import printable

NAME = "name.json"  # in the run's folder
MOST_NAME, MOST_NOTE = 200, 10_000  # characters


class RunName(NamedTuple):
    """What a user calls a run, and says of it.

    Attributes:
        name: a few words; "" for none.
        note: any text; "" for none.
    """

    name: str = ""
    note: str = ""

    def changed(self, name: str | None, note: str | None) -> RunName:
        """Return it with another name or note; None leaves one as it is, "" takes it away.

        Raises:
            ConfigError: one of them is too long, or the name has several lines.
        """
        return RunName(
            self.name if name is None else _checked("--name", name, MOST_NAME),
            self.note if note is None else _checked("--note", note, MOST_NOTE),
        )


NO_NAME = RunName()


def _checked(flag: str, text: str, most: int) -> str:
    """Return a text without spaces around it and control characters in it."""
    found = printable(text.strip())
    if len(found) > most:
        what = f"the text has {len(found):,} characters, more than {most:,}."
        raise ConfigError(what, where=flag, remedy="Write a shorter one.")
    if flag == "--name" and len(found.splitlines()) > 1:
        raise ConfigError("a name has one line.", where=flag, remedy="Put the rest into --note.")
    return found


def read_name(folder: str | Path) -> RunName:
    """Read the name and note of a run; both are "" for a run without.

    Args:
        folder: the run's.

    Raises:
        ConfigError: the file is not what `write_name` writes.
    """
    path = Path(folder, NAME)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return RunName(str(found["name"]), str(found["note"]))
    except FileNotFoundError:
        return NO_NAME
    except (OSError, ValueError, TypeError, KeyError) as error:
        remedy = "Delete it, and name the run again: tradewinds note."
        raise ConfigError(f"the run's name cannot be read ({error}).", where=str(path), remedy=remedy) from None


def write_name(folder: str | Path, name: RunName) -> None:
    """Write the name and note of a run; without both there is no file.

    Args:
        folder: the run's, made if it is not there.
        name: of the run.
    """
    from tradewinds.core import files  # with pyarrow: a process that draws plots needs this module, and not that

    path = Path(folder, NAME)
    if name == NO_NAME:
        path.unlink(missing_ok=True)
    else:
        files.write_text(path, json.dumps(name._asdict(), indent=2, ensure_ascii=False) + "\n")
