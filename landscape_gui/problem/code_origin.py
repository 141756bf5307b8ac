"""A network, data and loss of the user's own: a landscape.py named, beside the checkpoint or a little above it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from landscape_gui.problem import fitting, your_code
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.code_name import find_named
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.family_origin import FamilyOrigin
from landscape_gui.problem.judges import Judges, choose_judges
from landscape_gui.problem.locate import find_beside, find_code
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.vision_origin import vision_origin
from landscape_gui.problem.your_code import YourCode


class CodeOrigin(Origin):
    """What a person's code says; where an architecture is named as well, the network is that one. A network that does not fit is
    told before data are looked for."""

    def __init__(self, request: Request, yours: YourCode) -> None:
        self.request, self.yours = request, yours
        self.code = yours.source.digest
        self._own = self._made() if request.architecture is None else None

    def own_data(self) -> Data | None:
        return self.yours.read_data() if self.yours.has_data else None

    def network(self, data: Data) -> Network:
        if self._own is not None:
            return self._own
        named = replace(self.request, code=None)
        return (vision_origin(named) or FamilyOrigin(named)).network(data)

    def _made(self) -> Network:
        yours = self.yours
        module = yours.make_model()
        notes = fitting.load(module, self.request.checkpoint.tensors, f"{yours.function}() of {yours.path}")
        made = {} if yours.function == your_code.MODEL else {"function": yours.function, "arguments": repr(dict(yours.arguments))}
        return Network(module, type(module).__name__, {"code": self.code, **made}, notes)

    def judges(self, network: Network, data: Data, loss: str) -> Judges:
        return choose_judges(network.module, data.splits[0], loss, self.yours)


def code_origin(request: Request) -> Origin | None:
    """The file that was named; else the landscape.py beside the checkpoint, unless a flag or the card says the architecture.

    Raises TrustNeeded before anything of it runs, ProblemError where there is none of that name.
    """
    if request.code is not None:
        return _origin(request, find_named(request.code, request.checkpoint.path).file)
    beside = find_beside(request.checkpoint.path, your_code.NAME)
    return _origin(request, beside) if beside is not None and _open(request) else None


def upper_code_origin(request: Request) -> Origin | None:
    """The landscape.py in a folder further up, unless a flag or the card says the architecture. Raises TrustNeeded."""
    if not _open(request):
        return None
    above = find_code(request.checkpoint.path, your_code.NAME, request.path)
    return _origin(request, above) if above is not None else None


def _open(request: Request) -> bool:
    """Whether neither a flag nor the card says the architecture."""
    return request.code is None and request.architecture is None and not request.card.architecture


def _origin(request: Request, place: Path) -> CodeOrigin:
    return CodeOrigin(request, your_code.load_code(place, request.trusted))
