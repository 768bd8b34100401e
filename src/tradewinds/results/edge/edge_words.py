"""What the figures of `edge` say, as sentences and small tables for terminal and report. docs/edge.md has the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tradewinds.core.text import counted
from tradewinds.results.edge.edge_scores import ADDS, CONTRADICTS, NOT_SEEN, TOO_FEW_DAYS

USUAL_NEED = (
    450  # events in which c = 0.25 is usually seen; where there is no standard error to say it for this forecast
)
CENTS = 100
_HALF = 0.5
_NATS = {
    "model_over_price": "forecast over price",
    "recalibrated_over_price": "recalibrated price over price",
    "pooled_over_price": "pool over price",
    "pooled_over_recalibrated": "pool over recalibrated price: what the forecast adds",
}
_SIZES = {
    "rms_claimed": "forecast less price, root mean square",
    "rms_shrunk": "pool less price, root mean square",
    "half_spread": "half of the spread, mean",
    "fee": "fee of a taker at the middle, mean",
}


class FigureTable(NamedTuple):
    """A small table of figures as text.

    Attributes:
        title: above it.
        heads: the heading of each column; the first column holds words, the others figures.
        rows: its cells.
    """

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def sentences(edge: Mapping[str, Any]) -> list[str]:
    """What the figures say of a forecast beside the price: whether it adds anything, and how much of its claims was there.

    Args:
        edge: the key `edge` of calibration.json.
    """
    said = [_verdict_words(edge)]
    share = edge["claimed_share"]
    if share["interval"] is not None and share["interval"][1] < _HALF:
        span = _within(share["interval"], 2)
        said.append(f"Of each cent of edge the forecast claimed, {signed(share['w'], 2)} cents were there ({span}).")
    return said


def _verdict_words(edge: Mapping[str, Any]) -> str:
    """The first sentence, by the verdict."""
    found, events = edge["encompassing"], counted(edge["events"], "event")
    c = f"c = {signed(found['c'], 2)}, {_within(found['interval_c'], 2)}"
    match found["verdict"]:
        case _ if not edge["events"]:
            return "No event has a price, a probability and a result for every market: nothing is said of an edge."
        case verdict if verdict == TOO_FEW_DAYS:
            return (
                f"{counted(edge['days'], 'day', 'is', 'are')} too few to tell whether this forecast knows anything the price "
                f"does not; about {found['needed_events'] or USUAL_NEED:,} events are needed."
            )
        case verdict if verdict == NOT_SEEN:
            return f"This forecast adds nothing to the price that {events} can show ({c})."
        case verdict if verdict == ADDS:
            sizes = edge["sizes"]
            cost = None if sizes["half_spread"] is None else sizes["half_spread"] + sizes["fee"]
            return (
                f"This forecast adds information: {c}; shrunk towards the price its edge is {_cents(sizes['rms_shrunk'])} rms, "
                f"crossing the spread and the fee costs {_cents(cost)}."
            )
        case verdict if verdict == CONTRADICTS:
            return f"This forecast is at odds with what happened once the price is known ({c}, over {events})."
    return f"Price and forecast cannot be told apart on {events}."


def figure_tables(edge: Mapping[str, Any]) -> list[FigureTable]:
    """The figures as tables, in this order: what price and forecast add to each other, claimed share, claimed and shrunk edges
    beside what they realised, sizes, gains.

    Args:
        edge: the key `edge` of calibration.json.
    """
    # Rows of each table: words, then figures.
    found, share, nats = edge["encompassing"], edge["claimed_share"], edge["nats"]
    weights = [
        ("price, b", signed(found["b"], 3), _plain(found["se_b"], 3), _within(found["interval_b"], 3)),
        ("forecast, c", signed(found["c"], 3), _plain(found["se_c"], 3), _within(found["interval_c"], 3)),
        ("price alone, b", signed(found["b_alone"], 3), "", ""),
    ]
    gains = [
        (words, signed(nats[name]["mean"], 4), _plain(nats[name]["se"], 4), _within(nats[name]["interval"], 4))
        for name, words in _NATS.items()
    ]
    claimed = (
        "of a cent claimed, cents there",
        signed(share["w"], 3),
        _plain(share["se"], 3),
        _within(share["interval"], 3),
    )
    heads = ("estimate", "s.e.", "95 % interval")
    return [
        FigureTable("Weights of price and forecast, fitted after the fact", ("", *heads), weights),
        FigureTable("Claimed share", ("", *heads), [claimed]),
        *(
            FigureTable(title, ("Expected value", "sides", "expected", "realised"), _bins(edge["table"], name))
            for name, title in (("claimed", "Edge as claimed"), ("shrunk", "Edge shrunk towards the price"))
        ),
        FigureTable(
            "Sizes", ("", "a contract"), [(words, _cents(edge["sizes"][name])) for name, words in _SIZES.items()]
        ),
        FigureTable("Gain in nats an event", ("", "mean", *heads[1:]), gains),
    ]


def _bins(table: Mapping[str, Any], name: str) -> list[tuple[str, ...]]:
    """Rows of a table of claims, and of all of them."""
    rows = [(f"{one['from']:.2f} to {one['to']:.2f}", one) for one in table[name]]
    rows.append(("all above 0", table["total"][name]))
    return [
        (words, f"{one['n']:,}", signed(one["expected"], 2), signed(one["realised"], 2))
        for words, one in rows
    ]  # fmt: skip


def age_words(ages: Mapping[str, Any]) -> str:
    """How old the forecast's newest input and the price were at the as-of times.

    Args:
        ages: the key `ages` of calibration.json.
    """
    inputs, prices = ages["newest_input_hours"], ages["price_minutes"]
    if inputs is None or prices is None:
        return "No event has both a probability and a price at its as-of time."
    return (
        f"At the as-of time the newest input had been public for {inputs['median']:.1f} hours in the middle case and for "
        f"{inputs['most']:.1f} at most; the price was {prices['median']:.0f} minutes old in the middle case and "
        f"{prices['most']:.0f} at most. The price has seen what came since."
    )


def claimed_words(edge: Mapping[str, Any]) -> str:
    """What a run's trades claimed and what they made: `claimed +76.83, got -20.62`.

    Args:
        edge: the key `edge` of metrics.json.
    """
    return f"claimed {signed(edge['expected'], 2)}, got {signed(edge['realised'], 2)}"


def signed(value: float | None, places: int) -> str:
    """A figure with its sign, — for None."""
    if value is None:
        return "—"
    text = f"{value:+,.{places}f}"
    return f"{0:.{places}f}" if not float(text.replace(",", "")) else text


def _plain(value: float | None, places: int) -> str:
    return "—" if value is None else f"{value:,.{places}f}"


def _within(interval: Sequence[float] | None, places: int) -> str:
    return "—" if interval is None else f"{signed(interval[0], places)} to {signed(interval[1], places)}"


def _cents(amount: float | None) -> str:
    return "—" if amount is None else f"{amount * CENTS:.1f} ¢"
