"""Which layers of a network can take up a correction of their statistics, and what keeps the others from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.batchnorm import moving_norms
from landscape_gui.core.splits import call, map_tensors
from landscape_gui.core.vector import Layout

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)


@dataclass(frozen=True)
class Layer:
    """A Linear or a convolution. channel: the dimension of its output, from the end, that its units lie along."""

    name: str
    channel: int
    bias: bool
    transposed: bool = False
    groups: int = 1


@dataclass
class _Seen:
    """How one run went: how often each layer was called, and whose output went into a normalisation as it was."""

    calls: dict[str, int] = field(default_factory=dict)
    outputs: dict[int, tuple[str, Tensor]] = field(default_factory=dict)
    normalised: set[str] = field(default_factory=set)

    def called(self, name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, out: Any) -> None:
            self.calls[name] = self.calls.get(name, 0) + 1
            if isinstance(out, Tensor):
                self.outputs[id(out)] = name, out

        return hook

    def normalising(self, _module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs and id(inputs[0]) in self.outputs:
            self.normalised.add(self.outputs[id(inputs[0])][0])


def choose(module: nn.Module, layout: Layout, names: Sequence[str], sample: Any) -> tuple[dict[str, Layer], tuple[str, ...]]:
    """Those of the layers named that can take up a correction, in the order in which they are named, and sentences about others.

    Layers whose output goes into a normalisation with running statistics need none and are left out without a word; so are
    normalisations and embeddings. sample: a few inputs; one forward pass of these.
    """
    own = dict(module.named_modules())
    wanted = {name: part for name in names if isinstance(part := own[name], (nn.Linear, *CONVOLUTIONS))}
    seen = _run(module, wanted, sample)
    held = {segment.name for segment in layout.segments}
    layers: dict[str, Layer] = {}
    notes: list[str] = []
    for name, part in wanted.items():
        if name in seen.normalised:
            continue
        reason = _reason(name, seen, held, _shared(module, part))
        if reason:
            notes.append(f"{name} is not repaired: {reason}.")
            continue
        layers[name] = _layer(name, part)
        if not layers[name].bias:
            notes.append(f"{name} has no bias: its deviations are repaired, its means are not.")
    return layers, tuple(notes)


def normalised_layers(module: nn.Module, sample: Any) -> set[str]:
    """The names of modules with parameters whose output goes, as it is, into a normalisation with running statistics."""
    parts = {name: part for name, part in module.named_modules() if any(True for _ in part.parameters(recurse=False))}
    return _run(module, parts, sample).normalised


def _layer(name: str, part: nn.Module) -> Layer:
    bias = getattr(part, "bias", None) is not None
    if isinstance(part, nn.Linear):
        return Layer(name, -1, bias)
    dimensions = len(part.kernel_size)  # type: ignore[arg-type]
    return Layer(name, -1 - dimensions, bias, isinstance(part, TRANSPOSED), int(part.groups))  # type: ignore[arg-type]


def _reason(name: str, seen: _Seen, held: set[str], shared: bool) -> str:
    count = seen.calls.get(name, 0)
    if f"{name}.weight" not in held:
        return "its weight is computed from others"
    if shared:
        return "it shares its weight with another layer"
    if count != 1:
        return "its weight is used without calling it" if not count else f"it is called {count} times in a pass"
    return ""


def _shared(module: nn.Module, part: nn.Module) -> bool:
    weights = {id(p) for p in part.parameters(recurse=False)}
    return any(other is not part and weights & {id(p) for p in other.parameters(recurse=False)} for other in module.modules())


def _run(module: nn.Module, layers: Mapping[str, nn.Module], sample: Any) -> _Seen:
    seen = _Seen()
    handles = [part.register_forward_hook(seen.called(name)) for name, part in layers.items()]
    handles += [norm.register_forward_pre_hook(seen.normalising) for norm in moving_norms(module)]
    place = next(module.parameters())
    try:
        with torch.no_grad():
            call(module, map_tensors(sample, lambda t: t.to(place.device)))
    finally:
        for handle in handles:
            handle.remove()
    return seen
