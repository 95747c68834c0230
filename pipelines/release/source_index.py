"""Index of what a run knows of its source, which a bundle is searched for: samples, rows, pictures, offsets, texts."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from ...data.recording import RecordHead, Recording
from ...data.store.store import Store, open_store
from ...data.table.columns import text_of
from ...data.wfdb.signals import read_record
from ...errors import InputError
from ...parallel import ordered_map
from ...transforms import Codec
from .. import evaluation, recipes
from ..classes import Classes
from ..kinds import kind_of_codec
from ..kinds.kind import Kind
from ..recipe import SETTINGS, Recipe
from ..run_folder import RunFolder
from .traces import Traces, bits, on_grid

NUMBERS, CELLS = 3, 8  # a row of so many different numbers, or of so many cells, is nobody else's by chance
FEW = 3  # people: a value that fewer have may tell who was in the source
MOST_VALUES = 1 << 30  # of recordings, or bytes of pictures, that are read of a source: some minutes
LONGEST = 1 << 25  # values of a recording that is held in memory
MOST_STRETCHES = 1 << 25  # of recordings; 256 MiB
STRETCH, OFFSETS = "a stretch of a real sample", "offsets of real windows"
ROW, PICTURE = "a row of the real table", "a picture of the source"
_RUN = 8  # offsets in a row
_WORD = re.compile(r"[^\W_]+")
_DECIMAL = re.compile(r"(?<![\w.])-?\d+\.\d+(?:[eE][-+]?\d+)?(?![\w.])")
_AT_ONCE = 4096  # windows
_LONG = re.compile(r"(?<![\w.])-?\d+\.\d{11,}(?:[eE][-+]?\d+)?")
_NEAR_OFFSET = re.compile(r"(?:offset|minimum|minima)[^\d\n-]{0,20}(-?\d+\.\d+)", re.IGNORECASE)


@dataclass
class SourceIndex:
    """What a bundle is searched for."""

    texts: dict[tuple[str, ...], str] = field(default_factory=dict)  # what they are by their words in lower case
    # of texts that are made of common words and numbers only, how they are spelt; only so they are looked for
    spelt: dict[tuple[str, ...], str] = field(default_factory=dict)
    traces: Traces | None = None  # stretches of all signals or pictures; None for tables
    gains: tuple[float, ...] = ()  # steps per unit in which values are compared
    pictures: frozenset[str] = frozenset()  # hashes of the pixels of the source's pictures
    rows: frozenset[int] = frozenset()  # hashes of the rows that one person alone has
    row_numbers: Traces | None = None  # their numbers alone, as a row of any text would have them
    row_words: frozenset[tuple[str, ...]] = frozenset()  # their words, as a line of any text would have them
    offsets: Traces | None = None  # runs of windows' minima; None where there are none
    offset_values: frozenset[float] = frozenset()  # the minima themselves
    searched: list[str] = field(default_factory=list)  # what is looked for, in words
    notes: list[str] = field(default_factory=list)  # what could not be looked for, and why
    warnings: list[str] = field(default_factory=list)  # what of few people the codec says openly

    @classmethod
    def of_run(cls, folder: RunFolder, codec: Codec) -> "SourceIndex":
        """All that a run and its source hold, as far as the source is still where it was read."""
        index, store, kind = cls(), open_store(folder.store), kind_of_codec(codec)
        source, declared = Path(folder.about()["source"]), set(map(words_of, kind.open_texts(codec)))
        index.add_texts([str(source)], "the path of the source", declared)
        for what, texts in kind.identities(store, codec).items():
            index.add_texts(texts, what, declared)
        people = store.frame["patient"]
        if kind.tabular:
            rows = kind.rows(codec, store.samples())
            for name, n in kind.category_sizes(codec).items():
                index._warn(name, rows[name], people, n)
            index._add_rows(rows, people)
        else:
            index._warn("class", store.frame["label"], people, len(Classes.from_form(codec.form).names))
            index._add_samples(store, codec, kind)
        index._add_source(source, folder.recipe, kind, declared)
        return index

    def in_text(self, text: str) -> set[str]:
        """What of the source a text holds, by words."""
        found, folded = set(), text.casefold()
        # texts of digits alone are not looked for inside decimal numbers, any of which may hold them by chance
        for tokens, in_decimals in ((words_of(_DECIMAL.sub(" ", folded)), False), (words_of(folded), True)):
            for at, token in enumerate(tokens):
                for words in self._by_first.get(token, ()):
                    if in_decimals and all(word.isdecimal() for word in words):
                        continue
                    if tokens[at : at + len(words)] == words and self.spelt.get(words, "") in folded:
                        found.add(self.texts[words])
        exact = map(float, _LONG.findall(text))
        near = (number for number in _NEAR_OFFSET.findall(text) if len(number.strip("-0.").replace(".", "")) >= 3)
        if not self.offset_values.isdisjoint([*exact, *(float(np.float32(number)) for number in near)]):
            found.add(OFFSETS)
        if self.row_words and not self.row_words.isdisjoint(map(words_of, text.splitlines())):
            found.add(ROW)
        return found

    def in_numbers(self, lines: np.ndarray) -> set[str]:
        """What of the source sequences (n, T) of numbers hold."""
        found = {STRETCH} if len(self.stretches(lines)) else set()
        for what, traces in ((OFFSETS, self.offsets), (ROW, self.row_numbers)):
            if traces is not None and len(traces.find(bits(lines))):
                found.add(what)
        return found

    def stretches(self, lines: np.ndarray) -> np.ndarray:
        """Which of sequences (n, T), in physical units or as stored, hold a stretch of a real sample."""
        if self.traces is None:
            return np.empty(0, int)
        grids = [on_grid(lines, gain) for gain in {1.0, *self.gains}]
        return np.unique(np.concatenate([self.traces.find(grid) for grid in grids]))

    def add_texts(self, texts: Iterable[object], what: str, declared: set[tuple[str, ...]]) -> None:
        """Look for texts, but for short ones, those of words that every bundle has, and what the codec declares."""
        known, phrases = own_words()
        for text in texts:
            words = words_of(str(text))
            value = words_of(str(text).partition(":")[2])  # a class stands in headers of generated records, too
            if not words or words in declared or (value and value in declared):
                continue
            is_common = all(word in known or (word.isdecimal() and len(word) < 6) for word in words)
            is_own = is_common and (len(words) == 1 or f" {' '.join(words)} " in phrases)
            whole = "".join(words)
            if len(whole) >= (6 if whole.isdecimal() else 4) and not is_own:
                self.texts.setdefault(words, what)
                if is_common:
                    self.spelt.setdefault(words, str(text).strip().casefold())
        if what not in self.searched:
            self.searched.append(what)

    @cached_property
    def _by_first(self) -> dict[str, list[tuple[str, ...]]]:
        """The texts by their first word."""
        found = defaultdict(list)
        for words in self.texts:
            found[words[0]].append(words)
        return found

    def _add_samples(self, store: Store, codec: Codec, kind: Kind) -> None:
        self.traces = Traces.of_windows(store.length)
        self.gains = tuple(sorted({*(store.gains or (1 / store.step,)), *(codec.gains or ())}))
        for values in _whole_signals(store):
            for gain in self.gains:
                self.traces.add(on_grid(values.reshape(-1, store.length), gain))
        self.searched.append(STRETCH)
        if kind.has_offsets:
            minima = np.concatenate([np.fmin.reduce(values, axis=2) for values in store.iter_windows(None)])  # N, C
            self.offset_values = frozenset(map(float, np.unique(minima[np.isfinite(minima)])))
            self.offsets = Traces(min(_RUN, len(minima)), steps=False)
            self.offsets.add(bits(minima.T))
            self.searched.append(OFFSETS)

    def _add_rows(self, rows: pd.DataFrame, people: pd.Series) -> None:
        """Rows that one person alone has, if the table is so wide that nobody else has them by chance."""
        numbers = rows.select_dtypes("number")
        keys = pd.util.hash_pandas_object(rows, index=False)
        owners = people.groupby(keys.to_numpy()).nunique()
        alone = keys.isin(owners.index[owners == 1]).to_numpy()
        is_wide = (rows.notna().sum(axis=1) >= CELLS).to_numpy()
        is_numeric = (numbers.nunique(axis=1) >= NUMBERS).to_numpy()
        self.rows = frozenset(keys[alone & (is_wide | is_numeric)].tolist())
        which = f"rows that one person alone has, of {NUMBERS} different numbers or {CELLS} cells at least"
        if not self.rows:
            self.notes.append(f"Rows were not searched: there are no {which}; shorter ones come out by chance, too.")
            return
        self.searched.append(which)
        wide = rows[alone & is_wide].astype(object)
        self.row_words = frozenset(words_of(" ".join(map(text_of, row))) for row in wide.itertuples(index=False))
        full = numbers[alone & is_numeric].dropna().to_numpy(np.float64)
        if len(full):
            self.row_numbers = Traces(full.shape[1], steps=False)
            self.row_numbers.add(bits(full))

    def _warn(self, name: str, values: pd.Series, people: pd.Series, n: int) -> None:
        """Tell how many values of a column, all of which stand in codec.json, few people have."""
        holders = people.groupby(values.astype(object).to_numpy()).nunique()
        if n and (few := int((holders < FEW).sum())):
            self.warnings.append(
                f"codec.json names all {n} values of '{name}', {few} of which fewer than {FEW} people have; "
                "merge rare values, or leave the column out, if they may tell who was in the source"
            )

    def _add_source(self, source: Path, recipe: Recipe, kind: Kind, declared: set[tuple[str, ...]]) -> None:
        """What is only in the source itself: texts, and its data before it was prepared."""
        if not source.exists():
            self.notes.append(
                "The source was no longer where it had been read. Texts of headers, cells of columns that were left "
                "out, recordings at their own rate and pictures of their own size were not searched for."
            )
            return
        for what, texts in kind.source_texts(recipe, source).items():
            self.add_texts(texts, what, declared)
        if heads := kind.record_heads(recipe, source):
            self._add_recordings(heads)
        files = kind.picture_files(source)
        if sum(file.stat().st_size for file in files) > MOST_VALUES:
            self.notes.append(f"Pictures of their own size were not searched for: more than {MOST_VALUES} bytes.")
        elif files:
            self.pictures = frozenset(ordered_map(pixels_of, files)) - {""}
            self.searched.append(PICTURE)

    def _add_recordings(self, heads: Sequence[RecordHead]) -> None:
        """Signals as they were recorded: all of them, at their own rate and resolution."""
        assert self.traces is not None
        n_values = sum(head.n_samples * len(head.signals) for head in heads)
        if n_values > MOST_VALUES:
            self.notes.append(
                f"Recordings at their own rate and leads that were left out were not searched for: {n_values} values "
                f"are more than the {MOST_VALUES} that are read."
            )
            return
        known = 0
        rarer = -(-n_values * (len(self.gains) + 1) // (self.traces.thin * MOST_STRETCHES)) or 1
        for recording in ordered_map(_recording, heads):
            if recording is None:
                continue
            known += 1
            for k, values in enumerate(recording.physical()):
                for gain in {*self.gains, float(recording.source_gain[k])}:
                    self.traces.add(on_grid(values, gain), rarer)
        self.searched.append("a stretch of a recording at its own rate")
        if known < len(heads):
            n = len(heads) - known
            self.notes.append(f"{n} of {len(heads)} recordings could not be read whole; only prepared parts were used.")


def _whole_signals(store: Store) -> Iterator[np.ndarray]:
    """All that a store holds, also between and behind its windows: stretches (n, C, L), each half over the next."""
    if store.is_whole:
        yield from store.iter_windows(None)
        return
    for name, record in store.records.items():
        last = record.n_samples - store.length
        starts = np.unique([*range(0, last + 1, max(1, store.length // 2)), last])
        for some in np.array_split(starts, 1 + len(starts) // _AT_ONCE):
            yield store.windows([name] * len(some), some)


def words_of(text: str) -> tuple[str, ...]:
    """Letters and digits only, in lower case: how they are set apart does not matter."""
    return tuple(_WORD.findall(text.casefold()))


def pixels_of(path: Path) -> str:
    """SHA-256 of what a picture shows, however it was saved: size and colours, upright; "" for what is no picture."""
    try:
        with Image.open(path) as picture:
            shown = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, Image.DecompressionBombError):
        return ""
    return hashlib.sha256(repr(shown.size).encode() + shown.tobytes()).hexdigest()


@cache
def own_words() -> tuple[set[str], str]:
    """Words and phrases that every bundle holds: an id or a cell of these alone looks the same."""
    files = [
        *(resources.files(__package__).joinpath(name) for name in ("datasheet.md", "vocabulary.txt")),
        *resources.files(__package__).joinpath("policies").iterdir(),
        *(file for file in resources.files(recipes).iterdir() if file.name.endswith(".toml")),
        resources.files(evaluation).joinpath("scores.toml"),
    ]
    texts = [*(file.read_text("utf-8") for file in files), " ".join(SETTINGS)]
    phrases = "\n".join(f" {' '.join(words_of(text))} " for text in texts)
    return {word for word in phrases.split() if not any(map(str.isdecimal, word))}, phrases


def _recording(head: RecordHead) -> Recording | None:
    """A whole recording, if it can be read and held."""
    try:
        return None if head.n_samples * len(head.signals) > LONGEST else read_record(head)
    except InputError:  # such as a signal's file that is missing, of a lead that no run needed
        return None
