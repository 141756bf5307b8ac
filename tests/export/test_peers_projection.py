"""Runs that tomgoldstein/loss-landscape projected onto its surfaces."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import others
import pytest

from landscape_gui.errors import LandscapeError, SurfaceNeeded
from landscape_gui.export.peers import write_directions, write_surface
from landscape_gui.export.peers_opening import read_answer
from landscape_gui.export.peers_projection import find_projection, read_trajectory, write_projection
from landscape_gui.figure import Look
from landscape_gui.figure import Path as Trail
from landscape_gui.probes import kind_of
from landscape_gui.results import SurfaceResult, TrajectoryResult
from landscape_gui.store import read_result, write_result

X, Y = [-0.9, -0.25, 0.5, 3.0], [1.9, 1.0, 0.25, 0.0]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    others.reference_surface(tmp_path / "s.h5", 5, 4)
    others.projection(tmp_path / "run.h5", X, Y)
    return tmp_path / "s.h5", tmp_path / "run.h5"


def test_a_run_lies_on_its_surface_and_its_own_losses_are_unknown(files: tuple[Path, Path]) -> None:
    found = read_trajectory(*files)
    assert found.x.tolist() == X and found.y.tolist() == Y and len(found.names) == 4
    assert found.surface.computed.shape == (4, 5)
    assert np.isnan(found.off_plane).all() and np.isnan(found.quantities["train_loss"].values).all()
    beneath = found.plane_quantities["train_loss"].values
    x = found.surface.x  # -1, -0.5, ...; y is -1, 0, 1, 2
    assert beneath[1] == pytest.approx((others.bowl(x[1], 1.0) + others.bowl(x[2], 1.0)) / 2)  # half way along a cell's side
    corners = [others.bowl(0.5, 0.0), others.bowl(0.5, 1.0)]
    assert beneath[2] == pytest.approx(0.75 * corners[0] + 0.25 * corners[1])
    assert np.isnan(beneath[3])  # outside of the grid


def test_what_the_pictures_show_and_say(files: tuple[Path, Path]) -> None:
    found = read_trajectory(*files)
    figure = kind_of(found)().figure(found, Look(view="2d"))
    assert any(isinstance(mark, Trail) and mark.x.tolist() == X for mark in figure.panels[0].marks)
    told = dict(figure.facts)
    assert told["Distance off the plane"] == told["Data"] == told["Precision"] == "unknown"
    assert "nan" not in figure.caption and "not finite" not in figure.caption
    chart = kind_of(found)().figure(found, Look(view="chart"))
    assert [getattr(mark, "label", "") for mark in chart.panels[0].marks] == ["train loss, interpolated, in the plane"]
    assert chart.panels[0].right is None


@pytest.mark.parametrize("name", ["directions.h5_proj_cos.h5", "directions.h5_proj_lstsq.h5", "s.h5_proj_cos.h5"])
def test_the_names_that_its_program_gives_a_run(tmp_path: Path, name: str) -> None:
    assert find_projection(tmp_path / "s.h5", "/far/away/directions.h5") is None
    (tmp_path / name).touch()
    assert find_projection(tmp_path / "s.h5", "/far/away/directions.h5") == tmp_path / name


def test_a_run_beside_its_surface_is_found(tmp_path: Path) -> None:
    name = "directions.h5_proj_cos.h5"
    others.reference_surface(tmp_path / "s.h5", directions="/far/away/directions.h5")
    others.projection(tmp_path / name, X, Y)
    found = read_answer(tmp_path / "s.h5")
    assert isinstance(found, TrajectoryResult)
    assert found.provenance.problem["projection"]["file"] == name
    write_result(tmp_path / "ours.h5", found)
    assert read_result(tmp_path / "ours.h5").provenance.problem["projection"] == found.provenance.problem["projection"]


def test_axes_that_are_principal_components_say_so(tmp_path: Path) -> None:
    axes = [[np.array([3.0, 0.0], np.float32)], [np.array([0.0, 1.0], np.float32)]]
    write_directions(tmp_path / "directions.h5", axes, explained={"explained_variance_ratio_": [0.7, 0.2]})
    others.reference_surface(tmp_path / "s.h5")
    found = read_answer(tmp_path / "s.h5")
    assert isinstance(found, SurfaceResult)
    assert found.axes.labels == ("principal component 1 (70.0 %)", "principal component 2 (20.0 %)")
    assert found.axes.norms.tolist() == [3, 1]
    assert found.axes.random_walk == pytest.approx([0.608, 0.152], abs=5e-4)


def test_a_run_alone_asks_for_its_surface(files: tuple[Path, Path]) -> None:
    with pytest.raises(SurfaceNeeded, match=r"run\.h5 holds the path of a run, and no surface\. .*--projection"):
        read_answer(files[1])


def test_a_broken_run_beside_a_surface_does_not_hide_it(tmp_path: Path) -> None:
    others.reference_surface(tmp_path / "s.h5")
    (tmp_path / "s.h5_proj_cos.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"nonsense" * 40)
    found = read_answer(tmp_path / "s.h5")
    assert isinstance(found, SurfaceResult)
    assert found.notes[0].startswith("The run in s.h5_proj_cos.h5 beside it could not be read: ")


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [([0.0, 1.0], [0.0], "2 x and 1 y"), ([0.0, np.nan], [0.0, 1.0], "not finite"), ([], [], "0 x and 0 y")],
)
def test_a_run_that_is_none_is_said(files: tuple[Path, Path], x: list[float], y: list[float], words: str) -> None:
    others.projection(files[1], x, y)
    with pytest.raises(LandscapeError, match=words):
        read_trajectory(*files)


def test_a_line_takes_no_run(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["xcoordinates"], file["train_loss"] = np.arange(4.0), np.arange(4.0)
    others.projection(tmp_path / "run.h5", X, Y)
    with pytest.raises(LandscapeError, match="holds a line"):
        read_trajectory(tmp_path / "l.h5", tmp_path / "run.h5")


def test_there_and_back(files: tuple[Path, Path], tmp_path: Path) -> None:
    found = read_trajectory(*files)
    write_surface(tmp_path / "s2.h5", found.surface)
    write_projection(tmp_path / "run2.h5", found)
    again = read_trajectory(tmp_path / "s2.h5", tmp_path / "run2.h5")
    assert again.x.tolist() == X
    assert (again.surface.quantities["train_loss"].values == found.surface.quantities["train_loss"].values).all()
    with h5py.File(tmp_path / "run2.h5") as file:
        assert list(file) == ["proj_xcoord", "proj_ycoord"] and file["proj_xcoord"].dtype == np.float64
