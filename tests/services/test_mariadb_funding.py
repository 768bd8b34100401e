"""Funding carry in a real MariaDB: fills, positions and payments with all decimals, replaced by a second load."""

import csv
import json
from decimal import Decimal

import yaml

from tests.services.mariadb import Server, mariadb  # noqa: F401
from tests.workflow.test_orb import call
from tradewinds.database import queries
from tradewinds.database.load import load_run


def column(server: Server, query: str):
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute("USE carry")
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]


def test_amounts_are_exact_and_a_second_load_replaces_them(mariadb: Server, tmp_path):  # noqa: F811
    mariadb.new_database("carry")
    config = {
        "market": "funding_carry",
        "symbols": ["BTC/USDT:USDT", "ETH/USDT:USDT"],
        "date_start_local": "2024-01-01",
        "date_end_local": "2024-01-31",
        "strategy": {"name": "funding_simple", "parameters": {"direction": "both"}},
        "data": {"source": "synthetic"},
        "database": {"url": mariadb.url("carry")},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    done = call(tmp_path, "run", "--config", "config.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = tmp_path.glob("backtests/*-*-*/")
    files = {
        name: list(csv.DictReader((run / name).read_text().splitlines())) for name in ("positions.csv", "trades.csv")
    }
    payments = list(csv.DictReader((run / "funding.csv").read_text().splitlines()))
    assert len(files["positions.csv"]) > 0
    for _ in range(2):
        for table, name, keys in (
            ("funding_positions", "positions.csv", ("qty", "net_pnl", "price_pnl", "capital", "entry_rate")),
            ("backtest_trades", "trades.csv", ("qty", "entry_price", "pnl", "reference_price", "slippage")),
        ):
            order = "position_id" if name == "positions.csv" else "seq"
            for key in keys:
                found = column(mariadb, f"SELECT {key} FROM {table} ORDER BY {order}")
                assert found == [Decimal(row[key]) for row in files[name]], (table, key)
        found = column(mariadb, "SELECT payment FROM funding_payments ORDER BY ts_utc, position_id")
        assert sorted(found) == sorted(Decimal(row["payment"]) for row in payments)
        load_run(run, mariadb.url("carry"))
    net = Decimal(str(json.loads((run / "metrics.json").read_text())["net_pnl"]))
    with queries.reading(mariadb.url("carry")) as connection:
        run_id = run.name
        totals = queries.trade_totals(connection, run_id)
        assert totals.pnl == net == sum(row[3] for row in queries.results_by_event(connection, run_id))
        assert totals.contracts == sum(Decimal(row["qty"]) for row in files["trades.csv"])
