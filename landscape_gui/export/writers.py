"""A drawn sheet as the bytes of a file, one function a format; equal sheets are equal bytes."""

from __future__ import annotations

import io
import logging
from typing import Any

from PIL import Image

from landscape_gui.export.metadata import metadata
from landscape_gui.export.paper import Page
from landscape_gui.figure import Figure

logging.getLogger("fontTools").setLevel(logging.ERROR)
"""Computer Modern's files have no dates, which its subsetter would warn of each time."""


def written(sheet: Any, figure: Figure, suffix: str, page: Page) -> bytes:
    """The sheet as the bytes of a file; call it inside `paper.settings(page)`."""
    if suffix in (".tif", ".tiff"):
        return _tiff(_saved(sheet, ".png", page, {}), figure, page)
    return _saved(sheet, suffix, page, metadata(figure, suffix))


def _saved(sheet: Any, suffix: str, page: Page, facts: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    face = "none" if page.transparent else page.theme.background
    sheet.savefig(buffer, format=suffix.lstrip("."), dpi=page.dpi, metadata=facts, facecolor=face)
    return buffer.getvalue()


def _tiff(png: bytes, figure: Figure, page: Page) -> bytes:
    """Losslessly packed, with its resolution and the caption in it."""
    picture = Image.open(io.BytesIO(png))
    told = metadata(figure, ".tiff")
    buffer = io.BytesIO()
    picture.save(
        buffer, "TIFF", compression="tiff_adobe_deflate", dpi=(page.dpi, page.dpi), description=told["Description"],
        software=told["Software"],
    )  # fmt: skip
    return buffer.getvalue()
