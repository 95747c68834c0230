"""Training speed and quality: the plain DCGAN loop and this project's Trainer on the same images, in turns.

    python benchmarks/training.py IMAGES.npy --yardstick PLAIN_DCGAN.py
    python benchmarks/training.py IMAGES.npy --quality 1000
prints one JSON object. IMAGES.npy: uint8 (N, c, 45, 45), the sides that the plain loop has.
"""

import argparse
import importlib.util
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np
import torch
from anonimage.gan.batch import Batch, resident
from anonimage.gan.networks import Architecture
from anonimage.gan.objectives.cross_entropy import CrossEntropy
from anonimage.gan.sampling import sample_images
from anonimage.gan.training.trainer import Callback, Trainer, TrainerSettings
from anonimage.pipelines.evaluation.neighbours import nearest_neighbour_accuracy
from scipy.stats import t as student

COMPARED = 500  # images of each kind in 1NNC
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
    batches = batches or _random_batches(array, batch, device)
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


def quality(
    images: Path,
    steps: int = 1000,
    seeds: int = 3,
    batch: int = 64,
    precision: str = "bf16",
    device: str = "cpu",
    yardstick: Path = YARDSTICK,
) -> dict[str, Any]:
    """How near what both loops generate comes to the images, after the same steps on the same batches.

    Arguments:
        images: file of uint8 (N, c, 45, 45).
        steps: of each loop.
        seeds: of networks, batches and latents; both loops are trained with each, at least 2.
        batch: images a step.
        precision: of the Trainer; the plain loop is always in 32.
        device: cpu or cuda.
        yardstick: the plain loop's script.

    Returns:
        1NNC to the images (0.5 is best) of each loop: its values, mean and 95 % t-interval over the seeds; the same of
        the differences of |1NNC − 0.5|, ours minus the plain loop's: below 0, ours is nearer.
    """
    array = np.load(images)
    found: dict[str, list[float]] = {"yardstick": [], "ours": []}
    for seed in range(seeds):
        batches = _random_batches(array, batch, "cpu", seed)
        real = array[np.random.default_rng(seed).permutation(len(array))[:COMPARED]]
        architecture = Architecture("convolutional", array.shape[1:])
        settings = TrainerSettings(seed=seed, device=device, precision=precision)
        trainer = Trainer(architecture, CrossEntropy(), batches, settings)
        trainer.train(steps)
        made = {
            "yardstick": _plain_images(batches, steps, len(real), array.shape[1], seed, device, yardstick),
            "ours": sample_images(trainer.ema.network, len(real), seed),
        }
        for name, fakes in made.items():
            found[name].append(float(nearest_neighbour_accuracy(fakes, real).mean()))
    departures = {name: [abs(value - 0.5) for value in values] for name, values in found.items()}
    nearer = [ours - plain for ours, plain in zip(departures["ours"], departures["yardstick"], strict=True)]
    return {
        "steps": steps,
        "1nnc": {name: _spread(values) for name, values in found.items()},
        "nearer": _spread(nearer),
    }


def _spread(values: list[float]) -> dict[str, Any]:
    half = student.ppf(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return {"values": values, "mean": mean(values), "low": mean(values) - half, "high": mean(values) + half}


def _plain_images(
    batches: Callable[[int], Batch], steps: int, n: int, channels: int, seed: int, device: str, yardstick: Path
) -> np.ndarray:
    """What the plain loop's networks generate, trained as its script does, which prints no images."""
    spec = importlib.util.spec_from_file_location("plain", yardstick)
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    torch.manual_seed(seed)
    g, d = plain.generator(channels).to(device), plain.discriminator(channels).to(device)
    optimizer_g = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999))
    optimizer_d = torch.optim.Adam(d.parameters(), 2e-4, (0.5, 0.999))
    bce = torch.nn.BCELoss()
    for step in range(steps):
        real = torch.from_numpy(batches(step).images).to(device) / 127.5 - 1
        d.zero_grad()
        bce(d(real), torch.full((len(real),), 0.9, device=device)).backward()
        fake = g(torch.randn(len(real), 100, 1, 1, device=device))
        bce(d(fake.detach()), torch.zeros(len(real), device=device)).backward()
        optimizer_d.step()
        g.zero_grad()
        bce(d(fake), torch.ones(len(real), device=device)).backward()
        optimizer_g.step()
    with torch.inference_mode():
        made = torch.cat([g.eval()(torch.randn(1, 100, 1, 1, device=device)) for _ in range(n)])
    return ((made + 1) * 127.5).round().clamp(0, 255).byte().cpu().numpy()


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
        architecture,
        CrossEntropy(),
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
            losses["generator"].item()  # waits for the device
            self._began, self._before = time.perf_counter(), trainer.images

    def stop(self, trainer: Trainer) -> None:
        next(trainer.networks.generator.parameters()).sum().item()
        self.seconds, self.images = time.perf_counter() - self._began, trainer.images - self._before


def _plain(images: Path, channels: int, batch: int, steps: int, device: str, yardstick: Path) -> float:
    command = [sys.executable, yardstick, images, "--batch", batch, "--steps", steps]
    command += ["--channels", channels, "--device", device]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["images_per_second"])


def _random_batches(array: np.ndarray, batch: int, device: str, seed: int = 0) -> Callable[[int], Batch]:
    def images(rows: np.ndarray) -> np.ndarray:
        return array[rows]

    at = resident(images, len(array), torch.device(device)) if device == "cuda" else images

    def draw(step: int) -> Batch:
        return Batch(at(np.sort(np.random.default_rng((seed, step)).choice(len(array), batch, replace=False))))

    return draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--batch", type=int, default=64, help="images a step")
    parser.add_argument("--steps", type=int, default=25, help="timed steps of each loop in each repeat")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--yardstick", type=Path, default=YARDSTICK, help="the plain loop's script")
    parser.add_argument("--quality", type=int, default=0, help="compare 1NNC after so many steps, not the speed")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each loop that --quality compares")
    given = parser.parse_args()
    if given.quality:
        options = {"batch": given.batch, "device": given.device, "yardstick": given.yardstick}
        print(json.dumps(quality(given.images, given.quality, given.seeds, **options), indent=2))
        return
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
