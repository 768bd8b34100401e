"""run_manifest.json: what making a run again needs, and what explains a different result."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds import __version__
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.text import instant

_PACKAGES = ("duckdb", "exchange-calendars", "numpy", "pyarrow", "pyyaml", "requests", "snakemake", "sqlalchemy")


class AboutRun(NamedTuple):
    """What a run's market family says of a config, for the manifest.

    Attributes:
        fees: the settings of its costs.
        series: what it trades.
        strategy_version: the strategy's own version; the program's where it has none.
    """

    fees: Mapping[str, Any]
    series: Sequence[str]
    strategy_version: str


class Evidence(NamedTuple):
    """What a manifest says of the code and of the inputs.

    Attributes:
        git_sha: as `git_sha`.
        inputs: SHA-256 of each input, by its path.
    """

    git_sha: str | None
    inputs: Mapping[str, str]


def evidence_of(inputs: Iterable[str]) -> Evidence:
    """Ask git for the commit, and digest the inputs; a replay may work meanwhile, because neither needs Python's lock.

    Args:
        inputs: paths of every file a run is made from.

    Raises:
        OSError: one cannot be read.
    """
    return Evidence(git_sha(), {path: sha256(path) for path in sorted(set(inputs))})


def write_manifest(
    folder: str | Path,
    run_id: str,
    conf: Mapping[str, Any],
    about: AboutRun,
    evidence: Evidence,
    watermark: int | None,
) -> None:
    """Write run_manifest.json beside a run's artifacts.

    Args:
        folder: the run's folder.
        run_id: the run's id.
        conf: the resolved config.
        about: what its market family says of it.
        evidence: of the files the run was made from.
        watermark: end of the latest candle used, in Unix seconds; None without one.
    """
    manifest = {
        "run_id": run_id,
        "created_at_utc": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tradewinds_version": __version__,
        "git_sha": evidence.git_sha,
        "seed": conf["seed"],
        "config": json.loads(json.dumps(resolve.question(dict(conf)), default=str)),
        "fees": dict(about.fees),
        "series": list(about.series),
        "strategy_version": about.strategy_version,
        "data_watermark_utc": None if watermark is None else instant(watermark),
        "inputs": dict(evidence.inputs),
        "packages": package_versions(),
        "reproduce": shlex.join(["tradewinds", "run", "--config", f"{Path(folder).as_posix()}/config_resolved.yaml"]),
    }
    files.write_text(Path(folder) / "run_manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def git_sha() -> str | None:
    """The commit of the checkout this code lies in, with `-dirty` if files differ from it; None outside a checkout."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "--no-optional-locks", *arguments],
                cwd=here,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):  # no git on this machine, or a disk too slow to ask
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    sha = git("rev-parse", "HEAD")
    if sha is None or git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    changes = git("status", "--porcelain", "--untracked-files=no")
    return sha if changes == "" else f"{sha}-dirty"


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python} | {name: importlib.metadata.version(name) for name in _PACKAGES}
