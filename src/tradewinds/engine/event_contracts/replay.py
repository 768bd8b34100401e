"""The replay: one chronological pass over all contracts against one cash account, from batch to batch of candles."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.column_rows import ColumnRows, joined, objects
from tradewinds.core.errors import SimulationError
from tradewinds.core.units import NEVER
from tradewinds.engine.event_contracts import kernel, kernel_structures
from tradewinds.engine.event_contracts.candles import NO_AGE_LIMIT, LiveCandles, decision_times
from tradewinds.engine.event_contracts.changing_chances import ChanceRows
from tradewinds.engine.event_contracts.contract_journal import journal_of
from tradewinds.engine.event_contracts.contracts import Contract, Side
from tradewinds.engine.event_contracts.fill_summary import summary_of
from tradewinds.engine.event_contracts.fills import Fills, decisions_of
from tradewinds.engine.event_contracts.limits import EV_THRESHOLD, REFUSAL_REASONS, Opposing
from tradewinds.engine.event_contracts.offers import OfferCodes, QuoteCodes, offers_by_price, offers_by_quote, table_of
from tradewinds.engine.event_contracts.order_books import OrderBooks
from tradewinds.engine.event_contracts.order_rules import Prices, Rules
from tradewinds.engine.journal import Journal
from tradewinds.engine.result import Decision, Summary

_BUFFER_ROWS = 1 << 12
_IDX, _DECISION = 0, 5  # columns of a row of `fills` in kernel_structures.Buffers
_SIDE_NAMES, _REASONS = objects([side.name for side in Side]), objects(REFUSAL_REASONS)


class ReplayOutcome(NamedTuple):
    """The outcome of a replay, fill by fill.

    Attributes:
        fills: in execution order.
        rejections: number of refusals by reason.
        decisions: fills, then refusals.
        end_cash_micro: the account's own cash at the end; micro-units.
        equity: (instant in Unix s, cash, open value in micro-units), in order of time.
        journal: the books, in which fill n opens position n; empty if the replay kept none.
    """

    fills: Fills
    rejections: Counter[str]
    decisions: ColumnRows[Decision]
    end_cash_micro: int
    equity: list[tuple[int, int, int]]
    journal: Journal


class RunContracts:
    """All contracts of a run as columns, in the order of their tickers; shared by all replays of them.

    Args:
        contracts: the contracts that may be traded, in any order.

    Attributes:
        contracts: sorted by ticker.
        idx: index of each ticker in `contracts`.
        tickers: by idx.
        p_pico: by idx, probability of YES at the start; pico-units.
        changes: by idx, whether that probability changes later.
        by_settlement: idx of all contracts by settlement time and ticker.
    """

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.contracts = sorted(contracts, key=lambda contract: contract.ticker)
        self.idx = {contract.ticker: i for i, contract in enumerate(self.contracts)}
        self.tickers = objects([contract.ticker for contract in self.contracts])
        events = {c.event.name: c.event for c in self.contracts}
        event_index = {name: i for i, name in enumerate(events)}
        counts = np.array([len(event.day_starts) for event in events.values()], np.int64)
        self.events = len(events)
        self.event = _column([event_index[c.event.name] for c in self.contracts])
        self.start_ts = _column([c.start_ts for c in self.contracts])
        self.end_ts = _column([c.end_ts for c in self.contracts])
        self.settle_ts = _column([c.settle_ts for c in self.contracts])
        self.p_pico = _column([c.p_pico for c in self.contracts])
        self.changes = np.array([bool(c.later_p) for c in self.contracts], np.bool_)
        self.payout_yes = _column([c.payout_yes_micro for c in self.contracts])
        self.end_midnight = np.cumsum(counts)
        self.first_midnight = self.end_midnight - counts
        self.days = _column([ts for event in events.values() for ts in event.day_starts])
        self.event_settles = np.full(self.events, NEVER, np.int64)
        np.minimum.at(self.event_settles, self.event, self.settle_ts)
        self.by_settlement = np.lexsort((np.arange(len(self.contracts)), self.settle_ts))

    def market(self, step_seconds: int) -> kernel_structures.MarketColumns:
        """Return the columns that the compiled loops read.

        Args:
            step_seconds: seconds between decision times.
        """
        first_t, last_t = decision_times(self.start_ts, self.end_ts, step_seconds)
        return kernel_structures.MarketColumns(
            event=self.event,
            event_settles=self.event_settles,
            first_t=first_t,
            last_t=last_t,
            settle_ts=self.settle_ts,
            payout_yes=self.payout_yes,
            first_midnight=self.first_midnight,
            end_midnight=self.end_midnight,
            days=self.days,
        )


class LiveClock(NamedTuple):
    """Decision times of live contracts.

    Attributes:
        by_start: places of the contracts in the live candles, by their first decision time.
        first_t: the first decision time of any; NEVER without one.
        last_t: the last one; -NEVER without one.
    """

    by_start: Ints
    first_t: int
    last_t: int


class CodedCandles:
    """Live candles with the codes of their rows, which all replays share.

    Args:
        run_contracts: all contracts of the run.
        live: the candles of those that are not settled yet.

    Attributes:
        member: by idx, index of the contract in the live, or -1.
        chances: their rows, each with one probability, which have the codes.
    """

    def __init__(self, run_contracts: RunContracts, live: LiveCandles) -> None:
        self.live = live
        self.member = np.full(len(run_contracts.contracts), -1, np.int64)
        self.member[live.idx] = np.arange(len(live.idx))
        self._clocks: dict[int, LiveClock] = {}
        self.chances = ChanceRows.of(live)

    def clock(self, market: kernel_structures.MarketColumns, step_seconds: int) -> LiveClock:
        """Return the decision times of the contracts; the same object for all replays of a clock.

        Args:
            market: columns of the run's contracts.
            step_seconds: seconds between decision times, by which the columns were made.
        """
        if step_seconds not in self._clocks:
            first_t, last_t = market.first_t[self.live.idx], market.last_t[self.live.idx]
            self._clocks[step_seconds] = LiveClock(
                by_start=np.argsort(first_t, kind="stable"),
                first_t=int(first_t.min(initial=NEVER)),
                last_t=int(last_t.max(initial=-NEVER)),
            )
        return self._clocks[step_seconds]

    @functools.cached_property
    def lowest(self) -> Prices:
        """By block of rows, the lowest price of YES and NO; micro-units."""
        return kernel.lowest_prices(self.chances.rows.bid, self.chances.rows.ask)

    @functools.cached_property
    def by_price(self) -> OfferCodes:
        """Codes by side and price."""
        return offers_by_price(self.chances)

    @functools.cached_property
    def by_quote(self) -> QuoteCodes:
        """Codes by quote."""
        return offers_by_quote(self.chances)


class Replay:
    """The replay of one account under some rules.

    Args:
        run_contracts: all contracts that may be traded.
        rules: how orders are made.
        cash_micro: start balance; micro-units.
        full_audit: record every refusal with its quote.
        counted: count refusals and keep the books. A replay without is faster.
        books: order books from which orders are filled; None: no contract has one.
    """

    def __init__(
        self,
        run_contracts: RunContracts,
        rules: Rules,
        cash_micro: int,
        *,
        full_audit: bool = False,
        counted: bool = True,
        books: OrderBooks | None = None,
    ) -> None:
        self.run_contracts, self.rules, self._books = run_contracts, rules, books
        self._market = run_contracts.market(rules.step_seconds)
        self._limits, self._kept = _limits(rules), kernel.KeptStructures.new()
        self._eras = _column([[era.since_ts, era.grid, era.balance_grid] for era in rules.fee_rule.eras])
        count = len(run_contracts.contracts)
        self._account = kernel_structures.new_account(count, run_contracts.events, cash_micro)
        shape = (count if counted else 0, 2, len(REFUSAL_REASONS))
        self._counts, self._firsts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._stretch = np.zeros((count if full_audit else 0, kernel_structures.REFUSAL_COLUMNS), np.int64)
        self._settlements = np.empty((2 * count if counted else 0, kernel_structures.SETTLEMENT_COLUMNS), np.int64)
        self._fills: list[np.ndarray] = []
        self._refusals: list[np.ndarray] = []
        self._equity: list[Ints] = []  # pieces of (instants, 3) rows: instant, cash, open value

    def advance(self, codes: CodedCandles, until: int, instants: Ints) -> None:
        """Replay the decision times before an instant.

        Args:
            codes: the candles that are visible at them.
            until: Unix s.
            instants: when equity is recorded, ascending; Unix s.

        Raises:
            SimulationError: the account would hold too many contracts for exact arithmetic, or a fee has too many digits.
        """
        self.play(self.prepare(codes, until, instants))

    def prepare(self, codes: CodedCandles, until: int, instants: Ints) -> kernel_structures.Pass:
        """Return a pass for `play`, which needs nothing of the account: a strategy is asked here. Arguments as for `advance`.

        Raises:
            SimulationError: a fee has too many digits.
        """
        live, rules = codes.live, self.rules
        # what the rules want of every offer in the candles
        offers: OfferCodes = codes.by_price if rules.from_strategy is None else codes.by_quote
        clock = codes.clock(self._market, rules.step_seconds)
        eras = self._eras_of(clock, until)
        try:
            table = table_of(offers, rules, eras)
        except OverflowError as error:
            raise SimulationError(
                f"{error} to be exact.", where="fees", remedy="Check fee_multiplier in the catalog."
            ) from None
        most_levels = 1 if self._books is None else self._books.most_levels
        rows = max(_BUFFER_ROWS, len(live.idx) * most_levels)
        return kernel_structures.Pass(
            until=until,
            step=rules.step_seconds,
            max_age=NO_AGE_LIMIT if rules.max_age_seconds is None else rules.max_age_seconds,
            eras=self._eras[eras],
            market=self._market,
            by_settlement=self.run_contracts.by_settlement,
            live_idx=live.idx,
            by_start=clock.by_start,
            member=codes.member,
            rows=codes.chances.rows,
            lowest=codes.lowest,
            highest=offers.highest_wanted(table.quantity),
            yes_code=offers.yes_code,
            no_code=offers.no_code,
            table=table,
            limits=self._limits,
            books=None if self._books is None else self._books.columns,
            most_levels=most_levels,
            account=self._account,
            instants=instants,
            out=self._buffers(rows, len(instants)),
        )

    def play(self, this_pass: kernel_structures.Pass) -> None:
        """Replay a pass, after all earlier ones. No Python code works meanwhile but between the calls of the compiled loop.

        Raises:
            SimulationError: the account would hold too many contracts for exact arithmetic.
        """
        rules, buffers = self.rules, this_pass.out
        # earlier passes may have given the account more room
        this_pass = this_pass._replace(account=self._account)
        # the compiled loop stops whenever the buffers are full
        scalars = self._account.scalars
        scalars[kernel_structures.S_MARKED] = 0
        status = kernel_structures.BUFFERS_FULL
        while status == kernel_structures.BUFFERS_FULL:
            if rules.limits.opposing is Opposing.NETTED:
                self._account = self._account.with_room(len(buffers.fills))
                this_pass = this_pass._replace(account=self._account)
            status = kernel.advance(this_pass, self._kept)
            self._empty(buffers)
        if status == kernel_structures.TOO_LARGE:
            ticker = self.run_contracts.contracts[scalars[kernel_structures.S_TOO_LARGE]].ticker
            raise _too_large(f"with an order for {ticker} the account would hold more contracts than can be counted")
        self._equity.append(np.column_stack((this_pass.instants, buffers.marks)))

    def _buffers(self, rows: int, instants: int) -> kernel_structures.Buffers:
        """Return buffers for some rows of fills and refusals, and some instants of equity."""
        return kernel_structures.Buffers(
            fills=np.empty((rows, kernel_structures.FILL_COLUMNS), np.int64),
            settlements=self._settlements,
            counts=self._counts,
            firsts=self._firsts,
            refusals=np.empty((rows if len(self._stretch) else 0, kernel_structures.REFUSAL_COLUMNS), np.int64),
            stretch=self._stretch,
            marks=np.zeros((instants, 2), np.int64),
        )

    def _eras_of(self, clock: LiveClock, until: int) -> list[int]:
        """Return the indices of the fee rule's eras in which decisions on some candles, before an instant, can fall."""
        first, last = (self.rules.fee_rule.era(ts) for ts in (clock.first_t, min(until, clock.last_t)))
        return list(range(first, last + 1)) or [first]

    def _empty(self, buffers: kernel_structures.Buffers) -> None:
        """Take fills and refusals out of the buffers."""
        scalars = self._account.scalars
        for count, rows, kept in (
            (kernel_structures.S_FILLS, buffers.fills, self._fills),
            (kernel_structures.S_REFUSALS, buffers.refusals, self._refusals),
        ):
            if scalars[count]:
                kept.append(rows[: scalars[count]].copy())
            scalars[count] = 0

    def outcome(self) -> ReplayOutcome:
        """Return the outcome, once all candles are replayed."""
        # stretches that could still have grown are complete now
        last_stretches = self._stretch[self._stretch[:, 0] > 0]
        single = self._single_refusals(np.concatenate([*self._refusals, last_stretches]))
        refusals, fills = joined(single, self._counted_refusals()), self._all_fills()
        rejections: Counter[str] = Counter()
        for reason, times in zip(refusals.columns["reason"].tolist(), refusals.columns["times"].tolist(), strict=True):
            rejections[reason] += times
        return ReplayOutcome(
            fills=fills,
            rejections=rejections,
            decisions=joined(decisions_of(fills), refusals),
            end_cash_micro=int(self._account.scalars[kernel_structures.S_CASH]),
            equity=[(ts, cash, value) for ts, cash, value in self._equity_rows().tolist()],
            journal=self._journal(),
        )

    def _journal(self) -> Journal:
        """Return the books; empty ones if none were kept."""
        if not len(self._settlements):
            return Journal.empty()
        settled = self._settlements[: self._account.scalars[kernel_structures.S_SETTLEMENTS]]
        return journal_of(self.fill_rows(), settled, self.run_contracts.tickers.tolist())

    def summary(self) -> Summary:
        """Return the outcome as columns, without an object per fill."""
        return summary_of(self.fill_rows(), self.run_contracts.payout_yes, self._equity_rows())

    def _equity_rows(self) -> Ints:
        """Return (instants, 3): instant in Unix s, cash, open value in micro-units, in order of time."""
        return np.concatenate([np.empty((0, 3), np.int64), *self._equity])

    def fill_rows(self, since: int = 0) -> Ints:
        """Return fills as rows of kernel_structures.Buffers.

        Args:
            since: how many of the first are left out.
        """
        pieces, left = [np.empty((0, kernel_structures.FILL_COLUMNS), np.int64)], since
        for rows in self._fills:
            pieces.append(rows[left:])
            left = max(0, left - len(rows))
        return np.concatenate(pieces)

    def _all_fills(self) -> Fills:
        """Return all fills in execution order."""
        contracts, rows = self.run_contracts.contracts, self.fill_rows()
        idx, decision_ts = rows[:, _IDX], rows[:, _DECISION]
        chance = self.run_contracts.p_pico[idx]
        for n in np.flatnonzero(self.run_contracts.changes[idx]).tolist():
            chance[n] = contracts[idx[n]].p_at(int(decision_ts[n]))
        reason = np.full(len(rows), EV_THRESHOLD, np.object_)
        return Fills.of_rows(contracts, rows, chance, reason, np.zeros(len(rows), np.bool_))

    def _single_refusals(self, rows: Ints) -> ColumnRows[Decision]:
        """Return the refusals of a full audit. Rows as `refusals` of kernel_structures.Buffers."""
        times, idx, side, reason, _, quantity, price, first, _ = rows.T
        return self._refused(idx, first, times, side, quantity, price, reason)

    def _counted_refusals(self) -> ColumnRows[Decision]:
        """Return one decision per contract, side and reason for which refusals were counted."""
        idx, side, reason = np.nonzero(self._counts)
        first, times = self._firsts[idx, side, reason], self._counts[idx, side, reason]
        unknown = np.full(len(idx), None, np.object_)
        return self._refused(idx, first, times, side, unknown, unknown, reason)

    def _refused(
        self, idx: Ints, first: Ints, times: Ints, side: Ints, quantity: np.ndarray, price: np.ndarray, reason: Ints
    ) -> ColumnRows[Decision]:
        """Return refusals; of contracts by idx, with sides and reasons as indices."""
        columns = {
            "ticker": self.run_contracts.tickers[idx],
            "first_ts": first,
            "times": times,
            "side": _SIDE_NAMES[side],
            "quantity": quantity,
            "price_micro": price,
            "filled": np.zeros(len(idx), np.bool_),
            "reason": _REASONS[reason],
        }
        return ColumnRows(Decision, columns)


def _too_large(why: str) -> SimulationError:
    """Return the error for holdings that are too large for exact arithmetic."""
    return SimulationError(
        f"{why} (4 million million).",
        where="risk",
        remedy="Set a limit of contracts, or lower the balance.",
    )


def _limits(rules: Rules) -> kernel_structures.Limits:
    """Return the limits of rules as the compiled loops read them."""
    limits = rules.limits
    volume_share, volume_share_base = _ratio(limits.max_volume_share, "risk.max_volume_share")
    kelly, kelly_base = _ratio(rules.kelly.fraction if rules.kelly else None, "risk.kelly_fraction")

    # a limit that is absent, or beyond 2^62, does not bind
    def most(value: int | None) -> int:
        return kernel_structures.UNLIMITED if value is None else min(value, kernel_structures.UNLIMITED)

    return kernel_structures.Limits(
        opposing=int(limits.opposing),
        volume_share=volume_share,
        volume_share_base=volume_share_base,
        per_market=most(limits.per_market),
        per_event=most(limits.per_event),
        total_open=most(limits.total_open),
        notional=most(limits.notional_per_event_micro),
        orders=most(limits.orders_per_event_day),
        has_min_ev=rules.min_ev_pico is not None,
        min_ev=rules.min_ev_pico or 0,
        kelly=kelly,
        kelly_base=kelly_base,
    )


def _ratio(share: Fraction | Decimal | None, where: str) -> tuple[int, int]:
    """Return a share as numerator and denominator; (0, 0) if there is none."""
    numerator, denominator = (0, 0) if share is None else share.as_integer_ratio()
    if denominator >= 1 << 63:
        raise SimulationError("it has too many digits to be exact.", where=where, remedy="Give it fewer digits.")
    return numerator, denominator


def _column(values: Sequence[object]) -> Ints:
    """Return a column of 64-bit integers."""
    return np.array(values, np.int64)
