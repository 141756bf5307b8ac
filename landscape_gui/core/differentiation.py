"""Rows of a loss with their graph, and flat vectors of derivatives."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from landscape_gui.core.forward import full_precision
from landscape_gui.core.losses import CROSS_ENTROPY, LossHead
from landscape_gui.core.softmax import differentiable_cross_entropy
from landscape_gui.core.splits import Chunk, call
from landscape_gui.errors import ProblemError

ONLY_ONCE = "torch::autograd::Error"
"""The name of the node by which torch marks what must not be differentiated again."""


@contextlib.contextmanager
def differentiating() -> Iterator[None]:
    """What derivatives of any order need: gradients on, attention by the math kernel, no fused fast path, full precision."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.inference_mode(False), torch.enable_grad(), full_precision(), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def rows_of(head: LossHead, module: nn.Module, chunk: Chunk) -> tuple[Tensor, float]:
    """What a chunk adds to the sum over rows: values whose sum it is, and the weight that it adds."""
    if head.kind == "batch":
        return values_of(head.function(module, chunk.inputs), chunk.examples)
    return judged(head, call(module, chunk.inputs), chunk)


def judged(head: LossHead, output: Any, chunk: Chunk) -> tuple[Tensor, float]:
    """As `rows_of`, for the network's output on the chunk."""
    if head is CROSS_ENTROPY and isinstance(output, Tensor) and output.requires_grad:
        rows = differentiable_cross_entropy(output, chunk.targets)
        if rows is not None:
            return rows, float(rows.numel())
    values, weight = values_of(head.function(output, chunk.targets), chunk.examples)
    if isinstance(output, Tensor) and output.requires_grad and not values.requires_grad:
        raise ProblemError(
            "The loss has no derivative with respect to the network's output, so that it has no curvature to ask about.",
            remedy="Look for detach(), item(), argmax or torch.no_grad() in the loss.",
        )
    return values, weight


def values_of(value: Any, examples: int) -> tuple[Tensor, float]:
    """A head's answer for so many examples as values to be summed, and their weight; a mean counts for all examples."""
    values, weights = value if isinstance(value, tuple) else (value, None)
    if not isinstance(values, Tensor):
        raise ProblemError(f"The loss of a batch is a {type(values).__name__}, not a tensor.")
    if values.numel() == 1 and examples != 1:
        return values.reshape(1) * examples, float(examples)
    weight = float(values.numel()) if weights is None else float(weights.sum(dtype=torch.float64))
    return values.reshape(-1), weight


def parameters_of(module: nn.Module, names: Sequence[str]) -> list[nn.Parameter]:
    """A module's parameters of these names, which alone require a gradient from now on."""
    own = dict(module.named_parameters())
    module.requires_grad_(False)
    for name in names:
        own[name].requires_grad_(True)
    return [own[name] for name in names]


def write(leaves: Sequence[Tensor], vector: Tensor) -> None:
    """Put a flat vector into tensors, in place."""
    with torch.no_grad():
        for leaf, part in zip(leaves, pieces(vector, leaves), strict=True):
            leaf.copy_(part)


def pieces(vector: Tensor, shaped: Sequence[Tensor]) -> list[Tensor]:
    """Views of a flat vector of the shapes of these tensors."""
    starts = itertools.accumulate((tensor.numel() for tensor in shaped), initial=0)
    return [vector[start : start + t.numel()].view(t.shape) for start, t in zip(starts, shaped, strict=False)]


def refuse_single_derivatives(gradients: Iterable[Tensor | None]) -> None:
    """Raise ProblemError where a step of these gradients cannot be differentiated: torch leaves it out of a second derivative
    without a word, so that the Hessian would be wrong and not even symmetric."""
    left = [tensor.grad_fn for tensor in gradients if tensor is not None and tensor.grad_fn is not None]
    seen: set[Any] = set(left)
    while left:
        node = left.pop()
        if node.name() == ONLY_ONCE:
            raise ProblemError(
                "A part of the network or of its loss can be differentiated only once (@once_differentiable), so that its "
                "curvature is not known.",
                remedy="Write that part with torch's own functions, or its backward so that it can be differentiated.",
            )
        found = {function for function, _ in node.next_functions if function is not None} - seen
        seen |= found
        left.extend(found)


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one after the other, a copy without gradients."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def gradient_of(
    values: Sequence[Tensor], leaves: Sequence[Tensor], along: Sequence[Tensor] | None = None, *, retain: bool = False
) -> Tensor:
    """The flat vector-Jacobian product of values with respect to leaves; zero where a leaf takes no part."""
    pairs = [(v, None if along is None else along[i]) for i, v in enumerate(values) if v.requires_grad]
    if not pairs:
        return torch.zeros(sum(leaf.numel() for leaf in leaves), dtype=leaves[0].dtype, device=leaves[0].device)
    outputs, directions = [v for v, _ in pairs], None if along is None else [d for _, d in pairs]
    found = torch.autograd.grad(outputs, leaves, directions, retain_graph=retain, allow_unused=True)
    zeros = [torch.zeros_like(leaf) if part is None else part for part, leaf in zip(found, leaves, strict=True)]
    return flatten(zeros)
