"""A kind of data: how it is recognised, read, made into images, written again, measured and named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ...data.formats import refuse_foreign
from ...data.labels import NO_LABEL
from ...data.recording import RecordHead
from ...data.samples import Samples
from ...data.sharded import Format, Plan
from ...data.store.store import Store
from ...data.store.writing import StagedStore
from ...errors import InputError
from ...parallel import ParallelMap
from ...transforms import Codec, Layout, Transform
from ..evaluation.privacy.space import View
from ..evaluation.utility import Lesson
from ..recipe import SETTINGS, Recipe

if TYPE_CHECKING:  # what needs torch or scipy is imported by the methods that use it: reading does not wait for it
    from ..evaluation.measure import Measured
    from ..evaluation.privacy.battery import Extra
    from ..evaluation.sets import Sets

COLUMNS = ("binary", "category", "drop", "keep", "missing")  # options about columns of a table
COMMON = 3  # people: a text that so many have tells nothing about one of them
_STEP = 0.001  # a resolution as a source may have it


@dataclass(frozen=True)
class Listing:
    """A table to print: columns of texts, then columns of numbers, and rows of cells for both."""

    title: str
    texts: Sequence[str]
    numbers: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Inspection:
    """What a source holds, as `anonimage inspect` prints it."""

    lines: Sequence[str]  # counts, and what they are of
    problems: Sequence[str]  # what cannot be read or learnt, a line each: "RECORD: WHAT"
    listings: Sequence[Listing] = ()  # printed before the lines


def counted(counts: Mapping[Any, int], unit: str = "") -> str:
    """Names or numbers, each with how often it occurs.

    Example:
        >>> counted({"i": 9, "ii": 8}), counted({1000.0: 9}, " Hz")
        ('i ×9, ii ×8', '1000 Hz ×9')
    """
    return ", ".join(f"{key:g}{unit} ×{n}" if isinstance(key, float) else f"{key} ×{n}" for key, n in counts.items())


@dataclass(frozen=True)
class SampleInfo:
    """What a codec has to know of samples before it sees their values."""

    channels: Sequence[str]  # channels, units: (C,) names and physical units
    units: Sequence[str]
    fs: float | None  # sampling rate in Hz; None for tables and pictures
    step: float  # resolution of the values in their units
    length: int  # L, values per channel
    # (C,) digital steps per unit that decoded windows are written with; None: not known
    gains: Sequence[float] | None = None
    form: dict[str, Any] = field(default_factory=dict)  # how samples become the source's own format again

    def codec(self, standardizer: Transform, layout: Layout, relations: np.ndarray | None = None) -> Codec:
        """A codec of such samples, not yet fitted; relations between channels as `Codec` has them."""
        return Codec(standardizer, layout, self.channels, self.units, self.fs, relations, self.gains, self.form)


class Kind(ABC):
    """One kind of data. All that differs from one kind to the next is said here, and nowhere else is asked for it."""

    name: ClassVar[str]  # key of `KINDS`, and "kind" in the form of stores and codecs
    data: ClassVar[str]  # what a recipe calls it
    nouns: ClassVar[str]  # several samples
    channels_noun: ClassVar[str]  # what the channels of a sample are
    title: ClassVar[str]  # such a source
    formats: ClassVar[tuple[str, ...]] = ()  # that samples can be written in, besides the source's own
    meaningless: ClassVar[tuple[str, ...]] = COLUMNS  # options of a recipe that mean nothing for it
    first_recipe: ClassVar[str]  # for a first look at such a source, and what is to be changed in it
    first_settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    sections: ClassVar[tuple[str, ...]] = ()  # of the report, in order, by the names that `report.sections` has
    dark: ClassVar[bool] = False  # most levels of its images are low, so that pages brighten them
    tabular: ClassVar[bool] = False  # samples are rows of a table, see `rows`
    has_offsets: ClassVar[bool] = False  # windows' own offsets are left out of the images, and are somebody's

    @abstractmethod
    def recognises(self, source: Path) -> bool:
        """Whether a source that exists is of this kind; asked in the order of `KINDS`."""

    def check(self, recipe: Recipe, source: Path) -> None:
        """Refuse at once a source without anything of this kind in it, and options that mean nothing for this kind."""
        for option in self.meaningless:
            value = getattr(recipe.data, option)
            if value not in (SETTINGS[option].default, NO_LABEL):
                given = value if isinstance(value, str) else ",".join(value)
                raise InputError(f"--{option} {given}: means nothing for {self.title}; leave it out")
        self._check(recipe, source)

    @abstractmethod
    def _check(self, recipe: Recipe, source: Path) -> None: ...

    @abstractmethod
    def inspect(self, recipe: Recipe, source: Path) -> Inspection:
        """What a recipe would read of a source, and every problem in it."""

    @abstractmethod
    def ingest(
        self, recipe: Recipe, source: Path, to: Path | str, *, split: bool, parallel: ParallelMap | None = None
    ) -> StagedStore:
        """Read a source into a store that is not yet in its place: a context, which puts it there when it ends well.

        Arguments:
            recipe: what to read and how to cut it; control_share and seed for the split.
            source: as this kind of data has it.
            to: the store's folder, or an fsspec URL. Interrupted work on signals lies in a hidden folder beside it, and
                the same call continues it.
            split: set control patients apart.
            parallel: who reads the records, recordings or pictures; None is this process.

        Raises:
            InputError: the first thing that cannot be read; of signals when the context is entered.
        """

    def check_layout(self, recipe: Recipe) -> None:
        """Refuse a layout that is unknown, cannot hold such samples, or cannot be decoded, as far as a recipe says."""
        faults, length = [], self.length(recipe) or 1
        for n in self.channel_counts(recipe):
            info = SampleInfo([f"{k}" for k in range(n)], [""] * n, recipe.data.fs, _STEP, length)
            try:
                codec = self.new_codec(recipe, info)
            except InputError as error:
                faults.append(error)
                continue
            if not codec.invertible:
                name = recipe.images.arrangement
                raise InputError(f"{name}: has no inverse, so nothing that is generated could be decoded")
            return
        raise faults[0]

    def channel_counts(self, recipe: Recipe) -> Sequence[int]:
        """How many channels samples may have, as far as one can tell without the source."""
        return (1, 3)

    def length(self, recipe: Recipe) -> int | None:
        """Values per channel that a recipe asks for; None: any number."""
        return None

    @abstractmethod
    def new_codec(self, recipe: Recipe, info: SampleInfo) -> Codec:
        """Steps 1 and 2 as a recipe says them, not yet fitted."""

    def new_format(self, plan: Plan, codec: Codec, file_format: str = "source", comments: Sequence[str] = ()) -> Format:
        """How `data.sharded.write_shards` writes what a codec decodes.

        Arguments:
            plan: of the samples.
            codec: its form says what the source was.
            file_format: "source", or one of `formats`; all others are refused.
            comments: lines for headers, where the format has them.
        """
        if file_format not in (known := ("source", *self.formats)):
            raise InputError(f"format '{file_format}' is not for this data; choose one of {', '.join(known)}")
        return self._new_format(plan, codec, file_format, comments)

    @abstractmethod
    def _new_format(self, plan: Plan, codec: Codec, file_format: str, comments: Sequence[str]) -> Format: ...

    @abstractmethod
    def read_back(self, folder: Path, codec: Codec) -> Samples:
        """Read samples in the source's own format, as any reader would; refuse what is not what this run makes."""

    def refuse_foreign(self, folder: Path, form: dict[str, Any]) -> None:
        """Refuse to replace a folder in which somebody put a file that is not of a generated set."""
        names = [str(form[key]) for key in ("file", "name") if key in form]
        if "file" in form:
            names += [Path(form["file"]).with_suffix(f".{suffix}").name for suffix in self.formats]
        refuse_foreign(folder, names)

    def is_ecg(self, codec: Codec) -> bool:
        """Whether samples are an ECG, as far as their units say."""
        return False

    def content(self, codec: Codec) -> str:
        """What a sample consists of."""
        n, length = len(codec.channels), codec.arrangement.length
        rate = "" if codec.fs is None else f" at {codec.fs:g} Hz"
        channels, values = f"channel{'s' * (n != 1)}", f"value{'s' * (length != 1)}"
        return f"{n} {channels} of {length} {values}{rate}: {', '.join(codec.channels)}"

    @abstractmethod
    def file_names(self, codec: Codec) -> str:
        """Regular expression of the names of a generated set's files, in the source's own format."""

    def rows(self, codec: Codec, samples: Samples) -> pd.DataFrame:
        """Samples as rows of the source's table, of kinds that are tabular."""
        raise TypeError(f"{self.nouns} are no rows of a table")

    def category_sizes(self, codec: Codec) -> dict[str, int]:
        """How many values of each column the codec lists."""
        return {}

    def open_texts(self, codec: Codec) -> Iterator[str]:
        """What a codec says openly, because nothing can be decoded without: names of classes, channels and files."""
        form = codec.form
        yield from (*form.get("classes", ()), *codec.channels, *codec.units)
        yield from (str(form[key]) for key in ("file", "name") if key in form)
        if "file" in form:
            yield Path(str(form["file"])).stem

    def identities(self, store: Store, codec: Codec) -> dict[str, Iterable[str]]:
        """Texts that tell whose a sample is, by what they are."""
        names = store.frame[["record", "patient"]].astype(str).drop_duplicates()
        last = names["record"].str.rpartition("/")[2]
        people = names["patient"].groupby(last).nunique()
        return {
            "the id of a patient": names["patient"].unique(),
            "the name of a record": [*names["record"].unique(), *people.index[people < COMMON]],
        }

    def source_texts(self, recipe: Recipe, source: Path) -> dict[str, Iterable[str]]:
        """Texts that stand only in the source and may tell whose a sample is, by what they are."""
        return {}

    def record_heads(self, recipe: Recipe, source: Path) -> list[RecordHead]:
        """Headers of the source's recordings, where their rate or leads may differ from those of the samples."""
        return []

    def picture_files(self, source: Path) -> list[Path]:
        """The source's pictures, which may be of another size than the samples."""
        return []

    @abstractmethod
    def fidelity(self, sets: Sets, measured: Measured) -> None:
        """Add the scores that have meaning for this kind of data alone."""

    @abstractmethod
    def lesson(self, recipe: Recipe) -> Lesson:
        """How samples are learned by somebody who trains a classifier on them."""

    @abstractmethod
    def view(self, sets: Sets) -> View:
        """How samples are compared and replayed by an audit."""

    def extra_attacks(self, codec: Codec) -> Extra | None:
        """Attacks that have meaning for this kind of data alone; None: there are none."""
        return None
