"""The legend of the lines on a plane: below the axes, outside the picture."""

from __future__ import annotations

from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.lines import Line2D

from landscape_gui.export.paper import Page
from landscape_gui.figure import Panel
from landscape_gui.scene3d.lettering import text_width

HANDLE = 2.5
"""Length of a line in the legend in ems: two whole dashes."""
ROW = 1.55
"""Height of a row of the legend over its font size."""


def columns_of(labels: list[str], width: float, size: float) -> int:
    """Columns of a legend at a width in inches and a font size in points."""
    widest = max(text_width(label, size) for label in labels) + (HANDLE + 2.0) * size
    return int(np.clip(72 * width * 0.97 // widest, 1, len(labels)))


def key_rows(panel: Panel, width: float, size: float = 7.0) -> int:
    """Lines of the legend at a width in inches; 0 where there is none."""
    labels = [path.label for path in panel.key]
    return -(-len(labels) // columns_of(labels, width, size)) if labels else 0


def draw_key(figure: Any, panel: Panel, page: Page, *, place: str = "outside lower center") -> None:
    """The legend at the foot of a (sub)figure, in as many columns as fit."""
    labels = [path.label for path in panel.key]
    if not labels:
        return
    casing = [effects.Stroke(linewidth=2.6, foreground="white"), effects.Normal()]
    handles = [
        Line2D([], [], color=path.ink, linewidth=1.3, linestyle=(0, (3.5, 2)) if path.dash else "-", path_effects=casing)
        for path in panel.key
    ]
    figure.legend(
        handles, labels, loc=place, ncols=columns_of(labels, figure.bbox.width / figure.figure.dpi, page.tick_size), frameon=False,
        handlelength=HANDLE, columnspacing=1.2, handletextpad=0.5, borderaxespad=0.1, labelspacing=0.35,
    )  # fmt: skip
