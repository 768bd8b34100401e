"""The client of a service that a job may call, made from what the run's environment says of the service."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tradewinds.core.environment import FETCH, SERVICES
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.sources.allowances import Allowance
from tradewinds.sources.budget import Budget
from tradewinds.sources.deadline import Connected, session_with_deadline
from tradewinds.sources.endpoint import NO_TEXTS, Endpoint, ServiceTexts
from tradewinds.sources.http import HttpClient, Signer
from tradewinds.sources.private_files import private_folder


def client_for(
    name: str,
    *,
    url_key: str = "base_url",
    texts: ServiceTexts = NO_TEXTS,
    allowances: Sequence[Allowance] = (),
    signer: Signer | None = None,
) -> HttpClient:
    """A client for a service.

    Args:
        name: the service's section of the config.
        url_key: the key of the section that has the root of the paths.
        texts: what the service says in words of its own.
        allowances: what the service counts beside the rate.
        signer: makes the headers that authenticate a request, if the service needs them.

    Raises:
        DataMissing: fetching is off.
        ConfigError: the workflow did not say where the service is.
    """
    section = settings_of(name)
    shared = {each.name: section[each.name] for each in dataclasses.fields(Endpoint) if each.name != "base_url"}
    endpoint = Endpoint(base_url=section[url_key], **shared)
    if _kept is None:
        return HttpClient(endpoint, texts=texts, allowances=allowances, signer=signer)
    # The place of the budget belongs to the key: another job may have another folder of temporary files.
    folder = private_folder()
    key = (endpoint, tuple(allowances), folder)
    if key not in _kept:
        rate, most = endpoint.requests_per_second, endpoint.max_connections
        budget = Budget(endpoint.base_url, rate, most, allowances=allowances, folder=folder)
        _kept[key] = session_with_deadline(), budget
    connected, budget = _kept[key]
    return HttpClient(endpoint, texts=texts, signer=signer, budget=budget, connected=connected)


_kept: dict[tuple[Endpoint, tuple[Allowance, ...], Path], tuple[Connected, Budget]] | None = None
"""The connections and the budget of each service; None in a process of one job."""


def keep_connections() -> None:
    """Let the clients that this process makes from now on share connections and budget of a service, one after the other.

    For a process that does several jobs: a new connection costs a round trip, and with TLS several and much arithmetic; and the
    budget's ceiling counts all requests of the process.
    """
    global _kept  # noqa: PLW0603 (a choice of the whole process, made once)
    _kept = {}


def settings_of(name: str) -> Mapping[str, Any]:
    """The settings of a service: its section of the config.

    Raises:
        DataMissing: fetching is off.
        ConfigError: the workflow did not say where the service is.
    """
    if os.environ.get(FETCH) == "never":
        raise DataMissing("fetching is off, and a job wanted to fetch.", remedy="Set fetch: auto or use --auto-fetch.")
    if SERVICES not in os.environ:
        raise ConfigError(f"{SERVICES} is not set.", remedy="Fetch scripts are started by the workflow.")
    section: Mapping[str, Any] = json.loads(os.environ[SERVICES])[name]
    return section


def utc_now() -> dt.datetime:
    """The current time in UTC, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
