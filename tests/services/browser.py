"""A real Chromium, headless, that may open files of this machine and nothing else.

Without `chromium` tests skip and say how to get it; in CI (CI=true) they fail.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_GET_IT = "no chromium on this machine; Debian: apt-get install chromium (scripts/services.sh does it)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(HOW_TO_GET_IT)
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # root has none
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=sandbox)
        yield running
        running.close()
