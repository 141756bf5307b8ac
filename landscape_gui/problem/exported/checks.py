"""What can be said of an exported program before it runs: in which mode, for which batches and for which inputs it was exported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from landscape_gui.checkpoint.limits import shown
from landscape_gui.core.splits import tensors_of
from landscape_gui.errors import ProblemError
from landscape_gui.problem.exported.calling import Calling
from landscape_gui.problem.exported.graph import AGAIN, Graph, Node, Program, Ref, malformed
from landscape_gui.problem.exported.operators import bound
from landscape_gui.problem.exported.trial import writing

_MODES = {
    "batch_norm": ("training",),
    "instance_norm": (),
    "dropout": ("train",),
    "feature_dropout": ("train",),
    "alpha_dropout": ("train",),
    "feature_alpha_dropout": ("train",),
    "native_dropout": ("train",),
    "native_batch_norm": ("training",),
    "_native_batch_norm_legit": ("training",),
    "_native_batch_norm_legit_functional": ("training",),
    "cudnn_batch_norm": ("training",),
}
"""Operators that compute otherwise while training, and the argument that says so."""


RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")


def check_mode(program: Program, graph: Graph) -> None:
    """Raise ProblemError where the program was exported in training mode, writes into its weights or buffers, or would have torch
    make layers without end."""
    for node in graph.nodes:
        if _has_too_many_layers(node):
            raise malformed(f"{shown(node.target)} has more layers than weights")
        if _trains(node):
            raise ProblemError(
                f"Its program was exported in training mode: {shown(node.target)} takes each batch's own statistics, or chance.",
                remedy=f"Call model.eval() before torch.export.export. {AGAIN}",
            )
    inputs = {value.name for value in program.inputs if isinstance(value, Ref)}
    for name in program.written:
        if name not in inputs:
            raise writing(name)


def check_batches(program: Program, calling: Calling) -> None:
    """Raise ProblemError where no input's first size is free."""
    sizes = {name: program.graph.sizes.get(name, ()) for name in (v.name for v in program.inputs if isinstance(v, Ref))}
    batched = {name: size for name, size in sizes.items() if size}
    if any(size[0] is None for size in batched.values()):
        return
    first = next(iter(batched), "")
    what = f"for batches of {batched[first][0]} examples alone" if first else "without an input that holds examples"
    free = ", ".join(f"{name!r}: {{0: torch.export.Dim.AUTO}}" for name in calling.names)
    raise ProblemError(
        f"Its program was exported {what} (the input {shown(first)} has shape {_shape(batched.get(first, ()))}).",
        remedy=f"Export it again with a free first size: torch.export.export(model.eval(), inputs, dynamic_shapes={{{free}}}).",
    )


def check_inputs(program: Program, values: Sequence[Any]) -> None:
    """Raise ProblemError where the data's numbers or shapes are not those that the program takes."""
    for number, (item, value) in enumerate(zip(program.inputs, values, strict=True)):
        if not isinstance(item, Ref):
            continue
        sizes, dtype = program.graph.sizes.get(item.name), program.graph.dtypes.get(item.name)
        if sizes is None or dtype is None:
            continue
        fits = isinstance(value, Tensor) and len(value.shape) == len(sizes) and value.is_floating_point() == dtype.is_floating_point
        if not fits or any(own not in (None, size) for own, size in zip(sizes, value.shape, strict=True)):
            given = ", ".join(f"{_shape(tuple(t.shape))} of {_kind(t.dtype)}" for t in tensors_of(value)) or type(value).__name__
            raise ProblemError(
                f"The program takes as input {number + 1} ({shown(item.name)}) {_shape(sizes)} of {_kind(dtype)}; the data "
                f"give {given}.",
                remedy="Name the data with the shape and normalisation that the network was trained on.",
            )


def _has_too_many_layers(node: Node) -> bool:
    """Whether a recurrent operator has more layers than tensors of weights: torch would count them all before it says so."""
    if node.target.removeprefix("torch.ops.aten.").partition(".")[0] not in RECURRENT:
        return False
    given = bound(node.target, node.arguments)
    layers, weights = given.get("num_layers"), given.get("params")
    return not isinstance(layers, int) or not isinstance(weights, list) or layers > len(weights)


def _trains(node: Node) -> bool:
    name = node.target.removeprefix("torch.ops.aten.").partition(".")[0].rstrip("_")
    if name == "scaled_dot_product_attention" or name.startswith("_scaled_dot_product"):
        return (bound(node.target, node.arguments).get("dropout_p") or 0.0) > 0
    if name in RECURRENT:
        given = bound(node.target, node.arguments)
        return bool(given.get("train")) and given.get("dropout") != 0.0
    if name not in _MODES:
        return False
    given = bound(node.target, node.arguments)
    if name == "instance_norm":
        return given.get("use_input_stats") is True and given.get("running_mean") is not None
    return any(given.get(flag) not in (False, None) for flag in _MODES[name])


def _shape(sizes: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if size is None else str(size) for size in sizes) + ("," if len(sizes) == 1 else "") + ")"


def _kind(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
