"""What the steps of a run cost at 1,000, 10,000 and 100,000 windows of 2,025 samples.

    python benchmarks/sizes.py ../shared/data/ptbdb
prints seconds and peak memory of each step's own process, and how the seconds grow from size to size.
"""

import argparse
import json
import math
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from evaluation import multiply
from timed import timed

SIZES = (1_000, 10_000, 100_000)
BATCH, STEPS = 64, 60  # of the training, whose figure is the time of a step
STEPS_OF_A_RUN = ("prepare", "train", "generate", "evaluate")
FIGURES = {"prepare_s": "s", "train_step_ms": "ms", "generate_s": "s", "evaluate_s": "s"}


def measure(source: Path, sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """Run the steps of `ptb-quantile` on databases of these sizes, each step in a process of its own.

    Arguments:
        source: WFDB database whose recordings are repeated and varied until there are enough.
        sizes: windows in the database, and windows generated.

    Returns:
        one row a size: windows; seconds and peak memory in GB of each step; of the training, milliseconds a step.
        "grows": exponent of the seconds against the size before; 1 is linear.
    """
    rows: list[dict[str, Any]] = []
    for size in sizes:
        row: dict[str, Any] = {"windows": size} | _one(source, size)
        if rows:
            before = rows[-1]
            span = math.log(size / before["windows"])
            row["grows"] = {key: math.log(row[key] / before[key]) / span for key in FIGURES}
        rows.append(row)
    return rows


def _one(source: Path, size: int) -> dict[str, float]:
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        place, out = Path(folder) / "source", Path(folder) / "out"
        multiply(source, place, size)
        settings = [
            f"--set={key}={value}" for key, value in {"batch": BATCH, "metrics_every": 5, "samples": size}.items()
        ]
        calls = {
            "prepare": ["ptb-quantile", place, out, "--steps", STEPS, *settings],
            "train": [out],
            "generate": [out],
            "evaluate": [out],
        }
        for step in STEPS_OF_A_RUN:
            seconds, peak = timed(step, *calls[step])
            found[f"{step}_s"], found[f"{step}_gb"] = seconds, peak
        speed = median(pd.read_csv(out / "metrics.csv")["images_per_second"].iloc[2:])
        del found["train_s"]  # most of it is the start of the process
        return found | {"train_step_ms": 1e3 * BATCH / speed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    given = parser.parse_args()
    print(json.dumps(measure(given.source, tuple(given.sizes)), indent=1))


if __name__ == "__main__":
    main()
