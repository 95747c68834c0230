"""What must not leave: everything that a run knows of its source, in a form that a bundle can be searched for."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...data.folders import iter_files_below
from ...data.parallel import ordered_map
from ...data.pictures import find_pictures
from ...data.recording import RecordHead, Recording
from ...data.store.sample_store import AnyStore, SampleStore, open_store
from ...data.store.store import Store
from ...data.table.columns import Binary, Category, text_of
from ...data.table.form import TableForm
from ...data.wfdb.header import read_heads
from ...data.wfdb.listing import find_records
from ...data.wfdb.signals import read_record
from ...errors import InputError
from ...transforms import Codec
from ..classes import Classes
from ..fingerprint import sha256
from ..kinds import kind_of_source
from ..recipe import Recipe
from ..run_folder import RunFolder
from .contents import pixels_of
from .traces import Traces, bits, on_grid
from .words import COMMON, Words, declared_by, names_in, source_texts, words_of

NUMBERS, CELLS = 3, 8  # a row of so many different numbers, or of so many cells, is nobody else's by chance
MOST_VALUES = 1 << 30  # of recordings, or bytes of pictures, that are read of a source: some minutes
LONGEST = 1 << 25  # values of a recording that is held in memory
MOST_STRETCHES = 1 << 25  # of recordings; 256 MiB
_RUN = 8  # offsets in a row
INTERLEAVED = frozenset({1, 2, 3, 8, 12, 15})  # signals that a source's own files may hold side by side


@dataclass
class Private:
    """What a bundle is searched for.

    Arguments:
        texts, literal, ids: see `Words`.
        traces: stretches of all recordings, or of all pictures; None for tables.
        pictures: hashes of the pixels of the source's pictures.
        rows: hashes of the table's telling rows.
        row_numbers: their numbers alone, as a row of any text would have them.
        row_words: their words, as a line of any text would have them.
        offsets: runs of the windows' minima; None where they are none of the source's.
        offset_values: the minima themselves.
        gains: steps per unit on which values are written.
        files: the source's files by their size.
        strides: signals that may lie interleaved in a file.
        searched: what is looked for, in words.
        notes: what could not be looked for, and why.
        warnings: what of few people the codec says openly.
    """

    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    literal: dict[tuple[str, ...], str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    traces: Traces | None = None
    pictures: frozenset[str] = frozenset()
    rows: frozenset[int] = frozenset()
    row_numbers: Traces | None = None
    row_words: frozenset[tuple[str, ...]] = frozenset()
    offsets: Traces | None = None
    offset_values: frozenset[float] = frozenset()
    gains: tuple[float, ...] = ()
    files: dict[int, set[Path]] = field(default_factory=dict)
    strides: frozenset[int] = INTERLEAVED
    searched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of_run(cls, folder: RunFolder, codec: Codec) -> "Private":
        """All that a run and its source hold, as far as the source is still where it was."""
        store, recipe, source = open_store(folder.store), folder.recipe, Path(folder.about()["source"])
        private, words = cls(), Words(declared_by(codec))
        words.add([str(source)], "the path of the source")
        private.searched.append("the path of the source")
        if codec.form["kind"] == "table":
            form = TableForm.from_state(codec.form["table"])
            private._learn_rows(store, form)
            if form.patient is not None:  # else a row's number is its only name
                words.add(store.frame["patient"].unique(), "a patient's id")
                private.searched.append("ids of people")
        else:
            private._learn_signals(store, codec)
            words.add(store.frame["patient"].astype(str).unique(), "a patient's id")
            words.add(names_in(store.frame), "a record's name")
            private.searched += ["ids of people", "names of records"]
            private._warn_of(
                "class", store.frame["label"], store.frame["patient"], len(Classes.from_form(codec.form).names)
            )
        private._learn_source(source, recipe, words)
        private.texts, private.literal, private.ids = words.texts, words.literal, words.ids
        return private

    @cached_property
    def anchors(self) -> dict[str, list[tuple[tuple[str, ...], str]]]:
        """The texts by the one of their words that fewest of them have: where that is absent, none needs a look."""
        frequency = Counter(word for words in self.texts for word in words)
        found: defaultdict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for words, kind in self.texts.items():
            found[min(words, key=lambda word: (frequency[word], -len(word)))].append((words, kind))
        return dict(found)

    def _learn_signals(self, store: AnyStore, codec: Codec) -> None:
        self.traces = Traces.of_windows(store.length)
        if isinstance(store, Store):
            self.gains = tuple(sorted({*store.gains, *(codec.gains or ())}))
            self.strides = INTERLEAVED | {len(store.channels)}
            for record in store.records.values():
                stored, gain = store.signal(record.record), np.array(record.gain)[:, None]
                baseline = np.array(record.baseline)[:, None]
                values = ((stored - baseline) / gain).astype(np.float32)
                for grid in {*self.gains, *record.source_gain}:  # as it would be written, and as it was stored
                    self.traces.add(on_grid(values, grid))
        else:
            pictures = codec.form["kind"] == "images"
            self.gains = (1.0,) if pictures else (1 / store.step,)
            for values in store.iter_windows(None):
                self.traces.add(on_grid(values.reshape(-1, store.length), self.gains[0]))
        self.traces.seal()
        self.searched.append("stretches of real samples")
        if codec.form["kind"] != "images":
            self._learn_offsets(store)
            self.searched.append("offsets of windows")

    def _learn_offsets(self, store: AnyStore) -> None:
        minima = np.concatenate([_minima(values) for values in store.iter_windows(None)])  # N, C
        self.offset_values = frozenset(map(float, np.unique(minima[np.isfinite(minima)])))
        self.offsets = Traces(min(_RUN, len(minima)), steps=False)
        self.offsets.add(bits(minima.T))
        self.offsets.seal()

    def _learn_rows(self, store: AnyStore, form: TableForm) -> None:
        """Rows that one person alone has, if the table is so wide that nobody else has them by chance."""
        assert isinstance(store, SampleStore)
        frame, people = form.to_frame(store.samples()), store.frame["patient"]
        for column in form.columns:
            if isinstance(column, (Binary, Category)):
                self._warn_of(column.name, frame[column.name], people, len(column.values))
        numbers = frame.select_dtypes("number")
        keys = pd.util.hash_pandas_object(frame, index=False)
        owners = people.groupby(keys.to_numpy()).nunique()
        alone = keys.isin(owners.index[owners == 1]).to_numpy()
        is_wide = (frame.notna().sum(axis=1) >= CELLS).to_numpy()
        is_numeric = (numbers.nunique(axis=1) >= NUMBERS).to_numpy()
        self.rows = frozenset(keys[alone & (is_wide | is_numeric)].tolist())
        which = f"rows that one person alone has, of {NUMBERS} different numbers or {CELLS} cells at least"
        if not self.rows:
            self.notes.append(f"Rows were not searched: there are no {which}; shorter ones come out by chance, too.")
            return
        self.searched.append(which)
        wide = frame[alone & is_wide].astype(object)
        self.row_words = frozenset(words_of(" ".join(map(text_of, row))) for row in wide.itertuples(index=False))
        full = numbers[alone & is_numeric].dropna().to_numpy(np.float64)
        if len(full):
            self.row_numbers = Traces(full.shape[1], steps=False)
            self.row_numbers.add(bits(full))
            self.row_numbers.seal()

    def _warn_of(self, name: str, values: pd.Series, people: pd.Series, n: int) -> None:
        """Tell how many values of a column, all of which stand in codec.json, few people have."""
        holders = people.groupby(values.astype(object).to_numpy()).nunique()
        if n and (few := int((holders < COMMON).sum())):
            self.warnings.append(
                f"codec.json names all {n} values of '{name}', {few} of which fewer than {COMMON} people have; "
                "merge rare values, or leave the column out, if they may tell who was there"
            )

    def _learn_source(self, source: Path, recipe: Recipe, words: Words) -> None:
        """What is only in the source itself: its files, its headers' texts, and its data before it was prepared."""
        if not source.exists():
            self.notes.append(
                "The source was no longer where it had been read: its files, texts of headers, cells of columns that "
                "were left out, recordings at their own rate and pictures of their own size were not looked for."
            )
            return
        kind = kind_of_source(recipe, source).name
        self._learn_files(source)
        self.searched.append("files")
        for text, what in source_texts(recipe, source):
            words.add([text], what)
        if kind != "images":
            self.searched.append("cells of columns that were left out" if kind == "table" else "texts of headers")
        if kind == "wfdb":
            self._learn_recordings(read_heads(find_records(source, recipe.data.patient)))
        elif kind == "images":
            self._learn_pictures(find_pictures(source)[0])

    def _learn_recordings(self, heads: list[RecordHead]) -> None:
        """Signals as they were recorded: all of them, at their own rate and resolution."""
        assert self.traces is not None
        sizes = [head.n_samples * len(head.signals) for head in heads]
        if sum(sizes) > MOST_VALUES:
            self.notes.append(
                f"Recordings at their own rate and other signals of them were not looked for: {sum(sizes)} values are "
                f"more than the {MOST_VALUES} that are read."
            )
            return
        known = 0
        rarer = -(-sum(sizes) * (len(self.gains) + 1) // (self.traces.thin * MOST_STRETCHES)) or 1
        for recording in ordered_map(_recording, heads):
            if recording is None:
                continue
            known += 1
            own = recording.values if recording.values.dtype == np.int16 else None
            for k, values in enumerate(recording.physical()):
                readings = [on_grid(values, gain) for gain in {*self.gains, recording.source_gain[k]}]
                readings += [] if own is None or recording.gain[k] in self.gains else [own[k].astype(np.int64)]
                for reading in readings:
                    self.traces.add(reading, rarer)
        self.traces.seal()
        self.searched.append("stretches of recordings at their own rate")
        if known < len(heads):
            n = len(heads) - known
            self.notes.append(f"{n} of {len(heads)} recordings could not be read whole: looked for only as prepared.")

    def _learn_pictures(self, files: list[Path]) -> None:
        """Pictures as they were, whatever their size."""
        if sum(file.stat().st_size for file in files) > MOST_VALUES:
            self.notes.append(f"Pictures of their own size were not looked for: more than {MOST_VALUES} bytes.")
            return
        self.pictures = frozenset(ordered_map(pixels_of, files)) - {""}
        self.searched.append("pictures of their own size")

    def _learn_files(self, source: Path) -> None:
        for file in iter_files_below(source) if source.is_dir() else [source]:
            if (size := file.stat().st_size) > 0:
                self.files.setdefault(size, set()).add(file)

    def is_a_file_of_the_source(self, path: Path) -> bool:
        """Byte for byte, under whatever name."""
        there = self.files.get(path.stat().st_size, ())
        return bool(there) and sha256(path) in map(sha256, there)


def _recording(head: RecordHead) -> Recording | None:
    """A whole recording, if it can be read and held."""
    try:
        return None if head.n_samples * len(head.signals) > LONGEST else read_record(head)
    except InputError:  # such as a signal's file that is missing, of a lead that no run needed
        return None


def _minima(values: np.ndarray) -> np.ndarray:
    """(N, C, L) to (N, C): what the levels of a window leave out."""
    there = np.where(np.isnan(values), np.inf, values).min(axis=2)
    return np.where(np.isinf(there), np.float32(np.nan), there).astype(np.float32)


def form_decimal(form: Mapping[str, Any]) -> str:
    """What the source's texts write between units and tenths."""
    return str(form.get("decimal") or form.get("dialect", {}).get("decimal") or ".")
