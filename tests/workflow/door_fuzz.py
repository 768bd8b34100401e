"""Put mutated inputs through every door: `python -m tests.workflow.door_fuzz [INPUTS] [SEED] [DOOR …]`.

By default 10,000 inputs of seed 1 go through all doors in turn.

Doors are configs, the files that a user names, recorded files for `archive import`, and the answers of every service. Whatever
comes in, the way out is a documented exit code and a bounded message without control characters; never a bug. It stops with an
error that names door, seed and number of the first input that fails; `Doors.input_of` makes that input again.
"""

import contextlib
import datetime as dt
import io
import json
import os
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.workflow import door_minutes, mutations
from tests.workflow.door_inputs import (
    ACTIONS,
    BARS,
    CLOSE_TS,
    CONFIG,
    DISTRIBUTIONS,
    EVENT,
    MARKETS,
    OPEN_TS,
    ORDER_BOOKS,
    PROBABILITIES,
    READINGS,
    SERIES,
    SHARES,
    UNIVERSE,
    bars_table,
    candle,
    distributions_table,
    order_books_table,
    parquet_of,
    probabilities_table,
    recorded_files,
)
from tradewinds.cli.app import main
from tradewinds.core.errors import TradewindsError
from tradewinds.families.equities_daily.fetch import yahoo
from tradewinds.families.kalshi_weather import climate_days, order_book_file
from tradewinds.families.kalshi_weather.fetch import catalog, event_candles, exchange_requests, weather
from tradewinds.families.kalshi_weather.forecasts import user_distributions, user_probabilities
from tradewinds.sources.endpoint import Endpoint, ReceivedAnswer
from tradewinds.sources.http import HttpClient, NotFound

DOCUMENTED = {0, 2, 3, 4, 5, 6}
MOST_SECONDS = 5.0
MOST_LINES, MOST_CHARACTERS = 60, 20_000
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
STATION = climate_days.station_of("KXHIGHMIA")


class Door(NamedTuple):
    """A way in.

    Attributes:
        good: the input that is mutated.
        mutate: makes another one.
        enter: takes an input; returns an exit code, or raises what the product raises.
    """

    good: bytes
    mutate: Callable[[random.Random, bytes], bytes]
    enter: Callable[[bytes], int]


class Answers(HttpClient):
    """A client whose service answers each path with given bytes."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        super().__init__(Endpoint("http://127.0.0.1:9", 1000, 1, 1, 0), sleep=lambda seconds: None)
        self.answers = answers

    def _send(self, asked, decode, attempt):
        """Decode the answer to a path as the client does, without a connection."""
        answer = next((body for start, body in self.answers.items() if asked.path.startswith(start)), None)
        if answer is None:
            raise NotFound(asked.path)
        return self._decoded(decode, ReceivedAnswer(200, {}, answer), asked.path)


def words(dice: random.Random, data: bytes) -> bytes:
    """Mutate a text: its words more often than its bytes."""
    return (
        mutations.of_bytes(dice, data)
        if dice.random() < 0.3
        else mutations.of_text(dice, data.decode()).encode(errors="surrogatepass")
    )


def values(dice: random.Random, data: bytes) -> bytes:
    """Mutate JSON: its values more often than its bytes."""
    return mutations.of_bytes(dice, data) if dice.random() < 0.2 else mutations.of_json(dice, data)


def settings(dice: random.Random, data: bytes) -> bytes:
    """Mutate a config: values of keys more often than words."""
    return (
        words(dice, data)
        if dice.random() < 0.3
        else mutations.of_json(dice, json.dumps(yaml.safe_load(data), default=str).encode())
    )


def command(*arguments: str) -> int:
    """Run a command in this process; return its exit code."""
    try:
        main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("main returned")


def with_file(name: str, *arguments: str) -> Callable[[bytes], int]:
    """A door: an input in a file of this name, then a command."""

    def enter(data: bytes) -> int:
        Path(name).write_bytes(data)
        return command(*arguments)

    return enter


def enter_listing(data: bytes) -> int:
    """The catalog from a mutated listing."""
    catalog.sync_catalog(
        Answers({"/series": SERIES, "/markets": data, "/historical/markets": b'{"markets": []}'}), STATION, None, NOW
    )
    return 0


def enter_series(data: bytes) -> int:
    """The catalog under a mutated description of the series."""
    listing = json.dumps({"markets": MARKETS, "cursor": ""}).encode()
    catalog.sync_catalog(
        Answers({"/series": data, "/markets": listing, "/historical/markets": b'{"markets": []}'}), STATION, None, NOW
    )
    return 0


def enter_candles(data: bytes) -> int:
    """An event's candles from a mutated answer of the historical tier, or of the live tier's routes."""
    tier = "live" if b"market_candlesticks" in data else "historical"
    markets = [exchange_requests.CatalogMarket(f"{EVENT}-T81", EVENT, OPEN_TS, CLOSE_TS, tier)]
    windows = exchange_requests.windows_of(markets, "FULL_MARKET_WINDOW", 1, OPEN_TS)
    event_candles.fetch_candles(Answers({"/": data}), "KXHIGHMIA", markets, windows, 1, NOW)
    return 0


def enter_batch(data: bytes) -> int:
    """Candles of two events' markets from a mutated answer of the batch route."""
    markets = [
        exchange_requests.CatalogMarket(f"{event}-T81", event, OPEN_TS, CLOSE_TS, "live")
        for event in (EVENT, EVENT[:-1] + "5")
    ]
    windows = exchange_requests.windows_of(markets, "FULL_MARKET_WINDOW", 1, OPEN_TS)
    event_candles.fetch_candles(Answers({"/markets/candlesticks": data}), "KXHIGHMIA", markets, windows, 1, NOW)
    return 0


def enter_climate(data: bytes) -> int:
    """A year of climate reports."""
    weather.fetch_climate(Answers({"/": data}), STATION, 2025, NOW, None)
    return 0


def enter_guidance(data: bytes) -> int:
    """A year of guidance."""
    weather.fetch_guidance(Answers({"/": data}), "KMIA", "GFS", 2025, NOW, None, None)
    return 0


def enter_readings(data: bytes) -> int:
    """A climate day of readings."""
    weather.fetch_observations(Answers({"/": data}), STATION, dt.date(2025, 3, 4), NOW)
    return 0


def enter_chart(data: bytes) -> int:
    """A year of a share's bars."""
    yahoo.fetch_year(Answers({"/": data}), "AAA", 2024, NOW.date())
    return 0


def enter_distributions(name: str) -> Callable[[bytes], int]:
    """A door: the user's own distributions in a file of this name."""

    def enter(data: bytes) -> int:
        Path(name).write_bytes(data)
        user_distributions.read_user_file(name, [STATION.series_ticker], 0.5)
        return 0

    return enter


def enter_order_books(name: str) -> Callable[[bytes], int]:
    """A door: the user's own order books in a file of this name."""

    def enter(data: bytes) -> int:
        Path(name).write_bytes(data)
        order_book_file.books_of({"liquidity": {"levels": name}}, [])
        return 0

    return enter


def enter_probabilities(name: str) -> Callable[[bytes], int]:
    """A door: the user's own probabilities in a file of this name."""

    def enter(data: bytes) -> int:
        Path(name).write_bytes(data)
        user_probabilities.read_user_file(name)
        return 0

    return enter


def doors() -> dict[str, Door]:
    """Every door by its name. It writes the good files of a user into the working directory."""
    good = {
        "universe.csv": UNIVERSE,
        "actions.csv": ACTIONS,
        "bars.csv": BARS,
        "shares.yaml": SHARES,
        "m.csv": door_minutes.BARS,
    }
    for name, text in good.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("bars.yaml").write_text(
        SHARES.replace("bars.csv", "b.csv").replace("{file: universe.csv}", "[AAA, BBB]"), encoding="utf-8"
    )
    imported = recorded_files()
    for name, data in imported.items():
        Path(name).write_bytes(data)
    dry = ("run", "--dry-run", "--config")
    arguments = (
        "archive",
        "import",
        "--out",
        "arc",
        "--markets",
        "markets.parquet",
        "--candles",
        "candles.parquet",
        "--climate",
        "climate.parquet",
    )
    backtest = (
        "backtest",
        "--dry-run",
        "--strategy",
        "Mean Reversion",
        "--start",
        "2024-01-02",
        "--end",
        "2024-01-31",
        "--bars",
    )

    def enter_import(name: str) -> Callable[[bytes], int]:
        run = with_file(f"{name}.parquet", *arguments)

        def enter(data: bytes) -> int:
            try:
                return run(data)
            finally:
                Path(f"{name}.parquet").write_bytes(imported[f"{name}.parquet"])

        return enter

    def enter_bars(name: str) -> Callable[[bytes], int]:
        listed = with_file(name, *backtest, name)

        def enter(data: bytes) -> int:
            code = listed(data)
            from tradewinds.families.equities_daily.fetch import user_bars

            columns = {n: n for n in ("symbol", "date", "open", "high", "low", "close", "volume")} | {"adj_close": None}
            user_bars.import_bars(name, columns, [(s, 2024, f"data/{name}/{s}.parquet") for s in ("AAA", "BBB")])
            return code

        return enter

    listing = json.dumps({"markets": MARKETS, "cursor": ""}).encode()
    minutes = [candle(OPEN_TS + 60 * n) for n in range(1, 5)]
    live = [
        {
            "end_period_ts": one["end_period_ts"],
            **{side: {f"{k}_dollars": v for k, v in one[side].items()} for side in ("yes_bid", "yes_ask", "price")},
            **{"volume_fp": one["volume"], "open_interest_fp": one["open_interest"]},
        }
        for one in minutes
    ]
    both = [{"market_ticker": f"{event}-T81", "candlesticks": live} for event in (EVENT, EVENT[:-1] + "5")]
    names = {"market_tickers": [f"{EVENT}-T81"], "market_candlesticks": [live], "adjusted_end_ts": CLOSE_TS + 60}
    reports = [
        {
            "station": "KMIA",
            "valid": f"2025-03-{n:02}",
            "product": f"202503{n + 1:02}0620-KMFL-CDUS42-CLIMIA",
            "high": 80 + n,
            "low": 60,
            "high_normal": 78.5,
        }
        for n in range(1, 9)
    ]
    guidance = "station,runtime,ftime,model,n_x,tmp\n" + "".join(
        f"KMIA,2025-03-{n:02} 00:00:00,2025-03-{n + 1:02} 00:00:00,GFS,8{n},7{n}\n" for n in range(1, 9)
    )
    stamps = [int(dt.datetime(2024, 1, n, 14, 30, tzinfo=dt.UTC).timestamp()) for n in range(2, 9)]
    quote = {name: [10.5] * 7 for name in ("open", "high", "low", "close")} | {"volume": [1000] * 7}
    meta = {"symbol": "AAA", "dataGranularity": "1d", "exchangeTimezoneName": "America/New_York", "currency": "USD"}
    splits = {"splits": {"1": {"date": stamps[2], "numerator": 2, "denominator": 1}}}
    chart = {
        "meta": meta,
        "timestamp": stamps,
        "events": splits,
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": [10.25] * 7}]},
    }
    json_of = {
        "listing": (listing, enter_listing),
        "series": (SERIES, enter_series),
        "candles_historical": (json.dumps({"ticker": f"{EVENT}-T81", "candlesticks": minutes}).encode(), enter_candles),
        "candles_event": (json.dumps(names).encode(), enter_candles),
        "candles_batch": (json.dumps({"markets": both}).encode(), enter_batch),
        "climate": (json.dumps({"results": reports}).encode(), enter_climate),
        "chart": (json.dumps({"chart": {"result": [chart], "error": None}}).encode(), enter_chart),
        "chart_minutes": (door_minutes.chart(), lambda data: door_minutes.enter_chart(Answers({"/": data}))),
    }
    return {
        "config": Door(CONFIG.encode(), settings, with_file("c.yaml", *dry, "c.yaml")),
        "config_of_shares": Door(SHARES.encode(), settings, with_file("s.yaml", *dry, "s.yaml")),
        "config_of_minutes": Door(door_minutes.CONFIG.encode(), settings, with_file("o.yaml", *dry, "o.yaml")),
        "minutes_csv": Door(door_minutes.BARS.encode(), words, door_minutes.enter_bars("n.csv")),
        "minutes_parquet": Door(door_minutes.parquet(), mutations.of_parquet, door_minutes.enter_bars("n.parquet")),
        "validate": Door(CONFIG.encode(), settings, with_file("v.yaml", "validate", "--config", "v.yaml")),
        "universe": Door(UNIVERSE.encode(), words, with_file("universe.csv", *dry, "shares.yaml")),
        "actions": Door(ACTIONS.encode(), words, with_file("actions.csv", *dry, "shares.yaml")),
        "bars_csv": Door(BARS.encode(), words, enter_bars("b.csv")),
        "bars_parquet": Door(parquet_of(bars_table()), mutations.of_parquet, enter_bars("b.parquet")),
        "probabilities_csv": Door(PROBABILITIES.encode(), words, enter_probabilities("p.csv")),
        "probabilities_parquet": Door(
            parquet_of(probabilities_table()), mutations.of_parquet, enter_probabilities("p.parquet")
        ),
        **{
            f"import_{name}": Door(imported[f"{name}.parquet"], mutations.of_parquet, enter_import(name))
            for name in ("markets", "candles", "climate")
        },
        "guidance": Door(guidance.encode(), words, enter_guidance),
        "readings": Door(READINGS.encode(), words, enter_readings),
        "order_books_csv": Door(ORDER_BOOKS.encode(), words, enter_order_books("o.csv")),
        "order_books_parquet": Door(
            parquet_of(order_books_table()), mutations.of_parquet, enter_order_books("o.parquet")
        ),
        "distributions_csv": Door(DISTRIBUTIONS.encode(), words, enter_distributions("d.csv")),
        "distributions_parquet": Door(
            parquet_of(distributions_table()), mutations.of_parquet, enter_distributions("d.parquet")
        ),
        **{name: Door(data, values, enter) for name, (data, enter) in json_of.items()},
    }


class Fuzz:
    """Mutated inputs for each door.

    Attributes:
        outcomes: how many inputs of a door had an exit code, by (door, code).
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.doors, self.outcomes = seed, doors(), Counter()
        self.side_files = {name: Path(name).read_bytes() for name in ("universe.csv", "actions.csv")}

    def input_of(self, name: str, number: int) -> bytes:
        """The input of a door with a number; the same for the same seed."""
        door = self.doors[name]
        return door.mutate(random.Random(f"{self.seed} {name} {number}"), door.good)

    def enter(self, name: str, number: int) -> str | None:
        """Put an input through a door; what is wrong with what came out, None if nothing is."""
        data, said = self.input_of(name, number), io.StringIO()
        begun = time.monotonic()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = self.doors[name].enter(data)
        except TradewindsError as error:
            code = error.exit_code
            said.write(str(error))
        except Exception:  # what this program looks for
            return traceback.format_exc()
        finally:
            for file, content in self.side_files.items():
                Path(file).write_bytes(content)
        self.outcomes[name, code] += 1
        return self._judged(code, said.getvalue(), time.monotonic() - begun)

    def _judged(self, code: int, text: str, seconds: float) -> str | None:
        """What is wrong with an exit code, a message and a time; None if nothing is."""
        if code not in DOCUMENTED or "This is a bug" in text or "Traceback" in text:
            return f"exit {code}: {text[-1500:]}"
        if raw := RAW.search(text):
            return f"raw {raw[0]!a} in {text[:300]!a}"
        if code and not text.strip():
            return f"exit {code} without a word"
        if text.count("\n") > MOST_LINES or len(text) > MOST_CHARACTERS:
            return f"a message of {text.count(chr(10))} lines and {len(text)} characters"
        return f"it took {seconds:.1f} s" if seconds > MOST_SECONDS else None


@contextlib.contextmanager
def own_folder():
    """A temporary working directory."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def main_program() -> None:
    """Put the inputs through the doors in turn; print how each door answered."""
    count, seed = (
        int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((1, 10_000), (2, 1))
    )
    with own_folder():
        fuzz, failed = Fuzz(seed), Counter()
        names = sys.argv[3:] or [*fuzz.doors]
        for number in range(count):
            name = names[number % len(names)]
            if problem := fuzz.enter(name, number):
                failed[name] += 1
                if failed[name] <= 3:
                    print(f"door {name}, seed {seed}, input {number}:\n{problem}", flush=True)
    for name in names:
        codes = {code: n for (door, code), n in sorted(fuzz.outcomes.items()) if door == name}
        print(f"{name:<22} exits {codes} failures {failed[name]}")
    if failed:
        raise SystemExit(f"{failed.total()} of {count:,} inputs failed")
    print(f"{count:,} inputs, seed {seed}: all as documented")


if __name__ == "__main__":
    main_program()
