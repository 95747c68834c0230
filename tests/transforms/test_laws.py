"""One list of objects × one list of laws: every transform and every arrangement, any side 2 … 300, 1 … 16 channels."""

import json

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import (
    ARRANGEMENTS,
    TRANSFORMS,
    AdaptedRange,
    Codec,
    Compose,
    MinMax,
    QuantileBounds,
    arrangement,
    from_state,
    grid,
)
from hypothesis import given, settings
from hypothesis import strategies as st

STEP = 0.0005  # mV, PTB's

MAKE_TRANSFORM = {
    "min-max": lambda: MinMax(),
    "min-max, NULL": lambda: MinMax(a=1),
    "bounds of windows": lambda: QuantileBounds(0.1, 0.9, step=STEP),
    "bounds of values": lambda: QuantileBounds(0.1, 0.9, of="values", step=STEP),
    "range, nearest": lambda: AdaptedRange(2.5),
    "range, ceil": lambda: AdaptedRange(2.5, "ceil"),
    "range, NULL": lambda: AdaptedRange(1.25, a=1),
    "range, ceil, 20 levels below": lambda: AdaptedRange(1.25, "ceil", a=20),
    "range, fitted": lambda: AdaptedRange(None, coverage=0.9, step=STEP),
    "bounds, min-max": lambda: Compose(QuantileBounds(0.1, 0.9, of="values", step=STEP), MinMax()),
    "bounds, range": lambda: Compose(QuantileBounds(0.1, 0.9, step=STEP), AdaptedRange(2.5)),
    "bounds, bounds, fitted range, NULL": lambda: Compose(
        QuantileBounds(0, 1, step=STEP),
        QuantileBounds(0.1, 0.9, of="values", step=STEP),
        AdaptedRange(None, "nearest", 1, coverage=1, step=STEP),
    ),
}


def mosaic(channels, length):
    """All channels in one image, below one another, everything twice, and NULL cells between."""
    strip = np.arange(channels * length).reshape(channels, length)
    return grid(np.hstack([strip, np.full((channels, 1), -1), strip[:, ::-1]]), channels, length, "mosaic")


def scattered(channels, length):
    """Places at random, NULL and copies at random."""
    rng = np.random.default_rng(channels * length)
    copies = rng.integers(-1, channels * length, size=channels * length // 2)
    return grid(
        rng.permutation(np.concatenate([np.arange(channels * length), copies]))[None], channels, length, "scattered"
    )


MAKE_ARRANGEMENT = {**{name: lambda c, n, name=name: arrangement(name, c, n) for name in ARRANGEMENTS}}
MAKE_ARRANGEMENT |= {"mosaic": mosaic, "scattered": scattered}
ONLY = {"rgb": 3, "six": 6}

# large images rarely: the laws are the same, only slower
sides = st.one_of(st.integers(2, 12), st.integers(2, 24), st.integers(2, 48), st.integers(2, 300))
some = settings(max_examples=50, deadline=None)


@st.composite
def shapes(draw):
    """(channels, length): the length need not fill the square."""
    side = draw(sides)
    length = draw(st.sampled_from([side * side, side * side - draw(st.integers(0, 2 * (side - 1)))]))
    return draw(st.integers(1, 16 if side < 100 else 3)), length


@st.composite
def recordings(draw, missing=False):
    """Random walks on the converter's grid with an electrode voltage: (N, C, L) for fitting, and as many for use."""
    channels, length = draw(shapes())
    n = draw(st.integers(1, 8 if channels * length < 50_000 else 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    walks = rng.integers(-60, 61, size=(2, n, channels, length)).cumsum(axis=-1) // draw(st.integers(1, 30))
    adc = np.clip(walks, -20_000, 20_000) + rng.integers(-4000, 4000, size=(2, n, channels, 1))
    adc[..., ::2] -= 100  # no window is flat
    x = (adc * STEP).astype(np.float32)
    if missing:
        x[rng.random(x.shape) < draw(st.sampled_from([0.0, 0.1, 0.6]))] = np.nan
        x[0, 0, :, :2] = [0.5, 1]  # no channel without any value to learn from
        x[1, -1, -1] = np.nan
    return x[0], x[1]


def each_transform(test):
    return pytest.mark.parametrize("make", MAKE_TRANSFORM.values(), ids=MAKE_TRANSFORM)(test)


def each_arrangement(test):
    return pytest.mark.parametrize(("name", "make"), MAKE_ARRANGEMENT.items(), ids=MAKE_ARRANGEMENT)(test)


def parts_of(transform):
    return transform.parts if isinstance(transform, Compose) else (transform,)


def declared(part, x):
    """Which values lie in the range that a transform declares; NaN does not. Written apart from the code under test."""
    x = x.astype(float)
    if isinstance(part, MinMax):
        return (x >= part.range[0][:, None]) & (x <= part.range[1][:, None])
    if isinstance(part, QuantileBounds):
        return (x > part.bounds[0][:, None] - 1e-6) & (x < part.bounds[1][:, None] + 1e-6)
    lowest = np.where(np.isnan(x), np.inf, x).min(axis=-1, keepdims=True)
    return x - lowest < part.width[:, None] + 1e-6


@each_transform
@given(recordings())
@some
def test_round_trip_within_tolerance(make, recording):
    train, x = recording
    transform = make().fit(train)
    inside, y = np.ones(x.shape, bool), x
    for part in parts_of(transform):
        inside &= declared(part, y)
        y = part.transform(y)
    back = transform.inverse_transform(transform.transform(x)) + transform.offset(x)[..., None]
    error = np.abs(back.astype(float) - x)[inside]
    rounding = np.spacing(np.abs(x).max())  # of the float32 sum of value and offset
    assert error.max(initial=0) <= transform.tolerance + rounding


@each_transform
@given(recordings())
@some
def test_saturation_is_counted(make, recording):
    train, x = recording
    transform = make().fit(train)
    found, y = transform.saturated(x), x
    assert [name.split()[0] for name in found] == [type(part).__name__ for part in parts_of(transform)]
    for part, counted in zip(parts_of(transform), found.values(), strict=True):
        outside = ~declared(part, y)
        assert (counted.values, counted.windows) == (outside.sum(), outside.any(axis=-1).sum())
        assert (counted.n_values, counted.n_windows) == (x.size, len(x) * x.shape[1])
        y = part.transform(y)


@each_transform
@given(recordings(missing=True))
@some
def test_missing_values_are_null_both_ways(make, recording):
    train, x = recording
    transform = make().fit(train)
    last = parts_of(transform)[-1]
    if getattr(last, "a", 1) == 0:
        with pytest.raises(InputError, match="a=1"):
            transform.transform(x)
        return
    levels = transform.transform(x)
    back = transform.inverse_transform(levels)
    assert np.array_equal(np.isnan(back), np.isnan(x))
    if levels.dtype == np.uint8:
        assert np.array_equal(levels == 0, np.isnan(x))


@each_transform
@given(recordings(missing=True), st.lists(st.integers(0, 8), max_size=3))
@some
def test_fitting_in_pieces_is_fitting(make, recording, cuts):
    x = recording[0]
    pieces = np.split(x, sorted(min(cut, len(x)) for cut in cuts))
    whole, pieced = make().fit(x), make().fit_chunks(lambda: pieces)
    assert whole.state() == pieced.state()
    if sum(part.learns for part in parts_of(whole)) <= 1:
        fed = make().partial_fit(x[:1])
        fed.state()  # looking at it between two pieces changes nothing
        for piece in reversed(np.split(x[1:], sorted(min(cut, len(x) - 1) for cut in cuts))):
            fed.partial_fit(piece)
        assert whole.state() == fed.state()


@each_transform
@given(recordings())
@some
def test_state_survives_json(make, recording):
    train, x = recording
    transform = make().fit(train)
    again = from_state(json.loads(json.dumps(transform.state())), TRANSFORMS)
    assert again.state() == transform.state()
    assert again.tolerance == transform.tolerance
    levels = transform.transform(x)
    assert np.array_equal(again.transform(x), levels)
    assert np.array_equal(again.inverse_transform(levels), transform.inverse_transform(levels))


@each_transform
@given(recordings())
@some
def test_a_sample_does_not_depend_on_its_batch_and_is_left_as_it_was(make, recording):
    train, x = recording
    transform, before = make().fit(train), x.copy()
    alone = np.concatenate([transform.transform(one[None]) for one in x])
    assert np.array_equal(transform.transform(x), alone)
    assert np.array_equal(transform.inverse_transform(alone), transform.inverse_transform(transform.transform(x)))
    assert np.array_equal(x, before)


@each_arrangement
@given(shapes(), st.integers(0, 2**32))
@some
def test_restoring_undoes_arranging(name, make, shape, seed):
    table = make(ONLY.get(name, shape[0]), shape[1])
    x = np.random.default_rng(seed).integers(0, 256, size=(3, table.channels, table.length)).astype(np.uint8)
    images = table.arrange(x)
    assert images.dtype == np.uint8
    assert np.array_equal(table.restore(images), x)
    assert not images[:, table.index == -1].any()
    assert not table.disagreement(images).any()


@each_arrangement
@given(shapes(), st.integers(0, 2**32))
@some
def test_arranging_what_was_restored_is_a_projection(name, make, shape, seed):
    table = make(ONLY.get(name, shape[0]), shape[1])
    generated = np.random.default_rng(seed).integers(0, 256, size=(2, *table.image_shape)).astype(np.float32)
    once = table.arrange(table.restore(generated))
    np.testing.assert_allclose(table.arrange(table.restore(once)), once, rtol=1e-6)
    if np.array_equal(np.bincount(table.index.ravel() + 1)[1:], np.ones(shape[1] * table.channels)):
        cells = table.index != -1
        assert np.array_equal(once[:, cells], generated[:, cells])  # without copies nothing is changed but NULL


@each_arrangement
@given(shapes())
@settings(max_examples=10, deadline=None)
def test_arrangement_survives_json(name, make, shape):
    if shape[1] > 2500:
        shape = (shape[0], 2025)
    table = make(ONLY.get(name, shape[0]), shape[1])
    codec = Codec(AdaptedRange(), table, [f"lead {k}" for k in range(table.channels)], "mV", 1000)
    again = Codec.from_json(codec.to_json()).arrangement
    assert np.array_equal(again.index, table.index)
    assert (again.channels, again.length, again.name, again.digest) == (*table_of(table), table.digest)


def table_of(table):
    return table.channels, table.length, table.name


@pytest.mark.parametrize("name", MAKE_ARRANGEMENT)
def test_largest_images(name):
    """Side 300 with 16 channels, which the drawn examples reach too seldom."""
    channels = ONLY.get(name, 16)
    table = MAKE_ARRANGEMENT[name](channels, 300 * 300)
    x = np.random.default_rng(0).integers(0, 256, size=(1, channels, 300 * 300)).astype(np.uint8)
    assert np.array_equal(table.restore(table.arrange(x)), x)
