"""The page of an ablation in a real headless Chromium: it asks nothing of the network and fits a phone."""

from dataclasses import replace

import pytest
from anonimage.pipelines.ablation.page import Table
from anonimage.pipelines.ablation.summary import summarize
from anonimage.pipelines.recipe import load_recipe
from chromium import PROGRAM, Browser

from .planted import study

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no chromium here; on Debian: apt-get install chromium")
WIDE, PHONE = 1100, 390
TEXTS = "[...document.querySelectorAll('{}')].map(one => one.textContent)"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Three cells of two long-named settings each."""
    folder = tmp_path_factory.mktemp("page")
    runs = [replace(run, settings=(*run.settings, ("standardizer", "quantile"))) for run in study()]
    cells = list(dict.fromkeys(run.settings for run in runs))
    failed = {"arrangement=z, standardizer=quantile, seed 9": "its worker died " * 9}
    Table("ablation", summarize(runs, cells), runs, failed, load_recipe("ptb-quantile")).write(folder)
    return folder / "ablation.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_it_opens_without_errors_or_requests_and_needs_no_scrolling_sideways(browser, page, width):
    browser.open(page, width)
    assert browser.errors == []
    assert [address for address in browser.requests if not address.startswith("data:")] == [page.as_uri()]
    assert browser.ask("innerWidth") == width
    assert browser.ask("document.scrollingElement.scrollWidth") <= width


def test_the_result_and_what_is_missing_are_on_the_first_screen(browser, page):
    browser.open(page, WIDE, 900)
    assert browser.ask("document.querySelector('.next').getBoundingClientRect().bottom") < 900
    assert browser.ask("document.querySelector('.warning').getBoundingClientRect().bottom") < 900


def test_every_cell_stands_in_every_plot_and_what_differs_is_marked(browser, page):
    browser.open(page, WIDE)
    first, *_ = browser.ask(TEXTS.format("figure svg:first-of-type"))
    for name in ("z · quantile", "reversed", "delay"):
        assert name in first
    (differing,) = browser.ask(TEXTS.format("tr.differs td:first-child"))
    assert differing == "arrangement=delay, standardizer=quantile ✓ differs"


def test_the_other_scores_are_folded_away(browser, page):
    browser.open(page, WIDE)
    assert not browser.ask("document.querySelector('details').open")
    assert browser.ask("document.querySelectorAll('details table').length") == 1  # noise
