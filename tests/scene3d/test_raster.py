"""Pictures off the screen."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pictures import panel

from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Path, Points
from landscape_gui.scene3d import raster
from landscape_gui.scene3d.model import model_of
from landscape_gui.style import DARK, LIGHT


def drawn(way: str, **more: object) -> np.ndarray:
    try:
        return raster.render(panel(), 300, 220, way=way, **more)  # type: ignore[arg-type]
    except raster.Unavailable as why:
        pytest.skip(f"no {way} here: {why}")


@pytest.mark.parametrize("way", ["process", "painter"])
def test_the_same_bytes_twice_and_many_colours(way: str) -> None:
    first, second = drawn(way), drawn(way)
    assert first.shape == (220, 300, 4)
    assert first.tobytes() == second.tobytes()
    assert len(np.unique(first.reshape(-1, 4), axis=0)) > 500
    assert (first[..., 3] == 255).all()
    assert (first[0, 0, :3] == 255).all()


def test_scale_multiplies_pixels_and_keeps_the_picture() -> None:
    small, large = drawn("painter"), drawn("painter", scale=2.0)
    assert large.shape == (440, 600, 4)
    halved = large.reshape(220, 2, 300, 2, 4).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() < 6  # lines and letters fall on other pixels


def test_a_transparent_picture_on_its_background_is_the_opaque_one() -> None:
    opaque, clear = drawn("process").astype(float), drawn("process", transparent=True).astype(float)
    alpha = clear[..., 3:] / 255
    assert alpha.min() == 0
    assert alpha.max() == 1
    on_white = clear[..., :3] * alpha + 255 * (1 - alpha)
    assert np.abs(on_white - opaque[..., :3]).max() < 6  # 8-bit colours of nearly transparent pixels


def test_the_theme_is_the_background() -> None:
    assert drawn("painter", theme=DARK)[0, 0, :3].tolist() == [0x16, 0x18, 0x1D]


def test_packing_for_another_process_loses_nothing() -> None:
    shown = panel(scale="log")
    view = raster.framed(model_of(shown), (300.0, 220.0))
    got = raster.unpack(raster.pack(shown, view, (300, 220), 1.0, True, LIGHT))
    assert got[0].surface is not None
    assert shown.surface is not None
    assert np.array_equal(got[0].surface.z, shown.surface.z)
    assert replace(got[0].surface, x=0, y=0, z=0, missing=0) == replace(shown.surface, x=0, y=0, z=0, missing=0)  # type: ignore[arg-type]
    assert np.array_equal(got[1][0].matrix, view[0].matrix)
    assert [label.text for label in got[1][1].labels] == [label.text for label in view[1].labels]  # type: ignore[union-attr]
    assert got[2:] == ((300, 220), 1.0, True, LIGHT)


def test_packing_keeps_how_lines_and_pins_look() -> None:
    t = np.linspace(0, 1, 5)
    bare = Path(x=t, y=t / 2, stops=False, dash=True, colour=2)
    pins = Points(x=t[:2], y=t[:2], names=("A", "B"), colour=3)
    shown = replace(panel(path=False), marks=(*panel(path=False).marks, bare, pins))
    got = raster.unpack(raster.pack(shown, raster.framed(model_of(shown), (300.0, 220.0)), (300, 220), 1.0, True, LIGHT))[0]
    line, marked = got.marks[1:]
    assert isinstance(line, Path)
    assert isinstance(marked, Points)
    assert (line.stops, line.dash, line.ink) == (False, True, bare.ink)
    assert np.array_equal(line.y, bare.y)
    assert (marked.names, marked.colour) == (("A", "B"), 3)


def test_without_opengl_the_painter_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> np.ndarray:
        raise raster.Unavailable("no OpenGL")

    for name in ("canvas", "egl", "process", "window"):
        monkeypatch.setitem(raster.WAYS, name, gone)
    picture = raster.render(panel(), 200, 150)
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 300


def test_holes_show_the_background_and_filled_in_cells_are_paler() -> None:
    shown = panel(path=False)
    surface = shown.surface
    assert surface is not None
    missing = np.zeros(surface.z.shape, bool)
    missing[10:20, 8:16] = True
    holes = replace(shown, marks=(replace(surface, z=np.where(missing, np.nan, surface.z), missing=missing),))
    filled = replace(shown, marks=(replace(surface, filled=np.ones(surface.z.shape, bool)),))
    whole, holed, pale = (raster.render(p, 300, 220, way="painter").astype(int) for p in (shown, holes, filled))
    coloured = lambda a: (a[..., :3].max(axis=-1) - a[..., :3].min(axis=-1) > 40).sum()  # noqa: E731
    assert coloured(holed) < 0.97 * coloured(whole)
    saturation = lambda a: (a[..., :3].max(axis=-1) - a[..., :3].min(axis=-1)).mean()  # noqa: E731
    assert saturation(pale) < 0.8 * saturation(whole)


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(LandscapeError, match="no surface"):
        raster.render(replace(panel(), marks=()), 100, 100)
    with pytest.raises(LandscapeError, match="too large"):
        raster.render(panel(), 100000, 100)


def test_a_canvas_that_went_with_its_window_is_passed_over(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene outlives its widget where something still holds it: its context cannot be borrowed any more."""
    from shiboken6 import delete

    from landscape_gui.scene3d import scene as scenes

    gone = scenes.SurfaceScene()
    delete(gone.canvas.native)
    monkeypatch.setattr(scenes, "LIVE", [gone])
    with pytest.raises(raster.Unavailable, match="no canvas is open"):
        raster.render(panel(), 60, 50, way="canvas")
