"""A run with the user's own order books, from config to report: filled from them, recorded, made again if they change."""

import csv
import datetime as dt
import hashlib
import json
import sys
from collections import defaultdict
from fractions import Fraction

import pyarrow.parquet as pq
import pytest
import yaml

from tests import warm
from tests.workflow.harness import Desk
from tests.workflow.made_once import made_once
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic

pytestmark = pytest.mark.slow

DAYS = {"date_start_local": "2025-03-05", "date_end_local": "2025-03-06", "series_tickers": ["KXHIGHMIA"]}
RISK = {"start_balance_usd": 1000, "fixed_qty": 12, "max_contracts_per_market": 60}
CHANGES = {"cadence_minutes": 15, "risk": RISK, "probabilities": {"source": "file", "path": "mine.csv"}}


def command(desk, *arguments):
    made = desk.command(*arguments)
    return warm.run(made, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, check=False)


def write_probabilities(desk):
    """One half for every bracket of the ladder: something is always cheap."""
    strikes = ("T71", "B71.5", "B73.5", "B75.5", "B77.5", "T78")
    with open(desk.folder / "mine.csv", "w", encoding="utf-8") as file:
        file.write("market_ticker,known_at_utc,p_yes\n")
        for day in ("25MAR05", "25MAR06"):
            for strike in strikes:
                file.write(f"KXHIGHMIA-{day}-{strike},2025-03-01T00:00:00Z,0.5\n")


def write_books(desk, size=3):
    """A book at every tenth candle's quote, with two levels a side; of all markets but one."""
    lines, left_out = ["market_ticker,known_at_utc,side,price,size"], None
    for path in sorted(desk.folder.glob("data/candles/kalshi/*/KXHIGHMIA/*.parquet")):
        for row in pq.read_table(path).to_pylist()[::10]:
            bid, ask = row["yes_bid_close"], row["yes_ask_close"]
            left_out = left_out or row["market_ticker"]
            if row["market_ticker"] == left_out or bid is None or ask is None or not 0 < bid <= ask < 1:
                continue
            start = f"{row['market_ticker']},{dt.datetime.fromtimestamp(row['end_period_ts'] + 20, dt.UTC).isoformat()}"
            for step in (0, 1):
                if bid * 100 - step > 0:
                    lines.append(f"{start},yes,{float(bid) - step / 100:.2f},{size}")
                if ask * 100 + step < 100:
                    lines.append(f"{start},no,{1 - float(ask) - step / 100:.2f},{size + step}")
    (desk.folder / "books.csv").write_text("\n".join(lines) + "\n")


def use(desk, **changes):
    (desk.folder / "config.yaml").write_text(yaml.safe_dump({**desk.config, **changes}))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A finished run with order books, beside one without; and the server that their data came from."""
    archive = made_once(
        tmp_path_factory, "synthetic-miami", lambda to: make_synthetic(to / "archive", series=("KXHIGHMIA",))
    )
    with running_server(archive / "archive") as server:
        made = Desk(tmp_path_factory.mktemp("books"), server, **CHANGES, **DAYS)
        write_probabilities(made)
        done = made.run()
        assert done.returncode == 0, done.stdout + done.stderr
        made.plain = made.run_folder()
        write_books(made)
        use(made, liquidity={"levels": "books.csv"})
        done = made.run()
        assert done.returncode == 0, done.stdout + done.stderr
        [made.own] = [path.parent for path in made.folder.glob("**/metrics.json") if path.parent != made.plain]
        yield made


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def trades_of(folder):
    with open(folder / "trades.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def books_of(desk):
    """By market and instant: the prices of single contracts of YES and NO, the cheapest first."""
    found = defaultdict(lambda: {"BUY_YES": [], "BUY_NO": []})
    with open(desk.folder / "books.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            side = "BUY_YES" if row["side"] == "no" else "BUY_NO"
            known_at = dt.datetime.fromisoformat(row["known_at_utc"]).strftime("%Y-%m-%dT%H:%M:%SZ")
            found[row["market_ticker"], known_at][side] += [1 - Fraction(row["price"])] * int(row["size"])
    for sides in found.values():
        for prices in sides.values():
            prices.sort()
    return found


def test_every_fill_is_the_next_best_of_its_book(desk):
    books, taken, several = books_of(desk), defaultdict(int), defaultdict(int)
    named = {ticker for ticker, _ in books}
    for trade in trades_of(desk.own):
        if trade["market_ticker"] not in named or (trade["market_ticker"], trade["quote_ts_utc"]) not in books:
            continue
        key = (trade["market_ticker"], trade["quote_ts_utc"])
        prices, count = books[key][trade["side"]], int(trade["qty"])
        first = taken[key, trade["side"]]
        assert prices[first : first + count] == [Fraction(trade["entry_price"])] * count, trade
        assert trade["quote_ts_utc"] <= trade["decision_ts_utc"]
        taken[key, trade["side"]] += count
        several[trade["market_ticker"], trade["decision_ts_utc"]] += 1
    assert sum(taken.values()) > 20 and max(several.values()) > 1
    plain = [int(trade["qty"]) for trade in trades_of(desk.plain)]
    assert max(plain) == 12 and sum(taken.values()) < sum(plain)


def test_the_report_says_what_was_filled_from_books(desk):
    said = (desk.own / "report.md").read_text()
    found = json.loads((desk.own / "metrics.json").read_text())
    books = json.dumps(found)
    assert '"from_books"' in books
    assert "were filled from your order books (liquidity.levels)" in said
    assert "Order books" in said and "your order books" not in (desk.plain / "report.md").read_text()


def test_the_file_is_an_input_of_the_run_and_a_changed_one_makes_it_again(desk):
    manifest = json.loads((desk.own / "run_manifest.json").read_text())
    [digest] = [digest for path, digest in manifest["inputs"].items() if path == "books.csv"]
    assert digest == digest_of(desk.folder / "books.csv")
    before = (desk.own / "trades.csv").read_bytes()
    asked = len(desk.server.requests)
    again = desk.run()
    assert again.returncode == 0 and (desk.own / "trades.csv").read_bytes() == before
    dry = desk.snakemake("-n")
    assert dry.returncode == 0 and "Nothing to be done" in dry.stdout + dry.stderr
    same = command(desk, "reproduce", str(desk.own.relative_to(desk.folder)))
    assert same.returncode == 0, same.stdout + same.stderr
    write_books(desk, size=1)
    changed = desk.run()
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert (desk.own / "trades.csv").read_bytes() != before and len(desk.server.requests) == asked
    write_books(desk)
    assert desk.run().returncode == 0 and (desk.own / "trades.csv").read_bytes() == before


FROM_A_FRAME = """
import pandas as pd, tradewinds as tw
config = tw.Config.load("config.yaml").with_(liquidity={"levels": None})
run = tw.run(config, levels=pd.read_csv("books.csv"), fetch=False, report=False)
print(run.folder / "trades.csv", run.config["liquidity.levels"])
"""


def test_books_from_a_frame_fill_as_those_of_a_file(desk):
    done = warm.run(
        [sys.executable, "-c", FROM_A_FRAME], cwd=desk.folder, env=desk.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trades, levels = done.stdout.split()
    assert levels.startswith("data/user/levels/")
    with open(trades, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    own_ids = {"run_id": "", "trade_id": ""}
    assert [trade | own_ids for trade in found] == [trade | own_ids for trade in trades_of(desk.own)]


def test_a_sweep_over_a_config_with_books_comes_to_its_runs(desk):
    done = command(desk, "sweep", "--config", "config.yaml", "--grid", "risk.fixed_qty=1,12", "--no-fetch")
    assert done.returncode == 0, done.stdout + done.stderr
    [ranking] = desk.folder.glob("backtests/sweeps/*/ranking.csv")
    with open(ranking, newline="", encoding="utf-8") as file:
        rows = {row["risk.fixed_qty"]: row for row in csv.DictReader(file)}
    made = {
        size: round(sum(float(row[key]) for key in row if key.endswith("_pnl_usd")), 6) for size, row in rows.items()
    }
    own = json.loads((desk.own / "metrics.json").read_text())
    assert made["12"] == own["total_pnl_usd"] != made["1"]


def test_the_lookahead_check_changes_books_too(desk):
    done = command(desk, "lookahead-check", "--config", "config.yaml", "--cuts", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 decisions changed" in done.stdout


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ("KXHIGHCHI-25MAR05-B70.5,2025-03-04T20:00:00Z,yes,0.30,1\n", 2, "names a market of this config"),
        (
            "KXHIGHMIA-25MAR05-B75.5,2025-03-04T20:00:00Z,yes,30,1\n",
            2,
            "bad.csv, row 1: price 30 is not between 0 and 1.",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_its_key(desk, rows, code, said):
    (desk.folder / "bad.csv").write_text("market_ticker,known_at_utc,side,price,size\n" + rows)
    use(desk, liquidity={"levels": "bad.csv"})
    done = desk.run()
    use(desk, liquidity={"levels": "books.csv"})
    text = done.stdout + done.stderr
    assert done.returncode == code and said in text and "liquidity.levels" in text, text
