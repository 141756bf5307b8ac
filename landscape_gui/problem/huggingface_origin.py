"""A folder of the transformers library: config.json names the network, its loss follows from what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landscape_gui.core.losses import CROSS_ENTROPY, PERPLEXITY
from landscape_gui.data_choice import DataNeeded
from landscape_gui.errors import ProblemError
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.huggingface import LANGUAGE, SEQUENCE, Blueprint, blueprint
from landscape_gui.problem.huggingface_data import read_classified, read_pictures, read_tokens
from landscape_gui.problem.huggingface_folder import CONFIG, Folder, find_folder
from landscape_gui.problem.huggingface_remote import RemoteBlueprint, remote_blueprint
from landscape_gui.problem.judges import Judges, choose_judges
from landscape_gui.problem.origins import Origin, Request

WANTED = {
    LANGUAGE: "a text or its token ids (--data text.txt)",
    SEQUENCE: "a table of texts with a column of labels (--data texts.csv)",
}
COMPUTED = "Attention is computed in its plain form; dropout, caches and auxiliary losses are off."


class HuggingfaceOrigin(Origin):
    """The network of a folder, of transformers' own classes or, once allowed, the folder's. What does not fit is told before data
    are looked for."""

    def __init__(self, request: Request, folder: Folder) -> None:
        self.request, self.folder = request, folder
        remote = remote_blueprint(folder, request.trusted)
        self.plan: Blueprint = remote or blueprint(folder)
        self.code = remote.source.digest if remote else ""
        self._own = self._made()

    def read_data(self, path: Path, *, normalise: Any, size: Any, resize: Any = None, target: str = "", block: int = 0) -> Data:
        if self.plan.task == LANGUAGE:
            return read_tokens(self.folder, path, block, target)
        if self.plan.task == SEQUENCE:
            return read_classified(self.folder, path, target)
        return read_pictures(self.folder, path, normalise, size, resize, target)

    def own_data(self) -> Data | None:
        checkpoint = self.request.checkpoint
        wanted = WANTED.get(self.plan.task, "images by class (--data FOLDER)")
        raise DataNeeded(
            f"{checkpoint.path} is a {self._own.name} and has no data to compute a loss on.", remedy=f"Give it {wanted}."
        )

    def network(self, data: Data) -> Network:
        return self._own

    def judges(self, network: Network, data: Data, loss: str) -> Judges:
        try:
            found = choose_judges(network.module, data.splits[0], loss, None)
        except ProblemError as error:
            raise self.plan.placed(error) if isinstance(self.plan, RemoteBlueprint) else error from error.__cause__
        if self.plan.task != LANGUAGE:
            return found
        further = {PERPLEXITY.name: PERPLEXITY} if found.head is CROSS_ENTROPY else {}
        return Judges(found.head, {**found.metrics, **further}, None)

    def _made(self) -> Network:
        tensors, plan = self.request.checkpoint.tensors, self.plan
        module = plan.make(tensors)
        notes = [COMPUTED]
        kinds = sorted({str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.is_floating_point()} - {"float32"})
        if kinds:
            notes.append(f"Stored as {' and '.join(kinds)}, computed in float32.")
        if isinstance(plan, RemoteBlueprint):
            files = ", ".join(sorted(file.name for file, _ in plan.source.files.values()))
            notes.append(f"The network is code of the folder's own ({files}), run as it was allowed.")
        elif self.folder.code:
            notes.append(f"{CONFIG} names code of its own ({self.folder.code}); it was not run, transformers' own class is used.")
        config = {"library": "transformers", "class": plan.kind.__name__, "config": self.folder.config}
        return Network(module, plan.kind.__name__, config, tuple(notes), plan.own_names)


def huggingface_origin(request: Request) -> Origin | None:
    """The folder that --architecture names, or the one that the checkpoint lies in, unless something else is named.

    Raises ProblemError where its network cannot be built.
    """
    if request.architecture is not None:
        place = Path(request.architecture).expanduser()
        named = find_folder(place) if request.code is None and place.exists() else None
        return HuggingfaceOrigin(request, named) if named is not None else None
    if request.code is not None or request.card.architecture:
        return None
    folder = find_folder(request.checkpoint.path)
    return HuggingfaceOrigin(request, folder) if folder is not None else None
