"""ev_threshold under execution_model maker: by hand, beside the naive engine in random worlds, and what it refuses."""

import dataclasses
import math
from fractions import Fraction

import pytest

from tests.families.kalshi_weather.test_class_strategy import inputs
from tests.families.kalshi_weather.test_user_strategy import DOCUMENTED, RAW
from tests.reference.naive_engine import NO, YES, fee
from tests.unit.engine_parts import MINUTE, contract
from tests.unit.step_worlds import random_world, rules_of, step_rules
from tests.unit.test_engine_agreement import fills_of, naive_fills
from tests.unit.test_step_orders import candle, fills, run_with
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.engine.event_contracts.limits import Opposing, RiskLimits
from tradewinds.families.kalshi_weather.fee_schedule import MAKER_RATE, TAKER_RATE
from tradewinds.families.kalshi_weather.replay import replay_events
from tradewinds.families.kalshi_weather.strategies.resting_threshold import RestingThreshold
from tradewinds.results.metrics import metrics


def caller(sizing="fixed_qty", least="0.05", quantity=10, per_dollar=100):
    """The strategy under some settings of risk."""
    risk = {
        "min_ev_per_contract": least,
        "sizing": sizing,
        "fixed_qty": quantity,
        "contracts_per_dollar_ev": per_dollar,
    }
    return lambda: RestingThreshold(risk)


def test_an_order_follows_the_bid_and_is_filled_where_the_market_goes_through_it():
    """P(YES) is 0.50. A YES at 0.40 is worth 0.10 less 0.005, a tenth of its fee (0.0175 · 10 · 0.24, up to a cent)."""
    candles = [
        candle(0, "0.40", "0.45"),
        candle(2, "0.42", "0.47"),
        candle(4, "0.46", "0.51"),
        candle(6, "0.41", "0.47"),
        candle(8, "0.30", "0.40"),
        candle(9, "0.30", "0.75"),
    ]
    made = contract(start=0, end=60, settles=70, p="0.5")
    outcome = run_with(caller(), candles, [made], takes=False)
    placed = [
        (d.first_ts // MINUTE, d.side, d.quantity, d.price_micro / 10**6) for d in outcome.decisions if not d.filled
    ]
    # at minute 9 a NO at 0.25 is worth more than a YES at 0.30: 0.25 less its fee against 0.20 less its own
    assert placed == [
        (0, "YES", 10, 0.40),
        (2, "YES", 10, 0.42),
        (6, "YES", 10, 0.41),
        (8, "YES", 10, 0.30),
        (9, "NO", 10, 0.25),
    ]
    assert fills(outcome) == [(8, "YES", 10, 0.41, 0.05, "RESTING")]


def script_of(least, sizing, number):
    """The same rule in fractions."""

    def quantity(p, price):
        if sizing == "fixed_qty":
            return number
        return max(0, math.floor(number * (p - price - MAKER_RATE * price * (1 - price))))

    def script(t, markets, orders):
        cancels, placed = [], []
        for ticker, bid, _, no_bid, _, p, *_ in markets:
            best = None
            for side, bid_of_side, chance in ((YES, bid, p), (NO, no_bid, 1 - p)):
                price = Fraction(math.floor((bid_of_side or 0) * 100), 100)
                size = quantity(chance, price) if price else 0
                if size < 1:
                    continue
                value = chance - price - fee("cent", RATES[ticker] / 4, size, price, t) / size
                if value > least and (best is None or value > best[0]):
                    best = value, side, size, price
            mine = [order for order in orders if order[1] == ticker]
            cancels += [("cancel", order[0]) for order in mine if best is None or order[2:] != (best[1], best[3])]
            if best and not any(order[2:] == (best[1], best[3]) for order in mine):
                placed.append((-best[0], ticker, ("buy", ticker, best[1], best[2], best[3], None)))
        return cancels + [wish for _, _, wish in sorted(placed, key=lambda entry: entry[:2])]

    return script


RATES = dict.fromkeys("ABCD", TAKER_RATE)


@pytest.mark.parametrize("sizing", ["fixed_qty", "ev_proportional"])
def test_it_rests_what_the_same_rule_in_fractions_rests(sizing):
    seen = 0
    for seed in range(150):
        world = random_world(seed)
        world.contracts = [c._replace(fee_rate=TAKER_RATE) for c in world.contracts]
        step = step_rules(caller(sizing, "0.02", 7, 60), takes=False)
        world.rules = rules_of(step, RiskLimits(opposing=Opposing.NETTED), minutes=world.rules.step_seconds // MINUTE)
        world.cash, world.every = "1000000", False
        world.script = script_of(Fraction("0.02"), sizing, 7 if sizing == "fixed_qty" else 60)
        world.naive = dataclasses.replace(
            world.naive, cash=Fraction(10**6), limits={"allow_opposing": True}, rounding="cent", max_age=None
        )
        outcome, _ = world.replay()
        naive = world.reference()
        assert fills_of(outcome) == naive_fills(naive), seed
        # where bid and ask are equal an order cannot rest; a market that has not changed is not asked about again
        assert set(outcome.rejections) == set(naive.refused) <= {"WOULD_TAKE"}, seed
        seen += len(outcome.fills)
    assert seen > 100


def test_a_run_has_the_optimistic_variant_beside_it(tmp_path):
    conf, files = inputs(tmp_path, "", execution_model="maker", strategy={"name": "ev_threshold", "file": None})
    conf["risk"] = conf["risk"] | {"sizing": "fixed_qty", "min_ev_per_contract": 0.01}
    result = replay_events(conf, *files, variants=True)
    touched = result.diagnostics["if_touched"]
    assert {trade.reason_code for trade in result.trades} <= {"RESTING"} and result.diagnostics["strategy_calls"] > 0
    assert touched["num_contracts"] >= metrics(result)["num_contracts"]


def test_what_cannot_rest_is_refused(tmp_path):
    (tmp_path / "mine.py").write_text(DOCUMENTED)
    own = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": {"edge": 0.05}}
    with pytest.raises(ConfigError, match="a function orders, which buys at once, and execution_model is maker"):
        resolve.resolve(RAW | {"execution_model": "maker", "strategy": own})
    with pytest.raises(ConfigError, match="is kelly, and resting orders have no Kelly stake"):
        resolve.resolve(RAW | {"execution_model": "maker", "risk": {"start_balance_usd": 1000, "sizing": "kelly"}})
