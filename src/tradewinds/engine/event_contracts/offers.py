"""What rules want, spread out for the replay: a row per kind of offer, looked up by the code of a candle's row.

An offer is a side of a market at its ask. Its row says how many contracts are wanted (0: none), in which order at one
instant, and what they cost in fees. Rows are worked out once for all candles between two instants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO, PICO
from tradewinds.engine.event_contracts.candles import Window
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Side
from tradewinds.engine.event_contracts.fees import FeeRule, FeeTerms, refuse_too_large
from tradewinds.engine.event_contracts.kernel import Codes, Table, price_codes, quote_codes, seen_prices
from tradewinds.engine.event_contracts.rules import QuoteRule, Quotes, Rules, Wishes, read_only
from tradewinds.engine.event_contracts.sizing import Kelly


class _Wanted(NamedTuple):
    """Contracts wanted of each offer in one era, and their priority as in Table."""

    quantity: Ints
    rank: Ints
    rest: Ints


@dataclass(frozen=True)
class Offers:
    """Codes of a window's rows (-1: the side is not offered), and what the codes stand for: P(side) in pico, price in
    micro-dollars, place of the fee rate."""

    yes_code: Codes
    no_code: Codes
    p_pico: Ints
    price_micro: Ints
    fee_place: Ints
    fee_rates: Sequence[Fraction]
    _terms: dict[tuple[FeeRule, int], FeeTerms] = field(default_factory=dict)
    _quotes: dict[tuple[FeeRule, int], Quotes] = field(default_factory=dict)

    def terms(self, rule: FeeRule, era: int) -> FeeTerms:
        """Fee terms of every code in an era."""
        if (rule, era) not in self._terms:
            prices = np.maximum(self.price_micro, 0)
            self._terms[rule, era] = rule.terms(list(self.fee_rates), self.fee_place, prices, era)
        return self._terms[rule, era]

    def quotes(self, rule: FeeRule, era: int) -> Quotes:
        """The quotes that offers by quote stand for, to ask a rule about; the same for all replays."""
        if (rule, era) not in self._quotes:
            half, terms = len(self.p_pico) // 2, _columns(self.terms(rule, era))
            yes, no = self.price_micro[:half].astype(np.int32), self.price_micro[half:].astype(np.int32)
            by_side = FeeTerms(*(column[:half] for column in terms)), FeeTerms(*(column[half:] for column in terms))
            self._quotes[rule, era] = Quotes(
                read_only(self.p_pico[:half]), read_only(yes), read_only(no), by_side, rule, era
            )
        return self._quotes[rule, era]


def offers_by_price(window: Window) -> Offers:
    """Codes by side, probability, fee rate and price: what the built-in rules depend on."""
    rows, kinds = window.rows, _Kinds.of(window)
    prices = np.flatnonzero(seen_prices(rows.bid, rows.ask))
    place = np.full(MICRO, -1, np.int32)
    place[prices] = np.arange(len(prices))
    yes_code, no_code = price_codes(rows, kinds.of_contract, place, len(prices), len(kinds.p_pico))
    p = np.concatenate([kinds.p_pico, PICO - kinds.p_pico]).repeat(len(prices))
    fee_place = np.tile(kinds.fee_place, 2).repeat(len(prices))
    return Offers(yes_code, no_code, p, np.tile(prices, 2 * len(kinds.p_pico)), fee_place, kinds.fee_rates)


def offers_by_quote(window: Window) -> Offers:
    """Codes by quote: probability, fee rate and both asks. The second half of what they stand for are the NO sides."""
    rows, kinds = window.rows, _Kinds.of(window)
    yes_code, no_code, owner, yes, no = quote_codes(rows)
    kind = kinds.of_contract[owner]
    p, prices = kinds.p_pico[kind], np.concatenate([yes, no]).astype(np.int64)
    return Offers(
        yes_code, no_code, np.concatenate([p, PICO - p]), prices, np.tile(kinds.fee_place[kind], 2), kinds.fee_rates
    )


def table_of(offers: Offers, rules: Rules, eras: Sequence[int]) -> Table:
    """What rules want of each offer in some eras of their fee rule.

    Raises:
        OverflowError: an order is too large to be exact.
    """
    columns = [(*_wanted(offers, rules, era), *_columns(offers.terms(rules.fee_rule, era))) for era in eras]
    one = len(columns) == 1  # nearly always: nothing is copied
    quantity, rank, rest, whole, part, base = columns[0] if one else map(np.concatenate, zip(*columns, strict=True))
    return Table(quantity, rank, rest, whole, part, base, len(offers.p_pico))


def _columns(terms: FeeTerms) -> tuple[Ints, Ints, Ints]:
    return terms.whole, terms.part, terms.base


def _wanted(offers: Offers, rules: Rules, era: int) -> _Wanted:
    if rules.by_quote is not None:
        return _by_quote(offers, rules.by_quote, rules.fee_rule, era)
    if isinstance(rules.sizing, Kelly):  # worked out at each instant, from the equity of that time
        nothing = np.zeros(len(offers.p_pico), np.int64)
        return _Wanted(nothing, nothing, nothing)
    return _by_value(offers, rules, era)


def _by_value(offers: Offers, rules: Rules, era: int) -> _Wanted:
    """By what a sizing wants, if its net value a contract exceeds the minimum; the more it is, the earlier."""
    sizing, rule, least = rules.sizing, rules.fee_rule, rules.min_ev_pico or 0
    if sizing is None or isinstance(sizing, Kelly):
        raise AssertionError("a sizing that says how many contracts an offer is worth")
    gross = offers.p_pico - offers.price_micro * PICO_PER_MICRO
    quantity = np.where(gross > least, sizing.quantities(offers.p_pico, offers.price_micro), 0)
    fees = rule.fees(offers.terms(rule, era), quantity, offers.price_micro, era)
    value = gross * quantity - fees * PICO_PER_MICRO
    quantity = np.where(value > least * quantity, quantity, 0)
    divisor = np.maximum(quantity, 1)
    return _Wanted(quantity, value // divisor, value % divisor)


def _by_quote(offers: Offers, rule: QuoteRule, fee_rule: FeeRule, era: int) -> _Wanted:
    """By what a rule says of each quote."""
    wishes = rule(offers.quotes(fee_rule, era))
    quantity = np.concatenate([np.where(wishes.side == side, wishes.quantity, 0) for side in Side])
    refuse_too_large(offers.terms(fee_rule, era), quantity)
    return _Wanted(quantity.astype(np.int64), np.tile(_ranks(wishes), 2), np.zeros(len(quantity), np.int64))


def _ranks(wishes: Wishes) -> Ints:
    """Priorities as integers in the same order: the bits of floats, read as integers, keep it if those below 0 are turned."""
    priority = np.asarray(wishes.priority)
    if priority.dtype.kind in "iub":
        return priority.astype(np.int64)
    bits = (priority.astype(np.float64) + 0.0).view(np.int64)
    return np.where(bits >= 0, bits, np.iinfo(np.int64).min - bits)


class _Kinds(NamedTuple):
    """Distinct (probability, fee rate) of a window's contracts, and whose kind each contract is."""

    p_pico: Ints
    fee_place: Ints
    fee_rates: Sequence[Fraction]
    of_contract: Ints

    @classmethod
    def of(cls, window: Window) -> _Kinds:
        kinds: dict[tuple[int, tuple[int, int]], int] = {}  # rates as pairs: a fraction takes long to hash
        pairs = [(c.p_pico, c.fee_rate.as_integer_ratio()) for c in window.contracts]
        of_contract = [kinds.setdefault(pair, len(kinds)) for pair in pairs]
        rates = sorted({Fraction(*ratio) for _, ratio in kinds})
        place = {rate.as_integer_ratio(): i for i, rate in enumerate(rates)}
        columns = ([p for p, _ in kinds], [place[ratio] for _, ratio in kinds], of_contract)
        p, fee_place, owners = (np.array(column, np.int64) for column in columns)
        return cls(p, fee_place, rates, owners)
