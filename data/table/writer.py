"""Samples as a table, written in the way of the one that they were learnt from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..samples import Samples
from ..writer_folder import Making
from ..writer_npz import VALUES, spool_values
from ..writer_set import Plan
from .file import table_lines, write_table
from .form import TableForm

_LABELS = "labels"  # what they are called in the spool


class TableFormat:
    """One file. Text grows by rows; Parquet, which cannot grow, is made of all rows in memory when they are there.

    Arguments:
        plan: of the set.
        form: how samples become rows.
        name: of the file.
        dialect: of `read_table`.
    """

    def __init__(self, plan: Plan, form: TableForm, name: str, dialect: dict[str, Any]) -> None:
        self.plan, self.form, self.name, self.dialect = plan, form, name, dialect

    def add(self, shard: Samples, first: int, made: Making) -> None:
        if self.dialect["kind"] == "text":
            lines = table_lines(self.form.to_frame(shard), self.dialect, header=first == 0)
            made.append(self.name).write("".join(lines).encode())
            return
        spool_values(shard.values, made)
        if "label" in shard.frame:
            made.spooled(_LABELS).write(shard.frame["label"].to_numpy(np.int64).data)

    def finish(self, made: Making) -> None:
        if self.dialect["kind"] == "text":
            return
        plan = self.plan
        values = np.fromfile(made.spool / VALUES, np.float32).reshape(plan.n, len(plan.channels), plan.length)
        labels = made.spool / _LABELS
        frame = pd.DataFrame({"label": np.fromfile(labels, np.int64)} if labels.is_file() else {}, range(plan.n))
        rows = self.form.to_frame(Samples(values, frame, plan.channels, plan.units, plan.fs))
        write_table(rows, made.files / self.name, self.dialect)
