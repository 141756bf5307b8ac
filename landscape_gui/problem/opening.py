"""Open a checkpoint: where its architecture, data and loss come from, and whether they make a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from landscape_gui.checkpoint import Checkpoint, read_checkpoint
from landscape_gui.core.losses import loss_head
from landscape_gui.core.splits import Split, call
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem import card as cards
from landscape_gui.problem import families, fitting, your_code
from landscape_gui.problem.assembly import Found, Network, about_checkpoint, assemble
from landscape_gui.problem.card import Card
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.datasets import load_data
from landscape_gui.problem.families import Architecture
from landscape_gui.problem.judges import choose_judges, default_loss
from landscape_gui.problem.locate import find_beside, find_checkpoint, find_code
from landscape_gui.problem.problem import Problem, draw
from landscape_gui.problem.settings import choose_device, prepare_torch
from landscape_gui.problem.your_code import YourCode

TRIED = 512


def open_problem(
    path: str | Path,
    *,
    code: str | None = None,
    trusted: Callable[[str], bool] | None = None,
    data: str | None = None,
    architecture: str | None = None,
    normalise: Any = None,
    device: str = "auto",
    threads: int = 1,
) -> Problem:
    """The problem of a checkpoint: a file, a folder (its run's last checkpoint), or "samples:NAME".

    The network comes from `code` or `architecture` where given, else from the card (landscape.json) beside the file, else from
    a landscape.py beside it or up to two folders above what was opened, else from the built-in family whose shapes fit. Data:
    `data` (with `normalise`), else the card's, else the landscape.py's. architecture: "mlp", or with options
    "resnet:shortcut=none,eps=1e-3". Reads the checkpoint and the data once, and runs the network on two examples. Raises
    CheckpointError, ProblemError, or TrustNeeded before code runs.
    """
    prepare_torch(threads)
    where = choose_device(device)
    file, run = find_checkpoint(path)
    beside = find_beside(file, cards.NAME)
    card = cards.read_card(beside) if beside is not None else Card()
    near = None if card.architecture else find_code(file, your_code.NAME, path)
    yours = _code(near, code, architecture, trusted)
    checkpoint = read_checkpoint(file)
    own = _own_network(checkpoint, yours) if yours is not None and architecture is None else None
    found = _data(checkpoint, card, yours, data, normalise, architecture)
    network = own or _built_in(checkpoint, card, architecture, found)
    judges = choose_judges(network.module, found.splits[0], card.loss, yours)
    source = yours.source.digest if yours is not None else ""
    return Problem(assemble(Found(checkpoint, run, card, found, network, judges, source), where, threads))


def describe(path: str | Path) -> dict[str, Any]:
    """What a file is, without its data: checkpoint, parameters, and which built-in families fit or why they do not."""
    file, _ = find_checkpoint(path)
    checkpoint = read_checkpoint(file)
    matches = families.match(fitting.shapes_of(checkpoint.tensors))
    return {
        "checkpoint": about_checkpoint(checkpoint),
        "numbers": sum(t.numel() for t in checkpoint.tensors.values()),
        "fits": [candidate.sentence for candidate in matches.candidates],
        "misfits": dict(matches.misfits),
    }


def _code(near: Path | None, code: str | None, architecture: str | None, trusted: Callable[[str], bool] | None) -> YourCode | None:
    """The landscape.py that counts: the one named; else the one near the file, unless a flag says the architecture."""
    if code is not None:
        place = Path(code).expanduser()
        if not place.is_file():
            raise ProblemError(f"There is no {place}.", remedy="Give --code the path of a landscape.py.")
        return your_code.load_code(place, trusted)
    if near is None or architecture is not None:
        return None
    return your_code.load_code(near, trusted)


def _data(
    checkpoint: Checkpoint, card: Card, yours: YourCode | None, data: str | None, normalise: Any, architecture: str | None
) -> Data:
    if data is not None:
        return load_data(Path(data).expanduser(), normalise=normalise or card.data.get("normalise"), size=card.data.get("size"))
    if card.data_path is not None:
        loaded = load_data(card.data_path, normalise=normalise or card.data.get("normalise"), size=card.data.get("size"))
        about = {k: card.data[k] for k in ("name", "licence", "source") if k in card.data}
        return Data(loaded.splits, loaded.digest, {**about, **loaded.about}, loaded.notes)
    if yours is not None and yours.has_data:
        return yours.read_data()
    raise ProblemError(
        f"{checkpoint.path} has no data to compute a loss on. It holds {_guess(checkpoint, card, architecture)}.",
        remedy=f"Name the data with --data PATH (.npz, MNIST's idx files, images by class), in a card ({cards.NAME}) beside it, "
        f"or in a {your_code.NAME} with model() and data().",
    )


def _guess(checkpoint: Checkpoint, card: Card, architecture: str | None) -> str:
    numbers = sum(t.numel() for t in checkpoint.tensors.values())
    shapes = fitting.shapes_of(checkpoint.tensors)
    try:
        options = _options(architecture) or card.architecture
        candidates: Sequence[Architecture] = families.from_card(options, shapes) if options else families.match(shapes).candidates
    except ProblemError:
        candidates = ()
    kind = f": {candidates[0].sentence}" if candidates else ", of no built-in architecture"
    return f"{len(checkpoint.tensors)} tensors, {numbers:,} numbers{kind}"


def _options(architecture: str | None) -> dict[str, Any]:
    """ "resnet:shortcut=none,eps=1e-3" as {"family": "resnet", "shortcut": "none", "eps": 0.001}."""
    if not architecture:
        return {}
    family, _, rest = architecture.partition(":")
    options: dict[str, Any] = {"family": family.strip().lower()}
    for part in filter(None, rest.split(",")):
        key, _, text = part.partition("=")
        try:
            options[key.strip()] = json.loads(text)
        except ValueError:
            options[key.strip()] = text.strip()
    return options


def _own_network(checkpoint: Checkpoint, yours: YourCode) -> Network:
    module = yours.make_model()
    notes = fitting.load(module, checkpoint.tensors, f"model() of {yours.path}")
    return Network(module, type(module).__name__, {"code": yours.source.digest}, notes)


def _built_in(checkpoint: Checkpoint, card: Card, architecture: str | None, data: Data) -> Network:
    options = _options(architecture)
    shapes = fitting.shapes_of(checkpoint.tensors)
    if options or card.architecture:
        return _likeliest(families.from_card(options or card.architecture, shapes, data.example), checkpoint, data)
    matches = families.match(shapes, data.example)
    if not matches.candidates:
        raise ProblemError(
            f"{checkpoint.path} fits no built-in architecture. {matches.sentence}",
            remedy=f"Write a {your_code.NAME} beside it: ten lines, see docs/landscape_py.md.",
        )
    return _likeliest(matches.candidates, checkpoint, data)


def _likeliest(candidates: Sequence[Architecture], checkpoint: Checkpoint, data: Data) -> Network:
    """The candidate with the lowest loss on a few examples: files of different networks look the same."""
    networks = []
    for candidate in candidates:
        module = candidate.build()
        notes = fitting.load(module, checkpoint.tensors, candidate.sentence)
        networks.append(Network(module, candidate.sentence, candidate.config, (*notes, *candidate.assumptions)))
    if len(networks) == 1:
        return networks[0]
    best = min(networks, key=lambda network: _loss_on_few(network.module, data.splits[0]))
    note = f"{len(networks)} architectures fit the tensors; this one has the lowest loss on {TRIED} examples."
    return Network(best.module, best.name, best.config, (*best.notes, note))


def _loss_on_few(module: nn.Module, split: Split) -> float:
    few = draw(split, TRIED, 0)
    try:
        with torch.inference_mode():
            output = call(module, few.inputs)
            rows = loss_head(default_loss(few.targets), output, few.targets).function(output, few.targets)
    except (RuntimeError, LandscapeError):
        return float("inf")
    value = float((rows[0] if isinstance(rows, tuple) else rows).double().mean())
    return value if value == value else float("inf")
