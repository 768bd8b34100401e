"""The common workload in other engines. Each module is one process in an environment of its own (requirements-*.txt):

    python -m benchmarks.peers.plain_loop FOLDER

It is started from the repository's root, so that a module here does not hide the package of the same name.
"""

import time

STARTED = time.perf_counter()  # before any engine is imported
