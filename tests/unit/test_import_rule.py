"""Rooms import down only: every import in the package, lazy ones too, against the table of rooms (docs/architecture.md)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tradewinds"

_BELOW_FAMILIES = {"core", "config", "sources", "engine", "reference_data", "results", "database", "archive"}
# What the modules of a room may import besides their own room. "families" is the contract, the plan and the table of
# strategies; a family's own folder is a room of its own, "families/<name>".
MAY_IMPORT = {
    "core": set(),
    "config": {"core"},
    "sources": {"core"},
    "engine": {"core"},
    "reference_data": {"core", "engine"},
    "results": {"core", "config", "engine"},
    "database": {"core", "config"},
    "archive": {"core", "config"},
    "families": _BELOW_FAMILIES,
    "families/*": _BELOW_FAMILIES | {"families"},
    "strategies": _BELOW_FAMILIES | {"families"},
    "pipeline": _BELOW_FAMILIES | {"families", "strategies"},
    "sweeps": _BELOW_FAMILIES | {"families", "strategies"},
    "audits": _BELOW_FAMILIES | {"families", "strategies", "pipeline"},
    "session": _BELOW_FAMILIES | {"families", "strategies", "pipeline", "sweeps", "audits"},
    "serve": {"core", "config", "database", "results"},
    "cli": None,  # everything; only these commands name a family:
}
NAME_A_FAMILY = {
    "cli/calibrate.py",
    "cli/probabilities.py",
    "cli/today.py",
    "cli/backtest.py",
    "cli/orb.py",
    "cli/funding.py",
    "cli/archive.py",
    "cli/series.py",
}
# The names that users' own strategy files import stay in strategies/user_file.py, wherever their code lives.
# The table of markets asks for a family by name, at run time, and hands out its contract.
ALLOWED = {("strategies/user_file.py", "families/kalshi_weather"), ("config/markets.py", "families")}


def room_of(module: str) -> str:
    """The room of a dotted module below the package; "" for the package itself."""
    parts = module.split(".")[1:]
    if not parts:
        return ""
    if parts[0] == "families" and len(parts) > 1 and (PACKAGE / "families" / parts[1]).is_dir():
        return f"families/{parts[1]}"
    return parts[0]


def imported(path: Path):
    """Every module below the package that a file imports, anywhere in it, for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "tradewinds")
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            if node.module and node.module.split(".")[0] == "tradewinds":
                for alias in node.names:
                    deeper = PACKAGE.joinpath(*node.module.split(".")[1:], alias.name)
                    is_module = deeper.is_dir() or deeper.with_suffix(".py").exists()
                    yield f"{node.module}.{alias.name}" if is_module else node.module


def outside(path: Path):
    """Every module of other packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def forbidden(name: str, room: str, other: str) -> bool:
    """Whether a file of a room may not import from another room."""
    if other in ("", room) or (name, other) in ALLOWED:
        return False
    if room == "cli":
        return other.startswith("families/") and name not in NAME_A_FAMILY
    return other not in MAY_IMPORT["families/*" if room.startswith("families/") else room]


def breaches():
    """(file, room that it may not import from) of the whole package."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("workflow/") or "/" not in name:
            continue
        room = room_of("tradewinds." + name.removesuffix(".py").replace("/", "."))
        found |= {(name, other) for module in imported(path) if forbidden(name, room, other := room_of(module))}
    return found


def test_every_room_imports_down_only():
    assert breaches() == set()


def test_the_page_shows_this_table():
    rows = re.findall(
        r"(?m)^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    )
    shown, above = {}, set()
    for room, words in rows:
        if words.startswith("all above"):
            shown[room] = above - set(words.partition("not ")[2].split())
        else:
            shown[room] = set() if words == "—" else None if words.startswith("everything") else set(words.split(", "))
        above |= {room}
    assert shown == {room: rooms for room, rooms in MAY_IMPORT.items() if room != "families/*"}


def test_below_the_pipeline_nothing_knows_the_workflow():
    for room in ("core", "config", "engine", "reference_data", "results", "database", "archive", "families"):
        for path in (PACKAGE / room).rglob("*.py"):
            assert "snakemake" not in {name.split(".")[0] for name in outside(path)}, path


def test_every_folder_of_the_package_is_a_room_of_the_table():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders - {"workflow"} == {room for room in MAY_IMPORT if "/" not in room}
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"], "a module stands at the package's root"


def test_only_the_command_line_and_the_pipeline_print_on_a_terminal():
    using = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py") if "rich" in packages_of(path)}
    assert using == {"cli", "pipeline"}


def packages_of(path):
    """Top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize(
    ("name", "room", "other", "wrong"),
    [
        ("core/text.py", "core", "engine", True),
        ("families/kalshi_weather/plan.py", "families/kalshi_weather", "families/equities_daily", True),
        ("families/kalshi_weather/plan.py", "families/kalshi_weather", "families", False),
        ("serve/app.py", "serve", "cli", True),
        ("cli/run.py", "cli", "families/kalshi_weather", True),
        ("cli/calibrate.py", "cli", "families/kalshi_weather", False),
        ("strategies/user_file.py", "strategies", "families/kalshi_weather", False),
        ("strategies/other.py", "strategies", "families/kalshi_weather", True),
    ],
)
def test_the_rule_tells_right_from_wrong(name, room, other, wrong):
    assert forbidden(name, room, other) is wrong
