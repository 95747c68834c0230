"""The report in a real headless Chromium: opens from disk, says no error, asks nothing, fits a phone and paper."""

import base64

import pytest
from anonimage.pipelines.report.page import render
from chromium import PROGRAM, Browser
from report_case import ecg_run, table_run

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no chromium here; on Debian: apt-get install chromium")

LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
CASES = {
    "ecg": ecg_run,
    "twelve leads, ten seconds": lambda: ecg_run(LEADS, 2500, 250),
    "no ecg": lambda: ecg_run(units="g", audit=None, areas=()),
    "table": table_run,
}
LARGEST = 3e6  # bytes
WIDE, PHONE = 1100, 390
PICTURES = """[...document.querySelectorAll('figure svg, figure img')].map(picture => {
    const box = picture.getBoundingClientRect();
    return [box.width, box.height, picture.tagName === 'IMG' ? picture.naturalWidth : 1];
})"""
NEEDED = "document.scrollingElement.scrollWidth"  # px
# What sticks out of a phone, unless it is inside something that is moved by itself
STICK_OUT = """[...document.querySelectorAll('body *')].filter(one => {
    const moved = one.parentElement.closest('.long .panels, pre');
    return !moved && !one.closest('svg svg, svg *') && one.getBoundingClientRect().right > 391;
}).map(one => one.outerHTML.slice(0, 80))"""
SMALLEST = """Math.min(...[...document.querySelectorAll('figure svg text')].map(
    one => one.getBoundingClientRect().height).filter(height => height > 0))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module", params=CASES)
def report(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(CASES[request.param]()), "utf-8")
    return path


def test_it_is_small_enough_to_send(report):
    assert report.stat().st_size < LARGEST


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_it_opens_from_disk_without_errors_or_requests(browser, report, width):
    browser.open(report, width)
    assert browser.ask("document.readyState") == "complete"
    assert browser.errors == []
    assert [address for address in browser.requests if not address.startswith("data:")] == [report.as_uri()]


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_every_figure_is_visible(browser, report, width):
    browser.open(report, width)
    pictures = browser.ask(PICTURES)
    assert len(pictures) >= 6
    for across, down, pixels in pictures:
        assert across > 80
        assert down > 30
        assert pixels > 0
    assert browser.ask(SMALLEST) >= 6  # px of the smallest letters, with what is above and below them


def test_a_phone_needs_no_scrolling_sideways(browser, report):
    browser.open(report, PHONE)
    assert browser.ask("innerWidth") == PHONE
    assert browser.ask(NEEDED) == PHONE
    assert browser.ask(STICK_OUT) == []


def test_verdicts_and_advice_are_on_the_first_screen(browser, report):
    browser.open(report, WIDE, 900)
    assert browser.ask("document.querySelector('.next').getBoundingClientRect().bottom") < 900
    assert browser.ask("document.querySelectorAll('.card .verdict').length") == 3


def test_text_is_dark_on_light(browser, report):
    browser.open(report, WIDE)
    browser("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    colours = browser.ask("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert colours == ["rgb(26, 26, 26)", "rgb(255, 255, 255)"]


def test_a_print_has_the_true_size_of_ecg_paper(browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(render(ecg_run()), "utf-8")
    browser.open(path, WIDE)
    browser("Emulation.setEmulatedMedia", media="print")
    box = browser.ask("(box => [box.width, box.height])(document.querySelector('svg.paper').getBoundingClientRect())")
    mm = 96 / 25.4  # px
    assert box[0] == pytest.approx(65 * mm, abs=1)  # 10 of the pulse, 2.025 s at 25 mm/s up to a whole square
    assert box[1] / mm == pytest.approx(round(box[1] / mm / 5) * 5, abs=0.3)
    browser("Emulation.setEmulatedMedia", media="")
    assert base64.b64decode(browser("Page.printToPDF")["data"]).startswith(b"%PDF")


def test_planted_faults_are_found(browser, tmp_path):
    planted = '<img src="http://example.invalid/x.png"><script>throw Error("planted")</script>'
    path = tmp_path / "planted.html"
    path.write_text(
        f"<!doctype html><meta name=viewport content='width=device-width'>{planted}<div style='width: 500px'>wide</div>"
    )
    browser.open(path, PHONE)
    assert any("planted" in error or "Uncaught" in error for error in browser.errors)
    assert "http://example.invalid/x.png" in browser.requests
    assert browser.ask(NEEDED) >= 500
    assert browser.ask(STICK_OUT)
