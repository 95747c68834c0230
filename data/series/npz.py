"""Samples from an .npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, nearest, one_line
from ..samples import Samples
from .rows import sample_frame
from .text import NO_LABEL, settled_fs

# What each array may be called; the first that is there counts.
_LABELS, _PATIENTS = ("label", "labels"), ("patient", "patients")
_KEYS = ("values", *_LABELS, *_PATIENTS, "fs", "channels", "units", "records", "comments")


def read_npz(
    file: Path, fs: float | None, label: str | None, patient: str, known: Sequence[str] = ()
) -> tuple[Samples, dict[str, Any], tuple[str, ...]]:
    """The samples of a file, its form, and the classes; see `read_series`.

    Arguments:
        file: holds `values` (N, C, L) or (N, L), and may hold label or labels (N,), patient or patients (N,), records
            (N,), fs, channels (C,), units (C,), comments.

    Raises:
        InputError: what cannot be used, by file and key.
    """
    arrays = _load(file)
    values = _values(file, arrays)
    n, n_channels, _ = values.shape
    label_key = None if label == NO_LABEL else label or _first(arrays, _LABELS)
    if label_key is not None and label_key not in arrays:
        raise InputError(f"{file}: no key '{label_key}'{nearest(label_key, arrays)}")
    patient_key = _first(arrays, _PATIENTS)
    names = _column(file, arrays, label_key, n)
    if names is not None and len({*names, *known}) < 2:
        raise InputError(f"{file}: every label is '{names[0]}'; one class is none: give --label {NO_LABEL}")
    people, records = _column(file, arrays, patient_key, n), _column(file, arrays, _first(arrays, ("records",)), n)
    frame, classes = sample_frame(n, names, patient, records, people, known)
    channels = _column(file, arrays, _first(arrays, ("channels",)), n_channels)
    units = _column(file, arrays, _first(arrays, ("units",)), n_channels)
    given = np.atleast_1d(arrays["fs"]) if "fs" in arrays else np.array([np.nan])
    if given.size != 1 or given.dtype.kind not in "iuf":
        raise InputError(f"{file}: fs holds {given.size} values of {given.dtype}; store one number of Hz")
    form = {
        "kind": "series",
        "layout": "npz",
        "file": file.name,
        "keys": list(arrays),
        "dtypes": {key: str(array.dtype) for key, array in arrays.items()},
        "axes": arrays["values"].ndim,
        "label": label_key,
        "classes": list(classes),
    }
    return (
        Samples(
            values,
            frame,
            tuple(channels or (["signal"] if n_channels == 1 else [f"channel{k}" for k in range(1, n_channels + 1)])),
            tuple(units or [""] * n_channels),
            settled_fs(file, float(given[0]) if np.isfinite(given[0]) else None, fs),
        ),
        form,
        classes,
    )


def _load(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            keys = list(archive.files)
            for key in keys:
                if key not in _KEYS:
                    raise InputError(f"{file}: key '{key}' is not known{nearest(key, _KEYS)}")
            return {key: archive[key] for key in keys}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as fault:
        if "allow_pickle" in str(fault) and zipfile.is_zipfile(file):
            raise InputError(
                f"{file}: holds objects, as numpy stores samples of different lengths; bring all to one length"
            ) from fault
        raise InputError(f"{file}: not an .npz file ({one_line(fault)}); store it with numpy.savez") from fault


def _values(file: Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(N, C, L) float32."""
    if "values" not in arrays:
        raise InputError(f"{file}: no key 'values'; store the samples under it, (N, C, L) or (N, L)")
    values = arrays["values"]
    if values.dtype.kind not in "iuf":
        raise InputError(f"{file}: values are of {values.dtype}; store numbers")
    if values.ndim not in (2, 3) or not values.size:
        raise InputError(f"{file}: values have shape {values.shape}; store (N, C, L) or (N, L), none of them 0")
    if np.isinf(values).any():
        place = ", ".join(map(str, np.argwhere(np.isinf(values))[0]))
        raise InputError(f"{file}: values[{place}] is infinite; store NaN where a value is missing")
    return (values if values.ndim == 3 else values[:, np.newaxis]).astype(np.float32)


def _column(file: Path, arrays: dict[str, np.ndarray], key: str | None, n: int) -> list[str] | None:
    """Names as text; None without the key."""
    if key is None:
        return None
    if arrays[key].shape != (n,):
        raise InputError(f"{file}: {key} has shape {arrays[key].shape}; store {n}, one for each")
    return [str(name) for name in arrays[key].tolist()]


def _first(arrays: dict[str, np.ndarray], keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if key in arrays), None)
