"""Replay of intraday equities: reads the panel, passes over the sessions, and makes the result of a run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from typing import Any

import numpy as np

from tradewinds.core.column_rows import ColumnRows
from tradewinds.core.errors import DataMissing
from tradewinds.engine.bar_sessions.minute_bars import UNKNOWN_VOLUME, MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import OrbRules
from tradewinds.engine.bar_sessions.session_loop import run, run_policies
from tradewinds.engine.bar_sessions.session_orders import STRATEGY, SessionOutcome
from tradewinds.engine.bar_sessions.session_result import ANSWERS, BREAK_COLUMNS, EXITS, OrbTrade, SessionsResult
from tradewinds.engine.bar_sessions.setups import History
from tradewinds.engine.bar_sessions.step_sessions import called_policies, run_called
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Decision, RunResult, Summary
from tradewinds.engine.run_trades import Trade, Trades
from tradewinds.engine.trades import Position, positions_of
from tradewinds.families import strategy_file
from tradewinds.families.equities_intraday.metrics import diagnostics, session_dates, session_metrics
from tradewinds.families.equities_intraday.plan import IntradayPlan
from tradewinds.families.equities_intraday.run_files import write_session_files
from tradewinds.families.equities_intraday.session_panel import SessionPanel, read_session_panel
from tradewinds.families.equities_intraday.session_rules import cutoff_of, rules_of
from tradewinds.reference_data.corporate_actions import read_actions
from tradewinds.reference_data.exchange_calendar import TRADING_DAYS_PER_YEAR, calendar_of, day_number
from tradewinds.results.edge.against_benchmark import against_benchmark, returns_of
from tradewinds.results.liquidity import Entry, VolumeUse, liquidity

ENTRY_REASON = "ORB_BREAK"
_SIDES = {1: "BUY", -1: "SELL_SHORT"}
_SIDES_OF_EXITS = {1: "SELL", -1: "BUY_TO_COVER"}


@dataclass(frozen=True)
class IntradayStudy:
    """The bars on which configs are replayed; they are read once for all configs.

    Attributes:
        panel: the panel, with its metadata.
        history: the bars, and what is known before each open.
        timezone: of the exchange.
        first: index of the first session of the run.
        end: index after its last.
    """

    panel: SessionPanel
    history: History
    timezone: str
    first: int
    end: int

    @classmethod
    def of(cls, config: Mapping[str, Any], plan: IntradayPlan) -> IntradayStudy:
        """Read the panel of a plan.

        Args:
            config: one of the configs, which differ in keys of FAMILY.replay_keys only.
            plan: their plan, whose panel exists.

        Raises:
            DataMissing: there is no session in the run.
            DamagedFile: the panel is not as it was written.
        """
        panel = read_session_panel(plan.files.panel)
        days = [day_number(config["date_start_local"]), day_number(config["date_end_local"]) + 1]
        first, end = np.searchsorted(panel.days, days).tolist()
        if first == end:
            span = f"{config['date_start_local']} to {config['date_end_local']}"
            what = f"{config['calendar']} has no session from {span}."
            raise DataMissing(what, where="date_start_local", remedy="Choose a range with trading days.")
        timezone = calendar_of(config["calendar"], config["date_end_local"]).timezone
        # prices that are adjusted already must not be adjusted again
        splits = splits_of(None if config["bars"]["adjusted"] else config["actions"])
        history = History(bars_of(panel), splits)
        return cls(panel, history, timezone, first, end)

    @property
    def bars(self) -> MinuteBars:
        """The bars, warm-up sessions included."""
        return self.history.bars

    def rules(self, config: Mapping[str, Any]) -> OrbRules:
        """Return the rules of a config."""
        return rules_of(config, self.history.splits)

    def replay(self, config: Mapping[str, Any]) -> SessionsResult:
        """Trade the sessions of the run; raises SimulationError as session_loop.run and step_sessions.run_called."""
        cutoff = cutoff_of(config, self.bars, self.timezone)
        if strategy_file.is_own(config):
            make = strategy_file.caller_of(config["strategy"])
            return run_called(self.history, self.rules(config), cutoff, self.first, self.end, make)
        return run(self.history, self.rules(config), cutoff, self.first, self.end)

    def policies(self, config: Mapping[str, Any]) -> dict[str, SessionsResult]:
        """Trade them under each order of events inside a bar, by its name; raises as `replay`."""
        cutoff = cutoff_of(config, self.bars, self.timezone)
        if strategy_file.is_own(config):
            make = strategy_file.caller_of(config["strategy"])
            return called_policies(self.history, self.rules(config), cutoff, self.first, self.end, make)
        return run_policies(self.history, self.rules(config), cutoff, self.first, self.end)


def bars_of(panel: SessionPanel) -> MinuteBars:
    """Return the bars of a panel."""
    return MinuteBars(
        symbols=panel.symbols,
        days=panel.days,
        open_ts=panel.open_ts,
        close_ts=panel.close_ts,
        first_row=panel.first_row,
        minute=panel.minute,
        open=panel.open,
        high=panel.high,
        low=panel.low,
        close=panel.close,
        volume=panel.volume,
        bar_minutes=panel.bar_minutes,
    )


def splits_of(actions: str | None) -> dict[str, tuple[tuple[int, Fraction], ...]]:
    """Return the splits of a table of actions: by symbol, (day since 1970-01-01, new shares for one old one).

    Args:
        actions: path of the table; None: there is none. Its dividends change nothing, because no position is held at night.

    Raises:
        ConfigError: the file cannot be read.
    """
    table = {} if actions is None else read_actions(actions)
    splits = {
        name: tuple((row.day, Fraction(row.split)) for row in rows if row.split != 1) for name, rows in table.items()
    }
    return {name: rows for name, rows in splits.items() if rows}


def simulate(
    config: Mapping[str, Any], plan: IntradayPlan, threads: int, tell: Callable[[int, int], None]
) -> RunResult:
    """Replay a resolved config and write the family's own files into the run's folder.

    Args:
        config: resolved.
        plan: its plan, whose panel exists.
        threads: not used: the pass is one, in order of time.
        tell: called with (units of work done, units in all).

    Raises:
        DataMissing: there is no session in the run.
        SimulationError: a position would be too large for exact amounts.
    """
    study = IntradayStudy.of(config, plan)
    policies = study.policies(config)
    made = policies[config["trade"]["intrabar"]]
    tell(1, 1)
    figures = session_metrics(config, study, made, policies)
    write_session_files(plan.run_dir, plan.run_id, config, study, made, figures["symbols"])
    return _result(config, study, made, policies, figures)


def simulate_many(configs: Sequence[Mapping[str, Any]], plan: IntradayPlan, workers: int) -> list[Summary]:
    """Replay several configs on bars that are read once, and return a summary of each, in order.

    Args:
        configs: resolved configs that differ in keys of FAMILY.replay_keys only.
        plan: their plan, whose panel exists.
        workers: number of threads; the loop runs without Python's lock. A strategy of the user's own needs that lock, and the
            main thread, in which its time is limited.

    Raises:
        DataMissing: as simulate.
        SimulationError: as simulate.
    """
    study = IntradayStudy.of(configs[0], plan)
    if any(map(strategy_file.is_own, configs)):
        return [_summary(study, study.replay(config)) for config in configs]
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        return list(pool.map(lambda config: _summary(study, study.replay(config)), configs))


def run_dates(config: Mapping[str, Any], plan: IntradayPlan) -> list[dt.date]:
    """Return the dates of a config's sessions; raises DataMissing as simulate."""
    study = IntradayStudy.of(config, plan)
    return session_dates(study.bars)[study.first : study.end]


def _result(
    config: Mapping[str, Any],
    study: IntradayStudy,
    made: SessionsResult,
    policies: Mapping[str, SessionsResult],
    figures: dict[str, Any],
) -> RunResult:
    """Return a pass, the same under each order of events inside a bar, and its figures, as the result of a run."""
    journal = made.journal(entry_reason(made))
    positions = positions_of(journal)
    reason = entry_reason(made)
    pairs = zip(made.trades, positions, strict=True)
    trades = Trades.of_rows(_trade(config, study, trade, position, reason) for trade, position in pairs)
    points = _points(study, made)
    return RunResult(
        start_balance_micro=points[0].cash_micro,
        end_balance_micro=points[-1].cash_micro,
        journal=journal,
        trades=trades,
        equity=points,
        decisions=ColumnRows.of(Decision, _decisions(study, made)),
        diagnostics=diagnostics(config, study, made, policies) | liquidity_of(config, study, made),
        skipped=_skipped(study, made),
        watermark=int(study.bars.close_ts[study.end - 1]),
        start_ts=points[0].ts,
        end_ts=points[-1].ts,
        days_per_year=TRADING_DAYS_PER_YEAR,
        around_the_clock=False,
        family_metrics=figures | against_cash(config, points),
    )


def liquidity_of(config: Mapping[str, Any], study: IntradayStudy, made: SessionsResult) -> dict[str, Any]:
    """Return the run's entries beside the volume of the bars in which they filled, and the run under caps of it."""

    def under(capped: Mapping[str, Any]) -> Summary:
        return _summary(study, study.replay(capped))

    return {"liquidity": liquidity(config, VolumeUse.of(_entries(made)), _summary(study, made), under)}


def _entries(made: SessionsResult) -> Iterator[Entry]:
    """Yield each entry with the volume of its bar."""
    bars, sessions = made.bars, len(made.bars.days)
    for trade in made.trades:
        k = trade.symbol * sessions + trade.session
        first, end = bars.first_row[k : k + 2].tolist()
        minute = (trade.bar_ts - int(bars.open_ts[trade.session])) // 60
        volume = int(bars.volume[first + int(np.searchsorted(bars.minute[first:end], minute))])
        yield Entry(trade.shares, None if volume == UNKNOWN_VOLUME else volume)


def against_cash(config: Mapping[str, Any], points: Sequence[Point]) -> dict[str, Any]:
    """Compare the sessions with holding cash, which is what the account does at night and on a day without an entry.

    Args:
        config: resolved.
        points: equity at the start and at the close of every session.
    """
    returns = returns_of(points)
    return {
        "against_benchmark": against_benchmark("holding cash", "session", returns, [0.0] * len(returns), config["seed"])
    }


def _points(study: IntradayStudy, made: SessionsResult) -> list[Point]:
    """Return the equity curve: the start at the first open, then the close of every session; nothing is held at night."""
    closes = study.bars.close_ts[study.first : study.end].tolist()
    cash = made.cash.sum(axis=1).tolist()
    start = Point(
        ts=int(study.bars.open_ts[study.first]),
        kind="start",
        cash_micro=made.start_micro * made.accounts,
        open_value_micro=0,
    )
    kinds = ["close"] * (len(closes) - 1) + ["end"]
    return [start, *(Point(ts, kind, amount, 0) for ts, kind, amount in zip(closes, kinds, cash, strict=True))]


def entry_reason(made: SessionsResult) -> str:
    """Return the reason code of the entries of a pass."""
    return STRATEGY if made.called else ENTRY_REASON


def _trade(config: Mapping[str, Any], study: IntradayStudy, made: OrbTrade, position: Position, reason: str) -> Trade:
    """Return a trade of the pass as a row of trades.csv."""
    symbol = study.bars.symbols[made.symbol]
    return Trade(
        series_ticker=config["calendar"],
        event_ticker=symbol,
        market_ticker=symbol,
        station_id="",
        decision_ts=made.bar_ts,
        quote_ts=made.entry_ts,
        side=_SIDES[made.direction],
        model_prob_yes_pico=None,
        ev_gross_pico=None,
        ev_net_total_pico=None,
        reason_code=reason,
        settled_result=EXITS[made.exit_reason],
        settled_ts=made.exit_ts,
        position=position,
    )


def _decisions(study: IntradayStudy, made: SessionsResult) -> list[Decision]:
    """Return what became of every break or order, a fill or a refusal, as rows of decisions.parquet."""
    if made.called:
        return [_own_decision(study, outcome) for outcome in made.outcomes]
    breaks = {name: made.break_rows[:, index].tolist() for index, name in enumerate(BREAK_COLUMNS)}
    filled = [not answer for answer in breaks["answer"]]
    sizes, prices = (iter([getattr(trade, name) for trade in made.trades]) for name in ("shares", "fill"))
    # in the order of Decision's attributes; column by column, since a year has hundreds of thousands of them
    columns = (
        [study.bars.symbols[symbol] for symbol in breaks["symbol"]],
        breaks["bar_ts"],
        repeat(1),  # times
        [_SIDES[direction] for direction in breaks["direction"]],
        [next(sizes) if is_filled else None for is_filled in filled],
        [next(prices) if is_filled else None for is_filled in filled],
        filled,
        [ANSWERS[answer] or ENTRY_REASON for answer in breaks["answer"]],
    )
    return [Decision(*row) for row in zip(*columns, strict=False)]


def _own_decision(study: IntradayStudy, outcome: SessionOutcome) -> Decision:
    """Return what became of an order of the user's own strategy as a row of decisions.parquet."""
    return Decision(
        ticker=study.bars.symbols[outcome.symbol],
        first_ts=outcome.decided_ts,
        times=1,
        side=(_SIDES_OF_EXITS if outcome.is_exit else _SIDES)[outcome.direction],
        quantity=outcome.shares if outcome.filled else None,
        price_micro=outcome.price if outcome.filled else None,
        filled=outcome.filled,
        reason=outcome.reason,
    )


def _skipped(study: IntradayStudy, made: SessionsResult) -> list[tuple[str, str]]:
    """Return (symbol, NO_BARS) of the symbols without a bar in the run's sessions."""
    count = study.bars.has_bars[:, study.first : study.end].sum(axis=1).tolist()
    return [(name, "NO_BARS") for name, sessions in zip(study.bars.symbols, count, strict=True) if not sessions]


def _summary(study: IntradayStudy, made: SessionsResult) -> Summary:
    """Return a pass as columns: its trades, and its equity curve."""
    points = _points(study, made)
    rows, fees = made.trade_rows, np.zeros(len(made.trade_rows), np.int64)
    np.add.at(fees, made.leg_rows[:, 0], made.leg_rows[:, 5])
    return Summary(
        decision_ts=rows[:, 3].copy(),
        quantity=rows[:, 9].copy(),
        fee_micro=fees,
        pnl_micro=rows[:, 16].copy(),
        equity_ts=np.array([point.ts for point in points], np.int64),
        equity_micro=np.array([point.cash_micro for point in points], np.int64),
    )
