"""Re-identification with a verifier whose embedding is given."""

import numpy as np
import pytest
from anonimage.data.samples import Samples
from anonimage.pipelines.evaluation.privacy.attacks import Matcher
from anonimage.pipelines.evaluation.privacy.pool import Pool
from anonimage.pipelines.evaluation.privacy.space import SignalView
from anonimage.pipelines.evaluation.scores import Score
from crowd import people


def spectrum(values: np.ndarray) -> np.ndarray:
    """Amplitude spectrum of the first channel, of length 1."""
    found = np.abs(np.fft.rfft(values[:, 0]))[:, 1:25]
    return found / np.linalg.norm(found, axis=1, keepdims=True)


GOOD = Matcher(spectrum, 0.9, Score(0.05, 0.02, 0.1, 0.5, 40))


@pytest.fixture(scope="module")
def game() -> tuple[Samples, Samples, Pool, np.ndarray]:
    training, control = people(range(20), 6, 0), people(range(20, 32), 6, 1)
    pool = Pool.of(training, control, SignalView(), 0)
    return training, control, pool, GOOD.templates(training, control, pool)


def test_templates_are_means_of_the_persons_own_windows(game):
    training, control, pool, found = game
    person = int(pool.codes[pool.origin == 0][0])  # patient "0"
    mean = spectrum(training.values[training.frame["patient"] == "0"]).mean(axis=0)
    np.testing.assert_allclose(found[person], mean / np.linalg.norm(mean), rtol=1e-5)
    other = int(pool.codes[pool.origin == len(training)][0])
    assert not pool.member[other]
    mean = spectrum(control.values[:6]).mean(axis=0)
    np.testing.assert_allclose(found[other], mean / np.linalg.norm(mean), rtol=1e-5)


def test_windows_of_the_people_are_named_and_of_others_are_not(game):
    _, _, pool, found = game
    again = GOOD.attack(people(range(20), 10, 7).values, found, pool.member, 0)
    assert again.score.low > 0.1
    assert again.p_value < 0.001
    fresh = GOOD.attack(people(range(40, 60), 10, 7).values, found, pool.member, 0)
    assert fresh.p_value > 0.01
    assert fresh.score.low <= 0 <= fresh.score.high
    assert (again.members, again.non_members, again.limit) == (20, 12, "reidentification")


def test_nobody_named_is_no_excess(game):
    training, _, pool, found = game
    blind = Matcher(spectrum, 1.1, GOOD.error)
    nothing = blind.attack(training.values, found, pool.member, 0)
    assert (nothing.score.value, nothing.p_value) == (0, 1)
    assert nothing.score.high > 0


def test_a_poor_verifier_shows_nothing():
    windows = people(range(3), 2, 0).values
    assert not GOOD.refusal(windows, 0)
    assert "0.31" in Matcher(spectrum, 0.9, Score(0.2, 0.1, 0.31, 0.5, 40)).refusal(windows, 0)
