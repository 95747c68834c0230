"""The formats that other programs read: CSV, Parquet and NPZ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ..errors import InputError
from ..files import new_file
from .samples import Samples
from .writer_folder import Making
from .writer_npz import Spooled, save_npz, spool_values, spooled_values
from .writer_set import TABLE, Plan, append_rows, row_table

_CHUNK = 256  # samples held as a second copy while writing text


class Csv:
    """signals.csv, one row a time step: record, label, time_s, one column a channel; and about.json."""

    def __init__(self, plan: Plan, comments: list[str]) -> None:
        self.plan, self.comments = plan, comments

    def add(self, shard: Samples, first: int, made: Making) -> None:
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
            made.append("signals.csv").write(lines.getvalue())
        append_rows(table, first, made)

    def finish(self, made: Making) -> None:
        about = json.dumps(_about(self.plan, self.comments), indent=2) + "\n"
        (made.files / "about.json").write_text(about, encoding="utf-8")


class Parquet:
    """signals.parquet, one row a sample: the columns of samples.csv, then one list a channel.

    What is more than one shard becomes a folder of that name with a file a shard; readers take either by its path.
    """

    def __init__(self, plan: Plan, comments: list[str]) -> None:
        self.plan, self.comments = plan, comments

    def add(self, shard: Samples, first: int, made: Making) -> None:
        table = row_table(shard, self.plan.names(first, len(shard)))
        _refuse_clash(list(table.columns), self.plan.channels)
        leads = {name: list(shard.values[:, lead]) for lead, name in enumerate(self.plan.channels)}
        frame = pd.concat([table, pd.DataFrame(leads, index=table.index)], axis=1)
        frame.attrs = _about(self.plan, self.comments)
        path = made.files / "signals.parquet"
        if self.plan.n > self.plan.shard:
            path = path / f"part-{first // self.plan.shard:05d}.parquet"
        with new_file(path, "wb") as file:
            frame.to_parquet(file, index=False)
        append_rows(table, first, made)

    def finish(self, made: Making) -> None:
        pass


class Npz:
    """signals.npz: values (N, C, L), channels, units, fs, records, comments, and label where there is one.

    The values pass through memory a shard at a time; names and labels are held together, some 0.1 kB a sample.
    """

    def __init__(self, plan: Plan, comments: list[str]) -> None:
        self.plan, self.comments = plan, comments

    def add(self, shard: Samples, first: int, made: Making) -> None:
        spool_values(shard.values, made)
        append_rows(row_table(shard, self.plan.names(first, len(shard))), first, made)

    def finish(self, made: Making) -> None:
        plan, table = self.plan, pd.read_csv(made.files / TABLE)
        shape = (plan.n, len(plan.channels), plan.length)
        classes = {"label": table["label"].to_numpy()} if "label" in table else {}
        arrays: dict[str, np.ndarray | Spooled] = {
            "values": spooled_values(shape, np.dtype(np.float32), made),
            "channels": np.array(plan.channels, dtype=str),
            "units": np.array(plan.units, dtype=str),
            "fs": np.array(np.nan if plan.fs is None else plan.fs, dtype=np.float64),
            "records": np.array(plan.names(0, plan.n), dtype=str),
            "comments": np.array(self.comments, dtype=str),
        }
        save_npz(made.files / "signals.npz", arrays | classes)


def _about(plan: Plan, comments: list[str]) -> dict[Any, Any]:
    return {"comments": comments, "fs": plan.fs, "units": dict(zip(plan.channels, plan.units, strict=True))}


def _refuse_clash(columns: Sequence[str], channels: Sequence[str]) -> None:
    for name in channels:
        if name in columns:
            raise InputError(
                f"channel '{name}' has the name of a column of the samples' table; rename it, or write npz"
            )
