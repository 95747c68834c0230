"""All benchmarks in one table: each figure is a ratio against a yardstick measured in the same run, in turns.

    make bench
prints the table and writes benchmarks/results.json beside this file.
"""

import argparse
import json
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import evaluation
import numpy as np
import reading
import torch
import training
from anonimage.files import new_file
from anonimage.pipelines.batches import store_batches
from anonimage.pipelines.codecs import fit_codec
from anonimage.pipelines.recipe import load_recipe
from anonimage.pipelines.sources import write_store
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).with_name("results.json")
BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with ptbdb/ and mitdb/")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the training")
    given = parser.parse_args()
    for name in ("ptbdb", "mitdb"):
        if not (given.data / name / "RECORDS").is_file():
            raise SystemExit(f"{given.data / name}: no recordings here; say where they are: make bench DATA=…")
    results = {
        "machine": machine(),
        "reading": [
            reading.compare(given.data / "mitdb"),
            reading.compare(given.data / "ptbdb"),
            reading.compare(given.data / "mitdb", fs=1000.0),
        ],
        "training": train(given.data / "ptbdb", given.device),
        "evaluation": evaluation.measure(given.data / "ptbdb"),
    }
    with new_file(RESULTS) as file:
        json.dump(results, file, indent=1)
    Console(width=110).print(table(results))
    print(f"details: {RESULTS}")


def train(source: Path, device: str) -> dict[str, Any]:
    """Training on windows of the source, encoded on the fly, against the plain loop on the same windows as images."""
    recipe = load_recipe("ptb-quantile").changed({"stride": 500, "batch": BATCH})
    with tempfile.TemporaryDirectory() as folder:
        store = write_store(recipe, source, Path(folder) / "store", split=True)
        codec = fit_codec(recipe, store)
        images = Path(folder) / "images.npy"
        np.save(images, np.concatenate([codec.encode(windows) for windows in store.iter_windows("train")]))
        return training.compare(images, store_batches(store, codec, recipe), batch=BATCH, device=device)


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


def table(results: dict[str, Any]) -> Table:
    """Ratio, spread over the repeats, yardstick and goal of every figure."""
    page = Table("figure", "ratio", "lowest to highest", "yardstick", "goal", title=_title(results["machine"]))
    for found in results["reading"]:
        rate = "own rate" if found["fs"] is None else f"{found['fs']:g} Hz"
        bare = "rdrecord" if found["fs"] is None else "rdrecord + resample_poly"
        page.add_row(
            f"read, standardize, arrange {found['source']}, {rate}", *_numbers(found), f"time of {bare}", "≤ 1.3"
        )
    for precision, goal in (("32", "≥ 1"), ("bf16", "≥ 2 with bf16 units")):
        found = {"ratio": results["training"]["ratio"][precision]}
        page.add_row(f"training, precision {precision}", *_numbers(found), "images/s of the plain loop", goal)
    cost = results["evaluation"]
    what = f"evaluate and audit {cost['windows']} windows against as many generated"
    page.add_row(what, f"{cost['seconds']:.0f} s", "", "", f"≤ {evaluation.GOAL_S:.0f} s")
    page.add_row("its peak memory", f"{cost['peak_gb']:.2f} GB", "", "", f"≤ {evaluation.GOAL_GB:g} GB")
    return page


def _numbers(found: dict[str, Any]) -> tuple[str, str]:
    ratio = found["ratio"]
    return f"{ratio['median']:.2f}", f"{ratio['low']:.2f} to {ratio['high']:.2f}"


def _title(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)


if __name__ == "__main__":
    main()
