"""Arrangements: images of three or five values written out by hand, and bad tables."""

import doctest
import sys

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import ARRANGEMENT_LINES, ARRANGEMENTS, Arrangement, arrangement, grid
from anonimage.transforms.layouts import paths

FOUR = np.array([[[1, 2, 3, 4]]], np.uint8)
FIVE = np.array([[[1, 2, 3, 4, 5]]], np.uint8)
NINE, SIXTEEN = (np.arange(1, n + 1, dtype=np.uint8)[None, None] for n in (9, 16))
BY_HAND = [
    ("z", FOUR, [[1, 2], [3, 4]]),
    ("transposed", FOUR, [[1, 3], [2, 4]]),
    ("reversed", FOUR, [[4, 3], [2, 1]]),
    ("z", FIVE, [[1, 2, 3], [4, 5, 0], [0, 0, 0]]),
    ("transposed", FIVE, [[1, 4, 0], [2, 5, 0], [3, 0, 0]]),
    ("reversed", FIVE, [[0, 0, 0], [0, 5, 4], [3, 2, 1]]),
    ("serpentine", NINE, [[1, 2, 3], [6, 5, 4], [7, 8, 9]]),
    ("serpentine", FIVE, [[1, 2, 3], [0, 5, 4], [0, 0, 0]]),
    ("spiral", NINE, [[1, 2, 3], [8, 9, 4], [7, 6, 5]]),
    ("spiral", SIXTEEN, [[1, 2, 3, 4], [12, 13, 14, 5], [11, 16, 15, 6], [10, 9, 8, 7]]),
    ("spiral", FIVE, [[1, 2, 3], [0, 0, 4], [0, 0, 5]]),
    ("hilbert", NINE, [[1, 2, 9], [4, 3, 8], [5, 6, 7]]),
    ("hilbert", SIXTEEN, [[1, 2, 15, 16], [4, 3, 14, 13], [5, 8, 9, 12], [6, 7, 10, 11]]),
    ("blocks", NINE, [[1, 2, 5], [3, 4, 6], [7, 8, 9]]),
    ("blocks", SIXTEEN, [[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 15, 16]]),
    ("delay", FIVE, [[1, 2, 3], [3, 4, 5], [5, 0, 0]]),
    ("delay", SIXTEEN[..., :10], [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 8], [7, 8, 9, 10]]),
    ("stripes", FIVE, [[1, 2, 3], [4, 5, 0], [0, 0, 0]]),
    ("mosaic", FOUR, [[1, 2], [3, 4]]),
]


@pytest.mark.parametrize(("name", "x", "image"), BY_HAND)
def test_paths_by_hand(name, x, image):
    table = arrangement(name, 1, x.shape[2])
    assert table.arrange(x)[0, 0].tolist() == image
    assert table.restore(np.array([[image]], np.uint8)).tolist() == x.tolist()


THREE = np.array([[[1, 2, 3, 4, 5], [11, 12, 13, 14, 15], [21, 22, 23, 24, 25]]], np.uint8)
ONE_PLANE = {  # three leads of five values
    "stripes": [[1, 2, 3, 4, 5], [11, 12, 13, 14, 15], [21, 22, 23, 24, 25], [0] * 5, [0] * 5],
    "mosaic": [
        [1, 2, 3, 11, 12, 13],
        [4, 5, 0, 14, 15, 0],
        [0, 0, 0, 0, 0, 0],
        [21, 22, 23, 0, 0, 0],
        [24, 25, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ],
}


@pytest.mark.parametrize(("name", "image"), ONE_PLANE.items())
def test_several_leads_in_one_plane_by_hand(name, image):
    table = arrangement(name, 3, 5)
    assert table.arrange(THREE).tolist() == [[image]]
    assert table.restore(np.array([[image]], np.uint8)).tolist() == THREE.tolist()


def test_a_stripe_has_a_row_of_each_lead_in_turn():
    """Two leads of eight values: four rows of four."""
    x = np.concatenate([np.arange(1, 9), np.arange(11, 19)]).reshape(1, 2, 8)
    image = [[1, 2, 3, 4], [11, 12, 13, 14], [5, 6, 7, 8], [15, 16, 17, 18]]
    assert arrangement("stripes", 2, 8).arrange(x).tolist() == [[image]]


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 12, 15])
@pytest.mark.parametrize("name", ["stripes", "mosaic"])
def test_one_plane_is_the_smallest_square(name, channels):
    """Of whole rows of each lead, or of whole boards."""
    planes, height, width = arrangement(name, channels, 2000).image_shape
    assert planes == 1
    assert height == width
    rows, boards = -(-2000 // (height - 1)), (height // 45) ** 2
    assert channels * rows > height - 1 if name == "stripes" else boards >= channels > (height // 45 - 1) ** 2


@pytest.mark.parametrize("side", range(2, 65))
def test_neighbours_in_time_are_neighbours_on_the_curve(side):
    for name in ("hilbert", "serpentine", "spiral"):
        places = np.argsort(arrangement(name, 1, side * side).index.ravel())
        rows, columns = np.divmod(places, side)
        assert (np.abs(np.diff(rows)) + np.abs(np.diff(columns)) == 1).all(), name


def test_hilbert_keeps_near_what_is_near():
    """On a side of 64: 32 values apart, half as far on the plane as in rows, where it is mostly half a row."""
    side = 64

    def spread(name):
        places = np.argsort(arrangement(name, 1, side * side).index.ravel())
        at = np.stack(np.divmod(places, side))
        return np.median(np.linalg.norm(at[:, 32:] - at[:, :-32], axis=0))

    assert spread("hilbert") < 8 < 31 < spread("z")


def test_each_seed_has_its_own_order():
    first, again, other = (arrangement("random", 2, 2000, seed) for seed in (3, 3, 4))
    assert first.digest == again.digest != other.digest
    moved = first.arrange(np.tile(np.arange(2000), (1, 2, 1)))[0]
    assert (moved[0] == moved[1]).all()  # the leads stay together
    assert 0.4 < (np.diff(moved[0][moved[0] > 0]) > 0).mean() < 0.6
    assert (first.index[0] == -1).any(axis=1).mean() > 0.3  # NULL is among them


def test_copies_of_a_delay_are_averaged():
    """Value 3 of 5 stands at the end of the first row and the beginning of the second: 10 and 30 are 20."""
    table = arrangement("delay", 1, 5)
    image = np.array([[[[1, 2, 10], [30, 4, 5], [5, 0, 0]]]], np.uint8)
    assert table.restore(image).tolist() == [[[1, 2, 20, 4, 5]]]
    assert table.disagreement(image)[0] == pytest.approx(np.sqrt(200 / 4))  # of four copies two are 10 away


def test_every_arrangement_has_a_line():
    assert ARRANGEMENT_LINES.keys() == ARRANGEMENTS.keys()
    assert all(line and len(line) < 80 for line in ARRANGEMENT_LINES.values())


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


@pytest.mark.parametrize("module", [Arrangement.__module__, paths.__name__])
def test_the_example_in_the_module_is_true(module):
    result = doctest.testmod(sys.modules[module])
    assert result.attempted
    assert not result.failed


REFUSED = {
    "name": (lambda: arrangement("transpose", 1, 4), "unknown arrangement 'transpose'; did you mean 'transposed'?"),
    "another name": (lambda: arrangement("hilber", 1, 4), "did you mean 'hilbert'?"),
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
