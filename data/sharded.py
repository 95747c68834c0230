"""Writing a set of samples a shard at a time: as much memory for a million as for a few thousand."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from ..errors import InputError
from ..files import StagedFolder
from .samples import Samples

TABLE = "samples.csv"
SHARD_BYTES = 64 * 2**20  # of float32 values
_LARGEST, _STEP = 2**14, 256  # samples in a shard: at most, and a multiple of this


@dataclass(frozen=True)
class Plan:
    """What a set will hold; its samples are named prefix000001 and so on."""

    n: int  # samples
    channels: tuple[str, ...]  # this and the next three are of each sample, as in `Samples`
    units: tuple[str, ...]
    length: int
    fs: float | None
    prefix: str = "synthetic"

    @classmethod
    def of(cls, samples: Samples, prefix: str = "synthetic") -> Plan:
        """All of some samples."""
        return cls(len(samples), samples.channels, samples.units, samples.length, samples.fs, prefix)

    @property
    def shard(self) -> int:
        """Samples that are written at once."""
        fitting = SHARD_BYTES // (4 * len(self.channels) * self.length)
        return min(max(fitting // _STEP, 1) * _STEP, _LARGEST)

    @property
    def stamp(self) -> dict[str, Any]:
        """What decides how a set of this plan is cut into files, as JSON."""
        return {"plan": repr(self), "shard": self.shard}

    def names(self, first: int, count: int) -> list[str]:
        """Names of the samples from number `first` on, counted from 0."""
        digits = max(6, len(str(self.n)))
        return [f"{self.prefix}{number:0{digits}d}" for number in range(first + 1, first + count + 1)]


class Format(Protocol):
    """The files that samples become. It keeps no state between shards, so another process can go on."""

    plan: Plan

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        """Write some samples; `first` is how many came before them."""

    def finish(self, staged: StagedFolder) -> None:
        """Write what can only be written when all samples are there; nothing, unless a format says otherwise."""
        return


def write_shards(staged: StagedFolder, parts: Callable[[int], Iterable[Samples]], form: Format) -> None:
    """Write a set of samples into a folder, after those that an earlier call has committed.

    Arguments:
        staged: the folder; what decides the set, `Plan.stamp` included, is in its stamp.
        parts: gives the samples from a number on, some at a time; 0, or how many are committed.
        form: how they are written; its plan says how many.

    Raises:
        InputError: no samples, or such as this format cannot hold.
        ValueError: other than planned were given.
    """
    plan, done = form.plan, int(staged.state.get("samples", 0))
    if plan.n < 1:
        raise InputError("there are no samples to write; ask for at least one")
    # closed at once when writing fails, for samples may be generated ahead
    with closing(_shards(parts(done) if done < plan.n else (), plan.shard)) as shards:
        for shard in shards:
            form.add(shard, done, staged)
            done += len(shard)
            staged.commit(samples=done)
            del shard  # before the next one comes together
    if done != plan.n:
        raise ValueError(f"{done} samples were given, {plan.n} were planned")
    form.finish(staged)


def append_rows(samples: Samples, records: list[str], first: int, staged: StagedFolder) -> pd.DataFrame:
    """Add rows to samples.csv: names in `record`, then the frame, of which `record` becomes `source_record`.

    Arguments:
        samples: whose rows.
        records: their names.
        first: how many rows came before them; a header stands above those from number 0 on.
        staged: the folder.

    Returns:
        The rows.
    """
    rows = samples.frame.rename(columns={"record": "source_record"})
    rows.insert(0, "record", records)
    staged.append(staged.files / TABLE).write(rows.to_csv(index=False, header=first == 0).encode())
    return rows


def _shards(parts: Iterable[Samples], size: int) -> Generator[Samples, None, None]:
    """The same samples, `size` at a time."""
    waiting: list[Samples] = []
    room = size
    for part in parts:
        begin = 0
        while begin < len(part):
            rows = slice(begin, begin + room)
            taken = Samples(part.values[rows], part.frame.iloc[rows], part.channels, part.units, part.fs)
            waiting.append(taken)
            begin, room = begin + len(taken), room - len(taken)
            if not room:
                shard = Samples.concatenate(waiting)
                waiting, room = [], size
                yield shard
                del shard  # rather than hold it while the next one comes together
    if waiting:
        yield Samples.concatenate(waiting)
