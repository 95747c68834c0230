"""What steps 1 and 2 cost before any network: round-trip error and saturation of real windows."""

import numpy as np
import pandas as pd

from ...data.store.store import Store
from ...transforms import AdaptedRange, Codec, Compose, Saturation, Transform
from .score import Score, interval

PAPER_WIDTH = 2.5  # mV, of eq. 3
PAPER_SHARE_OUTSIDE = 0.04  # "only 4% of the samples have at least one of the values outside these bounds", section 4.1
NONE = Saturation(0, 0, 0, 0)


def score_coding(store: Store, codec: Codec, rows: np.ndarray, seed: int) -> dict[str, Score]:
    """Round trip of some windows, saturation of all.

    Arguments:
        store: real signals.
        codec: fitted.
        rows: positions in the store's frame of the windows whose round trip is measured.
        seed: of the bootstrap.

    Returns:
        "round_trip_rms", "round_trip_max", in µV for signals in mV; shares "saturated_windows" and "saturated_values"
        where the standardizer has quantile bounds; "wide_windows": the share wider than the adapted range, or than the
        paper's where there is none, before anything is cut off.
    """
    return {**_round_trip(store, codec, rows, seed), **_saturation(store, codec, seed)}


def _round_trip(store: Store, codec: Codec, rows: np.ndarray, seed: int) -> dict[str, Score]:
    x = store.samples(rows).values
    scale, unit = (1000.0, "µV") if set(store.units) == {"mV"} else (1.0, store.units[0])
    error = scale * np.abs(codec.decode(codec.encode(x), codec.offset(x)) - x)
    squares = np.nanmean(error**2, axis=(1, 2))
    patients = store.frame["patient"].to_numpy()[rows]
    rms = interval(squares, patients, lambda values: float(np.sqrt(values.mean())), seed)
    whole = np.array([not any(found.values for found in codec.saturated(x[k : k + 1]).values()) for k in range(len(x))])
    tolerance = scale * codec.tolerance
    scores = {"round_trip_rms": Score(float(np.sqrt(squares.mean())), *rms, tolerance, len(x), unit)}
    if whole.any():
        largest = float(np.nanmax(error[whole]))
        scores["round_trip_max"] = Score(largest, largest, largest, tolerance, int(whole.sum()), unit)
    return scores


def _saturation(store: Store, codec: Codec, seed: int) -> dict[str, Score]:
    is_ecg = set(store.units) == {"mV"}  # of other signals the paper says nothing
    counted = _counted(codec, PAPER_WIDTH if is_ecg else None)
    by_patient = [_of_patient(store, counted, windows) for _, windows in store.frame.groupby("patient", sort=True)]
    kinds = {
        "saturated_windows": ("QuantileBounds", "windows", "n_windows", PAPER_SHARE_OUTSIDE if is_ecg else None),
        "saturated_values": ("QuantileBounds", "values", "n_values", None),
        "wide_windows": ("AdaptedRange", "windows", "n_windows", None),
    }
    scores = {}
    for name, (transform, part, whole, baseline) in kinds.items():
        if not any(transform in found for found in by_patient):
            continue
        counts = np.array([[getattr(found[transform], field) for field in (part, whole)] for found in by_patient])

        def share(patients: np.ndarray, counts: np.ndarray = counts) -> float:
            some, all_ = counts[patients].sum(axis=0)
            return float(some / max(all_, 1))

        everybody = np.arange(len(counts))
        ends = interval(everybody, everybody, share, seed)
        scores[name] = Score(share(everybody), *ends, baseline, len(store.frame))
    return scores


def _of_patient(store: Store, counted: list[Transform], windows: pd.DataFrame) -> dict[str, Saturation]:
    found: dict[str, Saturation] = {}
    for first in range(0, len(windows), 1024):
        chunk = windows.iloc[first : first + 1024]
        x = store.values(chunk.index.to_numpy())
        for transform in counted:
            for name, saturation in transform.saturated(x).items():
                found[name] = found.get(name, NONE) + saturation
    return found


def _counted(codec: Codec, width: float | None) -> list[Transform]:
    """The transforms whose saturation is counted, on the signals as they are; width: of a further range."""
    whole = codec.standardizer
    parts = [part for part in (whole.parts if isinstance(whole, Compose) else (whole,)) if isinstance(part, Transform)]
    adapted = any(isinstance(part, AdaptedRange) for part in parts)
    return parts if adapted or width is None else [*parts, AdaptedRange(width)]
