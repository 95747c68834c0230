"""Files of samples: a text with one line a sample, or an .npz archive; read and written."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, nearest, one_line
from ...files import StagedFolder
from ..formats import save_npz, stack_values, stacked_values
from ..labels import NO_LABEL, UNKNOWN, class_names, classes_of
from ..patients import patients_of
from ..samples import Samples
from ..sharded import TABLE
from .columns import BLOCKS, SeriesFormat, label_position
from .sheet import Sheet, number_cells, read_sheet, settled_fs, write_lines

_MOST_CLASSES = 20  # so few different whole numbers at the ends of the lines look like classes
# What each array may be called; the first that a file has counts.
_LABELS, _PATIENTS = ("label", "labels"), ("patient", "patients")
_KEYS = ("values", *_LABELS, *_PATIENTS, "fs", "channels", "units", "records", "comments")


def read_rows(
    file: Path, fs: float | None, label: str | None, patient: str, known: Sequence[str] = ()
) -> tuple[Samples, dict[str, Any]]:
    """The samples of a text, one a line, and its form; see `read_series`."""
    sheet = read_sheet(file)
    label_at = label_position(sheet, label)
    table = sheet.cells([] if label_at is None else [label_at])
    if label is None:
        _refuse_hidden_label(sheet, table)
    chosen = [k for k in range(sheet.width) if k != label_at]
    if len(chosen) < 2:
        raise InputError(f"{file}: a line holds {len(chosen)} values; a sample needs two; say --set layout=columns")
    numbers = table[chosen].to_numpy()  # N, L
    names: list[str] | None = None
    if label_at is not None:
        column = sheet.names[label_at]
        names = [name if isinstance(name, str) else "" for name in table[label_at]]
        if "" in names:
            line = sheet.first_line + names.index("")
            raise InputError(f"{file}: line {line}: no label in '{column}'; add it or delete the line")
        if len({*names, *known}) < 2:
            raise InputError(f"{file}: every label in '{column}' is '{names[0]}'; one class is none: leave out --label")
    frame, classes = _frame(len(numbers), names, patient, known=known)
    form = {
        "kind": "series",
        "layout": "rows",
        "file": file.name,
        **sheet.dialect,
        "label": label_at,
        "decimals": _decimals(sheet, chosen, numbers),
        "classes": list(classes),
    }
    values = numbers[:, np.newaxis].astype(np.float32)  # N, 1, L
    return Samples(values, frame, ("signal",), ("",), settled_fs(file, None, fs)), form


def read_npz(
    file: Path, fs: float | None, label: str | None, patient: str, known: Sequence[str] = ()
) -> tuple[Samples, dict[str, Any]]:
    """The samples of an archive, and its form; see `read_series`.

    It holds `values` (N, C, L) or (N, L), and may hold label or labels (N,), patient or patients (N,), records (N,),
    fs, channels (C,), units (C,), comments.
    """
    arrays = _load(file)
    values = _values(file, arrays)
    n, n_channels, _ = values.shape
    label_key = None if label == NO_LABEL else label or _first(arrays, *_LABELS)
    if label_key is not None and label_key not in arrays:
        raise InputError(f"{file}: no key '{label_key}'{nearest(label_key, arrays)}")
    names = _texts(file, arrays, label_key, n)
    if names is not None and len({*names, *known}) < 2:
        raise InputError(f"{file}: every label is '{names[0]}'; one class is none: give --label {NO_LABEL}")
    patients = _texts(file, arrays, _first(arrays, *_PATIENTS), n)
    records = _texts(file, arrays, _first(arrays, "records"), n)
    frame, classes = _frame(n, names, patient, records, patients, known)
    channels = _texts(file, arrays, _first(arrays, "channels"), n_channels)
    units = _texts(file, arrays, _first(arrays, "units"), n_channels)
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
    usual = ["signal"] if n_channels == 1 else [f"channel{k}" for k in range(1, n_channels + 1)]
    settled = settled_fs(file, _stated_fs(file, arrays), fs)
    return Samples(values, frame, tuple(channels or usual), tuple(units or [""] * n_channels), settled), form


class RowsFormat(SeriesFormat):
    """One text with a line a sample."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        form, lines = self.form, []
        for label, (row,) in zip(classes, shard.values, strict=True):
            line = number_cells(row, form["decimals"], form["decimal"])
            if form["label"] is not None:
                line.insert(form["label"], label)
            lines.append(line)
        text = StringIO(newline="")
        write_lines(text, form, lines, header=not staged.state)
        staged.append(staged.files / form["file"]).write(text.getvalue().encode())


class NpzFormat(SeriesFormat):
    """One archive. Values pass through memory a shard at a time, names and labels are held together."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        stack_values(_typed(shard.values, np.dtype(self.form["dtypes"]["values"])), staged)

    def finish(self, staged: StagedFolder) -> None:
        plan, form = self.plan, self.form
        axes = (len(plan.channels), plan.length) if form["axes"] == 3 else (plan.length,)
        arrays: dict[str, np.ndarray] = {}
        for key in form["keys"]:
            dtype = np.dtype(form["dtypes"][key])
            if key == "values":
                arrays[key] = stacked_values((plan.n, *axes), dtype, staged)
            elif key == form["label"] and form["classes"]:
                names = class_names(pd.read_csv(staged.files / TABLE), form["classes"])
                arrays[key] = _class_array(names, dtype)
            elif key == "fs":
                arrays[key] = np.array(plan.fs, dtype=float)
            elif key in ("channels", "units"):
                arrays[key] = np.array(getattr(plan, key))
            elif key in ("patient", "patients", "records"):
                arrays[key] = np.array(plan.names(0, plan.n))
            # what remains, comments and labels that nothing was learnt of, is not true of these samples
        save_npz(staged.files / form["file"], arrays)


def _frame(
    n: int,
    labels: Sequence[str] | None,
    patient: str,
    records: Sequence[str] | None = None,
    patients: Sequence[str] | None = None,
    known: Sequence[str] = (),
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of samples that stand one by one: patient, record, start, label, diagnosis; and the classes.

    Samples without names are counted; `patients` says whose each is if `patient` is "auto".
    """
    records = list(records) if records is not None else [f"row{k:06d}" for k in range(1, n + 1)]
    classes, numbers = classes_of(labels, known) if labels is not None else ((), [0] * n)
    if patient == "time":
        patients = [f"{BLOCKS * k // n + 1:02d}" for k in range(n)]
    elif patients is None or patient != "auto":
        patients = patients_of(records, patient)
    frame = pd.DataFrame({"patient": list(patients), "record": records, "start": 0, "label": numbers})
    frame["diagnosis"] = list(labels) if labels is not None else UNKNOWN
    return frame, classes


def _refuse_hidden_label(sheet: Sheet, table: pd.DataFrame) -> None:
    """A class that is taken for the first value of a sample would go unnoticed, so it must be denied in words."""
    for position in (0, sheet.width - 1):
        column, values = table[position], table.drop(columns=position).to_numpy()
        whole = column.notna().all() and (column % 1 == 0).all()
        if whole and 1 < column.nunique() <= min(_MOST_CLASSES, len(column) // 2) and (values % 1 > 0).any():
            name = sheet.names[position]
            raise InputError(
                f"{sheet.file}: '{name}' holds {column.nunique()} different whole numbers, as a class does; "
                f"give --label {name}, or --label {NO_LABEL} if it is a value"
            )


def _decimals(sheet: Sheet, chosen: list[int], numbers: np.ndarray) -> int | None:
    """Digits after the point, the same for all values of all samples."""
    each = sheet.decimals(chosen, numbers.T)
    known = [digits for digits in each if digits is not None]
    return max(known) if len(known) == len(each) else None


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
        position = ", ".join(map(str, np.argwhere(np.isinf(values))[0]))
        raise InputError(f"{file}: values[{position}] is infinite; store NaN where a value is missing")
    return (values if values.ndim == 3 else values[:, np.newaxis]).astype(np.float32)


def _stated_fs(file: Path, arrays: dict[str, np.ndarray]) -> float | None:
    fs = np.atleast_1d(arrays["fs"]) if "fs" in arrays else np.array([np.nan])
    if fs.size != 1 or fs.dtype.kind not in "iuf":
        raise InputError(f"{file}: fs holds {fs.size} values of {fs.dtype}; store one number of Hz")
    return float(fs[0]) if np.isfinite(fs[0]) else None


def _texts(file: Path, arrays: dict[str, np.ndarray], key: str | None, n: int) -> list[str] | None:
    """One of the arrays (n,) as text; None without the key."""
    if key is None:
        return None
    if arrays[key].shape != (n,):
        raise InputError(f"{file}: {key} has shape {arrays[key].shape}; store {n}, one for each")
    return [str(name) for name in arrays[key].tolist()]


def _first(arrays: dict[str, np.ndarray], *keys: str) -> str | None:
    return next((key for key in keys if key in arrays), None)


def _class_array(classes: list[str], dtype: np.dtype[Any]) -> np.ndarray:
    if dtype.kind == "b":
        return np.array([name == "True" for name in classes])
    return np.array(classes) if dtype.kind in "US" else np.array(classes, dtype=float).astype(dtype)


def _typed(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Whole numbers where the source has them, within what their type holds."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    if np.isnan(values).any():
        raise InputError(f"a value is missing, and the source's values are of {dtype}, which has no number for that")
    return np.clip(np.rint(values.astype(np.float64)), limits.min, limits.max).astype(dtype)
