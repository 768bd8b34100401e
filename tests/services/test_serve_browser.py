"""The pages of `tradewinds serve` in a real browser: on a desk and on a phone, by mouse and by keyboard."""

import os
from contextlib import contextmanager

import pytest

from tests.services.browser import chromium  # noqa: F401
from tests.services.test_report_browser import DESK, PHONE, SIZES_OF_PLOTS
from tests.services.test_serve import shares, world  # noqa: F401

DEVICES = {
    "desk": {"viewport": DESK},
    "phone": {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True},
}


def visited(browser, world, paths, **how):  # noqa: F811
    """Names and the page, which shows one path after the other. After each, all that must not happen is asserted to be nothing.

    The page stays, since a new one costs a second of a process of its own.
    """
    context = browser.new_context(**{"viewport": DESK} | how)
    page = context.new_page()
    noted, requested = [], []
    page.on("console", lambda message: noted.append(message.text))
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.on("dialog", lambda dialog: (noted.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: requested.append(request.url))
    for name, path in paths.items():
        page.goto(world.web.address.rstrip("/") + path)
        yield name, page
        page.wait_for_timeout(50)
        assert noted == [], path
        assert [url for url in requested if not url.startswith((world.web.address, "data:"))] == [], path
    context.close()


@contextmanager
def opened(browser, world, path, **how):  # noqa: F811
    """A page at a path, with everything that must not happen noted; asserted to be nothing at the end."""
    visits = visited(browser, world, {"": path}, **how)
    yield next(visits)[1]
    assert next(visits, None) is None  # what `visited` asserts


def pages(world):  # noqa: F811
    both = f"run_id={world.run}&run_id={world.other}"
    return {
        "runs": "/",
        "leaderboard": "/leaderboard?sort=pnl",
        "run": f"/runs/{world.run}",
        "trades": f"/trades?run_id={world.run}&side=BUY_YES",
        "compare": f"/compare?{both}",
        "nothing_to_compare": "/compare",
        "no_such_trade": f"/trades?run_id={world.run}&reason_code=none",
    }


@pytest.mark.parametrize("device", DEVICES)
def test_every_page_fits_and_draws(chromium, world, device):  # noqa: F811
    for name, page in visited(chromium, world, pages(world), **DEVICES[device]):
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (name, "scrolls sideways")
        plots = page.evaluate(SIZES_OF_PLOTS)
        assert [plot["name"] for plot in plots] == {"run": ["equity"], "compare": ["compare"]}.get(name, []), name
        assert all(canvas["inked"] for plot in plots for canvas in plot["drawn"]), name
        if folder := os.environ.get("REPORT_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/serve-{name}-{device}.png", full_page=True)


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("device", DEVICES)
def test_pages_of_shares_fit_draw_and_name_their_currency(chromium, shares, device, colours):  # noqa: F811
    one, other = shares.runs
    paths = {
        "run": f"/runs/{one}",
        "trades": f"/trades?run_id={one}",
        "compare": f"/compare?run_id={one}&run_id={other}",
        "mixed_compare": f"/compare?run_id={one}&run_id={shares.events}",
        "runs": "/",
        "leaderboard": "/leaderboard",
    }
    for name, page in visited(chromium, shares, paths, color_scheme=colours, **DEVICES[device]):
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, "scrolls sideways")
        plots = page.evaluate(SIZES_OF_PLOTS)
        assert [plot["name"] for plot in plots] == {"run": ["equity"], "compare": ["compare"]}.get(name, []), name
        assert all(canvas["inked"] for plot in plots for canvas in plot["drawn"]), name
        for one_plot in page.locator(".plot").all():  # the title of an amount's axis stands clear of 100,000
            left = [over.bounding_box()["x"] for over in one_plot.locator(".u-over").all()]
            wide = len("100,000") if name == "run" else len("-100")
            assert len(set(left)) == 1 and left[0] - one_plot.bounding_box()["x"] >= 20 + 22 + 7 * wide, name
        units = "cells => cells.map(cell => getComputedStyle(cell, '::after').content)"
        shown = set(page.locator("td[data-unit]").evaluate_all(units))
        wanted = {'" AUD"', '" USD"'} if "runs" in name or "board" in name or "mixed" in name else set()
        if name == "trades" and device == "phone":  # whose cards have no headings
            wanted = {'" AUD"'}
        assert shown - {"none"} == wanted, name
        if folder := os.environ.get("REPORT_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/shares-{name}-{device}-{colours}.png", full_page=True)


def test_two_runs_are_compared_by_keyboard_alone(chromium, world):  # noqa: F811
    with opened(chromium, world, "/leaderboard") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        ticked = 0
        for _ in range(60):
            page.keyboard.press("Tab")
            kind = page.evaluate("document.activeElement.type || ''")
            row = page.evaluate("document.activeElement.value || ''")
            if kind == "checkbox" and row in (world.run, world.other):
                page.keyboard.press("Space")
                ticked += 1
            elif kind == "submit":
                break
        assert ticked == 2
        page.keyboard.press("Enter")
        page.wait_for_url("**/compare?*")
        assert page.locator("h1").inner_text() == "Compare"
        over = page.locator("#plot-compare .u-over").first
        box = over.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
        tip = page.locator("#plot-compare .tip").inner_text()
        assert tip.startswith("2025-05-02\n") and f"{world.run[:8]} 1.55" in tip, tip  # 1.17 + 0.80 - 0.153501 - 0.27
        assert "seed" in page.locator("h2:has-text('Settings that differ') + .wide").inner_text()


def test_a_row_of_a_trade_leads_to_its_chart_and_back(chromium, shares):  # noqa: F811
    run = shares.runs[0]
    with opened(chromium, shares, f"/trades?run_id={run}&sort=pnl&order=desc") as page:
        row = page.locator("tr.leads").first
        name = row.get_attribute("id")
        box = row.locator("td").last.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # anywhere in the row
        page.wait_for_url(f"**/runs/{run}/charts/*")
        [plot] = page.evaluate(SIZES_OF_PLOTS)
        assert plot["drawn"] and all(canvas["inked"] for canvas in plot["drawn"])
        assert page.locator(".strong .won, .strong .lost").count() == 1
        page.get_by_role("link", name="← trades").click()
        page.wait_for_url(f"**/trades?run_id={run}&sort=pnl&order=desc#{name}")
        assert page.locator(f"#{name}:target").is_visible()


def test_a_heading_explains_itself_by_keyboard(chromium, shares):  # noqa: F811
    with opened(chromium, shares, f"/runs/{shares.runs[0]}") as page:
        word = page.locator("dt abbr", has_text="Sharpe").first
        word.focus()
        box = page.locator(".hint-box")
        assert box.is_visible() and "standard deviation" in box.inner_text()
        page.keyboard.press("Escape")
        assert not box.is_visible()
        assert "standard deviation" in (word.get_attribute("title") or "")


def test_every_figure_of_the_pages_has_an_explanation(chromium, shares):  # noqa: F811
    """Prices and plain counts are_what they say; all else is explained where a pointer or the focus rests on it."""
    plain = {"#", "price", "entry price", "exit price", "made", "sold at", "at", ""}
    run = shares.runs[0]
    paths = ("/", "/leaderboard", f"/trades?run_id={run}", f"/runs/{run}/tables/positions")
    for path, page in visited(chromium, shares, {path: path for path in paths}):
        for head in page.locator("thead th.r").all():
            words = head.inner_text().split(",")[0].strip(" ▲▼").lower()
            explained = head.locator("[title]").count() == 1
            assert explained or words in plain, (path, words)


def test_the_leaderboard_on_a_phone_shows_its_figures_with_their_names(chromium, world):  # noqa: F811
    with opened(chromium, world, "/leaderboard", **DEVICES["phone"]) as page:
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        first = page.locator(".cards tbody tr").first
        named = first.evaluate("row => [...row.cells].map(cell => getComputedStyle(cell, '::before').content)")
        assert {'"drawdown "', '"Sortino "', '"wins, % "'} <= set(named)
        page.get_by_label("Best by").select_option("pnl")
        page.get_by_role("button", name="Sort").click()
        page.wait_for_url("**/leaderboard?sort=pnl")
        assert "P&L" not in first.locator(".main").inner_text() and first.locator(".main").is_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_run_on_paper_keeps_its_chart(chromium, world, colours):  # noqa: F811
    with opened(chromium, world, f"/runs/{world.run}", color_scheme=colours) as page:
        page.emulate_media(media="print", color_scheme=colours)
        page.wait_for_timeout(100)
        [plot] = page.evaluate(SIZES_OF_PLOTS)
        assert len(plot["drawn"]) == 2 and all(canvas["inked"] for canvas in plot["drawn"])
        assert page.locator("#plot-equity").is_visible()


def test_filtered_trades_are_what_the_csv_beside_them_has(chromium, world):  # noqa: F811
    with opened(chromium, world, f"/trades?run_id={world.run}") as page:
        page.get_by_text("Filter and sort").click()
        page.locator("select[name=side]").select_option("BUY_NO")
        page.get_by_label("Sort by").select_option("pnl")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(f"**/trades?run_id={world.run}&side=BUY_NO&sort=pnl&order=asc")
        rows = page.locator("tbody tr").count()
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        lines = download.value.path().read_text().splitlines()
        assert rows == len(lines) - 1 == 2 and lines[1].endswith("-0.57") and "BUY_NO" in lines[1]


def test_the_report_runs_cut_off_from_everything(chromium, world):  # noqa: F811
    with opened(chromium, world, f"/runs/{world.run}") as page:
        page.get_by_role("link", name="Full report").click()
        page.wait_for_url("**/report.html")
        assert len(page.evaluate(SIZES_OF_PLOTS)) > 3, "its scripts run"
        assert page.evaluate("origin") == "null", "as nobody's"
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{world.web.address}runs/{world.run}/report.html")
    tried = "fetch('/api/runs').then(() => 'read', error => 'refused')"
    assert page.evaluate(tried) == "refused"
    context.close()
