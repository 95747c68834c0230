"""Fidelity: how a generated set compares with windows of patients that training never saw."""

import warnings
from collections.abc import Set

import numpy as np
from skimage.metrics import structural_similarity
from sklearn.neighbors import NearestNeighbors

from ...errors import InputError
from .score import Score, interval

SHORTEST_S = 0.8  # seconds; neurokit2's filters do not fit into shorter windows
TWO_SECONDS = (1.8, 2.2)  # windows of the paper, which hold "between 2 and 3 heart beats most of the times" (§3.3.2)
PAIRS = 300  # of images, for the diversity of a set
SSIM_WINDOW = 7  # pixels; scikit-image's own choice


def refuse_seen_patients(training: Set[str], control: Set[str]) -> None:
    """Control patients must be strangers to the training.

    Raises:
        InputError: some patients are in both; names them.
    """
    seen = sorted(training & control)
    if seen:
        names = ", ".join(seen[:5]) + (", …" if len(seen) > 5 else "")
        raise InputError(f"{len(seen)} control patients were seen in training ({names}); evaluate on other patients")


def nearest_neighbour_accuracy(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Leave-one-out 1-nearest-neighbour test of two sets of equal size.

    Arguments:
        first: (N, …) one set.
        second: (N, …) the other.

    Returns:
        (2N,) 1 where the nearest other element (Euclidean) is of the element's own set. The mean, 1NNC, is 0.5 for
        two draws from one law, 1 for sets that a look at the neighbour tells apart, 0 for a set of copies. But noise
        about the first set gives 0.5 too: nothing is near noise, itself included, so its half is 0 and the other 1.

    Source: Lopez-Paz and Oquab 2017; used for ECGs by ME-GAN, section 4.
    """
    if len(first) != len(second) or len(first) < 2:
        raise InputError(f"1NNC needs two sets of one size, at least 2; got {len(first)} and {len(second)}")
    pooled = np.concatenate([first, second]).reshape(2 * len(first), -1).astype(np.float32)
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(pooled).kneighbors(return_distance=False)[:, 0]
    is_second = np.arange(len(pooled)) >= len(first)
    return (is_second[neighbours] == is_second).astype(np.float64)


def score_1nnc(
    generated: np.ndarray,
    control: np.ndarray,
    control_patients: np.ndarray,
    training: np.ndarray,
    training_patients: np.ndarray,
    seed: int,
) -> dict[str, Score]:
    """1NNC of generated against control windows, and of training against control windows: the floor.

    Arguments:
        generated, control, training: (N, …) windows in the space where they are compared.
        control_patients, training_patients: (N,) the patient of each window.
        seed: of the draw that makes the sets equally large.

    Returns:
        "1nnc" with the floor as its baseline, and "1nnc_floor"; "1nnc_synthetic" and "1nnc_real", its two halves: of
        the generated and of the control windows alone, each with its floor as baseline.
    """
    rng = np.random.default_rng(seed)
    n = min(len(generated), len(control), len(training))
    g, c, t = (rng.choice(len(x), n, replace=False) for x in (generated, control, training))
    pairs = {
        "1nnc": (generated[g], np.array([f"generated {k}" for k in g])),
        "1nnc_floor": (training[t], training_patients[t].astype(str)),
    }
    strangers = control_patients[c].astype(str)
    found = {}
    for name, (windows, groups) in pairs.items():
        right = nearest_neighbour_accuracy(windows, control[c])
        parts = {"": slice(None), "_synthetic": slice(n), "_real": slice(n, None)}
        everybody = np.concatenate([groups, strangers])
        for part, rows in parts.items():
            ends = interval(right[rows], everybody[rows], seed=seed)
            found[name + part] = (float(right[rows].mean()), *ends)
    scores = {
        name: Score(*found[name], baseline=found[name.replace("1nnc", "1nnc_floor")][0], n=n)
        for name in ("1nnc", "1nnc_synthetic", "1nnc_real")
    }
    return scores | {"1nnc_floor": Score(*found["1nnc_floor"], baseline=0.5, n=n)}


def departure(right: np.ndarray) -> float:
    """How far both halves of a 1-nearest-neighbour test are from one half: 0 at best, 0.5 at worst.

    Arguments:
        right: (2N,) as `nearest_neighbour_accuracy` gives it.
    """
    return float(np.abs(right.reshape(2, -1).mean(axis=1) - 0.5).mean())


def count_r_peaks(signals: np.ndarray, fs: float) -> np.ndarray:
    """R peaks per window, found by neurokit2.

    Arguments:
        signals: (N, L) one lead in mV.
        fs: Hz.

    Returns:
        (N,) counts; a window in which the detector finds nothing to work on has none.
    """
    import neurokit2 as nk

    def count(signal: np.ndarray) -> int:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns of every short window
                _, found = nk.ecg_peaks(nk.ecg_clean(signal, sampling_rate=fs), sampling_rate=fs)
        except (ValueError, IndexError, ZeroDivisionError):
            return 0
        return len(found["ECG_R_Peaks"])

    return np.array([count(signal.astype(np.float64)) for signal in signals])


def score_r_peaks(
    generated: np.ndarray, control: np.ndarray, control_patients: np.ndarray, fs: float, seed: int
) -> dict[str, Score]:
    """Mean number of R peaks per generated window, with that of the control windows as baseline.

    Arguments:
        generated, control: (N, L) one lead in mV.
        control_patients: (N,) the patient of each control window.
        fs: Hz.
        seed: of the bootstrap.

    Returns:
        "r_peaks", "r_peaks_control", and "peaks_2_3": the share of windows with two or three, if windows last about
        two seconds; nothing where windows are too short for the detector.
    """
    if generated.shape[1] < SHORTEST_S * fs:
        return {}
    ours, real = count_r_peaks(generated, fs), count_r_peaks(control, fs)
    baseline = float(real.mean())
    scores = {
        "r_peaks": Score(float(ours.mean()), *interval(ours, np.arange(len(ours)), seed=seed), baseline, len(ours)),
        "r_peaks_control": Score(baseline, *interval(real, control_patients, seed=seed), None, len(real)),
    }
    if TWO_SECONDS[0] * fs <= generated.shape[1] <= TWO_SECONDS[1] * fs:
        usual, usual_real = (np.isin(counts, (2, 3)).astype(float) for counts in (ours, real))
        ends = interval(usual, np.arange(len(usual)), seed=seed)
        scores["peaks_2_3"] = Score(float(usual.mean()), *ends, float(usual_real.mean()), len(usual))
    return scores


def score_noise(generated: np.ndarray, control: np.ndarray, fs: float, seed: int) -> dict[str, Score]:
    """How rough the signals are: the share of their power above a twelfth of the sampling rate.

    Arguments:
        generated, control: (N, C, L) in physical units.
        fs: Hz; at 1000 Hz the border is 83 Hz, above nearly all of an ECG.
        seed: of the bootstrap.

    Returns:
        "noise" with that of control windows as baseline.
    """
    ours, real = _rough(generated, fs), _rough(control, fs)
    return {
        "noise": Score(
            float(ours.mean()), *interval(ours, np.arange(len(ours)), seed=seed), float(real.mean()), len(ours)
        )
    }


def _rough(windows: np.ndarray, fs: float) -> np.ndarray:
    """(N,) share of the power, mean over leads, above fs / 12."""
    filled = np.nan_to_num(windows - np.nanmean(windows, axis=2, keepdims=True))
    power = np.abs(np.fft.rfft(filled, axis=2)) ** 2  # (N, C, L // 2 + 1)
    high = np.fft.rfftfreq(windows.shape[2], 1 / fs) > fs / 12
    return np.mean(power[..., high].sum(axis=2) / np.maximum(power.sum(axis=2), 1e-12), axis=1)


def score_limb_leads(generated: np.ndarray, control: np.ndarray, relations: np.ndarray, seed: int) -> dict[str, Score]:
    """How far the limb leads are from the relations that hold between them, with real windows as baseline.

    Arguments:
        generated, control: (N, C, L) in mV.
        relations: (K, C) rows r with r @ x = 0; none: nothing is scored.
        seed: of the bootstrap.

    Returns:
        "einthoven": root mean square of the residuals in µV.
    """
    if not len(relations):
        return {}

    def squares(windows: np.ndarray) -> np.ndarray:
        return 1e6 * np.nanmean((relations @ windows) ** 2, axis=(1, 2))

    def root(values: np.ndarray) -> float:
        return float(np.sqrt(np.mean(values)))

    ours = squares(generated)
    ends = interval(ours, np.arange(len(ours)), root, seed)
    return {"einthoven": Score(root(ours), *ends, root(squares(control)), len(ours), "µV")}


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
