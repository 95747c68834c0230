"""Attacks on tables where the answer is known: training rows with small noise are caught, rows of others are not.

    python benchmarks/rows.py ../shared/data/thyroid/ann-train.data column22 --seeds 20
prints Markdown: how often each attack worked, its median risk and interval, and the median success rates behind it.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from anonimage.data.patients import CONTROL, TRAIN, split_patients
from anonimage.data.samples import Samples
from anonimage.data.table.file import read_table
from anonimage.data.table.form import TableForm, rows_of
from anonimage.pipelines.evaluation.privacy.findings import Findings, successful
from anonimage.pipelines.evaluation.privacy.row_space import replay_rows
from anonimage.pipelines.evaluation.privacy.rows import attack_rows

KINDS = ("training rows with noise", "fresh rows")


def attacked(path: Path, label: str, seed: int) -> Iterator[tuple[str, Findings, float]]:
    """Split the table and attack a replay of its training rows, then half of its control rows with the other half.

    Arguments:
        path: table.
        label: its column of classes.
        seed: of split, replay and attacks.

    Yields:
        kind, what was found, seconds.
    """
    table = read_table(path)
    part = split_patients(rows_of(table.frame, table.name, label=label), 0.2, seed)
    training = table.frame[part == TRAIN]
    alone = [column for column in training if training[column].nunique() == 1]
    form = TableForm.fit(training, table.name, label=label, keep=alone)
    unseen, _ = form.unseen(table.frame)
    learnt, others = (form.to_samples(table.frame[(part == side) & ~unseen]) for side in (TRAIN, CONTROL))
    order = np.random.default_rng(seed).permutation(len(others))
    fresh, rest = others.select(order[::2]), others.select(order[1::2])
    cases: list[tuple[Samples, Samples]] = [(replay_rows(learnt, form, len(learnt), seed), others), (fresh, rest)]
    for kind, (synthetic, control) in zip(KINDS, cases, strict=True):
        began = time.perf_counter()
        findings = attack_rows(form, synthetic, learnt, control, seed)
        yield kind, findings, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("label", help="column of classes")
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    rows, runs = [], []
    for seed in range(given.seeds):
        for kind, findings, seconds in attacked(given.table, given.label, seed):
            worked = {attack.name for attack in successful(findings.attacks)}
            runs.append({"synthetic": kind, "found": bool(worked), "seconds": seconds})
            for attack in findings.attacks:
                rate, guess = (attack.rates[who] for who in ("training", "naive guess"))
                score = attack.score
                row = {"synthetic": kind, "attack": attack.name, "found": attack.name in worked}
                row |= {"risk": score.value, "low": score.low, "high": score.high, "p": attack.p_value}
                rows.append(row | {"training": rate.value, "control": rate.baseline, "naive": guess.value})
    all_runs = pd.DataFrame(runs).groupby("synthetic", sort=False)
    for kind, seen in all_runs:
        print(f"{kind}: something found in {seen['found'].sum()} of {len(seen)}, {seen['seconds'].median():.1f} s\n")
    print(
        "| synthetic | attack | found | risk | 95 % | training | control | naive |\n|---|---|---|---|---|---|---|---|"
    )
    for (kind, attack), seen in pd.DataFrame(rows).groupby(["synthetic", "attack"], sort=False):
        m = seen.drop(columns=["synthetic", "attack"]).median()
        ends = f"{m['low']:.2f} to {m['high']:.2f}"
        rates = " | ".join(f"{m[column]:.2f}" for column in ("training", "control", "naive"))
        print(f"| {kind} | {attack} | {seen['found'].sum()}/{len(seen)} | {m['risk']:.2f} | {ends} | {rates} |")


if __name__ == "__main__":
    main()
