"""The first commands of a newcomer: init, docs, schema, series, and a config named in each way."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.workflow.harness import ROOT
from tradewinds.cli import main
from tradewinds.cli.commands import COMMANDS
from tradewinds.cli.docs import pages
from tradewinds.config import markets, resolve

ALTERNATIVE = re.compile(r"^# (?=[a-z_]+: [{\"])", re.MULTILINE)  # a line of a template that a user may uncomment


@pytest.fixture
def say(capsys, tmp_path, monkeypatch):
    """Run a command line in an empty folder: its exit code, output and error output."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.mark.parametrize("market", markets.NAMES)
def test_init_writes_a_config_that_is_valid_and_named_by_its_folder(say, market, tmp_path, monkeypatch):
    code, out, _ = say("init", "desk", "--market", market)
    assert code == 0 and "wrote desk/config.yaml" in out and "now: cd desk && tradewinds run" in out
    monkeypatch.chdir(tmp_path / "desk")
    before = sorted(path.name for path in Path().iterdir())
    assert resolve.load("config.yaml")["market"] == market
    code, out, err = say("run", "--dry-run")
    assert code == 0 and not err
    assert sorted(path.name for path in Path().iterdir()) == before, "a dry run writes nothing"
    assert {"README.md", "config.yaml"} <= set(before)


@pytest.mark.parametrize("market", markets.NAMES)
def test_every_alternative_of_a_template_is_a_config_too(market, tmp_path, monkeypatch):
    folder = ROOT / "src/tradewinds/cli/templates" / market
    for path in folder.glob("my_*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    text = (folder / "config.yaml").read_text()
    found = [line[2:].split("  #")[0] for line in text.splitlines() if ALTERNATIVE.match(line)]
    assert found
    raw = yaml.safe_load(text)
    for line in found:
        changed = raw | yaml.safe_load(line)
        if "path" in str(line) and market in ("equities_intraday", "funding_carry"):
            continue  # a file of the user's own, which the folder does not have
        if "yahoo" in line and market == "equities_intraday":
            continue  # its last 30 days
        assert resolve.resolve(changed)["market"] == market, line


def test_init_overwrites_nothing(say):
    assert say("init")[0] == 0
    Path("config.yaml").write_text("mine: 1\n")
    code, _, err = say("init")
    assert code == 2 and "config.yaml" in err and "would be overwritten" in err
    assert Path("config.yaml").read_text() == "mine: 1\n"
    code, _, err = say("init", "--market", "bonds")
    assert code == 2 and "kalshi_weather, equities_daily" in err


def test_a_config_is_named_as_argument_or_with_c_or_by_its_usual_name(say):
    assert say("init", "--market", "equities_daily")[0] == 0
    shown = [
        say("run", *how, "--dry-run")[1]
        for how in (["config.yaml"], ["-c", "config.yaml"], ["--config", "config.yaml"], [])
    ]
    assert len(set(shown)) == 1 and shown[0]
    Path("config.yaml").rename("other.yaml")
    code, _, err = say("run", "--dry-run")
    assert code == 2 and "no config is given" in err and "tradewinds init" in err
    code, _, err = say("run", "other.yaml", "-c", "config.yaml")
    assert code == 2 and "two configs" in err
    assert say("validate", "other.yaml")[0] == 0


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("archive", "strategies")])
def test_h_is_help(say, command):
    code, out, _ = say(command, "-h")
    assert code == 0 and f"tradewinds {command}" in out and "--help" in out


def test_without_a_command_the_help_stands_alone(say):
    """It does not send its reader to itself."""
    code, out, err = say()
    assert code == 2 and out == "" and err.startswith("Usage:") and "See tradewinds" not in err
    assert "See tradewinds --help." in say("rnu")[2]


@pytest.mark.parametrize("market", ["equities_daily", "equities_intraday", "funding_carry", "kalshi_weather"])
def test_every_market_takes_a_strategy_file_of_ones_own(say, market, tmp_path):
    say("init", "desk", "--market", market)
    path = tmp_path / "desk" / "config.yaml"
    written = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**written, "strategy": {"name": "mine", "file": "mine.py"}}))
    code, _, err = say("validate", "desk/config.yaml")
    assert code == 2 and "strategy.file: mine.py: there is no such file." in err


def test_the_list_of_commands_is_grouped_and_whole(say):
    code, out, _ = say("--help")
    assert code == 0 and all(f"\n{heading}:\n" in out for heading in ("Start", "Look", "Data", "Trust"))
    told = " ".join(out.split())
    assert all(command.summary in told for command in COMMANDS.values()) and "--install-completion" in told


def test_docs_has_every_page(say):
    code, out, _ = say("docs")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == list(pages())
    assert {"readme", "config", "strategies", "funding-carry", "look-ahead"} <= set(pages())
    code, out, _ = say("docs", "strategies.md")
    assert code == 0 and out.strip() == (ROOT / "docs/strategies.md").read_text().strip()
    code, _, err = say("docs", "strategy")
    assert code == 2 and "Did you mean strategies" in err


def test_messages_name_no_file_that_a_user_may_not_have():
    """The wheel has the pages, not the repository: a message names the command that shows them."""
    page = re.compile(r"(docs/[\w-]+\.md|config/README|CONTRIBUTING)")
    for path in (ROOT / "src/tradewinds").rglob("*.py"):
        for node in strings_of(path):
            assert not page.search(node), f"{path.relative_to(ROOT)}: {node}"


def strings_of(path: Path) -> list[str]:
    """The strings of a module that are no docstring of a module, a class or a function without a command line."""
    import ast

    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def test_pages_that_messages_name_exist():
    named = re.compile(r"tradewinds docs ([a-z][\w-]*)")
    texts = [
        path.read_text() for path in (ROOT / "src/tradewinds").rglob("*") if path.suffix in (".py", ".md", ".yaml")
    ]
    found = {name for text in texts for name in named.findall(text)}
    assert {"scaling", "strategies"} <= found <= set(pages())


def test_schema_explains_a_key_a_section_and_a_part_of_a_name(say):
    code, out, _ = say("schema", "risk.fixed_qty")
    assert code == 0 and out.startswith("risk.fixed_qty  (integer ≥ 1")
    code, out, _ = say("schema", "risk", "--market", "equities_daily", "--json")
    names = [key["name"] for key in json.loads(out)["equities_daily"]]
    assert names[0] == "risk" and all(name.startswith("risk") for name in names) and "risk.start_balance" in names
    code, out, _ = say("schema", "slippage")
    assert code == 0 and "costs.slippage_pct" in out
    code, _, err = say("schema", "risk.fixed_quantity")
    assert code == 2 and "risk.fixed_qty" in err


def test_series_lists_what_a_config_may_name(say):
    code, out, _ = say("series")
    assert code == 0 and re.search(r"KXHIGHMIA +Miami Intl +KMIA +maximum +America/New_York +2023-05-11", out)
    code, out, _ = say("series", "--json")
    assert code == 0 and {"KXHIGHCHI", "KXHIGHNY"} <= {row["series"] for row in json.loads(out)}
