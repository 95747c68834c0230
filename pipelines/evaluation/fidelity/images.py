"""Images, whatever they show: how alike those of a set are."""

import numpy as np
from skimage.metrics import structural_similarity

from ..score import Score, interval

PAIRS = 300  # of images, for the diversity of a set
SSIM_WINDOW = 7  # pixels; scikit-image's own choice


def score_diversity(
    generated: np.ndarray, control: np.ndarray, control_patients: np.ndarray, seed: int
) -> dict[str, Score]:
    """How alike the images of a set are: mean structural similarity of random pairs, by scikit-image.

    Arguments:
        generated, control: (N, c, H, W) uint8, N at least 2.
        control_patients: (N,) the patient of each control image; pairs are of two patients, where there are two.
        seed: of the pairs and the bootstrap.

    Returns:
        "similarity": near 1, the generator gives one image again and again; the baseline is that of control windows.

    Source: Odena, Olah and Shlens 2016, section 4.2 (MS-SSIM); images of 45×45 are too small for several scales.
    """
    if min(generated.shape[2:]) < SSIM_WINDOW:
        return {}
    ours, real = (
        _similarities(generated, np.arange(len(generated)), seed),
        _similarities(control, control_patients, seed),
    )
    return {
        "similarity": Score(float(ours.mean()), *interval(ours, np.arange(PAIRS), seed=seed), float(real.mean()), PAIRS)
    }


def _similarities(images: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """(PAIRS,) similarities of two images each, of different groups (N,) if there are any."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(len(images)) if len(np.unique(groups)) < 2 else np.unique(groups, return_inverse=True)[1]
    firsts = rng.integers(len(images), size=PAIRS)
    pairs = ([first, rng.choice(np.flatnonzero(numbers != numbers[first]))] for first in firsts)
    return np.array(
        [structural_similarity(*images[pair], channel_axis=0, win_size=SSIM_WINDOW, data_range=255) for pair in pairs]
    )
