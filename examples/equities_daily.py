# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # Daily shares: a run, a sweep, a walk-forward
#
# Prices are invented from a seed; no internet is needed.

# %%
import os
import tempfile

import tradewinds as tw

folder = tempfile.TemporaryDirectory(prefix="tradewinds-", ignore_cleanup_errors=True)
os.chdir(folder.name)  # data, runs and the database go into the working folder

config = tw.Config.of(
    {
        "market": "equities_daily",
        "universe": ["ALPHA", "BRAVO", "CEDAR", "DELTA"],
        "date_start_local": "2020-01-01",
        "date_end_local": "2022-12-31",
        "strategy": {"name": "Mean Reversion"},
        "bars": {"source": "synthetic"},
        "calendar": "XNYS",
        "risk": {"start_balance": 100000, "position_size_pct": 10, "currency": "USD"},
        "seed": 7,
    }
)
run = tw.run(config)
run

# %%
run.plot()

# %%
run.event(run.trades["market_ticker"].iloc[0]).plot()

# %% [markdown]
# Which settings? Ranked by what they did before a date, shown with what they did after it.

# %%
grid = {"risk.position_size_pct": [5, 10, 20], "costs.slippage_pct": [0.05, 0.1, 0.2]}
swept = tw.sweep(config, grid)
swept.heatmap()

# %%
print(swept.verdict)
swept.best["risk.position_size_pct"], swept.best["costs.slippage_pct"]

# %%
walked = tw.walk_forward(config, {"risk.position_size_pct": [5, 10, 20]}, train=250, test=120)
walked.folds[["test_first", "test_last", "risk.position_size_pct", "test_pnl_usd"]]
