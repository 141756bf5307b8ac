"""A network of timm or torchvision, told by the names and shapes of its tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem import card as cards
from landscape_gui.problem import families, fitting
from landscape_gui.problem.architecture_table import Candidate, table
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.extras import is_there
from landscape_gui.problem.family_origin import TRIED, loss_on_few
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.vision_origin import Model, VisionOrigin, build, without_data

SHOWN = 12
NOTE = "The architecture was told by its tensors' names and shapes; activations are not in the file, accuracy on data confirms it."


def fingerprint_origin(request: Request) -> Origin | None:
    """The architecture of the table whose tensors these are, where nothing names one; several are offered, never guessed.

    Raises ProblemError where it is known but its library is not there, and no built-in family fits.
    """
    if request.code is not None or request.architecture is not None or request.card.architecture:
        return None
    shapes = fitting.shapes_of(request.checkpoint.tensors)
    candidates = table().candidates(shapes)
    if not candidates:
        return None
    usable = [candidate for candidate in candidates if is_there(candidate.name.partition(":")[0])]
    if not usable and families.match(shapes).candidates:
        return None
    if len(candidates) == 1:
        return VisionOrigin(request, Model(name=candidates[0].name, note=NOTE))
    return SeveralOrigin(request, candidates)


class SeveralOrigin(Origin):
    """Architectures whose tensors look the same: the person is asked, with each one's loss on the data where there are any."""

    def __init__(self, request: Request, candidates: Sequence[Candidate]) -> None:
        self.request, self.candidates = request, candidates

    def own_data(self) -> Data | None:
        offered = self.offer({})
        raise without_data(self.request, f"{offered.message.rstrip('.')}; with data, each one's loss is said")

    def network(self, data: Data) -> Network:
        raise self.offer({candidate.name: self._loss(candidate, data) for candidate in self.candidates[:SHOWN]})

    def offer(self, losses: Mapping[str, float]) -> ProblemError:
        """The sentence that lists them, the one with the lowest loss first."""
        names = sorted((candidate.name for candidate in self.candidates), key=lambda name: losses.get(name, math.inf))
        said = [f"{name} (loss {losses[name]:.4g})" if math.isfinite(losses.get(name, math.inf)) else name for name in names]
        more = f" and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
        on = f" on {TRIED} examples" if any(map(math.isfinite, losses.values())) else ""
        return ProblemError(
            f"{self.request.checkpoint.path} fits {len(said)} architectures{on}: {', '.join(said[:SHOWN])}{more}.",
            remedy=f"Choose one with --architecture {names[0]}, or in a {cards.NAME} beside it: "
            f'{{"architecture": {{"family": "{names[0]}"}}}}.',
        )

    def _loss(self, candidate: Candidate, data: Data) -> float:
        """On a few examples; infinite where the library is not there or the network takes other inputs."""
        tensors = self.request.checkpoint.tensors
        try:
            module = build(Model(name=candidate.name), fitting.shapes_of(tensors), str(self.request.checkpoint.path))
            fitting.load(module, tensors, candidate.name)
        except LandscapeError:
            return math.inf
        return loss_on_few(module, data.splits[0])
