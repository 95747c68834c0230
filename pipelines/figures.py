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
    """Real windows on the left, synthetic ones on the right; every plot spans as many mV, about its own middle.

    Arguments:
        real, synthetic: (N, C, L) in physical units; the first four of each are drawn.
        fs: Hz.
        channels, units: (C,) names and units.
    """
    rows = min(ROWS, len(real), len(synthetic))
    figure = Figure(figsize=(11, 1.9 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, 2, sharex=True, squeeze=False)
    half = 0.55 * max(np.nanmax(np.ptp(windows[:rows], axis=(1, 2))) for windows in (real, synthetic))
    seconds = np.arange(real.shape[2]) / fs
    for column, (windows, name, colour) in enumerate(((real, "real", REAL), (synthetic, "synthetic", SYNTHETIC))):
        for row in range(rows):
            axis = axes[row, column]
            for c, channel in enumerate(channels):
                # leads of one window share the colour and differ in line style, so that real and synthetic stay apart
                style = ("-", "--", ":", "-.")[c % 4]
                axis.plot(seconds, windows[row, c], style, color=colour, linewidth=0.9, label=channel)
            axis.grid(color="#dddddd", linewidth=0.5)
            middle = (np.nanmin(windows[row]) + np.nanmax(windows[row])) / 2
            axis.set_ylim(middle - half, middle + half)
            axis.set_ylabel(units[0] if column == 0 else "")
        axes[0, column].set_title(f"{name}, lead {', '.join(channels)}")
        axes[-1, column].set_xlabel("s")
    if len(channels) > 1:
        axes[0, 1].legend(loc="upper right", fontsize=7, ncols=3)
    return figure


def plot_losses(metrics: pd.DataFrame) -> Figure:
    """Losses of critic and generator over the training steps."""
    figure = Figure(figsize=(11, 2.8), layout="constrained")
    axis = figure.subplots()
    axis.plot(metrics["step"], metrics["critic_loss"], color=REAL, linewidth=1, label="discriminator")
    axis.plot(metrics["step"], metrics["generator_loss"], "--", color=SYNTHETIC, linewidth=1, label="generator")
    axis.set_xlabel("training step")
    axis.set_ylabel("loss")
    axis.grid(color="#dddddd", linewidth=0.5)
    axis.legend()
    return figure


def image_grid(images: np.ndarray, columns: int = 8, zoom: int = 2) -> Image.Image:
    """Images side by side, enlarged without smoothing so that each pixel is seen.

    Arguments:
        images: (N, c, H, W) uint8. One channel is shown in grey, three in colour, any other number as one grey
            row of planes per image.
        columns: images in a row.
        zoom: screen pixels per image pixel.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    if images.shape[1] not in (1, 3):
        columns = images.shape[1]
        tensor = tensor[:4].reshape(-1, 1, *images.shape[2:])
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
