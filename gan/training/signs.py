"""Signs of failing training: one row of numbers for each check, and the events that follow from them.

Everything is a function of the rows so far, so that a resumed run reports the same events as an uninterrupted one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

# Measured on electrocardiograms (45×45, widths from 16 to 256, both families, learning rates from 2e-5 to 2e-3): from
# the third check on, a healthy ratio stayed above 0.2, the spread of the generator's loss above 0.1, and the difference
# between classes above 0.1 of the variety; the critic's loss came down to 0.03 above its floor now and then. A critic
# that had won, over images of noise, stayed at 0.01; with the non-saturating loss the gradient did not shrink.
LOW_RATIO = 0.1  # variety of generated images over that of real ones
GREY_CHECKS = 3  # first checks, when low variety may be only that everything is still grey
LOW_CHECKS = 4  # in a row
NO_SPREAD = 1e-3  # of the generator's loss, relative to its size
SPREAD_CHECKS = 8  # over so many
SAME_CLASSES = 0.02  # difference between classes, over the variety within them
KNOWS_CLASSES = 0.5  # the class head's skill on real images from which its judgement counts
SURE = 0.02  # the critic's loss above its floor
VANISHING = 0.01  # the generator's gradient, over its median in the first checks
FIRST_CHECKS = 8
SURE_CHECKS = 20  # in a row, when the critic has won whatever the gradient is


@dataclass(frozen=True)
class Check:
    """The state of training at a check: a row of monitor.csv."""

    step: int  # steps completed
    variety: float  # mean distance between two generated images (of one class), root mean square of grey levels
    real_variety: float  # the same of the real images of the step; nan if no two are of one class
    ratio: float  # of the two; 1 where real images do not vary
    critic_loss: float  # in this step, the sum over all critics
    critic_excess: float | None  # critic_loss above the objective's floor; None where it is unbounded
    generator_loss: float  # in this step
    spread: float  # largest less smallest generator_loss in the last checks
    gradient: float  # norm of the generator's gradient in this step
    # mean distance of images of the same latent vector in two classes, over the variety; None without classes
    between_classes: float | None = None
    # largest share of generated images, of all classes alike, that the class head takes for one class; None without it
    largest_class: float | None = None
    # of the class head on the step's real images: 0 = as good as always saying the commonest class, 1 = always right
    skill: float | None = None
    event: str = ""  # what began here, joined with +
    restarts: int = 0  # how often training was rolled back


def varieties(images: np.ndarray, labels: np.ndarray | None = None) -> float:
    """Return the mean distance (RMS) of two images, uint8 (N, c, H, W), of the same class if labels (N,) are given."""
    distances = _distances(images)
    pairs = np.triu(np.ones_like(distances, dtype=bool), 1)
    if labels is not None:
        pairs &= labels[:, None] == labels
    return float(distances[pairs].mean()) if pairs.any() else math.nan


def between_classes(images: np.ndarray) -> float:
    """Return the mean distance between images, uint8 (K, n, c, H, W), of a latent vector in two classes."""
    classes, n = images.shape[:2]
    pairs = np.triu(np.ones((classes, classes), bool), 1)
    return float(np.mean([_distances(images[:, k])[pairs].mean() for k in range(n)]))


def with_spread(before: Sequence[Check], check: Check) -> Check:
    """Return the check with the spread of the generator's loss filled in."""
    losses = [row.generator_loss for row in (*before[-SPREAD_CHECKS + 1 :], check)]
    return replace(check, spread=max(losses) - min(losses))


def events(checks: Sequence[Check]) -> dict[str, str]:
    """Return what is wrong at the last of all checks: a sentence of evidence by kind of event."""
    detectors = {"collapse": _collapse, "stuck": _stuck, "one_class": _one_class, "discriminator_won": _won}
    return {kind: evidence for kind, detect in detectors.items() if checks and (evidence := detect(checks))}


def last_healthy(checks: Sequence[Check]) -> int:
    """Return the step of the last check at which nothing was even suspicious; 0 if there is none."""
    stuck = SPREAD_CHECKS if _stuck(checks) else 0  # a loss is stuck from its first check on
    for number in reversed(range(len(checks) - stuck)):
        row = checks[number]
        if not (_is_flat(checks, number) or _is_sure(row) or _is_one_class(row)):
            return row.step
    return 0


def _collapse(checks: Sequence[Check]) -> str:
    first = len(checks) - LOW_CHECKS
    if first < 0 or not all(_is_flat(checks, number) for number in range(first, len(checks))):
        return ""
    row = checks[-1]
    return (
        f"two generated images differ by {row.variety:.3g} grey levels on average, two real ones by "
        f"{row.real_variety:.3g} (ratio {row.ratio:.2g}, below {LOW_RATIO:g} in {LOW_CHECKS} checks)"
    )


def _is_flat(checks: Sequence[Check], number: int) -> bool:
    if not checks[number].ratio < LOW_RATIO:
        return False
    return number >= GREY_CHECKS or any(row.ratio >= LOW_RATIO for row in checks[:number])


def _stuck(checks: Sequence[Check]) -> str:
    if len(checks) < SPREAD_CHECKS:
        return ""
    row = checks[-1]
    if row.spread > NO_SPREAD * abs(row.generator_loss):
        return ""
    return (
        f"the generator's loss stays at {row.generator_loss:.4g}: in the last {SPREAD_CHECKS} checks it moved by "
        f"{row.spread:.2g} only"
    )


def _one_class(checks: Sequence[Check]) -> str:
    if len(checks) < LOW_CHECKS or not all(map(_is_one_class, checks[-LOW_CHECKS:])):
        return ""
    row = checks[-1]
    if row.between_classes is not None and row.between_classes < SAME_CLASSES:
        return (
            f"the classes look the same: another class changes a generated image by {row.between_classes:.2g} of what "
            f"another latent vector does (below {SAME_CLASSES:g} in {LOW_CHECKS} checks)"
        )
    return (
        f"the critic takes {row.largest_class or 0:.0%} of the generated images, of all classes alike, for one class, "
        f"though it classifies real images (skill {row.skill or 0:.2g} of 1), in {LOW_CHECKS} checks"
    )


def _is_one_class(row: Check) -> bool:
    if row.between_classes is not None and row.between_classes < SAME_CLASSES:
        return True
    return row.largest_class == 1.0 and (row.skill or 0.0) >= KNOWS_CLASSES


def _is_sure(row: Check) -> bool:
    return row.critic_excess is not None and row.critic_excess < SURE


def _won(checks: Sequence[Check]) -> str:
    sure = 0
    while sure < min(len(checks), SURE_CHECKS) and _is_sure(checks[-1 - sure]):
        sure += 1
    first = float(np.median([row.gradient for row in checks[:FIRST_CHECKS]]))
    vanished = all(row.gradient < VANISHING * first for row in checks[-LOW_CHECKS:])
    if sure < SURE_CHECKS and not (sure >= LOW_CHECKS and vanished):
        return ""
    row = checks[-1]
    return (
        f"the critic's loss {row.critic_loss:.3g} stays within {SURE:g} of its lower bound in {sure} checks; the "
        f"generator's gradient is {row.gradient:.2g}, first {first:.2g}"
    )


def _distances(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1).astype(np.float64)  # exact: sums of squares of integers
    squares = (flat**2).sum(1)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * flat @ flat.T, 0) / flat.shape[1])  # (N, N)
