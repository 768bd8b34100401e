"""Figures have the same decimals wherever they are shown: the key says what kind of figure it is."""

from decimal import Decimal

import pytest

from tradewinds.core.text import byte_text, figure, metric_text, money_text
from tradewinds.results.report.parts import shown


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("total_pnl_usd", 1234.5, "1,234.50"),
        ("total_pnl_usd", Decimal("-0.125"), "-0.12"),
        ("total_fees_usd", 0.004, "0.004"),
        ("total_pnl_usd", 0, "0.00"),
        ("sharpe", 0.58125, "0.58"),
        ("roi_pct", -0.001, "0.00"),
        ("win_rate_pct", 50, "50"),
        ("brier", 0.39285, "0.3928"),
        ("log_loss", 1.1133, "1.1133"),
        ("total_r", 12.34567, "12.346"),
        ("exposure_time_avg_minutes", 2096.04, "2,096.0"),
        ("avg_holding_days", 3.25, "3.2"),
        ("num_trades", 12345, "12,345"),
        ("breakeven_periods", 18.5, "18.5"),
        ("sharpe", None, "—"),
        ("total_pnl_usd", None, "—"),
    ],
)
def test_the_kind_of_a_figure_decides_its_decimals(key, value, text):
    assert metric_text(key, value) == text


def test_one_rounding_for_all():
    for value in (0.125, 0.135, 2.675, -0.004, 1e9, 12):
        assert shown(value, 2) == figure(Decimal(str(value)))
    assert money_text(0.5) == "0.50" and money_text(-0.0049) == "-0.0049" and figure(float("nan")) == "nan"
    assert figure(1e30) == f"{1e30:,.2f}"


def test_bytes_have_the_unit_that_fits():
    assert [byte_text(count) for count in (940_000, 1_200_000, 2_340_000_000)] == ["940.0 kB", "1.2 MB", "2.3 GB"]
