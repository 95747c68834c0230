"""Layouts by name: images of three or five values written out by hand, sides, states, and bad tables."""

import json

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import ARRANGEMENTS, AdaptedRange, Arrangement, Codec, Layout, Transform, arrangement
from anonimage.transforms.layouts import LAYOUTS, layout_from

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
    ("line", FIVE, [[1, 2, 3, 4, 5]]),
    ("stripes", FIVE, [[1, 2, 3], [4, 5, 0], [0, 0, 0]]),
    ("mosaic", FOUR, [[1, 2], [3, 4]]),
]


@pytest.mark.parametrize(("name", "x", "image"), BY_HAND)
def test_paths_by_hand(name, x, image):
    table = arrangement(name, 1, x.shape[2])
    assert table.transform(x)[0, 0].tolist() == image
    assert table.inverse_transform(np.array([[image]], np.uint8)).tolist() == x.tolist()


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
    assert table.transform(THREE).tolist() == [[image]]
    assert table.inverse_transform(np.array([[image]], np.uint8)).tolist() == THREE.tolist()


def test_a_stripe_has_a_row_of_each_lead_in_turn():
    """Two leads of eight values: four rows of four."""
    x = np.concatenate([np.arange(1, 9), np.arange(11, 19)]).reshape(1, 2, 8)
    image = [[1, 2, 3, 4], [11, 12, 13, 14], [5, 6, 7, 8], [15, 16, 17, 18]]
    assert arrangement("stripes", 2, 8).transform(x).tolist() == [[image]]


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
    moved = first.transform(np.tile(np.arange(2000), (1, 2, 1)))[0]
    assert (moved[0] == moved[1]).all()  # the leads stay together
    assert 0.4 < (np.diff(moved[0][moved[0] > 0]) > 0).mean() < 0.6
    assert (first.index[0] == -1).any(axis=1).mean() > 0.3  # NULL is among them


def test_copies_of_a_delay_are_averaged():
    """Value 3 of 5 stands at the end of the first row and the beginning of the second: 10 and 30 are 20."""
    table = arrangement("delay", 1, 5)
    image = np.array([[[[1, 2, 10], [30, 4, 5], [5, 0, 0]]]], np.uint8)
    assert table.inverse_transform(image).tolist() == [[[1, 2, 20, 4, 5]]]


@pytest.mark.parametrize("name", sorted(set(ARRANGEMENTS) - {"line", "beats", "stft", "gramian"}))
def test_a_larger_side_holds_the_same_values(name):
    """Also after JSON, which keeps the side; with the smallest side it is the default."""
    channels = {"rgb": 3, "six": 6}.get(name, 2)
    default = arrangement(name, channels, 20, seed=1)
    smallest = default.image_shape[1]
    assert arrangement(name, channels, 20, 1, smallest).digest == default.digest
    x = np.random.default_rng(0).integers(1, 256, (3, channels, 20)).astype(np.uint8)
    for side in range(smallest + 1, smallest + 9):
        larger = arrangement(name, channels, 20, 1, side)
        assert larger.image_shape == (default.image_shape[0], side, side)
        assert np.array_equal(larger.inverse_transform(larger.transform(x)), x)
        assert layout_from(json.loads(json.dumps(larger.state()))).digest == larger.digest
    with pytest.raises(InputError, match=f"{name}: side {smallest - 1} does not hold .* at least {smallest}"):
        arrangement(name, channels, 20, side=smallest - 1)


@pytest.mark.parametrize("name", ["beats", "stft", "gramian"])
def test_a_layout_that_decides_its_side_takes_no_other(name):
    own = arrangement(name, 1, 2025).image_shape[1]
    assert arrangement(name, 1, 2025, side=own).image_shape[1] == own
    with pytest.raises(
        InputError, match=f"{name}: images of 2025 values have side {own}, not 99; take {own}, or leave it out"
    ):
        arrangement(name, 1, 2025, side=99)


@pytest.mark.parametrize("name", sorted({*ARRANGEMENTS} - {"random"}))
def test_a_window_of_one_value_survives_json(name):
    layout = arrangement(name, {"rgb": 3, "six": 6}.get(name, 1), 1)
    assert layout_from(json.loads(json.dumps(layout.state()))).digest == layout.digest


def test_only_what_the_name_does_not_say_is_in_the_state():
    """A random order has a seed, which a codec never holds: its table is there instead."""
    assert "table" not in arrangement("hilbert", 3, 2025).state()
    state = arrangement("random", 1, 4, seed=5).state()
    assert state["kind"] == "table"
    assert "seed" not in state
    assert layout_from(state).digest == arrangement("random", 1, 4, seed=5).digest


def test_a_name_that_builds_another_table_is_refused():
    state = arrangement("z", 1, 9).state()
    with pytest.raises(InputError, match="arrangement 'transposed' is not the one this codec was made with"):
        layout_from({**state, "kind": "transposed"})


class Loudness(Layout, Transform):
    """One row a channel, turned up by a parameter and set about the mean level of the training windows."""

    name = "loudness"
    tolerance = 0.5

    def __init__(self, channels, length, gain=2):
        super().__init__(channels, length)
        self.gain, self.total, self.count = gain, 0, 0

    @property
    def image_shape(self):
        return self.channels, 1, self.length

    @property
    def mean(self):
        return self.total / self.count

    def fit_chunks(self, chunks):
        for x in chunks():
            self.total, self.count = self.total + int(x.sum(dtype=int)), self.count + x.size
        return self

    def transform(self, x):
        return np.rint(np.clip((x - self.mean) * self.gain + 128, 0, 255)).astype(np.uint8)[:, :, None]

    def inverse_transform(self, y):
        return (y[:, :, 0].astype(np.float32) - 128) / self.gain + self.mean

    def state(self):
        return {**super().state(), "gain": self.gain, "fitted": [self.total, self.count]}

    @classmethod
    def from_state(cls, state):
        new = cls(state["channels"], state["length"], state["gain"])
        new.total, new.count = state["fitted"]
        return new


def test_a_layout_may_have_parameters_and_learn(monkeypatch):
    """It learns from levels, not from values: with 0.01 mV a level, 100 is the mean level of 0, 100, 200 and 100."""
    x = np.array([[[-1, 0, 1, 0]], [[5, 6, 7, 6]]], np.float32)
    codec = Codec(AdaptedRange(2.55), Loudness(1, 4, gain=1), ("i",), "mV", 1000).fit(lambda: iter([x[:1], x[1:]]))
    assert codec.arrangement.mean == 100
    assert codec.encode(x).tolist() == [[[[28, 128, 228, 128]]]] * 2
    text = codec.to_json()
    with pytest.raises(InputError, match="unknown arrangement 'loudness'"):
        Codec.from_json(text)
    monkeypatch.setitem(LAYOUTS, "loudness", Loudness)
    again = Codec.from_json(text)
    assert again.arrangement.gain == 1
    assert again.to_json() == text
    np.testing.assert_allclose(again.decode(codec.encode(x), codec.offset(x)), x, atol=again.tolerance)


@pytest.mark.parametrize(("name", "channels"), [("rgb", 3), ("six", 6), ("z", 2)])
def test_leads_become_image_channels(name, channels):
    x = np.arange(channels * 4, dtype=np.uint8).reshape(1, channels, 4)
    assert arrangement(name, channels, 4).transform(x).tolist() == x.reshape(1, channels, 2, 2).tolist()


def test_copies_are_averaged():
    """Value 0 stands in two cells: 10 and 20 restore to 15."""
    table = Arrangement([[[0, 0], [1, -1]]], channels=1, length=2)
    generated = np.array([[[[10, 20], [7, 99]]]], np.uint8)
    assert table.inverse_transform(generated).tolist() == [[[15, 7]]]
    assert table.transform(table.inverse_transform(generated)).tolist() == [[[[15, 15], [7, 0]]]]


REFUSED = {
    "name": (lambda: arrangement("transpose", 1, 4), "unknown arrangement 'transpose'; did you mean 'transposed'?"),
    "another name": (lambda: arrangement("hilber", 1, 4), "did you mean 'hilbert'?"),
    "rgb of two": (lambda: arrangement("rgb", 2, 4), "rgb: needs 3 channels, got 2"),
    "six of three": (lambda: arrangement("six", 3, 4), "six: needs 6 channels, got 3"),
    "no value": (lambda: arrangement("z", 1, 0), "not 1 channels of 0"),
    "a side of a line": (lambda: arrangement("line", 1, 9, side=3), "line: images are 1×9, .* leave out the side 3"),
    "too large an index": (lambda: Arrangement([[[0, 1], [2, 4]]], 1, 4), "index 4 .* from 0 to 3"),
    "too small an index": (lambda: Arrangement([[[0, -2]]], 1, 1), "index -2 is in the table"),
    "lost values": (lambda: Arrangement([[[0, 2]]], 1, 4), r"2 of 4 values are not in the table \(the first is 1\)"),
    "fractions": (lambda: Arrangement([[[0.5, 1]]], 1, 2), "whole numbers"),
    "ragged": (lambda: Arrangement([[[0, 1], [2]]], 1, 3), "not of the same length"),
    "one dimension": (lambda: Arrangement([0, 1], 1, 2), r"whole numbers of shape \(c, H, W\)"),
    "values": (lambda: arrangement("z", 1, 4).transform(FIVE), r"shape \(samples, 1, 4\), got \(1, 1, 5\)"),
    "images": (lambda: arrangement("z", 1, 4).inverse_transform(FIVE), r"shape \(samples, 1, 2, 2\), got \(1, 1, 5\)"),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message):
        attempt()
