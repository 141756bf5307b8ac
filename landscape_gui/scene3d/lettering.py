"""Text as masks, measured and drawn by Pillow: sharp at every size, the same with and without OpenGL."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from landscape_gui.results import Array

FAMILY = "Open Sans"


@lru_cache(maxsize=1)
def font_file() -> Path | None:
    """Open Sans as vispy ships it; None where it does not."""
    spec = find_spec("vispy")
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / "util" / "fonts" / "data" / "OpenSans-Regular.ttf"
        if path.is_file():
            return path
    return None


@lru_cache(maxsize=32)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    path = font_file()
    return (
        ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    )


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Width in pixels of one line at a font size in pixels."""
    return float(_font(64.0).getlength(text)) * size / 64.0


def elided(text: str, size: float, room: float, measure: Callable[[str, float], float] = text_width) -> str:
    """The text, or as much of its beginning and its end as fits into `room` pixels around an ellipsis: names differ at either."""
    if measure(text, size) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        short = f"{text[: (kept + 1) // 2].rstrip()}\u2026{text[len(text) - kept // 2 :].lstrip()}"
        if measure(short, size) <= room:
            return short
    return "\u2026"


@lru_cache(maxsize=512)
def text_mask(text: str, size: float) -> Array:
    """(h, w) uint8 coverage of one line; the row of half the height of a digit lies in the middle."""
    font = _font(float(size))
    width, half = int(np.ceil(font.getlength(text))) + 4, int(np.ceil(0.85 * size)) + 1
    image = Image.new("L", (width, 2 * half), 0)
    baseline = half + 0.357 * size
    ImageDraw.Draw(image).text((2, round(baseline)), text, fill=255, font=font, anchor="ls")
    return np.asarray(image)
