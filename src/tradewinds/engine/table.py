"""What rules want, spread out for the replay: a row per kind of offer, looked up by the code of a candle's row.

An offer is a side of a market at its ask. Its row says how many contracts are wanted (0: none), in which order at one
instant, and what they cost in fees. Rows are worked out once for all candles between two instants.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.engine.candles import Window
from tradewinds.engine.contracts import PICO_PER_MICRO, Side
from tradewinds.engine.costs import FeeRule, FeeTerms, Ints
from tradewinds.engine.kernel import price_codes, seen_prices
from tradewinds.engine.rules import NOT_QUOTED, QuoteRule, Quotes, Rules, Wishes
from tradewinds.store import PICO

_ASK_BITS = 21  # an ask in micro-dollars, and one more value for "not quoted"


class Table(NamedTuple):
    """Rows of all eras one after the other, `era_rows` each. Priority is `rank` + `rest`/`quantity` (highest first)."""

    quantity: Ints
    rank: Ints
    rest: Ints
    fee_whole: Ints
    fee_part: Ints
    fee_base: Ints
    era_rows: int


@dataclass(frozen=True)
class Offers:
    """Codes of a window's rows (-1: the side is not offered) and what the codes stand for."""

    yes_code: np.ndarray
    no_code: np.ndarray
    p_pico: Ints
    price_micro: Ints
    fee_place: Ints
    fee_rates: list[Fraction]

    def terms(self, fee_rule: FeeRule, era: int) -> FeeTerms:
        """Fee terms of every code."""
        return fee_rule.terms(self.fee_rates, self.fee_place, self.price_micro, era)


def offers_of(window: Window) -> Offers:
    """Codes by side, probability, fee rate and price: what the built-in rules depend on."""
    kinds, kind_of, rates = _kinds(window)
    seen = seen_prices(window.rows.bid, window.rows.ask)
    prices = np.flatnonzero(seen).astype(np.int64)
    place = np.full(len(seen), -1, np.int32)
    place[prices] = np.arange(len(prices), dtype=np.int32)
    yes, no = price_codes(
        window.rows.bid, window.rows.ask, window.rows.low, window.rows.end, kind_of, place, len(prices), len(kinds)
    )
    p = np.array([p for p, _ in kinds], np.int64)
    rate = np.array([rates.index(rate) for _, rate in kinds], np.int64)
    both = np.concatenate([p, PICO - p])
    return Offers(
        yes, no, both.repeat(len(prices)), np.tile(prices, len(both)), np.tile(rate, 2).repeat(len(prices)), rates
    )


def table_of(offers: Offers, rules: Rules) -> Table:
    """What a sizing wants of each offer, in every era of the fee rule."""
    sizing, rule, least = rules.sizing, rules.fee_rule, rules.min_ev_pico or 0
    gross = offers.p_pico - offers.price_micro * PICO_PER_MICRO
    columns: list[list[Ints]] = [[] for _ in range(6)]
    for era in range(len(rule.eras)):
        terms = offers.terms(rule, era)
        if sizing is None or rules.kelly:
            quantity = np.zeros(len(gross), np.int64)
            value = quantity
        else:
            quantity = np.where(gross > least, sizing.quantities(offers.p_pico, offers.price_micro), 0)
            if len(quantity) and int(quantity.max()) * PICO >= 1 << 63:
                raise OverflowError("an order has too many contracts")
            value = gross * quantity - rule.fees(terms, quantity, offers.price_micro, era) * PICO_PER_MICRO
            quantity = np.where(value > least * quantity, quantity, 0)
        divisor = np.maximum(quantity, 1)
        made = (quantity, value // divisor, value % divisor, terms.whole, terms.part, terms.base)
        for column, part in zip(columns, made, strict=True):
            column.append(part)
    return Table(*(np.concatenate(column) for column in columns), era_rows=len(gross))


def quotes_of(window: Window) -> Offers:
    """Codes by quote: probability, fee rate and both asks. The second half of the rows are the NO sides."""
    rows = window.rows
    kinds, kind_of, rates = _kinds(window)
    owner = np.repeat(kind_of, rows.end - rows.low)
    place = np.concatenate(
        [np.arange(low, end) for low, end in zip(rows.low, rows.end, strict=True)] or [np.empty(0, np.int64)]
    )
    yes_ask, no_ask = asks(rows.bid[place], rows.ask[place])
    keys = owner << 2 * _ASK_BITS | (yes_ask.astype(np.int64) + 1) << _ASK_BITS | (no_ask + 1)
    offered = (yes_ask != NOT_QUOTED) | (no_ask != NOT_QUOTED)
    encoded = pa.array(keys[offered]).dictionary_encode()
    distinct = encoded.dictionary.to_numpy()
    codes = np.full(len(rows.e), -1, np.int32)
    codes[place[offered]] = encoded.indices.to_numpy()
    kind, low = distinct >> 2 * _ASK_BITS, (1 << _ASK_BITS) - 1
    p = np.array([p for p, _ in kinds], np.int64)[kind]
    rate = np.array([rates.index(rate) for _, rate in kinds], np.int64)[kind]
    prices = np.concatenate([(distinct >> _ASK_BITS & low) - 1, (distinct & low) - 1])
    no_codes = np.where(codes < 0, codes, codes + len(distinct)).astype(np.int32)
    return Offers(codes, no_codes, np.concatenate([p, PICO - p]), prices, np.tile(rate, 2), rates)


def table_by_quote(offers: Offers, rule: QuoteRule, fee_rule: FeeRule) -> Table:
    """What a rule wants at each quote, in every era of the fee rule."""
    half = len(offers.p_pico) // 2
    columns: list[list[Ints]] = [[] for _ in range(6)]
    yes, no = (prices.astype(np.int32) for prices in (offers.price_micro[:half], offers.price_micro[half:]))
    for era in range(len(fee_rule.eras)):
        quotes = Quotes(offers.p_pico[:half], yes, no, offers.fee_place[:half], offers.fee_rates, fee_rule, era)
        wishes = rule(quotes)
        rank = _ranks(wishes)
        quantity = np.concatenate([np.where(wishes.side == side, wishes.quantity, 0) for side in Side])
        prices = np.maximum(offers.price_micro, 0)
        terms = fee_rule.terms(offers.fee_rates, offers.fee_place, prices, era)
        fee_rule.fees(terms, quantity, prices, era)  # an order that is too large to be exact ends here
        made = (quantity, np.tile(rank, 2), np.zeros(2 * half, np.int64), terms.whole, terms.part, terms.base)
        for column, part in zip(columns, made, strict=True):
            column.append(part.astype(np.int64))
    return Table(*(np.concatenate(column) for column in columns), era_rows=2 * half)


def _ranks(wishes: Wishes) -> Ints:
    """Priorities as integers in the same order: of floats the bits read as integers, those of negative ones turned round."""
    priority = np.asarray(wishes.priority)
    if priority.dtype.kind in "iub":
        return priority.astype(np.int64)
    bits = (priority.astype(np.float64) + 0.0).view(np.int64)
    return np.where(bits >= 0, bits, np.iinfo(np.int64).min - bits)


def asks(bid: np.ndarray, ask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What YES and NO cost at a top of book (micro-dollars, -1 where nothing is), NOT_QUOTED where they cannot be bought."""
    whole = 1_000_000
    sound = (ask < 0) | (bid <= ask)
    yes = np.where(sound & (ask > 0) & (ask < whole), ask, NOT_QUOTED)
    no = np.where(sound & (bid > 0) & (bid < whole), whole - bid, NOT_QUOTED)
    return yes, no


def _kinds(window: Window) -> tuple[list[tuple[int, Fraction]], Ints, list[Fraction]]:
    """Distinct (probability, fee rate) of a window's contracts, whose each contract is, and the distinct rates."""
    kinds: dict[tuple[int, Fraction], int] = {}
    kind_of = [kinds.setdefault((c.p_pico, c.fee_rate), len(kinds)) for c in window.contracts]
    return list(kinds), np.array(kind_of, np.int64), sorted({rate for _, rate in kinds})
