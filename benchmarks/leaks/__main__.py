"""Plant leaks, draw honest strategies, and say what the look-ahead check makes of them.

python -m benchmarks.leaks --write         # all of them, kept in benchmarks/leaks.json; the table into docs/look-ahead.md
python -m benchmarks.leaks --only stack    # anew, those whose family, door, name or variant has this text
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.leaks import honest
from benchmarks.leaks.measuring import all_leaks, made, planted_leak, timed_alarms
from benchmarks.leaks.planted import CUTS, MISSED, Outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "look-ahead.md"
KEPT = Path(__file__).resolve().parents[1] / "leaks.json"
BEGIN, END = "<!-- leaks: begin -->", "<!-- leaks: end -->"

Alarms = tuple[str, str, int | None, float]
"""Family and form of an honest strategy, how many alarms the check gives (None: its world has no run), and seconds."""


def page(outcomes: Sequence[Outcome], alarms: Sequence[Alarms], date: str) -> str:
    """Return the table and what it means, as they stand in docs/look-ahead.md.

    Args:
        outcomes: of the leaks.
        alarms: of the honest strategies.
        date: of the last measurement.
    """
    planted = [one for one in outcomes if one.seed is not None]
    found = [one for one in planted if one.cuts != MISSED]
    heads = ["market", "the future comes through", "planted", *(f"found with {cuts} cuts" for cuts in CUTS), "missed"]
    lines = [f"| {' | '.join(heads)} |", "|---|---|" + "---:|" * (len(heads) - 2)]
    for family, door in dict.fromkeys((one.family, one.door) for one in planted):
        own = [one for one in planted if (one.family, one.door) == (family, door)]
        lines.append(_row(f"{family} | {door}", own))
    lines.append(_row("all | ", planted))
    small = [
        f"{sum(word in one.variant or word in one.door for one in planted)} {text}"
        for word, text in (
            ("on few days", "count on few days only"),
            ("small", "change little"),
            ("another market", "use another market's future"),
        )
    ]
    how = Counter(one.how for one in found)
    missed = [
        f"MISSED: {one.family}, {one.door}: {one.name} ({one.variant}), in world {one.seed}"
        for one in planted
        if one.cuts == MISSED
    ]
    worlds = [one.seed for one in planted if one.seed is not None]
    runs = [count for _, _, count, _ in alarms if count is not None]
    forms = Counter((family, form) for family, form, count, _ in alarms if count is not None)
    seconds = sum(one.seconds for one in outcomes) + sum(one[3] for one in alarms)
    told = "; ".join(f"{count} of {family}, {form}" for (family, form), count in forms.items())
    return "\n".join(
        [
            *lines,
            "",
            f"{len(found)} of {len(planted)} planted leaks are found: {how['decision']} because a decision comes out "
            f"differently, {how['itself']} because the run made again unchanged does, {how['asked']} because the strategy "
            f"opened a file of the run's or started a program. Of them {', '.join(small)}.",
            "",
            *([f"{'; '.join(missed)}.", ""] if missed else []),
            f"{sum(map(bool, runs))} of {len(runs)} honest strategies give an alarm with {CUTS[0]} cuts: {told}.",
            "",
            f"Measured on {date} in worlds of the seeds {min(worlds, default=0)} to {max(worlds, default=0)}, which "
            f"choose the cuts, too; {seconds:.0f} s of processor time. `benchmarks/leaks.json` has a line for each leak.",
        ]
    )


def _row(name: str, own: Sequence[Outcome]) -> str:
    """A row of the table; each number of cuts counts what fewer cuts found, too."""
    counts = [sum(one.cuts != MISSED and one.cuts <= cuts for one in own) for cuts in CUTS]
    return f"| {name} | {len(own)} | {' | '.join(map(str, counts))} | {sum(one.cuts == MISSED for one in own)} |"


def _text(kept: Mapping[str, Any]) -> str:
    """Return what is kept as JSON, with a line for each leak and honest strategy."""
    parts = [
        "[\n" + ",\n".join(map(json.dumps, found)) + "\n]" if name in ("leaks", "honest") else json.dumps(found)
        for name, found in kept.items()
    ]
    return "{" + ",\n".join(f"{json.dumps(name)}: {part}" for name, part in zip(kept, parts, strict=True)) + "}\n"


def main() -> None:
    """Measure, keep the results, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leaks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into docs/look-ahead.md")
    parser.add_argument(
        "--only", help="measure only leaks with this text, or the honest strategies; keep the other results"
    )
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    kept: dict[str, Any] = {"leaks": [], "honest": []}
    if asked.only is not None and KEPT.exists():
        kept = json.loads(KEPT.read_text(encoding="utf-8"))

    # leaks: those that are measured now take the place of what is kept of them
    names = [" ".join((one.family, one.door, one.name, one.variant)) for one in all_leaks()]
    chosen = [number for number, name in enumerate(names) if asked.only is None or asked.only in name]
    by_name = {" ".join(one[:4]): Outcome(*one) for one in kept["leaks"]}
    by_name |= {" ".join(one[:4]): one for one in made(planted_leak, chosen, asked.workers)}
    outcomes = [by_name[name] for name in names if name in by_name]
    alarms = [tuple(one) for one in kept["honest"]]
    if asked.only in (None, "honest"):
        alarms = made(timed_alarms, range(len(list(honest.strategies()))), asked.workers)
    date = dt.datetime.now(dt.UTC).date().isoformat()
    KEPT.write_text(_text({"date": date, "cuts": CUTS, "leaks": outcomes, "honest": alarms}), encoding="utf-8")

    for one in outcomes:
        if one.seed is None or one.cuts != CUTS[0]:
            print("not planted:" if one.seed is None else f"{one.cuts or 'MISSED'}:", *one[:4], sep="  ")
    text = page(outcomes, alarms, date)
    print(text)
    if asked.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
