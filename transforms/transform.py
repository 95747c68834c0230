"""The contract of every map between values, grey levels and images; chains derive it from their parts.

Example: a chain of two maps, what it leaves out of a window, and the way back.

    >>> from anonimage.transforms import AdaptedRange, Compose, QuantileBounds
    >>> bounds = QuantileBounds(0, 1, step=1).fit(np.array([[[0, 200]]]))
    >>> chain = Compose(bounds, AdaptedRange(255))
    >>> x = np.array([[[10, 60, 300]]])
    >>> chain.transform(x).tolist(), chain.offset(x).tolist()
    ([[[0, 50, 190]]], [[10.0]])
    >>> (chain.inverse_transform(chain.transform(x)) + chain.offset(x)[..., None]).tolist()
    [[[10.0, 60.0, 200.0]]]
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import InputError

NOT_FITTED = "{} has learnt nothing yet: fit it on training data first"
State = dict[str, Any]  # what JSON can hold
Chunks = Callable[[], Iterable[np.ndarray]]  # gives the same data each time, in chunks (N, C, L)


@dataclass(frozen=True)
class Saturation:
    """How much a transform saturates: counts that add up over chunks of data."""

    values: int  # values outside the declared range
    windows: int  # windows (of one channel) with at least one such value
    n_values: int  # all values; missing ones are not counted
    n_windows: int  # all windows, one per sample and channel

    @classmethod
    def count(cls, outside: np.ndarray, x: np.ndarray) -> Self:
        """Count from a mask (N, C, L) of the values outside."""
        n_windows = x.shape[0] * x.shape[1]
        return cls(int(outside.sum()), int(outside.any(axis=-1).sum()), int(x.size - np.isnan(x).sum()), n_windows)

    def __add__(self, more: "Saturation") -> "Saturation":
        return Saturation(*(own + added for own, added in zip(astuple(self), astuple(more), strict=True)))


class Forward(ABC):
    """A map of arrays (N, C, L) with a fitted state; it has no inverse unless it is a `Transform` too."""

    settings: ClassVar[tuple[str, ...]] = ()  # the constructor's arguments, which are attributes too
    learns: ClassVar[str] = ""  # the attribute that says what was fitted: an array (2, C), part of the state
    # the lowest level of a value that is not missing: () or (C,); above 0, level 0 means missing (NULL)
    lowest: int | np.ndarray = 0
    parts: tuple["Transform", ...] = ()  # of which it is made
    _learnt: np.ndarray | None = None

    @abstractmethod
    def transform(self, x: np.ndarray) -> np.ndarray:
        """Map (N, C, L); the input is left as it is, and no sample depends on another one."""

    def state(self) -> State:
        """All that `from_state` needs, as JSON can hold it; no data of a single sample."""
        learnt = {self.learns: getattr(self, self.learns).tolist()} if self.learns else {}
        parts = {"parts": [part.state() for part in self.parts]} if self.parts else {}
        return {"kind": type(self).__name__} | {name: getattr(self, name) for name in self.settings} | learnt | parts

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild from `state()` (its "parts" are rebuilt already): constructed as it was, and fitted."""
        new = cls(**{name: value for name, value in state.items() if name not in ("kind", cls.learns)})
        if cls.learns:
            new._learnt = numbers(state[cls.learns], (2, None))
        return new

    def channels_out(self, channels: int) -> int:
        """How many channels the map makes of so many."""
        return channels

    def fit_chunks(self, chunks: Chunks) -> Self:
        """Learn afresh from data in chunks, however it is cut; most maps have nothing to learn and make no pass."""
        return self

    def fit(self, x: np.ndarray) -> Self:
        """Learn afresh from one array (N, C, L)."""
        return self.fit_chunks(lambda: [x])

    @property
    def learnt(self) -> np.ndarray:
        """What was fitted; refused if nothing was."""
        if self._learnt is None:
            raise InputError(NOT_FITTED.format(type(self).__name__))
        return self._learnt

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """What saturates in `transform(x)`, by the name of the transform that does it."""
        return {}


class Transform(Forward):
    """A map with an inverse: x ≈ inverse_transform(transform(x)) + offset(x)[..., None], within `tolerance`."""

    relative: bool = False  # whether `offset` is anything but zero
    tolerance: float = 0.0  # largest round-trip error inside the declared range, in input units; 0 is exact
    # one grey level of the result in input units, () or (C,); None: not the same everywhere, so that nothing that errs
    # or leaves out an offset may follow
    level: float | np.ndarray | None = None

    @abstractmethod
    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        """Map back; needs nothing but the fitted state."""

    def carry(self, shift: np.ndarray) -> np.ndarray:
        """What a shift of the inverse's argument does to its result: () or (N, C) -> the same, or (C,)."""
        if self.level is None and np.any(shift):
            raise InputError(f"{type(self).__name__}: nothing that errs or leaves out an offset can follow it")
        return shift if self.level is None else shift * self.level

    def offset(self, x: np.ndarray) -> np.ndarray:
        """What `transform` leaves out of each window and channel, in input units: (N, C, L) -> (N, C)."""
        return np.zeros(x.shape[:2], np.float32)


class Compose(Transform):
    """Transforms one after the other; inverse, tolerance, offset and state follow from the parts.

    Arguments:
        parts: each with an inverse, the first one applied first.
    """

    def __init__(self, *parts: Transform) -> None:
        if not parts:
            raise InputError("a chain needs at least one transform")
        for part in parts:
            if not isinstance(part, Transform):
                raise InputError(f"{type(part).__name__} has no inverse, which every part of a chain needs")
        self.parts = parts
        self.lowest, self.relative = parts[-1].lowest, any(part.relative for part in parts)

    def transform(self, x: np.ndarray) -> np.ndarray:
        return _through(self.parts, x)

    def channels_out(self, channels: int) -> int:
        for part in self.parts:
            channels = part.channels_out(channels)
        return channels

    def fit_chunks(self, chunks: Chunks) -> Self:
        """Fit part after part, each on what the fitted ones before it make of the data."""
        for k, part in enumerate(self.parts):
            part.fit_chunks(lambda before=self.parts[:k]: (_through(before, x) for x in chunks()))  # type: ignore[misc]
        return self

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """As for one transform; the second of two with the same name has " 2" after it."""
        counts: dict[str, Saturation] = {}
        for part in self.parts:
            for name, counted in part.saturated(x).items():
                same = sum(key.split()[0] == name for key in counts)
                counts[f"{name} {same + 1}" if same else name] = counted
            x = part.transform(x)
        return counts

    @classmethod
    def from_state(cls, state: State) -> Self:
        return cls(*state["parts"])

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        for part in reversed(self.parts):
            y = part.inverse_transform(y)
        return y

    @property
    def tolerance(self) -> float:  # type: ignore[override]
        error = 0.0
        for part in reversed(self.parts):
            error = float(np.max(np.abs(part.carry(np.array(error))))) + part.tolerance
        return error

    def carry(self, shift: np.ndarray) -> np.ndarray:
        for part in reversed(self.parts):
            shift = part.carry(shift)
        return shift

    def offset(self, x: np.ndarray) -> np.ndarray:
        offsets = np.zeros(x.shape[:2], np.float32)
        for k, part in enumerate(self.parts):
            if part.relative:
                own = part.offset(x)
                for before in reversed(self.parts[:k]):
                    own = before.carry(own)
                offsets = offsets + own
            if not any(later.relative for later in self.parts[k + 1 :]):
                break
            x = part.transform(x)
        return offsets


class ByChannel(Transform):
    """Groups of channels, each with its own transform; inverse, tolerance, offset and state follow from the parts.

    Arguments:
        groups: the channels of each part; every channel from 0 on stands in exactly one group.
        parts: one transform per group, each with an inverse; either all leave out an offset or none does, for a
            generated sample's offsets are chosen for all its channels alike.

    Example: a yes-no column keeps a level for missing values, a number needs none.

        >>> from anonimage.transforms import MinMax
        >>> rows = np.array([[0, 10], [np.nan, 30], [1, 20]])[..., None]
        >>> mixed = ByChannel([[0], [1]], [MinMax(a=1), MinMax()]).fit(rows)
        >>> mixed.transform(rows)[..., 0].tolist()
        [[1, 0], [0, 255], [255, 128]]
    """

    settings = ("groups",)

    def __init__(self, groups: Sequence[Sequence[int]], parts: Sequence[Transform]) -> None:
        self.groups = [[int(channel) for channel in group] for group in groups]
        self.parts = tuple(parts)
        if len(self.groups) != len(self.parts):
            raise InputError(f"{len(self.groups)} groups of channels for {len(self.parts)} transforms; give one each")
        if not self.groups or not all(self.groups):
            raise InputError("every group needs at least one channel; leave out the transform that has none")
        for part in self.parts:
            if not isinstance(part, Transform):
                raise InputError(f"{type(part).__name__} has no inverse, which a part for some channels needs")
        if len({part.relative for part in self.parts}) > 1:
            left_out = " and ".join(type(part).__name__ for part in self.parts if part.relative)
            raise InputError(f"{left_out}: leaves out an offset, so every group's transform must, or none")
        named = sorted(channel for group in self.groups for channel in group)
        if named != list(range(len(named))):
            expected = f"channels 0 to {max(named)}"
            raise InputError(f"each of {expected} must stand in exactly one group, but the groups hold {named}")
        self.channels = len(named)
        self.relative = self.parts[0].relative
        self.lowest = np.zeros(self.channels, int)
        for group, part in zip(self.groups, self.parts, strict=True):
            self.lowest[group] = part.lowest

    def fit_chunks(self, chunks: Chunks) -> Self:
        """Fit group after group: a part may itself need more than one pass."""
        for group, part in zip(self.groups, self.parts, strict=True):
            part.fit_chunks(lambda group=group: (as_windows(x, self.channels)[:, group] for x in chunks()))  # type: ignore[misc]
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        return self._joined(as_windows(x, self.channels), lambda part, own: part.transform(own))

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        return self._joined(y, lambda part, own: part.inverse_transform(own))

    @property
    def tolerance(self) -> float:  # type: ignore[override]
        """Of the group with the largest, in its own unit."""
        return max(part.tolerance for part in self.parts)

    def carry(self, shift: np.ndarray) -> np.ndarray:
        """A shift () becomes one for each channel, (C,)."""
        shift = np.asarray(shift)
        carried = np.zeros(shift.shape or (self.channels,))
        for group, part in zip(self.groups, self.parts, strict=True):
            carried[..., group] = part.carry(shift[..., group] if shift.ndim else shift)
        return carried

    def offset(self, x: np.ndarray) -> np.ndarray:
        return self._joined(as_windows(x, self.channels), lambda part, own: part.offset(own))

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """The groups' counts; those of the same name are of different values, and add up."""
        total: dict[str, Saturation] = {}
        for part, own in self._shares(as_windows(x, self.channels)):
            for name, counts in part.saturated(own).items():
                total[name] = total[name] + counts if name in total else counts
        return total

    def _shares(self, x: np.ndarray) -> list[tuple[Transform, np.ndarray]]:
        return [(part, x[:, group]) for group, part in zip(self.groups, self.parts, strict=True)]

    def _joined(self, x: np.ndarray, one: Callable[[Transform, np.ndarray], np.ndarray]) -> np.ndarray:
        """What each part makes of its channels (N, own, …), with the channels in their order again."""
        mapped = [one(part, own) for part, own in self._shares(x)]
        whole = np.empty((len(x), self.channels, *mapped[0].shape[2:]), np.result_type(*mapped))
        for group, own in zip(self.groups, mapped, strict=True):
            whole[:, group] = own
        return whole


def from_state(state: State, kinds: Mapping[str, type[Transform]]) -> Transform:
    """Rebuild a transform, or a chain of them, from its `state()`.

    Arguments:
        state: as `state()` gave it; "kind" names the class.
        kinds: the classes that may occur besides Compose, by name.

    Raises:
        InputError: another class.
    """
    kind = state["kind"]
    known: dict[str, type[Transform]] = {"Compose": Compose, **kinds}
    if kind not in known:
        raise InputError(f"unknown transform '{kind}'; known: {', '.join(sorted(kinds))}")
    if "parts" in state:
        state = {**state, "parts": [from_state(part, kinds) for part in state["parts"]]}
    return known[kind].from_state(state)


def as_windows(x: np.ndarray, channels: int | None = None) -> np.ndarray:
    """The array as float32, if it is (N, C, L) with that many channels."""
    x = np.asarray(x)
    if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] == 0:
        raise InputError(f"expected an array (samples, channels, length), got shape {x.shape}")
    if channels is not None and x.shape[1] != channels:
        raise InputError(f"expected {channels} channels as in the training data, got {x.shape[1]} (shape {x.shape})")
    return x.astype(np.float32, copy=False)


def numbers(values: Any, shape: Sequence[int | None]) -> np.ndarray:
    """Values of a state as float64 of that shape; None: any size."""
    array = np.array(values, float)
    if array.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True)):
        raise InputError(f"expected numbers of shape {tuple(shape)}, got {array.shape}")
    return array


def one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a value that is none of the choices."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _through(parts: Sequence[Transform], x: np.ndarray) -> np.ndarray:
    for part in parts:
        x = part.transform(x)
    return x
