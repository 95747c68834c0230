"""Inference over seeds: means with intervals, paired differences, and a correction for the number of comparisons.

A seed decides the split into training and control patients, the first weights and the noise. Seeds are the only thing
that is drawn anew, so what is inferred holds for these patients, not for others: all seeds split the same people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

ALPHA = 0.05  # two-sided; of intervals and, for all comparisons together, of Holm's procedure and wide intervals
POWER = 0.8  # with which a difference of the size `detectable` is significant
NO_SPREAD = 1e-12  # of the mean: differences that vary less than rounding does are all the same
NAN = float("nan")


@dataclass(frozen=True)
class Mean:
    """A mean over seeds."""

    value: float  # the mean; NaN without any seed
    low: float  # low, high: its t-interval, 95 % unless another is asked for; NaN with one seed
    high: float
    n: int  # how many seeds


@dataclass(frozen=True)
class Difference(Mean):
    """A mean of paired differences over the seeds that both have, judged as one of a family."""

    wide_low: float  # wide_low, wide_high: Bonferroni's: all of the family hold at once in 95 of 100 ablations
    wide_high: float
    # two-sided, of the paired t-test; 1 where all differences are 0, NaN where nothing can be tested: one seed, or the
    # same difference each time
    p: float
    p_holm: float  # p corrected for the family by Holm's step-down procedure
    # the size that a true difference must have to be significant, after correction, in 80 of 100 such ablations; rests
    # on the spread of these differences, which few seeds know badly
    detectable: float

    @property
    def significant(self) -> bool:
        """Whether it stands after correction for all comparisons."""
        return self.p_holm < ALPHA

    @property
    def identical(self) -> bool:
        """Whether there was no difference in any seed."""
        return self.p == 1 and self.low == self.high == 0


def mean_of(values: np.ndarray | Sequence[float], alpha: float = ALPHA) -> Mean:
    """Mean and t-interval of (n,) values, one a seed."""
    values = np.asarray(values, dtype=np.float64)
    n, mean = len(values), float(values.mean()) if len(values) else NAN
    if n < 2:
        return Mean(mean, NAN, NAN, n)
    half = float(stats.t.isf(alpha / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Mean(mean, mean - half, mean + half, n)


def compare_paired(differences: Sequence[np.ndarray | Sequence[float]]) -> list[Difference]:
    """Judge a family of paired differences, each by a paired t-test, all together by Holm's procedure.

    Arguments:
        differences: of each comparison (n,): one a seed, this less the first. Those of two seeds or more are corrected
            for, whether they can be tested or not.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    each = [np.asarray(values, dtype=np.float64) for values in differences]
    family = sum(len(values) > 1 for values in each) or 1
    p = [_p(values) for values in each]
    judged = []
    for values, own, corrected in zip(each, p, holm(p, family), strict=True):
        mean, wide = mean_of(values), mean_of(values, ALPHA / family)
        detectable = NAN
        if _varies(values):
            detectable = float(values.std(ddof=1)) * effect_to_find(len(values), ALPHA / family)
        judged.append(
            Difference(
                **vars(mean), wide_low=wide.low, wide_high=wide.high, p=own, p_holm=corrected, detectable=detectable
            )
        )
    return judged


def holm(p: Sequence[float], family: int = 0) -> list[float]:
    """p-values corrected by Holm for a family of comparisons, at least as many as p-values; NaN stays NaN."""
    # not statsmodels' multipletests, of which each call collects all garbage of the process: 0.6 s beside torch
    corrected = np.array(p, dtype=np.float64)
    order = np.argsort(corrected)[: np.count_nonzero(~np.isnan(corrected))]  # NaN comes last
    factors = max(family, len(order)) - np.arange(len(order))
    corrected[order] = np.maximum.accumulate(np.minimum(factors * corrected[order], 1))
    return corrected.tolist()


@lru_cache(maxsize=256)
def effect_to_find(n: int, alpha: float) -> float:
    """The difference, in standard deviations of differences, of which a paired t-test has the power POWER.

    Arguments:
        n: pairs, at least two.
        alpha: two-sided level.

    Source: Cohen 1988, ch. 2; the noncentral t distribution.
    """
    # not statsmodels' TTestPower: at 3 pairs and a level of 0.05 / 3 it gives 4.3 for 5.7, and worse at smaller levels
    threshold = float(stats.t.isf(alpha / 2, n - 1))
    shift = optimize.brentq(lambda shift: stats.nct.sf(threshold, n - 1, shift) - POWER, 0, 10 + 3 * threshold)
    return float(shift) / float(np.sqrt(n))


def _varies(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.ptp(values) > NO_SPREAD * np.abs(values).max())


def _p(values: np.ndarray) -> float:
    if _varies(values):
        return float(stats.ttest_1samp(values, 0).pvalue)
    # no spread: nothing differs, or nothing says by how much it might have
    return NAN if len(values) < 2 or values.any() else 1.0
