"""Numbers with their nouns, figures by their keys, and labels of amounts: one form of each for pages, tables and reports."""

import re
from pathlib import Path

import pytest

from tradewinds.core.text import counted, labelled, metric_text, plural

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "tradewinds"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((1, "symbol"), "1 symbol"),
        ((0, "symbol"), "0 symbols"),
        ((1234, "trading day"), "1,234 trading days"),
        ((1, "entry"), "1 entry"),
        ((2, "entry"), "2 entries"),
        ((2, "day"), "2 days"),
        ((3, "loss"), "3 losses"),
        ((1, "file", "is", "are"), "1 file is"),
        ((2, "file", "is", "are"), "2 files are"),
    ],
)
def test_a_number_stands_with_its_noun(asked, words):
    assert counted(*asked) == words


def test_only_the_last_word_has_a_plural():
    assert plural("opening range") == "opening ranges" and plural("box") == "boxes" and plural("key") == "keys"


def test_no_text_leaves_the_plural_to_its_reader():
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\} [a-z ]+\(s\)", line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("breakeven_periods", 7, "7"),
        ("breakeven_periods", 7.0, "7"),
        ("breakeven_periods", 18.5, "18.5"),
        ("breakeven_periods", 1234.0, "1,234"),
        ("breakeven_periods", None, "—"),
        ("sharpe", 7.0, "7.00"),
        ("num_trades", 7, "7"),
    ],
)
def test_a_median_of_counts_has_one_form(key, value, words):
    assert metric_text(key, value) == words


def test_the_label_of_an_amount_names_the_currency_where_there_is_one():
    assert labelled("Funding, {currency}", "USDT") == "Funding, USDT"
    assert labelled("Funding, {currency}", "") == "Funding" and labelled("Sharpe", "USDT") == "Sharpe"
