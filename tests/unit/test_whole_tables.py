"""Nothing of a table is cut away, on a terminal of any width and in a file."""

import io

import pytest
from rich.panel import Panel
from rich.table import Table

from tradewinds.pipeline.terminal import SafeConsole

WORDS = (
    "mark candles of BTC/USDT:USDT",
    "some words go here",
    "-1,234,567.89",
    "averyverylongwordthatcannotbefolded x",
)


def table():
    made = Table(title="A title that is longer than a narrow terminal is wide")
    made.add_column("what", no_wrap=True)
    made.add_column("words of a cell", overflow="fold")
    made.add_column("P&L, USDT", justify="right", no_wrap=True)
    made.add_column("reason")
    made.add_row(*WORDS)
    return made


def summary():
    grid = Table.grid(padding=(0, 3))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_row("Payments to break even, median", "1,234,567.00")
    return Panel.fit(grid, title="Run")


def printed(terminal, width, *objects):
    out = io.StringIO()
    console = SafeConsole(file=out, force_terminal=terminal, width=width, color_system=None)
    for shown in objects:
        console.print(shown)
    assert console.width == width, "the next paragraph is folded as before"
    return out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("width", [20, 34, 40, 60, 80, 100, 160])
def test_every_word_of_a_table_is_there(terminal, width):
    text = printed(terminal, width, table(), summary())
    assert "…" not in text
    for word in " ".join((*WORDS, "1,234,567.00", "Payments", "median")).split():
        assert word in text, word
    assert "│ mark candles of BTC/USDT:USDT │" in text, "a cell that is not to be wrapped is whole"


def test_a_file_has_each_row_in_one_line_and_a_wide_terminal_keeps_its_table():
    (row,) = [line for line in printed(False, 80, table()).splitlines() if "mark candles" in line]
    assert all(cell in row for cell in WORDS)
    assert max(map(len, printed(True, 160, table()).splitlines())) <= 160


def test_the_same_table_fits_consoles_of_other_widths_afterwards():
    made = table()
    printed(True, 40, made)
    (row,) = [line for line in printed(False, 40, made).splitlines() if "mark candles" in line]
    assert all(cell in row for cell in WORDS)


def test_paragraphs_are_folded_at_the_width_of_the_terminal():
    assert max(map(len, printed(True, 40, "some words " * 20).splitlines())) <= 40
