"""The config of the naive funding-carry engine with its defaults, presets and fee tables (sections 5, 9, 10, 11)."""

import datetime as dt
from fractions import Fraction
from types import SimpleNamespace

from tests.reference.naive_carry_market import DAY, midnight, number

# Percent: (spot maker, spot taker, perp maker, perp taker).
SCHEDULES = {
    "bybit_vip0": ("0.1", "0.1", "0.02", "0.055"),
    "bybit_vip1": ("0.0675", "0.08", "0.018", "0.04"),
    "bybit_vip2": ("0.065", "0.0775", "0.016", "0.0375"),
    "bybit_vip3": ("0.0625", "0.075", "0.014", "0.035"),
    "bybit_vip4": ("0.05", "0.06", "0.012", "0.032"),
    "bybit_vip5": ("0.04", "0.05", "0.01", "0.032"),
    "bybit_supreme": ("0.03", "0.045", "0", "0.03"),
    "binance_vip0": ("0.1", "0.1", "0.02", "0.05"),
    "binance_vip1": ("0.1", "0.1", "0.016", "0.04"),
    "binance_vip2": ("0.1", "0.1", "0.014", "0.035"),
    "binance_vip3": ("0.1", "0.1", "0.012", "0.032"),
    "binance_vip4": ("0.1", "0.1", "0.01", "0.03"),
    "binance_vip5": ("0.1", "0.1", "0.008", "0.027"),
    "binance_vip6": ("0.1", "0.1", "0.006", "0.025"),
    "binance_vip7": ("0.1", "0.1", "0.004", "0.022"),
    "binance_vip8": ("0.1", "0.1", "0.002", "0.02"),
    "binance_vip9": ("0.1", "0.1", "0", "0.017"),
}
COLUMNS = ("spot_maker", "spot_taker", "perp_maker", "perp_taker")

PRESETS = {
    "conservative": {"min_funding_rate": "0.0005", "exit_funding_rate": "0.0002"},
    "seed": {"min_funding_rate": "0.0001", "exit_funding_rate": "0.00005"},
    "balanced": {"entry_threshold": "0.35", "exit_threshold": "0.2"},
    "aggressive": {
        "entry_threshold": "0.25",
        "exit_threshold": "0.15",
        "weight_rate_level": "0.40",
        "weight_trend": "0.20",
        "weight_persistence": "0.25",
        "weight_basis": "0.15",
    },
}

# ASSUME: the weights are called weight_rate_level (section 12 names it so), weight_trend, weight_persistence and
# weight_basis; direction, threshold_unit, min_holding_periods and max_breakeven_periods are strategy.parameters too.
PARAMETERS = {
    "direction": "long_spot",
    "threshold_unit": "per_8h",
    "min_funding_rate": "0.0003",
    "exit_funding_rate": "0.0001",
    "entry_threshold": "0.35",
    "exit_threshold": "0.2",
    "weight_rate_level": "0.35",
    "weight_trend": "0.25",
    "weight_persistence": "0.25",
    "weight_basis": "0.15",
    "normalise_weights": True,
    "rate_cap": "0.003",
    "persistence_max_periods": 30,
    "persistence_threshold": "0.0003",
    "trend_span": 6,
    "trend_threshold": "0.00005",
    "basis_cap": "0.01",
    "basis_side": "abs",
    "volume_decline_ratio": "0.7",
    "min_holding_periods": 0,
    "max_breakeven_periods": None,
}
WORDS = ("direction", "threshold_unit", "basis_side", "normalise_weights")


def strategy_parameters(strategy):
    """Return the parameters of the strategy: defaults, then the preset's keys, then the keys given."""
    given = {**PARAMETERS, **PRESETS.get(strategy.get("preset"), {}), **(strategy.get("parameters") or {})}
    return SimpleNamespace(**{key: value if key in WORDS else number(value) for key, value in given.items()})


def rules_of(settings):
    """Return the YAML config of section 11 as one flat namespace with exact numbers."""
    data, execution, costs = (settings.get(key, {}) for key in ("data", "execution", "costs"))
    margin, risk = settings.get("margin", {}), settings.get("risk", {})
    rebalance, dynamic = margin.get("rebalance", {}), risk.get("dynamic_sizing", {})
    max_positions = risk.get("max_positions", min(5, len(settings["symbols"])))
    allocation = number(risk.get("allocation_pct"))
    return SimpleNamespace(
        source=data.get("source", "binance"),
        start=midnight(settings["date_start_local"]),
        end=midnight(settings["date_end_local"]) + DAY,
        strategy=settings["strategy"]["name"],
        parameters=strategy_parameters(settings["strategy"]),
        # ASSUME: default_interval_hours and warmup_days are keys of `data`.
        warmup_days=data.get("warmup_days", 30),
        default_interval_hours=data.get("default_interval_hours", 8),
        candle_seconds=60 * data.get("candle_minutes", 60),
        fill=execution.get("fill", "next_open"),
        max_price_age=60 * execution.get("max_price_age_minutes", 60),
        max_volume_share=number(execution.get("max_volume_share")),
        slippage_bps=number(costs.get("slippage_bps", 5)),
        impact=number(costs.get("impact_bps_per_volume_pct", 0)),
        max_slippage_bps=number(costs.get("max_slippage_bps", 500)),
        fees=costs.get("fees", {}),
        borrow_apr=number(costs.get("borrow_apr", "0.05")),
        both_legs=margin.get("capital_rule", "both_legs") == "both_legs",
        leverage=number(margin.get("leverage", 1)),
        borrow_margin=number(margin.get("borrow_margin", "0.5")),
        borrow_maintenance=number(margin.get("borrow_maintenance", "0.1")),
        rebalance=rebalance.get("mode", "resize"),
        rebalance_low=number(rebalance.get("low", "0.5")),
        rebalance_high=number(rebalance.get("high", 2)),
        start_balance=number(risk.get("start_balance", 10000)),
        max_positions=max_positions,
        # "1/max_positions exactly"
        allocation=Fraction(1, max_positions) if allocation is None else allocation / 100,
        compounding=risk.get("compounding", False),
        dynamic=dynamic.get("enabled", False),
        dynamic_min=number(dynamic.get("min_fraction", "0.3")),
        dynamic_max=number(dynamic.get("max_fraction", 1)),
        max_position_quote=number(risk.get("max_position_quote")),
        max_exposure_quote=number(risk.get("max_exposure_quote")),
    )


def fee_rates(rules, t):
    """Return (rate of the spot leg, rate of the perp leg) of a fill at t.

    ASSUME: an entry of a list of fees stands alone: what it leaves out comes from the defaults, not from the entry
    before it. A fill before the first `from` takes the first entry. "rates given in the config win": they are
    fractions, not percent.
    """
    fees = rules.fees
    if isinstance(fees, list):
        day = dt.datetime.fromtimestamp(t, dt.UTC).date()
        ordered = sorted(fees, key=lambda entry: str(entry["from"]))
        begun = [entry for entry in ordered if dt.date.fromisoformat(str(entry["from"])) <= day]
        fees = begun[-1] if begun else ordered[0]
    exchange = "bybit" if rules.source in ("files", "synthetic") else rules.source
    table = dict(zip(COLUMNS, SCHEDULES[fees.get("schedule", f"{exchange}_vip0")], strict=True))
    liquidity = fees.get("liquidity", "taker")
    rates = []
    for leg in ("spot", "perp"):
        name = f"{leg}_{liquidity}"
        given = number(fees.get(name))
        rates.append(number(table[name]) / 100 if given is None else given)
    return tuple(rates)
