"""The classes of a run: those that occur in training; the networks know them by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from ..data.patients import TRAIN
from ..data.store.store import Store
from ..errors import InputError, nearest

_LABELS = 2  # names the random numbers of drawn labels, apart from noise and offsets under the same seed


@dataclass(frozen=True)
class Classes:
    """Names and numbers of training samples of each class.

    Example:
        >>> classes = Classes.counted(np.array([2, 0, 2]), ["infarction", "block", "healthy"])
        >>> classes.names, classes.counts
        (('infarction', 'healthy'), (1, 2))
        >>> classes.number("Healthy")
        1
    """

    names: tuple[str, ...]  # in the order of the source's classes; only those that occur in training
    counts: tuple[int, ...]  # training samples of each, before any balancing

    @classmethod
    def of(cls, store: Store, part: str | None = TRAIN) -> Self:
        """The classes of one part of a store; None: of all of it."""
        frame = store.frame if part is None else store.frame[store.frame["part"] == part]
        labels = frame["label"]
        return cls.counted(labels.to_numpy(), store.classes)

    @classmethod
    def counted(cls, labels: np.ndarray, names: Sequence[str]) -> Self:
        """The classes that occur among labels (N,), which point into names; none where there are no names."""
        if not names:
            return cls((), ())
        counts = np.bincount(labels.astype(np.int64), minlength=len(names))
        present = [(name, int(n)) for name, n in zip(names, counts, strict=True) if n]
        return cls(tuple(name for name, _ in present), tuple(n for _, n in present))

    @classmethod
    def from_form(cls, form: dict[str, Any]) -> Self:
        """What `to_form` put into a codec's form."""
        return cls(tuple(form.get("classes", ())), tuple(form.get("class_counts", ())))

    def to_form(self) -> dict[str, Any]:
        """JSON values for a codec's form."""
        return {"classes": list(self.names), "class_counts": list(self.counts)}

    def numbers(self, frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
        """The class of each row (N,); −1 where training has none of its class.

        Arguments:
            frame: with label.
            names: the source's classes, into which label points; none: all rows are alike.
        """
        if not names:
            return np.zeros(len(frame), np.int64)
        numbers = {name: k for k, name in enumerate(self.names)}
        table = np.array([numbers.get(name, -1) for name in names], np.int64)
        return table[frame["label"].to_numpy(np.int64)]

    def number(self, name: str) -> int:
        """The number of the class of a name, in upper or lower case; refused if there is none, with the nearest."""
        if alike := [known for known in self.names if known.casefold() == name.casefold()]:
            return self.names.index(name if name in alike else alike[0])
        if not self.names:
            raise InputError(f"label '{name}': the networks of this run know no classes; train with head=auxiliary")
        raise InputError(f"label '{name}' is no class of this run{nearest(name, self.names)}")

    def draw(self, n: int, shares: str, seed: int, first: int = 0) -> np.ndarray:
        """Classes of samples first … first + n − 1 (n,): the class of sample k is the same however many are drawn.

        Arguments:
            n: how many.
            shares: "source": as frequent as in training before balancing; "balanced": one after the other.
            seed: of the series.
            first: number of the first sample.
        """
        if shares == "balanced":
            return np.arange(first, first + n) % len(self.names)
        borders = np.cumsum(self.counts) / sum(self.counts)
        draws = np.random.default_rng([seed, _LABELS]).random(first + n)[first:]
        return np.searchsorted(borders, draws, side="right").clip(max=len(self.names) - 1)


def check_classes(store: Store) -> None:
    """Refuse fewer than two classes, and a class of one patient, who cannot be in training and control both."""
    patients = store.frame.groupby("label")["patient"].nunique()
    if len(patients) < 2:
        raise InputError("only one class in this source; a recipe with classes needs two: name them with --label")
    for label, n in patients.items():
        if n < 2:
            name = store.classes[int(label)]  # type: ignore[call-overload]
            raise InputError(
                f"class '{name}' has one patient, who cannot be in training and control both; "
                "give more of this class, or join it to another"
            )
