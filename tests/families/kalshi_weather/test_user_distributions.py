"""The user's own distributions: μ and σ or members, by series or station; what is wrong is named with file and row."""

import datetime as dt
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.user_distributions import in_force, read_user_file, refuse_unmatched

HEAD = "series_ticker,climate_date,known_at_utc,mu_f,sigma_f\n"
GOOD = "KXHIGHCHI,2025-05-10,2025-05-09T18:00:00Z,81.3,2.0\n"
DAY = dt.date(2025, 5, 10)
CHI = ["KXHIGHCHI"]


def read(tmp_path, text, series=CHI, floor=0.5):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return read_user_file(path, series, floor)


def ts(text):
    return int(dt.datetime.fromisoformat(text).timestamp())


def test_every_bracket_follows_from_mu_and_sigma(tmp_path):
    """The ladder of the trading rules: <79, 79–80, 81–82, 83–84, 85–86, >86 with μ = 81.3, σ = 2.0."""
    [law] = read(tmp_path, HEAD + GOOD)["KXHIGHCHI", DAY]
    ladder = [(None, 78), (79, 80), (81, 82), (83, 84), (85, 86), (87, None)]
    found = [round(float(bracket_probability(*bounds, law.distribution)), 4) for bounds in ladder]
    assert found == [0.0808, 0.2638, 0.3812, 0.2195, 0.0501, 0.0047]
    assert (law.known_at_ts, law.model) == (ts("2025-05-09T18:00:00+00:00"), "distribution")


def test_the_last_row_known_is_in_force_and_of_equal_times_the_later_one(tmp_path):
    rows = [("18:00:00Z", 70), ("12:00:00Z", 60), ("18:00:00.5Z", 80), ("18:00:00Z", 75)]
    text = HEAD + "".join(f"KXHIGHCHI,2025-05-10,2025-05-09T{at},{mu},2\n" for at, mu in rows)
    laws = read(tmp_path, text)["KXHIGHCHI", DAY]
    asof, end = ts("2025-05-09T17:00:00+00:00"), ts("2025-05-11T05:00:00+00:00")
    means = [law.distribution.mean_f for law in in_force(laws, asof, end)]
    assert means == [60, 75, 80]
    assert [law.distribution.mean_f for law in in_force(laws, asof + 7200, end)] == [80]
    assert [law.distribution.mean_f for law in in_force(laws, asof, asof + 3600)] == [60]


def test_members_are_normal_distributions_of_their_own(tmp_path):
    head = "station_id,climate_date,known_at_utc,member_1,member_2,member_3,model\n"
    [law] = read(tmp_path, head + "KMDW,2025-05-10,2025-05-09T18:00:00Z,70,72,,ens\n")["KXHIGHCHI", DAY]
    width = round(1.06 * math.sqrt(2) * 2**-0.2, 6)
    assert [tuple(one) for one in law.distribution.components] == [(0.5, 70, width), (0.5, 72, width)]
    assert law.model == "ens"
    narrow = read(tmp_path, head + "KMDW,2025-05-10,2025-05-09T18:00:00Z,70,70,70,\n", floor=0.7)["KXHIGHCHI", DAY]
    assert {one.sigma_f for one in narrow[0].distribution.components} == {0.7}
    own = head.replace("model", "sigma_f") + "KMDW,2025-05-10,2025-05-09T18:00:00Z,70,72,74,1.5\n"
    assert {one.sigma_f for one in read(tmp_path, own)["KXHIGHCHI", DAY][0].distribution.components} == {1.5}


def test_a_station_with_two_series_needs_its_target(tmp_path):
    both, head = ["KXHIGHCHI", "KXLOWTCHI"], "station_id,target,climate_date,known_at_utc,mu_f,sigma_f\n"
    row = "KMDW,{},2025-05-10,2025-05-09T18:00:00Z,60,2\n"
    laws = read(tmp_path, head + row.format("max") + row.format("min"), both)
    assert set(laws) == {("KXHIGHCHI", DAY), ("KXLOWTCHI", DAY)}
    with pytest.raises(SimulationError, match="does not say which"):
        read(tmp_path, head + row.format(""), both)
    assert set(read(tmp_path, head + row.format(""))) == {("KXHIGHCHI", DAY)}  # with one series it is clear


def test_parquet_gives_what_csv_gives(tmp_path):
    path = tmp_path / "mine.parquet"
    known = dt.datetime(2025, 5, 9, 18, tzinfo=dt.UTC)
    columns = {"series_ticker": CHI, "climate_date": [DAY], "known_at_utc": [known], "mu_f": [81.3], "sigma_f": [2.0]}
    pq.write_table(pa.table(columns), path)
    assert read_user_file(path, CHI, 0.5) == read(tmp_path, HEAD + GOOD)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",2025-05-10,2025-05-09T18:00:00Z,70,2", "series_ticker and station_id are empty"),
        ("KXHIGHCHI,,2025-05-09T18:00:00Z,70,2", "climate_date"),
        ("KXHIGHCHI,2025-05-10,yesterday,70,2", "known_at_utc 'yesterday' is no time"),
        ("KXHIGHCHI,2025-05-10,2025-05-09T18:00:00Z,,2", "mu_f"),
        ("KXHIGHCHI,2025-05-10,2025-05-09T18:00:00Z,warm,2", "mu_f 'warm' is no number"),
        ("KXHIGHCHI,2025-05-10,2025-05-09T18:00:00Z,700,2", "mu_f"),
        ("KXHIGHCHI,2025-05-10,2025-05-09T18:00:00Z,70,0", "sigma_f"),
        ("KXHIGHCHI,2025-05-10,2025-05-09T18:00:00Z,70,-1", "sigma_f"),
        ("KXHIGHNY,2025-05-10,2025-05-09T18:00:00Z,70,-1", "sigma_f"),  # rows of other series are checked, too
    ],
)
def test_a_bad_row_is_named(tmp_path, line, words):
    with pytest.raises(SimulationError) as caught:
        read(tmp_path, HEAD + GOOD + line + "\n")
    assert f"{tmp_path}/mine.csv, row 2: " in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("climate_date,known_at_utc,mu_f,sigma_f", "series_ticker \\(or station_id\\) is missing"),
        ("series_ticker,known_at_utc,mu_f,sigma_f", "climate_date is missing"),
        ("series_ticker,climate_date,known_at_utc,mu_f", "sigma_f is missing"),
        ("series_ticker,climate_date,known_at_utc,mu_f,sigma_f,member_1", "mu_f and members"),
    ],
)
def test_a_missing_column_is_named(tmp_path, head, words):
    with pytest.raises(SimulationError, match=words):
        read(tmp_path, head + "\n")


def test_a_file_that_matches_nothing_is_refused(tmp_path):
    laws = read(tmp_path, HEAD + GOOD)
    noon = ts("2025-05-09T12:00:00+00:00")
    refuse_unmatched("f", laws, {("KXHIGHCHI", DAY): noon + 86_400})
    with pytest.raises(SimulationError, match="no row for an event"):
        refuse_unmatched("f", laws, {("KXHIGHCHI", dt.date(2025, 5, 11)): noon})
    with pytest.raises(SimulationError, match="too late"):
        refuse_unmatched("f", laws, {("KXHIGHCHI", DAY): noon})
