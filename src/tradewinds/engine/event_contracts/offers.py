"""The table of wanted orders: one row per kind of offer, found by the code of a candle's row.

An offer is a side of a market at its ask. Its row says how many contracts are wanted (0: none), with which priority among the
orders of one instant, and what they cost in fees. The table is computed once for all candles between two instants.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import PICO
from tradewinds.engine.event_contracts.changing_chances import ChanceRows
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Side
from tradewinds.engine.event_contracts.fees import FeeRule, FeeTerms, exact_quantity
from tradewinds.engine.event_contracts.kernel import highest_wanted, price_codes, quote_codes
from tradewinds.engine.event_contracts.kernel_structures import Codes, WantedTable
from tradewinds.engine.event_contracts.order_rules import QuoteRule, Quotes, Rules, WantedOrders, read_only
from tradewinds.engine.event_contracts.sizing import EvProportional, FixedQuantity, Kelly

PlainSizing = FixedQuantity | EvProportional  # those that do not depend on equity
_KEPT_SIZINGS = 4  # of the candles of one batch: a sweep may have thousands


class _Wanted(NamedTuple):
    """Contracts wanted of each offer in one era, and their priority as in WantedTable."""

    quantity: Ints
    rank: Ints
    rank_remainder: Ints


class _ValuedOffers(NamedTuple):
    """What a sizing wants of each offer before any minimum, and what that is worth; the same for all minima of a sweep.

    Attributes:
        wanted: quantities, and priorities by net value.
        bound: an offer is wanted if the minimum value of a contract is below this; pico-units.
    """

    wanted: _Wanted
    bound: Ints


class CodeGroups(NamedTuple):
    """Codes in groups, so that each row of a part of a market has codes of one group of YES sides and one of NO sides.

    Attributes:
        first_code: by group, first the YES sides', then as many of NO sides: its first code.
        end_code: by group, a code that is behind its last one.
        stride: from one code of a group to its next.
        of_part: by part, its group among those of the YES sides.
        contract: by part, index of its live contract; in order.
    """

    first_code: Ints
    end_code: Ints
    stride: int
    of_part: Ints
    contract: Ints

    def highest_wanted(self, price_micro: Ints, quantity: Ints) -> Ints:
        """Return the highest prices at which a contract is wanted: (live contracts, 2), YES and NO; micro-units, -1: at none.

        Args:
            price_micro: by code; micro-units.
            quantity: by code, contracts wanted.
        """
        by_group = highest_wanted(price_micro, quantity, self.first_code, self.end_code, self.stride).reshape(2, -1)
        by_part = by_group[:, self.of_part].T
        if not len(by_part) or self.contract[-1] + 1 == len(by_part):  # each contract has one part
            return np.ascontiguousarray(by_part)
        return np.maximum.reduceat(by_part, np.flatnonzero(np.diff(self.contract, prepend=-1)))


@dataclass(frozen=True)
class OfferCodes:
    """Codes of the rows of live candles, and the offers that the codes stand for.

    A code stands for a side at a price, wherever such a side is offered (`offers_by_price`); QuoteCodes stand for quotes.

    Attributes:
        yes_code: by row, code of the YES side; -1: not offered.
        no_code: by row, code of the NO side; -1: not offered.
        p_pico: by code, probability of the side; pico-units.
        price_micro: by code, price of a contract; micro-units.
        fee_index: by code, index into `fee_rates`.
        fee_rates: distinct fee rates.
        groups: the codes that rows of one part of a market can have.
    """

    yes_code: Codes
    no_code: Codes
    p_pico: Ints
    price_micro: Ints
    fee_index: Ints
    fee_rates: Sequence[Fraction]
    groups: CodeGroups
    _terms: dict[tuple[FeeRule, int], FeeTerms] = field(default_factory=dict)
    _valued: dict[tuple[PlainSizing, FeeRule, int], _ValuedOffers] = field(default_factory=dict)

    def terms(self, rule: FeeRule, era: int) -> FeeTerms:
        """Return the fee terms of every code.

        Args:
            rule: the fee rule.
            era: index of its era.
        """
        if (rule, era) not in self._terms:
            prices = np.maximum(self.price_micro, 0)
            self._terms[rule, era] = rule.terms(list(self.fee_rates), self.fee_index, prices, era)
        return self._terms[rule, era]

    def highest_wanted(self, quantity: Ints) -> Ints:
        """Return the highest prices at which each live contract is wanted, as `CodeGroups.highest_wanted`.

        Args:
            quantity: by code, contracts wanted, of the fee rule's eras one after the other.
        """
        in_any_era = (
            quantity.reshape(-1, len(self.p_pico)).max(axis=0, initial=0)
            if len(quantity) > len(self.p_pico)
            else quantity
        )
        return self.groups.highest_wanted(self.price_micro, in_any_era)

    def valued(self, sizing: PlainSizing, rule: FeeRule, era: int) -> _ValuedOffers:
        """Return what a sizing wants of every code before any minimum, and what that is worth.

        Args:
            sizing: one that does not depend on equity.
            rule: the fee rule.
            era: index of its era.
        """
        found = self._valued.get((sizing, rule, era))
        if found is None:
            gross, terms = self.p_pico - self.price_micro * PICO_PER_MICRO, self.terms(rule, era)
            quantity = sizing.quantities(self.p_pico, self.price_micro)
            exact = exact_quantity(terms, quantity)
            value = gross * exact - rule.fees(terms, quantity, self.price_micro, era) * PICO_PER_MICRO
            if (
                value.dtype == object
            ):  # a value a contract fits into 64 bits, that of an order that is not wanted need not
                value = np.where(quantity > 0, value, 0)
            divisor = np.maximum(quantity, 1)
            rank, rank_remainder = (part.astype(np.int64, copy=False) for part in (value // divisor, value % divisor))
            wanted = _Wanted(quantity=quantity, rank=rank, rank_remainder=rank_remainder)
            # value/quantity > minimum, in whole numbers; and so is the value before the fee
            bound = np.minimum(rank + (rank_remainder > 0), gross)
            found = _ValuedOffers(wanted=wanted, bound=bound)
            if len(self._valued) < _KEPT_SIZINGS:
                self._valued[sizing, rule, era] = found
        return found


@dataclass(frozen=True)
class QuoteCodes(OfferCodes):
    """Codes by quote: the first half of the codes are YES sides, the second half the NO sides of the same quotes."""

    _quotes: dict[tuple[FeeRule, int], Quotes] = field(default_factory=dict)

    @functools.cached_property
    def zeros(self) -> Ints:
        """By code, 0; not to be changed."""
        return np.zeros(len(self.p_pico), np.int64)

    def quotes(self, rule: FeeRule, era: int) -> Quotes:
        """Return the quotes, which a strategy is asked about; the same object for all replays.

        Args:
            rule: the fee rule.
            era: index of its era.
        """
        if (rule, era) not in self._quotes:
            half, terms = len(self.p_pico) // 2, self.terms(rule, era)
            yes, no = self.price_micro[:half].astype(np.int32), self.price_micro[half:].astype(np.int32)
            self._quotes[rule, era] = Quotes(
                p_pico=read_only(self.p_pico[:half]),
                yes_ask=read_only(yes),
                no_ask=read_only(no),
                fee_terms=(_part(terms, slice(half)), _part(terms, slice(half, None))),
                fee_rule=rule,
                fee_era=era,
            )
        return self._quotes[rule, era]


def _part(terms: FeeTerms, rows: slice) -> FeeTerms:
    """Return some rows of fee terms."""
    return FeeTerms(whole=terms.whole[rows], part=terms.part[rows], base=terms.base[rows])


def offers_by_price(chances: ChanceRows) -> OfferCodes:
    """Return codes by side, probability, fee rate and price, on which the built-in rules depend.

    Args:
        chances: the rows of live contracts.
    """
    kinds = _Kinds.of(chances)
    sides = 2 * len(kinds.p_pico)  # of kinds: those of YES, then those of NO
    yes_code, no_code, prices = price_codes(chances.parts, kinds.of_part, len(kinds.p_pico))
    return OfferCodes(
        yes_code=yes_code,
        no_code=no_code,
        p_pico=np.tile(np.concatenate([kinds.p_pico, PICO - kinds.p_pico]), len(prices)),
        price_micro=prices.repeat(sides),
        fee_index=np.tile(kinds.fee_index, 2 * len(prices)),
        fee_rates=kinds.fee_rates,
        groups=CodeGroups(
            first_code=np.arange(sides),
            end_code=np.full(sides, sides * len(prices)),
            stride=sides,
            of_part=kinds.of_part,
            contract=chances.contract,
        ),
    )


def offers_by_quote(chances: ChanceRows) -> QuoteCodes:
    """Return codes by quote: contract, probability, fee rate and both asks.

    Args:
        chances: the rows of live contracts.
    """
    rows, kinds = chances.parts, _Kinds.of(chances)
    yes_code, no_code, owner, yes, no = quote_codes(rows)
    kind = kinds.of_part[owner]
    p_yes = kinds.p_pico[kind]
    first = np.searchsorted(owner, np.arange(len(kinds.of_part)))
    return QuoteCodes(
        yes_code=yes_code,
        no_code=no_code,
        p_pico=np.concatenate([p_yes, PICO - p_yes]),
        price_micro=np.concatenate([yes, no]).astype(np.int64),
        fee_index=np.tile(kinds.fee_index[kind], 2),
        fee_rates=kinds.fee_rates,
        groups=CodeGroups(
            first_code=np.concatenate([first, len(owner) + first]),
            end_code=np.concatenate([first[1:], len(owner) + first, [2 * len(owner)]]),
            stride=1,
            of_part=np.arange(len(kinds.of_part)),
            contract=chances.contract,
        ),
    )


def table_of(offers: OfferCodes, rules: Rules, eras: Sequence[int]) -> WantedTable:
    """Return what rules want of each offer.

    Args:
        offers: the offers and their codes.
        rules: how orders are made.
        eras: indices of the fee rule's eras, in order of time.

    Raises:
        OverflowError: a fee rate is too large, or has too many digits, to be exact.
    """
    tables = [_table_of_era(offers, rules, era) for era in eras]
    if len(tables) == 1:  # nearly always: nothing is copied
        return tables[0]
    return WantedTable(
        chance=np.tile(offers.p_pico, len(eras)),
        quantity=np.concatenate([table.quantity for table in tables]),
        rank=np.concatenate([table.rank for table in tables]),
        rank_remainder=np.concatenate([table.rank_remainder for table in tables]),
        fee_whole=np.concatenate([table.fee_whole for table in tables]),
        fee_part=np.concatenate([table.fee_part for table in tables]),
        fee_base=np.concatenate([table.fee_base for table in tables]),
        era_rows=len(offers.p_pico),
    )


def _table_of_era(offers: OfferCodes, rules: Rules, era: int) -> WantedTable:
    """Return what rules want of each offer in one era of the fee rule."""
    wanted, terms = _wanted(offers, rules, era), offers.terms(rules.fee_rule, era)
    return WantedTable(
        chance=offers.p_pico,
        quantity=wanted.quantity,
        rank=wanted.rank,
        rank_remainder=wanted.rank_remainder,
        fee_whole=terms.whole,
        fee_part=terms.part,
        fee_base=terms.base,
        era_rows=len(offers.p_pico),
    )


def _wanted(offers: OfferCodes, rules: Rules, era: int) -> _Wanted:
    """Return quantities and priorities: a strategy's, or those of the sizing."""
    if rules.from_strategy is not None:
        if not isinstance(offers, QuoteCodes):
            raise AssertionError("a strategy is asked about quotes")
        return _by_strategy(offers, rules.from_strategy, rules.fee_rule, era)
    if isinstance(rules.sizing, Kelly):  # the compiled loop computes them at each instant, from the equity of that time
        zeros = np.zeros(len(offers.p_pico), np.int64)
        return _Wanted(quantity=zeros, rank=zeros, rank_remainder=zeros)
    return _by_value(offers, rules, era)


def _by_value(offers: OfferCodes, rules: Rules, era: int) -> _Wanted:
    """Return the quantities of a sizing where the net value a contract exceeds the minimum; net value is the priority."""
    if rules.sizing is None or isinstance(rules.sizing, Kelly):
        raise AssertionError("a sizing that does not depend on equity is expected")
    least = rules.min_ev_pico or 0
    wanted, bound = offers.valued(rules.sizing, rules.fee_rule, era)
    return wanted._replace(quantity=np.where(bound > least, wanted.quantity, 0))


def _by_strategy(offers: QuoteCodes, strategy: QuoteRule, fee_rule: FeeRule, era: int) -> _Wanted:
    """Return the quantities and priorities that a strategy gives each quote."""
    orders = strategy(offers.quotes(fee_rule, era))
    quantity, half = np.zeros(len(offers.p_pico), np.int64), len(offers.p_pico) // 2
    for side, part in zip(Side, (quantity[:half], quantity[half:]), strict=True):
        np.copyto(part, orders.quantity, where=orders.side == side)
    rank = np.empty(len(quantity), np.int64)
    rank[:half] = rank[half:] = _ranks(orders)
    return _Wanted(quantity=quantity, rank=rank, rank_remainder=offers.zeros)


def _ranks(orders: WantedOrders) -> Ints:
    """Return priorities as integers in the same order.

    The bits of a float, read as an integer, keep the order of floats if all but the sign are inverted where it is set.
    """
    priority = np.asarray(orders.priority)
    if priority.dtype == object:  # net values beyond 64 bits: by their places in order
        return np.unique(priority, return_inverse=True)[1].astype(np.int64)
    if priority.dtype.kind in "iub":
        return priority.astype(np.int64)
    bits = (priority.astype(np.float64) + 0.0).view(np.int64)
    return bits ^ ((bits >> 63) & np.iinfo(np.int64).max)


class _Kinds(NamedTuple):
    """Distinct (probability, fee rate) of the parts of live contracts.

    Attributes:
        p_pico: by kind, probability of YES; pico-units.
        fee_index: by kind, index into `fee_rates`.
        fee_rates: distinct rates, ascending.
        of_part: by part, index of its kind.
    """

    p_pico: Ints
    fee_index: Ints
    fee_rates: Sequence[Fraction]
    of_part: Ints

    @classmethod
    def of(cls, chances: ChanceRows) -> _Kinds:
        """Return the kinds of the parts of live contracts."""
        kinds: dict[tuple[int, tuple[int, int]], int] = {}  # rates as pairs of integers: hashing a Fraction is slow
        rates_of_parts = (rate.as_integer_ratio() for rate in chances.part_rates)
        pairs = [*zip(chances.part_p, rates_of_parts, strict=True)]
        of_part = [kinds.setdefault(pair, len(kinds)) for pair in pairs]
        rates = sorted({Fraction(*ratio) for _, ratio in kinds})
        index = {rate.as_integer_ratio(): i for i, rate in enumerate(rates)}
        return cls(
            p_pico=np.array([p for p, _ in kinds], np.int64),
            fee_index=np.array([index[ratio] for _, ratio in kinds], np.int64),
            fee_rates=rates,
            of_part=np.array(of_part, np.int64),
        )
