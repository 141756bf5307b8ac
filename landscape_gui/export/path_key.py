"""The legend of the lines on a plane: below the axes, outside the picture."""

from __future__ import annotations

from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.lines import Line2D

from landscape_gui.export.paper import Page
from landscape_gui.figure import Panel

HANDLE = 2.5
"""Length of a line in the legend in ems: two whole dashes."""
ROW = 1.55
"""Height of a row of the legend over its font size."""


def columns_of(labels: list[str], width: float, page: Page) -> int:
    """Columns of a legend at a width in inches."""
    size = page.tick_size
    widest = max(page.measure(label, size) for label in labels) + (HANDLE + 2.0) * size
    return int(np.clip(72 * width * 0.97 // widest, 1, len(labels)))


def key_rows(panel: Panel, width: float, page: Page) -> int:
    """Lines of the legend at a width in inches; 0 where there is none."""
    labels = [path.label for path in panel.key]
    return -(-len(labels) // columns_of(labels, width, page)) if labels else 0


def draw_key(figure: Any, panel: Panel, page: Page, *, place: str = "outside lower center") -> None:
    """The legend at the foot of a (sub)figure, in as many columns as fit."""
    labels = [path.label for path in panel.key]
    if not labels:
        return
    casing = [effects.Stroke(linewidth=page.points(2.4), foreground="white"), effects.Normal()]
    handles = [
        Line2D(
            [], [], color=path.ink, linewidth=page.points(1.2), linestyle=(0, (3.5, 2)) if path.dash else "-", path_effects=casing
        )
        for path in panel.key
    ]
    figure.legend(
        handles, labels, loc=place, ncols=columns_of(labels, figure.bbox.width / figure.figure.dpi, page), frameon=False,
        handlelength=HANDLE, columnspacing=1.2, handletextpad=0.5, borderaxespad=0.1, labelspacing=0.35,
    )  # fmt: skip
