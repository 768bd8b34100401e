"""What was found up to date, kept so that an unchanged question is answered without Snakemake.

Starting Snakemake and building its graph takes seconds. Its answer follows from the config, the rules, the code, and the times
of all files. So after a run that went well digests of these are kept in data/.verdicts/, and compared the next time. If
anything differs, Snakemake decides.

A file's state is its time in nanoseconds and its size. Snakemake looks at times alone, so it would see no less.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tradewinds
from tradewinds.config import markets, resolve
from tradewinds.config.resolve import Config
from tradewinds.core import database_urls, files
from tradewinds.core.paths import workflow_root
from tradewinds.families.contract import RESULT, Family
from tradewinds.families.plan import Plan
from tradewinds.pipeline.jobs import code_digest
from tradewinds.results.run_files import APPENDED, EVERY_RUN, REPORT, SIMULATE

FOLDER = Path("data/.verdicts")
KEPT = 2000  # verdicts; the oldest go first
LOAD = "load"

States = dict[str, tuple[int, int]]  # time (ns) and size of files by path; a file that is not there has 0 and -1


def receipt_path(conf: Mapping[str, Any], plan: Plan[Any]) -> str:
    """Where the receipt of the load into a config's database lies."""
    return f"{plan.run_dir}/loaded/{database_urls.url_key(conf['database']['url'])}.json"


def made_by(conf: Mapping[str, Any], plan: Plan[Any]) -> dict[str, list[str]]:
    """List what each rule makes of a run's results, in the order in which the rules run; a folder is named, too."""
    family = markets.family_of(conf["market"])
    run_files = [file for file in (*EVERY_RUN, *family.run_files) if file.made_by != APPENDED]
    made = {
        rule: [f"{plan.run_dir}/{file.name}" for file in run_files if file.made_by == rule] for rule in _rules(family)
    }
    return {**made, LOAD: [receipt_path(conf, plan)]}


def result_code(family: Family) -> dict[str, str]:
    """Digest the code of each rule that makes results of a run, by rule, in the order in which the rules run."""
    return {rule: code_digest(*code) for rule, code in _rules(family).items()}


def _rules(family: Family) -> dict[str, tuple[str, ...]]:
    """List the sources of each rule that makes results of a run, in the order in which the rules run."""
    own = {rule.name: tuple(rule.code) for rule in family.workflow_rules if rule.kind == RESULT}
    return {
        SIMULATE: (*family.code, "pipeline/simulate.py"),
        **own,
        REPORT: ("results", f"families/{family.name}", "core"),
        LOAD: ("database", *family.load_code),
    }


def user_states(conf: Config) -> States:
    """The states of the user's own files. They can change while a run works, so a run takes them before it begins."""
    return states(markets.family_of(conf["market"]).user_files(conf))


@dataclass(frozen=True)
class Question:
    """What a run asks, as digests of all from which Snakemake's answer follows.

    Attributes:
        run_id: the run.
        inputs: of what the replay reads and how it is made. Configs that differ in keys of the replay alone
            (`Family.replay_keys`) have the same.
        replay: of that, of the replay's own settings and files, and of its code.
        code: of each rule that makes results.
        made: what each rule makes.
    """

    run_id: str
    inputs: str
    replay: str
    code: Mapping[str, str]
    made: Mapping[str, list[str]]

    def results(self) -> str:
        """Digest the run's results as they are now."""
        return _digest(self.replay, self.code, states(path for paths in self.made.values() for path in paths))


def question_of(conf: Config, plan: Plan[Any], own: States) -> Question:
    """Return what a run asks, as of now.

    Args:
        conf: resolved.
        plan: its files.
        own: the states of the user's files.
    """
    family = markets.family_of(conf["market"])
    left_out = {*family.replay_keys, *resolve.not_the_question(conf["market"])}
    asked = {key: value for key, value in conf.items() if key not in left_out}
    computed = [
        (rule.name, code_digest(*rule.code)) for rule in family.workflow_rules if rule.code and rule.kind != RESULT
    ]
    # The user's files that only the replay reads, such as a strategy, are no part of what is made before it.
    before = {path: own[path] for path in family.user_files(asked) if path in own}
    read = [path for paths in (*plan.inputs.values(), *plan.recorded.values()) for path in paths]
    data = states(path for path in [*(file.path for file in plan.data_files), *read] if path not in own)
    code = result_code(family)
    inputs = _digest(_tool(), asked, family.reads(conf), computed, data, before)
    replay = _digest(inputs, plan.run_id, own, code[SIMULATE])
    return Question(plan.run_id, inputs, replay, code, made_by(conf, plan))


def states(paths: Iterable[str]) -> States:
    """Look up the states of files; a link has the later time of its own and its target's."""
    return {path: _state(path) for path in paths}


def _state(path: str) -> tuple[int, int]:
    """Time and size of a file."""
    try:
        found = os.lstat(path)
        if not stat.S_ISLNK(found.st_mode):
            return found.st_mtime_ns, found.st_size
        target = os.stat(path)  # noqa: PTH116 (pathlib takes twice as long, and there can be 10,000 files)
    except (FileNotFoundError, NotADirectoryError):
        return 0, -1
    return max(found.st_mtime_ns, target.st_mtime_ns), target.st_size


def inputs_hold(asked: Question) -> bool:
    """Whether what the replay reads was found up to date, and is as it was then."""
    return (FOLDER / f"inputs-{asked.inputs}").exists()


def run_holds(asked: Question) -> bool:
    """Whether the run was found complete and up to date, and is as it was then."""
    return _kept(asked.run_id).get("results") == asked.results()


def must_replay(asked: Question) -> bool:
    """Whether nothing of a run's results can stay: there are none, or they are known to come from another replay."""
    known = _kept(asked.run_id).get("replay")
    if known:
        return bool(known != asked.replay)
    return not any(Path(path).exists() for paths in asked.made.values() for path in paths)


def keep_inputs(asked: Question) -> None:
    """Keep that what the replay reads is up to date."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"inputs-{asked.inputs}").touch()
    kept = list(FOLDER.iterdir())
    if len(kept) > KEPT:
        for old in sorted(kept, key=lambda path: path.stat().st_mtime_ns)[: len(kept) - KEPT]:
            old.unlink(missing_ok=True)


def keep_run(asked: Question, *, made_here: bool) -> None:
    """Keep that a run is complete and up to date.

    Args:
        asked: what it asks.
        made_here: its results were made without Snakemake, which therefore has no record of their code.
    """
    known = _kept(asked.run_id).get("made_here", {})
    here = {rule: [states(paths), asked.code[rule]] for rule, paths in asked.made.items()} if made_here else known
    content = {"results": asked.results(), "replay": asked.replay, "made_here": here}
    files.write_text(_place(asked.run_id), json.dumps(content))


def keep_tables(asked: Question, rules: Sequence[str]) -> None:
    """Keep that some rules of a run have done their work without Snakemake, and others have not; the run is not complete.

    Args:
        asked: what it asks.
        rules: those that have.
    """
    here = {rule: [states(asked.made[rule]), asked.code[rule]] for rule in rules}
    files.write_text(
        _place(asked.run_id), json.dumps({"results": None, "replay": asked.replay, "made_here": here, "rest": True})
    )


def tables_hold(asked: Question) -> bool:
    """Whether what `keep_tables` kept of a run is as it was then, and the rest of it was not made."""
    known = _kept(asked.run_id)
    if not known.get("rest") or known.get("replay") != asked.replay:
        return False
    made = known["made_here"].items()
    return all(digest == asked.code[rule] and _as_kept(paths) for rule, (paths, digest) in made)


def _as_kept(made: Mapping[str, Sequence[int]]) -> bool:
    """Whether files are in the states that were kept."""
    return all(list(_state(path)) == state for path, state in made.items())


def outdated(run_id: str, code: Mapping[str, str]) -> list[str]:
    """List results that were made without Snakemake, are as they were made, and whose rule has other code today.

    Snakemake cannot see that by itself.

    Args:
        run_id: the run.
        code: digests of today's code by rule.
    """
    found: list[str] = []
    for rule, (made, digest) in _kept(run_id).get("made_here", {}).items():
        if digest != code.get(rule) and made and _as_kept(made):
            found += made
    return found


def _place(run_id: str) -> Path:
    return FOLDER / f"run-{run_id}.json"


def _kept(run_id: str) -> dict[str, Any]:
    """What is kept of a run; nothing if a killed process or another version left something else."""
    try:
        found = json.loads(_place(run_id).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@functools.cache
def _tool() -> str:
    """Digest of the version and of the workflow's rules."""
    root = workflow_root()
    digest = hashlib.sha256(tradewinds.__version__.encode())
    for path in sorted([root / "Snakefile", *root.glob("rules/**/*.smk")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest(*parts: Any) -> str:
    """Digest values as JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
