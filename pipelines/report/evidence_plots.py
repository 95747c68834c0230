"""Plots of what was measured: ECG parameters, QT against RR, spectra, the map of features, and the attacks' curves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..evaluation.parameters import Parameter
from ..evaluation.privacy.findings import Attack
from .svg import MEDIUM, OTHER, REAL, SMALL, SYNTHETIC, as_svg, new_plot

BINS, SHOWN_POINTS, ROC_POINTS = 24, 400, 200
KINDS = (("training", OTHER, "s"), ("control", REAL, "o"), ("synthetic", SYNTHETIC, "x"))
CURVES = (
    ("positive", OTHER, "--", "positive control: copies"),
    ("negative", REAL, ":", "negative control: other people"),
    ("synthetic", SYNTHETIC, "-", "synthetic"),
)


def draw_parameter(tables: Mapping[str, pd.DataFrame], parameter: Parameter) -> Markup:
    """Distribution of one ECG parameter, real as an area, synthetic as a line."""
    figure, axis = new_plot(SMALL)
    key, title, unit = parameter.key, parameter.title, parameter.unit
    kinds = (("real", "control"), ("synthetic", "synthetic"))
    each = {name: tables[kind][key].dropna().to_numpy(float) for name, kind in kinds}
    both = np.concatenate([*each.values()])
    if len(both):
        low, high = np.percentile(both, (0.5, 99.5))  # a few wild values would leave nothing to see of the others
        edges = np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 1, high + 1, BINS + 1)
        share = {name: np.histogram(values, edges)[0] / max(len(values), 1) for name, values in each.items()}
        axis.stairs(share["real"], edges, fill=True, color=REAL, alpha=0.4)
        axis.stairs(share["synthetic"], edges, color=SYNTHETIC, linewidth=1.3)
    axis.set_title(f"{title} ({unit})", fontsize=9)
    axis.set_yticks([])
    said = ", ".join(
        f"{name} median {np.median(values):.0f}" if len(values) else f"{name} never detected"
        for name, values in each.items()
    )
    return as_svg(figure, f"Distribution of {title} in {unit}: {said}")


def draw_qt_rr(tables: Mapping[str, pd.DataFrame]) -> Markup:
    """QT over RR of single windows."""
    figure, axis = new_plot(MEDIUM)
    said = []
    for kind, colour, marker, name in (("control", REAL, "o", "real"), ("synthetic", SYNTHETIC, "x", "synthetic")):
        pairs = tables[kind][["rr", "qt"]].dropna()
        axis.plot(
            pairs["rr"][:SHOWN_POINTS],
            pairs["qt"][:SHOWN_POINTS],
            marker,
            color=colour,
            markersize=3,
            fillstyle="none",
            linestyle="none",
            label=name,
        )
        if len(pairs) > 2 and pairs.std().min() > 0:
            slope, start = np.polyfit(pairs["rr"], pairs["qt"], 1)
            ends = np.percentile(pairs["rr"], (1, 99))
            axis.plot(ends, start + slope * ends, color=colour, linewidth=1.6)
            said.append(f"{name}: {slope * 100:.0f} ms of QT per 100 ms of RR")
    axis.set_xlabel("RR interval (ms)", fontsize=8)
    axis.set_ylabel("QT interval (ms)", fontsize=8)
    axis.legend(fontsize=8)
    return as_svg(
        figure, f"QT interval over RR interval of windows, with lines fitted; {'; '.join(said) or 'too few to fit'}"
    )


def draw_spectra(spectra: Mapping[str, np.ndarray]) -> Markup:
    """Median power over frequency, with the band between the 10 and the 90 percentile, in decibels."""
    figure, axis = new_plot(MEDIUM)
    frequency = np.asarray(spectra["frequency"])
    shown = frequency > 0
    for kind, colour, style, name in (("control", REAL, "-", "real"), ("synthetic", SYNTHETIC, "--", "synthetic")):
        low, middle, high = 10 * np.asarray(spectra[kind])[:, shown]
        axis.fill_between(frequency[shown], low, high, color=colour, alpha=0.18, linewidth=0)
        axis.plot(frequency[shown], middle, style, color=colour, linewidth=1.3, label=name)
    axis.set_xscale("log")
    axis.set_xlabel("frequency (Hz)", fontsize=8)
    axis.set_ylabel("power (dB)", fontsize=8)
    axis.legend(fontsize=8)
    return as_svg(figure, "Power over frequency, median and band from 10 to 90 % of windows, real and synthetic")


def draw_map(features: pd.DataFrame) -> Markup:
    """The feature space seen from where real samples spread most."""
    figure, axis = new_plot(MEDIUM)
    for kind, colour, marker in KINDS:
        points = features[features["kind"] == kind][:SHOWN_POINTS]
        name = "synthetic" if kind == "synthetic" else f"real, {kind}"
        axis.plot(
            points["x"], points["y"], marker, color=colour, markersize=3, fillstyle="none", linestyle="none", label=name
        )
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel("first direction", fontsize=8)
    axis.set_ylabel("second direction", fontsize=8)
    axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncol=3, frameon=False)
    return as_svg(figure, "Map of the feature space: points of training, control and synthetic samples")


def draw_roc(attack: Attack) -> Markup:
    """How much of training an attack finds, over how many others it suspects; with both controls."""
    figure, axis = new_plot((2.9, 2.75))
    axis.plot((0, 1), (0, 1), color="#aaaaaa", linewidth=0.8)
    for kind, colour, style, name in CURVES:
        if attack.roc.get(kind):
            points = np.asarray(attack.roc[kind], float)
            kept = np.unique(np.linspace(0, len(points) - 1, ROC_POINTS).round().astype(int))
            axis.plot(*points[kept].T, style, color=colour, linewidth=1.4, label=name)
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1.01)
    axis.set_aspect("equal")
    axis.set_title(attack.name.replace(": ", ":\n", 1), fontsize=8.5)
    unit = unit_of(attack)
    axis.set_xlabel(f"other {unit} suspected", fontsize=8)
    axis.set_ylabel(f"{unit} of training found", fontsize=8)
    axis.legend(fontsize=6.5, loc="lower right")
    drawn = ", ".join(name for kind, _, _, name in CURVES if attack.roc.get(kind))
    return as_svg(
        figure,
        f"Curve of the attack {attack.name}, by {unit}, strength {attack.score.value:.3g}: {drawn}; the diagonal is "
        "guessing",
    )


def unit_of(attack: Attack) -> str:
    """What an attack tells apart: "people", or the samples that its name ends with."""
    last = attack.name.rpartition(", ")[2]
    return f"{last}s" if last in ("window", "row", "picture") else "people"
