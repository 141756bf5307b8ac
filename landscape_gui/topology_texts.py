"""What every number of a surface's topology is: three sentences and where it comes from. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping

from landscape_gui.number_texts import NumberText

TEXTS: Mapping[str, NumberText] = {
    "minima": NumberText(
        "minima above the noise floor",
        "How many minima of the surface are deeper than its noise: the deepest one, and every other whose saddle to a deeper one "
        "is higher above it than the noise floor.",
        "It is counted in the merge tree by the elder rule, on the grid as it was computed; the noise floor is twice the stated "
        "number of standard errors of any value up to there.",
        "A minimum of a plane is rarely one of the network: the loss may fall in every direction that the plane leaves out.",
        ("edelsbrunner2002", "cohensteiner2007"),
    ),
    "minima_on_edge": NumberText(
        "of these on the picture's edge",
        "How many of the minima above the noise floor lie on the edge of the picture.",
        "It is counted on the grid and is exact.",
        "Beyond the edge the surface may go on downwards, so that such a minimum belongs to the picture and not to the surface; a "
        "wider span decides it.",
        ("edelsbrunner2002",),
    ),
    "every_minimum": NumberText(
        "minima of the grid",
        "How many minima the grid has in all, however shallow.",
        "It is counted on the grid and is exact for the values as they are, noise and rounding included.",
        "Where it is far above the minima that outlast the noise, the roughness of the picture is that of the data's sample.",
        ("edelsbrunner2002",),
    ),
    "largest_persistence": NumberText(
        "largest persistence",
        "The height of the saddle above the minimum that is hardest to leave for a deeper one.",
        "Its standard error is the sum of those of the values at minimum and saddle, which it cannot exceed; because both are of "
        "the same examples it is usually far smaller.",
        "It is an upper bound of the barrier between the two places in the whole space of weights, because a path in the plane is "
        "a path there.",
        ("edelsbrunner2002", "cohensteiner2007"),
        "nat",
    ),
    "total_persistence": NumberText(
        "total persistence",
        "The sum of the persistences above the noise floor, the deepest minimum's left out.",
        "Its standard error is the sum of theirs, which it cannot exceed.",
        "It is one number for how rugged the surface is, and grows with the area that is looked at.",
        ("edelsbrunner2002",),
        "nat",
    ),
    "smad": NumberText(
        "saddle-minimum average distance",
        "The mean height of the first saddle of the merge tree above a minimum, over all minima of the grid, as Landscaper defines "
        "SMAD.",
        "It is that of neighbours along the grid's lines as in Landscaper, noise included, and its standard error is at most the "
        "mean of those of the heights; 0 where there is one minimum.",
        "A small value with many minima says that the surface is rough and shallow; noise lowers it, because every ripple counts "
        "as a minimum.",
        ("landscaper2025",),
        "nat",
    ),
    "noise_floor": NumberText(
        "noise floor at the deepest minimum",
        "The persistence that noise alone may give to a minimum as low as the deepest one.",
        "It is twice the stated number of standard errors over examples (and what interpolation and rounding may add), because "
        "noise of e moves a birth and a death by at most e each.",
        "It takes the errors at two places as if they added up, while those of the same examples mostly cancel, so that grey does "
        "not mean that a minimum of the loss on these very examples is not there.",
        ("cohensteiner2007",),
        "nat",
    ),
}
"""By the names of the numbers; of maxima read "maximum" for "minimum" and "below" for "above"."""
