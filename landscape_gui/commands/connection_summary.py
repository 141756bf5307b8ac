"""An answer about connected models in a few lines of text, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from landscape_gui.commands.descend_summary import descents_table
from landscape_gui.commands.terminal import table
from landscape_gui.connection_results import (
    BarriersResult,
    ConnectionResult,
    InstabilityResult,
    PathPlaneResult,
    PathResult,
    WaypointResult,
)
from landscape_gui.connection_texts import DEFINITIONS
from landscape_gui.results import ConnectedResult, Number
from landscape_gui.topology_results import TopologyResult
from landscape_gui.training_results import DescentsResult

HEADS = {"above_line": "above line", "above_mean": "above mean", "above_larger": "above larger"}


def describe(result: ConnectedResult) -> str:
    """What lies between the models, each number with its error, and what should be known of it."""
    paths = paths_of(result)
    lines = [size_of(result), paths_table(paths) if paths else table_of(result)]
    if paths:
        lines.append("barriers: " + "; ".join(f"{HEADS[name]}: {words}" for name, words in DEFINITIONS.items()))
    lines += [context_text(result), *dict.fromkeys((*(n for p in paths.values() for n in p.notes), *result.notes))]
    return "\n".join(line for line in lines if line)


def table_of(result: ConnectedResult) -> str:
    """Of whatever is no path: its own table."""
    if isinstance(result, BarriersResult):
        return matrix_table(result)
    if isinstance(result, InstabilityResult):
        return checkpoints_table(result)
    if isinstance(result, PathPlaneResult):
        return placed_table(result)
    if isinstance(result, DescentsResult):
        return descents_table(result)
    if isinstance(result, WaypointResult):
        return waypoint_table(result)
    return numbers_table(result.numbers)


def paths_of(result: ConnectedResult) -> Mapping[str, PathResult]:
    if isinstance(result, ConnectionResult):
        return result.paths
    return {result.name: result} if isinstance(result, PathResult) else {}


def size_of(result: ConnectedResult) -> str:
    seconds = f"{result.provenance.seconds:.1f} s"
    if isinstance(result, ConnectionResult):
        apart = f", {result.end_distance:.4g} apart" if math.isfinite(result.end_distance) else ""
        return f"{' and '.join(result.names)}{apart}; barriers of the {result.split} loss; {seconds}"
    if isinstance(result, BarriersResult):
        what = f"{result.split} {'error rate' if result.metric == 'error' else result.metric}"
        told = f"barriers of the {what} {DEFINITIONS[result.definition]}, path {result.path}"
        return f"{len(result.names)} models; {told}; {seconds}"
    if isinstance(result, InstabilityResult):
        told = f"barriers of the {result.split} loss {DEFINITIONS[result.definition]}, path {result.path}"
        return f"{' and '.join(result.names)}; {told}; {seconds}"
    if isinstance(result, PathPlaneResult):
        surface = result.surface
        points = f"{len(surface.x)} x {len(surface.y)} points, {int(surface.computed.sum()):,} computed"
        return f"the plane through {', '.join(result.names)}; {points}; {seconds}"
    if isinstance(result, WaypointResult):
        return f"the model at t = {result.t:g} from {' to '.join(result.names)}, path {result.path}; {seconds}"
    if isinstance(result, DescentsResult):
        size = f"{len(result.surface.x)} x {len(result.surface.y)} points"
        return f"{len(result.descents)} descents on {size}; {seconds}"
    if isinstance(result, TopologyResult):
        return f"{result.extrema} of {result.quantity}, {len(result.surface.x)} x {len(result.surface.y)} points; {seconds}"
    return seconds


def paths_table(paths: Mapping[str, PathResult]) -> str:
    """A row a path: its barriers, largest loss, score and length."""
    rows = [("path", *HEADS.values(), "maximum", "score", "length", "points")]
    for name, path in paths.items():
        numbers = (number_text(path.numbers.get(n)) for n in (*HEADS, "maximum", "connectivity_score"))
        rows.append((name, *numbers, f"{path.length:.4g}", str(int(path.computed.sum()))))
    return table(rows, right=range(1, len(rows[0])))


def matrix_table(result: BarriersResult) -> str:
    """The matrix in the order of the clustering, and the edges of the tree, the lowest first."""
    order = [int(k) for k in result.order] if len(result.order) else list(range(len(result.names)))
    rows = [("", *(result.names[j] for j in order))]
    for i in order:
        rows.append((result.names[i], *(plain_text(result.barriers[i, j]) for j in order)))
    edges = []
    for i, j in np.asarray(result.tree, int).reshape(-1, 2):
        error = float(result.standard_errors[i, j])
        edges.append(f"{result.names[i]} - {result.names[j]} {value_text(float(result.barriers[i, j]), error)}")
    return table(rows, right=range(1, len(rows[0]))) + ("\ntree of the lowest barriers: " + "; ".join(edges) if edges else "")


def checkpoints_table(result: InstabilityResult) -> str:
    """A row a checkpoint: the barrier of the loss, that of the error rate, both ends' losses, how far apart they are."""
    rows = [(result.unit, "barrier", "of the error rate", *(f"loss of {name}" for name in result.names), "distance")]
    known = len(result.error_barriers) == len(result.epochs)
    for k, epoch in enumerate(result.epochs):
        error = value_text(float(result.error_barriers[k]), float(result.error_standard_errors[k])) if known else "-"
        losses = (plain_text(values[k]) for values in (result.first_losses, result.second_losses))
        barrier = value_text(float(result.barriers[k]), float(result.standard_errors[k]))
        rows.append((f"{epoch:g}", barrier, error, *losses, plain_text(result.distances[k])))
    return table(rows, right=range(len(rows[0])))


def placed_table(result: PathPlaneResult) -> str:
    """A row a path: how far it leaves the plane at most."""
    rows = [("path", "points", "off the plane")]
    rows += [(p.label, str(len(p.t)), plain_text(np.max(p.off_plane, initial=0.0))) for p in result.paths.values()]
    return table(rows, right=(1, 2))


def waypoint_table(result: WaypointResult) -> str:
    """Losses and metrics; of a classifier, a row a class beside the two ends, and how many predictions flip."""
    rows = [("", "value")]
    for name, q in result.quantities.items():
        error = float("nan") if q.standard_error is None else float(np.ravel(q.standard_error)[0])
        rows.append((name, value_text(float(np.ravel(q.values)[0]), error)))
    said = table(rows, right=(1,))
    if not len(result.per_class):
        return said
    heads = (f"{result.split} class", "examples", result.names[0], f"t = {result.t:g}", result.names[-1])
    found = result.class_examples, result.per_class_first, result.per_class, result.per_class_second
    classes = [heads, *((str(k), f"{n:g}", *map(plain_text, shares)) for k, (n, *shares) in enumerate(zip(*found, strict=True)))]
    flips = (
        f"{len(f)} from {name}" for f, name in zip((result.flips_from_first, result.flips_from_second), result.names, strict=True)
    )
    flipped = f"predictions that flip, of {len(result.predicted):,}: {', '.join(flips)}"
    return "\n".join((said, table(classes, right=range(1, len(heads))), flipped))


def plain_text(value: float) -> str:
    return "-" if math.isnan(value) else f"{float(value):.4g}"


def value_text(value: float, error: float) -> str:
    """The value and its error, as many digits as the error leaves."""
    from landscape_gui.export.rounding import rounded

    return "-" if math.isnan(value) else rounded(value, error).plain


def numbers_table(numbers: Mapping[str, Number]) -> str:
    rows = [("", "value")] + [(number.label, number_text(number)) for number in numbers.values()]
    return table(rows, right=(1,)) if len(rows) > 1 else ""


def number_text(number: Number | None) -> str:
    return "-" if number is None else value_text(number.value, number.error)


def context_text(result: ConnectedResult) -> str:
    labelled = (("data", result.subset), ("BatchNorm", result.batchnorm), ("precision", result.precision))
    return "; ".join(f"{label}: {value}" for label, value in labelled if value)
