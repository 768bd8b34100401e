"""Daily equities: what the engine replays, and what a run of it results in."""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewinds import strategies
from tradewinds.config.problems import Problems
from tradewinds.core import files
from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.units import MICRO, exact
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Decision, RunResult, Summary, Trade
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.ledger import Answered, Ledger, ShareResult, ShareTrade
from tradewinds.engine.shares.rules import BACKTEST_END, ShareRules
from tradewinds.markets.corporate_actions import read_actions
from tradewinds.markets.equities_bars import Loaded, date_of, day_of, load_bars
from tradewinds.markets.equities_files import write_files
from tradewinds.markets.equities_hold import buy_and_hold
from tradewinds.markets.equities_plan import EquitiesPlan, plan_of
from tradewinds.markets.exchanges import Exchange, exchange_of
from tradewinds.markets.universe import universe_of
from tradewinds.plan import stale_files
from tradewinds.results.share_metrics import DAYS_PER_YEAR, share_metrics

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.lookahead import Subject
    from tradewinds.results.report.run import Family as Report

__all__ = ["plan_of"]

# Keys of a config that change neither what is read nor which symbols are replayed.
REPLAY_KEYS = frozenset({"risk", "strategy", "costs", "fill"})
_MARKETS = "it decides which symbols are replayed, and a sweep compares settings over the same ones"
NOT_SWEPT = {
    **dict.fromkeys(("universe", "bars", "actions", "adjust", "on_missing", "calendar"), _MARKETS),
    "risk.currency": "it changes no result",
}
BY_EVENT = False
RULES = ("bars",)
FILES = {"positions_closed": "positions_closed.csv", "sessions": "sessions.csv", "prices": "prices.parquet"}
HEADLINES = (
    ("Annualised return, %", "annualised_return_pct"),
    ("Exposure, %", "exposure_pct"),
    ("Days held, mean", "avg_holding_days"),
    ("Above buy and hold, %", "excess_return_pct"),
)


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
        start_micro=exact(risk["start_balance"], MICRO),
        position_share=_share(risk["position_size_pct"]),
        max_positions=risk["max_positions"],
        commission=_share(costs["commission_pct"]),
        slippage=_share(costs["slippage_pct"]),
        min_commission_micro=exact(costs["min_commission"], MICRO),
        same_close=config["fill"] == "same_close",
    )


def _share(percent: float) -> Fraction:
    return Fraction(Decimal(str(percent))) / 100


@dataclass(frozen=True)
class Study:
    """Bars that some configs are replayed on."""

    loaded: Loaded
    market: TradingDays
    exchange: Exchange

    @classmethod
    def of(cls, configs: Sequence[Mapping[str, Any]], plan: EquitiesPlan) -> Study:
        first = configs[0]
        history = max(strategies.history_of(config) for config in configs)
        loaded = load_bars(first, plan, history)
        days = (day_of(first["date_start_local"]), day_of(first["date_end_local"]))
        return cls(loaded, TradingDays(loaded.bars, *days, loaded.eligible), exchange_of(first["calendar"]))

    def scores(self, config: Mapping[str, Any]) -> Floats:
        """Per bar, how strong the strategy's signal is at its close; NaN where there is none."""
        module, parameters = strategies.of_shares(config)
        scores: Floats = module.scores(self.loaded.bars, parameters)
        return scores

    def replay(self, config: Mapping[str, Any]) -> ShareResult:
        """One pass of the ledger over all days."""
        return Ledger(self.market, rules_of(config)).run(self.scores(config))

    @functools.cached_property
    def closes(self) -> dict[int, int]:
        """Unix seconds of every trading day's close."""
        return {day: self.exchange.close_ts(date_of(day)) for day in self.market.days}

    def opens(self, day: int) -> int:
        """Unix seconds of a day's open."""
        return self.exchange.open_ts(date_of(day))

    def points(self, worth: Sequence[tuple[int, int]], start_micro: int) -> list[Point]:
        """The start, then (cash, open value) at the close of every day."""
        days = self.market.days
        kinds = ["close"] * (len(days) - 1) + ["end"]
        closes = (Point(self.closes[day], kind, *w) for day, kind, w in zip(days, kinds, worth, strict=True))
        return [Point(self.opens(days[0]), "start", start_micro, 0), *closes]

    def trade(self, config: Mapping[str, Any], made: ShareTrade) -> Trade:
        """A row of trades.csv."""
        bars, symbol = self.loaded.bars, self.loaded.bars.symbols[made.symbol]
        signal, entry, left = (int(bars.day[row]) for row in (made.signal_row, made.entry_row, made.exit_row))
        at_close = config["fill"] == "same_close"
        return Trade(
            series_ticker=config["calendar"],
            event_ticker=symbol,
            market_ticker=symbol,
            station_id="",
            decision_ts=self.closes[signal],
            quote_ts=self.closes[entry] if at_close else self.opens(entry),
            side="BUY",
            qty=made.quantity,
            entry_price_micro=made.entry_price,
            entry_fee_micro=made.entry_fee,
            model_prob_yes_pico=None,
            ev_gross_pico=None,
            ev_net_pico=None,
            reason_code=self.code(config),
            settled_result=made.exit_reason,
            settled_ts=self.closes[left] if at_close or made.exit_reason == BACKTEST_END else self.opens(left),
            payout_micro=made.proceeds,
            exit_fee_micro=made.exit_fee,
        )

    @staticmethod
    def code(config: Mapping[str, Any]) -> str:
        """The reason code of a strategy's signals."""
        return str(strategies.of_shares(config)[0].REASON)

    def decision(self, config: Mapping[str, Any], answer: Answered) -> Decision:
        """What became of a signal, for decisions.parquet."""
        symbol = self.loaded.bars.symbols[self.market.owner[answer.row]]
        filled = not answer.reason
        quantity, price = (answer.quantity, answer.price) if filled else (None, None)
        ts = self.closes[int(self.loaded.bars.day[answer.row])]
        return Decision(symbol, ts, 1, "BUY", quantity, price, filled, answer.reason or self.code(config))

    def missing_pct(self) -> float | None:
        """Trading days between a symbol's first and last bar of the run on which it has none, in % of them."""
        bars, days = self.loaded.bars, np.array(self.market.days)
        asked = there = 0
        for symbol in range(len(bars.symbols)):
            found = bars.day[bars.rows(symbol)]
            found = found[(found >= days[0]) & (found <= days[-1])]
            if len(found):
                there += len(found)
                asked += int(np.searchsorted(days, found[-1], side="right") - np.searchsorted(days, found[0]))
        return (asked - there) / asked * 100 if asked else None


def plan_rows(conf: Mapping[str, Any], plan: EquitiesPlan) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the dry run: files of bars, and what fetching them costs."""
    missing = [path for path in plan.bars if not Path(path).exists()]
    asked = len({*plan.missing(), *stale_files(plan)})
    rate = conf["yahoo"]["requests_per_second"]
    time = str(dt.timedelta(seconds=math.ceil(asked / rate)))
    row = {"what": "symbol-years of bars", "total": len(plan.bars), "present": len(plan.bars) - len(missing)}
    notes = [f"{len(plan.universe)} symbols, bars from {plan.source_file or plan.source}."]
    done = Path(plan.run_dir, "metrics.json").exists()
    notes.append(f"Run {plan.run_id}: {'its results are there' if done else 'not yet simulated'} ({plan.run_dir}/).")
    return [{**row, "missing": len(missing), "requests": asked, "time": time}], notes


def resources(conf: Mapping[str, Any], parallel: int | None) -> dict[str, int]:
    """Connections to the chart API."""
    return {"chart": conf["yahoo"]["max_connections"]}


def series(conf: Mapping[str, Any]) -> list[str]:
    """The symbols of a config, or the file that names them."""
    return list(conf["universe"]) if isinstance(conf["universe"], list) else [conf["universe"]["file"]]


def reads(conf: Mapping[str, Any]) -> int:
    """How many bars a signal looks back: it decides which years are read."""
    return strategies.history_of(conf)


def simulate(conf: Mapping[str, Any], plan: EquitiesPlan, threads: int, tell: Callable[[int, int], None]) -> RunResult:
    """Replay a resolved config and write the family's own files into the run's folder.

    Raises:
        DataMissing: no bars or too little history; SimulationError: files that do not fit together.
    """
    study = Study.of([conf], plan)
    made = study.replay(conf)
    tell(1, 1)
    return _result(conf, plan, study, made)


def simulate_many(configs: Sequence[Mapping[str, Any]], plan: EquitiesPlan, workers: int) -> list[Summary]:
    """The runs of configs that differ in REPLAY_KEYS only, in short; bars are read once. Raises as `simulate`."""
    study = Study.of(configs, plan)
    return [_summary(study, study.replay(config), config) for config in configs]


def _summary(study: Study, made: ShareResult, config: Mapping[str, Any]) -> Summary:
    def column(values: Iterable[int]) -> Ints:
        return np.fromiter(values, np.int64)

    days = study.loaded.bars.day
    points = study.points([(w.cash, w.open_value) for w in made.worth], rules_of(config).start_micro)
    return Summary(
        decision_ts=column(study.closes[int(days[t.signal_row])] for t in made.trades),
        quantity=column(t.quantity for t in made.trades),
        fee_micro=column(t.entry_fee + t.exit_fee for t in made.trades),
        pnl_micro=column(t.pnl for t in made.trades),
        worth_ts=column(point.ts for point in points),
        worth_micro=column(point.equity_micro for point in points),
    )


def _result(conf: Mapping[str, Any], plan: EquitiesPlan, study: Study, made: ShareResult) -> RunResult:
    rules, loaded = rules_of(conf), study.loaded
    held = buy_and_hold(loaded.bars, loaded.eligible, study.market.days, rules)
    points = study.points([(w.cash, w.open_value) for w in made.worth], rules.start_micro)
    benchmark = study.points([(int(worth), 0) for worth in held], rules.start_micro)
    trades = [study.trade(conf, trade) for trade in made.trades]
    holding = [int(loaded.bars.day[t.exit_row] - loaded.bars.day[t.entry_row]) for t in made.trades]
    write_files(plan.run_dir, loaded.bars, made.trades, made.worth, held, conf["risk"]["currency"])
    return RunResult(
        start_balance_micro=rules.start_micro,
        end_balance_micro=points[-1].equity_micro,
        trades=trades,
        equity=points,
        decisions=[study.decision(conf, answer) for answer in made.answered],
        scored=[],
        diagnostics=_diagnostics(conf, plan, study, made),
        skipped=loaded.skipped,
        watermark=study.closes[study.market.days[-1]],
        start_ts=points[0].ts,
        end_ts=points[-1].ts,
        days_per_year=DAYS_PER_YEAR,
        family={"currency": conf["risk"]["currency"], **share_metrics(points, trades, benchmark, holding)},
    )


def _diagnostics(conf: Mapping[str, Any], plan: EquitiesPlan, study: Study, made: ShareResult) -> dict[str, Any]:
    loaded = study.loaded
    skips = Counter(reason for _, reason in loaded.skipped)
    return {
        "events_attempted": len(plan.universe),
        "events_traded": len({trade.symbol for trade in made.trades}),
        "events_skipped": dict(sorted(skips.items())),
        "rejections": dict(sorted(made.refusals.items())),
        "candles_missing_pct": study.missing_pct(),
        "quarantined": dict(sorted(loaded.quarantined.items())),
        "trading_days": len(study.market.days),
        "adjustment": loaded.adjustment,
        "fill": conf["fill"],
        "optimistic": conf["fill"] == "same_close",
    }


def validate(conf: Mapping[str, Any], plan: EquitiesPlan, where: str, console: Console) -> None:
    """Say which files of bars are there, and what of them is quarantined."""
    there = [path for path in plan.bars if Path(path).exists()]
    console.print(
        f"{where} is valid: run {plan.run_id}, {len(plan.universe)} symbols, strategy {conf['strategy']['name']}.",
        soft_wrap=True,
    )
    console.print(f"{len(there)} of {len(plan.bars)} symbol-years of bars are there.")
    rows: Counter[str] = Counter()
    for path in there:
        rows.update(files.read_meta(path)["quarantined"])
    for reason, count in sorted(rows.items()):
        console.print(f"{count:,} row(s) quarantined: {reason}")


def lookahead(conf: Mapping[str, Any], plan: EquitiesPlan) -> Subject:
    """The replay, made again on changed copies of bars, corporate actions and universe."""
    from tradewinds.lookahead_shares import SharesRun

    return SharesRun(conf, plan)


def report() -> Report:
    """The report's sections."""
    from tradewinds.markets.equities_report import REPORT

    return REPORT
