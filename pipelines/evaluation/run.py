"""Step 5 on a folder OUT: what its synthetic records are worth, as numbers and as a report."""

from pathlib import Path

import numpy as np
import pandas as pd

from ...data import CONTROL, TRAIN, Samples, Store, find_records, read_heads, read_records
from ...errors import InputError, one_line
from ...transforms import Codec
from ..progress import progress, say
from ..recipe import Recipe
from ..report import Windows, write_report
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
    recipe, store, codec = folder.recipe, Store.open(folder.store), load_codec(folder.codec_file)
    if not folder.synthetic.is_dir():
        raise InputError(f"{out}: nothing generated yet; run `anonimage generate {out}`")
    rows = {part: np.flatnonzero(store.frame["part"] == part) for part in (TRAIN, CONTROL)}
    drawn = {part: _draw(at, recipe) for part, at in rows.items()}
    synthetic = _read_synthetic(folder.synthetic, recipe)
    windows = Windows(
        training=store.samples(drawn[TRAIN]),
        control=store.samples(drawn[CONTROL]),
        synthetic=synthetic.select(_draw(np.arange(len(synthetic)), recipe)),
    )
    metrics = _metrics(folder.metrics)
    with progress("evaluate", 2) as advance:
        scores = _score_windows(windows, codec, recipe)
        advance(1, "round trip")
        scores |= score_coding(store, codec, np.concatenate(list(drawn.values())), recipe.seed)
    save_scores(scores, folder.scores)
    people = {part: store.frame["patient"].iloc[at].nunique() for part, at in rows.items()}
    counts = {
        "synthetic": len(synthetic),
        "training": len(rows[TRAIN]),
        "control": len(rows[CONTROL]),
        "training_patients": people[TRAIN],
        "control_patients": people[CONTROL],
        "records": len(store.records),
        "steps": int(synthetic.frame["step"].iloc[0]),
    }
    versions = folder.about()["versions"]
    write_report(folder.report, recipe, codec, scores, windows, metrics, counts, store.dropped, versions)
    score = scores["1nnc"]
    says = f"95 % {score.low:.3f} to {score.high:.3f}; real against real {score.baseline:.3f}; n {score.n}"
    say(f"1NNC, 0.5 best and 1 worst: {score.value:.3f} ({says})")
    if "r_peaks" in scores:
        say(f"R peaks per window: {scores['r_peaks'].value:.2f}, in real ones {scores['r_peaks'].baseline:.2f}")


def _metrics(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, usecols=["step", "critic_loss", "generator_loss"])
    except (OSError, ValueError) as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); train again") from error


def _score_windows(windows: Windows, codec: Codec, recipe: Recipe) -> dict[str, Score]:
    """Synthetic against control windows: as grey levels, where offsets play no part, and as signals."""
    control, synthetic = windows.control, windows.synthetic
    refuse_seen_patients(windows.training.patients(), control.patients())
    people, training_people = (samples.frame["patient"].to_numpy() for samples in (control, windows.training))
    images = windows.images(codec)
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
    heads = read_heads(find_records(folder))
    values = [recording.physical() for recording in read_records(heads)]
    wrong = [value.shape for value in values if value.shape != (len(recipe.leads), recipe.length)]
    try:
        table = pd.read_csv(folder / "samples.csv")
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / 'samples.csv'}: cannot be read ({one_line(error)}); generate again") from error
    if wrong or "step" not in table or len(table) != len(values):
        what = f"a record of shape {wrong[0]}" if wrong else "a samples.csv that does not fit the records"
        raise InputError(f"{folder}: holds {what}, not what this run makes; generate again")
    return Samples(np.stack(values), table, heads[0].channels, heads[0].units, recipe.fs)
