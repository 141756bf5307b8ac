"""A network's operations as a graph, and small rewritings of it that change no value: what runs sooner or in place."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from landscape_gui.core.pooling import fast_max_pool, is_plain_pool, maximum_of_windows

MAX_POOL = F.max_pool2d
RELUS = (F.relu, torch.relu, torch.relu_)
ADDITIONS = (operator.add, operator.iadd, torch.add)
FRESH = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm)
"""Modules whose output is a tensor of its own, so that what comes next may write into it."""


_TRACING = threading.Lock()
"""fx replaces nn.Module.__call__ in the whole process while it traces; two at once would not put it back."""


class _Tracer(fx.Tracer):
    """Records the calls of its own thread; networks that other threads run meanwhile run as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def trace(module: nn.Module) -> fx.GraphModule | None:
    """The network as a graph that shares its modules; None where its way depends on values, on what fx does not know, or on hooks
    of the whole, which a graph would leave out."""
    if _hooked(module):
        return None
    try:
        with _TRACING:
            tracer = _Tracer()
            graph = tracer.trace(module)
        return fx.GraphModule(tracer.root, graph, type(module).__name__)
    except Exception:  # whatever a forward pass does when it is run on symbols; the untraced module serves
        return None


def is_relu(node: fx.Node, graph: fx.GraphModule) -> bool:
    if node.op == "call_module":
        return type(graph.get_submodule(str(node.target))) is nn.ReLU and not _hooked(graph.get_submodule(str(node.target)))
    if node.op == "call_method":
        return node.target in ("relu", "relu_")
    return node.op == "call_function" and node.target in RELUS


def only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def quicken(graph: fx.GraphModule, windowed: Collection[str] = ()) -> dict[str, Any]:
    """Pool before ReLU instead of after, ReLU in place where its input is read by nobody else, max-pools by strided maxima.

    windowed: names of convolutions that can give a pool's windows side by side. Where only such a pool reads one, the pool becomes
    a maximum over dimension 0; returns these convolutions' names with the size of the windows.
    """
    for node in list(graph.graph.nodes):
        after = only_user(node)
        if after is not None and is_relu(node, graph) and pool_window(after, graph) is not None:
            _swap(graph, node, after)
    taken = {name: size for name in windowed if (size := _take_windows(graph, name)) is not None}
    for node in list(graph.graph.nodes):
        if node.op == "call_function" and node.target is MAX_POOL:
            node.target = fast_max_pool
        _write_in_place(node, graph)
    graph.graph.lint()
    graph.recompile()
    return taken


def _write_in_place(node: fx.Node, graph: fx.GraphModule) -> None:
    """Let ReLU, GELU or a sum write into an input that nobody else reads."""
    function: Callable[..., Any] | None = None
    inputs = node.args
    if is_relu(node, graph) and _fresh(node.args[0], graph):
        function, inputs = torch.relu_, node.args[:1]
    elif _is_gelu(node, graph) and _fresh(node.args[0], graph):
        function, inputs = torch.ops.aten.gelu_, node.args[:1]
    elif node.op == "call_function" and node.target in ADDITIONS and len(node.args) == 2 and not node.kwargs:
        own = [n for n in node.args if _fresh(n, graph)]
        other = [n for n in node.args if n is not own[0]] if own else []
        function, inputs = (add_into, (own[0], other[0])) if other else (None, ())
    if function is not None:
        with graph.graph.inserting_before(node):
            new = graph.graph.call_function(function, inputs)
        node.replace_all_uses_with(new)
        graph.graph.erase_node(node)


def add_into(own: Any, other: Any) -> Any:
    """own + other, written into `own` where the sum is of its shape and type."""
    if isinstance(other, Tensor) and own.shape == other.shape and own.dtype == other.dtype:
        return own.add_(other)
    return own + other


def _is_gelu(node: fx.Node, graph: fx.GraphModule) -> bool:
    if node.op == "call_module":
        part = graph.get_submodule(str(node.target))
        return type(part) is nn.GELU and part.approximate == "none" and not _hooked(part)
    return node.op == "call_function" and node.target is F.gelu and len(node.args) == 1 and not node.kwargs


def pool_window(node: fx.Node, graph: fx.GraphModule) -> dict[str, Any] | None:
    """The arguments of a 2-D max-pool without dilation, ceil_mode or indices; None for anything else."""
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    if node.op == "call_module":
        part = graph.get_submodule(str(node.target))
        if type(part) is not nn.MaxPool2d or _hooked(part):
            return None
        window = {name: getattr(part, name) for name in names}
    elif node.op == "call_function" and node.target is MAX_POOL:
        window = {"stride": None, "padding": 0, **dict(zip(names, node.args[1:], strict=False)), **node.kwargs}
        window.pop("input", None)
    else:
        return None
    return window if node.args and is_plain_pool(**window) else None


def _hooked(part: nn.Module) -> bool:
    return bool(part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part))


def _swap(graph: fx.GraphModule, relu: fx.Node, pool: fx.Node) -> None:
    """relu, pool -> pool, relu. Both orders give the same bits: ReLU is monotonic and NaN passes through either."""
    before = relu.args[0]
    pool.replace_all_uses_with(relu)
    pool.args = (before, *pool.args[1:])
    relu.args = (pool, *relu.args[1:])
    pool.append(relu)


def _fresh(node: Any, graph: fx.GraphModule) -> bool:
    """Whether a value belongs to nobody but its only reader."""
    if not isinstance(node, fx.Node) or len(node.users) != 1:
        return False
    if node.op == "call_module":
        part = graph.get_submodule(str(node.target))
        return type(part) in (*FRESH, nn.MaxPool2d) and not _hooked(part)
    return node.op == "call_function" and node.target in (
        fast_max_pool,
        maximum_of_windows,
        add_into,
        operator.add,
        torch.add,
    )


def _take_windows(graph: fx.GraphModule, name: str) -> Any:
    nodes = [n for n in graph.graph.nodes if n.op == "call_module" and n.target == name]
    pool = only_user(nodes[0]) if len(nodes) == 1 else None
    window = None if pool is None else pool_window(pool, graph)
    if pool is None or window is None or window["padding"] not in (0, (0, 0)):
        return None
    if window["stride"] not in (None, window["kernel_size"]):
        return None
    with graph.graph.inserting_before(pool):
        new = graph.graph.call_function(maximum_of_windows, (nodes[0],))
    pool.replace_all_uses_with(new)
    graph.graph.erase_node(pool)
    return window["kernel_size"]
