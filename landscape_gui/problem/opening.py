"""Open a checkpoint: where its architecture, data and loss come from, and whether they make a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.data_choice import DataNeeded
from landscape_gui.problem import card as cards
from landscape_gui.problem import families, fitting, your_code
from landscape_gui.problem.assembly import Found, about_checkpoint, assemble
from landscape_gui.problem.card import Card
from landscape_gui.problem.code_origin import code_origin, upper_code_origin
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.drawn_data import drawn
from landscape_gui.problem.exported_origin import exported_origin
from landscape_gui.problem.family_origin import family_origin, guess
from landscape_gui.problem.fingerprint_origin import fingerprint_origin
from landscape_gui.problem.hubconf_origin import hubconf_origin, named_hubconf_origin
from landscape_gui.problem.huggingface_origin import huggingface_origin
from landscape_gui.problem.lightning_origin import lightning_origin
from landscape_gui.problem.locate import find_beside, find_checkpoint
from landscape_gui.problem.module_origin import module_origin
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.problem import Problem
from landscape_gui.problem.settings import check_default_type, choose_device, prepare_torch
from landscape_gui.problem.torchscript_origin import torchscript_origin
from landscape_gui.problem.vision_origin import vision_origin

ORIGINS: tuple[Callable[[Request], Origin | None], ...] = (
    module_origin,
    exported_origin,
    torchscript_origin,
    named_hubconf_origin,
    code_origin,
    vision_origin,
    huggingface_origin,
    upper_code_origin,
    lightning_origin,
    hubconf_origin,
    fingerprint_origin,
    family_origin,
)
"""Asked in this order: the first that claims a checkpoint makes its network; the last one claims everything."""


def open_problem(
    path: str | Path,
    *,
    code: str | None = None,
    trusted: Callable[[str], bool] | None = None,
    data: str | None = None,
    architecture: str | None = None,
    normalise: Any = None,
    size: Any = None,
    resize: Any = None,
    target: str = "",
    block: int = 0,
    examples: int = 0,
    chosen: Callable[[str], str] | None = None,
    device: str = "auto",
    threads: int = 1,
) -> Problem:
    """The problem of a checkpoint: a file, a folder (its run's last checkpoint), or "samples:NAME".

    The network comes from `code` ("landscape.py", "nets.py:make", "package.nets:make") or `architecture` where given, else from
    the card (landscape.json) beside the file, else from a landscape.py beside it, from the file itself (.pt2, TorchScript, a
    Hugging Face folder, timm's config.json), from a landscape.py up to two folders above what was opened, from a Lightning class or
    a hubconf.py of its project, from a fingerprint of timm's and torchvision's networks, else from the built-in family whose shapes
    fit.
    architecture: "mlp", or with options "resnet:shortcut=none,eps=1e-3"; "timm:resnet50". chosen: asked for the name of the one to
    take ("": none yet) where several of the table's fit tensors of a digest.

    Data: `data` (with `normalise`, `size`, `resize`, `target`, `block` as of `datasets.load_data`), else the card's, else the
    landscape.py's. examples: a random subset of so many of each split, drawn once, is all that this problem knows of them (0: all,
    or what the card says). Reads the checkpoint and the data once, and runs the network on two examples.

    Raises CheckpointError, ProblemError (DataNeeded where no data are named, ChoiceNeeded
    where several things fit), or TrustNeeded before code runs.
    """
    prepare_torch(threads)
    check_default_type()
    where = choose_device(device)
    file, run = find_checkpoint(path)
    beside = find_beside(file, cards.NAME)
    card = cards.read_card(beside) if beside is not None else Card()
    request = Request(
        path=path,
        checkpoint=read_checkpoint(file),
        run=run,
        card=card,
        code=code,
        architecture=architecture,
        data=data,
        normalise=normalise,
        size=size,
        resize=resize,
        target=target,
        block=block,
        examples=examples,
        trusted=trusted,
        chosen=chosen,
    )
    origin = origin_of(request)
    found = data_of(request, origin)
    network = origin.network(found)
    judges = origin.judges(network, found, card.loss)
    whole = Found(request.checkpoint, run, card, found, network, judges, origin.code, asked_of(request))
    return Problem(assemble(whole, where, threads))


def asked_of(request: Request) -> dict[str, Any]:
    """What was said beside the path, JSON-able, so that the same problem can be opened again."""
    names = ("code", "architecture", "data", "normalise", "size", "resize", "target", "block", "examples")
    given = {name: value for name in names if (value := getattr(request, name))}
    return {name: value if isinstance(value, (str, int, float, list, dict)) else str(value) for name, value in given.items()}


def origin_of(request: Request) -> Origin:
    """The first origin that claims the checkpoint. Raises TrustNeeded before any code of the user's runs."""
    return next(origin for make in ORIGINS if (origin := make(request)) is not None)


def data_of(request: Request, origin: Origin) -> Data:
    """The data named, else the card's, else those that come with the network, or a subset of them. DataNeeded: there are none."""
    return drawn(whole_data_of(request, origin), request.examples or request.card.data.get("examples", 0))


def whole_data_of(request: Request, origin: Origin) -> Data:
    """All of the data."""
    checkpoint, card = request.checkpoint, request.card
    asked = {name: getattr(request, name) or card.data.get(name) for name in ("normalise", "size", "resize", "target", "block")}
    options: dict[str, Any] = {name: value for name, value in asked.items() if value or name in ("normalise", "size")}
    if request.data is not None:
        return origin.read_data(Path(request.data).expanduser(), **options)
    if card.data_path is not None:
        loaded = origin.read_data(card.data_path, **options)
        about = {k: card.data[k] for k in ("name", "licence", "source") if k in card.data}
        return Data(loaded.splits, loaded.digest, {**about, **loaded.about}, loaded.notes)
    own = origin.own_data()
    if own is not None:
        return own
    raise DataNeeded(
        f"{checkpoint.path} has no data to compute a loss on. It holds {guess(checkpoint, card, request.architecture)}.",
        remedy=f"Name the data with --data PATH (arrays, images by class, idx, CIFAR, CSV, text, ...), in a card ({cards.NAME}) "
        f"beside it, or in a {your_code.NAME} with model() and data().",
    )


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
