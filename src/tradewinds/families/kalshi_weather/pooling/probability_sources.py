"""Which source makes a config's forecast, and which events it needs. It imports no numpy: every command's plan needs it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

POOLED = "pooled"
FILE, DISTRIBUTION = "file", "distribution"  # sources whose values the user brings
LATEST = "latest"


def base_of(probabilities: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of the source that makes the forecast: of a pool those of the source that is shrunk.

    Args:
        probabilities: the config's section `probabilities`, resolved.
    """
    if probabilities["source"] != POOLED:
        return probabilities
    own = {key: value for key, value in probabilities.items() if key != POOLED}
    return own | {"source": probabilities[POOLED]["of"]}


def users_file(probabilities: Mapping[str, Any]) -> str | None:
    """Path of the user's file from which the forecast is made; None where the project makes it.

    Args:
        probabilities: the config's section `probabilities`, resolved.
    """
    base = base_of(probabilities)
    return str(base["path"]) if base["source"] in (FILE, DISTRIBUTION) else None


def is_latest(config: Mapping[str, Any]) -> bool:
    """Whether decisions use the last probability known at their own time; else that of the as-of time.

    Args:
        config: resolved.
    """
    return bool(config["asof_policy"].get("mode") == LATEST)


def complete_asof_policy(policy: dict[str, Any]) -> None:
    """Leave out the mode `fixed`, which is the default; fill in when the trade window of `latest` begins: with the market.

    Args:
        policy: the config's section `asof_policy`, changed in place.
    """
    if policy.get("mode") == LATEST:
        policy.setdefault("local_time", "00:00")
        policy.setdefault("days_before", 1)
    else:
        policy.pop("mode", None)


def pool_of(probabilities: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The settings of the pool; None for a source that is none.

    Args:
        probabilities: the config's section `probabilities`, resolved.
    """
    pool: Mapping[str, Any] | None = probabilities[POOLED] if probabilities["source"] == POOLED else None
    return pool


def valid_until(probabilities: Mapping[str, Any], asof_ts: int) -> int | None:
    """The last decision time at which a probability may be used, in Unix seconds; None without a limit.

    Args:
        probabilities: the config's section `probabilities`, resolved.
        asof_ts: as-of time of the event; Unix seconds.
    """
    pool = pool_of(probabilities)
    minutes = pool["valid_minutes"] if pool else None
    return None if minutes is None else asof_ts + 60 * int(minutes)


def trained_from(config: Mapping[str, Any]) -> dt.date:
    """First climate date whose events the pool may be fitted to; date_start_local unless the config says another.

    Weights that the config names are not fitted: then no earlier event is needed, whatever `train_from` says.

    Args:
        config: resolved; its probabilities are pooled.
    """
    pool, first = config["probabilities"][POOLED], config["date_start_local"]
    named = None if pool["fixed"] else pool["train_from"]
    return first if named is None else dt.date.fromisoformat(named)


def on_dates(config: Mapping[str, Any], first: dt.date, last: dt.date) -> dict[str, Any]:
    """The config of a part of its climate dates, whose pool is fitted to the events that the whole config fits it to.

    Args:
        config: resolved.
        first: first climate date of the part.
        last: last one.
    """
    narrowed = {**config, "date_start_local": first, "date_end_local": last}
    if pool := pool_of(config["probabilities"]):
        trained = {**pool, "train_from": min(trained_from(config), last).isoformat()}
        narrowed["probabilities"] = {**config["probabilities"], POOLED: trained}
    return narrowed


def forecast_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config by which the forecast is made: with the source behind a pool, and the dates that the pool is fitted to.

    Args:
        config: resolved.
    """
    if pool_of(config["probabilities"]) is None:
        return config
    first = min(config["date_start_local"], trained_from(config))
    return {**config, "probabilities": base_of(config["probabilities"]), "date_start_local": first}
