"""`tradewinds serve` as a process on a free port: what the API says, what it refuses, and that nothing ever changes."""

import csv
import datetime as dt
import hashlib
import io
import json
import math
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import pytest
import sqlalchemy as sa

from tests.services.mariadb import PASSWORD, Server, mariadb  # noqa: F401
from tests.services.web import PATIENCE_SECONDS, command, served
from tests.unit import database_parts, share_runs
from tests.unit.results_parts import points, run, scored, trade, written
from tests.workflow.equities_desk import world as shares_world
from tradewinds.database import tables as t
from tradewinds.database.connect import open_database
from tradewinds.database.load import load_run
from tradewinds.families.kalshi_weather.report.event_sections import REPORT
from tradewinds.results.report.write import write_report

HARM = "<script>alert(1)</script>"
SECRET = "nobody may read this"
DAILY = [0.00174, 0, 999.5 / 1001.74 - 1]  # returns to the midnights of 2 and 3 May and to the end
SCORED = [n / 100 for n in range(3, 98, 9)]  # probabilities of markets that settled YES


def known_run():
    """Seven trades of two cities and both sides; one loses, one pays a fraction, one market has a bad name."""
    trades = [
        trade("KXHIGHMIA-25MAY01-B80.5", qty=3, price="0.40", fee="0.06", decided="05-01 03:04", settled="05-01 23:00"),
        trade("KXHIGHMIA-25MAY01-B82.5", "BUY_NO", 1, "0.55", "0.02", pays="0", decided="05-01 04:00", p="0.3"),
        trade("KXHIGHCHI-25MAY02-T70", qty=2, price="0.07", fee="0.013501", pays="0", decided="05-01 23:59", p="0.2"),
        trade("KXHIGHCHI-25MAY02-B71.5", "BUY_NO", 5, "0.83", "0.05", decided="05-02 00:00", p="0.1"),
        trade("KXHIGHMIA-25MAY02-B80.5", qty=1, price="0.5", fee="0.02", pays="0.25", decided="05-02 05:00"),
        trade(f"KXHIGHMIA-25MAY03-{HARM}", qty=1, price="0.99", fee="0.01", decided="05-03 05:00", p="0.999999999999"),
        trade("KXHIGHCHI-25MAY03-B75.5", qty=4, price="0.01", fee="0.01", pays="0", decided="05-03 06:00", p="0.03"),
    ]
    curve = points(
        ("05-01 03:00", "start", "1000"), ("05-01 23:00", "settlement", "1001.74"), ("05-03 14:00", "end", "999.5")
    )
    markets = scored(*((f"{p:.2f}", True) for p in SCORED))
    return run(trades, curve, markets=markets, skipped=[("KXHIGHMIA-25MAY04", "NO_EVENT")], rejections={"LIQUIDITY": 7})


def loaded(folder, url, **changes):
    made = written(folder, known_run(), **changes)
    load_run(made, url)
    return json.loads((made / "metrics.json").read_text())["run_id"]


class World:
    """A folder with a database, runs and a server over them; what must never be read lies beside them."""

    def __init__(self, folder):
        self.folder, self.url = folder, f"sqlite:///{folder}/t.db"
        (folder / "secret.txt").write_text(SECRET)
        self.run = loaded(folder / "known", self.url)
        self.other = loaded(folder / "other", self.url, seed=1)
        self.bare = database_parts.write(folder / "bare")
        load_run(folder / "bare", self.url)
        self.trades = list(csv.DictReader(io.StringIO((folder / "known/trades.csv").read_text())))

    def set(self, run_id, **values):
        """Write into a run's row, as a user with a database of his own might."""
        engine = open_database(self.url)
        with engine.begin() as connection:
            connection.execute(sa.update(t.backtest_runs).where(t.backtest_runs.c.run_id == run_id).values(values))
        engine.dispose()

    def state(self):
        """Every file, and what is in it."""
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name != "serve.log"
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("served"))
    write_report(made.folder / "known", REPORT)
    before = made.state()
    with served(made.url, made.folder) as web:
        made.web = web
        yield made
    assert made.state() == before, "whatever was asked, nothing changed"


def get(world, path, **query):
    """JSON of the API; the run is the known one unless told."""
    asked = {"run_id": world.run} | query
    answer = world.web.ask(f"/api/{path}?{urlencode(asked)}")
    assert answer.status == 200, answer.text
    return answer.json


def test_the_figures_of_a_known_run_are_these(world):
    assert get(world, "metrics/core") == {
        "run_id": world.run,
        "start_balance_usd": "1000.00",
        "end_balance_usd": "1001.496499",
        "total_pnl_usd": "1.496499",
        "total_fees_usd": "0.183501",
        "max_drawdown_usd": "2.24",
        "num_trades": 7,
        "num_contracts": 17,
        "roi_pct": 0.1496499,
        "win_rate_pct": pytest.approx(200 / 7),
        "profit_factor": pytest.approx(2.54 / 1.043501),
        "max_drawdown_pct": pytest.approx(2.24 / 1001.74 * 100),
        "sharpe": pytest.approx(statistics.mean(DAILY) / statistics.stdev(DAILY) * 365**0.5),
        "sortino": pytest.approx(statistics.mean(DAILY) / (DAILY[2] ** 2 / 3) ** 0.5 * 365**0.5),
        "exposure_time_avg_minutes": pytest.approx(12237 / 7),
        "brier": pytest.approx(sum((1 - p) ** 2 for p in SCORED) / 11),
        "log_loss": pytest.approx(-sum(map(math.log, SCORED)) / 11),
        "avg_profit_usd": pytest.approx(2.54 / 2),
        "avg_loss_usd": pytest.approx(-1.043501 / 4),
    }
    found = get(world, "trades", limit=1, offset=2)
    trades = found.pop("trades")
    assert found == {"total": 7, "contracts": 17, "pnl_usd": "1.496499", "limit": 1, "offset": 2}
    assert trades == [
        {
            "trade_id": world.trades[2]["trade_id"],
            "series_ticker": "KXHIGHCHI",
            "event_ticker": "KXHIGHCHI-25MAY02",
            "market_ticker": "KXHIGHCHI-25MAY02-T70",
            "station_id": "KMDW",
            "decision_ts_utc": "2025-05-01T23:59:00Z",
            "quote_ts_utc": "2025-05-02T03:00:00Z",
            "side": "BUY_YES",
            "qty": 2,
            "entry_price": "0.07",
            "entry_fee": "0.013501",
            "model_prob_yes": "0.2",
            "ev_gross_per_contract": "0.13",
            "ev_net_per_contract": "0.1232495",
            "reason_code": world.trades[2]["reason_code"],
            "settled_result": world.trades[2]["settled_result"],
            "settled_ts_utc": "2025-05-03T14:00:00Z",
            "payout": "0.00",
            "pnl": "-0.153501",
        }
    ]
    assert get(world, "equity", offset=1, limit=1) == {
        "total": 3,
        "limit": 1,
        "offset": 1,
        "points": [
            {
                "ts_utc": "2025-05-01T23:00:00Z",
                "kind": "settlement",
                "cash_usd": "1001.74",
                "open_value_usd": "0.00",
                "equity_usd": "1001.74",
            }
        ],
    }
    answer = world.web.ask("/api/runs?series=KXHIGHCHI&limit=2").json
    assert answer["total"] == 2 and {row["run_id"] for row in answer["runs"]} == {world.run, world.other}
    assert answer["runs"][0]["total_pnl_usd"] == "1.496499" and answer["runs"][0]["artifact_path"].endswith(
        ("known", "other")
    )


FILTERS = [
    ({}, lambda row: True),
    ({"side": "BUY_NO"}, lambda row: row["side"] == "BUY_NO"),
    ({"market": f"KXHIGHMIA-25MAY03-{HARM}"}, lambda row: HARM in row["market_ticker"]),
    ({"event": "KXHIGHCHI-25MAY02"}, lambda row: row["event_ticker"] == "KXHIGHCHI-25MAY02"),
    (
        {"series": "KXHIGHMIA", "side": "BUY_YES"},
        lambda row: (row["series_ticker"], row["side"]) == ("KXHIGHMIA", "BUY_YES"),
    ),
    ({"reason_code": "no such"}, lambda row: False),
    ({"settled_result": "no"}, lambda row: row["settled_result"] == "no"),
    ({"decided_from": "2025-05-02"}, lambda row: row["decision_ts_utc"] >= "2025-05-02"),
    ({"decided_to": "2025-05-01"}, lambda row: row["decision_ts_utc"] < "2025-05-02"),
    (
        {"decided_from": "2025-05-02", "decided_to": "2025-05-02"},
        lambda row: row["decision_ts_utc"][:10] == "2025-05-02",
    ),
    ({"decided_to": "9999-12-31"}, lambda row: True),
    ({"min_pnl": "-0.153501"}, lambda row: Decimal(row["pnl"]) >= Decimal("-0.153501")),
    ({"min_pnl": "-0.1535"}, lambda row: Decimal(row["pnl"]) >= Decimal("-0.1535")),
    ({"max_pnl": "0", "min_pnl": "-999999999.999999"}, lambda row: Decimal(row["pnl"]) <= 0),
]


@pytest.mark.parametrize(("asked", "keeps"), FILTERS)
def test_filters_keep_what_a_reader_of_the_file_would_keep(world, asked, keeps):
    wanted = [row for row in world.trades if keeps(row)]
    found = get(world, "trades", **asked)
    assert [row["trade_id"] for row in found["trades"]] == [row["trade_id"] for row in wanted]
    assert found["total"] == len(wanted) and found["contracts"] == sum(int(row["qty"]) for row in wanted)
    assert Decimal(found["pnl_usd"]) == sum(Decimal(row["pnl"]) for row in wanted)
    answer = world.web.ask(f"/api/trades.csv?{urlencode({'run_id': world.run} | asked)}")
    assert list(csv.DictReader(io.StringIO(answer.text))) == wanted


def test_the_csv_is_trades_csv_to_the_byte(world):
    answer = world.web.ask(f"/api/trades.csv?run_id={world.run}")
    assert answer.body == (world.folder / "known/trades.csv").read_bytes()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="trades-{world.run[:8]}.csv"'
    assert world.web.ask(f"/runs/{world.run}/files/trades.csv").body == answer.body


@pytest.mark.parametrize("column", ["decision_ts_utc", "market_ticker", "qty", "entry_price", "pnl", "side"])
def test_sorted_pages_are_the_whole_in_that_order(world, column):
    def key(row):
        return Decimal(str(row[column])) if column in ("qty", "entry_price", "pnl") else row[column]

    for order in ("asc", "desc"):
        pages = [get(world, "trades", sort=column, order=order, limit=3, offset=n)["trades"] for n in (0, 3, 6, 9)]
        assert [len(page) for page in pages] == [3, 3, 1, 0]
        found = [row["trade_id"] for page in pages for row in page]
        assert found == [row["trade_id"] for row in sorted(world.trades, key=key, reverse=order == "desc")]


def test_every_file_of_a_run_can_be_saved(world):
    page = world.web.ask(f"/runs/{world.run}").text
    files = [path for path in (world.folder / "known").iterdir() if path.is_file()]
    assert len(files) > 9
    for path in files:
        target = f"/runs/{world.run}/files/{path.name}"
        assert f'href="{target}"' in page and world.web.ask(target).body == path.read_bytes(), path.name


def plots_of(page):
    """The plots that a page draws."""
    return json.loads(re.search(r'id="plots">(.*?)</script>', page)[1])


def test_a_curve_says_its_currency(world):
    page = world.web.ask(f"/runs/{world.run}").text
    [plot] = plots_of(page)
    assert plot["data"]["currency"] == plot["axes"][1] == "USD" and "P&amp;L, USD" in page


class Shares:
    """A database with two runs of shares in AUD, whose ranges overlap, and a run of events; and a server over them."""

    def __init__(self, folder):
        self.folder, self.url = folder, f"sqlite:///{folder}/t.db"
        dates = ({"date_end_local": "2024-03-08"}, {"date_start_local": "2024-01-22"})
        sizes = ({"currency": "AUD"}, {"currency": "AUD", "position_size_pct": 30})
        both = zip(("one", "other"), dates, sizes, strict=True)
        self.folders = [share_runs.write(folder / name, shares_world(), risk=risk, **how) for name, how, risk in both]
        self.runs = [json.loads((made / "metrics.json").read_text())["run_id"] for made in self.folders]
        for made in self.folders:
            load_run(made, self.url)
        self.events = loaded(folder / "events", self.url)

    def rows(self, number, name):
        """A table of one of the two runs."""
        return list(csv.DictReader(io.StringIO((self.folders[number] / name).read_text())))


@pytest.fixture(scope="module")
def shares(tmp_path_factory):
    made = Shares(tmp_path_factory.mktemp("shares"))
    with served(made.url, made.folder) as web:
        made.web = web
        yield made


def test_every_file_of_a_run_of_shares_can_be_saved_and_no_other_familys(shares):
    page = shares.web.ask(f"/runs/{shares.runs[0]}").text
    files = {path.name for path in shares.folders[0].iterdir() if path.is_file()}
    own = {"sessions.csv", "positions_closed.csv", "prices.parquet"}
    assert own < files and set(re.findall(r'/files/([^"]+)"', page)) == files
    for name in files:
        answer = shares.web.ask(f"/runs/{shares.runs[0]}/files/{name}")
        assert answer.status == 200 and answer.body == (shares.folders[0] / name).read_bytes(), name
    assert shares.web.ask(f"/runs/{shares.runs[0]}/files/sessions.csv").headers["Content-Type"].startswith("text/csv")
    assert "the account and the benchmark at the close of every trading day" in page
    (shares.folders[0] / "events.csv").write_text("no file of this family\n")
    assert shares.web.ask(f"/runs/{shares.runs[0]}/files/events.csv").status == 404
    (shares.folders[0] / "events.csv").unlink()


def test_a_chart_of_a_share_has_its_closes_and_marks_and_words(shares):
    [trade, *_] = get_trades(shares)
    page = shares.web.ask(f"/runs/{shares.runs[0]}/charts/{trade['market_ticker']}?trade=0&back=run_id%3Dx")
    assert page.status == 200 and 'href="/trades?run_id=x#trade-0"' in page.text
    [plot] = plots_of(page.text)
    prices = shares.rows(0, "positions_closed.csv")
    own = [row for row in prices if row["symbol"] == trade["market_ticker"]]
    assert plot["kind"] == "history" and len(plot["data"]["marks"]) == 2 * len(own)
    assert all(set(line["y"]) for line in plot["data"]["lines"])
    word = "won" if float(trade["pnl"]) > 0 else "lost"
    assert f'<span class="{word}">{word}</span>' in page.text
    assert '<abbr tabindex="0" title="profit_target">the profit target was reached</abbr>' in page.text


def get_trades(shares):
    return shares.web.ask(f"/api/trades?run_id={shares.runs[0]}").json["trades"]


def test_the_api_is_described_without_a_script(world):
    page = world.web.ask("/docs")
    described = world.web.ask("/openapi.json").json
    assert page.status == 200 and 'href="/openapi.json"' in page.text
    for path, methods in described["paths"].items():
        assert f"<code>GET {path}</code>" in page.text
        assert all(f"<code>{one['name']}</code>" in page.text for one in methods["get"].get("parameters", ()))
    icon = world.web.ask("/favicon.ico")
    assert icon.headers["Content-Type"].startswith("image/svg+xml") and icon.body.startswith(b"<svg")
    assert 'href="/static/favicon.svg"' in page.text


def test_runs_are_told_apart_by_what_differs_and_by_their_equity(world):
    page = world.web.ask("/").text
    assert re.search(r'<span title="seed">seed <b>1</b></span>', page)
    rows = page.split('<tr id="')[0].split("<tbody>")[1].split("</tr>")
    [known] = [row for row in rows if f"/runs/{world.run}" in row]
    points = re.search(r'<svg class="spark down"[^>]*><polyline points="([^"]+)"/></svg>', known)
    assert points and len(points[1].split()) == 3, "from 1000 over 1001.74 to 999.5"


def test_figures_that_differ_come_first_and_the_best_is_marked(shares):
    page = shares.web.ask(f"/compare?run_id={shares.runs[0]}&run_id={shares.runs[1]}").text
    assert page.index("Settings that differ") < page.index("On common days") < page.index("Figures of the whole runs")
    figures = page.split("Figures of the whole runs")[1].split("<tbody>")[1]
    rows = [row for row in figures.split("</tr>") if "<th" in row]
    same = ['class="same"' in row for row in rows]
    assert same == sorted(same) and any(same) and not all(same)
    [pnl] = [row for row in rows if ">P&amp;L, AUD<" in row]
    values = [float(value.replace(",", "")) for value in re.findall(r"(-?[\d,]+\.\d\d)\n?</td>", pnl)]
    stars = ["★" in cell for cell in pnl.split("<td")[1:]]
    assert stars == [value == max(values) for value in values] and sum(stars) == 1


def test_runs_of_shares_are_compared_on_the_days_that_both_cover(shares):
    page = shares.web.ask(f"/compare?run_id={shares.runs[0]}&run_id={shares.runs[1]}")
    assert page.status == 200 and "2024-01-22 … 2024-03-08: the 47 days" in page.text
    [plot] = plots_of(page.text)
    made = [[(row["signal_date"], float(row["pnl"])) for row in shares.rows(n, "positions_closed.csv")] for n in (0, 1)]
    assert [[day for day, _ in trades] for trades in made] == [["2024-02-01"]] * 2
    first = plot["data"]["t"].index(at("2024-02-01"))
    for series, [(_, pnl)] in zip(plot["data"]["series"], made, strict=True):
        assert series["values"] == [0.0] * first + [pnl] * (47 - first)
        assert f">{pnl:,.2f}</span>" in page.text
    assert plot["axes"][1] == "P&L, AUD" and [s["label"] for s in plot["data"]["series"]] == [
        r[:8] for r in shares.runs
    ]
    heads = {re.sub("<[^>]*>", "", head) for head in re.findall(r'<th scope="row">.*?</th>', page.text)}
    words = {"P&amp;L, AUD", "start balance, AUD", "drawdown, AUD", "average profit, AUD", "annualised return, %"}
    assert words <= heads and "USD" not in page.text
    assert "Brier" not in page.text and "Brier" in shares.web.ask("/leaderboard").text  # where a run of events has it


def at(day):
    """00:00 UTC of a day in Unix seconds."""
    return int(dt.datetime.fromisoformat(f"{day}T00:00+00:00").timestamp())


def test_pages_of_shares_name_their_currency_and_nothing_of_events(shares):
    run, trades = (shares.web.ask(path.format(shares.runs[0])).text for path in ("/runs/{}", "/trades?run_id={}"))
    assert "P&amp;L, AUD" in run and "Drawdown, AUD" in run and "Annualised return, %" in run
    assert all(f">{name}, AUD</a>" in trades for name in ("price", "fee", "payout", "P&amp;L"))
    assert 'data-unit="AUD"' in trades and "P(YES)" not in trades and "EV net" not in trades
    [curve] = plots_of(run)
    assert curve["data"]["currency"] == curve["axes"][1] == "AUD"
    for page in (run, trades):
        assert "USD" not in page and "events" not in page.replace("/events", "")


def test_trades_of_shares_are_filtered_by_the_side_that_they_have(shares):
    page = shares.web.ask(f"/trades?run_id={shares.runs[0]}&side=BUY")
    assert page.status == 200 and "<option selected>BUY</option>" in page.text
    for side, count in (("BUY", 1), ("BUY_YES", 0)):
        assert shares.web.ask(f"/api/trades?run_id={shares.runs[0]}&side={side}").json["total"] == count


def test_amounts_of_accounts_in_two_currencies_each_name_their_own(shares):
    for path in ("/", "/leaderboard", f"/compare?run_id={shares.runs[0]}&run_id={shares.events}"):
        page = shares.web.ask(path).text
        assert re.search(r">P&amp;L</(a|abbr)>", page) and "mixed" in page, path
        assert not re.search(r"P&amp;L, (USD|AUD)", page), path
        assert {'data-unit="AUD"', 'data-unit="USD"'} <= set(re.findall(r'data-unit="\w+"', page)), path
    only = shares.web.ask("/?strategy=Mean+Reversion").text
    assert ">P&amp;L, AUD</abbr></th>" in only and "mixed" not in only


def test_a_run_of_a_market_family_that_is_unknown_here_is_shown_all_the_same(tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    made = loaded(tmp_path / "known", url)
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(sa.update(t.backtest_runs).values(market="of_tomorrow"))
    engine.dispose()
    with served(url, tmp_path) as web:
        page = web.ask(f"/runs/{made}").text
        assert ">1.50<" in page and "P&amp;L<" in page and "trades.csv" in page and "markets.csv" not in page
        assert web.ask(f"/runs/{made}/files/markets.csv").status == 404
        assert all(web.ask(path).status == 200 for path in ("/", "/leaderboard", f"/trades?run_id={made}"))


def test_text_that_a_spreadsheet_would_compute_is_defused_and_numbers_are_not():
    from tradewinds.serve.trades_csv import cell

    assert [cell("reason_code", text) for text in ("=1+1", "+x", "-x", "@x", "\tx", "a=b")] == [
        "'=1+1", "'+x", "'-x", "'@x", "'\tx", "a=b",
    ]  # fmt: skip
    assert [cell("pnl", Decimal("-12.500000")), cell("model_prob_yes", Decimal("-0.100"))] == ["-12.50", "-0.1"]


UNKNOWN = "00000000-0000-5000-8000-000000000000"


@pytest.mark.parametrize(
    ("target", "status", "says"),
    [
        ("/api/trades", 422, "run_id: Field required"),
        ("/api/trades?run_id=x", 422, "run_id"),
        (f"/api/trades?run_id={UNKNOWN}", 404, "no such run"),
        (f"/api/equity?run_id={UNKNOWN}", 404, "no such run"),
        (f"/api/factors?run_id={UNKNOWN}", 404, "no such run"),
        ("/api/factors?run_id={run}", 404, "runs of kalshi_weather have no factors"),
        ("/api/attribution?run_id={run}", 404, "runs of kalshi_weather have no attribution"),
        ("/api/attribution?run_id={run}&limit=0", 422, "limit"),
        (f"/api/metrics/core?run_id={UNKNOWN}", 404, "no such run"),
        ("/api/trades.csv?run_id={run}&sort=run_id", 422, "sort"),
        ("/api/trades?run_id={run}&sort=pnl;drop table backtest_runs", 422, "sort"),
        ("/api/trades?run_id={run}&side=" + "x" * 200, 422, "side"),
        ("/api/trades?run_id={run}&limit=1001", 422, "limit"),
        ("/api/trades?run_id={run}&offset=99999999999999999999", 422, "offset"),
        ("/api/trades?run_id={run}&decided_from=2025-02-30", 422, "decided_from"),
        ("/api/trades?run_id={run}&min_pnl=NaN", 422, "min_pnl"),
        ("/api/trades?run_id={run}&min_pnl=1e3", 422, "min_pnl"),
        ("/api/trades?run_id={run}&event=" + "x" * 200, 422, "event"),
        ("/api/trades?run_id={run}&limti=5", 422, "limti"),
        ("/api/runs?status=DONE", 422, "status"),
        ("/api/nothing", 404, "no such page"),
        ("/redoc", 404, "no such page"),
        ("/runs/{run}/charts/KXHIGHMIA-25MAY01", 404, "this file of the run is not here"),
        ("/runs/{run}/charts/NO-SUCH-EVENT", 404, "the run has no such event"),
        ("/runs/{run}/charts/KXHIGHMIA-25MAY01?back=//evil.example", 422, "pattern"),
        ("/runs/{run}/charts/KXHIGHMIA-25MAY01?day=today", 422, "day"),
        ("/leaderboard?sort=run_id", 422, "sort"),
        (f"/runs/{UNKNOWN}", 404, "no such run"),
        ("/runs/x", 404, "run_id"),
        ("/runs/{run}/files/secret.txt", 404, "no such file of a run"),
        ("/runs/{run}/files/plots", 404, "no such file of a run"),
        ("/runs/{run}/files/sessions.csv", 404, "no such file of a run"),
        ("/static/pages.py", 404, "no such file"),
        ("/runs/{bare}/report.html", 404, "it has no file report.html"),
        ("/compare?run_id={run}&run_id=" + UNKNOWN, 404, "no run begins so"),
        ("/compare?" + "run_id={run}&" * 7, 422, "at most 6"),
    ],
)
def test_what_cannot_be_answered_is_said(world, target, status, says):
    answer = world.web.ask(quote(target.format(run=world.run, bare=world.bare), safe="/?&=;"))
    assert answer.status == status and says in answer.text, answer.text
    assert answer.headers["Content-Type"].startswith("application/json" if target.startswith("/api/") else "text/html")


TRICKS = [
    "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%252fsecret.txt", "..%5csecret.txt",
    "....//secret.txt", "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "report.html%00", "report.html/../../secret.txt",
    "%00", "secret.txt%0d%0aX: y", "..%c0%afsecret.txt", "%ef%bc%8e%ef%bc%8e/secret.txt",
    "x" * 30_000, "file:///etc/passwd", "metrics.json;.html", "report.html?name=../secret.txt", "REPORT.HTML", "",
]  # fmt: skip
INJECTIONS = [
    "' OR 1=1 --", '" OR ""="', "'; DROP TABLE backtest_runs; --", "%", "_", "\\", "\x00", "😀" * 20, "%(x)s", ":run_id",
    "{7*7}", "{{7*7}}", "1) UNION SELECT 1 --", HARM, "\ud7ff\uffff", "NULL", "ﬀ", "a\r\nSet-Cookie: x=1",
]  # fmt: skip


@pytest.mark.parametrize("place", ["/{}", "/static/{}", "/runs/{}", "/runs/RUN/{}", "/runs/RUN/files/{}"])
def test_no_path_leads_out_of_the_closed_list(world, place):
    for trick in TRICKS:
        target = place.replace("RUN", world.run).format(trick)
        if not target.isascii() or " " in target:
            target = quote(target, safe="/%?=")
        answer = world.web.ask(target)
        allowed = ("RUN" in place and trick.startswith("report.html?")) or (place == "/{}" and trick == "")
        assert answer.status in ((200,) if allowed else (303, 400, 404, 422)), (target, answer.status)
        assert answer.status < 500 and SECRET.encode() not in answer.body and b"root:" not in answer.body, target


@pytest.mark.parametrize("name", ["event", "market", "series", "reason_code", "settled_result"])
def test_injected_text_is_text(world, name):
    for text in INJECTIONS:
        found = get(world, "trades", **{name: text})
        assert found["total"] == 0 and found["trades"] == [], text
        page = world.web.ask(f"/trades?{urlencode({'run_id': world.run, name: text})}")
        assert page.status == (303 if not text.strip() else 200) and HARM.encode() not in page.body
        assert "Set-Cookie" not in page.headers
    runs = [world.web.ask(f"/api/runs?{urlencode({'strategy': text})}").json["total"] for text in INJECTIONS]
    assert runs == [0] * len(INJECTIONS)
    series = [world.web.ask(f"/api/runs?{urlencode({'series': text})}").json["total"] for text in INJECTIONS]
    assert series == [0] * len(INJECTIONS), "a % in a name matches no other name"


def test_pages_escape_what_comes_from_outside(world):
    page = world.web.ask(f"/trades?run_id={world.run}").text
    assert "&lt;script&gt;alert(1)" in page and HARM not in page
    form = world.web.ask(f"/trades?run_id={world.run}&event=&side=BUY_NO&market=+")
    assert (form.status, form.headers["Location"]) == (303, f"?run_id={world.run}&side=BUY_NO")


def test_only_reads_are_answered_and_only_here(world):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        answer = world.web.ask("/api/runs", method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD"), method
    head, full = (world.web.ask(f"/api/trades.csv?run_id={world.run}", method) for method in ("HEAD", "GET"))
    assert (head.status, head.body) == (200, b"") and head.headers["Content-Length"] == str(len(full.body))
    ours = ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8710"]
    others = [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "",
        "192.168.1.1",
        "[::1].evil.example",
    ]
    for host in [*ours, *others]:
        assert world.web.ask("/api/runs", Host=host).status == (200 if host in ours else 400), host
    assert b"400" in world.web.raw(b"GET / HTTP/1.1\r\n\r\n").split(b"\r\n")[0]
    assert (
        b" 400 " in world.web.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n").split(b"\r\n")[0]
    )
    crossed = world.web.ask("/api/runs", Origin="https://evil.example")
    assert not [name for name in crossed.headers if name.lower().startswith("access-control")]


def test_every_answer_has_its_policies(world):
    targets = ["/", "/nope", "/api/runs", "/api/nope", "/openapi.json", f"/runs/{world.run}", "/static/serve.css"]
    for target in targets:
        headers = world.web.ask(target).headers
        assert (
            "default-src 'none'" in headers["Content-Security-Policy"]
            and "unsafe" not in headers["Content-Security-Policy"]
        )
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin" and headers["Cache-Control"] == "no-store"
        assert "server" not in {name.lower() for name in headers}
    report = world.web.ask(f"/runs/{world.run}/report.html")
    assert report.body == (world.folder / "known/report.html").read_bytes()
    policy = report.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox allow-scripts" in policy and "connect-src" not in policy
    assert "http" not in json.dumps(world.web.ask("/openapi.json").json["paths"])


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A world whose folders and rows may be spoilt: each test spoils another run of it."""
    made = World(tmp_path_factory.mktemp("own"))
    with served(made.url, made.folder, "--host", "0.0.0.0") as web:
        made.web = web
        yield made


def test_an_open_door_is_warned_of_and_takes_addresses_but_no_names(own):
    assert "no password" in (own.folder / "serve.log").read_text()
    assert own.web.ask("/api/runs", Host="192.168.1.7:8710").status == 200
    assert own.web.ask("/api/runs", Host="evil.example").status == 400


def test_a_run_folder_is_only_trusted_as_far_as_it_goes(own):
    known, report = own.folder / "known", f"/runs/{own.run}/report.html"
    (known / "report.html").symlink_to(own.folder / "secret.txt")
    assert own.web.ask(report).status == 404
    (known / "report.html").unlink()
    os.mkfifo(known / "report.html")
    assert own.web.ask(report).status == 404, "and no waiting for a writer"
    (known / "report.html").unlink()
    (known / "report.html").mkdir()
    assert own.web.ask(report).status == 404
    (known / "equity.csv").write_text("ts_utc,kind\nyesterday,start\n")
    assert "equity.csv, line 2" in own.web.ask(f"/api/equity?run_id={own.run}").text
    (known / "equity.csv").write_bytes(b"ts_utc,kind,cash_usd,open_value_usd,equity_usd\n\xff\x00,,,,\n")
    assert own.web.ask(f"/api/equity?run_id={own.run}").status == 404
    page = own.web.ask(f"/runs/{own.run}")
    assert page.status == 200 and "No equity curve." in page.text and ">1.50<" in page.text
    for path in (str(own.folder / "other"), str(own.folder), "/etc", "gone", "\x00", ""):
        own.set(own.run, artifact_path=path)
        for name in ("metrics.json", "run_manifest.json"):
            assert own.web.ask(f"/runs/{own.run}/files/{name}").status == 404, path
    (known / "metrics.json").write_text("[1")
    own.set(own.run, artifact_path=str(known), status="FAILED", error=f"why {HARM}")
    page = own.web.ask(f"/runs/{own.run}")
    assert (
        page.status == 200
        and "cannot be read" in page.text
        and "why &lt;script&gt;" in page.text
        and HARM not in page.text
    )


def test_a_database_that_goes_away_is_said_and_not_made_anew(own):
    path = own.folder / "t.db"
    path.rename(own.folder / "elsewhere.db")
    for target in ("/", "/api/runs"):
        answer = own.web.ask(target)
        assert answer.status == 503 and "there is no such database yet" in answer.text
    assert not path.exists()
    (own.folder / "elsewhere.db").rename(path)
    assert own.web.ask("/api/runs").status == 200


def test_readers_see_the_state_before_a_load_or_after_it(own):
    """One run is loaded over and over, in turns with 1 and with 400 trades; no answer mixes the two."""
    states = []
    for name, payouts in (("few", [1_000_000]), ("many", [0] * 400)):
        run_id = database_parts.write(own.folder / name, payouts, seed=7)
        pnl = json.loads((own.folder / name / "metrics.json").read_text())["total_pnl_usd"]
        states.append((len(payouts), Decimal(str(pnl))))
    load_run(own.folder / "few", own.url)
    enough = threading.Event()

    def load():
        while not enough.is_set():
            for name in ("many", "few"):
                load_run(own.folder / name, own.url)

    loader = threading.Thread(target=load)
    loader.start()
    seen = Counter()
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while (len(seen) < 2 or seen.total() < 20) and time.monotonic() < deadline:
            found = own.web.ask(f"/api/trades?run_id={run_id}&limit=1000").json
            assert found["total"] == len(found["trades"])
            rows = list(csv.DictReader(io.StringIO(own.web.ask(f"/api/trades.csv?run_id={run_id}").text)))
            for trades, total in (
                (found["trades"], found["pnl_usd"]),
                (rows, sum(Decimal(row["pnl"]) for row in rows)),
            ):
                assert sum(Decimal(row["pnl"]) for row in trades) == Decimal(total)
                seen[len(trades), Decimal(total)] += 1
    finally:
        enough.set()
        loader.join(PATIENCE_SECONDS)
    assert set(seen) == set(states), seen


BIG = 100_000


def test_a_big_run_pages_in_bounded_time_and_memory(tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    run_id = database_parts.write_many(tmp_path / "big", BIG)
    load_run(tmp_path / "big", url)
    with served(url, tmp_path, fork=False) as web:
        server = psutil.Process(web.process.pid)
        web.ask(f"/trades?run_id={run_id}")
        before = server.memory_info().rss
        for query in ("&sort=pnl&order=desc&limit=1000", f"&offset={BIG - 50}&min_pnl=-9"):
            began = time.monotonic()
            answer = web.ask(f"/api/trades?run_id={run_id}{query}")
            assert answer.status == 200 and time.monotonic() - began < 10, query
            assert web.ask(f"/trades?run_id={run_id}{query}").status == 200
        answer = web.ask(f"/api/trades.csv?run_id={run_id}")
        assert answer.body.count(b"\n") == BIG + 1 and len(answer.body) > 20_000_000
        assert server.memory_info().rss - before < 80_000_000, "pages, not the whole"


def test_schemathesis_finds_nothing(world, tmp_path):
    """Every check it has, on valid and invalid requests to a run that is there and to runs that are not."""
    config = tmp_path / "schemathesis.toml"
    config.write_text(f'[parameters]\nrun_id = ["{world.run}", "{UNKNOWN}"]\n')
    program = Path(sys.executable).with_name("schemathesis")
    checked = ["--checks", "all", "--phases", "fuzzing", "--max-examples", "12", "--seed", "7", "--workers", "2"]
    done = subprocess.run(
        [program, "--config-file", config, "run", f"{world.web.address}openapi.json", *checked, "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout, done.stdout


def refused(folder, *arguments):
    done = subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1
    return done.returncode, done.stderr


def test_what_keeps_it_from_starting(tmp_path):
    code, says = refused(tmp_path, "--port", "0")
    assert code == 6 and "there is no such database yet" in says and "tradewinds run" in says
    assert list(tmp_path.iterdir()) == [], "and nothing is made"
    url = f"sqlite:///{tmp_path}/old.db"
    database_parts.write(tmp_path / "run")
    load_run(tmp_path / "run", url)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, says = refused(tmp_path, "--database", url, "--port", port)
    assert code == 2 and f"127.0.0.1:{port}" in says and "--port 0" in says
    code, says = refused(tmp_path, "--database", url, "--host", "192.0.2.1")
    assert code == 2 and "192.0.2.1" in says
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE tradewinds_schema SET version_num = '0001'"))
    engine.dispose()
    code, says = refused(tmp_path, "--database", url, "--port", "0")
    assert code == 6 and "older" in says


def test_other_commands_do_not_pay_for_the_server():
    heavy = {"fastapi", "uvicorn", "pydantic", "jinja2", "sqlalchemy"}
    code = f"import sys, tradewinds.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_server_database_says_the_same(tmp_path, world, mariadb: Server):  # noqa: F811
    mariadb.new_database("web")
    url = mariadb.url("web")
    load_run(world.folder / "known", url)
    with served(url, tmp_path) as web:
        for path in (
            "metrics/core?",
            "trades?",
            "trades?sort=pnl&order=desc&",
            "trades?min_pnl=-0.153501&",
            "trades.csv?",
            "equity?",
        ):
            target = f"/api/{path}run_id={world.run}"
            assert web.ask(target).body == world.web.ask(target).body, path
        for page in (f"/runs/{world.run}", f"/trades?run_id={world.run}", "/leaderboard", "/"):
            assert web.ask(page).status == 200, page
        for text in INJECTIONS:
            assert web.ask(f"/api/trades?{urlencode({'run_id': world.run, 'event': text})}").json["total"] == 0, text
        with mariadb.root() as connection, connection.cursor() as cursor:
            cursor.execute("DROP DATABASE web")
        answer = web.ask("/api/runs")
        assert answer.status == 503 and PASSWORD not in answer.text and quote(PASSWORD, safe="") not in answer.text
