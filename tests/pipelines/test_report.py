"""The report: whole, self-contained, with every score's interval and baseline."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from anonimage.pipelines.figures import image_grid
from anonimage.pipelines.report import EXPLAINED
from PIL import Image
from tiny import anonimage


@pytest.fixture(scope="module")
def page(finished):
    return (finished / "report.html").read_text("utf-8")


class Links(HTMLParser):
    """Collects what a browser would load, and images without a description."""

    def __init__(self):
        super().__init__()
        self.loads, self.silent = [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "iframe", "object", "embed"):
            self.loads.append(tag)
        if tag in ("img", "link", "source") and (address := given.get("src") or given.get("href")):
            self.loads += [address] if not address.startswith("data:") else []
        if tag == "img" and not given.get("alt"):
            self.silent.append(given)


def test_it_loads_nothing_from_elsewhere(page):
    links = Links()
    links.feed(page)
    assert links.loads == []
    assert links.silent == []
    assert not re.search(r"url\((?!#)", page)


def test_every_score_stands_in_it_with_interval_and_baseline(page, finished):
    scores = json.loads((finished / "scores.json").read_text())
    assert set(scores) <= set(EXPLAINED)
    for name in scores:
        assert EXPLAINED[name][0] in page
    assert page.count('data-name="baseline"') == page.count('data-name="95 % interval"') == len(scores)
    assert f"{scores['1nnc']['value']:.3g}" in page


def test_plots_are_vectors_with_axes_in_mv_and_seconds(page):
    assert page.count("<svg") == 3
    signals = page.split("<h2>Signals</h2>")[1].split("<h2>")[0]
    assert re.search(r"<text[^>]*>i \(mV\)</text>", signals)
    assert re.search(r"<text[^>]*>s</text>", signals)


def test_settings_and_versions_are_in_it(page, finished):
    for line in (finished / "recipe.toml").read_text().splitlines():
        assert line.replace('"', "&#34;") in page
    assert "torch 2" in page


def test_it_does_not_promise_anonymity(page):
    assert "does not make them anonymous" in page
    assert "shows real windows" in page


def test_the_steps_named_are_those_of_the_records(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "copy")
    assert anonimage("train", copy, "--steps", 8).exit_code == 0
    assert anonimage("evaluate", copy).exit_code == 0
    assert "; 6 training steps" in (copy / "report.html").read_text("utf-8")


def test_no_patient_or_record_is_named(page):
    assert "patient00" not in page
    assert "_re" not in page.split("<h2>Settings")[0].replace("_real", "")


def test_image_grid_shows_each_pixel():
    images = np.array([[[[0, 50], [100, 150]]], [[[200, 210], [220, 230]]]], np.uint8)
    picture = image_grid(images, columns=2, zoom=1)
    assert picture.size == (7 * 24, 4 * 24)  # as small images are enlarged until they can be seen
    grid = np.asarray(picture.resize((7, 4), Image.Resampling.NEAREST))
    assert grid[1:3, 1:3, 0].tolist() == [[0, 50], [100, 150]]
    assert grid[1:3, 4:6, 0].tolist() == [[200, 210], [220, 230]]


def test_large_images_are_enlarged_as_asked():
    assert image_grid(np.zeros((2, 1, 50, 50), np.uint8), zoom=2).size == (2 * 103, 2 * 52)


@pytest.mark.parametrize(("channels", "shape"), [(3, (52, 103, 3)), (6, (103, 307, 3))])
def test_image_grid_of_any_channels(channels, shape):
    assert np.asarray(image_grid(np.zeros((2, channels, 50, 50), np.uint8), zoom=1)).shape == shape
