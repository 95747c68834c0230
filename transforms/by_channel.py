"""Step 1 where channels are of different kinds: a standardizer for each group of channels.

Example: a yes-no column keeps a level for missing values, a number needs none.

    >>> from anonimage.transforms import MinMax
    >>> rows = np.array([[0, 10], [np.nan, 30], [1, 20]])[..., None]
    >>> mixed = ByChannel([[0], [1]], [MinMax(a=1), MinMax()]).fit(rows)
    >>> mixed.transform(rows)[..., 0].tolist()
    [[1, 0], [0, 255], [255, 128]]
"""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np

from ..errors import InputError
from .transform import Chunks, Saturation, State, Transform, as_windows


class ByChannel(Transform):
    """Groups of channels, each with its own transform; inverse, tolerance, offset and state follow from the parts.

    Arguments:
        groups: the channels of each part; every channel from 0 on stands in exactly one group.
        parts: one transform per group, each with an inverse; either all leave out an offset or none does, for a
            generated sample's offsets are chosen for all its channels alike.
    """

    def __init__(self, groups: Sequence[Sequence[int]], parts: Sequence[Transform]) -> None:
        self.groups = tuple(tuple(int(channel) for channel in group) for group in groups)
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
            self.lowest[list(group)] = part.lowest

    def fit_chunks(self, chunks: Chunks) -> Self:
        """Fit group after group: a part may itself need more than one pass."""
        for group, part in zip(self.groups, self.parts, strict=True):
            part.fit_chunks(lambda group=group: (as_windows(x, self.channels)[:, list(group)] for x in chunks()))  # type: ignore[misc]
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
            carried[..., list(group)] = part.carry(shift[..., list(group)] if shift.ndim else shift)
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

    def state(self) -> State:
        groups = [list(group) for group in self.groups]
        return super().state() | {"groups": groups, "parts": [part.state() for part in self.parts]}

    def _shares(self, x: np.ndarray) -> list[tuple[Transform, np.ndarray]]:
        return [(part, x[:, list(group)]) for group, part in zip(self.groups, self.parts, strict=True)]

    def _joined(self, x: np.ndarray, one: Callable[[Transform, np.ndarray], np.ndarray]) -> np.ndarray:
        """What each part makes of its channels (N, own, …), with the channels in their order again."""
        mapped = [one(part, own) for part, own in self._shares(x)]
        whole = np.empty((len(x), self.channels, *mapped[0].shape[2:]), np.result_type(*mapped))
        for group, own in zip(self.groups, mapped, strict=True):
            whole[:, list(group)] = own
        return whole
