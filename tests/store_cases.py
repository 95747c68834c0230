"""What tests of stores are built from: sources that count how often they are read, and engines of several habits."""

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from anonimage.data.recording import RecordHead, Recording
from anonimage.data.store.writing import Cut, placed, stage_samples, stage_store
from anonimage.errors import InputError
from anonimage.parallel import Failure


@dataclass(frozen=True)
class Noise:
    """A source that counts how often it is read, in a file."""

    name: str
    log: Path
    version: int = 0
    seconds: float = 0.0
    n_samples: int = 300

    @property
    def stamp(self) -> str:
        return str(self.version)

    def read(self) -> Recording:
        with self.log.open("a") as file:
            file.write(f"{self.name}\n")
        time.sleep(self.seconds)
        if self.version < 0:
            raise InputError(f"{self.name}: is broken; mend it")
        rng = np.random.default_rng([*self.name.encode(), self.version])
        values = rng.integers(-999, 999, (2, self.n_samples)).astype(np.int16)
        head = RecordHead(self.name, Path(self.name), self.name[:1], fs=100, n_samples=self.n_samples)
        ones = np.ones(2)
        return Recording(head, values, ("i", "ii"), ("mV", "mV"), 100.0, 100 * ones, 0 * ones, 100 * ones)


def write(path, sources, length, stride=None, split=None, **options):
    """A store of these sources."""
    return placed(stage_store(path, sources, Cut(length, stride, split), **options))


def write_samples(path, *given):
    return placed(stage_samples(path, *given))


def content(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def times_read(log):
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(names)


def two_processes(function, items):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, items)


def backwards(function, items):
    """Whoever works on the last one first."""
    done = {k: function(item) for k, item in reversed(list(enumerate(items)))}
    yield from (done[k] for k in range(len(items)))


def dies_at(*positions):
    def parallel(function, items):
        for k, item in enumerate(items):
            yield Failure(k, "killed by signal 9", died=True) if item[0] in positions else function(item)

    return parallel
