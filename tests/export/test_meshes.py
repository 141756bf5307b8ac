"""Surfaces as meshes: the reference's layout number for number, heights and limits as shown, and files that others read."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawings import chart_panel, figure_of, plane_panel

from landscape_gui.errors import LandscapeError
from landscape_gui.export.mesh import Mesh, cut, mesh_of
from landscape_gui.export.meshes import write_mesh
from landscape_gui.export.solids import ball, tube
from landscape_gui.figure import Figure, Panel
from landscape_gui.results import Array
from landscape_gui.scene3d.frame import RELIEF
from landscape_gui.style import colour_table


def bare(panel: Panel, **changes: object) -> Figure:
    """The panel's surface alone, its fields changed."""
    assert panel.surface is not None
    return figure_of(replace(panel, marks=(replace(panel.surface, **changes),)))  # type: ignore[arg-type]


def vtp(path: Path) -> dict[str, Array]:
    piece = ElementTree.parse(path).getroot().find("PolyData/Piece")
    assert piece is not None
    found = {}
    for part in piece:
        for array in part:
            kind = int if array.get("type") == "Int64" else float
            found[f"{part.tag}/{array.get('Name')}"] = np.array((array.text or "").split(), kind)
    return found


def reference(x: Array, y: Array, z: Array) -> dict[str, list[float]]:
    """What h52vtp of tomgoldstein/loss-landscape writes, cell by cell, for n points a row."""
    n, rows = len(x), len(y)
    flat = z.ravel()
    points = [v for j in range(rows) for i in range(n) for v in (x[i], y[j], flat[j * n + i])]
    corners, means = [], []
    for j in range(rows - 1):
        for i in range(n - 1):
            k = j * n + i
            corners += [k, k + 1, k + n + 1, k + n]
            means.append((flat[k] + flat[k + 1] + flat[k + n] + flat[k + n + 1]) / 4)
    return {
        "Points/Points": points,
        "PointData/zvalue": list(flat),
        "CellData/averaged zvalue": means,
        "Polys/connectivity": corners,
    }


def test_a_vtp_is_the_references_number_for_number(tmp_path: Path) -> None:
    panel = plane_panel()
    assert panel.surface is not None
    found = vtp(write_mesh(bare(panel), tmp_path / "s.vtp"))
    for name, wanted in reference(panel.surface.x, panel.surface.y, panel.surface.z).items():
        assert found[name] == pytest.approx(wanted, abs=1e-12), name
    assert found["Polys/offsets"].tolist() == list(range(4, 4 * 20 * 25 + 4, 4))
    head = (tmp_path / "s.vtp").read_text().splitlines()[0]
    assert head == '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">'


def test_a_vtp_is_flat_beyond_the_limits_and_logarithmic_where_shown_so(tmp_path: Path) -> None:
    z = vtp(write_mesh(bare(plane_panel(), limits=(0.5, 1.0)), tmp_path / "s.vtp"))["PointData/zvalue"]
    assert (z.min(), z.max()) == pytest.approx((0.5, 1.0))
    panel = plane_panel(scale="log")
    assert panel.surface is not None
    z = vtp(write_mesh(bare(panel), tmp_path / "s.vtp"))["PointData/zvalue"]
    assert z == pytest.approx(np.log10(panel.surface.z).ravel(), abs=1e-12)


def test_paths_are_polylines_behind_the_surfaces_points(tmp_path: Path) -> None:
    panel = plane_panel()
    found = vtp(write_mesh(figure_of(panel), tmp_path / "s.vtp"))
    points = found["Points/Points"].reshape(-1, 3)
    line = found["Lines/connectivity"]
    assert line[0] == 21 * 26 and line[-1] == len(points) - 1 and found["Lines/offsets"].tolist() == [len(line)]
    assert points[line[0], :2] == pytest.approx((-0.8, 0.8)) and points[line[-1], :2] == pytest.approx((0.0, -0.2))
    assert points[:, 2] == pytest.approx(found["PointData/zvalue"])
    assert len(found["CellData/averaged zvalue"]) == 1 + 20 * 25
    assert found["CellData/averaged zvalue"][0] == pytest.approx(points[line, 2].mean())


def test_holes_are_left_out_and_nothing_in_a_file_is_not_finite(tmp_path: Path) -> None:
    figure = bare(plane_panel(holes=True))
    found = vtp(write_mesh(figure, tmp_path / "s.vtp"))
    assert all(np.isfinite(v).all() for v in found.values())
    assert len(found["Polys/offsets"]) == 20 * 25 - 7 * 6
    assert len(mesh_of(figure).bodies[0].triangles) == 2 * (20 * 25 - 7 * 6)


def turned_left(a: Array, b: Array) -> Array:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def area(mesh: Mesh) -> float:
    """Of the surface seen from above, holes not counted; negative where it is seen from below."""
    body = mesh.bodies[0]
    a, b, c = (body.points[body.triangles[:, k], :2] for k in range(3))
    return float((turned_left(b - a, c - a) / 2).sum())


def test_heights_are_as_shown_or_true() -> None:
    figure = bare(plane_panel(), height=1.5)
    shown, true = (mesh_of(figure, heights).bodies[0] for heights in ("shown", "true"))  # type: ignore[arg-type]
    assert np.ptp(shown.points, axis=0) == pytest.approx((1, 1, 1.5 * RELIEF))
    surface = figure.panels[0].surface
    assert surface is not None
    assert np.ptp(true.points, axis=0) == pytest.approx((2, 2.5, np.ptp(surface.z)))
    assert true.points[:, 2].min() == pytest.approx(surface.limits[0])
    assert np.linalg.norm(true.normals, axis=1) == pytest.approx(1)
    assert (true.normals[:, 2] > 0).all() and (shown.normals[:, 2] > 0).all()


def test_normals_are_those_of_a_plane() -> None:
    x = np.linspace(-1, 1, 5)
    panel = plane_panel()
    assert panel.surface is not None
    tilted = 2 * x[None, :] - 3 * x[:, None]
    figure = bare(panel, x=x, y=x, z=tilted, limits=(-5.0, 5.0), missing=None)
    normals = mesh_of(figure, "true").bodies[0].normals
    assert normals == pytest.approx(np.tile(np.array([-2, 3, 1]) / 14**0.5, (25, 1)))


def test_beyond_the_limits_the_surface_is_cut_along_them() -> None:
    """A plane rising from 0 to 1: what lies between 0.25 and 0.55 of it is three tenths of its floor."""
    x = np.linspace(0, 1, 8)
    panel = plane_panel()
    figure = bare(panel, x=x, y=x, z=np.tile(x, (8, 1)), limits=(0.25, 0.55), missing=None)
    mesh = mesh_of(figure)
    assert area(mesh) == pytest.approx(0.3)
    assert mesh.bodies[0].points[:, 0].min() == pytest.approx(-0.25) and mesh.bodies[0].points[:, 0].max() == pytest.approx(0.05)
    lowest = mesh.bodies[0].points[:, 2].argmin()
    assert mesh.bodies[0].colours[lowest] == pytest.approx(colour_table("viridis")[0])
    with pytest.raises(LandscapeError, match="no cell"):
        mesh_of(bare(panel, limits=(50.0, 60.0)))


def test_cutting_keeps_what_is_inside_and_its_orientation() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    for offset, wanted in ((0.25, 0.75**2 / 2), (-1.0, 0.5), (2.0, 0.0)):
        new, triangles = cut(points, np.array([[0, 1, 2]]), points[:, 0] - offset)
        a, b, c = (new[triangles[:, k], :2] for k in range(3))
        assert turned_left(b - a, c - a).sum() / 2 == pytest.approx(wanted)
        new, triangles = cut(points, np.array([[0, 1, 2]]), offset - points[:, 0])
        a, b, c = (new[triangles[:, k], :2] for k in range(3))
        assert turned_left(b - a, c - a).sum() / 2 == pytest.approx(0.5 - wanted)


@pytest.mark.parametrize("turned", ["x", "y"])
def test_a_descending_axis_does_not_turn_the_surface_over(turned: str) -> None:
    panel = plane_panel()
    assert panel.surface is not None
    changes = {turned: getattr(panel.surface, turned)[::-1]}
    assert area(mesh_of(bare(panel, **changes))) == pytest.approx(1.0)
    assert (mesh_of(bare(panel, **changes), "true").bodies[0].normals[:, 2] > 0).all()
    assert abs(area(mesh_of(bare(panel, **changes), "true"))) == pytest.approx(5.0)


def volume(points: Array, triangles: Array) -> float:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def test_balls_and_tubes_are_seen_from_outside() -> None:
    points, normals, triangles = ball(np.array([1.0, 2, 3]), 0.5)
    assert 0.7 < volume(points, triangles) / (4 / 3 * np.pi * 0.125) < 1, "inscribed, and outwards"
    assert points == pytest.approx(np.array([1.0, 2, 3]) + 0.5 * normals)
    t = np.linspace(0, 1, 50)[:, None]
    found = tube(np.hstack([t, t**2, 0 * t]), 0.01)
    assert found is not None
    points, normals, triangles = found
    a, b, c = (points[triangles[:, k]] for k in range(3))
    assert (np.sum(np.cross(b - a, c - a) * normals[triangles[:, 0]], axis=1) > 0).all()
    assert tube(np.zeros((4, 3)), 0.01) is None


def glb(path: Path) -> tuple[dict, bytes]:  # type: ignore[type-arg]
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data)) and length % 4 == 0
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON" and size % 4 == 0
    rest, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0" and rest % 4 == 0 and 28 + size + rest == length
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def accessor(content: dict, binary: bytes, number: int) -> Array:  # type: ignore[type-arg]
    told = content["accessors"][number]
    view = content["bufferViews"][told["bufferView"]]
    kind = {5126: "<f4", 5125: "<u4"}[told["componentType"]]
    assert view["byteOffset"] % 4 == 0
    values = np.frombuffer(binary, kind, view["byteLength"] // 4, view["byteOffset"])
    return values.reshape(told["count"], -1) if told["type"] == "VEC3" else values


def test_a_glb_holds_what_gltf_asks_for(tmp_path: Path) -> None:
    figure = figure_of(plane_panel("3d"))
    content, binary = glb(write_mesh(figure, tmp_path / "s.glb"))
    assert content["asset"]["version"] == "2.0" and content["asset"]["generator"].startswith("landscape_gui ")
    extras = content["asset"]["extras"]
    assert extras["caption"] == figure.caption and extras["provenance"]["question"] == {"seed": 0}
    assert [m["name"] for m in content["meshes"]] == ["train loss", "path", "stop", "stop"]
    mesh = mesh_of(figure)
    for told, body in zip(content["meshes"], mesh.bodies, strict=True):
        primitive = told["primitives"][0]
        position, normal, colour = (
            accessor(content, binary, primitive["attributes"][n]) for n in ("POSITION", "NORMAL", "COLOR_0")
        )
        assert position == pytest.approx(body.points[:, [0, 2, 1]] * (1, 1, -1), abs=1e-6), "y is up"
        box = content["accessors"][primitive["attributes"]["POSITION"]]
        assert (box["min"], box["max"]) == (position.min(axis=0).tolist(), position.max(axis=0).tolist())
        assert np.linalg.norm(normal, axis=1) == pytest.approx(1, abs=1e-6)
        bright = body.colours > 0.2
        assert bright.any() and (1.055 * colour ** (1 / 2.4) - 0.055)[bright] == pytest.approx(body.colours[bright], abs=1e-5), (
            "linear"
        )
        indices = accessor(content, binary, primitive["indices"])
        assert indices.reshape(-1, 3).tolist() == body.triangles.tolist() and indices.max() < len(position)
    assert write_mesh(figure, tmp_path / "t.glb").read_bytes() == (tmp_path / "s.glb").read_bytes()


def test_an_obj_has_colours_at_its_points_and_on_a_picture(tmp_path: Path) -> None:
    from PIL import Image

    write_mesh(bare(plane_panel()), tmp_path / "s.obj")
    lines = [line.split() for line in (tmp_path / "s.obj").read_text().splitlines()]
    points = np.array([line[1:] for line in lines if line[0] == "v"], float)
    faces = np.array([[c.split("/")[0] for c in line[1:]] for line in lines if line[0] == "f"], int)
    body = mesh_of(bare(plane_panel())).bodies[0]
    assert points == pytest.approx(np.column_stack([body.points, body.colours]), abs=1e-4)
    assert (faces - 1).tolist() == body.triangles.tolist()
    places = np.array([line[1] for line in lines if line[0] == "vt"], float)
    picture = np.asarray(Image.open(tmp_path / "s_colours.png"))
    assert picture[8, (256 * places).astype(int)] / 255 == pytest.approx(points[:, 3:], abs=0.02)
    assert ["mtllib", "s.mtl"] in lines and "map_Kd s_colours.png" in (tmp_path / "s.mtl").read_text()
    assert any("caption" not in line and "Loss on a plane" in " ".join(line) for line in lines if line[0] == "#")


def test_a_file_of_the_same_name_is_no_casualty(tmp_path: Path) -> None:
    (tmp_path / "s.mtl").write_text("mine")
    with pytest.raises(LandscapeError, match=r"s\.mtl exists already"):
        write_mesh(figure_of(plane_panel()), tmp_path / "s.obj")
    assert [p.name for p in tmp_path.iterdir()] == ["s.mtl"] and (tmp_path / "s.mtl").read_text() == "mine"
    write_mesh(figure_of(plane_panel()), tmp_path / "t.obj")
    write_mesh(figure_of(plane_panel()), tmp_path / "t.obj")


def test_a_chart_is_no_mesh(tmp_path: Path) -> None:
    with pytest.raises(LandscapeError, match="no surface"):
        write_mesh(figure_of(chart_panel()), tmp_path / "s.glb")
    assert not list(tmp_path.iterdir())


def test_other_readers_read_them(tmp_path: Path) -> None:
    """Where they are installed."""
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.load(write_mesh(figure_of(plane_panel()), tmp_path / "s.glb"))
    assert scene.geometry["train loss"].faces.shape == (2 * 20 * 25, 3)
    assert scene.bounds[1][1] == pytest.approx(RELIEF, abs=0.03)
