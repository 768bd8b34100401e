"""What the National Blend and a model's own spread bring: New York's forecasts without and with them, day by day.

    python -m benchmarks.blend [SHARED_DATA]

writes benchmarks/blend.json and prints the tables of docs/forecasts.md.

Every forecast is walk-forward with the default settings, as of 23:00 the evening before, from recorded 12Z runs of the day
before at KNYC. Recorded are the maximum of the National Blend and the spread of the GFS ensemble; the blend's own standard
deviation (XND of its bulletin), its later runs, and the price at the as-of time are not. The brackets are those that the
exchange listed, with their results.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.forecasts import ROOT, SETTINGS, SIX, six_history
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.daily import Forecaster
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory
from tradewinds.families.kalshi_weather.forecasts.mixture import DistributionArrays
from tradewinds.families.kalshi_weather.strikes import strike_bounds

MARKETS = "kalshi/markets_5series_2024-08_2025-05.parquet"
SERIES, SPREAD = "KXHIGHNY", "gefsatmos_tmp_spread_f"
PERIODS = {"2022-2023": (2022, 2023), "2024-2025": (2024, 2025)}
BEFORE, AFTER = "GFS, NAM", "GFS, NAM, NBM"
# name: models, whether with the ensemble's spread
CASES = {
    BEFORE: (("GFS", "NAM"), False),
    f"{BEFORE}, a spread of its own": (("GFS", "NAM"), True),
    AFTER: (("GFS", "NAM", "NBM"), False),
    f"{AFTER}, a spread of its own": (("GFS", "NAM", "NBM"), True),
    "NBM": (("NBM",), False),
    "six models": (("GFS", "NAM", "GEFSATMOSMEAN", "RAP", "HRRR", "NBM"), False),
}
LEAST_P = 0.005  # of a bracket in the logarithm: half a tick


@dataclass(frozen=True)
class Bracket:
    """A market of a day: its whole degrees, and whether it settled YES."""

    lowest_f: int | None
    highest_f: int | None
    won: bool


def main(shared: Path) -> None:
    """Score all cases, write benchmarks/blend.json and print the tables; `shared` is the folder of recorded data."""
    started = time.process_time()
    rows = pq.read_table(shared / SIX)
    history = six_history(rows)
    spread = np.full(len(history.asof_ts), np.nan)
    for text, value in zip(rows["target_date_local"].to_pylist(), rows[SPREAD].to_pylist(), strict=True):
        spread[history.index(dt.date.fromisoformat(text))] = np.nan if value is None else value
    made = {name: _forecasts(_part(history, models, spread if own else None)) for name, (models, own) in CASES.items()}
    common = sorted(set.intersection(*(set(one) for one in made.values())))
    found = {
        "temperatures": {
            name: temperatures(history, made, [row for row in common if first <= history.day(row).year <= last])
            for name, (first, last) in PERIODS.items()
        },
        "brackets": brackets(history, made, common, _ladders(pq.read_table(shared / MARKETS))),
    }
    report = {"cpu_seconds": round(time.process_time() - started, 1), **found}
    (ROOT / "benchmarks/blend.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(tables(found))
    print(f"{report['cpu_seconds']} s of CPU")


def _part(history: WeatherHistory, models: tuple[str, ...], spread: np.ndarray | None) -> WeatherHistory:
    """Return a history with some of its models, and a spread as the first one's own."""
    index = [history.models.index(name) for name in models]
    names = ("value_f", "other_f", "hourly_extreme_f", "known_ts", "own_spread_f")
    parts = {name: getattr(history, name)[index].copy() for name in names}
    if spread is not None:
        parts["own_spread_f"][0] = spread
    return replace(history, models=models, **parts)


def _forecasts(history: WeatherHistory) -> dict[int, Distribution]:
    """Return the regression's distributions of the days that have one and an observation, by row."""
    first = min(year for year, _ in PERIODS.values())
    rows = [r for r in range(len(history.asof_ts)) if history.day(r).year >= first]
    made = Forecaster(history, SETTINGS).forecasts([r for r in rows if not np.isnan(history.observed_f[r])])
    return {day.row: day.distributions["emos"] for day in made if "emos" in day.distributions}


def temperatures(history: WeatherHistory, made: dict[str, dict[int, Distribution]], rows: list[int]) -> dict:
    """Return CRPS, MAE and the change of CRPS from BEFORE and AFTER, with 95 % intervals by day, per case."""
    observed = history.observed_f[rows]
    arrays = {name: DistributionArrays.from_distributions([one[row] for row in rows]) for name, one in made.items()}
    crps = {name: one.crps(observed) for name, one in arrays.items()}
    return {
        name: {
            "n": len(rows),
            "crps_f": round(float(crps[name].mean()), 3),
            "mae_f": round(float(np.abs(one.median() - observed).mean()), 3),
            "from_before": change(crps[name], crps[BEFORE]),
            "from_after": change(crps[name], crps[AFTER]),
        }
        for name, one in arrays.items()
    }


def change(scores: np.ndarray, others: np.ndarray) -> dict:
    """Return the mean difference of two scores of the same days, in percent of the second, and its 95 % interval."""
    difference = scores - others
    half = 1.96 * float(difference.std(ddof=1)) / math.sqrt(len(difference))
    mean, size = float(difference.mean()), float(others.mean()) / 100
    return {"percent": round(mean / size, 2), "interval": [round((mean + side * half) / size, 2) for side in (-1, 1)]}


def _ladders(markets: pa.Table) -> dict[dt.date, list[Bracket]]:
    """Return the brackets of the days on which exactly one of a ladder won, by climate date."""
    found = defaultdict(list)
    for row in markets.filter(pc.equal(markets["series_ticker"], SERIES)).to_pylist():
        names = ("strike_type", "floor_strike", "cap_strike", "yes_sub_title")
        low, high = strike_bounds(**{name: row[name] for name in names})
        day = climate_days.climate_date_of(row["event_ticker"])
        found[day].append(Bracket(low, high, row["result"] == "yes"))
    return {day: ladder for day, ladder in found.items() if sum(one.won for one in ladder) == 1}


def brackets(history: WeatherHistory, made: dict[str, dict[int, Distribution]], rows: list[int], ladders: dict) -> dict:
    """Return Brier score of the markets and nats of the winner per case, with the changes from BEFORE by day."""
    days = [row for row in rows if history.day(row) in ladders]
    scores: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, one in made.items():
        brier, nats = [], []
        for row in days:
            ladder = ladders[history.day(row)]
            p = [float(bracket_probability(b.lowest_f, b.highest_f, one[row])) for b in ladder]
            brier.append(np.mean([(x - b.won) ** 2 for x, b in zip(p, ladder, strict=True)]))
            nats.append(-math.log(next(max(x, LEAST_P) for x, b in zip(p, ladder, strict=True) if b.won)))
        scores[name] = np.array(brier), np.array(nats)
    return {
        name: {
            "n": len(days),
            "markets": sum(len(ladders[history.day(row)]) for row in days),
            "first": str(history.day(days[0])),
            "last": str(history.day(days[-1])),
            "brier": round(float(brier.mean()), 4),
            "brier_from_before": change(brier, scores[BEFORE][0]),
            "nats": round(float(nats.mean()), 3),
            "nats_from_before": change(nats, scores[BEFORE][1]),
        }
        for name, (brier, nats) in scores.items()
    }


def _told(one: dict) -> str:
    low, high = one["interval"]
    return f"{one['percent']:+.1f} % ({low:+.1f} {high:+.1f})"


def tables(found: dict) -> str:
    """Return the tables of docs/forecasts.md."""
    lines = ["| KNYC, period | models | CRPS / MAE °F | CRPS from GFS, NAM (95 %) | CRPS from GFS, NAM, NBM (95 %) |"]
    lines += ["|---|---|---:|---:|---:|"]
    for period, cases in found["temperatures"].items():
        for name, one in cases.items():
            before = "—" if name == BEFORE else _told(one["from_before"])
            after = "—" if name == AFTER else _told(one["from_after"])
            scores = f"{one['crps_f']:.3f} / {one['mae_f']:.3f}"
            lines.append(f"| {period}, {one['n']} days | {name} | {scores} | {before} | {after} |")
    lines += [
        "",
        "| models | Brier | from GFS, NAM (95 %) | nats of the winner | from GFS, NAM (95 %) |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one in found["brackets"].items():
        brier, nats = (
            ("—", "—") if name == BEFORE else (_told(one["brier_from_before"]), _told(one["nats_from_before"]))
        )
        lines.append(f"| {name} | {one['brier']:.4f} | {brier} | {one['nats']:.3f} | {nats} |")
    one = found["brackets"][BEFORE]
    lines.append(f"\n{one['n']} events of {SERIES}, {one['markets']} markets, {one['first']} to {one['last']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared/data")
