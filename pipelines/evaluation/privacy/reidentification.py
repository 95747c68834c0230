"""Re-identification: does a synthetic window look like a person of training, to a network that tells people apart?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....data.samples import Samples
from ..score import RESAMPLES, Score
from .attribution import members_excess
from .findings import Attack
from .pool import Pool

NAME = "re-identification: nearest person"
QUESTION = "How much more often is a person of training than a stranger the one that a synthetic window is taken for?"
MATCHED = 500  # synthetic windows shown to the verifier
USABLE = 0.5  # of the windows shown have to hold something to know a person by
ENROLLED = 8  # windows of each person that make the template
WORST = 0.25  # upper end of the equal error rate from which on a verifier shows nothing


@dataclass(frozen=True)
class Matcher:
    """A verifier of people, as the attack needs it.

    Arguments:
        embed: (N, C, L) windows -> (N, F) of length 1.
        threshold: cosine between a window and a person's template (the mean of the person's windows, of length 1) from
            which on both are taken for the same person: where both errors are equal.
        error: equal error rate on people that the verifier never saw.
    """

    embed: Callable[[np.ndarray], np.ndarray]
    threshold: float
    error: Score

    def refusal(self) -> str:
        """Why nothing can be shown with it; empty if something can."""
        if self.error.high <= WORST:
            return ""
        return f"the verifier's equal error rate may be {self.error.high:.2f}; it shows something up to {WORST}"


def unusable(matcher: Matcher, synthetic: np.ndarray, seed: int) -> str:
    """Why windows (S, C, L) cannot be taken for anybody, so that no match says nothing; empty if they can."""
    share = float((_shown(matcher, synthetic, seed) != 0).any(axis=1).mean())
    if share >= USABLE:
        return ""
    return f"{share:.0%} of the synthetic windows hold a whole beat; {USABLE:.0%} are needed"


def templates(matcher: Matcher, training: Samples, control: Samples, pool: Pool) -> np.ndarray:
    """(P, F) template of each person of the pool, of length 1, from at most ENROLLED windows of each."""
    first = np.searchsorted(pool.codes, np.arange(pool.people))
    rows = np.flatnonzero(np.arange(len(pool.codes)) - first[pool.codes] < ENROLLED)
    origin = pool.origin[rows]
    seen = origin < len(training)
    embedded = np.concatenate(
        [matcher.embed(training.values[origin[seen]]), matcher.embed(control.values[origin[~seen] - len(training)])]
    )
    codes = np.concatenate([pool.codes[rows][seen], pool.codes[rows][~seen]])
    found = np.zeros((pool.people, embedded.shape[1]))
    np.add.at(found, codes, embedded)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def reidentify(
    matcher: Matcher,
    synthetic: np.ndarray,
    people: np.ndarray,
    member: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
) -> Attack:
    """Each synthetic window names the person whose template is nearest, if it is near enough.

    Arguments:
        matcher: the verifier.
        synthetic: (S, C, L).
        people: (P, F) templates.
        member: (P,) whether the person was in training.
        seed: of draws, resampling and share-outs.
        resamples: of the interval; 0: none.

    Returns:
        Share of windows that name somebody of training less the share that names a stranger, were there as many
        strangers; the baseline is 0.
    """
    shown = _shown(matcher, synthetic, seed)
    similar = shown @ people.T
    person = similar.argmax(axis=1)
    there = (shown != 0).any(axis=1)  # a window without a beat is nobody's
    named = there & (similar.max(axis=1) >= matcher.threshold)
    of = members_excess(person, named.astype(float), member, seed, resamples)
    score = Score(of.value, of.low, of.high, of.baseline, len(member))
    members, strangers = int(member.sum()), int((~member).sum())
    question = f"{QUESTION} {there.mean():.0%} of the windows shown hold a whole beat."
    return Attack(NAME, "reidentification", question, score, of.p_value, members, strangers, {}, {})


def _shown(matcher: Matcher, synthetic: np.ndarray, seed: int) -> np.ndarray:
    """(n, F) embeddings of at most MATCHED windows, drawn at random; 0 where a window holds no whole beat."""
    some = np.sort(np.random.default_rng(seed).permutation(len(synthetic))[:MATCHED])
    return matcher.embed(synthetic[some])
