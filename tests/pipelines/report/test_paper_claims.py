"""What a run says of the paper's claims: seen, not seen, or is inconclusive, by cases made by hand."""

from types import SimpleNamespace

import pandas as pd
import pytest
from anonimage.pipelines.evaluation.scores import Score
from anonimage.pipelines.recipe import load_recipe
from anonimage.pipelines.report.content import Run
from anonimage.pipelines.report.paper_claims import claims, observe


def score(value, baseline=None, spread=0.01):
    return Score(value, value - spread, value + spread, baseline, 100)


def with_halves(scores):
    """1NNC with its halves, both as the whole where nothing else is said."""
    halves = {half: scores["1nnc"] for half in ("1nnc_synthetic", "1nnc_real") if "1nnc" in scores}
    return halves | scores


def look(name, scores, against=None, events=(), checks=8, training=100, units=("mV",)):
    """What a run of that recipe observes; events are (step, text) of the monitor."""
    scores, against = with_halves(scores), with_halves(against or {})
    quiet = [*range(25, 25 * checks + 1, 25)]
    monitor = pd.DataFrame(
        {"step": [*quiet, *(step for step, _ in events)], "event": [*[None] * checks, *(text for _, text in events)]}
    )
    run = Run(
        recipe=load_recipe(name),
        codec=SimpleNamespace(units=units, fs=1000.0),
        samples=None,
        scores=scores,
        against=against,
        metrics=pd.DataFrame(),
        monitor=monitor,
        evolution={},
        counts={"steps": 1000, "training": training},
        dropped={},
        versions={},
    )
    return observe(run)


ALIKE = {"similarity": score(0.3, 0.2)}
COLLAPSED = ((300, "collapse"), (425, "stuck+collapse"))
TABLE = {"inside_ranges": score(1.0, spread=0), "null_clean": score(1.0, spread=0)}
TABLE |= {"ks_worst": score(0.1), "share_worst": score(-0.02)}
SMOOTH = {"similarity": score(0.3), "noise": score(0.02, spread=0.001)}
HARD = {"similarity": score(0.5), "noise": score(0.09, spread=0.001)}
CLASSES = {"class_accuracy": score(0.97, 0.33), "class_recall_control": score(0.7, 0.5)}

CASES = [
    ("ptb-z", {"peaks_2_3": score(0.85, 0.9)}, {}, True),
    ("ptb-z", {"peaks_2_3": score(0.2, 0.9)}, {}, False),
    ("ptb-z", {}, {}, None),
    ("ptb-quantile", {"saturated_windows": score(0.045)}, {}, True),
    ("ptb-quantile", {"saturated_windows": score(0.2)}, {}, False),
    ("ptb-quantile", {"saturated_windows": score(0.045, spread=0.045)}, {}, None),  # an interval that says nothing
    ("ptb-quantile", {}, {}, None),
    ("ptb-z", {"peaks_2_3": score(0.78, 0.9, spread=0.1)}, {}, False),
    ("ptb-transposed", {"1nnc": score(0.8)}, {"1nnc": score(0.805)}, True),
    ("ptb-transposed", {"1nnc": score(0.8)}, {"1nnc": score(0.815)}, True),  # intervals that just overlap
    ("ptb-reversed", {"1nnc": score(0.8)}, {"1nnc": score(0.9)}, False),
    ("ptb-reversed", {"1nnc": score(0.8)}, {}, None),
    ("ptb-reversed", {"1nnc": score(1.0)}, {"1nnc": score(0.995)}, None),  # neither is near real windows
    ("ptb-six", {"noise": score(0.2, 0.05)}, {}, True),
    ("ptb-six", {"noise": score(0.05, 0.05)}, {}, False),
    ("ptb-rgb-smooth", SMOOTH, HARD, True),
    ("ptb-rgb-smooth", HARD, SMOOTH, False),
    ("ptb-rgb-smooth", SMOOTH | {"noise": score(0.09)}, HARD, False),
    ("ptb-rgb-smooth", SMOOTH, {}, None),
    ("ptb-rgb-smooth", {"noise": score(0.02)}, HARD, None),
    ("ptb-rgb-smooth", SMOOTH, {"noise": score(0.02)}, None),
    ("ptb-acgan", CLASSES, {}, True),
    ("ptb-acgan", CLASSES | {"class_accuracy": score(0.5, 0.33)}, {}, False),
    ("ptb-acgan", CLASSES | {"class_recall_control": score(0.5, 0.5)}, {}, False),
    ("ptb-acgan", {}, {}, None),
    ("thyroid", TABLE, {}, True),
    ("thyroid-best", TABLE, {}, True),
    ("thyroid", TABLE | {"null_clean": score(0.99)}, {}, False),
    ("thyroid", TABLE | {"ks_worst": score(0.16)}, {}, False),
    ("thyroid", TABLE | {"share_worst": score(-0.04)}, {}, False),
    ("thyroid", TABLE | {"inside_ranges": score(0.999)}, {}, False),
    ("iris", {"1nnc": score(0.8, 0.5), **ALIKE}, {}, True),
    (
        "iris",
        {"1nnc": score(0.5, 0.5), "1nnc_synthetic": score(0.0), "1nnc_real": score(1.0), **ALIKE},
        {},
        False,
    ),  # noise
    ("iris", {"1nnc": score(0.8, 0.5), "similarity": score(0.9, 0.2)}, {}, False),
    ("fingerprint", {"1nnc": score(0.8, 0.5)}, {}, None),
]


@pytest.mark.parametrize(("name", "scores", "against", "seen"), CASES)
def test_what_is_seen(name, scores, against, seen):
    observation = look(name, scores, against)
    assert observation.reproduced is seen
    verdict = {True: "was reproduced", False: "was not reproduced", None: "is inconclusive"}[seen]
    assert verdict in observation.sentence.split(":")[0]
    assert observation.claim == claims()[name]["claim"]


@pytest.mark.parametrize(
    ("name", "events", "seen"),
    [
        ("ptb-rgb-small-batch", COLLAPSED, True),
        ("ptb-rgb-small-batch", ((300, "discriminator_won"),), False),
        ("ptb-rgb", COLLAPSED, False),
        ("ptb-rgb", (), True),
    ],
)
def test_collapse_is_what_the_monitor_saw(name, events, seen):
    observation = look(name, ALIKE, events=events)
    assert observation.reproduced is seen
    said = "collapse at step 300 of 1000" if events == COLLAPSED else "no collapse in 1000 steps"
    assert said in observation.sentence
    assert "similarity of images 0.3" in observation.sentence


def test_a_recipe_of_no_section_observes_nothing():
    assert look("demo", {}) is None


def test_every_recipe_of_a_section_has_a_study():
    from anonimage.pipelines.recipe import recipe_names

    sections = {name for name in recipe_names() if load_recipe(name).section} - {"demo"}
    assert sections == set(claims())


def test_a_few_steps_tell_nothing_of_what_is_learnt():
    few = look("ptb-rgb", ALIKE, checks=7)
    assert few.reproduced is None
    assert "too few" in few.sentence
    assert look("ptb-quantile", {"saturated_windows": score(0.045)}, checks=1).reproduced  # the bounds need no training


def test_what_the_paper_says_of_millivolts_is_not_held_against_other_signals():
    observation = look("ptb-quantile", {"saturated_windows": score(0.045)}, units=("g", "g"))
    assert observation.reproduced is None
    assert "units are g, the paper's 4 % is of mV" in observation.sentence


def test_a_short_training_does_not_show_that_nothing_collapses():
    assert look("ptb-rgb", ALIKE, training=100).reproduced  # 1000 steps of 60: 600 epochs
    short = look("ptb-rgb", ALIKE, training=1000)
    assert short.reproduced is None
    assert "60 epochs" in short.sentence
