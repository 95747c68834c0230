"""Standardizers: small cases worked by hand, and bad input."""

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import AdaptedRange, Compose, Forward, MinMax, QuantileBounds, Saturation, from_state


def one(*values):
    return np.array([[values]], np.float32)


def test_min_max_by_hand():
    """Thirds of 255 are 85; with a = 1, thirds of 254 are 84.67, and 1 + 84.67 is nearest to 86."""
    fitted = MinMax().fit(one(0, 1, 3))
    assert fitted.transform(one(0, 1, 3)).tolist() == [[[0, 85, 255]]]
    assert fitted.inverse_transform(np.array([[[0, 85, 255]]], np.uint8)).tolist() == [[[0, 1, 3]]]
    assert MinMax(a=1).fit(one(0, 1, 3)).transform(one(0, 1, 3)).tolist() == [[[1, 86, 255]]]


def test_min_max_saturates_and_counts():
    fitted = MinMax().fit(one(0, 1, 3))
    new = np.array([[[-5, 1, 4]], [[0, 1, 2]]], np.float32)
    assert fitted.transform(new).tolist() == [[[0, 85, 255]], [[0, 85, 170]]]
    counted = fitted.saturated(new)["MinMax"]
    assert (counted.values, counted.n_values, counted.windows, counted.n_windows) == (2, 6, 1, 2)
    assert counted + counted == Saturation(4, 2, 12, 4)


def test_min_max_of_a_constant_column():
    fitted = MinMax(a=1).fit(np.array([[[7], [0]], [[7], [1]]], np.float32))
    levels = fitted.transform(np.array([[[7], [0.5]]], np.float32))
    assert levels.tolist() == [[[1], [128]]]
    assert fitted.inverse_transform(levels)[0, 0, 0] == 7


def test_min_max_with_null_by_hand():
    fitted = MinMax(a=1).fit(one(0, np.nan, 254))
    assert fitted.transform(one(0, np.nan, 254)).tolist() == [[[1, 0, 255]]]
    # generated levels are not whole: below a/2 is NULL, above it a value just under the range
    np.testing.assert_allclose(fitted.inverse_transform(one(0.4, 0.6, 2)), one(np.nan, -0.4, 1), atol=1e-5)


def test_adapted_range_by_hand():
    """2.5 mV are 255 levels: 1 mV is 102, 0.01 mV is 1.02 levels, which is 1 to the nearest and 2 to the ceiling."""
    x = one(-1, 0, 1.5, -0.99)
    assert AdaptedRange().transform(x).tolist() == [[[0, 102, 255, 1]]]
    assert AdaptedRange(rounding="ceil").transform(x).tolist() == [[[0, 102, 255, 2]]]
    assert AdaptedRange(a=1).transform(one(0, 2.5, np.nan)).tolist() == [[[1, 255, 0]]]
    assert AdaptedRange().offset(x).tolist() == [[-1]]
    np.testing.assert_allclose(AdaptedRange().inverse_transform(np.array([[[0, 102, 255]]], np.uint8)), one(0, 1, 2.5))


def test_adapted_range_counts_wider_windows():
    x = np.array([[[0, 1, 2.5]], [[0, 2.6, 2.7]]], np.float32)
    assert AdaptedRange().transform(x)[1].tolist() == [[0, 255, 255]]
    wider = AdaptedRange().saturated(x)["AdaptedRange"]
    assert (wider.values, wider.windows, wider.n_windows) == (2, 1, 2)


def test_ceiling_does_not_lift_values_on_a_level():
    """0.5 mV above the minimum is level 51 exactly, for every minimum that PTB's 16 bits can hold, in float32."""
    adc = np.arange(-32768, 32768 - 5000)
    steps = np.array([0, 1000, 1001, 2000, 5000])
    x = ((adc[:, None, None] + steps) / 2000).astype(np.float32)
    assert (AdaptedRange(rounding="ceil").transform(x) == [0, 51, 52, 102, 255]).all()
    assert AdaptedRange(rounding="ceil").saturated(x)["AdaptedRange"].values == 0


def test_width_is_the_smallest_that_covers_the_share():
    """Windows 1, 2, …, 100 steps wide: 99 of 100 are at most 99 steps wide."""
    x = np.stack([np.zeros(100), np.arange(1, 101) * 0.5], axis=-1)[:, None].astype(np.float32)
    assert AdaptedRange(None, step=0.5).fit(x).width.tolist() == [49.5]
    assert AdaptedRange(None, step=0.5, coverage=0.07).fit(x).width.tolist() == [3.5]
    assert AdaptedRange(None, step=0.5, coverage=1).fit(x).width.tolist() == [50]


def test_quantile_bounds_by_hand():
    """Of the values 0, 1, …, 100, quantiles 1 % and 99 % are 1 and 99; of windows 1000 wide, of minima and maxima."""
    x = np.arange(101, dtype=np.float32).reshape(1, 1, 101)
    of_values = QuantileBounds(of="values", step=1).fit(x)
    assert of_values.bounds.tolist() == [[1], [99]]
    assert of_values.transform(one(-3, 50, 99.5)).tolist() == [[[1, 50, 99]]]
    counted = of_values.saturated(x)["QuantileBounds"]
    assert (counted.values, counted.windows) == (2, 1)
    windows = np.stack([np.arange(101), np.arange(101) + 1000], axis=-1)[:, None].astype(np.float32)
    assert QuantileBounds(step=1).fit(windows).bounds.tolist() == [[1], [1099]]


def test_each_channel_has_its_own_bounds():
    x = np.stack([np.arange(101), np.arange(101) * 10], axis=0)[None].astype(np.float32)
    assert QuantileBounds(of="values", step=1).fit(x).bounds.tolist() == [[1, 10], [99, 990]]


def test_compose_derives_all_from_its_parts():
    """Bounds 1 … 99 first: the window (0, 1, 3) becomes (1, 1, 3), its offset is 1 and its levels 0, 0, 2 · 2.55."""
    bounds = QuantileBounds(of="values", step=1).fit(np.arange(101, dtype=np.float32).reshape(1, 1, 101))
    both = Compose(bounds, AdaptedRange(100))
    assert both.transform(one(0, 1, 3)).tolist() == [[[0, 0, 5]]]
    assert both.offset(one(0, 1, 3)).tolist() == [[1]]
    assert both.relative
    assert not Compose(bounds, MinMax()).relative
    assert both.tolerance == AdaptedRange(100).tolerance
    assert {name: found.values for name, found in both.saturated(one(0, 1, 300)).items()} == {
        "QuantileBounds": 2,
        "AdaptedRange": 0,
    }


def test_compose_scales_the_errors_and_offsets_of_later_parts():
    """A level of the first part is 2 units: an offset of 3 levels is 6 units, and half a level more is a unit more."""
    halves = MinMax().fit(one(0, 510))
    chain = Compose(halves, AdaptedRange(255))
    assert chain.offset(one(6, 510)).tolist() == [[6]]
    assert chain.tolerance == pytest.approx(2, rel=1e-3)
    assert chain.inverse_transform(chain.transform(one(6, 510)))[0, 0].tolist() == [0, 504]


class Magnitude(Forward):
    """A map without an inverse: the sign is lost."""

    def transform(self, x):
        return np.abs(x)

    def state(self):
        return {"kind": "Magnitude"}


X = one(1, 2, 3)
REFUSED = {
    "quantiles the wrong way round": (lambda: QuantileBounds(0.9, 0.1, step=1), r"low=0\.9, high=0\.1"),
    "of what": (lambda: QuantileBounds(of="pixels", step=1), "windows, values, not 'pixels'"),
    "no step": (lambda: AdaptedRange(None), "give step"),
    "step of 0": (lambda: QuantileBounds(step=0), "positive number, not 0"),
    "width of 0": (lambda: AdaptedRange(0), "positive number or None"),
    "rounding": (lambda: AdaptedRange(rounding="floor"), "nearest, ceil, not 'floor'"),
    "coverage": (lambda: AdaptedRange(None, coverage=99, step=1), "not 99"),
    "a": (lambda: MinMax(a=255), "from 0 to 254, not 255"),
    "not fitted, min-max": (lambda: MinMax().transform(X), "fit it"),
    "not fitted, bounds": (lambda: QuantileBounds(step=1).transform(X), "fit it on training data"),
    "not fitted, width": (lambda: AdaptedRange(None, step=1).transform(X), "fit it on training data"),
    "no chunk": (lambda: QuantileBounds(step=1).fit_chunks(list).bounds, "no training data"),
    "shape": (lambda: AdaptedRange().transform(np.zeros((3, 4))), r"\(samples, channels, length\), got shape \(3, 4\)"),
    "channels": (lambda: MinMax().fit(X).transform(np.zeros((1, 2, 3))), "expected 1 channels .*, got 2"),
    "channels of a chunk": (
        lambda: MinMax().fit_chunks(lambda: [X, np.zeros((1, 2, 3))]),
        "a chunk has 2 channels where the ones before it had 1",
    ),
    "infinite, window": (lambda: AdaptedRange().transform(one(-np.inf, 1)), "infinite"),
    "infinite, min-max": (lambda: MinMax().fit(one(0, np.inf)), "channel 0 has an infinite value"),
    "infinite, bounds": (lambda: QuantileBounds(step=1).fit(one(0, np.inf)), "channel 0 has an infinite value"),
    "a channel with no value": (lambda: MinMax().fit(one(np.nan)).transform(X), "channel 0 .* leave it out"),
    "flat": (lambda: AdaptedRange(None, step=1).fit(one(4, 4)).width, r"channels \[0\] are flat"),
    "step far too fine": (lambda: QuantileBounds(of="values", step=1e-9).fit(X), "give a step of at least"),
    "empty chain": (lambda: Compose(), "at least one"),
    "no inverse": (lambda: Compose(Magnitude(), MinMax()), "Magnitude has no inverse"),
    "unknown kind": (lambda: from_state({"kind": "Log"}, {"MinMax": MinMax}), "unknown transform 'Log'; known: MinMax"),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
