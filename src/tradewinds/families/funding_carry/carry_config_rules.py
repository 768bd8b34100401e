"""What the schema cannot say of a config of funding carry: names, presets, fees, and numbers that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tradewinds.config.problems import KeyPath, Problems
from tradewinds.core.near_names import meant
from tradewinds.families import strategy_file
from tradewinds.families.funding_carry import fee_schedules
from tradewinds.families.funding_carry.fetch.perp_stamps import clock_named
from tradewinds.families.funding_carry.fetch.source_reach import CANDLE_MINUTES, KINDS_OF
from tradewinds.families.funding_carry.strategy_settings import (
    PRESETS,
    SIMPLE,
    STRATEGIES,
    WEIGHTS,
    is_own,
    name_of_strategy,
    parameters_of_strategy,
    unknown_parameter,
)
from tradewinds.families.funding_carry.symbols import form_fault, name_of, settle_coins, spot_pair_fault

MOST_POSITIONS = 5  # if the config does not say
MONEY_DECIMALS, FACTOR_DECIMALS = 8, 12
MONEY = ("risk.start_balance", "risk.max_position_quote", "risk.max_position_base", "risk.max_exposure_quote")
FACTORS = (
    "execution.max_volume_share",
    "risk.max_volume_share",
    "costs.slippage_bps",
    "costs.max_slippage_bps",
    "costs.impact_bps_per_volume_pct",
    "costs.borrow_apr",
    "margin.leverage",
    "margin.maintenance_margin_rate",
    "margin.borrow_margin",
    "margin.borrow_maintenance",
    "margin.rebalance.low",
    "margin.rebalance.high",
    "risk.allocation_pct",
    "risk.max_delta_drift",
    "risk.dynamic_sizing.min_fraction",
    "risk.dynamic_sizing.max_fraction",
)
INSTRUMENT_MONEY = ("step", "min_notional")
Noted = Iterator[tuple[KeyPath, str, str]]


def note_problems(config: dict[str, Any], problems: Problems) -> None:
    """Note everything that is wrong with a config beyond its schema, and fill in what follows from other keys.

    Filled in are the strategy's name and all its parameters (from its preset), the schedule of fees (from the source) and the
    most positions (from the number of symbols).

    Args:
        config: the config with all defaults of the schema; its dates are texts.
        problems: collects what is wrong, each with its key.
    """
    own = is_own(config["strategy"])
    if own:
        strategy_file.note_problems(config["strategy"], problems)
    found = [*_symbols(config), *(_own_strategy if own else _strategy)(config["strategy"])]
    for keys, what, remedy in found:
        problems.add(keys, what, remedy)
    if found:  # the rest counts on symbols and on the strategy
        return
    strategy = config["strategy"]
    if own:
        strategy["parameters"] = strategy["parameters"] or {}
    else:
        strategy["name"], strategy["parameters"] = name_of_strategy(strategy), parameters_of_strategy(strategy)
    if config["risk"]["max_positions"] is None:
        config["risk"]["max_positions"] = min(MOST_POSITIONS, len(config["symbols"]))
    for section in fee_schedules.sections_of(config):
        if section.get("schedule") is None:
            section["schedule"] = _schedule_of(config, section)
    for keys, what, remedy in (
        *(() if own else _thresholds(strategy)),
        *_source(config["data"]),
        *_fees(config),
        *_instruments(config),
        *_margin(config),
        *_sizing(config),
        *_decimals(config),
    ):
        problems.add(keys, what, remedy)


def _symbols(config: Mapping[str, Any]) -> Noted:
    """Yield symbols of the wrong form, and of more than one settle coin."""
    symbols, well_formed = config["symbols"], True
    for index, symbol in enumerate(symbols):
        if fault := form_fault(symbol):
            well_formed = False
            yield ("symbols", index), *fault
    if not well_formed:
        return
    coins = settle_coins(symbols)
    if len(coins) > 1:
        shown = "; ".join(f"{coin}: {', '.join(names[:3])}" for coin, names in coins.items())
        what = f"these symbols settle in different coins ({shown}), and an account has one."
        yield ("symbols",), what, "Make one run for each settle coin."
    elif config["risk"]["currency"] not in coins:
        (coin,) = coins
        what = f"the account is in {config['risk']['currency']}, and the symbols settle in {coin}."
        yield ("risk", "currency"), what, f"Write risk.currency: {coin}."


def _strategy(strategy: Mapping[str, Any]) -> Noted:
    """Yield an unknown strategy or preset, and parameters that the strategy does not have."""
    preset, name = strategy["preset"], strategy["name"]
    if preset is not None and preset not in PRESETS:
        yield ("strategy", "preset"), f"unknown preset {preset!r}.", _known(preset, PRESETS)
        return
    if name is not None and name not in STRATEGIES:
        yield ("strategy", "name"), f"unknown strategy {name!r}.", _known(name, [each.name for each in STRATEGIES])
        return
    if preset is not None and name is not None and PRESETS[preset][0] != name:
        what = f"the preset {preset} is one of {PRESETS[preset][0]}, and strategy.name is {name}."
        yield ("strategy", "preset"), what, "Leave one of the two keys out."
        return
    chosen = name_of_strategy(strategy)
    if chosen is None:
        what = "this key is missing, and there is no preset."
        yield ("strategy", "name"), what, _known("", [each.name for each in STRATEGIES])
        return
    for key in strategy["parameters"] or {}:
        if fault := unknown_parameter(chosen, key):
            yield ("strategy", "parameters", key), *fault


def _own_strategy(strategy: Mapping[str, Any]) -> Noted:
    """Yield what is wrong beside the file of a strategy of the user's own."""
    if strategy["preset"] is not None:
        what = "is for the market's own strategies, and strategy.file names yours."
        yield ("strategy", "preset"), what, "Leave one of the two keys out."
    if strategy["name"] is None:
        yield ("strategy", "name"), "this key is missing.", "Give your own strategy a name."


def _thresholds(strategy: Mapping[str, Any]) -> Noted:
    """Yield an exit threshold above that of the entry, and weights that add up to nothing."""
    parameters = strategy["parameters"]
    is_simple = strategy["name"] == SIMPLE
    enter, leave = ("min_funding_rate", "exit_funding_rate") if is_simple else ("entry_threshold", "exit_threshold")
    if _exact(parameters[leave]) > _exact(parameters[enter]):
        what = f"{parameters[leave]} is above {enter} {parameters[enter]}: a position would be closed as soon as it is opened."
        yield ("strategy", "parameters", leave), what, "Leave at or below the threshold of the entry."
    if not is_simple and not sum(_exact(parameters[weight]) for weight in WEIGHTS):
        what = "the weights of the score are 0 together."
        yield ("strategy", "parameters", WEIGHTS[0]), what, "Give at least one of them a weight."


def _source(data: Mapping[str, Any]) -> Noted:
    """Yield a path without files to read, or files without a path."""
    if data["source"] == "files" and data["path"] is None:
        what = "this key is missing: data.source is files."
        yield (
            ("data", "path"),
            what,
            "Give the path of a folder with funding rates, spot candles and perpetual candles.",
        )
    if data["source"] != "files" and data["path"] is not None:
        yield ("data", "path"), f"data.source is {data['source']}, which reads no files.", "Write data.source: files."
    if data["source"] in KINDS_OF and data["candle_minutes"] not in CANDLE_MINUTES:
        what = f"no exchange gives candles of {data['candle_minutes']} minutes here."
        yield ("data", "candle_minutes"), what, f"Take one of {', '.join(map(str, CANDLE_MINUTES))}."
    if data["timezone"] is not None and clock_named(data["timezone"]) is None:
        what = f"unknown time zone {data['timezone']!r}."
        yield ("data", "timezone"), what, "Write a name such as UTC or Europe/London."


def _schedule_of(config: Mapping[str, Any], fees: Mapping[str, Any]) -> str | None:
    """Return the schedule of a section of fees that names none; None if it gives all rates, or there is no such schedule."""
    name = fee_schedules.default_schedule(config["data"]["source"])
    return (
        name if name in fee_schedules.NAMES and any(fees.get(key) is None for key in fee_schedules.RATE_KEYS) else None
    )


def _fees(config: Mapping[str, Any]) -> Noted:
    """Yield sections of fees without rates, and lists that are out of order or begin too late."""
    fees, source = config["costs"]["fees"], config["data"]["source"]
    # each section has the rates that its fills need, exactly
    for index, section in enumerate(fee_schedules.sections_of(config)):
        here: KeyPath = ("costs", "fees") if isinstance(fees, Mapping) else ("costs", "fees", index)
        needed = [key for key in fee_schedules.RATE_KEYS if key.endswith(section.get("liquidity") or "taker")]
        lacking = [key for key in needed if section.get(key) is None]
        if section.get("schedule") is None and lacking:
            what = (
                f"the fees of {source} are not known here: there is no schedule of them, and the config gives no rates."
            )
            given = ", ".join(f"{key}: 0.001" for key in lacking)
            remedy = (
                f"Write your rates as parts of the value, costs: {{fees: {{{given}}}}} (0.001 is 0.1 %, 10 basis points), or "
                f"name another exchange's schedule there, such as schedule: {fee_schedules.NAMES[0]} "
                f"({', '.join(fee_schedules.NAMES)})."
            )
            yield (*here, "schedule"), what, remedy
        for key in fee_schedules.RATE_KEYS:
            if section.get(key) is not None and _places(section[key]) > FACTOR_DECIMALS:
                yield (*here, key), f"has more than {FACTOR_DECIMALS} decimals.", "Rates are exact to twelve decimals."
    if isinstance(fees, Mapping):
        return
    # the sections of a list follow each other from the first date on
    dates = [section.get("from") for section in fees]
    if dates[0] is not None and dates[0] > config["date_start_local"]:
        what = f"the fees begin on {dates[0]}, after date_start_local {config['date_start_local']}."
        yield ("costs", "fees", 0, "from"), what, "Begin the list at or before the first date."
    for index in range(1, len(dates)):
        if dates[index] is None or (dates[index - 1] or "") >= dates[index]:
            what = "the dates of the fees are not in ascending order."
            yield ("costs", "fees", index, "from"), what, "Write each section with a later date than the one before."
            return


def _instruments(config: Mapping[str, Any]) -> Noted:
    """Yield settings of symbols that the run does not have, and settings that no instrument can have."""
    for symbol, settings in (config["instruments"] or {}).items():
        here: KeyPath = ("instruments", symbol)
        if symbol not in config["symbols"]:
            yield here, "this symbol is not in symbols.", _known(symbol, config["symbols"])
            continue
        for key in INSTRUMENT_MONEY:
            if settings.get(key) is not None and _places(settings[key]) > MONEY_DECIMALS:
                yield (
                    (*here, key),
                    f"has more than {MONEY_DECIMALS} decimals.",
                    "Quantities and money have eight decimals.",
                )
        yield from _filter_changes(settings.get("changes") or [], (*here, "changes"))
        most = settings.get("max_leverage")
        if most is not None and _exact(config["margin"]["leverage"]) > _exact(most):
            what = f"{config['margin']['leverage']} is above the {most} that instruments allows for {symbol}."
            yield ("margin", "leverage"), what, "Lower it."
        pair = settings.get("spot_symbol")
        if pair is None and settings.get("spot_multiplier") is not None:
            what = "a multiplier without the pair that is multiplied."
            yield (*here, "spot_multiplier"), what, "Give spot_symbol as well, such as PEPE/USDT."
        if pair is not None:
            yield from _spot_pair(symbol, pair, (*here, "spot_symbol"))


def _filter_changes(changes: Sequence[Mapping[str, Any]], here: KeyPath) -> Noted:
    """Yield changes of filters that are out of order, change nothing, or have too many decimals."""
    for index, change in enumerate(changes):
        if index and changes[index - 1]["from"] >= change["from"]:
            what = f"the change of {change['from']} is not later than the one before, of {changes[index - 1]['from']}."
            yield (*here, index, "from"), what, "Write the changes in ascending order of their dates."
        given = [key for key in INSTRUMENT_MONEY if change.get(key) is not None]
        if not given:
            yield (*here, index), "this change changes nothing.", "Give step, min_notional or both."
        for key in given:
            if _places(change[key]) > MONEY_DECIMALS:
                what = f"has more than {MONEY_DECIMALS} decimals."
                yield (*here, index, key), what, "Quantities and money have eight decimals."


def _spot_pair(symbol: str, pair: str, here: KeyPath) -> Noted:
    """Yield what is wrong with the spot pair of a symbol."""
    if fault := spot_pair_fault(pair):
        yield here, *fault
    elif pair.partition("/")[2] != name_of(symbol).quote:
        quote = name_of(symbol).quote
        yield here, f"{pair} is not quoted in {quote} as {symbol} is.", f"Name the pair of {quote}."


def _margin(config: Mapping[str, Any]) -> Noted:
    """Yield margins that contradict themselves."""
    margin = config["margin"]
    leverage = _exact(margin["leverage"])
    rates = {
        symbol: settings.get("maintenance_margin_rate") for symbol, settings in (config["instruments"] or {}).items()
    }
    given = [rate for rate in (margin["maintenance_margin_rate"], *rates.values()) if rate is not None]
    if margin["capital_rule"] == "both_legs" and any(leverage * _exact(rate) >= 1 for rate in given):
        what = f"a leverage of {leverage} leaves less margin than maintenance_margin_rate asks for."
        yield ("margin", "leverage"), what, "Lower it: a position would be liquidated as soon as it is opened."
    low, high = (_exact(margin["rebalance"][key]) for key in ("low", "high"))
    if not low <= 1 <= high:
        what = f"low {low} and high {high} do not have 1 between them, the margin that a position begins with."
        yield ("margin", "rebalance", "low" if low > 1 else "high"), what, "For example low: 0.5 and high: 2."
    if _exact(margin["borrow_margin"]) <= _exact(margin["borrow_maintenance"]):
        what = f"{margin['borrow_margin']} is not above borrow_maintenance {margin['borrow_maintenance']}."
        yield ("margin", "borrow_margin"), what, "A borrowed leg would be liquidated as soon as it is opened."


def _sizing(config: Mapping[str, Any]) -> Noted:
    """Yield sizes that contradict themselves or the strategy."""
    dynamic = config["risk"]["dynamic_sizing"]
    if dynamic["enabled"] and (is_own(config["strategy"]) or config["strategy"]["name"] == SIMPLE):
        what = f"{config['strategy']['name']} has no score, by which a dynamic size is chosen."
        yield ("risk", "dynamic_sizing", "enabled"), what, "Set it to false, or take strategy.name: funding_composite."
    if _exact(dynamic["min_fraction"]) > _exact(dynamic["max_fraction"]):
        what = f"{dynamic['min_fraction']} is above max_fraction {dynamic['max_fraction']}."
        yield ("risk", "dynamic_sizing", "min_fraction"), what, "Swap them."


def _decimals(config: Mapping[str, Any]) -> Noted:
    """Yield each number that has more decimals than a replay keeps."""
    kinds = (
        (MONEY, MONEY_DECIMALS, "Money is exact to eight decimals."),
        (FACTORS, FACTOR_DECIMALS, "Factors are exact to twelve decimals."),
        (
            [
                f"strategy.parameters.{key}"
                for key in config["strategy"]["parameters"]
                if not is_own(config["strategy"])
            ],
            FACTOR_DECIMALS,
            "Parameters are exact to twelve decimals.",
        ),
    )
    for keys, most, remedy in kinds:
        for key in keys:
            parts = tuple(key.split("."))
            value: Any = config
            for part in parts:
                value = value[part]
            if isinstance(value, int | float) and not isinstance(value, bool) and _places(value) > most:
                yield parts, f"has more than {most} decimals.", remedy


def _exact(value: Any) -> Decimal:
    """Return a number of a config as a decimal."""
    return Decimal(str(value))


def _places(value: Any) -> int:
    """Return the number of decimals of a number of a config."""
    return -int(Decimal(str(value)).normalize().as_tuple().exponent)


def _known(word: str, names: Any) -> str:
    """Return a hint at the nearest of some names, and all of them if they are few."""
    listed = list(names)
    return f"{meant(word, listed)} Known: {', '.join(listed[:20])}.".strip()
