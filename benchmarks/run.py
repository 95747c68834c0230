"""All benchmarks in one table: ratios against yardsticks measured in the same run, in turns; and what large sets cost.

    make bench
prints the table and writes benchmarks/results.json beside this file. One part anew:

    python benchmarks/run.py --only sizes
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import evaluation
import generating
import large
import numpy as np
import preparing
import reading
import sizes
import torch
import training
from anonimage.data.store.writing import placed
from anonimage.files import new_file
from anonimage.pipelines.batches import Batches, store_batches
from anonimage.pipelines.kinds import check_source, fit_codec
from anonimage.pipelines.recipe import load_recipe
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).with_name("results.json")
BATCH = 64
QUALITY_STEPS = 400  # the plain loop takes a quarter of a second for each
Row = tuple[str, str, str, str, str]  # figure, value, spread, yardstick, goal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ptbdb/ and mitdb/")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the training")
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="measure this part, and keep what is known of others"
    )
    given = parser.parse_args()
    for name in ("ptbdb", "mitdb"):
        if not (given.data / name / "RECORDS").is_file():
            raise SystemExit(f"{given.data / name}: no recordings here; say where they are: make bench DATA=…")
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if given.only else {}
    results["machine"] = machine()
    for part in given.only or PARTS:
        print(f"{part} …", flush=True)
        results[part] = PARTS[part][0](given.data, given.device)
        with new_file(RESULTS) as file:  # after each: the whole takes half an hour
            json.dump(results, file, indent=1)
    Console(width=130).print(table(results))
    print(f"details: {RESULTS}")


def table(results: dict[str, Any]) -> Table:
    """Every figure with its spread over the repeats, its yardstick and its goal."""
    page = Table("figure", "value", "lowest to highest", "yardstick", "goal", title=_title(results["machine"]))
    for part, (_, rows) in PARTS.items():
        for row in rows(results[part]) if part in results else ():
            page.add_row(*row)
    return page


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    about = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return {
        "processor": about.get("cpu_name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "bf16 matrix units": bool(about.get("amx_bf16")),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "wfdb")},
    }


def _read(data: Path, device: str) -> list[dict[str, Any]]:
    ways = ((data / "mitdb", None), (data / "ptbdb", None), (data / "mitdb", 1000.0))
    return [reading.compare(source, fs) for source, fs in ways]


def _reading_rows(results: list[dict[str, Any]]) -> Iterator[Row]:
    for found in results:
        rate = "own rate" if found["fs"] is None else f"{found['fs']:g} Hz"
        bare = "rdrecord" if found["fs"] is None else "rdrecord + resample_poly"
        yield (
            f"read, standardize, arrange {found['source']}, {rate}",
            *_ratio(found["ratio"]),
            f"time of {bare}",
            "≤ 1.3",
        )


def _prepare(data: Path, device: str) -> dict[str, Any]:
    return preparing.compare(data / "ptbdb")


def _preparing_rows(found: dict[str, Any]) -> Iterator[Row]:
    what = f"prepare {found['windows']} windows, resampled, {found['processes']} processes"
    yield what, *_ratio(found["ratio"]), "time of one process with threads", "–"


def _train(data: Path, device: str) -> dict[str, Any]:
    """Training on windows of the source, encoded on the fly, against the plain loop on the same windows as images."""
    with _images(data) as (images, batches):
        return training.compare(images, batches, batch=BATCH, device=device)


def _compare_quality(data: Path, device: str) -> dict[str, Any]:
    with _images(data) as (images, _):
        return training.quality(images, QUALITY_STEPS, batch=BATCH, device=device)


@contextmanager
def _images(data: Path) -> Iterator[tuple[Path, Batches]]:
    """A file with the training windows of PTB as images, and what cuts and encodes the same on the fly."""
    recipe = load_recipe("ptb-quantile").changed({"stride": 500, "batch": BATCH})
    with tempfile.TemporaryDirectory() as folder:
        kind = check_source(recipe, data / "ptbdb")
        store = placed(kind.ingest(recipe, data / "ptbdb", Path(folder) / "store", split=True))
        codec = fit_codec(recipe, store)
        images = Path(folder) / "images.npy"
        np.save(images, np.concatenate([codec.encode(windows) for windows in store.iter_windows("train")]))
        yield images, store_batches(store, codec, recipe)


def _training_rows(found: dict[str, Any]) -> Iterator[Row]:
    for precision, goal in (("32", "≥ 1"), ("bf16", "≥ 4, at least 3")):
        ratio = found["ratio"][precision]
        yield f"training, precision {precision}", *_ratio(ratio), "images/s of the plain loop", goal


def _quality_rows(found: dict[str, Any]) -> Iterator[Row]:
    plain, ours, nearer = found["1nnc"]["yardstick"], found["1nnc"]["ours"], found["nearer"]
    what = f"1NNC after {found['steps']} steps, {len(ours['values'])} seeds"
    yield what, f"{ours['mean']:.3f}", _span(ours), f"plain loop {plain['mean']:.3f} ({_span(plain)})", "no worse"
    what = "|1NNC − 0.5|, ours − plain loop's, paired"
    yield what, f"{nearer['mean']:+.3f}", _span(nearer), "95 % t-interval over seeds", "≤ 0"


def _large(data: Path, device: str) -> dict[str, Any]:
    return large.measure(data / "ptbdb")


def _large_rows(found: dict[str, Any]) -> Iterator[Row]:
    what = f"training on {found['windows']} windows × 12 leads, {found['gb']:.2f} GB, read batch by batch"
    yield what, *_ratio(found["ratio"]), "images/s from memory", f"≥ {large.GOAL_RATIO:g}"
    yield "the same, images a second of CPU time", *_ratio(found["cpu_ratio"]), "from memory", "–"
    peak = f"{found['peak_gb']['large']:.2f} GB"
    yield (
        "its peak memory above an empty process",
        peak,
        "",
        f"{found['gb']:.2f} GB of signal",
        f"< {large.GOAL_GB:g} GB",
    )


def _generate(data: Path, device: str) -> dict[str, Any]:
    return generating.measure(data / "ptbdb")


def _generating_rows(found: dict[str, Any]) -> Iterator[Row]:
    network = f"{found['network_per_s']:.0f} windows/s of the network alone"
    for name in generating.FORMATS:
        its = found[name]
        ratio = its["writing_per_s"] / found["network_per_s"]
        yield f"decode and write {name}", f"{ratio:.2f}", "", network, "≥ 1"
        yield f"generate, decode and write {name}, together", f"{its['share']:.2f}", "", network, "–"
        small, big = its["peak_mb"]
        less, more = (times * found["windows"] for times in generating.SIZES)
        yield (
            f"peak memory of generating {more} windows, {name}",
            f"{big:.0f} MB",
            "",
            f"{less}: {small:.0f} MB",
            "the same",
        )


def _evaluate(data: Path, device: str) -> dict[str, Any]:
    return evaluation.measure(data / "ptbdb")


def _evaluation_rows(found: dict[str, Any]) -> Iterator[Row]:
    what = f"evaluate and audit {found['windows']} windows against as many generated"
    yield what, f"{found['seconds']:.0f} s", "", "", f"≤ {evaluation.GOAL_S:.0f} s"
    yield "its peak memory", f"{found['peak_gb']:.2f} GB", "", "", f"≤ {evaluation.GOAL_GB:g} GB"


def _grow(data: Path, device: str) -> list[dict[str, Any]]:
    return sizes.measure(data / "ptbdb")


def _size_rows(found: list[dict[str, Any]]) -> Iterator[Row]:
    for row in found:
        for step, unit in sizes.FIGURES.items():
            value, grows = f"{row[step]:.3g} {unit}", row.get("grows", {}).get(step)
            memory = f"{row[step.removesuffix('_s') + '_gb']:.2f} GB" if step.endswith("_s") else ""
            exponent = "" if grows is None else f"grows with windows to the power {grows:.2f}"
            yield (
                f"{row['windows']} windows: {step.rpartition('_')[0].replace('_', ' ')}",
                value,
                memory,
                exponent,
                "≤ 1",
            )


def _ratio(ratio: dict[str, float]) -> tuple[str, str]:
    return f"{ratio['median']:.2f}", _span(ratio)


def _span(found: dict[str, Any]) -> str:
    return f"{found['low']:.2f} to {found['high']:.2f}"


def _title(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)


PARTS: dict[str, tuple[Callable[[Path, str], Any], Callable[[Any], Iterator[Row]]]] = {
    "reading": (_read, _reading_rows),
    "preparing": (_prepare, _preparing_rows),
    "training": (_train, _training_rows),
    "quality": (_compare_quality, _quality_rows),
    "large": (_large, _large_rows),
    "generating": (_generate, _generating_rows),
    "evaluation": (_evaluate, _evaluation_rows),
    "sizes": (_grow, _size_rows),
}

if __name__ == "__main__":
    main()
