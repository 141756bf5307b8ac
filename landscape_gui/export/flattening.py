"""A sheet without anything transparent, for PostScript: every colour as it looks on the background of the page."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from landscape_gui.export.pixels import PixelImage
from landscape_gui.results import Array

Colour = tuple[float, float, float]


def flatten(sheet: Any, paper: Colour) -> None:
    """Replaces each colour by its mixture with that of the paper. What lies beneath a see-through band is hidden by it."""
    for image in sheet.findobj(PixelImage):
        image.on_paper(paper)
    for patch in sheet.findobj(Patch):
        patch.set_facecolor(mixed(patch.get_facecolor(), None, paper))
        patch.set_edgecolor(mixed(patch.get_edgecolor(), None, paper))
        patch.set_alpha(None)
    for line in sheet.findobj(Line2D):
        _flatten_line(line, paper)
    for collection in sheet.findobj(Collection):
        if not collection.get_rasterized():
            faces, edges = collection.get_facecolor(), collection.get_edgecolor()
            collection.set_alpha(None)
            collection.set_facecolor([mixed(c, None, paper) for c in faces] or "none")
            collection.set_edgecolor([mixed(c, None, paper) for c in edges] or "none")
    for text in sheet.findobj(Text):
        text.set_color(mixed(text.get_color(), text.get_alpha(), paper))
        text.set_alpha(None)


def _flatten_line(line: Any, paper: Colour) -> None:
    alpha = line.get_alpha()
    line.set_color(mixed(line.get_color(), alpha, paper))
    for part in ("markerfacecolor", "markeredgecolor"):
        colour = getattr(line, f"get_{part}")()
        if isinstance(colour, str) and colour in ("auto", "none"):
            continue
        getattr(line, f"set_{part}")(mixed(colour, alpha, paper))
    line.set_alpha(None)
    for effect in line.get_path_effects():
        look = getattr(effect, "_gc", None)
        if look and "alpha" in look:
            look["foreground"] = mixed(look["foreground"], look.pop("alpha"), paper)


def mixed(colour: Any, alpha: float | None, paper: Colour) -> Any:
    """The opaque colour that a see-through one looks like; nothing stays nothing."""
    if isinstance(colour, str) and colour == "none":
        return colour
    rgba: Array = np.asarray(to_rgba(colour) if alpha is None else to_rgba(colour, alpha))
    if rgba[3] == 0:
        return "none"
    return (*(float(v) for v in rgba[3] * rgba[:3] + (1 - rgba[3]) * np.asarray(paper)), 1.0)
