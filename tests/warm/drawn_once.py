"""In the server of forks: a plot that a fork of the session has drawn is not drawn again, it is read.

Its name is the digest of all that is drawn, so what is read are the bytes that the same code made of the same plot. Drawing is
two thirds of the cost of a run whose data is there, and many tests make the same run. With the variable DRAW all is drawn.
"""

import contextlib
import hashlib
import io
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

DRAW = "WARM_PYTHON_DRAWS"


def install(folder: Path) -> None:
    """Replace the function that draws a plot, in this process and in its forks.

    Args:
        folder: where the pictures are kept; it is made.
    """
    from tradewinds.results.report import pictures

    folder.mkdir()
    draw = pictures.pictures

    def drawn_once(plot, forms: Sequence[str] = tuple(pictures.FORMS)) -> dict[str, bytes]:
        if DRAW in os.environ:
            return draw(plot, forms)
        file = folder / digest((plot, tuple(forms)))
        with contextlib.suppress(FileNotFoundError):
            return pickle.loads(file.read_bytes())
        found = draw(plot, forms)
        part = file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):  # the session has ended, and its folder is gone
            part.write_bytes(pickle.dumps(found))
            part.rename(file)
        return found

    pictures.pictures = drawn_once


def digest(value: object) -> str:
    """The digest of a value without cycles; equal values have the same one, whether parts of them are one object or two."""
    written = io.BytesIO()
    pickler = pickle.Pickler(written, protocol=5)
    pickler.fast = True
    pickler.dump(value)
    return hashlib.sha256(written.getvalue()).hexdigest()
