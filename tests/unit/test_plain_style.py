"""What can be counted of the rules of style (CONTRIBUTING.md): names, comments, docstrings."""

import ast
import functools
import io
import re
import tokenize
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tradewinds"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "workflow" not in path.relative_to(PACKAGE).parts)
# Files that every family has under the same name, and the commands, whose folder says what they are.
SAME_IN_EVERY_FAMILY = {
    "family",
    "plan",
    "schemas",
    "replay",
    "metrics",
    "run_files",
    "report",
    "lookahead",
    "archive_routes",
}
FOLDERS_THAT_SAY_IT = {"cli", "versions"}
LONG = 25  # lines of a function from which on comments say what its parts are for
NAMELESS = re.compile(r"\b(somebody|nobody|whoever|anybody|someone|noone|is told|are told)\b", re.IGNORECASE)


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path):
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]


@functools.cache
def comments(path: Path) -> dict[int, str]:
    """The comments of a file by line."""
    text = path.read_text(encoding="utf-8")
    found = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in found if token.type == tokenize.COMMENT}


def docstrings(path: Path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def twice(places: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: where for name, where in places.items() if len(where) > 1}


def test_no_class_name_means_two_things():
    places = defaultdict(list)
    for path in FILES:
        if "templates" in path.parts:  # the name that a user's own file has
            continue
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path.relative_to(PACKAGE).as_posix())
    assert twice(places) == {}


def test_no_module_name_means_two_things():
    places = defaultdict(list)
    for path in FILES:
        name = path.relative_to(PACKAGE)
        if (
            path.stem not in {"__init__", "__main__"} | SAME_IN_EVERY_FAMILY
            and name.parent.name not in FOLDERS_THAT_SAY_IT
        ):
            places[path.stem].append(name.as_posix())
    assert twice(places) == {}


def test_docstrings_and_comments_name_the_actor():
    found = []
    for path in FILES:
        texts = [*docstrings(path), *comments(path).items()]
        found += [
            f"{path.relative_to(ROOT)}:{line}: {match[0]}" for line, text in texts for match in NAMELESS.finditer(text)
        ]
    assert found == []


def test_arguments_are_described_one_to_a_line():
    found = []
    for path in FILES:
        for line, text in docstrings(path):
            section = re.search(r"(?ms)^Args:\n(.*?)(?:\n\n|\Z)", text)
            if section and re.search(r"; *`?[a-z_]+`?(, `?[a-z_]+`?)*: ", section[1]):
                found.append(f"{path.relative_to(ROOT)}:{line}")
    assert found == []


def test_a_long_function_says_what_its_parts_are_for():
    found = []
    for path in FILES:
        said = comments(path)
        for node in functions(path):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            long = body and node.end_lineno - body[0].lineno + 1 > LONG
            if long and not any(body[0].lineno - 1 <= line <= node.end_lineno for line in said):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}")
    assert found == []
