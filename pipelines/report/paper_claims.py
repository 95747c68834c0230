"""What the source paper observed in each of its sections, and whether a run reproduces it, by a measured criterion.

Source of the claims: Piacentino, Guarner and Angulo, the sections named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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


Test = Callable[[Run], tuple[bool | None, str]]


@dataclass(frozen=True)
class Observation:
    """Whether a run reproduces what the paper observed.

    Arguments:
        claim: the paper's.
        criterion: what was measured to decide.
        reproduced: yes or no; None: inconclusive.
        sentence: the result in one sentence, with its numbers.
    """

    claim: str
    criterion: str
    reproduced: bool | None
    sentence: str


@dataclass(frozen=True)
class PaperClaim:
    """A claim of the paper and how it is tested.

    Arguments:
        claim: the paper's.
        criterion: what decides.
        test: whether a run meets the criterion, None if that is inconclusive, and the numbers in words.
        trained: it is about what the networks learned.
    """

    claim: str
    criterion: str
    test: Test
    trained: bool = True


def observe(run: Run) -> Observation | None:
    """The test of the claim of a run's section; None for a recipe of no section."""
    known = CLAIMS.get(run.recipe.name)
    if known is None:
        return None
    reproduced, numbers = known.test(run)
    if len(run.monitor) < LEAST_CHECKS and known.trained:
        reproduced, numbers = None, f"{run.counts['steps']} steps are too few; {numbers}"
    return Observation(known.claim, known.criterion, reproduced, f"{VERDICTS[reproduced]}: {numbers}")


def _text(score: Score) -> str:
    return f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g})"


def _pulses(run: Run) -> tuple[bool | None, str]:
    score = run.scores.get("peaks_2_3")
    if score is None or score.baseline is None:
        return None, "windows are not of about two seconds, or no R peak detector fits"
    numbers = (
        f"two or three R peaks in a share of {_text(score)} of generated windows, {score.baseline:.3g} of real ones"
    )
    return score.value >= 0.9 * score.baseline, numbers


def _bounds(run: Run) -> tuple[bool | None, str]:
    score = run.scores.get("saturated_windows")
    if score is None:
        return None, "no quantile bounds"
    if set(run.codec.units) != {"mV"}:
        return None, f"units are {', '.join(sorted(set(run.codec.units))) or 'unknown'}, the paper's 4 % is of mV"
    numbers = f"{_text(score)} of windows have a value outside the bounds, the paper 0.04"
    if score.high - score.low > WIDE:
        return None, f"{numbers}; too few people for so small a share"
    return score.low <= 0.04 <= score.high, numbers


def _no_difference(run: Run) -> tuple[bool | None, str]:
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


def _collapse(expected: bool) -> Test:
    def test(run: Run) -> tuple[bool | None, str]:
        events = run.monitor[run.monitor["event"].fillna("").str.contains("collapse")]
        similarity = run.scores.get("similarity")
        alike = f"; similarity of images {_text(similarity)}, real {similarity.baseline:.3g}" if similarity else ""
        steps = run.counts["steps"]
        if len(events):
            return expected, f"collapse at step {int(events['step'].iloc[0])} of {steps}{alike}"
        epochs = steps * run.recipe.train.batch / run.counts["training"]
        numbers = f"no collapse in {steps} steps, {epochs:.0f} epochs{alike}"
        return (not expected if epochs >= COLLAPSE_EPOCH else None), numbers

    return test


def _noisy(run: Run) -> tuple[bool | None, str]:
    noise = run.scores["noise"]
    if noise.baseline is None:
        return None, "no control windows"
    numbers = f"share of power in high frequencies {_text(noise)}, in real windows {noise.baseline:.3g}"
    return noise.low > noise.baseline, numbers


def _smoothing(run: Run) -> tuple[bool | None, str]:
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


def _classes(run: Run) -> tuple[bool | None, str]:
    if "class_accuracy" not in run.scores:
        return None, "this discriminator does not classify"
    fake, real = run.scores["class_accuracy"], run.scores["class_recall_control"]
    numbers = (
        f"class accuracy of the discriminator {_text(fake)} on generated images (majority class {fake.baseline:.3g}); "
        f"on control windows, mean over the classes, {_text(real)} (guessing {real.baseline:.3g})"
    )
    return fake.low > 0.9 and real.low > (real.baseline or 0), numbers


def _thyroid(run: Run) -> tuple[bool | None, str]:
    clean = run.scores.get("null_clean")
    ks, share, inside = run.scores.get("ks_worst"), run.scores.get("share_worst"), run.scores["inside_ranges"]
    numbers = (
        f"NULL pixels all 0 in {clean.value if clean else 1:.4g} of images; rows inside the ranges {inside.value:.4g}; "
        f"worst KS distance {ks.value if ks else 0:.3g}; worst difference of shares {share.value if share else 0:.3g}"
    )
    reproduced = (
        (clean is None or clean.value >= NULL_LIMIT)
        and (ks is None or ks.value <= KS_LIMIT)
        and (share is None or abs(share.value) <= SHARE_LIMIT)
    )
    return reproduced and inside.value == 1, numbers


def _pictures(run: Run) -> tuple[bool | None, str]:
    alike = run.scores.get("similarity")
    score = run.scores["1nnc"]
    numbers = f"1NNC {_text(score)}, real against real {score.baseline:.3g}"
    if alike is None or alike.baseline is None:
        return None, numbers
    numbers += f"; similarity of images {_text(alike)}, real {alike.baseline:.3g}"
    return _departure(run.scores) <= HOPELESS and alike.value <= alike.baseline * 1.5, numbers


_TWO_OR_THREE = "as many generated windows have two or three R peaks as real ones, within a tenth"
_PULSES = PaperClaim("generated cardiograms have heart pulses, two or three to a window", _TWO_OR_THREE, _pulses)
_RESEMBLE = "1NNC's halves do not clearly separate them, and their similarity is at most 1.5 times that of real ones"

CLAIMS: dict[str, PaperClaim] = {
    "ptb-z": _PULSES,
    "ptb-quantile": PaperClaim(
        "only 4 % of the samples have at least one value outside the quantile bounds",
        "4 % lies in the interval of the measured share, which is narrow enough",
        _bounds,
        trained=False,
    ),
    "ptb-transposed": PaperClaim(
        "no significant differences to the Z arrangement", "the intervals of 1NNC overlap", _no_difference
    ),
    "ptb-reversed": PaperClaim(
        "no significant differences to the Z arrangement", "the intervals of 1NNC overlap", _no_difference
    ),
    "ptb-rgb-small-batch": PaperClaim(
        "with batches of 30 training collapses", "the monitor reports a collapse", _collapse(expected=True)
    ),
    "ptb-rgb": PaperClaim(
        "with batches of 60 training does not collapse", "the monitor reports no collapse", _collapse(expected=False)
    ),
    "ptb-six": PaperClaim(
        "six leads: too noisy, far from electrocardiograms",
        "more power in high frequencies than real windows have",
        _noisy,
    ),
    "ptb-rgb-smooth": PaperClaim(
        "one-sided label smoothing gives more variety and less noise than hard labels",
        "both intervals lie below those of hard labels: similarity of images, and power in high frequencies",
        _smoothing,
    ),
    "ptb-acgan": PaperClaim(
        "classes are recognised with very high accuracy in generated images, and with high accuracy in real ones",
        "accuracy on generated images above 0.9; on control people, mean over the classes, above guessing",
        _classes,
    ),
    "thyroid": PaperClaim(
        "continuous columns stay within their ranges, binary ones have the same shares, the NULL area is 0",
        f"NULL clean in {NULL_LIMIT:.1%}, KS at most {KS_LIMIT}, shares within {SHARE_LIMIT * 100:.0f} points",
        _thyroid,
    ),
    "fingerprint": PaperClaim("generated pictures resemble real ones", _RESEMBLE, _pictures),
    "iris": PaperClaim("generated pictures resemble real ones", _RESEMBLE, _pictures),
}
CLAIMS["thyroid-best"] = CLAIMS["thyroid"]
