"""User and namespaces of a process: only a command of the same ones can be a fork of the server."""

import os


def place() -> str:
    """Those of this process, as warm_python.c writes them."""
    spaces = [os.readlink(f"/proc/self/ns/{name}") for name in ("mnt", "net", "pid", "user")]  # noqa: PTH115 (no path)
    return " ".join([str(os.geteuid()), *spaces])
