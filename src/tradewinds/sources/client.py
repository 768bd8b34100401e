"""The client of a service that jobs may call, made from the environment that the run gave them."""

from __future__ import annotations

import datetime as dt
import json
import os

from tradewinds.core.environment import FETCH, SERVICES
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.families.kalshi_weather.fetch.signing import signer_from_environment
from tradewinds.sources.http import HttpClient, Service


def client_for(name: str) -> HttpClient:
    """A client for the service `kalshi`, `iem` or `yahoo`.

    Raises:
        DataMissing: fetching is off. ConfigError: the workflow did not say where the service is.
    """
    if os.environ.get(FETCH) == "never":
        raise DataMissing("fetching is off, and a job wanted to fetch.", remedy="Set fetch: auto or use --auto-fetch.")
    if SERVICES not in os.environ:
        raise ConfigError(f"{SERVICES} is not set.", remedy="Fetch scripts are started by the workflow.")
    service = Service(**json.loads(os.environ[SERVICES])[name])
    return HttpClient(service, signer=signer_from_environment() if name == "kalshi" else None)


def utc_now() -> dt.datetime:
    """The instant that a fetch calls now, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
