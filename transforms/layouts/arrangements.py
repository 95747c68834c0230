"""All arrangements by name: what each is, in a line, and how it is made."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ...errors import InputError, nearest
from ..transform import State
from . import paths, planes
from .beats import Beats
from .gramian import Gramian
from .layout import ForwardLayout
from .stft import Stft
from .table import grid


class Choice(NamedTuple):
    """One arrangement.

    Arguments:
        line: what it is, for help texts.
        build: (channels, length, seed) -> layout.
    """

    line: str
    build: Callable[[int, int, int], ForwardLayout]


def arrangement(name: str, channels: int, length: int, seed: int = 0) -> ForwardLayout:
    """The arrangement of that name for samples of (channels, length); the names are the keys of ARRANGEMENTS.

    Arguments:
        seed: of the permutation, for "random".
    """
    if name not in ARRANGEMENTS:
        raise InputError(f"unknown arrangement '{name}'{nearest(name, ARRANGEMENTS)}")
    if channels < 1 or length < 1:
        raise InputError(
            f"{name}: needs at least one channel and one value, got {channels} channels of length {length}"
        )
    return ARRANGEMENTS[name].build(channels, length, seed)


def _path(name: str, line: str, path: planes.Path, only: int | None = None) -> tuple[str, Choice]:
    return name, Choice(line, lambda channels, length, seed: planes.per_channel(name, path, channels, length, only))


def _random(channels: int, length: int, seed: int) -> ForwardLayout:
    return planes.per_channel("random", partial(paths.shuffled, seed=seed), channels, length)


ARRANGEMENTS: dict[str, Choice] = dict(
    [
        _path("z", "row after row, left to right", paths.z),
        _path("transposed", "column after column, down", paths.transposed),
        _path("reversed", "row after row from the bottom right", paths.backwards),
        _path("rgb", "three leads as red, green, blue; each as z", paths.z, only=3),  # §4.3
        _path("six", "six leads as six image channels; each as z", paths.z, only=6),  # §4.4
        _path("serpentine", "row after row, every other one backwards", paths.serpentine),
        _path("spiral", "from the top left corner clockwise to the middle", paths.spiral),
        _path("hilbert", "along the Hilbert curve: what is near in time is near in the image", paths.hilbert),
        _path("blocks", "square after square, each row after row", paths.blocks),
        ("random", Choice("in a random order, the recipe's seed decides", _random)),
        ("stripes", Choice("all leads in one plane: a row of each in turn", lambda c, n, seed: planes.stripes(c, n))),
        ("mosaic", Choice("all leads in one plane, side by side", lambda c, n, seed: planes.mosaic(c, n))),
        ("delay", Choice("rows that overlap by half, restored by averaging", lambda c, n, seed: planes.delay(c, n))),
        ("beats", Choice("rows as long as a part of the window's own heartbeat", lambda c, n, seed: Beats(c, n))),
        ("stft", Choice("short-time Fourier transform: magnitude and phase", lambda c, n, seed: Stft(c, n))),
        ("gramian", Choice("Gramian angular field; cannot be decoded", lambda c, n, seed: Gramian(c, n))),
    ]
)
ARRANGEMENT_LINES: dict[str, str] = {name: choice.line for name, choice in ARRANGEMENTS.items()}


def layout_state(layout: ForwardLayout) -> State:
    """What `layout_from` needs, as JSON can hold it: a name where that says it all, else the table itself."""
    state: State = {"name": layout.name, "channels": layout.channels, "length": layout.length, "sha256": layout.digest}
    table = getattr(layout, "index", None)
    if table is None or (
        layout.name in ARRANGEMENTS and layout.name != "random" and _named(state).digest == layout.digest
    ):
        return state
    return {**state, "table": table.tolist()}


def layout_from(state: State) -> ForwardLayout:
    """Rebuild a layout from its `layout_state`.

    Raises:
        InputError: an unknown name, or what the name builds is not what it was.
    """
    if "table" in state:
        layout: ForwardLayout = grid(state["table"], state["channels"], state["length"], state["name"])
    else:
        layout = _named(state)
    if layout.digest != state["sha256"]:
        raise InputError(f"arrangement '{layout.name}' is not the one this codec was made with")
    return layout


def _named(state: State) -> ForwardLayout:
    return arrangement(state["name"], state["channels"], state["length"])
