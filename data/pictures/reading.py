"""Folders of pictures as samples, and samples as folders of pictures of the same kind and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError
from ..parallel import Failure, Spread, ordered_map, spread_over
from ..patients import patients_of
from ..samples import Samples
from ..wfdb.labels import UNKNOWN, classes_of
from .files import Look, difference, find_pictures, load_picture, resized

CHANNELS = {"L": ("grey",), "RGB": ("red", "green", "blue")}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pictures:
    """Pictures as samples.

    Arguments:
        samples: (N, c, side²) float32 grey levels 0…255, row by row; c is 1 (grey) or 3 (red, green, blue).
        form: what `write_pictures` needs, as JSON.
        classes: names of the class folders; () where there are none.
        problems: one line for each picture that was left out.
    """

    samples: Samples
    form: dict[str, Any]
    classes: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PictureDescription:
    """A folder of pictures as a whole; counts are of the pictures that can be read.

    Arguments:
        source: as given.
        classes: pictures per class folder; {} where there are none.
        sizes: pictures per (width, height), commonest first.
        modes: pictures per "L" (grey) or "RGB", commonest first.
        kinds: pictures per suffix, commonest first.
        problems: one line each.
    """

    source: str
    classes: dict[str, int]
    sizes: dict[tuple[int, int], int]
    modes: dict[str, int]
    kinds: dict[str, int]
    problems: tuple[str, ...]


def read_pictures(
    folder: Path,
    side: int,
    patient: str = "record",
    progress: Progress | None = None,
    classes: Sequence[str] = (),
    *,
    spread: Spread | None = None,
    skip_bad: bool = False,
) -> Pictures:
    """Read the pictures of a folder, all grey or all coloured, and all of one size.

    Arguments:
        folder: holds PNG, JPEG, BMP or TIFF files; or one folder of them per class (torchvision's ImageFolder).
        side: pixels; pictures are resized to side × side with antialiasing.
        patient: whose a picture is; see `patients_of`. A picture's name is its path below the folder.
        progress: called with (pictures read, all).
        classes: the class folders and their order, where that is settled, as for generated pictures; () finds them.
        spread: who reads; None is this process.
        skip_bad: leave out pictures that cannot be read.

    Raises:
        InputError: the first thing that cannot be used, by file.
    """
    folder = Path(folder)
    if side < 1:
        raise InputError(f"side {side}: a picture needs at least 1 pixel a side")
    files, found, faults = find_pictures(folder)
    if faults:
        raise InputError(faults[0])
    values: list[np.ndarray] = []
    good: list[Path] = []
    problems: list[str] = []
    first: Look | None = None
    with spread_over(spread, partial(_read, side=side), files) as results:
        for done, (file, result) in enumerate(zip(files, results, strict=True), start=1):
            if isinstance(result, Failure):
                problems.append(_problem(file, result))
                if not skip_bad:
                    raise InputError(f"{problems[0]}, or leave it out with --skip-bad")
            else:
                look, levels = result
                first = first or look
                if fault := difference(first, look):
                    raise InputError(fault)
                values.append(levels)
                good.append(file)
            if progress is not None:
                progress(done, len(files))
    if first is None:
        raise InputError(f"{problems[0]}; nor can any other picture be read")
    names = [file.relative_to(folder).as_posix() for file in good]
    patients = patients_of(names, patient, above=len(found[:1]))
    classes, labels = classes_of([name.split("/")[0] for name in names], classes) if found else ((), [0] * len(names))
    frame = pd.DataFrame({"patient": patients, "record": names, "start": 0, "label": labels})
    frame["diagnosis"] = [classes[label] if classes else UNKNOWN for label in labels]
    channels = CHANNELS[first.mode]
    suffix = Counter(file.suffix.lower() for file in good).most_common(1)[0][0]
    form = {
        "kind": "images", "size": list(first.size), "mode": first.mode, "suffix": suffix, "classes": list(classes)
    }  # fmt: skip
    samples = Samples(np.stack(values), frame, channels, ("",) * len(channels))
    return Pictures(samples, form, tuple(classes), tuple(problems))


def describe_pictures(folder: Path, progress: Progress | None = None) -> PictureDescription:
    """Look through a folder of pictures; problems are collected, not raised.

    Raises:
        InputError: no such folder, or no picture in it.
    """
    folder = Path(folder)
    files, classes, faults = find_pictures(folder)
    good: list[Look] = []
    for done, seen in enumerate(ordered_map(_look, files), start=1):
        if isinstance(seen, Look):
            good.append(seen)
        else:
            faults.append(seen)
        if progress is not None:
            progress(done, len(files))
    traits = Counter((look.size, look.mode) for look in good)
    if traits:
        common = traits.most_common(1)[0][0]
        like = next(look for look in good if (look.size, look.mode) == common)
        faults += filter(None, (difference(like, look) for look in good))
    return PictureDescription(
        source=str(folder),
        classes={name: sum(look.file.relative_to(folder).parts[0] == name for look in good) for name in classes},
        sizes=dict(Counter(look.size for look in good).most_common()),
        modes=dict(Counter(look.mode for look in good).most_common()),
        kinds=dict(Counter(look.file.suffix.lower() for look in good).most_common()),
        problems=tuple(faults),
    )


def _read(file: Path, side: int) -> tuple[Look, np.ndarray]:
    """What a picture is like, and its grey levels (c, side²) float32."""
    picture = load_picture(file)
    levels = np.atleast_3d(np.asarray(resized(picture, (side, side)), dtype=np.float32))  # H, W, c
    return Look(file, picture.size, picture.mode), levels.transpose(2, 0, 1).reshape(-1, side * side)


def _problem(file: Path, failure: Failure) -> str:
    """What kept a picture from being read, by file."""
    return failure.reason if failure.is_input else f"{file}: cannot be read ({failure.reason}); replace or delete it"


def _look(file: Path) -> Look | str:
    """What a picture is like, or what is wrong with it."""
    try:
        picture = load_picture(file)
    except InputError as fault:
        return str(fault)
    return Look(file, picture.size, picture.mode)
