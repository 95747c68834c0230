"""A finished run as the report and the studies see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...data import Samples
from ...transforms import Codec
from ..evaluation.score import Score
from ..recipe import Recipe

if TYPE_CHECKING:  # these import scores and policies, which a run only carries
    from ..evaluation.privacy.findings import Audit
    from ..release.gate import Area


@dataclass(frozen=True)
class Windows:
    """What is scored, and what the pictures show: samples of each kind, drawn at random."""

    training: Samples
    control: Samples
    synthetic: Samples

    def images(self, codec: Codec) -> dict[str, np.ndarray]:
        """Each kind as images (N, c, H, W).

        A synthetic window's offset was chosen when it was decoded. It may lie beyond the quantile bounds, which would
        then cut what the generator made; so they are left out for it.
        """
        return {
            "training": codec.encode(self.training.values),
            "control": codec.encode(self.control.values),
            "synthetic": codec.unbounded().encode(self.synthetic.values),
        }


@dataclass(frozen=True)
class Evidence:
    """What the pictures of the report are drawn from, besides the windows; empty where it has no meaning.

    Arguments:
        parameters: by "synthetic" and "control", a row for each window, a column for each ECG parameter.
        spectra: "frequency" (F,) in Hz, "synthetic" and "control" (3, F): 10, 50 and 90 percentile over windows of the
            logarithm (base 10) of power.
        features: columns x, y and kind ("training", "control", "synthetic"): a map of the encoder's feature space.
    """

    parameters: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    spectra: Mapping[str, np.ndarray] = field(default_factory=dict)
    features: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["x", "y", "kind"]))


@dataclass(frozen=True)
class Run:
    """All that is known of a run.

    Arguments:
        recipe, codec: of the run.
        windows: samples of each kind.
        scores: by name.
        against: the same scores of the run that it is compared with; empty if there is none.
        metrics: step, losses and class accuracies.
        monitor: step, varieties and events.
        evolution: images of the same latents by step.
        counts: numbers of samples, patients, records, steps.
        dropped: what was left out of the reading, by reason.
        versions: of programs, by name.
        evidence: what pictures are drawn from, besides the windows.
        audit: of these synthetic samples; None: not made.
        areas: what a policy says of fidelity, utility and privacy; empty: nothing was judged.
        policy: its name.
        not_measured: scores that could not be had, and why.
    """

    recipe: Recipe
    codec: Codec
    windows: Windows
    scores: Mapping[str, Score]
    against: Mapping[str, Score]
    metrics: pd.DataFrame
    monitor: pd.DataFrame
    evolution: Mapping[int, np.ndarray]
    counts: Mapping[str, int]
    dropped: Mapping[str, int]
    versions: Mapping[str, str]
    evidence: Evidence = field(default_factory=Evidence)
    audit: Audit | None = None
    areas: Sequence[Area] = ()
    policy: str = ""
    not_measured: Mapping[str, str] = field(default_factory=dict)
