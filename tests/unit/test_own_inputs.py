"""Probabilities and strategies from Python as files: the same values are the same file, and others are refused."""

import datetime as dt
import importlib.util
import math
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather.forecasts.user_distributions import read_user_file as read_laws
from tradewinds.families.kalshi_weather.forecasts.user_probabilities import read_user_file
from tradewinds.families.kalshi_weather.order_book_file import read_book_file
from tradewinds.families.kalshi_weather.strategies import file_strategy
from tradewinds.session.own_frames import is_distribution, write_distributions, write_levels, write_probabilities
from tradewinds.session.own_strategy import write_strategy
from tradewinds.strategies.decisions import buy, cancel
from tradewinds.strategies.user_file import NONE, YES, Orders, pico

FRAME = pd.DataFrame(
    {
        "market_ticker": ["B", "A", "A"],
        "known_at_utc": ["2025-03-01T12:00:00Z", "2025-03-01T13:00:00Z", "2025-03-01T12:00:00Z"],
        "p_yes": [0.1 + 0.2, 0.25, 1e-7],
    }
)
EDGE = 0.05
LEVELS = {"low": [1, 2], "high": (0.5, None)}
OPEN_THINGS = {"frame": FRAME}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_frame_becomes_the_users_file():
    found = read_user_file(write_probabilities(FRAME))
    noon = int(dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC).timestamp())
    assert found == {
        "A": [(noon, Decimal("0.000000100000")), (noon + 3600, Decimal("0.250000000000"))],
        "B": [(noon, Decimal("0.300000000000"))],
    }


@pytest.mark.parametrize(
    "same",
    [
        FRAME.sample(frac=1, random_state=1),
        FRAME.assign(extra=1),
        FRAME.set_index("market_ticker"),
        FRAME.set_index("market_ticker").rename_axis(None).rename(columns={"known_at_utc": "known_at"}),
    ],
)
def test_the_same_values_are_the_same_file(same):
    assert write_probabilities(same) == write_probabilities(FRAME)


@pytest.mark.parametrize("zone", [None, "UTC", "America/Chicago"])
def test_times_are_instants(zone):
    times = pd.to_datetime(FRAME["known_at_utc"], utc=True)
    times = times.dt.tz_localize(None) if zone is None else times.dt.tz_convert(zone)
    given = FRAME.drop(columns="known_at_utc").assign(known_at=times)
    assert read_user_file(write_probabilities(given)) == read_user_file(write_probabilities(FRAME))


def test_of_equal_times_the_later_row_counts():
    twice = pd.concat([FRAME, FRAME.assign(p_yes=0.9)])
    assert read_user_file(write_probabilities(twice))["B"][-1][1] == Decimal("0.9")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.drop(columns="p_yes"), "column p_yes is missing"),
        (FRAME.drop(columns="market_ticker"), "column market_ticker is missing"),
        (FRAME.assign(known_at=FRAME["known_at_utc"]), "known_at_utc is there twice"),
        (FRAME.assign(p_yes=[0.1, np.nan, 0.2]), "row 2: p_yes is missing"),
        ({"a": 1}, "a dict is no DataFrame"),
    ],
)
def test_what_is_no_table_of_probabilities_is_refused(frame, said):
    with pytest.raises(ConfigError, match=said):
        write_probabilities(frame)


BOOKS = pd.DataFrame(
    {
        "market_ticker": ["A", "A", "A"],
        "known_at": pd.to_datetime(["2025-03-01T12:00Z", "2025-03-01T12:00Z", "2025-03-01T13:00Z"]),
        "side": ["yes", "no", "ask"],
        "price": [0.41, 0.55, Decimal("0.44")],
        "size": [3, 8, 20.0],
        "seen_by": "me",
    }
)


def test_a_frame_of_levels_is_the_file_that_a_config_can_name():
    found = read_book_file(write_levels(BOOKS))
    assert found.price.tolist() == [410_000, 450_000, 440_000] and found.size.tolist() == [3, 8, 20]
    assert found.is_ask.tolist() == [False, True, True] and found.tickers == ["A"]
    assert found.micros.tolist() == [1740830400_000_000] * 2 + [1740834000_000_000]
    assert write_levels(BOOKS.set_index("market_ticker")) == write_levels(BOOKS)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (BOOKS.drop(columns="size"), "column size is missing.*side, price and size"),
        (BOOKS.assign(side=["yes", None, "no"]), "levels, row 2: side is missing"),
        (3, "a int is no DataFrame"),
    ],
)
def test_what_is_no_table_of_levels_is_refused(frame, said):
    with pytest.raises(ConfigError, match=said):
        write_levels(frame)


LAWS = pd.DataFrame(
    {
        "series_ticker": ["KXHIGHCHI", "KXHIGHCHI"],
        "climate_date": [dt.date(2025, 5, 10), dt.date(2025, 5, 11)],
        "known_at_utc": pd.to_datetime(["2025-05-09T18:00Z", "2025-05-10T18:00Z"]),
        "mu_f": [81.3, 70.0],
        "sigma_f": [2.0, np.float32(1.5)],
    }
)


@pytest.mark.parametrize(
    "frame",
    [
        LAWS,
        LAWS.rename(columns={"known_at_utc": "known_at"}),
        LAWS.assign(climate_date=pd.to_datetime(LAWS["climate_date"])),
        LAWS.assign(climate_date=LAWS["climate_date"].astype(str), model=[None, "mine"]),
    ],
)
def test_a_frame_of_distributions_is_the_file_that_a_config_can_name(frame):
    assert is_distribution(frame) and not is_distribution(FRAME)
    laws = read_laws(write_distributions(frame), ["KXHIGHCHI"], 0.5)
    found = [(day, law.known_at_ts, law.distribution.mean_f) for (_, day), [law] in sorted(laws.items())]
    first = int(pd.Timestamp("2025-05-09T18:00Z").timestamp())
    assert found == [(dt.date(2025, 5, 10), first, 81.3), (dt.date(2025, 5, 11), first + 86_400, 70.0)]


def test_a_frame_of_members_leaves_empty_cells_out():
    members = LAWS.drop(columns=["mu_f", "sigma_f"]).assign(member_1=[70.0, 71.0], member_2=[72.0, np.nan])
    laws = read_laws(write_distributions(members), ["KXHIGHCHI"], 0.5)
    assert [len(law.distribution.components) for [law] in laws.values()] == [2, 1]
    with pytest.raises(ConfigError, match="known_at_utc is missing"):
        write_distributions(members.drop(columns="known_at_utc"))


def halved(value):
    return math.floor(value * LEVELS["high"][0])


def cheap(quotes, parameters, least=EDGE):
    good = quotes.quoted(YES) & (quotes.net_value(YES, 1) > pico(least))
    return Orders(side=np.where(good, YES, NONE), quantity=next(halved(n) for n in (2, 4)))


def test_a_function_is_written_with_what_it_uses():
    name, path = write_strategy(cheap)
    spec = importlib.util.spec_from_file_location("written", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert name == "cheap" and module.orders is module.cheap
    assert module.halved(5) == 2 and module.EDGE == EDGE and module.LEVELS == LEVELS and module.np is np
    assert module.YES is YES and module.Orders is Orders and "import NONE" in Path(path).read_text()
    assert write_strategy(cheap)[1] == path


def uses_a_frame(quotes, parameters):
    return OPEN_THINGS["frame"]


def uses_nothing_known(quotes, parameters):
    return not_defined_anywhere  # noqa: F821


def made_by(value):
    def orders(quotes, parameters):
        return value

    return orders


def decorated(function):
    return function


@decorated
def with_decorator(quotes, parameters):
    return None


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (uses_a_frame, "uses OPEN_THINGS, a dict, which cannot be written"),
        (uses_nothing_known, "not_defined_anywhere, which is not defined"),
        (made_by(FRAME), "uses value, a DataFrame"),
        (with_decorator, "has a decorator"),
        (lambda quotes, parameters: None, "a lambda"),
        (len, "no Python function"),
        (
            eval("type(made_by)((lambda: 0).__code__.replace(co_name='typed', co_filename='<prompt>'), {}, 'typed')"),
            "source is not known",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(function, said):
    with pytest.raises(ConfigError, match=said) as refused:
        write_strategy(function)
    assert refused.value.remedy


def test_a_closed_over_number_is_written():
    _, path = write_strategy(made_by(3))
    assert "value = 3" in Path(path).read_text()


def test_a_function_whose_file_was_changed_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "changed_later.py"
    file.write_text("def orders(quotes, parameters):\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import changed_later

    file.write_text("def orders(quotes, parameters):\n    return 2000\n")
    with pytest.raises(ConfigError, match="changed after it was defined"):
        write_strategy(changed_later.orders)


LEAST = 0.02


class TakesProfit:
    """Buys what is cheap, and sells it dearer."""

    gain = EDGE

    def on_start(self, parameters):
        super().__init__()  # a closure of every such method
        self.least = parameters.get("least", LEAST)

    @staticmethod
    def worth(market):
        return np.float64(market.probability)

    def on_decision(self, view):
        return [
            buy(market, 1) if self.worth(market) > market.ask + self.least else cancel(market)
            for market in view.markets
        ]


def test_a_class_is_written_with_what_it_uses_and_is_the_same_class_again():
    name, path = write_strategy(TakesProfit)
    made = file_strategy.load(path)
    text = Path(path).read_text()
    assert name == "TakesProfit" and made.__name__ == name and "\nStrategy = TakesProfit\n" in text
    assert "from tradewinds.strategies.decisions import buy\n" in text and "LEAST = 0.02" in text
    strategy = made()
    strategy.on_start({})
    markets = [
        SimpleNamespace(ticker="A", probability=0.5, ask=0.4),
        SimpleNamespace(ticker="B", probability=0.5, ask=0.6),
    ]
    assert strategy.on_decision(SimpleNamespace(markets=markets)) == [buy("A", 1), cancel("B")]
    assert write_strategy(TakesProfit)[1] == path


def class_made_with(edge):
    class Strategy:
        def on_decision(self, view):
            return edge

    return Strategy


def test_a_class_keeps_what_it_was_made_with():
    paths = [write_strategy(class_made_with(edge))[1] for edge in (1, 2)]
    assert [file_strategy.load(path)().on_decision(None) for path in paths] == [1, 2]


class OfFrames:
    def on_decision(self, view):
        return FRAME


class Empty:
    edge = 1


@pytest.mark.parametrize(
    ("found", "words"),
    [(OfFrames, "uses FRAME"), (Empty, "no method"), (type("Made", (), {"on_decision": cheap}), "no method")],
)
def test_a_class_that_cannot_be_written_says_why(found, words):
    with pytest.raises(ConfigError, match=words):
        write_strategy(found)


def test_a_class_that_was_changed_later_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "changed_class.py"
    file.write_text("class Strategy:\n    def on_decision(self, view):\n        return 1\n")
    import changed_class

    write_strategy(changed_class.Strategy)
    file.write_text("class Strategy:\n    def on_decision(self, view):\n        return 2000\n")
    with pytest.raises(ConfigError, match="changed after it was defined"):
        write_strategy(changed_class.Strategy)
