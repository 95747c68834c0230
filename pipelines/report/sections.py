"""The pictures of the page: which there are for each kind of data, in which order, and what their captions say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ...data.table.columns import NUMBERS
from ...data.table.form import TableForm
from ..evaluation.parameters import PARAMETERS
from ..evaluation.sets import DrawnSamples
from ..evaluation.signals import WINDOWS as SPECTRA
from . import plots
from .content import Run
from .svg import MEDIUM, REAL, SMALL, SYNTHETIC, as_png, draw_paper, image_grid, room

SHOWN = 32  # samples of each set in the image grids; the first of them are drawn as signals
STRIPS = 4  # drawn of each set, if windows have few leads
LONG = 5.0  # seconds of a window that needs the whole width of the page
LOOKS = 8  # at the images of a training run
EVENTS = 6  # of the training record that are listed


@dataclass(frozen=True)
class Panel:
    """An SVG or an image."""

    content: Markup  # with its description for those who cannot see it
    label: str = ""  # above it


@dataclass(frozen=True)
class Section:
    """Pictures of the page that belong together."""

    title: str  # of the section
    panels: Sequence[Panel]  # the pictures
    caption: str  # what they show
    # "small" (four beside each other), "steps" (the same; one on a phone), "third", "medium" (two), "wide", or "long"
    # (as wide, and moved sideways on a phone)
    layout: str = "medium"


def make_sections(run: Run) -> list[Section]:
    """All sections of the run's kind of data for which there is something to show."""
    made = (SECTIONS[name](run) for name in run.kind.sections)
    return [section for section in made if section is not None and section.panels]


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
        "1 mV. Each lead is drawn about its own median. Prints are true to scale where the sheet is wide enough."
        if run.is_ecg
        else "A channel has the same scale in all plots, each drawn about its own middle."
    )
    caption = f"Windows of control people and synthetic ones, chosen at random, {windows} of each. {how}"
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
    """Windows (C, L) with colour, label and description, all on one scale."""
    codec, windows = run.codec, [window for window, *_ in drawn]
    if not windows:
        return []
    shown = len(windows[0])  # the first channels of the run
    channels, units = codec.channels[:shown], codec.units[:shown]
    which = f"{', '.join(channels)} in {units[0] or 'units'}"
    if run.is_ecg:
        space, fs = room(windows), codec.fs or 1.0
        return [
            Panel(draw_paper(window, space, fs, channels, colour, f"{what} on ECG paper: {which}"), label)
            for window, colour, label, what in drawn
        ]
    labels = [f"{name} ({unit})" if unit else name for name, unit in zip(channels, units, strict=True)]
    spans = [np.nan_to_num(np.fmax.reduce(w, axis=1) - np.fmin.reduce(w, axis=1)) for w in windows]
    halves = np.maximum(0.55 * np.max(spans, axis=0), 1e-9)
    return [
        Panel(plots.draw_window(window, halves, codec.fs, labels, colour, f"{what}: {which}", width), label)
        for window, colour, label, what in drawn
    ]


def _layout(run: Run) -> str:
    return "long" if run.is_ecg and run.codec.arrangement.length / (run.codec.fs or 1) > LONG else "medium"


def _parameters(run: Run) -> Section | None:
    tables = run.evidence.parameters
    if not {"control", "synthetic"} <= tables.keys():
        return None
    shown = [each for each in PARAMETERS if all(each.key in table for table in tables.values())]
    shares = {each.title: [tables[kind][each.key].isna().mean() for kind in ("control", "synthetic")] for each in shown}
    missed = [
        f"{title} in {real * 100:.0f} % and {synthetic * 100:.0f} %"
        for title, (real, synthetic) in shares.items()
        if max(real, synthetic) > 0
    ]
    return Section(
        "ECG parameters",
        [Panel(plots.draw_parameter(tables, each)) for each in shown],
        f"Lead {run.lead}. Share of windows over each parameter: {len(tables['control']):,} real ones of "
        f"{run.people} as areas (blue), {len(tables['synthetic']):,} synthetic ones as lines (red). Not "
        f"detected in windows, real and synthetic: {'; '.join(missed) or 'none'}.",
        "small",
    )


def _evidence(run: Run) -> Section:
    tables, spectra, features = run.evidence.parameters, run.evidence.spectra, run.evidence.features
    panels, captions = [], []
    if {"control", "synthetic"} <= tables.keys() and all({"rr", "qt"} <= set(table) for table in tables.values()):
        panels.append(Panel(plots.draw_qt_rr(tables), "QT over RR"))
        real, synthetic = (len(tables[kind][["rr", "qt"]].dropna()) for kind in ("control", "synthetic"))
        most = f"; at most {plots.POINTS} of each are drawn" if max(real, synthetic) > plots.POINTS else ""
        captions.append(
            f"QT over RR, lead {run.lead}: QT is longer at slower heart rates. Lines are fitted to {real:,} real and "
            f"{synthetic:,} synthetic windows in which both were measured{most}."
        )
    if {"frequency", "control", "synthetic"} <= spectra.keys():
        panels.append(Panel(plots.draw_spectra(spectra), "Power spectrum"))
        real, synthetic = (min(len(each), SPECTRA) for each in (run.samples.control, run.samples.synthetic))
        captions.append(
            f"Spectrum: median and 10 to 90 % range of {real:,} real and {synthetic:,} synthetic windows, mean over "
            f"{run.words['leads']}; the real ones were encoded as images and decoded first."
        )
    if len(features):
        panels.append(Panel(plots.draw_map(features), "Map of features"))
        kinds = {kind: min(int((features["kind"] == kind).sum()), plots.POINTS) for kind in plots.KINDS}
        shown = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
        captions.append(f"Map: synthetic samples should lie where real ones do, and cover all of them ({shown}).")
    return Section("Relations, spectrum, features", panels, " ".join(captions))


def _curves(run: Run) -> Section | None:
    drawn = [attack for attack in run.audit.attacks if attack.roc] if run.audit else []
    people = sorted({(attack.members, attack.non_members) for attack in drawn})
    counts = " or ".join(f"{members:,} members and {others:,} non-members" for members, others in people)
    units = " or ".join(dict.fromkeys(map(plots.unit_of, drawn)))
    caption = (
        f"Share of {units} used for training (members) that an attack detects, over the share of others (non-members) "
        "it wrongly suspects. The diagonal is guessing. Controls are means over their runs: the positive one, training "
        "samples with a little noise, has to lie far above the diagonal; the negative one, real samples of other "
        f"people, lies near it. With {counts}, chance alone moves a curve off the diagonal; the intervals in the table "
        "of attacks say how far."
    )
    return Section("Attacks", [Panel(plots.draw_roc(attack)) for attack in drawn], caption, "third")


def _columns(run: Run) -> Section:
    real, synthetic, names, numeric = _features(run)
    boxes = [Panel(plots.draw_box(real[:, k], synthetic[:, k], names[k])) for k in np.flatnonzero(numeric).tolist()]
    caption = (
        f"Numeric columns as box plots (whiskers: 5 and 95 %): {len(real):,} real control rows on the left, "
        f"{len(synthetic):,} synthetic ones on the right."
    )
    return Section("Columns", boxes, caption, "small")


def _shares(run: Run) -> Section | None:
    real, synthetic, names, numeric = _features(run)
    if numeric.all():
        return None
    bars = plots.draw_shares(real[:, ~numeric], synthetic[:, ~numeric], list(np.array(names)[~numeric]))
    caption = f"{len(real):,} real control rows above, {len(synthetic):,} synthetic ones below."
    return Section("Shares", [Panel(bars)], caption, "wide")


def _features(run: Run) -> tuple[np.ndarray, np.ndarray, Sequence[str], np.ndarray]:
    """Features (N, F) of real and of synthetic rows, their names, and which of them are numbers."""
    table = TableForm.from_state(run.codec.form["table"])
    real, synthetic = (samples.values[:, :, 0] for samples in (run.samples.control, run.samples.synthetic))
    return real, synthetic, table.features, np.isin(table.kinds, NUMBERS)


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
    images, noun = _few(run.samples).images(run.codec), run.kind.nouns
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
    caption = "The same latents, made into images by the averaged generator at several steps of training"
    return Section("Evolution", panels, f"{caption}{_brightened(run)}.")


def _training(run: Run) -> Section:
    events = run.monitor[run.monitor["event"].fillna("") != ""]
    texts = [f"step {step}: {event}" for step, event in zip(events["step"], events["event"], strict=True)]
    more = f"; and {len(texts) - EVENTS} more" if len(texts) > EVENTS else ""
    monitor = "; ".join(texts[:EVENTS]) + more if texts else "no collapse, no critic that had won"
    return Section(
        "Training",
        [Panel(plots.draw_losses(run.metrics, events)), Panel(plots.draw_variety(run.monitor, events))],
        "Losses do not measure how good samples are; they show whether training progressed, stalled or collapsed. "
        f"Variety of generated images is given as a share of the variety of real ones. Monitor: {monitor}.",
    )


def _accuracy(run: Run) -> Section | None:
    if run.recipe.class_head != "auxiliary":
        return None
    caption = "Of the discriminator on the real and generated images of each step's batch (the paper's Fig. 20)."
    return Section("Class accuracy", [Panel(plots.draw_accuracy(run.metrics))], caption, "wide")


SECTIONS: dict[str, Callable[[Run], Section | None]] = {
    "traces": _traces,
    "parameters": _parameters,
    "columns": _columns,
    "shares": _shares,
    "evidence": _evidence,
    "attacks": _curves,
    "classes": _classes,
    "five steps": _five_steps,
    "images": _images,
    "evolution": _evolution,
    "training": _training,
    "class accuracy": _accuracy,
}


def _few(samples: DrawnSamples) -> DrawnSamples:
    return DrawnSamples(*(part.select(np.arange(min(SHOWN, len(part)))) for part in vars(samples).values()))


def _grid(run: Run, images: np.ndarray, alt: str) -> Markup:
    return as_png(image_grid(images, zoom=1, brighten=run.kind.dark), alt)


def _brightened(run: Run) -> str:
    """Most levels of a window are low: on the page they are brightened, which has to be said."""
    return "; brightened (square root of the levels)" if run.kind.dark else ""
