"""Colour spaces: known colours, the stated tolerance over the cube of all colours, generated levels of any value."""

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import COLOURS, Colours

CODINGS = sorted(COLOURS)


def pixels(*colours):
    """(1, 3, L) from colours."""
    return np.array(colours, np.uint8).T[None]


def slice_of_cube(red, step):
    """(1, 3, L): every step-th green and blue, and always the last."""
    axis = np.unique([*range(0, 256, step), 255])
    green, blue = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([np.full(green.size, red), green.ravel(), blue.ravel()])[None].astype(np.uint8)


def worst(name, x):
    coding = Colours(name)
    return np.abs(coding.inverse_transform(coding.transform(x)) - x).max()


def test_known_colours():
    """Hue has 256 levels for the circle: green at a third, blue at two; L*a*b* of red is 53.24, 80.09, 67.20."""
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    hsv = Colours("hsv").transform(pixels(red, green, blue, (128, 64, 64), (9, 9, 9)))[0].T
    assert hsv.tolist() == [[0, 255, 255], [85, 255, 255], [171, 255, 255], [0, 128, 128], [0, 0, 9]]
    lab = Colours("lab").transform(pixels(red, (0, 0, 0), (255, 255, 255)))[0].T
    a_of_0, b_of_0 = 86.2 / 184.5 * 255, 107.9 / 202.4 * 255
    assert lab.tolist() == [
        [round(53.24 * 2.55), round((80.09 + 86.2) / 184.5 * 255), round((67.20 + 107.9) / 202.4 * 255)],
        [0, round(a_of_0), round(b_of_0)],
        [255, round(a_of_0), round(b_of_0)],
    ]


def test_hue_is_a_circle():
    """The reddest red with a trace of blue lies just below the whole turn, which is hue 0 again."""
    coding = Colours("hsv")
    levels = coding.transform(pixels((255, 0, 1), (255, 1, 0)))
    assert levels[0, 0].tolist() == [0, 0]
    assert np.abs(coding.inverse_transform(levels) - pixels((255, 0, 1), (255, 1, 0))).max() <= coding.tolerance


@pytest.mark.parametrize("name", CODINGS)
def test_error_stays_within_the_tolerance(name):
    """The outer faces, where the largest are, and a lattice inside; all 256³ in the slow test."""
    lattice = [slice_of_cube(red, 5) for red in range(0, 256, 15)]
    faces = [slice_of_cube(red, 2)[:, order] for red in (0, 1, 254, 255) for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0])]
    found = max(worst(name, x) for x in lattice + faces)
    assert 0.8 * Colours(name).tolerance < found <= Colours(name).tolerance


@pytest.mark.slow
@pytest.mark.parametrize("name", CODINGS)
def test_error_of_every_colour_stays_within_the_tolerance(name):
    found = max(worst(name, slice_of_cube(red, 1)) for red in range(256))
    assert 0.98 * Colours(name).tolerance < found <= Colours(name).tolerance


@pytest.mark.parametrize("name", CODINGS)
def test_whatever_is_generated_becomes_a_colour(name, recwarn):
    """Levels that no picture has, such as dark and vivid ones in L*a*b*, and a little outside 0 … 255."""
    coding = Colours(name)
    levels = np.random.default_rng(0).uniform(-5, 260, size=(5, coding.channels, 500))
    rgb = coding.inverse_transform(levels)
    assert rgb.shape == (5, 3, 500)
    assert rgb.dtype == np.float32
    assert (rgb >= 0).all()
    assert (rgb <= 255).all()
    assert not recwarn.list
    alone = np.concatenate([coding.inverse_transform(one[None]) for one in levels])
    assert np.array_equal(alone, rgb)


REFUSED = {
    "name": (lambda: Colours("hvs"), "unknown colour coding 'hvs'; did you mean 'hsv'?"),
    "grey": (lambda: Colours("lab").transform(np.zeros((2, 1, 4))), r"\(samples, 3, length\), got \(2, 1, 4\)"),
    "inks": (
        lambda: Colours("cmyk").inverse_transform(np.zeros((2, 3, 4))),
        r"\(samples, 4, length\), got \(2, 3, 4\)",
    ),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message):
        attempt()
