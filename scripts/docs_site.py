"""The documentation site beyond `docs/`, a hook of mkdocs: pages that lie elsewhere, the Python API, and links between them.

`mkdocs build --strict` (`make docs`) calls the `on_…` functions. The pages stay as they are read in a repository, with links to
files there. On the site a link to a page leads to the page, and a link to another file to a copy of it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

import tradewinds

ROOT = Path(__file__).resolve().parents[1]
# page of the site -> file of the repository
ELSEWHERE = {
    "index.md": "README.md",
    "config.md": "config/README.md",
    "performance.md": "PERFORMANCE.md",
    "engines.md": "benchmarks/engines.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
COPIES = "files"  # the site's folder of files that are no pages
_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
STYLE = """/* Tables of the pages are wide: what does not fit is scrolled, names in code stay whole. */
.md-grid { max-width: 72rem; }
.md-typeset table:not([class]) { font-size: .7rem; }
.md-typeset table:not([class]) th { min-width: 4rem; }
.md-typeset td code { word-break: normal; overflow-wrap: break-word; }
.md-typeset td:first-child { min-width: 7rem; }
.md-typeset td:first-child code { overflow-wrap: anywhere; }
.md-typeset td:last-child:not(:first-child) { min-width: 11rem; }
@media (min-width: 60em) { .md-typeset td:first-child { min-width: 9rem; } }
.md-typeset h1 { font-weight: 500; color: inherit; }
"""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from elsewhere, the API, the notebooks, and the files that pages lead to.

    Args:
        files: those of `docs/`.
        config: the site's settings.
    """
    pages = {**ELSEWHERE, **{file.src_uri: f"docs/{file.src_uri}" for file in files.documentation_pages()}}
    texts = {source: (ROOT / source).read_text(encoding="utf-8") for source in pages.values()}
    made = {page: texts[source] for page, source in ELSEWHERE.items()}
    made |= {"api.md": api_page(), "notebooks.md": notebooks_page(), f"{COPIES}/site.css": STYLE}
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    # The files that links lead to; those in docs/ are there already.
    places = {source: page for page, source in pages.items()} | {"examples": "notebooks.md"}
    for source, text in {**texts, "notebooks.md": made["notebooks.md"]}.items():
        for target in _targets(text, source) - places.keys():
            if target.startswith("docs/"):
                places[target] = target.removeprefix("docs/")
            elif (ROOT / target).is_file():
                places[target] = f"{COPIES}/{target}"
                files.append(File.generated(config, places[target], abs_src_path=str(ROOT / target)))
    config["places_of_files"] = places
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links to files of the repository into links of the site.

    Args:
        markdown: text of the page.
        page: the page.
        config: the site's settings.
        files: all files of the site.
    """
    here = page.file.src_uri
    source = ELSEWHERE.get(here, here if here in ("api.md", "notebooks.md") else f"docs/{here}")

    def rewritten(link: re.Match[str]) -> str:
        place = config["places_of_files"].get(_of_repository(link[2], source))
        if place is None:
            return link[0]  # leads out, or nowhere: then mkdocs says so
        return f"{link[1]}{os.path.relpath(place, PurePosixPath(here).parent)}{link[3] or ''}{link[4]}"

    return "".join(part if code else _LINK.sub(rewritten, part) for part, code in _parts(markdown))


def api_page() -> str:
    """The page of the names that `import tradewinds` offers, from their docstrings."""
    first = "`import tradewinds as tw` offers these names; [From Python](python.md) shows how they go together."
    lines = ["# The Python API", "", first, ""]
    offered = [getattr(tradewinds, name) for name in tradewinds.__all__ if not name.startswith("__")]
    errors = [one for one in offered if isinstance(one, type) and issubclass(one, Exception)]
    for head, group in (("Runs and settings", [one for one in offered if one not in errors]), ("Errors", errors)):
        lines += [f"## {head}", "", *(f"::: {one.__module__}.{one.__name__}\n" for one in group)]
    return "\n".join(lines)


def notebooks_page() -> str:
    """The list of the executed notebooks, by their titles."""
    lines = [
        "# Notebooks",
        "",
        "Each is short, executed, and runs without internet. The `.py` is the same notebook as text.",
        "",
    ]
    for path in sorted((ROOT / "examples").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")
        name = path.relative_to(ROOT).as_posix()
        lines.append(f"- {title}: [notebook]({name}), [text]({name.removesuffix('.ipynb')}.py)")
    return "\n".join([*lines, ""])


def _parts(markdown: str) -> list[tuple[str, bool]]:
    """A page in parts, in order, each with whether it is a block of code."""
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return [(part, index % 2 == 1) for index, part in enumerate(parts)]


def _of_repository(link: str, source: str) -> str:
    """The file of the repository that a link of a page leads to; the link itself if it leads out."""
    if "://" in link:
        return link
    return os.path.normpath(PurePosixPath(source).parent / link)


def _targets(text: str, source: str) -> set[str]:
    """The files of the repository that a page leads to."""
    return {_of_repository(link[2], source) for part, code in _parts(text) if not code for link in _LINK.finditer(part)}
