"""Pictures as text inside the HTML, each with a description: matplotlib figures, grids of images, ECG paper."""

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageChops

REAL, SYNTHETIC, OTHER = "#1f4e9c", "#b5431c", "#5c6670"  # distinct in print and to colour-blind readers
GRID = "#dddddd"
# Sizes in inches of plots that stand four, two or one beside each other; on a phone, two or one
SMALL, MEDIUM, WIDE = (2.0, 1.6), (4.0, 2.7), (7.0, 2.5)
STYLE: Any = {"font.size": 8.5, "axes.titlesize": 9, "axes.labelsize": 8}
STYLE |= {"xtick.labelsize": 7.5, "ytick.labelsize": 7.5}
STYLE |= {"axes.spines.top": False, "axes.spines.right": False}
Margins = tuple[float, float, float, float]
MARGINS: Margins = (0.55, 0.42, 0.08, 0.26)  # inches: left, bottom, right, top
# ECG paper, drawn in millimetres
MM_PER_S, MM_PER_MV, BOX = 25.0, 10.0, 5.0
PULSE = 2 * BOX  # room for the calibration pulse: 1 mV for 0.2 s
HIGHEST = 80.0  # mm that a lead may take up; a generator that has failed may give any value
POINTS_PER_MM = 8  # more than a screen shows
THIN, THICK, INK = "#f6d5d0", "#e8aaa2", "#222222"


def new_plot(
    size: tuple[float, float] = MEDIUM, margins: Margins | None = MARGINS, title: str = ""
) -> tuple[Figure, Axes]:
    """An empty plot with a grid, in the style of the page.

    Arguments:
        size: width and height in inches.
        margins: left, bottom, right and top, in inches; None: as the labels need, which takes twice as long to draw.
        title: above it.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained" if margins is None else None)
        axis = figure.subplots()
        axis.set_title(title)
    if margins is not None:
        set_margins(figure, margins)
    axis.grid(color=GRID, linewidth=0.5)
    axis.set_axisbelow(True)
    return figure, axis


def set_margins(figure: Figure, margins: Margins) -> None:
    """Leave so many inches free on the left, at the bottom, on the right and at the top of a figure's plots."""
    (width, height), (left, bottom, right, top) = figure.get_size_inches(), margins
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)


def as_svg(figure: Figure, alt: str) -> Markup:
    """A matplotlib figure as an SVG element; text stays text, so that it is searchable and small.

    Arguments:
        figure: is drawn, and needed no more.
        alt: what it shows, in words.
    """
    buffer = io.StringIO()
    # equal things get equal names in every plot, and so may stand in one page
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "report", "path.simplify_threshold": 0.3}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    content = "<svg" + buffer.getvalue().partition("<svg")[2]
    content = re.sub(r"<metadata>.*?</metadata>", "", content, flags=re.DOTALL)
    content = re.sub(r'<style type="text/css">.*?</style>', "", content, flags=re.DOTALL)  # would hold for all the page
    content = re.sub(r' id="(?:figure|axes|patch|text|line2d|matplotlib|xtick|ytick|legend)[.\w]*"', "", content)
    content = re.sub(r' (?:d|x|y)="[^"]*"', _rounded, content)
    return Markup(content.replace("<svg ", f'<svg role="img" aria-label="{Markup.escape(alt)}" ', 1))  # our own SVG


def as_png(image: Image.Image, alt: str) -> Markup:
    """An image as an img element that holds its data."""
    if ImageChops.difference(image, image.convert("L").convert("RGB")).getbbox() is None:  # no colours in it
        image = image.convert("L")  # a third of the size
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True)
    content = base64.b64encode(buffer.getvalue()).decode()
    return Markup('<img alt="{}" width="{}" height="{}" src="data:image/png;base64,{}">').format(
        alt, image.width, image.height, content
    )


def image_grid(images: np.ndarray, columns: int = 8, zoom: int = 2, brighten: bool = False) -> Image.Image:
    """Images (N, c, H, W) uint8 side by side, enlarged without smoothing so that each pixel is seen.

    `columns` in a row. One channel is shown in grey, three in colour, any other number as one grey row of planes per
    image; `brighten`
    shows the square root of the levels, for images most of whose levels are low.
    """
    if brighten:
        images = np.sqrt(images * 255.0).astype(np.uint8)
    channels, height, width = images.shape[1:]
    if channels not in (1, 3):
        images, columns = images[:4].reshape(-1, 1, height, width), channels
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    zoom = max(zoom, -(-48 // width))  # a table of 7×7 must be seen too
    edge = int(len(images) > 1)
    grid = np.full((rows * (height + edge) + edge, columns * (width + edge) + edge, 3), 255, np.uint8)
    for k, image in enumerate(images):
        top, left = edge + k // columns * (height + edge), edge + k % columns * (width + edge)
        grid[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    picture = Image.fromarray(grid)
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


def _rounded(match: re.Match[str]) -> str:
    """A hundredth of a point is not seen."""
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), match[0])


def room(windows: Sequence[np.ndarray]) -> np.ndarray:
    """(C, 2) mm that each lead of windows (C, L) in mV needs above and below its median, in whole boxes."""
    abouts = [window - _middle(window) for window in windows]
    swings = [np.stack([np.fmax.reduce(each, axis=1), -np.fmin.reduce(each, axis=1)], axis=1) for each in abouts]
    widest = np.nan_to_num(np.fmax.reduce(swings)) * MM_PER_MV
    boxes = np.ceil((widest + 1) / BOX) * BOX
    return np.clip(boxes, (3 * BOX, BOX), HIGHEST / 2)  # the calibration pulse of 10 mm never touches the edge


def draw_paper(
    window: np.ndarray, space: np.ndarray, fs: float, channels: Sequence[str], colour: str, alt: str
) -> Markup:
    """One window (C, L) in mV at `fs` Hz on ECG paper, a strip for each lead with `space` from `room`; NaN: missing."""
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
