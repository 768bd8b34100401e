"""Daily equities: what the engine replays, and what a run of it results in."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import MICRO, exact
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Decision, RunResult, Summary, Trade
from tradewinds.engine.shares.bars import Clock, TradingDays
from tradewinds.engine.shares.ledger import Answered, Ledger, ShareResult, ShareTrade
from tradewinds.engine.shares.share_rules import BACKTEST_END, ShareRules
from tradewinds.families.equities_daily.bar_panel import LoadedBars, date_of, day_of, load_bars
from tradewinds.families.equities_daily.buy_and_hold import buy_and_hold
from tradewinds.families.equities_daily.metrics import DAYS_PER_YEAR, share_metrics
from tradewinds.families.equities_daily.plan import SharesPlan
from tradewinds.families.equities_daily.run_files import write_files
from tradewinds.families.equities_daily.strategies import share_strategies
from tradewinds.reference_data.exchanges import Exchange, exchange_of


def rules_of(config: Mapping[str, Any]) -> ShareRules:
    """The ledger's rules of a resolved config."""
    module, parameters = share_strategies.chosen(config)
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

    loaded: LoadedBars
    market: TradingDays
    exchange: Exchange

    @classmethod
    def of(cls, configs: Sequence[Mapping[str, Any]], plan: SharesPlan) -> Study:
        """The bars that any of the configs needs."""
        first = configs[0]
        history = max(share_strategies.history_of(config) for config in configs)
        loaded = load_bars(first, plan, history)
        days = (day_of(first["date_start_local"]), day_of(first["date_end_local"]))
        exchange = exchange_of(first["calendar"])
        clock = Clock(lambda day: exchange.open_ts(date_of(day)), lambda day: exchange.close_ts(date_of(day)))
        return cls(loaded, TradingDays(loaded.bars, *days, loaded.eligible, clock), exchange)

    def scores(self, config: Mapping[str, Any]) -> Floats:
        """Per bar, how strong the strategy's signal is at its close; NaN where there is none."""
        module, parameters = share_strategies.chosen(config)
        scores: Floats = module.scores(self.loaded.bars, parameters)
        return scores

    def replay(self, config: Mapping[str, Any], *, books: bool = True) -> ShareResult:
        """One pass of the ledger over all days, with or without books."""
        ledger = Ledger(self.market, rules_of(config), entry_reason=self.code(config), books=books)
        return ledger.run(self.scores(config))

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
            model_prob_yes_pico=None,
            ev_gross_pico=None,
            ev_net_pico=None,
            reason_code=self.code(config),
            settled_result=made.exit_reason,
            settled_ts=self.closes[left] if at_close or made.exit_reason == BACKTEST_END else self.opens(left),
            position=made.position,
        )

    @staticmethod
    def code(config: Mapping[str, Any]) -> str:
        """The reason code of a strategy's signals."""
        return str(share_strategies.chosen(config)[0].REASON)

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


def simulate(conf: Mapping[str, Any], plan: SharesPlan, threads: int, tell: Callable[[int, int], None]) -> RunResult:
    """Replay a resolved config and write the family's own files into the run's folder.

    Raises:
        DataMissing: no bars or too little history; SimulationError: files that do not fit together.
    """
    study = Study.of([conf], plan)
    made = study.replay(conf)
    tell(1, 1)
    return _result(conf, plan, study, made)


def simulate_many(configs: Sequence[Mapping[str, Any]], plan: SharesPlan, workers: int) -> list[Summary]:
    """The runs of configs that differ in REPLAY_KEYS only, in short; bars are read once. Raises as `simulate`."""
    study = Study.of(configs, plan)
    return [_summary(study, study.replay(config, books=False), config) for config in configs]


def _summary(study: Study, made: ShareResult, config: Mapping[str, Any]) -> Summary:
    def column(values: Iterable[int]) -> Ints:
        return np.fromiter(values, np.int64)

    days = study.loaded.bars.day
    points = study.points([(w.cash, w.open_value) for w in made.equity], rules_of(config).start_micro)
    return Summary(
        decision_ts=column(study.closes[int(days[c.signal_row])] for c in made.closed),
        quantity=column(c.quantity for c in made.closed),
        fee_micro=column(c.fees for c in made.closed),
        pnl_micro=column(c.pnl for c in made.closed),
        equity_ts=column(point.ts for point in points),
        equity_micro=column(point.equity_micro for point in points),
    )


def _result(conf: Mapping[str, Any], plan: SharesPlan, study: Study, made: ShareResult) -> RunResult:
    rules, loaded = rules_of(conf), study.loaded
    held = buy_and_hold(loaded.bars, loaded.eligible, study.market.days, rules)
    points = study.points([(w.cash, w.open_value) for w in made.equity], rules.start_micro)
    benchmark = study.points([(int(worth), 0) for worth in held], rules.start_micro)
    trades = [study.trade(conf, trade) for trade in made.trades]
    holding = [int(loaded.bars.day[t.exit_row] - loaded.bars.day[t.entry_row]) for t in made.trades]
    write_files(plan.run_dir, loaded.bars, made.trades, made.equity, held, conf["risk"]["currency"])
    return RunResult(
        start_balance_micro=rules.start_micro,
        end_balance_micro=made.end_cash,
        journal=made.books,
        trades=trades,
        equity=points,
        decisions=[study.decision(conf, answer) for answer in made.answered],
        diagnostics=_diagnostics(conf, plan, study, made),
        skipped=loaded.skipped,
        watermark=study.closes[study.market.days[-1]],
        start_ts=points[0].ts,
        end_ts=points[-1].ts,
        days_per_year=DAYS_PER_YEAR,
        around_the_clock=False,
        family={"currency": conf["risk"]["currency"], **share_metrics(points, trades, benchmark, holding)},
    )


def _diagnostics(conf: Mapping[str, Any], plan: SharesPlan, study: Study, made: ShareResult) -> dict[str, Any]:
    loaded = study.loaded
    skips = Counter(reason for _, reason in loaded.skipped)
    return {
        "events_attempted": len(plan.files.universe),
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
