"""Cost and effect of a limiter inside one process (the `ratelimit` package), instead of and below the shared budget.

Prints a line of JSON for each way to limit, allowed rate and number of processes: use of the allowed rate while there is
work, and the most requests in any window (of whole requests: 1 s at 3/s, 0.8 s at 2.5/s, 4 s at 0.25/s). It takes nine
minutes.
"""

import functools
import json
import multiprocessing
import tempfile
import time
from pathlib import Path

from ratelimit import limits, sleep_and_retry

from tradewinds.sources.budget import Budget

URL = "http://127.0.0.1:1"
RATES = {20.0: 200, 3.0: 45, 2.5: 40, 0.25: 8}  # allowed requests per second: number of requests that are sent
PROCESSES = (1, 4)


def _budget(rate: float, folder: Path, *, ceiling: bool) -> Budget:
    """Return a budget of some rate, with or without the ceiling of its process."""
    budget = Budget(URL, rate, 4, folder=folder)
    if not ceiling:
        budget._permit = budget._note_permission
    return budget


def _spend(budget: Budget, stamps) -> None:
    """Send one request whose answer begins at once, and note its instant."""
    with budget.slot() as permission:
        stamps.append(time.monotonic())
        permission.answered()


def budget_alone(rate, folder, stamps):
    """Return a function that sends a request, paced by the budget."""
    return functools.partial(_spend, _budget(rate, folder, ceiling=False), stamps)


def budget_and_ceiling(rate, folder, stamps):
    """Return a function that sends a request, paced by the budget with the ceiling of the process."""
    return functools.partial(_spend, _budget(rate, folder, ceiling=True), stamps)


def decorator_before_the_budget(rate, folder, stamps):
    """Return a function that sends a request, paced by the package's plain decorator and then by the budget."""
    return sleep_and_retry(limits(calls=rate, period=1)(budget_alone(rate, folder, stamps)))


def decorator_alone(rate, folder, stamps):
    """Return a function that sends a request, paced by the package's plain decorator `limits(calls=rate, period=1)`."""
    return sleep_and_retry(limits(calls=rate, period=1)(lambda: stamps.append(time.monotonic())))


def file_lost_budget_alone(rate, folder, stamps):
    """Return a function that deletes the budget's shared file and sends a request, paced by the budget."""
    return functools.partial(_forget_and_spend, _budget(rate, folder, ceiling=False), stamps)


def file_lost_budget_and_ceiling(rate, folder, stamps):
    """Return a function that deletes the budget's shared file and sends a request, paced by budget and ceiling."""
    return functools.partial(_forget_and_spend, _budget(rate, folder, ceiling=True), stamps)


def _forget_and_spend(budget: Budget, stamps) -> None:
    """Delete the budget's shared file, then send one request."""
    (budget.folder / "stamps").unlink(missing_ok=True)
    _spend(budget, stamps)


WAYS = [
    budget_alone,
    budget_and_ceiling,
    decorator_before_the_budget,
    decorator_alone,
    file_lost_budget_alone,
    file_lost_budget_and_ceiling,
]


def _work(way, rate, folder, count, ready, stamps):
    """Send `count` requests in one process, in one of the ways to limit."""
    send = way(rate, folder, own := [])
    ready.wait()
    for _ in range(count):
        send()
    stamps.extend(own)


def measure(way, rate: float, processes: int) -> dict:
    """Send requests from several processes in one of the ways to limit.

    Returns:
        The most requests in any window of n / rate seconds, and the use of the allowed rate after the first window.
    """
    count, at_once = RATES[rate], max(1, int(rate))
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Manager() as manager:
        stamps, ready = manager.list(), multiprocessing.Barrier(processes)
        share = count // processes
        workers = [
            multiprocessing.Process(target=_work, args=(way, rate, Path(folder), share, ready, stamps))
            for _ in range(processes)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        times = sorted(stamps)
    window = at_once / rate
    worst = max(sum(start <= t < start + window for t in times) for start in times)
    flow = (len(times) - at_once) / max(times[-1] - times[at_once - 1], 1e-3)
    return {"allowed_in_a_window": at_once, "most_in_a_window": worst, "use": round(flow / rate, 3)}


def main() -> None:
    """Measure every way, rate and number of processes, and print a line each."""
    for processes in PROCESSES:
        for way in WAYS:
            for rate in RATES:
                row = {"way": way.__name__, "processes": processes, "rate": rate, **measure(way, rate, processes)}
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
