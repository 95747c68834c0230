"""Folders of pictures, flat or with one folder per class."""

import math
from collections.abc import Sequence
from pathlib import Path

from ...data import Samples, SampleStore, read_pictures, split_patients
from ...data.folders import files_below
from ...data.parallel import Spread
from ...data.pictures.files import SUFFIXES, find_pictures
from ...data.pictures.writer import PictureFormat
from ...data.writer_set import Plan
from ...errors import InputError
from ...transforms import Codec
from ..progress import progress
from ..recipe import Recipe

FORMATS: tuple[str, ...] = ()


def is_here(source: Path) -> bool:
    """Whether a folder holds pictures."""
    return any(path.suffix.lower() in SUFFIXES for path in files_below(source))


def check(recipe: Recipe, source: Path) -> None:
    _, _, faults = find_pictures(source)
    if faults:
        raise InputError(faults[0])


def write_store(
    recipe: Recipe, source: Path, to: Path | str, split: bool, spread: Spread | None = None, hold: bool = False
) -> SampleStore:
    assert isinstance(recipe.side, int)  # the recipe sees to it
    with progress("read") as advance:
        found = read_pictures(
            source,
            recipe.side,
            recipe.patient,
            progress=lambda done, n: advance(done, "pictures", n),
            spread=spread,
            skip_bad=recipe.skip_bad,
        )
    frame = found.samples.frame
    frame["part"] = split_patients(frame, recipe.control_share, recipe.seed) if split else ""
    return SampleStore.write(to, found.samples, found.form, found.classes, problems=found.problems, hold=hold)


def new_format(plan: Plan, codec: Codec, file_format: str, comments: Sequence[str]) -> PictureFormat:
    return PictureFormat(plan, codec.form)


def read(folder: Path, codec: Codec) -> Samples:
    return read_pictures(folder, math.isqrt(codec.arrangement.length), "record", classes=codec.form["classes"]).samples
