"""Pages drawn in a process of their own: the same bytes as here, errors in words, stopped and started again."""

import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landscape_gui.errors import LandscapeError
from landscape_gui.export import apart, render
from landscape_gui.export.apart import Drawer, Stopped, preview
from landscape_gui.figure import Figure, Look
from landscape_gui.page_setup import PageSetup
from landscape_gui.venues import setup_for

sys.path.insert(0, str(Path(__file__).parent.parent / "ui"))
from bowls import Bowl, bowl

FLAT = Bowl().figure(bowl(21, 11), Look(view="2d"))
HIGH = Bowl().figure(bowl(21, 11), Look(view="3d"))
SMALL = PageSetup(width=2.5, dpi=100)


@pytest.fixture(scope="module")
def drawer():
    drawer = Drawer()
    yield drawer
    drawer.close()


@pytest.mark.parametrize("suffix", [".pdf", ".png", ".svg"])
def test_it_draws_the_same_bytes(drawer, suffix):
    assert drawer.ask("whole", FLAT, suffix, SMALL) == render(FLAT, suffix, SMALL)


def test_a_foreseen_error_comes_back_with_its_remedy(drawer):
    with pytest.raises(LandscapeError, match="empty") as caught:
        drawer.ask("whole", Figure(panels=()), ".pdf", SMALL)
    assert caught.value.remedy


def test_another_error_comes_back_with_its_traceback(drawer):
    broken = replace(FLAT, panels=(3,))
    with pytest.raises(RuntimeError) as caught:
        drawer.ask("whole", broken, ".pdf", SMALL)
    assert "Traceback" in caught.value.__notes__[0]
    assert drawer.ask("whole", FLAT, ".png", SMALL)[:4] == b"\x89PNG"


def test_what_cannot_be_sent_is_drawn_here(drawer):
    local = replace(FLAT, extra={"function": lambda: None})
    assert drawer.ask("whole", local, ".png", SMALL) == render(FLAT, ".png", SMALL)


def test_stopped_in_the_middle_it_says_so_and_starts_again():
    drawer = Drawer()
    large = PageSetup(width=10.0, height=10.0, dpi=1200)
    timer = threading.Timer(0.5, drawer.stop)
    timer.start()
    with pytest.raises(Stopped):
        drawer.ask("whole", HIGH, ".png", large)
    timer.join()
    assert drawer.ask("whole", FLAT, ".png", SMALL)[:4] == b"\x89PNG"
    drawer.close()
    with pytest.raises(Stopped):
        drawer.ask("whole", FLAT, ".png", SMALL)


def test_a_process_that_died_is_said_and_replaced():
    drawer = Drawer()
    drawer.ask("whole", FLAT, ".png", SMALL)
    drawer.start().kill()
    drawer.start()  # sees that it is gone, or the next does
    assert drawer.ask("whole", FLAT, ".png", SMALL)[:4] == b"\x89PNG"
    drawer.close()


def test_without_a_process_the_thread_that_asks_draws(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert apart.started() is None
    assert Drawer().ask("whole", FLAT, ".png", SMALL) == render(FLAT, ".png", SMALL)


def pixels(picture):
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.rows, picture.columns, 4)[..., :3].astype(float)


@pytest.mark.parametrize("figure", [FLAT, HIGH], ids=["2d", "3d"])
@pytest.mark.parametrize("venue", ["neurips", "nature"])
def test_the_preview_is_the_file_with_fewer_pixels(tmp_path, figure, venue):
    """Axes, letters and lines stand at the same places: blurred so that the raster of either does not count, the pictures agree."""
    setup = setup_for(venue)
    seen = preview(figure, ".png", setup, (550, 2000))
    path = tmp_path / "file.png"
    path.write_bytes(render(figure, ".png", setup))
    file = Image.open(path).convert("RGB")
    assert seen.width == pytest.approx(file.width / setup.dpi, abs=1 / setup.dpi)
    assert seen.height == pytest.approx(file.height / setup.dpi, abs=1 / setup.dpi)
    small = np.asarray(file.resize((seen.columns, seen.rows), Image.Resampling.BOX), float)
    there, here = (block_means(p, 10) for p in (small, pixels(seen)))
    assert np.abs(there - here).max() < 40  # a line that moves by a block changes two of them by more
    assert np.abs(there - here).mean() < 3  # an axis is rounded to a pixel, and takes every contour with it by up to one


def block_means(picture, side):
    rows, columns = (n // side for n in picture.shape[:2])
    return picture[: rows * side, : columns * side].reshape(rows, side, columns, side, -1).mean(axis=(1, 3))


def test_a_preview_fits_its_room_or_has_the_resolution_that_is_asked_for():
    tall = preview(FLAT, ".png", PageSetup(width=2.0, height=6.0), (500, 300))
    assert (tall.columns, tall.rows) == (100, 300)
    real = preview(FLAT, ".png", PageSetup(width=2.0, height=3.0), (50, 50), 96.0)
    assert (real.columns, real.rows) == (192, 288)


def test_a_transparent_page_is_see_through_and_that_of_an_eps_is_not():
    clear = replace(SMALL, transparent=True)
    alpha = {s: np.frombuffer(preview(FLAT, s, clear, (200, 200)).pixels, np.uint8)[3::4] for s in (".png", ".eps")}
    assert alpha[".png"].min() == 0
    assert alpha[".eps"].max() == 255
