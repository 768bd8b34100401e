"""The engine on random worlds: no look-ahead, the same in batches of any size, and the identities of the account."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.reference.compare import engine_rows
from tests.reference.worlds import make_world
from tradewinds import strategies
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.files import write_parquet
from tradewinds.engine.event_contracts.limits import REFUSAL_REASONS
from tradewinds.engine.journal import Kind
from tradewinds.families.kalshi_weather import batches, replay, schemas
from tradewinds.families.kalshi_weather.strategies import weather_strategies

pytestmark = pytest.mark.slow  # most of it

SEEDS = range(0, 120, 4)


def poisoned(path, cut, folder):
    """A candle file whose candles after the cut are absurdly attractive."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        if row["end_period_ts"] > cut:
            for side in ("yes_bid", "yes_ask"):
                row |= {f"{side}_{k}": Decimal("0.01") for k in ("open", "high", "low", "close")}
    target = folder / f"poisoned-{path.rsplit('/', 1)[-1]}"
    write_parquet(target, pa.Table.from_pylist(rows, schemas.CANDLES), {})
    return str(target)


def known_at(result, cut):
    """What was decided by the cut (settlement columns left out: they come later)."""
    return [row[:11] for row in engine_rows(result) if row[3] <= cut]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_future_changes_no_decision(tmp_path, seed):
    """Candles after a cut are poisoned and results that settle after it are turned round: decisions by then stay.

    Which events are replayed at all may depend on the future (validations look at results), so here they only warn.
    """
    world = make_world(tmp_path, seed)
    world.config["on_missing"]["validation"] = "warn"
    conf, catalogs, candles, probabilities = world.inputs
    honest = replay.replay_events(*world.inputs)
    if not honest.trades:
        return
    cut = honest.trades[len(honest.trades) // 2].decision_ts
    turned = {}
    for series, path in catalogs.items():
        rows = pq.read_table(path).to_pylist()
        for row in rows:
            settles = row["settlement_ts"] or row["close_time"]
            if settles.timestamp() > cut and row["result"] in ("yes", "no"):
                row["result"] = "no" if row["result"] == "yes" else "yes"
        turned[series] = str(tmp_path / f"turned-{series}.parquet")
        write_parquet(turned[series], pa.Table.from_pylist(rows, schemas.CATALOG), {})
    evil = {key: poisoned(path, cut, tmp_path) for key, path in candles.items()}
    other = replay.replay_events(conf, turned, evil, probabilities)
    assert known_at(other, cut) == known_at(honest, cut)


def test_the_planted_future_would_be_seen(tmp_path):
    """The test above can fail: poison at the cut itself does change decisions."""
    changed = 0
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        conf, catalogs, candles, probabilities = make_world(folder, seed).inputs
        conf["on_missing"]["validation"] = "warn"
        honest = replay.replay_events(conf, catalogs, candles, probabilities)
        if honest.trades:
            cut = honest.trades[0].decision_ts
            evil = {key: poisoned(path, cut - 86_400, folder) for key, path in candles.items()}
            other = replay.replay_events(conf, catalogs, evil, probabilities)
            changed += known_at(other, cut) != known_at(honest, cut)
    assert changed > 5


def refused(decisions):
    counted = Counter()
    for decision in decisions:
        if not decision.filled:
            counted[decision.ticker, decision.side, decision.reason] += decision.times
    return counted


@pytest.mark.parametrize("seed", SEEDS)
def test_neither_batches_nor_the_audit_change_anything(tmp_path, monkeypatch, seed):
    conf, *files = make_world(tmp_path, seed).inputs
    whole = replay.replay_events({**conf, "audit": "full"}, *files)
    for audit, size in (("full", 1), ("summary", 1), ("summary", 48)):
        monkeypatch.setattr(batches, "EVENTS_PER_BATCH", size)
        other = replay.replay_events({**conf, "audit": audit}, *files)
        assert (other.trades, other.equity, other.diagnostics) == (whole.trades, whole.equity, whole.diagnostics)
        assert (other.end_balance_micro, other.watermark) == (whole.end_balance_micro, whole.watermark)
        assert refused(other.decisions) == refused(whole.decisions)
        if audit == "full":
            assert sorted(other.decisions) == sorted(whole.decisions)
    told = Counter()
    for (_, _, reason), times in refused(whole.decisions).items():
        told[reason] += times
    assert told == {k: v for k, v in whole.diagnostics["rejections"].items() if k in REFUSAL_REASONS}
    filled = [(d.first_ts, d.ticker, d.quantity, d.times) for d in whole.decisions if d.filled]
    assert filled == [(t.decision_ts, t.market_ticker, t.qty, 1) for t in whole.trades]


@pytest.mark.parametrize("seed", SEEDS)
def test_identities_of_the_account(tmp_path, seed):
    conf, *files = make_world(tmp_path, seed).inputs
    result = replay.replay_events(conf, *files)
    assert result.end_balance_micro == result.start_balance_micro + sum(t.pnl_micro for t in result.trades)
    assert all(point.cash_micro >= 0 and point.open_value_micro >= 0 for point in result.equity)
    assert all(t.quote_ts <= t.decision_ts <= t.settled_ts for t in result.trades)
    assert all(0 <= t.entry_fee_micro <= 17_500 * t.qty + 10_000 for t in result.trades)
    assert all(t.ev_net_pico > Decimal(str(conf["risk"]["min_ev_per_contract"])) * 10**12 for t in result.trades)
    if result.equity:
        assert (result.equity[0].equity_micro, result.equity[-1].equity_micro) == (
            result.start_balance_micro,
            result.end_balance_micro,
        )
    held, most = Counter(), conf["risk"]["max_contracts_per_market"]
    book = result.journal
    for row, (market, quantity) in enumerate(zip(book.instrument.tolist(), book.quantity.tolist(), strict=True)):
        held[market] += quantity
        # netted contracts are paid in the rows that follow the purchase
        if most is not None and (row + 1 == len(book) or book.kind[row + 1] == Kind.FILL):
            assert held[market] <= most * 10**6


def test_fail_instead_of_skip_names_the_events(tmp_path):
    for seed in range(200):
        folder = tmp_path / str(seed)
        folder.mkdir()
        conf, *files = make_world(folder, seed).inputs
        skipped = {reason for _, reason in replay.replay_events(conf, *files).skipped}
        if "MISSING_QUOTES" in skipped:
            conf["on_missing"]["quotes"] = "fail"
            with pytest.raises(SimulationError, match=r"MISSING_QUOTES in \d events?: KXHIGH"):
                replay.replay_events(conf, *files)
            return
    pytest.fail("no world lacks quotes")


def test_an_unknown_strategy_names_the_known_ones():
    with pytest.raises(ConfigError, match="Did you mean ev_threshold"):
        weather_strategies.check({"name": "ev_treshold", "file": None}, "taker")
    assert {"Breakout", "Mean Reversion", "ev_threshold"} <= {name for name, _ in strategies.listing()}


def test_the_exchange_rounding_rule_is_used(tmp_path):
    """Sub-cent prices after March 2026 cost other fees than the cent rule; before it they are the same."""
    conf, *files = make_world(tmp_path, 3).inputs
    cent = replay.replay_events(conf, *files)
    conf["fees"]["rounding"] = "exchange"
    exchange = replay.replay_events(conf, *files)
    assert dt.datetime.fromtimestamp(cent.start_ts, dt.UTC).year == 2025
    assert engine_rows(cent) == engine_rows(exchange)
