"""A panel's 3-D picture as pixels, on a machine with or without a display, inside a window's process or not.

OpenGL is looked for in this order: a canvas of this process that is already open (its context is borrowed for an own framebuffer);
EGL without a display, in this process where vispy is not in use yet, else in a fresh one; a hidden window in a fresh process.
Where none of them works a painter of our own draws the picture with Pillow: nothing that is exported needs OpenGL.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
from PIL import Image

from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Axis, Camera, Panel, Path, Points, Surface
from landscape_gui.results import Array
from landscape_gui.scene3d.axes import Layout, layout, margins, tight
from landscape_gui.scene3d.camera import Projection, project
from landscape_gui.scene3d.model import Model, model_of, rgb
from landscape_gui.scene3d.painter import paint
from landscape_gui.style import LIGHT, Theme

SUPERSAMPLING = 2
LARGEST = 8192
"""Pixels along a side that are drawn at once; more are refused by common drivers."""
PATIENCE = 90.0
"""Seconds that a fresh process may take."""

Shot = Callable[[Array], Array]
"""Draws on a background (4,) and gives (height, width, 3) float32, 0 to 255."""


class Unavailable(Exception):
    """A way of drawing does not work here; says why."""


def render(
    panel: Panel,
    width: float,
    height: float,
    scale: float = 1.0,
    transparent: bool = False,
    theme: Theme = LIGHT,
    *,
    view: tuple[Projection, Layout | None] | None = None,
    fit: bool = False,
    way: str = "auto",
) -> Array:
    """(height x scale, width x scale, 4) uint8 RGBA of a 3-D panel; the same bytes every time on one machine.

    width, height: logical pixels, which set the size of letters; scale: pixels per logical pixel; view: projection and labels
    (labels None: the bare surface), else laid out here; fit: box and labels fill the picture, else it is framed as on the screen.
    way: "auto", or one of "canvas", "egl", "process", "window", "painter". Supersampled 2 x 2. Never fails for want of OpenGL.
    """
    model = model_of(panel)
    if view is None:
        view = framed(model, (float(width), float(height)), fit=fit)
    pixels = round(width * scale), round(height * scale)
    if max(pixels) > LARGEST * 4:
        raise LandscapeError(
            f"A picture of {pixels[0]} x {pixels[1]} pixels is too large.", remedy="Lower the size or the resolution."
        )
    for name in ways() if way == "auto" else (way,):
        try:
            return WAYS[name](model, view, pixels, scale, transparent, theme)
        except Unavailable:
            if way != "auto":
                raise
    raise AssertionError("the painter always draws")


def framed(model: Model, size: tuple[float, float], *, fit: bool = False) -> tuple[Projection, Layout]:
    """Projection and labels for a picture of `size` logical pixels."""
    from landscape_gui.scene3d.scene import lettering

    frame, panel, style = model.frame, model.panel, lettering(size)
    if fit:
        return tight(frame, panel, panel.camera, size, style)
    projection = project(panel.camera, size, frame.top, margins(frame, panel, style))
    return projection, layout(frame, panel, projection, style)


def ways() -> tuple[str, ...]:
    """What to try here, in order. The environment variable LANDSCAPE_GUI_RENDERER names one to try first."""
    chosen = os.environ.get("LANDSCAPE_GUI_RENDERER", "")
    found: list[str] = [chosen] if chosen in WAYS else []
    found += ["canvas"]
    if sys.platform.startswith("linux"):
        found += ["egl", "process"]
    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        found += ["window"]
    return (*found, "painter")


# -- with OpenGL ----------------------------------------------------------------------------------------------------------


def _on_canvas(model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    """Borrows the context of a scene that is on the screen, in its own thread."""
    scenes = sys.modules.get("landscape_gui.scene3d.scene")
    here = [s for s in (scenes.LIVE if scenes else ()) if s.thread == threading.get_ident() and not s.canvas._closed]
    canvas = next((s.canvas for s in here if _is_there(s.canvas)), None)
    if canvas is None:
        raise Unavailable("no canvas is open in this thread")
    return _draw(canvas, model, view, pixels, scale, transparent, theme)


def _is_there(canvas: Any) -> bool:
    """Whether there still is a widget behind a canvas: it goes with its window, also while something holds the scene."""
    try:
        canvas.set_current()
    except RuntimeError:
        return False
    return True


_headless: list[Any] = []
"""The one hidden canvas of this process."""


def _with_egl(model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    """EGL without a display, where vispy has no other application in this process."""
    import vispy.app
    from vispy.app import _default_app

    used = _default_app.default_app
    if (used is not None and "egl" not in used.backend_name.lower()) or "PySide6.QtGui" in sys.modules:
        raise Unavailable("vispy draws to a window in this process")
    if _headless and _headless[0][0] != threading.get_ident():
        raise Unavailable("another thread draws")
    if not _headless:
        try:
            with _environment(EGL_PLATFORM="surfaceless" if not os.environ.get("EGL_PLATFORM") else os.environ["EGL_PLATFORM"]):
                vispy.app.use_app("egl")
                _headless.append((threading.get_ident(), vispy.app.Canvas(size=(16, 16), show=False, keys=None)))
        except Exception as why:
            raise Unavailable(str(why)) from why
    return _draw(_headless[0][1], model, view, pixels, scale, transparent, theme)


def _draw(canvas: Any, model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    """Into a framebuffer of its own; what goes wrong in OpenGL makes the way unavailable."""
    from vispy import gloo

    from landscape_gui.scene3d.renderer import Renderer

    try:
        canvas.set_current()
        limit = min(LARGEST, int(gloo.gl.glGetParameter(gloo.gl.GL_MAX_RENDERBUFFER_SIZE)))
        finer = SUPERSAMPLING if SUPERSAMPLING * max(pixels) <= limit else 1
        if max(pixels) > limit:
            raise Unavailable(f"over the driver's limit of {limit} pixels")
        size = pixels[0] * finer, pixels[1] * finer
        renderer = Renderer()
        renderer.set_model(model, theme)
        rgba8, depth24 = 0x8058, 0x81A6
        target = gloo.FrameBuffer(
            color=gloo.RenderBuffer(size[::-1], rgba8, False), depth=gloo.RenderBuffer(size[::-1], depth24, False)
        )

        def shot(background: Array) -> Array:
            with target:
                renderer.draw(view[0], view[1], size, scale * finer, background)
                drawn = target.read("color", alpha=False)
            return shrink(drawn, finer)

        picture = compose(shot, transparent, theme)
        for part in (target, target.color_buffer, target.depth_buffer):
            part.delete()
        gloo.flush()
        return picture
    except Unavailable:
        raise
    except Exception as why:
        raise Unavailable(str(why)) from why


def compose(shot: Shot, transparent: bool, theme: Theme) -> Array:
    """RGBA uint8; transparency is solved from one picture on white and one on black."""
    if not transparent:
        colour = shot(np.array([*rgb(theme.background), 1.0]))
        return np.concatenate([np.rint(colour), np.full((*colour.shape[:2], 1), 255.0)], axis=-1).astype(np.uint8)
    white, black = shot(np.array([1.0, 1, 1, 1])), shot(np.array([0.0, 0, 0, 1]))
    white -= black
    alpha = np.clip(1 - (white[..., 0] + white[..., 1] + white[..., 2]) / np.float32(765), 0, 1)
    black /= np.maximum(alpha, np.float32(1 / 512))[..., None]
    black[alpha <= 1 / 512] = 0
    picture = np.empty((*alpha.shape, 4), np.uint8)
    picture[..., :3] = np.rint(np.minimum(black, np.float32(255), out=black), out=black)
    picture[..., 3] = np.rint(alpha * 255)
    return picture


def shrink(pixels: Array, factor: int) -> Array:
    """float32 means of uint8 (h, w, 3) over squares of `factor` pixels, rounded to whole numbers."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(picture.reduce(factor) if factor > 1 else picture, np.float32)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# -- in a process of its own ----------------------------------------------------------------------------------------------


def _in_process(model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    return _elsewhere("egl", model, view, pixels, scale, transparent, theme)


def _in_window(model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    return _elsewhere("hidden", model, view, pixels, scale, transparent, theme)


def _elsewhere(way: str, model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    """The same drawing by `python -m landscape_gui.scene3d.raster`: the panel goes in, pixels come out."""
    if getattr(sys, "frozen", False) or not sys.executable:
        raise Unavailable("no interpreter to start")
    environment = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "LANDSCAPE_GUI_RENDERER")}
    if way == "egl":
        environment["EGL_PLATFORM"] = "surfaceless"
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [environment.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "landscape_gui.scene3d.raster", way]
    sent = pack(model.panel, view, pixels, scale, transparent, theme)
    try:
        done = subprocess.run(command, input=sent, capture_output=True, timeout=PATIENCE, env=environment, check=False)
    except (OSError, subprocess.TimeoutExpired) as why:
        raise Unavailable(str(why)) from why
    expected = pixels[0] * pixels[1] * 4
    if done.returncode or len(done.stdout) != expected:
        raise Unavailable(done.stderr.decode(errors="replace")[-400:])
    return np.frombuffer(done.stdout, np.uint8).reshape(pixels[1], pixels[0], 4).copy()


def pack(panel: Panel, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> bytes:
    """What another process needs, as a NumPy archive; nothing in it runs."""
    surface = panel.surface
    assert surface is not None
    arrays: dict[str, Any] = {"x": surface.x, "y": surface.y, "z": surface.z}
    for name in ("missing", "filled"):
        if getattr(surface, name) is not None:
            arrays[name] = getattr(surface, name)
    paths = [m for m in panel.marks if isinstance(m, Path)]
    for k, path in enumerate(paths):
        arrays[f"path{k}"] = np.stack([path.x, path.y])
    pins = [m for m in panel.marks if isinstance(m, Points)]
    for k, pin in enumerate(pins):
        arrays[f"pins{k}"] = np.stack([pin.x, pin.y])
    plain: dict[str, Any] = {k: v for k, v in surface.__dict__.items() if k not in ("x", "y", "z", "missing", "filled")}
    head = {
        "surface": plain, "paths": [[p.colour, p.stops, p.dash] for p in paths],
        "pins": [[p.colour, p.names] for p in pins],
        "axes": [asdict(a) for a in (panel.x, panel.y, panel.z)],
        "camera": asdict(panel.camera), "pixels": pixels, "scale": scale, "transparent": transparent, "dark": theme.dark,
        "bare": view[1] is None, "size": view[0].size, "theme": asdict(theme),
    }  # fmt: skip
    arrays["matrix"], arrays["frame"] = view[0].matrix, np.array([view[0].scale, *view[0].eye, *view[0].right, *view[0].up])
    arrays["centre"] = view[0].centre
    if view[1] is not None:
        arrays.update(grid=view[1].grid, edges=view[1].edges, ticks=view[1].ticks)
        head["labels"] = [{k: v for k, v in label.__dict__.items() if k != "corners"} for label in view[1].labels]
    buffer = io.BytesIO()
    np.savez(buffer, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)
    return buffer.getvalue()


def unpack(sent: bytes) -> tuple[Panel, tuple[Projection, Layout | None], tuple[int, int], float, bool, Theme]:
    """The inverse of `pack`."""
    from landscape_gui.scene3d.axes import Label

    with np.load(io.BytesIO(sent), allow_pickle=False) as archive:
        a = {name: archive[name] for name in archive.files}
    head = json.loads(a["head"].tobytes())
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in head["surface"].items()}
    surface = Surface(x=a["x"], y=a["y"], z=a["z"], missing=a.get("missing"), filled=a.get("filled"), **plain)
    paths = tuple(
        Path(x=a[f"path{k}"][0], y=a[f"path{k}"][1], colour=c, stops=s, dash=d) for k, (c, s, d) in enumerate(head["paths"])
    )
    pins = tuple(Points(x=a[f"pins{k}"][0], y=a[f"pins{k}"][1], colour=c, names=tuple(n)) for k, (c, n) in enumerate(head["pins"]))
    camera = {**head["camera"], "pan": tuple(head["camera"]["pan"])}
    x, y, z = (Axis(**axis) for axis in head["axes"])
    panel = Panel(marks=(surface, *paths, *pins), view="3d", x=x, y=y, z=z, camera=Camera(**camera))
    f = a["frame"]
    projection = Projection(
        matrix=a["matrix"], size=tuple(head["size"]), scale=float(f[0]), eye=f[1:4], right=f[4:7], up=f[7:10], centre=a["centre"]
    )
    found = None
    if not head["bare"]:
        labels = tuple(Label(**label) for label in head["labels"])
        found = Layout(grid=a["grid"], edges=a["edges"], ticks=a["ticks"], labels=labels)
    return panel, (projection, found), tuple(head["pixels"]), head["scale"], head["transparent"], Theme(**head["theme"])


def _hidden(model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    """A window that is opened off the screen for a moment."""
    import vispy.app

    try:
        vispy.app.use_app("pyside6")
        canvas = vispy.app.Canvas(size=(16, 16), position=(-2000, -2000), show=True, keys=None, decorate=False, title="")
        vispy.app.process_events()
    except Exception as why:
        raise Unavailable(str(why)) from why
    return _draw(canvas, model, view, pixels, scale, transparent, theme)


def _painted(model: Model, view: Any, pixels: tuple[int, int], scale: float, transparent: bool, theme: Theme) -> Array:
    """Without OpenGL."""

    def shot(background: Array) -> Array:
        return paint(model, view[0], view[1], pixels, scale, background, theme)

    return compose(shot, transparent, theme)


WAYS: dict[str, Callable[[Model, Any, tuple[int, int], float, bool, Theme], Array]] = {
    "canvas": _on_canvas,
    "egl": _with_egl,
    "process": _in_process,
    "window": _in_window,
    "painter": _painted,
}


def main() -> int:
    """One picture: a packed panel on standard input, raw RGBA on standard output."""
    way = sys.argv[1] if len(sys.argv) > 1 else "egl"
    panel, view, pixels, scale, transparent, theme = unpack(sys.stdin.buffer.read())
    draw = _hidden if way == "hidden" else _with_egl
    try:
        picture = draw(model_of(panel), view, pixels, scale, transparent, theme)
    except Unavailable as why:
        print(why, file=sys.stderr)
        return 3
    sys.stdout.buffer.write(picture.tobytes())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
