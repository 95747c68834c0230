"""Samples into files that other programs read: WFDB records, CSV, Parquet or NPZ, in a folder whole or not there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ..errors import InputError, one_line
from ..files import new_folder
from .samples import Samples
from .windows import MISSING, TOP

FORMATS = ("wfdb", "csv", "parquet", "npz")

Progress = Callable[[int, int], None]

_CHUNK = 256  # samples held as a second copy while writing


def write_samples(
    samples: Samples,
    dest: Path,
    file_format: str = "wfdb",
    gain: float | Sequence[float] | None = None,
    comments: Sequence[str] = (),
    prefix: str = "synthetic",
    progress: Progress | None = None,
) -> list[Path]:
    """Write samples as a folder; an existing folder is replaced in one step, and a failure leaves it as it was.

    Every format has `samples.csv`: one row a sample, its new name in `record`, then the columns of `samples.frame`
    (a column `record` of the frame becomes `source_record`). Beside it stand

    - wfdb: `RECORDS` and one record a sample (format 16, 16 bit; NaN is WFDB's missing code);
    - csv: `signals.csv`, one row a time step: record, label, time_s, one column a lead; and `about.json`;
    - parquet: `signals.parquet`, one row a sample: the columns of samples.csv, then one list a lead
      (`numpy.stack(frame["i"])`); fs, units and comments in `frame.attrs`;
    - npz: `signals.npz` with values (N, C, L), channels, units, fs, records, comments, and label where there is one.

    Only WFDB rounds, to 1/gain; the other formats hold the float32 values as they are.

    Arguments:
        samples: N samples; for tables (fs None) every format but wfdb.
        dest: the folder to make.
        file_format: one of FORMATS.
        gain: ADC units per physical unit, one for all channels or one each; wfdb only.
        comments: lines for every WFDB header, or for the file as a whole.
        prefix: records are named prefix000001 and so on.
        progress: called with (samples written, N).

    Returns:
        The files a reader opens: the .hea files for wfdb, else the one signals file.

    Raises:
        InputError: an unknown format, no samples, a gain or unit WFDB cannot hold, a value beyond 16 bit at this gain.
        OSError: the disk is full or not writable; nothing half-written is left.
    """
    if file_format not in FORMATS:
        raise InputError(f"{dest}: format '{file_format}' is not known; choose one of {', '.join(FORMATS)}")
    if dest.exists() and not dest.is_dir():
        raise InputError(f"{dest}: is a file; name a folder for the {file_format} files")
    if not len(samples):
        raise InputError(f"{dest}: there are no samples to write; ask for at least one")
    if not re.fullmatch(r"[-\w]+", prefix, re.ASCII):
        raise InputError(f"{dest}: prefix '{prefix}' makes no record names; use letters, digits, - and _ only")
    digits = max(6, len(str(len(samples))))
    records = [f"{prefix}{number:0{digits}d}" for number in range(1, len(samples) + 1)]
    table = _table(samples, records)
    comments = [" ".join(line.split()) for line in comments]  # a line break would end the header's comment
    with new_folder(dest) as folder:
        if file_format == "wfdb":
            names = _write_wfdb(samples, table, folder, gain, comments, progress)
        else:
            write = {"csv": _write_csv, "parquet": _write_parquet, "npz": _write_npz}[file_format]
            names = [write(samples, table, folder, comments, progress)]
        table.to_csv(folder / "samples.csv", index=False)
    return [dest / name for name in names]


def refuse_foreign(folder: Path, others: Collection[str] = (), prefix: str = "synthetic") -> None:
    """Refuse to replace a folder of samples in which somebody put something else.

    Arguments:
        folder: which may not be there.
        others: names of files that a generated set has besides those of write_samples.
        prefix: of the samples' files.

    Raises:
        InputError: a file that was not generated.
    """
    ours = re.compile(rf"{prefix}\d+\.\w+|RECORDS|samples\.csv|signals\.(csv|parquet|npz)|about\.json")
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if file.is_file() and not ours.fullmatch(file.name) and file.name not in others:
            raise InputError(f"{file}: is not of a generated set, and generating anew would delete it; move it away")


def read_rows(folder: Path) -> pd.DataFrame:
    """The table samples.csv of a folder that write_samples made.

    Raises:
        InputError: missing or damaged.
    """
    path = folder / "samples.csv"
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); generate again") from error


def write_record(
    folder: Path,
    name: str,
    digital: np.ndarray,
    fs: float,
    gains: Sequence[float] | np.ndarray,
    units: Sequence[str],
    channels: Sequence[str],
    comments: Sequence[str] = (),
    suffixes: Sequence[str] | None = None,
) -> None:
    """Write one WFDB record in format 16: the .hea file and its signal files.

    About ten times as fast as wfdb.wrsamp, which matters for thousands of short records.

    Arguments:
        folder: an existing folder.
        name: record name.
        digital: (C, T) int16 in ADC units, baseline 0; -32768 is missing.
        fs: Hz.
        gains: (C,) ADC units per physical unit.
        units: (C,) units without blanks.
        channels: (C,) lead names.
        comments: header comments without the leading #.
        suffixes: (C,) signal file of each lead, leads of one file in a row; PTB has 12 × "dat" and 3 × "xyz".
            None puts all into .dat.

    Source: WFDB header(5) and signal(5), https://physionet.org/physiotools/wag/header-5.htm
    """
    suffixes = list(suffixes) if suffixes is not None else ["dat"] * len(channels)
    lines = [f"{name} {len(digital)} {fs:.12g} {digital.shape[1]}"]
    for signal, suffix, gain, unit, channel in zip(digital, suffixes, gains, units, channels, strict=True):
        checksum = int(signal.sum(dtype=np.int64)) & 0xFFFF
        lines.append(f"{name}.{suffix} 16 {gain:.12g}(0)/{unit} 16 0 {signal[0]} {checksum} 0 {channel}")
    lines += [f"# {comment}" for comment in comments]
    for suffix in dict.fromkeys(suffixes):
        rows = [row for row, its in enumerate(suffixes) if its == suffix]
        # write_bytes and not tofile: only the former says ENOSPC when the disk is full
        (folder / f"{name}.{suffix}").write_bytes(digital[rows].T.astype("<i2").tobytes())
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(samples: Samples, records: list[str]) -> pd.DataFrame:
    """The rows of samples.csv."""
    rows = samples.frame.rename(columns={"record": "source_record"}) if "record" in samples.frame else samples.frame
    rows = rows.copy()
    rows.insert(0, "record", records)
    return rows


def _write_wfdb(
    samples: Samples,
    table: pd.DataFrame,
    folder: Path,
    gain: float | Sequence[float] | None,
    comments: list[str],
    progress: Progress | None,
) -> list[str]:
    if samples.fs is None:
        raise InputError("wfdb records need a sampling frequency and a table has none; write csv, parquet or npz")
    gains = _gains(gain, samples.channels)
    for channel, unit in zip(samples.channels, samples.units, strict=True):
        if not re.fullmatch(r"[\w^\-?%/]+", unit):
            raise InputError(
                f"lead '{channel}': unit '{unit}' cannot stand in a WFDB header; give one word, or write csv"
            )
    records = list(table["record"])
    classes = _class_comments(table)
    for first in range(0, len(samples), _CHUNK):
        names = records[first : first + _CHUNK]
        digital = _digitize(samples.values[first : first + _CHUNK], gains, names, samples)
        for offset, (name, signals) in enumerate(zip(names, digital, strict=True)):
            lines = [*comments, *classes[first + offset]]
            write_record(folder, name, signals, samples.fs, gains, samples.units, samples.channels, lines)
        if progress:
            progress(first + len(names), len(samples))
    (folder / "RECORDS").write_text("".join(f"{name}\n" for name in records), encoding="utf-8")
    return [f"{name}.hea" for name in records]


def _gains(gain: float | Sequence[float] | None, channels: Sequence[str]) -> np.ndarray:
    """One gain per channel, checked: (C,) float64."""
    if gain is None:
        raise InputError(
            "wfdb records need a gain in ADC units per unit, none is known here; write csv, parquet or npz"
        )
    gains = np.atleast_1d(np.asarray(gain, dtype=np.float64))
    if gains.shape not in ((1,), (len(channels),)):
        raise InputError(f"{len(gains)} gains for {len(channels)} leads; give one for all, or one each")
    gains = np.broadcast_to(gains, len(channels))
    for channel, value in zip(channels, gains, strict=True):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"lead '{channel}': gain {value} cannot be; give ADC units per unit above 0")
    return gains


def _digitize(values: np.ndarray, gains: np.ndarray, names: list[str], samples: Samples) -> np.ndarray:
    """(n, C, L) physical units -> int16 ADC units; a value that does not fit is an error: clipping would hide it."""
    scaled = np.rint(values * gains[:, None])  # float64, for gains are
    beyond = np.argwhere(np.abs(scaled) > TOP)
    if len(beyond):
        row, lead, _ = beyond[0]
        unit, limit = samples.units[lead], TOP / gains[lead]
        raise InputError(
            f"{names[row]}: lead '{samples.channels[lead]}' holds {values[tuple(beyond[0])]:.6g} {unit}, beyond the "
            f"±{limit:.6g} {unit} of 16 bit at gain {gains[lead]:.6g}; give a smaller gain, or write csv or npz"
        )
    return np.where(np.isnan(scaled), MISSING, scaled).astype(np.int16)


def _class_comments(table: pd.DataFrame) -> list[list[str]]:
    """The class of each record as header lines; a diagnosis stands where PTB has it, so that PTB's readers find it."""
    lines: list[list[str]] = [[] for _ in range(len(table))]
    for column, title in (("diagnosis", "Reason for admission"), ("label", "Label")):
        if column in table:
            for row, value in zip(lines, table[column], strict=True):
                if not pd.isna(value):
                    row.append(f"{title}: {value}")
    return lines


def _write_csv(
    samples: Samples, table: pd.DataFrame, folder: Path, comments: list[str], progress: Progress | None
) -> str:
    columns = [column for column in ("record", "label") if column in table]
    clock = ["time_s"] if samples.fs is not None else ["position"] if samples.length > 1 else []
    _refuse_clash([*columns, *clock], samples.channels)
    steps = np.arange(samples.length)
    writer = None
    with (folder / "signals.csv").open("wb") as file:
        for first in range(0, len(samples), _CHUNK):
            values = samples.values[first : first + _CHUNK]
            rows = table[columns].iloc[first : first + _CHUNK]
            chunk: dict[str, object] = {name: rows[name].repeat(samples.length).array for name in columns}
            for name in clock:
                chunk[name] = np.tile(steps / samples.fs if samples.fs is not None else steps, len(values))
            for lead, name in enumerate(samples.channels):
                chunk[name] = pa.array(values[:, lead].reshape(-1), from_pandas=True)  # NaN is an empty cell
            lines = pa.table(chunk)
            if writer is None:
                writer = pyarrow.csv.CSVWriter(file, lines.schema)
            writer.write_table(lines)
            if progress:
                progress(first + len(values), len(samples))
        if writer is not None:
            writer.close()
    (folder / "about.json").write_text(json.dumps(_about(samples, comments), indent=2) + "\n", encoding="utf-8")
    return "signals.csv"


def _write_parquet(
    samples: Samples, table: pd.DataFrame, folder: Path, comments: list[str], progress: Progress | None
) -> str:
    _refuse_clash(list(table.columns), samples.channels)
    leads = {name: list(samples.values[:, lead]) for lead, name in enumerate(samples.channels)}
    frame = pd.concat([table, pd.DataFrame(leads, index=table.index)], axis=1)
    frame.attrs = _about(samples, comments)
    frame.to_parquet(folder / "signals.parquet", index=False)
    if progress:
        progress(len(samples), len(samples))
    return "signals.parquet"


def _write_npz(
    samples: Samples, table: pd.DataFrame, folder: Path, comments: list[str], progress: Progress | None
) -> str:
    classes: dict[str, Any] = {"label": table["label"].to_numpy()} if "label" in table else {}
    np.savez(
        folder / "signals.npz",
        values=samples.values,
        channels=np.array(samples.channels, dtype=str),
        units=np.array(samples.units, dtype=str),
        fs=np.float64(np.nan if samples.fs is None else samples.fs),
        records=np.array(table["record"], dtype=str),
        comments=np.array(comments, dtype=str),
        **classes,
    )
    if progress:
        progress(len(samples), len(samples))
    return "signals.npz"


def _about(samples: Samples, comments: list[str]) -> dict[Any, Any]:
    return {"comments": comments, "fs": samples.fs, "units": dict(zip(samples.channels, samples.units, strict=True))}


def _refuse_clash(columns: Sequence[str], channels: Sequence[str]) -> None:
    for name in channels:
        if name in columns:
            raise InputError(
                f"channel '{name}' has the name of a column of the samples' table; rename it, or write npz"
            )
