"""The operators of torch that a TorchScript program may use: the list of exported programs, by names without overloads.

Some are another function of torch's: one that can be differentiated twice and mapped over, that checks its arguments, or that
tracing knows by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx

from landscape_gui.checkpoint.limits import shown
from landscape_gui.problem.exported.operators import LISTED, RANDOM, words
from landscape_gui.problem.exported.replacements import REPLACEMENTS
from landscape_gui.problem.scripted.library import refuse
from landscape_gui.problem.scripted.numbers import ALWAYS, DTYPES, PLAIN, is_tensor

_MORE = words("nonzero_numpy pdist")
_FLOATING = words("bartlett_window blackman_window empty eye fft_fftfreq fft_rfftfreq hamming_window hann_window linspace logspace")
_FLOATING |= words("ones zeros")
MAKERS = _FLOATING | words("arange as_tensor full scalar_tensor tensor tril_indices triu_indices")
"""What makes a tensor out of nothing."""
OPTIONS = words("dtype layout device pin_memory memory_format non_blocking requires_grad")


def _convolution(x: Tensor, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, moved: bool, *rest: Any) -> Any:
    out, groups = rest[:2]
    rank = len(stride)
    if moved:
        function: Any = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
        return function(x, w, b, stride, padding, out, groups, dilation)
    return (F.conv1d, F.conv2d, F.conv3d)[rank - 1](x, w, b, stride, padding, dilation, groups)


def _batch_norm(x: Tensor, w: Any, b: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float, *_: Any) -> Tensor:
    return F.batch_norm(x, mean, var, w, b, training, momentum, eps)


def _layer_norm(x: Tensor, shape: Sequence[int], w: Any = None, b: Any = None, eps: float = 1e-5, *_: Any) -> Tensor:
    return F.layer_norm(x, list(shape), w, b, eps)


def _group_norm(x: Tensor, groups: int, w: Any = None, b: Any = None, eps: float = 1e-5, *_: Any) -> Tensor:
    return F.group_norm(x, groups, w, b, eps)


def _softmax(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim, dtype=None: function(x, dim, dtype=dtype)


def _max_pool2d(x: Tensor, size: Any, stride: Any = None, *rest: Any) -> Any:
    return F.max_pool2d(x, size, stride or None, *rest)


def _add(a: Any, b: Any, *, alpha: Any = 1) -> Any:
    return torch.add(a, b) if alpha == 1 else torch.add(a, b, alpha=alpha)


def _tensor(value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return torch.tensor(value, dtype=dtype, device=device)


def _as_tensor(value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return torch.as_tensor(value, dtype=dtype, device=device)


def _size(x: Tensor, dim: int | None = None) -> Any:
    return list(x.shape) if dim is None and isinstance(x, Tensor) else x.shape if dim is None else x.size(dim)


def _length(x: Any) -> Any:
    return x.tracer.create_proxy("call_function", len, (x,), {}) if isinstance(x, fx.Proxy) else len(x)


def _stride(x: Tensor, dim: int | None = None) -> Any:
    return list(x.stride()) if dim is None else x.stride(dim)


def _same(x: Any, *_: Any, **__: Any) -> Any:
    return x


def _index(x: Tensor, indices: Sequence[Tensor | None]) -> Any:
    return torch.ops.aten.index(x, indices)


_OWN: Mapping[str, Callable[..., Any]] = {
    "_convolution": _convolution,
    "_convolution_mode": lambda x, w, b, s, p, d, g: (F.conv1d, F.conv2d, F.conv3d)[len(s) - 1](x, w, b, s, p, d, g),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "softmax": _softmax(torch.softmax),
    "log_softmax": _softmax(torch.log_softmax),
    "linear": F.linear,
    "conv1d": F.conv1d,
    "conv2d": F.conv2d,
    "conv3d": F.conv3d,
    "relu": torch.relu,
    "relu_": torch.relu_,
    "gelu": F.gelu,
    "add": _add,
    "max_pool2d": _max_pool2d,
    "embedding": REPLACEMENTS["aten.embedding.default"],
    "lstm": REPLACEMENTS["aten.lstm.input"],
    "gru": REPLACEMENTS["aten.gru.input"],
    "rnn_tanh": REPLACEMENTS["aten.rnn_tanh.input"],
    "rnn_relu": REPLACEMENTS["aten.rnn_relu.input"],
    "_weight_norm": REPLACEMENTS["aten._weight_norm.default"],
    "empty": REPLACEMENTS["aten.empty.memory_format"],
    "new_empty": REPLACEMENTS["aten.new_empty.default"],
    "empty_like": REPLACEMENTS["aten.empty_like.default"],
    "tensor": _tensor,
    "as_tensor": _as_tensor,
    "index": _index,
}
_LOOKS: Mapping[str, Callable[..., Any]] = {
    "size": _size,
    "stride": _stride,
    "dim": lambda x: x.dim(),
    "len": _length,
    "numel": lambda x: x.numel(),
    "is_floating_point": lambda x: x.is_floating_point(),
    "is_complex": lambda x: x.is_complex(),
    "requires_grad_": _same,
    "cpu": _same,
    "cuda": _same,
    "is_contiguous": lambda x, *_: True,
    "Int": int,
    "Float": float,
    "Bool": bool,
    "IntImplicit": int,
    "FloatImplicit": float,
    "ScalarImplicit": lambda x: x.item(),
}
"""What only looks at a tensor."""

_PRIM: Mapping[str, Callable[..., Any]] = {
    "NumToTensor": torch.tensor,
    "dtype": lambda x: x.dtype,
    "device": lambda x: x.device,
    "type": lambda place: place.type,
    "layout": lambda x: None,
    "is_cuda": lambda x: x.is_cuda,
    "is_cpu": lambda x: x.device.type == "cpu",
    "is_quantized": lambda x: False,
    "is_sparse": lambda x: False,
    "is_nested": lambda x: False,
    "is_meta": lambda x: False,
    "requires_grad": lambda x: True,  # what is chosen where none does has no derivatives (fused attention)
    "shape": _size,
    "ndim": lambda x: x.dim(),
    "data": lambda x: x.detach(),
    "T": lambda x: x.t(),
    "mT": lambda x: x.mT,
    "min": lambda *a: min(*a),
    "max": lambda *a: max(*a),
    "abs": abs,
    "unchecked_cast": _same,
    "TupleIndex": lambda items, at: items[at],
    "tolist": lambda x: x.tolist(),
    "itemsize": lambda x: x.itemsize,
}


def find_function(space: str, name: str) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
    """What a name stands for where no argument is a tensor, and where one is (or nothing stands in). Raises ProblemError: it is on
    no list."""
    if space == "prim" and name in _PRIM:
        return _PRIM[name], None
    if space == "aten" and name in ALWAYS:
        return ALWAYS[name], None
    if space == "aten" and name in _LOOKS:
        return _LOOKS[name], None
    plain = PLAIN.get(name) if space == "aten" else None
    operator = _operator(name) if space == "aten" else None
    if plain is None and operator is None:
        raise _refusal(space, name)
    return plain, operator


def is_listed(space: str, name: str) -> bool:
    """Whether a program may call it."""
    looked = name in _PRIM if space == "prim" else name in ALWAYS or name in _LOOKS or name in PLAIN or _operator(name) is not None
    return space in ("aten", "prim") and looked


def _operator(name: str) -> Callable[..., Any] | None:
    if name in _OWN:
        return _OWN[name]
    base = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    if base not in LISTED and base not in _MORE:
        return None
    found: Callable[..., Any] | None = getattr(torch.ops.aten, name, None)
    return found


def with_tensors(arguments: Sequence[Any], keywords: Mapping[str, Any]) -> bool:
    """Whether torch's own operator is meant: one of the arguments is a tensor, or a list of them, or it makes one."""
    given = [*arguments, *keywords.values()]
    nested = any(isinstance(item, (list, tuple)) and any(map(is_tensor, item)) for item in given)
    return bool(OPTIONS & keywords.keys()) or any(map(is_tensor, given)) or nested


def adapted(name: str, arguments: list[Any], keywords: dict[str, Any], own: torch.dtype, place: torch.device) -> None:
    """Put the network's type of numbers and its device, in place, where the program says those that it was made with, or where what
    makes a tensor out of nothing says none."""
    if name in MAKERS and keywords.get("dtype") is None and (name in _FLOATING or _is_floating(arguments)):
        keywords["dtype"] = own
    if keywords.get("dtype") is not None:
        keywords["dtype"] = _followed(keywords["dtype"], own)
    if "device" in keywords or name in MAKERS:
        keywords["device"] = place
    for key in ("layout", "pin_memory"):
        keywords.pop(key, None)
    if name in ("to", "softmax", "log_softmax", "_to_copy"):
        for at, value in enumerate(arguments[1:], 1):
            if isinstance(value, torch.device):
                arguments[at] = place
            elif type(value) is int and (name == "to" or at == 2):
                arguments[at] = _followed(value, own)
                break


def _is_floating(values: Sequence[Any]) -> bool:
    """Whether a number in the list, however nested, is a floating-point one."""
    return any(_is_floating(value) if isinstance(value, (list, tuple)) else isinstance(value, float) for value in values)


def _followed(value: Any, own: torch.dtype) -> Any:
    meant = DTYPES[value] if isinstance(value, int) and 0 <= value < len(DTYPES) else value
    return own if isinstance(meant, torch.dtype) and meant.is_floating_point else meant


def _refusal(space: str, name: str) -> Exception:
    what = f"uses the operator {shown(f'{space}::{name}')}"
    base = name.rstrip("_").removesuffix("_like")
    if space == "aten" and base in RANDOM:
        return refuse(
            f"{what}, which draws random numbers: the loss would not be a function of the weights",
            "Save the network in evaluation mode (model.eval()) and without noise of its own.",
        )
    if space not in ("aten", "prim"):
        return refuse(
            f"{what}, which is no part of torch and is not run",
            "Write that part with torch's own functions, or open the network's state_dict with a landscape.py.",
        )
    return refuse(f"{what}, which is not on the list of those that are run")
