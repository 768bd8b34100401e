"""Random worlds for the opening range, made from a seed, to compare two engines on the same bars and config.

Prices walk on a coarse grid, so that touches, ties and equalities are frequent; sessions are short, so that a world is
replayed in a moment. A world has halts, gaps, bad rows, rows outside the session, splits, a half day and, often, the days
around a change of the clock.
"""

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.families.equities_intraday.orb_config import DEFAULTS, changed

NEW_YORK = ZoneInfo("America/New_York")
FIRST_DAYS = (dt.date(2024, 3, 6), dt.date(2024, 10, 30), dt.date(2024, 5, 6), dt.date(2024, 6, 28))
CENT = Decimal("0.01")


@dataclass(frozen=True)
class RandomWorld:
    """What an engine is given: raw rows, sessions, config, splits."""

    seed: int
    bars: dict
    sessions: list
    config: dict
    actions: dict


def random_world(seed, **fixed):
    """Return the world of a seed; `fixed` are changes of the config by dotted key with `__` for the dot."""
    rng = random.Random(seed)
    minutes = rng.choice([1, 1, 1, 5])
    sessions = random_sessions(rng, minutes)
    config = random_config(rng, minutes, sessions)
    config = changed(config, {key.replace("__", "."): value for key, value in fixed.items()})
    symbols = ["AAA", "BBB", "CCC", "DDD"][: rng.randint(1, 4)]
    config["symbols"] = symbols
    grid = rng.choice([CENT, CENT * 5, CENT * 10])
    bars, actions = {}, {}
    for symbol in symbols:
        bars[symbol] = random_rows(rng, sessions, minutes, grid)
        if rng.random() < 0.25:
            ex_date = rng.choice(sessions)[0]
            actions[symbol] = [(ex_date, Decimal(rng.choice(["2", "3", "0.5", "1.5"])))]
            if rng.random() < 0.3:
                actions[symbol].append((sessions[-1][0], Decimal(3)))
    return RandomWorld(seed, bars, sessions, config, actions)


def random_sessions(rng, minutes):
    """Return 3 to 8 sessions of 60 to 120 minutes from 09:30 in New York, one of them often half as long."""
    date, sessions = rng.choice(FIRST_DAYS), []
    length = 60 * rng.randint(2, 4) if minutes == 5 else 5 * rng.randint(12, 24)
    count = rng.randint(3, 8)
    half = rng.randrange(count) if rng.random() < 0.6 else None
    while len(sessions) < count:
        if date.weekday() < 5:
            start = int(dt.datetime.combine(date, dt.time(9, 30), NEW_YORK).timestamp())
            span = length // 2 // 5 * 5 if len(sessions) == half else length
            sessions.append((date, start, start + 60 * span))
        date += dt.timedelta(days=1)
    return sessions


def bar_prices(rng, open_, grid):
    """Return open, high, low, close of a bar on the grid, with a step that is often none."""
    close = max(grid, open_ + grid * rng.choice([-3, -2, -1, -1, 0, 0, 1, 1, 2, 3]))
    high = max(open_, close) + grid * rng.choice([0, 0, 0, 1, 1, 2, 4])
    low = max(grid, min(open_, close) - grid * rng.choice([0, 0, 0, 1, 1, 2, 4]))
    if rng.random() < 0.04:  # a print below the cent
        high += Decimal(rng.choice(["0.005", "0.0001", "0.0025"]))
    return open_, high, min(low, open_, close), close


def random_volume(rng):
    dice = rng.random()
    if dice < 0.03:
        return None
    return 0 if dice < 0.07 else rng.choice([100, 500, 1000, 1000, 1000, 1250, 2000, 5000])


def random_rows(rng, sessions, minutes, grid):
    """Return the raw rows of a symbol: walks with gaps and halts, then bad rows among them."""
    price, rows = grid * rng.randint(100, 900), []
    for _, open_ts, close_ts in sessions:
        if rng.random() < 0.06:  # no bar all session
            continue
        price = max(grid * 10, price + grid * rng.randint(-12, 12))
        starts = list(range(open_ts, close_ts, 60 * minutes))
        first = 0 if rng.random() < 0.9 else rng.randrange(len(starts))
        last = len(starts) if rng.random() < 0.75 else rng.randrange(1, len(starts) + 1)
        holes = rng.choice([0, 0, 0.05, 0.3])
        for start in starts[first:last]:
            if rng.random() < holes:
                continue
            if rng.random() < 0.06:  # a gap, often through a stop or a target
                price = max(grid * 10, price + grid * rng.randint(-15, 15))
            open_, high, low, price = bar_prices(rng, price, grid)
            rows.append((start, open_, high, low, price, random_volume(rng)))
    rows += rows_outside(rng, sessions, minutes, price)
    if rng.random() < 0.5:
        rows = spoiled(rng, rows)
    rng.shuffle(rows)
    return rows


def rows_outside(rng, sessions, minutes, price):
    """Return rows before the open, from the close on, and on a Saturday inside the span of the sessions."""
    date, open_ts, close_ts = rng.choice(sessions)
    starts = [open_ts - 60 * minutes, close_ts, close_ts + 600]
    saturday = date + dt.timedelta(days=(5 - date.weekday()) % 7)
    if sessions[0][0] < saturday < sessions[-1][0]:
        starts.append(int(dt.datetime.combine(saturday, dt.time(11), NEW_YORK).timestamp()))
    far = price + 50
    return [(start, price, far, price / 2, far, 9000) for start in starts if rng.random() < 0.5]


def spoiled(rng, rows):
    """Return the rows with some of them broken in each way that is quarantined, and some given twice."""
    rows = list(rows)
    for _ in range(min(len(rows), rng.randint(1, 8))):
        place = rng.randrange(len(rows))
        start, open_, high, low, close, volume = rows[place]
        kind = rng.choice(["missing", "zero", "negative", "order", "volume", "second", "same", "other", "tiny"])
        if kind == "missing":
            rows[place] = (start, open_, None, low, close, volume)
        elif kind == "zero":
            rows[place] = (start, open_, high, Decimal(0), close, volume)
        elif kind == "negative":
            rows[place] = (start, -open_, high, low, close, volume)
        elif kind == "tiny":  # rounds to no price at all
            rows[place] = (start, open_, high, Decimal("0.0000004"), close, volume)
        elif kind == "order":
            rows[place] = (start, open_, low, high, close, volume)
        elif kind == "volume":
            rows[place] = (start, open_, high, low, close, -1)
        elif kind == "second":
            rows[place] = (start + 7, open_, high, low, close, volume)
        elif kind == "same":
            rows += [rows[place]] * rng.randint(1, 2)
        else:
            rows.append((start, open_, high, low, close, 77))
    return rows


def random_config(rng, minutes, sessions):
    """Return a valid config that draws every mode, policy, size, limit and factor."""
    first = rng.randrange(0, min(4, len(sessions)))
    config = changed(DEFAULTS, {"bars.minutes": minutes, "bars.zero_volume": rng.choice(["keep", "keep", "drop"])})
    config["date_start_local"], config["date_end_local"] = sessions[first][0], sessions[-1][0]
    for draw in (draw_range, draw_trade, draw_money, draw_limits, draw_score, draw_filter):
        config = changed(config, draw(rng, minutes))
    if config["filter"] is not None and config["filter"].get("top_n", 20) is not None:
        config["orb"]["adaptive"] = False
    return changed(config, {"risk.max_volume_share": rng.choice([None, None, None, 0.5, 0.1, 0.003])})


def draw_range(rng, minutes):
    windows = [5, 10, 15] if minutes == 5 else [1, 2, 3, 5, 8]
    return {
        "orb.base_minutes": rng.choice(windows),
        "orb.short_or_minutes": rng.choice(windows),
        "orb.long_or_minutes": rng.choice([*windows, 20]),
        "orb.adaptive": rng.random() < 0.4,
        "orb.low_norm_vol": rng.choice([0.35, 0.8, 1.0]),
        "orb.high_norm_vol": rng.choice([1.0, 1.2]),
        "orb.atr_period": rng.choice([1, 2, 2, 3]),
        "orb.atr_method": rng.choice(["wilder", "sma"]),
        "orb.atr_scale": rng.choice(["sqrt_time", "none"]),
        "orb.enable_validity_filter": rng.random() < 0.3,
        "orb.min_atr_mult": rng.choice([0, 0.1, 0.25]),
        "orb.max_atr_mult": rng.choice([1.0, 1.75, 3]),
        "orb.on_gap": rng.choice(["use", "use", "warn", "skip"]),
        "buffers.fixed": rng.choice([0, 0.01, 0.05, 0.013]),
        "buffers.use_atr": rng.random() < 0.2,
        "entry.mode": rng.choice(["stop", "stop", "stop", "close_confirm", "or_close"]),
        "entry.direction": rng.choice(["both", "both", "both", "long", "short", "or_candle"]),
    }


def draw_trade(rng, minutes):
    t1_pct, t2_pct = rng.choice([(0.5, 0.25), (0.5, 0.5), (0.3, 0.3), (0, 0.5), (0.9, 0)])
    return {
        "trade.stop_mode": rng.choice(
            ["or_opposite", "or_opposite", "or_mid", "atr", "atr_capped", "percent", "swing"]
        ),
        "trade.stop_pct": rng.choice([0.1, 0.5, 2]),
        "trade.extra_stop_buffer": rng.choice([0, 0.05, 0.013]),
        "trade.atr_stop_mult": rng.choice([0.1, 0.5]),
        "trade.atr_stop_cap_mult": rng.choice([0.2, 0.8]),
        "trade.swing_len": rng.choice([1, 1, 2, 3]),
        "trade.min_risk_ticks": rng.choice([1, 1, 1, 5, 20]),
        "trade.partials": rng.random() < 0.7,
        "trade.t1_r": rng.choice([0.5, 1.0]),
        "trade.t1_pct": t1_pct,
        "trade.t2_pct": t2_pct,
        "trade.runner_r": rng.choice([2.0, 3.0, None]),
        "trade.primary_r": rng.choice([1.5, 1.0, 10, None]),
        "trade.intrabar": rng.choice(["pessimistic", "path", "optimistic"]),
        "trade.move_be_at_r": rng.choice([1.0, 0.5, None]),
        "trade.be_buffer": rng.choice([0.01, 0, 0.05]),
        "trade.trail": rng.choice([None, None, {"start_r": 1.0, "distance_r": 0.5}, {"start_r": 0, "distance_r": 1.0}]),
        "trade.time_stop": rng.choice(
            [None, None, None, None, {"minutes": 15, "min_r": 0.5}, {"minutes": 5, "min_r": 0}]
        ),
    }


def draw_money(rng, minutes):
    costs = {
        "tick": rng.choice([0.01, 0.01, 0.05, None]),
        "slippage_ticks": rng.choice([0, 1, 2]),
        "slippage_bps": rng.choice([0, 0, 1.5]),
        "commission_per_share": rng.choice([0, 0.005, 0.0035]),
        "min_commission": rng.choice([0, 0.35, 1.0]),
    }
    return {
        "costs": rng.choice(["none", costs, costs, costs]),
        "risk.account": rng.choice(["shared", "shared", "per_symbol"]),
        "risk.start_balance": rng.choice([100000, 100000, 5000, 1000, 50]),
        "risk.sizing": rng.choice(["risk_pct", "risk_pct", "risk_usd", "fixed_shares"]),
        "risk.risk_pct": rng.choice([0.1, 1.0, 5]),
        "risk.risk_usd": rng.choice([50, 433]),
        "risk.fixed_shares": rng.choice([1, 2, 7, 100, 433]),
        "risk.slots": rng.choice([1, 1, 2, 3]),
        "risk.max_notional_usd": rng.choice([None, None, None, 2000, 30]),
        "risk.max_leverage": rng.choice([4, 1, 0.5]),
    }


def draw_limits(rng, minutes):
    return {
        "governance.scope": rng.choice(["symbol", "account"]),
        "governance.time_cutoff": rng.choice(["14:30", "14:30", None, None, "10:10"]),
        "governance.max_signals_per_day": rng.choice([3, 1, 10, None]),
        "governance.lockout_after_losses": rng.choice([2, 1, None]),
        "governance.max_daily_loss_r": rng.choice([None, None, 1, 0.5]),
        "governance.max_positions": rng.choice([None, None, 1, 2]),
        "governance.flatten_minutes_before_close": rng.choice([0, 0, 5, 15]),
    }


def draw_score(rng, minutes):
    """Return a score whose factors can reach what is required."""
    names = {
        "rel_vol": "rel_volume",
        "price_action": "price_action",
        "profile": "profile_proxy",
        "vwap": "vwap",
        "adx": "adx",
    }
    on = {weight: rng.random() < 0.6 for weight in names}
    weights = {weight: rng.choice([1, 1, 2, 0.5]) for weight in names}
    reachable = sum(weights[weight] for weight in names if on[weight])
    base = min(rng.choice([0.5, 1, 1, 2]), reachable)
    changes = {f"factors.{name}.enabled": on[weight] for weight, name in names.items()}
    return changes | {
        "scoring.enabled": rng.random() < 0.25 and reachable > 0,
        "scoring.weights": weights,
        "scoring.base_required": base,
        "scoring.weak_trend_required": min(base + rng.choice([0, 1]), max(reachable, base)),
        "factors.rel_volume.lookback": rng.choice([1, 2, 5]),
        "factors.price_action.pivot_len": rng.choice([1, 3]),
        "factors.adx.threshold": rng.choice([10, 18, 30]),
    }


def draw_filter(rng, minutes):
    if rng.random() < 0.6:
        return {"filter": None}
    return {
        "filter": {
            "lookback": rng.choice([1, 1, 2]),
            "min_open_price": rng.choice([None, 5, 30]),
            "min_avg_volume": rng.choice([None, None, 10000, 100000]),
            "min_atr": rng.choice([None, None, 0.5]),
            "min_rel_volume": rng.choice([None, 0.5, 1.0]),
            "top_n": rng.choice([1, 1, 2, 20, None]),
        }
    }
