"""Preparing speed: reading and storing records by one process with threads, and by one process per core, in turns.

    python benchmarks/preparing.py ../shared/data/ptbdb
prints seconds of both and their ratio.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from anonimage.data.store.writing import placed
from anonimage.pipelines.engine import ProcessMap
from anonimage.pipelines.kinds import check_source
from anonimage.pipelines.recipe import load_recipe
from evaluation import multiply

WINDOWS = 30_000


def compare(source: Path, windows: int = WINDOWS, repeats: int = 3) -> dict[str, Any]:
    """Measure both in turns, on a database that is resampled to half its rate.

    Arguments:
        source: WFDB database whose recordings are repeated and varied until there are enough.
        windows: in the database.
        repeats: turns.

    Returns:
        seconds of each and repeat; median, lowest and highest ratio of a repeat, processes to threads.
    """
    recipe = load_recipe("ptb-quantile").changed({"fs": 500.0})
    ways = {"threads": None, "processes": ProcessMap(os.cpu_count() or 1)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "source"
        multiply(source, place, windows)
        for _ in range(repeats):
            for name, parallel in ways.items():
                began = time.perf_counter()
                kind = check_source(recipe, place)
                placed(kind.ingest(recipe, place, Path(folder) / "store", split=True, parallel=parallel))
                seconds[name].append(time.perf_counter() - began)
    ratios = [ours / bare for ours, bare in zip(seconds["processes"], seconds["threads"], strict=True)]
    ratio = {"median": median(ratios), "low": min(ratios), "high": max(ratios)}
    return {"windows": windows, "processes": os.cpu_count(), "seconds": seconds, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    given = parser.parse_args()
    print(json.dumps(compare(given.source, given.windows), indent=1))


if __name__ == "__main__":
    main()
