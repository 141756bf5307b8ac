"""Open a checkpoint: where its architecture, data and loss come from, and whether they make a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import xxhash
from torch import Tensor, nn

from landscape_gui.checkpoint import Checkpoint, read_checkpoint
from landscape_gui.core.losses import ACCURACY, BINARY_ACCURACY, LossHead, Metric, batch_head, loss_head
from landscape_gui.core.splits import Split, call, cut, length_of, map_tensors
from landscape_gui.core.vector import Layout
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem import card as cards
from landscape_gui.problem import families, fitting, your_code
from landscape_gui.problem.card import Card
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.datasets import load_data
from landscape_gui.problem.families import Architecture
from landscape_gui.problem.locate import find_beside, find_checkpoint
from landscape_gui.problem.problem import Parts, Problem, draw
from landscape_gui.problem.settings import choose_device, prepare_torch
from landscape_gui.problem.your_code import YourCode
from landscape_gui.run import Run

TRIED = 512


@dataclass(frozen=True)
class Network:
    """A module with the checkpoint's weights loaded. config: what decides what it computes; name: in a sentence."""

    module: nn.Module
    name: str
    config: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())


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
    a landscape.py beside it, else from the built-in family whose shapes fit. Data: `data` (with `normalise`), else the card's,
    else the landscape.py's. architecture: "mlp", or with options "resnet:shortcut=none,eps=1e-3". Reads the checkpoint and the
    data once, and runs the network on two examples. Raises CheckpointError, ProblemError, or TrustNeeded before code runs.
    """
    prepare_torch(threads)
    where = choose_device(device)
    file, run = find_checkpoint(path)
    beside = find_beside(file, cards.NAME)
    card = cards.read_card(beside) if beside is not None else Card()
    yours = _code(file, card, code, architecture, trusted)
    checkpoint = read_checkpoint(file)
    own = _own_network(checkpoint, yours) if yours is not None and architecture is None else None
    found = _data(checkpoint, card, yours, data, normalise, architecture)
    network = own or _built_in(checkpoint, card, architecture, found)
    head, metrics, classes = _judges(network.module, found.splits[0], card, yours)
    return Problem(_assemble(checkpoint, run, card, found, network, head, metrics, classes, where, threads))


def describe(path: str | Path) -> dict[str, Any]:
    """What a file is, without its data: checkpoint, parameters, and which built-in families fit or why they do not."""
    file, _ = find_checkpoint(path)
    checkpoint = read_checkpoint(file)
    matches = families.match(fitting.shapes_of(checkpoint.tensors))
    return {
        "checkpoint": _about_checkpoint(checkpoint),
        "numbers": sum(t.numel() for t in checkpoint.tensors.values()),
        "fits": [candidate.sentence for candidate in matches.candidates],
        "misfits": dict(matches.misfits),
    }


def _code(
    file: Path, card: Card, code: str | None, architecture: str | None, trusted: Callable[[str], bool] | None
) -> YourCode | None:
    """The landscape.py that counts: the one named; else the one beside, unless a card or flag says the architecture."""
    if code is not None:
        place = Path(code).expanduser()
        if not place.is_file():
            raise ProblemError(f"There is no {place}.", remedy="Give --code the path of a landscape.py.")
        return your_code.load_code(place, trusted)
    beside = find_beside(file, your_code.NAME)
    if beside is None or architecture is not None or card.architecture:
        return None
    return your_code.load_code(beside, trusted)


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
            rows = loss_head(_default_loss(few.targets), output, few.targets).function(output, few.targets)
    except (RuntimeError, LandscapeError):
        return float("inf")
    value = float((rows[0] if isinstance(rows, tuple) else rows).double().mean())
    return value if value == value else float("inf")


def _default_loss(targets: Any) -> str:
    return "mse" if isinstance(targets, Tensor) and targets.is_floating_point() else "cross_entropy"


def _judges(module: nn.Module, split: Split, card: Card, yours: YourCode | None) -> tuple[LossHead, dict[str, Metric], int | None]:
    """The loss and metrics, tried on two examples. Raises ProblemError where forward or loss raise, with their own words."""
    batch = _first(split)
    if yours is not None and yours.batch_loss is not None:
        head = batch_head(yours.batch_loss)
        value = _attempt(lambda: head.function(module, batch), "batch_loss")
        if not isinstance(value, Tensor):
            raise ProblemError(f"batch_loss returned a {type(value).__name__}; a tensor was expected.")
        return head, {}, None
    inputs, targets = (
        batch if split.streams else (map_tensors(split.inputs, lambda t: t[:2]), map_tensors(split.targets, lambda t: t[:2]))
    )
    output = _attempt(lambda: call(module, inputs), f"The network's forward pass on inputs of shape {_shapes(inputs)}")
    loss = (yours.loss if yours is not None else None) or card.loss or _default_loss(targets)
    head = loss_head(loss, output, targets)
    _attempt(
        lambda: head.function(output, targets), f"The loss {head.name} of outputs {_shapes(output)} and targets {_shapes(targets)}"
    )
    if yours is not None and yours.metrics:
        return head, {name: Metric(name, function) for name, function in yours.metrics.items()}, _classes(head, output)
    metric = {"cross_entropy": ACCURACY, "binary_cross_entropy": BINARY_ACCURACY}.get(head.name)
    return head, {} if metric is None else {metric.name: metric}, _classes(head, output)


def _first(split: Split) -> Any:
    """Two examples as a batch: of data that stream, of their first batch."""
    if not split.streams:
        return map_tensors(split.inputs, lambda t: t[:2])
    batch = next(iter(split.inputs))
    return cut(batch, 0, 2, length_of(batch))


def _attempt(function: Callable[[], Any], what: str) -> Any:
    try:
        with torch.inference_mode():
            return function()
    except LandscapeError:
        raise
    except Exception as error:  # a network of the user's own may raise anything
        raise ProblemError(
            f"{what} raises {type(error).__name__}: {error}", remedy="Do the data have the shape that the network expects?"
        ) from error


def _shapes(tree: Any) -> Any:
    return tuple(tree.shape) if isinstance(tree, Tensor) else map_tensors(tree, lambda t: tuple(t.shape))  # type: ignore[arg-type,return-value]


def _classes(head: LossHead, output: Any) -> int | None:
    if not isinstance(output, Tensor) or output.ndim < 2:
        return None
    return int(output.shape[1]) if head.name == "cross_entropy" else 2 if head.name == "binary_cross_entropy" else None


def _assemble(
    checkpoint: Checkpoint,
    run: Run | None,
    card: Card,
    data: Data,
    network: Network,
    head: LossHead,
    metrics: Mapping[str, Metric],
    classes: int | None,
    device: torch.device,
    threads: int,
) -> Parts:
    module = network.module.to(device)
    layout = Layout.from_module(module)
    state = layout.flatten(module.state_dict(), device=device)
    splits = [split if split.streams else _placed(split, device) for split in data.splits]
    identity = {
        "version": 1,
        "weights": checkpoint.digest,
        "network": network.config,
        "data": data.digest,
        "loss": head.name,
        "metrics": sorted(metrics),
    }
    label = _label(checkpoint, run)
    title = card.title or (run.name if run is not None else checkpoint.path.stem)
    return Parts(
        title=f"{title}, {label}" if label else title,
        fingerprint=xxhash.xxh3_128_hexdigest(json.dumps(identity, sort_keys=True).encode()),
        checkpoint=checkpoint,
        run=run,
        module=module,
        layout=layout,
        state=state,
        splits=splits,
        head=head,
        metrics=metrics,
        classes=classes,
        device=device,
        threads=threads,
        model_name=network.name,
        description={
            "title": title,
            "summary": card.summary,
            "model": network.name,
            "parameters": layout.parameters,
            "layers": [[name, [list(segment.shape) for segment in segments]] for name, segments in layout.layers()],
            "checkpoint": _about_checkpoint(checkpoint),
            "data": {**data.about, "examples": {split.name: split.examples for split in data.splits}, "digest": data.digest},
            "loss": head.name,
            "training": dict(card.training),
            "licence": card.licence,
            "notes": [*checkpoint.notes, *network.notes, *data.notes],
        },
        defaults=card.defaults,
        expected=_expected(checkpoint, run, card),
        notes=(*checkpoint.notes, *network.notes, *data.notes),
    )


def _expected(checkpoint: Checkpoint, run: Run | None, card: Card) -> dict[str, float]:
    """The card's metrics where they are this checkpoint's: it is alone, or the last of those that the card lies beside."""
    if card.path is None:
        return {}
    folder = card.path.resolve().parent
    beside = [e.path.resolve() for e in run.checkpoints if folder in e.path.resolve().parents] if run is not None else []
    if beside and beside[-1] != checkpoint.path.resolve():
        return {}
    return {k: float(v) for k, v in card.metrics.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}


def _placed(split: Split, device: torch.device) -> Split:
    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device)

    return Split(split.name, map_tensors(split.inputs, move), map_tensors(split.targets, move), split.examples)


def _about_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "path": str(checkpoint.path),
        "format": checkpoint.format,
        "digest": checkpoint.digest,
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
    }


def _label(checkpoint: Checkpoint, run: Run | None) -> str:
    entries = run.checkpoints if run is not None and len(run.checkpoints) > 1 else ()
    return next((entry.label for entry in entries if entry.path == checkpoint.path), "")
