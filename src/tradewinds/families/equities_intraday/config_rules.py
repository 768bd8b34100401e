"""What the schema cannot say of a config of intraday equities: numbers that contradict each other, decimals, calendars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tradewinds.config import resolve
from tradewinds.config.problems import KeyPath, Problems
from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.families import strategy_file
from tradewinds.families.equities_intraday.fetch.stamp_columns import zone_of
from tradewinds.reference_data.corporate_actions import read_actions
from tradewinds.reference_data.exchange_calendar import calendar_of

MONEY_DECIMALS, PERCENT_DECIMALS, FACTOR_DECIMALS = 6, 6, 8
MONEY = (
    "buffers.fixed",
    "trade.extra_stop_buffer",
    "trade.be_buffer",
    "risk.start_balance",
    "risk.risk_usd",
    "risk.max_notional_usd",
    "costs.tick",
    "costs.commission_per_share",
    "costs.min_commission",
    "filter.min_open_price",
    "filter.min_atr",
)
PERCENTAGES = ("trade.stop_pct", "risk.risk_pct")
FACTORS = (
    "orb.low_norm_vol",
    "orb.high_norm_vol",
    "orb.min_atr_mult",
    "orb.max_atr_mult",
    "buffers.atr_mult",
    "trade.atr_stop_mult",
    "trade.atr_stop_cap_mult",
    "trade.min_risk_ticks",
    "trade.t1_r",
    "trade.t1_pct",
    "trade.t2_r",
    "trade.t2_pct",
    "trade.runner_r",
    "trade.primary_r",
    "trade.move_be_at_r",
    "trade.trail.start_r",
    "trade.trail.distance_r",
    "trade.time_stop.min_r",
    "risk.max_leverage",
    "risk.max_volume_share",
    "costs.slippage_ticks",
    "costs.slippage_bps",
    "governance.max_daily_loss_r",
    "factors.rel_volume.spike_mult",
    "factors.adx.threshold",
    "scoring.base_required",
    "scoring.weak_trend_required",
    "scoring.weights.rel_vol",
    "scoring.weights.price_action",
    "scoring.weights.profile",
    "scoring.weights.vwap",
    "scoring.weights.adx",
    "filter.min_avg_volume",
    "filter.min_rel_volume",
)
# the weight of each factor
WEIGHTS = {
    "rel_volume": "rel_vol",
    "price_action": "price_action",
    "profile_proxy": "profile",
    "vwap": "vwap",
    "adx": "adx",
}
# sections of opening_range, and the keys among them that hold for a strategy of the user's own too
OF_OPENING_RANGE = ("orb", "buffers", "entry", "trade", "factors", "scoring", "filter")
_OF_ALL = {("trade", "intrabar"), ("trade", "min_risk_ticks")}
OPENING_RANGES = ("base_minutes", "short_or_minutes", "long_or_minutes")


def note_problems(config: Mapping[str, Any], problems: Problems) -> None:
    """Note everything that is wrong with a config beyond its schema.

    Args:
        config: the config with all defaults filled in; its dates are texts.
        problems: collects what is wrong, each with its key.
    """
    own = strategy_file.is_own(config)
    if own:
        strategy_file.note_problems(config["strategy"], problems)
    for keys, what, remedy in (
        *(() if own else _named(config["strategy"])),
        *_decimals(config),
        *_targets(config["trade"]),
        *_range(config["orb"], config["bars"]["minutes"]),
        *_sizing(config),
        *_score(config),
        *_governance(config),
    ):
        problems.add(keys, what, remedy)
    if config["actions"] is not None:
        _note_error(problems, ("actions",), lambda: read_actions(config["actions"]))
    zone = config["bars"].get("timezone")
    if zone is not None and zone_of(zone) is None:
        problems.add(("bars", "timezone"), f"unknown time zone {zone!r}.", "Write a name such as America/New_York.")
    _note_calendar(config, problems)


Noted = Iterator[tuple[KeyPath, str, str]]


def _named(strategy: Mapping[str, Any]) -> Noted:
    """Yield parameters of a strategy of the market, whose numbers are sections of the config."""
    for key in strategy["parameters"] or {}:
        what = f"{strategy['name']} has no parameters: its numbers are the sections {', '.join(OF_OPENING_RANGE)}."
        yield (
            ("strategy", "parameters", key),
            what,
            "Set the number there, or name a file of your own in strategy.file.",
        )


def unread_settings(config: Mapping[str, Any]) -> list[str]:
    """Return the keys that a config sets for opening_range, and that a strategy of the user's own does not read.

    Args:
        config: resolved.
    """
    found, sections = [], resolve.schema("equities_intraday")["properties"]
    for name in OF_OPENING_RANGE:
        for path, default in _defaults(sections[name], (name,)):
            value: Any = config
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else value
            if path not in _OF_ALL and value != default:
                found.append(".".join(map(str, path)))
    return found


def _defaults(node: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the default of each key of a section of the schema."""
    if node["default"] != {}:
        yield path, node["default"]
        return
    for key, inner in node["properties"].items():
        yield from _defaults(inner, (*path, key))


def _note_calendar(config: Mapping[str, Any], problems: Problems) -> None:
    """Note an unknown calendar, one that ends too early, and a range without a session."""
    first, last = (dt.date.fromisoformat(config[f"date_{edge}_local"]) for edge in ("start", "end"))
    try:
        with files.without_caches():  # a config that is refused leaves no file; the plan keeps the calendar
            calendar = calendar_of(config["calendar"], last)
    except ConfigError as error:
        problems.add(("calendar",), error.what, error.remedy)
        return
    if first < calendar.first:
        remedy = "Begin later."
        problems.add(("date_start_local",), f"the calendar of {calendar.code} begins with {calendar.first}.", remedy)
    elif (span := calendar.between(first, last)).stop == span.start:
        what = f"{calendar.code} has no session from {first} to {last}."
        problems.add(("date_start_local",), what, "Choose a range with a trading day in it.")


def _decimals(config: Mapping[str, Any]) -> Noted:
    """Yield each number that has more decimals than the replay keeps."""
    kinds = (
        (MONEY, MONEY_DECIMALS, "Money is exact to a millionth."),
        (PERCENTAGES, PERCENT_DECIMALS, "Percentages are exact to six decimals."),
        (FACTORS, FACTOR_DECIMALS, "Factors are exact to eight decimals."),
    )
    for keys, most, remedy in kinds:
        for key in keys:
            parts = tuple(key.split("."))
            value: Any = config
            for part in parts:
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None and -int(Decimal(str(value)).normalize().as_tuple().exponent) > most:
                yield parts, f"has more than {most} decimals.", remedy


def _targets(trade: Mapping[str, Any]) -> Noted:
    """Yield what contradicts itself in stop and targets."""
    first, second, runner = (_exact(trade[key]) for key in ("t1_r", "t2_r", "runner_r"))
    if trade["partials"]:
        if first is not None and second is not None and first >= second:
            yield ("trade", "t1_r"), f"{first} is not below t2_r {second}.", "The first target is the nearest one."
        if second is not None and runner is not None and second >= runner:
            what = f"{runner} is not above t2_r {second}."
            yield (
                ("trade", "runner_r"),
                what,
                "The last target is the farthest one; null runs to the end of the session.",
            )
        if (parts := Decimal(str(trade["t1_pct"])) + Decimal(str(trade["t2_pct"]))) > 1:
            yield (
                ("trade", "t2_pct"),
                f"t1_pct and t2_pct are {parts} together, more than 1.",
                "They are parts of one position.",
            )
    if trade["stop_mode"] == "percent" and trade["stop_pct"] is None:
        yield ("trade", "stop_pct"), "this key is missing: stop_mode is percent.", "Give the distance in %."


def _range(orb: Mapping[str, Any], minutes: int) -> Noted:
    """Yield what contradicts itself in the opening range."""
    names = OPENING_RANGES if orb["adaptive"] else OPENING_RANGES[:1]
    for name in names:
        if orb[name] % minutes:
            what = f"{orb[name]} is no multiple of bars.minutes {minutes}."
            yield ("orb", name), what, "A range is made of whole bars."
    if orb["adaptive"] and orb["low_norm_vol"] > orb["high_norm_vol"]:
        yield (
            ("orb", "low_norm_vol"),
            f"{orb['low_norm_vol']} is above high_norm_vol {orb['high_norm_vol']}.",
            "Swap them.",
        )
    if orb["enable_validity_filter"] and orb["min_atr_mult"] > orb["max_atr_mult"]:
        yield (
            ("orb", "min_atr_mult"),
            f"{orb['min_atr_mult']} is above max_atr_mult {orb['max_atr_mult']}.",
            "Swap them.",
        )


def _sizing(config: Mapping[str, Any]) -> Noted:
    """Yield what is missing for the size of positions, and a filter that needs ranges of one length."""
    sizing = config["risk"]["sizing"]
    if sizing != "risk_pct" and config["risk"][sizing] is None:
        yield ("risk", sizing), f"this key is missing: sizing is {sizing}.", "Give it a number."
    chosen = config["filter"]
    if chosen is not None and chosen["top_n"] is not None and config["orb"]["adaptive"]:
        what = "symbols are ranked when their ranges end, which adaptive ranges do at different times."
        yield ("filter", "top_n"), what, "Set orb.adaptive: false, or top_n: null."


def _score(config: Mapping[str, Any]) -> Noted:
    """Yield scores that no entry can reach."""
    scoring, factors = config["scoring"], config["factors"]
    if not scoring["enabled"]:
        return
    weights = {name: Decimal(str(scoring["weights"][key])) for name, key in WEIGHTS.items()}
    most = sum((weight for name, weight in weights.items() if factors[name]["enabled"]), Decimal(0))
    base, weak = (Decimal(str(scoring[key])) for key in ("base_required", "weak_trend_required"))
    remedy = "Enable more factors, lower it, or set scoring.enabled: false."
    if base > most:
        what = f"{base} can never pass: the weights of the enabled factors are {most} together."
        yield ("scoring", "base_required"), what, remedy
    if factors["adx"]["enabled"] and weak > most:
        what = f"{weak} can never pass: the weights of the enabled factors are {most} together."
        yield ("scoring", "weak_trend_required"), what, remedy
    if base > weak:
        what = f"{base} is above weak_trend_required {weak}."
        yield ("scoring", "base_required"), what, "A weak trend asks for at least as much."


def _governance(config: Mapping[str, Any]) -> Noted:
    """Yield what governance cannot do."""
    rules, minutes = config["governance"], config["bars"]["minutes"]
    if not rules["flatten_at_session_end"]:
        what = "positions are not held over night, not in this family."
        yield ("governance", "flatten_at_session_end"), what, "Set it to true, or leave it out."
    if rules["flatten_minutes_before_close"] % minutes:
        what = f"{rules['flatten_minutes_before_close']} is no multiple of bars.minutes {minutes}."
        yield ("governance", "flatten_minutes_before_close"), what, "Positions are closed at the open of a bar."
    stop = config["trade"]["time_stop"]
    if stop is not None and stop["minutes"] % minutes:
        what = f"{stop['minutes']} is no multiple of bars.minutes {minutes}."
        yield ("trade", "time_stop", "minutes"), what, "It is looked at when a bar ends."


def _exact(value: Any) -> Decimal | None:
    """Return a number of a config as a decimal; None stays None."""
    return None if value is None else Decimal(str(value))


def _note_error(problems: Problems, path: KeyPath, check: Callable[[], Any]) -> None:
    """Run a check of a user's file and note the ConfigError that it raises.

    Args:
        problems: collects what is wrong, each with its key.
        path: the key that names the file.
        check: raises ConfigError for a file that is wrong.
    """
    try:
        check()
    except ConfigError as error:
        problems.add(path, str(error), "")
