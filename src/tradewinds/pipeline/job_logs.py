"""The logs of jobs that run in a process which has loggers of its own, such as a notebook."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

from tradewinds.core.masked_logs import MaskingFormatter
from tradewinds.pipeline.result_jobs import ResultJob


@contextlib.contextmanager
def logged(job: ResultJob) -> Iterator[None]:
    """While the block runs, write what the package logs into the job's log and the run's, as `jobs.log_to` does for a process.

    The loggers of the process stay as they are: outside the package nothing is changed, and afterwards nothing at all.

    Args:
        job: whose log is begun anew; the run's log is appended to.
    """
    own = MaskingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    job.log.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [logging.FileHandler(job.log, mode="w", encoding="utf-8")]
    handlers[0].setFormatter(own)
    if job.run_log:
        job.run_log.parent.mkdir(parents=True, exist_ok=True)
        appended = logging.FileHandler(job.run_log, mode="a", encoding="utf-8")
        formatter = MaskingFormatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        appended.setFormatter(formatter)
        handlers.append(appended)
    logger = logging.getLogger("tradewinds")
    before = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False  # a handler of the process would show every line of detail
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(before[0])
        logger.propagate = before[1]
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
