"""The battery on a run: what each attack gets to see of it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...data.samples import Samples
from ...data.split import CONTROL, TRAIN
from ...data.table.form import TableForm
from ...gan import realness
from ..progress import progress
from .privacy.battery import audit
from .privacy.findings import Attack, Audit
from .privacy.reidentification import NAME, Matcher
from .privacy.row_replay import replay_rows
from .privacy.row_space import RowSpace, scaled_rows
from .privacy.rows import attack_rows
from .score import Score
from .sets import Sets
from .verification import Verifier

KINDS: Mapping[str, Any] = {"signals": "signals", "table": "rows", "images": "pictures"}
NO_VERIFIER = "no verifier of people was given; make one with `anonimage verifier` from people who came several times"
LONGER = 1.5  # times as long, or as short, as the windows that a verifier was tried on: its error is not known there


def attack(sets: Sets, fingerprint: str, verifier: Path | None) -> Audit:
    """Attack what a run generated, and both controls.

    Arguments:
        sets: of the run.
        fingerprint: of the synthetic files.
        verifier: file of a verifier of people; None: the recipe's, if it names one.
    """
    real = {part: sets.store.samples(sets.rows[part]) for part in (TRAIN, CONTROL)}
    training, control = real[TRAIN], real[CONTROL]
    runs, seed = sets.recipe.evaluate.control_runs, sets.recipe.seed
    unfit = _no_heartbeats(sets)
    options: dict[str, Any] = {}
    hindered: dict[str, str] = {}
    if sets.recipe.data.kind == "table":
        form = TableForm.from_state(sets.codec.form["table"])
        hindered = attack_rows(sets.synthetic, training, control, form, seed).not_measured

        def attack_table(synthetic: Samples, members: Samples, strangers: Samples, seed: int) -> list[Attack]:
            return attack_rows(synthetic, members, strangers, form, seed).attacks

        def replay_table(members: Samples, n: int, seed: int) -> Samples:
            return replay_rows(members, form, n, seed)

        space = RowSpace.fit(form, training, control)
        options = {"extra": [attack_table], "replay": replay_table, "points": partial(scaled_rows, space=space)}
    with progress("audit", 2 * runs + 1) as advance:
        found = audit(
            sets.synthetic,
            training,
            control,
            seed,
            kind=KINDS[sets.recipe.data.kind],
            model_scores=_asked(sets, training, control),
            match=unfit or _matcher(sets, verifier),
            runs=runs,
            fingerprint=fingerprint,
            progress=advance,
            **options,
        )
    open_ = {**found.not_measured, **hindered}
    if not unfit:
        return replace(found, not_measured=open_)
    open_.pop(NAME, None)
    return replace(found, not_measured=open_, not_applicable={NAME: unfit})


def _asked(sets: Sets, training: Samples, control: Samples) -> tuple[np.ndarray, np.ndarray]:
    """What the discriminator says of every real sample, all mixed: one that sees a batch's moments compares them."""
    values = np.concatenate([training.values, control.values])
    labels = np.concatenate([sets.labels(training), sets.labels(control)])
    order = np.random.default_rng(sets.recipe.seed).permutation(len(values))
    images = sets.codec.encode(values[order])
    # a class that training has not is judged as the first one: strangers are not to be told by an error
    said = realness(sets.snapshot.trained_critic(), images, np.maximum(labels[order], 0))
    figures = np.empty(len(values), np.float32)
    figures[order] = said
    return figures[: len(training)], figures[len(training) :]


def _no_heartbeats(sets: Sets) -> str:
    """Why a verifier of people has no meaning for the data of a run; empty if it has one."""
    if sets.recipe.data.kind != "signals" or sets.codec.fs is None or set(sets.codec.units) != {"mV"}:
        return "people are told apart by their ECG, and these are no signals in mV"
    return ""


def _matcher(sets: Sets, verifier: Path | None) -> Matcher | str:
    """The verifier of people as the battery takes it, or why there is none."""
    codec, named = sets.codec, sets.recipe.evaluate.verifier
    path = verifier or (Path(named) if named else None)
    if path is None:
        return NO_VERIFIER
    network, fs = Verifier.load(path), float(codec.fs or 0)  # without heartbeats nobody asks
    seconds = codec.arrangement.length / fs
    if not 1 / LONGER <= seconds / network.seconds <= LONGER:
        return (
            f"windows last {seconds:g} s, the verifier was tried on {network.seconds:g} s; train one on {seconds:g} s"
        )

    def embed(values: np.ndarray) -> np.ndarray:
        return network.embed(values, codec.channels, fs)

    embed(sets.drawn.control.values[:1])  # a lead that is not there is known before the long work
    error: Score = network.error
    return Matcher(embed, network.threshold, error)
