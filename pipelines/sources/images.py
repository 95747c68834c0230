"""Folders of pictures, flat or with one folder per class."""

from collections.abc import Sequence
from pathlib import Path

from ...data import Samples, SampleStore, read_pictures, split_patients, write_pictures
from ...data.folders import files_below
from ...data.picture_files import SUFFIXES, find_pictures
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


def write_store(recipe: Recipe, source: Path, to: Path, split: bool) -> SampleStore:
    assert isinstance(recipe.side, int)  # the recipe sees to it
    with progress("read") as advance:
        found = read_pictures(
            source, recipe.side, recipe.patient, progress=lambda done, n: advance(done, "pictures", n)
        )
    frame = found.samples.frame
    frame["part"] = split_patients(frame, recipe.control_share, recipe.seed) if split else ""
    return SampleStore.write(to, found.samples, found.form, found.classes)


def write(samples: Samples, dest: Path, codec: Codec, file_format: str, comments: Sequence[str], prefix: str) -> None:
    write_pictures(samples, dest, codec.form, prefix)


def read(folder: Path, codec: Codec) -> Samples:
    return read_pictures(folder, codec.image_shape[1], "record", classes=codec.form["classes"]).samples
