"""What reports say of the account: months, drawdowns, rolling Sharpe, other orders, and the light charts of it."""

import datetime as dt
import itertools
import math
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.unit.results_parts import points, run, trade, written
from tradewinds.config import markets
from tradewinds.database.comparison import best_of
from tradewinds.families.kalshi_weather.report.event_sections import REPORT
from tradewinds.results.glossary import EXPLAINED, explanation_of
from tradewinds.results.metrics import sharpe
from tradewinds.results.report.account_sections import drawdowns, monthly_returns, rolling_sharpe
from tradewinds.results.report.curve import Curve
from tradewinds.results.report.drawings import Band, Chart, Line, Mark, chart_svg
from tradewinds.results.report.markdown import markdown
from tradewinds.results.report.other_orders import MOST_LUMPS, orders_of, round_trips
from tradewinds.results.report.run import read_run
from tradewinds.results.report.write import page_of
from tradewinds.serve.sparklines import drawn

DAY = 86_400


def at(text):
    return int(dt.datetime.fromisoformat(f"{text}T12:00+00:00").timestamp())


def curve(*found):
    t, equity = np.array([at(day) for day, _ in found]), np.array([worth for _, worth in found], np.float64)
    return Curve(t, equity, equity - np.maximum.accumulate(equity))


def test_a_month_begins_at_the_last_equity_of_the_one_before():
    found = monthly_returns(curve(("2025-01-10", 100), ("2025-01-31", 110), ("2025-03-02", 99), ("2025-03-31", 121)))
    assert found == {(2025, 1): pytest.approx(10), (2025, 3): pytest.approx(10)}


def test_drawdowns_are_listed_by_depth_with_their_ends():
    found = drawdowns(
        curve(("2025-01-01", 100), ("2025-01-02", 90), ("2025-01-03", 100), ("2025-01-04", 120), ("2025-01-05", 60))
    )
    assert [(fall.depth, fall.share, fall.recovered_ts) for fall in found] == [
        (60, 0.5, None),
        (10, 0.1, at("2025-01-03")),
    ]
    assert (found[0].peak_ts, found[0].bottom_ts) == (at("2025-01-04"), at("2025-01-05"))
    assert drawdowns(curve(("2025-01-01", 1), ("2025-01-02", 2))) == []


def test_a_rolling_sharpe_is_the_sharpe_of_each_window():
    returns = np.array([0.01, -0.02, 0.03, 0.005, -0.01])
    found = rolling_sharpe(returns, 3, 252)
    assert found.tolist() == pytest.approx([sharpe(returns[n : n + 3].tolist(), 252) for n in range(3)])
    assert math.isnan(rolling_sharpe(np.array([0.01] * 3), 3, 252)[0])


def test_another_order_has_the_same_sum_and_every_fall_that_its_order_has():
    made = np.array([3.0, -2.0, 1.0])
    found = orders_of(made, 7, 400)
    by_hand = set()
    for order in itertools.permutations(made.tolist()):
        sums = list(itertools.accumulate(order, initial=0.0))
        by_hand.add(max(max(sums[: n + 1]) - value for n, value in enumerate(sums)))
    assert set(found.shuffled_falls.tolist()) == by_hand
    assert found.made.tolist()[-1] == 2.0 and set(found.drawn_ends.tolist()) <= {
        sum(draw) for draw in itertools.product(made.tolist(), repeat=3)
    }
    again = orders_of(made, 7, 400)
    assert (found.drawn_ends == again.drawn_ends).all() and (found.shuffled_falls == again.shuffled_falls).all()
    assert not (orders_of(made, 8, 400).drawn_ends == found.drawn_ends).all()


def many_trades(count):
    days = [f"05-{n:02d}" for n in range(2, 30)]
    return [
        trade(f"KXHIGHMIA-25MAY{days[n % 28][-2:]}-B8{n // 28 % 10}.5", pays=str(int(n % 3 > 0)),
              decided=f"{days[n % 28]} 03:{n // 28 % 60:02d}", settled=f"{days[n % 28]} 23:00")
        for n in range(count)
    ]  # fmt: skip


CURVE = points(("05-02 03:00", "start", "1000"), ("05-20 23:00", "settlement", "990"), ("05-29 23:00", "end", "1010"))


def test_trades_of_an_event_are_shuffled_together(tmp_path):
    made = read_run(written(tmp_path / "run", run(many_trades(60), CURVE)))
    found = round_trips(made)
    assert len(found) == 28 and found.sum() == pytest.approx(float(made.query("SELECT sum(pnl) FROM trades")[0][0]))
    assert MOST_LUMPS > 28


def test_the_section_says_what_it_assumes_and_the_same_files_give_the_same_words(tmp_path):
    folder = written(tmp_path / "run", run(many_trades(60), CURVE))
    text = markdown(page_of(folder, REPORT))
    assert text == markdown(page_of(folder, REPORT))
    assert "do not depend on each other" in text and "### Monthly returns, %" in text
    assert "of these 28 round trips" in text and "\n| deepest fall, USD: another order |" in text
    assert "| 2025-05-02 | 2025-05-20 | 2025-05-29 | 10.00 |" in text


@pytest.mark.parametrize("market", markets.NAMES)
def test_every_family_has_the_section(market):
    assert any(
        section.__module__.endswith("account_sections") for section in markets.family_of(market).report().sections
    )


def test_a_chart_is_well_formed_and_escapes_what_comes_from_outside():
    chart = Chart(
        [0, DAY, 3 * DAY],
        [Line([1, 2, math.nan], "one", "<b>", stepped=True), Line([1, 1, 3], "middle")],
        [Band([0, 0, 0], [1, 2, 3], "outer", stepped=True)],
        [Mark(DAY, 2, kind, '"><script>') for kind in ("up", "down", "refused", "settled")],
        [(1.5, "</svg><i>")],
    )
    root = ElementTree.fromstring(f'<x xmlns:x="y">{chart_svg(chart)}</x>')
    assert {element.tag for element in root.iter()} == {"x", "svg", "path", "text", "title"}
    assert "<script" not in chart_svg(chart) and len(chart_svg(chart)) < 3_000


def test_a_sparkline_needs_two_points():
    assert drawn([1.0]) == "" and 'class="spark up"' in drawn([1.0, 2.0]) and 'class="spark down"' in drawn([2.0, 1.0])


def test_the_best_is_the_largest_or_the_smallest_and_none_where_all_are_equal():
    assert best_of("sharpe", [1.0, None, 2.0]) == {2}
    assert best_of("max_drawdown_pct", [1.0, 3.0, 1.0]) == {0, 2}
    assert (
        best_of("sharpe", [1.0, 1.0]) == best_of("num_trades", [1, 2]) == best_of("brier", [None, 0.2]) == frozenset()
    )


def test_a_heading_is_explained_with_and_without_its_unit():
    assert explanation_of("Max drawdown, USD") == explanation_of("max drawdown") == EXPLAINED["max drawdown"] != ""
    assert explanation_of("Sharpe (√252)") == EXPLAINED["sharpe"] and explanation_of("station") == ""
    assert all(words.endswith(".") for words in EXPLAINED.values())
