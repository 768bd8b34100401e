"""Each validation: a defect planted into a clean event is found, by its name alone, and the event next to it is replayed."""

import copy
import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from tests.reference.defects import EVENT_VALIDATIONS
from tests.unit import engine_parts
from tests.unit.compiled import with_a_bug
from tests.unit.results_parts import conf
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import SimulationError
from tradewinds.engine.event_contracts import candles, kernel
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.fills import Fill, Fills
from tradewinds.families.kalshi_weather import climate_days, replay, schemas, tradable_markets
from tradewinds.families.kalshi_weather.validations import event_checks, judge, statutory_clocks, trade_checks

SERIES, STATION = "KXHIGHCHI", climate_days.stations()["KXHIGHCHI"]
DAYS = (dt.date(2025, 3, 9), dt.date(2025, 3, 10))  # the clocks change on the first
EVENTS = ("KXHIGHCHI-25MAR09", "KXHIGHCHI-25MAR10")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LADDER = (("T50", "less", None, 50), ("B50.5", "between", 50, 51), ("T51", "greater", 51, None))
P_YES = (Decimal("0.2"), Decimal("0.7"), Decimal("0.1"))


def moment(ts):
    return dt.datetime.fromtimestamp(ts, dt.UTC)


class Month:
    """Two clean events as rows; `simulate` writes and replays them."""

    def __init__(self, folder, **changes):
        dates = {"date_start_local": DAYS[0], "date_end_local": DAYS[1], "series_tickers": [SERIES]}
        self.folder, self.conf = folder, conf(**dates, **changes)
        self.markets = {day: [self.market(day, *rung) for rung in LADDER] for day in DAYS}
        self.known = {day: [self.p_row(m, p) for m, p in zip(self.markets[day], P_YES, strict=True)] for day in DAYS}
        self.candles = {day: [c for m in self.markets[day] for c in self.quotes(m)] for day in DAYS}
        self.said = {}
        for day in DAYS:
            tickers = [m["market_ticker"] for m in self.markets[day]]
            self.said[day] = {"markets": tickers, "rows_per_market": dict.fromkeys(tickers, 2)}
        self.reports = [self.report(day) for day in DAYS]

    def market(self, day, name, kind, floor, cap):
        event = climate_days.event_ticker_of(SERIES, day)
        start, end = climate_days.climate_day_bounds(STATION, day)
        return dict.fromkeys(schemas.CATALOG.names) | {
            "series_ticker": SERIES,
            "event_ticker": event,
            "market_ticker": f"{event}-{name}",
            "climate_date": day,
            "strike_type": kind,
            "floor_strike": floor,
            "cap_strike": cap,
            "market_type": "binary",
            "status": "finalized",
            "result": "yes" if kind == "between" else "no",
            "open_time": moment(start - 14 * 3600),
            "close_time": moment(end),
            "settlement_ts": moment(end + 8 * 3600),
            "volume": Decimal(20),
            "tier": "historical",
            "raw": "{}",
            "retrieved_at": NOW,
        }

    def p_row(self, market, p_yes):
        keys = ("series_ticker", "event_ticker", "market_ticker", "climate_date")
        day = {key: market[key] for key in keys}
        return day | {"asof_ts": 0, "known_at_ts": 0, "p_yes": p_yes, "method": "file", "mu_f": None, "sigma_f": None}

    def quotes(self, market):
        """Two candles in the trade window of a market quoted at 0.40 to 0.45, ten contracts in each."""
        start = int(market["close_time"].timestamp()) - 12 * 3600
        for end in (start, start + 600):
            row = {name: Decimal("0.45") if "ask" in name else Decimal("0.40") for name in schemas.PRICE_COLUMNS}
            row |= {"market_ticker": market["market_ticker"], "end_period_ts": end, "retrieved_at": NOW}
            yield row | {"volume": Decimal(10), "open_interest": Decimal(0)}

    def report(self, day):
        about = {"station_id": "KMDW", "climate_date": day, "high_f": 51, "low_f": 30, "product": "made"}
        return about | {"issued_ts": 0, "final": True, "known_at_ts": 0}

    def simulate(self):
        catalog, p_path, climate = (str(self.folder / f"{name}.parquet") for name in ("catalog", "p", "climate"))
        rows = [m for day in DAYS for m in self.markets[day]]
        files.write_parquet(catalog, pa.Table.from_pylist(rows, schemas.CATALOG), {})
        p_rows = [p for day in DAYS for p in self.known[day]]
        files.write_parquet(p_path, pa.Table.from_pylist(p_rows, schemas.PROBABILITIES), {})
        files.write_parquet(climate, pa.Table.from_pylist(self.reports, schemas.CLIMATE), {})
        paths = {(SERIES, day): str(self.folder / f"{day}.parquet") for day in DAYS}
        for day in DAYS:
            table = pa.Table.from_pylist(self.candles[day], schemas.CANDLES)
            files.write_parquet(paths[SERIES, day], table, self.said[day])
        return replay.replay_events(self.conf, {SERIES: catalog}, paths, p_path, climate=[climate])

    def set(self, table, index=0, day=DAYS[0], **changes):
        getattr(self, table)[day][index] |= changes


def judged(result):
    return {v["name"]: v["judged"] for v in result.diagnostics["validation_details"]}


def failed(result):
    return {name: count for name, count in result.diagnostics["validations"].items() if count}


def test_clean_events_pass_all_fourteen(tmp_path):
    result = Month(tmp_path).simulate()
    assert result.trades and not result.skipped and not failed(result)
    assert list(result.diagnostics["validations"]) == [v.name for v in judge.VALIDATIONS]
    trades = dict.fromkeys(("quote_known_by_decision", "fee_in_bounds", "decision_in_window"), len(result.trades))
    assert judged(result) == dict.fromkeys(result.diagnostics["validations"], 2) | trades
    assert result.diagnostics["quarantined"] == [] and len(judge.VALIDATIONS) == 14


def two_winners(month):
    month.set("markets", 0, result="yes")
    month.reports[0]["final"] = False  # else the report disagrees as well


def no_winner(month):
    month.set("markets", 1, result="no")
    month.reports[0]["final"] = False


def one_candle_twice(month):
    month.candles[DAYS[0]].insert(0, dict(month.candles[DAYS[0]][0]))
    month.said[DAYS[0]]["rows_per_market"]["KXHIGHCHI-25MAR09-T50"] = 3
    month.set("markets", 0, volume=Decimal(30))


def one_candle_lost(month):
    del month.candles[DAYS[0]][-1]


def a_candle_of_another(month):
    month.candles[DAYS[0]].append(month.candles[DAYS[0]][-1] | {"market_ticker": "KXHIGHCHI-25MAR09-T99"})


def disorder(month):
    month.candles[DAYS[0]].reverse()


def a_market_listed_since(month):
    month.said[DAYS[0]]["markets"] = ["KXHIGHCHI-25MAR09-T50"]


def another_event(month):
    for market in month.markets[DAYS[0]][:1]:
        market["event_ticker"] = "KXHIGHCHI-1-25MAR09"


def another_prefix(month):
    for market in month.markets[DAYS[0]]:
        market["event_ticker"] = "KXHIGHCHI-1-25MAR09"


def reported(**changes):
    return lambda month: month.reports[0].update(changes)


def setting(table, index=0, **changes):
    return lambda month: month.set(table, index, **changes)


FIRST = "KXHIGHCHI-25MAR09"
ASOF = int(dt.datetime(2025, 3, 9, 5, tzinfo=dt.UTC).timestamp())  # 23:00 on March 8, before the change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("forecast_known_by_asof", setting("known", 1, known_at_ts=ASOF + 1), "B50.5 has a probability that was known aft"),
        ("one_climate_date", another_event, "name 2 events: KXHIGHCHI-1-25MAR09, KXHIGHCHI-25MAR09"),
        ("one_climate_date", another_prefix, f"{FIRST}-T51 is no market of KXHIGHCHI-1-25MAR09"),
        ("one_winner", two_winners, f"2 markets settled YES: {FIRST}-T50, {FIRST}-B50.5"),
        ("one_winner", no_winner, "no market settled YES"),
        ("ladder_sums_to_one", setting("known", 0, p_yes=Decimal("0.200000002")), "its probabilities sum to 1"),
        ("strikes_tile", setting("markets", 2, floor_strike=53), f"settles from 52 to 53, between {FIRST}-B50.5 and"),
        ("strikes_tile", setting("markets", 1, floor_strike=49), f"{FIRST}-T50 and {FIRST}-B50.5 overlap"),
        ("strikes_tile", setting("markets", 0, strike_type="between", floor_strike=40, cap_strike=49), "below 40, where"),
        ("strikes_tile", setting("markets", 2, strike_type="between", floor_strike=52, cap_strike=59), "above 59, where"),
        ("strikes_tile", setting("markets", 0, strike_type=None, cap_strike=None), "neither strikes nor words of"),
        ("prices_in_bounds", setting("candles", 0, yes_ask_close=Decimal("1.000001")), "a candle has the price 1.000001"),
        ("prices_in_bounds", setting("candles", 5, price_mean=Decimal("-0.01")), "a candle has the price -0.010000"),
        ("refetch_changes_nothing", one_candle_twice, "-T50 are not unique and in order of time"),
        ("refetch_changes_nothing", disorder, "are not unique and in order of time"),
        ("refetch_changes_nothing", one_candle_lost, "other numbers of candles than its fetch counted"),
        ("refetch_changes_nothing", a_candle_of_another, "candles of markets that the catalog does not list"),
        ("refetch_changes_nothing", a_market_listed_since, "fetched for other markets than the catalog lists"),
        ("volume_in_bounds", setting("markets", 1, volume=Decimal(19)), "-B50.5 trades 20.00 contracts in its candles, 19.00"),
        ("settlement_matches_report", reported(high_f=52), f"says 52 °F, the exchange {FIRST}-B50.5 yes, {FIRST}-T51 no"),
    ],
)  # fmt: skip
def test_a_defect_is_found_by_its_validation_alone(tmp_path, name, spoil, words):
    month = Month(tmp_path)
    spoil(month)
    result = month.simulate()
    [(event, reason)] = result.skipped
    assert reason == f"VALIDATION:{name}" and failed(result) == {name: 1}
    assert result.diagnostics["quarantined"] == [event]
    assert result.diagnostics["events_skipped"] == {reason: 1}
    assert {t.event_ticker for t in result.trades} == {EVENTS[1]}, "the other event is replayed"
    [[_, why]] = next(v["failures"] for v in result.diagnostics["validation_details"] if v["name"] == name)
    assert words in why

    month.conf["on_missing"]["validation"] = {name: "fail"}
    with pytest.raises(SimulationError, match=f"{event}: validation {name} fails: ") as failure:
        month.simulate()
    assert failure.value.exit_code == 5 and f"Set on_missing.validation.{name} to skip" in str(failure.value)

    month.conf["on_missing"]["validation"] = {name: "warn"}
    told = month.simulate()
    assert failed(told) == {name: 1} and not told.skipped and told.diagnostics["quarantined"] == []


def test_a_wrong_clock_is_found_on_the_days_around_a_change_only(tmp_path, monkeypatch):
    """Standard time taken for civil time: one hour early, from the change on."""

    def standard(station, date, local_time, days_before):
        return climate_days.climate_day_bounds(station, date - dt.timedelta(days=days_before))[0] + 23 * 3600

    month = Month(tmp_path, asof_policy={"local_time": "23:00", "days_before": 1})
    monkeypatch.setattr(climate_days, "asof_ts", standard)
    monkeypatch.setattr(tradable_markets, "civil_midnights", lambda *_: ())
    result = month.simulate()
    assert result.skipped == [(EVENTS[1], "VALIDATION:daylight_saving")] and judged(result)["daylight_saving"] == 2
    [[_, why]] = next(v["failures"] for v in result.diagnostics["validation_details"] if v["failures"])
    assert why == "its as-of time is 2025-03-10 05:00Z and must be 2025-03-10 04:00Z"


def test_a_wrong_standard_time_of_a_station_is_found_on_every_date(tmp_path, monkeypatch):
    wrong = STATION._replace(lst_offset_hours=-5)
    monkeypatch.setattr(climate_days, "station_of", lambda _: wrong)
    found = Month(tmp_path).simulate().diagnostics["validation_details"]
    why = "standard time of America/Chicago is not -5 hours from UTC"
    assert next(v["failures"] for v in found if v["name"] == "station_known") == [[event, why] for event in EVENTS]


@pytest.mark.parametrize("zone", sorted(statutory_clocks.STANDARD_HOURS))
@pytest.mark.parametrize("year", [2021, 2024, 2025, 2026])
def test_the_law_and_the_time_zone_database_agree_in_every_half_hour(zone, year):
    station = next(s for s in climate_days.stations().values() if s.timezone == zone)
    for change in statutory_clocks.changes(year):
        for day in (change + dt.timedelta(days=n) for n in (-1, 0, 1)):
            assert statutory_clocks.near_a_change(day)
            assert statutory_clocks.standard_midnight_ts(zone, day) == climate_days.climate_day_bounds(station, day)[0]
            for clock in (dt.time(h, m) for h in range(24) for m in (0, 30)):
                assert statutory_clocks.civil_ts(zone, day, clock) == climate_days.asof_ts(
                    station, day, f"{clock:%H:%M}", 0
                )
    assert not statutory_clocks.near_a_change(dt.date(year, 7, 1))


def nothing_known(month):
    month.set("known", 0, known_at_ts=0)
    del month.known[DAYS[0]][0]


def a_scalar(month):
    month.set("markets", 0, result="scalar", settlement_value=Decimal("0.5"))
    month.reports[0]["final"] = False


def one_market(month):
    """ "80° or above", the only market of its day."""
    for table in (month.markets, month.known):
        table[DAYS[0]][1:] = []
    month.set("markets", 0, strike_type="greater", floor_strike=49, cap_strike=None, result="yes")
    month.candles[DAYS[0]][2:] = []
    month.said[DAYS[0]] = {}


def unknown_volume(month):
    for market in month.markets[DAYS[0]]:
        market["volume"] = None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (nothing_known, {"ladder_sums_to_one"}),
        (a_scalar, {"one_winner", "settlement_matches_report"}),
        (one_market, {"one_winner", "ladder_sums_to_one", "strikes_tile"}),
        (unknown_volume, {"volume_in_bounds"}),
        (reported(final=False, high_f=90), {"settlement_matches_report"}),
        (reported(high_f=None), {"settlement_matches_report"}),
        (lambda month: month.reports.clear(), {"settlement_matches_report"}),
    ],
)
def test_what_cannot_be_judged_is_not_judged(tmp_path, spoil, names):
    month = Month(tmp_path)
    spoil(month)
    result = month.simulate()
    assert not failed(result) and not result.skipped
    missed = {name for name in EVENT_VALIDATIONS if judged(result)[name] < 2}
    assert missed == names


def test_tolerances(tmp_path):
    month = Month(tmp_path, validations={"probability_sum_tolerance": 0.05, "volume_tolerance": 0.1})
    month.set("known", 0, p_yes=Decimal("0.25"))
    month.set("markets", 0, volume=Decimal("18.19"))
    assert failed(month.simulate()) == {}
    month.set("known", 0, p_yes=Decimal("0.250000000001"))
    month.set("markets", 0, volume=Decimal("18.18"))
    assert failed(month.simulate()) == {"ladder_sums_to_one": 1, "volume_in_bounds": 1}
    mine = Month(tmp_path, probabilities={"source": "file", "path": "mine.csv"})
    mine.set("known", 0, p_yes=Decimal("0.18"))
    assert failed(mine.simulate()) == {}, "users round"
    mine.set("known", 0, p_yes=Decimal("0.179"))
    assert failed(mine.simulate()) == {"ladder_sums_to_one": 1}


def test_the_first_failure_of_the_order_is_the_reason_and_earlier_reasons_come_first(tmp_path):
    month = Month(tmp_path)
    two_winners(month)
    month.set("markets", 1, volume=Decimal(1))
    month.conf["on_missing"]["validation"] = {"one_winner": "warn"}
    assert month.simulate().skipped == [(FIRST, "VALIDATION:volume_in_bounds")]
    month.conf["on_missing"]["validation"] = "skip"
    result = month.simulate()
    assert result.skipped == [(FIRST, "VALIDATION:one_winner")]
    assert failed(result) == {"one_winner": 1, "volume_in_bounds": 1}
    month.set("markets", 2, result=None)
    result = month.simulate()
    assert result.skipped == [(FIRST, "UNSETTLED")] and not failed(result), "what is not replayed is not judged"


def a_fill(**changes):
    """A fill that passes: 10 contracts at 0.50 for 0.18, decided 5 minutes into the window on a quote of minute 4."""
    contract = engine_parts.contract(start=0, end=100)
    given = {"contract": contract, "side": Side.YES, "quantity": 10, "price_micro": 500_000, "fee_micro": 180_000}
    given |= {"decision_ts": 300, "quote_ts": 240, "gross_ev_pico": 0, "net_ev_total_pico": 0, "p_yes_pico": 0}
    return Fill(**given | changes)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("quote_known_by_decision", {"quote_ts": 301}),
        ("quote_known_by_decision", {"quote_ts": -60}),
        ("fee_in_bounds", {"fee_micro": 185_001}),
        ("fee_in_bounds", {"fee_micro": -1}),
        ("decision_in_window", {"decision_ts": 301}),
        ("decision_in_window", {"decision_ts": 6000}),
        ("decision_in_window", {"decision_ts": -300, "quote_ts": -400}),
    ],
)
def test_a_wrong_trade_fails_the_run(name, change):
    judge.refuse_wrong_trades(Fills.of([a_fill(), a_fill(fee_micro=185_000)]), 60)
    with pytest.raises(SimulationError, match=r"[a-z_]+ fails for 1 of 2 trades, first A at .* bug of the engine"):
        judge.refuse_wrong_trades(Fills.of([a_fill(), a_fill(**change)]), 60)
    assert getattr(trade_checks, name)(Fills.of([a_fill(), a_fill(**change)]), 60).tolist() == [True, False]


SEARCH = (
    "row_at(pass->rows->end_ts, pass->rows->first_row[j], pass->rows->end_row[j], progress->t)"  # for the visible row
)


def one_candle_ahead(monkeypatch, folder):
    """The search for the visible row comes to the one after it."""
    wrong = f"least_of({SEARCH} + 1, pass->rows->end_row[j] - 1)"
    monkeypatch.setattr(kernel, "_compiled", with_a_bug(folder, SEARCH, wrong))


def a_clock_that_is_fast(monkeypatch, folder):
    """Rows are compared with an instant that is a day later."""
    wrong = SEARCH.replace("progress->t)", "progress->t + 86400)")
    monkeypatch.setattr(kernel, "_compiled", with_a_bug(folder, SEARCH, wrong))


def candles_before_they_count(monkeypatch, _):
    """What ended before a window's quotes begin is carried in."""
    monkeypatch.setattr(candles, "rows_since", lambda end_ts, first_row, end_row, since: first_row)


@pytest.mark.slow
@pytest.mark.parametrize("bug", [one_candle_ahead, a_clock_that_is_fast, candles_before_they_count])
def test_an_engine_that_looks_ahead_fails_the_run_whatever_on_missing_says(tmp_path, monkeypatch, bug):
    month = Month(tmp_path, on_missing={"validation": "warn"}, candles={"window_policy": "TRADE_WINDOW_ONLY"})
    for day in DAYS:  # a candle before the window, at another price
        for market in month.markets[day]:
            row = next(r for r in month.candles[day] if r["market_ticker"] == market["market_ticker"])
            early = int(market["open_time"].timestamp()) + 60
            month.candles[day].append(
                row | {"end_period_ts": early, "yes_ask_close": Decimal("0.41"), "volume": Decimal(0)}
            )
            month.said[day]["rows_per_market"][market["market_ticker"]] = 3
        month.candles[day].sort(key=lambda r: (r["market_ticker"], r["end_period_ts"]))
    assert month.simulate().trades
    bug(monkeypatch, tmp_path)
    with pytest.raises(SimulationError, match="quote_known_by_decision fails for"):
        month.simulate()


def test_the_schema_knows_the_validations_of_events():
    node = resolve.schema("kalshi_weather")["properties"]["on_missing"]["properties"]["validation"]
    assert list(node["properties"]) == [v.name for v in judge.EVENT_VALIDATIONS] == list(EVENT_VALIDATIONS)
    for validation in judge.EVENT_VALIDATIONS:
        assert node["properties"][validation.name]["description"].lower() == f"{validation.what}.".lower()
        assert getattr(event_checks, validation.name) is validation.event


def test_words_for_some_validations_leave_skip_for_the_others():
    mixed = conf(on_missing={"validation": {"one_winner": "fail", "strikes_tile": "warn"}})
    found = [judge.policy(mixed, name) for name in ("one_winner", "strikes_tile", "volume_in_bounds")]
    assert found == ["fail", "warn", "skip"]
    assert judge.policy(conf(on_missing={"validation": "warn"}), "one_winner") == "warn"
    assert resolve.run_id(mixed) != resolve.run_id(conf())
    assert resolve.run_id(conf(validations={"volume_tolerance": 0.5})) != resolve.run_id(conf())
    assert copy.deepcopy(conf())["validations"] is None
