# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # Temperature events: your own probabilities and your own strategy
#
# An invented archive of one city is served on this machine in place of the exchange; no account and no internet are needed.

# %%
import datetime as dt
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import tradewinds as tw
from tradewinds.archive.server import make_server
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic
from tradewinds.strategies.user_file import NONE, YES, Orders, pico

folder = tempfile.TemporaryDirectory(prefix="tradewinds-", ignore_cleanup_errors=True)
os.chdir(folder.name)  # data, runs and the database go into the working folder
first, last = dt.date(2025, 3, 4), dt.date(2025, 3, 6)
make_synthetic("archive", seed=7, series=("KXHIGHMIA",), first=first, last=last)

# %% [markdown]
# A config is a mapping with the keys of a config file; `tw.Config.load("config.yaml")` reads one.

# %%
import threading

server = make_server("archive")
threading.Thread(target=server.http.serve_forever, daemon=True).start()
config = tw.Config.of(
    {
        "series_tickers": ["KXHIGHMIA"],
        "date_start_local": first,
        "date_end_local": last,
        "asof_policy": {"local_time": "23:00", "days_before": 1},
        "trade_window_policy": "market_close",
        "cadence_minutes": 1,
        "execution_model": "taker",
        "risk": {"start_balance_usd": 1000, "min_ev_per_contract": 0.05, "fixed_qty": 5, "max_contracts_per_event": 40},
        "output_dir": "backtests",
        "kalshi": {"base_url": server.url_of("kalshi"), "requests_per_second": 50},
    }
)

# %% [markdown]
# Your own probabilities are a frame. Here each bracket of a day is as likely as any other.

# %%
markets = pd.read_parquet(Path("archive", "kalshi", "markets.parquet"))
brackets = markets.groupby("event_ticker")["market_ticker"].transform("count")
mine = markets[["market_ticker"]].assign(known_at=pd.Timestamp("2025-03-01", tz="UTC"), p_yes=1 / brackets)
run = tw.run(config, probabilities=mine)
run

# %%
run.trades[["market_ticker", "side", "qty", "entry_price", "pnl"]].head()

# %% [markdown]
# Bid and ask of each bracket over time, the model's probability, fills and settlement:

# %%
run.event("KXHIGHMIA", "2025-03-05").plot()

# %% [markdown]
# Change a setting: everything is there, so the figures are back at once.

# %%
other = tw.run(run.config.with_({"risk.fixed_qty": 10}))
tw.compare(run, other).metrics.head(7)


# %% [markdown]
# A strategy is a function. Its source is written beside the data, so the run can be made again from the command line.


# %%
def cheap_yes(quotes, parameters):
    good = quotes.quoted(YES) & (quotes.net_value(YES, 1) > pico(0.05)) & (quotes.ask(YES) < 100_000)
    return Orders(side=np.where(good, YES, NONE), quantity=1)


mine_too = tw.run(run.config, strategy=cheap_yes)
mine_too.metrics.loc[["total_pnl_usd", "num_trades", "win_rate_pct"]]

# %%
for each in (run, other, mine_too):
    each.wait()  # the reports are drawn while you look at figures
server.http.shutdown()
server.http.server_close()
