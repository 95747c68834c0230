"""Different standardizers side by side, and values that are grey levels already: cases by hand, and faults."""

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import (
    TRANSFORMS,
    AdaptedRange,
    ByChannel,
    Compose,
    Equalize,
    Forward,
    GreyLevels,
    MinMax,
    QuantileBounds,
    from_state,
)

ROWS = np.array([[0, 5, 0], [1, 5, 100], [0, 6, 510]], np.float32)[..., None]  # yes-no, a number with ties, a number


def mixed():
    return ByChannel([[2, 0], [1]], [MinMax(), MinMax(a=1)])


def test_each_group_has_its_own_by_hand():
    """Columns 0 and 2 have levels 0 … 255, column 1 has 1 … 255: 5 and 6 are its ends."""
    fitted = mixed().fit(ROWS)
    assert fitted.transform(ROWS)[..., 0].tolist() == [[0, 1, 0], [255, 1, 50], [0, 255, 255]]
    assert fitted.inverse_transform(fitted.transform(ROWS))[..., 0].tolist() == ROWS[..., 0].tolist()
    assert fitted.tolerance == pytest.approx(1, rel=1e-3)  # half a level of 510 / 255


def test_shifts_are_carried_by_group():
    fitted = mixed().fit(ROWS)
    np.testing.assert_allclose(fitted.carry(np.array(3)), [3 / 255, 3 / 254, 6])
    np.testing.assert_allclose(fitted.carry(np.array([[255, 254, 1], [0, 0, 0]])), [[1, 1, 2], [0, 0, 0]])


def test_offsets_and_saturation_by_hand():
    x = np.array([[[1, 2, 3.5], [-1, 0, 9]]], np.float32)
    both = ByChannel([[0], [1]], [AdaptedRange(2.5), AdaptedRange(2)])
    assert both.relative
    assert both.offset(x).tolist() == [[1, -1]]
    counted = both.saturated(x)
    assert {name: (n.values, n.windows, n.n_windows) for name, n in counted.items()} == {"AdaptedRange": (1, 1, 2)}


def test_parts_that_learn_twice_learn_from_their_own_channels():
    x = np.random.default_rng(0).normal(size=(50, 2, 8)).astype(np.float32)
    x[:, 1] *= 10
    chain = Compose(QuantileBounds(0.1, 0.9, step=0.001), MinMax())
    fitted = ByChannel([[1], [0]], [chain, MinMax()]).fit(x)
    alone = Compose(QuantileBounds(0.1, 0.9, step=0.001), MinMax()).fit(x[:, 1:])
    assert fitted.parts[0].state() == alone.state()
    assert from_state(fitted.state(), TRANSFORMS).state() == fitted.state()


def test_a_chain_of_one_within_one_survives():
    nested = ByChannel([[0, 2], [1]], [ByChannel([[1], [0]], [MinMax(), Equalize()]), GreyLevels()]).fit(ROWS)
    again = from_state(nested.state(), TRANSFORMS)
    assert again.transform(ROWS).tolist() == nested.transform(ROWS).tolist()


def test_grey_levels_by_hand():
    grey = GreyLevels()
    x = np.array([[[0, 7, 255, 7.4, 7.6, -3, 300]]], np.float32)
    assert grey.transform(x).tolist() == [[[0, 7, 255, 7, 8, 0, 255]]]
    assert grey.inverse_transform(np.arange(256, dtype=np.uint8)[None, None]).ravel().tolist() == list(range(256))
    assert grey.inverse_transform(np.array([[[0.25, 200.5]]])).tolist() == [[[0.25, 200.5]]]
    assert grey.saturated(x)["GreyLevels"].values == 2


class Magnitude(Forward):
    def transform(self, x):
        return np.abs(x)

    def state(self):
        return {"kind": "Magnitude"}


REFUSED = {
    "a transform short": (lambda: ByChannel([[0], [1]], [MinMax()]), "2 groups of channels for 1 transforms"),
    "no group": (lambda: ByChannel([], []), "at least one channel"),
    "empty group": (lambda: ByChannel([[0], []], [MinMax(), MinMax()]), "at least one channel"),
    "channel twice": (
        lambda: ByChannel([[0, 1], [1]], [MinMax(), MinMax()]),
        r"each of channels 0 to 1 must stand in exactly one group, but the groups hold \[0, 1, 1\]",
    ),
    "channel left out": (lambda: ByChannel([[0, 2]], [MinMax()]), r"but the groups hold \[0, 2\]"),
    "no inverse": (lambda: ByChannel([[0]], [Magnitude()]), "Magnitude has no inverse"),
    "offsets for some": (
        lambda: ByChannel([[0], [1]], [AdaptedRange(), MinMax()]),
        "AdaptedRange: leaves out an offset, so every group's transform must, or none",
    ),
    "channels": (lambda: mixed().fit(ROWS[:, :2]), "expected 3 channels .*, got 2"),
    "a picture with a hole": (lambda: GreyLevels().transform(np.full((1, 1, 1), np.nan)), r"missing value \(NaN\)"),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
