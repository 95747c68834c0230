"""Heart beats in a window: how many R peaks there are."""

import warnings

import numpy as np

from ..score import Score, interval

SHORTEST_S = 0.8  # seconds; neurokit2's filters do not fit into shorter windows
TWO_SECONDS = (1.8, 2.2)  # windows of the paper, which hold "between 2 and 3 heart beats most of the times" (§3.3.2)


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
