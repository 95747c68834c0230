"""Equalisation: cases by hand, what ties and thin tails promise, and skimage's own on the same values."""

import json

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import AdaptedRange, Compose, Equalize, MinMax
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.exposure import equalize_hist

a_of = st.sampled_from([0, 1, 200])
linear_of = st.sampled_from([0, 0.25, 0.5])
some = settings(max_examples=150, deadline=None)


def column(values):
    return np.asarray(values, np.float32).reshape(-1, 1, 1)


@st.composite
def columns(draw):
    """Ties, runs of single values, and tails, in any proportion."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tied = rng.choice(rng.normal(size=draw(st.integers(1, 6))), draw(st.integers(0, 400)))
    loose = rng.normal(size=draw(st.integers(0, 400))) * draw(st.sampled_from([1e-3, 1, 1e3]))
    tail = np.exp(rng.normal(size=draw(st.integers(1, 40))) * 3)
    return column(rng.permutation(np.concatenate([tied, loose, tail])))


def test_two_values_by_hand():
    """Three in four are 0: its levels are 0 … 191, the lower of the two in the middle is 95; 7 has 192 … 255."""
    fitted = Equalize(linear=0).fit(column([0] * 30 + [7] * 10))
    assert fitted.transform(column([0, 7])).ravel().tolist() == [95, 223]
    assert fitted.inverse_transform(column([0, 100, 191, 192, 255])).ravel().tolist() == [0, 0, 0, 7, 7]
    assert fitted.knots[0].tolist() == [[0, 0.75, 0.75, 1], [0, 0, 7, 7]]
    # what was never seen between them stands where their shares meet, and may become either
    assert fitted.transform(column([3])).ravel().tolist() == [191]
    assert fitted.tolerance == pytest.approx(7)


def test_few_values_are_interpolated_by_hand():
    """Fewer than 5 rows share anything: a line from 0 to 256; level k stands for k … k + 1, decodes to its middle."""
    fitted = Equalize(linear=0).fit(column([0, 99, 256]))
    assert fitted.transform(column([0, 0.9, 1.1, 255.5, 256])).ravel().tolist() == [0, 0, 1, 255, 255]
    assert fitted.inverse_transform(column([0, 1, 255])).ravel().tolist() == pytest.approx([0.5, 1.5, 255.5])
    assert fitted.tolerance == pytest.approx(0.5, rel=1e-4)
    assert fitted.carry(np.array(2)).tolist() == pytest.approx([2])


def test_partly_linear_by_hand():
    """Half of the levels to 3 : 1 rows, half to the range 0 … 7: 0 has 96 levels, the way to 7 has 128, 7 has 32."""
    fitted = Equalize(linear=0.5).fit(column([0] * 30 + [7] * 10))
    assert fitted.transform(column([0, 3.5, 7])).ravel().tolist() == [47, 160, 239]
    assert fitted.inverse_transform(column([0, 95, 224, 255])).ravel().tolist() == [0, 0, 7, 7]
    assert fitted.inverse_transform(column([159.5])).item() == pytest.approx(3.5)
    assert fitted.tolerance == pytest.approx(7 / 128 / 2, rel=1e-4)


def test_null_by_hand():
    """With a = 1 there are 255 levels from 1 on; what was generated below 1/2 is missing."""
    fitted = Equalize(a=1, linear=0).fit(column([0] * 30 + [7] * 10 + [np.nan] * 5))
    assert fitted.transform(column([0, np.nan, 7])).ravel().tolist() == [96, 0, 224]
    np.testing.assert_array_equal(fitted.inverse_transform(column([0, 0.4, 0.6, 1])).ravel(), [np.nan, np.nan, 0, 0])


def test_a_constant_column_comes_back():
    fitted = Equalize(a=1, linear=0).fit(column([7, 7]))
    assert fitted.inverse_transform(fitted.transform(column([7, 3, 9]))).ravel().tolist() == [7, 7, 7]
    assert fitted.saturated(column([7, 3, 9]))["Equalize"].values == 2


def test_outside_the_training_range_saturates_and_is_counted():
    fitted = Equalize(linear=0).fit(column([0, 99, 256]))
    x = np.array([[[-1, 300]], [[5.5, 256]]], np.float32)
    assert fitted.transform(x).tolist() == [[[0, 255]], [[5, 255]]]
    counted = fitted.saturated(x)["Equalize"]
    assert (counted.values, counted.windows, counted.n_values) == (2, 1, 4)


@given(columns(), a_of, linear_of)
@some
def test_values_that_many_share_come_back_exactly(x, a, linear):
    """At least 5 rows, and one level's share of them all."""
    fitted = Equalize(a=a, linear=linear).fit(x)
    values, counts = np.unique(x, return_counts=True)
    atoms = column(values[(counts >= 5) & (counts * (256 - a) * (1 - linear) >= len(x))])
    assert np.array_equal(fitted.inverse_transform(fitted.transform(atoms)), atoms)


def test_ties_of_exactly_one_level_come_back_exactly():
    """After a first value with one and a half, the middle of each one's share lies on the edge of two levels."""
    x = column([0] * 15 + [k for k in range(1, 255) for _ in range(10)] + [255] * 5)
    fitted = Equalize(linear=0).fit(x)
    assert np.array_equal(fitted.inverse_transform(fitted.transform(x[:-5])), x[:-5])


@given(columns(), st.sampled_from([0.1, 0.25, 0.9]))
@some
def test_no_level_spans_more_than_the_linear_part_allows(x, linear):
    bound = np.ptp(x.astype(float)) / 256 / linear / 2
    assert Equalize(linear=linear).fit(x).tolerance <= bound * (1 + 1e-5) + np.spacing(np.abs(x).max())


@given(columns(), a_of, linear_of)
@some
def test_no_value_in_the_training_range_errs_by_more_than_the_tolerance(x, a, linear):
    """Not only the training values: any between, and right beside them; and some error comes near the tolerance."""
    fitted = Equalize(a=a, linear=linear).fit(x)
    low, high = x.min(), x.max()
    beside = np.concatenate([np.nextafter(x, np.float32(-np.inf)), np.nextafter(x, np.float32(np.inf))])
    dense = np.linspace(low, high, 5000, dtype=np.float32).reshape(-1, 1, 1)
    probes = np.clip(np.concatenate([x, beside, dense]), low, high)
    error = np.abs(fitted.inverse_transform(fitted.transform(probes)).astype(float) - probes).max()
    assert error <= fitted.tolerance
    if low < high:
        assert error >= fitted.tolerance / 3


@given(columns())
@some
def test_errors_of_what_follows_are_carried(x):
    chain = Compose(Equalize(), MinMax()).fit(x)
    assert np.abs(chain.inverse_transform(chain.transform(x)).astype(float) - x).max() <= chain.tolerance


@given(columns())
@some
def test_it_is_monotone_both_ways(x):
    fitted = Equalize().fit(x)
    ordered = np.sort(np.concatenate([x, (x + x[::-1]) / 2]), axis=0)
    assert (np.diff(fitted.transform(ordered).astype(int), axis=0) >= 0).all()
    decoded = fitted.inverse_transform(np.linspace(0, 255, 2000).reshape(-1, 1, 1)).astype(float)
    assert (np.diff(decoded, axis=0) >= 0).all()
    assert x.min() <= decoded.min() <= decoded.max() <= x.max()


@given(columns(), a_of, linear_of)
@some
def test_the_distribution_is_kept(x, a, linear):
    """Shares below any value move by no more than two levels' and two knots' rows, of which each has less than ten."""
    fitted = Equalize(a=a, linear=linear).fit(x)
    back = np.sort(fitted.inverse_transform(fitted.transform(x)).ravel())
    at = np.unique(np.concatenate([back, x.ravel()]))
    moved = np.searchsorted(back, at, "right") - np.searchsorted(np.sort(x.ravel()), at, "right")
    assert np.abs(moved).max() / len(x) <= 2 / (256 - a) / (1 - linear) + 2 * 10 / len(x)


@given(columns())
@some
def test_state_is_small_and_no_row_stands_in_it_but_the_ends(x):
    """A knot's value is an atom, an end, or a quantile with at least 5 rows between it and the next knot."""
    fitted = Equalize(linear=0).fit(x)
    shares, values = fitted.knots[0]
    assert shares.size <= 3 * 256
    assert (np.diff(shares) >= 0).all()
    assert (np.diff(values) >= 0).all()
    loose = np.flatnonzero((np.diff(values, prepend=np.nan) != 0) & (np.diff(values, append=np.nan) != 0))
    loose = loose[(loose > 0) & (loose < len(values) - 1)]
    assert (np.diff(shares)[loose - 1] * len(x) >= 5 - 1e-6).all()
    assert (np.diff(shares)[loose] * len(x) >= 5 - 1e-6).all()


def test_state_stays_small_whatever_the_data():
    """Every second value an atom of just one level's share, and single values between them all."""
    atoms, loose = np.repeat(np.arange(128.0), 100), np.arange(12_800) / 100 + 0.005
    shares, _ = Equalize(linear=0).fit(column(np.concatenate([atoms, loose]))).knots[0]
    assert 256 <= shares.size <= 768


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_levels_are_those_of_skimage(draw):
    """Where no value occurs twice, both are 256 times the share of smaller values, to a level or two."""
    x = getattr(np.random.default_rng(0), draw)(size=20_000)
    reference = np.floor(equalize_hist(x, nbins=100_000) * 256).clip(0, 255)
    levels = Equalize(linear=0).fit(column(x)).transform(column(x)).ravel().astype(int)
    assert np.abs(levels - reference).max() <= 2
    used = np.bincount(levels, minlength=256) / len(x)
    assert used.max() < 1.6 / 256
    assert used.min() > 0.4 / 256


def test_a_grid_makes_ties_of_what_rounding_set_apart():
    x = np.float32(0.0013) + np.float32([0, 1e-7, -1e-7] * 10 + [1] * 10)
    fitted = Equalize(step=0.0001).fit(column(x))
    assert fitted.knots[0].shape == (2, 4)
    assert np.unique(fitted.inverse_transform(fitted.transform(column(x[:30])))).tolist() == [np.float32(0.0013)]
    assert Equalize().fit(column(x)).knots[0].shape == (2, 8)


def test_each_channel_has_its_own_knots_and_json_keeps_them():
    x = np.stack([np.arange(1000) % 7, np.arange(1000) ** 2], axis=-1)[..., None].astype(np.float32)
    fitted = Equalize(a=1, linear=0.2).fit(x)
    again = Equalize.from_state(json.loads(json.dumps(fitted.state())))
    assert [knots.shape[1] for knots in fitted.knots] == [14, 201]
    assert np.array_equal(again.transform(x), fitted.transform(x))
    assert fitted.range.tolist() == [[0, 0], [6, 998001]]


X = column([1, 2, 3])
REFUSED = {
    "not fitted": (lambda: Equalize().transform(X), "fit it on training data"),
    "a": (lambda: Equalize(a=255), "from 0 to 254, not 255"),
    "step": (lambda: Equalize(step=0), "positive number, not 0"),
    "linear": (lambda: Equalize(linear=1), "0 <= linear < 1, not 1; for 1 take MinMax"),
    "missing without NULL": (lambda: Equalize().fit(X).transform(column([np.nan])), "take a=1"),
    "infinite": (lambda: Equalize().fit(column([np.inf])), "channel 0 has an infinite value"),
    "no value": (lambda: Equalize().fit(column([np.nan])).state(), "channel 0 .* leave it out"),
    "channels": (lambda: Equalize().fit(X).transform(np.zeros((1, 2, 3))), "expected 1 channels .*, got 2"),
    "levels": (lambda: Equalize().fit(X).inverse_transform(np.zeros((1, 2, 3))), "expected 1 channels .*, got 2"),
    "channels of a chunk": (
        lambda: Equalize().fit_chunks(lambda: [X, np.zeros((1, 2, 3))]),
        "a chunk has 2 channels",
    ),
    "offsets after it": (
        lambda: Compose(Equalize().fit(X), AdaptedRange(255)).offset(X),
        "nothing that leaves out an offset can follow it",
    ),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
