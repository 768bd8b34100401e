"""The report of an opening-range run: R and money agree with the files, warnings come first, trades are drawn on sessions."""

import csv
import json
import re
from xml.etree import ElementTree

import pytest

from tests.families.equities_intraday import orb_runs
from tradewinds.families.equities_intraday.report import REPORT, SHORTS
from tradewinds.families.equities_intraday.run_files import all_charted, charted
from tradewinds.families.equities_intraday.symbol_reports import write_symbol_reports
from tradewinds.results.report.html import html
from tradewinds.results.report.markdown import markdown
from tradewinds.results.report.parts import shown
from tradewinds.results.report.write import page_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return orb_runs.write(tmp_path_factory.mktemp("orb"), report=False, orb={"on_gap": "warn"})


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_report_says_r_and_money_of_the_files(folder):
    told = markdown(page_of(folder, REPORT)).replace("\\", "")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["num_trades"] > 20 and SHORTS in told
    for row in (
        f"Total R | {shown(metrics['total_r'], 3)} |",
        f"Total R before costs | {shown(metrics['total_r_gross'], 3)} |",
        f"P&L, USD | {shown(metrics['total_pnl_usd'], 2)} |",
        f"Profit factor | {shown(metrics['profit_factor'], 2)} |",
        f"pessimistic (this run) | the stop comes before any target | {shown(metrics['total_r'], 6)} |",
        f"long | {metrics['longs']:,} |",
    ):
        assert f"\n| {row}" in told, row
    for title in (
        "By half hour of the entry",
        "By weekday",
        "By month",
        "By exit",
        "Long and short",
        "By symbol",
        "By score",
    ):
        assert f"### {title}" in told, title
    assert "Nothing was traded" not in told


def test_factors_compare_trades_with_and_without(folder):
    told = markdown(page_of(folder, REPORT)).replace("\\", "")
    trades = {row["trade_id"]: row for row in rows_of(folder / "all_trades.csv")}
    decisions = rows_of(folder / "factors.csv")
    for name in ("rel_vol", "price_action", "profile"):
        held = [float(trades[d["trade_id"]]["r"]) for d in decisions if d["trade_id"] and d[name] == "1"]
        rest = [float(trades[d["trade_id"]]["r"]) for d in decisions if d["trade_id"] and d[name] == "0"]
        refused = [d[name] for d in decisions if d["answer"] == "SCORE"]
        [line] = [line for line in told.splitlines() if line.startswith(f"| {name} |")]
        cells = [cell.strip() for cell in line.split("|")[3:-1]]
        assert (cells[0], cells[2]) == (str(len(held)), str(len(rest))) and len(held) + len(rest) == len(trades)
        assert float(cells[1]) == pytest.approx(sum(held) / len(held), abs=6e-4)
        assert float(cells[3]) == pytest.approx(sum(rest) / len(rest), abs=6e-4)
        assert cells[4] == f"{refused.count('1')} of {len(refused)}"
    assert "| vwap |" not in told  # off


def test_each_drawn_trade_has_its_range_orders_and_fills(folder):
    page = page_of(folder, REPORT)
    drawn = [plot for plot in page.plots() if plot.kind == "session"]
    trades, setups = rows_of(folder / "all_trades.csv"), rows_of(folder / "trades_r.csv")
    legs = rows_of(folder / "legs.csv")
    numbers = [int(plot.name.removeprefix("session_")) for plot in drawn]
    by_r = sorted(range(len(trades)), key=lambda number: float(trades[number]["r"]))
    assert set(numbers) == {*range(4), *by_r[:2], *by_r[-2:]}
    assert f"{len(numbers)} of {len(trades)} trades are drawn large" in markdown(page)
    for plot, number in zip(drawn, numbers, strict=True):
        setup, own = setups[number], [leg for leg in legs if leg["trade_id"] == trades[number]["trade_id"]]
        data = plot.data
        assert data["clock"] == 570 and data["x"] == sorted(data["x"]) and len(data["x"]) > 30
        assert (data["box"]["low"], data["box"]["high"]) == (float(setup["or_low"]), float(setup["or_high"]))
        inside = [i for i, x in enumerate(data["x"]) if x < int(setup["or_minutes"])]
        assert max(data["high"][i] for i in inside) == float(setup["or_high"])
        levels = [level["y"] for level in data["levels"]]
        assert levels == [float(setup["raw"]), float(setup["stop"]), *map(float, setup["targets"].split())]
        assert [mark["y"] for mark in data["marks"]] == [float(leg["fill"]) for leg in own] and len(own) > 1
        for mark in data[
            "marks"
        ]:  # each fill within the bar that ends, or starts, at its instant, but for a cent of slippage
            bars = [i for i, x in enumerate(data["x"]) if x in (mark["x"], mark["x"] - 1)]
            assert any(data["low"][i] - 0.011 <= mark["y"] <= data["high"][i] + 0.011 for i in bars)


def test_every_trade_has_a_small_picture_without_a_script(folder):
    page, trades = page_of(folder, REPORT), rows_of(folder / "all_trades.csv")
    text = html(page, {plot.name: b"" for plot in page.plots()})
    legs = rows_of(folder / "legs.csv")
    pictures = re.findall(r'<figure role="img" id="[^"]+" aria-label="([^"]+)">(<svg.*?</svg>)', text)
    assert [label for label, _ in pictures] == [f"{t['symbol']} on {t['session']}" for t in trades]
    assert len(trades) > 20 and len(text) < 12_000 * len(trades) + 400_000
    for trade, (_, svg) in zip(trades, pictures, strict=True):
        root = ElementTree.fromstring(svg)  # well-formed
        own = [leg for leg in legs if leg["trade_id"] == trade["trade_id"]]
        told = [mark.find("title").text for mark in root if mark.get("class") in ("buy", "sell")]
        assert [words.split(" at ")[1].split()[0] for words in told] == [leg["fill"] for leg in own]
        assert root.find("path[@class='bar']").get("d").count("M") > 30 and root.find("rect") is not None
    assert "small pictures are in report.html" in markdown(page)


def test_of_very_many_trades_the_first_ones_and_the_extremes_are_drawn_small():
    net = [0.0] * 50
    net[40], net[45] = 9.0, -9.0
    assert all_charted(range(50), net, 10) == sorted({*range(10), *charted(range(50), net)}) and {40, 45} <= {
        *all_charted(range(50), net, 10)
    }


def test_incomplete_ranges_are_listed_where_that_is_asked_for(folder, tmp_path):
    told = markdown(page_of(folder, REPORT))
    missing = json.loads((folder / "metrics.json").read_text())["diagnostics"]["incomplete_ranges"]
    assert missing and "### Opening ranges that lack minutes" in told
    symbol, date, minutes = missing[0]
    assert f"| {symbol} | {date} | {minutes} |" in told
    quiet = markdown(page_of(orb_runs.write(tmp_path, report=False), REPORT))
    assert "### Opening ranges that lack minutes" not in quiet and "lack a minute." in quiet


def test_costs_against_r_are_the_first_thing_said(tmp_path):
    costs = {"tick": 0.01, "slippage_ticks": 10, "slippage_bps": 0, "commission_per_share": 0.005, "min_commission": 1}
    adjusted = {"adjusted": True}
    page = page_of(orb_runs.write(tmp_path, report=False, costs=costs, bars_changes=adjusted), REPORT)
    first, second = page.sections[0].parts[:2]
    assert first.tone == second.tone == "strong"
    assert first.text.startswith("Costs are not small against R: the median R of a share is 0.")
    assert "adjusted for splits already" in second.text


def test_why_nothing_was_traded_names_the_most_frequent_reasons(tmp_path):
    quiet = orb_runs.write(tmp_path, report=False, governance={"time_cutoff": "09:31"})
    told = markdown(page_of(quiet, REPORT)).replace("\\", "")
    count = json.loads((quiet / "metrics.json").read_text())["diagnostics"]["rejections"]["TIME_CUTOFF"]
    assert f"**Nothing was traded: {count:,} × TIME_CUTOFF (at or after governance.time_cutoff).**" in told
    assert "Trades on their sessions" not in told and "| Total R | 0.000 |" in told


@pytest.mark.slow
def test_each_symbol_has_a_page_of_its_own_trades(folder):
    trades = rows_of(folder / "all_trades.csv")
    written = write_symbol_reports(folder)
    assert [path.name for path in written] == [f"{name}_report.html" for name in ("AAA", "BBB", "CCC")]
    for path in written:
        text, own = path.read_text(), [row for row in trades if row["symbol"] == path.name[:3]]
        assert f"Opening range on {path.name[:3]}, " in text and f"<p>{len(own)} trades, " in text
        drawn = set(re.findall(r"<h3>([A-Z]{3}) on 2024", text))
        assert drawn == {path.name[:3]}
