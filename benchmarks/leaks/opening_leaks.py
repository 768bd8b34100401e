"""Leaks of opening ranges: what is known before the open, calendars, splits and volumes, and faults of the compiled loop."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.leaks.planted import Leak, nothing, unwatched
from tests.families.equities_intraday import test_orb_lookahead as worlds
from tests.families.equities_intraday.replayed_worlds import days
from tradewinds.engine.bar_sessions import compiled
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.setups import History

FAMILY = "equities_intraday"
PLAIN: dict[str, Any] = {"filter": None, "scoring": {"enabled": False}, "orb": {"adaptive": False}}
# What of the sessions before an open counts, and settings with which it does.
KNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "mean true range": ("atr", {"buffers": {"use_atr": True}, "filter": None}),
    "true range of five minutes": ("atr5", {"orb": {"adaptive": True}, "filter": None}),
    "high of the session before": ("prior_high", {"filter": None, "scoring": {"base_required": 2}}),
    "low of the session before": ("prior_low", {"filter": None, "scoring": {"base_required": 2}}),
}
SOURCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "of the next session": lambda a: np.append(a[1:], a[-1:]),
    "of the last session": lambda a: np.full_like(a, a[-1]),
    "mean of all sessions": lambda a: np.full_like(a, int(a[a > 0].mean()) if (a > 0).any() else -1),
    "highest of all sessions": lambda a: np.full_like(a, a.max()),
}
# The same from the sessions up to then alone, where that may be all there is to know.
CAUSAL = {"highest of all sessions": np.maximum.accumulate}
VARIANTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "always": lambda own, other: np.where(own > 0, other, own),
    "on few days": lambda own, other: np.where((own > 0) & (np.arange(len(own)) % 5 == 0), other, own),
    "small": lambda own, other: np.where(own > 0, own + (other - own) // 10, own),
}


def before_open(name: str, source: Callable[..., Any], mixed: Callable[..., Any]) -> Callable[..., None]:
    """A change of what is known before each open."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        honest = History.before_open.__wrapped__

        def wrong(self: History, symbol: int, period: int, wilder: bool) -> Any:
            known = honest(self, symbol, period, wilder)
            own = getattr(known, name).copy()
            getattr(known, name)[:] = mixed(own, source(own))
            return known

        patch.setattr(History, "before_open", wrong)

    return plant


# Sessions before a half day, which is the last one; and the length that each of them is taken to have, with all
# that comes and without.
HOLIDAY = dt.date(2024, 6, 19)
BEFORE_A_HALF_DAY = [date for date in days(24, dt.date(2024, 5, 31)) if date != HOLIDAY]
LENGTHS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "length of the last session": (lambda a: np.full_like(a, a[-1]), lambda a: a),
    "length of the next session": (lambda a: np.append(a[1:], a[-1:]), lambda a: a),
    "shortest of all sessions": (lambda a: np.full_like(a, a.min()), np.minimum.accumulate),
    "mean length of all sessions": (
        lambda a: np.full_like(a, int(a.mean())),
        lambda a: a.cumsum() // np.arange(1, len(a) + 1),
    ),
}
SCALED: dict[str, Any] = {"orb": {"min_atr_mult": 0.4, "max_atr_mult": 0.9, "adaptive": False}, "filter": None}


def lengths_by(source: Callable[[np.ndarray], np.ndarray]) -> Callable[[pytest.MonkeyPatch, Path], None]:
    """A change of the lengths of sessions, by which the width of an opening range is judged."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        wrong = property(lambda self: source((self.close_ts - self.open_ts) // 60).tolist())
        patch.setattr(MinuteBars, "session_minutes", wrong)

    return plant


NEXT = "desk->row + (desk->row + 1 < desk->end)"
TWICE = "        decide(now, desk, d, now->bars->open[desk->row], true);"
# Faults of the loop: source, text that stands in it once, what it becomes, settings.
FAULTS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "score from the bar of the break": (
        "entries.h",
        "ScoreInputs known = {desk->first,           desk->row,",
        "ScoreInputs known = {desk->first, desk->row + 1,",
        worlds.STRICT,
    ),
    "long entry at the low of its bar": (
        "entries.h",
        "max64(trigger[LONG], open)",
        "now->bars->low[row]",
        {**PLAIN, "entry": {"mode": "stop"}},
    ),
    "short entry at the high of its bar": (
        "entries.h",
        "min64(trigger[SHORT], open)",
        "now->bars->high[row]",
        {**PLAIN, "entry": {"mode": "stop"}},
    ),
    "entry at the open by the close of its bar": (
        "entries.h",
        f"    if (!desk->asked && allowed)\n{TWICE}",
        f"    if (!desk->asked && allowed && d * (now->bars->close[desk->row] - now->bars->open[desk->row]) > 0)\n{TWICE}",
        {**PLAIN, "entry": {"mode": "or_close"}},
    ),
    "order of a close filled at the next close": (
        "entries.h",
        f"    if (d)\n{TWICE}",
        "    if (d)\n        decide(now, desk, d, now->bars->close[desk->row], true);",
        {**PLAIN, "entry": {"mode": "close_confirm"}},
    ),
    "no entry before a bar that goes against it": (
        "entries.h",
        "if (risk < rules->min_risk)",
        f"if (risk < rules->min_risk || d * (now->bars->close[{NEXT}] - raw) < 0)",
        PLAIN,
    ),
    "no entry before a bar that goes against it, in one minute of five": (
        "entries.h",
        "if (risk < rules->min_risk)",
        f"if (risk < rules->min_risk || (now->ts / 60 % 5 == 0 && d * (now->bars->close[{NEXT}] - raw) < 0))",
        PLAIN,
    ),
    "size by the next close": (
        "entries.h",
        "wide shares = wanted_shares(rules, pass->at_open[account], risk), most;",
        "wide shares = wanted_shares(rules, pass->at_open[account], risk), most;\n"
        f"    shares -= shares > 9 && d * (now->bars->close[{NEXT}] - raw) < 0;",
        PLAIN,
    ),
    "stop filled at the next close": (
        "holding.h",
        "leave(now, desk, end_ts, p->left, p->stop, p->stop_name, false);",
        "leave(now, desk, end_ts, p->left, bars->close[row + (row + 1 < desk->end)], p->stop_name, false);",
        PLAIN,
    ),
    "target filled at the next high": (
        "holding.h",
        "open ? open : p->price[p->part], TARGET",
        f"open ? open : now->bars->high[{NEXT}], TARGET",
        PLAIN,
    ),
    "exit five bars before the last": (
        "holding.h",
        "    if (row + 1 < desk->end) {\n        after_bar",
        "    if (row + 6 < desk->end) {\n        after_bar",
        PLAIN,
    ),
    "time stop by the next close": ("holding.h", "after_bar(now, p, close);", "after_bar(now, p, bars->close[row + 1]);",
                                    {**PLAIN, "trade": {"time_stop": {"minutes": 15, "min_r": 0.5}}}),
}  # fmt: skip


def fault(source: str, right: str, wrong: str) -> Callable[[pytest.MonkeyPatch, Path], None]:
    """A change of the compiled loop."""

    def plant(patch: pytest.MonkeyPatch, folder: Path) -> None:
        build = Path(tempfile.mkdtemp(dir=folder))
        patch.setattr(compiled, "_compiled", worlds.with_a_bug(build, source, right, wrong))

    return plant


def leaks() -> Iterator[Leak]:
    """Yield the leaks of this family."""

    def build_with(changes: dict[str, Any]) -> Any:
        return lambda seed, leaky: unwatched(lambda: worlds.run_of(seed, **changes))

    for name, (attribute, changes) in KNOWN.items():
        door = "an average" if attribute.startswith("atr") else "a bar"
        for kind, source in SOURCES.items():
            for variant, mixed in VARIANTS.items():
                plant = before_open(attribute, source, mixed)
                causal = before_open(attribute, CAUSAL[kind], mixed) if kind in CAUSAL else nothing
                about = (FAMILY, door, f"{name} {kind}", variant)
                yield Leak(*about, build_with(changes), plant, causal, seeds=range(20, 30))
    for name, (source, right, wrong, changes) in FAULTS.items():
        yield Leak(
            FAMILY, "a fill", name, "always", build_with(changes), fault(source, right, wrong), seeds=range(20, 26)
        )
    for name, lengths in LENGTHS.items():
        plant, causal = map(lengths_by, lengths)
        build = build_with(SCALED | {"dates": BEFORE_A_HALF_DAY})
        yield Leak(FAMILY, "a calendar", name, "always", build, plant, causal, seeds=range(20, 30))
    for planted, kind, changes in worlds.LEAKS[2:]:
        if kind == worlds.SESSIONS:
            continue  # above, before a half day
        splits = kind == worlds.ACTIONS  # it takes two splits of a share to tell the shares of a day from today's
        door, settings = ("an action", changes | {"splits_each": 2}) if splits else ("an average", changes)
        plant = lambda patch, folder, planted=planted: planted(folder, patch)  # noqa: E731
        name = planted.__name__.replace("_", " ")
        yield Leak(FAMILY, door, name, "always", build_with(settings), plant, seeds=range(20, 30))
