"""The files other programs read: exact text, exact types, the same bytes each time, and no password in any of them."""

import json
import uuid
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine_parts import MINUTE, contract, micro, quote, replay, rules
from tests.unit.results_parts import at, conf, points, run, scored, trade
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.amount_columns import amount_texts
from tradewinds.core.text import amount_text, instant, number, plain, probability
from tradewinds.core.units import NO_AMOUNT
from tradewinds.engine.journal import JournalWriter, Kind
from tradewinds.engine.run_trades import Trades
from tradewinds.families.kalshi_weather.run_files import market_names, write_market_names
from tradewinds.results.artifacts import resolved_yaml, write_artifacts
from tradewinds.results.books import journal_schema, journal_table

RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"
FILES = [
    "config_resolved.yaml", "decisions.parquet", "equity.csv", "journal.parquet", "metrics.json", "positions_daily.csv",
    "trades.csv", "trades.parquet",
]  # fmt: skip
TRADES_CSV = f"""\
trade_id,series_ticker,event_ticker,market_ticker,station_id,decision_ts_utc,quote_ts_utc,side,qty,entry_price,entry_fee,\
model_prob_yes,ev_gross_per_contract,ev_net_per_contract,reason_code,settled_result,settled_ts_utc,payout,pnl
{uuid.uuid5(uuid.UUID(RUN), "0")},KXHIGHMIA,KXHIGHMIA-25MAY02,KXHIGHMIA-25MAY02-B80.5,KMIA,2025-05-02T03:04:00Z,\
2025-05-02T03:00:00Z,BUY_YES,3,0.40,0.06,0.75,0.35,0.33,EV_THRESHOLD,yes,2025-05-03T14:00:00Z,3.00,1.74
{uuid.uuid5(uuid.UUID(RUN), "1")},KXHIGHCHI,KXHIGHCHI-25MAY02,KXHIGHCHI-25MAY02-T71,KMDW,2025-05-02T05:00:00Z,\
2025-05-02T03:00:00Z,BUY_NO,3,0.355001,0.05,0.123456789012,0.521542210988,0.504875544321,EV_THRESHOLD,yes,\
2025-05-03T14:00:00Z,0.00,-1.115003
"""


def a_run():
    chicago = {"side": "BUY_NO", "price": "0.355001", "fee": "0.05", "p": "0.123456789012", "decided": "05-02 05:00"}
    trades = [
        trade(qty=3, fee="0.06", p="0.75"),
        trade("KXHIGHCHI-25MAY02-T71", qty=3, pays="0", **chicago),
    ]
    equity = points(
        ("05-02 03:00", "start", "1000"),
        ("05-03 00:00", "midnight", "997.624997", "2"),
        ("05-03 14:00", "end", "1000.624997"),
    )
    refused = {"LIQUIDITY": 7}
    return run(
        trades, equity, rejections=refused, skipped=[("KXHIGHMIA-25MAY01", "NO_EVENT")], markets=scored(("0.4", True))
    )


@pytest.fixture
def folder(tmp_path):
    write_artifacts(tmp_path, RUN, conf(), a_run())
    return tmp_path


def test_trades_are_exact_text_in_execution_order(folder):
    assert (folder / "trades.csv").read_bytes() == TRADES_CSV.encode()


def test_the_parquet_trades_are_those_of_the_csv(folder):
    header, *lines = [line.split(",") for line in (folder / "trades.csv").read_text().splitlines()]
    table = pq.read_table(folder / "trades.parquet")
    assert (table.column_names, files.read_meta(folder / "trades.parquet")) == (header, {"run_id": RUN})
    rows = [list(row.values()) for row in table.to_pylist()]

    def same(value, text):
        if isinstance(value, Decimal):
            return value == Decimal(text)
        return (instant(value.timestamp()) if hasattr(value, "timestamp") else str(value)) == text

    assert [[same(v, t) for v, t in zip(*pair, strict=True)] for pair in zip(rows, lines, strict=True)] == [
        [True] * 19
    ] * 2
    kinds = {field.name: str(field.type) for field in table.schema}
    assert (kinds["qty"], kinds["pnl"], kinds["decision_ts_utc"]) == (
        "int64",
        "decimal128(20, 6)",
        "timestamp[us, tz=UTC]",
    )


def test_the_journal_has_a_row_for_every_change_of_cash_or_position(folder):
    path = folder / "journal.parquet"
    table = pq.read_table(path)
    assert (table.schema.remove_metadata(), files.read_meta(path)) == (journal_schema(6), {"run_id": RUN})
    assert {
        name: str(journal_schema(6).field(name).type) for name in ("ts_utc", "quantity", "price", "cash_change")
    } == {
        "ts_utc": "timestamp[us, tz=UTC]",
        **dict.fromkeys(("quantity", "price", "cash_change"), "decimal128(20, 6)"),
    }
    rows = [(instant(row.pop("ts_utc").timestamp()), *row.values()) for row in table.to_pylist()]
    miami, chicago = ("KXHIGHMIA-25MAY02-B80.5", 0, "YES"), ("KXHIGHCHI-25MAY02-T71", 1, "NO")
    d = Decimal
    assert rows == [
        ("2025-05-02T03:04:00Z", "fill", *miami, "BUY", d(3), d("0.40"), d("-1.20"), ""),
        ("2025-05-02T03:04:00Z", "fee", *miami, "", d(0), d(0), d("-0.06"), ""),
        ("2025-05-02T05:00:00Z", "fill", *chicago, "BUY", d(3), d("0.355001"), d("-1.065003"), ""),
        ("2025-05-02T05:00:00Z", "fee", *chicago, "", d(0), d(0), d("-0.05"), ""),
        ("2025-05-03T14:00:00Z", "settlement", *miami, "", d(-3), d(1), d(3), ""),
        ("2025-05-03T14:00:00Z", "settlement", *chicago, "", d(-3), d(0), d(0), ""),
    ]
    metrics = json.loads((folder / "metrics.json").read_text(), parse_float=Decimal)
    assert metrics["start_balance_usd"] + sum(row[8] for row in rows) == metrics["end_balance_usd"]
    trades = pq.read_table(folder / "trades.parquet").to_pylist()
    assert [t["pnl"] for t in trades] == [sum(row[8] for row in rows if row[3] == n) for n in (0, 1)]


@given(st.integers(-(10**18), 10**18))
def test_amounts_of_the_journal_are_exact(micros):
    writer = JournalWriter()
    writer.add(Kind.FUNDING, 0, "A", 0, cash_change=micros)
    assert journal_table(writer.journal())["cash_change"].to_pylist() == [Decimal(micros) / 10**6]


def test_equity_and_positions_are_exact_text(tmp_path):
    result = a_run()
    more = trade(qty=2, price="0.41", decided="05-02 23:59")  # same market, day and side as the first
    result.trades = Trades.of_rows([*result.trades, more, trade(qty=1, price="0.50", decided="05-03 00:00")])
    write_artifacts(tmp_path, RUN, conf(), result)
    assert (tmp_path / "equity.csv").read_text() == (
        "ts_utc,kind,cash_usd,open_value_usd,equity_usd\n"
        "2025-05-02T03:00:00Z,start,1000.00,0.00,1000.00\n"
        "2025-05-03T00:00:00Z,midnight,997.624997,2.00,999.624997\n"
        "2025-05-03T14:00:00Z,end,1000.624997,0.00,1000.624997\n"
    )
    assert (tmp_path / "positions_daily.csv").read_text() == (
        "date_utc,event_ticker,market_ticker,side,contracts,entry_cost_usd,settled_ts_utc\n"
        "2025-05-02,KXHIGHCHI-25MAY02,KXHIGHCHI-25MAY02-T71,BUY_NO,3,1.065003,2025-05-03T14:00:00Z\n"
        "2025-05-02,KXHIGHMIA-25MAY02,KXHIGHMIA-25MAY02-B80.5,BUY_YES,5,2.02,2025-05-03T14:00:00Z\n"
        "2025-05-03,KXHIGHMIA-25MAY02,KXHIGHMIA-25MAY02-B80.5,BUY_YES,1,0.50,2025-05-03T14:00:00Z\n"
    )


def test_traded_markets_have_their_names(tmp_path):
    rows = {
        "market_ticker": ["B", "A", "C"],
        "title": ["High, in °F", None, "C"],
        "yes_sub_title": ['"81°"', None, None],
    }
    for name, part in (("one", slice(0, 2)), ("other", slice(2, 3))):
        columns = {key: pa.array(values[part], pa.string()) for key, values in rows.items()}
        files.write_parquet(tmp_path / f"{name}.parquet", pa.table(columns), {})
    write_market_names(tmp_path, [str(tmp_path / f"{name}.parquet") for name in ("one", "other")], {"A", "B"})
    text = 'market_ticker,title,yes_sub_title\nA,,\nB,"High, in °F","""81°"""\n'
    assert (tmp_path / "markets.csv").read_bytes() == text.encode()
    assert market_names(tmp_path, {"B"}) == {"B": 'High, in °F: "81°"'}


def test_metrics_json_is_strict_and_complete(folder):
    found = json.loads((folder / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert list(found) == [
        "run_id", "start_balance_usd", "end_balance_usd", "total_pnl_usd", "total_fees_usd", "roi_pct", "num_trades",
        "num_contracts", "win_rate_pct", "avg_profit_usd", "avg_loss_usd", "profit_factor", "max_drawdown_usd",
        "max_drawdown_pct", "sharpe", "sortino", "exposure_time_avg_minutes", "brier", "log_loss", "calibration",
        "diagnostics",
    ]  # fmt: skip
    assert (found["run_id"], found["end_balance_usd"], found["total_pnl_usd"]) == (RUN, 1000.624997, 0.624997)
    diagnostics = found["diagnostics"]
    assert (diagnostics["events_skipped"], diagnostics["rejections"]) == ({"NO_EVENT": 1}, {"LIQUIDITY": 7})
    assert diagnostics["skipped_events"] == [["KXHIGHMIA-25MAY01", "NO_EVENT"]]


def test_the_same_run_has_the_same_bytes_and_an_empty_one_all_files(tmp_path):
    how = [contract("A", end=50), contract("B", end=50)]
    decisions = replay(how, [quote(0, 1, 9, yes="0.4"), quote(1, 1, 9, no="0.1")], rules(per_event=2)).decisions
    assert len(decisions) > 2
    for name, order in (("one", decisions), ("two", decisions[::-1])):
        result = a_run()
        result.decisions = order
        write_artifacts(tmp_path / name, RUN, conf(), result)
    write_artifacts(tmp_path / "two", RUN, conf(), result)  # over what is there
    write_artifacts(tmp_path / "empty", RUN, conf(), run())
    for name in ("one", "two", "empty"):
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == FILES
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in FILES)
    assert pq.read_table(tmp_path / "empty/trades.parquet").schema.equals(
        pq.read_table(tmp_path / "one/trades.parquet").schema
    )
    assert (tmp_path / "empty/trades.csv").read_text() == TRADES_CSV.split("\n")[0] + "\n"


def test_decisions_in_summary_and_in_full(tmp_path):
    """Every third minute: a fill, then refusals over two quotes, as one row and as a row each."""
    quotes = [quote(0, 3, 9, yes="0.40"), quote(0, 12, 15, yes="0.30")]
    found = {}
    for audit in ("summary", "full"):
        outcome = replay([contract()], quotes, rules(per_market=2, quantity=2, step=3), full_audit=audit == "full")
        result = run(decisions=outcome.decisions)
        write_artifacts(tmp_path / audit, RUN, conf(audit=audit, cadence_minutes=3), result)
        table = pq.read_table(tmp_path / audit / "decisions.parquet")
        found[audit] = [
            (int(r[1].timestamp()) // MINUTE, r[0], *r[2:]) for r in (tuple(row.values()) for row in table.to_pylist())
        ]
    fill = (3, "A", 1, "YES", 2, Decimal("0.4"), True, "EV_THRESHOLD")
    full = "MAX_CONTRACTS_PER_MARKET"
    assert found["summary"] == [fill, (6, "A", 4, "YES", None, None, False, full)]
    prices = {6: "0.4", 9: "0.4", 12: "0.3", 15: "0.3"}
    assert found["full"] == [fill, *((t, "A", 1, "YES", 2, Decimal(p), False, full) for t, p in prices.items())]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("sqlite:///backtests/tradewinds.db", True),
        ("mysql+pymysql://me@db/tradewinds", True),
        ("mysql+pymysql://me:${DB_PASSWORD}@db/tradewinds", True),
        ("mysql+pymysql://me:s3cret@db/tradewinds", False),
        ("mysql+pymysql://db/tradewinds?user=me&password=s3cret", False),
        ("mysql+pymysql://me:s3cret@${DB_HOST}/tradewinds", False),
    ],
)
def test_the_resolved_config_asks_the_same_question_and_keeps_no_password(url, kept):
    asked = conf(database={"url": url}, risk={"start_balance_usd": 12.5, "max_contracts_per_market": 5})
    text = resolved_yaml(asked)
    again = resolve.resolve(yaml.safe_load(text))
    assert resolve.run_id(again) == resolve.run_id(asked)
    assert "s3cret" not in text
    assert (again == asked) == kept


def test_text_goldens():
    money = {0: "0.00", 380_000: "0.38", -12_500_000: "-12.50", 1: "0.000001", -1: "-0.000001", 10**15: "1000000000.00"}
    assert {micros: amount_text(micros) for micros in money} == money
    odds = {0: "0", 10**12: "1", 1: "0.000000000001", 350 * 10**9: "0.35", Fraction(3, 2): "0.000000000002"}
    odds |= {Fraction(5, 2): "0.000000000002", Fraction(-(10**12), 3): "-0.333333333333"}
    assert {value: probability(value) for value in odds} == odds
    assert (instant(0), instant(at("05-02 03:04"))) == ("1970-01-01T00:00:00Z", "2025-05-02T03:04:00Z")


def test_what_rounds_to_nothing_has_no_sign():
    assert (probability(Fraction(-1, 3)), plain(Decimal("-0.00"), 2)) == ("0", "0.00")


@given(st.integers(-85 * 10**14, 85 * 10**14), st.integers(-(10**13), 10**13))
def test_no_amount_loses_anything_in_text(micros, picos):
    assert amount_texts(np.array([micros, NO_AMOUNT])) == [amount_text(micros), ""]
    assert micro(amount_text(micros)) == micros and "E" not in amount_text(micros)
    assert Decimal(repr(number(micros))) * 10**6 == micros  # the shortest form is the amount, below 2**33 dollars
    assert len(amount_text(micros).partition(".")[2]) >= 2
    text = probability(picos)
    assert Decimal(text) * 10**12 == picos and "E" not in text
    assert "." not in text or text[-1] != "0"
