"""Exported files, read back: exact width, sizes of letters, pixels that are not resampled."""

from __future__ import annotations

import io
import itertools
import os
import random
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import chart_panel, figure_of, plane_panel
from PIL import Image
from printed import media_box, pdf_sizes, svg_words

from landscape_gui.errors import LandscapeError
from landscape_gui.export import export, proof, render
from landscape_gui.export.figures import draw, page_of
from landscape_gui.export.fonts import as_mathtext, as_tex, missing_of_tex, width_of
from landscape_gui.export.paper import settings
from landscape_gui.export.pixels import PixelImage
from landscape_gui.export.writers import picture
from landscape_gui.figure import Axis, Figure, Panel
from landscape_gui.page_setup import Font, PageSetup
from landscape_gui.style import DARK
from landscape_gui.venues import VENUES, setup_for

MIXED = figure_of(plane_panel("3d"), plane_panel("2d"), chart_panel())
FONTS: tuple[Font, ...] = ("sans", "serif", "mathtext")
POINT = 1 / 72


@pytest.mark.parametrize(("venue", "columns"), [(v, c + 1) for v, known in VENUES.items() for c in range(len(known.widths))])
def test_the_page_is_exactly_as_wide_as_the_column(venue: str, columns: int) -> None:
    setup = setup_for(venue, columns, dpi=72)
    width = VENUES[venue].widths[columns - 1]
    figure = figure_of(chart_panel())
    assert media_box(render(figure, ".pdf", setup))[0] == pytest.approx(width, abs=1e-6 * POINT)
    svg = re.search(r'<svg[^>]*? width="([\d.]+)pt"[^>]*? viewBox="0 0 ([\d.]+) ', render(figure, ".svg", setup).decode())
    assert svg and float(svg[1]) == float(svg[2]) == pytest.approx(72 * width, abs=1e-5)  # as many digits as are written
    assert Image.open(io.BytesIO(render(figure, ".png", setup))).width in (int(72 * width), round(72 * width))


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("size", [8.0, 9.5])
def test_letters_in_a_pdf_have_the_size_that_was_asked_for(font: Font, size: float) -> None:
    """Labels and titles `size`, numbers on axes 7/8 of it, labels of contours 0.72; indices of formulas 0.7."""
    found = pdf_sizes(render(MIXED, ".pdf", PageSetup(width=7.0, font=font, font_size=size, dpi=72)))
    allowed = [size, 0.875 * size, 0.72 * size]
    allowed += [0.7 * s for s in allowed] if font == "mathtext" else []
    assert len(found) > 60
    assert all(min(abs(f - a) for a in allowed) < 0.1 for f in found), sorted(set(found))
    for wanted in allowed[:3]:
        assert any(abs(f - wanted) < 0.1 for f in found), wanted


@pytest.mark.parametrize("font", FONTS)
def test_letters_in_an_svg_have_the_size_that_was_asked_for(font: Font) -> None:
    found = {word.text: word.size for word in svg_words(render(MIXED, ".svg", PageSetup(width=7.0, font=font, dpi=72)).decode())}
    for words, size in (
        ("accuracy (%)", 8.0),
        ("distance", 8.0),
        ("Along a line", 8.0),
        ("checkpoint", 7.0),
        ("two standard errors", 7.0),
    ):
        assert found[words] == pytest.approx(size, abs=0.1), words


@pytest.mark.parametrize("font", FONTS)
def test_greek_letters_and_symbols_are_set_in_every_font(font: Font, recwarn: pytest.WarningsRecorder) -> None:
    panel = Panel(marks=chart_panel().marks, x=Axis(label="α and β, λ₁ ≤ 3·10⁻³, ‖Hv‖ ± √σ²"), y=Axis(label="x_1 {a} 90% & $5"))
    svg = render(figure_of(panel), ".svg", PageSetup(font=font, dpi=72)).decode()
    assert not [w for w in recwarn if "Glyph" in str(w.message) or "font" in str(w.message).lower()]
    words = re.sub(r"<[^>]+>|\s", "", svg)
    for letter in "αβλσ√≤":
        assert letter in words, letter


def test_a_text_for_computer_modern_and_latex_holds_no_commands_of_its_own() -> None:
    assert as_mathtext("90% of x_1 & $5, λ₁") == r"90% of x$\_$1 & \$5, $\lambda_{1}$"
    assert as_mathtext("lr · λmax, |λmin|") == r"lr $\cdot$ $\lambda_{\max}$, $|\lambda_{\min}|$"
    assert as_tex("2/λmax") == r"2/$\lambda_{\max}$"
    assert as_tex(r"90% of x_1 & $5, 10⁻³ \input{a} #") == r"90\% of x\_1 \& \$5, 10$^{-3}$ $\backslash$input\{a\} \#"
    assert as_tex("−0.5 and Α “q” ж") == r"$-$0.5 and $\mathrm{A}$ ``q'' ?"


def test_no_text_at_all_stops_computer_modern() -> None:
    """Every character up to the mathematical operators, and random words of those that mean something to it."""
    draw_words, odd = random.Random(0), "abc $\\{}^_%&#~`αβ²₃⁻√<>|\"'-−\t\x7fͰϟ"
    texts = [f"a{chr(k)}b" for k in range(1, 0x250)] + [f"a{chr(k)}b" for k in range(0x370, 0x400)]
    texts += ["".join(draw_words.choices(odd, k=draw_words.randint(1, 12))) for _ in range(300)]
    for text in texts:
        assert width_of(text, 8.0, "mathtext") >= 0, text


@pytest.mark.skipif(bool(missing_of_tex()), reason="LaTeX is not here")
def test_latex_sets_the_letters_the_same_each_time() -> None:
    setup = PageSetup(font="tex", dpi=72)
    assert render(figure_of(chart_panel()), ".pdf", setup) == render(figure_of(chart_panel()), ".pdf", setup)


def test_without_latex_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing_of_tex.cache_clear()
    try:
        with pytest.raises(LandscapeError, match=r"the program latex cannot be found\. Install TeX Live .* mathtext"):
            render(figure_of(chart_panel()), ".pdf", PageSetup(font="tex"))
    finally:
        missing_of_tex.cache_clear()


@pytest.mark.parametrize("view", ["2d", "3d"])
@pytest.mark.parametrize("width", [3.3, 2.77])
def test_every_pixel_of_a_raster_is_one_of_the_page(view: str, width: float) -> None:
    """Where it is opaque and nothing is drawn over it, the page holds the raster itself: nothing is resampled or shifted."""
    panel = plane_panel(view)  # type: ignore[arg-type]
    bare = Panel(marks=(panel.surface,), view=view, x=panel.x, y=panel.y, z=panel.z)  # type: ignore[arg-type]
    page = page_of(figure_of(bare), PageSetup(width=width, dpi=200))
    with settings(page):
        sheet = draw(figure_of(bare), page)
        (image,) = sheet.findobj(PixelImage)
        for other in sheet.findobj(lambda item: type(item).__name__ in ("QuadContourSet", "LineCollection", "Text")):
            other.set_visible(False)
        drawn = np.asarray(picture(sheet, page))
    assert image.pixels is not None and image.axes is not None
    box = image.axes.bbox
    left, top = box.x0 + image.place[0] * box.width, sheet.bbox.height - box.y0 - (image.place[1] + image.place[3]) * box.height
    top += drawn.shape[0] - sheet.bbox.height  # pages end at whole pixels, on top
    assert left == pytest.approx(round(left), abs=1e-6)
    rows, columns = image.pixels.shape[:2]
    cut = drawn[round(top) : round(top) + rows, round(left) : round(left) + columns]
    inner = (slice(4, -4), slice(4, -4))  # the frame's line lies over the edge
    solid = image.pixels[inner][..., 3] == 255
    assert solid.mean() > 0.2
    assert (cut[inner][solid] == image.pixels[inner][..., :3][solid]).all()


def test_the_same_bytes_in_two_processes() -> None:
    code = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); from test_printed import MIXED, render, PageSetup\n"
        "for suffix in ('.pdf', '.svg', '.png', '.tiff', '.eps'):\n"
        "    print(suffix, hashlib.sha256(render(MIXED, suffix, PageSetup(width=6, dpi=60, letters=True))).hexdigest())"
    )
    seen = []
    for seed in "01":
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LANDSCAPE_GUI_RENDERER": "painter"}
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)], capture_output=True, text=True, check=True, env=environment
        )  # fmt: skip
        seen.append(done.stdout.split())
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 10


def test_pictures_know_their_resolution_and_eps_is_whole() -> None:
    setup = PageSetup(width=3.0, height=2.0, dpi=150)
    for suffix in (".png", ".tiff"):
        image = Image.open(io.BytesIO(render(MIXED, suffix, setup)))
        assert image.size == (450, 300)
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.0127)  # PNG counts whole pixels a metre
    eps = render(MIXED, ".eps", setup)
    assert eps.startswith(b"%!PS-Adobe-3.0 EPSF-3.0")
    assert b"%%HiResBoundingBox: 0.000000 0.000000 216.000000 144.000000" in eps
    assert b"CreationDate" not in eps and b"/FontType 42" in eps


def test_eps_without_transparency_says_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    render(MIXED, ".eps", PageSetup(width=6, dpi=60, theme=DARK))
    assert "transparency" not in caplog.text


def test_lines_are_in_proportion_to_the_curves() -> None:
    """Twice as wide curves: every stroke of the page twice as wide."""
    widths = []
    for points in (1.2, 2.4):  # 1 is SVG's own, which it leaves out
        svg = render(figure_of(chart_panel()), ".svg", PageSetup(dpi=72, line_width=points)).decode()
        widths.append(sorted({float(w) for w in re.findall(r"stroke-width: ([\d.]+)", svg)} - {0.0}))
    assert widths[1] == pytest.approx([2 * w for w in widths[0]], rel=1e-6)


def test_letters_stand_on_the_panels_in_bold_and_titles_can_be_left_out() -> None:
    plain, lettered = (render(MIXED, ".svg", PageSetup(width=7, dpi=60, letters=k)).decode() for k in (False, True))
    assert "(a)" not in plain
    for letter in "abc":
        assert re.search(rf"<text[^>]*bold[^>]*>\({letter}\)</text>", lettered) or re.search(
            rf"700[^>]*>\({letter}\)</text>", lettered
        )
    words = {w.text for w in svg_words(render(MIXED, ".svg", PageSetup(width=7, dpi=60, titles=False)).decode())}
    assert not {"Train loss", "Along a line"} & words


def test_a_file_that_is_there_stays_where_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_text("mine")
    with pytest.raises(LandscapeError, match="exists already"):
        export(figure_of(chart_panel()), path, overwrite=False)
    assert path.read_text() == "mine"
    export(figure_of(chart_panel()), path)
    assert path.read_bytes().startswith(b"<?xml")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix's")
def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """A process that may write no more than 20 kB a file: the old figure stays, and nothing lies beside it."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"old")
    code = (
        "import sys, signal, resource; sys.path.insert(0, sys.argv[1]); from test_printed import MIXED, export, PageSetup\n"
        "import os; os.environ['LANDSCAPE_GUI_RENDERER'] = 'painter'\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from landscape_gui.errors import LandscapeError\n"
        "try: export(MIXED, sys.argv[2], PageSetup(dpi=200))\n"
        "except LandscapeError as error: print(error)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20000
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(path)], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert "could not be written: File too large" in done.stdout
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_that_is_too_small_is_said_and_a_good_one_is_not() -> None:
    assert proof(MIXED, PageSetup(width=7.0)) == ()
    told = " ".join(proof(MIXED, PageSetup(width=2.4, height=1.0)))
    assert "overlap" in told or "cut off" in told
    assert any("5.8" not in words and "under 5" in words for words in proof(MIXED, PageSetup(width=7, font_size=5)))


def test_a_long_title_has_two_lines_and_stays_inside() -> None:
    panel = plane_panel("2d")
    long = figure_of(
        Panel(marks=panel.marks, view="2d", title="A title that is much longer than the picture beneath it is wide, isn't it")
    )
    assert not [words for words in proof(long, PageSetup(width=2.6)) if "cut off" in words]


def test_an_empty_figure_is_said() -> None:
    with pytest.raises(LandscapeError, match="empty"):
        proof(Figure(panels=()))


def test_numbers_on_axes_never_touch_however_narrow_the_panel() -> None:
    """At 14 points on a page of 2.4 inches numbers are left out, and one that is left is at its own place; at 20 points
    nothing can be saved, which is said."""
    figure = figure_of(plane_panel("2d"))
    for size in (6, 12, 14):
        page = page_of(figure, PageSetup(width=2.4, font_size=size, dpi=72))
        with settings(page):
            sheet = draw(figure, page, rasters=False)
            axes = next(a for a in sheet.findobj(lambda item: hasattr(item, "child_axes")) if a.child_axes)
            labels = [label for label in axes.get_xticklabels() if label.get_text()]
            boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: float(box.x0))
            assert len(labels) >= 2
            assert all(b.x0 > a.x1 for a, b in itertools.pairwise(boxes))
            for value, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
                assert float(label.get_text().replace("\N{MINUS SIGN}", "-")) == pytest.approx(value)
    assert any("cut off" in words for words in proof(figure, PageSetup(width=2.4, font_size=20)))
