"""Daily equities: what the engine replays, and what a run of it results in."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds import strategies
from tradewinds.config_problems import Problems
from tradewinds.engine.equity import Point
from tradewinds.engine.replay import Decision, Summary
from tradewinds.engine.result import RunResult, Trade
from tradewinds.engine.shares import BACKTEST_END, Bars, Ints, Ledger, Market, ShareResult, ShareRules, ShareTrade
from tradewinds.errors import ConfigError
from tradewinds.markets import equities_files
from tradewinds.markets.corporate_actions import read_actions
from tradewinds.markets.equities_bars import Loaded, date_of, day_of, load_bars
from tradewinds.markets.equities_hold import buy_and_hold
from tradewinds.markets.equities_plan import EquitiesPlan, plan_of
from tradewinds.markets.exchanges import Exchange, exchange_of
from tradewinds.markets.universe import universe_of
from tradewinds.results.share_metrics import DAYS_PER_YEAR, share_metrics
from tradewinds.store import MICRO

__all__ = ["REPLAY_KEYS", "check", "plan_of", "simulate", "simulate_many"]

# Keys of a config that change neither what is read nor which symbols are replayed.
REPLAY_KEYS = frozenset({"risk", "strategy", "costs", "fill"})


def check(config: dict[str, Any], problems: Problems) -> None:
    """What the schema cannot say: known strategy and calendar, readable side files, exact money."""

    def asked(question: Callable[[], Any], path: tuple[str | int, ...]) -> None:
        try:
            question()
        except ConfigError as error:
            inside = tuple(error.where.split(".")) if error.where.startswith(f"{path[0]}.") else path
            what = error.what if inside != path or error.where in ("", ".".join(map(str, path))) else str(error)
            problems.add(inside, what, error.remedy if what is error.what else "")

    asked(lambda: strategies.of_shares(config), ("strategy", "name"))
    asked(lambda: exchange_of(config["calendar"]), ("calendar",))
    if isinstance(config["universe"], dict):
        asked(lambda: universe_of(config), ("universe", "file"))
    if config["actions"] is not None:
        asked(lambda: read_actions(config["actions"]), ("actions",))
    for section, key in (("risk", "start_balance"), ("costs", "min_commission")):
        if -int(Decimal(str(config[section][key])).as_tuple().exponent) > 6:
            problems.add((section, key), "has more than 6 decimals.", "Money is exact to a millionth.")


def rules_of(config: Mapping[str, Any]) -> ShareRules:
    """The ledger's rules of a resolved config."""
    module, parameters = strategies.of_shares(config)
    risk, costs = config["risk"], config["costs"]
    return ShareRules(
        exits=module.exits(parameters),
        start_micro=_micro(risk["start_balance"]),
        position_share=_share(risk["position_size_pct"]),
        max_positions=risk["max_positions"],
        commission=_share(costs["commission_pct"]),
        slippage=_share(costs["slippage_pct"]),
        min_commission_micro=_micro(costs["min_commission"]),
        same_close=config["fill"] == "same_close",
    )


def _micro(amount: float) -> int:
    return int(Decimal(str(amount)) * MICRO)


def _share(percent: float) -> Fraction:
    return Fraction(Decimal(str(percent))) / 100


@dataclass(frozen=True)
class _Study:
    """Bars that some configs are replayed on."""

    loaded: Loaded
    market: Market
    exchange: Exchange

    @classmethod
    def of(cls, configs: Sequence[Mapping[str, Any]], plan: EquitiesPlan, threads: int) -> _Study:
        first = configs[0]
        history = max(strategies.history_of(config) for config in configs)
        loaded = load_bars(first, plan.universe, plan.files, history, threads)
        days = (day_of(first["date_start_local"]), day_of(first["date_end_local"]))
        return cls(loaded, Market(loaded.bars, *days), exchange_of(first["calendar"]))

    def replay(self, config: Mapping[str, Any]) -> ShareResult:
        """One pass of the ledger over all days."""
        module, parameters = strategies.of_shares(config)
        scores = module.scores(self.loaded.bars, parameters)
        scores[~self.loaded.eligible] = np.nan
        return Ledger(self.market, rules_of(config)).run(scores)

    def clock(self, opens: bool) -> dict[int, int]:
        """Unix seconds of every day's open or close."""
        of = self.exchange.open_ts if opens else self.exchange.close_ts
        return {day: of(date_of(day)) for day in np.unique(self.loaded.bars.day).tolist()}


def simulate(
    config: Mapping[str, Any], plan: EquitiesPlan, threads: int, tell: Callable[[int, int], None] = lambda done, total: None
) -> RunResult:
    """Replay a resolved config and write the family's own files into the run's folder.

    Raises:
        DataMissing: no bars or too little history; SimulationError: files that do not fit together.
    """
    study = _Study.of([config], plan, threads)
    made = study.replay(config)
    tell(1, 1)
    return _result(config, plan, study, made)


def simulate_many(configs: Sequence[Mapping[str, Any]], plan: EquitiesPlan, workers: int) -> list[Summary]:
    """The runs of configs that differ in REPLAY_KEYS only, in short; bars are read once for all of them. Raises as `simulate`."""
    study = _Study.of(configs, plan, workers)
    opens, closes = study.clock(opens=True), study.clock(opens=False)
    return [_summary(study, study.replay(config), config, opens, closes) for config in configs]
