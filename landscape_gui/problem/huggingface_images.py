"""The size of the images of a transformers folder, and how its preprocessor brings them there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from landscape_gui.problem.framing import LARGEST, STRETCH
from landscape_gui.problem.huggingface_folder import Folder

CROPPED_BELOW = 384
"""ConvNeXt's preprocessor takes a share of what it resized below this side, and stretches from it on."""


def sides_of(folder: Folder) -> tuple[int, int] | None:
    """(height, width) of the network's images: what its preprocessor scales or crops to, else image_size."""
    for said in (folder.preprocessor.get("crop_size"), folder.preprocessor.get("size"), folder.config.get("image_size")):
        if isinstance(said, Mapping):
            said = [said.get("height", said.get("shortest_edge")), said.get("width", said.get("shortest_edge"))]
        sides = [side for side in (said if isinstance(said, list) else [said, said]) if _is_side(side)]
        if len(sides) == 2:
            return sides[0], sides[1]
    return None


def resize_of(folder: Folder) -> int | str | None:
    """The resize length that preprocessor_config.json asks for, as of `framing`; None where it does not say.

    A `shortest_edge` is what the shorter side becomes before the crop; a height and a width are what both sides become, whatever
    the image's shape (ViT). With a `crop_pct`, the length is the side divided by it (ConvNeXt).
    """
    said, size = folder.preprocessor, folder.preprocessor.get("size")
    cropped = bool(said.get("do_center_crop", "crop_size" in said))
    if not said.get("do_resize", True) or size is None:
        return None
    shortest = size.get("shortest_edge") if isinstance(size, Mapping) else size if cropped or "crop_pct" in said else None
    if _is_side(shortest):
        share = said.get("crop_pct")
        if not isinstance(share, (int, float)) or not 0 < share <= 1:
            return shortest if cropped else None
        return int(shortest / share) if shortest < CROPPED_BELOW else STRETCH
    tall = size.get("height") if isinstance(size, Mapping) else size
    return f"{STRETCH}:{tall}" if _is_side(tall) else None


def _is_side(side: object) -> TypeGuard[int]:
    return type(side) is int and 0 < side <= LARGEST
