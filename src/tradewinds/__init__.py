"""Tradewinds: reproducible backtests as a graph of files.

`import tradewinds as tw` offers configs, runs and sweeps (docs/python.md). Names are imported when they are used; this module
imports nothing else, because every command and every job imports it.
"""

import sys

if sys.platform == "win32":
    raise ImportError(
        "Tradewinds does not run on Windows itself: it locks and replaces files as Linux and macOS do. "
        "Install it in WSL, the Linux that comes with Windows: `wsl --install`, then `pip install` there."
    )

TYPE_CHECKING = False  # type checkers take it for true, as the one of typing
if TYPE_CHECKING:
    from tradewinds.core.errors import (
        ConfigError,
        DamagedFile,
        DatabaseError,
        DataMissing,
        FetchError,
        NothingLoaded,
        SimulationError,
        TradewindsError,
    )
    from tradewinds.session.comparing import RunComparison, compare
    from tradewinds.session.finished_run import Run
    from tradewinds.session.making import load, run, runs
    from tradewinds.session.settings import Config
    from tradewinds.session.sweeping import SweepResult, WalkForwardResult, sweep, walk_forward

__version__ = "0.1.0"

_ERRORS, _SESSION = "tradewinds.core.errors", "tradewinds.session"
_MODULES = {
    **dict.fromkeys(("ConfigError", "DamagedFile", "DatabaseError", "DataMissing"), _ERRORS),
    **dict.fromkeys(("FetchError", "NothingLoaded", "SimulationError", "TradewindsError"), _ERRORS),
    **dict.fromkeys(("RunComparison", "compare"), f"{_SESSION}.comparing"),
    "Run": f"{_SESSION}.finished_run",
    **dict.fromkeys(("load", "run", "runs"), f"{_SESSION}.making"),
    "Config": f"{_SESSION}.settings",
    **dict.fromkeys(("SweepResult", "WalkForwardResult", "sweep", "walk_forward"), f"{_SESSION}.sweeping"),
}

__all__ = [
    "Config",
    "ConfigError",
    "DamagedFile",
    "DataMissing",
    "DatabaseError",
    "FetchError",
    "NothingLoaded",
    "Run",
    "RunComparison",
    "SimulationError",
    "SweepResult",
    "TradewindsError",
    "WalkForwardResult",
    "__version__",
    "compare",
    "load",
    "run",
    "runs",
    "sweep",
    "walk_forward",
]


if not TYPE_CHECKING:  # for type checkers another name is an error

    def __getattr__(name):
        """Import a name of `__all__` when it is first used."""
        import importlib

        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the names that are offered."""
    return sorted(__all__)
