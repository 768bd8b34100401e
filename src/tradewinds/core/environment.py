"""Names of the environment variables that a run's jobs read."""

from __future__ import annotations

SERVICES = "TRADEWINDS_SERVICES"
FETCH = "TRADEWINDS_FETCH"
SCRIPTS = "TRADEWINDS_SCRIPTS"
FAILURES = "TRADEWINDS_FAILURES"
HOLDS_FOLDER = "TRADEWINDS_HOLDS_FOLDER"
