"""ECG paper: windows in mV drawn at 25 mm/s and 10 mm/mV, a unit of the drawing being a millimetre."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

MM_PER_S, MM_PER_MV, BOX = 25.0, 10.0, 5.0
PULSE = 2 * BOX  # room for the calibration pulse: 1 mV for 0.2 s
HIGHEST = 80.0  # mm that a lead may take up; a generator that has failed may give any value
POINTS_PER_MM = 8  # more than a screen shows
THIN, THICK, INK = "#f6d5d0", "#e8aaa2", "#222222"


def room(windows: Sequence[np.ndarray]) -> np.ndarray:
    """Millimetres that each lead needs above and below its median, in whole boxes.

    Arguments:
        windows: of (C, L) in mV, all that are to be drawn alike.

    Returns:
        (C, 2) above and below.
    """
    swings = []
    for window in windows:
        about = window - _middle(window)
        swings.append(np.stack([np.fmax.reduce(about, axis=1), -np.fmin.reduce(about, axis=1)], axis=1))
    widest = np.nan_to_num(np.fmax.reduce(swings)) * MM_PER_MV
    boxes = np.ceil((widest + 1) / BOX) * BOX
    return np.clip(boxes, (3 * BOX, BOX), HIGHEST / 2)  # the calibration pulse of 10 mm never touches the edge


def draw_paper(
    window: np.ndarray, space: np.ndarray, fs: float, channels: Sequence[str], colour: str, alt: str
) -> Markup:
    """One window on ECG paper, a strip for each lead.

    Arguments:
        window: (C, L) in mV; NaN is missing.
        space: (C, 2) from `room`.
        fs: Hz.
        channels: (C,) names.
        colour: of the trace.
        alt: what it shows, in words.
    """
    seconds = window.shape[1] / fs
    width = PULSE + BOX * np.ceil(seconds * MM_PER_S / BOX)
    height = space.sum()
    zeros = np.cumsum(space.sum(axis=1)) - space[:, 1]  # where each lead's median stands, from the top
    about = (window - _middle(window)) * MM_PER_MV
    text = min(max(3.0, width / 28), 4.5)  # mm; a long window is not made as narrow as a phone
    parts = [_grid(width, height)]
    for lead, zero in enumerate(zeros):
        above, below = space[lead]
        y = zero - np.clip(about[lead], -below, above)
        parts.append(f'<path d="M1 {zero:g}h2v-{MM_PER_MV:g}h{BOX:g}v{MM_PER_MV:g}h2" stroke="{INK}"/>')
        parts.append(f'<path d="{_trace(PULSE + np.arange(len(y)) * MM_PER_S / fs, y)}" stroke="{colour}"/>')
        parts.append(
            f'<text x="1" y="{zero + text:.2f}" font-size="{text:.2f}" fill="{INK}">'
            f"{Markup.escape(channels[lead])}</text>"
        )
    # the sizes in mm are those of the print; on a screen it is as wide as there is room
    return Markup(
        f'<svg class="paper" role="img" aria-label="{Markup.escape(alt)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="--mm:{width:g}mm" fill="none" stroke-width="0.35" stroke-linejoin="round">{"".join(parts)}</svg>'
    )


def _grid(width: float, height: float) -> str:
    """Lines each millimetre, and thicker ones each five."""
    lines = ""
    for step, colour, stroke in ((1, THIN, 0.1), (BOX, THICK, 0.18)):
        path = "".join(f"M{x:g} 0V{height:g}" for x in np.arange(0, width + step / 2, step))
        path += "".join(f"M0 {y:g}H{width:g}" for y in np.arange(0, height + step / 2, step))
        lines += f'<path d="{path}" stroke="{colour}" stroke-width="{stroke:g}"/>'
    return f'<rect width="{width:g}" height="{height:g}" fill="#fffdfc"/>{lines}'


def _trace(x: np.ndarray, y: np.ndarray) -> str:
    """A line with a gap where values are missing; of many samples to a point, the lowest and the highest."""
    step = max(1, int(2 * len(x) / max(1.0, (x[-1] - x[0]) * POINTS_PER_MM)))
    if step > 2:
        kept = [first + part for first in range(0, len(y), step) for part in _ends(y[first : first + step])]
        x, y = x[kept], y[kept]
    path, pen = [], "M"
    for place, level in zip(x, y, strict=True):
        if np.isnan(level):
            pen = "M"
        else:
            path.append(f"{pen}{place:.2f} {level:.2f}")
            pen = "L" if pen == "M" else " "
    return "".join(path)


def _ends(values: np.ndarray) -> list[int]:
    if np.isnan(values).all():
        return [0]
    return sorted({int(np.nanargmin(values)), int(np.nanargmax(values))})


def _middle(window: np.ndarray) -> np.ndarray:
    """(C, 1) the median of each lead; 0 where all is missing."""
    known = ~np.isnan(window).all(axis=1)
    middle = np.zeros((len(window), 1))
    middle[known] = np.nanmedian(window[known], axis=1, keepdims=True)
    return middle
