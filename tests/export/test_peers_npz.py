"""Planes and curves of dnn-mode-connectivity and landscapes of Landscaper, written as those programs write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import others
import pytest

from landscape_gui.connection_results import ConnectionResult, PathPlaneResult
from landscape_gui.errors import LandscapeError
from landscape_gui.export.peers_opening import read_answer
from landscape_gui.figure import Look
from landscape_gui.probes import kind_of
from landscape_gui.results import LineResult, SurfaceResult
from landscape_gui.store import read_result, write_result


def test_a_plane_is_in_distances_of_its_ends_and_axis_0_is_x(tmp_path: Path) -> None:
    arrays = others.plane(tmp_path / "plane.npz", 6)
    found = read_answer(tmp_path / "plane.npz")
    assert isinstance(found, PathPlaneResult)
    surface, unit = found.surface, arrays["dx"]
    assert surface.x == pytest.approx(arrays["alphas"])
    assert surface.y == pytest.approx(arrays["betas"] * arrays["dy"] / unit)
    x, y = np.meshgrid(surface.x, surface.y)
    nll = surface.quantities["train_nll"].values
    assert nll == pytest.approx(others.bowl(x, y))  # rows are y
    assert surface.quantities["train_loss"].values == pytest.approx(nll + 0.05)
    assert next(iter(surface.quantities)) == "train_loss"
    assert surface.quantities["test_accuracy"].values == pytest.approx(np.exp(-others.bowl(x, y) - 0.25))  # per cent in the file
    assert surface.axes.norms == pytest.approx([unit, unit])
    assert found.names == ("first end", "second end", "bend")
    assert found.x == pytest.approx(arrays["bend_coordinates"][[0, 2, 1], 0] / unit)
    assert found.y == pytest.approx(arrays["bend_coordinates"][[0, 2, 1], 1] / unit)
    curve = found.paths["curve"]
    assert curve.x == pytest.approx(arrays["curve_coordinates"][:, 0] / unit)
    assert not curve.off_plane.any()  # three control points span the plane of their curve


def test_of_a_curve_with_more_bends_the_distance_off_the_plane_is_unknown(tmp_path: Path) -> None:
    others.plane(tmp_path / "plane.npz", 5, bends=4)
    found = read_answer(tmp_path / "plane.npz")
    assert isinstance(found, PathPlaneResult)
    assert np.isnan(found.paths["curve"].off_plane).all()
    figure = kind_of(found)().figure(found, Look())
    assert "distance off the plane unknown" in dict(figure.facts)["Curve"]


def test_a_curve_has_its_length_and_barriers(tmp_path: Path) -> None:
    arrays = others.curve(tmp_path / "c.npz")
    found = read_answer(tmp_path / "c.npz")
    assert isinstance(found, ConnectionResult)
    path = found.paths["curve"]
    assert path.t == pytest.approx(arrays["ts"])
    assert path.arc == pytest.approx(np.cumsum(arrays["dl"]))
    assert path.length == pytest.approx(arrays["dl"].sum())
    assert path.quantities["test_accuracy"].values == pytest.approx(arrays["te_acc"] / 100)
    assert path.numbers["above_line"].value == pytest.approx(0.25)  # t (1 - t) at t = 1/2, above the straight line
    assert path.numbers["maximum"].value == pytest.approx(arrays["tr_loss_max"])
    assert path.numbers["arc_mean"].value == pytest.approx(arrays["tr_loss_int"])  # their trapezoidal rule over the length
    assert np.isnan(found.end_distance)


@pytest.mark.parametrize("suffix", [".npz", ".pt", ""])
def test_content_decides_and_the_suffix_does_not(tmp_path: Path, suffix: str) -> None:
    others.curve(tmp_path / "c.npz")
    path = (tmp_path / "c.npz").rename(tmp_path / f"renamed{suffix}")
    assert isinstance(read_answer(path), ConnectionResult)


def test_axis_0_of_a_landscape_is_the_first_direction(tmp_path: Path) -> None:
    loss = others.landscape(tmp_path / "l.npz", 2, 5)
    found = read_answer(tmp_path / "l.npz")
    assert isinstance(found, SurfaceResult)
    assert found.x == pytest.approx(np.linspace(-1, 1, 5))
    assert found.y == pytest.approx(np.linspace(-2, 2, 5))
    assert found.quantities["loss"].values == pytest.approx(loss.T)


def test_a_landscape_of_one_direction_is_a_line(tmp_path: Path) -> None:
    loss = others.landscape(tmp_path / "l.npz", 1, 6)
    found = read_answer(tmp_path / "l.npz")
    assert isinstance(found, LineResult)
    assert found.quantities["loss"].values == pytest.approx(loss)


def test_of_a_landscape_of_three_directions_the_middle_plane_is_read_and_named(tmp_path: Path) -> None:
    loss = others.landscape(tmp_path / "l.npz", 3, 5)
    found = read_answer(tmp_path / "l.npz")
    assert isinstance(found, SurfaceResult)
    assert found.quantities["loss"].values == pytest.approx(loss[:, :, 2].T)
    assert found.notes == ("Of 3 directions, the plane where direction 3 is 0.",)
    figure = kind_of(found)().figure(found, Look())
    assert dict(figure.facts)["Note"] == found.notes[0] and found.notes[0] in figure.caption


def test_an_order_that_descends_is_put_right(tmp_path: Path) -> None:
    others.landscape(tmp_path / "l.npz", 2, 5)
    with np.load(tmp_path / "l.npz") as arrays:
        np.savez(
            tmp_path / "r.npz",
            loss=arrays["loss"][::-1],
            coordinates=np.stack([arrays["coordinates"][0][::-1], arrays["coordinates"][1]]),
        )
    straight, turned = (read_answer(tmp_path / name) for name in ("l.npz", "r.npz"))
    assert isinstance(straight, SurfaceResult) and isinstance(turned, SurfaceResult)
    assert (straight.quantities["loss"].values == turned.quantities["loss"].values).all()


@pytest.mark.parametrize("make", [others.plane, others.curve, others.landscape])
def test_an_answer_of_ours_made_of_it_keeps_where_it_comes_from(tmp_path: Path, make: object) -> None:
    make(tmp_path / "theirs.npz")  # type: ignore[operator]
    found = read_answer(tmp_path / "theirs.npz")
    write_result(tmp_path / "ours.h5", found)
    again = read_result(tmp_path / "ours.h5")
    told = again.provenance.problem["read_from"]
    assert told["file"] == "theirs.npz" and len(told["digest"]) == 32 and told["format"]
    figures = [kind_of(r)().figure(r, Look()) for r in (found, again)]
    assert figures[0].facts == figures[1].facts
    for label in ("Data", "Precision", "BatchNorm", "Model"):
        assert dict(figures[1].facts)[label] == "unknown", label
    assert "The file does not say: " in figures[1].caption
    assert "unknown" not in figures[1].caption.partition("The file does not say")[2]


def hostile(path: Path, **arrays: object) -> None:
    np.savez(path, **arrays)  # type: ignore[arg-type]


BASE = {"alphas": np.zeros(3), "betas": np.zeros(3), "tr_loss": np.zeros((3, 3))}
GRID = np.stack(np.meshgrid(np.arange(3.0), np.arange(3.0), indexing="ij"), axis=-1)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"loss": np.array([{}], object), "coordinates": np.zeros((2, 3))}, "pickled objects, which are not read"),
        ({"loss": np.zeros((3, 3)), "coordinates": np.array([[1.0], [2.0, 3.0]], object)}, "pickled objects"),
        ({"loss": np.zeros((3, 4)), "coordinates": np.tile(np.arange(3.0), (2, 1))}, r"\(3, 4\).*\(3, 3\)"),
        ({"loss": np.zeros((3, 3)), "coordinates": np.full((2, 3), np.nan)}, "not finite"),
        ({"loss": np.zeros((3, 3)), "coordinates": np.ones((2, 3))}, "same place twice"),
        ({"loss": np.zeros((3, 3), "U3"), "coordinates": np.ones((2, 3))}, "type '<U3'"),
        ({"loss": np.zeros((2,) * 7), "coordinates": np.ones((7, 2))}, r"\(7, 2\)"),
        ({"loss": np.zeros((0, 0)), "coordinates": np.zeros((2, 0))}, "holds nothing"),
        ({**BASE, "grid": GRID[:, :, :1]}, r"\(3, 3, 1\)"),
        ({**BASE, "grid": GRID + np.random.default_rng(0).normal(size=GRID.shape)}, "not rectangular"),
        ({**BASE, "grid": GRID, "bend_coordinates": np.zeros((3, 2))}, "same place"),
        ({**BASE, "grid": GRID, "bend_coordinates": np.zeros((3, 3))}, r"\(3, 3\)"),
        ({"ts": np.linspace(0, 1, 4), "dl": np.ones(5), "tr_loss": np.ones(4)}, r"dl has the shape \(5,\)"),
        ({"ts": np.linspace(0, 1, 4), "dl": np.ones(4), "tr_loss": np.ones((4, 4))}, r"tr_loss has the shape \(4, 4\)"),
        ({"ts": np.array([]), "dl": np.ones(4), "tr_loss": np.ones(4)}, "holds nothing"),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    path = tmp_path / "h.npz"
    hostile(path, **arrays)
    with pytest.raises(LandscapeError, match=words) as error:
        read_answer(path)
    assert str(path) in str(error.value)


def test_a_pickle_inside_is_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(tmp_path / "sprung"), "w")

    np.savez(tmp_path / "t.npz", loss=np.array([Trap()], object), coordinates=np.zeros((2, 3)))
    with pytest.raises(LandscapeError, match="pickled objects"):
        read_answer(tmp_path / "t.npz")
    assert not (tmp_path / "sprung").exists()


def claims(shape: str) -> bytes:
    """A member of a .npz whose header claims a shape and that holds eight bytes."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0" * 8


@pytest.mark.parametrize("shape", ["(99999999, 99999999)", "(4611686018427387904, 4)", "(3, 3)", "(1,) * 9"])
def test_a_size_that_is_not_there_is_not_believed(tmp_path: Path, shape: str) -> None:
    import zipfile

    np.savez(tmp_path / "c.npz", coordinates=np.tile(np.arange(3.0), (2, 1)))
    with zipfile.ZipFile(tmp_path / "c.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("loss.npy", claims(shape))
    with pytest.raises(LandscapeError, match=r"c\.npz"):
        read_answer(tmp_path / "c.npz")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "b.npz", loss=np.zeros((4000, 4000)), coordinates=np.zeros((2, 4000)))
    assert (tmp_path / "b.npz").stat().st_size < 500_000  # 128 MB unpacked
    with pytest.raises(LandscapeError, match="would grow"):
        read_answer(tmp_path / "b.npz")


def test_weights_are_no_answer_and_results_are_no_weights(tmp_path: Path) -> None:
    from landscape_gui.checkpoint import peek
    from landscape_gui.errors import CheckpointError
    from landscape_gui.export.peers_kinds import is_answer

    np.savez(tmp_path / "w.npz", **{"fc.weight": np.ones((3, 2)), "fc.bias": np.ones(3), "loss": np.ones(1)})
    assert not is_answer(tmp_path / "w.npz")
    assert peek(tmp_path / "w.npz").parameters == 9 + 1
    with pytest.raises(LandscapeError, match="holds no answer"):
        read_answer(tmp_path / "w.npz")
    others.plane(tmp_path / "plane.npz")
    with pytest.raises(CheckpointError, match="a plane that dnn-mode-connectivity computed, not weights"):
        peek(tmp_path / "plane.npz")
