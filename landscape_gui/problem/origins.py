"""Where a checkpoint's network comes from, and with it perhaps data and loss: what every origin is asked and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint import Checkpoint
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.card import Card
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.datasets import load_data
from landscape_gui.problem.judges import Judges, choose_judges
from landscape_gui.run import Run


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was named: path as the person wrote it, the checkpoint that it means with its run and card, and the flags.

    code: a file or "module:function"; architecture: "mlp" or with options; data, normalise, size, resize, target, block, examples:
    as of `open_problem`; trusted: says whether code of a digest may run; chosen: the architecture that a person chose for tensors
    of a digest where several fit, "" for none.
    """

    path: str | Path
    checkpoint: Checkpoint
    run: Run | None
    card: Card
    code: str | None = None
    architecture: str | None = None
    data: str | None = None
    normalise: Any = None
    size: Any = None
    resize: Any = None
    target: str = ""
    block: int = 0
    examples: int = 0
    trusted: Callable[[str], bool] | None = None
    chosen: Callable[[str], str] | None = None


class Origin:
    """One way to a network. A function in `opening.ORIGINS` makes one for a request that it claims, reading as little as it can.

    code: the digest of the user's own code where any runs, else "" (it counts in the fingerprint).
    """

    code: str = ""

    def read_data(self, path: Path, *, normalise: Any, size: Any, resize: Any = None, target: str = "", block: int = 0) -> Data:
        """The data that the person or the card names, as this network takes them."""
        return load_data(path, normalise=normalise, size=size, resize=resize, target=target, block=block)

    def own_data(self) -> Data | None:
        """The data that come with the network, where none are named; None: there are none."""
        return None

    def network(self, data: Data) -> Network:
        """The network with the checkpoint's weights. Raises ProblemError naming what does not fit."""
        raise NotImplementedError

    def judges(self, network: Network, data: Data, loss: str) -> Judges:
        """Loss and metrics. loss: the name that a card gives, or ""."""
        return choose_judges(network.module, data.splits[0], loss, None)
