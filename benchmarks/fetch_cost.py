"""CPU seconds of the fetch stage per event: of the whole workflow, and of one job by itself."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tradewinds.archive.server import running_server
from tradewinds.core.environment import SERVICES
from tradewinds.core.paths import workflow_root
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic

EVENTS = 20  # events with candles in the two cities of the synthetic archive
ROOT = workflow_root()


def children_cpu() -> float:
    """Return the CPU seconds of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_of(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Run a command in a folder and return its CPU seconds."""
    before = children_cpu()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return children_cpu() - before


def measure(work: Path) -> dict:
    """Return CPU seconds per event: of the whole workflow, and of the fetch process alone.

    Each is the least of three measurements, because other processes share the cores and caches of the machine.
    """
    return min((_once(work) for _ in range(3)), key=lambda found: found["cpu_per_event_job_s"])


def _once(work: Path) -> dict:
    """Measure once: run the workflow over the synthetic archive, then one job."""
    archive = work / "archive"
    if not archive.exists():
        make_synthetic(archive)
    desk = work / "desk"
    shutil.rmtree(desk, ignore_errors=True)  # existing files would not be fetched
    desk.mkdir(parents=True)
    with running_server(archive) as server:
        config = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
        config["kalshi"] = {"base_url": server.url_of("kalshi"), "requests_per_second": 1000}
        config["iem"] = {"base_url": server.url_of("iem"), "requests_per_second": 1000}
        (desk / "config.yaml").write_text(yaml.safe_dump(config))
        snakemake = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--configfile", "config.yaml"]
        snakemake += ["--workflow-profile", str(ROOT / "profiles/default"), "-j", "2"]
        environment = dict(os.environ)
        cpu_of([*snakemake, "--until", "sync_catalog"], desk, environment)
        whole = cpu_of([*snakemake, "--until", "fetch_candles"], desk, environment)
        idle = cpu_of([*snakemake, "--until", "fetch_candles"], desk, environment)
        files = sorted(desk.glob("data/candles/kalshi/full_1m/*/*.parquet"))
        services = {name: {**config[name], **_rest()} for name in ("kalshi", "iem")}
        alone = _one_job(desk, environment | {SERVICES: json.dumps(services)})
    return {
        "events": len(files),
        "cpu_per_event_job_s": (whole - idle) / len(files),
        "cpu_of_the_process_alone_s": alone,
        "bytes_per_event": sum(f.stat().st_size for f in files) // len(files),
    }


def _rest() -> dict:
    return {"max_connections": 4, "timeout_seconds": 30, "max_retries": 2}


def _one_job(desk: Path, environment: dict[str, str]) -> float:
    """Return the least CPU seconds of five runs of one event's job, without Snakemake."""
    command = [
        sys.executable,
        str(ROOT / "scripts/kalshi_weather/fetch_candles.py"),
        "--series",
        "KXHIGHMIA",
        "--date",
        "2025-03-05",
    ]
    command += ["--window", "full_1m", "--catalog", "data/catalog/kalshi/KXHIGHMIA.parquet"]
    out = desk / "alone" / "full_1m" / "KXHIGHMIA" / "2025-03-05.parquet"
    command += ["--out", str(out), "--log", "again.log"]
    costs = []
    for _ in range(5):
        out.unlink(missing_ok=True)
        costs.append(cpu_of(command, desk, environment))
    return min(costs)
