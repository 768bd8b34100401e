"""Whether the probabilities were right: the run's own bins, or the deeper scores of calibration.json where a run has it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather.plan import CALIBRATION
from tradewinds.families.kalshi_weather.report.profit import INTERVAL
from tradewinds.results.report.parts import Plot, ReportPart, ReportTable, Section, Text, shown, span
from tradewinds.results.report.run import ReportRun

MODEL, DRAWN = "model", ("model", "market")  # other sources have their row in the tables
_PROBABILITY = {
    "n": "markets",
    "brier": "Brier",
    "reliability": "reliability",
    "resolution": "resolution",
    "uncertainty": "uncertainty",
    "log_loss": "log loss",
}
_TEMPERATURE = {"n": "days", "mae_f": "MAE, °F", "bias_f": "bias, °F", "crps_f": "CRPS, °F"}
_GROUPS = {"station": "By station", "month": "By month", "lead_hours": "By hours ahead"}


def calibration(run: ReportRun) -> Section:
    """How often what was given a probability came true."""
    m = run.metrics
    scores = f"Brier score {shown(m['brier'], 4)}, log loss {shown(m['log_loss'], 4)}"
    said = Text(f"{scores}, over every market of an attempted event.")
    deeper = run.folder / CALIBRATION
    parts = _scores(json.loads(deeper.read_bytes())) if deeper.exists() else _reliability(m["calibration"])
    return Section("calibration", "Calibration", [said, *parts])


def _scores(scores: Mapping[str, Any]) -> Iterable[ReportPart]:
    """What calibration.json says: scores by source, the model beside other sources, reliability, and temperatures."""
    sources, temperatures = scores["probabilities"]["all"], scores["temperatures"]["all"]
    if sources:
        yield _by_source("Probabilities of", sources, _PROBABILITY)
        yield Text(
            "Brier = reliability − resolution + uncertainty + what differs within a bin; less is better, but for resolution."
        )
    if scores["against"]:
        yield _against(scores["against"])
        yield Text(
            "Skill is 1 − Brier of the model / Brier of the other, on the markets that have both; above 0 the model is better."
        )
    for source in DRAWN:
        if source in sources:
            yield _diagram(source, sources[source]["reliability_diagram"])
    if temperatures:
        yield _by_source("Temperatures of", temperatures, _TEMPERATURE)
    if MODEL in temperatures:
        yield _pit(temperatures[MODEL])
    # by group, where there are several, and by lead, where probabilities change
    for kind, name in _GROUPS.items():
        probable, warm = (scores[part]["by"].get(kind, {}) for part in ("probabilities", "temperatures"))
        if len({*probable, *warm}) > 1:
            yield _by_group(name, probable, warm)
    if scores.get("leads"):
        yield _by_lead(scores["leads"])
        yield Text(
            "What was in force so many hours before the close, beside the middle of the quote of that instant, on the markets "
            "that have both; every market is scored at every lead."
        )


def _by_group(name: str, probable: Mapping[str, Any], warm: Mapping[str, Any]) -> ReportTable:
    """A line per station, month or lead: the model's probabilities, beside the market's, and its temperatures."""
    header = (name, "markets", "Brier", "Brier of the market", "log loss", "days", "MAE, °F", "bias, °F", "CRPS, °F")
    rows = []
    for group in sorted({*probable, *warm}):
        sources, days = probable.get(group, {}), warm.get(group, {}).get(MODEL, {})
        model, market = sources.get(MODEL, {}), sources.get("market", {})
        scored = (model.get("brier"), market.get("brier"), model.get("log_loss"))
        figures = (days.get("mae_f"), days.get("bias_f"), days.get("crps_f"))
        rows.append((
            *(group, shown(model.get("n"), 0), *(shown(value, 4) for value in scored)),
            *(shown(days.get("n"), 0), *(shown(value, 2) for value in figures)),
        ))  # fmt: skip
    return ReportTable(header, rows, "l" + "r" * 8)


def _by_lead(leads: Sequence[Mapping[str, Any]]) -> ReportTable:
    """A line per lead: the model's probabilities in force then, beside the market's, and its temperatures."""
    header = ("Hours before the close", "markets", "Brier", "Brier of the market", "skill", "95 % interval", "days",
              "MAE, °F", "bias, °F", "CRPS, °F")  # fmt: skip
    rows = []
    for lead in leads:
        model, market = lead["probabilities"][MODEL], lead["probabilities"].get("market", {})
        against, warm = lead["against_market"], lead["temperatures"] or {}
        rows.append((
            *(str(lead["hours_before_close"]), shown(model["n"], 0), shown(model["brier"], 4)),
            *(shown(market.get("brier"), 4), shown(against["skill"], 3), _within(against["interval"], 3)),
            *(shown(warm.get("n"), 0), *(shown(warm.get(name), 2) for name in ("mae_f", "bias_f", "crps_f"))),
        ))  # fmt: skip
    return ReportTable(header, rows, "l" + "r" * 9)


def _by_source(heading: str, sources: Mapping[str, Mapping[str, Any]], columns: Mapping[str, str]) -> ReportTable:
    def cells(found: Mapping[str, Any]) -> Iterable[str]:
        return (shown(found[column], 0 if column == "n" else 4) for column in columns)

    return ReportTable(
        (heading, *columns.values()),
        [(source, *cells(found)) for source, found in sources.items()],
        "l" + "r" * len(columns),
    )


def _against(others: Mapping[str, Mapping[str, Any]]) -> ReportTable:
    header = ("Model against", "markets", "days", "Brier", "Brier of the other", "skill", "95 % interval")
    rows = [
        (other, shown(f["n"], 0), shown(f["days"], 0), shown(f["brier"], 4), shown(f["brier_other"], 4), shown(f["skill"], 4),
         _within(f["interval"], 3))
        for other, f in others.items()
    ]  # fmt: skip
    return ReportTable(header, rows, "l" + "r" * 6)


def _diagram(source: str, bins: Sequence[Mapping[str, Any]]) -> Plot:
    filled = [(span(f"{b['from']:.1f}", f"{b['to']:.1f}"), b, b["band"]) for b in bins if b["n"]]
    caption = (
        f"Reliability of the {source}. On the dashed line it came true as often as it said; bars are where 90 % of such "
        "frequencies would lie if it were right, numbers markets."
    )
    return _points(f"calibration_{source}", f"Reliability of the {source}", filled, caption)


def _pit(found: Mapping[str, Any]) -> Plot:
    """Columns of a histogram that is flat where spreads are right."""
    names = [span(f"{i / 10:.1f}", f"{(i + 1) / 10:.1f}") for i in range(len(found["pit"]))]
    low, high = found["pit_band"]
    data = {
        "labels": names,
        "value": [round(count, 3) for count in found["pit"]],
        "expected": [found["n"] / len(names)] * len(names),
        "remark": [f"PIT {part}" for part in names],
        "names": ("PIT", "if flat"),
    }
    caption = (
        "Probability integral transform of the model (Czado, Gneiting and Held 2009): flat if its spread is right, high at "
        f"both ends if too narrow. 95 % of a flat one's columns lie between {low} and {high}."
    )
    return Plot("pit", "Temperatures of the model: PIT", "bars", data, ("", "days"), caption)


def _points(name: str, title: str, filled: Sequence[tuple[str, Mapping[str, Any], Any]], caption: str) -> Plot:
    """A reliability diagram of the bins that are not empty: (range, bin, ends of its bar)."""
    data = {
        "x": [round(b["mean_p"], 6) for _, b, _ in filled],
        "y": [round(b["frequency"], 6) for _, b, _ in filled],
        "low": [round(low, 6) for *_, (low, _) in filled],
        "high": [round(high, 6) for *_, (_, high) in filled],
        "n": [f"{b['n']:,}" for _, b, _ in filled],
        "remark": [f"P(YES) {part}: {counted(b['n'], 'market')}" for part, b, _ in filled],
    }
    return Plot(name, title, "points", data, ("forecast probability", "came true"), caption)


def _within(interval: Sequence[float] | None, digits: int) -> str:
    return "—" if interval is None else f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"


def _reliability(bins: Sequence[Mapping[str, Any]]) -> Iterable[ReportPart]:
    """The diagram and table of metrics.json's bins."""
    rows, filled = [], []
    for b in bins:
        interval = wilson(b["frequency"], b["n"]) if b["n"] else None
        name = span(f"{b['from']:.1f}", f"{b['to']:.1f}")
        rows.append((name, shown(b["n"], 0), shown(b["mean_p"], 3), shown(b["frequency"], 3), _within(interval, 3)))
        filled += [(name, b, interval)] if interval else []
    if filled:
        caption = "On the dashed line forecasts came true as often as said; bars are 95 % intervals (Wilson), numbers markets."
        yield _points("calibration", "Reliability", filled, caption)
    yield ReportTable(("Probability", "markets", "mean", "came true", "95 % interval"), rows, "lrrrr")
    yield Text("Markets of one event are not independent (one of them comes true), so the intervals are rough.")


def wilson(frequency: float, n: int) -> tuple[float, float]:
    """95 % score interval of a frequency among n (Wilson, JASA 1927)."""
    z2 = INTERVAL**2
    centre = (frequency + z2 / (2 * n)) / (1 + z2 / n)
    half = INTERVAL / (1 + z2 / n) * math.sqrt(frequency * (1 - frequency) / n + z2 / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)
