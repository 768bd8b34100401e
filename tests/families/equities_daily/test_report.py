"""The report of a run of shares: every amount names the account's currency, and reasons are said in the family's words."""

import csv
import dataclasses
import datetime as dt
import json
import re
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from tests.unit import share_runs
from tests.unit.share_worlds import flat
from tests.workflow.equities_desk import world
from tradewinds.families.equities_daily.report import REPORT
from tradewinds.results.report.markdown import markdown
from tradewinds.results.report.write import page_of

pytestmark = pytest.mark.slow  # most of it


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return share_runs.write(tmp_path_factory.mktemp("aud"), world())


def test_every_amount_of_an_account_in_aud_says_aud(folder):
    text, page = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    for words in (text, page):
        assert not re.search(r"\bUSD\b|\$\d", words)
    metrics = json.loads((folder / "metrics.json").read_text())
    pnl, fees = f"{metrics['total_pnl_usd']:,.2f}", f"{metrics['total_fees_usd']:,.2f}"
    assert f"trading days: P&L {pnl} AUD after {fees} AUD of commission." in text
    for row in (
        "Start balance, AUD | 100,000.00 |",
        f"P&L, AUD | {pnl} |",
        f"Commission, AUD | {fees} |",
        f"Average win, AUD | {metrics['avg_profit_usd']:,.2f} |",
        f"Largest win, AUD | {metrics['largest_win_usd']:,.2f} |",
        "Positions | 10 % of 100,000 AUD, at most 10",
        "Costs | commission 0.1 %, at least 0 AUD; slippage 0.1 %",
    ):
        assert f"\n| {row}" in text, row
    assert "\n|  | trades | wins, % | P&L, AUD |\n" in text and re.search(r"\d AUD, (not )?made good by", text)


def test_the_axes_of_amounts_are_the_accounts_currency(folder):
    plots = {plot.name: plot for plot in page_of(folder, REPORT).plots()}
    amounts = ("equity", "benchmark", "prices_0")
    assert {plots[name].axes[1] for name in amounts} == {plots["equity"].data["currency"]} == {"AUD"}
    [entry, left] = plots["prices_0"].data["marks"]
    assert re.fullmatch(r"entry \d+ at [\d.]+ AUD", entry["remark"])
    assert re.fullmatch(r"exit \d+ at [\d.]+ AUD, the profit target was reached, P&L [\d.]+ AUD", left["remark"])
    assert {plots[name].axes[1] for name in ("exposure", "holdings")} == {"% of equity", "positions"}


def test_why_nothing_was_traded_is_said_of_shares(tmp_path):
    quiet = {"IDLE": flat(dt.date(2024, 1, 1), [10] * 60)}
    told = markdown(page_of(share_runs.write(tmp_path / "quiet", quiet), REPORT))
    assert "**Nothing was traded: no bar was an entry signal.**" in told
    brief = quiet | {"BRIEF": flat(dt.date(2024, 3, 1), [5] * 4)}
    told = markdown(page_of(share_runs.write(tmp_path / "brief", brief, on_missing={"bars": "skip"}), REPORT))
    reason = "1 symbol skipped, TOO_LITTLE_HISTORY: fewer bars than a signal needs; no bar was an entry signal."
    assert f"**Nothing was traded: {reason}**".replace("_", r"_") in told
    assert "2 symbols attempted, 0 traded, 1 skipped, 1 replayed without a trade." in told
    assert "\n| Symbol skipped because | symbols | which |\n" in told and "event" not in told.lower()


def fallen(symbols=("GONE",), ends=26):
    """Symbols that Mean Reversion buys on day 24 and whose bars end, beside one that lives."""
    falls = [10] * 21 + ["9.90", "9.80", "9.65", "9.60", *["9.61"] * 36]
    first = dt.date(2024, 1, 1)
    return {symbol: flat(first, falls)[:ends] for symbol in symbols} | {"LIVE": flat(first, [5] * 64)}


def section(folder):
    text = (folder / "report.md").read_text().replace("\\_", "_")
    page = (folder / "report.html").read_text()
    assert "Missing bars and volume" in page
    return text.split("## Missing bars and volume")[1].split("\n## ")[0]


def rows_of(folder, name):
    with open(folder / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_all_files_agree_on_the_day_of_a_sale_for_want_of_bars(tmp_path):
    """The last bar is of February 5, so the twentieth trading day without one is March 4; 16:00 in Sydney is 05:00Z."""
    folder = share_runs.write(tmp_path / "run", fallen())
    (closed,), (trade,) = rows_of(folder, "positions_closed.csv"), rows_of(folder, "trades.csv")
    assert (closed["exit_date"], closed["exit_reason"], closed["holding_days"]) == ("2024-03-04", "no_bars", "31")
    at = "2024-03-04T05:00:00Z"
    assert (trade["settled_result"], trade["settled_ts_utc"]) == ("no_bars", at)
    assert rows_of(folder, "positions_daily.csv")[0]["settled_ts_utc"] == at
    sessions = {row["date"]: row for row in rows_of(folder, "sessions.csv")}
    assert (sessions["2024-03-01"]["positions"], sessions["2024-03-04"]["positions"]) == ("1", "0")
    point = next(row for row in rows_of(folder, "equity.csv") if row["ts_utc"] == at)
    assert (point["cash_usd"], point["open_value_usd"]) == (sessions["2024-03-04"]["cash"], "0.00")
    fill, fee = pq.read_table(folder / "journal.parquet").to_pylist()[-2:]
    assert (fill["kind"], fill["side"], fill["reason"], fee["kind"]) == ("fill", "SELL", "no_bars", "fee")
    assert fill["ts_utc"] == fee["ts_utc"] == dt.datetime.fromisoformat(at)


def test_the_report_counts_what_was_sold_for_want_of_bars(tmp_path):
    folder = share_runs.write(tmp_path / "run", fallen(("GONE", "LOST")))
    metrics = json.loads((folder / "metrics.json").read_text())
    closed = rows_of(folder, "positions_closed.csv")
    value = sum(Decimal(row["qty"]) * Decimal(row["exit_price"]) for row in closed)
    lost = sum(Decimal(row["pnl"]) - value / 2 + Decimal(row["exit_fee"]) for row in closed)
    assert (metrics["no_bars_exits"], metrics["no_bars_value_usd"]) == (2, float(value))
    assert metrics["pnl_if_no_bars_worthless_usd"] == float(lost)
    told = section(folder)
    assert "2 positions were sold because the symbol had no bar for 20 trading days in a row (no_bars), for " in told
    assert f"for {value:,.2f} AUD at their last closes" in told and f"the P&L would be {lost:,.2f} AUD." in told


def test_a_list_of_survivors_is_why_nothing_was_sold_for_want_of_bars(tmp_path):
    told = section(share_runs.write(tmp_path / "alive", fallen(ends=64)))
    assert "because no symbol ends before the run does: a list of survivors has no delisting" in told
    idle = {"GONE": flat(dt.date(2024, 1, 1), [10] * 26), "LIVE": fallen()["LIVE"]}
    told = section(share_runs.write(tmp_path / "idle", idle))
    assert "1 symbol ends before the run does, and none was held then." in told
    risk = {"currency": "AUD", "exit_after_missing_days": None}
    told = section(share_runs.write(tmp_path / "held", fallen(), risk=risk))
    assert "is held to the end (risk.exit_after_missing_days: null); 1 symbol ends before the run does." in told


def with_volumes(volumes):
    """One symbol that is bought on day 24, whose bars have some other volumes: {index: volume}."""
    rows = fallen(("AAA",), ends=64)["AAA"]
    return {"AAA": [dataclasses.replace(bar, volume=volumes.get(i, bar.volume)) for i, bar in enumerate(rows)]}


@pytest.mark.parametrize(("volume", "above"), [(200_000, (0, 0)), (10_000, (1, 0)), (1_000, (1, 1))])
def test_the_report_counts_entries_above_the_volume_of_their_bar(tmp_path, volume, above):
    """Bought are 1,035 shares."""
    folder = share_runs.write(tmp_path / "run", with_volumes({24: volume}))
    tenth, whole = above
    assert f"{tenth} of 1 entries bought more than 10 % of the volume" in section(folder)
    assert f", {whole} more than 100 % of it; risk.max_volume_share sets a limit." in section(folder)


def test_the_report_names_the_limit_and_the_bars_without_volume(tmp_path):
    risk = {"currency": "AUD", "max_volume_share": 0.1}
    folder = share_runs.write(tmp_path / "run", with_volumes({24: 5_000, 30: 0}), risk=risk)
    told = section(folder)
    assert "An entry buys at most 0.1 of its bar's volume (risk.max_volume_share)." in told
    assert "1 of 51 bars have no volume." in told and "The source has no volume" not in told
    assert rows_of(folder, "positions_closed.csv")[0]["qty"] == "500"
    refused = share_runs.write(tmp_path / "none", with_volumes({24: 0}))
    text = (refused / "report.md").read_text()
    assert "no share was traded at the bar at which the order would have filled" in text


def test_the_report_says_where_the_source_has_no_volume(tmp_path):
    folder = share_runs.write(
        tmp_path / "run", with_volumes({24: ""}), risk={"currency": "AUD", "max_volume_share": 0.1}
    )
    told = section(folder)
    assert "**The source has no volume for 1 of 51 bars." in told and "1 filled at bars of unknown volume." in told
    assert rows_of(folder, "positions_closed.csv")[0]["qty"] == "1035"


def test_the_benchmark_says_what_it_does_with_a_delisted_symbol(folder):
    assert "It holds a delisted symbol too, at its last close" in (folder / "report.md").read_text()
