"""What must not leave: everything that a run knows of its source, in a form that a bundle can be searched for."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...data import AnyStore, SampleStore, Store, TableForm, find_records, find_series, open_store, read_table
from ...data.folders import iter_files_below
from ...data.listing import header_text
from ...data.series_text import read_sheet
from ...transforms import Codec
from ..classes import Classes
from ..recipe import Recipe
from ..run_folder import RunFolder
from ..sources.kinds import kind_of
from ..sources.table import as_written
from .fingerprint import sha256
from .traces import Traces, bits, on_grid

COMMON = 3  # people: a line that stands in the headers of so many tells nothing about one of them
_RUN = 8  # offsets in a row
INTERLEAVED = frozenset({1, 2, 3, 8, 12, 15})  # signals that a source's own files may hold side by side
_WORD = re.compile(r"[^\W_]+")


@dataclass
class Private:
    """What a bundle is searched for.

    Arguments:
        texts: what a text may not contain, by what it is; its words in lower case.
        literal: those of the texts that are only looked for as they are spelt, being made of common words and numbers.
        ids: names too short or too common to be looked for in texts; no file may have one for its name.
        traces: stretches of all recordings, or of all pictures; None for tables.
        rows: hashes of the table's telling rows; and of their numbers alone, as a row of any text would have them.
        offsets: runs of the windows' minima; None where they are none of the source's.
        offset_values: the minima themselves.
        gains: steps per unit on which values are written.
        files: the source's files by their size.
        strides: signals that may lie interleaved in a file.
        notes: what could not be looked for, and why.
    """

    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    literal: dict[tuple[str, ...], str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    traces: Traces | None = None
    rows: frozenset[int] = frozenset()
    row_numbers: Traces | None = None
    offsets: Traces | None = None
    offset_values: frozenset[float] = frozenset()
    gains: tuple[float, ...] = ()
    files: dict[int, set[Path]] = field(default_factory=dict)
    strides: frozenset[int] = INTERLEAVED
    notes: tuple[str, ...] = ()

    @classmethod
    def of_run(cls, folder: RunFolder, codec: Codec) -> "Private":
        """All that a run and its source hold, as far as the source is still where it was."""
        store, recipe, source = open_store(folder.store), folder.recipe, Path(folder.about()["source"])
        private = cls()
        words = _Words(private, _declared(codec))
        words.add([str(source)], "the path of the source")
        if codec.form["kind"] == "table":
            private._learn_rows(store, TableForm.from_state(codec.form["table"]))
            if TableForm.from_state(codec.form["table"]).patient is not None:  # else a row's number is its only name
                words.add(store.frame["patient"].unique(), "a patient's id")
        else:
            private._learn_signals(store, codec)
            words.add(store.frame["patient"].astype(str).unique(), "a patient's id")
            words.add(_names(store.frame), "a record's name")
        if not source.exists():
            private.notes = (
                "The source was no longer where it had been read: header texts and files were not looked for.",
            )
            return private
        private._learn_files(source)
        for text, kind in _source_texts(recipe, source):
            words.add([text], kind)
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
        if codec.form["kind"] != "images":
            self._learn_offsets(store)

    def _learn_offsets(self, store: AnyStore) -> None:
        minima = np.concatenate([_minima(values) for values in store.iter_windows(None)])  # N, C
        self.offset_values = frozenset(map(float, np.unique(minima[np.isfinite(minima)])))
        self.offsets = Traces(min(_RUN, len(minima)), steps=False)
        self.offsets.add(bits(minima.T))
        self.offsets.seal()

    def _learn_rows(self, store: AnyStore, form: TableForm) -> None:
        assert isinstance(store, SampleStore)
        frame = form.to_frame(store.samples())
        numbers = frame.select_dtypes("number")
        if numbers.shape[1] < 3:  # rows of a few categories are shared by many people
            return
        keys = pd.util.hash_pandas_object(frame, index=False)
        owners = store.frame["patient"].groupby(keys.to_numpy()).nunique()
        alone = keys.isin(owners.index[owners == 1]).to_numpy()
        telling = alone & (numbers.nunique(axis=1) >= 3).to_numpy() & (store.frame["part"] == "train").to_numpy()
        self.rows = frozenset(keys[telling].tolist())
        full = numbers[telling].dropna().to_numpy(np.float64)
        self.row_numbers = Traces(full.shape[1], steps=False)
        self.row_numbers.add(bits(full))
        self.row_numbers.seal()

    def _learn_files(self, source: Path) -> None:
        for file in iter_files_below(source) if source.is_dir() else [source]:
            if (size := file.stat().st_size) > 0:
                self.files.setdefault(size, set()).add(file)

    def is_a_file_of_the_source(self, path: Path) -> bool:
        """Byte for byte, under whatever name."""
        there = self.files.get(path.stat().st_size, ())
        return bool(there) and sha256(path) in map(sha256, there)


class _Words:
    """Texts that tell, sorted into those that are looked for in texts and those that are only compared with names."""

    def __init__(self, private: Private, declared: set[tuple[str, ...]]) -> None:
        self.private, self.declared, self.known = private, declared, _program_words()

    def add(self, texts: Iterable[object], kind: str) -> None:
        for text in texts:
            words = words_of(str(text))
            value = str(text).partition(":")[2]  # a class stands in the headers of generated records, too
            if not words or words in self.declared or (value and words_of(value) in self.declared):
                continue
            is_common = all(word in self.known or (word.isdecimal() and len(word) < 6) for word in words)
            if is_telling(words) and not (is_common and len(words) == 1):
                self.private.texts.setdefault(words, kind)
                if is_common:
                    self.private.literal.setdefault(words, str(text).strip().casefold())
            elif kind != "header text":
                self.private.ids.add(str(text).casefold())


def words_of(text: str) -> tuple[str, ...]:
    """Letters and digits only, in lower case: how they are set apart does not matter."""
    return tuple(_WORD.findall(text.casefold()))


def is_telling(words: tuple[str, ...]) -> bool:
    """Whether a text is long enough to be somebody's: 4 characters with a letter among them, or 6 digits."""
    whole = "".join(words)
    return len(whole) >= (6 if whole.isdecimal() else 4)


def _program_words() -> set[str]:
    """Words that every bundle has: an id of these alone could not be told from them."""
    texts = [resources.files(__package__).joinpath("datasheet.md").read_text("utf-8"), *Recipe.model_fields]
    texts += [str(given.description) for given in Recipe.model_fields.values()]
    return {word for text in texts for word in words_of(text) if not any(map(str.isdecimal, word))}


def _declared(codec: Codec) -> set[tuple[str, ...]]:
    """What a codec says openly, because nothing can be decoded without: names of classes, channels, columns, files."""
    form = codec.form
    given = [*Classes.from_form(form).names, *codec.channels, *codec.units]
    given += [str(form[key]) for key in ("file", "name") if key in form]
    given += [Path(str(form["file"])).stem] if "file" in form else []
    return {words_of(text) for text in given}


def _names(frame: pd.DataFrame) -> Iterator[str]:
    """Names of records, and their last parts unless several people's records are called so."""
    people: defaultdict[str, set[str]] = defaultdict(set)
    for record, patient in frame[["record", "patient"]].astype(str).drop_duplicates().itertuples(index=False):
        yield record
        people[record.rpartition("/")[2]].add(patient)
    yield from (name for name, theirs in people.items() if len(theirs) < COMMON)


def _source_texts(recipe: Recipe, source: Path) -> Iterator[tuple[str, str]]:
    """What the source's headers say of few people, and the cells of columns that were left out of a table."""
    kind = kind_of(recipe, source)
    if kind == "table":
        hidden = [*recipe.drop, *([recipe.patient] if recipe.patient not in ("auto", "record") else [])]
        frame = read_table(source, recipe.missing, as_written(recipe)).frame
        for column in hidden:
            yield from ((str(cell), "a cell of a column that was left out") for cell in frame[column].dropna().unique())
        return
    if kind == "images":
        return
    said: defaultdict[str, set[str]] = defaultdict(set)
    for entry in find_records(source, recipe.patient) if kind == "wfdb" else find_series(source):
        for line in _header_lines(kind, entry.path):
            said[line].add(entry.patient)
    everybody = len(set().union(*said.values()))
    for line, people in said.items():
        if len(people) < COMMON and (len(people) < everybody or everybody == 1):
            yield line, "header text"


def _header_lines(kind: str, path: Path) -> Iterator[str]:
    """Comments of a header, the values that stand in them, and when it was recorded."""
    if kind == "wfdb":
        lines = header_text(path.with_name(f"{path.name}.hea")).splitlines()
        comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
        fields = next((line for line in lines if line.strip() and not line.startswith("#")), "").split()
        yield from fields[4:]  # time and date
    elif path.suffix.lower() == ".npz":
        return
    else:
        comments = [line.lstrip("# ") for line in read_sheet(path).comments]
    for comment in comments:
        yield comment
        _, _, value = comment.partition(":")
        words = words_of(value)
        if len(words) > 1 or (len("".join(words)) >= 6 and any(map(str.isdigit, "".join(words)))):
            yield value.strip()


def _minima(values: np.ndarray) -> np.ndarray:
    """(N, C, L) to (N, C): what the levels of a window leave out."""
    there = np.where(np.isnan(values), np.inf, values).min(axis=2)
    return np.where(np.isinf(there), np.float32(np.nan), there).astype(np.float32)


def form_decimal(form: Mapping[str, Any]) -> str:
    """What the source's texts write between units and tenths."""
    return str(form.get("decimal") or form.get("dialect", {}).get("decimal") or ".")
