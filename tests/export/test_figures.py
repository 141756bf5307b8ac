"""Figures on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import chart_panel, figure_of, plane_panel
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from landscape_gui.errors import LandscapeError
from landscape_gui.export import export, render
from landscape_gui.export.figures import default_size, draw
from landscape_gui.export.paper import Page, settings
from landscape_gui.figure import Axis, Figure, Note, Panel, Rule, View
from landscape_gui.page_setup import PageSetup
from landscape_gui.style import DARK

PANELS = {
    "3d": plane_panel("3d"),
    "2d": plane_panel("2d", holes=True),
    "log": plane_panel("2d", scale="log"),
    "chart": chart_panel(),
}


@pytest.mark.parametrize(("kind", "suffix"), [("3d", ".png"), ("3d", ".pdf"), ("2d", ".svg"), ("2d", ".pdf"), ("chart", ".svg")])
def test_the_same_bytes_twice(kind: str, suffix: str) -> None:
    figure = figure_of(PANELS[kind])
    assert render(figure, suffix, PageSetup(dpi=60)) == render(figure, suffix, PageSetup(dpi=60))


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize("size", [(3.3, None), (2.2, None), (5.0, 2.4)])
def test_no_label_is_cut_off(kind: str, size: tuple[float, float | None]) -> None:
    figure = figure_of(PANELS[kind])
    width, height = default_size(figure, size[0])
    page = Page(width=width, height=size[1] or height, dpi=60, font_size=8 if width > 3 else 6)
    with settings(page):
        sheet = draw(figure, page)
        FigureCanvasAgg(sheet).draw()
        inside = sheet.bbox
        texts = [t for t in sheet.findobj(Text) if t.get_visible() and t.get_text().strip()]
        assert len(texts) > 8
        for text in texts:
            box: Any = text.get_window_extent()
            assert box.x0 >= -0.5, text
            assert box.y0 >= -0.5, text
            assert box.x1 <= inside.x1 + 0.5, text
            assert box.y1 <= inside.y1 + 0.5, text


@pytest.mark.parametrize("kind", ["3d", "2d", "chart"])
def test_png_has_its_size_its_colours_and_its_origin(kind: str, tmp_path: Path) -> None:
    path = export(figure_of(PANELS[kind]), tmp_path / "a.png", PageSetup(width=3.0, height=2.5, dpi=120))
    image = Image.open(path)
    assert image.size == (360, 300)
    assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 100
    assert "α and −1" in image.info["Description"]
    assert '"fingerprint": "f00d"' in image.info["Provenance"]


def test_transparent_and_dark() -> None:
    import io

    figure = figure_of(PANELS["chart"])
    clear = Image.open(io.BytesIO(render(figure, ".png", PageSetup(dpi=60, transparent=True))))
    assert np.asarray(clear)[0, 0, 3] == 0
    dark = Image.open(io.BytesIO(render(figure, ".png", PageSetup(dpi=60, theme=DARK)))).convert("RGB")
    assert dark.getpixel((0, 0)) == (0x16, 0x18, 0x1D)


@pytest.mark.parametrize("kind", ["3d", "2d", "chart"])
def test_svg_holds_text_as_text(kind: str) -> None:
    text = render(figure_of(PANELS[kind]), ".svg", PageSetup(dpi=80)).decode()
    found = re.findall(r"<text[^>]*>([^<]*)</text>", text)
    labels = {"chart": ["distance", "accuracy (%)", "checkpoint"]}.get(kind, ["train loss (nat)", "Train loss"])
    assert set(labels) <= set(found)
    assert "Loss on a plane, α and −1." in text
    assert "dc:date" not in text


@pytest.mark.skipif(shutil.which("pdffonts") is None or shutil.which("pdftotext") is None, reason="poppler's tools are not here")
@pytest.mark.parametrize("kind", ["3d", "2d", "chart"])
def test_pdf_text_can_be_edited(kind: str, tmp_path: Path) -> None:
    path = export(figure_of(PANELS[kind]), tmp_path / "a.pdf", PageSetup(dpi=80))
    run = lambda *command: subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: E731
    fonts = run("pdffonts", str(path)).splitlines()[2:]
    assert fonts
    assert all("TrueType" in line and re.search(r"yes\s+yes\s+yes", line) for line in fonts)
    letters = re.sub(r"\s", "", run("pdftotext", "-raw", str(path), "-"))
    assert ("accuracy(%)" if kind == "chart" else "filter-normalised") in letters
    assert "Loss on a plane" in run("pdfinfo", str(path))
    assert "CreationDate" not in run("pdfinfo", str(path))


def test_panels_stand_side_by_side() -> None:
    figure = figure_of(plane_panel("2d"), plane_panel("3d"), chart_panel())
    width, height = default_size(figure)
    assert width == 7.0
    page = Page(width=width, height=height, dpi=80)
    with settings(page):
        sheet = draw(figure, page)
        FigureCanvasAgg(sheet).draw()
        lefts = [cell.bbox.x0 for cell in sheet.subfigs]
    assert lefts == sorted(lefts)
    assert len(set(lefts)) == 3


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_any_number_of_lines_has_its_legend_outside_the_data(count: int) -> None:
    from landscape_gui.figure import Line

    x = np.linspace(0, 1, 5)
    panel = Panel(marks=tuple(Line(x=x, y=x + k, label=f"quantity number {k}", colour=k) for k in range(count)), x=Axis(label="t"))
    figure = figure_of(panel)
    width, height = default_size(figure)
    page = Page(width=width, height=height, dpi=80)
    with settings(page):
        sheet = draw(figure, page)
        FigureCanvasAgg(sheet).draw()
        axes, legend = sheet.subfigs[0].axes[0], sheet.subfigs[0].legends[0]
        assert axes.get_window_extent().height > 0.4 * sheet.bbox.height
        assert not legend.get_window_extent().overlaps(axes.get_window_extent())


def test_odd_surfaces_are_drawn() -> None:
    panel = plane_panel()
    surface = panel.surface
    assert surface is not None
    for z in (np.full(surface.z.shape, np.nan), np.full(surface.z.shape, 2.0), np.full(surface.z.shape, np.inf)):
        for view in ("2d", "3d"):
            odd = replace(panel, view=view, marks=(replace(surface, z=z, limits=(0.0, 1.0)),))  # type: ignore[arg-type]
            assert render(figure_of(odd), ".png", PageSetup(dpi=50))
    assert render(figure_of(Panel(marks=(Note(text="Nothing has been computed yet."),))), ".png", PageSetup(dpi=50))


def test_what_is_wrong_with_a_path_is_said(tmp_path: Path) -> None:
    figure = figure_of(chart_panel())
    for name, words in (("a.jpg", "suffix '.jpg'"), ("a", "without a suffix"), ("none/a.png", "does not exist")):
        with pytest.raises(LandscapeError, match=words):
            export(figure, tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(LandscapeError, match="is a folder"):
        export(figure, tmp_path / "folder.png")
    for size in ({"width": 0.01}, {"dpi": 1e6}, {"font_size": 0.0}):
        with pytest.raises(LandscapeError, match="makes no sense"):
            export(figure, tmp_path / "a.png", PageSetup(**size))  # type: ignore[arg-type]
    with pytest.raises(LandscapeError, match="empty"):
        export(Figure(panels=()), tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LandscapeError, match="No space left"):
        export(figure_of(chart_panel()), path, PageSetup(dpi=50))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_plane_s_colour_bar_is_as_tall_as_the_plane() -> None:
    """Also where a plane twice as wide as high leaves room above and below."""
    panel = plane_panel("2d")
    surface = panel.surface
    assert surface is not None
    flat = replace(panel, marks=(replace(surface, y=np.linspace(-0.5, 0.5, len(surface.y))),))
    figure = figure_of(flat)
    width, height = default_size(figure)
    page = Page(width=width, height=height, dpi=60)
    with settings(page):
        sheet = draw(figure, page)
        FigureCanvasAgg(sheet).draw()
        (axes,) = sheet.findobj(lambda item: getattr(item, "get_title", str)() == "Train loss")
        (bar,) = axes.child_axes
        assert (bar.bbox.y0, bar.bbox.y1) == pytest.approx((axes.bbox.y0, axes.bbox.y1), abs=0.5)  # half a pixel


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_a_note_on_a_surface_is_on_the_paper(view: View, tmp_path: Path) -> None:
    panel = plane_panel(view)
    figure = figure_of(replace(panel, marks=(*panel.marks, Note(text="No finite value in 9 points."))))
    export(figure, tmp_path / "f.svg")
    assert "No finite value in 9 points." in (tmp_path / "f.svg").read_text()


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_where_no_cell_is_finite_no_scale_is_invented(view: View) -> None:
    panel = plane_panel(view)
    assert panel.surface is not None
    lost = replace(panel.surface, z=np.full_like(panel.surface.z, np.nan), limits=(71.0, 79.0))
    known, empty = (
        render(figure_of(replace(panel, marks=(s,))), ".svg", PageSetup(dpi=50)).decode() for s in (panel.surface, lost)
    )
    label = panel.z.text or panel.surface.label
    assert known.count(label) > empty.count(label), "the colour bar's label"
    assert not [text for text in re.findall(r">([^<>]+)</text>", empty) if text.startswith("7")]


def test_upright_rules_are_named_above_the_curves() -> None:
    """In the picture of the whole page, the label's box begins where the axes end, below the title."""
    panel = replace(chart_panel(), title="Loss along a line")
    page = Page(width=3.4, height=2.6, dpi=100)
    with settings(page):
        sheet = draw(figure_of(replace(panel, marks=(*panel.marks, Rule(at=0.5, label="checkpoint")))), page)
        FigureCanvasAgg(sheet).draw()
        texts = {t.get_text(): t for t in sheet.findobj(Text)}
        label, title = texts["checkpoint"].get_window_extent(), texts["Loss along a line"].get_window_extent()
        assert texts["checkpoint"].axes.get_window_extent().y1 <= label.y0 and label.y1 <= title.y0
