"""The studies of usefulness for any kind of data: which learner sees what of the samples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ....data.samples import Samples
from ..score import Score
from .pictures import edges_and_colours, regression
from .rows import boosting
from .study import Learner, Progress, study
from .windows import STEPS, network


@dataclass(frozen=True)
class Kind:
    """How one kind of data is learned.

    Arguments:
        learner: for a number of updates, where it counts them.
        features: what it sees of values (N, C, L), (N, …).
        most: samples of a set that take part; None: all.
    """

    learner: Callable[[int], Learner]
    features: Callable[[np.ndarray], np.ndarray]
    most: int | None


KINDS = {
    # STEPS batches draw no more than twice as many windows
    "signals": Kind(network, lambda values: values, 5000),
    "table": Kind(lambda steps: boosting, lambda values: values[:, :, 0], None),
    "images": Kind(lambda steps: regression, edges_and_colours, 5000),
}


def score_utility(
    kind: str,
    samples: Mapping[str, Samples],
    labels: Mapping[str, np.ndarray],
    names: Sequence[str],
    seed: int,
    steps: int = STEPS,
    progress: Progress | None = None,
) -> tuple[dict[str, Score], str]:
    """What samples are worth to somebody who trains a classifier on them.

    Arguments:
        kind: "signals", "table" (the class must not be among the features), or "images".
        samples: by "synthetic", "training" and "control"; the real ones with patients.
        labels: by the same names, (N,) numbers into names; −1: unknown, such samples are left out. A set that has no
            labels may be absent.
        names: of the classes.
        seed: of learners, shuffling and bootstrap.
        steps: updates of a network.
        progress: called with the number of studies done and the name of the last.

    Returns:
        Scores "STUDY: MEASURE" (see STUDIES and `measures`) and "STUDY − STUDY: MEASURE" (see DIFFERENCES), with
        intervals over the patients of the test set, where a synthetic sample is its own. And what was not measured and
        why, "" if all was; no score stands for that.

    Raises:
        InputError: labels that do not fit samples or names.
    """
    how = KINDS[kind]
    return study(samples, labels, names, how.learner(steps), how.features, seed, how.most, progress)
