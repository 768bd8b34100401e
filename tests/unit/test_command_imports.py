"""What the command line imports before a command does its work: a help text needs no data library."""

import json
import subprocess
import sys

import pytest

from tradewinds.cli.app import app
from tradewinds.config import markets

pytestmark = pytest.mark.slow

HEAVY = {
    *("alembic", "duckdb", "fastapi", "jinja2", "jsonschema", "matplotlib", "numpy", "pandas", "psutil", "pyarrow"),
    *("requests", "rich", "scipy", "snakemake", "sqlalchemy", "uvicorn", "yaml"),
}
PROGRAM = """
import contextlib, io, json, sys
from tradewinds.cli import main
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main(arguments)
    assert out.getvalue(), arguments
print(json.dumps(sorted(sys.modules)))
"""


def imported(*commands):
    """Top-level packages that a process has imported after some command lines."""
    command = [sys.executable, "-c", PROGRAM, json.dumps([list(arguments) for arguments in commands])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_no_help_text_imports_a_data_library():
    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert {"run", "sweep", "lookahead-check"} <= set(names)
    helps = [["--help"], ["--version"], *([name, "--help"] for name in names), ["strategies", "enable", "--help"]]
    assert imported(*helps) & HEAVY == set()


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        (["strategies", "--json"], {"duckdb", "jsonschema", "psutil", "rich", "scipy", "snakemake"}),
        (["run", "--dry-run", "--config", "config.yaml"], {"duckdb", "scipy", "snakemake", "sqlalchemy"}),
    ],
)
def test_a_command_imports_what_it_uses(arguments, spared, tmp_path, monkeypatch):
    from tests.workflow.harness import CHICAGO

    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(json.dumps(CHICAGO | {"date_end_local": "2025-05-03"}))
    assert imported(arguments) & spared == set()


@pytest.mark.parametrize("market", markets.NAMES)
def test_asking_for_a_family_imports_neither_its_replay_nor_results(market):
    """Every command, every parse of the Snakefile and every job asks for it."""
    code = f"import sys; from tradewinds.config import markets; markets.family_of({market!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spared = (
        "tradewinds.engine.journal",
        "tradewinds.results.metrics",
        f"tradewinds.families.{market}.replay",
        "duckdb",
    )
    assert set(done.stdout.split()) & {*spared, "sqlalchemy", "scipy", "rich"} == set()
