"""Images by class: a folder or a zip, `<class>/image.png` or `train/<class>/image.png`, read with Pillow."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from landscape_gui.errors import ProblemError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}
ORDER = {"train": 0, "val": 1, "test": 2}
LARGEST_FILE = 256 << 20

Reader = Callable[[str], bytes]


def read_images(
    path: Path, *, size: tuple[int, int] | None, limit: int
) -> tuple[dict[str, tuple[Tensor, Tensor]], tuple[str, ...]]:
    """Splits of images (n, channels, height, width) uint8 and class numbers (n,) int64, with the classes in alphabetical order.

    size: (height, width) to scale to; None takes the first image's and asks all others to have it. limit: bytes in memory at most.
    Raises ProblemError naming the image or folder.
    """
    if path.is_dir():
        names = [p.relative_to(path).as_posix() for p in sorted(path.rglob("*")) if p.is_file()]
        return _read(path, names, lambda name: (path / name).read_bytes(), size, limit)
    with zipfile.ZipFile(path) as archive:
        names = sorted(item.filename for item in archive.infolist() if not item.is_dir() and item.file_size <= LARGEST_FILE)
        return _read(path, names, archive.read, size, limit)


def _read(
    path: Path, names: Sequence[str], reader: Reader, size: tuple[int, int] | None, limit: int
) -> tuple[dict[str, tuple[Tensor, Tensor]], tuple[str, ...]]:
    images = [
        name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES and not PurePosixPath(name).name.startswith(".")
    ]
    grouped: dict[str, list[tuple[str, str]]] = {}
    for name in images:
        parts = PurePosixPath(name).parts
        if len(parts) >= 2:
            split = SPLITS.get(parts[-3].lower(), "data") if len(parts) >= 3 else "data"
            grouped.setdefault(split, []).append((parts[-2], name))
    if not grouped:
        raise ProblemError(f"{path} holds no images by class.", remedy="Lay them out as class/image.png, or train/class/image.png.")
    classes = tuple(sorted({label for items in grouped.values() for label, _ in items}))
    first = _decode(path, images[0], reader, size, None)
    needed = sum(len(items) for items in grouped.values()) * first.size * 4
    if needed > limit:
        raise ProblemError(
            f"{path} has {len(images):,} images, {needed / 2**30:.1f} GiB as tensors; {limit / 2**30:.1f} GiB are allowed.",
            remedy="Give a smaller size, or a landscape.py whose data() returns a DataLoader; that streams.",
        )
    splits = {
        split: _stack(
            path, grouped[split], classes, reader, size or (first.shape[1], first.shape[2]), first.shape[0], exact=size is None
        )
        for split in sorted(grouped, key=lambda s: ORDER.get(s, 3))
    }
    return splits, classes


def _stack(
    path: Path,
    items: Sequence[tuple[str, str]],
    classes: Sequence[str],
    reader: Reader,
    size: tuple[int, int],
    channels: int,
    *,
    exact: bool,
) -> tuple[Tensor, Tensor]:
    numbers = {name: i for i, name in enumerate(classes)}
    x = np.empty((len(items), channels, *size), dtype=np.uint8)
    for i, (_, name) in enumerate(items):
        image = _decode(path, name, reader, None if exact else size, channels)
        if image.shape[1:] != size:
            raise ProblemError(
                f"{path}: {name} is {image.shape[2]} x {image.shape[1]}, the first image {size[1]} x {size[0]}.",
                remedy='Give a size to scale all to, in the card: "data": {"file": ..., "size": [32, 32]}.',
            )
        x[i] = image
    return torch.from_numpy(x), torch.tensor([numbers[label] for label, _ in items])


def _decode(
    path: Path, name: str, reader: Reader, size: tuple[int, int] | None, channels: int | None
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """One image, (channels, height, width) uint8; 1 channel for grey images where `channels` does not say 3."""
    try:
        with Image.open(io.BytesIO(reader(name))) as image:
            grey = image.mode in ("1", "L", "I", "I;16", "F") if channels is None else channels == 1
            converted = image.convert("L" if grey else "RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError, zipfile.BadZipFile) as error:
        raise ProblemError(f"{path}: {name} is no readable image: {error}.") from error
    if size is not None and converted.size != (size[1], size[0]):
        converted = converted.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(converted, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
