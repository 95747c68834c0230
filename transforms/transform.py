"""What every map between values and grey levels promises; chains derive it from their parts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..errors import InputError

State = dict[str, Any]  # what json can hold
Chunks = Callable[[], Iterable[np.ndarray]]  # gives the same data each time, in pieces (N, C, L)


@dataclass(frozen=True)
class Saturation:
    """How much a transform saturates: counts that add up over chunks of data.

    Arguments:
        values: values outside the declared range.
        windows: windows (of one channel) with at least one such value.
        n_values: all values looked at; missing ones are not counted.
        n_windows: all windows looked at, one per sample and channel.
    """

    values: int
    windows: int
    n_values: int
    n_windows: int

    @classmethod
    def count(cls, outside: np.ndarray, x: np.ndarray) -> Self:
        """Count from a mask (N, C, L) of the values outside."""
        n_windows = x.shape[0] * x.shape[1]
        return cls(int(outside.sum()), int(outside.any(axis=-1).sum()), int(x.size - np.isnan(x).sum()), n_windows)

    def __add__(self, other: "Saturation") -> "Saturation":
        return Saturation(
            self.values + other.values,
            self.windows + other.windows,
            self.n_values + other.n_values,
            self.n_windows + other.n_windows,
        )

    @property
    def value_share(self) -> float:
        return self.values / max(self.n_values, 1)

    @property
    def window_share(self) -> float:
        return self.windows / max(self.n_windows, 1)


class ForwardOnly(ABC):
    """A map of arrays (N, C, L) that nothing maps back; what can be undone is a `Transform`.

    Attributes:
        learns: whether fitting teaches it anything; if not, no pass over the data is made for it.
    """

    learns: bool = False

    @abstractmethod
    def transform(self, x: np.ndarray) -> np.ndarray:
        """Map (N, C, L); the input is left as it is."""

    @abstractmethod
    def state(self) -> State:
        """Everything that `from_state` needs, as JSON can hold it; no data of a single sample."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild from `state()`, in which "parts" are rebuilt already; transforms exactly as the original did."""

    def reset(self) -> None:  # noqa: B027  # most have nothing to forget
        """Forget what was learnt."""

    def partial_fit(self, x: np.ndarray) -> Self:
        """Learn from one more chunk (N, C, L); any cutting of the data into chunks gives the same result."""
        return self

    def fit_chunks(self, chunks: Chunks) -> Self:
        """Learn afresh from data that comes in pieces; no pass is made if there is nothing to learn."""
        self.reset()
        if self.learns:
            for x in chunks():
                self.partial_fit(x)
        return self

    def fit(self, x: np.ndarray) -> Self:
        """Learn afresh from one array (N, C, L)."""
        return self.fit_chunks(lambda: [x])

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """What saturates in `transform(x)`, by the name of the transform that does it."""
        return {}


class Transform(ForwardOnly):
    """A map with an inverse: x ≈ inverse_transform(transform(x)) + offset(x)[..., None], within `tolerance`.

    Attributes:
        relative: whether `offset` is anything but zero.
    """

    relative: bool = False

    @abstractmethod
    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        """Map back; needs nothing but the fitted state."""

    @property
    @abstractmethod
    def tolerance(self) -> float:
        """Largest round-trip error inside the declared range, in input units; 0 is exact."""

    @abstractmethod
    def carry(self, shift: np.ndarray) -> np.ndarray:
        """What a shift of the inverse's argument does to its result: () or (N, C) -> the same, or (C,)."""

    def offset(self, x: np.ndarray) -> np.ndarray:
        """What `transform` leaves out of each window and channel, in input units: (N, C, L) -> (N, C)."""
        return np.zeros(x.shape[:2], np.float32)


class ForwardChain(ForwardOnly):
    """Transforms one after the other, at least one of which has no inverse (else take `Compose`)."""

    def __init__(self, *parts: ForwardOnly) -> None:
        if not parts:
            raise InputError("a chain needs at least one transform")
        self.parts: tuple[ForwardOnly, ...] = parts

    @property
    def learns(self) -> bool:  # type: ignore[override]
        return any(part.learns for part in self.parts)

    def transform(self, x: np.ndarray) -> np.ndarray:
        return _through(self.parts, x)

    def reset(self) -> None:
        for part in self.parts:
            part.reset()

    def partial_fit(self, x: np.ndarray) -> Self:
        """Learn from one more chunk, which works as long as no more than one part learns (else take `fit_chunks`)."""
        learners = [k for k, part in enumerate(self.parts) if part.learns]
        if len(learners) > 1:
            names = " and ".join(type(self.parts[k]).__name__ for k in learners)
            raise InputError(f"{names} learn one after the other and need as many passes: use fit or fit_chunks")
        for k in learners:
            self.parts[k].partial_fit(_through(self.parts[:k], x))
        return self

    def fit_chunks(self, chunks: Chunks) -> Self:
        """Fit part after part, each on what the fitted ones before it make of the data."""
        for k, part in enumerate(self.parts):
            part.fit_chunks(lambda before=self.parts[:k]: (_through(before, x) for x in chunks()))  # type: ignore[misc]
        return self

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """As for one transform; the second of two with the same name has " 2" after it."""
        found: dict[str, Saturation] = {}
        for part in self.parts:
            for name, counts in part.saturated(x).items():
                same = sum(other.split()[0] == name for other in found)
                found[f"{name} {same + 1}" if same else name] = counts
            x = part.transform(x)
        return found

    def state(self) -> State:
        return {"kind": type(self).__name__, "parts": [part.state() for part in self.parts]}

    @classmethod
    def from_state(cls, state: State) -> Self:
        return cls(*state["parts"])


class Compose(ForwardChain, Transform):
    """Transforms one after the other; inverse, tolerance, offset and state follow from the parts.

    Arguments:
        parts: each with an inverse, the first one applied first.
    """

    parts: tuple[Transform, ...]

    def __init__(self, *parts: Transform) -> None:
        super().__init__(*parts)
        for part in parts:
            if not isinstance(part, Transform):
                raise InputError(
                    f"{type(part).__name__} has no inverse; chain it with ForwardChain, which has none either"
                )

    @property
    def relative(self) -> bool:  # type: ignore[override]
        return any(part.relative for part in self.parts)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        for part in reversed(self.parts):
            y = part.inverse_transform(y)
        return y

    @property
    def tolerance(self) -> float:
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


def from_state(state: State, kinds: Mapping[str, type[ForwardOnly]]) -> ForwardOnly:
    """Rebuild a transform, or a chain of them, from its `state()`.

    Arguments:
        state: as `state()` gave it; "kind" names the class.
        kinds: the classes that may occur, by name.
    """
    kind = state["kind"]
    known: dict[str, type[ForwardOnly]] = {"Compose": Compose, "ForwardChain": ForwardChain, **kinds}
    if kind not in known:
        raise InputError(f"unknown transform '{kind}'; known: {', '.join(sorted(kinds))}")
    if "parts" in state:
        state = {**state, "parts": [from_state(part, kinds) for part in state["parts"]]}
    return known[kind].from_state(state)


def _through(parts: tuple[ForwardOnly, ...], x: np.ndarray) -> np.ndarray:
    for part in parts:
        x = part.transform(x)
    return x
