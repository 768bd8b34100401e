"""`tradewinds docs`: the pages of the documentation, which come with the package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant
from tradewinds.core.paths import workflow_root
from tradewinds.core.safe_text import printable


def docs(
    page: Annotated[str | None, typer.Argument(help="A page, as strategies.", metavar="[PAGE]")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="As Markdown, also on a terminal.")] = False,
    path: Annotated[bool, typer.Option("--path", help="Print where the page's file lies.")] = False,
) -> None:
    """Read the documentation: without PAGE the list of pages, with it the page.

    On a terminal a page is shown in its pager; into a pipe it goes as Markdown.
    """
    found = pages()
    if page is None:
        width = max(map(len, found))
        for name, file in found.items():
            typer.echo(printable(f"{name:<{width}}  {_title(file)}"))
        return
    name = page.lower().removesuffix(".md").replace("_", "-")
    if name not in found:
        remedy = meant(name, found, f"Pages: {', '.join(found)}.", most=3)
        raise ConfigError(f"there is no page {page!r}.", where="PAGE", remedy=remedy)
    if path:
        typer.echo(printable(str(found[name])))
        return
    text = found[name].read_text(encoding="utf-8")
    if raw or not sys.stdout.isatty():
        typer.echo(printable(text))
        return
    from rich.markdown import Markdown

    from tradewinds.pipeline.terminal import SafeConsole

    console = SafeConsole()
    with console.pager(styles=True):
        console.print(Markdown(text))


def pages() -> dict[str, Path]:
    """The files of the pages by name; `readme` and `config` come first."""
    root = workflow_root()
    first = {"readme": root / "README.md", "config": root / "config" / "README.md"}
    others = sorted([*(root / "docs").glob("*.md"), *(root / "docs" / "decisions").glob("*.md")])
    return first | {path.stem.replace("_", "-"): path for path in others}


def _title(file: Path) -> str:
    """The first heading of a page."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line.removeprefix("# ")
    return ""
