"""Stretches of numbers known again wherever they turn up: at any shift, on any offset, interleaved or not."""

from collections.abc import Iterable, Iterator

import numpy as np

LONGEST = 64  # steps of a stretch that is hashed
PER_WINDOW = 64  # stretches of a window that are kept, at least
_BLOCK = 1 << 20  # values hashed at a time
_BASE = 0x9E3779B97F4A7C15 | 1  # odd, so that it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)


class Traces:
    """Hashes of stretches of real sequences, to look for them in others.

    A stretch counts only if its steps keep changing, so that flat lines and ramps, which all signals share, do not. Of
    a long window only every so many-th stretch is kept, chosen by its hash and so the same ones in every copy: a window
    of L values has at least PER_WINDOW of them, and the chance that a copy of half of it has none is below 1e-13.

    Arguments:
        length: steps of a stretch.
        thin: one of so many stretches is kept.
        steps: hash differences, so that an offset does not matter; False: the values themselves.
    """

    def __init__(self, length: int, thin: int = 1, steps: bool = True) -> None:
        self.length, self.thin, self.steps = length, thin, steps
        self._new: list[np.ndarray] = []
        self._known = np.empty(0, np.uint64)

    @classmethod
    def of_windows(cls, length: int) -> "Traces":
        """For windows of so many values."""
        stretch = length - 1 if length < 32 else min(LONGEST, length // 4)
        return cls(stretch, max(1, (length - stretch) // PER_WINDOW))

    def add(self, rows: np.ndarray, rarer: int = 1) -> None:
        """Learn sequences (n, T) of whole numbers, of long ones so many times fewer stretches."""
        for hashes, _ in self._hashes(rows):
            self._new.append(hashes[hashes // np.uint64(self.thin) % np.uint64(rarer) == 0])

    @property
    def known(self) -> np.ndarray:
        """The hashes, in order."""
        if self._new:
            self._known, self._new = np.unique(np.concatenate([self._known, *self._new])), []
        return self._known

    def __len__(self) -> int:
        return len(self.known)

    def find(self, rows: np.ndarray) -> np.ndarray:
        """Which of sequences (n, T) of whole numbers hold a known stretch: their numbers, in order."""
        known, found = self.known, [np.empty(0, np.int64)]
        for hashes, row in self._hashes(rows) if len(known) else ():
            # the known ones are searched, of which there are far more
            places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            found.append(row[known[places] == hashes])
        return np.unique(np.concatenate(found))

    def _hashes(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Hashes that are kept, and the row of each, a block at a time."""
        for first, block in _blocks(np.atleast_2d(rows), self.length + 1):
            changes = np.diff(block, axis=1)
            words = changes if self.steps else block
            if words.shape[1] < self.length:
                continue
            hashes = _rolling(words.astype(np.int64).view(np.uint64), self.length)
            kept = (hashes % np.uint64(self.thin) == 0) & self._is_telling(words)
            row, _ = np.nonzero(kept)
            yield hashes[kept], first + row

    def _is_telling(self, words: np.ndarray) -> np.ndarray:
        """Which stretches change often enough that no two signals share them by chance."""
        moves = np.zeros(words.shape, np.int32)
        moves[:, 1:] = np.cumsum(words[:, 1:] != words[:, :-1], axis=1)
        n = words.shape[1] - self.length + 1
        within = moves[:, self.length - 1 :] - moves[:, :n]
        return within >= max(self.length // 4, min(5, self.length - 1))


def on_grid(values: np.ndarray, gain: float | np.ndarray) -> np.ndarray:
    """Values in physical units as whole steps of 1/gain, as they would be stored; 0 where missing or beyond reach."""
    scaled = np.rint(np.asarray(values, np.float32).astype(np.float64) * gain)
    return np.where(np.abs(scaled) < 2**52, scaled, 0).astype(np.int64)


def bits(values: np.ndarray) -> np.ndarray:
    """Values as whole numbers that are equal where the values are equal as float32."""
    return (np.asarray(values, np.float32) + np.float32(0)).view(np.int32).astype(np.int64)  # + 0: -0 is 0


def _rolling(words: np.ndarray, length: int) -> np.ndarray:
    """Polynomial hashes modulo 2^64 of every `length` words in a row: (n, T) to (n, T − length + 1) uint64."""
    n, size = words.shape
    powers = np.full(size + 1, _BASE, np.uint64)
    powers[0] = 1
    inverses = np.full(size + 1, _INVERSE, np.uint64)
    inverses[0] = 1
    powers, inverses = np.cumprod(powers, dtype=np.uint64), np.cumprod(inverses, dtype=np.uint64)
    sums = np.zeros((n, size + 1), np.uint64)
    np.cumsum((words + np.uint64(_BASE)) * powers[:-1], axis=1, dtype=np.uint64, out=sums[:, 1:])
    hashes = (sums[:, length:] - sums[:, :-length]) * inverses[: size - length + 1]
    hashes ^= hashes >> np.uint64(30)  # splitmix64's finish: every bit depends on every word
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _blocks(rows: np.ndarray, overlap: int) -> Iterable[tuple[int, np.ndarray]]:
    """Pieces of an array that fit in memory, with the number of their first row; pieces of long rows overlap."""
    n, size = rows.shape
    if not n or not size:
        return
    if size > _BLOCK:
        for row in range(n):
            for first in range(0, size - overlap + 1, _BLOCK):
                yield row, rows[row : row + 1, first : first + _BLOCK + overlap]
        return
    at_once = max(1, _BLOCK // size)
    for first in range(0, n, at_once):
        yield first, rows[first : first + at_once]
