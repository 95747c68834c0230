"""Ways to write a set, each with samples for it, and sources of samples that fail when they are asked to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from anonimage.data.formats import new_format
from anonimage.data.pictures import PictureFormat
from anonimage.data.samples import Samples
from anonimage.data.series.series import series_format
from anonimage.data.sharded import Format, Plan, write_shards
from anonimage.data.table.file import table_lines, write_parquet
from anonimage.data.table.form import TableForm, TableFormat
from anonimage.files import StagedFolder, staged_folder

N, SHARD = 23, 4
REQUEST = {"seed": 1}
TEXT = {"kind": "series", "delimiter": ",", "decimal": ".", "header": None, "suffix": ".txt", "file": "rows.txt"}
CLASSES = {"classes": ["ill", "well"], "label": 0}
COLUMNS = {"layout": "columns", "decimals": [3, 2], "clock": None, "comments": ["# a"]}
NPZ = {"kind": "series", "layout": "npz", "file": "s.npz", "axes": 3, "label": "label", "classes": ["0", "1"]}
NPZ |= {"keys": ["label", "values", "fs", "records"], "dtypes": {"values": "<i2", "label": "<i8", "fs": "<f8"}}
NPZ["dtypes"]["records"] = "<U9"
PICTURES = {"mode": "L", "size": [5, 3], "suffix": ".png", "classes": ["a", "b"]}
DIALECT = {"kind": "text", "delimiter": ";", "decimal": ",", "header": True, "unnamed": [], "missing": "?"}
DIALECT |= {"quote_names": False, "quote_text": False, "truth": {}}
PEOPLE = pd.DataFrame(
    {
        "age": [30, 41, 52, None, 63],
        "size": [1.5, 1.75, 2.0, 1.25, 1.0],
        "site": ["a", "b", "c", "a", None],
        "well": [True, False, True, False, True],
    }
)


def samples(channels: int = 2, length: int = 9, fs: float | None = 100.0, first: int = 0, n: int = N) -> Samples:
    """Samples first … n − 1, each decided by its number; whole numbers, some missing where there is a clock."""
    values = np.stack([np.random.default_rng(k).integers(-90, 90, (channels, length)) for k in range(first, n)]) / 8
    frame = pd.DataFrame({"number": range(first, n), "label": np.arange(first, n) % 2})
    frame["diagnosis"] = np.array(["ill", "well"])[frame["label"]]
    return Samples(values, frame, ("i", "v1", "x")[:channels], ("mV",) * channels, fs)


def table(first: int = 0, n: int = N) -> Samples:
    """The same of the features of PEOPLE."""
    form = TableForm.fit(PEOPLE, "t.csv", label="well")
    values = np.stack([np.random.default_rng(k).normal(size=(len(form.features), 1)) for k in range(first, n)])
    frame = pd.DataFrame({"label": np.arange(first, n) % 2})
    return Samples(values, frame, form.features, ("",) * len(form.features))


Give = Callable[[int], Samples]
CASES: dict[str, tuple[Give, Callable[[Plan], Format]]] = {
    "wfdb": (lambda first: samples(first=first), lambda plan: new_format(plan, "wfdb", 200.0, ["made"])),
    "csv": (lambda first: samples(first=first), lambda plan: new_format(plan, "csv", comments=["made"])),
    "parquet": (lambda first: samples(first=first), lambda plan: new_format(plan, "parquet", comments=["made"])),
    "npz": (lambda first: samples(first=first), lambda plan: new_format(plan, "npz", comments=["made"])),
    "columns": (lambda first: samples(first=first), lambda plan: series_format(plan, TEXT | CLASSES | COLUMNS)),
    "rows": (
        lambda first: samples(1, first=first),
        lambda plan: series_format(plan, TEXT | CLASSES | {"layout": "rows", "decimals": None}),
    ),
    "series-npz": (lambda first: samples(first=first), lambda plan: series_format(plan, NPZ)),
    "pictures": (lambda first: samples(1, first=first), lambda plan: PictureFormat(plan, PICTURES)),
    "table": (
        lambda first: table(first),
        lambda plan: TableFormat(plan, TableForm.fit(PEOPLE, "t.csv", label="well"), "t.csv", DIALECT),
    ),
    "table-parquet": (
        lambda first: table(first),
        lambda plan: TableFormat(
            plan, TableForm.fit(PEOPLE, "t.csv", label="well"), "t.parquet", {"kind": "parquet", "index": []}
        ),
    ),
}


class Source:
    """Gives a case's samples a few at a time, and remembers from where on it was asked to."""

    def __init__(self, case: str, fail_after: int = 10**6, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.give, new = CASES[case]
        self.form = new(Plan.of(self.give(0)))
        self.fail_after, self.error, self.asked = fail_after, error, -1

    def __call__(self, first: int) -> Iterator[Samples]:
        self.asked = first
        rest = self.give(first)
        for begin in range(0, len(rest), 3):
            if first + begin >= self.fail_after:
                raise self.error
            yield rest.select(np.arange(begin, min(begin + 3, len(rest))))


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_staged(
    source: Source, dest: Path, request: dict[str, int], end: Callable[[StagedFolder], None] = lambda staged: None
) -> None:
    """Write as whoever may continue later does; `end` is called when all is written."""
    with staged_folder(dest, request | source.form.plan.stamp) as staged:
        write_shards(staged, source, source.form)
        end(staged)


def write_set(parts, dest, form):
    """Write as whoever keeps nothing of a failure does."""
    with staged_folder(dest) as staged:
        write_shards(staged, parts, form)


def write_samples(samples, dest, file_format="wfdb", gain=None, comments=(), prefix="synthetic"):
    """Write samples in one of the FORMATS; the files that a reader opens."""
    write_set(lambda first: [samples], dest, new_format(Plan.of(samples, prefix), file_format, gain, comments))
    if file_format == "wfdb":
        return [dest / f"{name}.hea" for name in (dest / "RECORDS").read_text("utf-8").split()]
    return [dest / f"signals.{file_format}"]


def whole(case: str, dest: Path) -> dict[str, bytes]:
    source = Source(case)
    write_set(source, dest, source.form)
    return written(dest)


def write_table(frame, path, dialect):
    """Rows in the dialect of a table that was read."""
    path.parent.mkdir(exist_ok=True)
    if dialect["kind"] == "parquet":
        write_parquet(frame, path, dialect)
    else:
        path.write_bytes("".join(table_lines(frame, dialect)).encode())
