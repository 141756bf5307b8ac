"""Residual networks for small images (He et al. 2016, section 4.2): any depth and width, with and without shortcuts or BatchNorm.

Fits the usual namings: `conv1, bn1, layer1.0.conv1, ..., linear` with `shortcut` (kuangliu, tomgoldstein, akamaster) and
`... fc` with `downsample` (torchvision, whose 7 x 7 stem is recognised).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from landscape_gui.problem.families.architecture import Architecture, Misfit, Shapes, with_channel

fx.wrap("with_channel")

FAMILY = "resnet"
OPTIONS = frozenset({"family", "shortcut", "eps", "depth", "width"})
SHORTCUTS = {
    "B": "1 x 1 convolutions where the shape changes",
    "A": "zero-padded shortcuts",
    "A-end": "shortcuts padded at the end",
    "none": "no shortcuts",
}
BLOCK = re.compile(r"layer(\d+)\.(\d+)\.(.+)")


@dataclass(frozen=True)
class Plan:
    """blocks and widths: one a stage; convolutions: 2 (basic) or 3 (bottleneck) a block; inner: width inside a block.

    shortcut: "A" (identity, subsampled, zeros on both sides of the channels), "A-end" (zeros after them), "B" (1 x 1
    convolution), "none". projected: blocks (stage, block) that have a 1 x 1 convolution. norm, bias: of the convolutions.
    """

    channels: int
    classes: int
    stem: int
    stem_kernel: int
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    inner: tuple[int, ...]
    convolutions: int
    shortcut: str
    projected: tuple[tuple[int, int], ...]
    norm: bool
    bias: bool
    eps: float = 1e-5
    projection: str = "shortcut"
    projection_norm: bool = True
    head: str = "linear"
    head_bias: bool = True

    @property
    def depth(self) -> int:
        return sum(self.blocks) * self.convolutions + 2


class Block(nn.Module):
    """x -> act(F(x) + shortcut(x)), F two 3 x 3 convolutions or a bottleneck of three, each with BatchNorm where there is one."""

    def __init__(self, plan: Plan, inputs: int, stage: int, number: int) -> None:
        super().__init__()
        outputs, inner = plan.widths[stage], plan.inner[stage]
        self.stride = 2 if stage > 0 and number == 0 else 1
        self.convolutions, self.kind = plan.convolutions, plan.shortcut
        self.extra = outputs - inputs
        sizes = [inputs, *[inner] * (plan.convolutions - 1), outputs]
        strided = 0 if plan.convolutions == 2 else 1
        for i in range(plan.convolutions):
            kernel = 3 if plan.convolutions == 2 or i == 1 else 1
            stride = self.stride if i == strided else 1
            self.add_module(f"conv{i + 1}", nn.Conv2d(sizes[i], sizes[i + 1], kernel, stride, kernel // 2, bias=plan.bias))
            if plan.norm:
                self.add_module(f"bn{i + 1}", nn.BatchNorm2d(sizes[i + 1], eps=plan.eps))
        self.projection = ""
        if (stage, number) in plan.projected:
            self.projection = plan.projection
            parts: list[nn.Module] = [nn.Conv2d(inputs, outputs, 1, self.stride, bias=plan.bias)]
            parts += [nn.BatchNorm2d(outputs, eps=plan.eps)] if plan.projection_norm else []
            self.add_module(plan.projection, nn.Sequential(*parts))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for i in range(1, self.convolutions + 1):
            y = self._modules[f"conv{i}"](y)  # type: ignore[misc]
            if f"bn{i}" in self._modules:
                y = self._modules[f"bn{i}"](y)  # type: ignore[misc]
            if i < self.convolutions:
                y = functional.relu(y)
        return functional.relu(y if self.kind == "none" else y + self.shorten(x))

    def shorten(self, x: Tensor) -> Tensor:
        if self.projection:
            return cast(Tensor, self.get_submodule(self.projection)(x))
        if self.stride == 2:
            x = x[:, :, ::2, ::2]
        if self.extra:
            before = self.extra // 2 if self.kind == "A" else 0
            x = functional.pad(x, (0, 0, 0, 0, before, self.extra - before))
        return x


class ResNet(nn.Module):
    """Stem, stages of blocks (the first block of each but the first stage halves the image), mean over the image, Linear."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        large = plan.stem_kernel > 3
        self.norm, self.large, self.head = plan.norm, large, plan.head
        padding = plan.stem_kernel // 2
        self.conv1 = nn.Conv2d(plan.channels, plan.stem, plan.stem_kernel, 2 if large else 1, padding, bias=plan.bias)
        if plan.norm:
            self.bn1 = nn.BatchNorm2d(plan.stem, eps=plan.eps)
        if large:
            self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = plan.stem
        self.stages = len(plan.blocks)
        for stage, count in enumerate(plan.blocks):
            blocks = []
            for number in range(count):
                blocks.append(Block(plan, inputs, stage, number))
                inputs = plan.widths[stage]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.add_module(plan.head, nn.Linear(inputs, plan.classes, bias=plan.head_bias))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(with_channel(x, 2))
        x = functional.relu(self.bn1(x) if self.norm else x)
        if self.large:
            x = self.maxpool(x)
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        return cast(Tensor, self.get_submodule(self.head)(torch.flatten(x, 2).mean(2)))


def create(depth: int, width: int = 16, *, channels: int = 3, classes: int = 10, shortcut: str = "A", norm: bool = True) -> ResNet:
    """A fresh CIFAR ResNet of depth 6 n + 2 with stages of width w, 2 w, 4 w."""
    if (depth - 2) % 6:
        raise Misfit(f"The depth is {depth}; it must be 6 n + 2.")
    widths = (width, 2 * width, 4 * width)
    projected = ((1, 0), (2, 0)) if shortcut == "B" else ()
    return ResNet(
        Plan(channels, classes, width, 3, ((depth - 2) // 6,) * 3, widths, widths, 2, shortcut, projected, norm, not norm)
    )


def match(shapes: Shapes, options: Mapping[str, Any], example: tuple[int, ...] | None = None) -> list[Architecture]:
    """The ResNets whose tensors these are: several where files look the same (no shortcuts, or shortcuts without weights).

    options: `shortcut` ("A", "A-end", "B", "none"), `eps` of BatchNorm, `depth` and `width` to insist on. Raises Misfit.
    """
    plan = _read(shapes, float(options.get("eps", 1e-5)))
    for word, value in (("depth", plan.depth), ("width", plan.widths[0])):
        if word in options and options[word] != value:
            raise Misfit(f"the {word} read off the tensors is {value}; {options[word]} was expected")
    if example is not None and (len(example) not in (2, 3) or (example[0] if len(example) == 3 else 1) != plan.channels):
        raise Misfit(f"tensor 'conv1.weight' takes images of {plan.channels} channels; the data's examples have shape {example}")
    wanted = options.get("shortcut")
    if wanted is not None and wanted not in SHORTCUTS:
        raise Misfit(f"The shortcut is {wanted!r}; it must be one of {', '.join(SHORTCUTS)}.")
    if plan.projected and wanted not in (None, "B"):
        raise Misfit(
            f"tensor 'layer{plan.projected[0][0] + 1}.0.{plan.projection}.0.weight' was not expected without 1 x 1 shortcuts"
        )
    kinds = [wanted] if wanted else ["B"] if plan.projected else ["A", "none", "A-end"]
    return [_architecture(plan, kind, guessed=wanted is None and len(kinds) > 1) for kind in kinds]


def _architecture(plan: Plan, shortcut: str, *, guessed: bool) -> Architecture:
    plan = Plan(**{**asdict(plan), "shortcut": shortcut})
    norm = "BatchNorm" if plan.norm else "no BatchNorm"
    sentence = f"ResNet-{plan.depth}, widths {'-'.join(map(str, plan.widths))}, {norm}, {SHORTCUTS[shortcut]}"
    guess = ("Shortcuts without weights are not in the file; which kind there is, is guessed.",) if guessed else ()
    config = {"family": FAMILY, **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(plan).items()}}
    return Architecture(FAMILY, sentence, config, lambda: ResNet(plan), guess)


def _read(shapes: Shapes, eps: float) -> Plan:
    """The plan that the tensors' names and shapes tell, every shape checked later against the module that it builds."""
    stages = _stages(shapes)
    stem = shapes.get("conv1.weight", ())
    if len(stem) != 4:
        raise Misfit(f"tensor 'conv1.weight' {'is missing' if not stem else f'has shape {stem}'}; a 2-D convolution was expected")
    head = next((name for name in ("linear", "fc", "classifier", "output") if f"{name}.weight" in shapes), "")
    if not head:
        raise Misfit("there is no Linear layer called linear or fc")
    convolutions = max(k for k in (2, 3) if f"layer1.0.conv{k}.weight" in shapes or k == 2)
    projections = [
        (s, b, name)
        for s, blocks in enumerate(stages)
        for b in range(blocks)
        for name in ("shortcut", "downsample")
        if _key(s, b, f"{name}.0.weight") in shapes
    ]
    name = projections[0][2] if projections else "shortcut"
    outputs = [_shape(shapes, _key(s, 0, f"conv{convolutions}.weight"))[0] for s in range(len(stages))]
    inner = [_shape(shapes, _key(s, 0, "conv1.weight"))[0] for s in range(len(stages))]
    return Plan(
        channels=stem[1],
        classes=shapes[f"{head}.weight"][0],
        stem=stem[0],
        stem_kernel=stem[2],
        blocks=tuple(stages),
        widths=tuple(outputs),
        inner=tuple(inner),
        convolutions=convolutions,
        shortcut="B" if projections else "A",
        projected=tuple((s, b) for s, b, _ in projections),
        norm="bn1.weight" in shapes,
        bias="conv1.bias" in shapes,
        eps=eps,
        projection=name,
        projection_norm=any(f".{name}.1.weight" in key for key in shapes),
        head=head,
        head_bias=f"{head}.bias" in shapes,
    )


def _stages(shapes: Shapes) -> Sequence[int]:
    """Blocks in each stage."""
    found: dict[int, set[int]] = {}
    for key in shapes:
        if (m := BLOCK.fullmatch(key)) is not None:
            found.setdefault(int(m[1]), set()).add(int(m[2]))
    if not found:
        raise Misfit("there are no residual blocks (tensors called layer1.0.conv1.weight and so on)")
    if sorted(found) != list(range(1, len(found) + 1)) or any(sorted(b) != list(range(len(b))) for b in found.values()):
        raise Misfit("the stages layer1, layer2, ... or their blocks are not numbered without gaps")
    return [len(found[stage]) for stage in sorted(found)]


def _key(stage: int, block: int, rest: str) -> str:
    return f"layer{stage + 1}.{block}.{rest}"


def _shape(shapes: Shapes, key: str) -> tuple[int, ...]:
    if len(shapes.get(key, ())) != 4:
        raise Misfit(f"tensor {key!r} is missing or no 2-D convolution")
    return shapes[key]
