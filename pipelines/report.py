"""The report: one self-contained HTML file, real against synthetic, every number with interval and baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from ..data import Samples
from ..files import new_file
from ..transforms import Codec
from .evaluation.score import Score
from .figures import as_png, as_svg, image_grid, plot_five_steps, plot_losses, plot_signals
from .recipe import Recipe

SHOWN = 32  # windows of each kind in the image grids; the first of them are drawn as signals

# What each score means to a reader, in the order of the page
EXPLAINED = {
    "1nnc": (
        "1-nearest-neighbour accuracy, synthetic against control",
        "0.5: not to be told apart; 1: the nearest window gives it away; near 0: copies. Baseline: the floor.",
    ),
    "1nnc_floor": (
        "the floor: training against control",
        "The same figure for real windows of other people; a perfect generator reaches this, not 0.5.",
    ),
    "similarity": (
        "likeness of synthetic windows to each other",
        "Mean structural similarity of pairs of images. Near 1: one image again and again. Baseline: control windows.",
    ),
    "r_peaks": ("R peaks per window, synthetic", "Found by neurokit2. Baseline: control windows."),
    "r_peaks_control": ("R peaks per window, control", "The same detector on real windows of other people."),
    "einthoven": (
        "limb-lead residual, synthetic",
        "Root mean square of what breaks III = II − I and Goldberger's relations. Baseline: control windows.",
    ),
    "round_trip_rms": (
        "round trip of real windows, RMS",
        "Signal → image → signal, over all values. Baseline: the codec's declared tolerance.",
    ),
    "round_trip_max": (
        "round trip of real windows, largest error inside the bounds",
        "Values that do not saturate. Baseline: the codec's declared tolerance.",
    ),
    "saturated_windows": (
        "windows with a value outside the quantile bounds",
        "Such values are cut off at the bounds. Baseline: the paper's 4 %.",
    ),
    "saturated_values": ("values outside the quantile bounds", "Share of all values of all windows."),
    "wide_windows": (
        "windows wider than the adapted range (2.5 mV unless set)",
        "Before anything is cut off. Their highest values are, at grey level 255, where eq. 3 is used.",
    ),
}


# Worst cases over all windows looked at: nothing is estimated, so there is no interval
EXACT = {"round_trip_max"}


@dataclass(frozen=True)
class Windows:
    """What is scored, and what the pictures show: windows of each kind, drawn at random."""

    training: Samples
    control: Samples
    synthetic: Samples

    def images(self, codec: Codec) -> dict[str, np.ndarray]:
        """Each kind as images (N, c, H, W).

        A synthetic window's offset was chosen when it was decoded. It may lie beyond the quantile bounds, which would
        then cut what the generator made; so they are left out for it.
        """
        return {
            "training": codec.encode(self.training.values),
            "control": codec.encode(self.control.values),
            "synthetic": codec.unbounded().encode(self.synthetic.values),
        }


def write_report(
    path: Path,
    recipe: Recipe,
    codec: Codec,
    scores: Mapping[str, Score],
    windows: Windows,
    metrics: pd.DataFrame,
    counts: Mapping[str, int],
    dropped: Mapping[str, int],
    versions: Mapping[str, str],
) -> None:
    """Write report.html.

    Arguments:
        path: of the file.
        recipe, codec: of the run.
        scores: by name, as in EXPLAINED.
        windows: what the pictures show.
        metrics: step, critic_loss and generator_loss.
        counts: numbers of windows, patients, records, steps.
        dropped: what was left out of the reading, by reason.
        versions: of programs, by name.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("report.html").render(
        recipe=recipe,
        rows=[_row(name, scores[name]) for name in EXPLAINED if name in scores],
        figures=_figures(codec, windows, metrics),
        counts=counts,
        dropped=_drops(dropped),
        channels=", ".join(codec.channels),
        units=", ".join(dict.fromkeys(codec.units)),
        settings=recipe.to_toml(),
        versions=versions,
    )
    with new_file(path) as file:
        file.write(page)


def _row(name: str, score: Score) -> dict[str, Any]:
    title, meaning = EXPLAINED[name]
    unit = f" {score.unit}" if score.unit else ""
    return {
        "title": title,
        "meaning": meaning,
        "value": f"{score.value:.3g}{unit}",
        "interval": "exact" if name in EXACT else f"{score.low:.3g} to {score.high:.3g}",
        "baseline": "none" if score.baseline is None else f"{score.baseline:.3g}{unit}",
        "n": score.n,
    }


def _figures(codec: Codec, windows: Windows, metrics: pd.DataFrame) -> dict[str, Any]:
    shown = Windows(*(kind.select(np.arange(min(SHOWN, len(kind)))) for kind in vars(windows).values()))
    real, synthetic, images = shown.control.values, shown.synthetic.values, shown.images(codec)
    five = plot_five_steps(
        real[0, 0], images["control"][0, 0], images["synthetic"][0, 0], synthetic[0, 0], _fs(codec), codec.units[0]
    )
    plots = {
        "signals": plot_signals(real, synthetic, _fs(codec), codec.channels, codec.units),
        "five_steps": five,
        "losses": plot_losses(metrics),
    }
    return {
        **{name: Markup(as_svg(plot)) for name, plot in plots.items()},  # our own SVG, not the user's text
        "real_images": as_png(image_grid(images["control"])),
        "synthetic_images": as_png(image_grid(images["synthetic"])),
    }


def _fs(codec: Codec) -> float:
    return codec.fs or 1.0


def _drops(dropped: Mapping[str, int]) -> dict[str, int]:
    words = {
        "short": "records left out: shorter than a window",
        "missing": "windows left out: a sample is missing",
        "flat": "windows left out: a lead stands still",
    }
    return {words.get(reason, reason): n for reason, n in dropped.items()}
