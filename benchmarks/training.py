"""Training speed: the plain DCGAN loop and this project's Trainer on the same images, in turns.

    python benchmarks/training.py IMAGES.npy --yardstick PLAIN_DCGAN.py
prints one JSON object. IMAGES.npy: uint8 (N, c, 45, 45), the sides that the plain loop has.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from anonimage.gan import (
    Architecture,
    Batch,
    BinaryCrossEntropy,
    Callback,
    Trainer,
    TrainerSettings,
    new_discriminator,
    new_generator,
)

YARDSTICK = Path(__file__).resolve().parents[2] / "shared" / "bench" / "plain_dcgan.py"


def compare(
    images: Path,
    batches: Callable[[int], Batch] | None = None,
    batch: int = 64,
    steps: int = 25,
    repeats: int = 3,
    precisions: tuple[str, ...] = ("32", "bf16"),
    device: str = "cpu",
    yardstick: Path = YARDSTICK,
) -> dict[str, Any]:
    """Measure both loops in turns, so that whatever else the machine does meets both.

    Arguments:
        images: file of uint8 (N, c, 45, 45) for the plain loop.
        batches: for the Trainer, the batch of a step, images uint8 (batch, c, 45, 45), encoded on the fly for
            example; None = random ones from `images`.
        batch: images a step.
        steps: timed steps of each loop in each repeat; 5 more go before.
        repeats: turns.
        precisions: of the Trainer; the plain loop is always in 32.
        device: cpu or cuda.
        yardstick: the plain loop's script.

    Returns:
        images a second of each loop and repeat; for each precision the median, lowest and highest ratio of a repeat.
    """
    array = np.load(images, mmap_mode="r")
    batches = batches or _random_batches(array, batch)
    speeds: dict[str, list[float]] = {name: [] for name in ("yardstick", *precisions)}
    for _ in range(repeats):
        speeds["yardstick"].append(_plain(images, array.shape[1], batch, steps, device, yardstick))
        for precision in precisions:
            speeds[precision].append(measure(batches, array.shape[1:], precision, steps, device))
    ratios = {name: [a / b for a, b in zip(speeds[name], speeds["yardstick"], strict=True)] for name in precisions}
    return {
        "batch": batch,
        "steps": steps,
        "images_per_second": speeds,
        "ratio": {name: {"median": median(r), "low": min(r), "high": max(r)} for name, r in ratios.items()},
    }


def measure(
    batches: Callable[[int], Batch],
    image_shape: tuple[int, int, int],
    precision: str = "32",
    steps: int = 25,
    device: str = "cpu",
    warmup: int = 5,
) -> float:
    """Return images per second of the Trainer, the making of the batches included, the first steps left out."""
    architecture, stopwatch = Architecture("convolutional", image_shape), _Stopwatch(warmup)
    Trainer(
        new_generator(architecture),
        new_discriminator(architecture),
        BinaryCrossEntropy(),
        batches,
        TrainerSettings(device=device, precision=precision),
        [stopwatch],
    ).train(warmup + steps)
    return stopwatch.images / stopwatch.seconds


class _Stopwatch(Callback):
    def __init__(self, warmup: int) -> None:
        self.warmup = warmup

    def step(self, trainer: Trainer, losses: Any) -> None:
        if trainer.step == self.warmup:
            losses.generator.item()  # waits for the device
            self._began, self._before = time.perf_counter(), trainer.images

    def stop(self, trainer: Trainer) -> None:
        next(trainer.generator.parameters()).sum().item()
        self.seconds, self.images = time.perf_counter() - self._began, trainer.images - self._before


def _plain(images: Path, channels: int, batch: int, steps: int, device: str, yardstick: Path) -> float:
    command = [sys.executable, yardstick, images, "--batch", batch, "--steps", steps]
    command += ["--channels", channels, "--device", device]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["images_per_second"])


def _random_batches(array: np.ndarray, batch: int) -> Callable[[int], Batch]:
    def draw(step: int) -> Batch:
        return Batch(array[np.sort(np.random.default_rng((0, step)).choice(len(array), batch, replace=False))])

    return draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--batch", type=int, default=64, help="images a step")
    parser.add_argument("--steps", type=int, default=25, help="timed steps of each loop in each repeat")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--yardstick", type=Path, default=YARDSTICK, help="the plain loop's script")
    given = parser.parse_args()
    result = compare(
        given.images,
        batch=given.batch,
        steps=given.steps,
        repeats=given.repeats,
        device=given.device,
        yardstick=given.yardstick,
    )
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
