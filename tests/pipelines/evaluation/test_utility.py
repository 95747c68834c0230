"""The studies of usefulness: the table, its measures against scikit-learn, and windows of signals."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.errors import InputError
from anonimage.pipelines.evaluation.learners import LONGEST, balanced, network
from anonimage.pipelines.evaluation.resampling import stratified_multiplicities
from anonimage.pipelines.evaluation.utility import Lesson, average_precision, measures, score_utility
from sklearn.metrics import average_precision_score, balanced_accuracy_score

NAMES = ("ill", "well")


def samples(values: np.ndarray, patients: np.ndarray | None = None) -> Samples:
    """Values (N, C, L) as samples; each its own patient if nobody is named."""
    frame = pd.DataFrame({"patient": np.arange(len(values)) if patients is None else patients}).astype(str)
    channels = tuple(f"c{k}" for k in range(values.shape[1]))
    return Samples(values, frame, channels, ("mV",) * len(channels), 100.0)


def bumps(labels: np.ndarray, seed: int, length: int = 64, noise: float = 0.3) -> np.ndarray:
    """Windows (N, 2, L) with a bump at a random place, wide in class 0 and narrow in class 1."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0.3, 0.7, len(labels))[:, None] * length
    width = np.where(labels == 0, 6, 2)[:, None] * length / 64
    bump = np.exp(-(((np.arange(length) - place) / width) ** 2))
    return (bump[:, None] * [[1.0], [-0.5]] + rng.normal(0, noise, (len(labels), 2, length))).astype(np.float32)


def three(labels: dict[str, np.ndarray], **changes: float) -> dict[str, Samples]:
    return {name: samples(bumps(numbers, seed, **changes)) for seed, (name, numbers) in enumerate(labels.items())}


def halves(n: int = 80) -> dict[str, np.ndarray]:
    return {name: np.arange(n) % 2 for name in ("synthetic", "training", "control")}


def nearest_mean(values: np.ndarray, labels: np.ndarray, classes: int, seed: int):
    """A learner that can be followed by hand: the class whose mean is nearest."""
    means = np.array([values[labels == k].mean() if (labels == k).any() else np.inf for k in range(classes)])

    def judge(rows):
        near = 1 / (1e-3 + np.abs(rows.reshape(len(rows), -1).mean(1)[:, None] - means))
        return near / near.sum(1, keepdims=True)

    return judge


def flat(values: list[float], patients: list[str] | None = None) -> Samples:
    return samples(np.array(values, np.float32)[:, None, None], None if patients is None else np.array(patients))


def by_hand(sets: dict[str, Samples], labels: dict[str, list[int]], names=NAMES, most=None):
    labels = {name: np.array(numbers) for name, numbers in labels.items()}
    return score_utility(Lesson(nearest_mean, most=most), sets, labels, names, 0)


# --- measures


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_scikit_learns_for_every_weighting(seed):
    rng = np.random.default_rng(seed)
    scores, positive = rng.integers(0, 12, 60) / 12, rng.random(60) < 0.4  # many ties
    weights = rng.integers(0, 4, (60, 7)).astype(float)
    expected = [average_precision_score(positive, scores, sample_weight=w) for w in weights.T]
    np.testing.assert_allclose(average_precision(scores, positive, weights), expected, atol=1e-12)


def test_average_precision_by_hand():
    # called in this order: hit, miss, hit -> precision 1 at half of the hits, 2/3 at the other half
    found = average_precision(
        np.array([0.9, 0.5, 0.1]), np.array([True, False, True]), np.array([[1.0, 0], [1, 1], [1, 0]])
    )
    assert found[0] == pytest.approx((1 + 2 / 3) / 2)
    assert np.isnan(found[1])  # nobody to find


def test_the_measures_of_each_resample_are_scikit_learns_of_its_samples():
    rng = np.random.default_rng(0)
    labels, people = rng.integers(0, 3, 90), np.repeat(np.arange(15), 6)
    judged = rng.dirichlet(np.ones(3), 90) + 0.4 * np.eye(3)[labels]
    found = measures(judged, labels, people, np.bincount(labels), ("a", "b", "c"), seed=4)
    times = np.concatenate(list(stratified_multiplicities(people, labels, seed=4)), axis=1).astype(int)
    assert times.shape == (90, 1001)
    for place in (0, 1, 500, 1000):
        rows = np.repeat(np.arange(90), times[:, place])
        truth, chosen = labels[rows], judged[rows]
        shares = [average_precision_score(truth == k, chosen[:, k]) for k in range(3)]
        assert [found[f"{name} PR-AUC"][place] for name in "abc"] == pytest.approx(shares)
        assert found["macro PR-AUC"][place] == pytest.approx(np.mean(shares))
        assert found["balanced accuracy"][place] == pytest.approx(balanced_accuracy_score(truth, chosen.argmax(1)))


def test_people_are_drawn_among_those_of_their_class():
    # b has as much of both classes, and counts for the first; d is of class 1, most of the time
    people, labels = np.array(list("aabbcddd")), np.array([0, 0, 0, 1, 1, 1, 1, 0])
    times = np.concatenate(
        list(stratified_multiplicities(people, labels, seed=0))[1:], axis=1
    )  # without the first: as they are
    a, b, c, d = (times[people == name] for name in "abcd")
    assert all((rows == rows[0]).all() for rows in (a, b, c, d))  # whole people
    assert (a[0] + b[0] == 2).all()
    assert (c[0] + d[0] == 2).all()
    for one in (a, b, c, d):  # one of two, drawn twice
        assert np.bincount(one[0].astype(int), minlength=3) / 1000 == pytest.approx([0.25, 0.5, 0.25], abs=0.05)
    assert np.corrcoef(a[0], c[0])[0, 1] == pytest.approx(0, abs=0.1)


def test_who_knows_only_how_frequent_classes_are_has_one_part_of_macro_pr_auc_in_each_resample():
    # a person of three samples and one of one are of class 0, one of four is of class 1, one of two of class 2
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    people = np.array(list("pppqrrrrss"))
    found = measures(np.tile([0.4, 0.4, 0.2], (10, 1)), labels, people, np.bincount(labels), tuple("abc"), seed=0)
    np.testing.assert_allclose(found["macro PR-AUC"], 1 / 3)
    np.testing.assert_allclose(found["balanced accuracy"], 1 / 3)  # always says a
    # q twice, both, p twice: 2 of 8, 4 of 10, 6 of 12 samples are of class 0
    assert set(found["a PR-AUC"].round(9)) == {0.25, 0.4, 0.5}


def test_a_resample_without_a_class_is_none_of_the_mean():
    # class 1 is nobody's most frequent one, so that q drawn twice lacks it
    labels, people = np.array([0, 0, 1, 0, 0, 0]), np.array(list("pppqqq"))
    times = np.concatenate(list(stratified_multiplicities(people, labels, seed=0)), axis=1)
    found = measures(np.tile([1.0, 0.0], (6, 1)), labels, people, np.bincount(labels), NAMES, seed=0)
    without = times[2] == 0
    assert 0.15 < without.mean() < 0.35
    for name in ("macro PR-AUC", "balanced accuracy"):
        assert np.isnan(found[name][without]).all()
        np.testing.assert_allclose(found[name][~without], 0.5)


# --- studies


def test_each_study_trains_and_tests_on_what_it_says():
    # every set has values of its own, from which a learner that keeps a diary knows it again
    sets = {name: flat([mark, mark + 0.1] * 4) for name, mark in (("synthetic", 10), ("training", 20), ("control", 30))}
    marks, diary, trained = {10: "synthetic", 20: "training", 30: "control"}, [], []

    def seen(values):
        return tuple(marks[int(mark)] for mark in np.unique(np.floor(values)))

    def learner(values, labels, classes, seed):
        taught = seen(values), bool((labels == (values.ravel() % 1 > 0.05)).all())
        trained.append(taught)

        def judge(rows):
            diary.append((*taught, *seen(rows)))
            return np.full((len(rows), classes), 0.5)

        return judge

    labels = {name: np.array([0, 1] * 4) for name in sets}
    score_utility(Lesson(learner), sets, labels, NAMES, 0)
    real, fake = ("training",), ("synthetic",)
    assert sorted(diary) == sorted(
        [
            (real, False, "control"),  # shuffled
            (real, True, "control"),
            (fake, True, "control"),
            (real, True, "synthetic"),
            (("synthetic", "training"), True, "control"),
        ]
    )
    assert len(trained) == 4  # trtr and trts share a judge


def test_scores_by_hand():
    # the learner's border is midway between the means of what it learnt: 5 for real, 1.5 for synthetic samples
    sets = {
        "training": flat([0, 0, 10, 10]),
        "synthetic": flat([0, 0, 3, 3]),
        "control": flat([0, 2, 9, 11], ["p", "q", "r", "s"]),
    }
    labels = {name: [0, 0, 1, 1] for name in sets}
    scores, reason = by_hand(sets, labels)
    assert reason == ""
    assert scores["trtr: balanced accuracy"].value == 1
    assert scores["tstr: balanced accuracy"].value == 0.75  # 2 is taken for class 1
    assert scores["tstr: balanced accuracy"].baseline == 1
    assert scores["trts: balanced accuracy"].value == 0.5  # all synthetic ones lie below 5
    assert scores["tstr − trtr: balanced accuracy"].value == -0.25
    # odds of class 0 at 0, 2, 9, 11 are 3, 1/2, 6/9, 8/11: its second sample comes last
    assert scores["tstr: ill PR-AUC"].value == pytest.approx((1 + 2 / 4) / 2)
    assert scores["majority: ill PR-AUC"].value == scores["majority: macro PR-AUC"].value == 0.5
    assert scores["trtr: macro PR-AUC"].baseline == scores["shuffled: macro PR-AUC"].value
    assert scores["majority: macro PR-AUC"].baseline is None
    assert {score.n for score in scores.values()} == {4}


def test_the_majority_is_scikit_learns_constant_classifier():
    labels = {"training": [0, 0, 0, 1], "synthetic": [0, 1, 0, 1], "control": [0, 1, 1, 1, 1, 1]}
    sets = {name: flat(list(range(len(numbers)))) for name, numbers in labels.items()}
    scores, _ = by_hand(sets, labels)
    truth, constant = np.array(labels["control"]), np.full(6, 0.75)
    assert scores["majority: balanced accuracy"].value == balanced_accuracy_score(truth, np.zeros(6))
    assert scores["majority: ill PR-AUC"].value == pytest.approx(average_precision_score(truth == 0, constant))


def test_how_often_a_class_was_generated_does_not_change_what_real_models_make_of_it():
    # the synthetic set is the control set with class 0 five times over: precision would rise with it
    rng = np.random.default_rng(0)
    truth = rng.random(80) < 0.7
    values = truth + rng.normal(0, 0.8, 80)
    more = np.concatenate([np.arange(80), *[np.flatnonzero(~truth)] * 4])
    sets = {
        "training": flat([0.0, 1.0] * 4),
        "synthetic": flat(values[more].tolist()),
        "control": flat(values.tolist()),
    }
    scores, _ = by_hand(
        sets, {"training": [0, 1] * 4, "synthetic": truth[more].astype(int), "control": truth.astype(int)}
    )
    for measure in ("ill PR-AUC", "well PR-AUC", "macro PR-AUC", "balanced accuracy"):
        assert scores[f"trts: {measure}"].value == pytest.approx(scores[f"trtr: {measure}"].value)
    assert scores["trtr: ill PR-AUC"].value < 0.95


def test_intervals_resample_patients_of_the_test_set():
    # ten patients of whom each is all right or all wrong: wide; as people of their own: narrow
    values = np.repeat([0.0, 0, 0, 9, 9, 10, 10, 10, 1, 1], 20)
    truth = np.repeat([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 20)
    real = flat([0.0, 10.0] * 3)
    wide, narrow = (
        by_hand(
            {"training": real, "synthetic": real, "control": flat(values.tolist(), people)},
            {"training": [0, 1] * 3, "synthetic": [0, 1] * 3, "control": truth},
        )[0]["trtr: balanced accuracy"]
        for people in (np.repeat(np.arange(10), 20).astype(str).tolist(), None)
    )
    assert wide.value == narrow.value == 0.6
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_a_difference_is_measured_on_the_same_patients():
    # synthetic and real training sets alike: whoever is drawn, nothing differs
    rng = np.random.default_rng(1)
    truth = np.arange(60) % 2
    real, control = flat([0.0, 1.0] * 3), flat((truth + rng.normal(0, 1, 60)).tolist())
    labels = {"training": [0, 1] * 3, "synthetic": [0, 1] * 3, "control": truth}
    scores, _ = by_hand({"training": real, "synthetic": real, "control": control}, labels)
    difference = scores["tstr − trtr: macro PR-AUC"]
    assert (difference.value, difference.low, difference.high, difference.baseline) == (0, 0, 0, 0)
    assert scores["tstr: macro PR-AUC"].high - scores["tstr: macro PR-AUC"].low > 0.1


def test_labels_are_shuffled_between_patients():
    taught = []

    def learner(values, labels, classes, seed):
        taught.append(labels)
        return nearest_mean(values, labels, classes, seed)

    people, truth = np.repeat(np.arange(12), 5), np.repeat(np.arange(12) % 2, 5)
    sets = {name: samples(np.zeros((60, 1, 1)), people) for name in ("synthetic", "training", "control")}
    score_utility(Lesson(learner), sets, dict.fromkeys(sets, truth), NAMES, 3)
    by_patient = taught[0].reshape(12, 5)
    assert (by_patient == by_patient[:, :1]).all()  # still one class a patient
    assert np.bincount(taught[0]).tolist() == [30, 30]
    assert (taught[0] != truth).any()


def test_the_interval_of_the_majority_is_a_point():
    labels = {"training": [0, 1, 2] * 2, "synthetic": [0, 1, 2] * 2, "control": [0] * 6 + [1] * 2 + [2]}
    sets = {name: flat([float(k) for k in numbers]) for name, numbers in labels.items()}
    scores, _ = by_hand(sets, labels, ("a", "b", "c"))
    macro = scores["majority: macro PR-AUC"]
    assert (macro.low, macro.value, macro.high) == pytest.approx((1 / 3, 1 / 3, 1 / 3))


# --- what cannot be measured is not zero


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            {"training": [0, 1], "control": [0, 1], "synthetic": [-1, -1]},
            "synthetic samples have no classes; train by class",
        ),
        ({"training": [-1, -1], "control": [0, 1], "synthetic": [0, 1]}, "training samples have no classes"),
        ({"training": [1, 1], "control": [0, 1], "synthetic": [0, 1]}, "training samples are all of class 'well'"),
        ({"training": [0, 1], "control": [0, -1], "synthetic": [0, 1]}, "control samples are all of class 'ill'"),
        ({"training": [0, 1], "control": [0, 1], "synthetic": [0, 0]}, "synthetic samples are all of class 'ill'"),
    ],
)
def test_what_cannot_be_measured_is_said(labels, words):
    scores, reason = by_hand({name: flat([0, 1]) for name in ("synthetic", "training", "control")}, labels)
    assert scores == {}
    assert words in reason


def test_a_class_that_control_lacks_is_named_and_left_out_of_the_mean():
    labels = {"training": [0, 1, 2] * 2, "synthetic": [0, 1, 2] * 2, "control": [0, 1] * 3}
    sets = {name: flat([float(k) for k in numbers]) for name, numbers in labels.items()}
    scores, reason = by_hand(sets, labels, ("a", "b", "c"))
    assert reason == "class 'c', of which control has no sample"
    assert not [name for name in scores if " c PR-AUC" in name]
    assert scores["trtr: macro PR-AUC"].value == scores["trts: macro PR-AUC"].value == 1


def test_a_study_is_left_out_where_the_classes_of_its_test_set_are_not_those_of_control():
    labels = {"training": [0, 1, 2], "synthetic": [1, 2, 2], "control": [0, 1, 1]}
    sets = {name: flat([float(k) for k in numbers]) for name, numbers in labels.items()}
    scores, reason = by_hand(sets, labels, ("a", "b", "c"))
    assert "trts, as synthetic and control samples share fewer than two classes" in reason
    assert not [name for name in scores if name.startswith("trts")]
    assert scores["tstr: a PR-AUC"].value == 1 / 3  # never generated, so it cannot be recognised


def test_samples_of_unknown_class_are_left_out():
    sets = {name: flat([0, 1, 99]) for name in ("synthetic", "training", "control")}
    scores, _ = by_hand(sets, {name: [0, 1, -1] for name in sets})
    assert scores["trtr: balanced accuracy"].n == 2


@pytest.mark.parametrize(("numbers", "words"), [([0], "1 labels for 2 samples"), ([0, 2], "labels 0…2 for 2 classes")])
def test_labels_that_do_not_fit_are_refused(numbers, words):
    sets = {name: flat([0, 1]) for name in ("synthetic", "training", "control")}
    with pytest.raises(InputError, match=words):
        by_hand(sets, {"training": [0, 1], "control": numbers, "synthetic": [0, 1]})


def test_no_more_than_asked_for_take_part():
    sets = {name: flat([0, 1] * 30) for name in ("synthetic", "training", "control")}
    scores, _ = by_hand(sets, dict.fromkeys(sets, [0, 1] * 30), most=20)
    assert {score.n for score in scores.values()} == {20}


# --- windows


def test_good_windows_are_worth_as_much_as_real_ones_and_mislabelled_ones_nothing():
    labels = halves()
    sets = three(labels)
    good, reason = score_utility(Lesson(partial(network, steps=40)), sets, labels, NAMES, seed=0)
    assert reason == ""
    assert good["trtr: macro PR-AUC"].value > 0.9
    assert good["tstr: macro PR-AUC"].value > 0.9
    assert good["augmented: macro PR-AUC"].value > 0.9
    assert good["shuffled: macro PR-AUC"].value < 0.7
    wrong, _ = score_utility(
        Lesson(partial(network, steps=40)), sets, labels | {"synthetic": 1 - labels["synthetic"]}, NAMES, seed=0
    )
    assert wrong["tstr: balanced accuracy"].value < 0.2
    assert wrong["trts: balanced accuracy"].value < 0.2
    assert wrong["tstr: balanced accuracy"].baseline == good["trtr: balanced accuracy"].value
    assert wrong["tstr − trtr: macro PR-AUC"].high < 0


def test_one_seed_gives_one_result():
    labels = halves(40)
    first, again, other = (
        score_utility(Lesson(partial(network, steps=3)), three(labels), labels, NAMES, seed)[0] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_offset_scale_and_gaps_of_windows_do_not_matter_to_the_network():
    labels = np.arange(80) % 2
    values = bumps(labels, 0)
    judged = network(values, labels, 2, 0, steps=5)(values)
    moved = values * 1000 + np.arange(80, dtype=np.float32)[:, None, None] * 100
    np.testing.assert_allclose(network(moved, labels, 2, 0, steps=5)(moved), judged, atol=1e-3)
    values[:, 1] = np.nan  # a lead that is missing altogether, as if it did not move
    flat_lead = values.copy()
    flat_lead[:, 1] = 7
    judge = network(values, labels, 2, 0, steps=5)
    np.testing.assert_allclose(judge(flat_lead), judge(values), atol=1e-6)
    assert np.isfinite(judge(values)).all()


def test_long_windows_are_shortened_by_means_and_still_recognised():
    labels = np.arange(60) % 2
    values = bumps(labels, 1, length=2 * LONGEST - 1)
    rough = values.copy()
    rough[:, :, :-1] += np.tile(np.float32([5, -5]), LONGEST - 1)  # gone in every mean of two neighbours
    judge = network(values, labels, 2, 0, steps=5)
    np.testing.assert_allclose(judge(rough), judge(values), atol=1e-2)


def test_batches_have_all_classes_alike():
    labels = np.repeat([0, 2], [990, 10])
    rows = np.concatenate(list(balanced(labels, 200, np.random.default_rng(0))))
    assert 0.47 < (labels[rows] == 2).mean() < 0.53  # 6,400 draws: 0.5 ± 5 standard errors
