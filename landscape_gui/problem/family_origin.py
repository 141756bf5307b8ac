"""A built-in family: the one that a flag or the card names, or whichever the tensors' shapes fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from landscape_gui.checkpoint import Checkpoint
from landscape_gui.checkpoint.exported import FORMAT
from landscape_gui.checkpoint.torch_zip import SCRIPT
from landscape_gui.core.losses import loss_head
from landscape_gui.core.splits import Split, call
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem import families, fitting, your_code
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.card import Card
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.families import Architecture
from landscape_gui.problem.judges import default_loss
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.problem import draw

TRIED = 512


class FamilyOrigin(Origin):
    """A network that is built in; it claims whatever no other origin does."""

    def __init__(self, request: Request) -> None:
        self.request = request

    def network(self, data: Data) -> Network:
        checkpoint, card = self.request.checkpoint, self.request.card
        options = options_of(self.request.architecture)
        shapes = fitting.shapes_of(checkpoint.tensors)
        if options or card.architecture:
            return likeliest(families.from_card(options or card.architecture, shapes, data.example), checkpoint, data)
        matches = families.match(shapes, data.example)
        if not matches.candidates:
            raise ProblemError(
                f"{checkpoint.path} fits no built-in architecture. {matches.sentence}",
                remedy=f"Write a {your_code.NAME} beside it: ten lines, see docs/landscape_py.md.",
            )
        return likeliest(matches.candidates, checkpoint, data)


def family_origin(request: Request) -> Origin | None:
    return FamilyOrigin(request)


def options_of(architecture: str | None) -> dict[str, Any]:
    """ "resnet:shortcut=none,eps=1e-3" as {"family": "resnet", "shortcut": "none", "eps": 0.001}; a JSON object, as a card has it,
    as it is."""
    if not architecture:
        return {}
    if architecture.lstrip().startswith("{"):
        return object_in(architecture)
    family, _, rest = architecture.partition(":")
    options: dict[str, Any] = {"family": family.strip().lower()}
    for part in filter(None, rest.split(",")):
        key, _, text = part.partition("=")
        try:
            options[key.strip()] = json.loads(text)
        except ValueError:
            options[key.strip()] = text.strip()
    return options


def object_in(text: str) -> dict[str, Any]:
    """A card's architecture, written as JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProblemError(f"The architecture {text[:80]} is no JSON: {error}.", remedy='Write {"family": "mlp", ...}.') from error
    assert isinstance(found, dict)
    return found


def guess(checkpoint: Checkpoint, card: Card, architecture: str | None) -> str:
    """ "8 tensors, 3,658 numbers: CNN, ..." for a sentence about a file of which no loss can be computed."""
    numbers = sum(t.numel() for t in checkpoint.tensors.values())
    shapes = fitting.shapes_of(checkpoint.tensors)
    try:
        options = options_of(architecture) or card.architecture
        candidates: Sequence[Architecture] = families.from_card(options, shapes) if options else families.match(shapes).candidates
    except ProblemError:
        candidates = ()
    named = bool(architecture or card.architecture)
    if checkpoint.format == FORMAT and not named:
        kind = ": an exported program with its network"
    elif checkpoint.format.startswith(SCRIPT) and not named:
        kind = ": a TorchScript program with its network"
    else:
        kind = f": {candidates[0].sentence}" if candidates else ", of no built-in architecture"
    return f"{len(checkpoint.tensors)} tensors, {numbers:,} numbers{kind}"


def likeliest(candidates: Sequence[Architecture], checkpoint: Checkpoint, data: Data) -> Network:
    """The candidate with the lowest loss on a few examples: files of different networks look the same."""
    networks = []
    for candidate in candidates:
        module = candidate.build()
        notes = fitting.load(module, checkpoint.tensors, candidate.sentence)
        networks.append(Network(module, candidate.sentence, candidate.config, (*notes, *candidate.assumptions)))
    if len(networks) == 1:
        return networks[0]
    best = min(networks, key=lambda network: loss_on_few(network.module, data.splits[0]))
    note = f"{len(networks)} architectures fit the tensors; this one has the lowest loss on {TRIED} examples."
    return Network(best.module, best.name, best.config, (*best.notes, note))


def loss_on_few(module: nn.Module, split: Split) -> float:
    """The mean loss on a few examples; infinite where the network cannot take them."""
    few = draw(split, TRIED, 0)
    try:
        with torch.inference_mode():
            output = call(module, few.inputs)
            rows = loss_head(default_loss(few.targets), output, few.targets).function(output, few.targets)
    except (RuntimeError, LandscapeError):
        return float("inf")
    value = float((rows[0] if isinstance(rows, tuple) else rows).double().mean())
    return value if value == value else float("inf")
