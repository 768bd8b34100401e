# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # Opening ranges on minute bars: a run and one of its sessions
#
# Prices are invented from a seed, sessions are real; no internet is needed.

# %%
import os
import tempfile

import tradewinds as tw

folder = tempfile.TemporaryDirectory(prefix="tradewinds-", ignore_cleanup_errors=True)
os.chdir(folder.name)  # data, runs and the database go into the working folder

config = tw.Config.of(
    {
        "market": "equities_intraday",
        "symbols": ["QQQ", "SPY"],
        "date_start_local": "2025-01-02",
        "date_end_local": "2025-01-17",
        "bars": {"source": "synthetic"},
        "orb": {"base_minutes": 15, "adaptive": False, "enable_validity_filter": False},
        "scoring": {"enabled": False},
        "governance": {"max_signals_per_day": 1},
    }
)
run = tw.run(config)
run

# %%
trades = run.frame("trades_r") if "trades_r" in run.tables else run.trades
trades.head()

# %%
run.event(run.trades["market_ticker"].iloc[0]).plot()

# %%
wider = tw.run(config.with_(orb={"base_minutes": 30}))
compared = tw.compare(run, wider)
compared.plot()

# %%
compared.settings
