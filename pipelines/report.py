"""The report: one self-contained HTML file, real against synthetic, every number with interval and baseline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from ..data import TableForm
from ..files import new_file
from ..transforms import Codec
from . import figures
from .evaluation.score import Score
from .run import Run, Windows
from .studies import Observation

SHOWN = 32  # samples of each kind in the image grids; the first of them are drawn as signals

# What each score means to a reader, in the order of the page; a name that ends in a colon is of each column of a table
EXPLAINED = {
    "1nnc": (
        "1-nearest-neighbour accuracy, synthetic against control",
        "0.5 in both halves: not to be told apart; 1: the nearest gives it away; near 0: copies. Baseline: the floor.",
    ),
    "1nnc_synthetic": (
        "its synthetic half",
        "Those whose nearest is synthetic. 1 with a low real half: all much alike; 0: they scatter like noise.",
    ),
    "1nnc_real": (
        "its real half",
        "Control ones whose nearest is from control. 1: no synthetic one comes near a real one.",
    ),
    "1nnc_floor": (
        "the floor: training against control",
        "The same figure for real samples of other people; a perfect generator reaches this, not 0.5.",
    ),
    "similarity": (
        "likeness of synthetic images to each other",
        "Mean structural similarity of pairs. Near 1: one image again and again. Baseline: control images.",
    ),
    "class_accuracy": (
        "class accuracy of the discriminator on generated images",
        "Says that classes differ, not that they are right (section 4.6). Baseline: the commonest class.",
    ),
    "class_accuracy_control": (
        "class accuracy of the discriminator on control patients",
        "Real samples of people whom training never saw. Baseline: the commonest class.",
    ),
    "class_recall_control": (
        "the same, as the mean over the classes",
        "As if each class were as frequent as any other, which they are in balanced training. Baseline: guessing.",
    ),
    "class_accuracy_training": (
        "class accuracy of the discriminator on training patients",
        "Far above that on control patients: the discriminator knows its patients by heart.",
    ),
    "r_peaks": ("R peaks per window, synthetic", "Found by neurokit2. Baseline: control windows."),
    "r_peaks_control": ("R peaks per window, control", "The same detector on real windows of other people."),
    "peaks_2_3": (
        "windows with two or three R peaks",
        "What the paper says of two seconds. Baseline: control windows.",
    ),
    "noise": (
        "share of power in high frequencies",
        "Above a twelfth of the sampling rate (83 Hz at 1000 Hz). Baseline: control windows.",
    ),
    "einthoven": (
        "limb-lead residual, synthetic",
        "Root mean square of what breaks III = II − I and Goldberger's relations. Baseline: control windows.",
    ),
    "null_clean": ("images whose NULL pixels are all 0", "As generated, before the decoder enforces it."),
    "inside_ranges": ("rows inside the training ranges", "Every value of the row. Baseline: control rows."),
    "ks_worst": (
        "largest KS distance of a column",
        "Of numbers, synthetic against training. Baseline: control against training rows.",
    ),
    "share_worst": ("largest difference of a share", "Of columns with two values, and of each category."),
    "ks:": ("KS distance of the column", "0: the same spread; 1: no overlap. Baseline: control against training rows."),
    "share:": ("difference of the share", "Synthetic less training rows. Baseline: control less training rows."),
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
EXACT = {"round_trip_max", "inside_ranges"}


@dataclass(frozen=True)
class Section:
    """A picture of the page: an SVG or images, what it shows, and the same for those who cannot see it."""

    title: str
    content: Markup
    caption: str
    alt: str


def write_report(path: Path, run: Run, observation: Observation | None) -> None:
    """Write report.html.

    Arguments:
        path: of the file.
        run: all that is known.
        observation: what it says about its section of the paper.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("report.html").render(
        recipe=run.recipe,
        what=_NOUNS[run.recipe.data],
        observation=observation,
        rows=_rows(run.scores, run.against),
        sections=[make(run) for make in _SECTIONS[run.recipe.data] if _has(make, run)],
        counts=run.counts,
        dropped=_drops(run.dropped),
        channels=", ".join(run.codec.channels),
        length=run.codec.arrangement.length,
        image="×".join(map(str, run.codec.image_shape)),
        fs=run.codec.fs,
        settings=run.recipe.to_toml(),
        versions=run.versions,
    )
    with new_file(path) as file:
        file.write(page)


_NOUNS = {"signals": "windows", "table": "rows", "images": "pictures"}


def _rows(scores: Mapping[str, Score], against: Mapping[str, Score]) -> list[dict[str, Any]]:
    """The table of scores, in the order of EXPLAINED; what a figure of every column means is said once."""
    rows = []
    for key, (title, meaning) in EXPLAINED.items():
        for name in (name for name in scores if name == key or name.startswith(f"{key} ")):
            rows.append(_row(title, meaning, name, scores[name], against.get(name)))
            meaning = ""
    return rows


def _row(title: str, meaning: str, name: str, score: Score, other: Score | None) -> dict[str, Any]:
    unit = f" {score.unit}" if score.unit else ""
    column = name.partition(": ")[2]
    return {
        "title": f"{title} {column}".rstrip(),
        "meaning": meaning,
        "value": f"{score.value:.3g}{unit}",
        "interval": "exact" if name in EXACT else f"{score.low:.3g} to {score.high:.3g}",
        "baseline": "none" if score.baseline is None else f"{score.baseline:.3g}{unit}",
        "n": score.n,
        "against": None if other is None else f"{other.value:.3g}{unit} ({other.low:.3g} to {other.high:.3g})",
    }


def _signals(run: Run) -> Section:
    real, synthetic, units = run.windows.control.values, run.windows.synthetic.values, run.codec.units
    plot = figures.plot_signals(real, synthetic, _fs(run.codec), run.codec.channels, units)
    return Section(
        "Signals",
        _svg(plot),
        "Real windows of control patients (left) and synthetic windows (right), drawn at random; plots of one "
        f"lead span as many {units[0] or 'units'}, each about its own middle.",
        f"Real windows on the left, synthetic windows on the right, in {units[0] or 'units'} over seconds",
    )


def _classes(run: Run) -> Section:
    names = run.codec.form["classes"]
    frame = run.windows.synthetic.frame
    rows = [np.flatnonzero(frame["diagnosis"] == name)[:2] for name in names]
    plot = figures.plot_classes(run.windows.synthetic.values, rows, names, _fs(run.codec), run.codec.units)
    return Section("Classes", _svg(plot), "Two synthetic windows of each class.", f"Windows of {', '.join(names)}")


def _columns(run: Run) -> Section:
    table = TableForm.from_state(run.codec.form["table"])
    ours, real = (samples.values[:, :, 0] for samples in (run.windows.synthetic, run.windows.control))
    plot = figures.plot_columns(real, ours, table.features, table.kinds)
    return Section(
        "Columns",
        _svg(plot),
        "Numbers as box plots (whiskers: 5 and 95 %), the others as shares of rows; real control rows left or above, "
        "synthetic rows right or below.",
        "Box plots of each continuous column and shares of each binary one, real against synthetic",
    )


def _five_steps(run: Run) -> Section:
    shown = _few(run.windows)
    images, codec = shown.images(run.codec), run.codec
    plot = figures.plot_five_steps(
        shown.control.values[0, 0],
        images["control"][0, 0],
        images["synthetic"][0, 0],
        shown.synthetic.values[0, 0],
        _fs(codec),
        codec.units[0],
    )
    return Section(
        "The five steps",
        _svg(plot),
        "A window becomes an image; the network learns from such images; a generated image is decoded into a window.",
        "A real window, its image, a generated image and the decoded window",
    )


def _images(run: Run) -> Section:
    images = _few(run.windows).images(run.codec)
    pictures = [_img(run, images[kind], f"{name} {_NOUNS[run.recipe.data]} as images") for kind, name in _KINDS]
    return Section(
        "Images",
        Markup("<br>").join(pictures),
        f"Real control samples, encoded (above); synthetic ones (below){_shown(run)}.",
        "",
    )


def _evolution(run: Run) -> Section:
    rows = [
        Markup("<div class='note'>step {}</div>").format(step) + _img(run, images, f"Generated images at step {step}")
        for step, images in sorted(run.evolution.items())
    ]
    return Section(
        "Evolution",
        Markup("").join(rows),
        f"The same noise, made into images by the averaged generator at several steps of the training{_shown(run)}.",
        "",
    )


def _training(run: Run) -> Section:
    plot = figures.plot_losses(run.metrics, run.monitor)
    events = run.monitor[run.monitor["event"].fillna("") != ""]
    said = "; ".join(f"step {step}: {event}" for step, event in zip(events["step"], events["event"], strict=True))
    return Section(
        "Training",
        _svg(plot),
        "Losses do not say how good the samples are; they show whether training ran, stuck or collapsed. Below: "
        "variety of generated images, as a share of the variety of real ones. "
        + (f"The monitor saw: {said}." if said else "The monitor saw no collapse and no discriminator that had won."),
        "Losses of discriminator and generator, and variety of the generated images, over training steps",
    )


def _accuracy(run: Run) -> Section:
    return Section(
        "Class accuracy",
        _svg(figures.plot_accuracy(run.metrics)),
        "Of the discriminator on the real and the generated images of each step's batch (the paper's Fig. 20).",
        "Class accuracy on real and on generated images over training steps",
    )


_KINDS = (("control", "Real"), ("synthetic", "Synthetic"))
_SECTIONS: dict[str, list[Callable[[Run], Section]]] = {
    "signals": [_signals, _classes, _five_steps, _images, _evolution, _training, _accuracy],
    "table": [_columns, _images, _evolution, _training, _accuracy],
    "images": [_images, _evolution, _training, _accuracy],
}


def _has(make: Callable[[Run], Section], run: Run) -> bool:
    """Whether a section has something to show."""
    if make is _classes:
        return run.recipe.conditional and "diagnosis" in run.windows.synthetic.frame
    if make is _accuracy:
        return run.recipe.class_head == "auxiliary"
    return make is not _evolution or bool(run.evolution)


def _few(windows: Windows) -> Windows:
    return Windows(*(kind.select(np.arange(min(SHOWN, len(kind)))) for kind in vars(windows).values()))


def _svg(plot: figures.Figure) -> Markup:
    return Markup(figures.as_svg(plot))  # our own SVG, not the user's text


def _img(run: Run, images: np.ndarray, alt: str) -> Markup:
    grid = figures.image_grid(images, brighten=run.recipe.data == "signals")
    return Markup('<img alt="{}" src="{}">').format(alt, figures.as_png(grid))


def _shown(run: Run) -> str:
    """Most levels of a window are low: on the page they are brightened, which has to be said."""
    return "; brightened (square root of the levels)" if run.recipe.data == "signals" else ""


def _fs(codec: Codec) -> float:
    return codec.fs or 1.0


def _drops(dropped: Mapping[str, int]) -> dict[str, int]:
    words = {
        "short": "records left out: shorter than a window",
        "missing": "windows left out: a sample is missing",
        "flat": "windows left out: a lead stands still",
    }
    return {words.get(reason, reason): n for reason, n in dropped.items() if n}
