"""The equal error rate of a verifier of people, with an interval over people."""

import numpy as np

from ..score import INTERVAL, RESAMPLES, Score
from .comparisons import Comparisons

GUESSING = 0.5


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """The rate at which as many genuine pairs are refused as impostors are let in.

    Arguments:
        genuine: (G,) similarities of pairs of one person.
        impostor: (I,) similarities of pairs of two people.

    Returns:
        0 (always told apart) to 1; 0.5 is guessing. Between two thresholds the rates are taken to be straight lines.
    """
    one = np.concatenate([np.ones(len(genuine), int), np.zeros(len(impostor), int)])
    pairs = Comparisons(np.concatenate([genuine, impostor]), np.ones(len(one), int), one)
    return _Sorted(pairs).rate(np.ones(2))[0]


def score_equal_error(pairs: Comparisons, seed: int) -> tuple[Score, float]:
    """Equal error rate and the threshold that belongs to it; n is the number of people with a genuine pair.

    Arguments:
        pairs: all comparisons, each as often as it was made.
        seed: of the resampling. A genuine pair counts as often as its person is drawn, one of two people as often as
            the one times as often as the other.
    """
    ordered = _Sorted(pairs)
    people = 1 + max(pairs.first.max(), pairs.second.max())
    value, threshold = ordered.rate(np.ones(people))
    rng = np.random.default_rng(seed)
    rates = []
    for draw in rng.multinomial(people, np.full(people, 1 / people), RESAMPLES).astype(float):
        rate, _ = ordered.rate(draw)
        rates.append(rate)
    low, high = np.nanpercentile(rates, INTERVAL)  # NaN where nobody with a genuine pair was drawn
    return Score(value, float(low), float(high), GUESSING, pairs.people), threshold


class _Sorted:
    """Comparisons in falling order of similarity, so that every resample is two running sums."""

    def __init__(self, pairs: Comparisons) -> None:
        order = np.argsort(-pairs.similar, kind="stable")
        self.similar, self.first, self.second = pairs.similar[order], pairs.first[order], pairs.second[order]
        self.genuine = self.first == self.second
        self.ends = np.append(np.flatnonzero(np.diff(self.similar)), len(order) - 1)  # of ties

    def rate(self, weights: np.ndarray) -> tuple[float, float]:
        """Equal error rate and threshold, each person with a weight (P,); NaN if either kind of pair has none."""
        weight = np.where(self.genuine, weights[self.first], weights[self.first] * weights[self.second])
        accepted = np.cumsum(np.where(self.genuine, weight, 0))
        let_in = np.cumsum(np.where(self.genuine, 0, weight))
        if not accepted[-1] or not let_in[-1]:
            return float("nan"), float("nan")
        refused = np.append(1, 1 - accepted[self.ends] / accepted[-1])
        let_in = np.append(0, let_in[self.ends] / let_in[-1])
        over = let_in - refused  # rises from −1 to 1
        k = int(np.argmax(over >= 0))
        share = -over[k - 1] / (over[k] - over[k - 1])
        return float(let_in[k - 1] + share * (let_in[k] - let_in[k - 1])), float(self.similar[self.ends[k - 1]])
