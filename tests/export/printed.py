"""What stands in an exported file, read without the library that wrote it."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    size: float
    text: str


def media_box(pdf: bytes) -> tuple[float, float]:
    """Width and height of the first page in inches."""
    found = re.search(rb"/MediaBox \[ ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) \]", pdf)
    assert found
    left, low, right, high = (float(v) for v in found.groups())
    return (right - left) / 72, (high - low) / 72


def streams(pdf: bytes) -> list[bytes]:
    """Every unpacked stream."""
    found = []
    for part in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(part[1]))
        except zlib.error:
            continue
    return found


def pdf_sizes(pdf: bytes) -> list[float]:
    """Size in points of every piece of text: the operand of Tf times the scale of the text matrix."""
    page = max((s for s in streams(pdf) if b" Tf" in s), key=len)
    found, size, scale = [], 0.0, 1.0
    for token in re.finditer(rb"/\S+ ([\d.]+) Tf|([-\d.]+) ([-\d.]+) [-\d.]+ [-\d.]+ [-\d.]+ [-\d.]+ Tm|\bBT\b|T[jJ]\b", page):
        if token[1]:
            size = float(token[1])
        elif token[2]:
            scale = (float(token[2]) ** 2 + float(token[3]) ** 2) ** 0.5
        elif token[0] == b"BT":
            scale = 1.0
        else:
            found.append(size * scale)
    return found


def svg_words(svg: str) -> list[Word]:
    """Every text element with its size, as written in its style, in the units of the view box (points)."""
    found = []
    for part in re.finditer(r"<text\b([^>]*)>(.*?)</text>", svg, re.DOTALL):
        size = re.search(r"font(?:-size)?:[^;\"]*?([\d.]+)px", part[1])
        words = re.sub(r"<[^>]+>", "", part[2]).strip()
        if size and words:
            found.append(Word(float(size[1]), words))
    return found
