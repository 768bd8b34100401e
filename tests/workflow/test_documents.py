"""Documents are kept by tests: the README's demo, commands and exit codes; the config page; the packaged file names."""

import re
import subprocess
import sys

from scripts import config_readme
from tests.workflow.harness import ROOT, Desk
from tradewinds.cli import app
from tradewinds.core import errors
from tradewinds.families.kalshi_weather.validations import judge

README = (ROOT / "README.md").read_text()


def test_the_demo_ends_as_the_readme_says(tmp_path):
    """Bars are for terminals; the table is the same everywhere, because the archive comes from a seed."""
    desk = Desk(tmp_path, None)
    for attempt in ("first", "second"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts/demo.py")],
            cwd=tmp_path,
            env=desk.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        shown = re.search(r"╭.*?╰", README, re.DOTALL)[0]
        rows = [line for line in shown.splitlines() if line.startswith("│") and "…" not in line]
        assert len(rows) > 4
        for row in rows:
            assert row in done.stdout, row
        assert ("nothing to be done" in done.stdout) == (attempt == "second")
    for path in re.findall(r"(?:report|database)\s+(?:sqlite:///)?(\S+)", done.stdout):
        assert (tmp_path / "demo" / path).exists(), path


def test_every_command_is_in_the_readme():
    commands = [command.name or command.callback.__name__ for command in app.app.registered_commands]
    for name in commands:
        assert f"`tradewinds {name}" in README, name


def test_every_validation_is_in_its_page_in_order():
    page = (ROOT / "docs/validations.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [(str(number), v.name) for number, v in enumerate(judge.VALIDATIONS, start=1)]


def test_every_exit_code_is_in_the_readme():
    codes = {cls.exit_code for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)}
    for code in [*sorted(codes - {1}), errors.INTERRUPTED]:
        assert re.search(rf"\b{code} [a-z]", README[README.index("Exit codes:") :]), code


def test_the_config_page_is_up_to_date():
    assert (ROOT / "config/README.md").read_text() == config_readme.page(), "run: python scripts/config_readme.py"


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "config/README.md"]:
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            assert link.startswith("http") or (page.parent / link).exists(), (page.name, link)


def test_rule_files_open_with_their_contract_and_rules_have_logs():
    for path in ROOT.glob("rules/*.smk"):
        text = path.read_text()
        assert text.startswith('"""') and "Needs:" in text and "Makes:" in text, path.name
        for rule in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
            assert "log:" in rule, rule.split(":")[0]


def test_one_script_per_rule():
    rules = {
        name
        for path in ROOT.glob("rules/*.smk")
        for name in re.findall(r"^rule (\w+):", path.read_text(), re.MULTILINE)
    }
    scripts = {path.stem for path in ROOT.glob("scripts/*.py")}
    assert rules <= scripts, rules - scripts


def test_environments_mirror_the_lock_file():
    lock = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    for path in ROOT.glob("envs/*.yaml"):
        for name, version in re.findall(r"- ([\w-]+)=(\d\S*)", path.read_text()):
            if name != "python":
                assert lock[name.removeprefix("python-")] == version, (path.name, name)  # python-duckdb
