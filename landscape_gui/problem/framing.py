"""How images of any shape become the network's: scaled as evaluation does it, then cropped from the centre.

The geometry is that of torchvision's `Resize` and `CenterCrop`, which timm uses too: the shorter side becomes the resize length,
the longer one is cut off to a whole number of pixels, and the crop begins at half of what is over, rounded to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from landscape_gui.errors import ProblemError

STRETCH = "stretch"
"""Both sides are scaled to the size whatever the image's shape, as many of transformers' preprocessors do."""
LARGEST = 4096


@dataclass(frozen=True, kw_only=True)
class Framing:
    """Images of height by width pixels. resize: what the shorter side is scaled to before the centre is cropped; stretched: both
    sides are scaled so far, whatever the image's shape."""

    height: int
    width: int
    resize: int
    stretched: bool = False

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def words(self) -> str:
        """ "resized to 256, cropped 224 × 224 from the centre"."""
        cropped = f"cropped {self.width} × {self.height} from the centre"
        if not self.stretched:
            return f"resized to {self.resize}, {cropped}"
        tall, wide = self._box
        return f"stretched to {wide} × {tall}" + (f", {cropped}" if (tall, wide) != self.size else "")

    @property
    def told(self) -> str:
        """The resize length as a person says it: "256", "stretch", "stretch:256"."""
        if not self.stretched:
            return str(self.resize)
        return STRETCH if self.resize == min(self.size) else f"{STRETCH}:{self.resize}"

    @property
    def _box(self) -> tuple[int, int]:
        """What a scaled image covers at least, (height, width)."""
        share = self.resize / min(self.size)
        return round(self.height * share), round(self.width * share)

    def scaled(self, height: int, width: int) -> tuple[int, int]:
        """What an image becomes before it is cropped, (height, width)."""
        tall, wide = self._box
        if self.stretched:
            return tall, wide
        if self.height == self.width:  # in whole numbers, as torchvision has it
            short = min(height, width)
            return self.resize * height // short, self.resize * width // short
        if width * tall >= height * wide:
            return tall, max(tall * width // height, wide)
        return max(wide * height // width, tall), wide

    def corner(self, height: int, width: int) -> tuple[int, int]:
        """(top, left) of the crop in a scaled image."""
        return round((height - self.height) / 2), round((width - self.width) / 2)

    def picture(self, image: Image.Image) -> Image.Image:
        """An image of Pillow's scaled bilinearly with antialiasing, and cropped."""
        tall, wide = self.scaled(image.height, image.width)
        if (wide, tall) != image.size:
            image = image.resize((wide, tall), Image.Resampling.BILINEAR)
        top, left = self.corner(tall, wide)
        return image if image.size == (self.width, self.height) else image.crop((left, top, left + self.width, top + self.height))

    def tensor(self, x: Tensor) -> Tensor:
        """Images (n, channels, height, width) of floats the same way, not rounded to whole pixels' values."""
        tall, wide = self.scaled(x.shape[2], x.shape[3])
        if (tall, wide) != tuple(x.shape[2:]):
            x = torch.nn.functional.interpolate(x, (tall, wide), mode="bilinear", antialias=True)
        top, left = self.corner(tall, wide)
        return x[:, :, top : top + self.height, left : left + self.width].contiguous()


def framing(size: Any, resize: Any = None) -> Framing | None:
    """What a person, a card or a configuration says. size: a side or [height, width]; None or 0 leaves images as they are.

    resize: a length, "stretch", "stretch:LENGTH"; None, "" or 0 for the size's shorter side. Raises ProblemError where they do not
    make sense.
    """
    if size in (None, 0):
        if resize not in (None, "", 0):
            raise ProblemError(f"Images are to be resized to {resize!r}, but to no size.", remedy="Say which one: --size 224.")
        return None
    sides = tuple(size) if isinstance(size, (list, tuple)) else (size, size)
    if len(sides) != 2 or not all(type(side) is int and 0 < side <= LARGEST for side in sides):
        raise ProblemError(f"The size of images is {size!r}.", remedy="Give one side, or [height, width], in pixels.")
    stretched = isinstance(resize, str) and resize.partition(":")[0] == STRETCH
    length = resize.partition(":")[2] if stretched else resize
    return Framing(height=sides[0], width=sides[1], resize=_length(length, min(sides)), stretched=stretched)


def _length(resize: Any, short: int) -> int:
    length = int(resize) if isinstance(resize, str) and resize.isdecimal() and len(resize) <= len(str(LARGEST)) else resize
    if length in (None, "", 0):
        return short
    if type(length) is not int or not 0 < length <= LARGEST:
        raise ProblemError(
            f"The resize length of images is {resize!r}.",
            remedy=f"Give what the shorter side is scaled to, in pixels (at most {LARGEST:,}), or {STRETCH}.",
        )
    if length < short:
        raise ProblemError(
            f"Images resized to {length} are smaller than what is cropped from them, {short} pixels.",
            remedy=f"Give a resize length of {short} or more, or a smaller size.",
        )
    return length
