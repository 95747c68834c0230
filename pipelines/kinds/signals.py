"""Signals in time: what all have in common, and WFDB databases: records in, records out."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ...data.formats import FORMATS, new_format, read_rows
from ...data.labels import CLASSES
from ...data.patients import files_below, split_patients
from ...data.recording import RecordHead, Recording, Source
from ...data.samples import Samples
from ...data.sharded import Format, Plan
from ...data.store.ingest import Staging
from ...data.store.writing import Cut, Form, StagedStore, stage_store
from ...data.wfdb.describe import Description, describe
from ...data.wfdb.header import find_records, header_text, read_heads, relabel
from ...data.wfdb.signals import RecordSource, limb_relations, read_records
from ...data.wfdb.writer import FOLDERS
from ...errors import InputError
from ...parallel import ParallelMap
from ...transforms import (
    AdaptedRange,
    Codec,
    Colours,
    Compose,
    Equalize,
    MinMax,
    QuantileBounds,
    Transform,
    arrangement,
)
from ..evaluation.privacy.space import SignalView, View
from ..evaluation.utility import Lesson
from ..progress import progress
from ..recipe import Recipe
from .kind import COMMON, Inspection, Kind, Listing, SampleInfo, counted

if TYPE_CHECKING:
    from ..evaluation.measure import Measured
    from ..evaluation.sets import Sets


class Signals(Kind):
    """Windows of signals: values of one unit a channel, taken at a rate."""

    data = "signals"
    nouns = "windows"
    formats = FORMATS
    sections = (
        *("traces", "parameters", "evidence", "attacks", "classes", "five steps"),
        *("images", "evolution", "training", "class accuracy"),
    )
    dark = True
    has_offsets = True
    # without a recipe nothing says which leads are wanted
    first_settings = MappingProxyType({"leads": ()})

    def new_codec(self, recipe: Recipe, info: SampleInfo) -> Codec:
        channels = len(info.channels)
        colours = None if recipe.images.colours == "none" else Colours(recipe.images.colours)
        if colours is not None and channels != 3:
            raise InputError(
                f"colours '{recipe.images.colours}': needs three leads, there are {channels}; name three with --leads"
            )
        planes = channels if colours is None else colours.channels
        # rgb is z of three channels; in another colour space there may be four
        name = "z" if colours is not None and recipe.images.arrangement == "rgb" else recipe.images.arrangement
        # without a length, side only says how long windows are, and the layout has its own
        side = None if recipe.data.length is None or recipe.images.side == "auto" else recipe.images.side
        layout = arrangement(name, planes, info.length, recipe.seed, side)
        parts = _standardizers(recipe, info.step) + ([] if colours is None else [colours])
        standardizer = parts[0] if len(parts) == 1 else Compose(*parts)
        return info.codec(standardizer, layout, limb_relations(info.channels))

    def length(self, recipe: Recipe) -> int:
        return recipe.window

    def channel_counts(self, recipe: Recipe) -> Sequence[int]:
        return (len(recipe.data.leads),) if recipe.data.leads else super().channel_counts(recipe)

    def is_ecg(self, codec: Codec) -> bool:
        return codec.fs is not None and set(codec.units) == {"mV"}

    def source_texts(self, recipe: Recipe, source: Path) -> dict[str, Iterable[str]]:
        """What the headers say of few people."""
        people: defaultdict[str, set[str]] = defaultdict(set)
        for patient, lines in self._headers(recipe, source):
            for text in lines:
                people[text].add(patient)
        everybody = len(set().union(*people.values()))
        rare = [text for text, who in people.items() if len(who) < COMMON and (len(who) < everybody or everybody == 1)]
        return {"a text of a header": rare}

    @abstractmethod
    def _headers(self, recipe: Recipe, source: Path) -> Iterator[tuple[str, Iterable[str]]]:
        """Whose each header is, and its texts."""

    def fidelity(self, sets: Sets, measured: Measured) -> None:
        from ..evaluation.measure import measure_signals

        measure_signals(sets, measured, self.is_ecg(sets.codec))

    def lesson(self, recipe: Recipe) -> Lesson:
        from ..evaluation.learners import MOST, network

        return Lesson(partial(network, steps=recipe.evaluate.judge_steps), most=MOST)

    def view(self, sets: Sets) -> View:
        return SignalView()


class WfdbRecords(Signals):
    """Records of the WFDB format, as PhysioNet has them."""

    name = "wfdb"
    channels_noun = "lead"
    title = "WFDB records"
    first_recipe = "ptb-quantile"

    def recognises(self, source: Path) -> bool:
        """Whether a source holds, or claims to hold, WFDB records."""
        if source.is_dir():
            return (source / "RECORDS").is_file() or any(file.suffix == ".hea" for file in files_below(source))
        return source.suffix == ".hea"

    def _check(self, recipe: Recipe, source: Path) -> None:
        find_records(source, recipe.data.patient)

    def inspect(self, recipe: Recipe, source: Path) -> Inspection:
        data, labels = recipe.data, recipe.label and Path(recipe.label)
        given = (source, recipe.window, data.stride, data.leads, data.fs, data.patient)
        with progress("inspect") as advance:
            known = describe(*given, progress=lambda done, n: advance(done, "records", n), labels=labels or None)
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
        if recipe.label:
            heads, classes = relabel(heads, Path(recipe.label))
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
        values = stacked(folder, read_records(heads), codec)
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
        return Samples(values, rows, heads[0].channels, heads[0].units, codec.fs)


@contextmanager
def stage_windows(
    recipe: Recipe,
    sources: Sequence[Source],
    to: Path | str,
    *,
    split: bool,
    parallel: ParallelMap | None,
    classes: Sequence[str] | None,
    form: Form | None = None,
) -> Iterator[Staging]:
    """Cut recordings into the windows of a recipe; see `data.store.writing.stage_store`."""
    parts = partial(split_patients, control_share=recipe.data.control_share, seed=recipe.seed) if split else None
    cut = Cut(recipe.window, recipe.data.stride or recipe.window, parts)
    with ExitStack() as stack:
        with progress("read", len(sources)) as advance:
            staged = stage_store(
                to,
                sources,
                cut,
                classes=classes,
                form=form,
                parallel=parallel,
                skip_bad=recipe.data.skip_bad,
                progress=lambda done, _: advance(done, "recordings"),
            )
            staging = stack.enter_context(staged)  # the reading, whose progress ends here
        yield staging


def stacked(folder: Path, recordings: Iterable[Recording], codec: Codec) -> np.ndarray:
    """The values (N, C, L) of recordings in a folder; refused if they are not what a codec decodes."""
    shape = (len(codec.channels), codec.arrangement.length)
    values = [each.physical() for each in recordings]
    if wrong := [each.shape for each in values if each.shape != shape]:
        raise InputError(f"{folder}: holds a recording of shape {wrong[0]}, not what this run makes; generate again")
    return np.stack(values)


def comment_texts(comments: Iterable[str]) -> Iterator[str]:
    """Comments of a header, and values in them that tell something by themselves: several words, or long numbers."""
    for comment in comments:
        text = comment.lstrip("# ")
        yield text
        words = re.findall(r"\w+", text.partition(":")[2])
        whole = "".join(words)
        if len(words) > 1 or (len(whole) >= 6 and any(map(str.isdigit, whole))):
            yield text.partition(":")[2].strip()


def _standardizers(recipe: Recipe, step: float) -> list[Transform]:
    """Step 1 of signals, not yet fitted; step is the source's ADC step in physical units."""
    images = recipe.images
    if images.standardizer == "minmax":
        return [MinMax(a=images.null_level)]
    if images.standardizer == "equalize":
        return [Equalize(a=images.null_level, step=step)]
    width = None if images.width == "fitted" else images.width
    adapted = AdaptedRange(width, images.rounding, images.null_level, step=step)
    if images.standardizer == "adapted":
        return [adapted]
    return [QuantileBounds(images.quantile_low, images.quantile_high, images.quantile_of, step=step), adapted]


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
