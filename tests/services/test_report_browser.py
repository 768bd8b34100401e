"""The report as a reader sees it: in a real browser, from a file, without any network; on a desk, a phone and paper."""

import os
import re
from contextlib import contextmanager

import pytest

from tests.services.browser import chromium  # noqa: F401
from tests.unit.results_parts import points, run, scored, trade, written
from tradewinds.families.kalshi_weather.report.event_sections import REPORT
from tradewinds.results.report.write import write_report

HARM = "<script>alert(1)</script>"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIZES_OF_PLOTS = """() => [...document.querySelectorAll('.plot')].map(plot => ({
    name: plot.id.slice(5),
    drawn: [...plot.querySelectorAll('canvas')].map(canvas => {
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return {width: canvas.width, height: canvas.height, inked: pixels.some(value => value > 0)};
    }),
}))"""


def a_run():
    """Two cities on six days, both sides, many prices; a market with a bad name and one with a long one."""
    days = [f"05-0{n}" for n in range(2, 8)]
    prices = [
        ("BUY_YES", "0.40", "0.62"),
        ("BUY_NO", "0.83", "0.1"),
        ("BUY_YES", "0.07", "0.2"),
        ("BUY_NO", "0.55", "0.3"),
    ]
    trades = [
        trade(
            f"KXHIGH{city}-25MAY0{day[-1]}-B8{n}.5", side, n + 1, price, p=p, pays=str(int((n + int(day[-1])) % 3 > 0)),
            decided=f"{day} {3 + 2 * n:02d}:04", settled=f"{day} 23:00",
        )
        for day in days for city in ("MIA", "CHI") for n, (side, price, p) in enumerate(prices)
    ]  # fmt: skip
    trades.append(trade(f"KXHIGHMIA-25MAY09{HARM}-{'B' * 90}", qty=50, decided="05-09 03:00", settled="05-09 23:00"))
    worth, curve = 1000.0, [("05-02 03:00", "start", "1000")]
    for n, day in enumerate(days):
        worth += (-1) ** n * 7.5 + 1.25
        curve.append((f"{day} 23:00", "settlement", f"{worth:.2f}"))
    markets = scored(*((f"0.{n:02d}", n % 3 == 0) for n in range(3, 98, 2)))
    skipped = [(f"KXHIGHMIA-25MAY10{HARM}", "NO_EVENT")]
    return run(trades, points(*curve), markets=markets, skipped=skipped, attempted=20, rejections={"LIQUIDITY": 7})


@pytest.fixture(scope="module")
def page_url(tmp_path_factory):
    folder = written(
        tmp_path_factory.mktemp("report") / "run", a_run(), title=f"High {HARM} <img src=x onerror=alert(2)>"
    )
    write_report(folder, REPORT)
    return (folder / "report.html").as_uri()


@contextmanager
def opened(browser, url, **how):
    """The page, with everything that must not happen noted; asserted to be nothing at the end."""
    context = browser.new_context(**{"viewport": DESK} | how)
    context.set_offline(True)
    page = context.new_page()
    noted, requested = [], []
    page.on("console", lambda message: noted.append(message.text))
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.on("dialog", lambda dialog: (noted.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(url)
    yield page
    page.wait_for_timeout(50)
    assert noted == []
    assert [asked for asked in requested if not asked.startswith("data:")] == [url]
    context.close()


def picture(page, name):
    """A screenshot for people, where REPORT_SCREENSHOTS names a folder."""
    if folder := os.environ.get("REPORT_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


PLOTS = ["equity", "pnl_by_city", "pnl_by_side", "pnl_by_price", "pnl_by_hour", "edge", "calibration"]


def test_every_plot_is_drawn_and_says_its_values(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url) as page:
        plots = page.evaluate(SIZES_OF_PLOTS)
        assert [plot["name"] for plot in plots] == PLOTS
        for plot in plots:
            assert len(plot["drawn"]) == (2 if plot["name"] == "equity" else 1), plot
            assert all(c["inked"] and c["width"] > 300 and c["height"] > 100 for c in plot["drawn"]), plot
        assert not page.locator(".picture").first.is_visible()
        says = {
            "equity": "equity [\\d,.]+ USD\ndrawdown -?[\\d.]+ USD",
            "pnl_by_city": "Intl high: 25 trades\nP&L",
            "edge": "EV 0.10 – 0.15: .* events\nexpected at entry",
            "calibration": "P\\(YES\\) 0.4 – 0.5: 5 markets",
        }
        for name, words in says.items():
            over = page.locator(f"#plot-{name} .u-over").first
            over.scroll_into_view_if_needed()
            box = over.bounding_box()
            found = set()
            for share in (0.05, 0.2, 0.35, 0.45, 0.5, 0.6, 0.75, 0.95):
                page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
                found.add(page.locator(f"#plot-{name} .tip").first.inner_text())
            assert any(re.search(words, text) for text in found), (name, found)
        picture(page, "desk")


def test_dragging_zooms_and_a_double_click_shows_all_again(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url) as page:
        over = page.locator("#plot-equity .u-over").first
        box = over.bounding_box()

        def at_the_left():
            page.mouse.move(box["x"] + 3, box["y"] + 40)
            return page.locator("#plot-equity .tip").first.inner_text()

        begin = at_the_left()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 40, steps=5)
        page.mouse.up()
        assert at_the_left() != begin
        page.mouse.dblclick(box["x"] + 30, box["y"] + 40)
        assert at_the_left() == begin


def test_a_name_from_outside_is_text(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url) as page:
        assert page.get_by_text(f"High {HARM} <img src=x onerror=alert(2)>").first.is_visible()
        assert page.get_by_text(f"KXHIGHMIA-25MAY09{HARM}").first.is_visible()
        assert page.locator("main script, main img[src='x']").count() == 0


def test_a_script_that_got_in_would_not_run(chromium, page_url, tmp_path):  # noqa: F811
    """The page's own policy is a second wall behind the escaping."""
    source = (tmp_path / "torn.html").resolve()
    with open(page_url.removeprefix("file://"), encoding="utf-8") as handle:
        source.write_text(handle.read().replace("<main>", f"<main>{HARM}"), encoding="utf-8")
    page = chromium.new_page()
    dialogs, refused = [], []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: refused.append(message.text))
    page.goto(source.as_uri())
    assert dialogs == [] and "Content Security Policy" in " ".join(refused)
    assert page.locator(".plot canvas").count() == len(PLOTS) + 1
    page.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_words_stand_out_from_their_ground(chromium, page_url, colours):  # noqa: F811
    """WCAG 2.2: 4.5 for text, 3 for what a plot is drawn with."""
    with opened(chromium, page_url, color_scheme=colours) as page:
        style = "name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()"
        shade = {name: page.evaluate(style, name) for name in ("ground", "card", "ink", "dim", "link", "gain", "loss")}
        for ground in ("ground", "card"):
            for name, least in (("ink", 7), ("dim", 4.5), ("link", 4.5), ("gain", 3), ("loss", 3)):
                assert contrast(shade[name], shade[ground]) >= least, (name, ground)
        assert (shade["ground"] == "#ffffff") == (colours == "light")
        body = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert [int(part) for part in re.findall(r"\d+", body)] == [
            int(shade["ground"][n : n + 2], 16) for n in (1, 3, 5)
        ]
        picture(page, colours)


def contrast(one, other):
    """The contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def light(colour):
        shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_phone_needs_no_sideways_scrolling(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url, viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        widths = page.evaluate("[...document.querySelectorAll('canvas')].map(c => c.getBoundingClientRect().width)")
        assert widths and all(200 < width <= PHONE["width"] for width in widths)
        page.locator("#plot-equity .u-over").first.tap()
        assert "USD" in page.locator("#plot-equity .tip").first.inner_text()
        picture(page, "phone")


def test_the_contents_stay_in_view_and_plots_stand_abreast_on_a_desk(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url) as page:
        page.evaluate("scrollTo(0, 2500)")
        page.wait_for_timeout(300)
        first = page.locator("nav.toc a").first.bounding_box()
        assert 0 <= first["y"] < DESK["height"], "the contents are still there"
        levels = page.evaluate("[...document.querySelectorAll('main h2, main h3')].map(head => head.tagName)")
        assert levels[0] == "H2" and {"H2", "H3"} == set(levels)
        anchors = page.evaluate("[...document.querySelectorAll('nav.toc a')].map(a => a.getAttribute('href').slice(1))")
        assert anchors == page.evaluate("[...document.querySelectorAll('main > section')].map(s => s.id)")


def test_long_tables_are_folded_and_open_on_paper(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url) as page:
        folded = page.locator("details.long")
        assert folded.count() > 0 and not folded.locator("table").first.is_visible()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details.long:not([open])").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details.long[open]").count() == 0


def test_turning_the_screen_draws_anew(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url, viewport=PHONE) as page:
        page.set_viewport_size({"width": 844, "height": 390})
        page.wait_for_function("document.querySelector('canvas').getBoundingClientRect().width > 700")
        assert page.locator("#plot-equity canvas").count() == 2


def test_paper_shows_the_pictures(chromium, page_url, tmp_path):  # noqa: F811
    with opened(chromium, page_url) as page:
        page.emulate_media(media="print")
        assert page.locator(".picture").count() == len(PLOTS)
        sizes = "[...document.querySelectorAll('.picture')].map(i => [i.naturalWidth, i.getBoundingClientRect().width])"
        assert all(natural > 0 and wide > 300 for natural, wide in page.evaluate(sizes))
        assert not page.locator(".plot").first.is_visible()
        made = page.pdf(path=os.environ.get("REPORT_SCREENSHOTS", tmp_path.as_posix()) + "/report.pdf", format="A4")
        assert made.startswith(b"%PDF") and 4 <= len(re.findall(rb"/Type\s*/Page\b", made)) <= 12


def test_without_scripts_the_pictures_are_there(chromium, page_url):  # noqa: F811
    with opened(chromium, page_url, java_script_enabled=False) as page:
        assert page.locator(".picture").first.is_visible()
        assert page.get_by_role("heading", name="Is the edge real?").is_visible()
