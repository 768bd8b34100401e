"""Measure leaks and honest strategies in some processes."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import resource
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.leaks import (
    event_leaks,
    funding_class_leaks,
    funding_leaks,
    honest,
    minute_class_leaks,
    opening_leaks,
    share_class_leaks,
    share_leaks,
)
from benchmarks.leaks.planted import CUTS, Leak, Outcome, empty_folder, measured
from tradewinds.audits import lookahead


def all_leaks() -> list[Leak]:
    """All leaks of all families, in a fixed order."""
    modules = (
        event_leaks,
        share_class_leaks,
        share_leaks,
        minute_class_leaks,
        opening_leaks,
        funding_class_leaks,
        funding_leaks,
    )
    return list(itertools.chain.from_iterable(module.leaks() for module in modules))


def honest_alarms(number: int) -> tuple[str, str, int | None]:
    """Family and form of an honest strategy, and how many alarms the check gives; None: its world has no run."""
    one = list(honest.strategies())[number]
    with empty_folder() as folder, contextlib.chdir(folder):
        watch, make = one.build(one.seed, False)
        with watch:
            run = make()
            if run is None:
                return one.family, one.form, None
            found = sum(len(report.changes) for report in lookahead.check(run, CUTS[0], one.seed, watch))
            return one.family, one.form, found + len(watch.noted)


def planted_leak(number: int) -> Outcome:
    """Measure one of the leaks, by its number."""
    begun = _spent()
    return measured(all_leaks()[number])._replace(seconds=round(_spent() - begun, 1))


def timed_alarms(number: int) -> tuple[str, str, int | None, float]:
    """As `honest_alarms`, and how many seconds of processor time it took."""
    begun = _spent()
    return *honest_alarms(number), round(_spent() - begun, 1)


def _spent() -> float:
    """Seconds of processor time of this process and of those that it started."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


def made(work: Callable[[int], Any], numbers: Sequence[int], workers: int) -> list[Any]:
    """The results of some work by number, in order; with a line per hundred."""
    warnings.simplefilter("ignore")
    context = multiprocessing.get_context("spawn")
    found = []
    with context.Pool(workers, maxtasksperchild=40) as pool:
        for result in pool.imap(work, numbers, chunksize=1):
            found.append(result)
            if len(found) % 50 == 0:
                print(f"{work.__name__}: {len(found)} of {len(numbers)}", file=sys.stderr, flush=True)
    return found
