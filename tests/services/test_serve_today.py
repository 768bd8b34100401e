"""The page of open events, as a user starts it: against a server of an archive whose clock stands still."""

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
import yaml

from tests.services import small_world, web
from tests.services.browser import chromium as chromium
from tests.workflow.harness import CHICAGO
from tradewinds.archive.clock import ServerClock
from tradewinds.archive.server import running_server
from tradewinds.core.errors import FetchError
from tradewinds.serve.today import EVERY_SECONDS, Boards

NOW = dt.datetime(2025, 1, 1, 18, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    archive = small_world.archive(tmp_path_factory.mktemp("archive") / "a")
    with running_server(archive, clock=ServerClock(NOW, speed=0)) as server:
        yield server


@pytest.fixture(scope="module")
def address(exchange, tmp_path_factory):
    """The address of the page; the folder has no database."""
    folder = tmp_path_factory.mktemp("desk")
    services = {name: {"base_url": exchange.urls[name], "requests_per_second": 400} for name in ("kalshi", "iem")}
    config = {**CHICAGO, "series_tickers": [small_world.SERIES], "date_start_local": "2024-12-30", **services}
    config |= {"date_end_local": "2025-01-02", "asof_policy": {"mode": "latest"}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    with started(folder, "--today", "mine.yaml") as url:
        yield url


@contextlib.contextmanager
def started(folder, *arguments):
    command = [*web.command("--port", "0", *arguments)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("serving http://") and "/today · Ctrl-C stops" in line
            yield line.split()[1]
            process.send_signal(signal.SIGINT)
            assert process.wait(web.PATIENCE_SECONDS) == 0
        finally:
            process.kill()


def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=web.PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_the_page_and_the_api_show_the_same_board(address, exchange):
    status, page = ask(address)
    assert status == 200 and "KXHIGHCHI-25JAN01" in page and "KXHIGHCHI-25JAN02" in page
    assert "observed maximum so far" in page and "No order is sent" in page and '<a href="/today"' in page
    asked = len(exchange.requests)
    board = json.loads(ask(address.replace("/today", "/api/today"))[1])
    assert board["now_utc"] == "2025-01-01T18:00:00Z" and board["problem"] is None
    assert len(exchange.requests) == asked, "the board is made anew at most once a minute"
    for event in board["events"]:
        for row in event["brackets"]:
            assert row["bracket"] in page and f"{float(row['p_yes']):.3f}" in page


def test_the_other_pages_say_that_there_is_no_database(address):
    status, page = ask(address.replace("/today", "/"))
    assert status == 503 and "Today" in page and "Traceback" not in page


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")])
def test_it_fits_a_phone_and_a_desk(address, chromium, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page, problems = context.new_page(), []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width and problems == []
    assert page.locator("nav.top a[aria-current=page]").inner_text() == "Today"
    assert page.locator("table").count() >= 2
    context.close()


def test_a_board_is_kept_for_a_minute_and_outlives_a_failure():
    """Many that look at the page ask for one board; one that cannot be made anew is shown with its reason."""
    seconds, made = [0.0], []

    def make():
        made.append(len(made))
        if len(made) == 3:
            raise FetchError("gone.", where="the exchange")
        return {"now_utc": f"{len(made)}"}

    boards = Boards(make, "mine.yaml", clock=lambda: seconds[0])
    assert boards.current() == ({"now_utc": "1"}, "") and boards.current()[0] == {"now_utc": "1"}
    seconds[0] = EVERY_SECONDS
    assert boards.current() == ({"now_utc": "2"}, "")
    seconds[0] = 2 * EVERY_SECONDS
    assert boards.current() == ({"now_utc": "2"}, "the exchange: gone.") and len(made) == 3
    seconds[0] = 3 * EVERY_SECONDS
    assert boards.current() == ({"now_utc": "4"}, "")


def test_without_a_first_board_the_failure_is_the_answer():
    def gone():
        raise FetchError("gone.")

    boards = Boards(gone, "mine.yaml")
    for _ in range(2):
        with pytest.raises(FetchError, match="gone"):
            boards.current()


def test_a_config_of_another_market_is_refused(tmp_path):
    (tmp_path / "shares.yaml").write_text(
        "market: equities_daily\nuniverse: [ALPHA]\ndate_start_local: 2022-01-03\ndate_end_local: 2022-12-30\n"
        "strategy: {name: Mean Reversion}\nbars: {source: synthetic}\n"
    )
    done = subprocess.run(
        web.command("--port", "0", "--today", "shares.yaml"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "today is for kalshi_weather" in done.stderr
