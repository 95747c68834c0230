"""The short-time Fourier image: tones by hand, an exact inverse before rounding, the stated bound after it."""

import numpy as np
import pytest
import wfdb
from anonimage.errors import InputError
from anonimage.transforms import AdaptedRange, Codec, Colours, Compose, Equalize, MinMax, arrangement
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import stft
from scipy.signal.windows import cosine

SIDE = 45


@pytest.fixture(scope="module")
def layout():
    return arrangement("stft", 1, SIDE**2)


def test_a_constant_by_hand(layout):
    """Away from the ends 227.5 levels are 100 above the middle: magnitude 255 · ln 101 / ln 128.5, and phase 0."""
    magnitude, phase = layout.planes(np.full((1, 1, SIDE**2), 227.5))[0]
    assert magnitude.shape == (46, 46)
    np.testing.assert_allclose(magnitude[0, 1:-1], 255 * np.log(101) / np.log(128.5))
    assert not phase[0].any()
    below = layout.planes(np.full((1, 1, SIDE**2), 27.5))[0]
    np.testing.assert_allclose(below[0], magnitude)
    np.testing.assert_allclose(below[1, 0], 128)  # half a turn


def test_a_tone_stands_in_its_row(layout):
    """Ten cycles in two sides are row 10; a quarter of a cycle later its phase is 64 levels less."""
    time = np.arange(SIDE**2)
    first, later = (127.5 + 100 * np.cos(2 * np.pi * 10 * (time - delay) / 90) for delay in (0, 9 / 4))
    planes = layout.planes(np.stack([first, later])[:, None])
    assert (planes[:, 0, :, 1:-1].argmax(axis=1) == 10).all()
    np.testing.assert_allclose((planes[0, 1, 10, 1:-1] - planes[1, 1, 10, 1:-1]) % 256, 64, atol=0.05)


def test_planes_are_those_of_scipys_older_function(layout):
    x = np.random.default_rng(0).uniform(0, 255, (1, 1, SIDE**2))
    _, _, bins = stft(x[0, 0] - 127.5, window=cosine(90), nperseg=90, noverlap=45, boundary="zeros", padded=False)
    magnitude, phase = layout.planes(x)[0]
    np.testing.assert_allclose(magnitude, 255 * np.log1p(np.abs(bins)) / np.log(128.5))
    turned = bins * np.exp(1j * np.pi * np.arange(46))[:, None]  # it counts from the beginning of each slice
    np.testing.assert_allclose(np.exp(2j * np.pi * phase / 256), turned / np.abs(turned), atol=1e-6)


@given(st.integers(1, 3), st.integers(1, 2500), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_before_rounding_the_inverse_is_exact(channels, length, seed):
    layout = arrangement("stft", channels, length)
    x = np.random.default_rng(seed).uniform(0, 255, (2, channels, length))
    assert np.abs(layout.inverse_transform(layout.planes(x)) - x).max() < 1e-4
    assert np.abs(layout.inverse_transform(layout.planes(x).astype(np.float32)) - x).max() < 1e-3


def errors(layout, x):
    return layout.inverse_transform(layout.transform(x)) - x.astype(np.float32)


def hard():
    """What errs most: all frequencies at once, as loud as they can be."""
    rng, time = np.random.default_rng(0), np.arange(SIDE**2)
    sweeps = [np.cos(np.pi * rate * time**2 / 90 + phase) for rate in np.linspace(0.2, 1.2, 30) for phase in (0, 1)]
    clicks = [time % every == 7 for every in (2, 3, 45, 90, 91)]
    whole = [*(sweep > 0 for sweep in sweeps), *clicks, *rng.integers(0, 2, (99, SIDE**2))]
    return np.array(whole, np.uint8)[:, None] * 255


def test_error_stays_within_the_tolerance(layout):
    """The figures in the class's docstring."""
    noise = np.random.default_rng(0).integers(0, 256, (400, 1, SIDE**2)).astype(np.uint8)
    levels = np.arange(256, dtype=np.uint8)[:, None, None].repeat(SIDE**2, axis=2)
    assert layout.tolerance == pytest.approx(19.7, abs=0.05)
    found = errors(layout, noise)
    assert np.sqrt(np.square(found).mean()) == pytest.approx(0.48, abs=0.02)
    assert 2.2 < np.abs(found).max() < 2.8
    assert 3 < np.abs(errors(layout, hard())).max() < 4.5 < layout.tolerance
    assert np.abs(errors(layout, levels)).max() < 1.7


def test_error_of_real_windows(shared, layout):
    folder, found = shared / "data" / "ptbdb", []
    for name in (folder / "RECORDS").read_text().split()[::4]:
        signal = wfdb.rdrecord(str(folder / name)).p_signal[:, 0]
        x = signal[: len(signal) // SIDE**2 * SIDE**2].reshape(-1, 1, SIDE**2).astype(np.float32)
        found.append(errors(layout, AdaptedRange(2.5).transform(x)))
        codec = Codec(AdaptedRange(2.5), layout, ("i",), "mV", 1000).fit(x)
        error = np.abs(codec.decode(codec.encode(x), codec.offset(x)) - x)
        assert error[np.ptp(x, axis=-1)[:, 0] <= 2.5].max() < 3.1 * 2.5 / 255 < codec.tolerance
    found = np.concatenate(found)
    assert 0.3 < np.sqrt(np.square(found).mean()) < 0.55
    assert 1 < np.abs(found).max() < 2.6


def test_the_codec_counts_the_tolerance(layout):
    """A level of a range of 2.55 is 0.01 wide."""
    x = np.random.default_rng(0).uniform(0, 2.55, size=(50, 1, SIDE**2)).astype(np.float32)
    x[0, 0, :2] = [0, 2.55]
    for standardizer in (MinMax(), Equalize()):
        codec = Codec(standardizer, layout, ("i",), "mV", 1000).fit(x)
        assert np.abs(codec.decode(codec.encode(x)) - x).max() <= codec.tolerance
    assert codec.tolerance > Codec(Equalize(), arrangement("z", 1, SIDE**2), ("i",), "mV", 1000).fit(x).tolerance
    codec = Codec(MinMax(), layout, ("i",), "mV", 1000).fit(x)
    assert codec.tolerance == pytest.approx((layout.tolerance + 0.5) / 100, rel=1e-3)
    assert Codec.from_json(codec.to_json()).tolerance == codec.tolerance


def test_any_planes_are_a_signal_and_only_a_signals_planes_agree(layout):
    """The magnitudes of what was restored against those of the image: the phase of next to nothing means nothing."""

    def disagreement(images):
        magnitudes = layout.planes(layout.inverse_transform(images))[:, ::2]
        return np.sqrt(np.square(magnitudes - images[:, ::2]).mean(axis=(1, 2, 3)))

    rng = np.random.default_rng(0)
    generated = rng.integers(0, 256, (3, *layout.image_shape)).astype(np.uint8)
    levels = layout.inverse_transform(generated)
    assert levels.shape == (3, 1, SIDE**2)
    assert (levels >= 0).all()
    assert (levels <= 255).all()
    assert (disagreement(generated) > 30).all()
    walk = np.clip(rng.normal(0, 3, (3, 1, SIDE**2)).cumsum(axis=2) + 128, 0, 255).astype(np.uint8)
    assert (disagreement(layout.transform(walk)) < 2).all()


def test_the_lowest_level_comes_back_as_a_value():
    """With a level for NULL every window's minimum is level 1, and half a level of error must not make it missing."""
    codec = Codec(AdaptedRange(2.54, a=1), arrangement("stft", 2, 400), ("i", "ii"), "mV", 1000)
    x = np.random.default_rng(0).normal(0, 0.3, (20, 2, 400)).astype(np.float32)
    decoded = codec.decode(codec.encode(x), codec.offset(x))
    assert not np.isnan(decoded).any()
    assert np.abs(decoded - x).max() < codec.tolerance


def missing():
    x = np.ones((1, 1, 9), np.float32)
    x[0, 0, 4] = np.nan
    return Codec(AdaptedRange(a=1), arrangement("stft", 1, 9), ("i",), "mV", 1000).encode(x)


REFUSED = {
    "a missing value": (missing, r"stft: a window has a missing value \(NaN\), .* leave such windows out"),
    "colours": (
        lambda: Codec(Compose(MinMax(), Colours("hsv")), arrangement("stft", 3, 9), "rgb", "", None),
        "stft: takes no colours",
    ),
    "levels": (lambda: arrangement("stft", 1, 9).transform(np.zeros((1, 2, 9))), r"shape \(samples, 1, 9\)"),
    "images": (
        lambda: arrangement("stft", 1, 9).inverse_transform(np.zeros((1, 1, 4, 4))),
        r"shape \(samples, 2, 4, 4\)",
    ),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
