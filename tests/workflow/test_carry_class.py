"""A class of funding carry from end to end, as `init` writes it: run, report, sweep, look-ahead check, Python."""

import json
import os
import sys

import yaml

from tests import warm
from tests.workflow.harness import PATIENCE_SECONDS, ROOT

PARAMETERS = {"enter": 0.0001, "leave": 0.00005}
CODE = """
import sys; sys.path.insert(0, '.')
import my_carry_class, tradewinds as tw
cfg = tw.Config.load('config.yaml')
run = tw.run(cfg.with_({'strategy': {'name': 'other', 'file': 'my_carry_class.py', 'parameters': {'enter': 1, 'leave': 0}}}))
assert len(run.trades) == 0, run.trades
again = tw.run(cfg, strategy=my_carry_class.Strategy)
print(again.id)
"""


def said(folder, *command):
    """What a program prints in a folder; it must end well."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
    done = warm.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_template_of_init_runs_is_swept_and_sees_no_future(tmp_path):
    said(tmp_path, "-m", "tradewinds.cli", "init", ".", "--market", "funding_carry")
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config |= {"date_start_local": "2024-01-01", "date_end_local": "2024-01-20"}
    config["strategy"] = {"name": "mine", "file": "my_carry_class.py", "parameters": PARAMETERS}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    said(tmp_path, "-m", "tradewinds.cli", "run")
    (folder,) = [path for path in (tmp_path / "backtests").iterdir() if (path / "metrics.json").exists()]
    trades = (folder / "trades.csv").read_text()
    assert "strategy" in trades and json.loads((folder / "metrics.json").read_text())["num_trades"]
    assert "mine: enter 0.0001, leave 5e-05" in (folder / "report.md").read_text()
    inputs = json.loads((folder / "run_manifest.json").read_text())["inputs"]
    assert "my_carry_class.py" in {one["path"] if isinstance(one, dict) else one for one in inputs}
    said(tmp_path, "-m", "tradewinds.cli", "lookahead-check", "--cuts", "3")
    swept = said(tmp_path, "-m", "tradewinds.cli", "sweep", "--grid", "strategy.parameters.enter=0.0001,0.5")
    assert "strategy.parameters.enter" in swept
    same = said(tmp_path, "-c", CODE).strip()
    made = tmp_path / "backtests" / same / "trades.csv"
    assert len(made.read_text().splitlines()) == len(trades.splitlines())
