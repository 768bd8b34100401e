"""A plot that a process of the test session has drawn is not drawn again by others of it, it is read.

Its name is the digest of all that is drawn, so what is read are the bytes that the same code made of the same plot. Drawing is
two thirds of the cost of a run whose data is there, and many tests make the same run. With the variable DRAW all is drawn.
"""

import contextlib
import hashlib
import io
import os
import pickle
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

DRAW = "WARM_PYTHON_DRAWS"
FORMS = ("svg", "png")  # those of a report


def install(folder: Path) -> None:
    """Replace the function that draws a plot, in this process and in its forks.

    Args:
        folder: where the pictures are kept; it is made.
    """
    from tradewinds.results.report import pictures

    folder.mkdir(exist_ok=True)
    pictures.pictures = kept_in(folder, pictures.pictures)


def install_here(folder: Path) -> None:
    """Replace the function that draws the plots of a report: they are drawn in this process, without the start of others.

    Args:
        folder: where the pictures are kept; it is made.
    """
    from tradewinds.results.report import write
    from tradewinds.sweeps import walk_forward_files

    def draw(plot, forms: Sequence[str]) -> dict[str, bytes]:
        from tradewinds.results.report.pictures import pictures  # matplotlib is imported by those that draw

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in the processes that draw otherwise
            return pictures(plot, forms)

    def draw_plots(plots, drawers=None) -> dict[str, dict[str, bytes]]:
        if drawers or DRAW in os.environ:
            return by_processes(plots, drawers)
        return {plot.name: drawn(plot) for plot in plots}

    folder.mkdir(exist_ok=True)
    drawn, by_processes = kept_in(folder, draw), write.draw_plots
    write.draw_plots = walk_forward_files.draw_plots = draw_plots


def kept_in(folder: Path, draw: Callable) -> Callable:
    """A function that draws a plot, unless a file in a folder has what the same plot gave."""
    kept = kept_by_digest(folder, draw)

    def drawn(plot, forms: Sequence[str] = FORMS) -> dict[str, bytes]:
        return kept(plot, tuple(forms))

    return drawn


def kept_by_digest(folder: Path, compute: Callable) -> Callable:
    """A function that computes nothing if a file in a folder has what it computed of the same values.

    Args:
        folder: it must be there.
        compute: a function whose result depends on its arguments alone.
    """

    def kept(*values):
        if DRAW in os.environ:
            return compute(*values)
        file = folder / digest((compute.__name__, values))
        with contextlib.suppress(FileNotFoundError):
            return pickle.loads(file.read_bytes())
        found = compute(*values)
        part = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        with contextlib.suppress(FileNotFoundError):  # the session has ended, and its folder is gone
            part.write_bytes(pickle.dumps(found))
            part.rename(file)
        return found

    return kept


def digest(value: object) -> str:
    """The digest of a value without cycles; equal values have the same one, whether parts of them are one object or two."""
    written = io.BytesIO()
    pickler = pickle.Pickler(written, protocol=5)
    pickler.fast = True
    pickler.dump(value)
    return hashlib.sha256(written.getvalue()).hexdigest()
