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

from ...errors import InputError, nearest
from ..transform import State
from . import paths
from .beats import Beats
from .gramian import Gramian
from .stft import Stft
from .table import Arrangement, Layout

PATHS: dict[str, paths.Path] = {
    "z": paths.z,  # row after row, left to right
    "transposed": lambda side: paths.z(side).T,  # column after column, down (§4.2)
    "reversed": lambda side: paths.z(side)[::-1, ::-1],  # row after row from the bottom right (§4.2)
    "rgb": paths.z,  # three leads as red, green, blue; each as z (§4.3)
    "six": paths.z,  # six leads as six image channels; each as z (§4.4)
    "serpentine": paths.serpentine,  # row after row, every second one backwards
    "spiral": paths.spiral,  # from the top left corner clockwise to the middle
    "hilbert": paths.hilbert,  # along the Hilbert curve: near in time is near in the image
    "blocks": paths.blocks,  # square after square, each row after row
}
ONLY = {"rgb": 3, "six": 6}  # channels
# (channels, length, side) -> table; side None: the table's own
TABLES: dict[str, Callable[[int, int, int | None], Arrangement]] = {
    "line": paths.line,  # one row, height 1: for one-dimensional networks
    "stripes": paths.stripes,  # all leads in one plane: a row of each in turn
    "mosaic": paths.mosaic,  # all leads in one plane, side by side
    "delay": paths.delay,  # rows that overlap by half, restored by averaging
}
LAYOUTS: dict[str, type[Layout]] = {
    "beats": Beats,  # rows as long as a part of the window's own heartbeat
    "stft": Stft,  # short-time Fourier transform: magnitude and phase
    "gramian": Gramian,  # Gramian angular field; cannot be decoded
}
ARRANGEMENTS = (*PATHS, "random", *TABLES, *LAYOUTS)  # random: in an order that the recipe's seed decides


def arrangement(name: str, channels: int, length: int, seed: int = 0, side: int | None = None) -> Layout:
    """The arrangement of that name for samples of (channels, length).

    Arguments:
        name: one of ARRANGEMENTS.
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
    if channels != ONLY.get(name, channels):
        raise InputError(f"{name}: needs {ONLY[name]} channels, got {channels}; 'z' takes any number")
    layout: Layout
    if name in LAYOUTS:
        layout = LAYOUTS[name](channels, length)
    elif name in TABLES:
        layout = TABLES[name](channels, length, side)
    else:
        path = partial(paths.shuffled, seed=seed) if name == "random" else PATHS[name]
        layout = paths.per_channel(name, path, channels, length, side)
    if isinstance(layout, Arrangement):
        layout.by_name = name != "random"
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
    if kind == "table":
        layout: Layout = Arrangement.from_state(state)
    elif kind in LAYOUTS:
        layout = LAYOUTS[kind].from_state(state)
    else:
        layout = arrangement(kind, state["channels"], state["length"], side=state.get("side"))
    if layout.digest != state["sha256"]:
        raise InputError(f"arrangement '{layout.name}' is not the one this codec was made with")
    return layout
