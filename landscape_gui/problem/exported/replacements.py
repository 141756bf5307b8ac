"""Operators that another function stands in for: one that can be differentiated twice and mapped over, that checks its
arguments, or that tracing knows by name. Each takes what the operator takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from landscape_gui.core.weight_norm import normalise


def _size(tensor: Any, dim: int) -> Any:
    return tensor.size(dim)


def _stride(tensor: Any, dim: int) -> Any:
    return tensor.stride(dim)


def _numel(tensor: Any) -> Any:
    return tensor.numel()


def _empty(size: Sequence[int], *, memory_format: Any = None, **options: Any) -> Tensor:
    """Zeros: what was in that memory before must not decide anything."""
    return torch.zeros(size, **options)


def _new_empty(tensor: Tensor, size: Sequence[int], **options: Any) -> Tensor:
    return tensor.new_zeros(size, **options)


def _empty_like(tensor: Tensor, *, memory_format: Any = None, **options: Any) -> Tensor:
    return torch.zeros_like(tensor, **options)


def _soft(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, dim, half_to_float=False: function(x, dim)


def _layer_norm(x: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> tuple[Any, ...]:
    return F.layer_norm(x, list(shape), weight, bias, eps), None, None


def _group_norm(x: Tensor, weight: Any, bias: Any, n: int, c: int, hw: int, group: int, eps: float) -> tuple[Any, ...]:
    return F.group_norm(x, group, weight, bias, eps), None, None


def _batch_norm(x: Tensor, weight: Any, bias: Any, mean: Tensor, var: Tensor, momentum: float, eps: float) -> tuple[Any, ...]:
    return F.batch_norm(x, mean, var, weight, bias, False, momentum, eps), None, None


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Any, ...]:
    return _attended(query, key, value, attn_mask, is_causal, scale), None


def _math_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    dropout_mask: Tensor | None = None,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Any, ...]:
    return F.scaled_dot_product_attention(query, key, value, attn_mask, 0.0, is_causal, scale=scale, enable_gqa=enable_gqa), None


def _attended(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float | None) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, mask, 0.0, causal, scale=scale)


def _dropout(x: Tensor, p: float, train: bool | None) -> tuple[Any, ...]:
    return x, None


def _index(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    return torch.ops.aten.index.Tensor(x, indices)  # type: ignore[no-any-return]


def _recurrent(function: Callable[..., Any], gates: int) -> Callable[..., Any]:
    """The operator after the checks that nn.LSTM makes: torch's own code reads past states of too few examples."""

    def run(x: Tensor, hx: Any, params: Sequence[Tensor], biased: bool, layers: int, *rest: Any) -> Any:
        _, _, both, first = rest
        states = list(hx) if isinstance(hx, (list, tuple)) else [hx]
        each = len(params) // max(1, layers * (2 if both else 1))
        sizes = [params[1].shape[1], params[1].shape[0] // gates][: len(states)]
        rows = [tuple(state.shape) for state in states]
        wanted = [(layers * (2 if both else 1), x.shape[0 if first else 1], size) for size in sizes]
        groups = [params[start : start + each] for start in range(0, len(params), max(1, each))]
        uneven = [g for g in groups if len(g) != each or len({p.shape[0] for p in g[: 4 if biased else 2]}) != 1]
        if x.dim() != 3 or rows != wanted or uneven or params[0].shape[1] != x.shape[2]:
            raise RuntimeError(f"states of {rows} do not fit an input of {tuple(x.shape)}: {wanted} were expected")
        return function(x, hx, params, biased, layers, *rest)

    return run


def _weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    return normalise(g, v, dim)


def _weight_norm_interface(v: Tensor, g: Tensor, dim: int = 0) -> tuple[Any, ...]:
    return normalise(g, v, dim), None


def _embedding(weight: Tensor, indices: Tensor, padding_idx: int = -1, by_frequency: bool = False, sparse: bool = False) -> Tensor:
    return F.embedding(indices, weight, None if padding_idx == -1 else padding_idx)


REPLACEMENTS: Mapping[str, Callable[..., Any]] = {
    "aten.sym_size.int": _size,
    "aten.sym_stride.int": _stride,
    "aten.sym_numel.default": _numel,
    "aten.relu.default": torch.relu,
    "aten.relu_.default": torch.relu_,
    "aten.gelu.default": F.gelu,
    "aten.add.Tensor": torch.add,
    "aten.max_pool2d.default": F.max_pool2d,
    "aten.empty.memory_format": _empty,
    "aten.new_empty.default": _new_empty,
    "aten.empty_like.default": _empty_like,
    "aten._softmax.default": _soft(torch.softmax),
    "aten._log_softmax.default": _soft(torch.log_softmax),
    "aten._unsafe_view.default": torch.reshape,
    "aten._unsafe_index.Tensor": _index,
    "aten.embedding.default": _embedding,
    "aten.lstm.input": _recurrent(torch.ops.aten.lstm.input, 4),
    "aten.gru.input": _recurrent(torch.ops.aten.gru.input, 3),
    "aten.rnn_tanh.input": _recurrent(torch.ops.aten.rnn_tanh.input, 1),
    "aten.rnn_relu.input": _recurrent(torch.ops.aten.rnn_relu.input, 1),
    "aten._weight_norm.default": _weight_norm,
    "aten._weight_norm_interface.default": _weight_norm_interface,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.native_group_norm.default": _group_norm,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten.native_dropout.default": _dropout,
    "aten._adaptive_avg_pool2d.default": F.adaptive_avg_pool2d,
    "aten._adaptive_avg_pool3d.default": F.adaptive_avg_pool3d,
    "aten._scaled_dot_product_flash_attention_for_cpu.default": _attention,
    "aten._scaled_dot_product_attention_math.default": _math_attention,
}
