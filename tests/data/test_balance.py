"""Every class as large as the smallest, drawn by seed."""

import numpy as np
import pytest
from anonimage.data.split import undersample
from anonimage.errors import InputError
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 9))
def test_every_class_that_is_there_has_the_smallest_size(labels, seed):
    labels = np.array(labels)
    kept = undersample(labels, seed)
    sizes = np.unique(labels, return_counts=True)[1]
    assert np.unique(labels[kept], return_counts=True)[1].tolist() == [sizes.min()] * len(sizes)
    assert (np.diff(kept) > 0).all()  # sorted, none twice
    assert kept.tolist() == undersample(labels, seed).tolist()


def test_the_sizes_of_the_paper():
    labels = np.repeat([0, 1, 2], [20015, 4623, 4390])  # Table 2
    kept = undersample(labels, 0)
    assert np.bincount(labels[kept]).tolist() == [4390] * 3
    assert set(np.flatnonzero(labels == 2)) <= set(kept.tolist())
    assert kept.tolist() != undersample(labels, 1).tolist()


def test_another_class_more_does_not_come_from_a_biased_draw():
    labels = np.repeat([0, 1], [100, 50])
    times = sum(np.isin(np.arange(100), undersample(labels, seed)) for seed in range(200))
    assert times.min() > 60
    assert times.max() < 140


def test_nothing_to_balance():
    with pytest.raises(InputError, match="no samples to balance"):
        undersample(np.array([], dtype=int), 0)
