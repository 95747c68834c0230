"""Make docs/five-steps.png from a finished demo (simulated recordings only, so that nobody's heart is in the README).

make demo && .venv/bin/python docs/make_picture.py demo
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from anonimage.data.store.store import open_store
from anonimage.pipelines.anonymizer import Anonymizer
from anonimage.pipelines.run_folder import RunFolder


def main(out: Path) -> None:
    """Draw a training window, its image, a generated image and the window decoded from it."""
    anonymizer = Anonymizer.load(out)
    codec = anonymizer.codec
    windows = open_store(RunFolder(out).store).samples(np.array([0])).values, anonymizer.sample(1).values
    figure, axes = plt.subplots(1, 4, figsize=(13, 2.6), width_ratios=(2, 1, 1, 2), layout="constrained")
    titles = ("a real window", "its image", "a generated image", "the window decoded from it")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title)
    for axis, window in zip((axes[0], axes[3]), windows, strict=True):
        axis.plot(np.arange(window.shape[-1]) / (codec.fs or 1.0), window[0, 0], linewidth=0.8)
        axis.set(xlabel="s", ylabel=codec.units[0])
    for axis, window in zip((axes[1], axes[2]), windows, strict=True):
        axis.imshow(codec.encode(window)[0, 0], cmap="gray", vmin=0, vmax=255)
        axis.set_axis_off()
    figure.savefig(Path(__file__).with_name("five-steps.png"), dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
