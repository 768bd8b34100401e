"""The replay: one chronological pass over all contracts against one cash account, from window to window."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.books import journal_of
from tradewinds.engine.event_contracts.candles import NO_AGE_LIMIT, Window, decision_times
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Contract, Side
from tradewinds.engine.event_contracts.fills import Fill
from tradewinds.engine.event_contracts.limits import EV_THRESHOLD, REASONS
from tradewinds.engine.event_contracts.offers import Offers, offers_by_price, offers_by_quote, table_of
from tradewinds.engine.event_contracts.rules import Rules
from tradewinds.engine.journal import Journal
from tradewinds.engine.result import Decision, Summary

_BUFFER_ROWS = 1 << 12


@dataclass
class Outcome:
    """What a replay leaves: fills in execution order, refusals by reason, all decisions, the account's own cash at the end,
    its worth as (instant, cash, open value), and the books; fill n is position n of them. Without books they are empty."""

    fills: list[Fill]
    rejections: Counter[str]
    decisions: list[Decision]
    end_cash_micro: int
    worth: list[tuple[int, int, int]]
    journal: Journal


class Universe:
    """All contracts of a run, in the order of their tickers, as columns; shared by all replays of them.

    Args:
        contracts: what may be traded, in any order; `idx` is a contract's place among the sorted tickers.
    """

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.contracts = sorted(contracts, key=lambda contract: contract.ticker)
        self.idx = {contract.ticker: i for i, contract in enumerate(self.contracts)}
        events = {c.event.name: c.event for c in self.contracts}
        places = {name: i for i, name in enumerate(events)}
        counts = np.array([len(event.day_starts) for event in events.values()], np.int64)
        self.events = len(events)
        self.event = _column([places[c.event.name] for c in self.contracts])
        self.p_pico = _column([c.p_pico for c in self.contracts])
        self.start_ts = _column([c.start_ts for c in self.contracts])
        self.end_ts = _column([c.end_ts for c in self.contracts])
        self.settle_ts = _column([c.settle_ts for c in self.contracts])
        self.payout_yes = _column([c.payout_yes_micro for c in self.contracts])
        self.day_end = np.cumsum(counts)
        self.day_low = self.day_end - counts
        self.days = _column([ts for event in events.values() for ts in event.day_starts])
        self.event_settles = np.full(self.events, NEVER, np.int64)
        np.minimum.at(self.event_settles, self.event, self.settle_ts)
        self.order = np.lexsort((np.arange(len(self.contracts)), self.settle_ts))

    def market(self, step_seconds: int) -> kernel.Market:
        """The columns that the compiled loops read, under a clock of decision times."""
        first_t, last_t = decision_times(self.start_ts, self.end_ts, step_seconds)
        return kernel.Market(
            *(self.event, self.event_settles, self.p_pico, first_t, last_t),
            *(self.settle_ts, self.payout_yes, self.day_low, self.day_end, self.days),
        )


class Stage:
    """A window with the codes that replays of it share."""

    def __init__(self, universe: Universe, window: Window) -> None:
        self.window = window
        self.member = np.full(len(universe.contracts), -1, np.int64)
        self.member[window.idx] = np.arange(len(window.idx))

    @functools.cached_property
    def by_price(self) -> Offers:
        """Codes by side and price."""
        return offers_by_price(self.window)

    @functools.cached_property
    def by_quote(self) -> Offers:
        """Codes by quote."""
        return offers_by_quote(self.window)


class Replay:
    """One account and what becomes of it under some rules.

    Args:
        universe: everything that may be traded; cash_micro: the start balance.
        full_audit: keep every refusal apart.
        counted: count refusals, and keep the books. Without, a replay is faster.
    """

    def __init__(
        self, universe: Universe, rules: Rules, cash_micro: int, *, full_audit: bool = False, counted: bool = True
    ) -> None:
        self.universe, self.rules = universe, rules
        self._market = universe.market(rules.step_seconds)
        self._limits = _limits(rules)
        self._eras = _column([[era.since_ts, era.grid, era.balance_grid] for era in rules.fee_rule.eras])
        count = len(universe.contracts)
        self._account = kernel.new_account(count, universe.events, cash_micro)
        shape = (count if counted else 0, 2, len(REASONS))
        self._counts, self._firsts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._stretch = np.zeros((count if full_audit else 0, 9), np.int64)
        self._settlements = np.empty((2 * count if counted else 0, 5), np.int64)
        self._fills: list[np.ndarray] = []
        self._refusals: list[np.ndarray] = []
        self._worth: list[tuple[int, int, int]] = []

    def advance(self, stage: Stage, until: int, instants: Sequence[int]) -> None:
        """Replay the decision times before an instant, which a window holds, and note the account's worth at some.

        Raises:
            SimulationError: an order is too large for exact arithmetic.
        """
        window, rules = stage.window, self.rules
        offers = stage.by_price if rules.by_quote is None else stage.by_quote
        eras = self._eras_of(window, until)
        try:
            table = table_of(offers, rules, eras)
        except OverflowError as error:
            raise _too_large(str(error)) from None
        wanted_at, rows = _column(instants), max(_BUFFER_ROWS, len(window.idx))
        buffers = kernel.Buffers(
            fills=np.empty((rows, 8), np.int64),
            settlements=self._settlements,
            counts=self._counts,
            firsts=self._firsts,
            refusals=np.empty((rows if len(self._stretch) else 0, 9), np.int64),
            stretch=self._stretch,
            marks=np.zeros((len(wanted_at), 2), np.int64),
        )
        scalars = self._account.scalars
        scalars[kernel.S_MARKED] = 0
        by_start = np.argsort(self._market.first_t[window.idx], kind="stable")
        age = NO_AGE_LIMIT if rules.max_age_seconds is None else rules.max_age_seconds
        status = kernel.BUFFERS_FULL
        while status == kernel.BUFFERS_FULL:
            status = kernel.advance(
                *(until, rules.step_seconds, age, self._eras[eras], self._market, self.universe.order),
                *(window.idx, by_start, stage.member, window.rows, (offers.yes_code, offers.no_code), table),
                *(self._limits, self._account, wanted_at, buffers),
            )
            self._empty(buffers)
        if status == kernel.TOO_LARGE:
            raise _too_large(
                f"an order for {self.universe.contracts[scalars[kernel.S_WHERE]].ticker} has too many contracts"
            )
        self._worth += zip(instants, buffers.marks[:, 0].tolist(), buffers.marks[:, 1].tolist(), strict=True)

    def _eras_of(self, window: Window, until: int) -> list[int]:
        """The eras of the fee rule in which a window's decisions before an instant can fall."""
        rule = self.rules.fee_rule
        first = rule.era(int(self._market.first_t[window.idx].min(initial=NEVER)))
        last = rule.era(min(until, int(self._market.last_t[window.idx].max(initial=-NEVER))))
        return list(range(first, last + 1)) or [first]

    def _empty(self, buffers: kernel.Buffers) -> None:
        scalars = self._account.scalars
        for place, rows, kept in (
            (kernel.S_FILLS, buffers.fills, self._fills),
            (kernel.S_REFUSALS, buffers.refusals, self._refusals),
        ):
            if scalars[place]:
                kept.append(rows[: scalars[place]].copy())
            scalars[place] = 0

    def outcome(self) -> Outcome:
        """What has become of it, once all windows are passed."""
        going_on = self._stretch[self._stretch[:, 0] > 0]
        fills = self._made()
        refused = self._refused_one_by_one(np.concatenate([*self._refusals, going_on])) + self._refused()
        rejections: Counter[str] = Counter()
        for decision in refused:
            rejections[decision.reason] += decision.times
        made = [
            Decision(f.contract.ticker, f.decision_ts, 1, f.side.name, f.quantity, f.price_micro, True, EV_THRESHOLD)
            for f in fills
        ]
        cash = int(self._account.scalars[kernel.S_CASH])
        return Outcome(fills, rejections, made + refused, cash, self._worth, self._journal())

    def _journal(self) -> Journal:
        """The books, if they were kept."""
        if not len(self._settlements):
            return Journal.empty()
        settled = self._settlements[: self._account.scalars[kernel.S_SETTLEMENTS]]
        return journal_of(self._fill_rows(), settled, [contract.ticker for contract in self.universe.contracts])

    def summary(self) -> Summary:
        """What has become of it, in short: nothing is made for each fill."""
        idx, side, quantity, price, fee, t, _, _ = self._fill_rows().T
        pays = self.universe.payout_yes[idx]
        payout = quantity * np.where(side == Side.YES, pays, MICRO - pays)
        worth = np.array(self._worth, np.int64).reshape(-1, 3)
        return Summary(t, quantity, fee, payout - quantity * price - fee, worth[:, 0], worth[:, 1] + worth[:, 2])

    def _fill_rows(self) -> Ints:
        return np.concatenate([np.empty((0, 8), np.int64), *self._fills])

    def _made(self) -> list[Fill]:
        contracts, sides = self.universe.contracts, tuple(Side)
        rows = self._fill_rows().tolist()
        made = []
        for i, side, quantity, price, fee, t, quote_ts, value in rows:
            what, which = contracts[i], sides[side]
            gross = what.probability_pico(which) - price * PICO_PER_MICRO
            made.append(Fill(what, which, quantity, price, fee, t, quote_ts, gross, value))
        return made

    def _refused_one_by_one(self, rows: np.ndarray) -> list[Decision]:
        names, tickers = [side.name for side in Side], [contract.ticker for contract in self.universe.contracts]
        return [
            Decision(tickers[i], first, times, names[side], quantity, price, False, REASONS[reason])
            for times, i, side, reason, _, quantity, price, first, _ in rows.tolist()
        ]

    def _refused(self) -> list[Decision]:
        counts, firsts = self._counts, self._firsts
        found = np.nonzero(counts)
        rows = zip(*(column.tolist() for column in (*found, firsts[found], counts[found])), strict=True)
        tickers, names = [contract.ticker for contract in self.universe.contracts], [side.name for side in Side]
        return [
            Decision(tickers[i], first, times, names[side], None, None, False, REASONS[reason])
            for i, side, reason, first, times in rows
        ]


def _too_large(why: str) -> SimulationError:
    return SimulationError(
        f"{why} to be exact.",
        where="risk",
        remedy="Some millions of contracts an order can be computed: lower the quantity, the Kelly fraction or the balance, or "
        "give the fraction fewer digits.",
    )


def _limits(rules: Rules) -> kernel.Limits:
    limits = rules.limits
    share, share_base = _ratio(limits.max_volume_share, "risk.max_volume_share")
    kelly, kelly_base = _ratio(rules.kelly.fraction if rules.kelly else None, "risk.kelly_fraction")

    def most(value: int | None) -> int:
        return kernel.UNLIMITED if value is None else min(value, kernel.UNLIMITED)

    return kernel.Limits(
        allow_opposing=limits.allow_opposing,
        share=share,
        share_base=share_base,
        per_market=most(limits.per_market),
        per_event=most(limits.per_event),
        total_open=most(limits.total_open),
        notional=most(limits.notional_per_event_micro),
        orders=most(limits.orders_per_event_day),
        has_least=rules.min_ev_pico is not None,
        least=rules.min_ev_pico or 0,
        kelly=kelly,
        kelly_base=kelly_base,
    )


def _ratio(share: Fraction | Decimal | None, where: str) -> tuple[int, int]:
    """A share as numerator and denominator; (0, 0) if there is none."""
    numerator, denominator = (0, 0) if share is None else share.as_integer_ratio()
    if denominator >= 1 << 63:
        raise SimulationError("it has too many digits to be exact.", where=where, remedy="Give it fewer digits.")
    return numerator, denominator


def _column(values: Sequence[object]) -> Ints:
    return np.array(values, np.int64)
