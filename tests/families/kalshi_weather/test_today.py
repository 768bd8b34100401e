"""The board of open events, made against a server whose clock stands still: what a run knew then, and no request too many."""

import datetime as dt
import json
import shutil
import signal
import subprocess
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests.services import small_world
from tests.workflow.harness import CHICAGO, Desk
from tradewinds.archive.clock import ServerClock
from tradewinds.archive.server import running_server
from tradewinds.cli import today
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, FetchError, SimulationError
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.plan import events_plan
from tradewinds.families.kalshi_weather.pooling.run_probabilities import run_probabilities
from tradewinds.families.kalshi_weather.today import board_columns
from tradewinds.families.kalshi_weather.today.board import BoardMaker
from tradewinds.pipeline.jobs import export_environment

SERIES = small_world.SERIES
MORNING = dt.datetime(
    2025, 1, 1, 15, 30, tzinfo=dt.UTC
)  # the event of January 1 is traded, that of January 2 has just opened
DATES = {"date_start_local": "2024-12-30", "date_end_local": "2025-01-02"}
MODELS = {"source": "gaussian", "models": ["GFS", "NAM", "NBS"]}
RISK = {**CHICAGO["risk"], "min_ev_per_contract": 0.02, "fixed_qty": 3, "max_contracts_per_event": 4}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return small_world.archive(tmp_path_factory.mktemp("archive") / "a")


@pytest.fixture(scope="module")
def done(archive, tmp_path_factory):
    """A desk with a run of all four events. Not to be changed."""
    with running_server(archive) as server:
        desk = Desk(
            tmp_path_factory.mktemp("run"), server, series_tickers=[SERIES], probabilities=MODELS, risk=RISK, **DATES
        )
        ended = desk.run()
        assert ended.returncode == 0, ended.stderr
        yield desk


@pytest.fixture
def world(archive, tmp_path, monkeypatch):
    """Make boards in a folder of its own, of a server whose clock stands still."""
    monkeypatch.chdir(tmp_path)
    clock, blocked = ServerClock(MORNING, speed=0), {}

    def middleware(handler, path):
        for start, answer in blocked.items():
            if path.startswith(start) and (answer := answer(handler) if callable(answer) else answer):
                handler.send(*answer)
                return True
        return False

    with running_server(archive, clock=clock, middleware=middleware) as server:
        yield World(server, clock, blocked)


class World:
    def __init__(self, server, clock, blocked):
        self.server, self.clock, self.blocked = server, clock, blocked

    def config(self, **changes):
        services = {name: {"base_url": url, "requests_per_second": 400} for name, url in self.server.urls.items()}
        kept = {name: services[name] for name in ("kalshi", "iem")}
        given = {
            **CHICAGO,
            **DATES,
            "series_tickers": [SERIES],
            "probabilities": MODELS,
            "risk": RISK,
            **kept,
            **changes,
        }
        return resolve.resolve(given)

    def maker(self, **changes):
        config = self.config(**changes)
        export_environment(config)
        return BoardMaker(config, "config.yaml", lambda line: None)

    def board(self, **changes):
        return self.maker(**changes).make().as_json()

    def asked(self):
        """Paths of the requests since the last call."""
        seen = [one.path.removeprefix("/trade-api/v2") for one in self.server.requests]
        self.server.requests.clear()
        return sorted(seen)


def brackets(board, event):
    [found] = [one for one in board["events"] if one["event_ticker"] == event]
    return {row["market_ticker"]: row for row in found["brackets"]}


def test_the_probabilities_are_those_of_the_run(world, done):
    board = world.board()
    [path] = done.folder.glob("data/probabilities/*.parquet")
    of_run = {row["market_ticker"]: row for row in pq.read_table(path).to_pylist()}
    shown = brackets(board, "KXHIGHCHI-25JAN01")
    assert len(shown) == 6 and board["now_utc"] == "2025-01-01T15:30:00Z"
    for ticker, row in shown.items():
        assert Decimal(row["p_yes"]) == of_run[ticker]["p_yes"]
    event, later = board["events"]
    row = next(of_run[ticker] for ticker in shown)
    assert (event["mu_f"], event["sigma_f"]) == (round(row["mu_f"], 3), round(row["sigma_f"], 3))
    assert event["method"] == row["method"] and event["state"] == "open"
    assert dt.datetime.fromisoformat(event["known_at_utc"]).timestamp() == row["known_at_ts"]
    assert later["state"] == "before_window" and later["window_start_utc"] == "2025-01-02T05:00:00Z"
    assert not any(bracket["orders"] for bracket in later["brackets"])


def test_prices_fees_and_values_are_exact(world, archive):
    board = world.board()
    candles = EventArchive(archive).candles(SERIES, "KXHIGHCHI-25JAN01").to_pylist()
    checked = 0
    for ticker, row in brackets(board, "KXHIGHCHI-25JAN01").items():
        last = [c for c in candles if c["market_ticker"] == ticker and c["end_period_ts"] <= MORNING.timestamp()][-1]
        bid, ask, p = last["yes_bid_close"], last["yes_ask_close"], Decimal(row["p_yes"])
        assert Decimal(row["yes_bid"] or 0) == bid and Decimal(row["yes_ask"] or 1) == ask
        for side, price, chance in (("yes", ask, p), ("no", 1 - bid, 1 - p)):
            if not 0 < price < 1:
                assert row[f"fee_{side}"] is None and row[f"net_ev_{side}"] is None
                continue
            fee = (Decimal("0.07") * 3 * price * (1 - price)).quantize(Decimal("0.01"), ROUND_CEILING)
            assert Decimal(row[f"fee_{side}"]) == fee and row["fee_quantity"] == 3
            assert abs(Decimal(row[f"net_ev_{side}"]) - (chance - price - fee / 3)) <= Decimal("0.000001")
            checked += 1
    assert checked > 6


def test_the_orders_are_those_of_the_run_at_its_first_trades(world, done):
    """A run's account holds nothing before its first trade, as the board's: there both must want the same."""
    trades = pq.read_table(done.run_folder() / "trades.parquet").to_pylist()
    first = min(trade["decision_ts_utc"] for trade in trades)
    wanted = [t for t in trades if t["decision_ts_utc"] == first]
    moment = first if isinstance(first, dt.datetime) else dt.datetime.fromisoformat(first)
    world.clock.move_to(moment)
    found = {
        (
            row["market_ticker"],
            f"BUY_{order['side']}",
            order["quantity"],
            Decimal(order["price"]),
            Decimal(order["fee"]),
        )
        for event in world.board()["events"]
        for row in event["brackets"]
        for order in row["orders"]
    }
    assert wanted and found == {
        (t["market_ticker"], t["side"], t["qty"], Decimal(t["entry_price"]), Decimal(t["entry_fee"])) for t in wanted
    }


LATEST = {"asof_policy": {"mode": "latest"}}


@pytest.fixture(scope="module")
def done_latest(archive, tmp_path_factory):
    """A desk with a run of all four events, whose decisions use the last probability that was known. Not to be changed."""
    with running_server(archive) as server:
        folder = tmp_path_factory.mktemp("latest")
        desk = Desk(folder, server, series_tickers=[SERIES], probabilities=MODELS, risk=RISK, **DATES, **LATEST)
        ended = desk.run()
        assert ended.returncode == 0, ended.stderr
        yield desk


def test_latest_is_what_the_board_had_at_that_time(world, done_latest):
    """At each of many server clocks the board has the probability that the run used then; readings and runs move both."""
    [path] = done_latest.folder.glob("data/probabilities/*.parquet")
    of_run: dict[str, list] = {}
    for row in pq.read_table(path).to_pylist():
        of_run.setdefault(row["market_ticker"], []).append((row["known_at_ts"], row["p_yes"]))
    maker, seen, changes = world.maker(**LATEST), set(), set()
    for hours in (-10, -6, -1, 0.5, 1.6, 2, 3.2, 4, 5.1, 6, 8, 12):
        moment = MORNING + dt.timedelta(hours=hours)
        world.clock.move_to(moment)
        board = maker.make().as_json()
        for event in board["events"]:
            for row in event["brackets"]:
                known = [(ts, p) for ts, p in of_run[row["market_ticker"]] if ts <= moment.timestamp()]
                assert Decimal(row["p_yes"]) == known[-1][1], (moment, row["market_ticker"])
                seen.add(event["event_ticker"])
                changes.add((row["market_ticker"], row["p_yes"]))
    assert len(seen) == 3 and len(changes) > 30  # three events, and the probabilities moved
    observed = [event["observed_f"] for event in board["events"]]
    assert observed[0] is not None and {"observations", "GFS"} <= {one["name"] for one in board["events"][0]["inputs"]}


def test_the_first_orders_of_latest_are_those_of_its_run(world, done_latest):
    trades = pq.read_table(done_latest.run_folder() / "trades.parquet").to_pylist()
    first = min(trade["decision_ts_utc"] for trade in trades)
    wanted = {(t["market_ticker"], t["side"], t["qty"]) for t in trades if t["decision_ts_utc"] == first}
    world.clock.move_to(first if isinstance(first, dt.datetime) else dt.datetime.fromisoformat(first))
    assert wanted == {
        (row["market_ticker"], f"BUY_{order['side']}", order["quantity"])
        for event in world.board(**LATEST)["events"]
        for row in event["brackets"]
        for order in row["orders"]
    }


def test_a_users_distributions(world, tmp_path):
    (tmp_path / "laws.csv").write_text(
        "series_ticker,climate_date,known_at_utc,mu_f,sigma_f,model\n"
        f"{SERIES},2025-01-01,2024-12-31T12:00Z,40,2,early\n{SERIES},2025-01-01,2025-01-01T15:00Z,44,1,late\n"
    )
    source = {"source": "distribution", "path": "laws.csv"}
    fixed, later = world.board(probabilities=source)["events"]
    assert (fixed["method"], fixed["mu_f"], later["reasons"]) == ("early", 40, ["NOT_IN_FILE"])
    latest = world.board(probabilities=source, **LATEST)["events"][0]
    assert (latest["method"], latest["mu_f"], latest["forecast_age_s"]) == ("late", 44, 1800)
    assert abs(sum(float(row["p_yes"]) for row in latest["brackets"]) - 1) < 1e-9


def test_the_limits_of_the_config_hold(world):
    """Four contracts an event: after three of the best bracket one is left, and the next is refused or cut."""
    board = world.board(risk={**RISK, "min_ev_per_contract": 0.0001})
    rows = brackets(board, "KXHIGHCHI-25JAN01").values()
    assert 0 < sum(order["quantity"] for row in rows for order in row["orders"]) <= 4
    rich = world.board(risk={**RISK, "min_ev_per_contract": 0.0001, "max_contracts_per_event": 100})
    more = sum(o["quantity"] for r in brackets(rich, "KXHIGHCHI-25JAN01").values() for o in r["orders"])
    assert more > 4
    refused = {row["refused"]: row["refused_text"] for row in rows}
    assert refused["MAX_CONTRACTS_PER_EVENT"] == "the event is full" and refused.get(None) is None
    assert any("max_volume_share" in note for note in world.board(risk={**RISK, "max_volume_share": 0.1})["notes"])


FUNCTION = """
import numpy as np
from tradewinds.strategies.user_file import NONE, YES, Orders, pico


def orders(quotes, parameters):
    wanted = quotes.quoted(YES) & (quotes.net_value(YES, 2) > 2 * pico(parameters["edge"]))
    return Orders(np.where(wanted, YES, NONE), 2, quotes.net_value(YES, 2))
"""
CLASS = """
from tradewinds.strategies.decisions import buy, limit


class Strategy:
    def on_start(self, parameters):
        self.edge = parameters["edge"]

    def on_decision(self, view):
        wanted = [m for m in view.markets if m.probability - m.ask - view.fee(m, 2) / 2 > self.edge]
        resting = [limit(buy(m, 5), m.bid - 0.01) for m in view.markets if m.bid > 0.05 and m not in wanted]
        return [buy(m, 2) for m in wanted] + resting
"""


@pytest.mark.parametrize("text", [FUNCTION, CLASS], ids=["function", "class"])
def test_a_strategy_of_ones_own_is_asked_as_a_run_asks_it(world, tmp_path, text):
    """Two of every YES that is worth a cent more than it costs, by the board's own figures; the class lets others rest."""
    (tmp_path / "mine.py").write_text(text)
    own = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": {"edge": 0.01}}
    rich = {**RISK, "max_contracts_per_event": 1000, "max_contracts_per_market": 1000}
    rows = brackets(world.board(strategy=own, risk=rich), "KXHIGHCHI-25JAN01").values()
    bought = {row["market_ticker"] for row in rows for order in row["orders"] if order["kind"] == "buy"}
    worth = set()
    for row in rows:
        if row["yes_ask"] is not None:
            p, ask = Decimal(row["p_yes"]), Decimal(row["yes_ask"])
            fee = (Decimal("0.14") * ask * (1 - ask)).quantize(Decimal("0.01"), ROUND_CEILING)
            if p - ask - fee / 2 > Decimal("0.01"):
                worth.add(row["market_ticker"])
    assert bought == worth and worth
    orders = [order for row in rows for order in row["orders"]]
    assert {(o["side"], o["quantity"]) for o in orders if o["kind"] == "buy"} == {("YES", 2)}
    rested = [(row["yes_bid"], o["price"]) for row in rows for o in row["orders"] if o["kind"] == "rest"]
    assert all(Decimal(bid) - Decimal(price) == Decimal("0.01") for bid, price in rested)
    assert bool(rested) == (text is CLASS)


def test_a_strategy_that_fails_names_its_line(world, tmp_path):
    (tmp_path / "mine.py").write_text(CLASS.replace("m.ask", "m.asked"))
    own = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": {"edge": 0.01}}
    with pytest.raises(SimulationError, match=r"mine\.py.*asked"):
        world.board(strategy=own)


def test_a_second_board_asks_for_prices_only(world):
    maker = world.maker()
    first = maker.make()
    asked = world.asked()
    assert asked.count("/markets") == 1 and asked.count("/series/KXHIGHCHI") == 1
    assert asked.count("/cgi-bin/request/mos.py") == 9  # three models, three years
    assert (
        asked.count("/json/cli.py") == 2 and asked.count("/cgi-bin/request/asos.py") == 1
    )  # no day of 2025 is over yet
    assert first.requests == {"kalshi": 2, "iem": len(asked) - 2}
    maker.make()
    assert [path for path in world.asked() if "asos" not in path] == ["/markets"]
    # another process finds what this one has fetched
    world.board()
    assert [path for path in world.asked() if "asos" not in path] == ["/markets"]
    # at 16Z the run of NAM of today is public by its lag, later that of GFS: each is asked for when it can be there
    for hours, models in ((0.25, ["NBS"]), (0.75, ["NAM"]), (2, ["GFS"])):
        world.clock.move_to(MORNING + dt.timedelta(hours=hours))
        world.server.requests.clear()
        board = maker.make().as_json()
        queries = [one.query for one in world.server.requests if one.path.endswith("mos.py")]
        assert [query.split("model=")[1].split("&")[0] for query in queries] == ([] if models == ["NBS"] else models), (
            hours
        )
        assert all("sts=2024-12-2" in query or "sts=2025-01-01" in query for query in queries)
    ages = {one["name"]: one["age_s"] for one in board["events"][1]["inputs"]}
    assert ages["NAM"] == 5400 and ages["GFS"] == 1800


def test_a_finished_runs_files_stay_as_they_are(world, done, tmp_path):
    shutil.copytree(done.folder / "data", tmp_path / "data")
    before = {p: p.read_bytes() for p in tmp_path.glob("data/**/*.parquet")}
    world.board()
    assert {p: p.read_bytes() for p in before} == before
    assert list(tmp_path.glob("data/today/iem/KMDW/*.parquet"))


def test_missing_guidance_degrades_and_is_told(world):
    def no_nam(handler):
        return (503, "text/plain", "busy") if "model=NAM" in handler.path else None

    world.blocked["/cgi-bin/request/mos.py"] = no_nam
    board = world.board()
    event = board["events"][0]
    assert event["method"] == "emos" and any("MODEL_MISSING:NAM" in reason for reason in event["reasons"])
    assert any(note.startswith("KMDW NAM") and "503" in note for note in board["notes"])
    assert {one["name"]: one["known_utc"] for one in event["inputs"]}["NAM"] is None
    # nothing of the weather service at all: prices are shown, probabilities are not, and it is said
    world.blocked |= {"/cgi-bin": (500, "text/plain", "oops"), "/json": (500, "text/plain", "oops")}
    for path in list(Path().glob("data/**/*.parquet")):
        path.unlink()
    bare = world.board()["events"][0]
    assert bare["method"] is None and bare["reasons"] and all(row["p_yes"] is None for row in bare["brackets"])
    assert any(row["yes_bid"] for row in bare["brackets"]) and not any(row["orders"] for row in bare["brackets"])


def test_a_half_answered_exchange_is_shown_by_half(world):
    two = {"series_tickers": ["KXHIGHMIA", SERIES]}
    board = world.board(**two)
    assert list(board["unanswered"]) == ["KXHIGHMIA"] and "no such series" in board["unanswered"]["KXHIGHMIA"]
    assert {event["series_ticker"] for event in board["events"]} == {SERIES}
    # an answer that is cut, or has a price that is none, is no answer
    for body in ('{"markets": [{"ticker": "KXHIGHCHI-25JAN01-B1"}], "cursor": ""}', '{"markets": [', '{"markets": 3}'):
        world.blocked["/trade-api/v2/markets"] = (200, "application/json", body)
        with pytest.raises(FetchError):
            world.board(**two)


def test_prices_that_cannot_be_are_refused(world):
    listed = json.dumps(honest(world))
    for wrong in ('"yes_bid_dollars": "1.2000"', '"yes_bid_dollars": 0.2', '"yes_bid_dollars": "NaN"'):
        i = listed.index('"yes_bid_dollars"')
        spoilt = listed[:i] + wrong + listed[listed.index(",", i) :]
        world.blocked["/trade-api/v2/markets"] = (200, "application/json", spoilt)
        with pytest.raises(FetchError, match="no usable quote"):
            world.board()


def honest(world):
    import requests

    url = world.server.url_of("kalshi")
    return requests.get(f"{url}/markets", params={"series_ticker": SERIES, "status": "open"}, timeout=60).json()


def test_a_throttled_exchange_is_asked_again(world):
    answers = iter([(429, "application/json", '{"error":"too many requests"}')])
    world.blocked["/trade-api/v2/markets"] = lambda handler: next(answers, None)
    board = world.board()
    assert len(board["events"]) == 2 and board["requests"]["kalshi"] == 3
    world.blocked["/trade-api/v2/markets"] = (429, "application/json", '{"error":"too many requests"}')
    with pytest.raises(FetchError, match="429"):
        world.board()
    assert world.asked().count("/markets") == 5  # the honest two, and three tries of the last


def test_an_unsettled_but_closed_event_is_not_on_the_board(world):
    world.clock.move_to(dt.datetime(2025, 1, 3, 7, 0, tzinfo=dt.UTC))
    board = world.board()
    assert board["events"] == [] and board["unanswered"] == {}


def test_a_users_file(world, tmp_path):
    (tmp_path / "mine.csv").write_text(
        "market_ticker,known_at_utc,p_yes\n"
        + "".join(
            f"{row['ticker']},{known},{p}\n"
            for row in honest(world)["markets"]
            for known, p in (("2024-12-31T12:00Z", "0.25"), ("2025-01-01T14:00Z", "0.75"), ("2025-01-01T16:00Z", "0.9"))
        )
    )
    board = world.board(probabilities={"source": "file", "path": "mine.csv"})
    event, later = board["events"]
    assert {row["p_yes"] for row in event["brackets"]} == {"0.25"} and event["method"] == "file"
    assert {row["p_yes"] for row in later["brackets"]} == {"0.75"}  # before the as-of time: what is known by now
    assert [path for path in world.asked() if "mos" in path or "cli" in path] == []
    with pytest.raises(SimulationError, match=r"missing\.csv"):
        world.board(probabilities={"source": "file", "path": "missing.csv"})


POOLED = {**MODELS, "source": "pooled", "pooled": {"of": "gaussian", "shrinkage": 2}}


def test_a_pool_says_what_it_needs_and_is_that_of_the_run(world, done, tmp_path):
    event = world.board(probabilities=POOLED)["events"][0]
    [reason] = [text for text in event["reasons"] if text.startswith("NO_TRAINING_DATA")]
    assert "tradewinds run config.yaml" in reason and all(row["p_yes"] is None for row in event["brackets"])
    # with the data of a run of all events, the pool of the open event is what a run has for it
    shutil.copytree(done.folder / "data", tmp_path / "data", dirs_exist_ok=True)
    config = world.config(probabilities=POOLED)
    table, _ = run_probabilities(config, events_plan(config).files)
    of_run = {row["market_ticker"]: row["p_yes"] for row in table.to_pylist()}
    world.server.requests.clear()
    board = world.board(probabilities=POOLED)
    shown = brackets(board, "KXHIGHCHI-25JAN01")
    assert {ticker: Decimal(row["p_yes"]) for ticker, row in shown.items()} == {t: of_run[t] for t in shown}
    assert board["events"][0]["method"] == "pooled"
    assert sum("candlesticks" in path for path in world.asked()) == 1
    world.board(probabilities=POOLED)
    assert not any("candlesticks" in path for path in world.asked())
    assert "BEFORE_ASOF" in board["events"][1]["reasons"]


def test_the_columns_are_stable(world):
    assert ",".join(board_columns.COLUMNS) == (
        "now_utc,series_ticker,event_ticker,climate_date,state,asof_utc,window_end_utc,close_utc,method,mu_f,sigma_f,reasons,"
        "observed_f,observed_utc,market_ticker,bracket,p_yes,yes_bid,yes_ask,bid_size,ask_size,fee_quantity,fee_yes,fee_no,"
        "net_ev_yes,net_ev_no,order_kind,order_side,order_quantity,order_price,order_fee,order_net_ev,refused,price_age_s,"
        "forecast_age_s,observation_age_s"
    )
    board = world.board()
    rows = list(board_columns.rows_of(board))
    assert len(rows) >= 12 and all(tuple(row) == board_columns.COLUMNS for row in rows)
    json.dumps(board)


def test_resting_orders_are_shown_as_such(world):
    board = world.board(
        execution_model="maker", risk={**RISK, "min_ev_per_contract": 0.0001, "max_contracts_per_event": 100}
    )
    orders = [(row, o) for row in brackets(board, "KXHIGHCHI-25JAN01").values() for o in row["orders"]]
    assert orders and {order["kind"] for _, order in orders} == {"rest"}
    for row, order in orders:
        best = row["yes_bid"] if order["side"] == "YES" else str(1 - Decimal(row["yes_ask"]))
        assert Decimal(order["price"]) == Decimal(best)


# the command


def desk_of(world, tmp_path, **changes):
    return Desk(
        tmp_path / "desk", world.server, series_tickers=[SERIES], probabilities=MODELS, risk=RISK, **DATES, **changes
    )


def test_the_command_prints_a_table_json_and_csv(world, tmp_path):
    desk = desk_of(world, tmp_path)
    shown = desk._call(desk.command("today", "config.yaml"))
    assert shown.returncode == 0, shown.stderr
    assert "KXHIGHCHI-25JAN01 Chicago Midway: emos" in shown.stdout and "no order is sent" in " ".join(
        shown.stdout.split()
    )
    assert "the exchange's clock is at 2025-01-01T15:30:00Z" in " ".join(shown.stdout.split())
    as_json = json.loads(desk._call(desk.command("today", "config.yaml", "--json")).stdout)
    assert as_json["now_utc"] == "2025-01-01T15:30:00Z" and len(as_json["events"]) == 2
    as_csv = desk._call(desk.command("today", "config.yaml", "--csv")).stdout.splitlines()
    assert as_csv[0] == ",".join(board_columns.COLUMNS) and len(as_csv) >= 13
    both = desk._call(desk.command("today", "config.yaml", "--json", "--csv"))
    assert both.returncode == 2
    assert desk._call(desk.command("today", "config.yaml", "--every", "30")).returncode == 2


def test_no_network_is_exit_4(tmp_path):
    desk = Desk(
        tmp_path / "desk", None, series_tickers=[SERIES], kalshi={"base_url": "http://127.0.0.1:9", "max_retries": 0}
    )
    done = desk._call(desk.command("today", "config.yaml"))
    assert done.returncode == 4 and "Traceback" not in done.stderr and "127.0.0.1:9" in done.stderr
    never = Desk(tmp_path / "never", None, series_tickers=[SERIES], fetch="never")
    assert never._call(never.command("today", "config.yaml")).returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_goes_on_until_it_is_interrupted(world, tmp_path, number):
    desk = desk_of(world, tmp_path)
    command = desk.command("today", "config.yaml", "--watch", "--every", "15", "--json")
    with desk.started(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        board = json.loads(process.stdout.readline())
        assert board["now_utc"] == "2025-01-01T15:30:00Z"
        process.send_signal(number)
        assert process.wait(60) == 130


def test_watch_asks_again_and_outlives_a_lost_service(world, monkeypatch, capsys):
    """Each round waits for the rest of its time; a round without an answer is told, and the next one is made."""
    slept, shown = [], []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            world.blocked["/trade-api/v2/markets"] = (500, "text/plain", "gone")
        if len(slept) == 3:
            world.blocked.clear()
            world.clock.move_to(MORNING + dt.timedelta(minutes=3))
        if len(slept) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(today.time, "sleep", sleep)
    maker = world.maker()
    with pytest.raises(KeyboardInterrupt):
        today._watch(lambda: maker.make().as_json(), shown.append, 60)
    assert [board["now_utc"][11:16] for board in shown] == ["15:30", "15:30", "15:33"]
    assert "no board now" in capsys.readouterr().err and all(0 <= seconds <= 60 for seconds in slept)


def test_other_markets_are_refused_in_plain_words(tmp_path):
    shares = {
        "market": "equities_daily",
        "universe": ["ALPHA"],
        "date_start_local": "2022-01-03",
        "date_end_local": "2022-12-30",
        "strategy": {"name": "Mean Reversion"},
        "bars": {"source": "synthetic"},
    }
    path = tmp_path / "shares.yaml"
    path.write_text(yaml.safe_dump(shares))
    with pytest.raises(ConfigError, match=r"today is for kalshi_weather.*the config is of equities_daily"):
        today.board_maker(path, print)


def test_nothing_of_the_exchange_is_changed(world):
    """Only questions are asked: no request of a board has a body, and none goes to an account's routes."""
    world.board()
    assert not [path for path in world.asked() if "portfolio" in path or "order" in path]
    assert Path("data/today").is_dir()
