"""BatchNorm that does not move, folded into the convolution before it; ReLU and a residual sum done by the convolution itself.

The network is traced once; what cannot be traced, or has nothing to fold, is left to the other paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from landscape_gui.core.tracing import ADDITIONS, is_relu, quicken, trace


@dataclass(frozen=True)
class FoldedPair:
    """A convolution and the BatchNorm after it, by name, and the node that stands for both."""

    convolution: str
    normalisation: str
    module: FoldedConvolution


class FoldedConvolution(nn.Module):
    """conv(x, weight) + bias, then perhaps + residual, then perhaps ReLU. weight and bias are set from outside."""

    def __init__(self, convolution: nn.Conv2d, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.activation = "none"
        self.overwrites = False
        self.weight_view: Tensor | None = None
        self.bias_view: Tensor | None = None
        self._window = (convolution.padding, convolution.stride, convolution.dilation, convolution.groups)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        padding, stride, dilation, groups = self._window
        if self.fused and (residual is None or self.overwrites):
            options = (self.weight_view, self.bias_view, padding, stride, dilation, groups)
            if residual is None:
                pointwise = torch.ops.mkldnn._convolution_pointwise
                return pointwise(x, *options, self.activation, [], "")  # type: ignore[no-any-return]
            binary = torch.ops.mkldnn._convolution_pointwise_.binary
            return binary(residual, x, *options, "add", 1.0, self.activation, [], "")  # type: ignore[no-any-return]
        y = F.conv2d(x, self.weight_view, self.bias_view, stride, padding, dilation, groups)  # type: ignore[arg-type]
        if residual is not None:
            y.add_(residual)
        return y.relu_() if self.activation == "relu" else y


def fold(module: nn.Module, *, fused: bool) -> tuple[fx.GraphModule, list[FoldedPair]] | None:
    """A traced network whose conv-BatchNorm pairs are FoldedConvolutions, and these; None where there is nothing to fold.

    fused: use oneDNN's convolutions with ReLU and sum inside (CPU, float32). The module is shared, not copied.
    """
    if not any(type(part) is nn.BatchNorm2d for part in module.modules()):
        return None
    traced = trace(module)
    if traced is None:
        return None
    parts = dict(traced.named_modules())
    calls = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    pairs: list[FoldedPair] = []
    for node in list(traced.graph.nodes):
        after = _pair(node, parts, calls)
        if after is not None:
            pairs.append(_replace(traced, node, after, parts, fused=fused))
    if not pairs:
        return None
    _absorb_activations(traced)
    _absorb_residuals(traced)
    quicken(traced)
    return traced, pairs


def batchnorm_pairs(module: nn.Module) -> list[tuple[str, str]]:
    """Names (convolution, BatchNorm) of what feeds what alone, each used once; nothing where the network cannot be traced."""
    traced = trace(module) if any(type(part) is nn.BatchNorm2d for part in module.modules()) else None
    if traced is None:
        return []
    parts = dict(traced.named_modules())
    calls = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    found = [(node, _pair(node, parts, calls)) for node in traced.graph.nodes]
    return [(str(node.target), str(after.target)) for node, after in found if after is not None]


def _pair(node: fx.Node, parts: Mapping[str, nn.Module], calls: Sequence[Any]) -> fx.Node | None:
    """The BatchNorm node that a plain convolution feeds alone."""
    if node.op != "call_module" or len(node.users) != 1 or len(node.args) != 1:
        return None
    after = next(iter(node.users))
    convolution = parts[str(node.target)]
    if type(convolution) is not nn.Conv2d or after.op != "call_module" or convolution.padding_mode != "zeros":
        return None
    norm = parts[str(after.target)]
    once = calls.count(node.target) == 1 and calls.count(after.target) == 1
    plain = not any(p._forward_hooks or p._forward_pre_hooks or "forward" in vars(p) for p in (convolution, norm))
    tracked = type(norm) is nn.BatchNorm2d and norm.track_running_stats and norm.running_mean is not None
    return after if once and plain and tracked and not isinstance(convolution.padding, str) else None


def _replace(traced: fx.GraphModule, node: fx.Node, after: fx.Node, parts: Mapping[str, Any], *, fused: bool) -> FoldedPair:
    name = f"folded_{str(node.target).replace('.', '_')}"
    folded = FoldedConvolution(parts[str(node.target)], fused=fused)
    traced.add_submodule(name, folded)
    with traced.graph.inserting_before(node):
        new = traced.graph.call_module(name, (node.args[0],))
    new.meta["folded"] = folded
    after.replace_all_uses_with(new)
    traced.graph.erase_node(after)
    traced.graph.erase_node(node)
    return FoldedPair(str(node.target), str(after.target), folded)


def _absorb_residuals(traced: fx.GraphModule) -> None:
    """relu(folded(x) + r) becomes one call. r is overwritten where it is a convolution's own output that nobody reads later."""
    for node in list(traced.graph.nodes):
        adds = node.op == "call_function" and node.target in ADDITIONS
        if not adds or len(node.users) != 1 or len(node.args) != 2 or node.kwargs:
            continue
        relu = next(iter(node.users))
        if not is_relu(relu, traced):
            continue
        for own, residual in (node.args, node.args[::-1]):
            if isinstance(own, fx.Node) and isinstance(residual, fx.Node) and _bare(own):
                _absorb_residual(traced, node, relu, own, residual)
                break


def _bare(node: fx.Node) -> bool:
    """Whether this is a folded convolution without activation that one node reads."""
    return "folded" in node.meta and node.meta["folded"].activation == "none" and len(node.users) == 1


def _absorb_residual(traced: fx.GraphModule, node: fx.Node, relu: fx.Node, own: fx.Node, residual: fx.Node) -> None:
    folded: FoldedConvolution = own.meta["folded"]
    order = {n: i for i, n in enumerate(traced.graph.nodes)}
    read_later = any(order[user] > order[node] for user in residual.users)
    folded.activation, folded.overwrites = "relu", "folded" in residual.meta and not read_later
    with traced.graph.inserting_before(node):
        new = traced.graph.call_module(str(own.target), (own.args[0], residual))
    new.meta["folded"] = folded
    relu.replace_all_uses_with(new)
    for dead in (relu, node, own):
        traced.graph.erase_node(dead)


def _absorb_activations(traced: fx.GraphModule) -> None:
    """relu(folded(x)) becomes one call."""
    for node in list(traced.graph.nodes):
        if not _bare(node):
            continue
        relu = next(iter(node.users))
        if is_relu(relu, traced):
            node.meta["folded"].activation = "relu"
            relu.replace_all_uses_with(node)
            traced.graph.erase_node(relu)


def fold_tensors(
    state: Mapping[str, Tensor], steps: Sequence[Mapping[str, Tensor]], pair: FoldedPair, epsilon: float
) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases of a pair with its BatchNorm folded in: at the origin, and along each axis, where BatchNorm stays.

    state: every tensor at the origin; steps: along each axis those that move.
    """
    c, b = pair.convolution, pair.normalisation
    variance, mean = state[f"{b}.running_var"].double(), state[f"{b}.running_mean"].double()
    scale = torch.rsqrt(variance + epsilon)
    if f"{b}.weight" in state:
        scale = scale * state[f"{b}.weight"].double()
    shift = state[f"{b}.bias"].double() if f"{b}.bias" in state else torch.zeros_like(mean)
    weight = state[f"{c}.weight"]
    bias = state[f"{c}.bias"].double() if f"{c}.bias" in state else torch.zeros_like(mean)
    weights, biases = [_scaled(weight, scale)], [(shift + (bias - mean) * scale).to(weight.dtype)]
    for step in steps:
        weights.append(_scaled(step[f"{c}.weight"], scale) if f"{c}.weight" in step else torch.zeros_like(weight))
        moved = step[f"{c}.bias"].double() * scale if f"{c}.bias" in step else torch.zeros_like(mean)
        biases.append(moved.to(weight.dtype))
    return weights, biases


def _scaled(weight: Tensor, scale: Tensor) -> Tensor:
    return (weight.double() * scale.view(-1, 1, 1, 1)).to(weight.dtype)
