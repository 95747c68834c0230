"""Folders of pictures, flat or with one folder per class."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...data.patients import files_below, split_patients
from ...data.pictures import SUFFIXES, PictureFormat, describe_pictures, find_pictures, people_of, read_pictures
from ...data.samples import Samples
from ...data.sharded import Plan
from ...data.store.writing import StagedStore, stage_samples
from ...errors import InputError
from ...parallel import ParallelMap
from ...transforms import Codec, GreyLevels, arrangement
from ..evaluation.privacy.space import View
from ..evaluation.utility import Lesson
from ..progress import progress
from ..recipe import Recipe
from .kind import COLUMNS, Inspection, Kind, SampleInfo, counted

if TYPE_CHECKING:
    from ..evaluation.measure import Measured
    from ..evaluation.sets import Sets


class Images(Kind):
    """Pictures, all resized to one square."""

    name = "images"
    data = "images"
    nouns = "pictures"
    channels_noun = "channel"
    title = "pictures, whose folders are the classes"
    meaningless = ("leads", "label", *COLUMNS)
    first_recipe = "iris"
    sections = ("images", "evidence", "attacks", "evolution", "training", "class accuracy")

    def recognises(self, source: Path) -> bool:
        return source.is_dir() and any(path.suffix.lower() in SUFFIXES for path in files_below(source))

    def _check(self, recipe: Recipe, source: Path) -> None:
        files, classes, faults = find_pictures(source)
        if faults:
            raise InputError(faults[0])
        if not recipe.data.skip_bad:  # of pictures that are left out, nobody need be known
            people_of(source, files, classes, recipe.data.patient)

    def inspect(self, recipe: Recipe, source: Path) -> Inspection:
        with progress("inspect") as advance:
            looks, problems = describe_pictures(source, lambda done, total: advance(done, "pictures", total))
        side, folders = _side(recipe), [look.file.relative_to(source).parts[:-1] for look in looks]
        classes = Counter(sorted(parts[0] for parts in folders if parts))
        lines = [
            f"{len(looks)} pictures, resized to {side}×{side} for training",
            f"sizes: {_by_number('×'.join(map(str, look.size)) for look in looks)}",
            f"modes: {_by_number(look.mode for look in looks)}",
            f"files: {_by_number(look.file.suffix.lower() for look in looks)}",
            *([f"classes: {counted(classes)}"] if classes else []),
        ]
        return Inspection(lines, problems)

    def ingest(
        self, recipe: Recipe, source: Path, to: Path | str, *, split: bool, parallel: ParallelMap | None = None
    ) -> StagedStore:
        side = _side(recipe)
        with progress("read") as advance:
            pictures = read_pictures(
                source,
                side,
                recipe.data.patient,
                progress=lambda done, n: advance(done, "pictures", n),
                parallel=parallel,
                skip_bad=recipe.data.skip_bad,
            )
        samples = pictures.samples
        samples.frame["part"] = split_patients(samples.frame, recipe.data.control_share, recipe.seed) if split else ""
        return stage_samples(to, samples, pictures.form, pictures.classes, problems=pictures.problems)

    def new_codec(self, recipe: Recipe, info: SampleInfo) -> Codec:
        layout = arrangement(recipe.images.arrangement, len(info.channels), info.length, recipe.seed)
        return info.codec(GreyLevels(), layout)

    def length(self, recipe: Recipe) -> int:
        return _side(recipe) ** 2

    def file_names(self, codec: Codec) -> str:
        classes = "|".join(map(re.escape, codec.form["classes"]))
        return rf"(({classes})/)?synthetic\d+{re.escape(codec.form['suffix'])}|samples\.csv"

    def picture_files(self, source: Path) -> list[Path]:
        return find_pictures(source)[0]

    def _new_format(self, plan: Plan, codec: Codec, file_format: str, comments: Sequence[str]) -> PictureFormat:
        return PictureFormat(plan, codec.form)

    def read_back(self, folder: Path, codec: Codec) -> Samples:
        side = math.isqrt(codec.arrangement.length)
        return read_pictures(folder, side, "record", classes=codec.form["classes"]).samples

    def fidelity(self, sets: Sets, measured: Measured) -> None:
        from ..evaluation.measure import measure_pictures

        measure_pictures(sets, measured)

    def lesson(self, recipe: Recipe) -> Lesson:
        from ..evaluation.learners import MOST, edges_and_colours, regression

        return Lesson(regression, edges_and_colours, MOST)

    def view(self, sets: Sets) -> View:
        return View()


def _by_number(traits: Iterable[str]) -> str:
    """The commonest first."""
    return counted(dict(Counter(traits).most_common()))


def _side(recipe: Recipe) -> int:
    """The side that pictures are resized to."""
    if recipe.images.side == "auto":
        raise InputError("side = 'auto' means nothing for pictures; give the side that they are resized to")
    return recipe.images.side
