"""What a run says of liquidity: contracts beyond a candle's volume, counted again from the files, and runs with caps."""

import copy
from collections import defaultdict
from fractions import Fraction

import pyarrow.parquet as pq
import pytest

from tests.reference.worlds import make_world
from tradewinds.families.kalshi_weather.replay import replay_events
from tradewinds.results.metrics import metrics


def world_of(tmp_path, seed, **risk):
    world = make_world(tmp_path, seed)
    conf = copy.deepcopy(world.config)
    conf["on_missing"] = conf["on_missing"] | {"validation": "warn"}
    conf["risk"] = conf["risk"] | {"sizing": "fixed_qty", "fixed_qty": 7, "max_volume_share": None} | risk
    return conf, (world.catalogs, world.candles, world.probabilities)


def volumes(candles):
    """Contracts traded, by market and end of the candle."""
    return {
        (row["market_ticker"], row["end_period_ts"]): Fraction(str(row["volume"]))
        for path in candles.values()
        for row in pq.read_table(path).to_pylist()
    }


@pytest.mark.parametrize("seed", range(10, 16))
def test_contracts_beyond_the_volume_are_those_of_the_files(tmp_path, seed):
    conf, files = world_of(tmp_path, seed)
    result = replay_events(conf, *files)
    traded, bought = volumes(files[1]), defaultdict(int)
    for trade in result.trades:
        bought[trade.market_ticker, trade.quote_ts] += trade.qty
    beyond = sum(max(0, quantity - traded[key] // 1) for key, quantity in bought.items())
    share = result.diagnostics["liquidity"]["quantity_beyond_volume_pct"]
    total = sum(bought.values())
    assert share == (round(float(100 * beyond / total), 6) if total else None)


@pytest.mark.parametrize("own", [None, 0.25])
def test_a_capped_row_is_the_run_with_that_limit(tmp_path, own):
    conf, files = world_of(tmp_path, 12, max_volume_share=own)
    rows = replay_events(conf, *files, variants=True).diagnostics["liquidity"]["capped"]
    assert [row["volume_share"] for row in rows] == [1.0, 0.25, 0.1]
    for row in rows:
        share = min(own or 1, row["volume_share"])
        limited = metrics(replay_events(conf | {"risk": conf["risk"] | {"max_volume_share": share}}, *files))
        assert {key: limited[key] for key in row if key != "volume_share"} == {
            key: row[key] for key in row if key != "volume_share"
        }


@pytest.mark.parametrize("quantity", [1, 9])
def test_a_called_strategy_has_the_same_rows_as_runs_with_the_limit(tmp_path, quantity):
    conf, files = world_of(tmp_path, 12)
    (tmp_path / "mine.py").write_text(
        "from tradewinds.strategies.decisions import buy\n"
        "class Strategy:\n"
        "    def on_decision(self, view):\n"
        f"        return [buy(market, {quantity}) for market in view.changed if market.ask < market.probability]\n"
    )
    conf["strategy"] = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": None}
    found = replay_events(conf, *files, variants=True).diagnostics["liquidity"]
    assert found["quantity_beyond_volume_pct"] > 0
    for row in found["capped"]:
        limited = conf | {"risk": conf["risk"] | {"max_volume_share": row["volume_share"]}}
        assert metrics(replay_events(limited, *files))["total_pnl_usd"] == row["total_pnl_usd"]
    assert len({row["total_pnl_usd"] for row in found["capped"]}) > 1
