"""Arrangements: images of three or five values written out by hand, and bad tables."""

import doctest
import sys

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import Arrangement, arrangement, grid

FOUR = np.array([[[1, 2, 3, 4]]], np.uint8)
FIVE = np.array([[[1, 2, 3, 4, 5]]], np.uint8)
BY_HAND = [
    ("z", FOUR, [[1, 2], [3, 4]]),
    ("transposed", FOUR, [[1, 3], [2, 4]]),
    ("reversed", FOUR, [[4, 3], [2, 1]]),
    ("z", FIVE, [[1, 2, 3], [4, 5, 0], [0, 0, 0]]),
    ("transposed", FIVE, [[1, 4, 0], [2, 5, 0], [3, 0, 0]]),
    ("reversed", FIVE, [[0, 0, 0], [0, 5, 4], [3, 2, 1]]),
]


@pytest.mark.parametrize(("name", "x", "image"), BY_HAND)
def test_paths_by_hand(name, x, image):
    table = arrangement(name, 1, x.shape[2])
    assert table.arrange(x)[0, 0].tolist() == image
    assert table.restore(np.array([[image]], np.uint8)).tolist() == x.tolist()


@pytest.mark.parametrize(("name", "channels"), [("rgb", 3), ("six", 6), ("z", 2)])
def test_leads_become_image_channels(name, channels):
    x = np.arange(channels * 4, dtype=np.uint8).reshape(1, channels, 4)
    assert arrangement(name, channels, 4).arrange(x).tolist() == x.reshape(1, channels, 2, 2).tolist()


def test_copies_are_averaged_and_their_disagreement_measured():
    """Value 0 stands in two cells: 10 and 20 restore to 15, each 5 levels away."""
    table = grid([[0, 0], [1, -1]], channels=1, length=2)
    generated = np.array([[[[10, 20], [7, 99]]]], np.uint8)
    assert table.restore(generated).tolist() == [[[15, 7]]]
    assert table.arrange(table.restore(generated)).tolist() == [[[[15, 15], [7, 0]]]]
    assert table.disagreement(generated).tolist() == [5]
    assert arrangement("z", 1, 4).disagreement(np.full((2, 1, 2, 2), 9)).tolist() == [0, 0]


def test_the_example_in_the_module_is_true():
    result = doctest.testmod(sys.modules[Arrangement.__module__])
    assert result.attempted
    assert not result.failed


REFUSED = {
    "name": (lambda: arrangement("transpose", 1, 4), "unknown arrangement 'transpose'; did you mean 'transposed'?"),
    "rgb of two": (lambda: arrangement("rgb", 2, 4), "rgb: needs 3 channels, got 2"),
    "six of three": (lambda: arrangement("six", 3, 4), "six: needs 6 channels, got 3"),
    "no value": (lambda: arrangement("z", 1, 0), "got 1 channels of length 0"),
    "too large an index": (lambda: grid([[0, 1], [2, 4]], 1, 4), "index 4 .* from 0 to 3"),
    "too small an index": (lambda: grid([[0, -2]], 1, 1), "index -2 is in the table"),
    "lost values": (lambda: grid([[0, 2]], 1, 4), r"2 of 4 values are not in the table \(the first is 1\)"),
    "fractions": (lambda: grid([[0.5, 1]], 1, 2), "whole numbers"),
    "ragged": (lambda: grid([[0, 1], [2]], 1, 3), "not of the same length"),
    "one dimension": (lambda: grid([0, 1], 1, 2), r"whole numbers of shape \(c, H, W\)"),
    "values": (lambda: arrangement("z", 1, 4).arrange(FIVE), r"shape \(samples, 1, 4\), got \(1, 1, 5\)"),
    "images": (lambda: arrangement("z", 1, 4).restore(FIVE), r"shape \(samples, 1, 2, 2\), got \(1, 1, 5\)"),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message):
        attempt()
