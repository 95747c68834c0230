"""WFDB records: one by one, and as a set of samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import InputError
from ...files import StagedFolder
from ..samples import Samples
from ..sharded import Format, Plan, append_rows
from ..units import refuse_several_words
from ..windows import MISSING, TOP

FLAT = 10_000  # records that lie in one folder
FOLDERS = re.compile(r"part\d{4,}")  # names of subfolders
FOLDER = 1_000  # of more than that: records in each subfolder
_CHUNK = 256  # samples held as a second copy while writing


class Wfdb(Format):
    """RECORDS and one record a sample (format 16, 16 bit; NaN is WFDB's missing code); above FLAT in subfolders."""

    def __init__(self, plan: Plan, comments: list[str], gain: float | Sequence[float] | None) -> None:
        if plan.fs is None:
            raise InputError("wfdb records need a sampling frequency and a table has none; write csv, parquet or npz")
        self.plan, self.comments, self._fs = plan, comments, plan.fs
        self._gains = _checked(gain, plan.channels)
        refuse_several_words(plan.channels, plan.units)

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        plan, gains = self.plan, self._gains
        names = plan.names(first, len(shard))
        folders = [""] * len(names)
        if plan.n > FLAT:  # not s0010, as PTB calls its records
            folders = [f"part{(first + k) // FOLDER:04d}/" for k in range(len(names))]
        for folder in dict.fromkeys(folders):
            (staged.files / folder).mkdir(exist_ok=True)
        records = [f"{folder}{name}" for folder, name in zip(folders, names, strict=True)]
        classes = _class_comments(append_rows(shard, records, first, staged))
        for begin in range(0, len(shard), _CHUNK):
            digital = _digitize(shard.values[begin : begin + _CHUNK], gains, names[begin:], plan)
            for row, signals in enumerate(digital, start=begin):
                path, lines = staged.files / folders[row] / names[row], [*self.comments, *classes[row]]
                write_record(path, signals, self._fs, gains, plan.units, plan.channels, lines)
        staged.append(staged.files / "RECORDS").write("".join(f"{name}\n" for name in records).encode())


def write_record(
    path: Path,
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
        path: of the record, without extension, in an existing folder.
        digital: (C, T) int16 in ADC units, baseline 0; -32768 is missing.
        fs: Hz.
        gains, units, channels: (C,) ADC units per physical unit, units without blanks, lead names.
        comments: header comments without the leading #.
        suffixes: (C,) signal file of each lead, leads of one file in a row; PTB has 12 × "dat" and 3 × "xyz".
            None puts all into .dat.

    Source: WFDB header(5) and signal(5), https://physionet.org/physiotools/wag/header-5.htm
    """
    suffixes = list(suffixes) if suffixes is not None else ["dat"] * len(channels)
    lines = [f"{path.name} {len(digital)} {fs:.12g} {digital.shape[1]}"]
    for signal, suffix, gain, unit, channel in zip(digital, suffixes, gains, units, channels, strict=True):
        checksum = int(signal.sum(dtype=np.int64)) & 0xFFFF
        lines.append(f"{path.name}.{suffix} 16 {gain:.12g}(0)/{unit} 16 0 {signal[0]} {checksum} 0 {channel}")
    lines += [f"# {comment}" for comment in comments]
    for suffix in dict.fromkeys(suffixes):
        rows = [row for row, its in enumerate(suffixes) if its == suffix]
        # write_bytes and not tofile: only the former says ENOSPC when the disk is full
        path.with_name(f"{path.name}.{suffix}").write_bytes(digital[rows].T.astype("<i2").tobytes())
    path.with_name(f"{path.name}.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _checked(gain: float | Sequence[float] | None, channels: Sequence[str]) -> np.ndarray:
    """One gain per channel: (C,) float64."""
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


def _digitize(values: np.ndarray, gains: np.ndarray, names: list[str], plan: Plan) -> np.ndarray:
    """(n, C, L) physical units -> int16 ADC units; a value that does not fit is an error: clipping would hide it."""
    scaled = np.rint(values * gains[:, None])  # float64, for gains are
    beyond = np.argwhere(np.abs(scaled) > TOP)
    if len(beyond):
        row, lead, _ = beyond[0]
        unit, limit = plan.units[lead], TOP / gains[lead]
        raise InputError(
            f"{names[row]}: lead '{plan.channels[lead]}' holds {values[tuple(beyond[0])]:.6g} {unit}, beyond the "
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
