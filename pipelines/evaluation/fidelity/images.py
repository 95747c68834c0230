"""Images, whatever they show: how alike those of a set are, and how far one set is from another."""

import numpy as np
from skimage.feature import hog
from skimage.metrics import structural_similarity
from skimage.transform import downscale_local_mean

from ..score import Score, interval
from .distances import score_kernel
from .resampling import some

PAIRS = 300  # of images, for the diversity of a set
SSIM_WINDOW = 7  # pixels; scikit-image's own choice
IMAGES = 500  # of a set at most, for the kernel distance
POOLED = 8  # pixels a side that an image is averaged to
CELLS, ORIENTATIONS = 4, 8  # histograms of gradients: a side, and directions in each


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


def score_kernel_images(
    generated: np.ndarray, control: np.ndarray, control_patients: np.ndarray, training: np.ndarray, seed: int
) -> dict[str, Score]:
    """Kernel distance of two sets of images: what they look like from afar, and which way their edges run.

    Arguments:
        generated, control, training: (N, c, H, W) uint8, N at least 2.
        control_patients: (N,) the patient of each control image.
        seed: of the draws and the bootstrap.

    Returns:
        "kernel_images"; baseline: training images in the generated ones' place. Nothing for images below 8 × 8.

    Source: Bińkowski et al. 2018, on means of 8 × 8 areas and histograms of oriented gradients (Dalal and Triggs 2005),
    which say as much of a scan or a coded signal as of a photograph; a network that learnt photographs does not.
    """
    if min(generated.shape[2:]) < POOLED:
        return {}
    rng = np.random.default_rng(seed)
    rows = [some(x, IMAGES, rng) for x in (generated, control, training)]
    sets = [_features(x[at]) for x, at in zip((generated, control, training), rows, strict=True)]
    real = np.concatenate(sets[1:])
    spread = real.std(axis=0).mean()  # one for all, so that what hardly varies is not blown up
    g, c, t = ((x - real.mean(axis=0)) / max(spread, 1e-6) for x in sets)
    return {"kernel_images": score_kernel(g, c, control_patients[rows[1]], t, seed)}


def _features(images: np.ndarray) -> np.ndarray:
    """(N, c · 64 + 128): means of areas, and histograms of gradients; what is left over at the edges is cut off."""
    sides = images.shape[2:]
    factors = tuple(side // POOLED for side in sides)
    cut = images[:, :, : POOLED * factors[0], : POOLED * factors[1]] / 255
    pooled = downscale_local_mean(cut, (1, 1, *factors)).reshape(len(images), -1)
    cell = tuple(side // CELLS for side in sides)
    grey = images[:, :, : CELLS * cell[0], : CELLS * cell[1]].mean(axis=1)
    edges = [hog(image, ORIENTATIONS, cell, (1, 1)) for image in grey]
    return np.hstack([pooled, np.array(edges)])


def _similarities(images: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """(PAIRS,) similarities of two images each, of different groups (N,) if there are any."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(len(images)) if len(np.unique(groups)) < 2 else np.unique(groups, return_inverse=True)[1]
    firsts = rng.integers(len(images), size=PAIRS)
    pairs = ([first, rng.choice(np.flatnonzero(numbers != numbers[first]))] for first in firsts)
    return np.array(
        [structural_similarity(*images[pair], channel_axis=0, win_size=SSIM_WINDOW, data_range=255) for pair in pairs]
    )
