"""The part of drawing that all views share, and the one module that imports matplotlib."""

from __future__ import annotations

import contextlib
import io
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pysclice.slices import Float64
from pysclice.visualization.data import Heatmap, Scale, cell_edges, levels

try:
    import matplotlib
    from cycler import cycler
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import LogFormatterSciNotation
except ImportError as error:
    raise ImportError(
        "Plotting needs matplotlib, which is not installed: pip install 'pysclice[plot]'"
    ) from error

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.cm import ScalarMappable

# Distinct for color-blind readers, too: Okabe and Ito 2008, "Color Universal Design".
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLE: Any = {
    "axes.grid": False,
    "axes.labelsize": 8,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "font.size": 8,
    "hatch.linewidth": 0.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "text.usetex": False,  # names of parameters hold underscores
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}
HATCH = "////"
CHARACTERS_PER_INCH = 19  # of a caption
PALE, GRAY = "0.94", "0.65"


class SliceFigure(Figure):
    """A matplotlib figure that belongs to nobody else and shows itself in a notebook."""

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save at 300 dots per inch unless told otherwise, with fonts that publishers accept."""
        kwargs.setdefault("dpi", 300)
        # Type 3 fonts, matplotlib's default, are what conferences turn down.
        with matplotlib.rc_context({"pdf.fonttype": 42, "ps.fonttype": 42}):
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        # Asked for by IPython. Figures of pyplot are shown by its own hook, which wins if present.
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=144)
        return image.getvalue()


@contextlib.contextmanager
def subplots(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> Iterator[tuple[SliceFigure, np.ndarray[Any, Any]]]:
    """A figure of our style with axes (rows, columns), each of ``size`` in inches, to draw into."""
    with matplotlib.rc_context(STYLE):
        width, height = size
        figure = SliceFigure(figsize=(columns * width, rows * height), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False, **options)


@contextlib.contextmanager
def single(
    ax: Axes | None, size: tuple[float, float], title: str, note: str, **options: Any
) -> Iterator[tuple[Figure, Axes]]:
    """One pair of axes to draw into with its figure: the user's, or of our style with a title."""
    if ax is not None:
        yield root_figure(ax), ax
        write_caption(ax, note)
        return
    with subplots(1, 1, size, **options) as (figure, panels):
        yield figure, panels[0, 0]
        panels[0, 0].set_title(plain(title))
        write_caption(figure, note)


class PlainLogFormatter(LogFormatterSciNotation):
    """Labels of a log scale: 0.3 and 20 where others say 3 x 10^-1 and 2 x 10^1."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label at a value, empty where there are too many already."""
        label: str = super().__call__(x, pos)
        return f"{x:g}" if label and 1e-3 <= x < 1e5 else label


def set_log(axes: Axes) -> None:
    """A log scale of values, with plain numbers."""
    axes.set_yscale("log")
    _label_plainly(axes.yaxis)


def _label_plainly(axis: Axis) -> None:
    axis.set_major_formatter(PlainLogFormatter())
    # As many labels between the decades as matplotlib's own settings ask for.
    axis.set_minor_formatter(PlainLogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))


def draw_colorbar(figure: Figure, mesh: ScalarMappable, axes: Any, name: str) -> None:
    """The colors' meaning beside one pair of axes or several."""
    bar = figure.colorbar(mesh, ax=axes, label=plain(name))
    if isinstance(mesh.norm, LogNorm):
        _label_plainly(bar.ax.yaxis)


def backed(color: str) -> Any:
    """A ``bbox`` that sets off words, which stay words in a file of vectors; a halo draws them."""
    return {"facecolor": color, "edgecolor": "none", "alpha": 0.6, "pad": 1, "linewidth": 0}


def with_halo(drawn: Artist, color: str = "white", width: float = 2.0) -> None:
    """Set off lines from what is behind them."""
    drawn.set_path_effects([withStroke(linewidth=width, foreground=color)])


def root_figure(axes: Axes) -> Figure:
    """The figure that axes belong to, also if they lie in a subfigure."""
    figure = axes.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def plain(text: str) -> str:
    """The text without a meaning of ``$``, which would make it a formula."""
    return text.replace("$", r"\$")


def write_caption(place: Figure | Axes, text: str) -> None:
    """A sentence below a figure, or in a corner of axes whose figure is not ours."""
    if not text:
        return
    if isinstance(place, Figure):
        lines = textwrap.fill(text, int(CHARACTERS_PER_INCH * place.get_figwidth()))
        place.supxlabel(plain(lines), fontsize=7, color="0.3")
    else:
        note = place.annotate(
            plain(text),
            (0.01, 0.01),
            xycoords="axes fraction",
            fontsize="xx-small",
            color="0.3",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
        # Text over a plot asks for no room around it, or a narrow panel would shrink to nothing.
        note.set_in_layout(False)


def draw_heatmap(
    axes: Axes, heatmap: Heatmap, limits: tuple[float, float], scale: Scale
) -> ScalarMappable:
    """Colored cells around the samples, hatched where a value is missing."""
    low, high = limits
    norm = LogNorm(low, high) if scale == "log" else Normalize(low, high)
    # What has no color is transparent and shows the hatched ground.
    axes.patch.set(facecolor=PALE, edgecolor=GRAY, hatch=HATCH, linewidth=0)
    mesh = axes.pcolormesh(
        cell_edges(heatmap.x),
        cell_edges(heatmap.y),
        heatmap.values,
        norm=norm,
        cmap="viridis",
        shading="flat",
        rasterized=True,  # vector cells show seams in many viewers of PDF
    )
    axes.set_xlabel(plain(heatmap.x_label))
    axes.set_ylabel(plain(heatmap.y_label))
    axes.set_title(plain(heatmap.title))
    return mesh


def draw_contours(axes: Axes, heatmap: Heatmap, limits: tuple[float, float], scale: Scale) -> None:
    """Labeled lines of equal value, where there is enough to draw one."""
    values: Float64 = heatmap.values
    at = levels(*limits, scale)
    shown = values[values == values]
    if min(values.shape) < 2 or not shown.size or not at:
        return
    # Levels that other panels need would only warn here.
    at = [level for level in at if shown.min() < level < shown.max()]
    if not at:
        return
    lines = axes.contour(heatmap.x, heatmap.y, values, levels=at, colors="white", linewidths=0.7)
    labels = axes.clabel(lines, fmt=lambda level: f"{level:.4g}", fontsize=6)
    for label in labels:
        with_halo(label, "0.25", 1.2)
