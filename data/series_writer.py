"""Samples as time series files of the layout that they were read from."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import InputError
from ..files import new_folder
from .samples import Samples
from .series_text import BLANKS, TABLE

_MISSING = "NaN"  # an empty cell cannot be seen among blanks

Progress = Callable[[int, int], None]


def write_series(
    samples: Samples,
    dest: Path,
    form: dict[str, Any],
    prefix: str = "synthetic",
    progress: Progress | None = None,
) -> list[Path]:
    """Write samples as `read_series` found its source: the same layout, header, delimiter, digits and suffix.

    Columns become one file a sample, with its class in every line and a clock from 0 where the source had them. Rows
    become one file of the source's name, and so does .npz, with the source's keys. Beside them stands `samples.csv`:
    one row a sample, its name in `record`, then the columns of `samples.frame` (of which `record` becomes
    `source_record`).

    Arguments:
        samples: (N, C, L). With classes, the frame's label counts. A missing value is written NaN.
        dest: the folder to make; an existing one is replaced in one step.
        form: from `read_series`.
        prefix: samples are named prefix000001 and so on.
        progress: called with (samples written, N).

    Returns:
        The files with the values.

    Raises:
        InputError: no samples, or such as do not fit the form.
    """
    if not len(samples):
        raise InputError(f"{dest}: there are no samples to write; ask for at least one")
    layout, channels = form["layout"], samples.values.shape[1]
    if (layout == "columns" and channels != len(form["decimals"])) or (layout == "rows" and channels != 1):
        needed = len(form["decimals"]) if layout == "columns" else 1
        raise InputError(f"{dest}: samples of {channels} channels, where the source's files have {needed}; use its own")
    digits = max(6, len(str(len(samples))))
    names = [f"{prefix}{k:0{digits}d}" for k in range(1, len(samples) + 1)]
    classes = _classes(samples, form, dest)
    write = {"columns": _write_columns, "rows": _write_rows, "npz": _write_npz}[layout]
    with new_folder(Path(dest)) as folder:
        files = write(samples, folder, form, names, classes, progress or (lambda done, total: None))
        if TABLE not in files:
            table = samples.frame.rename(columns={"record": "source_record"})
            table.insert(0, "record", names)
            table.to_csv(folder / TABLE, index=False)
    return [Path(dest) / file for file in files]


def _classes(samples: Samples, form: dict[str, Any], dest: Path) -> list[str]:
    """The class's name of each sample; "" where the source has none."""
    known = form["classes"]
    if not known:
        return [""] * len(samples)
    if "label" not in samples.frame:
        raise InputError(f"{dest}: the samples have no label; they need one of the classes {', '.join(known)} each")
    labels = [int(label) for label in samples.frame["label"]]
    for label in labels:
        if not 0 <= label < len(known):
            raise InputError(f"{dest}: label {label} is no class; there are {len(known)}, counted from 0")
    return [known[label] for label in labels]


def _write_columns(
    samples: Samples, folder: Path, form: dict[str, Any], names: list[str], classes: list[str], progress: Progress
) -> list[str]:
    ticks = form["period"] * np.arange(samples.length) if form["clock"] is not None else None
    for done, (name, label, values) in enumerate(zip(names, classes, samples.values, strict=True), start=1):
        columns = [_numbers(row, digits, form["decimal"]) for row, digits in zip(values, form["decimals"], strict=True)]
        if ticks is not None:
            columns.insert(form["clock"], _numbers(ticks, form["clock_decimals"], form["decimal"]))
        if form["label"] is not None:
            columns.insert(form["label"], [label] * samples.length)
        with (folder / f"{name}{form['suffix']}").open("w", encoding="utf-8", newline="") as file:
            file.writelines(f"{line}\n" for line in form["comments"])
            _write_lines(file, form, zip(*columns, strict=True))
        progress(done, len(names))
    return [f"{name}{form['suffix']}" for name in names]


def _write_rows(
    samples: Samples, folder: Path, form: dict[str, Any], names: list[str], classes: list[str], progress: Progress
) -> list[str]:
    lines = []
    for label, (row,) in zip(classes, samples.values, strict=True):
        line = _numbers(row, form["decimals"], form["decimal"])
        if form["label"] is not None:
            line.insert(form["label"], label)
        lines.append(line)
    with (folder / form["file"]).open("w", encoding="utf-8", newline="") as file:
        _write_lines(file, form, lines)
    progress(len(names), len(names))
    return [form["file"]]


def _write_npz(
    samples: Samples, folder: Path, form: dict[str, Any], names: list[str], classes: list[str], progress: Progress
) -> list[str]:
    arrays: dict[str, Any] = {}
    for key in form["keys"]:
        dtype = np.dtype(form["dtypes"][key])
        if key == "values":
            arrays[key] = _typed(samples.values if form["axes"] == 3 else samples.values[:, 0], dtype)
        elif key == form["label"] and form["classes"]:
            arrays[key] = _class_array(classes, dtype)
        elif key == "fs":
            arrays[key] = np.array(samples.fs, dtype=float)
        elif key in ("channels", "units"):
            arrays[key] = np.array(getattr(samples, key))
        elif key in ("patient", "patients", "records"):
            arrays[key] = np.array(names)
        # what remains, comments and labels that nothing was learnt of, says something that is not so of these samples
    np.savez(folder / form["file"], **arrays)
    progress(len(names), len(names))
    return [form["file"]]


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


def _numbers(values: np.ndarray, digits: int | None, decimal: str) -> list[str]:
    written = [f"{value:.9g}" if digits is None else f"{value:.{digits}f}" for value in values.tolist()]
    cells = [_MISSING if cell == "nan" else cell for cell in written]
    return cells if decimal == "." else [cell.replace(".", decimal) for cell in cells]


def _write_lines(file: IO[str], form: dict[str, Any], lines: Iterable[Sequence[str]]) -> None:
    header = [form["header"]] if form["header"] else []
    if form["delimiter"] == BLANKS:
        file.writelines(f"{' '.join(line)}\n" for line in (*header, *lines))
    else:
        csv.writer(file, delimiter=form["delimiter"], lineterminator="\n").writerows([*header, *lines])
