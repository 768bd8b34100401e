"""A user's own strategy file: how it is loaded, how its class is called, and what an error of it says.

The class has `on_decision(self, view)`, and if it wants `on_start(self, parameters)`; docs/strategies.md describes both.
"""

from __future__ import annotations

import copy
import functools
import os
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from tradewinds.core import time_limit, user_files
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.safe_text import shortened

if TYPE_CHECKING:
    from tradewinds.config.problems import Problems
    from tradewinds.engine.stepwise.step_caller import Moments

CLASS = "Strategy"
METHOD = "on_decision"
MOST_SAID = 300  # characters of an error of the user's code
LOAD_SECONDS = 10.0  # that loading a user's file may take
CALL_SECONDS = 30.0  # that a call of its class may take
_REMEDY = "See `tradewinds docs strategies`."


@functools.cache
def _module(path: str, changed_ns: int, seconds: float) -> types.ModuleType:
    """The module of a user's file.

    Args:
        path: of the file.
        changed_ns: time of its last change, so that a changed file is loaded again.
        seconds: that loading may take.
    """
    module = types.ModuleType(Path(path).stem)
    module.__file__ = path
    text = user_files.read_text(path, "the strategy file", "Give the path of a Python file.")
    try:
        with time_limit.limit(seconds, path, ConfigError.exit_code):
            # The user asked for their own code to be executed.
            exec(compile(text, path, "exec"), module.__dict__)
    except SyntaxError as error:
        raise ConfigError(f"line {error.lineno}: {error.msg}.", where=path, remedy="Python cannot read it.") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise anything, also sys.exit; the message names its line
        remedy = 'The file must be importable by itself: put what a script does under if __name__ == "__main__".'
        raise ConfigError(problem_of(error, path, seconds), where=path, remedy=remedy) from None
    return module


def module_of(path: str, seconds: float) -> types.ModuleType:
    """The module of a user's file.

    Args:
        path: of the file.
        seconds: that loading it may take.

    Raises:
        ConfigError: there is no such file, or it cannot be read as Python.
    """
    file = Path(path)
    if not os.path.lexists(file):
        raise ConfigError("there is no such file.", where=path, remedy="Give the path of a Python file.")
    user_files.check_plain(file, "the strategy file", "Give the path of a Python file.")
    return _module(path, file.stat().st_mtime_ns, seconds)


def forget() -> None:
    """Forget the modules of all users' files, so that each is loaded anew."""
    _module.cache_clear()


def class_of(module: types.ModuleType) -> type | None:
    """The class of a user's file; None if it has none.

    Args:
        module: of the file.

    Raises:
        ConfigError: it has a Strategy that is no class, or that has no method on_decision.
    """
    found = getattr(module, CLASS, None)
    if found is None:
        return None
    if not isinstance(found, type) or not callable(getattr(found, METHOD, None)):
        what = f"its {CLASS} is no class with a method {METHOD}(self, view)."
        raise ConfigError(what, where=str(module.__file__), remedy=_REMEDY)
    return found


def class_in(path: str) -> type:
    """The class of a user's file, in a market whose strategies of one's own are classes.

    Args:
        path: of the file.

    Raises:
        ConfigError: there is no such file, it cannot be read as Python, or it has no such class.
    """
    found = class_of(module_of(path, LOAD_SECONDS))
    if found is None:
        what = f"it has no class {CLASS} with a method {METHOD}(self, view)."
        raise ConfigError(what, where=path, remedy=f"Write one. {_REMEDY}")
    return found


def caller_of(strategy: Mapping[str, Any]) -> Callable[[], ClassCaller]:
    """What makes the callers of a config's own strategy, one for each replay; raises as `class_in`.

    Each replay asks for the class again: `forget` has the file loaded anew, also for a run whose rules were made before.

    Args:
        strategy: the config's section `strategy`, which names a file.
    """
    path, parameters = strategy["file"], strategy["parameters"] or {}
    class_in(path)
    return lambda: ClassCaller(class_in(path), parameters, path, CALL_SECONDS)


def is_own(config: Mapping[str, Any]) -> bool:
    """Whether a config's strategy is the user's own, from a file.

    Args:
        config: resolved, or of a run of before the key `strategy.file`.
    """
    return config["strategy"].get("file") is not None


def note_problems(strategy: Mapping[str, Any], problems: Problems) -> None:
    """Note what is wrong with the file of a config's own strategy.

    Args:
        strategy: the config's section `strategy`, which names a file.
        problems: collects what is wrong, each with its key.
    """
    try:
        class_in(strategy["file"])
    except ConfigError as error:
        problems.add(("strategy", "file"), f"{strategy['file']}: {error.what}", error.remedy)


class ClassCaller:
    """Calls a user's class, for one replay (a StepCaller of the engine).

    Args:
        made_of: the class.
        parameters: what `on_start` is given.
        path: of the file, for errors.
        seconds: that a call may take.

    Attributes:
        every_decision_time: it is called at all decision times; else only where something visible has changed.
        decide: calls on_decision with what is visible, and returns a list; raises SimulationError where the user's code
            failed. Set by `start`.
    """

    decide: Callable[[Any], Sequence[Any]]
    _on_decision: Callable[[Any], Any]

    def __init__(self, made_of: type, parameters: Mapping[str, Any], path: str, seconds: float) -> None:
        self._class, self._parameters, self._path, self._seconds = made_of, parameters, path, seconds
        self.every_decision_time = bool(getattr(made_of, "every_decision_time", False))
        self._watch = time_limit.CallWatch(seconds, path, SimulationError.exit_code)

    def watched(self) -> time_limit.CallWatch:
        """A block in which a call that takes too long is ended."""
        return self._watch

    def start(self) -> None:
        """Make the strategy, and call its on_start.

        Raises:
            SimulationError: the user's code failed.
        """
        self._watch.call = self
        try:
            strategy = self._class()
            if callable(getattr(strategy, "on_start", None)):
                strategy.on_start(copy.deepcopy(dict(self._parameters)))
            self._on_decision = getattr(strategy, METHOD)
            self.decide = self._decider(self._on_decision)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the user's code may raise anything, also sys.exit
            raise self._failed(error, "on_start") from None
        finally:
            self._watch.call = None

    def _decider(self, on_decision: Callable[[Any], Any]) -> Callable[[Any], Sequence[Any]]:
        """Return what calls on_decision, and returns what that returned as a list.

        It is called a million times in a run: a function of its own, which looks nothing up.

        Args:
            on_decision: of the user's class.
        """
        watch = self._watch

        def decide(view: Any) -> Sequence[Any]:
            watch.call = view
            try:
                wishes = on_decision(view)
                if wishes is None:
                    watch.call = None
                    return ()
                wishes = _as_list(wishes)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the user's code may raise anything, also sys.exit
                watch.call = None
                raise self._failed(error, METHOD) from None
            watch.call = None
            return wishes

        return decide

    def decide_until(self, moments: Moments, view: Any) -> Sequence[Any] | None:
        """Call on_decision at decision times in a row, up to the first at which the loop has something to do (StepCaller).

        Args:
            moments: the decision times.
            view: what is visible; the same object at all of them.

        Raises:
            SimulationError: the user's code failed.
        """
        watch, on_decision, (each, left) = self._watch, self._on_decision, moments
        watch.number = watch.call = left
        references = getrefcount(view)
        try:
            for _ in each:
                wishes = on_decision(view)
                if wishes is not None:
                    return _as_list(wishes)
                if getrefcount(view) != references:  # it was kept
                    return ()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the user's code may raise anything, also sys.exit
            raise self._failed(error, METHOD) from None
        finally:
            watch.call = None
        return None

    def problem(self, what: str) -> SimulationError:
        """The error for orders that cannot be meant.

        Args:
            what: what was returned.
        """
        return SimulationError(f"{METHOD} returned {what}.", where=self._path, remedy=_REMEDY)

    def _failed(self, error: BaseException, method: str) -> SimulationError:
        """The error for a failure of the user's code."""
        problem = problem_of(error, self._path, self._seconds)
        return SimulationError(problem, where=self._path, remedy=f"It happened in {method}. {_REMEDY}")


def _as_list(wishes: Any) -> list[Any]:
    """What on_decision returned as a list; it is called in the user's time: a generator is the user's code as well."""
    if type(wishes) is list:
        return wishes
    return [wishes] if hasattr(wishes, "_fields") else list(wishes)  # one order alone is a tuple itself


def problem_of(error: BaseException, path: str, seconds: float) -> str:
    """What a user's code did, as a sentence that names its line.

    Args:
        error: what it raised.
        path: of the file.
        seconds: how long it was allowed to take.
    """
    line = _line_of(error, path)
    if isinstance(error, time_limit.OutOfTime):
        return f"{line}it was still busy after {seconds:.0f} s."
    if isinstance(error, SystemExit):
        return f"{line}it ends the program (sys.exit)."
    return f"{line}{type(error).__name__}: {shortened(str(error), MOST_SAID)}."


def _line_of(error: BaseException, path: str) -> str:
    """`line N: ` of a user's file in which an error was raised, "" if in none."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"line {lines[-1]}: " if lines else ""
