"""The best point of a sweep keeps its equity curve: which point that is, and what is written of it."""

import csv
import datetime as dt
import random

import numpy as np

from tradewinds.sweeps.best_curve import CURVE, PICTURE, BestOutcome, write_best_curve
from tradewinds.sweeps.outcomes import FailedPoint, PointOutcome, midnight
from tradewinds.sweeps.ranking import RANK_BY, rank

SPLIT = dt.date(2024, 1, 21)


def outcome(number, seed, days=30, places=6):
    draw = random.Random(seed)
    start = midnight(dt.date(2024, 1, 1))
    equity = np.cumsum([1000 * 10**places, *(draw.randint(-5, 6) * 10**places for _ in range(days))])
    ts = start + 86_400 * np.arange(days + 1)
    pnl = np.diff(equity)
    settings = {"a.b": number, "c.<d>": "x & y"}
    return PointOutcome(settings, f"r{number:02d}", ts, equity, ts[1:], pnl, 365, True, places)


def test_the_run_that_is_kept_is_that_of_the_first_point_of_the_ranking():
    for by in RANK_BY:
        for seed in range(12):
            points = [outcome(n, draw) for n, draw in enumerate(random.Random(seed).choices(range(5), k=9))]
            best = BestOutcome(by)
            ranking = rank([*points, FailedPoint({}, "r99", "no")], SPLIT, by, best.offer)
            assert best.outcome.run_id == ranking.rows[0].run_id, (by, seed)


def test_the_curve_is_written_exactly_and_drawn_with_its_split(tmp_path):
    made = outcome(3, 7, places=8)
    write_best_curve(tmp_path, made, SPLIT, "USDT")
    rows = list(csv.DictReader((tmp_path / CURVE).read_text().splitlines()))
    assert [row["ts_utc"] for row in rows[:2]] == ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]
    assert [round(float(row["equity_usd"]) * 10**8) for row in rows] == made.equity_micro.tolist()
    picture = (tmp_path / PICTURE).read_text()
    assert "from 2024-01-21 on: out of sample" in picture and "Equity, USDT" in picture
    assert "x &amp; y" in picture and "c.&lt;d&gt;" in picture, "settings are text"
    assert "2024-01-01" in picture and "2024-01-31" in picture


def test_a_flat_curve_and_a_run_without_a_point_are_drawn(tmp_path):
    flat = outcome(1, 1)
    flat = PointOutcome(**{**vars(flat), "equity_micro": np.full(31, 10**9)})
    write_best_curve(tmp_path, flat, SPLIT, "AUD")
    assert ">1,000.00<" in (tmp_path / PICTURE).read_text()
    none = np.array([], np.int64)
    write_best_curve(tmp_path, PointOutcome({}, "r", none, none, none, none, 365, True), SPLIT, "AUD")
    assert "There was nothing to trade." in (tmp_path / PICTURE).read_text()
    assert (tmp_path / CURVE).read_text() == "ts_utc,equity_usd\n"
