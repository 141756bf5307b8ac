"""What the card beside another checkpoint says differently: models are compared on the data and loss of the one that is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint.limits import Broken
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem import card as cards
from landscape_gui.problem import families
from landscape_gui.problem.exported.identity import identity_at
from landscape_gui.problem.families.architecture import Shapes
from landscape_gui.problem.locate import find_beside, find_file
from landscape_gui.problem.scripted.identity import identity_at as scripted_identity_at


def differences(description: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Sentences on other data or another loss in the card beside a checkpoint; none where there is no card, or it says the same.

    description: of the problem that is open.
    """
    try:
        file = find_file(path)
        beside = find_beside(file, cards.NAME)
        card = cards.read_card(beside) if beside is not None else None
    except LandscapeError:
        return ()
    if card is None:
        return ()
    name, said = f"{file.parent.name}/{file.name}", []
    data = description.get("data")
    own = str(data.get("path", "")) if isinstance(data, Mapping) else ""
    if own and card.data_path is not None and card.data_path != Path(own).resolve():
        said.append(f"The card of {name} names other data ({card.data_path.name}); both models are measured on {Path(own).name}.")
    loss = str(description.get("loss", ""))
    if loss and card.loss and card.loss != loss:
        said.append(f"The card of {name} names another loss ({card.loss}); both models are measured by {loss}.")
    return tuple(said)


def training_beside(path: str) -> dict[str, Any]:
    """How a checkpoint was trained (`training`), as the card beside it says; empty where there is no card, or none that can be
    read."""
    try:
        beside = find_beside(find_file(path), cards.NAME)
        return dict(cards.read_card(beside).training) if beside is not None else {}
    except LandscapeError:
        return {}


def check_network(config: Mapping[str, Any], model: str, path: Path, shapes: Shapes, example: tuple[int, ...] | None) -> None:
    """ProblemError where the card beside a checkpoint says that it is another network whose tensors look the same.

    Shortcuts and activations have no weights: of two ResNets whose every tensor agrees, one may have shortcuts and the other none.
    config, model: of the network that is open, as a built-in family knows it, and in words; example: the shape of one input.
    """
    if "exported" in config:
        _check_program(str(config["exported"]), identity_at, model, path)
    if "torchscript" in config:
        _check_program(str(config["torchscript"]), scripted_identity_at, model, path)
    if "family" not in config:
        return
    try:
        beside = find_beside(path, cards.NAME)
        card = cards.read_card(beside) if beside is not None else cards.Card()
        said = families.from_card(card.architecture, shapes, example) if card.architecture else ()
    except ProblemError:
        return  # the card cannot say what this is
    if said and all(architecture.config != config for architecture in said):
        raise ProblemError(
            f"{path} is another network: its card says {said[0].sentence}; {model} was expected.",
            remedy="Choose a checkpoint of the same architecture, or mend the card.",
        )


def _check_program(identity: str, at: Callable[[Path], str], model: str, path: Path) -> None:
    """ProblemError where another file holds another program, though its tensors look the same."""
    try:
        said = at(path)
    except (Broken, LandscapeError):
        return  # its tensors are read all the same
    if said and said != identity:
        raise ProblemError(
            f"{path} is another network: the program in it differs from {model}.",
            remedy="Choose a checkpoint of the same architecture.",
        )
