"""The pictures of the page, for each kind of data: which there are, in which order, and what is said of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ...data.table.form import TableForm
from ..evaluation.parameters import PARAMETERS
from ..evaluation.sets import DrawnSamples
from ..kinds import kind_of_recipe
from . import evidence_plots, plots
from .captions import people_of, told_of_attacks, told_of_map, told_of_qt, told_of_spectrum
from .content import Run
from .explained import is_ecg, lead_of
from .paper import draw_paper, room
from .svg import MEDIUM, REAL, SMALL, SYNTHETIC, as_png, image_grid

SHOWN = 32  # samples of each kind in the image grids; the first of them are drawn as signals
STRIPS = 4  # drawn of each kind, if windows have few leads
LONG = 5.0  # seconds of a window that needs the whole width of the page
LOOKS = 8  # at the images of a training run
EVENTS = 6  # of the training record, told one by one


@dataclass(frozen=True)
class Panel:
    """An SVG or an image, and what stands over it."""

    content: Markup
    label: str = ""


@dataclass(frozen=True)
class Section:
    """Pictures of the page that belong together.

    Arguments:
        title: of the section.
        panels: with words in them for those who cannot see.
        caption: what they show.
        layout: "small" (four beside each other), "steps" (the same; one on a phone), "third", "medium" (two), "wide",
            or "long" (as wide, and moved sideways on a phone).
    """

    title: str
    panels: Sequence[Panel]
    caption: str
    layout: str = "medium"


def make_sections(run: Run) -> list[Section]:
    """All that there is something to show of."""
    found = (make(run) for make in _SECTIONS[run.recipe.data.kind])
    return [section for section in found if section is not None and section.panels]


def _traces(run: Run) -> Section:
    real, synthetic = run.samples.control.values, run.samples.synthetic.values
    windows = min(max(1 if real.shape[1] > STRIPS else 2, STRIPS // real.shape[1]), len(real), len(synthetic))
    kinds = (("real", REAL, real), ("synthetic", SYNTHETIC, synthetic))
    drawn = [
        (values[window], colour, name, f"{name.capitalize()} window {window + 1}")
        for window in range(windows)
        for name, colour, values in kinds
    ]
    how = (
        "ECG paper, 25 mm/s and 10 mm/mV: a large square is 0.2 s wide and 0.5 mV high, the pulse before each trace "
        "1 mV. Each lead about its own median; where the sheet is wide enough, a print has this very size."
        if is_ecg(run)
        else "Strips of one channel span as much in all plots, each about its own middle."
    )
    caption = f"Real windows of control people and synthetic ones, drawn at random, {windows} of each. {how}"
    return Section("Signals", _draw(run, drawn), caption, _layout(run))


def _classes(run: Run) -> Section | None:
    frame, values = run.samples.synthetic.frame, run.samples.synthetic.values
    if not run.recipe.conditional or "diagnosis" not in frame:
        return None
    drawn = [
        (values[row, :1], SYNTHETIC, str(name), f"Synthetic window of the class {name}")
        for name in run.codec.form["classes"]
        for row in np.flatnonzero(frame["diagnosis"] == name)[:2]
    ]
    return Section("Classes", _draw(run, drawn), "Two synthetic windows of each class, first lead.", _layout(run))


def _draw(run: Run, drawn: Sequence[tuple[np.ndarray, str, str, str]], width: float = MEDIUM[0]) -> list[Panel]:
    """Windows (C, L) with colour, label and what they are, all on one scale."""
    codec, windows = run.codec, [window for window, *_ in drawn]
    if not windows:
        return []
    shown = len(windows[0])  # the first channels of the run
    channels, units = codec.channels[:shown], codec.units[:shown]
    said = f"{', '.join(channels)} in {units[0] or 'units'}"
    if is_ecg(run):
        space = room(windows)
        return [
            Panel(
                draw_paper(window, space, codec.fs or 1.0, channels, colour, f"{what} on ECG paper: {said}"),
                label,
            )
            for window, colour, label, what in drawn
        ]
    spans = [np.nan_to_num(np.fmax.reduce(w, axis=1) - np.fmin.reduce(w, axis=1)) for w in windows]
    halves = np.maximum(0.55 * np.max(spans, axis=0), 1e-9)
    return [
        Panel(
            plots.draw_window(
                window, halves, codec.fs, channels, units, colour=colour, alt=f"{what}: {said}", width=width
            ),
            label,
        )
        for window, colour, label, what in drawn
    ]


def _layout(run: Run) -> str:
    return "long" if is_ecg(run) and run.codec.arrangement.length / (run.codec.fs or 1) > LONG else "medium"


def _parameters(run: Run) -> Section | None:
    tables = run.evidence.parameters
    if not {"control", "synthetic"} <= tables.keys():
        return None
    shown = [each for each in PARAMETERS if all(each.key in table for table in tables.values())]
    shares = {each.title: [tables[kind][each.key].isna().mean() for kind in ("control", "synthetic")] for each in shown}
    missed = [
        f"{title} in {real * 100:.0f} % and {ours * 100:.0f} %"
        for title, (real, ours) in shares.items()
        if max(real, ours) > 0
    ]
    return Section(
        "ECG parameters",
        [Panel(evidence_plots.draw_parameter(tables, each)) for each in shown],
        f"Lead {lead_of(run)}. Share of windows over each parameter: {len(tables['control']):,} real ones of "
        f"{people_of(run)} as areas (blue), {len(tables['synthetic']):,} synthetic ones as lines (red). Not "
        f"detected in windows, real and synthetic: {'; '.join(missed) or 'none'}.",
        "small",
    )


def _evidence(run: Run) -> Section:
    evidence, panels = run.evidence, []
    tables = evidence.parameters
    if {"control", "synthetic"} <= tables.keys() and all({"rr", "qt"} <= set(table) for table in tables.values()):
        panels.append(Panel(evidence_plots.draw_qt_rr(tables), "QT over RR"))
    if {"frequency", "control", "synthetic"} <= evidence.spectra.keys():
        panels.append(Panel(evidence_plots.draw_spectra(evidence.spectra), "Power spectrum"))
    if len(evidence.features):
        panels.append(Panel(evidence_plots.draw_map(evidence.features), "Map of features"))
    said = {"QT over RR": told_of_qt, "Power spectrum": told_of_spectrum, "Map of features": told_of_map}
    return Section("Relations, spectrum, features", panels, " ".join(said[panel.label](run) for panel in panels))


def _curves(run: Run) -> Section | None:
    if run.audit is None:
        return None
    drawn = [attack for attack in run.audit.attacks if attack.roc]
    return Section(
        "Attacks",
        [Panel(evidence_plots.draw_roc(attack)) for attack in drawn],
        told_of_attacks(drawn),
        "third",
    )


def _columns(run: Run) -> Section:
    table = TableForm.from_state(run.codec.form["table"])
    ours, real = (samples.values[:, :, 0] for samples in (run.samples.synthetic, run.samples.control))
    boxes, _ = plots.draw_columns(real, ours, table.features, table.kinds)
    caption = (
        f"Numbers as box plots (whiskers: 5 and 95 %): {len(real):,} real control rows on the left, {len(ours):,} "
        "synthetic ones on the right."
    )
    return Section("Columns", [Panel(box) for box in boxes], caption, "small")


def _shares(run: Run) -> Section:
    table = TableForm.from_state(run.codec.form["table"])
    ours, real = (samples.values[:, :, 0] for samples in (run.samples.synthetic, run.samples.control))
    _, shares = plots.draw_columns(real, ours, table.features, table.kinds)
    caption = f"{len(real):,} real control rows above, {len(ours):,} synthetic ones below."
    return Section("Shares", [Panel(bars) for bars in shares], caption, "wide")


def _five_steps(run: Run) -> Section:
    shown, codec = _few(run.samples), run.codec
    images = shown.images(codec)
    real, generated = (image_grid(images[kind][:1, :1], 1, 4, brighten=True) for kind in ("control", "synthetic"))
    begin = slice(int(LONG * codec.fs) if codec.fs else None)
    pair = [
        (shown.control.values[0, :1, begin], REAL, "A real window", "A real window"),
        (shown.synthetic.values[0, :1, begin], SYNTHETIC, "5: decode", "A synthetic window"),
    ]
    before, after = _draw(run, pair, SMALL[0] * 1.2)
    panels = [
        before,
        Panel(as_png(real, "The real window as an image"), "1, 2: standardize, arrange"),
        Panel(as_png(generated, "A generated image"), "3, 4: train, generate"),
        after,
    ]
    caption = (
        "A window becomes an image; the network learns from such images; a generated image is decoded into a window."
    )
    return Section("The five steps", panels, caption, "steps")


def _images(run: Run) -> Section:
    images, noun = _few(run.samples).images(run.codec), kind_of_recipe(run.recipe).nouns
    kinds = (("control", "Real"), ("synthetic", "Synthetic"))
    panels = [Panel(_grid(run, images[kind], f"{name} {noun} as images"), name) for kind, name in kinds]
    return Section("Images", panels, f"Real control samples, encoded, and synthetic ones{_brightened(run)}.")


def _evolution(run: Run) -> Section:
    shown = sorted(run.evolution.items())
    kept = set(np.linspace(0, len(shown) - 1, LOOKS).round().astype(int)) if shown else set()
    panels = [
        Panel(_grid(run, images, f"Generated images at step {step}"), f"step {step}")
        for step, images in [shown[k] for k in sorted(kept)]
    ]
    caption = "The same noise, made into images by the averaged generator at several steps of the training"
    return Section("Evolution", panels, f"{caption}{_brightened(run)}.")


def _training(run: Run) -> Section:
    events = run.monitor[run.monitor["event"].fillna("") != ""]
    told = [f"step {step}: {event}" for step, event in zip(events["step"], events["event"], strict=True)]
    more = f"; and {len(told) - EVENTS} more" if len(told) > EVENTS else ""
    return Section(
        "Training",
        [Panel(plots.draw_losses(run.metrics, events)), Panel(plots.draw_variety(run.monitor, events))],
        "Losses do not say how good the samples are; they show whether training ran, stuck or collapsed. Variety of "
        "generated images is a share of the variety of real ones. "
        + (
            f"The monitor saw: {'; '.join(told[:EVENTS])}{more}."
            if told
            else "The monitor saw no collapse and no discriminator that had won."
        ),
    )


def _accuracy(run: Run) -> Section | None:
    if run.recipe.class_head != "auxiliary":
        return None
    caption = "Of the discriminator on the real and the generated images of each step's batch (the paper's Fig. 20)."
    return Section("Class accuracy", [Panel(plots.draw_accuracy(run.metrics))], caption, "wide")


_LEARNT = (_images, _evolution, _training, _accuracy)
_SECTIONS: dict[str, tuple[Callable[[Run], Section | None], ...]] = {
    "signals": (_traces, _parameters, _evidence, _curves, _classes, _five_steps, *_LEARNT),
    "table": (_columns, _shares, _evidence, _curves, *_LEARNT),
    "images": (_images, _evidence, _curves, *_LEARNT[1:]),
}


def _few(samples: DrawnSamples) -> DrawnSamples:
    return DrawnSamples(*(part.select(np.arange(min(SHOWN, len(part)))) for part in vars(samples).values()))


def _grid(run: Run, images: np.ndarray, alt: str) -> Markup:
    return as_png(image_grid(images, zoom=1, brighten=run.recipe.data.kind == "signals"), alt)


def _brightened(run: Run) -> str:
    """Most levels of a window are low: on the page they are brightened, which has to be said."""
    return "; brightened (square root of the levels)" if run.recipe.data.kind == "signals" else ""
