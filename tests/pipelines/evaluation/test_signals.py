"""Spectrum, autocorrelation and amplitudes: waves whose figures are known beforehand."""

import warnings

import numpy as np
import pytest
from anonimage.pipelines.evaluation.sets import Comparison
from anonimage.pipelines.evaluation.signals import (
    score_amplitude,
    score_autocorrelation,
    score_spectrum,
    spectra,
)
from scipy.signal import correlate, welch
from scipy.stats import ks_2samp

FS = 250.0


def noise(n, leads=1, length=500, seed=0):
    return np.random.default_rng(seed).normal(size=(n, leads, length)).astype(np.float32)


def test_twice_the_amplitude_is_six_decibels_in_every_band():
    real, people = noise(80), np.repeat(np.arange(20), 4)
    scores = score_spectrum(Comparison(2 * real, real, real, people, seed=0), FS)
    bands = {"spectrum: 0.5–5 Hz", "spectrum: 5–15 Hz", "spectrum: 15–40 Hz", "spectrum: 40+ Hz"}
    assert scores.keys() == {"spectrum"} | bands
    for score in scores.values():
        assert score.value == pytest.approx(20 * np.log10(2), abs=1e-4)
        assert (score.baseline, score.unit) == (0, "dB")
        assert score.low < score.value < score.high


def test_the_band_that_differs_is_named():
    real, training, people = noise(100), noise(100, seed=1), np.arange(100)
    time = np.arange(500) / FS
    hum = real + np.sin(2 * np.pi * 60 * time).astype(np.float32)
    scores = score_spectrum(Comparison(hum, real, training, people, seed=0), FS)
    assert scores["spectrum: 40+ Hz"].low > 3 * scores["spectrum: 40+ Hz"].baseline
    for band in ("0.5–5 Hz", "5–15 Hz", "15–40 Hz"):
        assert scores[f"spectrum: {band}"].value < 0.1
    assert scores["spectrum: 40+ Hz"].value > scores["spectrum"].value


def test_slow_signals_have_only_the_bands_they_reach():
    real = noise(20)
    assert score_spectrum(Comparison(real, real, real, np.arange(20), seed=0), 1 / 60).keys() == {"spectrum"}
    slow = score_spectrum(Comparison(real, real, real, np.arange(20), seed=0), 20.0)
    assert slow.keys() == {"spectrum", "spectrum: 0.5–5 Hz", "spectrum: 5–15 Hz"}


def test_a_window_that_does_not_vary_is_far_but_finite():
    real = noise(20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_spectrum(Comparison(np.full_like(real, 3), real, real, np.arange(20), seed=0), FS)
        found = spectra(Comparison(np.full_like(real, 3), real, real, seed=0), FS)
        flat = score_autocorrelation(Comparison(np.full_like(real, 3), real, real, np.arange(20), seed=0))
    assert 80 < scores["spectrum"].value < 100  # silence counts as 90 dB below
    assert all(np.isfinite(values).all() for values in found.values())
    assert flat["autocorrelation_largest"].value == pytest.approx(1)


def test_spectra_are_those_of_scipy():
    real = noise(40, leads=2)
    found = spectra(Comparison(real[:7], real, real, seed=0), FS)
    frequency, power = welch(real, FS, window="hann", nperseg=500, detrend="constant")
    assert found["frequency"] == pytest.approx(frequency[1:])
    expected = np.percentile(np.log10(power.mean(axis=1)), (10, 50, 90), axis=0)[:, 1:]
    assert found["control"] == pytest.approx(expected, abs=1e-4)
    assert found["synthetic"].shape == (3, 250)
    assert (np.diff(found["synthetic"], axis=0) >= 0).all()


def test_autocorrelation_is_that_of_scipy():
    generated, real = noise(6), np.cumsum(noise(5), axis=2)

    def mean(windows):
        centred = windows[:, 0] - windows[:, 0].mean(axis=1, keepdims=True)
        return np.mean([correlate(x, x)[499:750] / (x @ x) for x in centred], axis=0)

    apart = np.abs(mean(generated) - mean(real))
    scores = score_autocorrelation(Comparison(generated, real, real, np.arange(5), seed=0))
    assert scores["autocorrelation"].value == pytest.approx(apart.mean(), abs=1e-4)
    assert scores["autocorrelation_largest"].value == pytest.approx(apart.max(), abs=1e-4)
    assert scores["autocorrelation"].baseline == 0


def test_autocorrelation_does_not_know_scale_or_offset():
    real = np.cumsum(noise(10), axis=2)
    scores = score_autocorrelation(Comparison(5 * real + 3, real, real, np.arange(10), seed=0))
    assert scores["autocorrelation_largest"].value == pytest.approx(0, abs=1e-4)


def test_amplitudes_by_hand():
    """About their medians: generated −1 0 1, control −2 0 2. Up to −2 lie 0 against 1/3: the largest difference."""
    generated, control = np.array([[[6.0, 7, 8]]]), np.array([[[-2.0, 0, 2]]])
    score = score_amplitude(Comparison(generated, control, control, np.arange(1), seed=0), ["i"])["amplitude: i"]
    assert (score.value, score.baseline) == (pytest.approx(1 / 3), 0)


def test_amplitudes_agree_with_scipy_and_the_worst_lead_is_named():
    control, training = noise(50, 2), noise(50, 2, seed=1)
    generated = noise(50, 2, seed=2) * np.array([[1.0], [1.6]], np.float32)
    generated[3, 0, :100] = np.nan
    scores = score_amplitude(Comparison(generated, control, training, np.repeat(np.arange(10), 5), seed=0), ["i", "v2"])
    for lead, name in enumerate(("i", "v2")):
        ours, real = (x[:, lead, ::2] - np.nanmedian(x[:, lead], axis=1, keepdims=True) for x in (generated, control))
        expected = ks_2samp(ours[~np.isnan(ours)], real.ravel()).statistic
        assert scores[f"amplitude: {name}"].value == pytest.approx(expected, abs=0.002)
    assert scores["amplitude_worst"].value == scores["amplitude: v2"].value
    assert scores["amplitude: v2"].low > scores["amplitude: v2"].baseline


def test_patients_widen_the_interval():
    rng = np.random.default_rng(0)
    real = (noise(100) * np.repeat(rng.lognormal(0, 0.5, 10), 10)[:, None, None]).astype(np.float32)
    widths = []
    for people in (np.arange(100), np.repeat(np.arange(10), 10)):
        score = score_spectrum(Comparison(noise(100, seed=1), real, real, people, seed=0), FS)["spectrum"]
        widths.append(score.high - score.low)
    assert widths[1] > 1.5 * widths[0]
