"""Time series that are no WFDB: text files and npz."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ...data.formats import new_format, read_rows
from ...data.labels import NO_LABEL
from ...data.patients import files_below, split_patients
from ...data.samples import Samples
from ...data.series.columns import column_form
from ...data.series.series import (
    SUFFIXES,
    WIDE,
    describe_series,
    find_series,
    read_series,
    series_format,
    series_sources,
)
from ...data.series.sheet import read_sheet
from ...data.sharded import Format, Plan
from ...data.store.writing import StagedStore, stage_samples
from ...errors import InputError
from ...parallel import ParallelMap
from ...transforms import Codec
from ..recipe import Recipe
from .kind import Inspection, counted
from .signals import Signals, comment_texts, stacked, stage_windows


class OtherSeries(Signals):
    """Signals in files of text or npz: a file a recording, or all samples in one."""

    name = "series"
    channels_noun = "channel"
    title = "time series"
    first_recipe = "series"

    def recognises(self, source: Path) -> bool:
        """Whether a source is rather a time series than a table.

        A folder is none of tables; a text is if it has comments above, one column, or very many unnamed ones.
        """
        if source.is_dir() or source.suffix == ".npz":
            return True
        if source.suffix.lower() not in SUFFIXES:
            return False
        try:
            sheet = read_sheet(source)
        except InputError:
            return False
        return bool(sheet.comments) or sheet.width == 1 or (sheet.header is None and sheet.width > WIDE)

    def _check(self, recipe: Recipe, source: Path) -> None:
        if source.is_dir() and not any(file.suffix.lower() in SUFFIXES for file in files_below(source)):
            raise InputError(f"{source}: no records (.hea) and no time series ({', '.join(SUFFIXES)}) in this folder")
        find_series(source)
        if recipe.label is not None and not recipe.conditional:
            raise InputError(
                f"label '{recipe.data.label}': recipe {recipe.name} knows no classes; add --set head=auto, or no label"
            )

    def inspect(self, recipe: Recipe, source: Path) -> Inspection:
        data = recipe.data
        series, problems = describe_series(source, data.fs, data.layout, data.label, data.patient)
        if series is None:
            return Inspection([], problems)
        values, counts, fs = series.values, Counter(series.frame["label"]), series.source.fs or 1.0
        what, windows = f"{len(values)} recordings", []
        if series.samples is not None:
            what = f"{len(values)} samples of {series.samples.length} values"
        else:
            cuts = [recording.cut(recipe.window, data.stride) for recording in series.recordings]
            windows = [f"{sum(len(starts) for starts, _, _ in cuts)} windows of {recipe.window} samples"]
            problems += [problem for _, _, problem in cuts if problem]
        classes = {name: counts[number] for number, name in enumerate(series.classes)}
        seconds = sum(each.shape[1] for each in values) / fs
        lines = [
            f"layout {series.form['layout']}: {what} of {series.frame['patient'].nunique()} patients, {seconds:.1f} s "
            f"at {fs:g} Hz",
            f"channels: {', '.join(series.source.channels)}",
            *windows,
            *([f"classes: {counted(classes)}"] if classes else []),
            f"missing values: {sum(int(np.isnan(each).sum()) for each in values)}",
        ]
        return Inspection(lines, problems)

    def ingest(
        self, recipe: Recipe, source: Path, to: Path | str, *, split: bool, parallel: ParallelMap | None = None
    ) -> StagedStore:
        label, is_npz = recipe.data.label, find_series(source)[0].path.suffix.lower() == ".npz"
        if is_npz and not recipe.conditional:
            label = NO_LABEL  # the one that the file has by itself is for classes alone
        given = (source, recipe.data.fs, recipe.data.layout, label, recipe.data.patient)
        sources = series_sources(*given)
        if not sources:  # a row is a sample already, whatever length the recipe's windows have
            series = read_series(*given)
            assert series.samples is not None
            frame = series.samples.frame
            frame["part"] = split_patients(frame, recipe.data.control_share, recipe.seed) if split else ""
            return stage_samples(to, series.samples, series.form, series.classes)
        if split and len(sources) == 1:
            sources[0].read()  # what is wrong with it comes first
            raise InputError(
                f"{source}: one recording of one person leaves nobody as control; give a folder of recordings, or "
                "--patient time to set parts of it aside (which says nothing about new patients)"
            )
        classes = () if label in (None, NO_LABEL) else None
        return stage_windows(recipe, sources, to, split=split, parallel=parallel, classes=classes, form=column_form)

    def file_names(self, codec: Codec) -> str:
        form = codec.form
        names = rf"synthetic\d+{re.escape(form['suffix'])}" if form["layout"] == "columns" else re.escape(form["file"])
        return rf"{names}|samples\.csv"

    def _headers(self, recipe: Recipe, source: Path) -> Iterator[tuple[str, Iterable[str]]]:
        for entry in find_series(source):
            if entry.path.suffix.lower() != ".npz":
                yield entry.patient, comment_texts(read_sheet(entry.path).comments)

    def _new_format(self, plan: Plan, codec: Codec, file_format: str, comments: Sequence[str]) -> Format:
        if file_format == "source":
            return series_format(plan, codec.form)
        return new_format(plan, file_format, codec.gains, comments)

    def read_back(self, folder: Path, codec: Codec) -> Samples:
        form = codec.form
        layout, column = form["layout"], form.get("label")
        path = folder if layout == "columns" else folder / form["file"]
        if layout == "npz":  # its keys say what is what
            layout, label = "auto", None
        else:
            label = NO_LABEL if column is None else f"column{column + 1}"
        series = read_series(path, codec.fs, layout, label, "record", form["classes"])
        if series.samples is not None:  # rows are samples
            return series.samples
        values = stacked(folder, series.recordings, codec)
        return Samples(values, read_rows(folder), codec.channels, codec.units, codec.fs)
