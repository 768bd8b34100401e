"""Views of the results database: the leaderboard, and the singular names of runs and trades."""

from __future__ import annotations

# `IS NULL` puts undefined Sharpe ratios last on every backend (NULLS LAST is not MySQL's); `place` keeps the order even
# where a database ignores a view's ORDER BY.
LEADERBOARD = """
SELECT
    ROW_NUMBER() OVER (ORDER BY m.sharpe IS NULL, m.sharpe DESC, r.run_id) AS place,
    r.run_id, s.name AS strategy, s.version AS strategy_version, r.series_tickers, r.date_start_local, r.date_end_local,
    m.sharpe, m.sortino, m.roi_pct, m.total_pnl_usd, m.end_balance_usd, m.max_drawdown_pct, m.num_trades,
    m.win_rate_pct, m.brier, r.loaded_at_utc
FROM backtest_runs AS r
JOIN strategies AS s ON s.strategy_id = r.strategy_id
JOIN backtest_metrics AS m ON m.run_id = r.run_id
WHERE r.status = 'SUCCESS'
ORDER BY m.sharpe IS NULL, m.sharpe DESC, r.run_id
"""

VIEWS = {
    "v_backtest_leaderboard": LEADERBOARD,
    "backtest_run": "SELECT * FROM backtest_runs",
    "backtest_trade": "SELECT * FROM backtest_trades",
}
