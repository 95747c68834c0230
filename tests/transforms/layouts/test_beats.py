"""Rows from the window's own rhythm: beats below one another, the row length read from the image, and faults."""

import numpy as np
import pytest
import wfdb
from anonimage.errors import InputError
from anonimage.transforms import AdaptedRange, Codec, Colours, Compose, MinMax, arrangement
from anonimage.transforms.layouts.beats import periods

LENGTH = 2025


def beating(period, length=LENGTH, phase=20, noise=0, seed=0):
    """Levels (1, 1, L): a spike at every whole beat, the next value nearest to it, on a wandering ground."""
    rng, time = np.random.default_rng(seed), np.arange(length)
    ground = 80 + 25 * np.sin(time / 700) + rng.normal(0, noise, length)
    since = (time - phase) - period * np.rint((time - phase) / period)
    return np.clip(np.rint(ground + 120 * np.exp(-((since / 8) ** 2))), 1, 255).astype(np.uint8)[None, None]


@pytest.mark.parametrize("period", [137, 200, 333.3, 500, 611, 812, 1200])
def test_the_period_is_found(period):
    assert periods(beating(period, noise=3))[0] == pytest.approx(period, rel=0.01)


@pytest.mark.parametrize("period", [160, 200, 450, 613, 800])
def test_beats_stand_below_one_another_without_drift(period):
    """The brightest column of the rows in which a beat lies: the same in all, but for a value."""
    layout = arrangement("beats", 1, LENGTH)
    image = layout.transform(beating(period))[0, 0]
    rows = np.flatnonzero(image.max(axis=1) > 190)
    columns = image[rows].argmax(axis=1)
    assert len(rows) >= LENGTH // period
    assert np.ptp(columns) <= 1
    drifting = arrangement("z", 1, LENGTH).transform(beating(period))[0, 0]
    in_z = [row.argmax() for row in drifting if row.max() > 190]
    assert np.ptp(in_z) > 1 or period % 45 == 0


def test_rows_by_hand():
    """Side 3 and no rhythm: rows of three. A period of 10 values: rows of 10 / 3, which begin at 0, 3, 7 and 10."""
    small = arrangement("beats", 1, 9)
    assert small.transform(np.arange(1, 10)[None, None]).tolist() == [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]
    layout = arrangement("beats", 1, 16)
    assert layout._lengths.tolist() == [[4, 4, 4, 4]]  # the window is too short for three sides twice
    layout = arrangement("beats", 1, 100)
    rows = dict(zip(layout._patterns.tolist(), layout._lengths.tolist(), strict=True))
    assert rows[0] == [10] * 10 + [0, 0]
    assert rows[31] == [10, 11, 10, 10, 11, 10, 10, 11, 10, 7, 0, 0]  # begin at 0, 10.33, 20.67, 31, 41.33, …
    assert rows[35][:3] == [9, 9, 8]  # 35 / 4 = 8.75 is nearer to 10 than 35 / 3, as a ratio: 0, 8.75, 17.5, 26.25


@pytest.mark.parametrize(("channels", "length"), [(1, 2025), (3, 2000), (2, 100), (1, 50), (1, 4), (1, 1)])
def test_every_row_length_there_can_be_is_read_from_the_image(channels, length):
    layout = arrangement("beats", channels, length)
    every = layout._patterns
    x = np.random.default_rng(0).integers(1, 256, (len(every), channels, length)).astype(np.uint8)
    images = layout._drawn(x, every)
    assert np.array_equal(layout._lengths[np.searchsorted(every[:-1], layout._read(images))], layout._lengths)
    assert np.array_equal(layout.inverse_transform(images), x)
    assert (images[:, ~layout.null].reshape(len(every), -1) > 0).sum() == x.size


def test_a_generated_image_is_read_as_the_nearest():
    """Noise everywhere, dark values and light NULL: the rows are still those of the window."""
    layout = arrangement("beats", 2, LENGTH)
    x = np.concatenate([beating(period, seed=k) for k, period in enumerate((300, 501, 777))])
    x = np.concatenate([x, 255 - x // 2], axis=1)
    images = layout.transform(x)
    rng = np.random.default_rng(1)
    spoilt = np.clip(images + rng.normal(0, 6, images.shape), 0, 255)
    spoilt[rng.random(images.shape) < 0.05] = 0
    assert np.array_equal(layout._read(spoilt), layout._read(images))
    assert np.median(np.abs(layout.inverse_transform(spoilt) - x)) < 6
    assert layout.inverse_transform(rng.random((4, *layout.image_shape))).shape == (4, 2, LENGTH)


@pytest.mark.parametrize("what", ["noise", "walk", "constant"])
def test_what_has_no_rhythm_is_said_to_have_none_and_gets_rows_of_one_side(what):
    rng = np.random.default_rng(0)
    x = {
        "noise": rng.integers(1, 256, (200, 1, LENGTH)),
        "walk": np.clip(128 + rng.normal(0, 2, (200, 1, LENGTH)).cumsum(axis=2), 1, 255),
        "constant": np.full((2, 1, LENGTH), 7),
        "ramp": np.linspace(1, 255, LENGTH)[None, None],
    }[what].astype(np.uint8)
    layout = arrangement("beats", 1, LENGTH)
    assert (periods(x) > 0).mean() <= 0.01
    quiet = x[periods(x) == 0]
    images = layout.transform(quiet)
    assert np.array_equal(images[:, :, :45, :45].reshape(quiet.shape), quiet)


def test_all_leads_have_the_rows_of_one_rhythm():
    calm = np.full((1, 1, LENGTH), 90, np.uint8)
    x = np.concatenate([calm, beating(613), calm], axis=1)
    layout = arrangement("beats", 3, LENGTH)
    assert periods(x)[0] == pytest.approx(613, abs=2)
    assert ((layout.transform(x)[0] > 0) == (layout.transform(x)[0, 1] > 0)).all()


def test_the_rhythm_of_real_hearts(shared):
    """The figures in the docstring of `periods`, on a few records of MIT-BIH."""
    windows, truth = [], []
    for name in ("101", "112", "115", "122", "205"):
        path = str(shared / "data" / "mitdb" / name)
        signal, marks = wfdb.rdrecord(path).p_signal[:, 0], wfdb.rdann(path, "atr")
        for start in range(0, len(signal) - LENGTH, LENGTH):
            own = marks.sample[np.isin(marks.symbol, list("NLRAVF/"))]
            between = np.diff(own[(own >= start) & (own < start + LENGTH)])
            if len(between) > 1 and between.std() < 0.05 * between.mean():
                windows.append(signal[start : start + LENGTH])
                truth.append(np.median(between))
    x = np.array(windows, np.float32)[:, None]
    found = periods(AdaptedRange(2.5, a=1).transform(x))
    assert len(x) > 150
    assert (found > 0).mean() > 0.97
    assert (np.abs(found / truth - 1) < 0.05)[found > 0].mean() > 0.97


def test_generated_windows_have_no_missing_values():
    """Where a network leaves a value as dark as NULL it is the lowest level, not a hole."""
    codec = Codec(AdaptedRange(2.54, a=1), arrangement("beats", 1, LENGTH), ("i",), "mV", 1000)
    images = codec.arrangement.transform(beating(500))
    images[:, :, 3, 4:9] = 0
    decoded = codec.decode(images)
    assert not np.isnan(decoded).any()
    assert decoded.min() == 0


def rows(a=1, colours=None, channels=1):
    names = [f"lead {k}" for k in range(channels)]
    standardizer = MinMax(a=a) if colours is None else Compose(MinMax(a=a), colours)
    return Codec(standardizer, arrangement("beats", channels, 81), names, "mV", 100)


GAP = np.array([[[np.nan, *range(80)]]], np.float32)
REFUSED = {
    "no level for NULL": (
        lambda: rows(a=0),
        "beats: level 0 says where rows end .*: take a null_level .* of 1 or more",
    ),
    "a missing value": (lambda: rows().fit(GAP).encode(GAP), r"beats: .* missing"),
    "level 0": (lambda: arrangement("beats", 1, 4).transform(np.zeros((1, 1, 4), np.uint8)), "level 0 ends the rows"),
    "colours": (lambda: rows(0, Colours("hsv"), 3), "beats: takes no colours"),
    "images": (
        lambda: arrangement("beats", 1, 4).inverse_transform(np.zeros((1, 1, 3, 3))),
        r"shape \(samples, 1, 2, 2\)",
    ),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
