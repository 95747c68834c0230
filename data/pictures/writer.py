"""Samples as a folder of pictures of the kind and size that the source's pictures have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...errors import InputError
from ..samples import Samples
from ..writer_folder import Making
from ..writer_set import Plan, Progress, append_rows, row_table, write_set
from .files import resized
from .reading import CHANNELS


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
    picture_format = PictureFormat(Plan.of(samples, prefix), form)
    write_set(lambda first: [samples], dest, picture_format, progress=progress)
    return [dest / name for name in picture_format.names(samples, 0)]


class PictureFormat:
    """A file a sample, and samples.csv.

    Raises:
        InputError: samples that are no pictures of the source's mode.
    """

    def __init__(self, plan: Plan, form: dict[str, Any]) -> None:
        self.plan, self.form = plan, form
        self._side = round(plan.length**0.5)
        if len(plan.channels) != len(CHANNELS[form["mode"]]) or self._side**2 != plan.length:
            shape = f"{len(plan.channels)}×{plan.length}"
            raise InputError(
                f"samples of {shape} values are no square {form['mode']} pictures; decode with their own codec"
            )

    def add(self, shard: Samples, first: int, made: Making) -> None:
        if not np.isfinite(shard.values).all():
            raise InputError("a grey level is missing or infinite; a picture has no place for that")
        names, side = self.names(shard, first), self._side
        for folder in {Path(name).parent for name in names}:
            (made.files / folder).mkdir(exist_ok=True)
        for name, values in zip(names, shard.values, strict=True):
            levels = np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(-1, side, side)
            picture = Image.fromarray(levels[0] if self.form["mode"] == "L" else levels.transpose(1, 2, 0))
            width, height = self.form["size"]
            resized(picture, (width, height)).save(made.files / name, quality=95)
        append_rows(row_table(shard, names), first, made)

    def finish(self, made: Making) -> None:
        pass

    def names(self, shard: Samples, first: int) -> list[str]:
        """Path of each picture below the folder; `first` pictures came before."""
        files = [f"{name}{self.form['suffix']}" for name in self.plan.names(first, len(shard))]
        classes = self.form["classes"]
        if not classes:
            return files
        if "label" not in shard.frame:
            raise InputError(f"the samples have no label; they need one of the classes {', '.join(classes)} each")
        labels = [int(label) for label in shard.frame["label"]]
        for label in labels:
            if not 0 <= label < len(classes):
                raise InputError(f"label {label} is no class; there are {len(classes)}, counted from 0")
        return [f"{classes[label]}/{file}" for label, file in zip(labels, files, strict=True)]
