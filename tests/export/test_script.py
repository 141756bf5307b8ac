"""The script that draws a figure: it runs with numpy and matplotlib alone, and draws the same limits, data, levels and labels."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import told
from drawings import chart_panel, figure_of, plane_panel
from told import describe

from landscape_gui.chart_limits import limits
from landscape_gui.export import script
from landscape_gui.export.script import write_script
from landscape_gui.export.script_lines import broken
from landscape_gui.figure import Axis, Bars, Camera, Figure, Needles, Panel, SharedBar, Surface, Texts
from landscape_gui.page_setup import PageSetup
from landscape_gui.scene3d.frame import RELIEF


def drawn(tmp_path: Path, *panels: Panel, setup: PageSetup = PageSetup(), **fields: Any) -> list[dict[str, Any]]:
    figure = replace(figure_of(*panels), **fields)
    found = describe(write_script(figure, tmp_path / "figure.py", setup))
    axes = found["axes"]
    assert isinstance(axes, list)
    return axes


def test_a_plane_is_the_same(tmp_path: Path) -> None:
    panel = plane_panel("2d", scale="log")
    surface = panel.surface
    assert surface is not None
    axes = drawn(tmp_path, panel)[0]
    assert axes["limits"] == [[-1, 1], [-1.5, 1]] and axes["label"] == [panel.x.text, panel.y.text]
    assert axes["clim"] == [pytest.approx(surface.limits)]
    assert axes["z"][0] == pytest.approx(np.ravel(surface.z).tolist(), abs=0)
    inside = [v for v in surface.levels if surface.limits[0] < v < surface.limits[1]]
    assert axes["levels"] == [pytest.approx(inside)]
    path = panel.marks[1]
    assert axes["lines"][0] == [pytest.approx(path.x), pytest.approx(path.y)]  # type: ignore[union-attr]
    assert axes["title"] == "Train loss" and axes["ticks"] == ["−1", "−0.5", "0", "0.5", "1"]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_relief_has_the_same_camera_limits_and_path(tmp_path: Path, scale: str) -> None:
    panel = replace(plane_panel("3d", scale=scale), camera=Camera(azimuth=20.0, elevation=50.0, distance=1.3))
    surface = panel.surface
    assert surface is not None
    axes = drawn(tmp_path, panel)[0]
    low, high = np.log10(surface.limits) if scale == "log" else surface.limits
    assert axes["limits"] == [[-1, 1], [-1.5, 1], pytest.approx([low, high])]
    assert axes["camera"] == [50.0, 20.0 - 90.0]
    assert axes["box"][2] / axes["box"][0] == pytest.approx(RELIEF, rel=1e-3)
    assert axes["lines"][0][0][0] == pytest.approx(-0.8) and axes["lines"][0][1][-1] == pytest.approx(-0.2)


def test_a_chart_is_the_same(tmp_path: Path) -> None:
    panel = chart_panel()
    left, right = drawn(tmp_path, panel)
    assert left["limits"] == [pytest.approx(limits(panel, "x")), pytest.approx(limits(panel, "y"))]
    assert right["limits"][1] == pytest.approx(limits(panel, "right"))
    x = np.linspace(-1, 1, 41)
    assert left["lines"][0] == [pytest.approx(x), pytest.approx(x**2 + 0.1)] and right["lines"][0][1] == pytest.approx(
        90 - 30 * x**2
    )
    assert {"checkpoint", "chance", "a note"} <= set(left["texts"])


def test_bars_needles_words_and_heat_maps(tmp_path: Path) -> None:
    bars = Panel(
        marks=(Bars(names=("a", 'b "q"', "c\\d"), values=np.array([1.0, 2, 3]), errors=np.array([0.1, np.nan, 0.2]), label="l"),)
    )
    needles = Panel(
        marks=(Needles(x=np.array([1.0, 2]), height=np.array([0.5, 1e-3]), label="n"),), y=Axis(label="density", scale="log"),
        x=Axis(label="eigenvalue"),
    )  # fmt: skip
    cells = Surface(x=np.arange(3.0), y=np.arange(2.0), z=np.array([[1.0, 2, np.nan], [4, 5, 6]]), limits=(1.0, 6.0), label="v")
    words = Texts(x=np.array([0.0]), y=np.array([1.0]), texts=("4.0",), room=(1.0, 1.0))
    heat = Panel(marks=(cells, words), view="2d", x=Axis(names=("p", "q", "r")), y=Axis(names=("s", "t")))
    first, second, third, *_ = drawn(tmp_path, bars, needles, heat)
    assert first["bars"] == [[0, 1], [0, 2], [0, 3]] and first["limits"][1] == [-2.5, 0.5]
    assert second["scale"] == ["linear", "log"] and second["lines"][0] == [[1, 2], [0.5, 1e-3]]
    assert third["z"][0] == pytest.approx([1, 2, np.nan, 4, 5, 6], nan_ok=True) and third["texts"] == ["4.0"]
    assert third["ticks"] == ["p", "q", "r"] and third["clim"] == [[1, 6]]


def test_a_composition_keeps_its_grid_and_its_bar(tmp_path: Path) -> None:
    panels = [replace(plane_panel("2d"), bar=False, title=f"{k}") for k in range(2)]
    figure = replace(figure_of(*panels, chart_panel()), bars=(SharedBar(panels=(0, 1)),), columns=2, heads=("left", "right"))
    found = describe(write_script(figure, tmp_path / "figure.py", PageSetup(width=5.5, letters=True)))
    assert found["size"][0] == 5.5 and len(found["axes"]) == 5, "three panels, a right-hand axis, one bar"
    assert [a["texts"][-1] for a in found["axes"][:2]] == ["left", "right"]


def test_large_data_lie_beside_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "LARGE", 1000)
    axes = drawn(tmp_path, plane_panel("2d"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figure.npz", "figure.py"] and axes[0]["z"]
    assert (tmp_path / "figure.py").stat().st_size < 8000


def test_it_needs_nothing_of_this_program(tmp_path: Path) -> None:
    """In a process of its own that cannot import it: the same as here."""
    path = write_script(figure_of(plane_panel("3d"), chart_panel()), tmp_path / "figure.py")
    done = subprocess.run([sys.executable, told.__file__, str(path)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(describe(path)))


def test_it_is_run_by_itself_and_writes_a_picture(tmp_path: Path) -> None:
    write_script(figure_of(plane_panel("3d", holes=True)), tmp_path / "figure.py")
    command = [sys.executable, str(tmp_path / "figure.py"), "out.png"]
    done = subprocess.run(command, cwd=tmp_path, env={"MPLBACKEND": "Agg", "HOME": str(tmp_path)}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_labels_stay_labels(tmp_path: Path) -> None:
    """Whatever a network or a file calls itself is no code."""
    hostile = ['"""', "a\\", "'", '"', "\n", "{x}", '"); import os; ("', "#", "\r"]
    panels = [replace(plane_panel("2d"), title=text, x=Axis(label=text), bar=False) for text in hostile]
    axes = drawn(tmp_path, *panels, title=hostile[0])
    assert [a["label"][0] for a in axes] == hostile and [a["title"] for a in axes] == hostile
    for text in hostile:
        compile(write_script(replace(figure_of(panels[0]), caption=text), tmp_path / "figure.py").read_text(), "figure.py", "exec")


@pytest.mark.skipif(shutil.which("ruff") is None and not Path(sys.executable).with_name("ruff").exists(), reason="no ruff here")
def test_it_is_tidy(tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or str(Path(sys.executable).with_name("ruff"))
    figures: list[Figure] = [
        figure_of(plane_panel("2d")),
        figure_of(plane_panel("3d")),
        figure_of(chart_panel(), plane_panel("2d")),
    ]
    for k, figure in enumerate(figures):
        write_script(figure, tmp_path / f"figure_{k}.py")
    for command in (["check", "--select", "E,F,W,I,B,UP"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *command, "--isolated", "--line-length", "120", str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_long_lines_are_broken_where_formatters_break_them() -> None:
    line = "    call(first, second(1, 2), [3, 4], key='a, b(')  # why"
    assert list(broken([line], 60)) == [line]
    call = "f(" + ", ".join(["abcdefghij"] * 4) + ")"
    assert list(broken([call], 49)) == [call] and list(broken([call], 48)) == ["f(", *["    abcdefghij,"] * 4, ")"]
    assert list(broken(["x = [aaaa, bbbb, (cccc, dddd)]"], 20)) == ["x = [", "    aaaa,", "    bbbb,", "    (cccc, dddd),", "]"]


def test_the_same_figure_is_the_same_script(tmp_path: Path) -> None:
    first, second = (write_script(figure_of(plane_panel("2d")), tmp_path / f"{k}.py").read_bytes() for k in "ab")
    assert first == second
