"""Usefulness of rows of tables and of pictures."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.pipelines.evaluation.learners import boosting, edges_and_colours, regression
from anonimage.pipelines.evaluation.utility import Lesson, score_utility
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score

NAMES = ("1", "2", "3")
SETS = ("synthetic", "training", "control")
ROWS = Lesson(boosting, lambda values: values[:, :, 0])
PICTURES = Lesson(regression, edges_and_colours)


def samples(values: np.ndarray) -> Samples:
    names = tuple(f"f{k}" for k in range(values.shape[1]))
    return Samples(values, pd.DataFrame({"patient": np.arange(len(values))}), names, ("",) * len(names))


def test_a_class_that_was_never_seen_has_probability_0():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 2))
    judged = boosting(rows, np.array([0, 2] * 25), 4, 0)(rows)
    assert judged.shape == (50, 4)
    assert (judged[:, [1, 3]] == 0).all()
    np.testing.assert_allclose(judged.sum(1), 1)


def test_missing_values_of_rows_are_no_obstacle():
    rng = np.random.default_rng(0)
    labels = {name: np.arange(200) % 2 for name in SETS}
    sets = {}
    for name in SETS:
        values = rng.normal(size=(200, 3, 1)) + 2 * labels[name][:, None, None]
        values[rng.random(values.shape) < 0.3] = np.nan
        sets[name] = samples(values)
    scores, reason = score_utility(ROWS, sets, labels, NAMES[:2], seed=0)
    assert reason == ""
    for study in ("trtr", "tstr", "trts", "augmented"):
        assert scores[f"{study}: macro PR-AUC"].value > 0.9
    assert scores["shuffled: macro PR-AUC"].value < 0.7


def test_a_feature_that_training_never_has_is_no_obstacle():
    values, labels = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    values[:, 0] += 5 * labels
    judged = boosting(np.where([True, False], values, np.nan), labels, 2, 0)(values)
    assert (judged.argmax(1) == labels).all()


def test_thyroid(shared):
    # synthetic: training rows drawn anew; and such with every column shuffled by itself, which tell nothing
    table = pd.read_csv(shared / "data" / "thyroid" / "ann-train.data", sep=r"[,\s]+", header=None, engine="python")
    table = table.dropna(axis=1).to_numpy(np.float32)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(table))
    values, numbers = table[rows, :-1, None], table[rows, -1].astype(int) - 1
    parts = {"training": slice(0, 1500), "control": slice(1500, 3000)}
    again = rng.integers(0, 1500, 1500)
    sets = {name: samples(values[part]) for name, part in parts.items()} | {"synthetic": samples(values[again])}
    labels = {name: numbers[part] for name, part in parts.items()} | {"synthetic": numbers[again]}
    scores, reason = score_utility(ROWS, sets, labels, NAMES, seed=0)
    assert reason == ""
    model = HistGradientBoostingClassifier(class_weight="balanced", random_state=0)
    judged = model.fit(values[:1500, :, 0], numbers[:1500]).predict_proba(values[1500:3000, :, 0])
    truth = np.eye(3)[numbers[1500:3000]]
    assert scores["trtr: macro PR-AUC"].value == pytest.approx(average_precision_score(truth, judged))
    assert scores["tstr: macro PR-AUC"].value > 0.8
    assert scores["trtr: macro PR-AUC"].value > 0.9

    columns = np.stack([rng.permutation(column) for column in values[again, :, 0].T], axis=1)[:, :, None]
    broken, _ = score_utility(ROWS, sets | {"synthetic": samples(columns)}, labels, NAMES, seed=0)
    assert broken["tstr: macro PR-AUC"].value < 0.6
    assert broken["tstr − trtr: macro PR-AUC"].high < 0
    assert broken["trtr: macro PR-AUC"] == scores["trtr: macro PR-AUC"]


def stripes(labels: np.ndarray, side: int, seed: int, colours: int = 1) -> np.ndarray:
    """Pictures (N, c, side²) of stripes, upright in class 1, lying in class 0, alike in mean and colour."""
    rng = np.random.default_rng(seed)
    waves = 127 + 100 * np.sin(np.arange(side) * 0.9 + rng.uniform(0, 6.3, len(labels))[:, None])  # (N, side)
    upright = np.repeat(waves[:, None], side, axis=1)
    pictures = np.where(labels[:, None, None] == 1, upright, upright.transpose(0, 2, 1))
    pictures = np.repeat(pictures[:, None], colours, axis=1) + rng.normal(0, 10, (len(labels), colours, side, side))
    return pictures.reshape(len(labels), colours, -1)


@pytest.mark.parametrize(("side", "colours"), [(28, 1), (45, 3)])
def test_pictures_are_recognised_by_their_edges(side, colours):
    labels = {name: np.arange(60) % 2 for name in SETS}
    sets = {name: samples(stripes(labels[name], side, seed, colours)) for seed, name in enumerate(SETS)}
    scores, reason = score_utility(PICTURES, sets, labels, NAMES[:2], seed=0)
    assert reason == ""
    for study in ("trtr", "tstr", "trts", "augmented"):
        assert scores[f"{study}: balanced accuracy"].value > 0.9
    assert scores["shuffled: balanced accuracy"].value < 0.75


def test_pictures_are_recognised_by_their_colours():
    rng = np.random.default_rng(0)
    labels = {name: np.arange(40) % 2 for name in SETS}
    sets = {}
    for name in SETS:
        pictures = rng.uniform(0, 255, (40, 3, 12 * 12))
        pictures[np.arange(40), labels[name] * 2] += 60  # red or blue
        sets[name] = samples(pictures)
    scores, _ = score_utility(PICTURES, sets, labels, NAMES[:2], seed=0)
    assert scores["tstr: balanced accuracy"].value > 0.9


def test_features_of_pictures_by_hand():
    # one upright edge: all gradients of the grey picture point across it, in the first of nine directions
    picture = np.zeros((1, 1, 16, 16), np.float32)
    picture[..., 8:] = 255
    features = edges_and_colours(picture.reshape(1, 1, -1))[0]
    edges, colours = features[:-64].reshape(-1, 9), features[-64:].reshape(8, 8)
    assert (edges[:, 1:] == 0).all()
    assert edges[:, 0].max() > 0
    assert (colours == np.repeat([[0.0] * 4 + [255.0] * 4], 8, axis=0)).all()
