"""Images by class: a folder or a zip, `<class>/image.png` or `train/<class>/image.png`, read with Pillow."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from landscape_gui.errors import ProblemError
from landscape_gui.problem.framing import Framing
from landscape_gui.problem.raw import Raw, Reading, files_below, in_order, read_whole, split_of

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Decoders that are let at a file, whatever it is called: those of PostScript and the like start other programs."""
LARGEST_FILE = 256 << 20
MOST_PIXELS = 64 << 20

Reader = Callable[[str], bytes]
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
"""(channels, height, width), or several of them."""


def read_images(path: Path, reading: Reading) -> Raw:
    """Splits of images (n, channels, height, width) uint8 and class numbers (n,) int64, classes in alphabetical order.

    reading.framing: how each is scaled and cropped; None takes the first image's size and asks all others to have it. Raises
    ProblemError naming the image or folder.
    """
    if path.is_dir():
        names = [p.relative_to(path).as_posix() for p in files_below(path)]
        return _read(path, names, lambda name: read_whole(path / name, LARGEST_FILE), reading)
    with zipfile.ZipFile(path) as archive:
        names = sorted(item.filename for item in archive.infolist() if not item.is_dir() and item.file_size <= LARGEST_FILE)
        return _read(path, names, archive.read, reading)


def _read(path: Path, names: Sequence[str], reader: Reader, reading: Reading) -> Raw:
    grouped = _by_split(names)
    if not grouped:
        raise ProblemError(f"{path} holds no images by class.", remedy="Lay them out as class/image.png, or train/class/image.png.")
    classes = tuple(sorted({label for items in grouped.values() for label, _ in items}))
    splits = in_order(grouped)
    first = _decoded(path, grouped[splits[0]][0][1], reader, reading.framing, None)
    count = sum(len(items) for items in grouped.values())
    needed = count * first.size * 4
    if needed > reading.limit:
        raise ProblemError(
            f"{path} has {count:,} images, {needed / 2**30:.1f} GiB as tensors; {reading.limit / 2**30:.1f} GiB are allowed.",
            remedy="Give a smaller size, or a landscape.py whose data() returns a DataLoader; that streams.",
        )
    stacked = {split: _stack(path, grouped[split], classes, reader, reading.framing, first) for split in splits}
    return Raw(stacked, {"kind": "images", "classes": list(classes[:1000])})


def _by_split(names: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Split -> (class, file) of every image that lies in a class's folder."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        place = PurePosixPath(name)
        if place.suffix.lower() in SUFFIXES and not place.name.startswith(".") and len(place.parts) >= 2:
            split = split_of(place.parts[-3]) if len(place.parts) >= 3 else "data"
            grouped.setdefault(split, []).append((place.parts[-2], name))
    return grouped


def _stack(
    path: Path,
    items: Sequence[tuple[str, str]],
    classes: Sequence[str],
    reader: Reader,
    framing: Framing | None,
    first: Pixels,
) -> tuple[Tensor, Tensor]:
    """The images of a split with their class numbers; first: one of the data, whose channels and size all are to have."""
    channels, *size = first.shape
    numbers = {name: i for i, name in enumerate(classes)}
    x = np.empty((len(items), channels, *size), dtype=np.uint8)
    for i, (_, name) in enumerate(items):
        image = _decoded(path, name, reader, framing, channels)
        if image.shape[1:] != first.shape[1:]:
            raise ProblemError(
                f"{path}: {name} is {image.shape[2]} x {image.shape[1]}, the first image {size[1]} x {size[0]}.",
                remedy='Give a size to scale all to: --size 32, or in the card "data": {"file": ..., "size": [32, 32]}.',
            )
        x[i] = image
    return torch.from_numpy(x), torch.tensor([numbers[label] for label, _ in items])


def _decoded(path: Path, name: str, reader: Reader, framing: Framing | None, channels: int | None) -> Pixels:
    try:
        content = reader(name)
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise ProblemError(f"{path}: {name} is no readable image: {error}.") from error
    return decode(f"{path}: {name}", io.BytesIO(content), framing, channels)


def decode(where: str, content: BinaryIO, framing: Framing | None, channels: int | None) -> Pixels:
    """One image, (channels, height, width) uint8; 1 channel for grey images where `channels` does not say 3.

    where: what a sentence about it begins with. Raises ProblemError.
    """
    errors: tuple[Any, ...] = (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError)
    try:
        with Image.open(content, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"it has {image.width:,} x {image.height:,} pixels")
            grey = image.mode in ("1", "L", "I", "I;16", "F") if channels is None else channels == 1
            converted = image.convert("L" if grey else "RGB")
    except errors as error:
        raise ProblemError(f"{where} is no readable image: {error}.") from error
    if framing is not None:
        converted = framing.picture(converted)
    pixels = np.asarray(converted, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
