"""The folds of a walk-forward: training days, and the test days that follow them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from tradewinds.config.resolve import Config
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted

REMEDY = "Give more dates, or a shorter --train or --test."


@dataclass(frozen=True)
class FoldDates:
    """The dates of one fold; the first and last of each period belong to it.

    Attributes:
        number: from 1.
        train_first: first date of training.
        train_last: last date of training.
        test_first: first date of the test.
        test_last: last date of the test.
    """

    number: int
    train_first: dt.date
    train_last: dt.date
    test_first: dt.date
    test_last: dt.date


def refuse_short_range(config: Config, train: int, test: int) -> None:
    """Refuse a config with too few dates for one fold, before anything is fetched.

    A range has at most as many days of trading as it has dates; how many it has shows in its data (`fold_dates`).

    Args:
        config: resolved.
        train: days of training.
        test: days of a test.

    Raises:
        ConfigError: one fold needs more dates.
    """
    first, last = config["date_start_local"], config["date_end_local"]
    dates = (last - first).days + 1
    if dates < train + test:
        what = (
            f"{train} training and {test} test days are {train + test}, and {first} to {last} has only {dates} dates."
        )
        raise ConfigError(what, where="--train, --test", remedy=REMEDY)


def fold_dates(days: Sequence[dt.date], train: int, test: int, *, anchored: bool = False) -> list[FoldDates]:
    """Divide days into folds, each of which begins one test later than the one before.

    The tests follow one another without a gap. Days at the end that make no whole test are in no fold.

    Args:
        days: on which there is data, ascending.
        train: days of training; with `anchored`, of the first fold.
        test: days of a test.
        anchored: every training begins with the first day, and grows from fold to fold.

    Raises:
        ConfigError: there are too few days for one fold.
    """
    count = max(0, len(days) - train) // test
    if not count:
        found = f"there is data for {counted(len(days), 'day')}" + (f" ({days[0]} to {days[-1]})" if days else "")
        what = f"{found}, and {train} training and {test} test days are {train + test}."
        raise ConfigError(what, where="--train, --test", remedy=REMEDY)
    return [
        FoldDates(
            number=fold + 1,
            train_first=days[0 if anchored else fold * test],
            train_last=days[fold * test + train - 1],
            test_first=days[fold * test + train],
            test_last=days[(fold + 1) * test + train - 1],
        )
        for fold in range(count)
    ]
