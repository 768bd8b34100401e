"""The report: says the result, why things did not happen, and where the money came from; the same each time."""

import csv
import html as html_text
import json
import math
import re
from decimal import Decimal
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.results_parts import conf, points, run, scored, trade, written
from tradewinds.config import resolve
from tradewinds.engine.event_contracts import limits
from tradewinds.families.kalshi_weather import events, replay, tradable_markets
from tradewinds.families.kalshi_weather.report.calibration_section import wilson
from tradewinds.families.kalshi_weather.report.edge_section import verdict
from tradewinds.families.kalshi_weather.report.event_sections import REPORT
from tradewinds.families.kalshi_weather.report.profit import Group, grouped
from tradewinds.families.kalshi_weather.report.reasons import EVENT_REASON_TEXTS
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.report.curve import Curve, Fall, deepest, thinned
from tradewinds.results.report.html import with_code
from tradewinds.results.report.markdown import escape, markdown, table
from tradewinds.results.report.parts import Plot, ReportTable, Text, shown
from tradewinds.results.report.pictures import pictures
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.write import page_of, write_report

DAYS = points(("05-02 03:00", "start", "1000"), ("05-03 00:00", "midnight", "999"), ("05-03 14:00", "end", "1000.16"))
HARM = "<script>alert(1)</script>"


def report(folder, result, **how):
    """The text of report.md, without drawing anything."""
    return markdown(page_of(written(folder, result, **how), REPORT))


def written_report(folder, result, **how):
    """The text of report.md, beside all other files of the report."""
    write_report(written(folder, result, **how), REPORT)
    return (folder / "report.md").read_text(encoding="utf-8")


def tables(folder):
    """Every table of the page by the heading of its first column."""
    found = {}
    for section in page_of(folder, REPORT).sections:
        for part in (inner for outer in section.parts for inner in getattr(outer, "parts", [outer])):
            if isinstance(part, ReportTable):
                found.setdefault(part.header[0] or section.title, []).append(part.rows)
    return found


def test_the_result_by_hand(tmp_path):
    trades = [trade(), trade(pays="0")]  # +0.58, -0.42
    text = report(tmp_path / "run", run(trades, DAYS, attempted=3, markets=scored(("0.83", True), ("0.87", False))))
    assert text.startswith("# KXHIGHMIA, KXHIGHCHI, 2025-05-01 to 2025-05-03\n")
    assert "Strategy ev_threshold on probabilities from gaussian: 2 trades in 1 of 3 events, " in text
    assert "events, P&L 0.16 USD after 0.04 USD of fees." in text
    rows = [
        "Start balance, USD | 1,000.00", "End balance, USD | 1,000.16", "P&L, USD | 0.16", "Fees, USD | 0.04",
        "Return, % | 0.02", "Trades | 2", "Contracts | 2", "Win rate, % | 50.00", "Average profit, USD | 0.58",
        "Average loss, USD | -0.42", "Profit factor | 1.38", "Max drawdown, USD | 1.00", "Max drawdown, % | 0.10",
        "Decision to settlement, minutes | 2,096.0", "Brier score | 0.3929", "Log loss | 1.1133",
        "0.8 – 0.9 | 2 | 0.850 | 0.500 | 0.095 to 0.905", "0.0 – 0.1 | 0 | — | — | —",
    ]  # fmt: skip
    assert [row for row in rows if f"\n| {row} |\n" not in text] == []
    assert "3 events attempted, 1 traded, 0 skipped, 2 replayed without a trade." in text
    assert "without a candle: 12.50 %" in text and "Event skipped" not in text and "Nothing was traded" not in text
    assert (
        "Deepest drawdown: from 2025-05-02 03:00Z to 2025-05-03 00:00Z, 1.00 USD, made good by 2025-05-03 14:00Z."
        in text
    )
    manifest = json.loads((tmp_path / "run/run_manifest.json").read_text())
    assert f"\n    {manifest['reproduce']}\n" in text and manifest["run_id"] in text
    assert "\n| Data up to | 2025-05-02T03:00:00Z |\n| Inputs | 0 files, whose SHA-256 are" in text
    assert "No depth: an order is assumed to fill whole" in text and "Taker only:" in text


def test_nothing_traded_is_explained(tmp_path):
    skipped = [("KXHIGHMIA-25MAY01", "NO_EVENT"), ("KXHIGHCHI-25MAY01", "MISSING_QUOTES")]
    quiet = run(equity=DAYS, skipped=skipped, rejections={"INSUFFICIENT_CASH": 17}, attempted=3)
    text = report(tmp_path / "run", quiet)
    assert (
        "**Nothing was traded: 1 event skipped, NO_EVENT: the exchange lists no such event; 1 event skipped, "
        "MISSING_QUOTES: no candle; 17 refusals, INSUFFICIENT_CASH: not enough cash.**"
    ) in text
    assert "\n| the exchange lists no such event (NO_EVENT) | 1 | KXHIGHMIA-25MAY01 |\n" in text
    assert "\n| not enough cash (INSUFFICIENT_CASH) | 17 |\n" in text
    assert "\n| Win rate, % | — |\n" in text and "\n| Sharpe (√365) | — |\n" not in text
    assert "Where the money came from" not in text and "Is the edge real?" not in text
    no_edge = "no visible quote left an expected value above risk.min_ev_per_contract after the fee"
    assert f"**Nothing was traded: {escape(no_edge)}.**" in report(tmp_path / "other", run(equity=DAYS))
    partly = run(equity=DAYS, skipped=skipped[:1], attempted=2)
    assert escape(no_edge) in report(tmp_path / "partly", partly)  # a skipped event does not explain the others


def test_every_reason_the_code_can_give_has_words():
    modules = (limits, events, replay, tradable_markets)
    named = {v for m in modules for v in vars(m).values() if isinstance(v, str) and re.fullmatch("[A-Z]+(_[A-Z]+)+", v)}
    assert {"OPPOSING_POSITION", "MISSING_QUOTES", "CROSSED_QUOTE"} <= named
    assert named <= set(EVENT_REASON_TEXTS)


def test_a_quarantined_event_is_said(tmp_path):
    """The code of section 7 names its validation, so no table can list them all."""
    skipped = [("KXHIGHMIA-25MAY01", "VALIDATION:ladder_sums_to_one")]
    failures = [("ladder_sums_to_one", "KXHIGHMIA-25MAY01", "its probabilities sum to 0.9")]
    failures += [("one_winner", f"E<{n}>", "2 markets | settled YES") for n in range(12)]
    text = report(tmp_path / "run", run([trade()], DAYS, skipped=skipped, failures=failures))
    reason = "this validation failed (VALIDATION:ladder_sums_to_one) | 1 | KXHIGHMIA-25MAY01"
    assert f"\n| {reason} |\n" in text
    assert "\n| ladder_sums_to_one | the probabilities of a ladder sum to 1 | 1 | 1 |\n" in text
    assert "\n| fee_in_bounds | every fee is from 0 to 0.0175 USD a contract and a cent | 1 | 0 |\n" in text
    assert "- ladder_sums_to_one: KXHIGHMIA-25MAY01, left out: its probabilities sum to 0.9\n" in text
    assert "- one_winner: E&lt;9&gt;, replayed all the same: 2 markets \\| settled YES\n" in text
    assert "E&lt;10" not in text and "- one_winner: and 2 more, all in metrics.json\n" in text
    assert len(re.findall(r"^\| \w+ \| .* \| \d+ \| \d+ \|$", text, re.MULTILINE)) >= 14


def test_long_lists_of_skipped_events_are_cut(tmp_path):
    skipped = [(f"KXHIGHMIA-{n}", "NO_EVENT") for n in range(5000)]
    text = report(tmp_path / "run", run(equity=DAYS, skipped=skipped, attempted=5000))
    assert "KXHIGHMIA-19 and 4,980 more" in text and "KXHIGHMIA-20" not in text


def test_a_run_without_any_event_still_has_a_report(tmp_path):
    text = written_report(tmp_path / "run", run(skipped=[("KXHIGHMIA-25MAY01", "NO_EVENT")], attempted=1))
    assert "NO_EVENT" in text and "\n| Max drawdown, USD | — |\n" in text and "\n| Data up to | none |\n" in text
    assert "No event was open." in text and list((tmp_path / "run/plots").iterdir()) == []
    assert "<h2>Summary</h2>" in (tmp_path / "run/report.html").read_text()


def many_trades():
    days = [f"05-0{n}" for n in (2, 3, 4, 5, 6)]
    made = [
        trade(f"KXHIGH{city}-25MAY0{day[-1]}-B8{n}.5", side, n + 1, price, p=p, pays=str(int((n + int(day[-1])) % 3 > 0)),
              decided=f"{day} {3 + n:02d}:04", settled=f"{day} 23:00")
        for day in days for city in ("MIA", "CHI") for n, (side, price, p) in
        enumerate([("BUY_YES", "0.40", "0.6"), ("BUY_NO", "0.85", "0.1"), ("BUY_YES", "0.07", "0.09")])
    ]  # fmt: skip
    return run(made, DAYS, markets=scored(("0.83", True), ("0.87", False), ("0.12", False)))


def everything(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.usefixtures("drawn_anew")
def test_the_same_files_have_the_same_report_and_pictures(tmp_path):
    folder = tmp_path / "run"
    written_report(folder, many_trades())
    made = everything(folder)
    write_report(folder, REPORT)  # over what is there
    assert everything(folder) == made
    plots = ["equity", "pnl_by_city", "pnl_by_side", "pnl_by_price", "pnl_by_hour", "edge", "calibration"]
    pictured = {f"plots/{name}.{form}" for name in plots for form in ("png", "svg")}
    assert {
        name for name in made if name.startswith("plots/")
    } == pictured  # a single month is not compared with itself
    assert all(made[name].startswith(b"\x89PNG") for name in pictured if name.endswith("png"))
    assert all(f"](plots/{name}.png)" in made["report.md"].decode() for name in plots)
    clock = json.loads(made["run_manifest.json"])["created_at_utc"]
    assert clock not in made["report.md"].decode() and clock not in made["report.html"].decode()


@pytest.mark.slow
def test_a_picture_shows_its_figures():
    plot = Plot(
        "equity", "E", "equity", {"t": [0, 86_400], "equity": [5.0, 4.0], "drawdown": [0.0, -1.0], "start": 5}, ("", "")
    )
    other = Plot("equity", "E", "equity", plot.data | {"equity": [5.0, 3.0]}, ("", ""))
    assert pictures(plot) == pictures(plot)
    assert all(pictures(plot)[form] != pictures(other)[form] for form in ("svg", "png"))


@pytest.mark.slow
def test_the_breakdown_by_hand(tmp_path):
    chicago = {"side": "BUY_NO", "qty": 3, "price": "0.95", "fee": "0.02", "p": "0.01"}
    trades = [
        trade(qty=2, fee="0.04"),  # +1.16, expected 0.38 each
        trade(qty=1, pays="0", decided="05-31 23:59"),  # -0.42, expected 0.38; the same position
        trade("KXHIGHCHI-25JUN01-T71", decided="06-01 00:00", **chicago),  # +0.13, expected 0.1
        trade("KXHIGHCHI-25JUN01-T72", decided="06-01 00:01", pays="0.90", **chicago),  # -0.17
    ]
    found = tables(written(tmp_path / "run", run(trades, DAYS)))
    assert found["City"] == [[
        ("Chicago Midway high", "2", "6", "-0.04", "0.20", "-0.0067", "0.0333"),
        ("Miami Intl high", "2", "3", "0.74", "1.14", "0.2467", "0.3800"),
    ]]  # fmt: skip
    assert [row[:4] for row in found["Month (UTC)"][0]] == [
        ("2025-05", "2", "3", "0.74"),
        ("2025-06", "2", "6", "-0.04"),
    ]
    assert [row[0] for row in found["Entry price, USD"][0]] == ["0.4 – 0.5", "0.9 – 1.0"]
    assert [row[0] for row in found["Side"][0]] == ["BUY_NO", "BUY_YES"]
    assert [row[:2] for row in found["Hour of the decision (UTC)"][0]] == [
        ("00:00", "2"),
        ("03:00", "1"),
        ("23:00", "1"),
    ]
    winners, losers = found["Market"]
    words = "Highest temperature: 80° to 81°"
    day = "2025-05-02 03:04Z"
    miami = ("KXHIGHMIA-25MAY02-B80.5", words, "YES", day, "2", "3", "0.4000", "0.800", "won", "0.74")
    assert winners == [
        miami,
        ("KXHIGHCHI-25JUN01-T71", words, "NO", "2025-06-01 00:00Z", "1", "3", "0.9500", "0.010", "won", "0.13"),
    ]
    assert [(row[0], row[-1]) for row in losers] == [("KXHIGHCHI-25JUN01-T72", "-0.17")]
    assert found["Net EV at entry, USD"] == [[
        ("0.02 – 0.04", "1", "2", "6", "0.0333", "-0.0067", "—"),
        ("0.30 – 0.50", "1", "2", "3", "0.3800", "0.2467", "—"),
        ("all", "2", "4", "9", "0.1489", "0.0778", "—"),
    ]]  # fmt: skip


def test_only_the_ten_best_and_worst_positions_are_listed_in_order(tmp_path):
    made = run([trade(f"KXHIGHMIA-25MAY02-B{n}.5", pays=f"0.{n}") for n in range(10, 99, 2)], DAYS)
    winners, losers = ([Decimal(row[-1]) for row in rows] for rows in tables(written(tmp_path / "run", made))["Market"])
    worth = sorted(Decimal(t.pnl_micro) / 10**6 for t in made.trades if t.pnl_micro)
    assert losers == worth[:10] and winners == worth[:-11:-1]


@pytest.mark.slow
@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from("abcdefgh"), st.integers(0, 100)), min_size=1, max_size=40)
)
def test_the_interval_is_the_textbooks_ratio_by_event(tmp_path_factory, drawn):
    """Cochran's formula in a plain loop over events, for sums over all trades."""
    trades = [
        trade(
            f"KXHIGHMIA-{event}-B80.5",
            qty=qty,
            fee="0",
            pays=f"{pays / 100}",
            decided=f"05-02 {n // 60:02d}:{n % 60:02d}",
        )
        for n, (qty, event, pays) in enumerate(drawn)
    ]
    folder = tmp_path_factory.mktemp("ratio")
    write_artifacts(folder, resolve.run_id(conf()), conf(), run(trades, DAYS))
    [found] = grouped(ReportRun(folder, {}, {}, {}, "USD"), "0")
    contracts = sum(t.qty for t in trades)
    each = sum(t.pnl_micro for t in trades) / contracts
    events = sorted({t.event_ticker for t in trades})
    assert (found.events, found.trades, found.contracts) == (len(events), len(trades), contracts)
    assert found.realised_each == pytest.approx(each / 1e6)
    if len(events) < 5:
        assert found.interval is None
        return
    rest = [sum(t.pnl_micro - each * t.qty for t in trades if t.event_ticker == event) for event in events]
    half = 1.96 * math.sqrt(len(events) / (len(events) - 1) * sum(r**2 for r in rest)) / contracts
    assert found.interval == pytest.approx(((each - half) / 1e6, (each + half) / 1e6), abs=1e-9)


@pytest.mark.parametrize(
    ("pnl", "error", "says"),
    [
        ("10", 0.01, "more than chance alone explains, and more than was promised"),
        ("5", 0.01, "more than chance alone explains, and not at odds with what was promised"),
        ("2", 0.005, "more than chance alone explains, and less than was promised"),
        ("1", 0.01, "not distinguishable from zero, and less than was promised"),
        ("4", 0.05, "not distinguishable from zero, and not at odds with what was promised"),
        ("-4", 0.01, "a loss that chance alone does not explain, and less than was promised"),
        ("4", None, "too few to say anything of an edge"),
    ],
)
def test_the_verdict_says_what_the_interval_does(pnl, error, says):
    assert says in verdict(Group(0, 30, 50, 100, Decimal(pnl), Decimal(5), error))


def test_wilson_by_hand():
    assert wilson(0.5, 2) == pytest.approx(
        (0.0945, 0.9055), abs=5e-5
    )  # Wilson (1927); as R's prop.test(1, 2, correct=F)
    assert wilson(0.0, 10) == pytest.approx((0, 0.2775), abs=5e-5)
    assert wilson(1.0, 10)[1] == 1


def a_source(n):
    """Scores of a source of probabilities as calibration.json has them: one bin is filled."""
    bins = [
        {"from": i / 10, "to": (i + 1) / 10, "n": 0, "mean_p": None, "frequency": None, "band": None} for i in range(10)
    ]
    bins[3] |= {"n": n, "mean_p": 0.34, "frequency": 0.25, "band": [0.125, 0.625]}
    parts = {"brier": 0.125, "reliability": 0.01, "resolution": 0.02, "uncertainty": 0.1875}
    return {
        "n": n,
        **parts,
        "within_bin_variance": 0.0,
        "within_bin_covariance": 0.0,
        "log_loss": 0.5,
        "reliability_diagram": bins,
    }


@pytest.mark.slow
def test_the_deeper_scores_are_shown_where_a_run_has_them(tmp_path):
    folder = written(tmp_path / "run", many_trades())
    assert "(Wilson)" in str(page_of(folder, REPORT))
    skill = {"n": 8, "days": 2, "brier": 0.125, "brier_other": 0.25, "skill": 0.5, "interval": [0.25, 0.75]}
    unknown = {"n": 0, "days": 0, "brier": None, "brier_other": None, "skill": None, "interval": None}
    pit = {"n": 20, "mae_f": 1.5, "bias_f": -0.25, "crps_f": 1.125, "pit": [2.0] * 9 + [2.5], "pit_band": [0, 5]}
    scores = {
        "probabilities": {
            "all": {"model": a_source(8), "climate|<b>": a_source(9), "market": a_source(1200)},
            "by": {
                "station": {"KMDW max": {"model": a_source(6), "market": a_source(3)}},
                "lead_hours": {"25": {"market": a_source(4)}},
                "month": {"2025-05": {"model": a_source(6)}},
            },
        },
        "against": {"market|<b>": skill, "climatology": unknown},
        "temperatures": {
            "all": {"model": pit},
            "by": {"station": {"KNYC min": {"model": pit}}, "lead_hours": {"26": {"model": pit}}},
        },
    }
    (folder / "calibration.json").write_text(json.dumps(scores))
    write_report(folder, REPORT)
    text = (folder / "report.md").read_text()
    for row in (
        "model | 8 | 0.1250 | 0.0100 | 0.0200 | 0.1875 | 0.5000",
        "market\\|&lt;b&gt; | 8 | 2 | 0.1250 | 0.2500 | 0.5000 | 0.250 to 0.750",
        "climatology | 0 | 0 | — | — | — | —",
        "model | 20 | 1.5000 | -0.2500 | 1.1250",
        "KMDW max | 6 | 0.1250 | 0.1250 | 0.5000 | — | — | — | —",
        "KNYC min | — | — | — | — | 20 | 1.50 | -0.25 | 1.12",
        "25 | — | — | 0.1250 | — | — | — | — | —",
    ):
        assert f"\n| {row} |\n" in text, row
    assert "By month" not in text, "one month is all of it"
    plots = {plot.name: plot.data for plot in page_of(folder, REPORT).plots()}
    assert {name for name in plots if "cal" in name or "pit" in name} == {
        "calibration_model",
        "calibration_market",
        "pit",
    }
    assert plots["calibration_market"] == {
        "x": [0.34], "y": [0.25], "low": [0.125], "high": [0.625], "n": ["1,200"],
        "remark": ["P(YES) 0.3\u00a0–\u00a00.4: 1,200 markets"],
    }  # fmt: skip
    assert plots["pit"]["value"] == pit["pit"] and plots["pit"]["expected"] == [2.0] * 10
    assert (folder / "plots/pit.svg").exists() and "<b>" not in (folder / "report.html").read_text()


def test_scores_of_nothing_are_no_table(tmp_path):
    folder = written(tmp_path / "run", run(equity=DAYS))
    nothing = {"probabilities": {"all": {}, "by": {}}, "against": {}, "temperatures": {"all": {}, "by": {}}}
    (folder / "calibration.json").write_text(json.dumps(nothing))
    assert "Brier score —, log loss —" in str(page_of(folder, REPORT)) and "Wilson" not in str(page_of(folder, REPORT))


CURVES = st.lists(st.integers(0, 10**6), min_size=1, max_size=300)


@given(CURVES, st.integers(1, 20))
def test_thinning_keeps_ends_and_extremes_and_invents_nothing(values, buckets):
    equity = np.array(values, float)
    whole = Curve(np.arange(len(values)) * 60, equity, equity - np.maximum.accumulate(equity))
    kept = thinned(whole, buckets)
    assert len(kept.t) <= 5 * buckets and set(zip(*map(tuple, kept), strict=True)) <= set(
        zip(*map(tuple, whole), strict=True)
    )
    assert list(kept.t) == sorted(kept.t)
    for ours, all_of_it in zip(kept, whole, strict=True):
        assert (ours[0], ours[-1], min(ours), max(ours)) == (
            all_of_it[0],
            all_of_it[-1],
            min(all_of_it),
            max(all_of_it),
        )


def test_thinning_keeps_the_extremes_of_every_stretch():
    t = np.arange(10_000)
    equity = np.where(t == 4321, 50.0, np.where(t == 7777, -50.0, np.sin(t)))
    kept = thinned(Curve(t, equity, equity - np.maximum.accumulate(equity)), 100)
    assert {4321, 7777} <= set(kept.t.tolist()) and len(kept.t) <= 500
    for start in range(0, 10_000, 100):
        inside = (kept.t >= start) & (kept.t < start + 100)
        assert kept.equity[inside].max() == equity[start : start + 100].max()
        assert kept.equity[inside].min() == equity[start : start + 100].min()


def test_the_deepest_fall_by_hand():
    def fall(*equity):
        values = np.array(equity, float)
        return deepest(Curve(np.arange(len(values)), values, values - np.maximum.accumulate(values)))

    assert fall(5, 7, 3, 6, 7, 1) == Fall(1, 5, None)  # a later one that is deeper
    assert fall(5, 7, 3, 6, 8, 7) == Fall(1, 2, 4)
    assert fall(5, 6, 6, 7) is None and fall() is None


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(None, 2, "—"), (0, 0, "0"), (1000.0, 2, "1,000.00"), (-0.375, 2, "-0.38"), (2.0, 3, "2.000"), (1e-7, 4, "0.0000"),
     (-1e-7, 4, "0.0000"), (120.4, 0, "120"), (Decimal("0.125"), 2, "0.12")],
)  # fmt: skip
def test_numbers_for_people(value, digits, text):
    assert shown(value, digits) == text


def test_text_from_outside_means_itself_in_markdown():
    assert escape("a|b <i>&amp;`c`\n d & e") == "a\\|b &lt;i&gt;&amp;amp;\\`c\\` d & e"
    assert escape("[x](y) **b** _i_ a_b \\| $m$") == "\\[x\\](y) \\*\\*b\\*\\* \\_i\\_ a_b \\\\\\| \\$m\\$"
    assert table(ReportTable(("A", "B"), [("1", "2")], "lr")) == "| A | B |\n| --- | ---: |\n| 1 | 2 |"


@pytest.mark.slow
def test_a_name_from_outside_is_harmless_everywhere(tmp_path):
    strange = "KXHIGHMIA-25<i>|-B80$x^2$"
    skipped, failures = [(f"25{HARM}|", "NO_EVENT")], [("one_winner", f"E{HARM}", f"because\n| {HARM}")]
    result = run(
        [trade(strange), trade(strange, pays="0"), trade("KXHIGHCHI-25MAY02-T1")],
        DAYS,
        skipped=skipped,
        failures=failures,
    )
    folder = tmp_path / "run"
    mine = tmp_path / "mine.py"
    mine.write_text("def orders(quotes, parameters):\n    return []\n")
    text = written_report(folder, result, title=f"{HARM} | `x`", strategy={"name": f"my{HARM}", "file": str(mine)})
    assert "25&lt;i&gt;\\|" in text and "<i>" not in text and "<script" not in text
    assert f"\n| {escape(strange)} | {escape(f'{HARM} | `x`')}: 80° to 81° | YES |" in text
    page = (folder / "report.html").read_text()
    assert HARM not in page and "<i>" not in page
    assert html_text.escape(f"{HARM} | `x`", quote=False) in page and html_text.escape(f"my{HARM}") in page
    assert page.count("<script") == 4  # the plots' data, the library, our own two


@pytest.mark.slow
@pytest.mark.parametrize("label", [f"a-->{HARM}", "$x^2$ & <b> ]]>", "\\frac{1}"])
def test_a_label_from_outside_is_harmless_in_a_picture(label):
    data = {"labels": [label, "b"], "value": [1.0, -2.0], "expected": [1, 2], "names": (label, "e"), "remark": ["", ""]}
    svg = pictures(Plot("p", label, "bars", data, ("", label)))["svg"].decode()
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert "g" in tags and not tags & {"script", "b", "foreignObject"}


@pytest.mark.slow
def test_a_folder_may_have_any_name(tmp_path):
    text = written_report(tmp_path / "run [1]* {a,b}?", run([trade()], DAYS))
    assert "| Miami Intl high | 1 | 1 | 0.58 |" in text


@pytest.mark.slow
def test_the_page_needs_nothing_but_itself(tmp_path):
    written_report(tmp_path / "run", many_trades())
    page = (tmp_path / "run/report.html").read_text()
    outside = re.sub(r"https://github\.com/leeoniya/uPlot|http://www\.w3\.org/\S+", "", page)  # the licence's address
    assert not re.search(r"https?://|//[\w.]+/|@import|url\(|<link|srcset", outside)
    assert set(re.findall(r'src="([a-z/+]+[:;])', page)) == {"data:"}
    assert "default-src 'none'" in page and len(page) < 600_000


def test_equity_says_how_it_was_thinned(tmp_path):
    folder = written(tmp_path / "run", run([trade()], DAYS))
    header = (folder / "equity.csv").read_text().splitlines()[0]
    with open(folder / "equity.csv", "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header.split(","))
        for n in range(20_000):
            writer.writerow(
                [
                    f"2025-{1 + n // 2000:02d}-{1 + n % 2000 // 80:02d}T{n % 80 // 4:02d}:{n % 4:02d}:00Z",
                    "midnight",
                    1,
                    0,
                    1 + n % 7,
                ]
            )
    [plot] = [plot for plot in page_of(folder, REPORT).plots() if plot.name == "equity"]
    assert len(plot.data["t"]) < 3001 and f"{len(plot.data['t']):,} of 20,000 points" in plot.caption


def test_parts_of_the_page_can_be_had_without_files(tmp_path):
    """What a small web page shows of a run."""
    page = page_of(written(tmp_path / "run", many_trades()), REPORT)
    assert [section.key for section in page.sections][:3] == ["summary", "equity", "result"]
    assert any(isinstance(part, Text) and "Expected" in part.text for part in page.sections[0].parts)
    assert not (tmp_path / "run/report.md").exists()


def test_what_stands_between_backticks_is_code_and_all_is_escaped():
    assert with_code("`tradewinds plot A<b>` or B & C") == "<code>tradewinds plot A&lt;b&gt;</code> or B &amp; C"
    assert with_code("one ` alone") == "one ` alone"
