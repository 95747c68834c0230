"""Folders of pictures as samples, and samples as folders of pictures of the same kind and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ..errors import InputError
from ..files import new_folder
from .labels import UNKNOWN, classes_of
from .patients import patients_of
from .picture_files import Look, difference, find_pictures, load_picture, resized
from .samples import Samples
from .wfdb_source import ordered_map

CHANNELS = {"L": ("grey",), "RGB": ("red", "green", "blue")}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pictures:
    """Pictures as samples.

    Arguments:
        samples: (N, c, side²) float32 grey levels 0…255, row by row; c is 1 (grey) or 3 (red, green, blue).
        form: what `write_pictures` needs, as JSON.
        classes: names of the class folders; () where there are none.
    """

    samples: Samples
    form: dict[str, Any]
    classes: tuple[str, ...]


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
) -> Pictures:
    """Read the pictures of a folder, all grey or all coloured, and all of one size.

    Arguments:
        folder: holds PNG, JPEG, BMP or TIFF files; or one folder of them per class (torchvision's ImageFolder).
        side: pixels; pictures are resized to side × side with antialiasing.
        patient: whose a picture is; see `patients_of`. A picture's name is its path below the folder.
        progress: called with (pictures read, all).
        classes: the class folders and their order, where that is settled, as for generated pictures; () finds them.

    Raises:
        InputError: the first thing that cannot be used, by file.
    """
    folder = Path(folder)
    if side < 1:
        raise InputError(f"side {side}: a picture needs at least 1 pixel a side")
    files, found, faults = find_pictures(folder)
    if faults:
        raise InputError(faults[0])
    names = [file.relative_to(folder).as_posix() for file in files]
    patients = patients_of(names, patient, above=len(found[:1]))
    classes, labels = classes_of([name.split("/")[0] for name in names], classes) if found else ((), [0] * len(names))
    values: list[np.ndarray] = []
    first: Look | None = None
    for look, levels in ordered_map(lambda file: _read(file, side), files):
        first = first or look
        if fault := difference(first, look):
            raise InputError(fault)
        values.append(levels)
        if progress is not None:
            progress(len(values), len(files))
    assert first is not None  # a folder without a picture was refused
    frame = pd.DataFrame({"patient": patients, "record": names, "start": 0, "label": labels})
    frame["diagnosis"] = [classes[label] if classes else UNKNOWN for label in labels]
    channels = CHANNELS[first.mode]
    suffix = Counter(file.suffix.lower() for file in files).most_common(1)[0][0]
    form = {
        "kind": "images", "size": list(first.size), "mode": first.mode, "suffix": suffix, "classes": list(classes)
    }  # fmt: skip
    samples = Samples(np.stack(values), frame, channels, ("",) * len(channels))
    return Pictures(samples, form, tuple(classes))


def write_pictures(
    samples: Samples, dest: Path, form: dict[str, Any], prefix: str = "synthetic", progress: Progress | None = None
) -> list[Path]:
    """Write samples as pictures of the size, mode and kind that `form` says, in class folders if it names classes.

    Beside them stands `samples.csv`: one row a picture, its path in `record`, then the columns of `samples.frame`
    (a column `record` of the frame becomes `source_record`).

    Arguments:
        samples: (N, c, side²) grey levels; rounded, and clipped to 0…255. With classes, the frame's label counts.
        dest: the folder to make; an existing one is replaced in one step.
        form: from `read_pictures`.
        prefix: pictures are named prefix000001 and so on.
        progress: called with (pictures written, N).

    Raises:
        InputError: no samples, or such as are no pictures of this form.
    """
    mode, classes = form["mode"], form["classes"]
    side = round(samples.length**0.5)
    if not len(samples):
        raise InputError(f"{dest}: there are no samples to write; ask for at least one")
    if samples.values.shape[1] != len(CHANNELS[mode]) or side**2 != samples.length:
        shape = "×".join(map(str, samples.values.shape[1:]))
        raise InputError(
            f"{dest}: samples of {shape} values are no square {mode} pictures; decode with their own codec"
        )
    if not np.isfinite(samples.values).all():
        raise InputError(f"{dest}: a grey level is missing or infinite; a picture has no place for that")
    labels = _labels(samples, classes, dest)
    digits = max(6, len(str(len(samples))))
    names = [
        f"{classes[label]}/{name}" if classes else name
        for label, name in zip(
            labels, (f"{prefix}{k:0{digits}d}{form['suffix']}" for k in range(1, len(samples) + 1)), strict=True
        )
    ]
    with new_folder(Path(dest)) as folder:
        for done, (name, values) in enumerate(zip(names, samples.values, strict=True), start=1):
            levels = np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(-1, side, side)
            picture = Image.fromarray(levels[0] if mode == "L" else levels.transpose(1, 2, 0))
            (folder / name).parent.mkdir(exist_ok=True)
            resized(picture, (form["size"][0], form["size"][1])).save(folder / name, quality=95)
            if progress is not None:
                progress(done, len(names))
        table = samples.frame.rename(columns={"record": "source_record"})
        table.insert(0, "record", names)
        table.to_csv(folder / "samples.csv", index=False)
    return [Path(dest) / name for name in names]


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


def _look(file: Path) -> Look | str:
    """What a picture is like, or what is wrong with it."""
    try:
        picture = load_picture(file)
    except InputError as fault:
        return str(fault)
    return Look(file, picture.size, picture.mode)


def _labels(samples: Samples, classes: list[str], dest: Path) -> list[int]:
    if not classes:
        return [0] * len(samples)
    if "label" not in samples.frame:
        raise InputError(f"{dest}: the samples have no label; they need one of the classes {', '.join(classes)} each")
    labels = [int(label) for label in samples.frame["label"]]
    for label in labels:
        if not 0 <= label < len(classes):
            raise InputError(f"{dest}: label {label} is no class; there are {len(classes)}, counted from 0")
    return labels
