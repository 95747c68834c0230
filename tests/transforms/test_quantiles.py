"""Streaming quantiles against numpy's on the same values."""

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms.quantiles import Histogram
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.lists(st.integers(-40_000, 40_000), min_size=1, max_size=60), st.floats(0, 1), st.integers(0, 60))
@settings(deadline=None)
def test_quantiles_are_numpys(adc, q, cut):
    x = (np.array(adc) / 2000).astype(np.float32)[None, None]  # PTB's grid, in float32
    histogram = Histogram(0.0005)
    histogram.add(x[..., cut:])
    histogram.add(x[..., :cut])
    assert histogram.quantile(q)[0] == pytest.approx(np.quantile(np.array(adc) * 0.0005, q), abs=1e-9)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=200), st.floats(0.01, 1))
@settings(deadline=None)
def test_covering_is_the_smallest_that_covers(values, share):
    histogram = Histogram(1)
    histogram.add(np.array(values, np.float32)[None, None])
    width, wanted = histogram.covering(share)[0], share * len(values) - 1e-9
    assert (np.array(values) <= width).sum() >= wanted
    assert (np.array(values) < width).sum() < wanted


def test_missing_values_do_not_count():
    histogram = Histogram(1)
    histogram.add(np.array([[[1, np.nan, 3], [5, 5, np.nan]]], np.float32))
    assert histogram.quantile(0.5).tolist() == [2, 5]


def test_memory_is_bounded():
    with pytest.raises(InputError, match=r"channel 0 spans 100,000,001 steps of 0\.01"):
        Histogram(0.01).add(np.array([[[0, 1e6]]]))
