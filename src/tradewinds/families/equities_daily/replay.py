"""Replay of daily equities: reads the panel, runs the ledger over the trading days, and makes the result of a run."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.column_rows import ColumnRows
from tradewinds.core.units import MICRO, NEVER, exact
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Decision, RunResult, Summary
from tradewinds.engine.run_trades import Trade, Trades
from tradewinds.engine.shares.bars import Clock, TradingDays
from tradewinds.engine.shares.ledger import Ledger
from tradewinds.engine.shares.share_result import Answered, OrderOutcome, ShareResult, ShareTrade
from tradewinds.engine.shares.share_rules import BACKTEST_END, Exits, ShareRules
from tradewinds.engine.shares.step_ledger import StepLedger
from tradewinds.families import strategy_file
from tradewinds.families.equities_daily.bar_panel import LoadedBars, date_of, day_of, load_bars
from tradewinds.families.equities_daily.buy_and_hold import buy_and_hold
from tradewinds.families.equities_daily.metrics import no_bars_metrics, share_metrics, volume_metrics
from tradewinds.families.equities_daily.plan import SharesPlan
from tradewinds.families.equities_daily.run_files import write_files
from tradewinds.families.equities_daily.strategies import share_strategies
from tradewinds.reference_data.exchange_calendar import TRADING_DAYS_PER_YEAR, ExchangeCalendar, known_calendar
from tradewinds.results.edge.against_benchmark import against_benchmark, returns_of
from tradewinds.results.liquidity import Entry, VolumeUse, liquidity

# Trading days without a bar after which a symbol has ended, where risk.exit_after_missing_days says nothing.
ENDED_DAYS = 20


def rules_of(config: Mapping[str, Any]) -> ShareRules:
    """Return the rules of the ledger for a resolved config."""
    risk, costs = config["risk"], config["costs"]
    return ShareRules(
        exits=_exits(config),
        start_micro=exact(risk["start_balance"], MICRO),
        position_share=_share(risk["position_size_pct"]),
        max_positions=risk["max_positions"],
        commission=_share(costs["commission_pct"]),
        slippage=_share(costs["slippage_pct"]),
        min_commission_micro=exact(costs["min_commission"], MICRO),
        same_close=config["fill"] == "same_close",
        exit_after_missing_days=risk["exit_after_missing_days"],
        max_volume_share=None if (share := risk["max_volume_share"]) is None else Fraction(Decimal(str(share))),
    )


def _exits(config: Mapping[str, Any]) -> Exits:
    """Return the exit rules of a config's strategy; the user's own one sells by itself."""
    if share_strategies.is_own(config):
        return Exits()
    module, parameters = share_strategies.chosen(config)
    exits: Exits = module.exits(parameters)
    return exits


def _share(percent: float) -> Fraction:
    """Convert a percentage to an exact fraction: 3 becomes 3/100."""
    return Fraction(Decimal(str(percent))) / 100


@dataclass(frozen=True)
class SharesReplay:
    """Replays of configs on the same bars, trading days and calendar, which are read once for all configs.

    Attributes:
        loaded: bars of the symbols that can be traded.
        market: the trading days, ready for passes of the ledger.
        calendar: opens and closes of the exchange, which date the bars.
    """

    loaded: LoadedBars
    market: TradingDays
    calendar: ExchangeCalendar

    @classmethod
    def of(cls, configs: Sequence[Mapping[str, Any]], plan: SharesPlan) -> SharesReplay:
        """Read the bars that any of the configs needs.

        Args:
            configs: resolved configs that differ in keys of FAMILY.replay_keys only.
            plan: their plan, whose panel exists.

        Raises:
            DataMissing: as load_bars.
            SimulationError: as load_bars.
        """
        first = configs[0]
        history = max(share_strategies.history_of(config) for config in configs)
        loaded = load_bars(first, plan, history)
        calendar = known_calendar(first["calendar"], first["date_end_local"])
        clock = Clock(lambda day: calendar.opens(date_of(day)), lambda day: calendar.closes(date_of(day)))
        market = TradingDays(
            bars=loaded.bars,
            first_day=day_of(first["date_start_local"]),
            last_day=day_of(first["date_end_local"]),
            tradable=loaded.eligible,
            clock=clock,
        )
        return cls(loaded, market, calendar)

    def scores(self, config: Mapping[str, Any]) -> Floats:
        """Return per bar the strength of the strategy's entry signal at its close; NaN for no signal."""
        module, parameters = share_strategies.chosen(config)
        scores: Floats = module.scores(self.loaded.bars, parameters)
        return scores

    def run(self, config: Mapping[str, Any], *, books: bool = True) -> ShareResult:
        """Run the ledger over all trading days.

        Args:
            config: a resolved config.
            books: whether the ledger writes down every change of cash; a sweep does not need that.
        """
        if share_strategies.is_own(config):
            make = strategy_file.caller_of(config["strategy"])
            return StepLedger(self.market, rules_of(config), make, books=books).run()
        ledger = Ledger(self.market, rules_of(config), entry_reason=self.code(config), books=books)
        return ledger.run(self.scores(config))

    @functools.cached_property
    def closes(self) -> dict[int, int]:
        """The close of every trading day in Unix seconds, by day number."""
        return {day: self.calendar.closes(date_of(day)) for day in self.market.days}

    def opens(self, day: int) -> int:
        """Return the open of a day in Unix seconds."""
        return self.calendar.opens(date_of(day))

    def points(self, accounts: Sequence[tuple[int, int]], start_micro: int) -> list[Point]:
        """Return the equity curve: the start at the first open, then the close of every trading day.

        Args:
            accounts: (cash, value of the shares) at the close of every trading day, in micro-units.
            start_micro: cash at the start in micro-units.
        """
        days = self.market.days
        points = [Point(ts=self.opens(days[0]), kind="start", cash_micro=start_micro, open_value_micro=0)]
        for day, (cash, open_value) in zip(days, accounts, strict=True):
            kind = "end" if day == days[-1] else "close"
            points.append(Point(ts=self.closes[day], kind=kind, cash_micro=cash, open_value_micro=open_value))
        return points

    def trade(self, config: Mapping[str, Any], made: ShareTrade) -> Trade:
        """Return a position of the ledger as a row of trades.csv."""
        symbol = self.loaded.bars.symbols[made.symbol]
        is_end = made.exit_reason == BACKTEST_END  # booked on the last day, though the symbol's last bar may be older
        return Trade(
            series_ticker=config["calendar"],
            event_ticker=symbol,
            market_ticker=symbol,
            station_id="",
            decision_ts=self.closes[made.signal_day],
            quote_ts=made.position.opened_ts,
            side="BUY",
            model_prob_yes_pico=None,
            ev_gross_pico=None,
            ev_net_total_pico=None,
            reason_code=made.entry_reason,
            settled_result=made.exit_reason,
            settled_ts=self.closes[made.exit_day] if is_end else made.position.closed_ts,
            position=made.position,
        )

    @staticmethod
    def code(config: Mapping[str, Any]) -> str:
        """Return the reason code of a config's entry signals."""
        return str(share_strategies.chosen(config)[0].REASON)

    def decision(self, config: Mapping[str, Any], answer: Answered) -> Decision:
        """Return what became of an entry signal, a fill or a refusal, as a row of decisions.parquet."""
        is_filled = not answer.reason
        return Decision(
            ticker=self.loaded.bars.symbols[self.market.owner[answer.row]],
            first_ts=self.closes[int(self.loaded.bars.day[answer.row])],
            times=1,
            side="BUY",
            quantity=answer.quantity if is_filled else None,
            price_micro=answer.price if is_filled else None,
            filled=is_filled,
            reason=answer.reason or self.code(config),
        )

    def decisions(self, config: Mapping[str, Any], made: ShareResult) -> list[Decision]:
        """Return what became of all entry signals, or of all orders of the user's own strategy."""
        own = [self._own_decision(outcome) for outcome in made.outcomes]
        return own or [self.decision(config, answer) for answer in made.answered]

    def _own_decision(self, outcome: OrderOutcome) -> Decision:
        """Return what became of an order of the user's own strategy as a row of decisions.parquet."""
        return Decision(
            ticker=self.loaded.bars.symbols[outcome.symbol],
            first_ts=self.closes[outcome.decided_day],
            times=1,
            side="SELL" if outcome.is_sale else "BUY",
            quantity=outcome.quantity if outcome.filled else None,
            price_micro=outcome.price if outcome.filled else None,
            filled=outcome.filled,
            reason=outcome.reason,
        )

    def missing_pct(self) -> float | None:
        """Return the share of trading days without a bar, in percent, over all symbols; None without a bar.

        Of each symbol only the days from its first to its last bar of the run count.
        """
        bars, days = self.loaded.bars, np.array(self.market.days)
        expected = present = 0
        for symbol in range(len(bars.symbols)):
            found = bars.day[bars.rows(symbol)]
            found = found[(found >= days[0]) & (found <= days[-1])]
            if len(found):
                present += len(found)
                expected += int(np.searchsorted(days, found[-1], side="right") - np.searchsorted(days, found[0]))
        return (expected - present) / expected * 100 if expected else None

    def ending_early(self, days: int) -> int:
        """Return the number of symbols whose last bar of the run is followed by so many trading days without one.

        Args:
            days: trading days.
        """
        bars, eligible = self.loaded.bars, self.loaded.eligible
        is_last = eligible & (np.asarray(self.market.next_day) == NEVER)
        return int((bars.day[is_last] <= self.market.days[-1 - days]).sum()) if days < len(self.market.days) else 0


def replay_shares(
    conf: Mapping[str, Any], plan: SharesPlan, threads: int, tell: Callable[[int, int], None]
) -> RunResult:
    """Replay a resolved config and write the family's own files into the run's folder.

    Args:
        conf: a resolved config.
        plan: its plan, whose panel exists.
        threads: not used: the ledger is one pass in order of time.
        tell: called with (units of work done, units in all).

    Raises:
        DataMissing: a symbol has no bars or too little history.
        SimulationError: the files of one symbol do not fit together.
    """
    replay = SharesReplay.of([conf], plan)
    made = replay.run(conf)
    tell(1, 1)
    return _result(conf, plan, replay, made)


def trading_days(conf: Mapping[str, Any], plan: SharesPlan) -> list[dt.date]:
    """Return the dates of a resolved config on which any of its symbols has a bar; raises as replay_shares."""
    return [date_of(day) for day in SharesReplay.of([conf], plan).market.days]


def replay_shares_many(configs: Sequence[Mapping[str, Any]], plan: SharesPlan, workers: int) -> list[Summary]:
    """Replay several configs on bars that are read once, and return a summary of each, in order.

    Args:
        configs: resolved configs that differ in keys of FAMILY.replay_keys only.
        plan: their plan, whose panel exists.
        workers: not used: configs are replayed one after the other.

    Raises:
        DataMissing: as replay_shares.
        SimulationError: as replay_shares.
    """
    replay = SharesReplay.of(configs, plan)
    return [_summary(replay, replay.run(config, books=False), config) for config in configs]


def _summary(replay: SharesReplay, made: ShareResult, config: Mapping[str, Any]) -> Summary:
    """Return a run of the ledger as columns: its trades, and its equity curve."""

    def column(values: Iterable[int]) -> Ints:
        return np.fromiter(values, np.int64)

    points = replay.points([(w.cash, w.open_value) for w in made.equity], rules_of(config).start_micro)
    return Summary(
        decision_ts=column(replay.closes[c.signal_day] for c in made.closed),
        quantity=column(c.quantity for c in made.closed),
        fee_micro=column(c.fees for c in made.closed),
        pnl_micro=column(c.pnl for c in made.closed),
        equity_ts=column(point.ts for point in points),
        equity_micro=column(point.equity_micro for point in points),
    )


def _result(conf: Mapping[str, Any], plan: SharesPlan, replay: SharesReplay, made: ShareResult) -> RunResult:
    """Return a run of the ledger as the result of a run, and write the family's own files."""
    # the account and the benchmark by day
    rules, loaded = rules_of(conf), replay.loaded
    held = buy_and_hold(loaded.bars, loaded.eligible, replay.market.days, rules)
    points = replay.points([(w.cash, w.open_value) for w in made.equity], rules.start_micro)
    benchmark = replay.points([(int(worth), 0) for worth in held], rules.start_micro)
    # trades, and the family's own files
    trades = Trades.of_rows(replay.trade(conf, trade) for trade in made.trades)
    holding = [t.exit_day - int(loaded.bars.day[t.entry_row]) for t in made.trades]
    write_files(plan.run_dir, loaded.bars, made.trades, made.equity, held, conf["risk"]["currency"])
    return RunResult(
        start_balance_micro=rules.start_micro,
        end_balance_micro=made.end_cash,
        journal=made.books,
        trades=trades,
        equity=points,
        decisions=ColumnRows.of(Decision, replay.decisions(conf, made)),
        diagnostics=_diagnostics(conf, plan, replay, made),
        skipped=loaded.skipped,
        watermark=replay.closes[replay.market.days[-1]],
        start_ts=points[0].ts,
        end_ts=points[-1].ts,
        days_per_year=TRADING_DAYS_PER_YEAR,
        around_the_clock=False,
        family_metrics={
            "currency": conf["risk"]["currency"],
            "against_benchmark": against_benchmark(
                "buying and holding the universe", "day", returns_of(points), returns_of(benchmark), conf["seed"]
            ),
            **share_metrics(points, trades, benchmark, holding, [replay.market.days[0], *replay.market.days]),
            **no_bars_metrics(trades),
            **volume_metrics(made.trades, loaded.bars),
        },
    )


def _diagnostics(conf: Mapping[str, Any], plan: SharesPlan, replay: SharesReplay, made: ShareResult) -> dict[str, Any]:
    """Return the section `diagnostics` of metrics.json."""
    loaded = replay.loaded
    skips = Counter(reason for _, reason in loaded.skipped)
    in_run = loaded.bars.day >= replay.market.days[0]
    return {
        "events_attempted": len(plan.files.universe),
        "events_traded": len({trade.symbol for trade in made.trades}),
        "events_skipped": dict(sorted(skips.items())),
        "rejections": dict(sorted(made.refusals.items())),
        "candles_missing_pct": replay.missing_pct(),
        "quarantined": dict(sorted(loaded.quarantined.items())),
        "trading_days": len(replay.market.days),
        "trading_days_not_listed": sum(not replay.calendar.lists(date_of(day)) for day in replay.market.days),
        "bars": int(in_run.sum()),
        "bars_without_volume": int((in_run & ~loaded.bars.can_fill).sum()),
        "bars_of_unknown_volume": int((in_run & (loaded.bars.volume_limit == NEVER)).sum()),
        "symbols_that_end_early": replay.ending_early(conf["risk"]["exit_after_missing_days"] or ENDED_DAYS),
        "adjustment": loaded.adjustment,
        "fill": conf["fill"],
        "optimistic": conf["fill"] == "same_close",
        # what the market could have taken of it
        "liquidity": liquidity(
            conf,
            _volume_use(made, loaded.bars.volume_limit),
            _summary(replay, made, conf),
            lambda capped: _summary(replay, replay.run(capped, books=False), capped),
        ),
    }


def _volume_use(made: ShareResult, volume_limit: Ints) -> VolumeUse:
    """Return the entries beside the volume of the bars at which they filled.

    Args:
        made: the run.
        volume_limit: by bar, the shares that were traded; NEVER where the source does not know it.
    """
    volumes = volume_limit[[closed.entry_row for closed in made.closed]].tolist() if made.closed else []
    return VolumeUse.of(
        Entry(closed.quantity, None if volume == NEVER else volume)
        for closed, volume in zip(made.closed, volumes, strict=True)
    )
