"""The barriers that a chart of paths marks are those of the definition that is looked at with, at its own place and height."""

from __future__ import annotations

import numpy as np
import pytest

from landscape_gui.connection_results import PathResult
from landscape_gui.connection_texts import DEFINITIONS
from landscape_gui.figure import Line, Look, Points
from landscape_gui.probes.path_pictures import path_figure
from landscape_gui.results import Quantity, freeze

T = (0.0, 0.25, 0.5, 0.75, 1.0)
LOSS = (1.0, 3.2, 3.3, 3.4, 3.0)
"""Highest above the line between the ends at 1/4, above their mean and above the larger one at 3/4."""


def path() -> PathResult:
    loss = Quantity(name="train_loss", label="train loss", values=freeze(LOSS), unit="nat", axes=("t",), examples=9)
    return PathResult(
        name="line",
        label="line",
        t=freeze(T),
        computed=freeze(np.ones(5), bool),
        quantities={"train_loss": loss},
        arc=freeze(T),
        split="train",
    )


@pytest.mark.parametrize(
    ("definition", "t", "foot", "top", "barrier"),
    [("above_line", 0.25, 1.5, 3.2, "1.7"), ("above_mean", 0.75, 2.0, 3.4, "1.4"), ("above_larger", 0.75, 3.0, 3.4, "0.4")],
)
def test_the_marks_are_those_of_the_definition(definition: str, t: float, foot: float, top: float, barrier: str) -> None:
    figure = path_figure(path(), Look(barrier=definition))
    marks = figure.panels[0].marks
    (diamond,) = [mark for mark in marks if isinstance(mark, Points)]
    assert (diamond.x[0], diamond.y[0]) == (t, top)
    (upright,) = [mark for mark in marks if isinstance(mark, Line) and len(mark.x) == 2]
    assert tuple(upright.x) == (t, t) and tuple(upright.y) == pytest.approx((foot, top))
    (line,) = [mark for mark in marks if isinstance(mark, Line) and mark.label.startswith("line")]
    assert line.label == f"line, barrier {barrier} nat"
    assert dict(figure.facts)["Barrier marked"].startswith(DEFINITIONS[definition])


def test_the_usual_one_is_above_the_line() -> None:
    usual, said = (path_figure(path(), look) for look in (Look(), Look(barrier="above_line")))
    assert [getattr(mark, "label", "") for mark in usual.panels[0].marks] == [
        getattr(mark, "label", "") for mark in said.panels[0].marks
    ]
    assert usual.facts == said.facts
