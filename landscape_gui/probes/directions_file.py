"""Axes from a file in the layout of tomgoldstein/loss-landscape: tensors in order, without names, matched by order and shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.errors import ProblemError
from landscape_gui.probes.base import FileRef

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.vector import Layout
    from landscape_gui.probes.plane import Plane
    from landscape_gui.problem import Problem


def read_axes(reference: FileRef, problem: Problem) -> tuple[Tensor, ...]:
    """Two vectors (size,) from a file that holds `xdirection` and `ydirection`; a second axis of zeros where it holds one only."""
    import torch

    from landscape_gui.export.peers import read_directions

    axes = [vector_of(problem, tensors, reference.path) for tensors in axes_in(read_directions(reference.path))[:2]]
    if len(axes) == 1:
        axes.append(torch.zeros_like(axes[0]))
    return tuple(axes)


def axes_in(found: Any) -> list[Sequence[Any]]:
    """The axes' lists of arrays, whatever they come wrapped in."""
    if hasattr(found, "x"):
        return [axis for axis in (found.x, getattr(found, "y", None)) if axis is not None and len(axis)]
    return [axis for axis in found if axis is not None and len(axis)]


def vector_of(problem: Problem, tensors: Sequence[Any], path: str) -> Tensor:
    """One vector from a file's tensors: in the order of parameters(), or of state_dict() where there are more. ProblemError if
    number or shapes do not fit, with the first that does not."""
    names = names_in_order(problem, len(tensors))
    if names is None:
        raise ProblemError(
            f"{path} holds {len(tensors)} tensors a direction, but the network has {count_parameters(problem.layout)} parameters.",
            remedy="Take directions that were made for this architecture.",
        )
    import torch

    vector = torch.zeros_like(problem.state)
    views = problem.layout.unflatten(vector)
    for name, values in zip(names, tensors, strict=True):
        if name not in views:
            continue
        array = np.asarray(values, dtype=np.float32)
        if array.size != views[name].numel() or array.squeeze().shape != tuple(s for s in views[name].shape if s != 1):
            raise ProblemError(
                f"{path}: the direction of {name} has shape {array.shape}, but the network expects {tuple(views[name].shape)}.",
                remedy="Take directions that were made for this architecture.",
            )
        views[name].copy_(torch.from_numpy(array.copy()).reshape(views[name].shape))
    return vector


def names_in_order(problem: Problem, count: int) -> list[str] | None:
    """Which tensor each entry of a file belongs to; None where the number fits neither parameters nor the whole state."""
    parameters = [s.name for s in problem.layout.segments if not s.buffer]
    if count == len(parameters):
        return parameters
    state = list(problem.module.state_dict())
    return state if count == len(state) else None


def count_parameters(layout: Layout) -> int:
    return sum(not s.buffer for s in layout.segments)


def tensors_of(plane: Plane, layout: Layout) -> list[list[np.ndarray[Any, Any]]]:
    """Each axis as arrays in the order of parameters(), for writing in the reference's layout."""
    axes = []
    for axis in plane.axes:
        views = layout.unflatten(axis)
        axes.append([views[s.name].detach().cpu().numpy().copy() for s in layout.segments if not s.buffer])
    return axes
