"""The report: says the result, why things did not happen, and where the money came from; the same each time."""

import datetime as dt
import json
import re
import struct
from decimal import Decimal

import pytest

from tests.unit.results_parts import points, run, scored, trade, written
from tradewinds.engine import limits
from tradewinds.markets import kalshi_events, kalshi_weather
from tradewinds.results import breakdown
from tradewinds.results.plots import equity_plot
from tradewinds.results.report import REASONS, escape, shown, table, write_report

DAYS = points(("05-02 03:00", "start", "1000"), ("05-03 00:00", "midnight", "999"), ("05-03 14:00", "end", "1000.16"))


def report(folder, result):
    write_report(written(folder, result))
    return (folder / "report.md").read_text(encoding="utf-8")


def test_the_result_by_hand(tmp_path):
    trades = [trade(), trade(pays="0")]  # +0.58, -0.42
    text = report(tmp_path, run(trades, DAYS, attempted=3, markets=scored(("0.83", True), ("0.87", False))))
    assert text.startswith("# KXHIGHMIA, KXHIGHCHI, 2025-05-01 to 2025-05-03\n")
    assert "Strategy `ev_threshold` on probabilities from `gaussian`: 2 trades in 1 of 3 events, " in text
    assert "events, P&L 0.16 USD after 0.04 USD of fees." in text
    rows = [
        "Start balance, USD | 1000.00", "End balance, USD | 1000.16", "P&L, USD | 0.16", "Fees, USD | 0.04",
        "Return, % | 0.016", "Trades | 2", "Contracts | 2", "Win rate, % | 50.00", "Average profit, USD | 0.5800",
        "Average loss, USD | -0.4200", "Profit factor | 1.381", "Max drawdown, USD | 1.00", "Max drawdown, % | 0.100",
        "Decision to settlement, minutes | 2096", "Brier score | 0.3929", "Log loss | 1.1133", "0.8 – 0.9 | 2 | 0.850 | 0.500",
        "0.0 – 0.1 | 0 | — | —",
    ]  # fmt: skip
    assert [row for row in rows if f"\n| {row} |\n" not in text] == []
    assert "without a candle: 12.50 %" in text and "No event was skipped." in text and "Nothing was traded" not in text
    manifest = json.loads((tmp_path / "run_manifest.json").read_text())
    assert f"\n    {manifest['reproduce']}\n" in text and manifest["run_id"] in text
    assert "data up to 2025-05-02T03:00:00Z; hashes of all 0 input files" in text


def test_nothing_traded_is_explained(tmp_path):
    skipped = [("KXHIGHMIA-25MAY01", "NO_EVENT"), ("KXHIGHCHI-25MAY01", "MISSING_QUOTES")]
    text = report(tmp_path, run(equity=DAYS, skipped=skipped, rejections={"INSUFFICIENT_CASH": 17}, attempted=3))
    assert (
        "**Nothing was traded:** 1 event(s) skipped, NO_EVENT: the exchange lists no such event; 1 event(s) skipped, "
        "MISSING_QUOTES: no candle; 17 refusal(s), INSUFFICIENT_CASH: not enough cash"
    ) in text
    assert "\n| NO_EVENT | the exchange lists no such event | 1 | KXHIGHMIA-25MAY01 |\n" in text
    assert "\n| INSUFFICIENT_CASH | not enough cash | 17 |\n" in text
    assert "\n| Win rate, % | — |\n" in text and "\n| Sharpe (√365) | — |\n" not in text
    no_edge = "no visible quote left an expected value above `risk.min_ev_per_contract` after the fee"
    assert f"**Nothing was traded:** {no_edge}." in report(tmp_path, run(equity=DAYS))


def test_a_skipped_event_does_not_explain_the_others(tmp_path):
    text = report(tmp_path, run(equity=DAYS, skipped=[("KXHIGHMIA-25MAY01", "NO_EVENT")], attempted=2))
    assert "no visible quote left an expected value" in text


def test_every_reason_the_code_can_give_has_words():
    modules = (limits, kalshi_events, kalshi_weather)
    named = {v for m in modules for v in vars(m).values() if isinstance(v, str) and re.fullmatch("[A-Z]+(_[A-Z]+)+", v)}
    assert {"OPPOSING_POSITION", "MISSING_QUOTES", "CROSSED_QUOTE"} <= named
    assert named <= set(REASONS)


def test_a_quarantined_event_is_said(tmp_path):
    """The code of section 7 names its validation, so no table can list them all."""
    skipped = [("KXHIGHMIA-25MAY01", "VALIDATION:ladder_sums_to_one")]
    failures = [("ladder_sums_to_one", "KXHIGHMIA-25MAY01", "its probabilities sum to 0.9")]
    failures += [("one_winner", f"E<{n}>", "2 markets | settled YES") for n in range(12)]
    text = report(tmp_path, run([trade()], DAYS, skipped=skipped, failures=failures))
    reason = "VALIDATION:ladder_sums_to_one | this validation failed | 1 | KXHIGHMIA-25MAY01"
    assert f"\n| {reason} |\n" in text
    assert "\n| ladder_sums_to_one | the probabilities of a ladder sum to 1 | 1 | 1 |\n" in text
    assert "\n| fee_in_bounds | every fee is from 0 to 0.0175 USD a contract and a cent | 1 | 0 |\n" in text
    assert "- ladder_sums_to_one: KXHIGHMIA-25MAY01, left out: its probabilities sum to 0.9\n" in text
    assert (
        "- one_winner: E&lt;9&gt;, replayed all the same: 2 markets \\| settled YES\n" in text and "E&lt;10" not in text
    )
    assert "- one_winner: and 2 more, all in metrics.json\n" in text
    assert len(re.findall(r"^\| \w+ \| .* \| \d+ \| \d+ \|$", text, re.MULTILINE)) >= 14


def test_a_run_without_any_event_still_has_a_report_and_a_picture(tmp_path):
    text = report(tmp_path, run(skipped=[("KXHIGHMIA-25MAY01", "NO_EVENT")], attempted=1))
    assert "NO_EVENT" in text and "\n| Max drawdown, USD | — |\n" in text and "data up to none" in text
    assert (tmp_path / "equity.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_files_have_the_same_report_and_picture(tmp_path):
    report(tmp_path, run([trade()], DAYS))
    made = [(tmp_path / name).read_bytes() for name in ("report.md", "equity.png")]
    write_report(tmp_path)
    assert [(tmp_path / name).read_bytes() for name in ("report.md", "equity.png")] == made
    assert struct.unpack(">II", made[1][16:24]) == (990, 550)
    lines = (tmp_path / "equity.csv").read_text().splitlines()
    (tmp_path / "other.csv").write_text("\n".join([*lines[:-1], lines[-1].replace("1000.16", "900.16")]))
    equity_plot(tmp_path / "other.csv", tmp_path / "other.png")
    assert (tmp_path / "other.png").read_bytes() != made[1]  # it does show the figures


def rows_of(*trades):
    """As trades.parquet has them."""
    return [
        {
            "series_ticker": t.series_ticker,
            "market_ticker": t.market_ticker,
            "decision_ts_utc": dt.datetime.fromtimestamp(t.decision_ts, dt.UTC),
            "side": t.side,
            "qty": t.qty,
            "entry_price": Decimal(t.entry_price_micro).scaleb(-6),
            "model_prob_yes": Decimal(t.model_prob_yes_pico).scaleb(-12),
            "ev_net_per_contract": Decimal(int(t.ev_net_pico)).scaleb(-12),
            "pnl": Decimal(t.pnl_micro).scaleb(-6),
        }
        for t in trades
    ]


def test_the_breakdown_by_hand():
    chicago = {"side": "BUY_NO", "qty": 3, "price": "0.95", "fee": "0.02", "p": "0.01"}
    trades = rows_of(
        trade(qty=2, fee="0.04"),  # +1.16, expected 0.38 each
        trade(qty=1, pays="0", decided="05-31 23:59"),  # -0.42, expected 0.38
        trade("KXHIGHCHI-25JUN01-T71", decided="06-01 00:00", **chicago),  # +0.13, expected 0.1
        trade("KXHIGHCHI-25JUN01-T72", decided="06-01 00:01", pays="0.956667", **chicago),  # +0.000001
    )
    found = {title: rows for title, _, rows in breakdown.tables(trades)}
    assert found.keys() == {
        "P&L by series", "P&L by month (UTC)", "P&L by side", "P&L by entry price", "Top winners", "Top losers",
    }  # fmt: skip
    assert found["P&L by series"] == [
        ("KXHIGHCHI", "2", "6", "0.13", "0.20", "0.0217", "0.0333"),
        ("KXHIGHMIA", "2", "3", "0.74", "1.14", "0.2467", "0.3800"),
    ]
    assert [row[:4] for row in found["P&L by month (UTC)"]] == [
        ("2025-05", "2", "3", "0.74"),
        ("2025-06", "2", "6", "0.13"),
    ]
    assert [row[0] for row in found["P&L by entry price"]] == ["0.4 – 0.5", "0.9 – 1.0"]
    assert [row[0] for row in found["P&L by side"]] == ["BUY_NO", "BUY_YES"]
    best = ("KXHIGHMIA-25MAY02-B80.5", "BUY_YES", "2025-05-02 03:04Z", "2", "0.40", "0.800", "1.16")
    assert found["Top winners"][0] == best
    assert [row[-1] for row in found["Top winners"]] == ["1.16", "0.13", "0.000001"]
    assert [row[2::4] for row in found["Top losers"]] == [("2025-05-31 23:59Z", "-0.42")]
    assert list(breakdown.tables([])) == []


def test_only_the_five_best_and_worst_are_listed_in_order():
    trades = rows_of(*(trade(pays=f"0.{n}") for n in range(10, 99, 4)))
    found = {title: [Decimal(row[-1]) for row in rows] for title, _, rows in breakdown.tables(trades)}
    made = sorted(row["pnl"] for row in trades)
    assert found["Top losers"] == made[:5] and found["Top winners"] == made[:-6:-1]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(None, 2, "—"), (0, 0, "0"), (1000.0, 2, "1000.00"), (-0.375, 2, "-0.38"), (2.0, 3, "2.000"), (1e-7, 4, "0.0000"),
     (120.4, 0, "120")],
)  # fmt: skip
def test_numbers_for_people(value, digits, text):
    assert shown(value, digits) == text


def test_text_from_outside_is_harmless():
    assert escape("a|b <i>&`c`\n d") == "a\\|b &lt;i&gt;&amp;\\`c\\` d"
    assert table(("A", "B"), [("1", "2")], "lr") == "| A | B |\n| --- | ---: |\n| 1 | 2 |"


def test_a_ticker_from_outside_is_harmless_everywhere(tmp_path):
    strange = "KXHIGHMIA-25<i>|-B80"
    text = report(tmp_path, run([trade(strange), trade(strange, pays="0")], DAYS, skipped=[("25<i>|", "NO_EVENT")]))
    assert "25&lt;i&gt;\\|" in text and "<i>" not in text
