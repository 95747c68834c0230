"""Plots of what was read, learnt and generated: windows that are no ECG, columns of a table, the training record."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...data.table.columns import NUMBERS
from .svg import GRID, MEDIUM, REAL, SMALL, SYNTHETIC, WIDE, as_svg, new_plot

EVENT = "#7a1fa2"
LABELLED = 6  # events that are written beside their lines; more would hide each other


def draw_window(
    window: np.ndarray,
    halves: np.ndarray,
    fs: float | None,
    channels: Sequence[str],
    units: Sequence[str],
    *,
    colour: str,
    alt: str,
    width: float = MEDIUM[0],
) -> Markup:
    """One window, a strip for each channel.

    Arguments:
        window: (C, L) in physical units.
        halves: (C,) half of what each strip spans, about the window's own middle, since offsets differ.
        fs: Hz; None: samples are counted instead.
        channels, units: (C,) names and units.
        colour: of the trace.
        alt: what it shows, in words.
        width: inches.
    """
    figure = Figure(figsize=(width, 0.4 + 1.05 * len(window)))
    axes = figure.subplots(len(window), 1, sharex=True, squeeze=False)[:, 0]
    x = np.arange(window.shape[1]) / (fs or 1.0)
    for axis, values, half, name, unit in zip(axes, window, halves, channels, units, strict=True):
        axis.plot(x, values, color=colour, linewidth=0.8)
        axis.grid(color=GRID, linewidth=0.5)
        axis.tick_params(labelsize=7.5)
        middle = np.nan_to_num((np.fmax.reduce(values) + np.fmin.reduce(values)) / 2)
        axis.set_ylim(middle - half, middle + half)
        axis.set_ylabel(f"{name} ({unit})" if unit else name, fontsize=8)
    axes[-1].set_xlabel("s" if fs else "sample", fontsize=8)
    return as_svg(figure, alt)


def draw_box(real: np.ndarray, synthetic: np.ndarray, name: str) -> Markup:
    """A column of numbers as two boxes; whiskers: 5 and 95 %."""
    figure, axis = new_plot(SMALL)
    values = [rows[~np.isnan(rows)] for rows in (real, synthetic)]
    boxes = axis.boxplot(
        values, whis=(5, 95), widths=0.6, patch_artist=True, showfliers=False, medianprops={"color": "black"}
    )
    for box, colour in zip(boxes["boxes"], (REAL, SYNTHETIC), strict=True):
        box.set(facecolor=colour, alpha=0.35)
    axis.set_xticks((1, 2), ("real", "synthetic"))
    axis.set_title(name, fontsize=9)
    said = " and ".join(f"{np.median(each):.3g}" if len(each) else "nothing" for each in values)
    return as_svg(figure, f"Box plots of {name}, real beside synthetic: medians {said}")


def draw_shares(real: np.ndarray, synthetic: np.ndarray, names: Sequence[str]) -> Markup:
    """Bars of the shares of columns with two values; (N, F) each."""
    figure, axis = new_plot((5.2, 0.24 * len(names) + 0.7))
    places = np.arange(len(names))
    for shift, rows, colour, name in ((-0.18, real, REAL, "real"), (0.18, synthetic, SYNTHETIC, "synthetic")):
        known = np.maximum((~np.isnan(rows)).sum(axis=0), 1)
        axis.barh(places + shift, np.nansum(rows, axis=0) / known, 0.34, color=colour, label=name)
    axis.set_yticks(places, names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of rows", fontsize=8)
    axis.legend(loc="lower right", fontsize=8)
    return as_svg(figure, f"Bars of the shares of {', '.join(names)}, real above synthetic")


def draw_columns(
    real: np.ndarray, synthetic: np.ndarray, names: Sequence[str], kinds: Sequence[str]
) -> tuple[list[Markup], list[Markup]]:
    """A plot for each number, and one for all other features; real against synthetic.

    Arguments:
        real, synthetic: (N, F) features; NaN is missing.
        names, kinds: (F,) of the features.

    Returns:
        Small plots, and large ones.
    """
    numbers = [k for k, kind in enumerate(kinds) if kind in NUMBERS]
    others = [k for k in range(len(kinds)) if k not in numbers]
    boxes = [draw_box(real[:, k], synthetic[:, k], names[k]) for k in numbers]
    shares = [draw_shares(real[:, others], synthetic[:, others], [names[k] for k in others])] if others else []
    return boxes, shares


def draw_losses(metrics: pd.DataFrame, events: pd.DataFrame) -> Markup:
    """Losses over the training steps, with what the monitor saw."""
    figure, axis = new_plot()
    axis.plot(metrics["step"], metrics["critic_loss"], color=REAL, linewidth=1, label="discriminator")
    axis.plot(metrics["step"], metrics["generator_loss"], "--", color=SYNTHETIC, linewidth=1, label="generator")
    axis.set_title("loss", fontsize=9)
    axis.set_xlabel("training step", fontsize=8)
    axis.legend(fontsize=8)
    _mark(axis, events)
    return as_svg(figure, f"Losses of discriminator and generator over training steps{_said(events)}")


def draw_variety(monitor: pd.DataFrame, events: pd.DataFrame) -> Markup:
    """Variety of generated images as a share of the variety of real ones, with what the monitor saw."""
    figure, axis = new_plot()
    axis.plot(monitor["step"], monitor["ratio"], color=SYNTHETIC, linewidth=1)
    axis.axhline(1, color="#888888", linewidth=0.8, linestyle=":")
    axis.set_ylim(bottom=0)
    axis.set_title("variety of generated images (real ones: 1)", fontsize=9)
    axis.set_xlabel("training step", fontsize=8)
    _mark(axis, events)
    last = f"; {monitor['ratio'].iloc[-1]:.2g} at the end" if len(monitor) else ""
    return as_svg(figure, f"Variety of the generated images over training steps{last}{_said(events)}")


def draw_accuracy(metrics: pd.DataFrame) -> Markup:
    """Class accuracy of the discriminator on real and generated images over the training steps."""
    figure, axis = new_plot(WIDE)
    for column, colour, style, name in (
        ("real_accuracy", REAL, "-", "real"),
        ("fake_accuracy", SYNTHETIC, "--", "generated"),
    ):
        smooth = metrics[column].rolling(9, center=True, min_periods=1).mean()
        axis.plot(metrics["step"], smooth, style, color=colour, linewidth=1.2, label=name)
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("training step", fontsize=8)
    axis.set_ylabel("class accuracy", fontsize=8)
    axis.legend(fontsize=8)
    return as_svg(figure, "Class accuracy on real and on generated images over training steps")


def _mark(axis: Axes, events: pd.DataFrame) -> None:
    for place, (step, event) in enumerate(zip(events["step"], events["event"], strict=True)):
        axis.axvline(step, color=EVENT, linewidth=1.1)
        if place < LABELLED:
            axis.annotate(
                str(event),
                (step, 1),
                xycoords=("data", "axes fraction"),
                fontsize=7,
                color=EVENT,
                rotation=90,
                va="top",
                ha="right",
            )


def _said(events: pd.DataFrame) -> str:
    return f", with {len(events)} events that the monitor saw" if len(events) else ""
