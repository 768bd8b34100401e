"""The client of a service that a job may call, made from what the run's environment says of the service."""

from __future__ import annotations

import datetime as dt
import json
import os

from tradewinds.core.environment import FETCH, SERVICES
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.sources.endpoint import NO_TEXTS, Endpoint, ServiceTexts
from tradewinds.sources.http import HttpClient, Signer


def client_for(name: str, *, texts: ServiceTexts = NO_TEXTS, signer: Signer | None = None) -> HttpClient:
    """A client for a service.

    Args:
        name: the service's section of the config.
        texts: what the service says in words of its own.
        signer: makes the headers that authenticate a request, if the service needs them.

    Raises:
        DataMissing: fetching is off.
        ConfigError: the workflow did not say where the service is.
    """
    if os.environ.get(FETCH) == "never":
        raise DataMissing("fetching is off, and a job wanted to fetch.", remedy="Set fetch: auto or use --auto-fetch.")
    if SERVICES not in os.environ:
        raise ConfigError(f"{SERVICES} is not set.", remedy="Fetch scripts are started by the workflow.")
    endpoint = Endpoint(**json.loads(os.environ[SERVICES])[name])
    return HttpClient(endpoint, texts=texts, signer=signer)


def utc_now() -> dt.datetime:
    """The current time in UTC, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
