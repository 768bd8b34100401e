"""What services say is not believed before it is checked: a refusal keeps a copy and is exit code 4."""

import copy
import json
import re
from pathlib import Path

import pytest

from tests.workflow import door_fuzz, door_inputs
from tests.workflow.door_fuzz import NOW, STATION, Answers
from tests.workflow.door_inputs import MARKETS
from tradewinds.core.errors import FetchError
from tradewinds.families.kalshi_weather.fetch import catalog

LISTING = json.dumps({"markets": MARKETS, "cursor": ""}).encode()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def synced(listing, series=door_inputs.SERIES):
    client = Answers({"/series": series, "/markets": listing, "/historical/markets": b'{"markets": []}'})
    return catalog.sync_catalog(client, STATION, None, NOW)[0]


def refused(work, *arguments):
    """The message of a refusal, and the copy that it names."""
    with pytest.raises(FetchError) as caught:
        work(*arguments)
    said = str(caught.value)
    assert caught.value.exit_code == 4 and said.isprintable() and len(said) < 1500
    kept = Path(re.search(r"data/failed_responses/\w+\.txt", said)[0])
    return said, kept.read_text(encoding="utf-8")


def test_a_good_listing_is_believed():
    assert synced(LISTING)["market_ticker"].to_pylist() == sorted(market["ticker"] for market in MARKETS)


@pytest.mark.parametrize(
    "key, value, words",
    [
        *(("result", value, "result") for value in ("void", "YES", "maybe", 1, ["yes"])),
        *(("status", value, "status") for value in ("gone", "", None)),
        *(("strike_type", value, "strike_type") for value in ("above", "BETWEEN")),
        *(("market_type", value, "market_type") for value in ("ternary", None)),
        *(("floor_strike", value, "") for value in ("81", "1_0", "NaN", True, 1e6, [1])),
        *(("volume_fp", value, "") for value in ("-1.00", "1_0", "١٢", "NaN", "Infinity", " 1", "1e30", True)),
        *(("settlement_value_dollars", value, "") for value in ("1.01", "-0.01", "1_0", "x")),
        *(
            ("close_time", value, "")
            for value in ("9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z", "2025-03-03T00:00:00Z", "", "x", 5)
        ),
        ("close_time", MARKETS[1]["open_time"], "not after it opens"),
        ("ticker", f"{door_inputs.EVENT}-", "ticker"),
        ("ticker", MARKETS[1]["ticker"].replace("25MAR", "25APR"), "is none of the event"),
        ("ticker", MARKETS[1]["ticker"].replace("KXHIGHMIA", "KXHIGHNY"), "is none of the event"),
        ("open_time", "٢٠٢٥-03-04T03:00:00Z", ""),
        ("settlement_ts", "9999-12-31T23:59:59.999999Z", "settlement_ts"),
        *(
            ("ticker", value, "ticker")
            for value in ("../../x", "A-B\n", "A-\x1b[2J", "a-b", "", 5, None, "A-" + "B" * 500)
        ),
        *(("title", value, "title") for value in (5, ["x"])),
        ("expiration_value", 82, "expiration_value"),
    ],
)
def test_a_market_that_cannot_be_is_refused_with_a_copy(key, value, words):
    markets = copy.deepcopy(MARKETS)
    markets[1][key] = value
    said, kept = refused(synced, json.dumps({"markets": markets, "cursor": ""}).encode())
    assert words in said and json.loads(kept)["event_ticker"] == door_inputs.EVENT


@pytest.mark.parametrize(
    "event", [f"../{door_inputs.EVENT}", f"KXHIGHMIA\n-{door_inputs.EVENT}", "\x1b]0;x\x07-25MAR04"]
)
def test_an_event_ticker_that_is_none_is_refused(event):
    markets = [{**MARKETS[0], "event_ticker": event}]
    refused(synced, json.dumps({"markets": markets}).encode())


@pytest.mark.parametrize("value", [-1, "1_0", "NaN", 10**6, None, True])
def test_a_fee_multiplier_that_cannot_be_is_refused(value):
    series = {"series": {"ticker": "KXHIGHMIA", "fee_type": "quadratic", "fee_multiplier": value}}
    refused(synced, LISTING, json.dumps(series).encode())


@pytest.mark.parametrize(
    "data, words",
    [
        (LISTING.replace(b'"result"', b'"result": "yes", "result"', 1), "the key 'result' twice"),
        (LISTING.replace(b'"floor_strike": 81', b'"floor_strike": NaN'), "NaN for a number"),
        (LISTING.replace(b'"floor_strike": 81', b'"floor_strike": -Infinity'), "-Infinity for a number"),
        (LISTING.replace(b'"floor_strike": 81', b'"floor_strike": 1e9999'), "no plain decimal"),
        (LISTING.replace(b"Highest", b"\\ud800"), "half of a surrogate pair"),
    ],
)
def test_json_that_must_not_be_believed_is_refused_with_a_copy(data, words):
    said, kept = refused(synced, data)
    assert words in said and kept == data.decode()


@pytest.mark.parametrize(
    "old, new",
    [
        ("0.4000", "0.4_0"),
        ("0.4000", "1.2000"),
        ("0.4000", "NaN"),
        ("0.4000", "٠.٤"),
        ("5.00", "-5.00"),
        ("5.00", "1e30"),
    ],
)
def test_a_candle_that_cannot_be_is_refused_with_a_copy(old, new):
    candles = [door_inputs.candle(door_inputs.OPEN_TS + 60)]
    answer = json.dumps({"ticker": f"{door_inputs.EVENT}-T81", "candlesticks": candles}).replace(old, new, 1)
    refused(door_fuzz.enter_candles, answer.encode())


REPORT = {"station": "KMIA", "valid": "2025-03-01", "product": "202503020620-KMFL-CDUS42-CLIMIA", "high": 81, "low": 60}


@pytest.mark.parametrize(
    "key, value",
    [
        *(("high", value) for value in ("81", "1_0", True, 81.5, 10**30, 999, [81])),
        *(("valid", value) for value in ("9999-03-01", "٢٠٢٥-03-01", "2025-02-30", 5, None)),
        *(("product", value) for value in ("999912312359-X", "2025٠3020620-X", "202503020620-\x1b[2J", "", None)),
    ],
)
def test_a_report_that_cannot_be_is_refused_with_a_copy(key, value):
    refused(door_fuzz.enter_climate, json.dumps({"results": [{**REPORT, key: value}]}).encode())


@pytest.mark.parametrize(
    "old, new",
    [("8", "1_0"), ("2025-03-01 00:00:00", "9999-03-01 00:00:00"), ("2025-03-01", "٢٠٢٥-03-01"), ("8", "1e999")],
)
def test_guidance_that_cannot_be_is_refused_with_a_copy(old, new):
    table = "runtime,ftime,model,n_x\n2025-03-01 00:00:00,2025-03-02 00:00:00,GFS,8\n"
    head, row = table.splitlines()
    place = row.rindex(old) if old == "8" else row.index(old)
    changed = row[:place] + new + row[place + len(old) :]
    refused(door_fuzz.enter_guidance, f"{head}\n{changed}\n".encode())
