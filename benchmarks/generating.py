"""Generating large sets: what decoding and writing cost beside the network, and that memory does not grow.

    python benchmarks/generating.py ../shared/data/ptbdb
prints windows/s of the network alone, of decoding and writing alone, and of all together; and peak memory at two sizes.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anonimage.data.samples import Samples
from anonimage.data.sharded import Plan, write_shards
from anonimage.files import staged_folder
from anonimage.gan.sampling import iter_images
from anonimage.parallel import prefetched
from anonimage.pipelines import steps
from anonimage.pipelines.anonymizer import Anonymizer
from anonimage.pipelines.generation import generate
from anonimage.pipelines.kinds import kind_of_codec
from anonimage.pipelines.recipe import load_recipe

WINDOWS = 8192  # that are timed: a shard
SIZES = (2, 6)  # times as many, which shall take the same memory
FORMATS = ("parquet", "wfdb")
REPEATS = 3
_ONE = "import sys; from pathlib import Path; from anonimage.pipelines.generation import generate; "
_ONE += "generate(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))"
_EMPTY = "import torch, anonimage.pipelines.generation"


def measure(source: Path, windows: int = WINDOWS, formats: tuple[str, ...] = FORMATS) -> dict[str, Any]:
    """Generate with untrained networks of the usual size, which cost what trained ones do.

    Arguments:
        source: WFDB database.
        windows: how many are generated in each turn.
        formats: in which they are written.

    Returns:
        "windows"; "network_per_s", windows/s of the generator alone; and for each format "writing_per_s", of decoding
        and writing alone, "together_per_s", "share" of the network's rate that all together reach, and "peak_mb" above
        an empty process for `SIZES` times as many. Rates are medians of `REPEATS` turns.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        recipe = load_recipe("ptb-quantile").changed({"steps": 1, "device": "cpu"})
        steps.prepare(recipe, source, out, resume=False, overwrite=False)
        steps.train(out)
        anonymizer = Anonymizer.load(out)
        images = np.concatenate(list(iter_images(anonymizer.snapshot.averaged_generator(), 1024, 0)))
        turns: dict[str, list[float]] = {}
        for _ in range(REPEATS):
            _timed(turns, "network", windows, lambda: _drain(anonymizer, windows))
            for name in formats:
                place = Path(folder) / name
                _timed(turns, f"{name} writing", windows, lambda: _write(anonymizer, images, windows, name, place))  # noqa: B023
                _timed(turns, f"{name} together", windows, lambda: generate(out, windows, name, _gone(place)))  # noqa: B023
        rates = {what: float(np.median(found)) for what, found in turns.items()}
        empty = _peak_mb(_EMPTY)
        found: dict[str, Any] = {"windows": windows, "network_per_s": rates["network"]}
        for name in formats:
            sizes = [times * windows for times in SIZES]
            peaks = [_peak_mb(_ONE, out, n, name, _gone(Path(folder) / name)) - empty for n in sizes]
            found[name] = {
                "writing_per_s": rates[f"{name} writing"],
                "together_per_s": rates[f"{name} together"],
                "share": rates[f"{name} together"] / rates["network"],
                "peak_mb": peaks,
            }
    return found


def _timed(turns: dict[str, list[float]], what: str, windows: int, work: Any) -> None:
    start = time.perf_counter()
    work()
    turns.setdefault(what, []).append(windows / (time.perf_counter() - start))


def _drain(anonymizer: Anonymizer, windows: int) -> None:
    for _ in prefetched(iter_images(anonymizer.snapshot.averaged_generator(), windows, 0), 8):  # in a thread, as always
        pass


def _write(anonymizer: Anonymizer, images: np.ndarray, windows: int, file_format: str, place: Path) -> None:
    """Decode and write images that are there already, again and again."""
    codec = anonymizer.codec
    plan = Plan(windows, codec.channels, codec.units, codec.arrangement.length, codec.fs)

    def parts(first: int) -> Iterator[Samples]:
        noise = np.random.default_rng(0).normal(size=(64, len(codec.channels)))
        for begin in range(first, windows, 64):
            some = images[begin % len(images) :][:64]
            frame = pd.DataFrame({"seed": 0, "number": np.arange(begin, begin + 64), "step": 1})
            values = codec.decode(some, anonymizer.recipe.images.offset, noise)
            yield Samples(values, frame, codec.channels, codec.units, codec.fs)

    form = kind_of_codec(codec).new_format(plan, codec, file_format)
    with staged_folder(place, {"of": "a benchmark"}) as staged:
        write_shards(staged, parts, form)


def _gone(place: Path) -> Path:
    """A place where nothing is."""
    shutil.rmtree(place, ignore_errors=True)
    return place


def _peak_mb(code: str, *arguments: object) -> float:
    """Peak memory of a python of its own; getrusage would count its parent's, from which it was forked."""
    say = "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    command = [sys.executable, "-c", f"{code}; {say}", *map(str, arguments)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--windows", type=int, default=WINDOWS, help="a multiple of 64")
    given = parser.parse_args()
    found = measure(given.source, given.windows)
    print(f"network alone {found['network_per_s']:.0f} windows/s")
    for name in FORMATS:
        its = found[name]
        print(
            f"{name}: decoding and writing alone {its['writing_per_s']:.0f}/s, "
            f"all together {its['together_per_s']:.0f}/s ({its['share']:.0%} of the network), "
            f"peak {its['peak_mb'][0]:.0f} and {its['peak_mb'][1]:.0f} MB above an empty process"
        )


if __name__ == "__main__":
    main()
