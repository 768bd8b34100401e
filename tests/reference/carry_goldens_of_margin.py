"""Worked examples of margin: liquidation, rebalancing and the reverse carry (10, 11, 17, 20, 27)."""

from tests.reference.carry_golden_worlds import BTC, NO_COSTS, CarryGolden, at, coin, settings

TEN_COINS = {**NO_COSTS, "risk.max_position_quote": 1000}
ONE_COIN = {**NO_COSTS, "risk.max_position_quote": 100}
REVERSE = {**TEN_COINS, "strategy.parameters.direction": "short_spot"}


def held(rate):
    return dict.fromkeys((0, 8, 16), rate)


def liquidation_price(leverage, price):
    """Return example 10: the price jumps before the first payment."""
    return CarryGolden(
        f"10 liquidation price at leverage {leverage}",
        [coin(held(0.001), {-24: 100, 4: 300})],
        settings(1, {**ONE_COIN, "margin.leverage": leverage, "strategy.parameters.min_funding_rate": 0.0002}),
        {
            "closing": [
                {"price": 300, "reason": "liquidation", "time": at(5)},
                {"price": price, "reason": "liquidation", "time": at(5), "quote_time": at(5)},
                {},
                {},
            ],
        },
    )


MARGIN_GOLDENS = [
    liquidation_price(1, 199.00497512),
    liquidation_price(3, 132.66998341),
    CarryGolden(
        "11 a liquidation",
        # At 16 h the rate is too low to enter again.
        [coin({0: 0.001, 8: 0.001, 16: 0, 24: 0}, {-24: 100, 10: 140})],
        settings(2, {**TEN_COINS, "margin.leverage": 3}),
        {
            "closing": [
                {"leg": "BTC/USDT", "price": 140, "reason": "liquidation", "time": at(11)},
                {"leg": BTC, "price": 132.7694859, "fee": 0, "slippage": 0},
            ],
            "positions": [
                {
                    "qty": 10,
                    "close_time": at(11),
                    "funding": 1,
                    "net_pnl": 66.66666667,
                    "exit_reason": "liquidation",
                }
            ],
        },
    ),
    CarryGolden(
        "11 entered again an hour after a liquidation",
        [coin(dict.fromkeys(range(17), 0.001), {-24: 100, 10: 140})],
        settings(1, {**TEN_COINS, "margin.leverage": 3}),
        {"positions": [{"open_time": at(0), "close_time": at(11)}, {"open_time": at(12), "close_time": at(16)}]},
    ),
    CarryGolden(
        "17 the reverse",
        [coin({0: -0.001, 8: -0.001, 16: -0.00001, 24: 0})],
        settings(2, REVERSE),
        {
            "positions": [
                {
                    "direction": -1,
                    "qty": 10,
                    "close_time": at(16),
                    "funding": 1.01,
                    "borrow": 0.0913242,
                    "net_pnl": 0.9186758,
                }
            ]
        },
    ),
    CarryGolden(
        "20 both legs are reduced",
        [coin({0: 0.001, 8: 0.001, 16: 0.001, 24: 0.001}, {-24: 100, 15: 160})],
        settings(2, NO_COSTS),
        {
            "opening": [{"qty": 50}, {"qty": 50}],
            "funding": [{"payment": 5}, {"payment": 8}, {"qty": 31.29}],
            "closing": [
                {"qty": 18.71, "reason": "rebalance", "time": at(16), "price": 160},
                {"qty": 18.71, "reason": "rebalance", "time": at(16), "price": 160},
                {"qty": 31.29, "reason": "backtest_end"},
                {"qty": 31.29, "reason": "backtest_end"},
            ],
        },
    ),
    CarryGolden(
        "27 the borrowed leg is liquidated",
        [coin({0: -0.001, 8: -0.001, 16: 0, 24: 0}, {-24: 100, 10: 140})],
        settings(2, REVERSE),
        {
            "closing": [
                {"leg": "BTC/USDT", "price": 136.36363636, "time": at(11)},
                {"leg": BTC, "price": 140, "time": at(11)},
            ],
            "positions": [
                {
                    "price_pnl": 36.3636364,
                    "funding": 1,
                    "borrow": 0.0696347,
                    "liquidation_cost": 136.3636364,
                    "net_pnl": -99.0696347,
                    "exit_reason": "liquidation",
                }
            ],
        },
    ),
]
