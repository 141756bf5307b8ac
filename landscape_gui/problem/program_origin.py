"""What origins have in common whose network is a program in the checkpoint's file: a .pt2's graph, a TorchScript archive's text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint.limits import Broken
from landscape_gui.core.splits import cut, length_of
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem import your_code
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.judges import Judges, choose_judges
from landscape_gui.problem.locate import find_code
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.your_code import YourCode


class ProgramOrigin(Origin):
    """Data that no flag and no card names come from a landscape.py near the file, as does the loss then."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._yours: YourCode | None = None
        self._path = request.checkpoint.path
        self._whole = False
        """Whether everything that the program gives goes to the loss, which is the person's own."""

    def own_data(self) -> Data | None:
        near = find_code(self._path, your_code.NAME, self.request.path)
        if near is None:
            return None
        yours = your_code.load_code(near, self.request.trusted)
        if not yours.has_data:
            return None
        self._yours, self.code = yours, yours.source.digest
        self._whole = yours.loss is not None or yours.batch_loss is not None
        return yours.read_data()

    def judges(self, network: Network, data: Data, loss: str) -> Judges:
        return choose_judges(network.module, data.splits[0], loss, self._yours)


def first_inputs(data: Data, count: int) -> Any:
    """Inputs of the first examples; of data that stream, of those of the first batch."""
    split = data.splits[0]
    if not split.streams:
        return cut(split.inputs, 0, count, split.examples)
    inputs, _ = next(iter(split.inputs))
    return cut(inputs, 0, count, length_of(inputs))


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """What is raised inside comes out as a ProblemError that names the file."""
    try:
        yield
    except Broken as broken:
        raise ProblemError(f"{path} cannot be opened: {broken.reason}.", remedy=broken.remedy) from broken
    except LandscapeError as error:
        raise ProblemError(f"{path}: {error.message}", remedy=error.remedy) from error
