"""Training on a store of 12 leads that is larger than memory, against one that fits, in turns.

    python benchmarks/large.py ../shared/data/ptbdb --at /a/disk/with/room
prints images a second of both, their ratio, and the most memory that each took above a process that only imports torch.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from anonimage.data.patients import split_patients
from anonimage.data.recording import RecordHead, Recording
from anonimage.data.store.store import Store, open_store
from anonimage.data.store.writing import Cut, placed, stage_store
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import read_record
from anonimage.pipelines.kinds import fit_codec, save_codec
from anonimage.pipelines.recipe import Recipe, load_recipe

WINDOWS, LENGTH, FS, A_PERSON = 100_000, 2025, 1000.0, 143
FEW = 4_000  # windows of the store that fits: 194 MB
LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
SETTINGS = {"leads": ",".join(LEADS), "batch": 64, "device": "cpu"}
WARMUP = 5  # steps that are not timed
GOAL_RATIO, GOAL_GB = 0.9, 1.5


@dataclass(frozen=True)
class Varied:
    """Somebody who is like a person of the source: another size, another beginning, noise of their own."""

    head: RecordHead
    number: int
    n_samples: int

    @property
    def name(self) -> str:
        return f"patient{self.number:04d}/s{self.number:05d}_re"

    @property
    def stamp(self) -> str:
        return f"{self.head.name} {self.n_samples}"

    def read(self) -> Recording:
        whole, rng = read_record(self.head, LEADS, FS), np.random.default_rng(self.number)
        values = np.roll(whole.values, rng.integers(whole.values.shape[1]), axis=1)
        values = np.tile(values, -(-self.n_samples // values.shape[1]))[:, : self.n_samples]
        varied = values * np.float32(rng.uniform(0.7, 1.4)) + rng.integers(-20, 21, values.shape, dtype=np.int8)
        head = replace(self.head, name=self.name, patient=self.name.split("/")[0], n_samples=self.n_samples)
        return replace(whole, head=head, values=varied.astype(whole.values.dtype))


def measure(
    source: Path, windows: int = WINDOWS, at: Path | None = None, steps: int = 150, repeats: int = 3
) -> dict[str, Any]:
    """Make both stores, and train on them in processes of their own, in turns.

    Arguments:
        source: WFDB database whose recordings are repeated and varied until there are enough.
        windows: of the large store, 48,600 bytes each.
        at: folder with room for it; None is the system's for temporary files.
        steps: timed steps of each turn.
        repeats: turns.

    Returns:
        By "large" and "fits", "images_per_second" and "images_per_cpu_second" of the turns, and "peak_gb" above an
        empty process; "ratio" and "cpu_ratio" of the turns, each as "median", "low" and "high"; of the large store
        "windows", "gb" and "prepare_s". On a machine that does other things, too, the CPU's ratio is the steadier one.
    """
    with tempfile.TemporaryDirectory(dir=at) as folder:
        large, fits, codec = (Path(folder) / name for name in ("large", "fits", "codec.json"))
        began = time.perf_counter()
        store = write(source, large, windows)
        seconds = time.perf_counter() - began
        size = sum(row.n_bytes for row in store.records.values()) / 1e9
        small = write(source, fits, min(FEW, windows))
        save_codec(fit_codec(recipe(), small), codec)
        turns: dict[str, list[dict[str, float]]] = {"large": [], "fits": []}
        for _ in range(repeats):
            for name, path, cache in (("large", large, 0), ("fits", fits, 1 << 30)):
                forget(path)
                command = [sys.executable, __file__, str(source), "--train-on", str(path), str(codec), str(cache)]
                command += ["--steps", str(steps)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                turns[name].append(json.loads(done.stdout.splitlines()[-1]))
    found: dict[str, Any] = {"windows": len(store), "gb": size, "prepare_s": seconds}
    for speed, ratio in (("images_per_second", "ratio"), ("images_per_cpu_second", "cpu_ratio")):
        found[speed] = {name: [turn[speed] for turn in some] for name, some in turns.items()}
        ratios = [a / b for a, b in zip(*found[speed].values(), strict=True)]
        found[ratio] = {"median": median(ratios), "low": min(ratios), "high": max(ratios)}
    return found | {"peak_gb": {name: max(turn["peak_gb"] for turn in some) for name, some in turns.items()}}


def recipe() -> Recipe:
    """Of both trainings."""
    return load_recipe("ptb-quantile").changed(SETTINGS)


def write(source: Path, path: Path, windows: int) -> Store:
    """A store of at least so many windows."""
    heads = read_heads(find_records(source))
    people = [Varied(heads[k % len(heads)], k, A_PERSON * LENGTH) for k in range(-(-windows // A_PERSON))]
    return placed(stage_store(path, people, Cut(LENGTH, split=split_patients)))


def forget(folder: Path) -> None:
    """Have the system drop its copies of these files, so that they are read from the disk."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def train_on(path: Path, codec_file: Path, cache_bytes: int, steps: int) -> dict[str, float]:
    """Images a second, and the peak of memory in GB above what importing torch takes."""
    import torch

    empty = _memory("VmRSS")
    from anonimage.gan.training.trainer import Callback
    from anonimage.pipelines.batches import store_batches
    from anonimage.pipelines.kinds import load_codec
    from anonimage.pipelines.training import new_trainer, with_hardware

    class Stopwatch(Callback):
        began = began_cpu = 0.0

        def step(self, trainer: Any, losses: Any) -> None:
            if trainer.step == WARMUP:
                self.began, self.began_cpu = time.perf_counter(), time.process_time()

    assert torch.get_num_threads()
    store, codec, chosen = open_store(path, cache_bytes), load_codec(codec_file), with_hardware(recipe())
    if store.is_in_memory:
        for _ in store.iter_windows():  # takes it into memory
            pass
    batches = store_batches(store, codec, chosen)
    trainer = new_trainer(chosen, codec, batches)
    trainer.callbacks = [stopwatch := Stopwatch()]
    trainer.train(WARMUP + steps)
    seconds, cpu = time.perf_counter() - stopwatch.began, time.process_time() - stopwatch.began_cpu
    n = steps * chosen.train.batch
    return {"images_per_second": n / seconds, "images_per_cpu_second": n / cpu, "peak_gb": _memory("VmHWM") - empty}


def _memory(which: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(which))) * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--at", type=Path, help="a folder with room for 48,600 bytes a window")
    parser.add_argument("--steps", type=int, default=150, help="timed steps a turn")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--train-on", nargs=3, metavar=("STORE", "CODEC", "BYTES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train_on:
        store, codec, cache_bytes = given.train_on
        print(json.dumps(train_on(Path(store), Path(codec), int(cache_bytes), given.steps)))
    else:
        print(json.dumps(measure(given.source, given.windows, given.at, given.steps, given.repeats), indent=2))


if __name__ == "__main__":
    main()
