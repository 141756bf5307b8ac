"""What each operation asks of the axes of its tensors: which must be permuted together, which stay, and which are held.

What has no rule holds all it reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from landscape_gui.core import axis_reductions  # noqa: F401  (registers its rules)
from landscape_gui.core.axis_calls import RULES, Call
from landscape_gui.core.axis_products import spatial_rule
from landscape_gui.core.axis_shapes import broadcast
from landscape_gui.core.axis_tracing import Symbols, same
from landscape_gui.core.splits import tensors_of
from landscape_gui.core.symbolic_axes import Node, held, hold


def apply(symbols: Symbols, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
    """Put symbols for what an operation gave; constants made of constants alone are looked at when they are needed."""
    name = func._schema.name.removeprefix("aten::")
    results = list(tensors_of(out))
    this = Call(symbols, func, args, kwargs, out)
    if name in UNIFORM:
        for result in results:
            symbols.put_uniform(result)
        return
    if func._schema.is_mutable:
        for result in results:
            symbols.write(result)
    elif _views(this, results):
        for result in results:
            symbols.put_uniform(result, partial(_answer, this, name, results))
        return
    if results and any(map(symbols.known, this.tensors)):
        _answer(this, name, results)


def _views(this: Call, results: Sequence[Tensor]) -> bool:
    """Whether what came out lies in the memory of a tensor of one value."""
    uniform = [tensor for tensor in this.tensors[:1] if this.symbols.is_uniform(tensor)]
    memory = {tensor.untyped_storage()._cdata for tensor in uniform}
    return bool(results) and all(result.untyped_storage()._cdata in memory for result in results)


def _answer(this: Call, name: str, results: Sequence[Tensor]) -> None:
    """Put the symbols of what came out by the operation's rule."""
    found = RULES.get(name) or RULES.get(_in_place(name)) or spatial_rule(name)
    answer = found(this) if found else broadcast(this) if torch.Tag.pointwise in this.func.tags else None
    every: Any = [answer] if isinstance(this.out, Tensor) and answer is not None else answer
    if every is None:
        every = _unknown(this, name)
    for result, dims in zip(results, every, strict=False):
        _put(this.symbols, result, list(dims), this.func)


def _in_place(name: str) -> str:
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name


def _put(symbols: Symbols, result: Tensor, dims: list[Node], func: Any) -> None:
    turned = _in_place(func._schema.name.removeprefix("aten::")) in ("t", "transpose", "squeeze", "unsqueeze")
    if func._schema.is_mutable and symbols.known(result) and not turned:
        same(dims, symbols.of(result))
    symbols.put(result, dims)


def _unknown(this: Call, name: str) -> list[list[Node]]:
    reason = f"the operation {name} reads it, which is not known to keep permutations"
    for tensor in this.tensors:
        for dim in this.dims(tensor):
            hold(dim, reason)
    return [[held(size, reason) for size in result.shape] for result in tensors_of(this.out)]


UNIFORM = {"zeros", "ones", "full", "empty", "empty_strided", "new_zeros", "new_ones", "new_full", "new_empty", "zeros_like",
           "ones_like", "full_like", "empty_like", "new_empty_strided", "scalar_tensor"}  # fmt: skip
