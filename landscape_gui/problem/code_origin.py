"""A network, data and loss of the user's own: a landscape.py named, beside the checkpoint or a little above it."""

from __future__ import annotations

from pathlib import Path

from landscape_gui.errors import ProblemError
from landscape_gui.problem import fitting, your_code
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.family_origin import FamilyOrigin
from landscape_gui.problem.judges import Judges, choose_judges
from landscape_gui.problem.locate import find_code
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.your_code import YourCode


class CodeOrigin(Origin):
    """What a landscape.py says; where an architecture is named as well, the network is a built-in one. A network that does not fit
    is told before data are looked for."""

    def __init__(self, request: Request, yours: YourCode) -> None:
        self.request, self.yours = request, yours
        self.code = yours.source.digest
        self._own = self._made() if request.architecture is None else None

    def own_data(self) -> Data | None:
        return self.yours.read_data() if self.yours.has_data else None

    def network(self, data: Data) -> Network:
        return self._own if self._own is not None else FamilyOrigin(self.request).network(data)

    def _made(self) -> Network:
        module = self.yours.make_model()
        notes = fitting.load(module, self.request.checkpoint.tensors, f"model() of {self.yours.path}")
        return Network(module, type(module).__name__, {"code": self.code}, notes)

    def judges(self, network: Network, data: Data, loss: str) -> Judges:
        return choose_judges(network.module, data.splits[0], loss, self.yours)


def code_origin(request: Request) -> Origin | None:
    """The landscape.py that counts: the one named; else the one near the file, unless a flag or the card says the architecture.

    Raises TrustNeeded before anything of it runs, ProblemError where there is none of that name.
    """
    if request.code is not None:
        place = Path(request.code).expanduser()
        if not place.is_file():
            raise ProblemError(f"There is no {place}.", remedy="Give --code the path of a landscape.py.")
    else:
        near = None if request.card.architecture else find_code(request.checkpoint.path, your_code.NAME, request.path)
        if near is None or request.architecture is not None:
            return None
        place = near
    return CodeOrigin(request, your_code.load_code(place, request.trusted))
