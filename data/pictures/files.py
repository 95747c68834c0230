"""The files of a folder of pictures: which there are, what each is like, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from ...errors import InputError, one_line
from ..folders import files_below

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


def find_pictures(folder: Path) -> tuple[list[Path], tuple[str, ...], list[str]]:
    """All pictures in order of name, the class folders' names, and what is wrong with how they lie.

    Raises:
        InputError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder of pictures, or of one folder of them per class")
    every = [file for file in files_below(folder) if not _is_hidden(file.relative_to(folder))]
    files = [file for file in every if file.suffix.lower() in SUFFIXES]
    other = [file for file in every if file.suffix.lower() in _OTHER_KINDS]
    faults = [f"{file}: a {file.suffix} file is not read; save it as .png" for file in other]
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


def load_picture(file: Path) -> Image.Image:
    """One picture in grey or in colours, upright.

    Raises:
        InputError: what is wrong with it.
    """
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


def resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture of this (width, height), antialiased where it shrinks.

    Bicubic, for it rings less than Lanczos at the hard edges of fingerprints.
    """
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def difference(like: Look, other: Look) -> str:
    """How a picture differs from another in size or mode; "" if it does not."""
    if other.size != like.size:
        return f"{other.file}: {_pixels(other)} pixels, but {like.file} has {_pixels(like)}; bring all to one size"
    if other.mode != like.mode:
        return f"{other.file}: mode {other.mode}, but {like.file} has mode {like.mode}; save all as L (grey) or RGB"
    return ""


def _pixels(look: Look) -> str:
    return f"{look.size[0]}×{look.size[1]}"


def _is_hidden(path: Path) -> bool:
    """What file managers leave behind."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
