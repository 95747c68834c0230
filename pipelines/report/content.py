"""A finished run as the report and the studies see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...transforms import Codec
from ..evaluation.scores import Evidence, Score
from ..evaluation.sets import DrawnSamples
from ..recipe import Recipe

if TYPE_CHECKING:  # these import scores and policies, which a run only carries
    from ..evaluation.privacy.findings import Audit
    from ..release.gate import Area


@dataclass(frozen=True)
class Run:
    """All that is known of a run.

    Arguments:
        recipe, codec: of the run.
        samples: of each set, drawn at random.
        scores: by name.
        against: the same scores of the run that it is compared with; empty if there is none.
        metrics: step, losses and class accuracies.
        monitor: step, varieties and events.
        evolution: images of the same latents by step.
        counts: numbers of samples, patients, records, steps.
        dropped: what was left out of the reading, by reason.
        versions: of programs, by name.
        evidence: what pictures are drawn from, besides the samples.
        audit: of these synthetic samples; None: not made.
        areas: what a policy says of fidelity, utility and privacy; empty: nothing was judged.
        policy: its name.
        not_measured: scores that could not be had, and why.
    """

    recipe: Recipe
    codec: Codec
    samples: DrawnSamples
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
