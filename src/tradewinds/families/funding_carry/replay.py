"""Replay of funding carry: reads the panel, passes over the settlements, and makes the result of a run."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.column_rows import ColumnRows
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import instant
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.carry.carry_loop import run_carry
from tradewinds.engine.carry.carry_result import CarryFill, CarryPosition, CarryResult
from tradewinds.engine.carry.carry_rules import SimpleStrategy
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.engine.journal import REMEDY, Journal
from tradewinds.engine.result import Decision, FillRow, RunResult, Summary
from tradewinds.engine.run_trades import Trade, Trades
from tradewinds.engine.trades import Position, positions_of
from tradewinds.families.funding_carry.carry_panel import read_carry_panel, read_left_out
from tradewinds.families.funding_carry.metrics import carry_metrics, daily_returns, diagnostics, skipped_symbols
from tradewinds.families.funding_carry.plan import CarryPlan
from tradewinds.families.funding_carry.run_files import position_name, write_carry_files
from tradewinds.families.funding_carry.run_rules import fraction, rules_of
from tradewinds.results.edge.against_benchmark import against_benchmark
from tradewinds.results.liquidity import Entry, VolumeUse, liquidity

FILL_COLUMNS = ("reference_price", "slippage")  # of trades.csv, beyond those of every family
_SIDES = {1: "BUY", -1: "SELL"}


@dataclass(frozen=True)
class CarryStudy:
    """The records on which configs are replayed; they are read once for all of them.

    Attributes:
        markets: of the symbols that are not left out.
        left_out: why a symbol of the config is left out, by symbol.
    """

    markets: CarryMarkets
    left_out: Mapping[str, str]

    @classmethod
    def of(cls, config: Mapping[str, Any], plan: CarryPlan) -> CarryStudy:
        """Read the panel of a plan.

        Args:
            config: one of the configs, which differ in keys of FAMILY.replay_keys only.
            plan: their plan, whose panel exists.

        Raises:
            DamagedFile: the panel is not as it was written.
        """
        markets = CarryMarkets(read_carry_panel(plan.files.panel, config), rules_of(config))
        return cls(markets, read_left_out(plan.files.panel))


def simulate(config: Mapping[str, Any], plan: CarryPlan, threads: int, tell: Callable[[int, int], None]) -> RunResult:
    """Replay a resolved config and write the family's own files into the run's folder.

    Args:
        config: resolved.
        plan: its plan, whose panel exists.
        threads: not used: the pass is one, in order of time.
        tell: called with (units of work done, units in all).

    Raises:
        SimulationError: an amount is too large for exact books.
        DamagedFile: the panel is not as it was written.
    """
    study = CarryStudy.of(config, plan)
    made = run_carry(study.markets, rules_of(config))
    refuse_drift(made.journal, fraction(config["risk"]["max_delta_drift"]))
    tell(1, 1)
    write_carry_files(plan.run_dir, rules_of(config), study.markets, made)
    return run_result(config, study, made)


def simulate_many(configs: Sequence[Mapping[str, Any]], plan: CarryPlan, workers: int) -> list[Summary]:
    """Replay several configs on records that are read once, and return a summary of each, in order.

    Args:
        configs: resolved configs that differ in keys of FAMILY.replay_keys only.
        plan: their plan, whose panel exists.
        workers: not used: the pass is in Python, which runs one thread at a time.

    Raises:
        SimulationError: as simulate.
        DamagedFile: as simulate.
    """
    study = CarryStudy.of(configs[0], plan)
    return [_summary(rules_of(config).end_ts, run_carry(study.markets, rules_of(config))) for config in configs]


def run_result(config: Mapping[str, Any], study: CarryStudy, made: CarryResult) -> RunResult:
    """Return a pass as the result of a run."""
    source, rules = str(config["data"]["source"]), rules_of(config)
    positions = positions_of(made.journal)
    refuse_wrong_parts(made, positions)
    return RunResult(
        start_balance_micro=made.start_cash,
        end_balance_micro=made.end_cash,
        journal=made.journal,
        trades=Trades.of_rows(_trade(source, made, *pair) for pair in zip(made.positions, positions, strict=True)),
        equity=made.equity,
        decisions=ColumnRows.of(Decision, _decisions(made)),
        diagnostics=diagnostics(config, made, study.left_out) | liquidity_of(config, study, made),
        skipped=skipped_symbols(config, made, study.left_out),
        watermark=_watermark(study.markets),
        start_ts=rules.start_ts,
        end_ts=rules.end_ts,
        days_per_year=365,
        around_the_clock=True,
        family_metrics=carry_metrics(config, made, study.left_out) | against_hold_always(config, study, made),
        fills=[_fill(source, made.symbols, fill) for fill in made.fills],
        fill_columns=FILL_COLUMNS,
    )


def liquidity_of(config: Mapping[str, Any], study: CarryStudy, made: CarryResult) -> dict[str, Any]:
    """Return the legs of the run's entries beside the volume of the candles before them, and the run under caps of it."""

    def under(capped: Mapping[str, Any]) -> Summary:
        rules = rules_of(capped)
        return _summary(rules.end_ts, run_carry(study.markets, rules))

    own = _summary(rules_of(config).end_ts, made)
    use = VolumeUse.of(_entries(study, made), unknown_is_none=True)
    return {"liquidity": liquidity(config, use, own, under, adds_up=False)}


def _entries(study: CarryStudy, made: CarryResult) -> Iterator[Entry]:
    """Yield each leg of each entry with what its last complete candle traded, weighed by its price.

    A series whose volumes are all 0 has none: the source does not record it.
    """
    has_volume = [
        (bool(prices.spot.candles.volume.any()), bool(prices.perp.candles.volume.any()))
        for prices in study.markets.prices
    ]
    for fill in made.fills:
        if fill.opens:
            prices = study.markets.prices[fill.symbol]
            volume = (prices.perp if fill.is_perp else prices.spot).last(fill.ts).volume
            yield Entry(fill.quantity, volume if has_volume[fill.symbol][fill.is_perp] else None, fill.reference)


def against_hold_always(config: Mapping[str, Any], study: CarryStudy, made: CarryResult) -> dict[str, Any]:
    """Compare the run's days with those of a position that is held from the first settlement to the last, whatever the rate.

    It is a second pass over the same records with the run's own costs, sizes and direction.

    Args:
        config: resolved.
        study: what the run read.
        made: the run.
    """
    rules = rules_of(config)
    always = dataclasses.replace(
        rules, strategy=SimpleStrategy(Fraction(-1), Fraction(-1)), max_breakeven=None, stepwise=None
    )
    held = made if rules == always else run_carry(study.markets, always)
    returns, others = (daily_returns(one.start_cash, one.equity, rules.start_ts, rules.end_ts) for one in (made, held))
    return {"against_benchmark": against_benchmark("holding always", "day", returns, others, config["seed"])}


def refuse_drift(journal: Journal, most: Fraction) -> None:
    """Compare the quantities of both legs of each position after every instant of the books.

    Args:
        journal: the books.
        most: largest difference allowed, as a part of the larger quantity (`risk.max_delta_drift`).

    Raises:
        SimulationError: a position's legs differ by more.
    """
    held: dict[int, list[int]] = {}
    columns = zip(*(getattr(journal, name).tolist() for name in ("ts", "position_id", "leg", "quantity")), strict=True)
    for ts, rows in itertools.groupby(columns, key=lambda row: row[0]):
        touched = set()
        for _, position, leg, quantity in rows:
            held.setdefault(position, [0, 0])[leg] += quantity
            touched.add(position)
        for position in touched:
            legs = held[position]
            if abs(sum(legs)) > most * max(map(abs, legs)):
                what = f"the legs of {position_name(position)} hold {legs} after {instant(ts)}, in units of 10^-8."
                raise SimulationError(what, where="risk.max_delta_drift", remedy=REMEDY)


def refuse_wrong_parts(made: CarryResult, positions: Sequence[Position]) -> None:
    """Compare the parts of each position's profit with what the books made of it.

    Net = funding + price P&L - fees - slippage - borrow - liquidation cost, and the sum of the changes of cash.

    Args:
        made: the pass.
        positions: of its journal, in order of opening.

    Raises:
        SimulationError: they differ; it names the position.
    """
    for one, books in zip(made.positions, positions, strict=True):
        if one.net != books.pnl:
            what = (
                f"the parts of {position_name(one.number)} come to {one.net}, its books to {books.pnl}; units of 10^-8."
            )
            raise SimulationError(what, where="positions", remedy=REMEDY)


def leg_name(symbol: str, is_perp: bool) -> str:
    """Return the name of a leg: the symbol for the perpetual, the part before the colon for the spot leg."""
    return symbol if is_perp else symbol.split(":")[0]


def _trade(source: str, made: CarryResult, one: CarryPosition, books: Position) -> Trade:
    """Return a position as a trade, whose amounts come from the books."""
    return Trade(
        series_ticker=source,
        event_ticker=position_name(one.number),
        market_ticker=made.symbols[one.symbol],
        station_id="",
        decision_ts=one.open_ts,
        quote_ts=one.open_ts,
        side=_SIDES[one.direction],
        model_prob_yes_pico=None,
        ev_gross_pico=None,
        ev_net_total_pico=None,
        reason_code=one.exit_reason,
        settled_result="close",
        settled_ts=one.close_ts,
        position=books,
    )


def _fill(source: str, symbols: Sequence[str], fill: CarryFill) -> FillRow:
    """Return a fill as a row of trades.csv."""
    return FillRow(
        series_ticker=source,
        event_ticker=position_name(fill.position),
        market_ticker=leg_name(symbols[fill.symbol], fill.is_perp),
        decision_ts=fill.ts,
        quote_ts=fill.price_ts,
        side=_SIDES[fill.side],
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        reason_code=fill.reason,
        settled_result="open" if fill.opens else "close",
        settled_ts=fill.ts,
        payout=-fill.side * fill.value,
        pnl=fill.pnl,
        more=(fill.reference, fill.slippage),
    )


def _decisions(made: CarryResult) -> list[Decision]:
    """Return the fills, and the refusals counted by symbol, side and reason, as rows of decisions.parquet."""
    found = [
        Decision(
            ticker=leg_name(made.symbols[fill.symbol], fill.is_perp),
            first_ts=fill.ts,
            times=1,
            side=_SIDES[fill.side],
            quantity=fill.quantity,
            price_micro=fill.price,
            filled=True,
            reason=fill.reason,
        )
        for fill in made.fills
    ]
    counted: dict[tuple[int, int, str], list[int]] = {}
    for refusal in made.refusals:
        first = counted.setdefault((refusal.symbol, refusal.side, refusal.reason), [refusal.ts, 0])
        first[1] += 1
    for (symbol, side, reason), (first_ts, times) in counted.items():
        found.append(Decision(made.symbols[symbol], first_ts, times, _SIDES[side], None, None, False, reason))
    return found


def _watermark(markets: CarryMarkets) -> int | None:
    """Return the latest instant whose records were read; None without one."""
    return int(markets.instants[-1]) if len(markets.instants) else None


def _summary(end_ts: int, made: CarryResult) -> Summary:
    """Return a pass as columns: its positions, and its equity curve up to the end of the range."""
    count = len(made.positions)
    columns = np.array([(p.open_ts, p.quantity, p.fees, p.net) for p in made.positions], np.int64).reshape(count, 4).T
    ts: Ints = np.array([point.ts for point in made.equity], np.int64)
    equity: Ints = np.array([point.equity_micro for point in made.equity], np.int64)
    if len(ts) and ts[-1] // DAY_SECONDS < end_ts // DAY_SECONDS - 1:
        # days without a settlement at the end of the range have a return of 0 each
        ts, equity = np.append(ts, end_ts), np.append(equity, equity[-1])
    return Summary(
        decision_ts=columns[0].copy(),
        quantity=columns[1].copy(),
        fee_micro=columns[2].copy(),
        pnl_micro=columns[3].copy(),
        equity_ts=ts,
        equity_micro=equity,
        places=8,
        earns_while_held=True,
    )
