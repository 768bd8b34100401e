"""PERFORMANCE.md: replace one section or those that are measured together, keep the others."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "PERFORMANCE.md"


def write_section(head: str, section: str) -> None:
    """Write a section in place of the one that is there, or at the end of the page.

    Args:
        head: its heading, as "## Funding carry".
        section: its text, which begins with the heading.
    """
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(f"{head}\n")
    after = re.search(r"^## ", rest, re.MULTILINE)
    kept = f"\n{rest[after.start() :]}" if after else ""
    PAGE.write_text(f"{before.rstrip()}\n\n{section.rstrip()}\n{kept}", encoding="utf-8")


def write_page(page: str) -> None:
    """Write the page anew; sections that it has not, which other benchmarks wrote, stay at its end.

    Args:
        page: the text, with its sections.
    """
    there = re.split(r"^(?=## )", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    heads = {line for line in page.splitlines() if line.startswith("## ")}
    others = [section.rstrip() for section in there if section.splitlines()[0] not in heads]
    PAGE.write_text("\n\n".join([page.rstrip(), *others]) + "\n", encoding="utf-8")
