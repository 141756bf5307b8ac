"""A network of timm or torchvision: named by --architecture or a card, or by timm's config.json beside the checkpoint."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from landscape_gui.data_choice import DataNeeded
from landscape_gui.errors import ProblemError
from landscape_gui.problem import card as cards
from landscape_gui.problem import fitting, your_code
from landscape_gui.problem.architecture_table import table
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.evaluation import Evaluation, in_library, of_timm
from landscape_gui.problem.extras import bring
from landscape_gui.problem.family_origin import options_of
from landscape_gui.problem.locate import find_beside
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.settings import own_randomness

LIBRARIES = ("timm", "torchvision")
CONFIG = "config.json"
LARGEST = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Model:
    """name: "timm:resnet50"; options: for the library's function (num_classes, ...); trained: what a configuration of timm's says
    of its images; note: how it was told."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    trained: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


class VisionOrigin(Origin):
    """The network that timm or torchvision makes. One that does not fit is told before data are looked for."""

    def __init__(self, request: Request, model: Model) -> None:
        tensors = request.checkpoint.tensors
        self.request, self.model = request, (model := with_classes(model, fitting.shapes_of(tensors)))
        module = build(model, str(request.checkpoint.path))
        notes = fitting.load(module, tensors, model.name)
        config = {"family": model.name, **{key: repr(value) for key, value in sorted(model.options.items())}}
        self._network = Network(module, sentence(model), config, (*notes, *([model.note] if model.note else [])))

    def read_data(self, path: Path, *, normalise: Any, size: Any, resize: Any = None, target: str = "", block: int = 0) -> Data:
        pictures = path.is_dir() or path.suffix.lower() == ".zip"
        images = _images(self.model.trained) if pictures else {}
        normalise, size = normalise or images.get("normalise"), size or images.get("size")
        known = self._evaluation(size) if pictures and size and not resize else None
        if known is not None:
            resize = known.resize_of(size)
        data = super().read_data(path, normalise=normalise, size=size, resize=resize, target=target, block=block)
        return data if known is None else replace(data, notes=(*data.notes, known.note))

    def _evaluation(self, size: Any) -> Evaluation | None:
        """How images of this size are prepared: a configuration of this very checkpoint has a share for every size; what the
        library says of the network in general counts for its own size alone."""
        if self.model.trained:
            return of_timm(self.model.trained, CONFIG, size)
        known = in_library(self.model.name, self.request.checkpoint.path.name)
        return known if known is not None and known.resize_of(size) is not None else None

    def own_data(self) -> Data | None:
        raise without_data(self.request, f"It holds {self._network.name}")

    def network(self, data: Data) -> Network:
        return self._network


def vision_origin(request: Request) -> Origin | None:
    """The network named as "timm:resnet50" or "torchvision:resnet50" by --architecture, which may give options
    ("timm:resnet50,num_classes=10"), by a card's "family", or by timm's config.json.

    Raises ProblemError: the library is not there, has no such network, or the tensors do not fit it.
    """
    if request.architecture is not None:
        first, _, rest = request.architecture.partition(",")
        model = Model(name=first.strip(), options=_without_family(options_of(f"family:{rest}")))
    elif request.card.architecture:
        model = Model(name=str(request.card.architecture.get("family", "")), options=_without_family(request.card.architecture))
    else:
        found = _configured(request) if request.code is None else None
        return VisionOrigin(request, found) if found is not None else None
    return VisionOrigin(request, model) if model.name.partition(":")[0] in LIBRARIES and ":" in model.name else None


def with_classes(model: Model, shapes: fitting.Shapes) -> Model:
    """The model with as many classes as the tensors' head has, unless its options say how many."""
    classes = table().classes(model.name, shapes)
    return model if classes is None else replace(model, options={"num_classes": classes, **model.options})


def build(model: Model, path: str) -> nn.Module:
    """The module, without weights. path: of the checkpoint, for sentences. Raises ProblemError."""
    options = dict(model.options)
    library, _, bare = model.name.partition(":")
    package = bring(library, "vision", f"{path} is {model.name}, which")
    known = package.list_models() if library == "timm" else bring("torchvision.models", "vision", path).list_models()
    if bare not in known:
        near = difflib.get_close_matches(bare, known, 5)
        hint = (
            f"Near to it are {', '.join(near)}."
            if near
            else f"{library}.{'models.' * (library != 'timm')}list_models() lists them."
        )
        raise ProblemError(f"{library} {package.__version__} has no network called {bare!r}.", remedy=hint)
    try:
        with own_randomness():
            made = _make(library, package, bare, options)
    except Exception as error:  # the library's own words say which option it does not take
        raise ProblemError(f"{library} does not make {bare} with {options}: {type(error).__name__}: {error}.") from error
    return made


def _make(library: str, package: Any, name: str, options: Mapping[str, Any]) -> nn.Module:
    if library == "timm":
        return cast(nn.Module, package.create_model(name, pretrained=False, **options))
    takes = inspect.signature(package.models.get_model_builder(name)).parameters
    none = dict.fromkeys(key for key in ("weights", "weights_backbone") if key in takes)
    return cast(nn.Module, package.models.get_model(name, **none, **options))


def sentence(model: Model) -> str:
    """ "timm:resnet50 with 10 classes" """
    classes = model.options.get("num_classes")
    return f"{model.name} with {classes:,} classes" if isinstance(classes, int) and classes > 0 else model.name


def without_data(request: Request, holds: str) -> DataNeeded:
    """The sentence for a network that is known and has no data. holds: what the checkpoint is, without a full stop."""
    return DataNeeded(
        f"{request.checkpoint.path} has no data to compute a loss on. {holds}.",
        remedy=f"Name the data with --data PATH (images by class, .npz), in a card ({cards.NAME}) beside it, "
        f"or in a {your_code.NAME} with model() and data().",
    )


def _without_family(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != "family"}


def _configured(request: Request) -> Model | None:
    """What timm's config.json beside the checkpoint says; None where there is none, or it is another program's."""
    place = find_beside(request.checkpoint.path, CONFIG)
    if place is None or place.stat().st_size > LARGEST:
        return None
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("architecture"), str) or "model_type" in content:
        return None
    trained = content.get("pretrained_cfg")
    if not isinstance(trained, dict):
        trained = content
    options = dict(content["model_args"]) if isinstance(content.get("model_args"), dict) else {}
    classes = content.get("num_classes", trained.get("num_classes"))
    if isinstance(classes, int):
        options["num_classes"] = classes
    name = f"timm:{content['architecture'].partition('.')[0]}"
    return Model(name=name, options=options, trained=trained, note=f"Architecture and images as {place.name} says.")


def _images(trained: Mapping[str, Any]) -> dict[str, Any]:
    images: dict[str, Any] = {}
    if isinstance(trained.get("mean"), list) and isinstance(trained.get("std"), list):
        images["normalise"] = {"mean": trained["mean"], "std": trained["std"]}
    size = trained.get("input_size")
    if isinstance(size, list) and len(size) == 3:
        images["size"] = size[1:]
    return images
