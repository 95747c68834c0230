"""What stands under the pictures, with the lead and the numbers that they rest on."""

from collections.abc import Sequence

from ..evaluation.privacy.findings import Attack
from ..evaluation.signals import WINDOWS as SPECTRA
from .content import Run
from .evidence_plots import SHOWN_POINTS, unit_of
from .explained import is_ecg, lead_of


def told_of_qt(run: Run) -> str:
    """Of QT over RR: the lead, and how many windows the lines rest on."""
    tables = run.evidence.parameters
    real, ours = (len(tables[kind][["rr", "qt"]].dropna()) for kind in ("control", "synthetic"))
    most = f"; {SHOWN_POINTS} of each are drawn at most" if max(real, ours) > SHOWN_POINTS else ""
    return (
        f"QT over RR, lead {lead_of(run)}: in hearts, the slower the longer; lines are fitted to {real:,} real and "
        f"{ours:,} synthetic windows in which both could be measured{most}."
    )


def told_of_spectrum(run: Run) -> str:
    """Of the power spectra."""
    real, ours = (min(len(kind), SPECTRA) for kind in (run.samples.control, run.samples.synthetic))
    return (
        f"Spectrum: median and the band from 10 to 90 % of {real:,} real and {ours:,} synthetic windows, mean over "
        f"{'leads' if is_ecg(run) else 'channels'}; the real ones have gone through the image, too."
    )


def told_of_map(run: Run) -> str:
    """Of the map of features: how many points there are of each kind."""
    kinds = run.evidence.features["kind"]
    shown = {kind: min(int((kinds == kind).sum()), SHOWN_POINTS) for kind in ("training", "control", "synthetic")}
    told = ", ".join(f"{n:,} {kind}" for kind, n in shown.items())
    return f"Map: synthetic samples should lie where real ones do, and everywhere that they do ({told})."


def told_of_attacks(drawn: Sequence[Attack]) -> str:
    """Of the attacks' curves: what is counted, and how many people chance plays with."""
    people = sorted({(attack.members, attack.non_members) for attack in drawn})
    counted = " or ".join(f"{members:,} people of training and {others:,} others" for members, others in people)
    return (
        f"How many {' or '.join(dict.fromkeys(map(unit_of, drawn)))} of training an attack finds, over "
        "how many others it suspects wrongly. On the diagonal it guesses. Controls are means over their runs: the "
        "positive one, training samples with a little noise, has to lie far above the diagonal; the negative one, real "
        f"samples of other people, lies near it. With {counted}, chance alone strays from the diagonal: the intervals "
        "in the table of attacks say how far."
    )


def people_of(run: Run) -> str:
    """How many people the control windows are of."""
    n = run.samples.control.frame["patient"].nunique()
    return f"{n:,} control {'person' if n == 1 else 'people'}"
