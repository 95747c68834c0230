"""Images: what coding costs before any network, NULL pixels, how alike images are, and how far two sets are apart."""

import numpy as np
import pandas as pd

from ...data.store.store import Store
from ...transforms import AdaptedRange, Codec, Compose, Saturation, Transform
from .distances import score_kernel
from .resampling import RESAMPLES, ends, interval, score_mean
from .scores import Score
from .sets import Comparison

PAIRS = 300  # of images, for the diversity of a set
SSIM_WINDOW = 7  # pixels; scikit-image's own choice
IMAGES = 500  # of a set at most, for the kernel distance
POOLED = 8  # pixels a side that an image is averaged to
CELLS, ORIENTATIONS = 4, 8  # histograms of gradients: a side, and directions in each
PAPER_WIDTH = 2.5  # mV, of eq. 3
PAPER_SHARE_OUTSIDE = 0.04  # "only 4% of the samples have at least one of the values outside these bounds", section 4.1


def score_diversity(sets: Comparison) -> dict[str, Score]:
    """How alike images (N, c, H, W) uint8 of a set are: mean structural similarity of random pairs, by scikit-image.

    Pairs of control images are of two patients, if there are two.
    Source: Odena, Olah and Shlens 2016, section 4.2 (MS-SSIM); images of 45×45 are too small for several scales.
    """
    if min(sets.synthetic.shape[2:]) < SSIM_WINDOW:
        return {}
    synthetic = _similarities(sets.synthetic, sets.own, sets.seed)
    control = _similarities(sets.control, sets.control_patients, sets.seed)
    return {"similarity": score_mean(synthetic, np.arange(PAIRS), control, sets.seed)}


def score_kernel_images(sets: Comparison) -> dict[str, Score]:
    """Kernel distance of images (N, c, H, W) uint8: what they look like from afar, and which way their edges run.

    Nothing for images below 8 × 8.
    Source: Bińkowski et al. 2018, on means of 8 × 8 areas and histograms of oriented gradients (Dalal and Triggs 2005),
    which say as much of a scan or a coded signal as of a photograph; a network that learnt photographs does not.
    """
    if min(sets.synthetic.shape[2:]) < POOLED:
        return {}
    sets = sets.at_most(IMAGES, np.random.default_rng(sets.seed)).mapped(_features)
    real = np.concatenate([sets.control, sets.training])
    spread = max(real.std(axis=0).mean(), 1e-6)  # one for all, so that what hardly varies is not blown up
    return {"kernel_images": score_kernel(sets.mapped(lambda x: (x - real.mean(axis=0)) / spread))}


def score_null(images: np.ndarray, null: np.ndarray, seed: int) -> dict[str, Score]:
    """Share of generated images (N, c, H, W) whose NULL pixels (c, H, W), if there are any, are all exactly 0.

    Source: the NULL area of Piacentino et al., section 3.3.3, Fig. 5.
    """
    if not null.any():
        return {}
    clean = (images[:, null] == 0).all(axis=1)
    draws = np.random.default_rng(seed).binomial(len(clean), clean.mean(), RESAMPLES) / len(clean)
    return {"null_clean": Score(float(clean.mean()), *ends(draws), 1.0, len(clean))}


def score_round_trip(windows: Comparison, coded: Comparison, codec: Codec) -> dict[str, Score]:
    """What coding and decoding changes real windows: root mean square, and at most where nothing is cut off."""
    x, decoded = (np.concatenate([sets.training, sets.control]) for sets in (windows, coded))
    patients = np.concatenate([windows.training_patients, windows.control_patients])
    scale, unit = (1000.0, "µV") if set(codec.units) == {"mV"} else (1.0, codec.units[0])
    error = scale * np.abs(decoded - x)
    squares = np.nanmean(error**2, axis=(1, 2))
    rms = interval(squares, patients, lambda values: float(np.sqrt(values.mean())), windows.seed)
    whole = np.array([not any(cut.values for cut in codec.saturated(x[k : k + 1]).values()) for k in range(len(x))])
    tolerance = scale * codec.tolerance
    scores = {"round_trip_rms": Score(float(np.sqrt(squares.mean())), *rms, tolerance, len(x), unit)}
    if whole.any():
        largest = float(np.nanmax(error[whole]))
        scores["round_trip_max"] = Score(largest, largest, largest, tolerance, int(whole.sum()), unit)
    return scores


def score_saturation(store: Store, codec: Codec, is_ecg: bool, seed: int) -> dict[str, Score]:
    """Shares of all windows and values of a store that reach beyond their bounds; of an ECG beside the paper's."""
    whole = codec.standardizer
    counted = [
        part for part in (whole.parts if isinstance(whole, Compose) else (whole,)) if isinstance(part, Transform)
    ]
    if is_ecg and not any(isinstance(part, AdaptedRange) for part in counted):
        counted.append(AdaptedRange(PAPER_WIDTH))
    by_patient = [_of_patient(store, counted, windows) for _, windows in store.frame.groupby("patient", sort=True)]
    kinds = {
        "saturated_windows": ("QuantileBounds", ("windows", "n_windows"), PAPER_SHARE_OUTSIDE if is_ecg else None),
        "saturated_values": ("QuantileBounds", ("values", "n_values"), None),
        "wide_windows": ("AdaptedRange", ("windows", "n_windows"), None),
    }

    def share(counts: np.ndarray) -> float:
        some, all_ = counts.sum(axis=0)
        return float(some / max(all_, 1))

    scores = {}
    for name, (transform, fields, baseline) in kinds.items():
        if any(transform in counts for counts in by_patient):
            counts = np.array([[getattr(each[transform], field) for field in fields] for each in by_patient])
            low, high = interval(counts, np.arange(len(counts)), share, seed)
            scores[name] = Score(share(counts), low, high, baseline, len(store.frame))
    return scores


def _of_patient(store: Store, counted: list[Transform], windows: pd.DataFrame) -> dict[str, Saturation]:
    total: dict[str, Saturation] = {}
    for first in range(0, len(windows), 1024):
        chunk = windows.iloc[first : first + 1024]
        x = store.values(chunk.index.to_numpy())
        for transform in counted:
            for name, saturation in transform.saturated(x).items():
                total[name] = total.get(name, Saturation(0, 0, 0, 0)) + saturation
    return total


def _features(images: np.ndarray) -> np.ndarray:
    """(N, c · 64 + 128): means of areas, and histograms of gradients; what is left over at the edges is cut off."""
    from skimage.feature import hog
    from skimage.transform import downscale_local_mean

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
    from skimage.metrics import structural_similarity

    rng = np.random.default_rng(seed)
    numbers = np.arange(len(images)) if len(np.unique(groups)) < 2 else np.unique(groups, return_inverse=True)[1]
    firsts = rng.integers(len(images), size=PAIRS)
    pairs = ([first, rng.choice(np.flatnonzero(numbers != numbers[first]))] for first in firsts)
    return np.array(
        [structural_similarity(*images[pair], channel_axis=0, win_size=SSIM_WINDOW, data_range=255) for pair in pairs]
    )
