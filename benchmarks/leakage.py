"""How much a generator gives away, by how many windows it learnt from and by how long: for docs/privacy.md.

    python benchmarks/leakage.py ../shared/data/ludb ../shared/data/cinc2021 ../shared/data/ptbdb
trains `ptb-quantile` on one window of two seconds (lead ii, 125 Hz) of each of some people, audits what it generates
with all others as control, and prints a Markdown table.
"""

import argparse
import tempfile
from pathlib import Path

from anonimage.pipelines import steps
from anonimage.pipelines.evaluating import read_sets
from anonimage.pipelines.evaluation.measure import attack
from anonimage.pipelines.evaluation.privacy.findings import Audit, successful
from anonimage.pipelines.kinds import kind_of_codec
from anonimage.pipelines.recipe import load_recipe
from anonimage.pipelines.release.gate import judge
from anonimage.pipelines.release.policy import load_policy
from anonimage.pipelines.run_folder import RunFolder

SHOWN = {  # names of attacks, as columns
    "near copies": "copies: near",
    "nearest record": "copies: nearest record",
    "nearest-neighbour ratio": "copies: nearest-neighbour ratio",
    "density ratio": "membership: density ratio, window",  # there is one window of each person
    "discriminator": "membership: discriminator, window",
}


def join(sources: list[Path], place: Path) -> None:
    """A folder that links to several databases and lists all their records."""
    place.mkdir()
    for source in sources:
        (place / source.name).symlink_to(source.resolve())
    (place / "RECORDS").write_text("".join(f"{source.name}/\n" for source in sources))


def trained(source: Path, out: Path, share: float, seed: int) -> None:
    """Prepare a run with so large a share of people as control."""
    settings = {"fs": 125.0, "leads": ("ii",), "side": 16, "stride": 1250, "widths": (64, 128), "batch": 30}
    settings |= {"control_share": share, "seed": seed, "samples": 500, "steps": 1, "device": "cpu"}
    recipe = load_recipe("ptb-quantile").changed(settings)
    steps.prepare(recipe, source, out, resume=False, overwrite=False)


def audited(out: Path, length: int) -> str:
    """Train on to so many steps, generate, audit; a row of the table."""
    steps.train(out, RunFolder(out).recipe.changed({"steps": length}))
    steps.generate(out)
    sets = read_sets(RunFolder(out))
    kind = kind_of_codec(sets.codec)
    found: Audit = attack(sets, kind.view(sets), None, "no verifier is asked", "")
    by_name = {each.name: each.score for each in found.attacks}
    cells = [
        f"{by_name[name].value:.2f} ({by_name[name].low:.2f}–{by_name[name].high:.2f})" if name in by_name else "–"
        for name in SHOWN.values()
    ]
    privacy = judge(found, {}, load_policy("default"))[2]
    without = tuple(each for each in found.attacks if not each.limit.startswith("model_"))
    controls = ", ".join(f"{control.right}/{control.runs}" for control in found.controls)
    worked = f"{len(successful(without))} of {len(without)}"
    people = f"{found.counts['training_patients']} / {found.counts['control_patients']}"
    return f"| {people} | {length} | {' | '.join(cells)} | {worked} | {controls} | {privacy.verdict} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--share", type=float, default=0.684, help="of the people that are control, at all lengths")
    parser.add_argument("--lengths", type=int, nargs="+", default=[1000, 3000, 8000, 20_000], help="in steps")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.85, 0.4, 0.2], help="others, at one length")
    parser.add_argument("--length", type=int, default=8000, help="steps, at the other shares")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    names = (
        "training / control people",
        "steps",
        *SHOWN,
        "attacks on the samples that worked",
        "controls right",
        "privacy",
    )
    print(f"| {' | '.join(names)} |")
    print("|" + "---|" * (len(SHOWN) + 5))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        join(given.sources, source)
        cells = [(given.share, given.lengths), *((share, [given.length]) for share in given.shares)]
        for k, (share, lengths) in enumerate(cells):
            out = Path(folder) / f"out{k}"
            trained(source, out, share, given.seed)
            for length in lengths:
                print(audited(out, length), flush=True)


if __name__ == "__main__":
    main()
