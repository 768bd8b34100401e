"""The user's file of order books: what it may look like, and what is said of a row that cannot be right."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.engine_parts import contract
from tradewinds.core.errors import SimulationError
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.families.kalshi_weather.order_book_file import books_of, read_book_file

HEAD = "market_ticker,known_at_utc,side,price,size\n"
DAY = 1_746_057_600  # 2025-05-01T00:00:00Z
T = "2025-05-01T00:05:00Z"
WHOLE = f"A,{T},yes,0.38,7\nA,{T},yes,0.36,1.9\nA,{T},no,0.60,3\nA,{T},no,0.58,2\n"


def written(tmp_path, rows, head=HEAD):
    path = tmp_path / "levels.csv"
    path.write_text(head + rows)
    return str(path)


def books(path, *tickers):
    config = {"liquidity": {"levels": path}}
    return books_of(config, [contract(ticker) for ticker in tickers or ("A",)])


def shown(made, number=0):
    return [[(price // 10_000, size) for price, size in made.offers(number, side)] for side in Side]


def test_both_ways_to_write_a_book_say_the_same(tmp_path):
    """In the exchange's book both sides are bids: a no at 0.60 is an ask of YES at 0.40. Sizes are rounded down."""
    exchange = shown(books(written(tmp_path, WHOLE)))
    other = WHOLE.replace("yes", "Bid").replace("no,0.60", "ask,0.40").replace("no,0.58", "ask,0.42")
    assert exchange == [[(40, 3), (42, 2)], [(62, 7), (64, 1)]] == shown(books(written(tmp_path, other)))


@pytest.mark.parametrize("prices", ["float", "short float", "decimal", "text"])
def test_parquet_of_any_type_of_number(tmp_path, prices):
    cents, moment = list(range(1, 99)), dt.datetime(2025, 5, 1, 0, 5, tzinfo=dt.UTC)
    column = {
        "float": pa.array([cent / 100 for cent in cents]),
        "short float": pa.array(np.array([cent / 100 for cent in cents], np.float32)),
        "decimal": pa.array([Decimal(cent) / 100 for cent in cents], pa.decimal128(4, 2)),
        "text": pa.array([f"{cent / 100:.2f}" for cent in cents]),
    }[prices]
    table = {
        "market_ticker": ["A"] * 98,
        "known_at_utc": pa.array([moment] * 98, pa.timestamp("us", "UTC")),
        "side": ["bid"] * 98,
        "price": column,
        "size": list(range(98)),
    }
    path = tmp_path / "levels.parquet"
    pq.write_table(pa.table(table), path)
    assert shown(books(str(path)))[1] == [(100 - cent, cent - 1) for cent in reversed(cents) if cent > 1]


def test_rows_in_any_order_of_several_markets_and_a_market_that_is_not_there(tmp_path):
    rows = f"B,{T},ask,0.50,1\n{WHOLE}Z,{T},ask,0.1,1\nB,2025-05-01T00:04:00+00:00,ask,0.51,2\n"
    made = books(written(tmp_path, "".join(reversed(rows.splitlines(keepends=True)))), "A", "B", "C")
    assert made.has_book.tolist() == [True, True, False]
    assert (made.columns.known_at - DAY).tolist() == [300, 240, 300] and shown(made, 1)[0] == [(51, 2)]


def test_the_last_snapshot_of_a_second_counts_and_is_known_at_the_next(tmp_path):
    rows = (
        "A,2025-05-01T00:05:00.1Z,ask,0.50,1\nA,2025-05-01T00:05:00.9Z,ask,0.52,2\nA,2025-05-01T00:05:01.2Z,ask,0.4,9\n"
    )
    made = books(written(tmp_path, rows))
    assert (made.columns.known_at - DAY).tolist() == [301, 302] and [shown(made, n)[0] for n in (0, 1)] == [
        [(52, 2)],
        [(40, 9)],
    ]


def test_an_empty_book_is_a_row_of_size_zero(tmp_path):
    made = books(written(tmp_path, f"A,{T},yes,0.50,0\nA,2025-05-01T00:06:00Z,yes,0.50,0.5\n"))
    assert (made.columns.known_at - DAY).tolist() == [300, 360] and [shown(made, n) for n in (0, 1)] == [[[], []]] * 2


@pytest.mark.parametrize(
    ("row", "number", "said"),
    [
        (f",{T},yes,0.3,1", 5, "market_ticker is empty. Every row names a market."),
        ("A,,yes,0.3,1", 5, "known_at_utc '' is no time. Write it like 2025-05-01T18:00:00Z."),
        ("A,yesterday,yes,0.3,1", 5, "known_at_utc 'yesterday' is no time."),
        (
            f"A,{T},buy,0.3,1",
            5,
            "side 'buy' is none. Write yes or no (bids of the exchange's book), or bid or ask (of YES).",
        ),
        (
            f"A,{T},yes,nan,1",
            5,
            "price is empty. Write dollars in whole cents, from 0.01 to 0.99 (0.42, not 42).",
        ),
        (f"A,{T},yes,,1", 5, "price is empty."),
        (f"A,{T},yes,30,1", 5, "price 30 is not between 0 and 1."),
        (f"A,{T},yes,1,1", 5, "price 1 is not between 0 and 1."),
        (f"A,{T},yes,0.305,1", 5, "price 0.305 is no whole number of cents."),
        (f"A,{T},yes,0.3,-1", 5, "size -1 cannot be. Write how many contracts waited at the price: 0 or more, at most"),
        (f"A,{T},yes,0.3,inf", 5, "size 'inf' is no number."),
        (f"A,{T},yes,0.3,2e9", 5, "size 2e+09 cannot be."),
        (
            f"A,{T},ask,0.42,9",
            5,
            "the level of row 4 occurs again: A, 2025-05-01T00:05:00Z, ask of YES 0.42. Keep one row",
        ),
        (
            f"A,{T},bid,0.41,9",
            1,
            "the book of A at 2025-05-01T00:05:00Z is crossed: YES is bid at 0.41 and asked at 0.40. Check the sides",
        ),
    ],
)
def test_a_row_that_cannot_be_right_is_named(tmp_path, row, number, said):
    path = written(tmp_path, WHOLE + row + "\n")
    with pytest.raises(SimulationError) as error:
        read_book_file(path)
    assert str(error.value).startswith(f"{path}, row {number}: {said}")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (
            "market_ticker,known_at_utc,side,price\n",
            "column size is missing. It needs the columns market_ticker, known_at_utc",
        ),
        ("market_ticker,known_at_utc,side,price,size,size\n", "column size occurs twice. Keep one of them."),
        (
            "market_ticker;known_at_utc;side;price;size\n",
            "the file of order books separates its columns with semicolons",
        ),
    ],
)
def test_a_file_without_its_columns_is_refused(tmp_path, head, said):
    cells = head.count(",") or head.count(";")
    path = written(tmp_path, "1" + ",1" * cells + "\n", head)
    with pytest.raises(SimulationError) as error:
        read_book_file(path)
    assert said in str(error.value)


def test_an_empty_file_has_no_books(tmp_path):
    assert not books(written(tmp_path, "")).has_book.any()
    assert books_of({}, [contract("A")]) is None and books_of({"liquidity": None}, []) is None


def test_random_files_come_to_the_books_that_they_say(tmp_path):
    """Levels of some hundred snapshots, shuffled and written in both ways, beside a plain reading of them."""
    rng = np.random.default_rng(7)
    wanted, rows = {}, []
    for ticker in "AB":
        for second in rng.choice(5_000, 60, replace=False).tolist():
            middle = int(rng.integers(3, 97))
            asks = {int(c): int(rng.integers(1, 50)) for c in rng.integers(middle, 100, 4)}
            bids = {int(c): int(rng.integers(1, 50)) for c in rng.integers(1, middle, 4)}
            wanted[ticker, DAY + second] = [sorted(asks.items()), sorted((100 - c, n) for c, n in bids.items())]
            start = f"{ticker},{dt.datetime.fromtimestamp(DAY + second, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
            for word, turned, levels in (("ask", "no", asks), ("bid", "yes", bids)):
                for cents, size in levels.items():
                    named = word if rng.random() < 0.5 else turned
                    price = Fraction(100 - cents if named == "no" else cents, 100)
                    rows.append(f"{start},{named},{float(price)},{size + rng.choice([0, 0.25])}\n")
    path = written(tmp_path, "".join(rng.permutation(rows).tolist()))
    made = books(path, "A", "B")
    found = {}
    for idx, ticker in enumerate("AB"):
        for number in range(int(made.columns.first_snapshot[idx]), int(made.columns.end_snapshot[idx])):
            found[ticker, int(made.columns.known_at[number])] = shown(made, number)
    assert found == wanted
