"""The report's pictures: vector plots and image grids, as text that stands inside the HTML."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image
from torchvision.utils import make_grid

from ..data.table_column import NUMBERS

REAL, SYNTHETIC = "#1f4e9c", "#b5431c"  # told apart in print and by colour-blind readers
ROWS = 4


def as_svg(figure: Figure) -> str:
    """A matplotlib figure as an SVG element; text stays text, so that it is searchable and small."""
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return "<svg" + buffer.getvalue().partition("<svg")[2]


def as_png(image: Image.Image) -> str:
    """An image as a data address."""
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def plot_signals(
    real: np.ndarray, synthetic: np.ndarray, fs: float, channels: Sequence[str], units: Sequence[str]
) -> Figure:
    """Real windows on the left, synthetic ones on the right, a row a lead; each row spans as many mV on both sides.

    Arguments:
        real, synthetic: (N, C, L) in physical units; the first of each are drawn.
        fs: Hz.
        channels, units: (C,) names and units.
    """
    windows = min(max(2, ROWS // len(channels)), len(real), len(synthetic))
    rows = [(window, lead) for window in range(windows) for lead in range(len(channels))]
    figure = Figure(figsize=(11, (1.9 if len(channels) == 1 else 1.2) * len(rows) + 0.5), layout="constrained")
    axes = figure.subplots(len(rows), 2, sharex=True, squeeze=False)
    seconds = np.arange(real.shape[2]) / fs
    for column, (values, name, colour) in enumerate(((real, "real", REAL), (synthetic, "synthetic", SYNTHETIC))):
        for axis, (window, lead) in zip(axes[:, column], rows, strict=True):
            axis.plot(seconds, values[window, lead], color=colour, linewidth=0.9)
            axis.grid(color="#dddddd", linewidth=0.5)
            # offsets differ from window to window: every plot about its own middle, with the span of its lead
            half = 0.55 * max(np.nanmax(np.ptp(kind[:windows, lead], axis=1)) for kind in (real, synthetic))
            middle = (np.nanmin(values[window, lead]) + np.nanmax(values[window, lead])) / 2
            axis.set_ylim(middle - half, middle + half)
            if column == 0:
                axis.set_ylabel(f"{channels[lead]} ({units[lead]})" if units[lead] else channels[lead])
        axes[0, column].set_title(name)
        axes[-1, column].set_xlabel("s")
    return figure


def plot_losses(metrics: pd.DataFrame, monitor: pd.DataFrame) -> Figure:
    """Losses over the training steps; under them the variety of the images, with what the monitor saw marked.

    Arguments:
        metrics: step, critic_loss, generator_loss.
        monitor: step, ratio (variety of generated images over that of real ones), event.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    losses, variety = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    losses.plot(metrics["step"], metrics["critic_loss"], color=REAL, linewidth=1, label="discriminator")
    losses.plot(metrics["step"], metrics["generator_loss"], "--", color=SYNTHETIC, linewidth=1, label="generator")
    losses.set_ylabel("loss")
    losses.legend()
    variety.plot(monitor["step"], monitor["ratio"], color=SYNTHETIC, linewidth=1)
    variety.axhline(1, color="#888888", linewidth=0.8, linestyle=":")
    variety.set_ylim(bottom=0)
    variety.set_ylabel("variety")
    variety.set_xlabel("training step")
    for axis in (losses, variety):
        axis.grid(color="#dddddd", linewidth=0.5)
        for row in monitor[monitor["event"].fillna("") != ""].itertuples():
            axis.axvline(row.step, color="#7a1fa2", linewidth=1.2)
            if axis is losses:
                axis.annotate(
                    str(row.event),
                    (row.step, 1),
                    xycoords=("data", "axes fraction"),
                    fontsize=8,
                    color="#7a1fa2",
                    rotation=90,
                    va="top",
                    ha="right",
                )
    return figure


def plot_accuracy(metrics: pd.DataFrame) -> Figure:
    """Class accuracy of the discriminator on real and generated images over the training steps."""
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    axis = figure.subplots()
    for column, colour, style, name in (
        ("real_accuracy", REAL, "-", "real"),
        ("fake_accuracy", SYNTHETIC, "--", "generated"),
    ):
        smooth = metrics[column].rolling(9, center=True, min_periods=1).mean()
        axis.plot(metrics["step"], smooth, style, color=colour, linewidth=1.2, label=name)
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("training step")
    axis.set_ylabel("class accuracy")
    axis.grid(color="#dddddd", linewidth=0.5)
    axis.legend()
    return figure


def plot_classes(
    windows: np.ndarray, rows: Sequence[np.ndarray], names: Sequence[str], fs: float, units: Sequence[str]
) -> Figure:
    """Generated windows of each class, a row a class.

    Arguments:
        windows: (N, C, L); the first channel is drawn.
        rows: for each class, positions of the windows to draw, two at most.
        names: of the classes.
        fs: Hz.
        units: of the channels.
    """
    figure = Figure(figsize=(11, 1.7 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 2, sharex=True, squeeze=False)
    seconds = np.arange(windows.shape[2]) / fs
    for place, (chosen, name) in enumerate(zip(rows, names, strict=True)):
        for column, row in enumerate(chosen):
            axes[place, column].plot(seconds, windows[row, 0], color=SYNTHETIC, linewidth=0.9)
        for axis in axes[place]:
            axis.grid(color="#dddddd", linewidth=0.5)
            axis.set_title(name, fontsize=9)
        axes[place, 0].set_ylabel(units[0])
    for axis in axes[-1]:
        axis.set_xlabel("s")
    return figure


def plot_columns(real: np.ndarray, synthetic: np.ndarray, names: Sequence[str], kinds: Sequence[str]) -> Figure:
    """Box plots of numbers, shares of the other features; real against synthetic.

    Arguments:
        real, synthetic: (N, F) features; NaN is missing.
        names, kinds: (F,) of the features.
    """
    numbers = [k for k, kind in enumerate(kinds) if kind in NUMBERS]
    others = [k for k in range(len(kinds)) if k not in numbers]
    across = 6
    box_rows = -(-len(numbers) // across)
    heights = [2.2] * box_rows + ([0.24 * len(others) + 0.6] if others else [])
    figure = Figure(figsize=(11, sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), across, height_ratios=heights)
    for place, k in enumerate(numbers):
        axis = figure.add_subplot(grid[place // across, place % across])
        values = [rows[~np.isnan(rows[:, k]), k] for rows in (real, synthetic)]
        boxes = axis.boxplot(values, whis=(5, 95), widths=0.6, patch_artist=True, showfliers=False)
        for box, colour in zip(boxes["boxes"], (REAL, SYNTHETIC), strict=True):
            box.set(facecolor=colour, alpha=0.35)
        axis.set_xticks((1, 2), ("real", "synthetic"), fontsize=8)
        axis.tick_params(axis="y", labelsize=7)
        axis.set_title(names[k], fontsize=9)
    if others:
        axis = figure.add_subplot(grid[-1, :])
        places = np.arange(len(others))
        for shift, rows, colour, name in ((-0.18, real, REAL, "real"), (0.18, synthetic, SYNTHETIC, "synthetic")):
            axis.barh(places + shift, np.nanmean(rows[:, others], axis=0), 0.34, color=colour, label=name)
        axis.set_yticks(places, [names[k] for k in others], fontsize=8)
        axis.invert_yaxis()
        axis.set_xlim(0, 1)
        axis.set_xlabel("share of rows")
        axis.grid(axis="x", color="#dddddd", linewidth=0.5)
        axis.legend(loc="lower right", fontsize=8)
    return figure


def image_grid(images: np.ndarray, columns: int = 8, zoom: int = 2, brighten: bool = False) -> Image.Image:
    """Images side by side, enlarged without smoothing so that each pixel is seen.

    Arguments:
        images: (N, c, H, W) uint8. One channel is shown in grey, three in colour, any other number as one grey
            row of planes per image.
        columns: images in a row.
        zoom: screen pixels per image pixel.
        brighten: show the square root of the levels, for images most of whose levels are low.
    """
    if brighten:
        images = np.sqrt(images * 255.0).astype(np.uint8)
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    if images.shape[1] not in (1, 3):
        columns = images.shape[1]
        tensor = tensor[:4].reshape(-1, 1, *images.shape[2:])
    zoom = max(zoom, -(-48 // images.shape[-1]))  # a table of 7×7 must be seen too
    grid = make_grid(tensor, nrow=columns, padding=1, pad_value=255).permute(1, 2, 0).numpy()
    picture = Image.fromarray(grid)
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


def plot_five_steps(
    signal: np.ndarray, image: np.ndarray, generated: np.ndarray, decoded: np.ndarray, fs: float, unit: str
) -> Figure:
    """One window on its way: signal, its image, a generated image, the decoded signal.

    Arguments:
        signal, decoded: (L,) in physical units.
        image, generated: (H, W) grey levels.
        fs: Hz.
        unit: of the signals.
    """
    figure = Figure(figsize=(12, 2.7), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1.7, 1, 1, 1.7))
    seconds = np.arange(len(signal)) / fs
    for axis, values, colour, title in (
        (axes[0], signal, REAL, "a real window"),
        (axes[3], decoded, SYNTHETIC, "5  decode: a synthetic window"),
    ):
        axis.plot(seconds, values, color=colour, linewidth=0.9)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("s")
        axis.set_ylabel(unit)
        axis.grid(color="#dddddd", linewidth=0.5)
    for axis, levels, title in (
        (axes[1], image, "1, 2  standardize, arrange"),
        (axes[2], generated, "3, 4  train, generate"),
    ):
        axis.imshow(levels, cmap="gray", vmin=0, vmax=max(int(levels.max()), 1), interpolation="nearest")  # seen best
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure
