"""When the sessions of daily equities open and close: half days, summer time, dates that no calendar lists."""

import csv
import datetime as dt
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.reference import naive_hours
from tests.reference.naive_shares import Bar, Settings
from tests.reference.naive_shares import replay as naive_replay
from tests.unit.share_worlds import flat, weekdays
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.engine.shares.share_rules import AT_CLOSE_ALWAYS
from tradewinds.families import plan
from tradewinds.families.contract import Future
from tradewinds.families.equities_daily import bar_panel, metrics, replay
from tradewinds.families.equities_daily.changed_records import BARS, ChangedRecords
from tradewinds.families.equities_daily.family import FAMILY
from tradewinds.families.equities_daily.fetch import user_bars
from tradewinds.families.equities_daily.lookahead import SharesRun
from tradewinds.reference_data import exchange_calendar
from tradewinds.reference_data.exchange_calendar import calendar_of, known_calendar

TODAY = dt.date(2026, 1, 1)
FALLS = [10] * 20 + [9.9, 9.7, 9.5] + [9.5] * 30  # a signal of Mean Reversion at the 23rd close
EVE = dt.date(2024, 12, 24)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def made(world, **changes):
    """A resolved config over a world, and its plan, whose panel is there."""
    with open("bars.csv", "w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["symbol", "date", "open", "high", "low", "close", "volume"])
        for symbol, rows in world.items():
            out.writerows([symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in rows)
    dates = sorted(bar.date for rows in world.values() for bar in rows)
    raw = {
        "market": "equities_daily",
        "universe": sorted(world),
        "date_start_local": dates[0].isoformat(),
        "date_end_local": dates[-1].isoformat(),
        "strategy": {"name": "Mean Reversion"},
        "bars": {"source": "files", "path": "bars.csv"},
    }
    conf = resolve.resolve({**raw, **changes}, today=max(TODAY, dates[-1]))
    found = plan.run_plan(conf)
    targets = [(file.name, file.year, file.path) for file in found.files.years]
    user_bars.import_bars("bars.csv", conf["bars"]["columns"], targets)
    bar_panel.make_panel(found)
    return conf, found


def ran(world, **changes):
    """The result of a config over a world."""
    return replay.replay_shares(*made(world, **changes), 1, lambda done, total: None)


def with_signal_on(date):
    """Bars on weekdays whose entry signal of Mean Reversion is at the close of a date."""
    days = weekdays(date - dt.timedelta(days=40), 30)
    return flat(weekdays(days[days.index(date) - 22], 1)[0], FALLS)


def utc(ts):
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize("code", ["XNYS", "XNAS", "XASX", "XNZE"])
def test_every_session_of_fifteen_years_has_the_hours_of_the_rules_by_hand(code):
    """The dates that the calendar does not list, holidays and weekends, have usual hours, which rules by hand have too."""
    calendar = known_calendar(code, dt.date(2027, 12, 31))
    listed = halves = 0
    for number in range(15 * 365):
        date = dt.date(2013, 1, 1) + dt.timedelta(days=number)
        expected = naive_hours.hours(code, date)
        assert (calendar.opens(date), calendar.closes(date)) == expected, date
        listed += calendar.lists(date)
        halves += calendar.lists(date) and expected[1] - expected[0] < 5 * 3600
    assert 15 * 245 < listed < 15 * 256 and halves >= 27


def test_christmas_eve_ends_early():
    """The signal of Christmas Eve is known at one o'clock in New York, and at ten past two in Sydney."""
    rows = with_signal_on(EVE)
    (trade,) = ran({"AAA": rows}).trades
    assert utc(trade.decision_ts) == "2024-12-24 18:00"
    assert utc(trade.quote_ts) == "2024-12-25 14:30", "these bars have one on Christmas Day, with its usual hours"
    (trade,) = ran({"AAA": rows}, calendar="XASX").trades
    assert (utc(trade.decision_ts), utc(trade.quote_ts)) == ("2024-12-24 03:10", "2024-12-24 23:00")
    (trade,) = ran({"AAA": rows}, fill="same_close").trades
    assert utc(trade.decision_ts) == utc(trade.quote_ts) == "2024-12-24 18:00"


def test_equity_and_books_of_a_half_day_stand_at_its_close():
    """Every file of the run has the same instant: the books, the points of equity, the trade."""
    result = ran({"AAA": with_signal_on(EVE)}, fill="same_close")
    (trade,) = result.trades
    bought = [ts for ts, quantity in zip(result.journal.ts, result.journal.quantity, strict=True) if quantity > 0]
    assert {int(ts) for ts in bought} == {trade.quote_ts}
    assert [utc(point.ts) for point in result.equity if utc(point.ts)[:10] == "2024-12-24"] == ["2024-12-24 18:00"]


def test_summer_time_of_sydney_ends_between_two_sessions():
    calendar = known_calendar("XASX", dt.date(2024, 12, 31))
    friday, monday = dt.date(2024, 4, 5), dt.date(2024, 4, 8)
    assert (utc(calendar.opens(friday)), utc(calendar.closes(friday))) == ("2024-04-04 23:00", "2024-04-05 05:00")
    assert (utc(calendar.opens(monday)), utc(calendar.closes(monday))) == ("2024-04-08 00:00", "2024-04-08 06:00")
    (trade,) = ran({"AAA": with_signal_on(friday)}, calendar="XASX").trades
    assert (utc(trade.decision_ts), utc(trade.quote_ts)) == ("2024-04-05 05:00", "2024-04-08 00:00")


def test_historic_hours_are_those_of_their_time():
    """Tokyo closes half an hour later since 2024-11-05, Hong Kong opens half an hour earlier since 2011-03-07."""
    tokyo, hong_kong = (known_calendar(code, TODAY) for code in ("XTKS", "XHKG"))
    assert [utc(tokyo.closes(dt.date(2024, 11, day))) for day in (1, 5)] == ["2024-11-01 06:00", "2024-11-05 06:30"]
    assert [utc(hong_kong.opens(dt.date(2011, 3, day))) for day in (4, 7)] == ["2011-03-04 02:00", "2011-03-07 01:30"]
    # dates that are none of their sessions, too: a holiday, and years before the calendar begins
    assert [utc(tokyo.closes(dt.date(year, 11, 23))) for year in (1989, 2023)] == [
        "1989-11-23 06:00",
        "2023-11-23 06:00",
    ]
    assert utc(tokyo.closes(dt.date(2025, 11, 24))) == "2025-11-24 06:30"
    assert utc(hong_kong.opens(dt.date(1985, 1, 2))) == "1985-01-02 02:00"


UNLISTED = {
    "a holiday": ("XNYS", dt.date(2024, 7, 4), "2024-07-04 20:00"),
    "a session that was announced late": ("XNYS", dt.date(2025, 1, 9), "2025-01-09 21:00"),
    "before the calendar begins": ("XNYS", dt.date(1987, 10, 19), "1987-10-19 20:00"),
    "after the last date that the package knows": ("XBOM", dt.date(2029, 3, 5), "2029-03-05 10:00"),
}


@pytest.mark.parametrize("case", UNLISTED)
def test_a_bar_on_a_date_that_is_no_session_has_the_usual_hours(case):
    """Bars define the trading days; the calendar only says when a day's session opens and closes."""
    code, date, close = UNLISTED[case]
    result = ran({"AAA": with_signal_on(date)}, calendar=code)
    (trade,) = result.trades
    assert utc(trade.decision_ts) == close
    assert result.diagnostics["trading_days_not_listed"] >= 1


def test_without_a_bar_outside_the_calendar_none_is_counted():
    days = [day for day in weekdays(dt.date(2024, 1, 2), 60) if known_calendar("XNYS", TODAY).lists(day)]
    rows = [Bar(day, *[Decimal(5)] * 4, 10**6) for day in days]
    assert ran({"AAA": rows}).diagnostics["trading_days_not_listed"] == 0


def random_world(seed):
    """Six symbols over fifteen weeks around the turn of a year, which move far enough for many trades."""
    rng, world = random.Random(seed), {}
    for symbol in ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF"):
        price, rows = 20.0, []
        for day in weekdays(dt.date(rng.randrange(2013, 2025), 11, 1), 75):
            opened = price * (1 + rng.gauss(0, 0.01))
            price = opened * (1 + rng.gauss(0, 0.03))
            ends = max(opened, price) * 1.01, min(opened, price) * 0.99
            rows.append(Bar(day, *(Decimal(f"{value:.3f}") for value in (opened, *ends, price)), 10**6))
        world[symbol] = rows[: rng.choice([75, 75, 50])]
    return world


@pytest.mark.slow
def test_every_instant_of_random_runs_agrees_with_the_naive_replay_and_its_hours():
    """Signals, fills, exits and equity: dates of the naive replay, on clocks of rules by hand."""
    early = set()
    for seed in range(12):
        world, code, at_close = random_world(seed), ("XNYS", "XASX", "XNZE")[seed % 3], seed % 4 == 1
        start, end = (pick(bar.date for rows in world.values() for bar in rows) for pick in (min, max))
        trades, equity = naive_replay(world, Settings("Mean Reversion", start, end, same_close=at_close))
        result = ran(world, calendar=code, fill="same_close" if at_close else "next_open")
        opens, closes = (lambda date, code=code, i=i: naive_hours.hours(code, date)[i] for i in (0, 1))
        fills = closes if at_close else opens
        expected = [
            (  # symbol, instants of the signal, the entry and the exit
                trade["symbol"],
                closes(trade["signal"]),
                fills(trade["date"]),
                (closes if trade["reason"] in AT_CLOSE_ALWAYS else fills)(trade["exit_date"]),
            )
            for trade in trades
        ]
        found = [(t.event_ticker, t.decision_ts, t.quote_ts, t.settled_ts) for t in result.trades]
        assert sorted(found) == sorted(expected), seed
        assert [point.ts for point in result.equity] == [opens(equity[0][0]), *(closes(date) for date, _ in equity)]
        instants = {ts for row in found for ts in row[1:]}
        assert {int(ts) for ts in result.journal.ts if ts < result.end_ts} <= instants
        early |= {date for date, _ in equity if closes(date) in instants and closes(date) - opens(date) < 5 * 3600}
    assert len(early) > 5, "these worlds have hardly a decision on a half day"


def test_a_cut_after_an_early_close_knows_the_bar_and_one_before_it_does_not():
    """Between the early and the usual close an order has filled at the close: its bar is known, the rest of the check holds."""
    conf, found = made({"AAA": with_signal_on(EVE)}, fill="same_close")
    run = SharesRun(conf, found)
    early = run.calendar.closes(EVE)
    assert early in run.instants()["close"] and early in run.instants()["order"]
    usual = early + 3 * 3600
    for cut, known in ((early - 1, False), (early, True), (usual - 1, True), (usual, True)):
        copies = ChangedRecords(Future(cut, True, frozenset({BARS})), run.calendar)
        columns, day = copies.bars(run.columns), bar_panel.day_of(EVE)
        closes = [int(table["close"][table["day"] == day][0]) for table in (run.columns, columns)]
        assert (closes[0] == closes[1]) == known, utc(cut)
        if known:
            with files.without_caches():
                (again, counts) = run.again(Future(cut, True, frozenset({BARS})), Path(found.files.panel).parent)
            assert again == run.past(cut) and counts[BARS] > 0


def test_a_decision_dated_before_the_early_close_is_a_leak(monkeypatch):
    """A run that dates its closes an hour early is found by a cut in the hour before the half day's close."""
    conf, found = made({"AAA": with_signal_on(EVE)}, fill="same_close")
    run = SharesRun(conf, found)
    hours = exchange_calendar.ExchangeCalendar.closes
    monkeypatch.setattr(
        replay.SharesReplay,
        "closes",
        property(lambda self: {d: hours(self.calendar, bar_panel.date_of(d)) - 3600 for d in self.market.days}),
    )
    leaking = SharesRun(conf, found)
    cut = run.calendar.closes(EVE) - 1800
    folder = Path(found.files.panel).parent
    assert leaking.again(Future(cut, False, frozenset({BARS})), folder)[0] != leaking.past(cut)
    monkeypatch.undo()
    assert run.again(Future(cut, False, frozenset({BARS})), folder)[0] == run.past(cut)


def test_a_drawdown_counts_days_of_the_exchange():
    """A half day of New Zealand closes on the same date in UTC as the session before it."""
    days = [bar_panel.day_of(dt.date(2024, 12, day)) for day in (23, 24, 27)]
    calendar = known_calendar("XNZE", TODAY)
    closes = [calendar.closes(bar_panel.date_of(day)) for day in days]
    assert closes[0] // 86_400 == closes[1] // 86_400
    points = [replay.Point(ts, "close", cash, 0) for ts, cash in zip(closes, (100, 90, 95), strict=True)]
    assert metrics.drawdown_days(points, days) == 4


CODES = ("XASX", "XNZE", "XTKS", "XHKG", "XBOM", "XLON", "XPAR", "XAMS", "XETR", "XTSE", "XNYS", "XNAS")


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_earlier_versions_is_known_with_its_hours(code):
    """All sessions lie inside their date on the exchange's clock, and each opens before it closes."""
    calendar = known_calendar(code, TODAY)
    monday = dt.date(2026, 1, 12)
    assert calendar.lists(monday) or code == "XTKS"
    for index in range(0, len(calendar.day), 97):
        ends = (int(calendar.open_ts[index]), int(calendar.close_ts[index]))
        assert {dt.datetime.fromtimestamp(ts, calendar.zone).date() for ts in ends} == {calendar.date(index)}
    assert (calendar.open_ts < calendar.close_ts).all() and (calendar.open_ts[1:] > calendar.close_ts[:-1]).all()


@pytest.mark.parametrize("code", ["ASEX", "XTAE", "CMES", "XXXX"])
def test_a_calendar_without_sessions_is_refused(code):
    """Also calendars that the package lists and cannot make together with this version of pandas."""
    words = {"CMES": "trades around the clock", "XXXX": "unknown calendar"}.get(code, "cannot make the calendar")
    with pytest.raises(ConfigError, match=words) as caught:
        made({"AAA": flat(dt.date(2024, 1, 1), FALLS)}, calendar=code)
    assert caught.value.exit_code == 2 and len(str(caught.value)) < 1000


@pytest.mark.parametrize("last", [dt.date(1985, 1, 1), dt.date(2300, 1, 1), dt.date(9999, 12, 31)])
def test_any_last_date_has_a_calendar(last):
    assert known_calendar("XNYS", last).closes(last) > 0


def test_a_calendar_that_ends_is_made_once(monkeypatch):
    """A file that ends with the package's own last date is whole; a range beyond it does not make it again."""
    known_calendar("XBOM", dt.date(2029, 1, 1))
    monkeypatch.setattr(exchange_calendar, "_built", lambda code, last: pytest.fail("it is read, not built"))
    exchange_calendar._kept.cache_clear()
    assert known_calendar("XBOM", dt.date(2029, 1, 1)).is_whole
    with pytest.raises(ConfigError, match="the calendar of XBOM ends with 2026-12-31"):
        calendar_of("XBOM", dt.date(2029, 1, 1))


def test_a_file_of_an_earlier_version_is_made_again():
    """Before the usual hours were kept beside the sessions, the file had other metadata."""
    kept = Path(f"data/calendars/XASX-{exchange_calendar.package_version()}.parquet")
    known_calendar("XASX", TODAY)
    good, table, meta = kept.read_bytes(), files.read_table(kept), files.read_meta(kept)
    files.write_parquet(kept, table, {key: meta[key] for key in ("calendar", "timezone", "package", "first", "last")})
    exchange_calendar._kept.cache_clear()
    assert utc(known_calendar("XASX", TODAY).closes(EVE)) == "2024-12-24 03:10"
    assert kept.read_bytes() == good


def test_a_command_that_writes_nothing_makes_no_calendar_file():
    with files.without_caches():
        exchange_calendar._kept.cache_clear()
        assert known_calendar("XLON", TODAY).lists(EVE)
    assert not Path("data").exists()


@pytest.mark.parametrize("market", ["equities_daily", "equities_intraday"])
def test_a_config_that_is_refused_leaves_no_file(market):
    """The calendar is looked at with the config, and kept only when there is a plan of a run."""
    own = {"universe": ["AAA"]} if market == "equities_daily" else {"symbols": ["AAA"]}
    dates = {"date_start_local": "2024-01-02", "date_end_local": "2024-03-01"}
    raw = {"market": market, **own, **dates, "bars": {"source": "synthetic"}}
    with pytest.raises(ConfigError, match="unknown strategy"):
        resolve.resolve({**raw, "strategy": {"name": "Momentum"}}, today=TODAY)
    assert not Path("data").exists()
    name = "Mean Reversion" if market == "equities_daily" else "opening_range"
    plan.run_plan(resolve.resolve({**raw, "strategy": {"name": name}}, today=TODAY))
    assert [path.name[:5] for path in Path("data/calendars").iterdir()] == ["XNYS-"]


def test_a_calendar_that_is_kept_is_read_without_pandas():
    """Importing pandas takes longer than all else that a command does before its work."""
    known_calendar("XNYS", TODAY)
    code = (
        "import datetime as dt, sys; from tradewinds.reference_data import exchange_calendar as c;"
        "assert c.known_calendar('XNYS', dt.date(2026, 1, 1)).lists(dt.date(2024, 12, 24));"
        "print([name for name in ('pandas', 'exchange_calendars') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_replay_depends_on_the_module_of_calendars():
    """Finished runs are replayed when it changes: it is part of the digest of the family's code."""
    assert "reference_data" in FAMILY.code
