"""What the command line imports before a command does its work: a help text needs no data library."""

import json
import subprocess
import sys

import pytest

from tradewinds.cli.commands import COMMANDS
from tradewinds.cli.commands import imported as imported_command
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


def modules_after(*commands):
    """Modules that a process has imported after some command lines, in order of their names."""
    command = [sys.executable, "-c", PROGRAM, json.dumps([list(arguments) for arguments in commands])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def imported(*commands):
    """Top-level packages that a process has imported after some command lines."""
    return {name.partition(".")[0] for name in modules_after(*commands)}


def test_no_help_text_imports_a_data_library():
    assert {"run", "sweep", "lookahead-check"} <= set(COMMANDS)
    helps = [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS), ["strategies", "enable", "--help"]]
    assert imported(*helps) & HEAVY == set()


# Beside Python's own modules, only these are imported for the list of commands.
LIGHT = {"annotated_doc", "shellingham", "tradewinds", "typer", "typing_extensions"}
COMMANDS_ONLY = ["tradewinds.cli", "tradewinds.cli.app", "tradewinds.cli.commands", "tradewinds.cli.usage_errors"]


def test_the_list_of_commands_imports_typer_and_no_command():
    modules = modules_after(["--help"])
    assert [name for name in modules if name.startswith("tradewinds.cli")] == COMMANDS_ONLY
    installed = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert {name for name in installed if not name.startswith("_")} <= LIGHT
    assert set(modules) & {"concurrent.futures", "hashlib", "logging"} == set()
    assert len([name for name in modules if name.startswith("tradewinds")]) <= 14


def test_the_package_alone_imports_nothing_else():
    code = "import sys; before = set(sys.modules); import tradewinds; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"tradewinds"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name):
    command = imported_command(name, COMMANDS[name])
    assert command.name == name
    assert COMMANDS[name].summary == command.help.split("\n\n")[0].replace("\n", " ").strip()


# Parts of pyarrow that take as long to import as all of a family's replay; only some inputs and results need them.
FOR_SOME = {"pyarrow.compute", "pyarrow.csv", "pyarrow.dataset"}


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        (["strategies", "--json"], {"duckdb", "jsonschema", "psutil", "rich", "scipy", "snakemake"}),
        (["run", "--dry-run", "--config", "config.yaml"], {"duckdb", "scipy", "snakemake", "sqlalchemy", *FOR_SOME}),
    ],
)
def test_a_command_imports_what_it_uses(arguments, spared, tmp_path, monkeypatch):
    from tests.workflow.harness import CHICAGO

    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(json.dumps(CHICAGO | {"date_end_local": "2025-05-03"}))
    modules = {name if name in FOR_SOME else name.partition(".")[0] for name in modules_after(arguments)}
    assert modules & spared == set()


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


REPLAY = """
import json, sys
from tradewinds.config import resolve
from tradewinds.families.kalshi_weather import plan, replay
from tradewinds.pipeline import jobs
own = [module for name, module in sys.modules.items() if name.partition(".")[0] == "tradewinds"]
values = [(module, value) for module in own for value in vars(module).values() if isinstance(value, type)]
records = [value.__name__ for module, value in values
           if value.__module__ == module.__name__ and "__dataclass_params__" in vars(value)]
print(json.dumps([sorted(sys.modules), len(own), sorted(records)]))
"""


def test_a_replay_of_events_imports_little_beside_numpy_and_pyarrow():
    done = subprocess.run([sys.executable, "-c", REPLAY], capture_output=True, text=True, check=True)
    modules, own, records = json.loads(done.stdout)
    spared = {"calendar", "multiprocessing", "subprocess"}
    heavy = HEAVY - {"numpy", "psutil", "pyarrow", "yaml"} | FOR_SOME
    assert set(modules) & (spared | heavy) == set()
    # A class of dataclasses takes longer to make than one of named tuples, which a record that is only held can be.
    assert own <= 118
    assert len(records) <= 20, records
