"""The user's own file of probabilities, read as it is meant."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather.forecasts.user_probabilities import latest, read_user_file

DAY = dt.date(2025, 5, 10)


def utc(day, hour=0):
    return int(dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC).timestamp())


def user_file(tmp_path, text, name="p.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


HEAD = "market_ticker,known_at_utc,p_yes\n"


def test_the_latest_row_by_the_asof_time_counts_and_of_equal_ones_the_later(tmp_path):
    text = (
        HEAD
        + "M,2025-05-09T10:00:00Z,0.1\nM,2025-05-09T12:00:00Z,0.2\nM,2025-05-09T12:00:00Z,0.3\nM,2025-05-10T12:00:00Z,0.9\n"
    )
    rows = read_user_file(user_file(tmp_path, text))["M"]
    assert latest(rows, utc(DAY, 4)) == (utc(dt.date(2025, 5, 9), 12), Decimal("0.3").quantize(Decimal("1e-12")))
    assert latest(rows, utc(dt.date(2025, 5, 9), 9)) is None


def test_csv_text_and_parquet_floats_are_the_same_decimal(tmp_path):
    csv = user_file(tmp_path, HEAD + "M,2025-05-09T10:00:00,0.1\n")
    parquet = tmp_path / "p.parquet"
    moment = dt.datetime(2025, 5, 9, 10)  # without a zone: UTC
    pq.write_table(pa.table({"market_ticker": ["M"], "known_at_utc": [moment], "p_yes": [0.1]}), parquet)
    assert read_user_file(csv) == read_user_file(parquet)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("market_ticker,p_yes\nM,0.5\n", "column known_at_utc is missing"),
        (HEAD + "M,2025-05-09T10:00:00Z,1.2\n", "row 1: p_yes '1.2' is no probability"),
        (HEAD + "M,2025-05-09T10:00:00Z,nan\n", "is no probability"),
        (HEAD + "M,2025-05-09T10:00:00Z,\n", "is no probability"),
        (HEAD + "M,2025-05-09T10:00:00Z,0.5\nM,noon,0.5\n", "row 2: known_at_utc 'noon' is no time"),
        (HEAD + ",2025-05-09T10:00:00Z,0.5\n", "market_ticker is empty"),
        ("", "cannot be read"),
    ],
)
def test_a_wrong_file_says_where(tmp_path, text, words):
    with pytest.raises(SimulationError) as caught:
        read_user_file(user_file(tmp_path, text))
    assert words in str(caught.value) and "p.csv" in str(caught.value)


def test_a_missing_file_is_one_paragraph(tmp_path):
    with pytest.raises(SimulationError, match="cannot be read"):
        read_user_file(tmp_path / "none.parquet")
