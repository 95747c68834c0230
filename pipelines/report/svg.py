"""Plots and grids of images as text that stands inside the HTML, with words for those who cannot see them."""

import base64
import io
import re

import numpy as np
import torch
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageChops
from torchvision.utils import make_grid

REAL, SYNTHETIC, OTHER = "#1f4e9c", "#b5431c", "#5c6670"  # told apart in print and by colour-blind readers
GRID = "#dddddd"
# Sizes in inches of plots that stand four, two or one beside each other; on a phone, two or one
SMALL, MEDIUM, WIDE = (2.3, 1.75), (4.4, 2.9), (8.8, 2.9)


def new_plot(size: tuple[float, float] = MEDIUM) -> tuple[Figure, Axes]:
    """An empty plot with a grid, in the style of the page."""
    with rc_context({"font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=size)
        axis = figure.subplots()
    axis.grid(color=GRID, linewidth=0.5)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=7.5)
    return figure, axis


def as_svg(figure: Figure, alt: str) -> Markup:
    """A matplotlib figure as an SVG element; text stays text, so that it is searchable and small.

    Arguments:
        figure: is drawn, and needed no more.
        alt: what it shows, in words.
    """
    buffer = io.StringIO()
    # equal things get equal names in every plot, and so may stand in one page
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "report", "path.simplify_threshold": 0.3}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
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


def _rounded(match: re.Match[str]) -> str:
    """A hundredth of a point is not seen."""
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), match[0])
