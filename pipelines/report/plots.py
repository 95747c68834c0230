"""Plots: windows that are no ECG, columns of a table, the training record, what was measured, and attacks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation.parameters import Parameter
from ..evaluation.privacy.findings import Attack
from .svg import GRID, MEDIUM, OTHER, REAL, SMALL, SYNTHETIC, WIDE, as_svg, new_plot, set_margins

EVENT = "#7a1fa2"
LABELLED = 6  # events that are written beside their lines; more would hide each other
UNTITLED = (0.55, 0.42, 0.08, 0.08)  # margins in inches
BINS, POINTS, ROC_POINTS = 24, 400, 200
KINDS = {"training": (OTHER, "s"), "control": (REAL, "o"), "synthetic": (SYNTHETIC, "x")}  # colours and markers
BOTH = (("control", REAL, "-", "real"), ("synthetic", SYNTHETIC, "--", "synthetic"))
CURVES = (
    ("positive", OTHER, "--", "positive control: copies"),
    ("negative", REAL, ":", "negative control: other people"),
    ("synthetic", SYNTHETIC, "-", "synthetic"),
)


def draw_window(
    window: np.ndarray, halves: np.ndarray, fs: float | None, labels: Sequence[str], colour: str, alt: str, width: float
) -> Markup:
    """One window (C, L) in physical units, a strip for each channel with its label, `width` inches wide.

    Without fs (Hz), the axis counts samples. Each strip spans twice its part of halves (C,), about the window's own
    middle, since offsets differ.
    """
    figure = Figure(figsize=(width, 0.4 + 1.05 * len(window)))
    set_margins(figure, (0.62, 0.38, 0.08, 0.06))
    axes = figure.subplots(len(window), 1, sharex=True, squeeze=False)[:, 0]
    x = np.arange(window.shape[1]) / (fs or 1.0)
    for axis, values, half, label in zip(axes, window, halves, labels, strict=True):
        axis.plot(x, values, color=colour, linewidth=0.8)
        axis.grid(color=GRID, linewidth=0.5)
        axis.tick_params(labelsize=7.5)
        middle = np.nan_to_num((np.fmax.reduce(values) + np.fmin.reduce(values)) / 2)
        axis.set_ylim(middle - half, middle + half)
        axis.set_ylabel(label, fontsize=8)
    axes[-1].set_xlabel("s" if fs else "sample", fontsize=8)
    return as_svg(figure, alt)


def draw_box(real: np.ndarray, synthetic: np.ndarray, name: str) -> Markup:
    """A column of numbers as two boxes; whiskers: 5 and 95 %."""
    figure, axis = new_plot(SMALL, (0.48, 0.25, 0.05, 0.26), name)
    values = [rows[~np.isnan(rows)] for rows in (real, synthetic)]
    boxes = axis.boxplot(
        values, whis=(5, 95), widths=0.6, patch_artist=True, showfliers=False, medianprops={"color": "black"}
    )
    for box, colour in zip(boxes["boxes"], (REAL, SYNTHETIC), strict=True):
        box.set(facecolor=colour, alpha=0.35)
    axis.set_xticks((1, 2), ("real", "synthetic"))
    medians = " and ".join(f"{np.median(each):.3g}" if len(each) else "nothing" for each in values)
    return as_svg(figure, f"Box plots of {name}, real beside synthetic: medians {medians}")


def draw_shares(real: np.ndarray, synthetic: np.ndarray, names: Sequence[str]) -> Markup:
    """Bars of the shares of columns with two values; (N, F) each."""
    figure, axis = new_plot((5.2, 0.24 * len(names) + 0.7), margins=None)
    at = np.arange(len(names))
    for shift, rows, colour, name in ((-0.18, real, REAL, "real"), (0.18, synthetic, SYNTHETIC, "synthetic")):
        known = np.maximum((~np.isnan(rows)).sum(axis=0), 1)
        axis.barh(at + shift, np.nansum(rows, axis=0) / known, 0.34, color=colour, label=name)
    axis.set_yticks(at, names)
    axis.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, 1), xlabel="share of rows")
    axis.legend(loc="lower right", fontsize=8)
    return as_svg(figure, f"Bars of the shares of {', '.join(names)}, real above synthetic")


def draw_losses(metrics: pd.DataFrame, events: pd.DataFrame) -> Markup:
    """Losses over the training steps, with the monitor's events."""
    figure, axis = new_plot(title="loss")
    axis.plot(metrics["step"], metrics["critic_loss"], color=REAL, linewidth=1, label="discriminator")
    axis.plot(metrics["step"], metrics["generator_loss"], "--", color=SYNTHETIC, linewidth=1, label="generator")
    axis.legend(fontsize=8)
    return _with_events(figure, axis, events, "Losses of discriminator and generator over training steps")


def draw_variety(monitor: pd.DataFrame, events: pd.DataFrame) -> Markup:
    """Variety of generated images as a share of the variety of real ones, with the monitor's events."""
    figure, axis = new_plot(title="variety of generated images (real ones: 1)")
    axis.plot(monitor["step"], monitor["ratio"], color=SYNTHETIC, linewidth=1)
    axis.axhline(1, color="#888888", linewidth=0.8, linestyle=":")
    axis.set_ylim(bottom=0)
    last = f"; {monitor['ratio'].iloc[-1]:.2g} at the end" if len(monitor) else ""
    return _with_events(figure, axis, events, f"Variety of the generated images over training steps{last}")


def draw_accuracy(metrics: pd.DataFrame) -> Markup:
    """Class accuracy of the discriminator on real and generated images over the training steps."""
    figure, axis = new_plot(WIDE, UNTITLED)
    for name, column, (_, colour, style, _) in zip(("real", "generated"), ("real", "fake"), BOTH, strict=True):
        smooth = metrics[f"{column}_accuracy"].rolling(9, center=True, min_periods=1).mean()
        axis.plot(metrics["step"], smooth, style, color=colour, linewidth=1.2, label=name)
    axis.set(ylim=(0, 1.02), xlabel="training step", ylabel="class accuracy")
    axis.legend(fontsize=8)
    return as_svg(figure, "Class accuracy on real and on generated images over training steps")


def draw_parameter(tables: Mapping[str, pd.DataFrame], parameter: Parameter) -> Markup:
    """Distribution of one ECG parameter, real as an area, synthetic as a line."""
    title = f"{parameter.title} ({parameter.unit})"
    figure, axis = new_plot(SMALL, (0.1, 0.25, 0.1, 0.26), title)
    values = {name: tables[kind][parameter.key].dropna().to_numpy(float) for kind, _, _, name in BOTH}
    pooled = np.concatenate([*values.values()])
    if len(pooled):
        low, high = np.percentile(pooled, (0.5, 99.5))  # a few outliers would squeeze all others together
        edges = np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 1, high + 1, BINS + 1)
        share = {name: np.histogram(each, edges)[0] / max(len(each), 1) for name, each in values.items()}
        axis.stairs(share["real"], edges, fill=True, color=REAL, alpha=0.4)
        axis.stairs(share["synthetic"], edges, color=SYNTHETIC, linewidth=1.3)
    axis.set_yticks([])
    medians = [f"{k} median {np.median(v):.0f}" if len(v) else f"{k} never detected" for k, v in values.items()]
    return as_svg(figure, f"Distribution of {title}: {', '.join(medians)}")


def draw_qt_rr(tables: Mapping[str, pd.DataFrame]) -> Markup:
    """QT over RR of single windows."""
    figure, axis = new_plot(MEDIUM, UNTITLED)
    slopes = []
    for kind, colour, _, name in BOTH:
        pairs = tables[kind][["rr", "qt"]].dropna()
        _scatter(axis, pairs["rr"], pairs["qt"], kind, name)
        if len(pairs) > 2 and pairs.std().min() > 0:
            slope, start = np.polyfit(pairs["rr"], pairs["qt"], 1)
            ends = np.percentile(pairs["rr"], (1, 99))
            axis.plot(ends, start + slope * ends, color=colour, linewidth=1.6)
            slopes.append(f"{name}: {slope * 100:.0f} ms of QT per 100 ms of RR")
    axis.set(xlabel="RR interval (ms)", ylabel="QT interval (ms)")
    axis.legend(fontsize=8)
    fitted = "; ".join(slopes) or "too few to fit"
    return as_svg(figure, f"QT interval over RR interval of windows, with lines fitted; {fitted}")


def draw_spectra(spectra: Mapping[str, np.ndarray]) -> Markup:
    """Median power over frequency, with the band between the 10 and the 90 percentile, in decibels."""
    figure, axis = new_plot(MEDIUM, UNTITLED)
    frequency = np.asarray(spectra["frequency"])
    shown = frequency > 0
    for kind, colour, style, name in BOTH:
        low, middle, high = 10 * np.asarray(spectra[kind])[:, shown]
        axis.fill_between(frequency[shown], low, high, color=colour, alpha=0.18, linewidth=0)
        axis.plot(frequency[shown], middle, style, color=colour, linewidth=1.3, label=name)
    axis.set(xscale="log", xlabel="frequency (Hz)", ylabel="power (dB)")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.legend(fontsize=8)
    return as_svg(figure, "Power over frequency, median and band from 10 to 90 % of windows, real and synthetic")


def draw_map(features: pd.DataFrame) -> Markup:
    """The feature space, along the two directions in which real samples vary most."""
    figure, axis = new_plot(MEDIUM, (0.28, 0.52, 0.08, 0.08))
    for kind in KINDS:
        points = features[features["kind"] == kind]
        _scatter(axis, points["x"], points["y"], kind, "synthetic" if kind == "synthetic" else f"real, {kind}")
    axis.set(xticks=[], yticks=[], xlabel="first direction", ylabel="second direction")
    axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncol=3, frameon=False)
    return as_svg(figure, "Map of the feature space: points of training, control and synthetic samples")


def draw_roc(attack: Attack) -> Markup:
    """Share of members that an attack detects over the share of non-members that it suspects, with both controls."""
    figure, axis = new_plot((2.7, 2.75), (0.5, 0.42, 0.1, 0.45), attack.name.replace(": ", ":\n", 1))
    axis.plot((0, 1), (0, 1), color="#aaaaaa", linewidth=0.8)
    drawn = [curve for curve in CURVES if attack.roc.get(curve[0])]
    for kind, colour, style, name in drawn:
        points = np.asarray(attack.roc[kind], float)
        kept = np.unique(np.linspace(0, len(points) - 1, ROC_POINTS).round().astype(int))
        axis.plot(*points[kept].T, style, color=colour, linewidth=1.4, label=name)
    unit = unit_of(attack)
    axis.set(xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.set(xlabel=f"other {unit} suspected", ylabel=f"{unit} of training detected")
    axis.legend(fontsize=6.5, loc="lower right")
    names = ", ".join(name for *_, name in drawn)
    strength = f"{attack.score.value:.3g}"
    return as_svg(
        figure, f"Curve of the attack {attack.name}, by {unit}, strength {strength}: {names}; the diagonal is guessing"
    )


def unit_of(attack: Attack) -> str:
    """What an attack is about: "people", or the samples that its name ends with."""
    last = attack.name.rpartition(", ")[2]
    return f"{last}s" if last in ("window", "row", "picture") else "people"


def _scatter(axis: Axes, x: pd.Series, y: pd.Series, kind: str, label: str) -> None:
    colour, marker = KINDS[kind]
    style: dict[str, Any] = {"color": colour, "markersize": 3, "fillstyle": "none", "linestyle": "none"}
    axis.plot(x[:POINTS], y[:POINTS], marker, label=label, **style)


def _with_events(figure: Figure, axis: Axes, events: pd.DataFrame, alt: str) -> Markup:
    """A plot over the training steps, with the monitor's events in it."""
    axis.set_xlabel("training step")
    text: dict[str, Any] = {"fontsize": 7, "color": EVENT, "rotation": 90, "va": "top", "ha": "right"}
    for number, (step, event) in enumerate(zip(events["step"], events["event"], strict=True)):
        axis.axvline(step, color=EVENT, linewidth=1.1)
        if number < LABELLED:
            axis.annotate(str(event), (step, 1), xycoords=("data", "axes fraction"), **text)
    return as_svg(figure, f"{alt}, with {len(events)} events of the monitor" if len(events) else alt)
