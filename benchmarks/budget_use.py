"""How well the shared request budget is used: four processes, arrivals counted in every 1-second window."""

import multiprocessing
import tempfile
import time
from pathlib import Path

from tradewinds.sources.budget import Budget

RATE, WORKERS, EACH = 20, 4, 60


def _work(folder, stamps):
    budget = Budget("http://127.0.0.1:1", RATE, WORKERS, folder=Path(folder))
    for _ in range(EACH):
        with budget.slot() as permission:
            stamps.append(time.monotonic())
            permission.answered()


def measure() -> dict:
    """Most requests in any second, and the share of the allowed rate that was used."""
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Manager() as manager:
        stamps = manager.list()
        workers = [multiprocessing.Process(target=_work, args=(folder, stamps)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        times = sorted(stamps)
    worst = max(sum(start <= t < start + 1 for t in times) for start in times)
    # the first second's worth is at hand at once: use is what flows after it
    use = (len(times) - RATE) / (times[-1] - times[RATE - 1]) / RATE
    return {"limit": RATE, "most_in_a_second": worst, "use": use}
