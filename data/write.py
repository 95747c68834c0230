"""Samples into files that other programs read: WFDB records, CSV, Parquet or NPZ, in a folder whole or not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pandas as pd

from ..errors import InputError, one_line
from .formats import Csv, Npz, Parquet
from .samples import Samples
from .sharded import TABLE, Format, Plan, Progress, write_set
from .wfdb.writer import Wfdb, write_record

__all__ = ["FORMATS", "new_format", "read_rows", "refuse_foreign", "write_record", "write_samples"]

FORMATS = ("wfdb", "csv", "parquet", "npz")

_OTHERS: dict[str, Callable[[Plan, list[str]], Format]] = {"csv": Csv, "parquet": Parquet, "npz": Npz}


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

    - wfdb: `RECORDS` and one record a sample (format 16, 16 bit; NaN is WFDB's missing code); of more than 10,000,
      a thousand each in subfolders, `part0000/synthetic000001` and so on, which is then what RECORDS and `record` say;
    - csv: `signals.csv`, one row a time step: record, label, time_s, one column a lead; and `about.json`;
    - parquet: `signals.parquet`, one row a sample: the columns of samples.csv, then one list a lead
      (`numpy.stack(frame["i"])`); fs, units and comments in `frame.attrs`; of more than 64 MiB of values, a folder of
      that name with `part-00000.parquet` and so on, which readers take by the same path;
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
        What a reader opens: the .hea files for wfdb, else signals.csv, .parquet or .npz.

    Raises:
        InputError: an unknown format, no samples, a gain or unit WFDB cannot hold, a value beyond 16 bit at this gain.
        OSError: the disk is full or not writable; nothing half-written is left.
    """
    form = new_format(Plan.of(samples, prefix), file_format, gain, comments)
    write_set(lambda first: [samples], dest, form, progress=progress)
    if file_format == "wfdb":
        return [dest / f"{name}.hea" for name in (dest / "RECORDS").read_text(encoding="utf-8").split()]
    return [dest / f"signals.{file_format}"]


def new_format(
    plan: Plan, file_format: str, gain: float | Sequence[float] | None = None, comments: Sequence[str] = ()
) -> Format:
    """One of FORMATS, for `write_set`; arguments as of `write_samples`.

    Raises:
        InputError: an unknown format, a prefix that makes no names, a gain or unit WFDB cannot hold.
    """
    if file_format not in FORMATS:
        raise InputError(f"format '{file_format}' is not known; choose one of {', '.join(FORMATS)}")
    if not re.fullmatch(r"[-\w]+", plan.prefix, re.ASCII):
        raise InputError(f"prefix '{plan.prefix}' makes no record names; use letters, digits, - and _ only")
    lines = [" ".join(line.split()) for line in comments]  # a line break would end the header's comment
    return Wfdb(plan, lines, gain) if file_format == "wfdb" else _OTHERS[file_format](plan, lines)


def refuse_foreign(folder: Path, others: Collection[str] = (), prefix: str = "synthetic") -> None:
    """Refuse to replace a folder of samples in which somebody put something else.

    Arguments:
        folder: need not exist.
        others: names of files that a generated set has besides those of write_samples.
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
    """The table samples.csv of a folder that write_samples made.

    Raises:
        InputError: missing or damaged.
    """
    path = folder / TABLE
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); generate again") from error
