"""Opening range, stocks in play and score of the naive opening-range engine (sections 5, 12 and 13 of its rules)."""

from dataclasses import dataclass, field

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_opening_bars import History, Session, level, merged, number

LONG, SHORT = 1, -1


@dataclass
class Day:
    """One symbol in one session: its opening range, and what happens to it during the day.

    Attributes:
        symbol, session, bars, history: what it is made of.
        minutes: N, the length of the opening range.
        high, low, open, close, volume: the opening range; None without a bar in it.
        missing: minutes of the range without a bar.
        reason: why there is no trade this session, None if there may be one.
        relative_volume: of the filter, None if it is off or was not reached.
        armed: whether a side waits for a break.
        order: direction of a market order for the next bar, None without one.
        position: what is held, None if nothing.
    """

    symbol: str
    session: Session
    bars: list
    history: History
    minutes: int
    high: Fraction | None = None
    low: Fraction | None = None
    open: Fraction | None = None
    close: Fraction | None = None
    volume: Fraction | None = None
    missing: int = 0
    reason: str | None = None
    relative_volume: Fraction | None = None
    armed: dict = field(default_factory=lambda: {LONG: True, SHORT: True})
    order: int | None = None
    position: object = None

    def range_end(self):
        return self.session.open_ts + 60 * self.minutes

    def bars_before(self, start, bar_seconds):
        """Return the bars of the session that are complete at the start of a bar."""
        return [bar for bar in self.bars if bar.start + bar_seconds <= start]


# Section 5


def range_minutes(session, history, config):
    """Return N: the base, or shorter and longer by the normalised volatility, compared in squares."""
    orb = config["orb"]
    if not orb["adaptive"] or history.atr is None or history.atr5 is None:
        return orb["base_minutes"]
    scale = session.minutes() / 5 if orb["atr_scale"] == "sqrt_time" else Fraction(1)
    squared = Fraction(1) if history.atr == 0 else history.atr5**2 * scale / history.atr**2
    if squared < number(orb["low_norm_vol"]) ** 2:
        return orb["short_or_minutes"]
    if squared > number(orb["high_norm_vol"]) ** 2:
        return orb["long_or_minutes"]
    return orb["base_minutes"]


def width_is_valid(day, config):
    """Whether the width of the range is between its bounds, inclusive, compared in squares."""
    orb = config["orb"]
    usual = day.history.atr**2
    if orb["atr_scale"] == "sqrt_time":
        usual *= Fraction(day.minutes) / day.session.minutes()
    squared = (day.high - day.low) ** 2
    return number(orb["min_atr_mult"]) ** 2 * usual <= squared <= number(orb["max_atr_mult"]) ** 2 * usual


def needs_atr(config):
    # ASSUME: a buffer with use_atr needs ATR also when atr_mult is 0; so do the stops atr and atr_capped with 0.
    return (
        config["orb"]["enable_validity_filter"]
        or config["buffers"]["use_atr"]
        or config["trade"]["stop_mode"] in ("atr", "atr_capped")
    )


def reason_against(day, config):
    """Return the first reason of section 5 not to trade this session, or None."""
    if day.high is None:
        return "NO_OPENING_RANGE"
    if config["orb"]["on_gap"] == "skip" and day.missing > 0:
        return "OR_INCOMPLETE"
    if needs_atr(config) and not day.history.atr:
        return "ATR_WARMUP"
    if config["orb"]["enable_validity_filter"] and not width_is_valid(day, config):
        return "OR_INVALID"
    candle = config["entry"]["mode"] == "or_close" or config["entry"]["direction"] == "or_candle"
    if candle and day.open == day.close:
        return "DOJI"
    return None


def open_day(symbol, session, bars, history, config):
    """Return a symbol's day with its opening range.

    ASSUME: N is always asked for in full, also on a session shorter than N, whose range is then incomplete. A 5-minute
    bar covers five of the N minutes.
    """
    day = Day(symbol, session, bars, history, range_minutes(session, history, config))
    inside = [bar for bar in bars if bar.start < day.range_end()]
    day.missing = day.minutes - config["bars"]["minutes"] * len(inside)
    if inside:
        day.open, day.high, day.low, day.close, day.volume = merged(inside)
    # No bar all session: no trade, and no reason is counted.
    if bars:
        day.reason = reason_against(day, config)
    return day


# Section 13


def filter_reason(day, rules):
    """Return why a symbol is not in play, or None; sets its relative volume."""
    lookback = rules["lookback"]
    # ASSUME: fewer earlier sessions than `lookback` is FILTER_WARMUP whatever other rules are off.
    if len(day.history.sessions) < lookback:
        return "FILTER_WARMUP"
    last = day.history.sessions[-lookback:]
    usual = Fraction(0)
    for session, bars in last:
        end = session.open_ts + 60 * day.minutes
        usual += sum((bar.counted() for bar in bars if bar.start < end), Fraction(0))
    usual /= lookback
    if usual != 0:
        day.relative_volume = day.volume / usual
    if rules["min_open_price"] is not None and not day.open > number(rules["min_open_price"]):
        return "FILTER_PRICE"
    traded = sum((merged(bars)[4] for _, bars in last), Fraction(0)) / lookback
    if rules["min_avg_volume"] is not None and not traded >= number(rules["min_avg_volume"]):
        return "FILTER_VOLUME"
    if rules["min_atr"] is not None and not (
        day.history.atr is not None and day.history.atr > number(rules["min_atr"])
    ):
        return "FILTER_ATR"
    # ASSUME: a mean of 0 is refused also when min_rel_volume is null, since rank and order need the figure.
    if usual == 0:
        return "FILTER_REL_VOLUME"
    if rules["min_rel_volume"] is not None and not day.relative_volume >= number(rules["min_rel_volume"]):
        return "FILTER_REL_VOLUME"
    return None


FILTER = {
    "lookback": 14,
    "min_open_price": 5,
    "min_avg_volume": 1_000_000,
    "min_atr": "0.50",
    "min_rel_volume": "1.0",
    "top_n": 20,
}


def keep_stocks_in_play(days, config):
    """Refuse the days that the filter does not let through (section 13).

    ASSUME: only symbols without an earlier reason are ranked: a DOJI takes no place among the top_n.
    """
    if config["filter"] is None:
        return
    rules = FILTER | config["filter"]
    ranked = []
    for day in days:
        if day.bars and day.reason is None:
            day.reason = filter_reason(day, rules)
            if day.reason is None:
                ranked.append(day)
    ranked.sort(key=lambda day: (-day.relative_volume, day.symbol))
    if rules["top_n"] is not None:
        for day in ranked[rules["top_n"] :]:
            day.reason = "FILTER_RANK"


def entry_order(days, config):
    """Return the days that may trade in the order of their entries within a minute."""
    open_days = [day for day in days if day.bars and day.reason is None]
    if config["filter"] is None:
        return sorted(open_days, key=lambda day: day.symbol)
    return sorted(open_days, key=lambda day: (-day.relative_volume, day.symbol))


# Section 6: levels


def trigger(day, direction, config):
    """Return the price at which a side breaks out."""
    buffers = config["buffers"]
    buffer = number(buffers["fixed"])
    if buffers["use_atr"]:
        buffer += number(buffers["atr_mult"]) * day.history.atr
    edge = day.high + buffer if direction == LONG else day.low - buffer
    return level(edge, tick_of(config), up=direction == LONG)


def tick_of(config):
    # ASSUME: `costs: none` sets slippage and commission to zero and keeps the default tick of 0.01.
    if config["costs"] == "none" or config["costs"] is None:
        return Fraction(1, 100)
    return number(config["costs"]["tick"])


def allowed_sides(day, config):
    """Return the sides that `entry.direction` allows today."""
    direction = config["entry"]["direction"]
    if direction == "long":
        return [LONG]
    if direction == "short":
        return [SHORT]
    if direction == "or_candle":
        return [LONG] if day.close > day.open else [SHORT]
    return [LONG, SHORT]
