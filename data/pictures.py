"""Folders of pictures as samples, and samples as folders of pictures of the same kind and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from ..errors import InputError, one_line
from ..files import StagedFolder
from ..parallel import Failure, ParallelMap, map_over
from .labels import UNKNOWN, class_names, classes_of
from .patients import files_below, patients_of
from .samples import Samples
from .sharded import Format, Plan, append_rows

_Progress = Callable[[int, int], None]
CHANNELS = {"L": ("grey",), "RGB": ("red", "green", "blue")}
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_OTHER_KINDS = (".gif", ".webp", ".heic", ".jp2", ".pgm", ".ppm", ".svg")
# What is read as which mode: one bit is black and white, a palette may hold any colours.
_MODES = {"L": "L", "1": "L", "RGB": "RGB", "P": "RGB"}
_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")
# What pillow raises at files that it cannot read.
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, TypeError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Look:
    """What a picture is like: (width, height) in pixels, and mode "L" (grey) or "RGB"."""

    file: Path
    size: tuple[int, int]
    mode: str


@dataclass(frozen=True)
class Pictures:
    """Pictures as samples."""

    samples: Samples  # (N, c, side²) float32 grey levels 0…255, row by row; c is 1 (grey) or 3 (red, green, blue)
    form: dict[str, Any]  # what `PictureFormat` needs, as JSON
    classes: tuple[str, ...]  # names of the class folders; () where there are none
    problems: tuple[str, ...] = ()  # one line for each picture that was left out


def find_pictures(folder: Path) -> tuple[list[Path], tuple[str, ...], list[str]]:
    """All pictures in order of name, the class folders' names, and what is wrong with how they lie."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder of pictures, or of one folder of them per class")
    every = [file for file in sorted(files_below(folder)) if not _is_hidden(file.relative_to(folder))]
    files = [file for file in every if file.suffix.lower() in SUFFIXES]
    unread = [file for file in every if file.suffix.lower() in _OTHER_KINDS]
    faults = [f"{file}: a {file.suffix} file is not read; save it as .png" for file in unread]
    if not files:
        raise InputError(
            faults[0] if faults else f"{folder}: no pictures in this folder; it needs {', '.join(SUFFIXES)} files"
        )
    beside = [file for file in files if file.parent == folder]
    inside = [file for file in files if file.parent != folder]
    if beside and inside:
        faults.append(
            f"{folder}: pictures lie both beside its folders ({beside[0].name}) and in them "
            f"({inside[0].relative_to(folder).as_posix()}); put all into class folders, or none"
        )
    if beside:
        return files, (), faults
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not _is_hidden(Path(entry.name)))
    filled = {file.relative_to(folder).parts[0] for file in inside}
    empty = [name for name in classes if name not in filled]
    faults += [f"{folder / name}: a class folder without pictures; fill it or delete it" for name in empty]
    return files, tuple(name for name in classes if name in filled), faults


def people_of(folder: Path, files: Sequence[Path], classes: Sequence[str], patient: str) -> tuple[list[str], list[str]]:
    """The name of each picture, its path below the folder, and whose it is; see `patients_of`."""
    names = [file.relative_to(folder).as_posix() for file in files]
    return names, patients_of(names, patient, above=len(classes[:1]))


def read_pictures(
    folder: Path,
    side: int,
    patient: str = "record",
    progress: _Progress | None = None,
    classes: Sequence[str] = (),
    *,
    parallel: ParallelMap | None = None,
    skip_bad: bool = False,
) -> Pictures:
    """Read the pictures of a folder, all grey or all coloured, and all of one size.

    Arguments:
        folder: holds PNG, JPEG, BMP or TIFF files; or one folder of them per class (torchvision's ImageFolder).
        side: pixels; pictures are resized to side × side with antialiasing.
        patient: whose a picture is; see `patients_of`. A picture's name is its path below the folder.
        progress: called with (pictures read, all).
        classes: the class folders and their order, where that is settled, as for generated pictures; () finds them.
        parallel: who reads; None is this process.
        skip_bad: leave out pictures that cannot be read.

    Raises:
        InputError: the first thing that cannot be used, by file.
    """
    folder = Path(folder)
    if side < 1:
        raise InputError(f"side {side}: a picture needs at least 1 pixel a side")
    files, folders, faults = find_pictures(folder)
    if faults:
        raise InputError(faults[0])
    values: list[np.ndarray] = []
    looks: list[Look] = []
    problems: list[str] = []
    with map_over(parallel, partial(_read, side=side), files) as results:
        for result in _followed(files, results, progress):
            if isinstance(result, str):
                problems.append(result)
                if not skip_bad:
                    raise InputError(f"{result}, or leave it out with --skip-bad")
                continue
            look, levels = result
            if looks and (fault := _difference(looks[0], look)):
                raise InputError(fault)
            looks.append(look)
            values.append(levels)
    if not looks:
        raise InputError(f"{problems[0]}; nor can any other picture be read")
    names, patients = people_of(folder, [look.file for look in looks], folders, patient)
    labels = [0] * len(names)
    if folders:
        classes, labels = classes_of([name.split("/")[0] for name in names], classes)
    frame = pd.DataFrame({"patient": patients, "record": names, "start": 0, "label": labels})
    frame["diagnosis"] = [classes[label] if folders else UNKNOWN for label in labels]
    channels = CHANNELS[looks[0].mode]
    form: dict[str, Any] = {
        "kind": "images",
        "size": list(looks[0].size),
        "mode": looks[0].mode,
        "suffix": Counter(look.file.suffix.lower() for look in looks).most_common(1)[0][0],
        "classes": list(classes) if folders else [],
    }
    samples = Samples(np.stack(values), frame, channels, ("",) * len(channels))
    return Pictures(samples, form, tuple(form["classes"]), tuple(problems))


def describe_pictures(folder: Path, progress: _Progress | None = None) -> tuple[list[Look], list[str]]:
    """What each picture of a folder is like that can be read, and one line a problem; see `read_pictures`."""
    files, _, faults = find_pictures(Path(folder))
    looks: list[Look] = []

    def look(file: Path) -> Look:
        picture = _load(file)
        return Look(file, picture.size, picture.mode)

    with map_over(None, look, files) as results:
        for result in _followed(files, results, progress):
            (faults if isinstance(result, str) else looks).append(result)
    traits = Counter((look.size, look.mode) for look in looks)
    if traits:
        common = traits.most_common(1)[0][0]
        like = next(look for look in looks if (look.size, look.mode) == common)
        faults += filter(None, (_difference(like, look) for look in looks))
    return looks, faults


class PictureFormat(Format):
    """Pictures of the size, mode and kind that the source has, in class folders if it has them, beside `samples.csv`.

    Arguments:
        plan: of samples (N, c, side²) of grey levels; rounded, and clipped to 0…255.
        form: from `read_pictures`.
    """

    def __init__(self, plan: Plan, form: dict[str, Any]) -> None:
        self.plan, self.form = plan, form
        self._side = round(plan.length**0.5)
        if len(plan.channels) != len(CHANNELS[form["mode"]]) or self._side**2 != plan.length:
            shape = f"{len(plan.channels)}×{plan.length}"
            raise InputError(
                f"samples of {shape} values are no square {form['mode']} pictures; decode with their own codec"
            )

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        if not np.isfinite(shard.values).all():
            raise InputError("a grey level is missing or infinite, which a picture cannot hold")
        names, side = self.names(shard, first), self._side
        for folder in {Path(name).parent for name in names}:
            (staged.files / folder).mkdir(exist_ok=True)
        for name, values in zip(names, shard.values, strict=True):
            levels = np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(-1, side, side)
            picture = Image.fromarray(levels[0] if self.form["mode"] == "L" else levels.transpose(1, 2, 0))
            width, height = self.form["size"]
            _resized(picture, (width, height)).save(staged.files / name, quality=95)
        append_rows(shard, names, first, staged)

    def names(self, shard: Samples, first: int) -> list[str]:
        """Path of each picture below the folder; `first` pictures came before."""
        files = [f"{name}{self.form['suffix']}" for name in self.plan.names(first, len(shard))]
        folders = class_names(shard.frame, self.form["classes"])
        return [f"{folder}/{file}" if folder else file for folder, file in zip(folders, files, strict=True)]


def _load(file: Path) -> Image.Image:
    """One picture in grey or in colours, upright."""
    try:
        with Image.open(file) as picture:
            if (n_frames := getattr(picture, "n_frames", 1)) > 1:
                raise InputError(f"{file}: holds {n_frames} pictures; save each in a file of its own")
            if "transparency" in picture.info or picture.mode in _TRANSPARENT:
                raise InputError(f"{file}: mode {picture.mode} is transparent in places; save it without alpha channel")
            if picture.mode not in _MODES:
                raise InputError(f"{file}: mode {picture.mode} is neither 8-bit grey nor RGB; save it as one of these")
            mode = _MODES[picture.mode]
            picture.load()  # pillow turns TIFF files itself then
            return ImageOps.exif_transpose(picture).convert(mode)  # the other way round, the turn is forgotten
    except Image.UnidentifiedImageError as fault:
        raise InputError(f"{file}: is not a picture, whatever its name says; replace or delete it") from fault
    except _UNREADABLE as fault:
        raise InputError(f"{file}: cannot be read ({one_line(fault)}); replace or delete it") from fault


def _read(file: Path, side: int) -> tuple[Look, np.ndarray]:
    """What a picture is like, and its grey levels (c, side²) float32."""
    picture = _load(file)
    levels = np.atleast_3d(np.asarray(_resized(picture, (side, side)), dtype=np.float32))  # H, W, c
    return Look(file, picture.size, picture.mode), levels.transpose(2, 0, 1).reshape(-1, side * side)


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture of this (width, height), antialiased where it shrinks."""
    # bicubic rings less than Lanczos at the hard edges of fingerprints
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def _followed(files: list[Path], results: Iterable[Any], progress: _Progress | None) -> Iterator[Any]:
    """Each picture's result, or one line about what kept it from being read."""
    for done, (file, result) in enumerate(zip(files, results, strict=True), start=1):
        if progress is not None:
            progress(done, len(files))
        if isinstance(result, Failure) and not result.is_input:
            yield f"{file}: cannot be read ({result.reason}); replace or delete it"
        else:
            yield result.reason if isinstance(result, Failure) else result


def _difference(like: Look, look: Look) -> str:
    """How a picture differs from another in size or mode; "" if it does not."""
    if look.size != like.size:
        pixels, usual = ("×".join(map(str, each.size)) for each in (look, like))
        return f"{look.file}: {pixels} pixels, but {like.file} has {usual}; bring all to one size"
    if look.mode != like.mode:
        return f"{look.file}: mode {look.mode}, but {like.file} has mode {like.mode}; save all as L (grey) or RGB"
    return ""


def _is_hidden(path: Path) -> bool:
    """What file managers leave behind."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
