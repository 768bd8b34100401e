"""What a forecast adds to the price: the worked example of docs/edge.md, and a second implementation on random events."""

import datetime as dt
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.reference import naive_edge as naive
from tradewinds.core.column_rows import column_of
from tradewinds.results.edge import claim_tables
from tradewinds.results.edge.beside_pnl import beside_pnl
from tradewinds.results.edge.claimed_trades import claimed_and_realised
from tradewinds.results.edge.edge_scores import UnscoredEvent, judge_edge
from tradewinds.results.edge.edge_words import figure_tables, sentences, signed
from tradewinds.results.edge.gains import claimed_share, mean_gain
from tradewinds.results.edge.ladders import Ladders, PricedEvent
from tradewinds.results.edge.pool import fit_pool, pooled, standard_errors
from tradewinds.results.edge.walk_forward_pool import known_weights

FIRST_DAY = dt.date(2025, 1, 1)
DAY = 86_400
TOY = (
    ((0.2, 0.5, 0.3), (0.3, 0.5, 0.2), 0),
    ((0.1, 0.6, 0.3), (0.2, 0.5, 0.3), 1),
    ((0.25, 0.25, 0.5), (0.2, 0.2, 0.6), 2),
    ((0.5, 0.3, 0.2), (0.4, 0.4, 0.2), 1),
)
toy = Ladders.of([q for q, _, _ in TOY], [f for _, f, _ in TOY], [winner for *_, winner in TOY], range(4))


@pytest.mark.parametrize(
    ("shrinkage", "b", "c"), [(50, 0.999425, 0.015784), (2, 0.927989, 0.318663), (0, -5.5354, 11.4389)]
)
def test_the_worked_example_is_fitted_as_it_says(shrinkage, b, c):
    fit = fit_pool(toy, shrinkage)
    assert (fit.b, fit.c) == pytest.approx((b, c), abs=5e-5 if shrinkage == 0 else 5e-7)


def test_the_worked_example_has_its_other_figures():
    assert fit_pool(toy, with_forecast=False).b == pytest.approx(0.9711, abs=5e-5)
    share = claimed_share(toy)
    assert (share["w"], share["se"]) == pytest.approx((3.4, 2.120), abs=5e-4)
    over_price = mean_gain(toy, np.exp(toy.log_f), np.exp(toy.log_q))
    assert over_price["mean"] == pytest.approx(0.17329, abs=5e-6)
    assert pooled(toy, 1, 0.25)[0] == pytest.approx([0.192457, 0.546685, 0.260858], abs=1e-6)


@st.composite
def events(draw):
    """Events of two to seven contracts on a few dates, with quotes in cents, one winner each, and settlements in order."""
    made = []
    for number in range(draw(st.integers(2, 9))):
        size = draw(st.integers(2, 7))
        weights = draw(st.lists(st.integers(0, 60), min_size=size, max_size=size))
        bids = draw(st.lists(st.integers(0, 97), min_size=size, max_size=size))
        widths = draw(st.lists(st.integers(0, 30), min_size=size, max_size=size))
        day = FIRST_DAY + dt.timedelta(days=draw(st.integers(0, 5)))
        asof_ts = (day - FIRST_DAY).days * DAY
        settled = draw(st.one_of(st.none(), st.integers(asof_ts, asof_ts + 3 * DAY)))
        made.append(
            PricedEvent(
                group=f"place {number % 2}",
                day=day,
                asof_ts=asof_ts,
                settled_ts=settled,
                p=[weight / max(sum(weights), 1) for weight in weights],
                bid=[bid / 100 for bid in bids],
                ask=[min(bid + width, 100) / 100 for bid, width in zip(bids, widths, strict=True)],
                winner=draw(st.integers(0, size - 1)),
            )
        )
    return made


def plain(event):
    """An event for the naive implementation."""
    mids = [(bid + ask) / 2 for bid, ask in zip(event.bid, event.ask, strict=True)]
    return naive.shares(mids), naive.shares(event.p), event.winner, event.day


def same(found, expected, rel=1e-6, abs_=1e-7):
    """Whether figures agree, None for None."""
    pairs = list(zip(found, expected, strict=True))
    return all((a is None) == (b is None) and (a is None or a == pytest.approx(b, rel=rel, abs=abs_)) for a, b in pairs)


@settings(max_examples=50)
@given(events())
def test_a_second_implementation_agrees_on_random_events(made):
    """All figures of all events and of each place, but for fits that have no answer in either."""
    scores = judge_edge(made, [])
    asof, settled = [one.asof_ts for one in made], [one.settled_ts for one in made]
    rows = [plain(one) for one in made]
    known = naive.walk_forward(rows, settled, asof)
    alone = naive.walk_forward(rows, settled, asof, alone=True)
    z = [naive.pool(q, f, b, c) for (q, f, _, _), (b, c, _) in zip(rows, known, strict=True)]
    recalibrated = [naive.pool(q, f, b, 0) for (q, f, _, _), (b, _, _) in zip(rows, alone, strict=True)]
    places = {"all": list(range(len(made)))}
    for i, event in enumerate(made):
        places.setdefault(event.group, []).append(i)
    for name, chosen in places.items():
        found = scores if name == "all" else scores["by"]["station"][name]
        part = [rows[i] for i in chosen]
        q, f = [row[0] for row in part], [row[1] for row in part]
        zs, rs = [z[i] for i in chosen], [recalibrated[i] for i in chosen]
        assert (found["events"], found["days"]) == (len(part), len({row[3] for row in part}))
        for key, over, under in (
            ("model_over_price", f, q),
            ("recalibrated_over_price", rs, q),
            ("pooled_over_price", zs, q),
            ("pooled_over_recalibrated", zs, rs),
        ):
            one = found["nats"][key]
            assert same((one["mean"], one["se"]), naive.gain(part, over, under))
        if any(abs(a - b) > 1e-9 for qs, fs in zip(q, f, strict=True) for a, b in zip(qs, fs, strict=True)):
            assert same((found["claimed_share"]["w"], found["claimed_share"]["se"]), naive.claimed_share(part))
        last = max(range(len(chosen)), key=lambda at: (asof[chosen[at]], -at))
        assert same(found["weights"].values(), known[chosen[last]])
        for table, chances in (("claimed", [made[i].p for i in chosen]), ("shrunk", zs)):
            sides = [
                (p, bid, ask, j == made[i].winner)
                for i, ps in zip(chosen, chances, strict=True)
                for j, (p, bid, ask) in enumerate(zip(ps, made[i].bid, made[i].ask, strict=True))
            ]
            _, total = naive.table(sides)
            whole = found["table"]["total"][table]
            assert same((whole["expected"], whole["realised"]), total[1:], abs_=1e-6) or table == "claimed"
            assert sum(one["n"] for one in found["table"][table]) >= whole["n"]


@settings(max_examples=50)
@given(events())
def test_fits_and_their_errors_agree_with_a_second_implementation(made):
    rows = [plain(one) for one in made]
    ladders = Ladders.of(
        [[(bid + ask) / 2 for bid, ask in zip(one.bid, one.ask, strict=True)] for one in made],
        [one.p for one in made],
        [one.winner for one in made],
        [(one.day - FIRST_DAY).days for one in made],
    )
    for shrinkage in (0.5, 50):
        fit = fit_pool(ladders, shrinkage)
        assert (fit.b, fit.c) == pytest.approx(naive.fit(rows, shrinkage), rel=1e-6, abs=1e-7)
    fit = fit_pool(ladders)
    assume(fit is not None)  # else the winners can be told apart from all others, or price and forecast cannot
    theta = naive.fit(rows)
    (a, d), (_, e) = naive.curvature(rows, (fit.b, fit.c))
    assume(a * e - d * d > 1e-6 * max(a, e) ** 2)  # nearly singular: rounding decides
    assert (fit.b, fit.c) == pytest.approx(theta, rel=1e-4, abs=1e-5)
    assert same(standard_errors(ladders, fit) or [None], naive.errors(rows, theta) or [None], rel=1e-3, abs_=1e-5)
    alone = fit_pool(ladders, with_forecast=False)
    if alone is not None:
        expected = naive.fit(rows, alone=True)
        assert alone.b == pytest.approx(expected[0], rel=1e-4, abs=1e-5)
        found = standard_errors(ladders, alone) or [None]
        assert same(found, naive.errors(rows, expected, alone=True) or [None], rel=1e-3, abs_=1e-5)


CENTS = st.integers(0, 100).map(lambda cents: cents / 100)


@given(st.lists(st.tuples(st.integers(0, 1000), CENTS, CENTS, st.booleans()), min_size=1, max_size=20))
def test_every_side_is_in_its_bin(raw):
    """Ties are decided as exact numbers decide them: a claim of exactly 0.05 is in the bin that begins there."""
    rows = [(p / 1000, min(bid, ask), max(bid, ask), yes) for p, bid, ask, yes in raw]
    p, bid, ask, yes = (np.array([column]) for column in zip(*rows, strict=True))
    offers = claim_tables.Offers(bid, ask, yes, np.ones(p.shape, np.bool_))
    bins, total = claim_tables.claim_table(offers, p)
    claims = []
    for chance, low, high, won in rows:
        c, b, a = (Fraction(str(x)) for x in (chance, low, high))
        fee = Fraction(7, 100)
        if 0 < a < 1:
            claims.append((c - a - fee * a * (1 - a), won - a - fee * a * (1 - a)))
        if 0 < b < 1:
            claims.append((b - c - fee * b * (1 - b), (not won) - (1 - b) - fee * b * (1 - b)))
    edges = [Fraction(n, 100) for n in (0, 2, 5, 10, 20, 100)]
    for one, (low, high) in zip(bins, itertools.pairwise(edges), strict=True):
        inside = [claim for claim in claims if low <= claim[0] < high or (high == 1 and claim[0] == 1)]
        assert one["n"] == len(inside)
        assert one["expected"] == pytest.approx(float(sum(c for c, _ in inside)), abs=1e-9)
        assert one["realised"] == pytest.approx(float(sum(r for _, r in inside)), abs=1e-9)
    assert total["n"] == sum(claim > 0 for claim, _ in claims)


def test_no_event_and_one_event_say_what_can_be_said():
    nothing = judge_edge([], [UnscoredEvent("KMIA max", "NO_PRICE")])
    assert (nothing["events"], nothing["left_out"]) == (0, {"NO_PRICE": 1})
    assert nothing["by"]["station"]["KMIA max"]["left_out"] == {"NO_PRICE": 1}
    assert nothing["nats"]["model_over_price"] == {"mean": None, "se": None, "interval": None}
    assert sentences(nothing) == [
        "No event has a price, a probability and a result for every market: nothing is said of an edge."
    ]
    event = PricedEvent("a", FIRST_DAY, 0, None, (0.3, 0.7), (0.2, 0.6), (0.4, 0.8), 1)
    one = judge_edge([event], [])
    assert one["claimed_share"]["se"] is None and one["encompassing"]["verdict"] == "too_few_days"
    assert one["weights"] == {"b": 1.0, "c": 0.0, "training_events": 0}
    assert figure_tables(one)


def test_a_forecast_that_is_the_price_is_told_from_it_by_nothing():
    same_events = [
        PricedEvent(
            "a", FIRST_DAY + dt.timedelta(days=n), n * DAY, n * DAY + 1, (0.4, 0.6), (0.4, 0.6), (0.4, 0.6), n % 2
        )
        for n in range(40)
    ]
    found = judge_edge(same_events, [])
    assert found["encompassing"]["b"] is None and found["encompassing"]["verdict"] is None
    assert found["claimed_share"] == {"w": None, "se": None, "interval": None}
    assert sentences(found) == ["Price and forecast cannot be told apart on 40 events."]


def knowing(share):
    """Forty events over whose price of ½ a forecast of ¾ is right in a share of cases."""
    return [
        PricedEvent(
            "a", FIRST_DAY + dt.timedelta(days=n), n * DAY, n * DAY + 1, (0.75, 0.25), (0.49, 0.29), (0.51, 0.71),
            int(n % 10 >= share * 10),
        )
        for n in range(40)
    ]  # fmt: skip


def test_the_verdict_follows_the_interval_of_c():
    random = np.random.default_rng(7)
    told = []
    for n in range(400):
        price, forecast = random.dirichlet([2, 2, 2]), random.dirichlet([2, 2, 2])
        z = price * forecast
        day = FIRST_DAY + dt.timedelta(days=n)
        bid, ask = np.maximum(price - 0.01, 0), np.minimum(price + 0.01, 1)
        winner = int(random.choice(3, p=z / z.sum()))
        told.append(PricedEvent("a", day, n * DAY, n * DAY + 1, forecast.tolist(), bid.tolist(), ask.tolist(), winner))
    adds = judge_edge(told, [])
    assert adds["encompassing"]["verdict"] == "adds" and adds["encompassing"]["c"] > 0
    assert sentences(adds)[0].startswith("This forecast adds information: c = +")
    turned = [one._replace(p=[(1 / p) / sum(1 / x for x in one.p) for p in one.p]) for one in told]
    against = judge_edge(turned, [])
    assert against["encompassing"]["verdict"] == "contradicts"
    assert sentences(against)[0].startswith(
        "This forecast is at odds with what happened once the price is known (c = -"
    )
    assert sentences(against)[1].startswith("Of each cent of edge the forecast claimed, -")
    unrelated = [one._replace(p=random.dirichlet([2, 2, 2]).tolist()) for one in told]
    no_more = judge_edge(unrelated, [])
    assert no_more["encompassing"]["verdict"] == "not_seen"
    assert sentences(no_more)[0].startswith("This forecast adds nothing to the price that 400 events can show (c = ")


def test_weights_know_nothing_that_settles_later():
    """A result that comes after an as-of time, whatever it is, changes no weight of that time."""
    events_then = knowing(0.8)
    ladders = [
        judge_columns(events_then),
        judge_columns([one._replace(winner=1 - one.winner) for one in events_then[20:]]),
    ]
    asof = [one.asof_ts for one in events_then]
    settled = [one.settled_ts for one in events_then]
    changed = judge_columns([*events_then[:20], *(one._replace(winner=1 - one.winner) for one in events_then[20:])])
    before, after = known_weights(ladders[0], settled, asof), known_weights(changed, settled, asof)
    assert before[:21] == after[:21] and before[21:] != after[21:]
    assert before[0] == (1.0, 0.0, 0) and before[1].training_events == 1
    unknown = known_weights(ladders[0], [None] * 40, asof)
    assert set(unknown) == {(1.0, 0.0, 0)}


def judge_columns(made):
    """Events as columns."""
    return Ladders.of(
        [[(bid + ask) / 2 for bid, ask in zip(one.bid, one.ask, strict=True)] for one in made],
        [one.p for one in made],
        [one.winner for one in made],
        range(len(made)),
    )


def claimed_by(*trades):
    """What trades (event, contracts, claim, profit) claimed and made."""
    return claimed_and_realised(*map(column_of, zip(*trades, strict=True)))


def test_trades_claimed_and_made():
    cent = 10**10
    trades = [
        ("A", 10, 10 * 5 * cent, -2_000_000),
        ("A", 1, 2 * cent - 1, 500_000),
        ("B", 2, 2 * 30 * cent, 1_400_000),
    ]
    found = claimed_by(*trades)
    assert found["expected"] == pytest.approx(1.12) and found["realised"] == pytest.approx(-0.1)
    assert [(one["from"], one["n"]) for one in found["bins"] if one["n"]] == [(0.0, 1), (0.05, 1), (0.3, 1)]
    ratio = -0.1 / 1.12
    residuals = [-1.5 - ratio * 0.52, 1.4 - ratio * 0.6]
    assert found["se"] == pytest.approx(math.sqrt(sum(r * r for r in residuals) * 2) / 1.12)
    assert beside_pnl({"edge": found}) == "claimed +1.12, got -0.10"
    assert claimed_by(*trades[:2])["se"] is None
    assert beside_pnl({}) == ""


@given(st.integers(1, 1000) | st.just(10**9), st.integers(-10, 110), st.integers(-2, 2))
def test_a_claim_is_in_the_bin_of_its_value_per_contract(quantity, cents, more):
    """Beside the rule in fractions; claims are a hair beside each whole cent as well."""
    claimed = quantity * cents * 10**10 + more
    found = claimed_by(("A", quantity, claimed, 0))["bins"]
    edges = [Fraction(edge, 100) for edge in (0, 2, 5, 10, 15, 20, 30, 100)]
    each = Fraction(claimed, quantity * 10**12)
    expected = [int(low <= each < high or (high == 1 and each == 1)) for low, high in itertools.pairwise(edges)]
    assert [one["n"] for one in found] == expected


def test_signs_are_those_of_what_is_shown():
    assert [signed(value, 2) for value in (None, 0.004, -0.004, -1234.5, 2)] == [
        "—",
        "0.00",
        "0.00",
        "-1,234.50",
        "+2.00",
    ]
