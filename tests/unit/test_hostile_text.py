"""Text from outside is shown without control characters and is no formula in a spreadsheet; numbers are read by the letter."""

import csv
import io
import sys
from decimal import Decimal
from types import ModuleType

import pytest
from rich.table import Table

from tradewinds.cli import listing
from tradewinds.core import strict
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import cell, from_cell, printable
from tradewinds.pipeline.screen import Screen
from tradewinds.pipeline.terminal import SafeConsole

NASTY = "\x1b]0;owned\x07 \x9b31m \u202e \ud800 \r"


@pytest.mark.parametrize("text", ["Miami 82° or above", "naïve — “x”", "日本", "a\u00a0b", ""])
def test_plain_text_stays(text):
    assert printable(text) == text


def test_control_characters_become_escapes():
    assert printable(NASTY) == r"\x1b]0;owned\x07 \x9b31m \u202e \ud800 \r"
    assert (printable("a\nb"), printable("a\nb", lines=False)) == ("a\nb", r"a\nb")


def test_an_error_and_a_console_show_no_control_characters_and_no_markup():
    error = ConfigError(f"{NASTY} is wrong.", where=f"x\n{NASTY}", remedy=NASTY)
    out = io.StringIO()
    console = SafeConsole(file=out, width=500, force_terminal=True, color_system=None)
    table = Table(title=f"[/red]{NASTY}")
    table.add_column("[bold]x")
    table.add_row(f"[/red] {NASTY}")
    console.print(table, f"[/red] :smile: {NASTY}")
    shown = str(error) + out.getvalue()
    assert not set(shown) & set("\x1b\x07\x9b\u202e\ud800\r") and r"\x1b]0;owned" in out.getvalue()
    assert "[/red] :smile:" in out.getvalue() and "[bold]x" in out.getvalue()


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-5° or below", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_is_a_formula(text):
    assert cell(text) == f"'{text}" and from_cell(cell(text)) == text


@pytest.mark.parametrize("text", ["-12.50", "+3", "1e-5", "-1E5", "0", "", "82° or above", "'quoted"])
def test_numbers_and_other_texts_stay(text):
    assert cell(text) == text and from_cell(text) == text


def test_listings_for_spreadsheets_hold_neither(capsys):
    listing.print_csv(["a", "b", "c"], [["=1+1", Decimal("-1.50"), f"-x{NASTY}"]])
    _, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert row == ["'=1+1", "-1.50", "'-x" + printable(NASTY)]


def test_json_for_programs_stays_json_and_is_plain(capsys):
    import json

    listing.print_json({"a": "\x9b\x7f\u202eß"})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"a": "\x9b\x7f\u202eß"} and not set(shown) & set("\x9b\x7f\u202e") and "ß" in shown


@pytest.mark.parametrize(
    "text", ["1_0", " 1", "1 ", "١٢", "²", "nan", "Infinity", "", ".", "1e9999", "0x1", "1,5", "9" * 41, "--1"]
)
def test_what_python_alone_takes_for_a_number_is_none(text):
    with pytest.raises(ValueError):
        strict.decimal(text)


@pytest.mark.parametrize("text", ["0", "-1.5", "+2", ".5", "5.", "1e-6", "0.000000000001"])
def test_plain_decimals_are_read_exactly(text):
    assert strict.decimal(text) == Decimal(text)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1, "a": 2}',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b'["\\ud800"]',
        b'{"\\udc00": 1}',
        b"[" + b"9" * 41 + b"]",
        b"[1e999]",
    ],
)
def test_json_that_must_not_be_believed(data):
    with pytest.raises(strict.UnbelievableJson):
        strict.load_json(data)


def test_broken_json_is_another_error():
    for data in (b"{", b"\xff", b"[1_0]", '["\u0661", \u0661]'.encode()):
        with pytest.raises(ValueError) as caught:
            strict.load_json(data)
        assert not isinstance(caught.value, strict.UnbelievableJson)
    assert strict.load_json(b'{"a": [1, 1.50, "\\ud83d\\ude00"]}') == {"a": [1, Decimal("1.50"), "\U0001f600"]}


def test_a_notebook_shows_what_is_printed_and_not_what_is_logged(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setenv("FORCE_COLOR", "1")  # as kernels have it
    shown = []
    monkeypatch.setattr("rich.jupyter.display", lambda segments, text: shown.append(text))
    screen = Screen()
    screen.keep_in(tmp_path / "run.log")
    screen.record("said by a job")
    screen.print("candles: 1 of 2")
    assert shown == [] and capsys.readouterr().out == "candles: 1 of 2\n"
    assert not screen.console.is_terminal  # a bar would be drawn anew below itself
    assert "said by a job" in (tmp_path / "run.log").read_text()
