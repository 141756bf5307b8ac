"""What a page is: fonts, lines and colours for matplotlib, the same as on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from landscape_gui.figure import Scale
from landscape_gui.page_setup import PageSetup
from landscape_gui.scene3d.lettering import FAMILY, font_file, text_width
from landscape_gui.style import colour_table, format_number, log_ticks, nice_ticks


@dataclass(frozen=True, kw_only=True)
class Page(PageSetup):
    """A page whose size is settled. width, height: inches of the whole figure."""

    width: float = field()
    height: float = field()


@lru_cache(maxsize=1)
def _families() -> list[str]:
    """Open Sans where vispy ships it; DejaVu Sans, which is always there, for what it lacks."""
    path = font_file()
    if path is None:
        return ["DejaVu Sans"]
    font_manager.fontManager.addfont(str(path))
    return [FAMILY, "DejaVu Sans"]


@contextmanager
def settings(page: Page) -> Iterator[None]:
    """matplotlib's settings while a figure is drawn and written: text stays text, the same bytes every time."""
    ink, muted = page.theme.ink, page.theme.muted
    values: dict[str, Any] = {
        "font.family": _families(), "font.size": page.font_size, "axes.titlesize": page.font_size, "axes.labelsize": page.font_size,
        "xtick.labelsize": page.tick_size, "ytick.labelsize": page.tick_size, "legend.fontsize": page.tick_size,
        "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": ink, "xtick.color": ink, "ytick.color": ink,
        "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
        "xtick.major.pad": 2.5, "ytick.major.pad": 2.5, "axes.labelpad": 3.0, "axes.titlepad": 5.0, "axes.facecolor": "none",
        "grid.color": muted, "hatch.color": muted, "hatch.linewidth": 0.4, "lines.linewidth": 1.1,
        "pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "landscape_gui", "pdf.compression": 6,
        "path.simplify": True, "figure.dpi": page.dpi, "savefig.dpi": page.dpi, "text.usetex": False,
        "axes.formatter.use_mathtext": False,
        "text.parse_math": False, "axes.unicode_minus": True, "image.composite_image": False,
    }  # fmt: skip
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


def set_ticks(axis: Any, limits: tuple[float, float], scale: Scale, count: int = 5) -> None:
    """Round ticks with a real minus sign on one axis of matplotlib."""
    ticks = tick_positions(limits, scale, count)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter([format_number(t) for t in ticks]))


def wrap(text: str, size: float, room: float, measure: Callable[[str, float], float] = text_width) -> str:
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
