"""Tables: a row is a sample, a column one or more features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...data import TRAIN, Samples, SampleStore, TableForm, read_table, rows_of, split_patients, write_table
from ...errors import InputError
from ...files import new_folder
from ...transforms import Codec
from ..recipe import Recipe

FEW = 50  # more different numbers than that are no categories
# How a table is written in another format than the source's
DIALECTS: dict[str, dict[str, Any]] = {
    "parquet": {"kind": "parquet", "index": []},
    "csv": {
        "kind": "text",
        "delimiter": ",",
        "decimal": ".",
        "header": True,
        "unnamed": [],
        "missing": "",
        "quote_names": False,
        "quote_text": False,
        "truth": {},
    },
}
FORMATS = tuple(DIALECTS)


def check(recipe: Recipe, source: Path) -> None:
    if not source.is_file():
        raise InputError(f"{source}: no such file; recipe {recipe.name} reads a table, as CSV or Parquet")


def write_store(recipe: Recipe, source: Path, to: Path, split: bool) -> SampleStore:
    file = read_table(source, recipe.missing, as_written(recipe))
    patient = patient_column(recipe)
    rows = rows_of(file.frame, file.name, label=recipe.label, patient=patient)
    rows["part"] = split_patients(rows, recipe.control_share, recipe.seed) if split else TRAIN
    left_out = (*recipe.drop, recipe.label, patient)
    _teach_every_value(file.frame[[name for name in file.frame if name not in left_out]], rows)
    if not (rows["part"] != TRAIN).any() and split:
        raise InputError(
            f"{source}: no control row is left, for training needs a row of every category; --drop columns of many "
            "rare categories, or give more rows"
        )
    form = TableForm.fit(
        file.frame[(rows["part"] == TRAIN).to_numpy()],
        file.name,
        label=recipe.label if recipe.conditional else None,
        patient=patient,
        binary=recipe.binary,
        category=recipe.category,
        drop=recipe.drop,
        keep=recipe.keep,
    )
    samples = form.to_samples(file.frame)
    rows["label"] = samples.frame["label"].to_numpy()
    stored = Samples(samples.values, rows, samples.channels, samples.units)
    described = {"kind": "table", "file": file.name, "table": form.to_state(), "dialect": file.dialect}
    return SampleStore.write(to, stored, described | {"as_text": as_written(recipe)}, form.classes)


def write(samples: Samples, dest: Path, codec: Codec, file_format: str, comments: Sequence[str], prefix: str) -> None:
    name, dialect = Path(codec.form["file"]), codec.form["dialect"]
    if file_format != "source":
        name, dialect = name.with_suffix(f".{file_format}"), DIALECTS[file_format]
    with new_folder(dest) as folder:
        write_table(TableForm.from_state(codec.form["table"]).to_frame(samples), folder / name, dialect)


def read(folder: Path, codec: Codec) -> Samples:
    file = read_table(folder / codec.form["file"], (codec.form["dialect"].get("missing", ""),), codec.form["as_text"])
    return TableForm.from_state(codec.form["table"]).to_samples(file.frame)


def patient_column(recipe: Recipe) -> str | None:
    """The column that says whose a row is; words that are for records say nothing: each row is somebody else's."""
    return None if recipe.patient in ("auto", "record") else recipe.patient


def as_written(recipe: Recipe) -> list[str]:
    """Columns whose cells are taken as they stand, numbers or not: nothing is learnt from their size."""
    patient = patient_column(recipe)
    return [*recipe.category, *recipe.drop, *([patient] if patient else [])]


def _teach_every_value(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Move rows to training until it has every category, and a missing cell of columns that have some.

    What training never saw has no image.
    A patient moves with all rows; thyroid's column 15 has one 1 in 3,772 rows.
    """
    for name in frame:
        column = frame[name].reset_index(drop=True)
        is_number = pd.api.types.is_numeric_dtype(column) and column.nunique() > FEW
        masks = [] if is_number else [column == value for value in column.dropna().unique()]
        for having in (mask.fillna(False).to_numpy(bool) for mask in (*masks, column.isna())):
            if having.any() and not (rows.loc[having, "part"] == TRAIN).any():
                first = rows.loc[having, "patient"].iloc[0]
                rows.loc[rows["patient"] == first, "part"] = TRAIN
