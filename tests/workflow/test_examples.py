"""The examples run as they stand, and the notebooks beside them are of the same cells."""

import json
import os
import sys

import pytest

from scripts.make_notebooks import EXAMPLES, cells_of
from tests import warm
from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tradewinds.config import markets

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def test_there_is_one_for_each_market():
    assert sorted(markets.NAMES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_runs(name, tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(tmp_path)}
    if name != NAMES[0]:  # the first has nothing else around it; the others need no start of their own for that
        environment |= {variable: os.environ[variable] for variable in ("HOME", "LANG") if variable in os.environ}
    done = warm.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        cwd=tmp_path,
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    left = [path.name for path in tmp_path.iterdir() if not path.name.startswith("tradewinds-rates-")]
    assert left == [], "something stays behind"  # beside the budget of requests that all processes of a machine share


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_the_same(name):
    found = json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))
    script = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert [(cell["cell_type"], cell["source"]) for cell in found["cells"]] == cells_of(script)
    code = [cell for cell in found["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    shown = [output["data"] for cell in code for output in cell["outputs"] if "data" in output]
    assert any("image/png" in data for data in shown) and any("text/html" in data for data in shown)
