"""Samples as a folder of PNG images and back, with no GAN between: for looking, teaching and testing."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from ..data.samples import Samples
from ..data.sharded import Plan, write_shards
from ..errors import InputError, one_line
from ..files import refuse_used, staged_folder
from .kinds import check_source, fit_codec, kind_of_codec, load_codec, save_codec
from .progress import progress
from .recipe import Recipe

IMAGES, CODEC, SAMPLES = "images", "codec.json", "samples.parquet"
CHUNK = 1024


def encode_folder(recipe: Recipe, source: Path, to: Path) -> None:
    """Write one PNG per window, with codec.json and samples.parquet (record, start, offset of each lead).

    Arguments:
        recipe: leads, fs, side, stride, standardizer and arrangement.
        source: what the recipe reads.
        to: folder to make; must not exist, or be empty.

    Raises:
        InputError: nothing to read, or the folder is in use.
    """
    refuse_used(to)
    kind = check_source(recipe, source)
    with staged_folder(to) as whole, kind.ingest(recipe, source, whole.scratch / "store", split=False) as staged:
        store, partial = staged.store, whole.files
        codec = fit_codec(recipe, store, part=None)
        save_codec(codec, partial / CODEC)
        (partial / IMAGES).mkdir()
        frame = store.frame.drop(columns="part", errors="ignore").reset_index(drop=True)
        frame.insert(0, "image", [f"{number:06d}.png" for number in range(1, len(frame) + 1)])
        offsets = np.empty((len(frame), len(codec.channels)), np.float32)
        with progress("encode", len(frame)) as advance:
            for first in range(0, len(frame), CHUNK):
                part = frame.iloc[first : first + CHUNK]
                windows = store.values(part.index.to_numpy())
                offsets[first : first + CHUNK] = codec.offset(windows)
                for name, image in zip(part["image"], codec.encode(windows), strict=True):
                    _to_picture(image).save(partial / IMAGES / name)
                advance(first + len(part), "")
        for c, channel in enumerate(codec.channels):
            frame[_offset_column(channel)] = offsets[:, c]
        frame.to_parquet(partial / SAMPLES)


def decode_folder(folder: Path, to: Path) -> None:
    """Write the samples of an encoded folder in their source's format, each with its own stored offset.

    Raises:
        InputError: the folder is not one that encode made, or an image in it is missing or was changed in size.
    """
    refuse_used(to)
    if not (folder / SAMPLES).is_file():
        raise InputError(f"{folder}: no {SAMPLES} here; give a folder that `anonimage encode` made")
    codec = load_codec(folder / CODEC)
    try:
        frame = pd.read_parquet(folder / SAMPLES)
    except (OSError, ValueError) as error:  # pyarrow's errors are among these
        raise InputError(f"{folder / SAMPLES}: cannot be read ({one_line(error)}); encode the source again") from error
    needed = ["image", *map(_offset_column, codec.channels)]
    if missing := [column for column in needed if column not in frame]:
        raise InputError(f"{folder / SAMPLES}: no column '{missing[0]}'; give a folder that `anonimage encode` made")
    offsets = frame[needed[1:]].to_numpy(np.float32)
    values = np.empty((len(frame), len(codec.channels), codec.arrangement.length), np.float32)
    with progress("decode", len(frame)) as advance:
        for first in range(0, len(frame), CHUNK):
            names = frame["image"].iloc[first : first + CHUNK]
            images = np.stack([_from_picture(folder / IMAGES / name, codec.image_shape) for name in names])
            values[first : first + CHUNK] = codec.decode(images, offsets[first : first + CHUNK])
            advance(first + len(names), "")
    samples = Samples(values, frame.drop(columns=needed[1:]), codec.channels, codec.units, codec.fs)
    comments = ("decoded by anonimage from an image of this window; not a generated signal",)
    form = kind_of_codec(codec).new_format(Plan.of(samples, "window"), codec, comments=comments)
    with staged_folder(to) as staged:
        write_shards(staged, lambda first: [samples], form)


def _offset_column(channel: str) -> str:
    return f"offset_{channel}"


def _to_picture(image: np.ndarray) -> Image.Image:
    """(c, H, W) as a picture: grey, colour, or any number of planes one below another."""
    if len(image) == 3:
        return Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    return Image.fromarray(image.reshape(-1, image.shape[-1]))


def _from_picture(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """The image (c, H, W) of a picture that _to_picture made."""
    channels, height, width = shape
    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture)
    except FileNotFoundError as error:
        raise InputError(f"{path}: this image is missing; encode the source again") from error
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{path}: cannot be read as an image ({error}); encode the source again") from error
    wanted = (height, width, 3) if channels == 3 else (channels * height, width)
    if pixels.shape != wanted or pixels.dtype != np.uint8:
        raise InputError(
            f"{path}: is {pixels.dtype} {pixels.shape}, codec.json wants uint8 {wanted}; restore the image"
        )
    return pixels.transpose(2, 0, 1) if channels == 3 else pixels.reshape(shape)
