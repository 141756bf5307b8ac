"""A drawn sheet as the bytes of a file, one function a format; equal sheets are equal bytes."""

from __future__ import annotations

import io
import logging
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfFile, PdfPages
from matplotlib.colors import to_rgb
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from landscape_gui.export.embedding import comment_lines
from landscape_gui.export.flattening import flatten
from landscape_gui.export.metadata import ORIGIN, RECORD, keywords, metadata, provenance, sealed
from landscape_gui.export.paper import Page
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup

logging.getLogger("fontTools").setLevel(logging.ERROR)
"""Computer Modern's files have no dates, which its subsetter would warn of each time."""

KIN = {
    "cmr10": ("CMU Serif", "Latin Modern Roman", "cmr10"),
    "STIXGeneral": ("STIXGeneral", "STIX Two Text", "Times New Roman", "Times"),
    "Open Sans": ("Open Sans", "Helvetica", "Arial"),
}
"""Names under which a page's font, or one like it, is installed."""


def written(sheet: Any, figure: Figure, suffix: str, page: Page, setup: PageSetup) -> bytes:
    """The sheet as the bytes of a file, with the record of the figure on the page that `setup` asks for; call it inside
    `paper.settings(page)`."""
    facts, record = metadata(figure, suffix), sealed(figure, setup)
    if suffix == ".png":
        return _png(picture(sheet, page), {**facts, RECORD: record}, page)
    if suffix in (".tif", ".tiff"):
        return _tiff(picture(sheet, page), {**facts, RECORD: record}, page)
    if suffix == ".eps":
        return _eps(sheet, facts, record, page)
    if suffix == ".pdf":
        return _pdf(sheet, facts, record, provenance(figure), page)
    return _svg(_vector(sheet, suffix, {**facts, "Source": record}, page))


def picture(sheet: Any, page: Page) -> Image.Image:
    """The sheet as pixels; RGB, or RGBA where the page has no background."""
    sheet.set_size_inches([side + 1e-6 / page.dpi for side in (page.width, page.height)])  # 889.9999999 pixels are 890
    canvas: Any = FigureCanvasAgg(sheet)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    return drawn if page.transparent else drawn.convert("RGB")


def _vector(sheet: Any, suffix: str, facts: dict[str, Any], page: Page) -> bytes:
    buffer = io.BytesIO()
    sheet.savefig(buffer, format=suffix.lstrip("."), dpi=page.dpi, metadata=facts, facecolor=_face(page))
    return buffer.getvalue()


def _pdf(sheet: Any, facts: dict[str, Any], record: str, origin: str, page: Page) -> bytes:
    buffer = io.BytesIO()
    told = {**facts, "Keywords": keywords(facts["Keywords"], record)}
    with _steady_names(), PdfPages(buffer, metadata=told) as pages:
        pages.infodict()[ORIGIN] = origin
        pages.savefig(sheet, dpi=page.dpi, facecolor=_face(page))
    return buffer.getvalue()


def _svg(drawn: bytes) -> bytes:
    """The text is set by whoever opens the file: fonts of the same widths are named behind the page's, should it be missing."""
    for family, others in KIN.items():
        drawn = drawn.replace(f"'{family}'".encode(), ", ".join(f"'{name}'" for name in others).encode())
    return drawn


def _face(page: Page) -> str:
    return "none" if page.transparent else page.theme.background


@contextmanager
def _steady_names() -> Iterator[None]:
    """matplotlib names LaTeX's fonts in a PDF by where an object lies in memory: here by the characters that are used."""
    writer: Any = PdfFile
    before = writer._get_subset_prefix

    def prefix(characters: Iterable[Any]) -> str:
        number = zlib.crc32(repr(sorted(map(str, characters))).encode())
        return "".join(chr(ord("A") + number // 26**k % 26) for k in range(6)) + "+"

    writer._get_subset_prefix = staticmethod(prefix)
    try:
        yield
    finally:
        writer._get_subset_prefix = staticmethod(before)


def _png(drawn: Image.Image, facts: dict[str, str], page: Page) -> bytes:
    """Packed quickly: the hardest packing takes seven times as long for a twentieth less."""
    told = PngInfo()
    for name, words in facts.items():
        told.add_text(name, words)
    buffer = io.BytesIO()
    drawn.save(buffer, "PNG", compress_level=4, dpi=(page.dpi, page.dpi), pnginfo=told)
    return buffer.getvalue()


def _tiff(drawn: Image.Image, facts: dict[str, str], page: Page) -> bytes:
    """Losslessly packed, with its resolution and the caption in it."""
    buffer = io.BytesIO()
    drawn.save(
        buffer, "TIFF", compression="tiff_adobe_deflate", dpi=(page.dpi, page.dpi),
        description=f"{facts['Description']}\n{facts[RECORD]}", software=facts["Software"],
    )  # fmt: skip
    return buffer.getvalue()


def _eps(sheet: Any, facts: dict[str, Any], record: str, page: Page) -> bytes:
    """PostScript knows nothing transparent: everything is laid on the page's background first. Without the date, and with the
    record as comments behind those of the head."""
    flatten(sheet, to_rgb(page.theme.background))
    plain = re.sub(rb"(?m)^%%CreationDate:.*\n", b"", _vector(sheet, ".eps", facts, page))
    head, end, rest = plain.partition(b"%%EndComments\n")
    return head + end + comment_lines(record, "% ").encode() + rest
