"""What runs with several seeds tell: means with intervals, paired differences, and how many comparisons there were.

A seed decides the split into training and control patients, the first weights and the noise. Seeds are the only thing
that is drawn anew, so what is inferred holds for these patients, not for others: all seeds split the same people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

ALPHA = 0.05  # two-sided; of intervals and, for all comparisons together, of Holm's procedure and wide intervals
POWER = 0.8  # with which a difference of the size `detectable` is found
NO_SPREAD = 1e-12  # of the mean: differences that vary less than rounding does are all the same
NAN = float("nan")


@dataclass(frozen=True)
class Mean:
    """A mean over seeds.

    Arguments:
        value: the mean.
        low, high: its 95 % t-interval; NaN with one seed.
        n: how many seeds.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences, and what it is worth among others.

    Arguments:
        value: mean over the seeds that both have; NaN without any.
        low, high: its 95 % t-interval, as if it were the only one.
        wide_low, wide_high: Bonferroni's: all of the family hold at once in 95 of 100 ablations.
        p: two-sided, of the paired t-test; 1 where all differences are 0, NaN where nothing can be tested: one seed, or
            the same difference each time.
        p_holm: p corrected for the family by Holm's step-down procedure.
        n: how many seeds both have.
        detectable: the size that a true difference must have to be found, after correction, in 80 of 100 such
            ablations; rests on the spread seen here, which few seeds know badly.
    """

    value: float
    low: float
    high: float
    wide_low: float
    wide_high: float
    p: float
    p_holm: float
    n: int
    detectable: float

    @property
    def found(self) -> bool:
        """Whether it stands after correction for all comparisons."""
        return self.p_holm < ALPHA

    @property
    def identical(self) -> bool:
        """Whether there was no difference in any seed."""
        return self.p == 1 and self.low == self.high == 0


def mean_of(values: np.ndarray) -> Mean:
    """Mean and 95 % t-interval.

    Arguments:
        values: (n,) one a seed.
    """
    value, low, high = _interval(np.asarray(values, dtype=np.float64), ALPHA)
    return Mean(value, low, high, len(values))


def compare_paired(differences: Sequence[np.ndarray], family: int | None = None) -> list[Difference]:
    """Judge a family of paired differences, each by a paired t-test, all together by Holm's procedure.

    Arguments:
        differences: of each comparison (n,): one a seed, this less the first.
        family: how many comparisons there are to correct for; None: those with two seeds or more. One that cannot be
            tested counts as well.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    each = [np.asarray(values, dtype=np.float64) for values in differences]
    family = family or sum(len(values) > 1 for values in each) or 1
    p = [_p(values) for values in each]
    corrected = holm(p, family)
    return [
        Difference(
            *_interval(values, ALPHA),
            *_interval(values, ALPHA / family)[1:],
            p=p[k],
            p_holm=corrected[k],
            n=len(values),
            detectable=_detectable(values, family),
        )
        for k, values in enumerate(each)
    ]


def holm(p: Sequence[float], family: int | None = None) -> list[float]:
    """p-values corrected by Holm's step-down procedure.

    Arguments:
        p: NaN where nothing was tested, which stays so.
        family: how many comparisons there are; None: as many as p-values.
    """
    known = [k for k in range(len(p)) if not np.isnan(p[k])]
    size, corrected, largest = max(family or 0, len(known)), list(map(float, p)), 0.0
    for place, k in enumerate(sorted(known, key=lambda k: p[k])):
        largest = max(largest, min(1.0, (size - place) * p[k]))
        corrected[k] = largest
    return corrected


@lru_cache(maxsize=256)
def effect_to_find(n: int, alpha: float, power: float = POWER) -> float:
    """The difference, in standard deviations of differences, that a paired t-test finds with this power.

    Arguments:
        n: pairs, at least two.
        alpha: two-sided level.
        power: how often it is found.

    Source: Cohen 1988, ch. 2; the noncentral t distribution.
    """
    df = n - 1
    threshold = float(stats.t.isf(alpha / 2, df))

    def surplus(shift: float) -> float:
        return float(stats.nct.sf(threshold, df, shift)) - power

    return float(optimize.brentq(surplus, 0, 10 + 3 * threshold)) / float(np.sqrt(n))


def _interval(values: np.ndarray, alpha: float) -> tuple[float, float, float]:
    """Mean and t-interval; the interval is NaN where the spread cannot be known."""
    if not len(values):
        return NAN, NAN, NAN
    mean = float(values.mean())
    if len(values) < 2:
        return mean, NAN, NAN
    half = float(stats.t.isf(alpha / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def _same(values: np.ndarray) -> bool:
    return bool(np.ptp(values) <= NO_SPREAD * np.abs(values).max())


def _p(values: np.ndarray) -> float:
    if len(values) < 2:
        return NAN
    if _same(values):  # no spread: nothing differs, or nothing says by how much it might have
        return NAN if values.any() else 1.0
    return float(stats.ttest_1samp(values, 0).pvalue)


def _detectable(values: np.ndarray, family: int) -> float:
    if len(values) < 2 or _same(values):
        return NAN
    return float(values.std(ddof=1)) * effect_to_find(len(values), ALPHA / family)
