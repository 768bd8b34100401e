"""Use of the shared request budget by four processes, and the most requests in any window of a second."""

import multiprocessing
import tempfile
import time
from pathlib import Path

from tradewinds.sources.budget import Budget

RATE, WORKERS, EACH = 20, 4, 60


def _work(folder, stamps):
    """Send EACH requests under the budget and note the instant of each in `stamps`."""
    budget = Budget("http://127.0.0.1:1", RATE, WORKERS, folder=Path(folder))
    for _ in range(EACH):
        with budget.slot() as permission:
            stamps.append(time.monotonic())
            permission.answered()


def measure() -> dict:
    """Return the most requests in any second, and the share of the allowed rate that was used."""
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Manager() as manager:
        stamps = manager.list()
        workers = [multiprocessing.Process(target=_work, args=(folder, stamps)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        times = sorted(stamps)
    worst = max(sum(start <= t < start + 1 for t in times) for start in times)
    # the requests of the first second are permitted at once: use is measured after them
    use = (len(times) - RATE) / (times[-1] - times[RATE - 1]) / RATE
    return {"limit": RATE, "most_in_a_second": worst, "use": use}
