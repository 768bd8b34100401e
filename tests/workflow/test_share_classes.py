"""A class of daily shares from end to end: from Python, by the command line, in the database, swept, checked, edited."""

import json

import yaml

from tests.workflow.equities_desk import Shares, world
from tests.workflow.test_python_session import served

CLASS = '''
from tradewinds.strategies.decisions import buy, sell

GAIN = 1.01


class Falls:
    """Buys what has fallen, and sells what has risen."""

    def on_start(self, parameters):
        self.fall = parameters.get("fall", 0.01)

    def on_decision(self, view):
        orders = []
        for share in view.changed:
            if share.held and share.close > share.price * GAIN:
                orders.append(sell(share))
            elif not share.held and share.close < max(view.closes(share, 4)) * (1 - self.fall):
                orders.append(buy(share, value=5000))
        return orders
'''
CODE = """
import falls
run = tw.run(cfg, strategy=falls.Falls)
assert set(run.trades['reason_code']) == {'STRATEGY'}, run.trades
swept = tw.sweep(tw.Config.load(f'data/user/configs/{run.id}.yaml').with_({'strategy.parameters': {'fall': 0.01}}),
                 {'strategy.parameters.fall': [0.01, 0.9]})
trades = swept.points.filter(regex='num_trades$').sum(axis=1)
assert sorted(trades) == [0, len(run.trades)], swept.points.T
print(run.id)
"""


def test_a_class_from_python_is_the_run_of_the_command_line(tmp_path):
    desk = Shares(tmp_path / "desk", world())
    (desk.folder / "falls.py").write_text(CLASS)
    run_id = served(desk, f"import sys; sys.path.insert(0, '.')\n{CODE}").strip()
    config = f"data/user/configs/{run_id}.yaml"
    # the command finds nothing to do about it, and has it in the database
    assert "nothing to be done" in desk("run", "--config", config).stdout
    (row,) = [row for row in json.loads(desk("runs", "--json").stdout) if row["run_id"] == run_id]
    assert row["strategy"] == "Falls" and row["status"] == "SUCCESS"
    manifest = json.loads((desk.folder / "backtests" / run_id / "run_manifest.json").read_text())
    strategy = yaml.safe_load((desk.folder / config).read_text())["strategy"]["file"]
    assert strategy in {entry["path"] if isinstance(entry, dict) else entry for entry in manifest["inputs"]}
    # the look-ahead check runs the class again and again; an edit of the file makes the run again
    checked = desk("lookahead-check", "--config", config, "--cuts", "3")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    path = desk.folder / strategy
    path.write_text(path.read_text() + "\n# edited\n")
    again = desk("run", "--config", config)
    assert again.returncode == 0 and "nothing to be done" not in again.stdout
