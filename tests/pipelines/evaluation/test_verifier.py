"""The verifier of people: its error rate, what it sees of a window, which databases it takes, and how well it works."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from anonimage.errors import InputError
from anonimage.pipelines.evaluation.beats import GRID_S, beat_shapes
from anonimage.pipelines.evaluation.verifier import (
    Comparisons,
    Verifier,
    read_sessions,
    same_lead,
    score_equal_error,
    train_verifier,
)
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import roc_curve


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Of similarities of pairs of one person, and of pairs of two people."""
    one = np.concatenate([np.ones(len(genuine), int), np.zeros(len(impostor), int)])
    pairs = Comparisons(np.concatenate([genuine, impostor]), np.ones(len(one), int), one)
    return pairs.equal_error(np.ones(2))[0]


def _beats(seconds: float, fs: float, person: int, seed: int) -> np.ndarray:
    """An ECG-like trace: P, QRS and T whose sizes are the person's own, at a rate of its own."""
    rng, own = np.random.default_rng(seed), np.random.default_rng(1000 + person)
    sizes = np.array([0.15, -0.1, 1.0, -0.2, 0.3]) * own.uniform(0.5, 1.5, 5)
    widths = np.array([0.02, 0.008, 0.01, 0.01, 0.05]) * own.uniform(0.8, 1.3, 5)
    places = np.array([-0.16, -0.03, 0.0, 0.03, 0.28])
    times = np.arange(round(seconds * fs)) / fs
    middles = np.arange(rng.uniform(0, 0.6), seconds + 1, rng.uniform(0.7, 0.9))
    after = times[:, None, None] - middles[:, None] - places
    trace = (sizes * np.exp(-((after / widths) ** 2) / 2)).sum(axis=(1, 2))
    return trace * rng.uniform(0.95, 1.05) + rng.normal(0, 0.01, len(times))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people, each with two sessions on one day and one a week later."""
    root = tmp_path_factory.mktemp("people")
    for person in range(12):
        for session, day in enumerate(("01.02.2005", "01.02.2005", "08.02.2005")):
            _write(root / f"Person_{person:02d}", f"rec_{session}", person, 10 * person + session, day)
    return root


def _write(folder: Path, name: str, person: int, seed: int, day: str | None, stuck: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    trace = _beats(8, 250, person, seed)
    stored = np.round(200 * trace).astype(np.int16)[:, None]
    stored[:stuck] = -1
    wfdb.wrsamp(
        name, fs=250, units=["mV"], sig_name=["ECG I"], d_signal=stored, fmt=["16"], adc_gain=[200.0], baseline=[0],
        comments=[f"ECG date: {day}"] if day else [], write_dir=str(folder),
    )  # fmt: skip


@pytest.fixture(scope="module")
def verifier(database: Path) -> Verifier:
    return train_verifier(database, seed=0)


def test_equal_error_rate_by_hand() -> None:
    # refused below 0.5: one genuine of three; let in from 0.5 on: one impostor of three
    assert equal_error_rate(np.array([0.9, 0.8, 0.4]), np.array([0.5, 0.3, 0.2])) == pytest.approx(1 / 3)
    assert equal_error_rate(np.array([0.9, 0.8]), np.array([0.5, 0.3, 0.2])) == 0
    assert equal_error_rate(np.array([0.1]), np.array([0.5, 0.3])) == 1
    # all alike: the rates meet half way between refusing all and letting all in
    assert equal_error_rate(np.full(4, 0.7), np.full(9, 0.7)) == 0.5


def test_equal_error_rate_against_scikit_learn_and_theory() -> None:
    rng = np.random.default_rng(0)
    genuine, impostor = rng.normal(2, 1, 3000), rng.normal(0, 1, 40_000)
    ours = equal_error_rate(genuine, impostor)
    truth = np.repeat([1, 0], [len(genuine), len(impostor)])
    let_in, accepted, _ = roc_curve(truth, np.concatenate([genuine, impostor]), drop_intermediate=False)
    assert ours == pytest.approx(brentq(lambda x: 1 - x - interp1d(let_in, accepted)(x), 0, 1), abs=1e-4)
    assert ours == pytest.approx(norm.cdf(-1), abs=0.015)


def test_equal_error_rate_is_of_order_only() -> None:
    rng = np.random.default_rng(1)
    genuine, impostor = rng.normal(1, 1, 50), rng.normal(0, 1, 70)
    assert equal_error_rate(np.exp(genuine), np.exp(impostor)) == equal_error_rate(genuine, impostor)
    assert equal_error_rate(-impostor, -genuine) == pytest.approx(equal_error_rate(genuine, impostor))


def test_a_persons_weight_is_as_good_as_repeating_the_pairs() -> None:
    rng = np.random.default_rng(2)
    first, second = np.concatenate([np.tile([np.arange(5)] * 2, 4), rng.integers(0, 5, (2, 60))], axis=1)
    pairs = Comparisons(rng.normal(first == second, 1), first, second)
    weights = np.array([2, 0, 1, 3, 1])
    times = np.where(pairs.genuine, weights[pairs.first], weights[pairs.first] * weights[pairs.second])
    similar, genuine = np.repeat(pairs.similar, times), np.repeat(pairs.genuine, times)
    rate, _ = pairs.equal_error(weights.astype(float))
    assert rate == pytest.approx(equal_error_rate(similar[genuine], similar[~genuine]))


def test_interval_is_over_people_and_threshold_splits_evenly() -> None:
    rng = np.random.default_rng(3)
    people = 20
    first, second = (axis.ravel() for axis in np.meshgrid(np.arange(people), np.arange(people)))
    own = rng.normal(0, 1, people)  # how well somebody's sessions agree
    similar = np.where(first == second, 2 + own[first], rng.normal(0, 1, len(first)))
    once, _ = score_equal_error(Comparisons(similar, first, second), seed=0)
    often = Comparisons(*(np.tile(each, 30) for each in (similar, first, second)))
    score, threshold = score_equal_error(often, seed=0)
    assert (score.n, score.baseline) == (people, 0.5)
    assert score.low < score.value < score.high
    assert (score.low, score.high) == pytest.approx((once.low, once.high))  # thirty times as many pairs say no more
    refused = (often.similar[often.genuine] < threshold).mean()
    let_in = (often.similar[~often.genuine] >= threshold).mean()
    assert refused == pytest.approx(let_in, abs=0.06)


def test_beat_shape_does_not_depend_on_rate_length_or_offset() -> None:
    fine = _beats(6, 1000, person=1, seed=5).astype(np.float32)
    shape = beat_shapes(fine[None], 1000)[0]
    assert abs(shape.mean()) < 1e-6
    assert abs(GRID_S[shape.argmax()]) <= 0.016  # R is in the middle of QRS
    assert GRID_S[40 + shape[40:].argmax()] == pytest.approx(0.28, abs=0.02)  # T
    for other, fs in ((fine[::4], 250), (fine[:2500], 1000), (fine + 3, 1000)):
        assert np.corrcoef(beat_shapes(other[None], fs)[0], shape)[0, 1] > 0.99


def test_mains_hum_hides_no_beat() -> None:
    quiet = _beats(2, 500, 1, 5)
    loud = quiet + 0.3 * np.sin(2 * np.pi * 50 * np.arange(1000) / 500)
    shapes = beat_shapes(np.stack([quiet, loud]), 500)
    assert np.corrcoef(shapes)[0, 1] > 0.99


def test_windows_without_a_whole_beat_have_no_shape() -> None:
    windows = np.stack([_beats(2, 250, 1, 5), np.zeros(500), _beats(2, 250, 1, 5)])
    windows[2, 100] = np.nan
    assert list(np.isfinite(beat_shapes(windows, 250)).all(axis=1)) == [True, False, False]
    assert not np.isfinite(beat_shapes(windows[:, :100], 250)).any()  # shorter than a beat


@pytest.mark.parametrize(
    ("lead", "channels", "found"),
    [
        ("i", ("ECG I", "ECG I filtered"), "ECG I"),
        ("I", ("ii", "i"), "i"),
        ("ECG I filtered", ("ECG I", "ECG I filtered"), "ECG I filtered"),
        ("Lead II", ("I", "II"), "II"),
        ("i", ("II", "III", "aVR"), None),
    ],
)
def test_leads_are_found_under_their_spellings(lead: str, channels: tuple[str, ...], found: str | None) -> None:
    assert same_lead(lead, channels) == found


def test_sessions_leave_out_stuck_starts_and_know_their_day(tmp_path: Path) -> None:
    _write(tmp_path / "Person_01", "rec_1", 1, 1, "01.02.2005", stuck=200)
    _write(tmp_path / "Person_01", "rec_2", 1, 2, None)
    values, sessions = read_sessions(tmp_path, "i", 2, 250)
    name = tmp_path.name
    assert list(sessions["session"]) == [f"{name}/Person_01/rec_1"] * 3 + [f"{name}/Person_01/rec_2"] * 4
    assert list(sessions["day"]) == ["01.02.2005"] * 3 + [""] * 4
    assert set(sessions["person"]) == {f"{name}/Person_01"}
    assert np.allclose(values[0], _beats(8, 250, 1, 1)[500:1000], atol=0.0026)  # half an ADC step of 5 µV


def test_people_that_differ_are_distinguished(verifier: Verifier) -> None:
    names = ["same day: session", "other day: session", "same day: window", "other day: window"]
    assert sorted(verifier.errors) == sorted(names)
    for score in verifier.errors.values():
        assert score.value < 0.1
        assert score.n == 12
    assert verifier.error == verifier.errors["same day: window"]
    assert (verifier.trained_on, verifier.usable) == (12, 1)


def test_people_that_do_not_differ_are_guessed(tmp_path: Path) -> None:
    for person in range(12):
        for session in range(3):
            _write(tmp_path / f"Person_{person:02d}", f"rec_{session}", 7, 10 * person + session, "01.02.2005")
    score = train_verifier(tmp_path, seed=0).errors["same day: session"]
    assert score.low < 0.5 < score.high


def test_windows_are_nearest_to_the_mean_of_their_person(verifier: Verifier) -> None:
    real = np.stack([_beats(4, 500, 20 + k // 3, seed=50 + k) for k in range(12)])[:, None]
    synthetic = np.stack([_beats(2, 500, 20 + k, seed=90 + k) for k in range(4)])[:, None]
    synthetic = np.concatenate([synthetic, np.zeros((1, 1, 1000))])
    means = verifier.embed(real, ("I",), 500).reshape(4, 3, -1).mean(axis=1)  # of three windows of each person
    similar = verifier.embed(synthetic, ("I",), 500) @ means.T
    assert list(similar[:4].argmax(axis=1)) == [0, 1, 2, 3]
    assert not similar[4].any()  # nothing is like nobody


def test_same_seed_same_verifier_saved_and_loaded(verifier: Verifier, database: Path, tmp_path: Path) -> None:
    verifier.save(tmp_path / "verifier.safetensors")
    loaded = Verifier.load(tmp_path / "verifier.safetensors")
    again = train_verifier(database, seed=0)
    for other in (loaded, again):
        np.testing.assert_array_equal(other.axes, verifier.axes)
        np.testing.assert_array_equal(other.centre, verifier.centre)
        assert (other.errors, other.threshold, other.lead) == (verifier.errors, verifier.threshold, verifier.lead)
    (tmp_path / "verifier.safetensors").write_bytes(b"{}")
    with pytest.raises(InputError, match="train it anew"):
        Verifier.load(tmp_path / "verifier.safetensors")


def test_what_cannot_be_used_is_refused_in_one_line(verifier: Verifier, database: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs lead 'i', not v1, v2"):
        verifier.embed(np.zeros((1, 2, 500)), ("v1", "v2"), 250)
    with pytest.raises(InputError, match="no record has lead 'v9' \\(the first has ECG I\\)"):
        train_verifier(database, "v9")
    with pytest.raises(InputError, match="no 20 s of any record are usable"):
        train_verifier(database, seconds=20)
    for person in range(12):
        _write(tmp_path / "once" / f"Person_{person:02d}", "rec_1", person, person, "01.02.2005")
        for session in range(2):
            _write(tmp_path / "dateless" / f"Person_{person:02d}", f"rec_{session}", person, person, None)
    with pytest.raises(InputError, match="0 people have several sessions"):
        train_verifier(tmp_path / "once")
    with pytest.raises(InputError, match="no header says the day"):
        train_verifier(tmp_path / "dateless")


def test_unseen_people_of_ecg_id(shared: Path) -> None:
    data = shared / "data"
    more = [data / "ludb" / "data", data / "ptbdb", data / "cinc2021"]
    verifier = train_verifier(data / "ecgiddb", more=more)
    assert verifier.usable > 0.98  # mains hum of some recorders hides no beats
    errors = verifier.errors
    assert errors["same day: session"].value <= 0.10
    assert errors["same day: window"].value <= 0.10
    assert errors["same day: session"].n == 59  # all but one, who came once
    assert errors["other day: session"].n == 13
    assert 0 < errors["other day: session"].value < 0.2
