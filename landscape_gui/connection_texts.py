"""What every number of a path between models is: three sentences and where it comes from. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping

from landscape_gui.number_texts import NumberText

PLACE = "t, position on the path: 0 first model, 1 second"
"""What the axis of a chart over paths is, for whoever points at it."""
DEFINITIONS: Mapping[str, str] = {
    "above_line": "above the straight interpolation of the ends",
    "above_mean": "above the mean of the ends",
    "above_larger": "above the larger end",
}
"""The three definitions of a barrier, in words."""

_PAIRED = (
    "It is the largest of the places measured, ends included, its error the paired standard error over examples there, or at the "
    "highest place inside where the end is the largest; that it was chosen among places makes it a little too large."
)

TEXTS: Mapping[str, NumberText] = {
    "above_line": NumberText(
        "barrier above the line",
        "The largest rise of the loss above the straight interpolation between the losses of the two ends, for t from 0 to 1.",
        _PAIRED,
        "It is 0 where the loss is convex along the path, also where the ends differ in height; around 0 two models count as "
        "linearly connected.",
        ("entezari2022",),
        "nat",
    ),
    "above_mean": NumberText(
        "barrier above the mean",
        "The largest loss on the path minus the mean of the losses of the two ends.",
        _PAIRED,
        "Ends of different height alone make it half their difference, which the barrier above the line leaves out.",
        ("frankle2020", "ainsworth2023"),
        "nat",
    ),
    "above_larger": NumberText(
        "barrier above the larger end",
        "The largest loss on the path minus the larger of the losses of the two ends.",
        _PAIRED,
        "It says how far one must climb beyond the worse of the two models; it is the smallest of the three definitions.",
        ("garipov2018",),
        "nat",
    ),
    "connectivity_score": NumberText(
        "connectivity score",
        "One over one plus the barrier above the line, between 0 and 1.",
        "It is arithmetic on the barrier, and its error follows from the barrier's.",
        "It is 1 without a barrier and orders paths as the barrier does, the other way round; its size depends on the unit of the "
        "loss.",
        ("entezari2022",),
    ),
    "maximum": NumberText(
        "largest loss on the path",
        "The largest mean loss at the places measured for t from 0 to 1, ends included.",
        "It is the mean over examples, with its standard error over them at that place.",
        "Between two places the loss may be higher; more points say by how much.",
        ("garipov2018",),
        "nat",
    ),
    "mean": NumberText(
        "mean loss over t",
        "The mean of the loss over t from 0 to 1.",
        "The trapezoidal rule gives it, and the errors of the places are added as if examples erred alike at all of them, which "
        "overstates it a little.",
        "It depends on how fast the path is run through; the mean over the path's length does not.",
        ("garipov2018",),
        "nat",
    ),
    "arc_mean": NumberText(
        "mean loss over the length",
        "The integral of the loss over the length of the path, divided by the length.",
        "The trapezoidal rule over the lengths between places gives it, with the errors added as for the mean over t.",
        "It is the mean loss of a model drawn evenly along the path, whatever t stands for.",
        ("garipov2018",),
        "nat",
    ),
    "length": NumberText(
        "length of the path",
        "The length of the path through weight space for t from 0 to 1, over all parameters.",
        "It is exact for lines and chains and right to rounding for a Bezier curve with one bend.",
        "Over the distance between the ends it says how far the path goes round; weights that are rescaled change both.",
        ("garipov2018",),
    ),
    "accuracy_fall": NumberText(
        "fall of the accuracy",
        "The largest fall of the accuracy below what is named: the straight interpolation between the ends' accuracies, their "
        "mean, or the smaller of the two.",
        "It is found as the barrier of the loss is, with the paired standard error over examples.",
        "It is the barrier of the error rate, in which linear mode connectivity is often stated; it may be 0 where the loss has a "
        "barrier.",
        ("frankle2020", "entezari2022"),
    ),
}
"""By the names of the numbers; `accuracy_fall` for all three definitions."""
