"""The picture of a sweep: when there is one, and which figure stands in which cell."""

import datetime as dt
import itertools

import pytest

from tradewinds.results.report import heatmap
from tradewinds.sweeps import sweep_picture
from tradewinds.sweeps.outcomes import PeriodFigures
from tradewinds.sweeps.ranking import Luck, RankedPoint, Ranking

SPLIT = dt.date(2024, 3, 1)


def figures(sharpe):
    return PeriodFigures(1.0, 2, sharpe, None, 3.0, 4.0, False)


def ranking(axes, by="sharpe", left_out=()):
    rows = []
    for number, values in enumerate(itertools.product(*axes.values())):
        settings = dict(zip(axes, values, strict=True))
        if values not in left_out:
            rows.append(RankedPoint(settings, f"r{number}", figures(number / 2), figures(-number)))
    return Ranking(by=by, split=SPLIT, rows=rows, luck=Luck(0, 0, None, None, None), correlation=None)


@pytest.fixture
def drawn(monkeypatch):
    found = []
    monkeypatch.setattr(heatmap, "heatmap_svg", lambda made: found.append(made) or "<svg/>")
    return found


def test_cells_are_in_order_of_the_values_and_what_was_not_run_is_empty(tmp_path, drawn):
    axes = {"risk.qty": [10, 2], "strategy.parameters.exit": [0.5, 0.1, 0.2], "risk.fixed": [1]}
    assert sweep_picture.write_sweep_picture(tmp_path, ranking(axes, left_out=[(2, 0.1, 1)]))
    (made,) = drawn
    assert made.names == ("qty", "exit") and (made.across, made.down) == (["2", "10"], ["0.1", "0.2", "0.5"])
    # in the product 10 comes first: points 0 to 2 are 10 with 0.5, 0.1, 0.2, points 3 to 5 are 2 with the same
    assert made.panels[f"before {SPLIT}"] == [[None, 0.5], [2.5, 1.0], [1.5, 0.0]]
    assert made.panels[f"from {SPLIT} on"] == [[None, -1], [-5, -2], [-3, 0]]
    assert not made.less_is_better and (tmp_path / "heatmap.svg").read_text() == "<svg/>"


AB = [1, 2]


@pytest.mark.parametrize(
    "axes",
    [
        {"a.b": AB},
        {"a.b": AB, "a.c": [3]},
        {"a.b": AB, "a.c": AB, "a.d": AB},
        {"a.b": range(41), "a.c": AB},
    ],
)
def test_there_is_no_picture_of_one_or_of_three_keys_or_of_too_many_values(tmp_path, drawn, axes):
    assert not sweep_picture.write_sweep_picture(tmp_path, ranking(axes))
    assert not drawn and list(tmp_path.iterdir()) == []


def test_the_picture_is_the_same_to_the_byte(tmp_path):
    axes = {"a.b": ["x", None], "a.c": [True, False]}
    texts = []
    for _ in range(2):
        assert sweep_picture.write_sweep_picture(tmp_path, ranking(axes, by="drawdown"))
        texts.append((tmp_path / "heatmap.svg").read_text())
    assert texts[0] == texts[1] and texts[0].startswith("<?xml")
