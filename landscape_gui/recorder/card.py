"""The card of a recorded run, landscape.json: what opens the folder as it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.weights import private_copy
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem.card import NAME, read_card
from landscape_gui.problem.families import ACTIVATIONS, FAMILIES, Architecture, from_card, match
from landscape_gui.recorder.files import write_whole

MARK = "_written_by"
WRITER = "landscape_gui.recorder"
TRIED = 4
"""Inputs on which a built-in network must give what the one that is trained gives."""
SAME = 1e-4
"""Largest difference between the two, relative: some hundred roundings of a deep network."""


class Card:
    """Keeps a folder's landscape.json up to date; one that the caller wrote is left as it is."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.entries: dict[str, Any] = {}
        self.foreign = self.path.exists() and not is_ours(self.path)
        if self.path.exists() and not self.foreign:
            self.entries = json.loads(self.path.read_text(encoding="utf-8"))

    def describe(self, **entries: Any) -> None:
        """Set entries; those that are mappings are merged. What is empty changes nothing. Raises RecorderError for a wrong kind."""
        for name, value in entries.items():
            if not value:
                continue
            value = {"file": str(value)} if name == "data" and isinstance(value, (str, Path)) else value
            known = self.entries.get(name)
            self.entries[name] = {**known, **value} if isinstance(known, Mapping) and isinstance(value, Mapping) else value

    def content(self) -> bytes:
        """The card's text."""
        return (json.dumps({MARK: WRITER, **self.entries}, indent=2, ensure_ascii=False) + "\n").encode()

    def write(self) -> None:
        """Write it. Raises OSError, and ProblemError where what was described is no card."""
        if self.foreign:
            return
        write_whole(self.path, self.content())
        read_card(self.path)


def is_ours(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get(MARK) == WRITER


def architecture_of(module: nn.Module, example: Tensor | None = None) -> dict[str, Any]:
    """The card's entry for a network that a built-in family can stand for; {} where none gives the same outputs.

    example: inputs, one a row; without them a network of Linear layers alone is tried on random ones.
    """
    try:
        return _architecture_of(module, example)
    except (
        LandscapeError,
        RuntimeError,
        TypeError,
        ValueError,
        AttributeError,
    ):  # a network of the caller's own may raise anything
        return {}


def _architecture_of(module: nn.Module, example: Tensor | None) -> dict[str, Any]:
    state = module.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    inputs = _inputs(shapes, example)
    if inputs is None:
        return {}
    matches = match(shapes, tuple(inputs.shape[1:]))
    if not matches.candidates:
        return {}
    family = matches.candidates[0].family
    with torch.inference_mode():
        wanted = private_copy(module).cpu().float()(inputs)
    for name in _activations(module):
        options = {"family": family, **({"activation": name} if "activation" in FAMILIES[family].OPTIONS else {})}
        for candidate in _candidates(options, shapes, inputs):
            if _agrees(candidate, state, inputs, wanted):
                return _entry(candidate)
    return {}


def _candidates(options: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], inputs: Tensor) -> tuple[Architecture, ...]:
    try:
        return from_card(options, shapes, tuple(inputs.shape[1:]))
    except ProblemError:
        return ()


def _entry(candidate: Architecture) -> dict[str, Any]:
    known = FAMILIES[candidate.family].OPTIONS
    return {"family": candidate.family, **{k: v for k, v in candidate.config.items() if k in known and k != "family"}}


def _inputs(shapes: Mapping[str, tuple[int, ...]], example: Tensor | None) -> Tensor | None:
    if example is not None:
        return example[:TRIED].detach().cpu().float() if example.is_floating_point() else None
    matrices = [shape for shape in shapes.values() if len(shape) > 1]
    if not matrices or any(len(shape) != 2 for shape in matrices):
        return None
    return torch.randn(TRIED, matrices[0][1], generator=torch.Generator().manual_seed(0))


def _activations(module: nn.Module) -> list[str]:
    """Names of the activations to try: those among the network's layers, else the usual ones."""
    kinds = {kind: name for name, kind in ACTIVATIONS.items()}
    found = [kinds[type(part)] for part in module.modules() if type(part) in kinds]
    return list(dict.fromkeys(found)) or ["relu", "tanh", "gelu", "sigmoid", "silu", "elu", "identity"]


def _agrees(candidate: Architecture, state: Mapping[str, Tensor], inputs: Tensor, wanted: Tensor) -> bool:
    built = candidate.build().eval()
    built.load_state_dict({name: tensor.detach().cpu() for name, tensor in state.items()})
    with torch.inference_mode():
        given = built(inputs)
    return given.shape == wanted.shape and bool((given - wanted).abs().max() <= SAME * (wanted.abs().max() + 1e-12))
