"""A matplotlib figure that a notebook shows without pyplot, so that the backend that is in use stays."""

from __future__ import annotations

import io

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that notebooks show as the last value of a cell; `savefig` writes it."""

    def _repr_png_(self) -> bytes:
        """Return the picture as PNG."""
        out = io.BytesIO()
        with rc_context({"axes.unicode_minus": False}):  # as in tables and sentences
            FigureCanvasAgg(self).print_png(out)  # type: ignore[no-untyped-call]
        return out.getvalue()
