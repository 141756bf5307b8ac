"""Axes from and to files in the layout of tomgoldstein/loss-landscape: tensors in order, without names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landscape_gui.errors import ProblemError
from landscape_gui.probes.base import FileRef
from landscape_gui.results import Array

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.vector import Layout
    from landscape_gui.probes.plane import Plane
    from landscape_gui.problem import Problem


def read_axes(reference: FileRef, problem: Problem) -> tuple[Tensor, Tensor]:
    """Two vectors (size,) from a file that holds `xdirection` and perhaps `ydirection`; a second axis of zeros where it does not.

    LandscapeError where the file holds none; ProblemError naming the tensor that does not fit the network.
    """
    import torch

    from landscape_gui.export.peers import read_directions

    axes = [vector_of(problem, tensors, reference.path) for tensors in read_directions(reference.path)]
    return axes[0], axes[1] if len(axes) > 1 else torch.zeros_like(axes[0])


def vector_of(problem: Problem, tensors: Sequence[Array], path: str) -> Tensor:
    """One vector of a file's tensors: in the order of parameters(), or of state_dict() where there are as many."""
    import torch

    from landscape_gui.export.peers import match

    parameters = [s for s in problem.layout.segments if not s.buffer]
    state = {name: tuple(t.shape) for name, t in problem.module.state_dict().items()}
    try:
        fitted = match(tensors, [s.shape for s in parameters], list(state.values()))
    except ProblemError as error:
        raise ProblemError(f"{path}: {error.message}", remedy=error.remedy) from error
    names = [s.name for s in parameters] if len(fitted) == len(parameters) else list(state)
    vector = torch.zeros_like(problem.state)
    views = problem.layout.unflatten(vector)
    for name, values in zip(names, fitted, strict=True):
        if name in views:  # integer buffers are in the file, but never move
            views[name].copy_(torch.tensor(values, dtype=vector.dtype).reshape(views[name].shape))
    return vector


def tensors_of(plane: Plane, layout: Layout) -> list[list[Any]]:
    """Each axis as arrays in the order of parameters()."""
    return [[layout.unflatten(axis)[s.name].detach().cpu().numpy() for s in layout.segments if not s.buffer] for axis in plane.axes]
