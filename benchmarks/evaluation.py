"""What evaluating and auditing cost at the size of the source paper's study: 28,902 windows of 2,025 samples.

    python benchmarks/evaluation.py ../shared/data/ptbdb
prints seconds and peak memory of `anonimage evaluate` and `anonimage audit` against as many generated windows.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import read_records
from anonimage.data.wfdb.writer import write_record
from anonimage.pipelines import steps
from anonimage.pipelines.recipe import load_recipe
from timed import timed

WINDOWS, LENGTH, PEOPLE, FS = 28_902, 2025, 290, 1000.0  # of the PTB database, section 4.6 of the paper
GAIN = 2000.0  # ADC units per mV, as in PTB
GOAL_S, GOAL_GB = 600.0, 4.0
REASONS = ("Myocardial infarction", "Bundle branch block", "Healthy control")


def measure(source: Path, windows: int = WINDOWS) -> dict[str, Any]:
    """Evaluate and audit in processes of their own.

    Arguments:
        source: WFDB database whose recordings are repeated and varied until there are enough.
        windows: how many real ones, and how many are generated.

    Returns:
        "evaluate_s", "audit_s", their sum "seconds", and "peak_gb" of the larger of both.
    """
    with tempfile.TemporaryDirectory() as folder:
        place, out = Path(folder) / "source", Path(folder) / "out"
        multiply(source, place, windows)
        # one step: what is generated is noise, which costs as much to judge as anything
        settings = {"steps": 1, "samples": windows, "evaluated": windows, "widths": (8,), "device": "cpu"}
        recipe = load_recipe("ptb-quantile").changed(settings)
        steps.prepare(recipe, place, out, resume=False, overwrite=False)
        steps.train(out)
        steps.generate(out)
        costs = {verb: timed(verb, out) for verb in ("evaluate", "audit")}
    found = {f"{verb}_s": seconds for verb, (seconds, _) in costs.items()}
    peak = max(gb for _, gb in costs.values())
    return found | {"seconds": sum(found.values()), "peak_gb": peak, "windows": windows}


def multiply(source: Path, place: Path, windows: int) -> None:
    """Write a database of PEOPLE people with so many windows, each a recording at another pace and size, with noise."""
    heads = read_heads(find_records(source))
    signals = [recording.physical()[0] for recording in read_records(heads, leads=("i",), fs=FS)]
    lengths = np.full(PEOPLE, windows // PEOPLE) + (np.arange(PEOPLE) < windows % PEOPLE)
    names = []
    for person, n in enumerate(lengths):
        rng = np.random.default_rng(person)
        signal = np.nan_to_num(signals[person % len(signals)])
        time_ = (np.arange(n * LENGTH) * rng.uniform(0.8, 1.25)) % (len(signal) - 1)
        varied = rng.uniform(0.7, 1.4) * np.interp(time_, np.arange(len(signal)), signal)
        varied += rng.normal(0, 0.02, len(varied))
        folder, name = place / f"patient{person:03d}", f"s{person:04d}_re"
        folder.mkdir(parents=True)
        digital = np.rint(GAIN * varied).clip(-32767, 32767).astype(np.int16)[None]
        comments = [f"Reason for admission: {REASONS[person % len(REASONS)]}"]
        write_record(folder / name, digital, FS, [GAIN], ["mV"], ("i",), comments)
        names.append(f"{folder.name}/{name}\n")
    (place / "RECORDS").write_text("".join(names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    given = parser.parse_args()
    found = measure(given.source, given.windows)
    print(f"evaluate {found['evaluate_s']:.0f} s, audit {found['audit_s']:.0f} s, peak {found['peak_gb']:.2f} GB")


if __name__ == "__main__":
    main()
