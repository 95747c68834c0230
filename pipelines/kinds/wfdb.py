"""WFDB databases: records in, records out."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ...data.formats import new_format, read_rows
from ...data.labels import CLASSES, NO_LABEL
from ...data.parallel import ParallelMap
from ...data.patients import iter_files_below
from ...data.recording import RecordHead
from ...data.samples import Samples
from ...data.sharded import Format, Plan
from ...data.store.writing import StagedStore
from ...data.wfdb.describe import Description, describe
from ...data.wfdb.header import read_heads, relabel
from ...data.wfdb.listing import find_records, header_text
from ...data.wfdb.signals import RecordSource, read_records
from ...data.wfdb.writer import FOLDERS
from ...errors import InputError
from ...transforms import Codec
from ..inspection import Inspection, Listing, counted
from ..progress import progress
from ..recipe import Recipe
from .signals import Signals, check_shape, comment_texts, stage_windows


class WfdbRecords(Signals):
    """Records of the WFDB format, as PhysioNet has them."""

    name = "wfdb"
    channels_noun = "lead"
    title = "WFDB records"
    first_recipe = "ptb-quantile"

    def recognises(self, source: Path) -> bool:
        """Whether a source holds, or claims to hold, WFDB records."""
        if source.is_dir():
            return (source / "RECORDS").is_file() or any(file.suffix == ".hea" for file in iter_files_below(source))
        return source.suffix == ".hea"

    def _check(self, recipe: Recipe, source: Path) -> None:
        find_records(source, recipe.data.patient)

    def inspect(self, recipe: Recipe, source: Path) -> Inspection:
        with progress("inspect") as advance:
            known = describe(
                source,
                recipe.window,
                recipe.data.stride,
                recipe.data.leads,
                recipe.data.fs,
                recipe.data.patient,
                progress=lambda done, total: advance(done, "records", total),
                labels=_label_file(recipe),
            )
        lines = [
            f"{len(known.rows)} records of {known.patients} patients, {known.seconds / 60:.1f} minutes, "
            f"{sum(known.class_windows.values())} windows of {recipe.window} samples",
            f"sampling rates: {counted(known.fs, ' Hz')}",
            f"leads: {counted(known.leads)}",
        ]
        if any(known.dropped.values()):
            lines.append(f"windows left out: {counted(known.dropped)}")
        return Inspection(lines, known.problems, (_records(known), _table1(known), _table2(known)))

    def ingest(
        self, recipe: Recipe, source: Path, to: Path | str, *, split: bool, parallel: ParallelMap | None = None
    ) -> StagedStore:
        heads, classes = read_heads(find_records(source, recipe.data.patient)), CLASSES
        if (labels := _label_file(recipe)) is not None:
            heads, classes = relabel(heads, labels)
        sources = [RecordSource(head, recipe.data.leads, recipe.data.fs) for head in heads]
        if not recipe.data.skip_bad:  # rather now than after hours
            for record in sources:
                try:
                    record.check()
                except InputError as fault:
                    raise InputError(f"{fault}, or leave it out with --skip-bad") from fault
        return stage_windows(recipe, sources, to, split=split, parallel=parallel, classes=classes)

    def file_names(self, codec: Codec) -> str:
        return rf"({FOLDERS.pattern}/)?synthetic\d+\.(hea|dat)|RECORDS|samples\.csv"

    def record_heads(self, recipe: Recipe, source: Path) -> list[RecordHead]:
        return read_heads(find_records(source, recipe.data.patient))

    def _headers(self, recipe: Recipe, source: Path) -> Iterator[tuple[str, Iterable[str]]]:
        for entry in find_records(source, recipe.data.patient):
            lines = header_text(entry.path.with_name(f"{entry.path.name}.hea")).splitlines()
            comments = [line for line in lines if line.startswith("#")]
            first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
            yield entry.patient, [*first.split()[4:], *comment_texts(comments)]  # time and date

    def _new_format(self, plan: Plan, codec: Codec, file_format: str, comments: Sequence[str]) -> Format:
        return new_format(plan, "wfdb" if file_format == "source" else file_format, codec.gains, comments)

    def read_back(self, folder: Path, codec: Codec) -> Samples:
        heads = read_heads(find_records(folder))
        values = [recording.physical() for recording in read_records(heads)]
        check_shape(folder, values, codec)
        made = (codec.fs, tuple(codec.channels))
        if strange := {(head.fs, tuple(head.channels)) for head in heads} - {made}:
            fs, leads = next(iter(strange))
            raise InputError(
                f"{folder}: holds a record of {fs:g} Hz with {', '.join(leads)}, this run makes {codec.fs:g} Hz with "
                f"{', '.join(codec.channels)}; generate again"
            )
        rows = read_rows(folder)
        if len(rows) != len(values):
            raise InputError(f"{folder}: samples.csv has {len(rows)} rows for {len(values)} records; generate again")
        return Samples(np.stack(values), rows, heads[0].channels, heads[0].units, codec.fs)


def _label_file(recipe: Recipe) -> Path | None:
    """The file with the user's own classes, if there is one."""
    return None if recipe.data.label in (None, NO_LABEL) else Path(str(recipe.data.label))


def _records(known: Description) -> Listing:
    rows = [
        (h.name, h.patient, h.diagnosis, h.label, len(h.channels), f"{h.fs:g}", f"{h.seconds:.1f}", row.windows)
        for row in known.rows
        for h in [row.head]
    ]
    return Listing("Records", ("record", "patient", "diagnosis", "class"), ("leads", "Hz", "seconds", "windows"), rows)


def _table1(known: Description) -> Listing:
    """The paper's Table 1, beside the diagnoses as the headers have them."""
    rows = [(name, "", n) for name, n in known.table_1.items()]
    rows += [("", diagnosis, n) for diagnosis, n in known.diagnoses.items()]
    texts = ("diagnostic class", "diagnoses in the headers")
    return Listing("Records by diagnosis (the paper's Table 1)", texts, ("records",), rows)


def _table2(known: Description) -> Listing:
    """The paper's Table 2."""
    counts = (known.classes, known.class_patients, known.class_windows)
    rows = [(name, *(count.get(name, 0) for count in counts), k) for k, name in enumerate(known.classes)]
    numbers = ("records", "patients", "sliced samples", "class")
    return Listing("Classes (the paper's Table 2)", ("diagnostic class",), numbers, rows)
