"""Run the examples as notebooks: each examples/NAME.py becomes examples/NAME.ipynb with what its cells show.

`python scripts/make_notebooks.py [NAME …]`. The scripts are in jupytext's percent format, so Jupyter opens them, too. A cell
shows what it prints and the value of its last line, as Jupyter would.
"""

import ast
import base64
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
HEAD = "# ---"


def cells_of(script: str) -> list[tuple[str, str]]:
    """Split a percent script into cells: (markdown or code, source)."""
    if script.startswith(HEAD):
        script = script.split(f"{HEAD}\n", 2)[2]
    found = []
    for piece in script.split("# %%")[1:]:
        head, _, body = piece.partition("\n")
        if head.strip() == "[markdown]":
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines()]
            found.append(("markdown", "\n".join(lines)))
        else:
            found.append(("code", body.strip()))
    return found


def run_cell(source: str, names: dict, number: int) -> list[dict]:
    """Run a cell, and return what it shows as outputs of a notebook."""
    import linecache

    # As Jupyter does: the source of a cell is known to inspect, under a name of its own.
    file = f"<cell {number}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    tree = ast.parse(source, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, file, "exec"), names)
        value = eval(compile(ast.Expression(last.value), file, "eval"), names) if last else None
    outputs = [{"output_type": "stream", "name": "stdout", "text": printed.getvalue()}] if printed.getvalue() else []
    if value is not None:
        data = {"text/plain": repr(value)}
        if hasattr(value, "_repr_html_") and (shown := value._repr_html_()):
            data["text/html"] = shown
        if hasattr(value, "_repr_png_"):
            value.set_dpi(60)  # small enough for a repository
            data["image/png"] = base64.b64encode(value._repr_png_()).decode()
        outputs.append({"output_type": "execute_result", "execution_count": number, "data": data, "metadata": {}})
    return outputs


def notebook(script: str) -> dict:
    """Run a percent script, and return the notebook."""
    names = vars(sys.modules["__main__"])  # they live as long as the process, as in Jupyter
    cells, number = [], 0
    for kind, source in cells_of(script):
        cell = {"cell_type": kind, "id": hashlib.sha256(f"{len(cells)}{source}".encode()).hexdigest()[:8]}
        cell |= {"metadata": {}, "source": source}
        if kind == "code":
            number += 1
            cell |= {"execution_count": number, "outputs": run_cell(source, names, number)}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def main(wanted: list[str]) -> None:
    """Make notebooks, each in a process of its own: an example changes the working folder."""
    if os.environ.get("MAKING_NOTEBOOK"):
        script = EXAMPLES / f"{wanted[0]}.py"
        made = notebook(script.read_text(encoding="utf-8"))
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        script.with_suffix(".ipynb").write_text(text, encoding="utf-8")
        return
    for name in wanted or sorted(path.stem for path in EXAMPLES.glob("*.py")):
        command = [sys.executable, __file__, name]
        subprocess.run(command, check=True, env={**os.environ, "MAKING_NOTEBOOK": "1"})
        print(f"examples/{name}.ipynb")


if __name__ == "__main__":
    main(sys.argv[1:])
