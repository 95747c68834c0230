"""Samples from a text file with one line a sample."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, nearest, one_line
from ..labels import UNKNOWN, classes_of
from ..patients import patients_of
from ..samples import Samples
from .columns import BLOCKS
from .sheet import NO_LABEL, Sheet, label_position, read_sheet, settled_fs

_MOST_CLASSES = 20  # so few different whole numbers at the ends of the lines look like classes


def read_rows(
    file: Path, fs: float | None, label: str | None, patient: str, known: Sequence[str] = ()
) -> tuple[Samples, dict[str, Any], tuple[str, ...]]:
    """The samples of a file, one a line, its form, and the classes; see `read_series`.

    Raises:
        InputError: the first thing that cannot be used, by file and line.
    """
    sheet = read_sheet(file)
    place = label_position(sheet, label)
    table = sheet.cells([] if place is None else [place])
    if label is None:
        _refuse_hidden_label(sheet, table)
    chosen = [k for k in range(sheet.width) if k != place]
    if len(chosen) < 2:
        raise InputError(f"{file}: a line holds {len(chosen)} values; a sample needs two; say --set layout=columns")
    numbers = table[chosen].to_numpy()  # N, L
    names: list[str] | None = None
    if place is not None:
        names = [name if isinstance(name, str) else "" for name in table[place]]
        if "" in names:
            line = sheet.first_line + names.index("")
            raise InputError(f"{file}: line {line}: no label in '{sheet.names[place]}'; add it or delete the line")
        if len({*names, *known}) < 2:
            raise InputError(
                f"{file}: every label in '{sheet.names[place]}' is '{names[0]}'; one class is none: leave out --label"
            )
    frame, classes = sample_frame(len(numbers), names, patient, known=known)
    form = {
        "kind": "series",
        "layout": "rows",
        "file": file.name,
        "delimiter": sheet.delimiter,
        "decimal": sheet.decimal,
        "header": list(sheet.header) if sheet.header else None,
        "label": place,
        "decimals": _decimals(sheet, chosen, numbers),
        "classes": list(classes),
    }
    values = numbers[:, np.newaxis].astype(np.float32)  # N, 1, L
    return Samples(values, frame, ("signal",), ("",), settled_fs(file, None, fs)), form, classes


def sample_frame(
    n: int,
    labels: Sequence[str] | None,
    patient: str,
    records: Sequence[str] | None = None,
    people: Sequence[str] | None = None,
    known: Sequence[str] = (),
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of samples that stand one by one: patient, record, start, label, diagnosis; and the classes.

    Arguments:
        n: samples.
        labels: the class's name of each; None without classes.
        patient: see `read_series`.
        records: their names; None counts them: row000001, ….
        people: whose each is, if the source says it and `patient` is "auto".
        known: see `classes_of`.
    """
    records = list(records) if records is not None else [f"row{k:06d}" for k in range(1, n + 1)]
    classes, numbers = classes_of(labels, known) if labels is not None else ((), [0] * n)
    if patient == "time":
        patients = [f"{BLOCKS * k // n + 1:02d}" for k in range(n)]
    else:
        patients = list(people) if people is not None and patient == "auto" else patients_of(records, patient)
    frame = pd.DataFrame({"patient": patients, "record": records, "start": 0, "label": numbers})
    frame["diagnosis"] = list(labels) if labels is not None else UNKNOWN
    return frame, classes


def _refuse_hidden_label(sheet: Sheet, table: pd.DataFrame) -> None:
    """A class that is taken for the first value of a sample would go unnoticed, so it must be denied in words."""
    for place in (0, sheet.width - 1):
        column, others = table[place], table.drop(columns=place).to_numpy()
        whole = column.notna().all() and (column % 1 == 0).all()
        if whole and 1 < column.nunique() <= min(_MOST_CLASSES, len(column) // 2) and (others % 1 > 0).any():
            name = sheet.names[place]
            raise InputError(
                f"{sheet.file}: '{name}' holds {column.nunique()} different whole numbers, as a class does; "
                f"give --label {name}, or --label {NO_LABEL} if it is a value"
            )


def _decimals(sheet: Sheet, chosen: list[int], numbers: np.ndarray) -> int | None:
    """Digits after the point, the same for all values of all samples."""
    each = sheet.decimals(chosen, numbers.T)
    known = [digits for digits in each if digits is not None]
    return max(known) if len(known) == len(each) else None


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
