"""Between steps 1 and 2, for pictures: red, green and blue as levels of another colour space, and back.

Example: pure red is hue 0 with full saturation and value; as inks it is magenta and yellow.

    >>> import numpy as np
    >>> red = np.array([[[255], [0], [0]]], np.uint8)
    >>> Colours("hsv").transform(red)[0, :, 0].tolist(), Colours("cmyk").transform(red)[0, :, 0].tolist()
    ([0, 255, 255], [0, 255, 255, 0])
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..errors import InputError, nearest
from .transform import Transform

# The box of CIE L*a*b* that holds sRGB: lowest and highest of each coordinate over all 256³ colours.
_LAB_LOW = np.array([0, -86.2, -107.9], np.float32)[:, None]
_LAB_HIGH = np.array([100, 98.3, 94.5], np.float32)[:, None]


class Coding(NamedTuple):
    """One colour space: red, green, blue in 0 … 1, (N, 3, L), to levels 0 … 255 (N, channels, L), and back."""

    channels: int  # of the colour space
    forward: Callable[[np.ndarray], np.ndarray]  # forward, back: float32 both ways; levels are not yet rounded
    back: Callable[[np.ndarray], np.ndarray]
    # the largest error of one of red, green, blue after levels were rounded, in levels: measured over all 256³ colours,
    # and rounded up
    tolerance: float


class Colours(Transform):
    """Grey levels of red, green and blue to levels of another colour space, and back.

    In a chain it stands after a standardizer without a level for NULL, which colours would change.

    Arguments:
        name: a key of COLOURS: "hsv" (hue, saturation, value), "lab" (CIE L*a*b*, D65) or "cmyk" (inks).
    """

    settings = ("name",)

    def __init__(self, name: str) -> None:
        if name not in COLOURS:
            raise InputError(f"unknown colour coding '{name}'{nearest(name, COLOURS)}")
        self.name = name
        self._coding = COLOURS[name]
        self.channels, self.tolerance = self._coding.channels, self._coding.tolerance

    def channels_out(self, channels: int) -> int:
        if channels != 3:
            raise InputError(f"{self.name}: colours need 3 channels (red, green, blue), not {channels}")
        return self.channels

    def transform(self, x: np.ndarray) -> np.ndarray:
        rgb = _checked(x, 3)
        return np.rint(np.clip(self._coding.forward(rgb / 255), 0, 255)).astype(np.uint8)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        """Levels (N, channels, L), whole or not, to red, green, blue: float32 (N, 3, L) in 0 … 255, not rounded."""
        rgb = self._coding.back(np.clip(_checked(y, self.channels), 0, 255))
        return np.clip(rgb, 0, 1).astype(np.float32, copy=False) * 255


def _checked(levels: np.ndarray, channels: int) -> np.ndarray:
    if levels.ndim != 3 or levels.shape[1] != channels:
        raise InputError(f"expected levels of shape (samples, {channels}, length), got {levels.shape}")
    return levels.astype(np.float32)


def _to_hsv(rgb: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2hsv  # here and below: skimage takes longer to import than all of this package

    hsv = rgb2hsv(rgb, channel_axis=1) * np.array([256, 255, 255], np.float32)[:, None]
    hsv[:, 0] = np.rint(hsv[:, 0]) % 256  # hue is a circle: 256 levels, and the one after 255 is 0
    return hsv


def _from_hsv(levels: np.ndarray) -> np.ndarray:
    from skimage.color import hsv2rgb

    return hsv2rgb(levels / np.array([256, 255, 255], np.float32)[:, None], channel_axis=1)


def _to_lab(rgb: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2lab

    return (rgb2lab(rgb, channel_axis=1) - _LAB_LOW) * (255 / (_LAB_HIGH - _LAB_LOW))


def _from_lab(levels: np.ndarray) -> np.ndarray:
    from skimage.color import lab2rgb

    with warnings.catch_warnings():  # a generated colour may lie outside of sRGB: it becomes the nearest
        warnings.filterwarnings("ignore", message="Conversion from CIE-LAB")
        return lab2rgb(levels * ((_LAB_HIGH - _LAB_LOW) / 255) + _LAB_LOW, channel_axis=1)


def _to_cmyk(rgb: np.ndarray) -> np.ndarray:
    """Black is what is missing to the lightest of the three; the other inks are relative to the rest."""
    value = rgb.max(axis=1, keepdims=True)
    inks = np.divide(value - rgb, value, out=np.zeros_like(rgb), where=value > 0)
    return np.concatenate([inks, 1 - value], axis=1) * 255


def _from_cmyk(levels: np.ndarray) -> np.ndarray:
    return (1 - levels[:, :3] / 255) * (1 - levels[:, 3:] / 255)


# errors in levels over all 256³ colours; root mean square: hsv 0.57, lab 1.04, cmyk 0.18. lab's largest are in dark red
# beside bright green and blue, at the edge of sRGB, where its curve is steep
COLOURS: dict[str, Coding] = {
    "hsv": Coding(3, _to_hsv, _from_hsv, 3.2),
    "lab": Coding(3, _to_lab, _from_lab, 21.9),
    "cmyk": Coding(4, _to_cmyk, _from_cmyk, 0.5),
}
