"""Where the axes of a panel lie: as large as their panel allows with every label, title and legend inside it.

matplotlib's constrained layout is not used: over nested panels its solver can end the process (kiwi: "the objective is unbounded"),
and where axes keep their aspect one pass leaves labels outside.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from matplotlib.transforms import Bbox

PASSES = 8
"""Placements at most; two or three settle a panel."""
PAD = 0.04
"""Inches between what a panel shows and its edge."""
LEAST = 0.12
"""Part of a panel's width and height that its axes have in any case."""
LONGEST = 1.04
"""Length of a text over what it stands beside, beyond which it has two lines."""


def place(cell: Any) -> None:
    """Lays out the axes of a panel that were not put in a place of their own."""
    shown = [axes for axes in cell.axes if axes.get_subplotspec() is not None]
    if not shown:
        _fold_titles(cell.texts, cell.bbox.width)
        return
    pad = PAD * cell.figure.dpi
    for number in range(PASSES):
        room = Bbox.from_extents(*cell.bbox.extents).padded(-pad)
        room.y0 += sum(legend.get_window_extent().height + pad for legend in cell.legends)
        moved = _fit(shown, room, cell)
        for axes in shown:
            if number == 0:
                _fold_labels(axes, room.width)
            _thin_ticks(axes)
        if number and moved < 0.25:
            break


def _fit(shown: list[Any], room: Bbox, cell: Any) -> float:
    """Moves the axes so that they fill the room with what stands around them; how far, in pixels."""
    for axes in shown:
        axes.apply_aspect()
    before = shown[0].bbox.frozen()
    around = Bbox.union([axes.get_tightbbox() for axes in shown])
    left, right = room.x0 + before.x0 - around.x0, room.x1 - (around.x1 - before.x1)
    low, high = room.y0 + before.y0 - around.y0, room.y1 - (around.y1 - before.y1)
    right, high = max(right, left + LEAST * cell.bbox.width), max(high, low + LEAST * cell.bbox.height)
    box = Bbox.from_extents(left, low, right, high).transformed(cell.transSubfigure.inverted())
    for axes in shown:
        axes.set_position(box)
        axes.apply_aspect()
    return float(abs(shown[0].bbox.extents - before.extents).max())


def _fold_labels(axes: Any, width: float) -> None:
    """Breaks the label of an upright axis that is longer than the axis, and what is wider than the panel."""
    for part in (axes, *axes.findobj(Axes)):
        label = part.yaxis.label
        if label.get_window_extent().height > LONGEST * part.bbox.height:
            _fold(label)
    _fold_titles([axes.title, axes.xaxis.label], width)


def _thin_ticks(axes: Any) -> None:
    """Leaves every other number out as long as neighbours touch; the rounder ones, which are shorter, stay."""
    for part in (axes, *axes.findobj(Axes)):
        for axis in (part.xaxis, part.yaxis):
            while _crowded(axis):
                values, words = list(axis.get_majorticklocs()), list(axis.get_major_formatter().seq)
                halves = [(values[k::2], words[k::2]) for k in (0, 1)]
                kept = min(halves, key=lambda half: (len(half[1]) < 2, sum(map(len, half[1])) / len(half[1]), -len(half[1])))
                axis.set_major_locator(FixedLocator(kept[0]))
                axis.set_major_formatter(FixedFormatter(kept[1]))


def _crowded(axis: Any) -> bool:
    """Whether numbers that stand side by side or above one another come nearer than a quarter of their height."""
    if not isinstance(axis.get_major_formatter(), FixedFormatter):
        return False
    boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
    if len(boxes) < 3 or len(boxes) != len(axis.get_majorticklocs()) or len(boxes) != len(axis.get_major_formatter().seq):
        return False
    if axis.axis_name == "x":
        return any(b.x0 - a.x1 < 0.35 * a.height for a, b in pairwise(sorted(boxes, key=lambda box: float(box.x0))))
    return any(b.y0 - a.y1 < 0.0 for a, b in pairwise(sorted(boxes, key=lambda box: float(box.y0))))


def _fold_titles(titles: Any, width: float) -> None:
    for title in titles:
        if title.get_window_extent().width > width:
            _fold(title)


def _fold(text: Any) -> None:
    """In two lines, at the space nearest to the middle."""
    words = text.get_text()
    if " " in words and "\n" not in words:
        at = min((k for k, c in enumerate(words) if c == " "), key=lambda k: abs(k - len(words) / 2))
        text.set_text(f"{words[:at]}\n{words[at + 1 :]}")
