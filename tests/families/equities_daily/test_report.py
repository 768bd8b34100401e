"""The report of a run of shares: every amount names the account's currency, and reasons are said in the family's words."""

import datetime as dt
import json
import re

import pytest

from tests.unit import share_runs
from tests.unit.share_worlds import flat
from tests.workflow.equities_desk import world
from tradewinds.families.equities_daily.report import REPORT
from tradewinds.results.report import page_of
from tradewinds.results.report.markdown import markdown


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
    assert re.fullmatch(r"exit \d+ at [\d.]+ AUD, profit_target, P&L [\d.]+ AUD", left["remark"])
    assert {plots[name].axes[1] for name in ("exposure", "holdings")} == {"% of equity", "positions"}


def test_why_nothing_was_traded_is_said_of_shares(tmp_path):
    quiet = {"IDLE": flat(dt.date(2024, 1, 1), [10] * 60)}
    told = markdown(page_of(share_runs.write(tmp_path / "quiet", quiet), REPORT))
    assert "**Nothing was traded: no bar was an entry signal.**" in told
    brief = quiet | {"BRIEF": flat(dt.date(2024, 3, 1), [5] * 4)}
    told = markdown(page_of(share_runs.write(tmp_path / "brief", brief, on_missing={"bars": "skip"}), REPORT))
    reason = "1 symbol(s) skipped, TOO_LITTLE_HISTORY: fewer bars than a signal needs; no bar was an entry signal."
    assert f"**Nothing was traded: {reason}**".replace("_", r"_") in told
    assert "2 symbols attempted, 0 traded, 1 skipped, 1 replayed without a trade." in told
    assert "\n| Symbol skipped | because | symbols | which |\n" in told and "event" not in told.lower()
