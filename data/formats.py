"""The formats that other programs read: WFDB records, CSV, Parquet and NPZ."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ..errors import InputError, one_line
from ..files import StagedFolder, new_file
from .samples import Samples
from .sharded import TABLE, Format, Plan, append_rows
from .wfdb.writer import Wfdb

FORMATS = ("wfdb", "csv", "parquet", "npz")
VALUES = "values"  # of all shards, in the scratch folder
_CHUNK = 256  # samples held as a second copy while writing text


def new_format(
    plan: Plan, file_format: str, gain: float | Sequence[float] | None = None, comments: Sequence[str] = ()
) -> Format:
    """How samples are written in a format; every one has samples.csv (`append_rows`) beside the files of its class.

    Only WFDB rounds, to 1/gain; the other formats hold the float32 values as they are.

    Arguments:
        plan: of the set; for tables (fs None) every format but wfdb.
        file_format: one of FORMATS.
        gain: ADC units per physical unit, one for all channels or one each; wfdb only.
        comments: lines for every WFDB header, or for the file as a whole.

    Raises:
        InputError: an unknown format, a prefix that makes no names, a gain or unit WFDB cannot hold.
    """
    if file_format not in FORMATS:
        raise InputError(f"format '{file_format}' is not known; choose one of {', '.join(FORMATS)}")
    if not re.fullmatch(r"[-\w]+", plan.prefix, re.ASCII):
        raise InputError(f"prefix '{plan.prefix}' makes no record names; use letters, digits, - and _ only")
    lines = [" ".join(line.split()) for line in comments]  # a line break would end the header's comment
    others: dict[str, Callable[[Plan, list[str]], Format]] = {"csv": Csv, "parquet": Parquet, "npz": Npz}
    return Wfdb(plan, lines, gain) if file_format == "wfdb" else others[file_format](plan, lines)


def refuse_foreign(folder: Path, others: Collection[str] = (), prefix: str = "synthetic") -> None:
    """Refuse to replace a folder of samples in which somebody put something else.

    Arguments:
        folder: need not exist.
        others: names of files that a generated set has besides those of the FORMATS.
        prefix: of the samples' files.

    Raises:
        InputError: a file that was not generated.
    """
    named = rf"(.+/)?({prefix}\d+\.\w+|RECORDS|samples\.csv|signals\.(csv|parquet|npz)|about\.json)"
    generated = re.compile(rf"{named}|signals\.parquet/part-\d{{5,}}\.parquet")
    for file in folder.rglob("*") if folder.is_dir() else ():
        known = generated.fullmatch(file.relative_to(folder).as_posix()) or file.name in others
        if file.is_file() and not known:
            raise InputError(f"{file}: is not of a generated set, and generating anew would delete it; move it away")


def read_rows(folder: Path) -> pd.DataFrame:
    """The table samples.csv of a folder of samples.

    Raises:
        InputError: missing or damaged.
    """
    path = folder / TABLE
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); generate again") from error


class _Commented(Format):
    """What can hold lines about the whole set."""

    def __init__(self, plan: Plan, comments: list[str]) -> None:
        self.plan, self.comments = plan, comments

    def about(self) -> dict[Any, Any]:
        units = dict(zip(self.plan.channels, self.plan.units, strict=True))
        return {"comments": self.comments, "fs": self.plan.fs, "units": units}


class Csv(_Commented):
    """signals.csv, one row a time step: record, label, time_s, one column a channel; and about.json."""

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        plan = self.plan
        table = append_rows(shard, plan.names(first, len(shard)), first, staged)
        columns = [column for column in ("record", "label") if column in table]
        clock = ["time_s"] if plan.fs is not None else ["position"] if plan.length > 1 else []
        _refuse_clash([*columns, *clock], plan.channels)
        steps = np.arange(plan.length)
        for begin in range(0, len(shard), _CHUNK):
            values = shard.values[begin : begin + _CHUNK]
            rows = table[columns].iloc[begin : begin + _CHUNK]
            chunk: dict[str, object] = {name: rows[name].repeat(plan.length).array for name in columns}
            for name in clock:
                chunk[name] = np.tile(steps / plan.fs if plan.fs is not None else steps, len(values))
            for lead, name in enumerate(plan.channels):
                chunk[name] = pa.array(values[:, lead].reshape(-1), from_pandas=True)  # NaN is an empty cell
            lines = pa.BufferOutputStream()
            options = pa.csv.WriteOptions(include_header=first + begin == 0)
            pa.csv.write_csv(pa.table(chunk), lines, options)
            staged.append(staged.files / "signals.csv").write(lines.getvalue())

    def finish(self, staged: StagedFolder) -> None:
        (staged.files / "about.json").write_text(json.dumps(self.about(), indent=2) + "\n", encoding="utf-8")


class Parquet(_Commented):
    """signals.parquet, one row a sample: the columns of samples.csv, then one list a channel.

    What is more than one shard becomes a folder of that name with a file a shard; readers take either by its path.
    """

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        table = append_rows(shard, self.plan.names(first, len(shard)), first, staged)
        _refuse_clash(list(table.columns), self.plan.channels)
        leads = {name: list(shard.values[:, lead]) for lead, name in enumerate(self.plan.channels)}
        frame = pd.concat([table, pd.DataFrame(leads, index=table.index)], axis=1)
        frame.attrs = self.about()
        path = staged.files / "signals.parquet"
        if self.plan.n > self.plan.shard:
            path = path / f"part-{first // self.plan.shard:05d}.parquet"
        with new_file(path, "wb") as file:
            frame.to_parquet(file, index=False)


class Npz(_Commented):
    """signals.npz: values (N, C, L), channels, units, fs, records, comments, and label where there is one.

    The values pass through memory a shard at a time; names and labels are held together, some 0.1 kB a sample.
    """

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        stack_values(shard.values, staged)
        append_rows(shard, self.plan.names(first, len(shard)), first, staged)

    def finish(self, staged: StagedFolder) -> None:
        plan, table = self.plan, pd.read_csv(staged.files / TABLE)
        shape = (plan.n, len(plan.channels), plan.length)
        classes = {"label": table["label"].to_numpy()} if "label" in table else {}
        arrays: dict[str, np.ndarray] = {
            "values": stacked_values(shape, np.dtype(np.float32), staged),
            "channels": np.array(plan.channels, dtype=str),
            "units": np.array(plan.units, dtype=str),
            "fs": np.array(np.nan if plan.fs is None else plan.fs, dtype=np.float64),
            "records": np.array(plan.names(0, plan.n), dtype=str),
            "comments": np.array(self.comments, dtype=str),
        }
        save_npz(staged.files / "signals.npz", arrays | classes)


def stack_values(values: np.ndarray, staged: StagedFolder) -> None:
    """Append the values of some samples to those in the scratch folder."""
    staged.append(staged.scratch / VALUES).write(np.ascontiguousarray(values).data)


def stacked_values(shape: tuple[int, ...], dtype: np.dtype[Any], staged: StagedFolder) -> np.ndarray:
    """All values that were stacked, mapped into memory."""
    return np.memmap(staged.scratch / VALUES, dtype, "r", shape=shape)


def save_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays byte for byte as `numpy.savez` does, under any keys; those on disk pass through memory in parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                if not isinstance(array, np.memmap):
                    np.lib.format.write_array(file, array, allow_pickle=False)
                    continue
                np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
                for first in range(0, len(array), _CHUNK):
                    file.write(array[first : first + _CHUNK].tobytes())


def _refuse_clash(columns: Sequence[str], channels: Sequence[str]) -> None:
    for name in channels:
        if name in columns:
            raise InputError(
                f"channel '{name}' has the name of a column of the samples' table; rename it, or write npz"
            )
