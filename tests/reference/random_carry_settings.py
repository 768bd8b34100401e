"""Random configs of funding carry: every option of sections 5 to 11, often at values that meet the rates exactly."""

import datetime as dt

SIMPLE = "funding_simple"
COMPOSITE = "funding_composite"
SCHEDULES = ("bybit_vip0", "bybit_vip1", "bybit_vip5", "bybit_supreme", "binance_vip0", "binance_vip3", "binance_vip9")
PRESETS = {SIMPLE: ("conservative", "seed"), COMPOSITE: ("balanced", "aggressive")}
ENTRY_RATES = (0.0001, 0.0001, 0.0001, 0.0002, 0.0003, 0.0003, 0.0005, 0.0008, 0, -0.0005)
EXIT_RATES = (0.0001, 0.0001, 0.00005, 0.0002, 0.0003, 0, -0.0001, -0.002, -0.01)


def some(rng, chance, choices):
    """Return {} or, at a chance, some of the choices {key: values}, each at even odds."""
    if rng.random() >= chance:
        return {}
    return {key: rng.choice(values) for key, values in choices.items() if rng.random() < 0.5}


def thresholds(rng, name):
    """Return thresholds of a strategy; leaving is never harder than entering."""
    if name == SIMPLE:
        enter, leave = rng.choice(ENTRY_RATES), rng.choice(EXIT_RATES)
        return {"min_funding_rate": enter, "exit_funding_rate": min(enter, leave)}
    enter, leave = rng.choice([0.1, 0.15, 0.2, 0.2, 0.25, 0.35]), rng.choice([0.05, 0.1, 0.15, 0.2])
    return {"entry_threshold": enter, "exit_threshold": min(enter, leave)}


def composite_options(rng):
    weights = [f"weight_{part}" for part in ("rate_level", "trend", "persistence", "basis")]
    found = some(
        rng,
        0.7,
        {
            "basis_side": ["abs", "favourable"],
            "basis_cap": [0.001, 0.002, 0.01, 0.0005],
            "rate_cap": [0.003, 0.001, 0.0005],
            "persistence_max_periods": [30, 3, 7],
            "persistence_threshold": [0.0003, 0.0001, 0.0005, 0],
            "trend_span": [6, 2, 3, 9],
            "trend_threshold": [0.00005, 0, 0.00001],
            "volume_decline_ratio": [0.7, 0.95, 1, 1.05, 1.3, 0],
            "normalise_weights": [True, False],
        },
    )
    if rng.random() < 0.4:
        found |= {weight: rng.choice([0.45, 0.35, 0.25, 0.15, 1, 0]) for weight in weights}
        found[rng.choice(weights)] = 0.5  # never all 0
    return found


def strategy(rng):
    name = rng.choice([SIMPLE, COMPOSITE])
    found = {"name": name, "parameters": {}}
    if rng.random() < 0.3:
        found["preset"] = rng.choice(PRESETS[name])
    if "preset" not in found or rng.random() < 0.3:
        found["parameters"] |= thresholds(rng, name)
    if name == COMPOSITE:
        found["parameters"] |= composite_options(rng)
    found["parameters"] |= some(
        rng,
        0.8,
        {
            "direction": ["long_spot", "short_spot", "both", "both", "both"],
            "threshold_unit": ["per_8h", "per_period"],
            "min_holding_periods": [0, 1, 2, 3, 6],
            "max_breakeven_periods": [None, None, 3, 10, 25, 60],
        },
    )
    return found


def fees(rng, start):
    """Return the fees: none given, one section, or a list whose first is in force at the start."""

    def section():
        found = some(rng, 0.8, {"schedule": SCHEDULES, "liquidity": ["taker", "taker", "maker"]})
        rates = {
            "spot_taker": [0, 0.001, 0.00035],
            "perp_taker": [0, 0.0005],
            "perp_maker": [-0.0001],
            "spot_maker": [0],
        }
        return found | some(rng, 0.3, rates)

    if rng.random() < 0.6:
        return section()
    dates = [start - dt.timedelta(days=rng.choice([0, 3, 400]))]
    dates += [start + dt.timedelta(days=day) for day in sorted(rng.sample(range(1, 6), rng.randint(1, 2)))]
    found = [{"from": date.isoformat(), **section()} for date in dates]
    rng.shuffle(found)
    return found


def costs(rng, start):
    found = some(
        rng,
        0.8,
        {
            "slippage_bps": [5, 0, 2.5, 12, 60, 0.3333],
            "impact_bps_per_volume_pct": [0, 1, 0.7, 10],
            "max_slippage_bps": [500, 12, 40.5],
            "borrow_apr": [0.05, 0, 0.3, 0.0777],
        },
    )
    return {**found, "fees": fees(rng, start)}


def margin(rng):
    found = {"leverage": rng.choice([1, 1, 2, 3, 3, 5, 7, 10, 1.5, 2.7])}
    found |= some(rng, 0.5, {"borrow_margin": [0.5, 0.3, 1, 0.37], "borrow_maintenance": [0.1, 0.05, 0.25]})
    if rng.random() < 0.12:
        found["capital_rule"] = "spot_only"
    if rng.random() < 0.75:
        found["rebalance"] = {
            "mode": rng.choice(["resize", "resize", "resize", "resize", "margin", "none"]),
            "low": rng.choice([0.5, 0.8, 0.95, 0.2, 1]),
            "high": rng.choice([2, 1.3, 1.05, 1, 4]),
        }
    return found


def risk(rng, name, balance, symbols):
    """Return limits of the account: many of them so tight that entries are refused."""
    found = {"start_balance": balance, "currency": "USDT"}
    found |= some(
        rng,
        0.8,
        {
            "max_positions": [1, 2, 3, symbols],
            "allocation_pct": [100, 100, 100, 60, 40, 33.3, 5],
            "compounding": [True, True, False],
        },
    )
    found |= some(
        rng,
        0.3,
        {
            "max_position_quote": [round(balance * 0.3, 2), round(balance * 0.11, 2), round(balance / 50, 2)],
            "max_exposure_quote": [round(balance * 0.5, 2), round(balance * 0.31, 2), round(balance / 20, 2)],
        },
    )
    if name == COMPOSITE and rng.random() < 0.4:
        found["dynamic_sizing"] = {
            "enabled": True,
            **some(rng, 0.6, {"min_fraction": [0.1, 0.5], "max_fraction": [0.7, 0.9]}),
        }
    return found


def random_settings(rng, symbols, start, days, candle_minutes, balance):
    """Return a config for symbols from a first date on."""
    chosen = strategy(rng)
    execution = some(
        rng,
        0.6,
        {
            "fill": ["next_open", "last_close"],
            "max_price_age_minutes": [60, 0, 120, 480],
            "max_volume_share": [None, 0.05, 0.5, 0.011],
        },
    )
    data = {"source": rng.choice(["bybit", "binance", "synthetic", "files"]), "candle_minutes": candle_minutes}
    data |= some(rng, 0.35, {"warmup_days": [30, 10, 3, 3, 1, 0], "default_interval_hours": [8, 4, 1]})
    found = {
        "market": "funding_carry",
        "symbols": list(symbols),
        "date_start_local": start.isoformat(),
        "date_end_local": (start + dt.timedelta(days=days - 1)).isoformat(),
        "strategy": chosen,
        "data": data,
        "execution": execution,
        "costs": costs(rng, start),
        "margin": margin(rng),
        "risk": risk(rng, chosen["name"], balance, len(symbols)),
    }
    if days % 2 and "max_volume_share" in execution:  # the name of every market, or both names
        found["risk"]["max_volume_share"] = execution["max_volume_share"]
        execution["max_volume_share"] = None if days % 4 == 1 else 0.2
    return short_of_cash(rng, found) if rng.random() < 0.15 else found


def short_of_cash(rng, settings):
    """Return a config that spends all cash on the first entries and has to reduce them when prices rise."""
    settings["risk"] |= {
        "allocation_pct": rng.choice([100, 97.5]),
        "max_position_quote": None,
        "max_exposure_quote": None,
        "max_volume_share": None,
    }
    settings["execution"]["max_volume_share"] = None
    settings["margin"] = {
        "leverage": rng.choice([1, 2, 3, 5]),
        "rebalance": {"mode": "resize", "low": rng.choice([0.8, 0.95, 1]), "high": rng.choice([1.05, 1.3, 2])},
    }
    parameters = settings["strategy"]["parameters"]
    parameters |= {"direction": "long_spot", "max_breakeven_periods": None}
    if settings["strategy"]["name"] == SIMPLE:
        parameters |= {"min_funding_rate": 0.0001, "exit_funding_rate": rng.choice([0, -0.001, -0.01])}
    return settings
