"""Files of minute bars that users bring: every layout gives the same panel, and what cannot be right is refused."""

import datetime as dt
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.families.equities_intraday.minute_worlds import bars, config, local, month_rows, panel_of, plain, put
from tradewinds.core.errors import ConfigError, DataMissing

AT_NEW_YORK = {"timezone": "America/New_York", "label": "start"}
UNIX = {"ns": 10**9, "ms": 1000, "s": 1}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def unix(rows, unit, header, cells):
    lines = [header]
    lines += [cells.format(int(row[0].timestamp()) * UNIX[unit], *row[1:]) for row in rows]
    return "\n".join(lines) + "\n"


def with_offset(rows):
    lines = ["date,open,high,low,close,volume,average,barCount"]
    for start, *numbers in rows:
        stamp = start.isoformat(sep=" ")
        lines.append(
            f"{stamp},{numbers[0]:.2f},{numbers[1]:.2f},{numbers[2]:.2f},{numbers[3]:.2f},{numbers[4]}.0,1.0,5"
        )
    return "\n".join(lines) + "\n"


def stooq(rows):
    lines = ["<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"]
    for start, *numbers in rows:
        prices = ",".join(f"{number:.2f}" for number in numbers[:4])
        lines.append(f"SPY,1,{start:%Y%m%d,%H%M%S},{prices},{numbers[4]},0")
    return "\n".join(lines) + "\n"


def yfinance(rows):
    head = "Price,Close,High,Low,Open,Volume\nTicker,SPY,SPY,SPY,SPY,SPY\nDatetime,,,,,\n"
    lines = []
    for start, opened, high, low, close, volume in rows:
        stamp = start.astimezone(dt.UTC).isoformat(sep=" ")
        noisy = ",".join(repr(float(np.float32(value))) for value in (close, high, low, opened))
        lines.append(f"{stamp},{noisy},{volume}")
    return head + "\n".join(lines) + "\n"


LAYOUTS = {
    "plain": ("SPY.csv", plain, {}),
    "plain, packed": ("any.csv.gz", plain, {}),
    "FirstRate Data": ("SPY_full_1min.txt", lambda rows: local(rows, "%Y-%m-%d %H:%M:%S"), AT_NEW_YORK),
    "Kibot": ("SPY.txt", lambda rows: local(rows, "%m/%d/%Y,%H:%M"), AT_NEW_YORK),
    "Alpha Vantage": (
        "SPY_av.csv",
        lambda rows: local(rows[::-1], "%Y-%m-%d %H:%M:%S", header="timestamp,open,high,low,close,volume", shift=1),
        {"timezone": "America/New_York", "label": "end"},
    ),
    "Interactive Brokers": ("SPY_ib.csv", with_offset, {}),
    "Stooq": ("stooq.txt", stooq, AT_NEW_YORK),
    "yfinance": ("x.csv", yfinance, {}),
    "yfinance, one header": (
        "SPY.csv",
        lambda rows: local(
            rows, "%Y-%m-%d %H:%M:%S%z", header="Datetime,Close,High,Low,Open,Volume", order=(3, 1, 2, 0, 4)
        ),
        {},
    ),
    "Polygon": (
        "2024-03.csv.gz",
        lambda rows: unix(
            rows,
            "ns",
            "ticker,volume,open,close,high,low,window_start,transactions",
            "SPY,{5},{1:.2f},{4:.2f},{2:.2f},{3:.2f},{0},7",
        ),
        {},
    ),
    "milliseconds": (
        "SPY.csv",
        lambda rows: unix(rows, "ms", "t,o,h,l,c,v", "{0},{1:.2f},{2:.2f},{3:.2f},{4:.2f},{5}"),
        {},
    ),
    "semicolons": (
        "SPY.csv",
        lambda rows: local(rows, "%Y-%m-%dT%H:%M:%S%z", header="datetime;open;high;low;close;volume", sep=";"),
        {},
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_bars(name, tmp_path):
    file, write, keys = LAYOUTS[name]
    panel = panel_of(config(put(tmp_path, file, write(bars())), bars=keys))
    assert panel.symbols == ("SPY",) and np.diff(panel.first_row).tolist() == [390, 390]
    # clocks changed on the weekend between
    assert panel.open_ts.tolist() == [1709908200, 1710163800]
    assert panel.minute[:390].tolist() == list(range(390))
    wanted = [round(value * 10**6) for value in (500, 500.05, 499.95, 500.01)]
    assert [int(column[0]) for column in (panel.open, panel.high, panel.low, panel.close)] == wanted
    assert int(panel.close[-1]) == 504_900_000 and int(panel.volume[1]) == 1001


def test_databento_writes_whole_prices_of_a_billionth(tmp_path):
    rows = bars()
    table = pa.table(
        {
            "ts_event": pa.array([int(row[0].timestamp()) * 10**9 for row in rows]).cast(pa.timestamp("ns", "UTC")),
            "rtype": [33] * len(rows),
            "publisher_id": [1] * len(rows),
            "instrument_id": [9] * len(rows),
            **{
                name: [round(row[i] * 10**9) for row in rows]
                for i, name in enumerate(("open", "high", "low", "close"), 1)
            },
            "volume": pa.array([row[5] for row in rows], pa.uint64()),
            "symbol": ["SPY"] * len(rows),
        }
    )
    pq.write_table(table, tmp_path / "d.parquet")
    panel = panel_of(config(tmp_path / "d.parquet"))
    assert (int(panel.open[0]), int(panel.close[-1]), int(panel.volume[-1])) == (500_000_000, 504_900_000, 1389)


def test_a_folder_holds_a_file_per_symbol(tmp_path):
    put(tmp_path, "in/SPY.csv", local(bars(), "%Y-%m-%dT%H:%M:%S%z", header="datetime,open,high,low,close,volume"))
    put(
        tmp_path,
        "in/BRK.B_1min.csv.gz",
        local(bars(price=400), "%Y-%m-%dT%H:%M:%S%z", header="datetime,open,high,low,close,volume"),
    )
    put(tmp_path, "in/notes.md", "not bars")
    panel = panel_of(config(tmp_path / "in", symbols=["SPY", "BRK.B"]))
    assert panel.symbols == ("BRK.B", "SPY") and np.diff(panel.first_row).tolist() == [390] * 4
    assert (int(panel.open[0]), int(panel.open[780])) == (400_000_000, 500_000_000)


def test_an_unsorted_file_is_sorted(tmp_path):
    rows = bars()
    random.Random(1).shuffle(rows)
    assert (panel_of(config(put(tmp_path, "a.csv", plain(rows)))).minute[:390] == np.arange(390)).all()


def test_the_auction_and_the_post_market_are_no_session(tmp_path):
    """A row labelled 16:00, and rows after 13:00 of a half day, are kept in the file and never traded on."""
    rows = bars(("2024-07-02", "2024-07-03"))  # the second closes at 13:00
    rows.append((rows[389][0] + dt.timedelta(minutes=1), 9.0, 9.0, 9.0, 9.0, 5))
    conf = config(put(tmp_path, "a.csv", plain(rows)), date_start_local="2024-07-02", date_end_local="2024-07-03")
    panel = panel_of(conf)
    assert np.diff(panel.first_row).tolist() == [390, 210] and not panel.about["quarantined"]
    assert len(month_rows(conf, "2024-07")[0]) == 781


def test_rows_are_quarantined_by_the_first_reason_that_applies(tmp_path):
    start = bars()[0][0]
    at = [start + dt.timedelta(minutes=index) for index in range(12)]
    rows = [
        (at[0], 500, 499, 498, 499, 1),  # high below open
        (at[1], 0, 501, 0, 500, 1),
        (at[2], 500, 501, 499, 500, 1),
        (at[2], 500, 501, 499, 500.5, 1),
        (at[3], 500, 501, 499, 500, 7),
        (at[3], 500, 501, 499, 500, 7),  # the same in every column
        (at[4], 500, 501, 499, 500, -1),
        (at[5] + dt.timedelta(seconds=20), 500, 501, 499, 500, 1),
        (start + dt.timedelta(days=1), 500, 501, 499, 500, 1),  # a Saturday
        (at[7], 500, 501, 499, 500, 0),
        (at[8], 500, 501, 499, 500, 3),
    ]
    text = plain(rows) + f"SPY,{at[9].astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ},500,,499,500,1\n"
    conf = config(put(tmp_path, "a.csv", text))
    panel = panel_of(conf)
    reasons = {
        "DUPLICATE": 2,
        "MISSING_PRICE": 1,
        "NEGATIVE_VOLUME": 1,
        "NON_POSITIVE_PRICE": 1,
        "NO_SESSION": 1,
        "OFF_MINUTE": 1,
        "OHLC_ORDER": 1,
    }
    assert panel.about["quarantined"] == {"SPY": reasons} and panel.about["zero_volume"] == {"SPY": 1}
    assert panel.minute.tolist() == [3, 7, 8] and panel.volume.tolist() == [7, 0, 3]
    found, meta = month_rows(conf)
    assert meta["quarantined"] == reasons and sum(row["quarantine"] is None for row in found) == 3
    dropped = panel_of(config(tmp_path / "a.csv", bars={"zero_volume": "drop"}))
    assert dropped.minute.tolist() == [3, 8] and dropped.about["quarantined"]["SPY"]["ZERO_VOLUME"] == 1


def test_prices_round_half_to_even_as_decimals(tmp_path):
    stamp = bars()[0][0].astimezone(dt.UTC).isoformat()
    text = f"symbol,datetime,open,high,low,close\nSPY,{stamp},476.5850005,476.5850015,1.0000025,2.5000035\n"
    panel = panel_of(config(put(tmp_path, "a.csv", text)))
    found = [int(column[0]) for column in (panel.open, panel.high, panel.low, panel.close)]
    assert found == [476_585_000, 476_585_002, 1_000_002, 2_500_004]
    assert panel.volume.tolist() == [-1], "this file knows no volume"


def test_five_minute_bars(tmp_path):
    path = put(tmp_path, "a.csv", plain(bars(step=5)))
    with pytest.raises(ConfigError, match=r"bars of 5 minutes, and bars.minutes is 1. Set bars.minutes: 5"):
        panel_of(config(path))
    panel = panel_of(config(path, bars={"minutes": 5}))
    assert panel.bar_minutes == 5 and panel.minute[:4].tolist() == [0, 5, 10, 15] and panel.first_row[-1] == 156
    with pytest.raises(ConfigError, match=r"bars of 1 minute, and bars.minutes is 5"):
        panel_of(config(put(tmp_path, "b.csv", plain()), bars={"minutes": 5}))
    ends = local(bars(step=5), "%Y-%m-%d %H:%M", header="date,open,high,low,close,volume", shift=5)
    keys = {"minutes": 5, "timezone": "America/New_York", "label": "end"}
    assert panel_of(config(put(tmp_path, "SPY.csv", ends), bars=keys)).minute[:2].tolist() == [0, 5]


def test_history_is_all_that_the_file_has(tmp_path):
    path = put(tmp_path, "a.csv", plain(bars(("2024-02-28", "2024-03-07", "2024-03-08", "2024-03-11"))))
    panel = panel_of(config(path))
    assert panel.about["sessions"][0][0] == "2024-02-28" and panel.first_row[-1] == 4 * 390
    panel = panel_of(config(path, bars={"warmup_sessions": 1}))
    assert [date for date, _, _ in panel.about["sessions"]] == ["2024-03-07", "2024-03-08", "2024-03-11"]


NAIVE = local(bars(), "%Y-%m-%d %H:%M", header="date,open,high,low,close,volume")
AS_ENDS = {"timezone": "America/New_York", "label": "end"}
LONG_DAYS = "date,open,high,low,close,volume\n" + "".join(
    f"2024-03-{day:02} {minute // 60:02}:{minute % 60:02},500,501,499,500,10\n"
    for day in (8, 11)
    for minute in range(4 * 60, 20 * 60)
)
LONG_ENDS = "date,open,high,low,close,volume\n" + "".join(
    f"2024-03-{day:02} {minute // 60:02}:{minute % 60:02},500,501,499,500,10\n"
    for day in (8, 11)
    for minute in range(4 * 60 + 1, 20 * 60 + 1)
)
ENDS = local(bars(), "%Y-%m-%d %H:%M", header="date,open,high,low,close,volume", shift=1)
ENDS_WITH_ZONE = local(bars(), "%Y-%m-%d %H:%M:%S%z", header="date,open,high,low,close,volume", shift=1)
WRONG_ZONE = local(bars(), "%Y-%m-%dT%H:%M:%SZ", header="date,open,high,low,close,volume")
TWO_ZONES = plain(bars()[:390]) + "".join(
    f"SPY,{row[0]:%Y-%m-%dT%H:%M:%S}Z,500,501,499,500,1\n" for row in bars(("2024-03-11", "2024-03-12"))
)
SOME_NAIVE = NAIVE + "".join(f"{row[0]:%Y-%m-%d %H:%M:%S%z},500,501,499,500,1\n" for row in bars(("2024-03-12",)))
CENTS = plain([(row[0], *(round(price * 100) for price in row[1:5]), row[5]) for row in bars()])
SOME_CENTS = plain([*bars()[:600], *[(row[0], *(p * 100 for p in row[1:5]), row[5]) for row in bars()[600:]]])
TWO_VENDORS = plain() + plain([(row[0], *(p + 0.01 for p in row[1:5]), row[5]) for row in bars()]).partition("\n")[2]
BAD = {
    "naive stamps": ("SPY.csv", NAIVE, {}, "have no time zone.*09:30 on 2 of 2 days.*15:59 on 2 of 2.*label: start"),
    "naive stamps, zone alone": ("SPY.csv", NAIVE, {"timezone": "America/New_York"}, "does not say bars.label"),
    "naive ends": ("SPY.csv", ENDS, {}, "First stamp of a day: 09:31 on 2 of 2.*16:00.*bars.label: end"),
    "ends with a zone": ("SPY.csv", ENDS_WITH_ZONE, {}, "look like the end of each bar.*09:31.*Set bars.label: end"),
    "starts as ends": (
        "SPY.csv",
        NAIVE,
        AS_ENDS,
        "look like the start of each bar.*09:30 on 2 of 2.*bars.label: start",
    ),
    "long days as ends": (
        "SPY.csv",
        LONG_DAYS,
        AS_ENDS,
        "look like the start of each bar.*04:00 on 2.*bars.label: start",
    ),
    "another zone": ("SPY.csv", WRONG_ZONE, {}, "another time zone: all of its days.*05:00 before the exchange"),
    "zone of the config": ("SPY.csv", NAIVE, {"timezone": "UTC", "label": "start"}, "look like another time zone"),
    "unknown zone": ("SPY.csv", NAIVE, {"timezone": "Mars/Base", "label": "start"}, "unknown time zone 'Mars/Base'"),
    "two zones": ("a.csv", TWO_ZONES, {}, "another time zone: 2 of its 3 days"),
    "some naive": ("SPY.csv", SOME_NAIVE, {}, "row 781.*390 of 1,170 have a time zone and the others none"),
    "cents": ("a.csv", CENTS, {}, "prices of SPY look like cents.*bars.prices: cents"),
    "some cents": ("a.csv", SOME_CENTS, {}, "180 rows look like cents among units"),
    "two vendors": ("a.csv", TWO_VENDORS, {}, "780 minutes of SPY have two different rows.*two vendors"),
    "daily bars": (
        "SPY.csv",
        "date,open,high,low,close,volume\n" + "".join(f"2024-01-{d:02} 00:00:00Z,1,1,1,1,1\n" for d in range(1, 29)),
        {},
        "bars of 1,440 minutes.*Give bars of 1 or 5",
    ),
    "no close": ("SPY.csv", "date,open,high,low\n", {}, "no column of close. It has date, open, high, low"),
    "twice": ("a.csv", plain().replace(",volume", ",high,volume", 1), {}, "there are 2 columns 'high'"),
    "no header, odd": ("SPY.csv", "2024-03-08 09:30,1,2\n", {}, "has no header, and its first row has 3 cells"),
    "no number": ("a.csv", plain().replace("500.00", "many", 1), {}, "cannot be read"),
    "no stamp": ("a.csv", plain() + "SPY,yesterday,1,1,1,1,1\n", {}, "row 781.*have a time zone and the others none"),
    "out of range": ("a.csv", plain() + "SPY,2024-03-11T20:00:00Z,1,1e12,1,1,1\n", {}, "row 781 of its column 'high'"),
    "two symbols": ("a.csv", "Price,Close,Close\nTicker,SPY,QQQ\nDatetime,,\n", {}, "columns of 2 symbols"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_clear_paragraph(name, tmp_path):
    file, text, keys, message = BAD[name]
    with pytest.raises(ConfigError, match=f"(?s){message}") as error:
        panel_of(config(put(tmp_path, file, text), bars=keys))
    assert "\n" not in str(error.value) and error.value.exit_code == 2


@pytest.mark.parametrize(("name", "symbol"), [("a.csv", "SPY.US"), ("QQQ.csv", None)])
def test_files_without_the_symbol_name_those_that_they_have(tmp_path, name, symbol):
    text = plain(symbol=symbol) if symbol else NAIVE
    with pytest.raises(DataMissing, match=f"no bar of SPY. Symbols of these files: {symbol or 'QQQ'}."):
        panel_of(config(put(tmp_path, name, text)))


def test_long_days_that_are_labelled_by_their_ends_are_read(tmp_path):
    panel = panel_of(config(put(tmp_path, "SPY.csv", LONG_ENDS), bars=AS_ENDS))
    assert panel.minute.tolist() == [*range(390), *range(390)]


def test_whole_numbers_beyond_all_floats_are_out_of_range(tmp_path):
    table = pa.table(
        {"ts_utc": ["2024-03-08T15:00:00Z"], "open": [2**62], **{name: [1] for name in ("high", "low", "close")}}
    )
    pq.write_table(table, tmp_path / "SPY.parquet")
    with pytest.raises(ConfigError, match="row 1 of its column 'open' is out of range"):
        panel_of(config(tmp_path / "SPY.parquet"))


@pytest.mark.parametrize("exact", [False, True])
def test_a_single_headers_float_noise_is_rounded_and_exact_prices_stay(tmp_path, exact):
    rows = [(row[0], *(price + 0.13 for price in row[1:5]), row[5]) for row in bars()]
    noisy = [(row[0], *(float(np.float32(price)) for price in row[1:5]), row[5]) for row in rows]
    if exact:  # one price that no 32-bit float rounds to
        noisy[7] = (noisy[7][0], *(price + 0.000044 for price in noisy[7][1:5]), noisy[7][5])
    lines = ["Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits"]
    lines += [f"{row[0].isoformat(sep=' ')},{','.join(repr(p) for p in row[1:5])},{row[5]},0.0,0.0" for row in noisy]
    panel = panel_of(config(put(tmp_path, "SPY.csv", "\n".join(lines) + "\n")))
    wanted = [round((row if not exact else noise)[4] * 10**6) for row, noise in zip(rows, noisy, strict=True)]
    assert panel.close.tolist() == wanted


def test_bytes_that_are_no_text_and_a_broken_archive_are_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(plain().encode() + b"\xff")
    with pytest.raises(ConfigError, match="not text in UTF-8"):
        panel_of(config(tmp_path / "a.csv"))
    path = put(tmp_path, "b.csv.gz", plain())
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ConfigError, match="cannot be unpacked"):
        panel_of(config(path))


def test_a_bad_stamp_is_named_by_its_row_in_the_file(tmp_path):
    text = plain(symbol="QQQ") + "SPY,2024-03-11T25:00:00Z,1,1,1,1,1\n"
    with pytest.raises(ConfigError, match="row 781, column 'ts_utc'"):
        panel_of(config(put(tmp_path, "a.csv", text)))


@pytest.mark.parametrize("text", ["", "\n", "symbol,ts_utc,open,high,low,close,volume\n"])
def test_an_empty_file_is_missing_data(text, tmp_path):
    with pytest.raises(DataMissing, match="has no bars"):
        panel_of(config(put(tmp_path, "SPY.csv", text)))


def test_no_file_and_an_empty_folder_are_missing_data(tmp_path):
    with pytest.raises(DataMissing, match="no file"):
        panel_of(config(tmp_path / "none.csv"))
    (tmp_path / "in").mkdir()
    with pytest.raises(DataMissing, match="has no file that ends in"):
        panel_of(config(tmp_path / "in"))


def test_a_symbol_without_bars_is_skipped_or_fails(tmp_path, caplog):
    path = put(tmp_path, "a.csv", plain())
    panel = panel_of(config(path, symbols=["QQQ", "SPY"]))
    assert panel.symbols == ("QQQ", "SPY") and np.diff(panel.first_row).tolist() == [0, 0, 390, 390]
    assert "no bar from 2024-03-08 to 2024-03-11 of QQQ. They are skipped." in caplog.text
    with pytest.raises(DataMissing, match=r"of QQQ.*set on_missing.bars to skip"):
        panel_of(config(path, symbols=["QQQ", "SPY"], on_missing={"bars": "fail"}))
    with pytest.raises(DataMissing, match=r"no bar of QQQ\. Symbols of these files: SPY"):
        panel_of(config(path, symbols=["QQQ"]))


def test_a_file_of_another_symbols_name_is_not_taken_for_it(tmp_path):
    path = put(tmp_path, "SPYG.csv", NAIVE)
    with pytest.raises(DataMissing, match="of SPY"):
        panel_of(config(path, bars=AT_NEW_YORK))


def test_prices_in_cents_are_divided_where_the_config_says_so(tmp_path):
    panel = panel_of(config(put(tmp_path, "a.csv", CENTS), bars={"prices": "cents"}))
    assert (int(panel.open[0]), int(panel.close[0])) == (500_000_000, 500_010_000)
    panel = panel_of(config(tmp_path / "a.csv", bars={"prices": "units"}))
    assert int(panel.open[0]) == 50_000_000_000


def test_an_import_of_the_same_bytes_keeps_its_files(tmp_path):
    path = put(tmp_path, "a.csv", plain())
    conf = config(path)
    panel_of(conf)
    [first] = tmp_path.glob("data/candles/1m/*/SPY/2024-03.parquet")
    before, inode = first.read_bytes(), first.stat().st_ino
    panel_of(conf)
    assert (first.read_bytes(), first.stat().st_ino) == (before, inode)
    put(tmp_path, "a.csv", plain(bars(price=600)))
    assert int(panel_of(conf).open[0]) == 600_000_000
