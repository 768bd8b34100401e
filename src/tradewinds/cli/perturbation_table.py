"""The table of a perturbation on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tradewinds.sweeps.perturbation import Perturbation
from tradewinds.sweeps.perturbation_files import HEADER, cells, left_out_text


def show_perturbation(console: Console, found: Perturbation) -> None:
    """Print a row per number: the metric before the split at each of its values; then what was left out.

    Args:
        console: where to print.
        found: the perturbation.
    """
    table = Table(title=f"{found.by} before the split, with one number changed", title_justify="left", box=None)
    for number, name in enumerate(HEADER):
        table.add_column(name, justify="right" if number else "left", overflow="fold", no_wrap=not number)
    last_words = [one.key.rpartition(".")[2] for one in found.keys]
    for one, word in zip(found.keys, last_words, strict=True):
        name, *rest = cells(one, found.by)
        table.add_row(word if last_words.count(word) == 1 else name, *rest)
    console.print(table)
    for left in found.left_out:
        console.print(f"left out  {left_out_text(left)}", soft_wrap=True, highlight=False, markup=False)
