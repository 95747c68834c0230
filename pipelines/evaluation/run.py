"""Step 5 on a folder OUT: what its synthetic records are worth, as numbers and as a report."""

from pathlib import Path

import numpy as np
import pandas as pd

from ...data import CONTROL, TRAIN, Samples, Store, find_records, read_heads, read_records
from ...errors import InputError
from ...gan import latest
from ...transforms import Codec
from ..progress import progress, say
from ..recipe import Recipe
from ..report import Shown, write_report
from ..run_folder import RunFolder
from ..sources import load_codec
from .coding import score_coding
from .fidelity import refuse_seen_patients, score_1nnc, score_diversity, score_limb_leads, score_r_peaks
from .score import Score, save_scores

R_PEAK_WINDOWS = 200  # neurokit2 takes some milliseconds a window


def evaluate(out: Path) -> None:
    """Score OUT/synthetic against control patients; write scores.json and report.html.

    Arguments:
        out: folder of a run in which something was generated.

    Raises:
        InputError: nothing generated yet, or the synthetic records are not this run's.
    """
    folder = RunFolder.prepared(out)
    recipe, store = folder.recipe, Store.open(folder.store)
    if not folder.synthetic.is_dir():
        raise InputError(f"{out}: nothing generated yet; run `anonimage generate {out}`")
    synthetic = _read_synthetic(folder.synthetic, recipe)
    rows = {part: np.flatnonzero(store.frame["part"] == part) for part in (TRAIN, CONTROL)}
    drawn = {part: _draw(at, recipe) for part, at in rows.items()}
    shown = Shown(
        training=store.samples(drawn[TRAIN]),
        control=store.samples(drawn[CONTROL]),
        synthetic=synthetic.select(_draw(np.arange(len(synthetic)), recipe)),
        metrics=pd.read_csv(folder.metrics),
    )
    with progress("evaluate", 2) as advance:
        scores = _score_windows(shown, load_codec(folder.codec_file), recipe)
        advance(1, "round trip")
        scores |= score_coding(store, load_codec(folder.codec_file), np.concatenate(list(drawn.values())), recipe.seed)
    save_scores(scores, folder.scores)
    newest = latest(folder.checkpoints)
    people = {part: store.frame["patient"].iloc[at].nunique() for part, at in rows.items()}
    counts = {
        "synthetic": len(synthetic),
        "training": len(rows[TRAIN]),
        "control": len(rows[CONTROL]),
        "training_patients": people[TRAIN],
        "control_patients": people[CONTROL],
        "records": len(store.records),
        "steps": int(newest.name) if newest else 0,
    }
    versions = folder.about()["versions"]
    write_report(folder.report, recipe, load_codec(folder.codec_file), scores, shown, counts, store.dropped, versions)
    score = scores["1nnc"]
    says = f"95 % {score.low:.3f} to {score.high:.3f}; real against real {score.baseline:.3f}; n {score.n}"
    say(f"1NNC {score.value:.3f} ({says})")


def _score_windows(shown: Shown, codec: Codec, recipe: Recipe) -> dict[str, Score]:
    """Synthetic against control windows, in grey levels where offsets play no part, and as signals."""
    training, control, synthetic = shown.training, shown.control, shown.synthetic
    refuse_seen_patients(training.patients(), control.patients())
    people, training_people = (samples.frame["patient"].to_numpy() for samples in (control, training))
    images = {name: codec.encode(samples.values) for name, samples in vars(shown).items() if name != "metrics"}
    few = slice(R_PEAK_WINDOWS)
    return {
        **score_1nnc(images["synthetic"], images["control"], people, images["training"], training_people, recipe.seed),
        **score_diversity(images["synthetic"], images["control"], recipe.seed),
        **score_r_peaks(synthetic.values[few, 0], control.values[few, 0], people[few], recipe.fs, recipe.seed),
        **score_limb_leads(synthetic.values, control.values, codec.relations, recipe.seed),
    }


def _draw(positions: np.ndarray, recipe: Recipe) -> np.ndarray:
    """As many of some positions as are evaluated, at random and in random order."""
    return np.random.default_rng(recipe.seed).permutation(positions)[: recipe.evaluated]


def _read_synthetic(folder: Path, recipe: Recipe) -> Samples:
    """The records as any reader finds them: what is scored is what would be given away."""
    values, heads = [], read_heads(find_records(folder))
    for recording in read_records(heads):
        values.append(recording.physical())
    wrong = [value.shape for value in values if value.shape != (len(recipe.leads), recipe.length)]
    if wrong:
        raise InputError(
            f"{folder}: a record has shape {wrong[0]}, this run makes {len(recipe.leads), recipe.length}; "
            "generate again"
        )
    return Samples(
        np.stack(values),
        pd.DataFrame({"record": [head.name for head in heads]}),
        heads[0].channels,
        heads[0].units,
        recipe.fs,
    )
