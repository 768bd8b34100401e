"""The user's own probabilities: what is wrong is named with file and row, and what is right is read to the second."""

import datetime as dt
import random
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather.forecasts.user_probabilities import latest, read_user_file, refuse_unmatched

HEAD = "market_ticker,known_at_utc,p_yes\n"
GOOD = "M,2025-05-01T18:00:00Z,0.5\n"
NOON = dt.datetime(2025, 5, 1, 12)
NOON_TS = int(NOON.replace(tzinfo=dt.UTC).timestamp())


def csv_of(tmp_path, text, name="mine.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def parquet_of(tmp_path, times=(NOON,), p_yes=(0.5,), tickers=("M",)):
    path = tmp_path / "mine.parquet"
    columns = {"market_ticker": tickers, "known_at_utc": times, "p_yes": p_yes}
    pq.write_table(pa.table({k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in columns.items()}), path)
    return path


@pytest.mark.parametrize("row", [2, 4])
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",2025-05-01T18:00:00Z,0.5", "market_ticker is empty"),
        ("  ,2025-05-01T18:00:00Z,0.5", "market_ticker is empty"),
        ("M,,0.5", "known_at_utc '' is no time"),
        ("M,2025-02-30T18:00:00Z,0.5", "known_at_utc '2025-02-30T18:00:00Z' is no time"),
        ("M,1746122400,0.5", "is no time"),
        ("M,05/01/2025 18:00,0.5", "is no time"),
        ("M,2025-05-01T18:00:00Z,", "p_yes '' is no probability"),
        ("M,2025-05-01T18:00:00Z,50%", "p_yes '50%' is no probability"),
        ("M,2025-05-01T18:00:00Z,-0.01", "is no probability"),
        ("M,2025-05-01T18:00:00Z,0.1_0", "is no probability"),
        ("M,2025-05-01T18:00:00Z,٠.٥", "is no probability"),
        ("M,1746122400000,0.5", "As milliseconds since 1970 it would be 2025-05-01T18:00:00Z"),
        ("M,2025-05-01T18:00:00Z,1.0000000000001", "is no probability"),
        ("M,2025-05-01T18:00:00Z,inf", "is no probability"),
        ("M,2025-05-01T18:00:00Z,sNaN", "is no probability"),
    ],
)
def test_a_bad_row_of_a_csv_is_named(tmp_path, row, line, words):
    path = csv_of(tmp_path, HEAD + GOOD * (row - 1) + line + "\n" + GOOD)
    with pytest.raises(SimulationError) as caught:
        read_user_file(path)
    assert str(caught.value).startswith(f"{path}, row {row}: ") and words in str(caught.value)
    assert caught.value.exit_code == 5 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"tickers": ["M", None]}, "market_ticker is empty"),
        ({"times": [NOON, None]}, "known_at_utc None is no time"),
        ({"times": pa.array([NOON_TS, NOON_TS])}, "is no time"),
        ({"times": pa.array([NOON.date()] * 2)}, "is no time"),
        ({"p_yes": [0.5, None]}, "p_yes None is no probability"),
        ({"p_yes": [0.5, float("nan")]}, "is no probability"),
        ({"p_yes": [0.5, 1.5]}, "p_yes 1.5 is no probability"),
        ({"p_yes": [True, False]}, "is no probability"),
    ],
)
def test_a_bad_row_of_a_parquet_file_is_named(tmp_path, columns, words):
    path = parquet_of(tmp_path, **{"times": [NOON] * 2, "p_yes": [0.5] * 2, "tickers": ["M"] * 2} | columns)
    with pytest.raises(SimulationError) as caught:
        read_user_file(path)
    wanted = 1 if isinstance(columns.get("times"), pa.Array) or columns.get("p_yes") == [True, False] else 2
    assert str(caught.value).startswith(f"{path}, row {wanted}: ") and words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", HEAD + GOOD + "M,2025-05-01T18:00:00Z\n", "Expected 3 columns, got 2"),
        (
            "a.csv",
            HEAD.encode() + b"M\xff,2025-05-01T18:00:00Z,0.5\n",
            "line 2: the probability file is not text in UTF-8",
        ),
        (
            "a.csv",
            HEAD.replace(",", ";") + "M;2025-05-01T18:00:00Z;0.5\n",
            "line 1: the probability file separates its columns with semicolons",
        ),
        ("a.csv", "market_ticker,known_at_utc,P_YES\n" + GOOD, "column p_yes is missing"),
        ("a.csv", "market_ticker,known_at_utc,p_yes,p_yes\nM,2025-05-01T18:00:00Z,0.5,0.6\n", "p_yes"),
        ("a.csv", "", "cannot be read"),
        ("a.parquet", HEAD + GOOD, "cannot be read"),
        ("a.parquet", b"PAR1", "cannot be read"),
    ],
)
def test_a_file_of_another_shape_is_named(tmp_path, name, content, words):
    path = csv_of(tmp_path, content, name)
    with pytest.raises(SimulationError) as caught:
        read_user_file(path)
    assert str(path) in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-05-01T12:00:00Z", 0),
        ("2025-05-01T12:00:00", 0),  # without a zone: UTC
        (" 2025-05-01 12:00 ", 0),
        ("2025-05-01T14:00:00+02:00", 0),
        ("2025-05-01T07:00:00-05:00", 0),
        ("2025-05-01", -12 * 3600),
        ("2025-05-01T12:00:00.000001Z", 1),  # known within a second is not known at its start
        ("2025-05-01T11:59:59.999999Z", 0),
        ("2025-05-01T12:00:00.000Z", 0),
        ("1969-12-31T23:59:58.5Z", -1 - NOON_TS),
    ],
)
def test_times_of_any_zone_are_utc_seconds_rounded_up(tmp_path, text, seconds):
    [(known_at, _)] = read_user_file(csv_of(tmp_path, HEAD + f"M,{text},0.5\n"))["M"]
    assert known_at == NOON_TS + seconds


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_parquet_count_in_their_zone(tmp_path, unit):
    in_chicago = NOON.replace(tzinfo=dt.UTC).astimezone(ZoneInfo("America/Chicago"))
    for moment, zone in ((NOON, None), (in_chicago, "America/Chicago"), (in_chicago, "UTC")):
        times = pa.array([moment], pa.timestamp(unit, tz=zone))
        assert read_user_file(parquet_of(tmp_path, times))["M"][0][0] == NOON_TS


def test_probabilities_are_the_decimals_that_were_written(tmp_path):
    texts = ["0", "1", "0.1", " 0.30 ", "1e-12", "4.9e-13", "0.1234567890125", "0.1234567890115"]
    wanted = ["0", "1", "0.1", "0.3", "0.000000000001", "0", "0.123456789012", "0.123456789012"]  # half to even
    text = HEAD + "".join(f"M,2025-05-01T12:00:00Z,{p}\n" for p in texts)
    assert [p for _, p in read_user_file(csv_of(tmp_path, text))["M"]] == [Decimal(p) for p in wanted]
    for p_yes in ([0.1], pa.array([Decimal("0.10")]), pa.array(["0.1"])):
        assert read_user_file(parquet_of(tmp_path, p_yes=p_yes))["M"][0][1] == Decimal("0.1")
    assert read_user_file(parquet_of(tmp_path, p_yes=[1]))["M"][0][1] == 1


def test_what_spreadsheets_add_does_no_harm(tmp_path):
    plain = read_user_file(csv_of(tmp_path, HEAD + GOOD))
    windows = '\ufeffnote,p_yes,known_at_utc,market_ticker\r\n"a, b",0.5,2025-05-01T18:00:00Z,M\r\n'
    assert read_user_file(csv_of(tmp_path, windows, "MINE.CSV")) == plain
    assert read_user_file(csv_of(tmp_path, HEAD + " M ,2025-05-01T18:00:00Z,0.5\n")) == plain
    assert read_user_file(csv_of(tmp_path, HEAD)) == {}


def test_of_rows_in_any_order_the_last_known_counts_and_of_equal_ones_the_later(tmp_path):
    """Against the sentence itself: the greatest (known_at, place in the file) by the as-of time, per market."""
    chance = random.Random(7)
    rows = [(chance.choice("AB"), NOON_TS + chance.randrange(10), f"0.{n:03}") for n in range(60)]
    text = HEAD + "".join(f"{t},{dt.datetime.fromtimestamp(s, dt.UTC).isoformat()},{p}\n" for t, s, p in rows)
    known = read_user_file(csv_of(tmp_path, text))
    for ticker in "AB":
        assert latest(known[ticker], NOON_TS - 1) is None
        for asof in range(NOON_TS, NOON_TS + 12):
            place = max((s, n) for n, (t, s, _) in enumerate(rows) if t == ticker and s <= asof)[1]
            assert latest(known[ticker], asof) == (rows[place][1], Decimal(rows[place][2]))


def unmatched(tmp_path, rows, markets):
    """The refusal of a file for markets with the as-of time noon."""
    path = csv_of(tmp_path, HEAD + rows)
    with pytest.raises(SimulationError) as caught:
        refuse_unmatched(path, read_user_file(path), dict.fromkeys(markets, NOON_TS))
    words = str(caught.value)
    assert words.startswith(f"{path}: ") and caught.value.remedy and "\n" not in words
    return words


def test_a_file_that_names_no_market_is_refused_with_examples_of_both(tmp_path):
    rows = "".join(f"X{n},2025-05-01T11:00:00Z,0.5\n" for n in range(5))
    words = unmatched(tmp_path, rows, ["M1", "M2"])
    assert "it has X0, X1, X2 and 2 more" in words and "lists M1, M2." in words and "capitals" not in words
    assert "capitals" in unmatched(tmp_path, "m1,2025-05-01T11:00:00Z,0.5\n", ["M1"])
    assert "has no rows" in unmatched(tmp_path, "", ["M1"])


def test_a_file_that_is_too_late_for_every_market_is_refused_with_both_times(tmp_path):
    words = unmatched(tmp_path, "M,2025-05-01T12:00:01Z,0.5\nN,2031-01-01,0.5\n", ["M", "N"])
    assert "M first at 2025-05-01T12:00:01Z, its as-of time is 2025-05-01T12:00:00Z" in words


@pytest.mark.parametrize("markets", [["M", "N"], ["M"], []])
def test_a_file_with_one_row_that_counts_is_taken(tmp_path, markets):
    path = csv_of(tmp_path, HEAD + "M,2025-05-01T12:00:00Z,0.5\nX,2031-01-01,0.5\n")
    refuse_unmatched(path, read_user_file(path), dict.fromkeys(markets, NOON_TS))
