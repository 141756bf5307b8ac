"""How timm and torchvision evaluate a network: the size of its images, and what they are resized to before that is cropped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from landscape_gui.errors import LandscapeError
from landscape_gui.problem.extras import bring
from landscape_gui.problem.framing import STRETCH

TIMM_CROP = 0.875
"""The share of the resize length that timm crops where a configuration does not say."""
BILINEAR = "bilinear"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """size: (height, width); resize: a length or "stretch"; interpolation: what the library scales with; said_by: who says so."""

    size: tuple[int, int]
    resize: int | str
    interpolation: str
    said_by: str

    def resize_of(self, size: Any) -> int | str | None:
        """The resize length for images of this size, side or [height, width]; None where this says nothing of it."""
        sides = tuple(size) if isinstance(size, (list, tuple)) else (size, size)
        return self.resize if sides == self.size else None

    @property
    def note(self) -> str:
        said = f"The resize length is that of {self.said_by}."
        if self.interpolation in ("", BILINEAR):
            return said
        return f"{said} Images are scaled bilinearly here, there with {self.interpolation} interpolation."


def of_timm(trained: Mapping[str, Any], said_by: str, size: Any = None) -> Evaluation | None:
    """What a configuration of timm's says, for its own input size or another; None where it names none."""
    shape = trained.get("input_size")
    sides = shape[1:] if size is None and isinstance(shape, (list, tuple)) and len(shape) == 3 else size
    sides = tuple(sides) if isinstance(sides, (list, tuple)) else (sides, sides)
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        return None
    share = trained.get("crop_pct") or TIMM_CROP
    if not isinstance(share, (int, float)) or not 0 < share <= 1:
        return None
    length: int | str = math.floor(min(sides) / share)
    if trained.get("crop_mode") == "squash":
        length = f"{STRETCH}:{length}"
    interpolation = str(trained.get("interpolation") or BILINEAR)
    return Evaluation(size=(sides[0], sides[1]), resize=length, interpolation=interpolation, said_by=said_by)


def in_library(name: str, file: str) -> Evaluation | None:
    """How the library evaluates the network called "timm:resnet50" or "torchvision:resnet50"; None where it does not say.

    torchvision has several sets of weights for a network, evaluated differently: those whose file is called as `file` count, else
    those published first.
    """
    library, _, bare = name.partition(":")
    try:
        return _timm(bare) if library == "timm" else _torchvision(bare, file)
    except (LandscapeError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None  # an older library, or a network without weights: nothing is known


def _timm(name: str) -> Evaluation | None:
    found = bring("timm", "vision", name).get_pretrained_cfg(name)
    return None if found is None else of_timm(found.to_dict(), f"timm's {name}")


def _torchvision(name: str, file: str) -> Evaluation | None:
    known = list(bring("torchvision", "vision", name).models.get_model_weights(name))
    weights = next((each for each in known if str(each.url).rpartition("/")[2] == file), known[0])
    made = weights.transforms()
    crop, resize = made.crop_size, made.resize_size
    interpolation = str(getattr(made.interpolation, "value", made.interpolation))
    said_by = f"torchvision's {type(weights).__name__}.{weights.name}"
    return Evaluation(size=(crop[0], crop[-1]), resize=min(resize), interpolation=interpolation, said_by=said_by)
