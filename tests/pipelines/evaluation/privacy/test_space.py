"""The positive control changes samples as little as it says."""

import numpy as np
import pandas as pd
from anonimage.data.samples import Samples
from anonimage.pipelines.evaluation.privacy.space import SHIFT, SignalView, View
from crowd import LENGTH, people, rows, view_of


def test_signals_are_shifted_scaled_and_blurred_within_bounds():
    ramp = np.linspace(-1, 1, LENGTH)
    training = Samples(np.stack([ramp])[None], pd.DataFrame({"patient": ["a"]}), ("x",), ("mV",), 100.0)
    found = SignalView().replay(training, 300, 0)
    assert found.values.shape == (300, 1, LENGTH)
    assert list(found.frame.columns) == []
    middle = slice(LENGTH // 4, -LENGTH // 4)
    slopes, places = np.polyfit(np.arange(LENGTH)[middle], found.values[:, 0, middle].T, 1)
    scale = slopes / (ramp[1] - ramp[0])
    assert 0.85 < scale.min() < 0.93
    assert 1.07 < scale.max() < 1.15
    crossing = -places / slopes - (LENGTH - 1) / 2
    assert SHIFT * LENGTH * 0.8 < np.abs(crossing).max() < SHIFT * LENGTH * 1.2
    fitted = slopes[:, None] * np.arange(LENGTH)[middle] + places[:, None]
    noise = (found.values[:, 0, middle] - fitted).std(axis=1) / np.ptp(ramp)
    assert 0.007 < noise.min() < noise.max() < 0.025


def test_channels_move_together():
    training = people(range(3), 2, 0, channels=1)
    both = Samples(training.values.repeat(2, axis=1), training.frame, ("a", "b"), ("mV", "mV"), training.fs)
    first, second = SignalView().replay(both, 50, 1).values.transpose(1, 0, 2)
    assert np.abs(first - second).max() < 0.2 * np.ptp(training.values)


def test_pictures_stay_where_they_are_and_missing_values_missing():
    values = np.zeros((1, 1, 25), dtype=np.float32)
    values[0, 0, 7], values[0, 0, 3] = 1, np.nan
    training = Samples(values, pd.DataFrame({"patient": ["a"]}), ("grey",), ("",))
    found = View().replay(training, 40, 0).values
    assert (np.nanargmax(found[:, 0], axis=1) == 7).all()
    assert np.isnan(found[:, 0, 3]).all()


def test_of_rows_only_numbers_change():
    training = rows(range(200), 0)
    found = view_of(training, training).replay(training, 500, 0)
    assert set(np.unique(found.values[:, -1])) == {0, 1}
    nearest = np.abs(found.values[:, None, 0, 0] - training.values[None, :, 0, 0]).min(axis=1)
    assert 0 < np.median(nearest) < 0.05


def test_same_seed_same_replay():
    training = people(range(3), 2, 0)
    np.testing.assert_array_equal(
        SignalView().replay(training, 9, 5).values, SignalView().replay(training, 9, 5).values
    )
    assert not np.array_equal(SignalView().replay(training, 9, 5).values, SignalView().replay(training, 9, 6).values)
