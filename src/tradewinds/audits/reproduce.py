"""Make a run again from the files that its manifest names, and compare the results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tradewinds.core.errors import ConfigError, DataMissing, SimulationError
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.text import counted

COMPARED = ("trades.csv", "metrics.json")  # files that must be the same, byte by byte
SHOWN = 10  # missing inputs in a message


def read_manifest(run_dir: Path) -> dict[str, Any]:
    """Read from a run's manifest what making the run again needs.

    Args:
        run_dir: the run's folder.

    Returns:
        The values of run_id, config, inputs, packages, git_sha and tradewinds_version.

    Raises:
        ConfigError: this is no folder of a run.
    """
    missing = [name for name in ("run_manifest.json", *COMPARED) if not (run_dir / name).is_file()]
    if missing:
        remedy = "Name a folder that tradewinds run made, for example backtests/RUN_ID."
        raise ConfigError(f"this is no folder of a run: no {', '.join(missing)}.", where=str(run_dir), remedy=remedy)
    try:
        found = json.loads((run_dir / "run_manifest.json").read_text(encoding="utf-8"))
        return {key: found[key] for key in ("run_id", "config", "inputs", "packages", "git_sha", "tradewinds_version")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"the manifest cannot be read ({error}).", where=f"{run_dir}/run_manifest.json") from None


def differences(run_dir: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Compare what a run was made from with what is here today.

    Args:
        run_dir: the run's folder.
        manifest: from `read_manifest`.

    Yields:
        A line for each input, version and key of the config that differs.

    Raises:
        DataMissing: an input is not there.
    """
    from tradewinds import __version__
    from tradewinds.config.resolve import digest
    from tradewinds.results.manifest import git_sha, package_versions, sha256

    # Inputs: all there, and with the same content.
    inputs = manifest["inputs"]
    missing = [path for path in inputs if not Path(path).is_file()]
    if missing:
        shown = "\n".join(f"  {path}" for path in missing[:SHOWN])
        rest = f"\n  … and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        remedy = f"Work in the folder of the run, or get them: tradewinds run --config {run_dir}/config_resolved.yaml"
        what = f"{counted(len(missing), 'input')} of the run {'is' if len(missing) == 1 else 'are'} not there."
        raise DataMissing(f"{what} {remedy}\n{shown}{rest}", where=str(run_dir))
    for path, wanted in inputs.items():
        if (found := sha256(path)) != wanted:
            yield f"input differs: {path} (SHA-256 {found[:12]}…, was {wanted[:12]}…)"
    # Versions: of Tradewinds, of its source, and of the packages that decide about results.
    versions = {"tradewinds": manifest["tradewinds_version"], "git commit": manifest["git_sha"], **manifest["packages"]}
    today = {"tradewinds": __version__, "git commit": git_sha(), **package_versions()}
    for name, was in versions.items():
        if today.get(name) != was:
            yield f"version differs: {name} is {today.get(name)}, was {was}"
    # The config: that of the manifest, and the one that lies in the folder.
    before, kept = manifest["config"], _kept_config(run_dir)
    for key in sorted({*before, *kept}):
        if digest(before.get(key)) != digest(kept.get(key)):
            yield f"config differs: {key} is {kept.get(key)!r} in config_resolved.yaml; the run had {before.get(key)!r}"


def _kept_config(run_dir: Path) -> dict[str, Any]:
    """The part of config_resolved.yaml on which a result depends, as the manifest would hold it."""
    from tradewinds.config import resolve as configs

    kept = configs.question(configs.load(run_dir / "config_resolved.yaml"))
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return plain


def made_again(run_dir: Path, manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Make a run again in a temporary folder.

    Args:
        run_dir: the run's folder.
        manifest: from `read_manifest`.

    Returns:
        For each file of COMPARED, one sentence on the first difference; an empty list where there is none.

    Raises:
        SimulationError: this version of Tradewinds would not make the same run of the config.
    """
    import os

    from tradewinds.config import resolve as configs
    from tradewinds.core import files
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline import simulate

    with temporary_folder("tradewinds-reproduce-") as folder, files.without_caches():
        conf = configs.resolve({**manifest["config"], "output_dir": str(folder)}, source=f"{run_dir}/run_manifest.json")
        plan = run_plan(conf)
        if plan.run_id != manifest["run_id"] or not {p for ps in plan.inputs.values() for p in ps} <= set(
            manifest["inputs"]
        ):
            what = "this version of Tradewinds makes another run of this config (its id or its files differ)."
            remedy = f"Use version {manifest['tradewinds_version']}, commit {manifest['git_sha']}."
            raise SimulationError(what, where=str(run_dir), remedy=remedy)
        simulate.simulate(conf, plan, manifest["inputs"], os.cpu_count() or 1)
        return {name: _compared(run_dir / name, Path(plan.run_dir, name)) for name in COMPARED}


def _compared(was: Path, now: Path) -> list[str]:
    """One sentence on the first line in which two text files differ; nothing if they are the same."""
    if was.read_bytes() == now.read_bytes():
        return []
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (was, now))
    line = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    one, other = (lines[line].strip() if line < len(lines) else "nothing" for lines in (before, after))
    return [
        f"{was.name}, line {line + 1}: it was {one!r} and is {other!r} ({len(before):,} and {counted(len(after), 'line')})."
    ]
