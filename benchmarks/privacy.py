"""Power and false alarms of the privacy battery on real windows, and its time and memory at full size.

    python benchmarks/privacy.py ../shared/data/ludb ../shared/data/cinc2021 ../shared/data/ptbdb
prints a Markdown table for each.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
from anonimage.data.samples import Samples
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import read_records
from anonimage.data.windows import cut
from anonimage.pipelines.evaluation.privacy.battery import AuditInput, audit
from anonimage.pipelines.evaluation.privacy.findings import ALPHA, Attack
from anonimage.pipelines.evaluation.privacy.space import SignalView
from scipy.ndimage import gaussian_filter1d

FS, LENGTH, LEAD = 250.0, 500, "ii"
TRAINING = 0.7  # of the people
PEOPLE, WINDOWS, FULL_LENGTH = 290, 28_902, 2025  # of the whole PTB database
CALIBRATED = 0.05  # a nominal chance, whose true one is looked at


def read(sources: list[Path]) -> Samples:
    """2-s windows of one lead of all records, resampled to 250 Hz."""
    values, people = [], []
    for source in sources:
        entries = find_records(source)
        recordings = read_records(read_heads(entries), leads=(LEAD,), fs=FS)
        for entry, recording in zip(entries, recordings, strict=True):
            starts, _ = cut(recording.values, LENGTH, fs=recording.fs)
            values.append(recording.windows(starts, LENGTH))
            people += [f"{source.name}/{entry.patient}"] * len(starts)
    return Samples(np.concatenate(values), pd.DataFrame({"patient": people}), (LEAD,), ("mV",), FS)


def controls(samples: Samples, n: int | None, seeds: int) -> tuple[str, dict[str, list[tuple[Attack, ...]]]]:
    """Split the people anew for every seed; let the battery see a replay, and windows of people it does not know."""
    people = samples.frame["patient"].to_numpy(dtype=str)
    names = np.unique(people)
    found: dict[str, list[tuple[Attack, ...]]] = {"replay": [], "fresh": []}
    right = dict.fromkeys(found, 0)
    for seed in range(seeds):
        mixed = np.random.default_rng(seed).permutation(names)
        known, others = mixed[: round(TRAINING * len(mixed))], mixed[round(TRAINING * len(mixed)) :]
        training = samples.select(np.isin(people, known))
        control = samples.select(np.isin(people, others))
        copied = audit(
            AuditInput(SignalView().replay(training, n or len(training), seed), training, control, seed, runs=0)
        )
        half = np.isin(people, others[: len(others) // 2])
        rest = samples.select(np.isin(people, others[len(others) // 2 :]))
        fresh = samples.select(np.random.default_rng(seed).permutation(np.flatnonzero(half))[: n or len(samples)])
        passed = audit(AuditInput(fresh, training, rest, seed, runs=0))
        found["replay"].append(copied.attacks)
        found["fresh"].append(passed.attacks)
        right["replay"] += bool(copied.successful)
        right["fresh"] += not passed.successful
    size = n or f"{len(training)} or all"
    return f"| {size} | {right['replay']} / {seeds} | {right['fresh']} / {seeds} |", found


def by_attack(found: dict[str, list[tuple[Attack, ...]]]) -> str:
    """How strong each attack was, and how often its chance came out small."""
    lines = []
    for k, attack in enumerate(found["replay"][0]):
        strength = {kind: np.mean([each[k].score.value for each in runs]) for kind, runs in found.items()}
        small = {
            kind: np.mean([each[k].p_value <= (ALPHA if kind == "replay" else CALIBRATED) for each in runs])
            for kind, runs in found.items()
        }
        lines.append(
            f"| {attack.name} | {strength['replay']:.3f} | {strength['fresh']:.3f} | {small['replay']:.2f} "
            f"| {small['fresh']:.2f} |"
        )
    return "\n".join(lines)


def full_size(runs: int) -> str:
    """A battery at the size of the whole PTB database, on smooth noise with a shape for each person."""
    rng = np.random.default_rng(0)

    def windows(people: np.ndarray) -> np.ndarray:
        values = gaussian_filter1d(rng.standard_normal((len(people), FULL_LENGTH), dtype=np.float32), 12, axis=1)
        return (values + 0.5 * shapes[people])[:, None]

    shapes = gaussian_filter1d(rng.standard_normal((PEOPLE + 1, FULL_LENGTH), dtype=np.float32), 12, axis=1)
    whose = np.sort(rng.integers(PEOPLE, size=WINDOWS))
    learnt = whose < round(TRAINING * PEOPLE)
    parts = [
        Samples(windows(people), pd.DataFrame({"patient": people.astype(str)}), ("i",), ("mV",), 1000.0)
        for people in (whose[learnt], whose[~learnt], np.full(WINDOWS, PEOPLE))
    ]
    began = time.perf_counter()
    result = audit(AuditInput(parts[2], parts[0], parts[1], 0, runs=runs))
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    right = ", ".join(f"{control.kind} {control.right}/{control.runs}" for control in result.controls)
    return f"| {WINDOWS} × {FULL_LENGTH} | {runs} | {seconds:.0f} s | {memory:.1f} GB | {right} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="*")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=20, help="of each control at full size; 0: leave it out")
    given = parser.parse_args()
    if given.sources:
        samples = read(given.sources)
        print(f"{len(samples)} windows of {len(samples.patients())} people\n")
        print("| synthetic windows | replay caught | fresh windows passed |\n|---|---|---|")
        for n in (100, None):
            line, found = controls(samples, n, given.seeds)
            print(line, flush=True)
        print(f"\n| attack | on a replay | on fresh windows | p ≤ {ALPHA} | p ≤ {CALIBRATED} |\n|---|---|---|---|---|")
        print(by_attack(found))
    if given.runs:
        print("\n| windows | runs | time | memory | controls right |\n|---|---|---|---|---|")
        print(full_size(given.runs))


if __name__ == "__main__":
    main()
