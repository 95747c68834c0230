"""What the source paper observed in each of its sections, and whether a run reproduces it, by a measured criterion.

Source of the claims: Piacentino, Guarner and Angulo, the sections named.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import Any

from ..evaluation.scores import Score
from .content import Run

KS_LIMIT, SHARE_LIMIT, NULL_LIMIT = 0.15, 0.03, 0.999  # what "similar" means for columns of a table

VERDICTS = {
    True: "the paper's observation was reproduced",
    False: "the paper's observation was not reproduced",
    None: "this run is inconclusive",
}
LEAST_CHECKS = 8  # of the monitor; before that, too little is learned to test a claim
HALVES = ("1nnc_synthetic", "1nnc_real")
HOPELESS = 0.48  # mean departure of 1NNC's halves from 0.5: clearly separable from real ones
WIDE = 0.08  # an interval of a share as wide as twice the paper's 4 % is inconclusive
COLLAPSE_EPOCH = 75  # when the paper's training collapsed, section 4.3


Result = tuple[bool | None, str]  # whether a run meets a criterion, None if that is inconclusive; numbers in words


@dataclass(frozen=True)
class Observation:
    """Whether a run reproduces what the paper observed."""

    claim: str  # the paper's
    criterion: str  # what was measured to decide
    reproduced: bool | None  # None: inconclusive
    sentence: str  # the result in one sentence, with its numbers


@cache
def claims() -> dict[str, dict[str, Any]]:
    """The claims by recipe, with their criterion and test."""
    return tomllib.loads(resources.files(__package__).joinpath("paper_claims.toml").read_text("utf-8"))


def observe(run: Run) -> Observation | None:
    """The test of the claim of a run's section; None for a recipe of no section."""
    known = claims().get(run.recipe.name)
    if known is None:
        return None
    reproduced, numbers = TESTS[known["test"]](run)
    if len(run.monitor) < LEAST_CHECKS and "untrained" not in known:
        reproduced, numbers = None, f"{run.counts['steps']} steps are too few; {numbers}"
    return Observation(known["claim"], known["criterion"], reproduced, f"{VERDICTS[reproduced]}: {numbers}")


def _text(score: Score) -> str:
    return f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g})"


def _pulses(run: Run) -> Result:
    score = run.scores.get("peaks_2_3")
    if score is None or score.baseline is None:
        return None, "windows are not of about two seconds, or no R peak detector fits"
    numbers = (
        f"two or three R peaks in a share of {_text(score)} of generated windows, {score.baseline:.3g} of real ones"
    )
    return score.value >= 0.9 * score.baseline, numbers


def _bounds(run: Run) -> Result:
    score = run.scores.get("saturated_windows")
    if score is None:
        return None, "no quantile bounds"
    if not run.is_ecg:
        return None, f"units are {', '.join(sorted(set(run.codec.units))) or 'unknown'}, the paper's 4 % is of mV"
    numbers = f"{_text(score)} of windows have a value outside the bounds, the paper 0.04"
    if score.high - score.low > WIDE:
        return None, f"{numbers}; too few people for so small a share"
    return score.low <= 0.04 <= score.high, numbers


def _no_difference(run: Run) -> Result:
    score = run.scores["1nnc"]
    if not {"1nnc", *HALVES} <= run.against.keys():
        return None, f"1NNC {_text(score)}; {run.recipe.against} was not run beside it for as many steps"
    beside = run.against["1nnc"]
    numbers = f"1NNC {_text(score)}, {run.recipe.against} {_text(beside)}"
    if min(_departure(run.scores), _departure(run.against)) > HOPELESS:
        return None, f"{numbers}: neither is near real windows"
    return score.low <= beside.high and beside.low <= score.high, f"{numbers}; one seed, no proof of equality"


def _departure(scores: Mapping[str, Score]) -> float:
    """How far the halves of 1NNC are from 0.5; their mean can be 0.5 for noise."""
    return sum(abs(scores[half].value - 0.5) for half in HALVES) / 2


def _collapse(run: Run, expected: bool) -> Result:
    events = run.monitor[run.monitor["event"].fillna("").str.contains("collapse")]
    similarity = run.scores.get("similarity")
    alike = f"; similarity of images {_text(similarity)}, real {similarity.baseline:.3g}" if similarity else ""
    steps = run.counts["steps"]
    if len(events):
        return expected, f"collapse at step {int(events['step'].iloc[0])} of {steps}{alike}"
    epochs = steps * run.recipe.train.batch / run.counts["training"]
    numbers = f"no collapse in {steps} steps, {epochs:.0f} epochs{alike}"
    return (not expected if epochs >= COLLAPSE_EPOCH else None), numbers


def _noisy(run: Run) -> Result:
    noise = run.scores["noise"]
    if noise.baseline is None:
        return None, "no control windows"
    numbers = f"share of power in high frequencies {_text(noise)}, in real windows {noise.baseline:.3g}"
    return noise.low > noise.baseline, numbers


def _smoothing(run: Run) -> Result:
    if not run.against:
        return None, f"{run.recipe.against} was not run beside it"
    if not {"similarity", "noise"} <= run.scores.keys() & run.against.keys():
        return None, "images of this side are too small to measure their similarity"
    alike, alike_hard = run.scores["similarity"], run.against["similarity"]
    noise, noise_hard = run.scores["noise"], run.against["noise"]
    numbers = (
        f"similarity of images {_text(alike)} with smoothing, {_text(alike_hard)} with hard labels; "
        f"noise {_text(noise)} and {_text(noise_hard)}"
    )
    return alike.high < alike_hard.low and noise.high < noise_hard.low, numbers


def _classes(run: Run) -> Result:
    if "class_accuracy" not in run.scores:
        return None, "this discriminator does not classify"
    fake, real = run.scores["class_accuracy"], run.scores["class_recall_control"]
    numbers = (
        f"class accuracy of the discriminator {_text(fake)} on generated images (majority class {fake.baseline:.3g}); "
        f"on control windows, mean over the classes, {_text(real)} (guessing {real.baseline:.3g})"
    )
    return fake.low > 0.9 and real.low > (real.baseline or 0), numbers


def _columns(run: Run) -> Result:
    usual = {"null_clean": 1.0, "ks_worst": 0.0, "share_worst": 0.0}  # of tables that lack what they are about
    clean, ks, share = (run.scores[name].value if name in run.scores else value for name, value in usual.items())
    inside = run.scores["inside_ranges"].value
    numbers = (
        f"NULL pixels all 0 in {clean:.4g} of images; rows inside the ranges {inside:.4g}; "
        f"worst KS distance {ks:.3g}; worst difference of shares {share:.3g}"
    )
    reproduced = clean >= NULL_LIMIT and ks <= KS_LIMIT and abs(share) <= SHARE_LIMIT and inside == 1
    return reproduced, numbers


def _pictures(run: Run) -> Result:
    alike = run.scores.get("similarity")
    score = run.scores["1nnc"]
    numbers = f"1NNC {_text(score)}, real against real {score.baseline:.3g}"
    if alike is None or alike.baseline is None:
        return None, numbers
    numbers += f"; similarity of images {_text(alike)}, real {alike.baseline:.3g}"
    return _departure(run.scores) <= HOPELESS and alike.value <= alike.baseline * 1.5, numbers


TESTS: Mapping[str, Callable[[Run], Result]] = {
    "pulses": _pulses,
    "bounds": _bounds,
    "no difference": _no_difference,
    "collapse": partial(_collapse, expected=True),
    "no collapse": partial(_collapse, expected=False),
    "noisy": _noisy,
    "smoothing": _smoothing,
    "classes": _classes,
    "columns": _columns,
    "pictures": _pictures,
}
