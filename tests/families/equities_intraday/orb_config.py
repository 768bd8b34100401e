"""The default config of the opening-range family as the rules give it, and changes of single keys."""

import copy

DEFAULTS = {
    "market": "equities_intraday",
    "symbols": [],
    "calendar": "XNYS",
    "date_start_local": None,
    "date_end_local": None,
    "bars": {
        "source": "files",
        "label": "start",
        "timezone": None,
        "minutes": 1,
        "zero_volume": "keep",
        "adjusted": False,
    },
    "actions": None,
    "orb": {
        "base_minutes": 15,
        "adaptive": True,
        "low_norm_vol": 0.35,
        "high_norm_vol": 0.85,
        "short_or_minutes": 10,
        "long_or_minutes": 30,
        "atr_period": 14,
        "atr_method": "wilder",
        "atr_scale": "sqrt_time",
        "enable_validity_filter": True,
        "min_atr_mult": 0.25,
        "max_atr_mult": 1.75,
        "on_gap": "use",
    },
    "buffers": {"fixed": 0.01, "use_atr": False, "atr_mult": 0.05},
    "entry": {"mode": "stop", "direction": "both"},
    "trade": {
        "stop_mode": "or_opposite",
        "extra_stop_buffer": 0.05,
        "atr_stop_mult": 0.10,
        "atr_stop_cap_mult": 0.80,
        "stop_pct": None,
        "swing_len": 3,
        "min_risk_ticks": 1,
        "partials": True,
        "t1_r": 1.0,
        "t1_pct": 0.5,
        "t2_r": 1.5,
        "t2_pct": 0.25,
        "runner_r": 2.0,
        "primary_r": 1.5,
        "intrabar": "pessimistic",
        "move_be_at_r": 1.0,
        "be_buffer": 0.01,
        "trail": None,
        "time_stop": None,
    },
    "risk": {
        "account": "shared",
        "start_balance": 100000,
        "currency": "USD",
        "sizing": "risk_pct",
        "risk_pct": 1.0,
        "risk_usd": None,
        "fixed_shares": None,
        "slots": 1,
        "max_notional_usd": None,
        "max_leverage": 4,
        "max_volume_share": None,
    },
    "costs": {
        "tick": 0.01,
        "slippage_ticks": 1,
        "slippage_bps": 0,
        "commission_per_share": 0.005,
        "min_commission": 1.00,
    },
    "governance": {
        "scope": "symbol",
        "time_cutoff": "14:30",
        "max_signals_per_day": 3,
        "lockout_after_losses": 2,
        "max_daily_loss_r": None,
        "max_positions": None,
        "flatten_minutes_before_close": 0,
        "flatten_at_session_end": True,
        "second_chance_minutes": None,
    },
    "factors": {
        "rel_volume": {"enabled": True, "lookback": 20, "spike_mult": 1.25},
        "price_action": {"enabled": True, "pivot_len": 3},
        "profile_proxy": {"enabled": True},
        "vwap": {"enabled": False},
        "adx": {"enabled": False, "threshold": 18},
    },
    "scoring": {
        "enabled": True,
        "base_required": 2,
        "weak_trend_required": 3,
        "weights": {"rel_vol": 1, "price_action": 1, "profile": 1, "vwap": 1, "adx": 1},
    },
    "filter": None,
    "strategy": {"name": "opening_range", "parameters": {}},
}


def changed(config, changes):
    """Return a copy of a config with values at dotted keys changed."""
    config = copy.deepcopy(config)
    for key, value in changes.items():
        *path, last = key.split(".")
        block = config
        for name in path:
            block = block[name]
        if last not in block:
            raise KeyError(key)
        block[last] = value
    return config
