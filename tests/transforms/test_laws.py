"""One list of objects × one list of laws: every transform and every arrangement, any side 2 … 300, 1 … 16 channels."""

import json

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import (
    ARRANGEMENTS,
    TRANSFORMS,
    AdaptedRange,
    Arrangement,
    ByChannel,
    Codec,
    Compose,
    Equalize,
    GreyLevels,
    MinMax,
    QuantileBounds,
    arrangement,
    from_state,
    table_grid,
)
from hypothesis import given, settings
from hypothesis import strategies as st

STEP = 0.0005  # mV, PTB's

MAKE_TRANSFORM = {
    "min-max": lambda channels: MinMax(),
    "min-max, NULL": lambda channels: MinMax(a=1),
    "bounds of windows": lambda channels: QuantileBounds(0.1, 0.9, step=STEP),
    "bounds of values": lambda channels: QuantileBounds(0.1, 0.9, of="values", step=STEP),
    "range, nearest": lambda channels: AdaptedRange(2.5),
    "range, ceil": lambda channels: AdaptedRange(2.5, "ceil"),
    "range, NULL": lambda channels: AdaptedRange(1.25, a=1),
    "range, ceil, 20 levels below": lambda channels: AdaptedRange(1.25, "ceil", a=20),
    "range, fitted": lambda channels: AdaptedRange(None, coverage=0.9, step=STEP),
    "bounds, min-max": lambda channels: Compose(QuantileBounds(0.1, 0.9, of="values", step=STEP), MinMax()),
    "bounds, range": lambda channels: Compose(QuantileBounds(0.1, 0.9, step=STEP), AdaptedRange(2.5)),
    "bounds, bounds, fitted range, NULL": lambda channels: Compose(
        QuantileBounds(0, 1, step=STEP),
        QuantileBounds(0.1, 0.9, of="values", step=STEP),
        AdaptedRange(None, "nearest", 1, coverage=1, step=STEP),
    ),
    "equalize": lambda channels: Equalize(),
    "equalize, NULL": lambda channels: Equalize(a=1),
    "equalize, by rank alone": lambda channels: Equalize(a=1, linear=0),
    "equalize, on a grid, 20 levels below": lambda channels: Equalize(20, STEP),
    "bounds, equalize": lambda channels: Compose(QuantileBounds(0.1, 0.9, step=STEP), Equalize(1)),
    "grey levels": lambda channels: GreyLevels(),
    "by channel": lambda channels: by_channel(channels, MinMax(1), Equalize(1)),
    "by channel, offsets": lambda channels: by_channel(
        channels, Compose(QuantileBounds(0.1, 0.9, step=STEP), AdaptedRange(2.5, a=1)), AdaptedRange(1.25, a=1)
    ),
    "bounds by channel, min-max": lambda channels: Compose(
        by_channel(channels, QuantileBounds(0.1, 0.9, step=STEP), QuantileBounds(step=STEP)), MinMax(1)
    ),
}


def by_channel(channels, even, odd):
    """The second for every other channel, if there is more than one."""
    groups, parts = [range(0, channels, 2), range(1, channels, 2)], [even, odd]
    return ByChannel(groups[:channels], parts[:channels])


def twice(channels, length):
    """All channels in one image, below one another, everything twice, and NULL cells between."""
    strip = np.arange(channels * length).reshape(channels, length)
    index = np.hstack([strip, np.full((channels, 1), -1), strip[:, ::-1]])
    return Arrangement(index[None], channels, length, "twice")


def scattered(channels, length):
    """Places at random, NULL and copies at random."""
    rng = np.random.default_rng(channels * length)
    copies = rng.integers(-1, channels * length, size=channels * length // 2)
    index = rng.permutation(np.concatenate([np.arange(channels * length), copies]))[None, None]
    return Arrangement(index, channels, length, "scattered")


def of_features(name, side=None):
    """A table grid for as many features as there are values, up to 600; numbers and yes-no features mixed."""

    def make(channels, length):
        n = min(channels * length, 600)
        kinds = np.random.default_rng(n).choice(["continuous", "integer", "binary"], n)
        return table_grid(name, kinds, side and side(n), seed=n)

    return make


NAMED = {name: lambda c, n, name=name: arrangement(name, c, n) for name in ARRANGEMENTS}
NAMED["random"] = lambda c, n: arrangement("random", c, n, seed=7)
NO_TABLES = {name: NAMED.pop(name) for name in ("beats", "stft", "gramian")}  # what an image is depends on the levels
MAKE_ARRANGEMENT = NAMED | {"twice": twice, "scattered": scattered}
MAKE_ARRANGEMENT |= {f"table, {name}": of_features(name) for name in ("rows", "kinds", "random")}
MAKE_ARRANGEMENT |= {"table, blocks": of_features("blocks", side=lambda n: 3 * int(np.ceil(np.sqrt(n))) + 1)}
ONLY = {"rgb": 3, "six": 6}
COPIES = {"delay", "twice", "scattered", "table, blocks"}  # all others have each value once

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


def each_layout(test):
    every = MAKE_ARRANGEMENT | NO_TABLES
    return pytest.mark.parametrize(("name", "make"), every.items(), ids=every)(test)


def each_way_back(test):
    """All that can be restored."""
    ways = MAKE_ARRANGEMENT | {name: make for name, make in NO_TABLES.items() if name != "gramian"}
    return pytest.mark.parametrize(("name", "make"), ways.items(), ids=ways)(test)


def some_levels(layout, n, seed):
    """Any levels that it takes."""
    lowest = 1 if layout.marks_with_null else 0
    x = np.random.default_rng(seed).integers(lowest, 256, size=(n, layout.channels, layout.length))
    return x.astype(np.uint8)


def parts_of(transform):
    return transform.parts if isinstance(transform, Compose) else (transform,)


def declared(part, x):
    """Which values lie in the range that a transform declares; NaN does not. Written apart from the code under test."""
    x = x.astype(float)
    if isinstance(part, GreyLevels):
        return (x >= 0) & (x <= 255)
    if isinstance(part, MinMax):
        return (x >= part.range[0][:, None]) & (x <= part.range[1][:, None])
    if isinstance(part, Equalize):
        return (x > part.range[0][:, None] - 1e-6) & (x < part.range[1][:, None] + 1e-6)
    if isinstance(part, QuantileBounds):
        return (x > part.bounds[0][:, None] - 1e-6) & (x < part.bounds[1][:, None] + 1e-6)
    lowest = np.where(np.isnan(x), np.inf, x).min(axis=-1, keepdims=True)
    return x - lowest < part.width[:, None] + 1e-6


def stages(transform, x):
    """Every transform that looks at values itself: its name, its channels, and which of their values it declares."""
    if isinstance(transform, ByChannel):
        for group, part in zip(transform.groups, transform.parts, strict=True):
            for name, own, inside in stages(part, x[:, list(group)]):
                yield name, [group[channel] for channel in own], inside
    elif isinstance(transform, Compose):
        for part in transform.parts:
            yield from stages(part, x)
            x = part.transform(x)
    else:
        yield type(transform).__name__, list(range(x.shape[1])), declared(transform, x)


@each_transform
@given(recordings())
@some
def test_round_trip_within_tolerance(make, recording):
    train, x = recording
    transform = make(train.shape[1]).fit(train)
    within = np.ones(x.shape, bool)
    for _, own, inside in stages(transform, x):
        within[:, own] &= inside
    back = transform.inverse_transform(transform.transform(x)) + transform.offset(x)[..., None]
    error = np.abs(back.astype(float) - x)[within]
    rounding = np.spacing(np.abs(x).max())  # of the float32 sum of value and offset
    assert error.max(initial=0) <= transform.tolerance + rounding


@each_transform
@given(recordings())
@some
def test_saturation_is_counted(make, recording):
    train, x = recording
    transform = make(train.shape[1]).fit(train)
    found, expected = transform.saturated(x), {}
    for name, own, inside in stages(transform, x):
        counts = np.array([(~inside).sum(), (~inside).any(axis=-1).sum(), inside.size, len(x) * len(own)])
        if isinstance(transform, Compose) and not isinstance(transform.parts[0], ByChannel):
            name = f"{name} 2" if name in expected else name  # one after the other, else side by side
        expected[name] = expected.get(name, 0) + counts
    assert {name: (n.values, n.windows, n.n_values, n.n_windows) for name, n in found.items()} == {
        name: tuple(counts) for name, counts in expected.items()
    }


@each_transform
@given(recordings(missing=True))
@some
def test_missing_values_are_null_both_ways(make, recording):
    train, x = recording
    transform = make(train.shape[1]).fit(train)
    last = parts_of(transform)[-1]
    if isinstance(last, GreyLevels) or getattr(last, "a", 1) == 0:
        with pytest.raises(InputError, match=r"is missing \(NaN\)|has a missing value \(NaN\)"):
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
    whole, pieced = make(x.shape[1]).fit(x), make(x.shape[1]).fit_chunks(lambda: pieces)
    assert whole.state() == pieced.state()


@each_transform
@given(recordings())
@some
def test_state_survives_json(make, recording):
    train, x = recording
    transform = make(train.shape[1]).fit(train)
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
    transform, before = make(train.shape[1]).fit(train), x.copy()
    alone = np.concatenate([transform.transform(one[None]) for one in x])
    assert np.array_equal(transform.transform(x), alone)
    assert np.array_equal(transform.inverse_transform(alone), transform.inverse_transform(transform.transform(x)))
    assert np.array_equal(x, before)


@each_way_back
@given(shapes(), st.integers(0, 2**32))
@some
def test_restoring_undoes_arranging(name, make, shape, seed):
    layout = make(ONLY.get(name, shape[0]), shape[1])
    x = some_levels(layout, 3, seed)
    images = layout.transform(x)
    assert images.dtype == np.uint8
    assert images.shape == (3, *layout.image_shape)
    assert not images[:, layout.null].any()
    back = layout.inverse_transform(images)
    if layout.tolerance == 0:
        assert np.array_equal(back, x)
    else:
        assert np.abs(back - x.astype(float)).max() <= layout.tolerance


@each_arrangement
@given(shapes())
@settings(max_examples=20, deadline=None)
def test_each_value_has_its_place(name, make, shape):
    """One place, where nothing is copied: a permutation of values and NULL."""
    table = make(ONLY.get(name, shape[0]), shape[1])
    values = np.sort(table.index[table.index != -1])
    if name not in COPIES:
        assert np.array_equal(values, np.arange(table.channels * table.length))
    assert set(np.unique(values)) == set(range(table.channels * table.length))


@each_layout
@given(shapes(), st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_an_image_depends_on_its_own_levels_only(name, make, shape, seed):
    layout = make(ONLY.get(name, shape[0]), shape[1])
    x = some_levels(layout, 5, seed)
    before, images = x.copy(), layout.transform(x)
    assert np.array_equal(np.concatenate([layout.transform(one[None]) for one in x]), images)
    assert np.array_equal(x, before)
    if name != "gramian":
        back = layout.inverse_transform(images)
        assert np.array_equal(np.concatenate([layout.inverse_transform(one[None]) for one in images]), back)


@each_arrangement
@given(shapes(), st.integers(0, 2**32))
@some
def test_arranging_what_was_restored_is_a_projection(name, make, shape, seed):
    table = make(ONLY.get(name, shape[0]), shape[1])
    generated = np.random.default_rng(seed).integers(0, 256, size=(2, *table.image_shape)).astype(np.float32)
    once = table.transform(table.inverse_transform(generated))
    np.testing.assert_allclose(table.transform(table.inverse_transform(once)), once, rtol=1e-6)
    if name not in COPIES:
        cells = table.index != -1
        assert np.array_equal(once[:, cells], generated[:, cells])  # without copies nothing is changed but NULL


@each_layout
@given(shapes())
@settings(max_examples=10, deadline=None)
def test_arrangement_survives_json(name, make, shape):
    if shape[1] > 2500:
        shape = (shape[0], 2025)
    layout = make(ONLY.get(name, shape[0]), shape[1])
    codec = Codec(AdaptedRange(a=1), layout, [f"lead {k}" for k in range(layout.channels)], "mV", 1000)
    again = Codec.from_json(codec.to_json()).arrangement
    assert (again.channels, again.length, again.name, again.digest) == said_of(layout)
    assert type(again) is type(layout)
    x = some_levels(layout, 2, seed=0)
    assert np.array_equal(again.transform(x), layout.transform(x))


def said_of(layout):
    return layout.channels, layout.length, layout.name, layout.digest


@each_way_back
def test_largest_images(name, make):
    """Side 300 with 16 channels, which the drawn examples reach too seldom."""
    layout = make(ONLY.get(name, 16), 300 * 300)
    x = some_levels(layout, 1, seed=0)
    assert np.abs(layout.inverse_transform(layout.transform(x)) - x.astype(float)).max() <= layout.tolerance
