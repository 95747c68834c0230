"""The report: whole, self-contained, verdicts first, every score with interval and baseline, nobody named."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from anonimage.pipelines.evaluation.parameters import PARAMETERS
from anonimage.pipelines.evaluation.privacy.findings import Control
from anonimage.pipelines.evaluation.scores import Evidence, Score, score_table
from anonimage.pipelines.release.gate import Area, LimitCheck
from anonimage.pipelines.report.content import attack_rows, number, score_tables
from anonimage.pipelines.report.first_screen import advices, next_step
from anonimage.pipelines.report.page import render
from anonimage.pipelines.report.plots import draw_map, draw_parameter
from anonimage.pipelines.report.svg import draw_paper, image_grid, room
from PIL import Image
from report_case import areas, audit, ecg_run, table_run
from tiny import anonimage


@pytest.fixture(scope="module")
def page(finished):
    return (finished / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def full():
    """A report with everything that there can be."""
    return render(ecg_run())


ADVICE = advices()["general"]


def words(page):
    """The page without what images are made of, and without the settings."""
    return re.sub('base64,[^"]*', "", page.split('id="settings"')[0])


class Links(HTMLParser):
    """Collects what a browser would load, pictures without a description, and names that are given twice."""

    def __init__(self):
        super().__init__()
        self.loads, self.silent, self.names = [], [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "iframe", "object", "embed"):
            self.loads.append(tag)
        if tag in ("img", "link", "source") and (address := given.get("src") or given.get("href")):
            self.loads += [address] if not address.startswith("data:") else []
        if (tag == "img" and not given.get("alt")) or (tag == "svg" and not given.get("aria-label")):
            self.silent.append(given)
        if tag == "a":
            assert given["href"].startswith("#")


@pytest.mark.parametrize("name", ["page", "full"])
def test_it_loads_nothing_from_elsewhere_and_every_picture_is_told_in_words(name, request):
    links, text = Links(), request.getfixturevalue(name)
    links.feed(text)
    assert links.loads == []
    assert links.silent == []
    assert not re.search(r"url\((?!#)|@import", text)
    for target in set(re.findall(r'<a href="#([\w-]+)"', text)):
        assert f'id="{target}"' in text


def test_every_score_stands_in_it_with_interval_and_baseline(page, finished):
    scores = json.loads((finished / "scores.json").read_text())["scores"]
    scores = scores.get("scores", scores)
    assert all(score_table().unknown(name) == "" for name in scores)
    table = page.split('<section id="scores">')[1].split("</section>")[0]
    assert table.count('data-name="baseline"') == table.count('data-name="95 % interval"') == len(scores)
    assert f'<td class="number" data-name="value">{scores["1nnc"]["value"]:.3g}</td>' in table


def test_the_first_screen_says_a_verdict_in_words_for_each_area(full):
    first = full.split("<nav")[0]
    cards = re.findall(r"<h2>(\w+): .*?</h2>\s*<p class=\"verdict\">.*?</span>([^<]+)</p>", first, re.DOTALL)
    assert cards == [("Fidelity", "passes"), ("Utility", "measured, not judged"), ("Privacy", "inconclusive")]
    assert "<strong>0.877</strong>" in first
    assert "(95 % 0.81 to 0.92); baseline 0.78; limit 0.99" in first
    assert "<strong>Next:</strong> Do not release this: the audit&#39;s own controls failed" in first
    for title in ("recall", "windows without a measurable R wave", "R peaks per window, synthetic"):
        assert title in first
    assert "kernel distance, relative" in first
    assert "Fréchet" not in first  # it cannot tell noise from hearts with few people
    assert "30 people, 40 control windows" in first
    assert "Leads: i." in first
    assert "patients" not in first


@pytest.mark.parametrize(
    ("verdicts", "start"),
    [
        ((), ADVICE["judge"]),
        (("pass", "pass", "pass"), ADVICE["release"]),
        (("pass", "not measured", "pass"), ADVICE["release"]),
        (("fail", "fail", "fail"), "Do not release this: an attack"),
        (("pass", "not judged", "pass"), ADVICE["release"]),
        (("pass", "pass", "undecided"), "Do not release this yet: there are too few people"),
        (("pass", "pass", "not measured"), "Do not release this yet: run `anonimage audit OUT`"),
        (("fail", "pass", "pass"), "Not fit for release"),
        (("undecided", "pass", "pass"), "Undecided"),
    ],
)
def test_the_worst_verdict_decides_what_to_do_next(verdicts, start):
    names = ("fidelity", "utility", "privacy")
    areas = [Area(name, verdict, (), ()) for name, verdict in zip(names, verdicts, strict=False)]
    assert next_step(areas).startswith(start)


def test_controls_that_failed_are_not_those_that_ran_too_seldom():
    areas = [Area("privacy", "inconclusive", (), ())]

    def advice(*controls):
        return next_step(areas, replace(audit(), controls=controls))

    good, bad = Control("positive", 20, 20, 19), Control("negative", 18, 20, 19)
    assert advice(good, bad) == ADVICE["controls_failed"]
    assert advice(good) == ADVICE["controls_missing"]
    seldom = advice(Control("positive", 5, 5, 5), Control("negative", 5, 5, 5))
    assert "in fewer runs than the policy asks for. Run the audit with control_runs = N" in seldom
    assert "failed" not in seldom


def test_a_limit_that_could_not_be_tested_is_not_told_to_release():
    areas = [Area("utility", "not measured", ("tstr: macro PR-AUC: not measured (no classes)",), ())]
    assert next_step(areas) == ADVICE["utility_untested"]
    assert next_step([Area("utility", "not measured", ("the policy sets no limit",), ())]) == ADVICE["release"]


def test_networks_that_stay_in_are_said_to_be_held_to_no_limit():
    needs = {row["name"]: row["needs"] for row in attack_rows(audit(), areas())}
    name = "membership: discriminator, window"
    assert (
        needs[name]
        == "Only someone who has the trained networks can do this. Held to no limit, since no network goes out."
    )
    assert not any(text for other, text in needs.items() if other != name)
    attack = next(attack for attack in audit().attacks if attack.name == name)
    held = [Area("privacy", "pass", (), (LimitCheck(name, attack.score, 0.6, "pass"),))]
    unheld = {row["name"]: row["needs"] for row in attack_rows(audit(), held)}
    assert unheld[name] == "Only someone who has the trained networks can do this."


def test_a_curve_says_what_is_found_people_or_windows(full):
    drawn = full.split("<h2>Attacks</h2>")[1].split("</section>")[0]
    for words in ("people of training detected", "other people suspected", "windows of training detected"):
        assert f">{words}<" in drawn
    caption = drawn.split("<figcaption>")[1]
    assert "Share of people or windows used for training (members) that an attack detects" in caption
    assert "With 30 members and 12 non-members, chance alone moves" in caption


def test_pictures_name_the_lead_and_what_they_rest_on():
    page = render(ecg_run(("i", "v1", "II")))
    assert "Leads: i, v1, II." in page
    assert "Lead II. Share of windows over each parameter: 300 real ones of 9 control people" in page
    assert "QT over RR, lead II: QT is longer" in page
    assert "fitted to 300 real and 300 synthetic windows" in page
    assert "of 36 real and 36 synthetic windows, mean over leads; the real ones were encoded as images" in page
    assert "(100 training, 100 control, 100 synthetic)" in page


def test_only_a_full_pass_is_told_to_release():
    for name in ("fidelity", "privacy"):
        for verdict in ("fail", "undecided", "not measured"):
            assert (name, verdict) in {(each["area"], each["verdict"]) for each in advices()["verdicts"]}


def test_attacks_are_told_with_both_controls_and_whether_they_work(full):
    table = full.split('<section id="privacy">')[1].split("</section>")[0]
    assert "✓ Positive control</strong>" in table
    assert re.search(r"✗ Negative control</strong>,.*?18 of 20 runs, needed 19: failed", table, re.DOTALL)
    rows = table.split("<tbody>")[1].split("</tr>")[:3:2]
    assert "membership: distance, patient</strong>: not significant" in rows[0]
    assert "copies: near duplicates</strong>: ✗ works" in rows[1]
    assert 'data-name="p">0.31<' in rows[0]
    assert 'data-name="p">&lt; 0.001<' in rows[1]
    assert all('data-name="positive control, mean (range over runs)">0.98 (0.95 to 1)<' in row for row in rows)
    assert "re-identification</strong>: no verifier" in full
    assert "trts: macro PR-AUC</strong>: a class has nobody in it" in full


def test_without_an_audit_privacy_is_said_to_be_unknown():
    page = render(ecg_run(audit=None, areas=(), evidence=Evidence()))
    assert page.count("not judged yet</p>") == 3
    assert "No audit was made, so nothing is known about privacy" in page
    assert "ECG parameters</h2>" not in page


def test_traces_have_the_true_aspect_of_ecg_paper():
    """2 s and 1 mV: 50 mm and 10 mm, after 10 mm with the calibration pulse of 5 mm and 10 mm."""
    window = np.zeros((1, 101))
    window[0, 50] = 1.0
    drawn = draw_paper(window, room([window]), 50, ["i"], "#000", "a window")
    assert 'viewBox="0 0 65 20"' in drawn  # 15 mm above the median, 5 below
    assert "M10.00 15.00L" in drawn  # the trace begins behind the pulse
    assert " 35.00 5.00 " in drawn  # 1 s later: 25 mm; 1 mV: 10 mm higher
    assert "60.00 15.00" in drawn
    assert "h2v-10h5v10h2" in drawn


def test_a_trace_has_gaps_and_stays_on_its_strip():
    window = np.array([[0.0, 0, np.nan, 0, 0, 99], [np.nan] * 6])
    space = room([window])
    drawn = draw_paper(window, space, 6, ["<i>", "b"], "#000", 'a "window"')
    assert space.tolist() == [[40, 5], [15, 5]]
    trace = re.findall(r'<path d="(M10[^"]*)"', drawn)[0]
    assert trace.count("M") == 2
    assert min(float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", trace)) == 0  # cut off at the top
    assert "<i>" not in drawn
    assert 'aria-label="a &#34;window&#34;"' in drawn


def test_signals_that_are_no_ecg_have_axes_with_their_unit_and_no_words_of_ecg():
    scores = {
        "lead_distance": Score(1, 1, 1, 1, 9),
        "wide_windows": Score(0, 0, 0, None, 9),
        "saturated_windows": Score(0.1, 0, 0.2, 0.04, 9),
    }
    page = words(render(ecg_run(units="g", evidence=Evidence(), scores=scores, evolution={})))
    signals = page.split("<h2>Signals</h2>")[1].split("</section>")[0]
    assert re.search(r"<text[^>]*>i \(g\)</text>", signals)
    assert re.search(r"<text[^>]*>s</text>", signals)
    assert "wider than the adapted range (2.5 g)" in page
    for word in ("mV", "ECG", "paper&#39;s 4 %", "limb", "heart"):
        assert word not in page
    assert "distance between the channels of a window" in page
    assert "Channels: i." in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"standardizer": "adapted", "width": 3.0}, "windows wider than the adapted range (3 mV)"),
        (
            {"standardizer": "minmax"},
            "windows wider than the paper's adapted range (2.5 mV), which this run does not use",
        ),
        (
            {"standardizer": "equalize"},
            "windows wider than the paper's adapted range (2.5 mV), which this run does not use",
        ),
        ({"standardizer": "adapted", "width": "fitted"}, "windows wider than the adapted range"),
    ],
)
def test_wide_windows_are_wider_than_a_range_that_is_named(changes, said):
    run = ecg_run()
    run = replace(run, recipe=run.recipe.changed(changes))
    assert said in [row["title"] for table in score_tables(run) for row in table["rows"]]


def test_a_table_begins_with_its_columns():
    page = render(table_run())
    assert page.index("<h2>Columns</h2>") < page.index("<h2>Shares</h2>") < page.index("<h2>Scores</h2>")
    assert "Box plots of age, real beside synthetic: medians" in page
    assert "60 real control rows on the left, 60 synthetic ones on the right" in page
    for word in ("mV", "ECG", "limb", "heart", "R wave", "lead", "Channels:", "patients"):
        assert word not in words(page)


def test_a_score_that_nobody_explained_is_shown_under_its_own_name():
    tables = {table["title"]: table["rows"] for table in score_tables(ecg_run())}
    assert tables["Other scores"][0]["title"] == "a figure of tomorrow"
    assert tables["Other scores"][0]["value"] == "1,234"  # as Python rounds a half: to even
    rows = next(rows for title, rows in tables.items() if title.startswith("Fidelity"))
    family = [row for row in rows if row["title"].startswith("heart rate")]
    assert [row["title"] for row in family] == ["heart rate, mean", "heart rate, KS"]
    assert [bool(row["meaning"]) for row in family] == [True, False]
    assert "baseline: training against control" in family[0]["meaning"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.8775, "0.877"),
        (None, "none"),
        (float("nan"), "not measured"),
        (28902.4, "28,902"),
        (-0.00012, "-0.00012"),
        (999.6, "1,000"),
        (-999.4, "-999"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_are_short(value, said):
    assert number(value) == said


def test_what_was_not_measured_for_one_reason_is_told_at_once():
    page = render(ecg_run(not_measured={"recall": "few people", "1nnc": "one window", "coverage": "few people"}))
    assert "<li><strong>recall, coverage</strong>: few people</li>" in page


def test_a_figure_without_a_value_is_not_shown_as_a_number():
    nothing = float("nan")
    page = render(ecg_run(scores={"coverage": Score(nothing, nothing, nothing, None, 0)}, areas=()))
    assert 'data-name="value">not measured<' in page
    assert not re.search(r">\s*nan\b", page)


def test_parameters_that_were_never_detected_or_do_not_vary_are_drawn():
    tables = {"control": pd.DataFrame({"qt": [400.0, 400.0]}), "synthetic": pd.DataFrame({"qt": [np.nan, np.nan]})}
    drawn = draw_parameter(tables, PARAMETERS[2])
    assert "real median 400, synthetic never detected" in drawn
    both = dict.fromkeys(tables, tables["synthetic"])
    assert "real never detected" in draw_parameter(both, PARAMETERS[2])


def test_one_run_is_one_page(full):
    assert render(ecg_run()) == full


def test_large_maps_stay_small():
    points = pd.DataFrame({"x": np.arange(9e4), "y": np.arange(9e4), "kind": "synthetic"})
    assert len(draw_map(points)) < 1e5


def test_names_of_columns_and_classes_are_text_not_markup():
    evil = "<script>alert(1)</script>"
    run = table_run(not_measured={evil: evil}, versions={evil: "1"}, scores={evil: Score(1, 1, 1, 1, 1)}, audit=None)
    assert "<script" not in render(run)


def test_settings_and_versions_are_in_it(page, finished):
    for line in (finished / "recipe.toml").read_text().splitlines():
        assert line.replace('"', "&#34;") in page
    assert "torch 2" in page


def test_it_does_not_promise_anonymity(page, full):
    for text in (page, full):
        assert "does not make them anonymous" in text
        assert "shows real windows" in text


def test_the_steps_named_are_those_of_the_records(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "copy")
    assert anonimage("train", copy, "--steps", 8).exit_code == 0
    assert anonimage("generate", copy).exit_code == 0
    assert anonimage("evaluate", copy).exit_code == 0
    assert "; 8 training steps" in (copy / "report.html").read_text("utf-8")


def test_no_patient_or_record_is_named(page, full):
    assert "patient00" not in page
    assert "_re" not in page.split('<section id="settings">')[0].replace("_real", "")
    assert "secret" not in full


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
