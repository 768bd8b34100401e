"""Exact numbers and instants as text: decimals without exponent, ISO 8601 with Z."""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

CURRENCY = "{currency}"  # where the label of an amount names the currency of the account
PERIODS = "_periods"  # how the key of a count of payments, bars or the like ends
# Decimals of figures by the ending of their key, where they are not two.
_DIGITS = {"brier": 4, "log_loss": 4, "_r": 3, "_r_gross": 3, "_minutes": 1, "_days": 1}
_CENT = Decimal("0.01")
_MOST_ROUNDED = 10**15  # above it a float has no decimals
CACHED = 10_000  # texts that are remembered: a run repeats amounts and instants
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND, _MICROSECOND = dt.timedelta(seconds=1), dt.timedelta(microseconds=1)
_BEYOND_MICROSECONDS = r"[.,]\d{6}0*[1-9]"  # decimals of a second that a datetime cannot hold


def plain(value: Decimal, least: int = 0) -> str:
    """Return a decimal without exponent and without trailing zeros, but with at least `least` decimals."""
    text = f"{value if value else abs(value):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(least, '0')}" if least or decimals else whole


@functools.lru_cache(CACHED)
def amount_text(amount: int, places: int = 6) -> str:
    """Return an amount in units of 10^-places with at least two decimals: "0.38", "-12.50", "0.000001"."""
    return _digits(amount, places, 2)


@functools.lru_cache(CACHED)
def quantity_text(quantity: int, places: int) -> str:
    """Return a quantity in units of 10^-places without trailing zeros: "5", "49.961"."""
    return _digits(quantity, places, 0)


def probability(pico: int | Fraction | None) -> str:
    """Return pico-units as a decimal of at most 12 decimals; a Fraction is rounded half to even, None is ""."""
    return "" if pico is None else _digits(round(pico), 12, 0)


def _digits(units: int, places: int, least: int) -> str:
    """Return an integer of units of 10^-places as `plain` would; fast, since a run of a year needs a million texts.

    Args:
        units: the number in units.
        places: decimals of a unit.
        least: decimals to write at least.
    """
    whole, rest = divmod(abs(units), 10**places)
    decimals = f"{rest:0{places}d}".rstrip("0").ljust(least, "0")
    return f"{'-' if units < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


@functools.lru_cache(CACHED)
def instant(ts: int) -> str:
    """Return Unix seconds as 2025-05-02T03:04:00Z."""
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str, *, up: bool) -> dt.datetime:
    """Return ISO 8601 text as an instant with microseconds; text without a zone is UTC.

    `datetime.fromisoformat` cuts further decimals off, which moves an instant to an earlier one.

    Args:
        text: such as 2025-05-02T03:04:00.5Z.
        up: whether further decimals round up; else they round down.

    Raises:
        ValueError: the text is no instant.
    """
    found = dt.datetime.fromisoformat(text)
    if up and re.search(_BEYOND_MICROSECONDS, text):
        found += _MICROSECOND
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def whole_seconds_up(instant: dt.datetime | str) -> int:
    """Return an instant as Unix seconds, rounded up: what is known within a second is not known at its start.

    Args:
        instant: a datetime, or ISO 8601 text; without a zone it is UTC.

    Raises:
        ValueError: a text is no instant.
    """
    return -((EPOCH - _aware(instant, up=True)) // _SECOND)


def whole_seconds_down(instant: dt.datetime | str) -> int:
    """Return an instant as Unix seconds, rounded down: what ends within a second is over at its start.

    Args:
        instant: a datetime, or ISO 8601 text; without a zone it is UTC.

    Raises:
        ValueError: a text is no instant.
    """
    return (_aware(instant, up=False) - EPOCH) // _SECOND


def _aware(instant: dt.datetime | str, *, up: bool) -> dt.datetime:
    """Return a datetime, or the instant of a text, with a zone."""
    if isinstance(instant, dt.datetime):
        return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
    return moment(instant, up=up)


def number(amount: int, places: int = 6) -> float:
    """Return an amount in units of 10^-places as a float, whose shortest form is exact up to 9 × 10^15 units."""
    return float(Decimal(amount).scaleb(-places))


def money(amount: int | None, places: int = 6) -> str:
    """Return an amount in units of 10^-places as text without trailing zeros; ? for None."""
    return "?" if amount is None else plain(Decimal(amount).scaleb(-places))


def figure(value: Any, digits: int = 2) -> str:
    """Return a number with thousands separators, rounded half to even; None is a dash.

    Args:
        value: the number.
        digits: decimals, unless the number is an int.
    """
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value) or abs(value) >= _MOST_ROUNDED:
        return f"{value:,.{digits}f}"
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return f"{rounded if rounded else abs(rounded):,.{digits}f}"  # no minus before a zero


def money_text(value: Any) -> str:
    """Return an amount with two decimals, and with four digits if two decimals would make nothing of it; None is a dash."""
    tiny = value is not None and 0 < abs(value) < _CENT
    return f"{value:,.4g}" if tiny else figure(value if value is None else Decimal(str(value)))


def metric_digits(key: str) -> int:
    """Return how many decimals a figure of metrics.json has wherever it is shown: its key says what kind of figure it is."""
    return next((digits for ending, digits in _DIGITS.items() if key.endswith(ending)), 2)


def metric_text(key: str, value: Any) -> str:
    """Return a figure of metrics.json as every page, table and report shows it.

    Amounts have two decimals, rates and ratios two, scores of probabilities four, results in R three, mean times one. Counts
    have none; a key that ends in _periods is a count or the median of counts: "7", "18.5".

    Args:
        key: of metrics.json.
        value: the figure; None is a dash.
    """
    if value is not None and key.endswith("_usd"):
        return money_text(value)
    if key.endswith(PERIODS) and value is not None:
        return figure(int(value)) if value == int(value) else figure(float(value), 1)
    return figure(value, metric_digits(key))


def byte_text(count: int) -> str:
    """Return a number of bytes in the unit that fits: "940 kB", "1.2 GB" (a GB is 10^9 bytes)."""
    amount, unit = next(
        ((count / size, name) for size, name in ((10**9, "GB"), (10**6, "MB")) if count >= size), (count / 1000, "kB")
    )
    return f"{amount:,.1f} {unit}"


def labelled(label: str, currency: str) -> str:
    """Return a label with the currency in its place; without a currency, the words alone."""
    return label.replace(CURRENCY, currency) if currency else label.replace(f", {CURRENCY}", "")


def plural(noun: str) -> str:
    """Return a noun in the plural: "position" is "positions", "entry" is "entries", "loss" is "losses"."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def with_code(code: str, words: str) -> str:
    """Words and, in brackets, the code that they explain; the code alone if there are no other words for it."""
    return code if words == code else f"{words} ({code})"


def counted(count: int, noun: str, verb: str = "", verbs: str = "") -> str:
    """Return a number with its noun, and with the verb that follows: "1 position", "1,200 positions", "2 files are".

    Args:
        count: how many.
        noun: in the singular; only its last word gets a plural.
        verb: of one: "is"; "" for none.
        verbs: of any other number: "are".
    """
    following = verb if count == 1 else verbs
    return f"{count:,} {noun if count == 1 else plural(noun)}{' ' if following else ''}{following}"
