"""Paths on the screen's charts by their names alone: the barriers, which change while one is trained, stand in the panel beside."""

from __future__ import annotations

import dataclasses

from landscape_gui.figure import Figure, Line, Panel
from landscape_gui.results import Result
from landscape_gui.ui.way import paths_of


def brief(figure: Figure, result: Result) -> Figure:
    """The same figure, its legends short where it is about paths; the lines' items then stay while a path is trained."""
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
    return dataclasses.replace(panel, marks=marks)
