"""A network of timm or torchvision, told by the names and shapes of its tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from landscape_gui.errors import ChoiceNeeded, LandscapeError
from landscape_gui.problem import card as cards
from landscape_gui.problem import families, fitting
from landscape_gui.problem.architecture_table import table
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.extras import is_there
from landscape_gui.problem.families import Architecture
from landscape_gui.problem.family_origin import family_origin, loss_on_few
from landscape_gui.problem.judges import Judges
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.vision_origin import LIBRARIES, Model, VisionOrigin, build, vision_origin, with_classes

SHOWN = 12
BUILT_IN = "resnet"
WORDS = {BUILT_IN: "resnet (built in)"}
NOTE = "The architecture was told by its tensors' names and shapes; activations are not in the file, accuracy on data confirms it."


def fingerprint_origin(request: Request) -> Origin | None:
    """The architecture of the table whose tensors these are, where nothing names one; several are offered, never guessed.

    A built-in ResNet that fits is offered beside them: it needs no other package. Raises ProblemError where the one architecture is
    known but its library is not there.
    """
    if request.code is not None or request.architecture is not None or request.card.architecture:
        return None
    shapes = fitting.shapes_of(request.checkpoint.tensors)
    names = [candidate.name for candidate in table().candidates(shapes)]
    if not names:
        return None
    built_in = [each for each in families.match(shapes).candidates if each.config.get("family") == BUILT_IN]
    if len(names) == 1 and not built_in:
        return VisionOrigin(request, Model(name=names[0], note=NOTE))
    several = SeveralOrigin(request, names, built_in[0] if built_in else None)
    chosen = request.chosen(request.checkpoint.digest) if request.chosen is not None else ""
    if chosen not in several.names or (chosen != BUILT_IN and not is_there(chosen.partition(":")[0])):
        return several
    named = replace(request, architecture=chosen)
    origin = vision_origin(named) or family_origin(named)
    return several if origin is None else ChosenOrigin(origin, chosen, several.names)


class ChosenOrigin(Origin):
    """The one that a person chose among several, now or the last time that these tensors were opened."""

    def __init__(self, origin: Origin, name: str, names: Sequence[str]) -> None:
        self.origin, self.name, self.names = origin, name, tuple(names)
        self.code = origin.code

    def read_data(self, path: Path, *, normalise: Any, size: Any, resize: Any = None, target: str = "", block: int = 0) -> Data:
        return self.origin.read_data(path, normalise=normalise, size=size, resize=resize, target=target, block=block)

    def own_data(self) -> Data | None:
        return self.origin.own_data()

    def network(self, data: Data) -> Network:
        network = self.origin.network(data)
        note = f"Of {len(self.names)} architectures that fit, {WORDS.get(self.name, self.name)} was chosen; it is remembered."
        return replace(network, notes=(*network.notes, note), fits=self.names, chosen=self.name)

    def judges(self, network: Network, data: Data, loss: str) -> Judges:
        return self.origin.judges(network, data, loss)


class SeveralOrigin(Origin):
    """Architectures whose tensors look the same: the person is asked, with each one's loss on the data where there are any."""

    def __init__(self, request: Request, names: Sequence[str], built_in: Architecture | None) -> None:
        self.request, self.built_in = request, built_in
        self.names = (*([BUILT_IN] if built_in is not None else []), *names)

    def own_data(self) -> Data | None:
        raise self.offer({})

    def network(self, data: Data) -> Network:
        raise self.offer({name: loss for name in self.names[:SHOWN] if math.isfinite(loss := self._loss(name, data))})

    def offer(self, losses: Mapping[str, float]) -> ChoiceNeeded:
        """The sentence that lists them, the one with the lowest loss first; what cannot be tried comes last."""
        names = sorted(self.names, key=lambda name: losses.get(name, math.inf))
        said = [f"{WORDS.get(name, name)} (loss {losses[name]:.4g})" if name in losses else WORDS.get(name, name) for name in names]
        more = f" and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
        missing = [library for library in LIBRARIES if any(library in name for name in names) and not is_there(library)]
        tried = "" if losses else " With data (--data PATH) each one's loss is said."
        lacking = f' For {" and ".join(missing)}: pip install "landscape-gui[vision]".' if missing else ""
        return ChoiceNeeded(
            f"{self.request.checkpoint.path} fits {len(said)} architectures: {', '.join(said[:SHOWN])}{more}.",
            option="architecture",
            choices=names,
            remedy=f"Choose one with --architecture {names[0]}, or in a {cards.NAME} beside it: "
            f'{{"architecture": {{"family": "{names[0]}"}}}}.{tried}{lacking}',
        )

    def _loss(self, name: str, data: Data) -> float:
        """On a few examples; infinite where the library is not there or the network takes other inputs."""
        checkpoint = self.request.checkpoint
        try:
            if name == BUILT_IN and self.built_in is not None:
                module = self.built_in.build()
            else:
                module = build(with_classes(Model(name=name), fitting.shapes_of(checkpoint.tensors)), str(checkpoint.path))
            fitting.load(module, checkpoint.tensors, name)
        except LandscapeError:
            return math.inf
        return loss_on_few(module, data.splits[0])
