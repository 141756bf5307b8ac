"""Paths on the screen's charts, by their names alone (the panel beside has their barriers), and with room at both ends."""

from __future__ import annotations

import dataclasses

from landscape_gui.figure import Figure, Line, Panel
from landscape_gui.results import Result
from landscape_gui.ui.way import paths_of

ROOM = 0.015
"""Of a chart's width, on either side."""


def brief(figure: Figure, result: Result) -> Figure:
    """The same figure, its legends short and its ends free where it is about paths; the lines' items stay while one is trained."""
    labels = sorted((path.label for path in paths_of(result).values()), key=len, reverse=True)
    if not labels:
        return figure
    return dataclasses.replace(figure, panels=tuple(shortened(panel, labels) for panel in figure.panels))


def shortened(panel: Panel, labels: list[str]) -> Panel:
    marks = tuple(
        dataclasses.replace(mark, label=next((label for label in labels if mark.label.startswith(label)), mark.label))
        if isinstance(mark, Line) and mark.label
        else mark
        for mark in panel.marks
    )
    x = panel.x
    if x.limits is not None:
        pad = ROOM * (x.limits[1] - x.limits[0])
        x = dataclasses.replace(x, limits=(x.limits[0] - pad, x.limits[1] + pad))
    return dataclasses.replace(panel, marks=marks, x=x)
