"""Run command lines of the interpreter in forks of a process that has imported all that the commands import.

`python -P -m tests.warm.server SOCKET` serves until its standard input ends, and then removes the socket's folder.
warm_python.c sends command lines, and ends as they end. What a fork gets is what a new interpreter would have: arguments,
environment, working directory, open files, ignored signals, limits, a `__main__` of its own, its own random numbers. What
it has besides is imported modules, which hold what they hold after an import, but for the schemas of configs, the template of
reports and the names of installed modules (known_modules.py), which are there, and the functions that draw plots
(drawn_once.py), fit forecasts and build calendars (computed_once.py). Garbage is looked for less often.
Where that would not do, the fork becomes a real interpreter.
"""

from __future__ import annotations

import array
import atexit
import builtins
import contextlib
import fcntl
import gc
import importlib
import io
import itertools
import os
import random
import resource
import runpy
import select
import shutil
import signal
import socket
import struct
import sys
import threading
import time
import types
import typing
from pathlib import Path

from tests.warm import computed_once, drawn_once, known_modules

ROOT = Path(__file__).resolve().parents[2]
OTHERS = """
snakemake.cli snakemake.script numpy pandas pyarrow pyarrow.parquet pyarrow.csv pyarrow.compute duckdb sqlalchemy
sqlalchemy.dialects.sqlite sqlalchemy.dialects.mysql.pymysql alembic.command yaml jsonschema requests scipy.stats scipy.optimize
matplotlib.figure matplotlib.backends.backend_svg matplotlib.backends.backend_agg exchange_calendars jinja2 typer rich.console
rich.table rich.progress rich.live psutil fastapi uvicorn.main uvicorn.loops.auto uvicorn.protocols.http.auto
multiprocessing.util multiprocessing.popen_fork concurrent.futures.thread alembic.config pyarrow.dataset boto3.session
snakemake_executor_plugin_cluster_generic snakemake_executor_plugin_kubernetes snakemake_executor_plugin_slurm
snakemake_executor_plugin_slurm_jobstep snakemake_storage_plugin_s3 snakemake.report.html_reporter argparse_dataclass
docutils.core docutils.parsers.rst.directives.images docutils.writers nbformat dpath PIL.JpegImagePlugin pyarrow.acero netrc
"""
NOT_IMPORTED = ("tradewinds.cli.templates", "tradewinds.cli.__main__", "tradewinds.database.migrations")
NOT_SENSITIVE = (b"PYTHONPATH", b"PYTHONUNBUFFERED", b"PYTHONDONTWRITEBYTECODE", b"OPENBLAS_NUM_THREADS")
CUSTOM = "sitecustomize"  # imported by an interpreter at its start
MOST_FILES = 200
HEADER = struct.Struct(f"=QQ{2 * 16}Qiiii{MOST_FILES}i")  # struct message of warm_python.c
_FREE = 600  # above all numbers of files that a command has


def main() -> None:
    """Serve until standard input ends."""
    folder = Path(sys.argv[1]).parent
    os.chdir(folder)
    for name in OTHERS.split():
        importlib.import_module(name)
    for file in sorted((ROOT / "src/tradewinds").rglob("*.py")):
        name = ".".join(file.relative_to(ROOT / "src").with_suffix("").parts)
        if not name.startswith(NOT_IMPORTED):
            importlib.import_module(name.removesuffix(".__init__"))
    drawn_once.install(folder / "pictures")
    computed_once.install(folder / "computed")
    known_modules.install()
    for market in sys.modules["tradewinds.config.markets"].NAMES:
        sys.modules["tradewinds.config.resolve"].schema(market)  # it is kept
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "hatch_build")]:
        del sys.modules[name]  # a command has its own
    template = sys.modules["tradewinds.results.report.html"].template()  # it is kept, with the one that it imports
    template.environment.get_template("parts.html.j2")
    typing._cleanups.clear()  # a library empties typing's caches at its end: a third of the time of a short command
    pristine = dict(os.environb)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # Snakemake makes none, and would look for it often
    connection = serve(sys.argv[1])
    if connection:
        run(connection, pristine)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def serve(path: str) -> socket.socket | None:
    """Fork for each connection; return it in the fork, and None in the server once its standard input has ended."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(100)
    os.rename(path + ".new", path)  # noqa: PTH104 (complete from its first moment)
    ended, write = os.pipe()
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    running: dict[int, socket.socket] = {}
    events = select.poll()
    for handle in (0, ended, listener.fileno()):
        events.register(handle, select.POLLIN)
    while True:
        ready = {handle for handle, _ in events.poll()}
        # A client that was killed takes its command with it, and all go with the end of the tests.
        for process, connection in running.items():
            if 0 in ready or connection.fileno() in ready:
                os.kill(process, signal.SIGKILL)
        if 0 in ready:
            return None
        if ended in ready:
            os.read(ended, 512)
            reap(running, events)
        if listener.fileno() in ready:
            connection, _ = listener.accept()
            process = os.fork()
            if not process:
                signal.set_wakeup_fd(-1)
                for handle in (listener.detach(), ended, write, *(other.detach() for other in running.values())):
                    os.close(handle)
                return connection
            running[process] = connection
            events.register(connection, select.POLLRDHUP)  # a client sends nothing more: what comes is its end
            with contextlib.suppress(OSError):  # it was killed: the connection's end is next
                connection.send(struct.pack("=i", process))


def reap(running: dict[int, socket.socket], events: select.poll) -> None:
    """Tell the clients of ended commands how they ended."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            connection = running.pop(ended[0])
            events.unregister(connection)
            with contextlib.suppress(OSError):
                connection.send(struct.pack("=i", ended[1]))
            connection.close()


def receive(connection: socket.socket) -> tuple[tuple[int, ...], list[int], list[bytes]]:
    """What a client sends: the numbers of its message, its open files, and its texts."""
    data, ancillary, _, _ = connection.recvmsg(HEADER.size, socket.CMSG_SPACE(4 * MOST_FILES))
    files = array.array("i")
    for _, _, found in ancillary:
        files.frombytes(found)
    while len(data) < HEADER.size:
        data += connection.recv(HEADER.size - len(data))
    numbers = HEADER.unpack(data)
    text = b""
    while len(text) < numbers[0]:
        text += connection.recv(numbers[0] - len(text))
    return numbers, list(files), text.split(b"\0")[:-1]


def run(connection: socket.socket, pristine: dict[bytes, bytes]) -> None:
    """Become the command of a client, and end."""
    numbers, files, texts = receive(connection)
    connection.close()
    ignored, limits, (arguments, umask, nice, count) = numbers[1], numbers[2:34], numbers[34:38]
    folder, argv, variables = texts[0], texts[1 : arguments + 1], texts[arguments + 1 :]
    environment = dict(variable.split(b"=", 1) for variable in variables)

    # What the kernel keeps for a process.
    place_files(files, numbers[38 : 38 + count])
    os.setpgid(0, 0)
    os.umask(umask)
    os.nice(nice - os.nice(0))
    for n in range(16):
        soft, hard = (-1 if value == 2**64 - 1 else value for value in limits[2 * n : 2 * n + 2])
        if resource.getrlimit(n) != (soft, hard):
            resource.setrlimit(n, (soft, hard))
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            ignore = ignored >> number & 1 or number in (signal.SIGPIPE, signal.SIGXFSZ)
            signal.signal(number, signal.SIG_IGN if ignore else signal.SIG_DFL)
    if not ignored >> signal.SIGINT & 1:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)

    # What the interpreter reads at its start: where it would read something else, start it.
    words = [os.fsdecode(word) for word in argv]
    options = set(itertools.takewhile(("-P", "-u").__contains__, words))
    paths = own_paths(environment)
    if paths is None or ("-P" not in options and shadows(words)) or sensitive(environment) != sensitive(pristine):
        real = os.fsdecode(environment[b"WARM_PYTHON_REAL"])
        os.execve(real, [real, *words], environment)
    os.environb.clear()
    os.environb.update(environment)
    time.tzset()
    random.seed()
    sys.modules["numpy"].random.seed()
    open_streams("-u" in options or bool(environment.get(b"PYTHONUNBUFFERED")))
    execute(list(itertools.dropwhile(("-P", "-u").__contains__, words)), "-P" in options, paths)


def place_files(files: list[int], numbers: tuple[int, ...]) -> None:
    """Give received files the numbers they had, and close what else is below."""
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, _FREE) for file in files]
    os.closerange(0, _FREE)
    for file, number in zip(high, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)


def own_paths(environment: dict[bytes, bytes]) -> list[str] | None:
    """The folders of PYTHONPATH, if they are those of this clone, or have nothing but a module for the start."""
    paths = [path for path in os.fsdecode(environment.get(b"PYTHONPATH", b"")).split(os.pathsep) if path]
    others = [path for path in paths if str(Path(path).resolve()) not in (str(ROOT), str(ROOT / "src"))]
    return paths if all(customizes(Path(path)) for path in others) else None


def customizes(folder: Path) -> bool:
    """Whether a folder has the module that an interpreter imports first, and no other."""
    return folder.is_dir() and {path.name for path in folder.iterdir()} - {"__pycache__"} == {f"{CUSTOM}.py"}


def shadows(words: list[str]) -> bool:
    """Whether the folder that an interpreter would look into first has modules of the names of imported ones."""
    word = next(word for word in words if word not in ("-P", "-u"))
    first = Path() if word.startswith("-") else Path(word).resolve().parent
    return any(name.split(".")[0] in sys.modules for name in os.listdir(first))  # noqa: PTH208 (names alone)


def sensitive(environment: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """What the interpreter and the imported modules read of the environment at their start."""
    names = (b"PYTHON", b"LC_", b"LANG", b"MPL", b"HOME", b"OPENBLAS", b"ARROW", b"XDG_CONFIG")
    return {name: value for name, value in environment.items() if name.startswith(names) and name not in NOT_SENSITIVE}


def open_streams(unbuffered: bool) -> None:
    """Open the three standard streams as an interpreter does."""
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        stream = None
        with contextlib.suppress(OSError):  # a closed one is None
            raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
            buffered = io.BufferedReader(raw) if number == 0 else raw if unbuffered else io.BufferedWriter(raw)
            stream = io.TextIOWrapper(
                buffered,
                encoding=getattr(sys, f"__{name}__").encoding,
                errors=getattr(sys, f"__{name}__").errors,
                line_buffering=not unbuffered and (number == 2 or raw.isatty()),
                write_through=unbuffered,
            )
            stream.mode = "r" if number == 0 else "w"
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def execute(words: list[str], safe: bool, paths: list[str]) -> None:
    """Run -m, -c or a script as the main module, and end as the interpreter would."""
    base = [path for path in sys.path if path not in (str(ROOT), str(ROOT / "src"))]
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins
    sys.modules["__main__"] = module
    sys.orig_argv = [os.environ["WARM_PYTHON"], *words]
    sys.executable = os.environ["WARM_PYTHON"]
    code = 0
    try:
        if words[0] == "-m":
            sys.argv, first = ["-m", *words[2:]], os.getcwd()  # noqa: PTH109 (as runpy has it)
        elif words[0] == "-c":
            sys.argv, first = ["-c", *words[2:]], ""
        else:
            sys.argv, first = words, str(Path(words[0]).resolve().parent)
        package = str(ROOT / "src")  # last, where the installed package's own line puts it
        sys.path[:] = [*([] if safe else [first]), *paths, *base, *([] if package in paths else [package])]
        if any(customizes(Path(path)) for path in paths):
            sys.modules.pop(CUSTOM, None)
            importlib.import_module(CUSTOM)
        if words[0] == "-m":
            runpy._run_module_as_main(words[1])
        else:
            name = "<string>" if words[0] == "-c" else words[0]
            if name != "<string>":
                module.__file__ = name
            source = words[1] if words[0] == "-c" else Path(name).read_bytes()
            exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if ended.code is not None and not isinstance(ended.code, int):
            print(ended.code, file=sys.stderr)
    except BaseException as error:
        error = error.with_traceback(error.__traceback__.tb_next)
        sys.excepthook(type(error), error, error.__traceback__)
        code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    finish(code)


def finish(code: int) -> None:
    """End this process as an interpreter does."""
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        code = code or 120
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    if code == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
