"""Daily bars: what is quarantined, files of users, invented bars, and the chart API over a real connection."""

import datetime as dt
import io
import time
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.archive.archive import ArchiveWriter
from tradewinds.archive.server import running_server
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, FetchError
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.archive_routes import add_bars, bars_table
from tradewinds.families.equities_daily.fetch import bar_checks, synthetic_bars, user_bars, yahoo
from tradewinds.sources.endpoint import Endpoint
from tradewinds.sources.http import HttpClient

COLUMNS = {name: name for name in ("symbol", "date", *schemas.PRICE_COLUMNS, "volume")} | {"adj_close": None}
GOOD = ("AAA", dt.date(2024, 1, 2), 10.0, 11.0, 9.0, 10.5, None, 1000)


def table(*rows):
    names = schemas.BARS.names[:-1]
    columns = list(zip(*rows, strict=True))
    types = [pa.string(), pa.date32(), *[pa.float64()] * 5, pa.int64()]
    return pa.table({name: pa.array(c, t) for name, c, t in zip(names, columns, types, strict=True)})


def changed(**values):
    row = dict(zip(schemas.BARS.names[:-1], GOOD, strict=True)) | values
    return tuple(row.values())


@pytest.mark.parametrize(
    "row, reason",
    [
        (GOOD, None),
        (changed(low=10.0, open=10.0), None),
        (changed(low=10.1), bar_checks.OHLC_ORDER),
        (changed(high=10.4), bar_checks.OHLC_ORDER),
        (changed(open=12.0), bar_checks.OHLC_ORDER),
        (changed(close=8.0), bar_checks.OHLC_ORDER),
        (changed(low=0.0), bar_checks.NON_POSITIVE_PRICE),
        (changed(open=-1.0), bar_checks.NON_POSITIVE_PRICE),
        (changed(adj_close=0.0), bar_checks.NON_POSITIVE_PRICE),
        (changed(close=None), bar_checks.MISSING_VALUE),
        (changed(close=float("nan")), bar_checks.MISSING_VALUE),
        (changed(volume=None), None),  # the source does not know it
        (changed(volume=-1), bar_checks.MISSING_VALUE),
        (changed(volume=0), None),
    ],
)
def test_rows_that_cannot_be_right_are_quarantined_with_the_reason(row, reason):
    (found,) = bar_checks.judged(table(row)).to_pylist()
    assert found["quarantine"] == reason


def test_two_rows_of_a_date_are_both_quarantined_and_no_neighbour():
    days = [dt.date(2024, 1, day) for day in (2, 3, 3, 4)]
    rows = [changed(date=day) for day in days] + [changed(symbol="BBB", date=days[1])]
    found = [(r["symbol"], r["date"].day, r["quarantine"]) for r in bar_checks.judged(table(*rows)).to_pylist()]
    twice = bar_checks.DUPLICATE_DATE
    assert found == [("AAA", 2, None), ("AAA", 3, twice), ("AAA", 3, twice), ("AAA", 4, None), ("BBB", 3, None)]


def test_prices_keep_their_decimals_exactly():
    (row,) = bar_checks.judged(table(changed(open=0.565, low=0.1 + 0.2, close=0.545, high=0.6))).to_pylist()
    assert (row["open"], row["low"]) == (Decimal("0.565000"), Decimal("0.300000"))


CSV = """Ticker,Day,O,H,L,C,V,Adj
AAA,2024-01-03,10.5,11,10,10.75,2000,5.375
AAA,2024-01-02,10,10.5,9.9,10.5,1000,5.25
BBB,2023-12-29,1,1,1,1,5,1
"""
OWN = {
    "symbol": "Ticker",
    "date": "Day",
    "open": "O",
    "high": "H",
    "low": "L",
    "close": "C",
    "volume": "V",
    "adj_close": "Adj",
}


def test_a_csv_with_names_of_its_own_newest_row_first(tmp_path):
    (tmp_path / "x.csv").write_text(CSV)
    wanted = [(s, y, str(tmp_path / f"{s}{y}.parquet")) for s in ("AAA", "BBB") for y in (2023, 2024)]
    user_bars.import_bars(str(tmp_path / "x.csv"), OWN, wanted)
    read = {path: pq.read_table(path).to_pylist() for _, _, path in wanted}
    aaa = read[str(tmp_path / "AAA2024.parquet")]
    assert [row["date"].day for row in aaa] == [2, 3]
    assert aaa[0]["adj_close"] == Decimal("5.250000")
    empty = files.read_meta(tmp_path / "AAA2023.parquet")
    assert (empty["rows"], empty["reason"]) == (0, bar_checks.NO_BARS)
    assert len(read[str(tmp_path / "BBB2023.parquet")]) == 1


def test_files_of_the_same_bytes_are_left_alone_and_others_made_anew(tmp_path):
    source, target = tmp_path / "x.csv", tmp_path / "AAA.parquet"
    source.write_text(CSV)
    wanted = [("AAA", 2024, str(target))]
    user_bars.import_bars(str(source), OWN, wanted)
    before = target.stat().st_ino
    user_bars.import_bars(str(source), OWN, wanted)
    assert target.stat().st_ino == before
    source.write_text(CSV.replace("10.75", "10.80"))
    user_bars.import_bars(str(source), OWN, wanted)
    assert pq.read_table(target)["close"].to_pylist()[1] == Decimal("10.800000")


@pytest.mark.parametrize(
    "text, words",
    [
        ("symbol,date\nAAA,2024-01-02\n", "there is no column 'open'"),
        (CSV.replace("10.75", "ten"), "no column of numbers"),
        (CSV.replace("2024-01-03", "3 Jan"), "cannot be read as dates"),
        (CSV.replace("AAA,2024-01-03", ",2024-01-03"), "1 row has no symbol"),
    ],
)
def test_what_is_wrong_with_a_users_file_is_said(tmp_path, text, words):
    path = tmp_path / "x.csv"
    path.write_text(text)
    columns = OWN if text.startswith("Ticker") else COLUMNS
    with pytest.raises(ConfigError, match=words) as caught:
        user_bars.import_bars(str(path), columns, [("AAA", 2024, str(tmp_path / "out.parquet"))])
    assert str(path) in str(caught.value) and not (tmp_path / "out.parquet").exists()


WRITTEN = {
    "dates": ["2023-01-02", "2023-04-03", "2023-07-03"],
    "digits": ["20230102", "20230403", "20230703"],
    "naive": ["2023-01-02 00:00:00", "2023-04-03T16:00:00", "2023-07-03 10:00"],
    "aware": [
        "2023-01-02 00:00:00+11:00",
        "2023-04-03 00:00:00+10:00",
        "2023-07-03 00:00:00+10:00",
    ],  # over a change of clocks
    "late": ["2023-01-02 23:59:59-05:00", "2023-04-03 20:00:00-0400", "2023-07-03T23:00:00.000-04"],
    "utc": ["2023-01-02T00:00:00Z", "2023-04-03 23:59:59 UTC", "2023-07-03T00:00:00.000000000+00:00"],
    "mixed": ["2023-01-02", "2023-04-03 00:00:00+10:00", "2023-07-03T00:00:00Z"],
}


def csv_dated(dates):
    return "symbol,date,open,high,low,close,volume\n" + "".join(
        f"AAA,{date},10,11,9,10,{n}\n" for n, date in enumerate(dates)
    )


def imported(path, columns=COLUMNS):
    target = path.with_name("made.parquet")
    target.unlink(missing_ok=True)
    user_bars.import_bars(str(path), columns, [("AAA", 2023, str(target))])
    return pq.read_table(target)


@pytest.mark.parametrize("zone", ["UTC", "Australia/Sydney", "America/Los_Angeles"])
@pytest.mark.parametrize("dates", WRITTEN.values(), ids=WRITTEN)
def test_a_bar_of_a_csv_is_dated_as_written_on_any_machine(tmp_path, monkeypatch, dates, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    (tmp_path / "plain.csv").write_text(csv_dated(WRITTEN["dates"]))
    (tmp_path / "x.csv").write_text(csv_dated(dates))
    assert imported(tmp_path / "x.csv").equals(imported(tmp_path / "plain.csv"))
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["Australia/Sydney", "America/New_York", "+11:00", "UTC", None])
def test_a_bar_of_a_parquet_file_is_dated_in_the_zone_of_its_column(tmp_path, zone, unit):
    """Midnights, noons and the last second of a day of that zone, in summer and in winter."""
    clocks = [dt.datetime(2023, 1, 2), dt.datetime(2023, 4, 3, 12), dt.datetime(2023, 7, 3, 23, 59, 59)]
    local = pa.array(clocks, pa.timestamp(unit))
    stamps = (
        local if zone is None else pa.compute.assume_timezone(local, zone) if "/" in zone or zone == "UTC" else None
    )
    if stamps is None:  # a zone of a fixed offset
        stamps = pa.array([clock - dt.timedelta(hours=11) for clock in clocks], pa.timestamp(unit)).cast(
            pa.timestamp(unit, zone)
        )
    (tmp_path / "plain.csv").write_text(csv_dated(WRITTEN["dates"]))
    plain = pa.csv.read_csv(tmp_path / "plain.csv")
    pq.write_table(plain.set_column(1, "date", stamps), tmp_path / "x.parquet")
    assert imported(tmp_path / "x.parquet").equals(imported(tmp_path / "plain.csv"))


@pytest.mark.parametrize("kind", ["text", "dictionary", "date64", "integers"])
def test_other_columns_of_dates_in_a_parquet_file(tmp_path, kind):
    (tmp_path / "plain.csv").write_text(csv_dated(WRITTEN["dates"]))
    plain = pa.csv.read_csv(tmp_path / "plain.csv")
    dates = {
        "text": pa.array(WRITTEN["aware"], pa.large_string()),
        "dictionary": pa.array(WRITTEN["mixed"]).dictionary_encode(),
        "date64": plain["date"].cast(pa.date64()),
        "integers": pa.array([int(text) for text in WRITTEN["digits"]], pa.int32()),
    }[kind]
    pq.write_table(plain.set_column(1, "date", dates), tmp_path / "x.parquet")
    assert imported(tmp_path / "x.parquet").equals(imported(tmp_path / "plain.csv"))


@pytest.mark.parametrize(
    "value", ["19359", "2023-02-30", "2023-01-02 25:00", "02/01/2023", "2023-01-02 00:00 Sydney", "nan"]
)
def test_what_is_no_date_is_named_with_its_row_and_column(tmp_path, value):
    (tmp_path / "x.csv").write_text(csv_dated(["2023-01-02", value]))
    with pytest.raises(ConfigError, match=r"row 2, column 'date': .* is no date"):
        imported(tmp_path / "x.csv")


def test_counts_of_days_or_seconds_are_no_dates(tmp_path):
    plain = pa.csv.read_csv(io.BytesIO(csv_dated(["2023-01-02"]).encode()))
    for column in (pa.array([19359], pa.int32()), pa.array([1672617600]), pa.array([1672617600.0]), pa.array([True])):
        pq.write_table(plain.set_column(1, "date", column), tmp_path / "x.parquet")
        with pytest.raises(ConfigError, match=r"column 'date': .*cannot be read as dates"):
            imported(tmp_path / "x.parquet")


def test_symbols_of_digits_keep_their_zeros(tmp_path):
    (tmp_path / "x.csv").write_text("symbol,date,open,high,low,close,volume\n0005,2023-01-02,1,1,1,1,1\n")
    assert user_bars.symbols(str(tmp_path / "x.csv"), "symbol") == ["0005"]
    user_bars.import_bars(str(tmp_path / "x.csv"), COLUMNS, [("0005", 2023, str(tmp_path / "made.parquet"))])
    assert pq.read_table(tmp_path / "made.parquet").num_rows == 1


@pytest.mark.parametrize("volume", ["", "no column"])
def test_a_source_without_volumes_is_a_source_of_bars(tmp_path, volume):
    text = csv_dated(WRITTEN["dates"])
    rows = [line.rpartition(",")[0] for line in text.splitlines()]
    (tmp_path / "x.csv").write_text(
        "\n".join(rows if volume else [f"{rows[0]},volume", *(f"{row}," for row in rows[1:])]) + "\n"
    )
    columns = COLUMNS | {"volume": None} if volume else COLUMNS
    found = imported(tmp_path / "x.csv", columns)
    assert (found["volume"].null_count, found["quarantine"].null_count) == (3, 3)


def test_a_column_that_the_file_has_twice_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text(
        "symbol,date,date,open,high,low,close,volume\nAAA,2023-01-02,2023-01-02,1,1,1,1,1\n"
    )
    with pytest.raises(ConfigError, match="there are 2 columns 'date'"):
        imported(tmp_path / "x.csv")


@given(st.integers(0, 10**6), st.text("ABCXYZ", min_size=1, max_size=5))
def test_invented_bars_are_always_valid(seed, symbol):
    made = bar_checks.judged(synthetic_bars.bars_of_symbol(seed, symbol, dt.date(2001, 12, 31)))
    assert made.num_rows == 521 and made["quarantine"].null_count == made.num_rows


def test_a_year_of_invented_bars_is_the_same_whichever_years_are_asked(tmp_path):
    one, two = [str(tmp_path / name) for name in ("one.parquet", "two.parquet")]
    synthetic_bars.make_bars(7, [("AAA", 2010, one)])
    synthetic_bars.make_bars(7, [("AAA", 2010, two), ("AAA", 2012, str(tmp_path / "later.parquet"))])
    assert pq.read_table(one).equals(pq.read_table(two)) and pq.read_table(one).num_rows == 261


ROWS = [
    {
        "date": dt.date(2023, 12, 29),
        "open": 9.5,
        "high": 9.9,
        "low": 9.4,
        "close": 9.8,
        "adj_close": 4.9,
        "volume": 100,
    },
    {
        "date": dt.date(2024, 1, 2),
        "open": 10.0,
        "high": 10.5,
        "low": 9.9,
        "close": 10.1,
        "adj_close": 5.05,
        "volume": 200,
    },
    {
        "date": dt.date(2024, 1, 3),
        "open": None,
        "high": None,
        "low": None,
        "close": None,
        "adj_close": None,
        "volume": None,
    },
    {
        "date": dt.date(2024, 1, 4),
        "open": 10.1,
        "high": 10.2,
        "low": 10.0,
        "close": 10.2,
        "adj_close": 5.1,
        "volume": 300,
    },
]
ABOUT = {"timezone": "Australia/Sydney", "currency": "AUD", "splits": {"2024-01-04": "2:1"}}
TODAY = dt.date(2025, 6, 1)


@pytest.fixture
def chart(tmp_path):
    writer = ArchiveWriter(tmp_path / "archive")
    add_bars(writer, "BHP.AX", bars_table(ROWS), ABOUT)
    with running_server(tmp_path / "archive") as server:
        yield server


def client(server):
    return HttpClient(Endpoint(server.url_of("yahoo"), 1000, 2, 5, 1), texts=yahoo.TEXTS, sleep=lambda _: None)


def test_a_year_of_the_chart_api(chart):
    found, meta = yahoo.fetch_year(client(chart), "BHP.AX", 2024, TODAY)
    assert [(r["date"].day, r["quarantine"]) for r in found.to_pylist()] == [
        (2, None),
        (3, bar_checks.MISSING_VALUE),
        (4, None),
    ]
    first = found.to_pylist()[0]
    assert (first["symbol"], first["close"], first["adj_close"], first["volume"]) == (
        "BHP.AX",
        Decimal("10.1"),
        Decimal("5.05"),
        200,
    )
    assert (meta["currency"], meta["splits"], meta["covers_through"]) == ("AUD", ["2024-01-04"], "2024-12-31")
    (seen,) = chart.requests
    assert seen.path == "/v8/finance/chart/BHP.AX" and "interval=1d" in seen.query


def test_the_running_session_is_not_a_bar_yet(chart):
    found, meta = yahoo.fetch_year(client(chart), "BHP.AX", 2024, dt.date(2024, 1, 4))
    assert [row["date"].day for row in found.to_pylist()] == [2, 3] and meta["covers_through"] == "2024-01-03"


@pytest.mark.parametrize(
    "name, year", [("XXX.AX", 2024), ("BHP.AX", 2010)], ids=["no such symbol", "before its listing"]
)
def test_asked_and_nothing_there_is_an_empty_table_with_the_reason(chart, name, year):
    found, meta = yahoo.fetch_year(client(chart), name, year, TODAY)
    assert found.num_rows == 0 and meta["reason"] == "SYMBOL_NOT_FOUND"


def test_a_year_after_the_last_bar_is_empty(chart):
    found, _ = yahoo.fetch_year(client(chart), "BHP.AX", 2025, TODAY)
    assert found.num_rows == 0


@pytest.mark.parametrize(
    "body",
    [
        '{"chart": {"result": null, "error": {"code": "Unauthorized"}}}',
        '{"chart": {"result": [{"meta": {"symbol": "OTHER", "dataGranularity": "1d", "exchangeTimezoneName": "UTC"}}]}}',
        '{"chart": {"result": [{"meta": {"symbol": "BHP.AX", "dataGranularity": "1wk", "exchangeTimezoneName": "UTC"}}]}}',
    ],
    ids=["an error", "another symbol", "weeks"],
)
def test_an_answer_that_cannot_be_believed_is_refused(tmp_path, chart, monkeypatch, body):
    monkeypatch.chdir(tmp_path)
    chart.middleware = lambda handler, path: handler.send(200, "application/json", body) is None
    with pytest.raises(FetchError, match="not what it should be"):
        yahoo.fetch_year(client(chart), "BHP.AX", 2024, TODAY)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_of_bars_in_another_encoding_is_named_with_its_line(tmp_path, encoding):
    path = tmp_path / "bars.csv"
    path.write_bytes("symbol,date,prévision\nAAA,2024-01-02,1\n".encode(encoding))
    with pytest.raises(ConfigError, match=r"bars\.csv, line 1: the file of bars is not text in UTF-8") as caught:
        user_bars.symbols(str(path), "symbol")
    assert ("UTF-16" in str(caught.value)) == (encoding == "utf-16")


@pytest.mark.parametrize("number", ["1e12", "-1e300", "99999999999999999999"])
def test_a_price_that_no_share_ever_had_is_refused_with_its_row(tmp_path, number):
    path = tmp_path / "bars.csv"
    row = f"AAA,2024-01-03,{number},11,9,10,5\n"
    path.write_text(f"symbol,date,open,high,low,close,volume\nAAA,2024-01-02,10,11,9,10,5\n{row}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"row 2 of its column 'open' is out of range"):
        user_bars.import_bars(str(path), COLUMNS, [("AAA", 2024, str(tmp_path / "x.parquet"))])


@pytest.mark.parametrize("column", ["open", "volume"])
def test_whole_numbers_beyond_all_floats_are_out_of_range(tmp_path, column):
    names = ("open", "high", "low", "close", "volume")
    values = {name: [2**62 if name == column else 10] for name in names}
    pq.write_table(pa.table({"symbol": ["AAA"], "date": ["2024-01-02"], **values}), tmp_path / "x.parquet")
    with pytest.raises(ConfigError, match=f"row 1 of its column '{column}' is out of range"):
        imported(tmp_path / "x.parquet")
