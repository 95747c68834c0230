"""Make docs/five-steps.png from a finished demo (simulated recordings only, so that nobody's heart is in the README).

make demo && .venv/bin/python docs/make_picture.py demo
"""

import sys
from pathlib import Path

import numpy as np
from anonimage.data.store.store import open_store
from anonimage.pipelines.anonymizer import Anonymizer
from anonimage.pipelines.figures import plot_five_steps
from anonimage.pipelines.run_folder import RunFolder


def main(out: Path) -> None:
    """Draw a training window, its image, a generated image and the window decoded from it."""
    anonymizer = Anonymizer.load(out)
    codec = anonymizer.codec
    real = open_store(RunFolder(out).store).samples(np.array([0])).values
    synthetic = anonymizer.sample(1).values
    images = [codec.encode(window)[0, 0] for window in (real, synthetic)]
    figure = plot_five_steps(real[0, 0], *images, synthetic[0, 0], codec.fs or 1.0, codec.units[0])
    figure.savefig(Path(__file__).with_name("five-steps.png"), dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
