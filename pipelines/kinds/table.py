"""Tables: a row is a sample, a column one or more features."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...data.patients import CONTROL, TRAIN, split_patients
from ...data.samples import Samples
from ...data.sharded import Plan
from ...data.store.store import Store
from ...data.store.writing import StagedStore, stage_samples
from ...data.table.columns import NUMBERS, Binary, Category, text_of
from ...data.table.file import TableFile, read_table
from ...data.table.form import TableForm, TableFormat, rows_of
from ...data.table.kinds import category_of
from ...errors import InputError, nearest
from ...parallel import ParallelMap
from ...transforms import TABLE_GRIDS, ByChannel, Codec, Equalize, MinMax, Transform, table_grid
from ..evaluation.privacy.row_space import RowSpace, TableView
from ..evaluation.privacy.space import View
from ..evaluation.utility import Lesson
from ..recipe import Recipe
from .kind import Inspection, Kind, Listing, SampleInfo

if TYPE_CHECKING:
    from ..evaluation.measure import Measured
    from ..evaluation.privacy.battery import Extra
    from ..evaluation.sets import Sets

# How a table is written in another format than the source's
_DIALECTS: dict[str, dict[str, Any]] = {
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


class Table(Kind):
    """Rows of a table."""

    name = "table"
    data = "table"
    nouns = "rows"
    channels_noun = "features"
    title = "a table"
    formats = tuple(_DIALECTS)
    meaningless = ("leads",)
    first_recipe = "table"
    sections = ("columns", "shares", "evidence", "attacks", "images", "evolution", "training", "class accuracy")
    tabular = True

    def recognises(self, source: Path) -> bool:
        return True  # whatever is no other kind

    def _check(self, recipe: Recipe, source: Path) -> None:
        if source.is_dir():
            raise InputError(f"{source}: is a folder; recipe {recipe.name} reads a table, name its CSV or Parquet file")
        if not source.is_file():
            raise InputError(f"{source}: no such file; recipe {recipe.name} reads a table, as CSV or Parquet")
        if recipe.conditional and recipe.data.label is None:
            raise InputError(f"head = '{recipe.gan.head}' needs classes; name the column that has them with --label")

    def inspect(self, recipe: Recipe, source: Path) -> Inspection:
        file = _read(recipe, source)
        left_out = (*recipe.data.drop, _patient_column(recipe))
        options = {"binary": recipe.data.binary, "category": recipe.data.category, "keep": recipe.data.keep}
        problems, rows = [], []
        for name in file.frame.columns:  # one by one, so that every problem is said
            column, kind = file.frame[name], "left out" if name in left_out else ""
            if name not in left_out:
                given = {option: [name] if name in names else [] for option, names in options.items()}
                try:
                    if name == recipe.label and recipe.conditional:
                        kind = category_of(column, file.name).kind
                    else:
                        kind = TableForm.fit(file.frame[[name]], file.name, **given).columns[0].kind  # type: ignore[arg-type]
                except InputError as error:
                    problems += [] if name in recipe.data.keep else [str(error)]
            values = _values(column)
            few = ", ".join(map(str, values[:6])) + (", …" if len(values) > 6 else "")
            shown = f"{column.min()} to {column.max()}" if kind in NUMBERS else few
            rows.append((name, kind, column.dtype, shown, len(values), column.isna().sum()))
        try:
            _rows_and_form(recipe, file)  # what only shows when columns are seen together
        except InputError as error:
            problems += [] if str(error) in problems else [str(error)]
        texts, numbers = ("column", "kind", "type", "values"), ("different", "missing")
        lines = [f"{len(file.frame)} rows, {len(file.frame.columns)} columns"]
        return Inspection(lines, problems, (Listing(f"Columns of {file.name}", texts, numbers, rows),))

    def ingest(
        self, recipe: Recipe, source: Path, to: Path | str, *, split: bool, parallel: ParallelMap | None = None
    ) -> StagedStore:
        file = _read(recipe, source)
        rows, whole = _rows_and_form(recipe, file)
        part = split_patients(rows, recipe.data.control_share, recipe.seed) if split else np.full(len(rows), TRAIN)
        is_training = _with_every_value(part == TRAIN, rows["patient"], file.frame, whole)
        if is_training.all() and split:
            raise InputError(
                f"{source}: no control row is left, for training needs a row of every category; --drop columns of many "
                "rare categories, or give more rows"
            )
        form = whole.refit(file.frame[is_training])
        samples = form.to_samples(file.frame)
        frame = rows.assign(label=samples.frame["label"].to_numpy(), part=np.where(is_training, TRAIN, CONTROL))
        stored = Samples(samples.values, frame, samples.channels, samples.units)
        described = {"kind": self.name, "file": file.name, "table": form.to_state(), "dialect": file.dialect}
        return stage_samples(to, stored, described, form.classes)

    def check_layout(self, recipe: Recipe) -> None:
        name = recipe.images.arrangement
        if name not in TABLE_GRIDS:
            raise InputError(f"unknown table grid '{name}'{nearest(name, TABLE_GRIDS)}")
        _standardizer(recipe)

    def new_codec(self, recipe: Recipe, info: SampleInfo) -> Codec:
        kinds = TableForm.from_state(info.form["table"]).kinds
        numbers = [k for k, kind in enumerate(kinds) if kind in NUMBERS]
        others = [k for k, kind in enumerate(kinds) if kind not in NUMBERS]
        parts = [(group, part) for group, part in ((numbers, _standardizer(recipe)), (others, MinMax(a=1))) if group]
        standardizer = ByChannel([group for group, _ in parts], [part for _, part in parts])
        side = None if recipe.images.side == "auto" else recipe.images.side
        return info.codec(standardizer, table_grid(recipe.images.arrangement, kinds, side, recipe.seed))

    def file_names(self, codec: Codec) -> str:
        return re.escape(codec.form["file"])

    def rows(self, codec: Codec, samples: Samples) -> pd.DataFrame:
        return _form(codec).to_frame(samples)

    def category_sizes(self, codec: Codec) -> dict[str, int]:
        return {column.name: len(column.values) for column in _categories(codec)}

    def open_texts(self, codec: Codec) -> Iterator[str]:
        yield from super().open_texts(codec)
        yield from (column.name for column in _form(codec).columns)
        yield from (text_of(value) for column in _categories(codec) for value in column.values)

    def identities(self, store: Store, codec: Codec) -> dict[str, Iterable[str]]:
        named = _form(codec).patient is not None  # else a row's number is its only name
        return {"the id of a patient": store.frame["patient"].astype(str).unique()} if named else {}

    def source_texts(self, recipe: Recipe, source: Path) -> dict[str, Iterable[str]]:
        patient = _patient_column(recipe)
        hidden = [*recipe.data.drop, *([patient] if patient else [])]
        frame = _read(recipe, source).frame
        cells = {str(cell) for column in hidden for cell in frame[column].dropna().unique()}
        return {"a cell of a column that was left out": sorted(cells)} if hidden else {}

    def _new_format(self, plan: Plan, codec: Codec, file_format: str, comments: Sequence[str]) -> TableFormat:
        name, dialect = Path(codec.form["file"]), codec.form["dialect"]
        if file_format != "source":
            name, dialect = name.with_suffix(f".{file_format}"), _DIALECTS[file_format]
        return TableFormat(plan, _form(codec), name.name, dialect)

    def content(self, codec: Codec) -> str:
        names = [column.name for column in _form(codec).columns]
        return f"{len(names)} column{'s' * (len(names) != 1)}: {', '.join(names)}"

    def read_back(self, folder: Path, codec: Codec) -> Samples:
        form = _form(codec)
        names = [column.name for column in form.columns]
        file = read_table(folder / codec.form["file"], (), form.texts, codec.form["dialect"], names)
        return form.to_samples(file.frame)

    def fidelity(self, sets: Sets, measured: Measured) -> None:
        from ..evaluation.measure import measure_table

        measure_table(sets, measured)

    def lesson(self, recipe: Recipe) -> Lesson:
        from ..evaluation.learners import boosting

        return Lesson(boosting, lambda values: values[:, :, 0])

    def view(self, sets: Sets) -> View:
        return TableView(RowSpace.fit(_form(sets.codec), sets.training, sets.control))

    def extra_attacks(self, codec: Codec) -> Extra:
        from ..evaluation.privacy.rows import attack_rows

        return partial(attack_rows, _form(codec))


def _form(codec: Codec) -> TableForm:
    """How the columns of the table become features."""
    return TableForm.from_state(codec.form["table"])


def _categories(codec: Codec) -> list[Binary | Category]:
    return [column for column in _form(codec).columns if isinstance(column, (Binary, Category))]


def _rows_and_form(recipe: Recipe, file: TableFile) -> tuple[pd.DataFrame, TableForm]:
    """Whose the rows of a table are, and what each of its columns is; InputError where `prepare` cannot go on."""
    patient, label = _patient_column(recipe), recipe.label
    rows = rows_of(file.frame, file.name, label=label, patient=patient)
    options = {name: getattr(recipe.data, name) for name in ("binary", "category", "drop", "keep")}
    classes = label if recipe.conditional else None
    return rows, TableForm.fit(file.frame, file.name, label=classes, patient=patient, **options)


def _patient_column(recipe: Recipe) -> str | None:
    """The column that says whose a row is; words that are for records say nothing: each row is somebody else's."""
    return None if recipe.data.patient in ("auto", "record") else recipe.data.patient


def _read(recipe: Recipe, source: Path) -> TableFile:
    """The table; cells of columns from whose size nothing is learnt are taken as they stand, numbers or not."""
    patient = _patient_column(recipe)
    as_written = [*recipe.data.category, *recipe.data.drop, *([patient] if patient else [])]
    return read_table(source, recipe.data.missing, as_written)


def _with_every_value(is_training: np.ndarray, patient: pd.Series, frame: pd.DataFrame, form: TableForm) -> np.ndarray:
    """Training rows with every category and class, and a missing cell of columns that have some.

    What training lacks has no image. A patient moves with all rows; thyroid's column 15 has one 1 in 3,772 rows.
    is_training, patient and the result: (N,), of all rows; form: fitted on all of them.
    """
    chosen, rows_of_patient = is_training.copy(), patient.groupby(patient).indices
    for column in form.columns:
        cells = frame[column.name]
        compared = cells if isinstance(column, (Binary, Category)) else cells.isna()
        values = pd.factorize(compared, use_na_sentinel=False)[0]  # missing is a value, too
        trained = set(values[chosen].tolist())
        for value, first in zip(*(each.tolist() for each in np.unique(values, return_index=True)), strict=True):
            if value not in trained:
                moved = rows_of_patient[patient.iloc[first]]
                chosen[moved] = True
                trained.update(values[moved].tolist())
    return chosen


def _standardizer(recipe: Recipe) -> Transform:
    """Step 1 of numbers, not yet fitted."""
    name = recipe.images.standardizer
    if name not in ("minmax", "equalize"):
        raise InputError(f"standardizer '{name}' is for signals; tables take minmax or equalize")
    return MinMax(a=1) if name == "minmax" else Equalize(a=1)


def _values(column: pd.Series) -> np.ndarray:
    """Different values of a column; of what has no hash, as lists in a Parquet file, their texts."""
    present = column.dropna()
    try:
        return present.unique()
    except TypeError:
        return present.astype(str).unique()
