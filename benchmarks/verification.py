"""How well people are recognised by their ECG: equal error rates of the verifier on people that it did not learn from.

    python benchmarks/verification.py ../shared/data/ecgiddb --more ../shared/data/ludb/data ../shared/data/ptbdb
prints a Markdown table.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from anonimage.pipelines.evaluation.verifier import train_verifier


def table(source: Path, lead: str, seconds: float, seeds: int, more: Sequence[Path]) -> str:
    """Train and try once a seed: folds of other people each time.

    Arguments:
        source: WFDB database with several sessions a person.
        lead: its name.
        seconds: length of a window.
        seeds: how many divisions into folds.
        more: databases with further people to learn from.
    """
    lines = ["| compared | seed | equal error rate | 95 % interval over people | people |", "|---|---|---|---|---|"]
    began = time.process_time()
    for seed in range(seeds):
        verifier = train_verifier(source, lead, seconds, seed=seed, more=more)
        lines += [
            f"| {name} | {seed} | {score.value:.1%} | {score.low:.1%} to {score.high:.1%} | {score.n} |"
            for name, score in verifier.errors.items()
        ]
    spent = (time.process_time() - began) / seeds
    lines += [
        "",
        f"lead {lead}, windows of {seconds:g} s ({verifier.usable:.1%} usable), {verifier.trained_on} people; "
        f"{spent:.1f} s of CPU a training",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--lead", default="i")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a window")
    parser.add_argument("--seeds", type=int, default=3, help="divisions into folds")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="databases with further people to learn from")
    given = parser.parse_args()
    print(table(given.source, given.lead, given.seconds, given.seeds, given.more))


if __name__ == "__main__":
    main()
