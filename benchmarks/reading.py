"""Reading speed: bare wfdb.rdrecord against reading, standardizing and arranging of the same records, in turns.

    python benchmarks/reading.py ../shared/data/mitdb
prints one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import wfdb
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import read_records
from anonimage.data.windows import cut as cut_windows
from anonimage.pipelines.kinds import kind_of_recipe
from anonimage.pipelines.kinds.kind import SampleInfo
from anonimage.pipelines.recipe import load_recipe
from scipy.signal import resample_poly

RECIPE = load_recipe("ptb-quantile")


def compare(source: Path, fs: float | None = None, repeats: int = 5) -> dict[str, Any]:
    """Measure both in turns.

    Arguments:
        source: WFDB database.
        fs: Hz to resample to; the bare loop then resamples with scipy too. None: each record as it is.
        repeats: turns; each is measured once more before, so that the files are in memory.

    Returns:
        seconds of each and repeat; median, lowest and highest ratio of a repeat.
    """
    ways: dict[str, Callable[[], Any]] = {"rdrecord": lambda: _bare(source, fs), "anonimage": lambda: _ours(source, fs)}
    windows = ways["anonimage"]()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    ratios = [ours / bare for ours, bare in zip(seconds["anonimage"], seconds["rdrecord"], strict=True)]
    return {
        "source": source.name,
        "fs": fs,
        "windows": windows,
        "seconds": seconds,
        "ratio": {"median": median(ratios), "low": min(ratios), "high": max(ratios)},
    }


def _bare(source: Path, fs: float | None) -> None:
    for entry in find_records(source):
        record = wfdb.rdrecord(str(entry.path))
        if fs is not None and record.fs != fs:
            resample_poly(record.p_signal, round(fs), round(record.fs), axis=0)


def _ours(source: Path, fs: float | None) -> int:
    """All leads of all records as images: read, cut, fit quantile bounds, standardize, arrange; returns how many."""
    cut = []
    for recording in read_records(read_heads(find_records(source)), fs=fs):
        starts, _ = cut_windows(recording.values, RECIPE.window, fs=recording.fs)
        windows = recording.windows(starts, RECIPE.window)  # (n, C, L)
        cut.append(windows.reshape(-1, 1, RECIPE.window))  # each lead its own image, as ptb-quantile does
        step = float(np.min(recording.step))
    codec = (
        kind_of_recipe(RECIPE)
        .new_codec(RECIPE, SampleInfo(("lead",), ("mV",), fs, step, RECIPE.window))
        .fit(lambda: cut)
    )
    return sum(len(codec.encode(windows)) for windows in cut)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--fs", type=float, help="Hz to resample to")
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    given = parser.parse_args()
    print(json.dumps(compare(given.source, given.fs, given.repeats), indent=2))


if __name__ == "__main__":
    main()
