"""Words at places of a chart on paper: as large as their room allows, and left out where nobody could read them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.text import Text
from matplotlib.transforms import offset_copy

from landscape_gui.export.paper import Page
from landscape_gui.figure import Texts

LINE = 1.25
"""Height of a line in ems."""
SMALLEST = 3.5
"""Points below which words are left out."""
FILLED = 0.92
"""Part of the room that words may fill."""


class FittedText(Text):
    """A text whose size is settled when it is drawn, by the room that the layout left it: `extent` ems, in `room` data units."""

    def __init__(self, room: tuple[float, float], extent: tuple[float, float], size: float, **given: Any) -> None:
        super().__init__(fontsize=size, **given)
        self.room, self.extent, self.largest = room, extent, size
        self.set_in_layout(False)

    def fitted(self) -> float:
        """Points that fit; 0 where they are too few to read."""
        assert self.axes is not None and self.figure is not None
        ends = self.axes.transData.transform([(0.0, 0.0), self.room])
        points = np.abs(ends[1] - ends[0]) * 72 / self.figure.dpi
        size = min(self.largest, *(FILLED * points / np.maximum(self.extent, 1e-9)))
        return float(size) if size >= SMALLEST else 0.0

    def draw(self, renderer: Any, *args: Any, **kwargs: Any) -> None:
        size = self.fitted()
        if size:
            self.set_fontsize(size)
            super().draw(renderer, *args, **kwargs)


def extent_of(texts: tuple[str, ...], page: Page) -> tuple[float, float]:
    """Width and height in ems of the widest and the highest of the texts."""
    lines = [line for text in texts for line in text.split("\n")]
    width = max((page.measure(line, 1.0) for line in lines), default=0.0)
    return width, LINE * max((text.count("\n") + 1 for text in texts), default=1)


def draw_texts(axes: Any, mark: Texts, page: Page) -> None:
    """The mark's words, centred on their places."""
    size = mark.size * page.tick_size
    style: dict[str, Any] = {"ha": "center", "va": "center", "linespacing": 1.05, "zorder": 6, "clip_on": mark.room is not None}
    if mark.backed:
        style["bbox"] = {"boxstyle": "round,pad=0.12", "fc": page.theme.background, "alpha": 0.85, "lw": 0}
    place = offset_copy(axes.transData, fig=axes.figure, y=mark.lift * size, units="points")
    extent = extent_of(mark.texts, page)
    for k, (x, y, words) in enumerate(zip(mark.x, mark.y, mark.texts, strict=True)):
        given = {**style, "x": float(x), "y": float(y), "text": words}
        given["color"] = (mark.ink[k] if mark.ink else "") or page.theme.ink
        if mark.room is None:
            axes.text(given.pop("x"), given.pop("y"), given.pop("text"), fontsize=size, transform=place, **given)
        else:
            axes.add_artist(FittedText(mark.room, extent, size, transform=place, **given))
