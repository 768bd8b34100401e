"""The config: load, check, fill in defaults, digest, run id.

`load` reads YAML and its line numbers, `resolve` checks a config against its closed JSON Schema and fills in defaults, `run_id`
names the question that it asks. All problems of a config are raised together as one ConfigError, a paragraph each.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tradewinds.config import markets
from tradewinds.config.branches import branch_of
from tradewinds.config.problems import KeyPath, Problems, parse_yaml, place
from tradewinds.core import database_urls, user_files, yaml_text
from tradewinds.core.errors import ConfigError
from tradewinds.core.paths import workflow_root
from tradewinds.core.service_urls import service_url_fault
from tradewinds.core.url_secrets import masked_url

Config = dict[str, Any]

FIRST_DATE = dt.date(1900, 1, 1)  # no exchange has data in a computer before
NOT_IN_FOLDERS = "[]{}*?"  # characters of patterns
_RUN_NAMESPACE = uuid.UUID("5f0c1c1e-6f0d-5b5e-9d53-7d8f3f6a2b10")


@functools.cache
def _schema(market: str) -> dict[str, Any]:
    """Return a market's schema, parsed once and shared.

    Parsing takes 100 times as long as `resolve`.
    """
    text = (workflow_root() / "config" / "schemas" / f"{market}.schema.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml_text.load(text)
    return loaded


def schema(market: str) -> dict[str, Any]:
    """Return a copy of the JSON Schema of a market family's config."""
    return copy.deepcopy(_schema(market))


def default_database_url() -> str:
    """Return the URL of the database of configs that name none."""
    return str(_schema(markets.NAMES[0])["properties"]["database"]["properties"]["url"]["default"])


def load(path: str | Path, today: dt.date | None = None) -> Config:
    """Read and resolve a config file.

    Args:
        path: the file.
        today: the date that counts as today; None for the clock's, UTC.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is refused by `resolve`; names file, line, key and remedy.
    """
    raw, lines = read(path)
    return resolve(raw, source=str(path), lines=lines, today=today)


def read(path: str | Path) -> tuple[Config, dict[KeyPath, int]]:
    """Read a config file.

    Args:
        path: the file.

    Returns:
        Its mapping as YAML gives it, and the line of each key path.

    Raises:
        ConfigError: the file cannot be read or is not YAML.
    """
    remedy = "Give the path of a YAML file; `tradewinds init DIR` writes a first one."
    if not os.path.lexists(path):
        raise ConfigError("there is no such config file.", where=str(path), remedy=remedy)
    text = user_files.read_text(path, "the config file", remedy, most=yaml_text.MOST_BYTES)
    return parse_yaml(text, str(path))


def place_in(path: str | Path, key: KeyPath) -> str:
    """Return where a key stands in a config file, for an error: file, line and key.

    The file is read again, which takes milliseconds and is needed for errors alone.

    Args:
        path: the file.
        key: the key path.
    """
    try:
        lines = read(path)[1]
    except ConfigError:  # it was changed since
        lines = {}
    return place(str(path), lines, key)


def resolve(
    raw: Config,
    *,
    source: str = "config",
    lines: dict[tuple[str | int, ...], int] | None = None,
    today: dt.date | None = None,
) -> Config:
    """Check a config and fill in its defaults; the argument is left as it was.

    Args:
        raw: the mapping as YAML gives it, dates as dates or ISO strings.
        source: file name for messages.
        lines: line of each key path.
        today: the date that counts as today (default: the clock's, UTC).

    Returns:
        A new mapping with every key of the schema, dates as `datetime.date`.

    Raises:
        ConfigError: one paragraph per problem.
    """
    config: Config = _plain(copy.deepcopy(raw))
    config_schema = _schema(markets.market_of(config))
    problems = Problems(source, lines or {})
    problems.check_schema(config, config_schema)
    problems.raise_if_any()
    _fill(config, config_schema)
    _check_meaning(config, problems, today or dt.datetime.now(dt.UTC).date())
    problems.raise_if_any()
    for key in ("date_start_local", "date_end_local"):
        config[key] = dt.date.fromisoformat(config[key])
    return config


def _plain(value: Any) -> Any:
    """Return a value with dates as ISO strings, as JSON Schema needs them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    return value


def _fill(config: Config, node: dict[str, Any]) -> None:
    """Fill in a schema's defaults, depth first, in its order; whole floats of integer keys become integers."""
    branches = node.get("oneOf", ())
    chosen = branch_of(config, branches)
    if chosen is not None:
        _fill(config, branches[chosen])
    for key, sub in node.get("properties", {}).items():
        if key not in config and "default" in sub:
            config[key] = copy.deepcopy(sub["default"])
        if isinstance(config.get(key), dict):
            _fill(config[key], sub)
        elif sub.get("type") in ("integer", ["integer", "null"]) and isinstance(config.get(key), float):
            config[key] = int(config[key])


def _check_meaning(config: Config, problems: Problems, today: dt.date) -> None:
    """Add problems that a schema cannot express: dates out of order or in the future, and what the market family finds."""
    start, end = (dt.date.fromisoformat(config[f"date_{edge}_local"]) for edge in ("start", "end"))
    if start < FIRST_DATE:
        problems.add(("date_start_local",), f"{start} is before {FIRST_DATE}.", "Begin where there is data.")
    if start > end:
        problems.add(("date_start_local",), f"{start} is after date_end_local {end}.", "Swap the two dates.")
    if end > today:
        problems.add(("date_end_local",), f"{end} is in the future.", f"A backtest ends today ({today}) at the latest.")
    for key in ("output_dir", "cache_dir"):
        if odd := sorted(set(config.get(key, "")) & set(NOT_IN_FOLDERS)):
            what = f"holds {' '.join(odd)}, which Snakemake and the shell read as patterns."
            problems.add((key,), what, "Give the folder a plain name.")
    for file in markets.family_of(config["market"]).user_files(config):
        key_path = key_of(file, config)
        if problem := user_files.problem_of(file) if os.path.lexists(file) else None:
            problems.add(key_path, f"{file} cannot be read ({problem}).", "Name a plain file that you may read.")
        elif braces := set(file) & set("{}"):
            what = f"the name of the file holds {' '.join(sorted(braces))}, which Snakemake reads as a pattern."
            problems.add(key_path, what, "Give the file a plain name.")
    _check_urls(config, problems)
    problems.raise_if_any()
    markets.family_of(config["market"]).check(config, problems)


def _check_urls(config: Config, problems: Problems) -> None:
    """Add a problem for each URL that cannot be asked or opened: of every service of the family, and of the database."""
    for service in markets.family_of(config["market"]).services:
        for key in (key for key in config[service] if key.endswith("_url")):
            url = config[service][key]
            if fault := service_url_fault(url):
                remedy = "Write http:// or https://, a host, and a port up to 65535 if it needs one."
                problems.add((service, key), f"{masked_url(url)!r} {fault}.", remedy)
    url = config["database"]["url"]
    if fault := database_urls.url_fault(url):
        remedy = "Write for example sqlite:///backtests/tradewinds.db; special characters of a password are quoted (%40 for @)."
        problems.add(("database", "url"), f"{masked_url(url)!r} {fault}.", remedy)


def key_of(file: str, config: Mapping[str, Any]) -> KeyPath:
    """Return the key path of a user's file in a config: a key of its own, or one of a section, which may name its folder."""
    found: dict[KeyPath, Any] = {(name,): value for name, value in config.items() if name != "output_dir"}
    inside: dict[KeyPath, Any] = {}
    for name, section in config.items():
        inside |= {(name, key): value for key, value in section.items()} if isinstance(section, dict) else {}
    for path, value in (found | inside).items():
        if value == file:
            return path
    folders = Path(file).parents
    return next((path for path, value in inside.items() if isinstance(value, str) and Path(value) in folders), ())


def not_the_question(market: str) -> tuple[str, ...]:
    """List the keys of a market's configs that change no result: where files go, which services are asked, and how fast.

    Keys that only some markets have say so in the schema: `changes_results: false`.
    """
    keys = _schema(market)["properties"].items()
    own = [key for key, node in keys if not node.get("changes_results", True)]
    return ("database", "output_dir", "fetch", *markets.family_of(market).services, *own)


def question(config: Config) -> Config:
    """Return the part of a resolved config on which a result depends, without nulls (limits that are not set).

    A null stays where the key's default is another value: there it is a choice.
    """
    left_out = not_the_question(config["market"])
    kept = {key: value for key, value in config.items() if key not in left_out}
    return _chosen(kept, _schema(config["market"]), lambda value, node: value is None and node.get("default") is None)


def _chosen(section: Config, node: dict[str, Any], left_out: Callable[[Any, dict[str, Any]], bool]) -> Config:
    """Return a section of a config without some of its values.

    Args:
        section: the section.
        node: its schema; empty for one that may hold anything.
        left_out: whether a value with this schema is left out.
    """
    branches = node.get("oneOf", ())
    chosen = branch_of(section, branches)
    known = {**node.get("properties", {}), **({} if chosen is None else branches[chosen]["properties"])}
    found: Config = {}
    for key, value in section.items():
        if isinstance(value, dict):
            found[key] = _chosen(value, known.get(key, {}), left_out)
        elif not left_out(value, known.get(key, {})):
            found[key] = value
    return found


def digest(value: Any) -> str:
    """Return the SHA-256 (hex) of a value's canonical JSON: dates as ISO text, numbers in their shortest form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_iso)
    return hashlib.sha256(text.encode()).hexdigest()


def _iso(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not belong in a config")


def run_id(config: Config) -> str:
    """Return the run id of a resolved config: the UUIDv5 of its question, so that the same question is the same run.

    A key whose schema says `default_in_run_id: false` came later than the first runs. Its default is left out, so that configs
    that do not have the key keep their run id; the digest of the code replays their runs.
    """

    def is_later_default(value: Any, node: dict[str, Any]) -> bool:
        return not node.get("default_in_run_id", True) and value == node["default"]

    asked = _chosen(question(config), _schema(config["market"]), is_later_default)
    return str(uuid.uuid5(_RUN_NAMESPACE, digest(_numbers(asked))))


def _numbers(value: Any) -> Any:
    """Return a value whose whole floats are integers: 1000 and 1000.0 ask the same question."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
