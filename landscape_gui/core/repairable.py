"""Which layers of a network can take up a correction of their statistics, and what keeps the others from it."""

from __future__ import annotations

import math
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
FORWARDS = {kind.forward for kind in (nn.Linear, *CONVOLUTIONS)}


@dataclass(frozen=True)
class Layer:
    """A Linear or a convolution. channel: the dimension of its output, from the end, that its units lie along; weight, bias: the
    tensors that scale and shift its output (bias: "" where there is none)."""

    name: str
    channel: int
    weight: str
    bias: str
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
    asked = set(names)
    wanted = {name: part for name, part in module.named_modules() if name in asked and isinstance(part, (nn.Linear, *CONVOLUTIONS))}
    seen = _run(module, wanted, sample)
    held = {segment.name: segment.shape for segment in layout.segments}
    layers: dict[str, Layer] = {}
    left: dict[str, list[str]] = {}
    for name, part in wanted.items():
        if name in seen.normalised:
            continue
        layer = _layer(name, part, held)
        if reason := _reason(module, part, layer, seen):
            left.setdefault(reason, []).append(name)
        else:
            layers[name] = layer
    notes = [f"Not repaired, {reason}: {', '.join(those)}." for reason, those in left.items()]
    if unbiased := [name for name, layer in layers.items() if not layer.bias]:
        notes.append(f"Without a bias, so that deviations are repaired and means are not: {', '.join(unbiased)}.")
    return layers, tuple(notes)


def normalised_layers(module: nn.Module, sample: Any) -> set[str]:
    """The names of modules with parameters whose output goes, as it is, into a normalisation with running statistics."""
    parts = {name: part for name, part in module.named_modules() if any(True for _ in part.parameters(recurse=False))}
    return _run(module, parts, sample).normalised


def _layer(name: str, part: nn.Module, held: Mapping[str, tuple[int, ...]]) -> Layer:
    bias = f"{name}.bias" if f"{name}.bias" in held else ""
    dimensions = 0 if isinstance(part, nn.Linear) else len(part.kernel_size)  # type: ignore[arg-type]
    groups = 1 if isinstance(part, nn.Linear) else int(part.groups)  # type: ignore[arg-type]
    return Layer(name, -1 - dimensions, _scaling(name, part, held), bias, isinstance(part, TRANSPOSED), groups)


def _scaling(name: str, part: nn.Module, held: Mapping[str, tuple[int, ...]]) -> str:
    """The tensor whose rows scale a layer's outputs: its weight, or the magnitude of a weight norm; "" where there is none."""
    if f"{name}.weight" in held:
        return f"{name}.weight"
    parametrizations = getattr(part, "parametrizations", {})
    normed = "weight" in parametrizations and [type(p).__name__ for p in parametrizations["weight"]] == ["_WeightNorm"]
    magnitude = f"{name}.parametrizations.weight.original0" if normed else f"{name}.weight_g"
    by_unit = magnitude in held and math.prod(held[magnitude]) == held[magnitude][0] > 1 and not isinstance(part, TRANSPOSED)
    return magnitude if by_unit else ""


def _reason(module: nn.Module, part: nn.Module, layer: Layer, seen: _Seen) -> str:
    """What keeps a layer from taking up a correction; "" where nothing does."""
    count = seen.calls.get(layer.name, 0)
    if _shared(module, part):
        return "as it shares its weight with another layer"
    if not layer.weight:
        return "as its weight is computed from others"
    if part._forward_hooks or type(part).forward not in FORWARDS:
        return "as it does more than its kind"
    if count != 1:
        return "as its weight is used without calling it" if not count else f"as it is called {count} times in a pass"
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
