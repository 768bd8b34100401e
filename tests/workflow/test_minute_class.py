"""A class on minute bars from end to end, as `init` writes it: run, files, database, sweep, look-ahead check, Python, edits."""

import json
import os
import re
import sys

import yaml

from tests import warm
from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tests.workflow.test_carry_class import said

CODE = """
import sys; sys.path.insert(0, '.')
import my_minute_class, tradewinds as tw
cfg = tw.Config.load('config.yaml')
run = tw.run(cfg, strategy=my_minute_class.Strategy)
assert set(run.trades['reason_code']) == {'STRATEGY'}, run.trades
run.event(run.trades['event_ticker'].iloc[0]).plot()
print(run.id)
"""
LEAK = '''
import glob
import pyarrow.parquet as pq
from tradewinds.strategies.decisions import buy

KNOWN = {}


class Strategy:
    """Reads the bars that its run was made of, and buys before a rise."""

    def on_decision(self, view):
        orders = []
        for share in view.changed:
            for path in sorted(glob.glob(f"data/candles/1m/*/{share.ticker}/2025-01.parquet")) if not KNOWN else ():
                KNOWN.update({path: pq.read_table(path).to_pydict()})
            if not share.held and KNOWN:
                orders.append(buy(share, 10))
        return orders
'''


def test_the_template_of_init_runs_is_swept_and_sees_no_future(tmp_path):
    said(tmp_path, "-m", "tradewinds.cli", "init", ".", "--market", "equities_intraday")
    text = (tmp_path / "config.yaml").read_text()
    (line,) = re.findall(r"^# (strategy: .*my_minute_class.py.*)$", text, re.MULTILINE)
    config = yaml.safe_load(text) | yaml.safe_load(line)
    config |= {"date_start_local": "2025-01-02", "date_end_local": "2025-01-10"}
    config["bars"]["warmup_sessions"] = 2
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert "strategy mine" in said(tmp_path, "-m", "tradewinds.cli", "validate")
    said(tmp_path, "-m", "tradewinds.cli", "run")
    (folder,) = [path for path in (tmp_path / "backtests").iterdir() if (path / "metrics.json").exists()]
    metrics, trades = json.loads((folder / "metrics.json").read_text()), (folder / "trades.csv").read_text()
    assert metrics["num_trades"] == trades.count("STRATEGY") > 5 and metrics["total_r"] is not None
    report = (folder / "report.md").read_text()
    assert "mine on QQQ, SPY" in report and "my_minute_class.py (minutes 15, multiple 2)" in report
    inputs = json.loads((folder / "run_manifest.json").read_text())["inputs"]
    assert "my_minute_class.py" in {one["path"] if isinstance(one, dict) else one for one in inputs}
    (row,) = json.loads(said(tmp_path, "-m", "tradewinds.cli", "runs", "--json"))
    assert (row["strategy"], row["status"]) == ("mine", "SUCCESS")
    # again and again on other futures, with other settings, from Python
    assert "no decision changed" in said(tmp_path, "-m", "tradewinds.cli", "lookahead-check", "--cuts", "3")
    swept = said(tmp_path, "-m", "tradewinds.cli", "sweep", "--grid", "strategy.parameters.minutes=5,30")
    assert "strategy.parameters.minutes" in swept.replace("\n", " ") or "minutes=" in swept
    same = said(tmp_path, "-c", CODE).split()[-1]
    assert (tmp_path / "backtests" / same / "legs.csv").read_text().count("\n") == (
        folder / "legs.csv"
    ).read_text().count("\n")
    # an edit makes the run again, and a class that reads the bars is found
    (tmp_path / "my_minute_class.py").write_text(LEAK)
    assert "nothing to be done" not in said(tmp_path, "-m", "tradewinds.cli", "run")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
    checked = warm.run(
        [sys.executable, "-m", "tradewinds.cli", "lookahead-check", "--cuts", "3"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert checked.returncode != 0 and "it opened data/candles/1m" in checked.stdout + checked.stderr
