"""What a page is: fonts, lines and colours for matplotlib, the same as on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from landscape_gui.export.fonts import settings_of, width_of, worded
from landscape_gui.figure import Scale
from landscape_gui.page_setup import PageSetup
from landscape_gui.style import colour_table, format_number, log_ticks, nice_ticks


@dataclass(frozen=True, kw_only=True)
class Page(PageSetup):
    """A page whose size is settled. width, height: inches of the whole figure; formulas: whether symbols may be set as mathematics,
    in fonts whose codes are their own: not where a reader's program looks for the font by its name, as in SVG."""

    width: float = field()
    height: float = field()
    formulas: bool = True

    def points(self, width: float) -> float:
        """Points of a line that is `width` points wide where curves have one point."""
        return width * self.line_width

    def measure(self, text: str, size: float) -> float:
        """Width of one line of text in the page's font, in the units of `size`."""
        return width_of(text, size, self.font, self.tex_preamble)

    def worded(self, text: str) -> str:
        """The text as it must be written for the page's font."""
        return worded(text, self.font) if self.formulas or self.font == "tex" else text


@contextmanager
def settings(page: Page) -> Iterator[None]:
    """matplotlib's settings while a figure is drawn and written: text stays text, the same bytes every time."""
    ink, muted, thin = page.theme.ink, page.theme.muted, page.points(0.55)
    values: dict[str, Any] = {
        "font.size": page.font_size, "axes.titlesize": page.font_size, "axes.labelsize": page.font_size,
        "xtick.labelsize": page.tick_size, "ytick.labelsize": page.tick_size, "legend.fontsize": page.tick_size,
        "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": ink, "xtick.color": ink, "ytick.color": ink,
        "axes.linewidth": thin, "xtick.major.width": thin, "ytick.major.width": thin,
        "xtick.major.size": 2.5, "ytick.major.size": 2.5, "xtick.major.pad": 2.5, "ytick.major.pad": 2.5,
        "axes.labelpad": 3.0, "axes.titlepad": 5.0, "axes.facecolor": "none",
        "grid.color": muted, "hatch.color": muted, "hatch.linewidth": page.points(0.4), "lines.linewidth": page.line_width,
        "pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "landscape_gui", "pdf.compression": 6,
        "path.simplify": True, "figure.dpi": page.dpi, "savefig.dpi": page.dpi,
        "text.parse_math": False, "axes.unicode_minus": True, "image.composite_image": False,
    } | settings_of(page.font, page.tex_preamble, page.formulas)  # fmt: skip
    with matplotlib.rc_context(cast(Any, values)):
        yield


def colour_map(name: str) -> ListedColormap:
    """The screen's colours, so that screen and paper agree."""
    return ListedColormap(colour_table(name).astype(float), name=name)


def norm(limits: tuple[float, float], scale: Scale) -> Normalize:
    """Limits to [0, 1]."""
    return LogNorm(*limits, clip=False) if scale == "log" else Normalize(*limits, clip=False)


def tick_positions(limits: tuple[float, float], scale: Scale, count: int = 5) -> list[float]:
    """Round values inside the limits; every n-th of too many on a logarithmic scale."""
    low, high = sorted(limits)
    if scale == "log":
        ticks = log_ticks(low, high)
        return [float(v) for v in ticks[:: max(1, -(-len(ticks) // (count + 2)))]]
    return [float(v) for v in nice_ticks(low, high, count)]


def set_ticks(axis: Any, limits: tuple[float, float], scale: Scale, page: Page, count: int = 5) -> None:
    """Round ticks with a real minus sign on one axis of matplotlib."""
    ticks = tick_positions(limits, scale, count)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter([page.worded(format_number(t)) for t in ticks]))


def wrap(text: str, size: float, room: float, measure: Callable[[str, float], float]) -> str:
    """The text in lines of at most `room`, in the units of `size`."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if measure(longer, size) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def luminance(colour: Any) -> float:
    """Brightness of an RGB colour as the eye weighs it, 0 to 1."""
    return float(np.dot(np.asarray(colour, float)[:3], (0.30, 0.59, 0.11)))
