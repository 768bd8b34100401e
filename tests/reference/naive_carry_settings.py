"""The config of the naive funding-carry engine with its defaults, presets and fee tables (sections 5, 9, 10, 11)."""

import datetime as dt
from types import SimpleNamespace

from tests.reference.fast_fractions import Fraction
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


def given(section, key, default=None):
    """Return a value of a section of the config; null, like a key that is not there, takes the default."""
    value = section.get(key)
    return default if value is None else value


def strategy_of(strategy):
    """Return (name, parameters): defaults, then the preset's keys, then the keys given."""
    preset = PRESETS.get(strategy.get("preset"), {})
    own = "funding_simple" if "min_funding_rate" in preset else "funding_composite"
    keys = {**PARAMETERS, **preset, **given(strategy, "parameters", {})}
    parameters = {key: value if key in WORDS else number(value) for key, value in keys.items()}
    return given(strategy, "name", own), SimpleNamespace(**parameters)


def lower_share(*sections):
    """Return the lowest max_volume_share that sections have; None without one."""
    shares = [
        number(section["max_volume_share"]) for section in sections if section.get("max_volume_share") is not None
    ]
    return min(shares) if shares else None


def rules_of(settings):
    """Return the YAML config of section 11 as one flat namespace with exact numbers."""
    data, execution, costs = (given(settings, key, {}) for key in ("data", "execution", "costs"))
    margin, risk = given(settings, "margin", {}), given(settings, "risk", {})
    rebalance, dynamic = given(margin, "rebalance", {}), given(risk, "dynamic_sizing", {})
    max_positions = given(risk, "max_positions", min(5, len(settings["symbols"])))
    allocation = number(given(risk, "allocation_pct"))
    name, parameters = strategy_of(settings["strategy"])
    return SimpleNamespace(
        source=given(data, "source", "binance"),
        start=midnight(settings["date_start_local"]),
        end=midnight(settings["date_end_local"]) + DAY,
        strategy=name,
        parameters=parameters,
        # ASSUME: default_interval_hours and warmup_days are keys of `data`.
        warmup_days=given(data, "warmup_days", 30),
        default_interval_hours=given(data, "default_interval_hours", 8),
        candle_seconds=60 * given(data, "candle_minutes", 60),
        fill=given(execution, "fill", "next_open"),
        max_price_age=60 * given(execution, "max_price_age_minutes", 60),
        max_volume_share=lower_share(risk, execution),
        slippage_bps=number(given(costs, "slippage_bps", 5)),
        impact=number(given(costs, "impact_bps_per_volume_pct", 0)),
        max_slippage_bps=number(given(costs, "max_slippage_bps", 500)),
        fees=given(costs, "fees", {}),
        borrow_apr=number(given(costs, "borrow_apr", "0.05")),
        # ASSUME: borrow_margin and borrow_maintenance are keys of `margin`, the limits of section 10 keys of `risk`.
        both_legs=given(margin, "capital_rule", "both_legs") == "both_legs",
        leverage=number(given(margin, "leverage", 1)),
        borrow_margin=number(given(margin, "borrow_margin", "0.5")),
        borrow_maintenance=number(given(margin, "borrow_maintenance", "0.1")),
        rebalance=given(rebalance, "mode", "resize"),
        rebalance_low=number(given(rebalance, "low", "0.5")),
        rebalance_high=number(given(rebalance, "high", 2)),
        start_balance=number(given(risk, "start_balance", 10000)),
        max_positions=max_positions,
        # "1/max_positions exactly"
        allocation=Fraction(1, max_positions) if allocation is None else allocation / 100,
        compounding=given(risk, "compounding", False),
        dynamic=given(dynamic, "enabled", False),
        dynamic_min=number(given(dynamic, "min_fraction", "0.3")),
        dynamic_max=number(given(dynamic, "max_fraction", 1)),
        max_position_quote=number(given(risk, "max_position_quote")),
        max_exposure_quote=number(given(risk, "max_exposure_quote")),
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
    table = dict(zip(COLUMNS, SCHEDULES[given(fees, "schedule", f"{exchange}_vip0")], strict=True))
    liquidity = given(fees, "liquidity", "taker")
    rates = []
    for leg in ("spot", "perp"):
        name = f"{leg}_{liquidity}"
        own = number(fees.get(name))
        rates.append(number(table[name]) / 100 if own is None else own)
    return tuple(rates)
