"""The worked examples of section 15 of the funding-carry rules as data: worlds, configs and what must come out.

Every engine can be run on the same cases: `carry_golden_worlds.differences` compares its results with an example.
"""

from tests.reference.carry_golden_worlds import (
    BTC,
    ETH,
    NO_COSTS,
    CarryGolden,
    at,
    coin,
    settings,
)
from tests.reference.carry_goldens_of_margin import MARGIN_GOLDENS
from tests.reference.carry_goldens_of_scores import SCORE_GOLDENS
from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_market import Candle

THREE = {0: 0.001, 8: 0.001, 16: 0.00001, 24: 0.00001}
TEN_COINS = {**NO_COSTS, "risk.max_position_quote": 1000}


def held(rate, hours):
    return dict.fromkeys(range(0, hours + 1, 8), rate)


def costs():
    """Return examples 1 to 3 and 19, 21: fees, slippage, payments and what they take to earn back."""
    one = coin({0: 0.001, 8: 0.00001, 16: 0})
    thousands = {-24: 40000}
    half = {**NO_COSTS, "risk.max_position_quote": 20000, "risk.start_balance": 100000}
    return [
        CarryGolden(
            "1 fees of one unit",
            [one],
            settings(1, {"costs.slippage_bps": 0, "risk.max_position_quote": 100}),
            {
                "opening": [{"qty": 1, "fee": 0.1}, {"qty": 1, "fee": 0.055}],
                "positions": [{"fees": 0.31, "slippage": 0}],
            },
        ),
        CarryGolden(
            "2 slippage of four fills",
            [one],
            settings(1, {"risk.max_position_quote": 100.05}),
            {
                "opening": [{"side": "BUY", "price": 100.05}, {"side": "SELL", "price": 99.95}],
                "closing": [{"side": "SELL", "price": 99.95}, {"side": "BUY", "price": 100.05}],
                "positions": [{"slippage": 0.2, "qty": 1}],
            },
        ),
        CarryGolden(
            "3 payments of a short",
            [coin({0: 0.001, 8: 0.0001, 16: -0.00025, 24: 0}, thousands)],
            settings(2, half),
            {"funding": [{"qty": 0.5, "mark": 40000, "payment": 2}, {"payment": -5}]},
        ),
        CarryGolden(
            "3 payment of a long",
            [coin({0: -0.001, 8: 0.0001, 16: 0}, thousands)],
            settings(1, {**half, "strategy.parameters.direction": "short_spot"}),
            {"funding": [{"qty": 0.5, "mark": 40000, "payment": -2}]},
        ),
        CarryGolden(
            "19 fees are earned after 11 payments",
            [coin(held(0.0003, 160))],
            settings(7, {"costs.slippage_bps": 0, "risk.max_position_quote": 100}),
            {"positions": [{"breakeven_periods": 11, "fees": 0.31, "periods": 20}]},
        ),
        CarryGolden(
            "19 fees and slippage are earned after 17 payments",
            [coin(held(0.0003, 160))],
            settings(7, {"risk.max_position_quote": 100.05}),
            {
                "positions": [{"breakeven_periods": 17, "fees": 0.31, "slippage": 0.2}],
                "metrics": {"breakeven_periods": 17, "never_broke_even": 0},
            },
        ),
        CarryGolden(
            "21 impact",
            [coin(held(0.001, 16), volumes={-24: 1000})],
            settings(1, {"costs.impact_bps_per_volume_pct": 1, "risk.max_position_quote": 1000}),
            {"opening": [{"qty": 9.995, "price": 100.059995}, {}]},
        ),
    ]


def prices():
    """Return example 5: what is known of candles opened at 6, 7 and 8 h."""

    def world(rates):
        given = coin({**rates, 24: 0.001})
        for series in (given.spot, given.perp, given.mark):
            for hour in range(-24, 33):
                series.pop(at(hour), None)
            for hour, (open_, close) in {6: (9.9, 10), 7: (10.1, 11), 8: (11.1, 12)}.items():
                first, last = Fraction(str(open_)), Fraction(close)
                series[at(hour)] = Candle(first, last, first, last, Fraction(1000))
        return [given]

    last_close = {**NO_COSTS, "execution.fill": "last_close"}
    return [
        CarryGolden(
            "5 at 8 h the candle of 8 h gives its open",
            world({8: 0.001}),
            settings(2, NO_COSTS),
            {"opening": [{"reference_price": 11.1, "quote_time": at(8)}] * 2},
        ),
        CarryGolden(
            "5 at 8 h the last close is 11",
            world({8: 0.001}),
            settings(2, last_close),
            {"opening": [{"reference_price": 11, "quote_time": at(8)}] * 2},
        ),
        CarryGolden(
            "5 at 7 h the last close is 10",
            world({7: 0.001}),
            settings(2, last_close),
            {"opening": [{"reference_price": 10, "quote_time": at(7)}] * 2},
        ),
        CarryGolden(
            "5 before 7 h there is none",
            world({6: 0.001}),
            settings(2, NO_COSTS),
            {"trades": [], "refusals": [(at(6), BTC, "STALE_PRICE")]},
        ),
    ]


def sizes():
    """Return examples 6 and 25: how many units an entry takes."""
    cases = [
        ("leverage 1", {}, 49.961),
        ("leverage 3", {"margin.leverage": 3}, 74.894),
        ("spot_only", {"margin.capital_rule": "spot_only"}, 99.795),
        ("max_position_quote", {"risk.max_position_quote": 1000}, 9.995),
    ]
    return [
        CarryGolden(
            f"6 size with {name}",
            [coin(held(0.001, 16))],
            settings(1, changes),
            {"positions": [{"qty": quantity, "open_time": at(0)}]},
        )
        for name, changes, quantity in cases
    ]


def round_trips():
    """Return examples 7 to 9, 18, 22 and 28: a position from its entry to its end."""
    four = [
        CarryGolden(
            f"8 with {bps} bps",
            [coin(THREE)],
            settings(2, {"risk.max_position_quote": 4000, "costs.slippage_bps": bps}),
            {"metrics": {"net_pnl": net}},
        )
        for bps, net in ((0, -8.36), (5, -16.35182), (50, -87.9182))
    ]
    return [
        CarryGolden(
            "7 enters, is paid twice, leaves",
            [coin(THREE)],
            settings(2, {}),
            {
                "positions": [
                    {
                        "qty": 49.961,
                        "open_time": at(0),
                        "close_time": at(16),
                        "funding": 5.046061,
                        "fees": 15.48791,
                        "slippage": 9.9922,
                        "net_pnl": -20.434049,
                        "periods": 2,
                        "exit_reason": "rate",
                        "breakeven_periods": None,
                    }
                ],
                "funding": [{"time": at(8)}, {"time": at(16)}],
                "refusals": [],
            },
        ),
        *four,
        CarryGolden(
            "9 basis",
            [
                coin(
                    held(0.001, 16),
                    {-24: 100, 12: 110},
                    {-24: 100.5, 12: 110},
                    marks={0: 100.5, 8: 100.5, 16: 100.5},
                )
            ],
            settings(1, TEN_COINS),
            {
                "positions": [{"qty": 10, "price_pnl": 5, "funding": 2.01, "net_pnl": 7.01}],
                "funding": [{"payment": 1.005}, {"payment": 1.005}],
                "metrics": {"mark_source": {"record": 2}},
            },
        ),
        CarryGolden(
            "18 the forced close is on the curve",
            [coin(held(0.001, 16))],
            settings(1, {}),
            {
                "positions": [{"close_time": at(16), "exit_reason": "backtest_end", "net_pnl": -15.48791}],
                "last_point": (at(16), Fraction("9984.51209"), Fraction("9984.51209")),
            },
        ),
        CarryGolden(
            "22 no settlements",
            [coin({})],
            settings(1, {}),
            {
                "equity": [],
                "trades": [],
                "metrics": {"net_pnl": 0, "sharpe": None, "apr_pct": None, "num_trades": 0},
            },
        ),
        CarryGolden(
            "28 min_holding_periods",
            [coin({0: 0.001, 8: -0.002, 16: -0.002, 24: 0, 32: 0})],
            settings(2, {**TEN_COINS, "strategy.parameters.min_holding_periods": 3}),
            {
                "funding": [{"payment": -2}, {"payment": -2}, {"payment": 0}],
                "positions": [{"close_time": at(24), "net_pnl": -4, "exit_reason": "rate"}],
            },
        ),
    ]


def choices():
    """Return examples 23, 24 and 26: which symbol, in which unit, and where prices are missing."""

    def pair(first, second, winner):
        loser = BTC if winner == ETH else ETH
        return CarryGolden(
            f"23 one position of {first} and {second}",
            [coin(held(second, 16), symbol=ETH), coin(held(first, 16))],
            settings(1, {"risk.max_positions": 1}, (BTC, ETH)),
            {
                "positions": [{"symbol": winner, "open_time": at(0)}],
                "refusals": [(at(0), loser, "MAX_POSITIONS"), (at(8), loser, "MAX_POSITIONS")],
            },
        )

    hourly = [coin(dict.fromkeys(range(24), 0.0001))]
    thresholds = {"strategy.parameters.min_funding_rate": 0.0008}
    per_period = {**thresholds, "strategy.parameters.threshold_unit": "per_period"}
    return [
        pair(0.001, 0.002, ETH),
        pair(0.001, 0.001, BTC),
        CarryGolden(
            "24 per 8 hours",
            hourly,
            settings(1, thresholds),
            # The first loaded record has an interval of 8 hours: 0.0001; the second one says 1 hour.
            {"positions": [{"open_time": at(1)}], "refusals": []},
        ),
        CarryGolden("24 per period", hourly, settings(1, per_period), {"positions": [], "refusals": []}),
        CarryGolden(
            "26 an outage of spot",
            [coin({0: 0.001, 8: 0.001, 16: 0.00001, 24: 0.00001, 32: 0}, skip_spot=range(10, 16))],
            settings(2, NO_COSTS),
            {
                "positions": [{"close_time": at(24), "exit_reason": "rate"}],
                "funding": [{"time": at(8)}, {"time": at(16)}, {"time": at(24)}],
                "refusals": [(at(16), BTC, "STALE_PRICE")],
            },
        ),
    ]


GOLDENS = [
    *costs(),
    *prices(),
    *sizes(),
    *round_trips(),
    *choices(),
    *SCORE_GOLDENS,
    *MARGIN_GOLDENS,
]
