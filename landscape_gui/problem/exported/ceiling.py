"""How much an operation can give at most, from the sizes of what it gets alone: cheap, and enough for almost all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.splits import tensors_of
from landscape_gui.problem.exported.operators import ELEMENTWISE, REDUCTIONS, words
from landscape_gui.problem.exported.steps import Step

ITEM_BYTES = 16
"""Of the widest number that there is."""
_SAME = (
    ELEMENTWISE
    | REDUCTIONS
    | words("""
_softmax _log_softmax alpha_dropout dropout feature_alpha_dropout feature_dropout native_dropout
clone contiguous copy detach fill flip roll tril triu to zero _to_copy alias lift_fresh_copy type_as
""")
)
"""What gives a number for each of its operands' together, at most."""
_JOINED = words("cat concat concatenate stack hstack vstack dstack column_stack row_stack block_diag")
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def ceiling(step: Step, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> float:
    """Bytes that a step gives at most; infinite where its sizes alone do not say so."""
    tensors = list(tensors_of([*arguments, dict(keywords)]))
    if isinstance(step.function, nn.Module):
        return ITEM_BYTES * _of_layer(step.function, tensors)
    name = step.operator.removeprefix("torch.ops.aten.").partition(".")[0]
    rule = _RULES.get(name) or (
        _together if name in _SAME or name.rstrip("_") in _SAME else _joined if name in _JOINED else _product
    )
    try:
        return ITEM_BYTES * rule(tensors, arguments)
    except (IndexError, RuntimeError, ZeroDivisionError):
        return math.inf  # the operation itself will say what is wrong


def _of_layer(layer: nn.Module, tensors: Sequence[Tensor]) -> float:
    count = max((tensor.numel() for tensor in tensors), default=0)
    if isinstance(layer, _NORMS):
        return count
    if isinstance(layer, nn.Linear):
        return count * layer.out_features / max(1, layer.in_features)
    return count * layer.embedding_dim if isinstance(layer, nn.Embedding) else math.inf


def _together(tensors: Sequence[Tensor], arguments: Sequence[Any]) -> float:
    shape = torch.broadcast_shapes(*(tensor.shape for tensor in tensors))  # type: ignore[no-untyped-call]
    return 2 * math.prod(shape) if tensors else math.inf


def _separately(tensors: Sequence[Tensor], arguments: Sequence[Any]) -> float:
    """Of operands of other shapes: weights of a normalisation along a dimension that is not the last."""
    return 2 * max(tensor.numel() for tensor in tensors)


def _joined(tensors: Sequence[Tensor], arguments: Sequence[Any]) -> float:
    return sum(tensor.numel() for tensor in tensors)


def _attention(tensors: Sequence[Tensor], arguments: Sequence[Any]) -> float:
    query, key, value = tensors[:3]
    rows = query.numel() / query.shape[-1]
    return rows * (3 * key.shape[-2] + value.shape[-1])


def _added(tensors: Sequence[Tensor], arguments: Sequence[Any]) -> float:
    """addmm: rows of the second operand by columns of the third."""
    return tensors[1].shape[0] * tensors[2].shape[1] + tensors[0].numel()


def _product(tensors: Sequence[Tensor], arguments: Sequence[Any]) -> float:
    """The two largest operands multiplied out, and all sizes given besides."""
    counts = sorted((max(1, tensor.numel()) for tensor in tensors), reverse=True)
    return math.prod(counts[:2]) * math.prod(float(abs(number)) for number in _numbers(arguments) if abs(number) > 1)


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)


_RULES: Mapping[str, Callable[[Sequence[Tensor], Sequence[Any]], float]] = {
    "addmm": _added,
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(
        words("batch_norm group_norm instance_norm layer_norm native_group_norm native_layer_norm rms_norm"), _separately
    ),
    "_native_batch_norm_legit_no_training": _separately,
}
