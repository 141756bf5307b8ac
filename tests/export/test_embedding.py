"""What a figure says of itself inside its file: it comes back from every format, tells no secrets, and hostile files get words."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from landscape_gui.errors import LandscapeError
from landscape_gui.export import render
from landscape_gui.export.answer_digests import digests, largest_difference
from landscape_gui.export.embedding import (
    MARK,
    bytes_of,
    comment_lines,
    gif_comment,
    holds_record,
    read_figure,
    records,
    seal,
    without_double_hyphens,
)
from landscape_gui.export.record import read_record, record
from landscape_gui.figure import Camera, Figure, Look
from landscape_gui.page_setup import PageSetup
from landscape_gui.probes import Line
from landscape_gui.results import AxesReport, LineResult, Provenance, Quantity, freeze

SUFFIXES = (".pdf", ".svg", ".png", ".tiff", ".eps")
LOOK = Look(view="2d", scale="log", colour_map="magma", camera=Camera(azimuth=12.5), limits=(0.1, 2.0))
SETUP = PageSetup(width=2.0, dpi=40, font_size=7, titles=False)


def line(shift: float = 0.0) -> LineResult:
    x = np.linspace(-1, 1, 9)
    loss = Quantity(
        name="train_loss", label="training loss", values=freeze(x**2 + 0.2 + shift), unit="nat", axes=("x",), examples=7
    )
    axes = AxesReport(kind="filter", labels=("one",), norms=freeze([2.0]), cosines=freeze([[1.0]]))
    where = Provenance(
        probe="line", version=2, key="ab" * 16, fingerprint="cd" * 16,
        question={"seed": 3, "towards": {"path": "/home/ann/x/b.pt"}},
        problem={
            "checkpoint": {"path": "/home/ann/secret project/runs/a.pt", "digest": "d1"},
            "notes": ["read from /home/ann/runs"], "layers": [["fc", [[2, 2]]]],
        },
        environment={"torch": "2.0", "threads": 2, "pace": float("nan")}, created="2026-01-01T00:00:00+00:00", seconds=3.0,
    )  # fmt: skip
    computed = freeze(np.ones(9), bool)
    return LineResult(x=freeze(x), quantities={"train_loss": loss}, computed=computed, axes=axes, provenance=where)


def figure(shift: float = 0.0) -> Figure:
    return Line().figure(line(shift), LOOK)


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    return {suffix: render(figure(), suffix, SETUP) for suffix in SUFFIXES}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_back_what_was_sealed(written: dict[str, bytes], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"f{suffix}"
    path.write_bytes(written[suffix])
    assert next(records(bytes_of(path))) == record(figure(), SETUP)
    found = read_figure(path)
    assert holds_record(path) and (found.setup, found.answers[0].look) == (SETUP, LOOK)
    where = found.answers[0].provenance
    assert (where.probe, where.version, where.key, where.environment["pace"]) == ("line", 2, "ab" * 16, "nan")
    assert found.answers[0].numbers == digests(line()) and found.caption == figure().caption
    assert render(figure(), suffix, SETUP) == written[suffix]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_folder_and_no_name_of_a_user_stands_in_the_file(written: dict[str, bytes], suffix: str) -> None:
    plain = written[suffix].replace(b"\0", b"")
    assert b"secret" not in plain and b"/ann" not in plain
    told = json.dumps(record(figure(), SETUP))
    assert (
        "secret" not in told
        and "/ann" not in told
        and "~/runs" in told
        and "runs/a.pt" in told
        and "x/b.pt" in told
        and "2026" not in told
    )


def test_the_word_passes_through_comments_of_xml_and_gif(tmp_path: Path) -> None:
    word = seal(record(figure(), SETUP))
    head, _, packed = word.rpartition(".")
    double = f"{head}.{packed[:9]}--{packed[11:]}"
    told = without_double_hyphens(double)
    assert "--" not in told.rpartition(".")[2] and told.replace("-+", "-").rpartition(".")[2] == double.rpartition(".")[2]
    for name, data in (("a.gif", b"GIF89a" + gif_comment(word) + b";"), ("b.vtp", without_double_hyphens(word).encode())):
        (tmp_path / name).write_bytes(data)
        assert read_figure(tmp_path / name).answers[0].look == LOOK


def test_a_difference_in_the_last_bit_is_seen_and_measured() -> None:
    first, second = digests(line()), digests(line(1e-9))
    changed = [name for name in first if first[name].xxh3 != second[name].xxh3]
    assert changed == ["quantities.train_loss.values"]
    values = line(1e-9).quantities["train_loss"].values
    assert largest_difference(first[changed[0]], values) == pytest.approx(1e-9 / 1.2, rel=1e-3)
    assert largest_difference(first[changed[0]], values[:5]) == float("inf")
    assert digests(line(1e-9))["quantities.train_loss.examples"].shape == ()


def test_the_record_is_found_through_line_breaks_comments_and_utf_16(tmp_path: Path) -> None:
    word = seal(record(figure(), SETUP))
    assert word.isascii() and " " not in word
    for name, data in (
        ("a.eps", b"%!PS\n" + comment_lines(word, "% ").encode()),
        ("b.pdf", "/Keywords (ü ".encode("utf-16-be") + word.encode("utf-16-be")),
        ("c.svg", f"<svg>{word[:900]}\n  {word[900:]}</svg>".encode()),
        ("d.pdf", b"%PDF-1.5\nstream\r\n" + zlib.compress(word.encode()) + b"\nendstream"),
    ):
        (tmp_path / name).write_bytes(data)
        assert read_figure(tmp_path / name).answers[0].look == LOOK


def test_png_with_packed_texts(written: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(written[".png"])
    image, told = Image.open(tmp_path / "a.png"), PngInfo()
    for name, text in image.info.items():
        if isinstance(name, str) and isinstance(text, str):
            told.add_text(name, text, zip=True)
    image.save(tmp_path / "b.png", pnginfo=told)
    assert MARK.encode() not in (tmp_path / "b.png").read_bytes()
    assert read_figure(tmp_path / "b.png") == read_figure(tmp_path / "a.png")


@pytest.mark.skipif(shutil.which("gs") is None, reason="Ghostscript is not installed")
def test_ghostscript_hands_it_on(written: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(written[".pdf"])
    subprocess.run(["gs", "-q", "-o", tmp_path / "b.pdf", "-sDEVICE=pdfwrite", tmp_path / "a.pdf"], check=True)
    assert read_figure(tmp_path / "b.pdf") == read_figure(tmp_path / "a.pdf")


def test_the_preamble_of_a_stranger_is_not_taken_over() -> None:
    setup = PageSetup(font="tex", tex_preamble=r"\input{/etc/passwd}")
    assert read_record(record(figure(), setup)).setup == PageSetup(font="tex")


WORD = seal({"format": "landscape_gui figure", "version": 1})
BOMB = seal({"a": "0" * (70 << 20)})


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", b"%PDF-1.4 nothing", "holds no record"),
        ("a.svg", b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><svg>&c;</svg>', "holds no record"),
        ("a.txt", b"hello", "is no figure"),
        ("a.png", WORD[:-3].encode(), "damaged"),
        ("a.png", WORD.replace("8", "9").encode(), "damaged"),
        ("a.png", f"{MARK}.{'0' * 32}.99999999.abc".encode(), "damaged"),
        ("a.png", BOMB.encode(), "larger than it may be"),
        ("a.png", WORD.encode(), "is not whole"),
        ("a.png", seal([1]).encode(), "no record of landscape_gui"),  # type: ignore[arg-type]
        ("a.png", seal({"format": "landscape_gui figure", "version": 2, "program": "9.9"}).encode(), "9.9, which records more"),
        ("a.png", seal({**record(figure()), "answers": [{"question": 3}]}).encode(), "is not whole"),
        ("a.png", seal({**record(figure()), "page": {"dpi": "many"}}).encode(), "is not whole"),
        ("a.png", seal({**record(figure()), "page": {"dpi": 1e9}}).encode(), "1e\\+09 dots"),
    ],
)
def test_hostile_files_are_answered_in_words(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LandscapeError, match=words):
        read_figure(tmp_path / name)


def test_streams_that_unpack_without_end_are_given_up(tmp_path: Path) -> None:
    stream = b"stream\n" + zlib.compress(bytes(40 << 20)) + b"\n"
    (tmp_path / "bomb.pdf").write_bytes(b"%PDF-1.5\n" + stream * 12)
    with pytest.raises(LandscapeError, match="holds no record"):
        read_figure(tmp_path / "bomb.pdf")


def test_damage_anywhere_is_a_sentence(written: dict[str, bytes], tmp_path: Path) -> None:
    draw, path = random.Random(0), tmp_path / "x.svg"
    sealed = written[".svg"]
    start = sealed.index(MARK.encode())
    for _ in range(200):
        data = bytearray(sealed)
        for _ in range(3):
            data[draw.randrange(start, start + 6000)] = draw.randrange(256)
        path.write_bytes(data[: draw.randrange(start, len(data))])
        with contextlib.suppress(LandscapeError):
            assert read_figure(path).answers[0].look == LOOK


def test_a_figure_made_by_hand_says_where_its_numbers_come_from() -> None:
    bare = dataclasses.replace(figure(), drawn_from=())
    found = read_record(record(bare))
    assert found.answers[0].provenance.key == "ab" * 16 and not found.answers[0].numbers
