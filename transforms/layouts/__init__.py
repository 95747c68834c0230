"""Step 2: the layouts, how the levels of a window are arranged into an image; all of them by name.

Example: the same three values by name, in the smallest square and in a larger one.

    >>> import numpy as np
    >>> x = np.array([[[1, 2, 3]]])
    >>> arrangement("serpentine", channels=1, length=3).transform(x).tolist()
    [[[[1, 2], [0, 3]]]]
    >>> arrangement("z", channels=1, length=3, side=3).transform(x).tolist()
    [[[[1, 2, 3], [0, 0, 0], [0, 0, 0]]]]
    >>> arrangement("line", channels=1, length=3).transform(x).tolist()
    [[[[1, 2, 3]]]]
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ...errors import InputError, nearest
from ..transform import State
from . import paths, planes
from .beats import Beats
from .gramian import Gramian
from .stft import Stft
from .table import Arrangement, Layout


class Choice(NamedTuple):
    """One arrangement."""

    about: str  # what it is, in a line
    # (channels, length, seed, side) -> layout; side None: the layout's own
    build: Callable[[int, int, int, int | None], Layout]
    from_state: Callable[[State], Layout]  # the layout from its state


def arrangement(name: str, channels: int, length: int, seed: int = 0, side: int | None = None) -> Layout:
    """The arrangement of that name for samples of (channels, length).

    Arguments:
        name: a key of ARRANGEMENTS.
        channels, length: C and L.
        seed: of the permutation, for "random".
        side: of the image in pixels; None: the smallest that holds the window. "line" has none.

    Raises:
        InputError: an unknown name, or a side, channels or a length that it cannot have.
    """
    if name not in ARRANGEMENTS:
        raise InputError(f"unknown arrangement '{name}'{nearest(name, ARRANGEMENTS)}")
    if channels < 1 or length < 1:
        raise InputError(f"{name}: needs at least one channel and one value, not {channels} channels of {length}")
    layout = ARRANGEMENTS[name].build(channels, length, seed, side)
    if side is not None and layout.image_shape[1] != side:
        own = layout.image_shape[1]
        raise InputError(f"{name}: images of {length} values have side {own}, not {side}; take {own}, or leave it out")
    return layout


def layout_from(state: State) -> Layout:
    """Rebuild a layout from its `state()`.

    Raises:
        InputError: an unknown name, or what the name builds is not what it was.
    """
    kind = state["kind"]
    if kind != "table" and kind not in ARRANGEMENTS:
        raise InputError(f"unknown arrangement '{kind}'{nearest(kind, ARRANGEMENTS)}")
    layout = Arrangement.from_state(state) if kind == "table" else ARRANGEMENTS[kind].from_state(state)
    if layout.digest != state["sha256"]:
        raise InputError(f"arrangement '{layout.name}' is not the one this codec was made with")
    return layout


def _table(about: str, build: Callable[[int, int, int | None], Arrangement]) -> Choice:
    """A table that its name, channels, length and side say."""

    def by_name(channels: int, length: int, seed: int, side: int | None) -> Layout:
        table = build(channels, length, side)
        table.by_name = True
        return table

    return Choice(about, by_name, lambda state: by_name(state["channels"], state["length"], 0, state["side"]))


def _path(name: str, about: str, path: paths.Path, only: int | None = None) -> Choice:
    return _table(about, lambda c, length, side: planes.per_channel(name, path, c, length, side, only))


def _layout(about: str, kind: type[Layout]) -> Choice:
    """A layout that has a class of its own."""
    return Choice(about, lambda channels, length, seed, side: kind(channels, length), kind.from_state)


def _random(channels: int, length: int, seed: int, side: int | None) -> Layout:
    return planes.per_channel("random", partial(paths.shuffled, seed=seed), channels, length, side)


ARRANGEMENTS: dict[str, Choice] = {
    "z": _path("z", "row after row, left to right", paths.z),
    "transposed": _path("transposed", "column after column, down", paths.transposed),
    "reversed": _path("reversed", "row after row from the bottom right", paths.backwards),
    "rgb": _path("rgb", "three leads as red, green, blue; each as z", paths.z, only=3),  # §4.3
    "six": _path("six", "six leads as six image channels; each as z", paths.z, only=6),  # §4.4
    "serpentine": _path("serpentine", "row after row, every second one backwards", paths.serpentine),
    "spiral": _path("spiral", "from the top left corner clockwise to the middle", paths.spiral),
    "hilbert": _path("hilbert", "along the Hilbert curve: near in time is near in the image", paths.hilbert),
    "blocks": _path("blocks", "square after square, each row after row", paths.blocks),
    "random": Choice("in a random order that the recipe's seed decides", _random, Arrangement.from_state),
    "line": _table("one row, height 1: for one-dimensional networks", planes.line),
    "stripes": _table("all leads in one plane: a row of each in turn", planes.stripes),
    "mosaic": _table("all leads in one plane, side by side", planes.mosaic),
    "delay": _table("rows that overlap by half, restored by averaging", planes.delay),
    "beats": _layout("rows as long as a part of the window's own heartbeat", Beats),
    "stft": _layout("short-time Fourier transform: magnitude and phase", Stft),
    "gramian": _layout("Gramian angular field; cannot be decoded", Gramian),
}
