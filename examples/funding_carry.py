# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # Funding carry: what the profit is made of
#
# Rates and prices are invented from a seed; no internet is needed.

# %%
import os
import tempfile

import tradewinds as tw

folder = tempfile.TemporaryDirectory(prefix="tradewinds-", ignore_cleanup_errors=True)
os.chdir(folder.name)  # data, runs and the database go into the working folder

config = tw.Config.of(
    {
        "market": "funding_carry",
        "symbols": ["BTC/USDT:USDT", "ETH/USDT:USDT"],
        "date_start_local": "2024-01-01",
        "date_end_local": "2024-03-31",
        "strategy": {"preset": "balanced"},
        "data": {"source": "synthetic"},
    }
)
run = tw.run(config)
run

# %%
run.plot("parts")

# %%
run.event("BTC/USDT:USDT").plot()

# %%
run.journal.groupby("kind")["cash_change"].sum()

# %% [markdown]
# Exact values are decimals, as they were written:

# %%
run.frame("equity", exact=True)["equity_usd"].iloc[-1]
