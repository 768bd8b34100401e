"""`tradewinds funding` from the command line to the database and the web page: two real runs, asked for much."""

import csv
import datetime as dt
import json
import re
import sqlite3
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests.families.funding_carry.perp_worlds import BTC, world_of, write_recorded
from tests.services.web import served
from tests.workflow.harness import dead_links
from tests.workflow.test_orb import call
from tradewinds.database import queries
from tradewinds.database.load import load_run
from tradewinds.families.funding_carry.family import FAMILY
from tradewinds.families.funding_carry.metrics import PARTS
from tradewinds.results.run_files import EVERY_RUN

ASKED = ("--symbol", "ETH/USDT:USDT,BTC/USDT:USDT", "--start", "2024-01-01", "--end", "2024-02-15")


NAMED = ("--name", "both ways", "--note", "side by side")


class FundingDesk:
    """A folder with two finished runs, simple and composite; `said` is what they printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        done = self(
            "funding", *ASKED, "--source", "synthetic", "--mode", "compare", *NAMED, "--initial-capital", "5000.5"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.said = done.stdout
        configs = {path.stem: yaml.safe_load(path.read_text()) for path in folder.glob("backtests/configs/*.yaml")}
        assert len(configs) == 2
        self.ids = {raw["strategy"]["name"].removeprefix("funding_"): run_id for run_id, raw in configs.items()}
        self.url = f"sqlite:///{folder}/backtests/tradewinds.db"

    def __call__(self, *arguments: str):
        return call(self.folder, *arguments)

    def run(self, mode: str = "composite") -> Path:
        return self.folder / "backtests" / self.ids[mode]

    def metrics(self, mode: str = "composite"):
        return json.loads((self.run(mode) / "metrics.json").read_text())

    def rows(self, name: str, mode: str = "composite") -> list[dict[str, str]]:
        return list(csv.DictReader((self.run(mode) / name).read_text().splitlines()))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> FundingDesk:
    return FundingDesk(tmp_path_factory.mktemp("funding"))


def test_both_runs_stand_side_by_side(desk):
    table = desk.said[desk.said.index("Side by side") :]
    rows = {line.split("│")[1].strip(): line.split("│")[2:5] for line in table.splitlines() if line.count("│") == 5}
    one, other = desk.metrics("simple"), desk.metrics("composite")
    for label, key in (("Net P&L, USDT", "net_pnl"), ("Funding, USDT", "funding"), ("Slippage, USDT", "slippage")):
        shown = [cell.strip() for cell in rows[label]]
        difference = Decimal(str(other[key])) - Decimal(str(one[key]))
        assert shown == [f"{one[key]:,.2f}", f"{other[key]:,.2f}", f"{float(difference):,.2f}"], label
    assert [cell.strip() for cell in rows["Positions"]][:2] == [str(one["num_trades"]), str(other["num_trades"])]
    assert {"Win rate, %", "APR, %", "Sharpe", "Max drawdown, USDT", "Time in market, %"} <= set(rows)


def test_each_of_the_two_runs_has_the_name_with_its_mode(desk):
    found = {row["run_id"]: (row["name"], row["note"]) for row in json.loads(desk("runs", "--json").stdout)}
    assert found == {run_id: (f"both ways ({mode})", "side by side") for mode, run_id in desk.ids.items()}


def test_the_written_config_is_the_same_run(desk):
    done = desk("run", "--config", f"backtests/configs/{desk.ids['composite']}.yaml")
    assert done.returncode == 0 and "nothing to be done" in done.stdout, done.stdout + done.stderr


def test_all_files_are_there_and_agree(desk):
    listed = {file.name for file in (*EVERY_RUN, *FAMILY.run_files)} | {"loaded", "name.json"}
    assert {path.name for path in desk.run().iterdir()} == listed
    metrics, trades, positions = desk.metrics(), desk.rows("trades.csv"), desk.rows("positions.csv")
    net = Decimal(str(metrics["net_pnl"]))
    assert net == sum(Decimal(row["pnl"]) for row in trades) == sum(Decimal(row["net_pnl"]) for row in positions)
    assert net == sum(sign * Decimal(str(metrics[name])) for name, sign in PARTS.items())
    assert net == Decimal(str(metrics["end_balance_usd"])) - Decimal("5000.5") == Decimal(str(metrics["total_pnl_usd"]))
    assert sum(Decimal(row["payment"]) for row in desk.rows("funding.csv")) == Decimal(str(metrics["funding"]))
    assert metrics["num_fills"] == metrics["num_contracts"] == len(trades) == 4 * len(positions) > 0
    assert Decimal(desk.rows("equity.csv")[-1]["equity_usd"]) == Decimal(str(metrics["end_balance_usd"]))


def test_the_report_leads_with_net_and_breakeven(desk):
    text = (desk.run() / "report.md").read_text()
    order = [
        "Net P&L, USDT",
        "Payments to break even",
        "Where the profit came from",
        "Sharpe (√365)",
        "Net return a year",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places) and "Rates and prices are invented" in text
    assert {path.stem for path in (desk.run() / "plots").glob("*.svg")} == {
        *("parts", "breakeven", "equity", "rates_0", "rates_1", "score")
    }
    assert "score" not in {path.stem for path in (desk.run("simple") / "plots").glob("*.svg")}
    # what is drawn over time ends at the figures of the whole run
    page = (desk.run() / "report.html").read_text()
    assert page.count('href="#plot-rates_') >= 2 and not dead_links(page)
    plots = json.loads(page.split('id="plots"', 1)[1].split(">", 1)[1].split("</script>", 1)[0])
    drawn = next(plot for plot in plots if plot["name"] == "parts")["data"]
    names = {"funding": "funding", "price P&L": "price_pnl", "fees": "fees", "slippage": "slippage"}
    metrics = desk.metrics()
    for layer in drawn["layers"]:
        key = names[layer["name"]]
        assert layer["y"][-1] == pytest.approx(PARTS[key] * metrics[key], abs=1e-6)
    assert sum(layer["y"][-1] for layer in drawn["layers"]) == pytest.approx(metrics["net_pnl"], abs=1e-6)


def database_rows(desk, table, mode="composite"):
    with sqlite3.connect(desk.folder / "backtests/tradewinds.db") as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(f"SELECT * FROM {table} WHERE run_id = ?", (desk.ids[mode],))
        return [dict(row) for row in found]


def test_the_database_has_positions_and_payments_and_a_second_load_replaces_them(desk):
    for _ in range(2):
        positions, payments = database_rows(desk, "funding_positions"), database_rows(desk, "funding_payments")
        written = {row["position_id"]: row for row in desk.rows("positions.csv")}
        assert {row["position_id"] for row in positions} == set(written) and len(positions) == len(written)
        for row in positions:
            mine = written[row["position_id"]]
            for name in ("qty", "net_pnl", "funding", "spot_exit", "capital", "entry_rate", "entry_score"):
                assert Decimal(repr(row[name])) == Decimal(mine[name]), name
            assert dt.datetime.fromisoformat(row["open_ts_utc"]).isoformat() + "Z" == mine["open_time"].replace(
                "Z", "Z"
            )
            assert row["apr_on_capital"] == float(mine["apr_on_capital"])
        assert len(payments) == len(desk.rows("funding.csv"))
        assert load_run(desk.run(), desk.url) == len(desk.rows("trades.csv"))


def test_trades_of_the_database_are_exact(desk):
    with queries.reading(desk.url) as connection:
        found = list(queries.list_trades(connection, desk.ids["composite"]))
        totals = queries.trade_totals(connection, desk.ids["composite"])
        metrics = queries.core_metrics(connection, desk.ids["composite"])
    files = pq.read_table(desk.run() / "trades.parquet").to_pylist()
    for row, trade in zip(found, files, strict=True):
        for name in ("qty", "entry_price", "entry_fee", "payout", "pnl", "reference_price", "slippage"):
            assert row[name] == trade[name], name
    assert totals.pnl == Decimal(str(desk.metrics()["net_pnl"])) == sum(row["pnl"] for row in found)
    assert totals.contracts == sum(row["qty"] for row in found)
    assert metrics["num_contracts"] == len(files) and metrics["start_balance_usd"] == Decimal("5000.5")


def test_the_web_answers_for_it(desk):
    run_id = desk.ids["composite"]
    with served(desk.url, desk.folder) as web:

        def get(path: str):
            answer = web.ask(f"/api/{path}{'&' if '?' in path else '?'}run_id={run_id}")
            assert answer.status == 200, answer.text
            return answer.json

        trades = desk.rows("trades.csv")
        shown = get("trades?limit=1000")
        assert shown["total"] == len(trades)
        for row, mine in zip(shown["trades"], trades, strict=True):
            assert {name: str(row[name]) for name in ("qty", "reference_price", "slippage", "pnl")} == {
                name: mine[name] for name in ("qty", "reference_price", "slippage", "pnl")
            }
        csv_text = web.ask(f"/api/trades.csv?run_id={run_id}").text
        assert csv_text == (desk.run() / "trades.csv").read_text()
        equity = get("equity")
        assert equity["points"][0]["wallets_usd"] == "0.00" and equity["total"] == len(desk.rows("equity.csv"))
        for kind, name in (("positions", "positions.csv"), ("funding", "funding.csv")):
            rows = [{key: cell or None for key, cell in row.items()} for row in desk.rows(name)]
            assert rows and get(kind)["rows"] == rows
        for page in (f"/runs/{run_id}", f"/trades?run_id={run_id}", "/", "/leaderboard"):
            answer = web.ask(page)
            assert answer.status == 200, page
        assert "positions.csv" in web.ask(f"/runs/{run_id}").text
        assert "BTC/USDT:USDT" in web.ask(f"/trades?run_id={run_id}").text


def test_positions_and_payments_have_pages(desk):
    run_id = desk.ids["composite"]
    positions, payments = desk.rows("positions.csv"), desk.rows("funding.csv")
    base = f"/runs/{run_id}/tables"
    with served(desk.url, desk.folder) as web:

        def page(path: str) -> str:
            answer = web.ask(path)
            assert answer.status == 200, answer.text
            return answer.text

        # the run leads to the lists, and each position to its page
        run = page(f"/runs/{run_id}")
        assert f'href="{base}/positions"' in run and f'href="{base}/funding"' in run
        assert ">Fills</a>" in run and f">{len(positions):,}</dd>" in run, "a fill is no trade"
        listed = page(f"{base}/positions?limit=1000")
        assert f"<strong>{len(positions)} position{'' if len(positions) == 1 else 's'}</strong>" in listed
        assert all(f'href="{base}/positions/{row["position_id"]}"' in listed for row in positions)
        # rows are chosen by symbol and reason of the exit, as in the API
        one = positions[0]
        asked = f"symbol={one['symbol']}&exit_reason={one['exit_reason']}"
        mine = [row for row in positions if all(row[name] == one[name] for name in ("symbol", "exit_reason"))]
        chosen = page(f"{base}/positions?{asked}&sort=net_pnl&order=desc&limit=1000")
        shown = [part.split('"')[0] for part in chosen.split(f'href="{base}/positions/')[1:]]
        assert shown == [row["position_id"] for row in sorted(mine, key=lambda row: -Decimal(row["net_pnl"]))]
        net = sum(Decimal(row["net_pnl"]) for row in mine)
        assert f"{net:,.2f}</span></strong> USDT" in chosen
        answer = web.ask(f"/api/positions?run_id={run_id}&{asked}").json
        assert [row["position_id"] for row in answer["rows"]] == [row["position_id"] for row in mine]
        # a position has its payments, its fills and its picture, which ends at its funding
        name = one["position_id"]
        own = [row for row in payments if row["position_id"] == name]
        detail = page(f"{base}/positions/{name}")
        assert f"{len(own):,} payment" in detail and "4 fills" in detail
        assert web.ask(f"/api/funding?run_id={run_id}&position_id={name}").json["total"] == len(own)
        plot, rates = json.loads(detail.split('id="plots">')[1].split("</script>")[0])
        assert (plot["name"], rates["name"]) == ("earned", "rates_0")
        sums, costs = (line["y"] for line in plot["data"]["lines"])
        assert len(sums) == len(own) + 1 and sums[0] == 0 and sums[-1] == pytest.approx(float(one["funding"]))
        assert costs[0] == pytest.approx(sum(float(one[part]) for part in ("fees", "slippage", "borrow")))
        reached = [mark["t"] for mark in plot["data"]["marks"]]
        after = one["breakeven_periods"]
        assert reached == ([plot["data"]["t"][int(after)]] if after else [])
        assert f'href="{base}/positions/{name}"' in page(f"/trades?run_id={run_id}&event={name}")
        # what is no table, row or column of it
        for path, status in (
            ("none", 404),
            ("positions/P99999", 404),
            ("funding/P00001", 404),
            ("positions?nothing=1", 422),
            ("positions?sort=nothing", 422),
            ("positions?symbol=a&symbol=b", 422),
            ("positions?offset=-1", 422),
        ):
            assert web.ask(f"{base}/{path}").status == status, path


def test_compare_counts_positions_where_trades_are_fills(desk):
    ids = [desk.ids["simple"], desk.ids["composite"]]
    counts = [desk.metrics(mode)["num_trades"] for mode in ("simple", "composite")]
    nets = [desk.metrics(mode)["net_pnl"] for mode in ("simple", "composite")]
    folders = [str(desk.run(mode)) for mode in ("simple", "composite")]
    for names in (ids, folders):
        found = json.loads(desk("compare", *names, "--json", "--database", desk.url).stdout)["common_days"]
        assert found["num_trades"] == counts and found["pnl_usd"] == pytest.approx(nets), names
    told = desk("compare", *ids, "--database", desk.url)
    (row,) = [line.split() for line in told.stdout.splitlines() if line.startswith("positions on common days")]
    assert row[-2:] == [f"{count:,}" for count in counts]
    with served(desk.url, desk.folder) as web:
        page = web.ask(f"/compare?run_id={ids[0]}&run_id={ids[1]}").text
    heads = re.findall(r'<th scope="row">(?:<abbr [^>]*>)?([^<]+)', page)
    assert {"positions", "funding, USDT"} <= set(heads) and not {"quantity", "trades"} & set(heads)


def test_compare_warns_where_symbols_or_dates_differ_and_still_compares(desk):
    same = desk("compare", desk.ids["simple"][:8], desk.ids["composite"][:8], "--json")
    assert same.returncode == 0 and same.stderr == ""
    assert json.loads(same.stdout)["metrics"]["funding"] == [
        desk.metrics(mode)["funding"] for mode in ("simple", "composite")
    ]
    other = desk(
        *("funding", "--symbol", "BTC/USDT:USDT", "--start", "2024-01-01", "--end", "2024-01-31"),
        *("--source", "synthetic", "--mode", "simple", "--output-dir", "others"),
    )
    assert other.returncode == 0, other.stdout + other.stderr
    (folder,) = desk.folder.glob("others/*-*-*/")
    told = desk("compare", f"backtests/{desk.ids['simple']}", folder.relative_to(desk.folder).as_posix())
    assert told.returncode == 0 and "Runs side by side" in told.stdout
    assert "warning: the runs trade different symbols" in told.stderr
    assert "warning: the runs are of different dates" in told.stderr


@pytest.mark.parametrize(("mode", "points", "left_out"), [("simple", 14, 1), ("composite", 42, 3)])
def test_the_default_grid_lists_what_is_no_config(desk, mode, points, left_out):
    config = f"backtests/configs/{desk.ids[mode]}.yaml"
    done = desk("sweep", "--config", config, "--grid", "default", "--split", "2024-02-01", "--top", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("ranking ")}
    ranked = list(csv.DictReader((desk.folder / folder).read_text().splitlines()))
    failed = list(csv.DictReader((desk.folder / folder).with_name("failed.csv").read_text().splitlines()))
    assert len(ranked) == points and len(failed) == left_out
    assert all("not run: " in row["reason"] and "is above" in row["reason"] for row in failed)
    assert done.stdout.count("left out") >= left_out
    # the best point keeps its curve, that of the run which best.yaml makes
    curve = list(csv.DictReader((desk.folder / folder).with_name("best_equity.csv").read_text().splitlines()))
    assert (desk.folder / folder).with_name("best_equity.svg").exists()
    made = float(ranked[0]["in_sample_pnl_usd"]) + float(ranked[0]["out_of_sample_pnl_usd"])
    assert float(curve[-1]["equity_usd"]) - float(curve[0]["equity_usd"]) == pytest.approx(made, abs=1e-6)
    # two keys make a picture, three do not
    picture = (desk.folder / folder).with_name("heatmap.svg")
    assert picture.exists() is (mode == "simple")


def test_no_settlement_in_the_range_is_done_with_a_warning(desk):
    write_recorded(world_of("2024-01-01", 40), desk.folder / "records")
    asked = ("funding", "--symbol", BTC, "--start", "2024-02-20", "--end", "2024-02-25", "--mode", "simple")
    done = desk(*asked, "--data", "records", "--output-dir", "nothing")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"warning: NO_DATA {BTC} has no settlement from 2024-02-20 to 2024-02-25." in done.stderr
    (run,) = desk.folder.glob("nothing/*-*-*/")
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["warnings"][0].startswith("NO_DATA ") and metrics["diagnostics"]["events_skipped"] == {"NO_DATA": 1}
    assert metrics["net_pnl"] == 0 and metrics["sharpe"] is None and metrics["max_drawdown_usd"] == 0
    assert len((run / "equity.csv").read_text().splitlines()) == 1
    assert "NO_DATA" in (run / "report.md").read_text()
    with queries.reading(desk.url) as connection:
        assert queries.one_run(connection, metrics["run_id"])["status"] == "SUCCESS"
