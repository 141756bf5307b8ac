"""Frames into files, one after another so that memory holds one at a time: .mp4, .gif and .webp."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from landscape_gui.errors import LandscapeError
from landscape_gui.export.embedding import MARK, gif_comment
from landscape_gui.film import FilmSetup
from landscape_gui.results import Array
from landscape_gui.style import END, LIGHT, START, TRAJECTORY, Theme

SUFFIXES = {
    ".mp4": "film in H.264, which plays everywhere",
    ".gif": "pictures in a loop, 256 colours; large",
    ".webp": "pictures in a loop, all colours, for web pages",
}
QUALITY = 17
"""x264's constant rate factor: nothing to be seen of the compression."""


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{}</dc:title><dc:description>{}</dc:description>'
    "<dc:source>{}</dc:source></rdf:Description></rdf:RDF></x:xmpmeta>"
)
NEAR = 10
"""How far apart two colours of a palette are at least where one of them must be met exactly, of 255."""


class Encoder(Protocol):
    def __call__(
        self, path: Path, frames: Iterable[Array], setup: FilmSetup, samples: list[Array], told: dict[str, str]
    ) -> None: ...


def encoder_of(suffix: str) -> Encoder:
    """What writes a file of a suffix. Raises LandscapeError where a library for it is missing."""
    if suffix == ".webp":
        return write_webp
    try:
        import av  # noqa: F401
    except ImportError as error:
        remedy = "Install it: pip install av. A .webp can be written without it."
        raise LandscapeError(f"A {suffix} cannot be written: the library PyAV is missing.", remedy=remedy) from error
    return write_mp4 if suffix == ".mp4" else write_gif


def write_mp4(path: Path, frames: Iterable[Array], setup: FilmSetup, samples: list[Array], told: dict[str, str]) -> None:
    """H.264 in 4:2:0 with its index in front, in the colours of HDTV; one thread and no dates, for the same bytes every time."""
    import av

    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        container.metadata.update(told)
        stream: Any = container.add_stream("libx264", rate=setup.rate)
        stream.width, stream.height, stream.pix_fmt = setup.width, setup.height, "yuv420p"
        stream.options = {"crf": str(QUALITY), "preset": "medium", "tune": "animation"}
        context = stream.codec_context
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = 1
        context.color_range = 1
        for pixels in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            container.mux(stream.encode(picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")))
        container.mux(stream.encode())


def write_gif(path: Path, frames: Iterable[Array], setup: FilmSetup, samples: list[Array], told: dict[str, str]) -> None:
    """One palette for all frames, made from samples of them, and no dithering: nothing flickers."""
    import av

    palette = palette_of(samples, setup.theme)
    table = np.full((256, 4), 255, np.uint8)  # alpha, red, green, blue
    colours = np.asarray(palette.getpalette("RGB"), np.uint8).reshape(-1, 3)
    table[: len(colours), 1:] = colours
    with av.open(str(path), "w", format="gif", options={"loop": "0", "fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream("gif", rate=setup.rate)
        stream.width, stream.height, stream.pix_fmt = setup.width, setup.height, "pal8"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, setup.rate)
        for pixels in frames:
            indices = Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.NONE)
            indexed: Any = (np.asarray(indices), table)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(indexed, format="pal8")))
        container.mux(stream.encode())
    with path.open("r+b") as file:  # a comment before the byte that ends the file
        file.seek(-1, 2)
        file.write(gif_comment(record_in(told)) + b";")


def record_in(told: dict[str, str]) -> str:
    """The record alone, which stands behind the provenance."""
    return next((line for line in told.get("description", "").split("\n") if line.startswith(MARK)), "")


def palette_of(samples: list[Array], theme: Theme = LIGHT) -> Image.Image:
    """256 colours that suit all samples; those of background, letters and paths are among them as they are."""
    step = max(1, -(-len(samples) // 8))
    joined = np.concatenate([s[::2, ::2] for s in samples[::step]])
    kept = (theme.background, theme.ink, theme.muted, TRAJECTORY, START, END, "#000000", "#191919")
    found = Image.fromarray(joined).quantize(256 - len(kept), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    own = np.array([list(bytes.fromhex(name[1:])) for name in kept])
    others = np.asarray(found.getpalette("RGB"), int).reshape(-1, 3)[: 256 - len(kept)]
    near = np.abs(others[:, None] - own).max(axis=2).argmin(axis=1)
    close = np.abs(others - own[near]).max(axis=1) < NEAR
    others[close] = own[near[close]]  # matching is coarse: white must not become what is nearly white
    colours = np.concatenate([own, others]).ravel().tolist()
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours)
    return palette


def write_webp(path: Path, frames: Iterable[Array], setup: FilmSetup, samples: list[Array], told: dict[str, str]) -> None:
    """Pillow takes the frames one by one."""
    pictures: Iterator[Image.Image] = (Image.fromarray(pixels) for pixels in frames)
    first = next(pictures)
    looks: dict[str, Any] = {"save_all": True, "loop": 0, "quality": 90, "method": 3, "duration": round(1000 / setup.rate)}
    looks["xmp"] = XMP.format(*(escape(told.get(name, "")) for name in ("title", "comment", "description"))).encode()
    first.save(path, "WEBP", append_images=pictures, **looks)
