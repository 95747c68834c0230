"""Scores against small cases worked by hand."""

import json

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.pipelines.evaluation.beats import count_r_peaks, score_r_peaks
from anonimage.pipelines.evaluation.images import score_diversity, score_null
from anonimage.pipelines.evaluation.measure import Measured
from anonimage.pipelines.evaluation.neighbours import departure, nearest_neighbour_accuracy, score_1nnc
from anonimage.pipelines.evaluation.resampling import interval, kolmogorov_smirnov
from anonimage.pipelines.evaluation.scores import Score, Scores, load_scores, save_scores
from anonimage.pipelines.evaluation.sets import Comparison, refuse_shared_patients
from anonimage.pipelines.evaluation.signals import score_limb_leads, score_noise
from anonimage.pipelines.evaluation.tables import score_columns, score_ranges
from anonimage.pipelines.evaluation.utility import score_classes, score_recall
from scipy.stats import ks_2samp


def test_1nnc_by_hand():
    # on a line: a a b a b b  at 0 1 3 4.5 8 9 -> nearest others: 1, 0, 4.5, 3, 9, 8
    first, second = np.array([[0.0], [1.0], [4.5]]), np.array([[3.0], [8.0], [9.0]])
    assert nearest_neighbour_accuracy(first, second).tolist() == [1, 1, 0, 0, 1, 1]


def test_1nnc_of_copies_is_zero_and_of_another_law_is_one():
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(40, 1, 9))
    assert nearest_neighbour_accuracy(windows, windows + 1e-6).mean() == 0
    assert nearest_neighbour_accuracy(windows, windows + 100).mean() == 1


def test_1nnc_of_one_law_is_near_one_half():
    rng = np.random.default_rng(1)
    right = nearest_neighbour_accuracy(rng.normal(size=(400, 3)), rng.normal(size=(400, 3)))
    assert 0.43 < right.mean() < 0.57


def test_1nnc_refuses_unequal_sets():
    with pytest.raises(InputError, match="3 and 2"):
        nearest_neighbour_accuracy(np.zeros((3, 1)), np.zeros((2, 1)))


def test_score_1nnc_stands_on_equal_numbers_with_the_floor_as_baseline():
    rng = np.random.default_rng(2)
    real, patients = rng.normal(size=(120, 5)), np.repeat([f"p{k}" for k in range(12)], 10)
    scores = score_1nnc(
        Comparison(rng.normal(size=(50, 5)) + 9, real[:60], real[60:], patients[:60], patients[60:], seed=0)
    )
    assert scores["1nnc"].value == 1
    assert scores["1nnc"].baseline == scores["1nnc_floor"].value
    assert scores["1nnc"].n == scores["1nnc_floor"].n == 50
    assert scores["1nnc_floor"].low <= scores["1nnc_floor"].value <= scores["1nnc_floor"].high


def test_1nnc_of_noise_about_each_window_is_known_to_be_one_half():
    """Every noisy window is nearest to the real one it is about, and that one to its twin: halves 0 and 1, no doubt."""
    places = 100.0 * np.arange(40)
    real = np.stack([places, places + 1]).T.reshape(-1, 1)  # 0 1 100 101 …
    noisy = real + np.tile([-7.0, 9.0], 40)[:, None]  # −7 10 93 110 …
    people = np.repeat(np.arange(40), 2)
    scores = score_1nnc(Comparison(noisy, real, noisy, people, people, seed=0))
    ends = {name: (score.low, score.value, score.high) for name, score in scores.items()}
    assert ends["1nnc_synthetic"] == (0, 0, 0)
    assert ends["1nnc_real"] == (1, 1, 1)
    assert ends["1nnc"] == ends["1nnc_floor"] == (0.5, 0.5, 0.5)


def test_the_interval_of_1nnc_is_that_of_a_mean_of_two_independent_means():
    rng = np.random.default_rng(5)
    g, c, t = (rng.normal(size=(400, 2)) for _ in range(3))
    scores = score_1nnc(Comparison(g, c, t, np.arange(400), np.arange(400), seed=0))
    variances = [scores[f"1nnc_{half}"].value for half in ("synthetic", "real")]
    width = 1.96 * np.sqrt(sum(p * (1 - p) / 400 for p in variances)) / 2
    score = scores["1nnc"]
    assert score.value == pytest.approx(sum(variances) / 2)
    assert (score.high - score.value, score.value - score.low) == pytest.approx((width, width), rel=0.15)
    grouped = score_1nnc(Comparison(g, c, t, np.repeat(np.arange(5), 80), np.arange(400), seed=0))
    half, same = (found["1nnc_synthetic"] for found in (scores, grouped))  # control patients say nothing about it
    assert (same.low, same.high) == pytest.approx((half.low, half.high), abs=0.02)


def test_the_interval_resamples_patients():
    # two patients, ten windows each, all alike within a patient: only 0, 0.5 and 1 can come out
    values, patients = np.repeat([0.0, 1.0], 10), np.repeat(["a", "b"], 10)
    assert interval(values, patients) == (0.0, 1.0)
    low, high = interval(values, np.arange(20))
    assert 0.2 < low < 0.5 < high < 0.8


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for k in range(100):
        effects = rng.normal(size=30).repeat(4)
        low, high = interval(effects + rng.normal(size=120), np.arange(30).repeat(4), seed=k)
        covered += low <= 0 <= high
    assert covered >= 88  # 95 expected; below 88 has probability under 1 %


def test_a_collapsed_set_is_alike():
    rng = np.random.default_rng(0)
    various = rng.integers(0, 256, (50, 1, 9, 9), np.uint8)
    collapsed = np.repeat(various[:1], 50, axis=0)
    score = score_diversity(Comparison(collapsed, various, various, np.arange(len(various)), seed=0))["similarity"]
    assert score.value == pytest.approx(1)
    assert score.baseline < 0.2
    small = various[..., :5, :5]  # too small for the window of the measure
    assert score_diversity(Comparison(small, various, various, np.arange(50), seed=0)) == {}


def test_limb_lead_residual_by_hand():
    relations = np.array([[1.0, -1.0, 1.0]])  # i - ii + iii
    lawful = np.array([[[1.0, 2.0], [3.0, 5.0], [2.0, 3.0]]])
    broken = lawful + np.array([[0.003], [0.0], [0.001]])  # 4 µV too much
    score = score_limb_leads(Comparison(broken, lawful, lawful, seed=0), relations)["einthoven"]
    assert (score.value, score.baseline, score.unit) == (pytest.approx(4), pytest.approx(0), "µV")
    assert score_limb_leads(Comparison(broken, lawful, lawful, seed=0), np.zeros((0, 3))) == {}


def test_r_peaks_are_counted():
    seconds = np.arange(4000) / 1000
    beats = sum(np.exp(-(((seconds - at) / 0.012) ** 2)) for at in (0.5, 1.3, 2.1, 2.9, 3.6))
    t_waves = sum(0.2 * np.exp(-(((seconds - at - 0.25) / 0.05) ** 2)) for at in (0.5, 1.3, 2.1, 2.9, 3.6))
    signal = beats + t_waves + np.random.default_rng(0).normal(0, 0.01, 4000)
    assert count_r_peaks(signal[None], 1000.0).tolist() == [5]


def test_a_window_without_beats_has_none():
    assert count_r_peaks(np.zeros((1, 2025)), 1000.0).tolist() == [0]


def test_r_peaks_of_real_windows_are_their_own_baseline(shared):
    import wfdb

    signal = wfdb.rdrecord(str(shared / "data/ptbdb/patient001/s0010_re"), channel_names=["i"]).p_signal[:, 0]
    windows = signal[: 2025 * 10].reshape(10, 2025)
    scores = score_r_peaks(Comparison(windows, windows, windows, np.zeros(10), seed=0), 1000.0)
    assert scores["r_peaks"].value == scores["r_peaks"].baseline == scores["r_peaks_control"].value
    assert 2 <= scores["r_peaks"].value <= 4  # 2 seconds at 80 beats a minute


def test_class_accuracy_by_hand():
    right, labels = np.array([True, True, False, True]), np.array([0, 0, 0, 2])
    score = score_classes(right, labels, np.arange(4), seed=0)
    assert (score.value, score.baseline, score.n) == (0.75, 0.75, 4)  # always saying 0 would be right as often
    assert 0 <= score.low <= 0.5 < score.high <= 1


def test_class_accuracy_resamples_patients():
    right, labels = np.repeat([True, False], 10), np.repeat([0, 1], 10)
    score = score_classes(right, labels, np.repeat(["a", "b"], 10), seed=0)
    assert (score.low, score.value, score.high) == (0, 0.5, 1)


def test_noise_is_not_taken_for_likeness():
    """The trap of 1NNC: each noisy window's neighbour is a real one, and their mean is 0.5."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(120, 400)) * 0.01 + np.linspace(0, 1, 400)
    noise = real[:60] + rng.normal(size=(60, 400))
    people = np.arange(60)
    scores = score_1nnc(Comparison(noise, real[:60], real[60:], people, people + 60, seed=0))
    assert scores["1nnc"].value == pytest.approx(0.5, abs=0.05)
    assert scores["1nnc_synthetic"].value < 0.1
    assert scores["1nnc_real"].value > 0.9
    assert departure(nearest_neighbour_accuracy(noise, real[:60])) > 0.4
    assert departure(nearest_neighbour_accuracy(real[:60], real[60:])) < 0.2


def test_recall_counts_every_class_alike():
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])  # always saying 0 is right in 6 of 8, and no better than guessing
    score = score_recall(labels == 0, labels, np.arange(8), seed=0, classes=2)
    assert (score.value, score.baseline, score.n) == (0.5, 0.5, 8)
    right = np.array([True] * 3 + [False] * 3 + [True] * 2)
    assert score_recall(right, labels, np.arange(8), seed=0, classes=2).value == 0.75


def test_recall_is_held_against_guessing_among_all_classes_that_training_knows():
    labels = np.array([0, 0, 2, 2])
    right = labels == 0
    assert score_recall(right, labels, np.arange(4), seed=0, classes=2).baseline == 0.5
    assert score_recall(right, labels, np.arange(4), seed=0, classes=5).baseline == 0.2


def test_recall_resamples_the_patients_of_each_class():
    # class 0: a patient of three images, right, and one of one, wrong; class 1: two, right; class 2: one, wrong
    labels, people = np.array([0, 0, 0, 0, 1, 1, 2]), np.array(list("aaabcde"))
    right = np.array([True] * 3 + [False] + [True] * 2 + [False])
    score = score_recall(right, labels, people, seed=0, classes=3)
    assert score.value == pytest.approx((3 / 4 + 1 + 0) / 3)
    # only class 0 varies: b twice, a and b, a twice
    assert (score.low, score.high) == pytest.approx((1 / 3, 2 / 3))


def test_class_accuracy_of_nothing_is_refused():
    with pytest.raises(InputError, match="no image has a class that training knows"):
        score_classes(np.zeros(0, bool), np.zeros(0, int), np.zeros(0), seed=0)


def test_columns_by_hand():
    nan = np.nan
    generated = np.array([[1.0, 1], [2, 1], [3, 0], [4, nan]])
    control = np.array([[3.0, 1], [4, 0], [5, 0], [6, 0], [nan, 0]])
    people = np.arange(5)
    scores = score_columns(
        Comparison(generated, control[:4], control, training_patients=people, seed=0),
        ["age", "sick"],
        ["integer", "binary"],
    )
    # half of the generated ages are below all real ones; 2 of 3 that are there against 1 of 5
    assert scores["ks: age"].value == 0.5
    assert scores["share: sick"].value == pytest.approx(2 / 3 - 1 / 5)
    assert scores["ks: age"].baseline == 0
    # three of the control rows' 1 0 0 0, as many as are there of the generated ones
    assert scores["share: sick"].baseline in (pytest.approx(-1 / 5), pytest.approx(1 / 3 - 1 / 5))
    assert (scores["ks: age"].n, scores["share: sick"].n) == (4, 3)
    assert scores["ks_worst"] == scores["ks: age"]
    assert scores["share_worst"] == scores["share: sick"]


def test_the_worst_share_may_be_below_the_real_one():
    generated, control = np.array([[0.0, 1], [0, 1]]), np.array([[1.0, 1], [1, 0]])
    scores = score_columns(
        Comparison(generated, control, control, training_patients=np.arange(2), seed=0), ["a", "b"], ["binary"] * 2
    )
    assert (scores["share: a"].value, scores["share: b"].value) == (-1, 0.5)
    assert scores["share_worst"].value == -1
    assert "ks_worst" not in scores


def test_a_column_that_is_missing_everywhere_is_not_scored():
    there, absent = np.ones((3, 1)), np.full((3, 1), np.nan)
    assert (
        score_columns(Comparison(absent, there, there, training_patients=np.arange(3), seed=0), ["a"], ["binary"]) == {}
    )


def test_a_column_lies_in_its_own_interval_however_alike_the_sets_are():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 20))
    again = rows[rng.permutation(60)]  # the very same values: nothing can be nearer, all draws are further
    scores = score_columns(
        Comparison(again, rows, rows, training_patients=np.arange(60), seed=0),
        [str(k) for k in range(20)],
        ["integer"] * 20,
    )
    far = score_columns(
        Comparison(rng.normal(size=(60, 20)), rows, rows, training_patients=np.arange(60), seed=0),
        ["x"] * 20,
        ["integer"] * 20,
    )
    for score in (*scores.values(), *far.values()):
        assert 0 <= score.low <= score.value <= score.high <= 1
    assert scores["ks_worst"].low == scores["ks_worst"].value == 0 < scores["ks_worst"].high


def test_draws_of_a_column_are_distances_of_the_rows_drawn():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 9, 30).astype(float), rng.integers(2, 12, 50).astype(float)
    times = rng.multinomial(30, np.full(30, 1 / 30), 4), rng.multinomial(50, np.full(50, 1 / 50), 4)
    found = kolmogorov_smirnov(first, second, *times)
    expected = [ks_2samp(first.repeat(a), second.repeat(b)).statistic for a, b in zip(*times, strict=True)]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["integer", "binary"])
def test_rows_of_one_patient_widen_the_interval_of_a_column(kind):
    rng = np.random.default_rng(0)
    training = np.repeat(rng.random((20, 1)) < 0.5, 50, axis=0).astype(float)  # each patient's rows are alike
    generated = (rng.random((1000, 1)) < 0.5).astype(float)
    widths = []
    for people in (np.arange(1000), np.repeat(np.arange(20), 50)):
        (score, _) = score_columns(
            Comparison(generated, training, training, training_patients=people, seed=0), ["x"], [kind]
        ).values()
        widths.append(score.high - score.low)
    assert widths[1] > 2 * widths[0]


def test_a_column_of_few_control_rows_is_compared_with_as_few_generated_ones():
    """Else good generated rows would look better than real ones, of which there are fewer."""
    rng = np.random.default_rng(0)
    generated, training, control = (rng.normal(size=(n, 12)) for n in (5000, 3000, 40))
    scores = score_columns(
        Comparison(generated, control, training, training_patients=np.arange(3000), seed=0),
        [*"abcdefghijkl"],
        ["integer"] * 12,
    )
    each = [score for name, score in scores.items() if name != "ks_worst"]
    assert {score.n for score in each} == {40}
    assert np.mean([score.value for score in each]) == pytest.approx(np.mean([s.baseline for s in each]), abs=0.03)


def test_rows_inside_the_ranges_by_hand():
    training = np.array([[0.0, 5], [2, 7], [1, np.nan]])
    generated = np.array([[0.0, 7], [2.5, 6], [1, 4], [np.nan, 6]])  # inside, above, below, inside
    score = score_ranges(Comparison(generated, training, training, seed=0))["inside_ranges"]
    assert (score.value, score.low, score.high, score.baseline, score.n) == (0.5, 0.5, 0.5, 1, 4)


def test_clean_null_pixels_by_hand():
    null = np.array([[[False, True], [False, True]]])
    images = np.zeros((4, 1, 2, 2), np.uint8)
    images[:, 0, :, 0] = 9  # no NULL there
    images[2, 0, 1, 1] = 1  # one level is one too many
    score = score_null(images, null, seed=0)["null_clean"]
    assert (score.value, score.baseline, score.n) == (0.75, 1, 4)
    assert score_null(images, np.zeros_like(null), seed=0) == {}


def test_noise_by_hand():
    time = np.arange(1200) / 1200
    slow, fast = np.sin(2 * np.pi * 5 * time), np.sin(2 * np.pi * 300 * time)  # the border is at 100 Hz
    score = score_noise(Comparison((slow + fast)[None, None], slow[None, None], slow[None, None], seed=0), 1200.0)[
        "noise"
    ]
    assert (score.value, score.baseline) == (pytest.approx(0.5), pytest.approx(0, abs=1e-9))


def test_scores_read_back_and_a_spoilt_file_is_named(tmp_path):
    path = tmp_path / "scores.json"
    scores = Scores({"1nnc": Score(0.6, 0.5, 0.7, None, 12)}, "abc", {"utility": "one class"})
    save_scores(scores, path)
    assert load_scores(path) == scores
    without_header = '{"1nnc": {"value": 1, "low": 1, "high": 1, "baseline": null, "n": 1, "unit": ""}}'
    for text in ("{", "[]", '{"1nnc": {"value": 1}}', without_header):
        path.write_text(text)
        with pytest.raises(InputError, match=r"scores\.json: missing or edited"):
            load_scores(path)


def test_what_is_lacking_is_said_by_name_and_only_that():
    found = Measured(scores={"tstr: macro PR-AUC": Score(0.6, 0.5, 0.7, None, 12)})
    found.lacks(("utility", "tstr: macro PR-AUC", "trtr: macro PR-AUC"), "no")
    assert found.not_measured == {"utility": "no", "trtr: macro PR-AUC": "no"}


def test_patients_seen_in_training_are_refused_by_name():
    refuse_shared_patients({"a", "b"}, {"c"})
    with pytest.raises(InputError, match=r"1 control patients were seen in training \(b\)"):
        refuse_shared_patients({"a", "b"}, {"b", "c"})


def test_scores_are_written_by_name(tmp_path):
    scores = {"1nnc": Score(0.6, 0.5, 0.7, None, 12), "error": Score(1.0, 1.0, 1.0, 2.0, 3, "µV")}
    save_scores(Scores(scores, "abc", {}), tmp_path / "scores.json")
    written = json.loads((tmp_path / "scores.json").read_text())
    assert {name: Score(**fields) for name, fields in written["scores"].items()} == scores
    assert (written["fingerprint"], written["not_measured"]) == ("abc", {})
