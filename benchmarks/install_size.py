"""What an installation costs: packages, megabytes, seconds to install and to start.

    python benchmarks/install_size.py

builds the wheel, installs it with the locked versions into an empty environment from uv's cache, measures the start of commands
in CPU seconds, and writes the section of PERFORMANCE.md.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.performance_page import write_section

ROOT = Path(__file__).resolve().parents[1]
HEAD = "## Installation and start"
LARGEST = 8
RUNS = 5
STARTS = {
    "`tradewinds --help`": ["tradewinds", "--help"],
    "`tradewinds run --dry-run`, eleven days of two cities": ["tradewinds", "run", "--dry-run"],
    "`import tradewinds`, `tw.Config.load(…)`": [
        "python",
        "-c",
        "import tradewinds as tw; tw.Config.load('config.yaml')",
    ],
    "a bare Python": ["python", "-c", "pass"],
}


def call(command: list[str], folder: Path, programs: Path | None = None) -> tuple[float, float]:
    """Run a command; seconds on the clock, and CPU seconds of it and its children.

    Args:
        command: program and arguments.
        folder: working folder.
        programs: folder that the PATH begins with; None: the caller's PATH.
    """
    alone = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    path = alone["PATH"] if programs is None else f"{programs}{os.pathsep}{alone['PATH']}"
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env={**alone, "PATH": path}, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sizes(packages: Path) -> dict[str, int]:
    """Bytes on disk of each entry of a folder of packages; a link counts once."""
    found = {}
    for entry in packages.iterdir():
        files = entry.rglob("*") if entry.is_dir() else [entry]
        found[entry.name] = sum(file.stat().st_blocks * 512 for file in files if file.is_file())
    return found


def measure() -> str:
    """The section: one fresh environment, measured and thrown away."""
    with tempfile.TemporaryDirectory() as name:
        folder, programs = Path(name), Path(name) / "env" / "bin"
        call([str(ROOT / "scripts/wheel.sh"), name], ROOT, Path(sys.executable).parent)
        [wheel] = folder.glob("*.whl")
        uv = [sys.executable, "-m", "uv"]
        call([*uv, "venv", "--quiet", "--python", sys.executable, str(programs.parent)], folder)
        locked = ["--constraint", str(ROOT / "requirements.lock"), str(wheel)]
        install = [*uv, "pip", "install", "--quiet", "--python", str(programs / "python")]
        call([*install, "--link-mode", "copy", *locked], folder)  # fills the cache
        call([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(programs.parent)], folder)
        seconds, cpu = call([*install, "--link-mode", "copy", *locked], folder)
        [packages] = (programs.parent / "lib").glob("python*/site-packages")
        by_name, count = sizes(packages), len(list(packages.glob("*.dist-info")))

        call([str(programs / "python"), "-m", "compileall", "-q", str(packages)], folder)
        compiled = sum(sizes(packages).values())
        call([str(programs / "tradewinds"), "init", "kalshi_weather"], folder, programs)
        starts = {}
        for label, (program, *arguments) in STARTS.items():
            command = [str(programs / program), *arguments]
            starts[label] = min(call(command, folder / "kalshi_weather", programs)[1] for _ in range(RUNS))
    total = sum(by_name.values())
    largest = sorted(by_name.items(), key=lambda item: -item[1])[:LARGEST]
    listed = ", ".join(f"{name.split('.cpython')[0]} {size / 1e6:.0f}" for name, size in largest)
    rows = "\n".join(f"| {label}, CPU s, least of {RUNS} | {value:.2f} |" for label, value in starts.items())
    made = f"{dt.datetime.now(dt.UTC).date()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    return f"""{HEAD}

`python benchmarks/install_size.py`, {made}: the wheel with the locked versions in an empty environment, nothing else.

| | figure |
|---|---:|
| packages, Tradewinds itself included | {count} |
| MB on disk | {total / 1e6:.0f} |
| … with all modules compiled, as pip leaves them | {compiled / 1e6:.0f} |
| the wheel itself, MB | {by_name["tradewinds"] / 1e6:.1f} |
| seconds to install with uv, packages downloaded before | {seconds:.1f} |
| … CPU s | {cpu:.1f} |
{rows}

The largest, MB: {listed}.
"""


if __name__ == "__main__":
    section = measure()
    write_section(HEAD, section)
    print(section)
