"""Documents are kept by tests: the README's demo, commands and exit codes; the config page; the packaged file names."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder

import tradewinds
from scripts import config_readme
from tests.workflow.harness import ROOT, call_demo
from tradewinds import __version__
from tradewinds.cli import commands
from tradewinds.core import errors
from tradewinds.families.kalshi_weather.validations import judge

README = (ROOT / "README.md").read_text()
FOLDERS = ["config", "data", "backtests"]  # with a page of their own
RULE_FILES = sorted(ROOT.glob("rules/**/*.smk"))


def test_the_demo_ends_as_the_readme_says(demo_run, tmp_path):
    """Bars are for terminals; the table is the same everywhere, because the archive comes from a seed."""
    shutil.copytree(demo_run / "demo", tmp_path / "demo")
    again = call_demo(tmp_path)
    assert again.returncode == 0, again.stderr
    shown = re.search(r"╭.*?╰", README, re.DOTALL)[0]
    rows = [line for line in shown.splitlines() if line.startswith("│") and "…" not in line]
    assert len(rows) > 4
    first = (demo_run / "said.txt").read_text(encoding="utf-8")
    for said in (first, again.stdout):
        assert [row for row in rows if row not in said] == []
    assert ["nothing to be done" in said for said in (first, again.stdout)] == [False, True]
    for path in re.findall(r"(?:report|database)\s+(?:sqlite:///)?(\S+)", again.stdout):
        assert (tmp_path / "demo" / path).exists(), path


def test_every_command_is_in_the_readme():
    for name in commands.COMMANDS:
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
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *(ROOT / name / "README.md" for name in FOLDERS)]
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            assert link.startswith("http") or (page.parent / link).exists(), (page.name, link)


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    """A link or an anchor that leads nowhere fails, also in pages that lie outside of docs/; each page is in the menu."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, ""), built.stderr
    pages = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")]
    assert len(pages) > 30
    loaded = {tag for page in pages for tag in re.findall(r"<(?:link|script|img|iframe)\b[^>]*>", page)}
    assert loaded and not [tag for tag in loaded if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)]
    api = (tmp_path / "api.html").read_text(encoding="utf-8")
    for name in set(tradewinds.__all__) - {"__version__"}:
        assert re.search(rf'id="tradewinds\.[\w.]+\.{name}"', api), name


def test_rule_files_open_with_their_contract_and_rules_have_logs():
    for path in RULE_FILES:
        text = path.read_text()
        assert text.startswith('"""') and "Needs:" in text and "Makes:" in text, path.name
        for rule in re.split(r"^\s*rule ", text, flags=re.MULTILINE)[1:]:
            assert "log:" in rule, rule.split(":")[0]


def test_one_script_per_rule_in_the_folder_of_its_family():
    rules = {
        (path.relative_to(ROOT / "rules").parent, name)
        for path in RULE_FILES
        for name in re.findall(r"^\s*rule (\w+):", path.read_text(), re.MULTILINE)
    }
    scripts = {(path.relative_to(ROOT / "scripts").parent, path.stem) for path in ROOT.glob("scripts/**/*.py")}
    assert len(rules) > 10 and rules <= scripts, rules - scripts


def test_every_locked_version_has_its_hashes_and_no_line_names_a_host():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text and not re.search(r"^-", text, re.MULTILINE), "an address or an option, as of an index"
    entries = re.split(r"^(?=\S)", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    for entry in entries:
        requirement, *comments = entry.splitlines()
        assert re.fullmatch(r"\S+==\S+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+", requirement), requirement
        assert all(line.lstrip().startswith("#") for line in comments), entry
    makefile, image, script = ((ROOT / n).read_text() for n in ("Makefile", "Containerfile", "scripts/install.sh"))
    assert "--generate-hashes" in makefile and "--no-emit-index-url" in makefile
    with_uv = re.findall(r".*\[@\]}\".*", script)
    assert len(with_uv) == 2 and all("requirements.lock" in line for line in with_uv)
    assert re.search(r"local uv=\(.* --require-hashes\)", script)
    installs = re.findall(r".*-r (?:requirements|\.venv/uv)\.lock", image + script.replace(with_uv[1], ""))
    assert len(installs) == 3 and all("--require-hashes" in line for line in installs)
    assert not re.search(r"pip install.* -r", makefile), "the script installs"


def test_environments_mirror_the_lock_file():
    lock = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    for path in ROOT.glob("envs/*.yaml"):
        for name, version in re.findall(r"- ([\w-]+)=(\d\S*)", path.read_text()):
            if name != "python":
                assert lock[name.removeprefix("python-")] == version, (path.name, name)  # python-duckdb


def test_the_version_has_its_dated_section_below_the_unreleased_one():
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] == "Unreleased"
    version, date = re.fullmatch(r"(\S+) \((\S+)\)", heads[1]).groups()
    assert version == __version__ and dt.date.fromisoformat(date)


def test_every_decision_is_in_the_index_and_has_its_four_sections():
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"^\| \[(\d{4})\]\((.+?)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert [name for _, name in listed] == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for number, name in listed:
        text = (folder / name).read_text()
        assert name.startswith(f"{number}-") and text.startswith(f"# {number}: "), name
        sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert sections == ["Context", "Decision", "Consequences", "What was measured"], name


def test_public_ci_runs_what_ci_runs():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert steps[-1] == ".ci/run" and (ROOT / ".ci/run").stat().st_mode & 0o100


@pytest.mark.parametrize("folder", ["data", "backtests"])
def test_git_keeps_the_page_of_a_folder_and_nothing_else_in_it(folder, tmp_path):
    """In a fresh repository with the project's own .gitignore: what `git add` would take."""
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    for name in ("README.md", ".run.lock", "tradewinds.db", "x/README.md", "x/y/z.parquet"):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    kept = subprocess.run(["git", "ls-files"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert kept == [".gitignore", f"{folder}/README.md"]
    assert (ROOT / folder / "README.md").is_file()


def test_the_wheel_has_the_type_marker_and_the_license_and_no_data():
    builder = WheelBuilder(str(ROOT))
    paths = {file.distribution_path for file in builder.recurse_included_files()}
    assert "tradewinds/py.typed" in paths and "tradewinds/__init__.py" in paths
    assert not any(path.startswith(("data/", "backtests/")) for path in paths)
    metadata = builder.metadata.core
    assert (metadata.license_expression, metadata.license_files) == ("MIT", ["LICENSE"])
    assert "the Tradewinds authors" in (ROOT / "LICENSE").read_text()
