"""The eight ECG parameters of the DeepFake-ECG paper's Table 2, of each window, and how two sets compare in them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from .beats import delineate, filled
from .resampling import correlations, kolmogorov_smirnov, multiplicities, score_around, shares, some
from .scores import Score
from .sets import Comparison

# the first of these that a record has is measured, as in the paper (V5); else the first channel
LEADS = ("v5", "ii", "i")
LEVEL_S = 0.010  # seconds before QRS over which the isoelectric level is taken: the PR segment
FEWEST, FEWEST_AT_ENDS = 20, 40  # windows from which on there are mean, spread and distance, and percentiles
PERCENTILES = (2.5, 97.5)
MOST = 5000  # windows of a set that are compared


class Parameter(NamedTuple):
    """One column of what `measure_parameters` returns."""

    key: str
    title: str
    unit: str


PARAMETERS = (
    Parameter("heart_rate", "Heart rate", "bpm"),
    Parameter("p_duration", "P duration", "ms"),
    Parameter("qt", "QT interval", "ms"),
    Parameter("qrs", "QRS duration", "ms"),
    Parameter("pr", "PR interval", "ms"),
    Parameter("stj", "STJ amplitude", "µV"),
    Parameter("r", "R amplitude", "µV"),
    Parameter("t", "T amplitude", "µV"),
)
RR = Parameter("rr", "RR interval", "ms")  # kept for its relation to QT


def measured_lead(channels: Sequence[str]) -> int:
    """Position of the lead on which parameters are measured: the first of `LEADS` among them, else the first."""
    names = [name.strip().casefold() for name in channels]
    return next((names.index(lead) for lead in LEADS if lead in names), 0)


def measure_parameters(values: np.ndarray, channels: Sequence[str], fs: float) -> pd.DataFrame:
    """ECG parameters of each window (N, C, L) in mV, with C lead names, at fs Hz: the median over its beats.

    Returns:
        N rows; the columns are the keys of `PARAMETERS` and "rr". Amplitudes are against the level just before QRS, the
        J point being where QRS ends. NaN: not to be had, as the heart rate of a window with a single beat.

    Source: DeepFake electrocardiograms, Table 2 and Figure 3.
    """
    signals = filled(values[:, measured_lead(channels)])
    beats = delineate(signals, fs)
    medians = _of_beats(signals, beats, fs).groupby(beats["window"].to_numpy()).median()
    keys = [parameter.key for parameter in (*PARAMETERS, RR)]
    table = medians.reindex(index=range(len(signals)), columns=keys).astype(float)
    table["heart_rate"] = 60_000 / table["rr"]
    return table


def _of_beats(signals: np.ndarray, beats: pd.DataFrame, fs: float) -> pd.DataFrame:
    """The same for each beat, without the heart rate."""
    windows = beats["window"].to_numpy()
    at = (beats.drop(columns="window") * fs).round()  # samples
    ends = at[["qrs_on", "qrs_off"]].to_numpy()
    r = np.full(len(beats), np.nan)
    for beat in np.flatnonzero(~np.isnan(ends).any(axis=1)):
        on, off = ends[beat].astype(int)
        r[beat] = signals[windows[beat], on : off + 1].max()
    before = range(1, 1 + max(1, round(LEVEL_S * fs)))
    level = np.mean([_voltage(signals, windows, at["qrs_on"] - back) for back in before], 0)
    microvolts = {
        "stj": _voltage(signals, windows, at["qrs_off"]) - level,
        "r": r - level,
        "t": _voltage(signals, windows, at["t_peak"]) - level,
    }
    seconds = {
        "p_duration": beats["p_off"] - beats["p_on"],
        "qt": beats["t_off"] - beats["qrs_on"],
        "qrs": beats["qrs_off"] - beats["qrs_on"],
        "pr": beats["qrs_on"] - beats["p_on"],
        "rr": beats["r"].diff().where(beats["window"].diff() == 0),
    }
    return pd.DataFrame(microvolts | seconds) * 1000


def _voltage(signals: np.ndarray, windows: np.ndarray, samples: pd.Series) -> np.ndarray:
    """mV at one sample of each beat (B,), NaN outside of the window."""
    inside = (samples >= 0) & (samples < signals.shape[1])
    return np.where(inside, signals[windows, samples.where(inside, 0).astype(int)], np.nan)


def score_parameters(
    synthetic: pd.DataFrame, control: pd.DataFrame, control_patients: np.ndarray, training: pd.DataFrame, seed: int
) -> tuple[dict[str, Score], dict[str, str]]:
    """How the parameters of generated windows, from `measure_parameters`, are distributed against control windows'.

    Returns:
        The scores, and what was not measured, because too few windows of a set have it, and why; by the name of the
        score, or by KEY where all but "KEY: undetectable" are missing.

    Source: DeepFake electrocardiograms, Table 2 and Figure 4.
    """
    if not (len(synthetic) and len(control)):
        why = f"{len(synthetic)} synthetic and {len(control)} control windows; some of both are needed"
        return {}, {"ECG parameters": why}
    rng = np.random.default_rng(seed)
    synthetic = synthetic.iloc[some(synthetic.to_numpy(), MOST, rng)]
    kept = some(control.to_numpy(), MOST, rng)
    control, control_patients = control.iloc[kept], control_patients[kept]
    times = multiplicities(np.arange(len(synthetic)), rng)  # (R, N)
    control_times = multiplicities(control_patients, rng)
    scores: dict[str, Score] = {}
    missing: dict[str, str] = {}
    for key, _, unit in PARAMETERS:
        own, real, learnt = (table[key].to_numpy(float) for table in (synthetic, control, training))
        measured, measured_real = ~np.isnan(own), ~np.isnan(real)
        share = float(1 - measured.mean())
        drawn = shares(times) @ ~measured
        scores[f"{key}: undetectable"] = score_around(share, drawn, 1 - measured_real.mean(), len(own), (0, 1))
        own, real, learnt = own[measured], real[measured_real], learnt[~np.isnan(learnt)]
        if why := _lacking(own, real, FEWEST):
            missing[key] = why
            continue
        baselines, draws = _moments(real), _moments(own, times[:, measured])
        for name, value in _moments(own).items():
            if name.endswith("%") and (why := _lacking(own, real, FEWEST_AT_ENDS)):
                missing[f"{key}: {name}"] = why
                continue
            drawn = _finite(draws[name])
            scores[f"{key}: {name}"] = score_around(value[0], drawn, baselines[name][0], len(own), unit=unit)
        sets = Comparison(own, real, learnt, seed=seed)
        scores[f"{key}: KS"] = _score_distance(sets, times[:, measured], control_times[:, measured_real], rng)
    relation, without = _score_relation(synthetic, control, times)
    return scores | relation, missing | without


def _lacking(own: np.ndarray, real: np.ndarray, least: int) -> str:
    """Why so few values (N,) and (M,) say nothing; "" if they are enough."""
    enough = min(len(own), len(real)) >= least
    return "" if enough else f"{len(own)} synthetic and {len(real)} control windows have it; it takes {least} of each"


def _score_distance(sets: Comparison, times: np.ndarray, control_times: np.ndarray, rng: np.random.Generator) -> Score:
    """KS distance of (N,) synthetic values from (M,) control ones; of as many training values as baseline, if any."""
    own, real, learnt = sets.values
    if len(learnt) < FEWEST:
        value, baseline = float(kolmogorov_smirnov(own, real)[0]), None
    else:  # the smaller a set, the farther it is from any other
        rows, others = (some(x, min(len(own), len(learnt)), rng) for x in (own, learnt))
        own, times = own[rows], times[:, rows]
        value, baseline = (float(kolmogorov_smirnov(x, real)[0]) for x in (own, learnt[others]))
    draws = _finite(kolmogorov_smirnov(own, real, times, control_times))
    return score_around(value, draws, baseline, len(own), (0, 1))


def _score_relation(
    synthetic: pd.DataFrame, control: pd.DataFrame, times: np.ndarray
) -> tuple[dict[str, Score], dict[str, str]]:
    """How QT follows RR."""
    measured = synthetic[["rr", "qt"]].notna().all(axis=1).to_numpy()
    pairs, real = (table[["rr", "qt"]].dropna().to_numpy(float) for table in (synthetic, control))
    if why := _lacking(pairs, real, FEWEST):
        return {}, {"qt_rr": why}
    r, baseline = _correlation(pairs)[0], _correlation(real)[0]
    if not np.isfinite(r):
        return {}, {"qt_rr": "QT or RR is the same in all synthetic windows"}
    draws = _finite(_correlation(pairs, times[:, measured]))
    scores = {}
    for name, power, least in (("qt_rr: r", 1, -1), ("qt_rr", 2, 0)):
        beside = baseline**power if np.isfinite(baseline) else None
        scores[name] = score_around(r**power, draws**power, beside, len(pairs), (least, 1))
    return scores, {}


def _correlation(pairs: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """Correlation (R,) of the columns of pairs (N, 2), each row taken so many times (R, N); NaN: constant."""
    if (np.ptp(pairs, axis=0) == 0).any():
        return np.full(1, np.nan)
    standard = (pairs - pairs.mean(axis=0)) / pairs.std(axis=0)
    return np.concatenate([correlations(standard, each) for each in ([None] if times is None else times)])


def _moments(values: np.ndarray, times: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Mean, standard deviation and percentiles (R,) of values (N,) taken so many times each (R, N)."""
    order = np.argsort(values)
    values = values[order]
    times = np.ones((1, len(values))) if times is None else times[:, order].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):  # a bootstrap sample may hold none of them
        total = times.sum(axis=1)
        mean = times @ values / total
        spread = np.sqrt(np.maximum(times @ values**2 - total * mean**2, 0) / (total - 1))
    moments = {"mean": mean, "sd": spread}
    reached = times.cumsum(axis=1)
    for percent in PERCENTILES:
        position = (reached >= total[:, None] * percent / 100).argmax(axis=1)
        moments[f"{percent} %"] = np.where(total > 0, values[position], np.nan)
    return moments


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]
