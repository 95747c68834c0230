"""Fréchet and kernel distances: closed forms, other implementations, laws."""

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.pipelines.evaluation import distances
from anonimage.pipelines.evaluation.distances import feature_map, frechet, kernel, score_distances
from anonimage.pipelines.evaluation.images import score_kernel_images
from anonimage.pipelines.evaluation.sets import Comparison
from scipy.linalg import sqrtm


def people(n, each, features=6, seed=0):
    """Features of so many people who differ, and the people."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 1, features)) + 0.3 * rng.normal(size=(n, each, features))
    return values.reshape(-1, features), np.repeat(np.arange(n), each)


def test_frechet_of_points_on_a_line_by_hand():
    # means 1 and 4, unbiased variances 2 and 18: (1 − 4)² + (√2 − √18)² = 9 + 8
    assert frechet(np.array([[0.0], [2.0]]), np.array([[1.0], [7.0]])) == pytest.approx(17)


def test_frechet_agrees_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)), rng.normal(size=(80, 5)) + 1
    root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    assert frechet(a, b) == pytest.approx(expected)
    assert frechet(b, a) == pytest.approx(expected)
    assert frechet(a, a) == pytest.approx(0, abs=1e-6)


def test_kernel_by_hand():
    # (x y + 1)³: of 0 and 1 with themselves 1, of −1 and 2 with themselves (−1)³; across 1, 1, 0, 27
    assert kernel(np.array([[0.0], [1.0]]), np.array([[-1.0], [2.0]])) == pytest.approx(1 - 1 - 2 * 29 / 4)


@pytest.mark.filterwarnings("ignore:Metric")
def test_kernel_is_that_of_torchmetrics():
    import torch
    from torchmetrics.image.kid import KernelInceptionDistance

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) + 0.3
    network = torch.nn.Identity()
    network.num_features = torch.tensor(4)
    metric = KernelInceptionDistance(feature=network, subsets=1, subset_size=50)
    metric.update(torch.from_numpy(a), real=True)
    metric.update(torch.from_numpy(b), real=False)
    assert kernel(a, b) == pytest.approx(float(metric.compute()[0]))


def test_the_kernel_of_weighted_windows_is_that_of_the_windows():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 3)), rng.normal(size=(30, 3)) + 0.5
    similar = distances._kernel_matrix(np.concatenate([a, b]))
    ones = np.ones((1, 30))
    assert distances._unbiased(similar, ones, ones)[0] == pytest.approx(kernel(a, b))
    half = ones * (np.arange(30) < 15)  # windows that were not drawn are not there
    assert distances._unbiased(similar, half, half)[0] == pytest.approx(kernel(a[:15], b[:15]))
    biased = distances._kernels(np.concatenate([a, b]), [(np.arange(30), np.arange(30, 60))])[0]
    blocks = similar[:30, :30].mean(), similar[30:, 30:].mean(), similar[:30, 30:].mean()
    assert biased == pytest.approx(blocks[0] + blocks[1] - 2 * blocks[2])


def test_relative_distances_are_near_one_for_one_law_and_grow():
    control, patients = people(200, 2)
    training = people(200, 2, seed=1)[0]
    found = [
        score_distances(Comparison(people(200, 2, seed=2)[0] + by, control, training, patients, seed=0))
        for by in (0, 0.5, 1)
    ]
    same = found[0]
    for name in ("r_frechet", "r_kernel"):
        assert same[name].low < 1.2
        assert same[name].high > 0.8
        assert same[name].baseline == 1
        assert found[1][name].low > 2
        assert found[1][name].value < found[2][name].value
    for name in ("frechet", "kernel"):
        assert same[name].low < same[name].baseline < same[name].high
        assert found[1][name].low > same[name].baseline
        assert found[1][name].value < found[2][name].value


def test_one_scale_for_all_units():
    control, patients = people(40, 5)
    training, generated = people(40, 5, seed=1)[0], people(40, 5, seed=2)[0] + 0.4
    millivolts = score_distances(Comparison(generated, control, training, patients, seed=0))
    microvolts = score_distances(
        Comparison(1e3 * generated + 7, 1e3 * control + 7, 1e3 * training + 7, patients, seed=0)
    )
    for name, score in millivolts.items():
        assert microvolts[name].value == pytest.approx(score.value)
        assert microvolts[name].high == pytest.approx(score.high)


def test_what_only_the_generator_does_is_seen():
    """Real features lie in a plane; generated ones leave it. With few windows there are fewer axes than features."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(2, 12))
    control, training, generated = (rng.normal(size=(50, 2)) @ plane for _ in range(3))
    outside = np.linalg.svd(plane)[2][-1]
    scores = score_distances(Comparison(generated + 9 * outside, control, training, np.arange(50), seed=0))
    inside = score_distances(Comparison(generated, control, training, np.arange(50), seed=0))
    assert scores["r_frechet"].value > 10 * inside["r_frechet"].value
    assert scores["kernel"].low > inside["kernel"].high


def test_halves_share_no_patient_and_are_alike_in_size():
    patients = np.repeat(np.arange(9), [40, 1, 2, 3, 4, 5, 6, 7, 8])
    divisions = distances._divisions(patients, 1000, 10, np.random.default_rng(0))
    assert len({tuple(sorted(set(patients[first]))) for first, _, _ in divisions}) > 1
    for first, second, ours in divisions:
        assert not set(patients[first]) & set(patients[second])
        assert len(first) == len(second) == len(ours) == len(set(ours)) >= 19


def test_one_control_patient_has_no_halves():
    control = people(1, 30)[0]
    scores = score_distances(
        Comparison(people(10, 3, seed=1)[0], control, people(10, 3, seed=2)[0], np.zeros(30), seed=0)
    )
    assert scores.keys() == {"frechet", "kernel"}


@pytest.mark.parametrize("n", [19, 20])
def test_relative_distances_need_twenty_control_people(n):
    control, patients = people(n, 4)
    scores = score_distances(Comparison(people(30, 4, seed=2)[0], control, people(30, 4, seed=1)[0], patients, seed=0))
    assert {"frechet", "kernel"} <= scores.keys()
    assert ("r_frechet" in scores) == ("r_kernel" in scores) == (n == 20)


def test_twenty_people_tell_noise_from_real_windows():
    """Narrow groups about people who differ, as embedded windows are; noise is of length 1 as well, but anywhere."""
    rng = np.random.default_rng(0)
    given = []
    for n in (20, 60):
        values = rng.normal(size=(n, 1, 8)) + 1 + 0.3 * rng.normal(size=(n, 15, 8))
        given.append(values.reshape(-1, 8))
    noise = rng.normal(size=(300, 8))
    control, training, noise = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (*given, noise))
    scores = score_distances(Comparison(noise, control, training, np.repeat(np.arange(20), 15), seed=0))
    assert scores["r_frechet"].low > 1
    assert scores["r_kernel"].low > 1


def test_the_same_seed_gives_the_same_scores():
    control, patients = people(20, 4)
    given = Comparison(people(12, 4, seed=2)[0], control, people(12, 4, seed=1)[0], patients, seed=3)
    assert score_distances(given) == score_distances(given)


def test_missing_features_are_refused():
    control, patients = people(5, 2)
    broken = control.copy()
    broken[3, 1] = np.nan
    with pytest.raises(InputError, match="synthetic samples: 1 of 10 are not finite"):
        score_distances(Comparison(broken, control, control, patients, seed=0))
    with pytest.raises(InputError, match="one size, at least 2; got 3 and 2"):
        kernel(np.zeros((3, 1)), np.zeros((2, 1)))


def test_the_map_shows_what_real_windows_vary_in():
    rng = np.random.default_rng(0)
    real = np.stack([rng.normal(0, 9, 50), rng.normal(0, 3, 50), np.zeros(50)], axis=1)
    ours = np.stack([np.full(900, 1e3), np.zeros(900), rng.normal(0, 1e6, 900)], axis=1)
    found = feature_map(Comparison(ours, real[25:], real[:25], seed=0))
    assert found["kind"].value_counts().to_dict() == {"synthetic": 400, "training": 25, "control": 25}
    shown = found[found["kind"] == "synthetic"]
    assert np.abs(shown["x"]).between(800, 1200).all()  # what only they vary in is no axis
    spread = found[found["kind"] != "synthetic"][["x", "y"]].std()
    assert spread["x"] > 2 * spread["y"]
    flat = feature_map(Comparison(ours[:, :1], real[25:, :1], real[:25, :1], seed=0))
    assert (flat["y"] == 0).all()


def test_pictures_of_another_law_are_further_than_those_of_one():
    rng = np.random.default_rng(0)

    def stripes(n, across):
        place = np.add.outer(rng.uniform(0, 6, n), np.arange(24) * 0.8)
        wave = np.broadcast_to((np.sin(place) * 90 + 128)[:, :, None], (n, 24, 24))
        return (wave.transpose(0, 2, 1) if across else wave)[:, None].astype(np.uint8)

    control, training, same, turned = stripes(60, False), stripes(60, False), stripes(60, False), stripes(60, True)
    ours = score_kernel_images(Comparison(same, control, training, np.arange(60), seed=0))["kernel_images"]
    other = score_kernel_images(Comparison(turned, control, training, np.arange(60), seed=0))["kernel_images"]
    assert ours.low < ours.baseline < ours.high
    assert other.low > 10 * ours.high
    dark = score_kernel_images(Comparison(same // 2, control, training, np.arange(60), seed=0))["kernel_images"]
    assert dark.low > ours.high
    assert score_kernel_images(Comparison(same[..., :7, :7], control, training, np.arange(60), seed=0)) == {}


@pytest.mark.parametrize(("patients", "relative"), [([0, 1, 2], False), ([0, 0, 1, 1], True), ([0, 1, 1, 1], False)])
def test_halves_of_one_window_are_no_halves(patients, relative, monkeypatch):
    monkeypatch.setattr(distances, "RELATIVE_PEOPLE", 2)
    rng = np.random.default_rng(0)
    generated, control, training = (rng.normal(size=(len(patients), 3)) for _ in range(3))
    scores = score_distances(Comparison(generated, control, training, np.array(patients), seed=0))
    assert ("r_frechet" in scores) == ("r_kernel" in scores) == relative
    assert all(np.isfinite([score.value, score.low, score.high]).all() for score in scores.values())
