"""A probability that changes: golden cases by hand, of both loops, and rows that a change begins."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.unit.engine_parts import MINUTE, columns_of, contract, micro, pico, quote, replay, replay_candles, rules
from tradewinds.engine.event_contracts.candles import LiveCandles
from tradewinds.engine.event_contracts.changing_chances import ChanceRows
from tradewinds.engine.event_contracts.sizing import Kelly

ASK = [quote(0, 0, 100, yes="0.50", no="0.52")]


def changing(*later, p="0.50", **rest):
    """A contract whose probability changes: (second, probability)."""
    made = contract(p=p, start=0, end=100, settles=200, **rest)
    return made._replace(later_p=tuple((ts, pico(chance)) for ts, chance in later))


def bought(outcome):
    return [(f.decision_ts, f.side.name, f.quantity, f.price_micro, f.p_yes_pico) for f in outcome.fills]


def test_a_change_inside_a_minute_is_in_force_at_the_next_decision():
    """Known at 00:10:30: the decision of 00:10 does not see it, that of 00:11 does. 0.60 − 0.50 − 0.02 = 0.08 is above 0.05."""
    outcome = replay([changing((630, "0.60"))], ASK, rules(per_market=1))
    assert bought(outcome) == [(660, "YES", 1, micro("0.50"), pico("0.60"))]
    assert outcome.fills[0].gross_ev_pico == pico("0.10")
    assert outcome.fills[0].net_ev_total_pico == pico("0.08")
    # the quote is that of its candle, which ended long before
    assert outcome.fills[0].quote_ts == 0


@pytest.mark.parametrize(("known", "decided"), [(599, 600), (600, 600), (601, 660), (659, 660), (660, 660)])
def test_a_probability_is_in_force_from_its_own_second_on(known, decided):
    outcome = replay([changing((known, "0.60"))], ASK, rules(per_market=1))
    assert [fill.decision_ts for fill in outcome.fills] == [decided]


def test_of_two_changes_in_one_minute_the_last_is_in_force():
    assert not replay([changing((610, "0.60"), (650, "0.50"))], ASK, rules(per_market=1)).fills
    made = replay([changing((610, "0.50"), (650, "0.38"))], ASK, rules(per_market=1))
    # 1 − 0.38 − 0.52 = 0.10, less 0.02 of fee
    assert bought(made) == [(660, "NO", 1, micro("0.52"), pico("0.38"))]


def test_a_change_back_stops_the_purchases():
    """Bought at every minute from 00:10 until the change of 00:12:01 is in force, at 00:13."""
    outcome = replay([changing((600, "0.60"), (721, "0.50"))], ASK, rules())
    assert [fill.decision_ts // MINUTE for fill in outcome.fills] == [10, 11, 12]


def test_a_change_does_not_make_an_old_quote_young():
    """The quote ended at 0 and is visible for 20 minutes; a change in the 30th minute brings it back no more."""
    assert not replay([changing((1800, "0.90"))], ASK, rules(age=20)).fills
    made = replay([changing((1140, "0.90"))], ASK, rules(age=20))
    assert [fill.decision_ts // MINUTE for fill in made.fills] == [19, 20]


def test_the_volume_of_a_candle_is_not_there_twice():
    """10 contracts were traded; half of them may be bought on the candle, whatever its probability was meanwhile."""
    quotes = [quote(0, 0, 100, yes="0.50", volume=10)]
    half = rules(quantity=4, max_volume_share=Fraction(1, 2))
    outcome = replay([changing((600, "0.60"), (700, "0.70"))], quotes, half)
    assert sum(fill.quantity for fill in outcome.fills) == 5
    assert outcome.rejections["LIQUIDITY"] > 0


def test_kelly_stakes_follow_the_probability():
    """f = (p − P)/(1 − P): 0.2 of 1000 at 0.60, whole stakes of 0.50 each: 400 contracts; at 0.55 it would have been 200."""
    made = replay([changing((600, "0.60"))], ASK, rules(size=Kelly(Decimal(1)), min_ev="0"))
    assert (made.fills[0].decision_ts, made.fills[0].quantity) == (600, 400)


def test_a_change_before_the_first_candle_needs_no_row():
    """The first quote comes at 00:30, with the probability that is in force then."""
    what = changing((600, "0.60"), (1200, "0.70"))
    rows = columns_of(["A"], [(0, 1800, micro("0.48"), micro("0.50"), 0)])
    live = LiveCandles.empty().next(-1, [what], [0], rows)
    parts = ChanceRows.of(live)
    assert parts.rows.end_ts.tolist() == [1800]
    made = replay_candles([what], rows, rules(per_market=1))
    assert bought(made) == [(1800, "YES", 1, micro("0.50"), pico("0.70"))]


def test_rows_are_split_where_the_probability_changes_and_nowhere_else():
    """Two contracts, of which one changes: at a candle's own end its row begins anyway."""
    first = changing((660, "0.60"), (1200, "0.70"), (1230, "0.10"))
    second = contract("B", start=0, end=100, settles=200)
    candles = columns_of(["A", "B"], [(0, 600, 1, 2, 7), (0, 1200, 3, 4, 8), (1, 900, 5, 6, 9)])
    parts = ChanceRows.of(LiveCandles.empty().next(-1, [first, second], [0, 1], candles))
    rows = parts.rows
    assert rows.end_ts.tolist() == [600, 660, 1200, 1230, 900]
    assert rows.quote_ts.tolist() == [600, 600, 1200, 1200, 900]
    assert rows.volume.tolist() == [7, 7, 8, 8, 9]
    assert (rows.first_row.tolist(), rows.end_row.tolist()) == ([0, 4], [4, 5])
    assert (parts.parts.first_row.tolist(), parts.parts.end_row.tolist()) == ([0, 1, 2, 3, 4], [1, 2, 3, 4, 5])
    assert list(parts.part_p) == [pico("0.5"), pico("0.6"), pico("0.7"), pico("0.1"), second.p_pico]


def test_candles_are_not_copied_where_nothing_changes():
    live = LiveCandles.empty().next(-1, [contract()], [0], columns_of(["A"], [(0, 600, 1, 2, 7)]))
    assert ChanceRows.of(live).rows is live.rows


def test_the_probability_at_an_instant():
    what = changing((600, "0.60"), (1200, "0.70"), p="0.50")
    found = [what.p_at(ts) for ts in (0, 599, 600, 1199, 1200, 9999)]
    assert found == [pico(p) for p in ("0.5", "0.5", "0.6", "0.6", "0.7", "0.7")]
