"""Small files of minute bars in the layouts that vendors write."""

import datetime as dt
import gzip
from zoneinfo import ZoneInfo

from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.families.equities_intraday.fetch import user_minutes
from tradewinds.families.equities_intraday.plan import intraday_plan
from tradewinds.families.equities_intraday.session_panel import make_session_panel, read_session_panel

NEW_YORK = ZoneInfo("America/New_York")
TODAY = dt.date(2026, 11, 27)


def config(path, **keys):
    """A resolved config of SPY on a file."""
    bars = {"source": "files", "path": str(path), **keys.pop("bars", {})}
    base = {
        "market": "equities_intraday",
        "symbols": ["SPY"],
        "date_start_local": "2024-03-08",
        "date_end_local": "2024-03-11",
    }
    return resolve.resolve({**base, "bars": bars, **keys}, today=TODAY)


def session(date, zone=NEW_YORK, minutes=390, step=1):
    """The starts of a session's bars, as aware times."""
    start = dt.datetime.combine(dt.date.fromisoformat(date), dt.time(9, 30), zone)
    return [start + dt.timedelta(minutes=index) for index in range(0, minutes, step)]


def bars(dates=("2024-03-08", "2024-03-11"), step=1, price=500.0):
    """(start, open, high, low, close, volume) of every minute of some sessions."""
    rows = []
    for day, date in enumerate(dates):
        for index, start in enumerate(session(date, step=step)):
            base = price + day + index / 100
            rows.append((start, base, base + 0.05, base - 0.05, base + 0.01, 1000 + index))
    return rows


def plain(rows=None, symbol="SPY"):
    """A CSV in the plain layout, times in UTC."""
    lines = ["symbol,ts_utc,open,high,low,close,volume"]
    for start, *numbers in bars() if rows is None else rows:
        stamp = start.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(",".join([symbol, stamp, *(f"{number:.2f}" for number in numbers[:4]), str(numbers[4])]))
    return "\n".join(lines) + "\n"


def local(rows, form, *, header="", shift=0, order=(0, 1, 2, 3, 4), sep=","):
    """A CSV with local times in a format, shifted by some minutes."""
    lines = [header] if header else []
    for start, *numbers in rows:
        stamp = (start + dt.timedelta(minutes=shift)).strftime(form)
        cells = [f"{numbers[index]:.2f}" if index < 4 else str(numbers[4]) for index in order]
        lines.append(sep.join([stamp, *cells]))
    return "\n".join(lines) + "\n"


def put(folder, name, text):
    """Write a file, packed if its name says so, and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def panel_of(conf):
    """Import a config's files and read its panel back."""
    plan = intraday_plan(conf)
    user_minutes.import_minutes(conf, plan.files.months)
    make_session_panel(conf, plan)
    return read_session_panel(plan.files.panel)


def month_rows(conf, month="2024-03", symbol="SPY"):
    """The rows of a month's file, and its metadata."""
    [path] = [file.path for file in intraday_plan(conf).files.months if (file.symbol, file.month) == (symbol, month)]
    return files.read_rows(path), files.read_meta(path)
