"""The formats that other programs read: CSV, Parquet and NPZ."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ..errors import InputError
from ..files import StagedFolder, new_file
from .samples import Samples
from .sharded import TABLE, Plan, append_rows, row_table

VALUES = "values"  # of all shards, in the scratch folder
_CHUNK = 256  # samples held as a second copy while writing text


class Csv:
    """signals.csv, one row a time step: record, label, time_s, one column a channel; and about.json."""

    def __init__(self, plan: Plan, comments: list[str]) -> None:
        self.plan, self.comments = plan, comments

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        plan = self.plan
        table = row_table(shard, plan.names(first, len(shard)))
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
        append_rows(table, first, staged)

    def finish(self, staged: StagedFolder) -> None:
        about = json.dumps(_about(self.plan, self.comments), indent=2) + "\n"
        (staged.files / "about.json").write_text(about, encoding="utf-8")


class Parquet:
    """signals.parquet, one row a sample: the columns of samples.csv, then one list a channel.

    What is more than one shard becomes a folder of that name with a file a shard; readers take either by its path.
    """

    def __init__(self, plan: Plan, comments: list[str]) -> None:
        self.plan, self.comments = plan, comments

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        table = row_table(shard, self.plan.names(first, len(shard)))
        _refuse_clash(list(table.columns), self.plan.channels)
        leads = {name: list(shard.values[:, lead]) for lead, name in enumerate(self.plan.channels)}
        frame = pd.concat([table, pd.DataFrame(leads, index=table.index)], axis=1)
        frame.attrs = _about(self.plan, self.comments)
        path = staged.files / "signals.parquet"
        if self.plan.n > self.plan.shard:
            path = path / f"part-{first // self.plan.shard:05d}.parquet"
        with new_file(path, "wb") as file:
            frame.to_parquet(file, index=False)
        append_rows(table, first, staged)

    def finish(self, staged: StagedFolder) -> None:
        pass


class Npz:
    """signals.npz: values (N, C, L), channels, units, fs, records, comments, and label where there is one.

    The values pass through memory a shard at a time; names and labels are held together, some 0.1 kB a sample.
    """

    def __init__(self, plan: Plan, comments: list[str]) -> None:
        self.plan, self.comments = plan, comments

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        stack_values(shard.values, staged)
        append_rows(row_table(shard, self.plan.names(first, len(shard))), first, staged)

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


def _about(plan: Plan, comments: list[str]) -> dict[Any, Any]:
    return {"comments": comments, "fs": plan.fs, "units": dict(zip(plan.channels, plan.units, strict=True))}


def _refuse_clash(columns: Sequence[str], channels: Sequence[str]) -> None:
    for name in channels:
        if name in columns:
            raise InputError(
                f"channel '{name}' has the name of a column of the samples' table; rename it, or write npz"
            )
