"""Strategy files that know the future, as text: how they get at it, and what they make of it.

A text defines `future(market, now)`: the ask that a market will have later, or None. It is put into a strategy of either form.
"""

from __future__ import annotations

READERS: dict[str, tuple[str, str]] = {
    # name: (imports, body of rows(path), which returns rows of a candle file as dictionaries)
    "open() and pyarrow": (
        "import io, pyarrow.parquet as pq",
        "with open(path, 'rb') as file: return pq.read_table(io.BytesIO(file.read())).to_pylist()",
    ),
    "pyarrow.parquet": ("import pyarrow.parquet as pq", "return pq.read_table(path).to_pylist()"),
    "pyarrow.dataset": ("import pyarrow.dataset as ds", "return ds.dataset(path).to_table().to_pylist()"),
    "pyarrow.memory_map": (
        "import pyarrow as pa, pyarrow.parquet as pq",
        "return pq.read_table(pa.memory_map(path)).to_pylist()",
    ),
    "duckdb": (
        "import duckdb",
        "t = duckdb.sql(f\"SELECT * FROM '{path}'\"); return [dict(zip(t.columns, r)) for r in t.fetchall()]",
    ),
    "pandas": ("import pandas as pd", "return pd.read_parquet(path).to_dict('records')"),
    "pathlib": (
        "import io, pathlib, pyarrow.parquet as pq",
        "return pq.read_table(io.BytesIO(pathlib.Path(path).read_bytes())).to_pylist()",
    ),
    "os.open": (
        "import io, os, pyarrow.parquet as pq",
        "f = os.open(path, os.O_RDONLY); d = os.read(f, 1 << 26); os.close(f); return pq.read_table(io.BytesIO(d)).to_pylist()",
    ),
    "mmap": (
        "import io, mmap, pyarrow.parquet as pq",
        "f = open(path, 'rb'); return pq.read_table(io.BytesIO(mmap.mmap(f.fileno(), 0, prot=1)[:])).to_pylist()",
    ),
    "a copy": (
        "import shutil, tempfile, pyarrow.parquet as pq",
        "c = shutil.copy(path, tempfile.mkdtemp()); return pq.read_table(c).to_pylist()",
    ),
    "another program": (
        "import io, subprocess, pyarrow.parquet as pq",
        "return pq.read_table(io.BytesIO(subprocess.run(['cat', path], capture_output=True).stdout)).to_pylist()",
    ),
    "a thread": (
        "import threading, pyarrow.parquet as pq",
        "o = []; t = threading.Thread(target=lambda: o.append(pq.read_table(path))); t.start(); t.join(); "
        "return o[0].to_pylist()",
    ),
}
FROM_CANDLES = """
{imports}
FILES = {candles!r}
KNOWN = {{}}

def rows(path):
    {body}

def future(ticker, now):
    if not KNOWN:
        for path in FILES:
            for row in rows(path):
                KNOWN.setdefault(row["market_ticker"], []).append((row["end_period_ts"], row["yes_ask_close"]))
    {other}
    later = [float(ask) for ts, ask in KNOWN.get(ticker, ()) if ts > now and ask is not None and ask == ask]
    return later[0] if later else None
"""
ANOTHER = "names = sorted(KNOWN); ticker = names[(names.index(ticker) + 1) % len(names)] if ticker in KNOWN else ticker"
FROM_RESULTS = """
import pyarrow.parquet as pq
WON = {{row["market_ticker"]: row["result"] for path in {catalogs!r} for row in pq.read_table(path).to_pylist()}}

def future(ticker, now):
    return {{"yes": 1.0, "no": 0.0}}.get(WON.get(ticker))
"""
STACK = """
import sys

def future(ticker, now):
    frame = sys._getframe()
    while "desk" not in frame.f_locals:
        frame = frame.f_back
    desk = frame.f_locals["desk"]
    tape = desk.tapes[desk.known[ticker]]
    later = [float(ask) / 1e6 for ask in tape.ask[tape.shown : tape.shown + {many}] if 0 < ask < 10**6]
    return max(later, default=None)
"""
OBJECTS = """
import gc

def future(ticker, now):
    for one in gc.get_objects():
        if type(one).__name__ == "OrderDesk" and one.known.get(ticker) in one.tapes:
            tape = one.tapes[one.known[ticker]]
            later = [float(ask) / 1e6 for ask in tape.ask[tape.shown :] if 0 < ask < 10**6]
            return later[-1] if later else None
    return None
"""
# What is kept from one run to the next: where.
KEPT = {
    "a global of the file": "KEPT = {}",
    "a default argument": "def kept(store={}): return store\nKEPT = kept()",
    "an attribute of a module": "import sys, types\nKEPT = vars(sys).setdefault('_kept_{tag}', {{}})",
    "builtins": "import builtins\nKEPT = vars(builtins).setdefault('_kept_{tag}', {{}})",
    "a class": "class Keeper:\n    kept = {}\nKEPT = Keeper.kept",
    "the environment": (
        "import os\nclass Kept:\n"
        "    def setdefault(self, key, value): return float(os.environ.setdefault(f'K{tag}{{key}}', str(value)))\n"
        "    def get(self, key): return float(os.environ[f'K{tag}{{key}}']) if f'K{tag}{{key}}' in os.environ else None\n"
        "KEPT = Kept()"
    ),
    "a file of its own": (
        "import os\nPATH = os.path.join(os.path.dirname(__file__), 'kept')\n"
        "class Kept(dict):\n    def setdefault(self, key, value):\n        if key not in self:\n            self[key] = value\n"
        "            with open(PATH, 'a') as file: print(key, value, file=file)\n"
        "KEPT = Kept()\nif os.path.exists(PATH):\n"
        "    with open(PATH) as file: KEPT.update((a, float(b)) for a, b in (line.rsplit(' ', 1) for line in file))"
    ),
}
REMEMBERED = """
{where}

def future(ticker, now):
    return KEPT.get(f"{{ticker}} {{int(now) + 60 * {minutes}}}")

def remember(ticker, now, ask):
    KEPT.setdefault(f"{{ticker}} {{int(now)}}", ask)
"""
CLOCKS = {
    "time.time": ("import time", "time.time()"),
    "time.time_ns": ("import time", "time.time_ns() / 1e9"),
    "from time import time": ("from time import time", "time()"),
    "time.gmtime": ("import time, calendar", "calendar.timegm(time.gmtime())"),
    "datetime.now": ("import datetime", "datetime.datetime.now().timestamp()"),
    "from datetime import datetime": ("from datetime import datetime, UTC", "datetime.now(UTC).timestamp()"),
    "date.today": ("from datetime import date", "date.today().toordinal() * 86400"),
    "an import inside the function": ("", "__import__('time').time()"),
}
CLOCK = """
{imports}

def future(ticker, now):
    days = int({clock} - now) // 86400
    return 1.0 if days % 3 == 0 else 0.0
"""
GOES_ON = "a seed that goes on"
CHANCES = {
    "random.random": ("import random", "random.random()"),
    "random.Random()": ("import random\nR = random.Random()", "R.random()"),
    "numpy, old": ("import numpy as np", "np.random.rand()"),
    "numpy, new": ("import numpy as np\nR = np.random.default_rng()", "R.random()"),
    "os.urandom": ("import os", "os.urandom(1)[0] / 256"),
    "uuid4": ("import uuid", "uuid.uuid4().int % 100 / 100"),
    "secrets": ("import secrets", "secrets.randbelow(100) / 100"),
    "a counter of nanoseconds": ("import time", "time.perf_counter_ns() // 7 % 100 / 100"),
    "addresses of objects": ("", "id([object() for _ in range(50)]) // 16 % 100 / 100"),
    GOES_ON: ("import random\nR = random.Random(5)", "R.random()"),
}
CHANCE = """
{imports}

def future(ticker, now):
    return float({chance} > 0.4)
"""
STRATEGY = """
from tradewinds.strategies.decisions import buy


class Strategy:
    def on_decision(self, view):
        orders = []
        for market in view.changed:
            if not market.ask == market.ask:
                continue
            hint = None
            if {when}:
                hint = future(market.ticker, view.now) if {leaky} else None
                if "remember" in globals():
                    remember(market.ticker, view.now, market.ask)
            {effect}
        return orders
"""
WHEN = {"always": "True", "on few days": "int(view.now) // 86400 % 3 == 0"}
EFFECTS = {
    "buys": "if hint is not None and hint > market.ask + 0.01: orders.append(buy(market, 1))",
    "small": "if market.ask < 0.6: orders.append(buy(market, 2 if hint is not None and hint > market.ask + 0.05 else 1))",
}
FUNCTION = """
import numpy as np
from tradewinds.strategies.user_file import NO, NONE, YES, Orders


def orders(quotes, parameters):
    cheap = quotes.quoted(YES) & (quotes.yes_ask < 600_000)
    count = np.ones(len(quotes), np.int64)
    if {leaky}:
        {effect}
    return Orders(np.where(cheap, YES, NONE), count, 0)
"""
BATCH = {
    "dearest quote of the batch": (
        "cheap = cheap & (quotes.yes_ask < np.max(quotes.yes_ask[quotes.quoted(YES)], initial=0) // 2)"
    ),
    "mean quote of the batch": "cheap = cheap & (quotes.yes_ask < quotes.yes_ask[quotes.quoted(YES)].mean())",
    "number of quotes of the batch": "count = count + len(quotes) % 3",
    "rank among the quotes of the batch": "count = count + (np.argsort(np.argsort(quotes.yes_ask)) > len(quotes) * 3 // 4)",
    "highest probability of the batch": "count = count + (quotes.p_pico == quotes.p_pico.max(initial=0))",
    "quotes of earlier calls": "SEEN.update(quotes.yes_ask.tolist()); count = count + len(SEEN) % 3",
}
