"""What every family's FAMILY object must keep to."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from tradewinds.config import markets, resolve
from tradewinds.families.contract import COMPUTE, DATABASE, FETCH, RESULT, Family

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tradewinds"
# What a replay imports and its bytes do not depend on: how a config is read, which files a plan names, and what a family is.
NOT_IN_THE_RESULT = ("config/", "families/contract.py", "families/plan.py", "families/strategy_table.py")

families = pytest.mark.parametrize("family", [markets.family_of(name) for name in markets.NAMES], ids=markets.NAMES)


def members(protocol):
    return {name for name in (*protocol.__annotations__, *vars(protocol)) if not name.startswith("_")}


def imports_of(path: Path) -> set[Path]:
    """Files of the package that a file imports, anywhere in it but for type checkers."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and id(node) not in guarded
            and (node.module or "").startswith("tradewinds")
        ):
            base = PACKAGE.joinpath(*node.module.split(".")[1:])
            candidates = [base / f"{alias.name}.py" for alias in node.names]
            candidates += [base.with_suffix(".py"), base / "__init__.py"]
            found |= {candidate for candidate in candidates if candidate.is_file()}
    return found


def everything_imported(starts: set[Path]) -> set[str]:
    seen, left = set(), set(starts)
    while left:
        path = left.pop()
        if path not in seen:
            seen.add(path)
            left |= imports_of(path)
    return {path.relative_to(PACKAGE).as_posix() for path in seen}


@families
def test_it_offers_all_that_the_contract_asks_for_and_nothing_else(family):
    offered = {name for name in dir(family) if not name.startswith("_")}
    assert offered == members(Family)


@families
def test_its_name_is_its_folder_everywhere(family):
    for place in (f"src/tradewinds/families/{family.name}/family.py", f"config/schemas/{family.name}.schema.yaml"):
        assert (ROOT / place).is_file()
    for place in (f"rules/{family.name}", f"scripts/{family.name}", f"tests/families/{family.name}"):
        assert (ROOT / place).is_dir()
    assert (ROOT / f"docs/{family.name}.md").is_file()


@families
def test_what_a_replay_imports_is_in_its_code(family):
    """Else a change of it would leave old results standing."""
    folder = PACKAGE / "families" / family.name
    starts = {folder / "replay.py", *(folder / "strategies").glob("*.py"), PACKAGE / "pipeline" / "simulate.py"}
    needed = {
        name
        for name in everything_imported(starts) - {"pipeline/simulate.py", "__init__.py"}
        if not name.startswith(NOT_IN_THE_RESULT) and not name.endswith("__init__.py")
    }
    assert {name for name in needed if not name.startswith(tuple(family.code))} == set()


@families
def test_what_its_rows_of_a_load_follow_from_is_in_their_code(family):
    """Else a change of it would leave old rows in the database."""
    folder = PACKAGE / "families" / family.name / "database"
    needed = {name for name in everything_imported(set(folder.glob("*.py"))) if name.startswith("families/")}
    needed = {name for name in needed if not name.startswith(NOT_IN_THE_RESULT) and not name.endswith("__init__.py")}
    assert {name for name in needed if not name.startswith(tuple(family.load_code))} == set()
    assert (family.tables is not None) == folder.is_dir() == bool(family.load_code)


@families
def test_its_code_is_there_and_no_neighbours(family):
    for part in (*family.code, *family.load_code, *(part for rule in family.workflow_rules for part in rule.code)):
        assert (PACKAGE / part).exists(), part
        for_all = re.fullmatch(r"families/\w+\.py", part)  # what all families share
        assert for_all or not part.startswith("families/") or part.startswith(f"families/{family.name}"), part


@families
def test_every_rule_of_its_folder_is_one_of_its_workflow_rules_and_has_its_script(family):
    texts = {path.stem: path.read_text() for path in (ROOT / "rules" / family.name).glob("*.smk")}
    rules = {(rule, file) for file, text in texts.items() for rule in re.findall(r"(?m)^ *rule (\w+):", text)}
    assert rules == {(rule.name, rule.file) for rule in family.workflow_rules}
    scripts = {path.stem for path in (ROOT / "scripts" / family.name).glob("*.py")}
    assert scripts == {rule.name for rule in family.workflow_rules}
    for rule in family.workflow_rules:
        assert rule.kind in (FETCH, COMPUTE, RESULT, DATABASE)
        rules_alone = texts[rule.file].split('"""', 2)[2]
        wildcards = set(re.findall(r"\{(\w+)\}", rules_alone))
        named = {name for other in family.workflow_rules for name in other.wildcards}
        assert wildcards <= named | {"input", "output", "log"}, "a wildcard without its form"


@families
def test_every_profile_limits_its_services(family):
    """Else plain `snakemake` would run as many of their jobs at once as there are cores."""
    wanted = {name for service in family.services.values() for name in service if name}
    for path in (ROOT / "profiles").glob("*/config.yaml"):
        limits = {limit.split("=")[0] for limit in yaml.safe_load(path.read_text())["resources"]}
        assert wanted <= limits, path


@families
def test_its_user_files_are_those_that_a_config_names(family):
    """A key of the schema for a path of the user's own is one that `user_files` reads."""
    names = {"bars": "path", "universe": "file", "probabilities": "path", "strategy": "file", "data": "path"}
    config = {name: {key: f"{name}.csv"} for name, key in names.items()} | {"actions": "actions.csv"}
    known = resolve.schema(family.name)["properties"]
    assert set(family.user_files(config)) == {f"{name}.csv" for name in config if name in known}
    assert family.user_files({}) == []


@families
def test_each_service_in_its_schema_is_named_and_changes_no_run_id(family):
    """A section with an address and a rate defines no result: forgetting it would change the ids of all runs."""
    properties = resolve.schema(family.name)["properties"]
    asked = {name for name, section in properties.items() if "requests_per_second" in section.get("properties", {})}
    assert asked == set(family.services)
    assert set(family.services) <= set(resolve.not_the_question(family.name)) <= set(properties)
