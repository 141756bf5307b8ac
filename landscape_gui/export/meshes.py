"""Surfaces for Blender, ParaView and slides: .vtp, .obj and .glb by the suffix."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_gui import __version__
from landscape_gui.errors import LandscapeError
from landscape_gui.export.embedding import comment_lines, without_double_hyphens
from landscape_gui.export.files import check_target, write
from landscape_gui.export.mesh import HEIGHTS, Heights, mesh_of, surface_panel
from landscape_gui.export.metadata import RECORD, provenance, sealed
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup

SUFFIXES: dict[str, Heights] = {".vtp": "true", ".obj": "shown", ".glb": "shown"}
"""Which heights each has unless told otherwise: a .vtp those of tomgoldstein/loss-landscape."""


def write_mesh(
    figure: Figure, path: str | os.PathLike[str], setup: PageSetup = PageSetup(), *, heights: Heights | None = None
) -> Path:
    """The first surface of a figure with its paths as .vtp, .obj or .glb, by the suffix; returns the path.

    heights: "shown" or "true" (`mesh.HEIGHTS`); None: true in a .vtp, as shown in the others. setup: a mesh lies on no page; it is
    kept in the record. Limits and a logarithmic scale are those of the figure: beyond them the surface is cut off, in a .vtp it is
    flat there (the reference's zmax). An .obj has its materials (NAME.mtl) and a picture of the colour map (NAME_colours.png)
    beside it. Caption, provenance and the record are in the file. Raises LandscapeError where the figure has no surface or the file
    cannot be written.
    """
    target = check_target(path, tuple(SUFFIXES))
    suffix = target.suffix.lower()
    heights = heights or SUFFIXES[suffix]
    if suffix == ".vtp":
        from landscape_gui.export.mesh_vtp import as_vtp

        word = without_double_hyphens(sealed(figure, setup))
        return write(target, as_vtp(figure, heights, [*remarks(figure, heights), word]).encode())
    if suffix == ".glb":
        from landscape_gui.export.mesh_glb import as_glb

        return write(target, as_glb(mesh_of(figure, heights), {**told(figure, heights), RECORD: sealed(figure, setup)}))
    return _write_obj(target, figure, heights, comment_lines(sealed(figure, setup), "").split())


def _write_obj(target: Path, figure: Figure, heights: Heights, record: Sequence[str]) -> Path:
    """The three files, or none of them."""
    from landscape_gui.export.mesh_obj import as_mtl, as_obj, strip

    mesh = mesh_of(figure, heights)
    materials, picture = target.with_suffix(".mtl"), target.with_name(f"{target.stem}_colours.png")
    fresh = [path for path in (materials, picture) if not path.exists()]
    other = next((path for path in (materials, picture) if path not in fresh), None)
    if other is not None and not target.exists():
        raise LandscapeError(f"{other} exists already, and {target.name} needs a file of that name.", remedy="Choose another name.")
    try:
        write(picture, strip(mesh.colours))
        write(materials, as_mtl(mesh, picture.name).encode())
        return write(target, as_obj(mesh, materials.name, [*remarks(figure, heights), *record]).encode())
    except LandscapeError:
        for path in fresh:
            path.unlink(missing_ok=True)
        raise


def told(figure: Figure, heights: Heights) -> dict[str, Any]:
    """What a mesh says of itself: caption, facts, what its axes are, and where the numbers come from."""
    panel = surface_panel(figure)
    surface = panel.surface
    assert surface is not None
    up = panel.z.text or surface.label
    found = {
        "caption": figure.caption,
        "facts": dict(figure.facts),
        "axes": {
            "x": panel.x.text, "y": panel.y.text, "height": f"log10 of {up}" if surface.scale == "log" else up,
            "units": heights, "limits": list(surface.limits), "scale": surface.scale,
        },
        "provenance": json.loads(provenance(figure)),
    }  # fmt: skip
    plain = json.loads(json.dumps(_finite(found), default=str))
    assert isinstance(plain, dict)
    return plain


def _finite(value: Any) -> Any:
    """What JSON can hold: numbers that are not finite as words."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def remarks(figure: Figure, heights: Heights) -> list[str]:
    """The same in lines of a comment."""
    found = told(figure, heights)
    axes = found["axes"]
    units = f"Heights are {HEIGHTS[heights]}; z is up. x: {axes['x']}; y: {axes['y']}; z: {axes['height']}."
    facts = "; ".join(f"{name}: {value}" for name, value in found["facts"].items())
    origin = json.dumps(found["provenance"], sort_keys=True, ensure_ascii=False)
    return [f"landscape_gui {__version__}", *(text for text in (figure.caption, units, facts) if text), f"Provenance: {origin}"]
