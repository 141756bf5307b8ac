"""The reference's HDF5 files, written by hand as its code writes them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from drawings import line_result, surface_result

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.export.peers import (
    match,
    read_directions,
    read_explained,
    read_surface,
    write_directions,
    write_surface,
)
from landscape_gui.export.peers_opening import read_answer
from landscape_gui.results import LineResult, SurfaceResult
from landscape_gui.store import write_result


def reference_surface(path: Path, loss: np.ndarray, x: np.ndarray, y: np.ndarray, name: str = "train_loss") -> None:
    """loss is (ny, nx); the reference declares (nx, ny) and fills by flat index over a meshgrid of shape (ny, nx)."""
    with h5py.File(path, "w") as file:
        file["dir_file"] = "directions.h5"
        file["xcoordinates"], file["ycoordinates"] = x, y
        losses = -np.ones((len(x), len(y)))
        losses.ravel()[:] = loss.ravel()
        file[name] = losses
        file["train_acc" if name == "train_loss" else "acc_vals"] = losses * 10


@pytest.mark.parametrize("name", ["train_loss", "loss_vals"])
def test_rows_are_y_although_the_file_declares_otherwise(tmp_path: Path, name: str) -> None:
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 1, 3)
    loss = 10 * np.arange(3.0)[:, None] + np.arange(5.0)
    loss[2, 4] = -1
    reference_surface(tmp_path / "s.h5", loss, x, y, name)
    found = read_surface(tmp_path / "s.h5")
    assert isinstance(found, SurfaceResult)
    values = found.quantities["train_loss"].values
    assert values.shape == (3, 5)
    assert np.array_equal(values[:2], loss[:2])
    assert np.isnan(values[2, 4])
    assert not found.computed[2, 4]
    assert found.computed.sum() == 14
    assert (found.x == x).all()
    assert (found.y == y).all()
    if name == "train_loss":
        assert found.quantities["train_accuracy"].values[1, 2] == pytest.approx(1.2)  # 10 * 12 per cent


def test_a_surface_there_and_back(tmp_path: Path) -> None:
    result = surface_result(4, 3)
    write_surface(tmp_path / "s.h5", result, directions_file="d.h5")
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["train_loss"].shape == (4, 3)
        assert file["dir_file"][()] == b"d.h5"
        assert file["train_acc"][()].max() == 25
    found = read_surface(tmp_path / "s.h5")
    assert isinstance(found, SurfaceResult)
    for name, quantity in result.quantities.items():
        kept = np.where(result.computed, quantity.values, np.nan)
        assert np.array_equal(found.quantities[name].values, kept, equal_nan=True)
    assert (found.computed == result.computed).all()


def test_a_line_there_and_back(tmp_path: Path) -> None:
    write_surface(tmp_path / "l.h5", line_result())
    found = read_surface(tmp_path / "l.h5")
    assert isinstance(found, LineResult)
    assert (found.quantities["train_loss"].values == line_result().quantities["train_loss"].values).all()


def test_directions_there_and_back_in_order(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    shapes = [(3, 2), (3,), ()] + [(2, k) for k in range(1, 10)]
    axes = [[generator.normal(size=s).astype(np.float32) for s in shapes] for _ in range(2)]
    axes[0][2] = axes[1][2] = np.array(7)  # num_batches_tracked
    path = write_directions(tmp_path / "d.h5", axes, explained={"explained_variance_ratio_": [0.7, 0.2]})
    found = read_directions(path)
    assert len(found) == 2
    for ours, theirs in zip(axes, found, strict=True):
        assert all(np.array_equal(a, b) and a.shape == b.shape for a, b in zip(ours, theirs, strict=True))
    assert found[0][2].dtype == np.int64
    assert read_explained(path)["explained_variance_ratio_"].tolist() == [0.7, 0.2]
    assert (
        path.read_bytes()
        == write_directions(tmp_path / "e.h5", axes, explained={"explained_variance_ratio_": [0.7, 0.2]}).read_bytes()
    )


def test_the_axes_report_comes_from_the_directions_beside(tmp_path: Path) -> None:
    write_directions(tmp_path / "d.h5", [[np.array([3.0, 0])], [np.array([3.0, 4])]])
    write_surface(tmp_path / "s.h5", surface_result(), directions_file="/somewhere/else/d.h5")
    axes = read_surface(tmp_path / "s.h5").axes
    assert axes.norms.tolist() == [3, 5]
    assert axes.cosines[0, 1] == pytest.approx(0.6)


def test_matching_by_order_and_shape() -> None:
    direction = [np.zeros((3, 2)), np.zeros(3), np.zeros(())]
    assert [m.shape for m in match(direction, [(3, 2)], [(3, 2), (3,), (1,)])] == [(3, 2), (3,), (1,)]
    with pytest.raises(ProblemError, match=r"Tensor 1 .*\(3,\).*\(4,\)"):
        match(direction, [(3, 2), (4,), ()])
    with pytest.raises(ProblemError, match="3 tensors"):
        match(direction, [(3, 2)])


def soft(file: h5py.File) -> None:
    file["xcoordinates"] = h5py.SoftLink("/elsewhere")


def external_link(file: h5py.File) -> None:
    file["xcoordinates"] = h5py.ExternalLink("other.h5", "/x")


def external_data(file: h5py.File) -> None:
    file.create_dataset("xcoordinates", (4,), "f8", external=[("/etc/hostname", 0, 32)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("xcoordinates", layout)


def bomb(file: h5py.File) -> None:
    file.create_dataset("xcoordinates", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")


def words(file: h5py.File) -> None:
    file["xcoordinates"] = "no numbers"


def group(file: h5py.File) -> None:
    file.create_group("xcoordinates")


@pytest.mark.parametrize("trick", [soft, external_link, external_data, virtual, bomb, words, group])
def test_a_hostile_file_is_refused_in_a_sentence(tmp_path: Path, trick: object) -> None:
    path = tmp_path / "h.h5"
    with h5py.File(path, "w") as file:
        trick(file)  # type: ignore[operator]
        file["train_loss"] = np.zeros(4)
    with pytest.raises(LandscapeError, match=r"h\.h5"):
        read_surface(path)


def test_broken_missing_and_wrong_files(tmp_path: Path) -> None:
    (tmp_path / "b.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"nonsense" * 40)
    with pytest.raises(LandscapeError, match="cannot be read as HDF5"):
        read_surface(tmp_path / "b.h5")
    with pytest.raises(LandscapeError, match="no file"):
        read_directions(tmp_path / "none.h5")
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["other"] = 1
        file["xdirection/0"] = np.zeros(2)
        file["xdirection/2"] = np.zeros(2)
    with pytest.raises(LandscapeError, match="no surface"):
        read_surface(tmp_path / "o.h5")
    with pytest.raises(LandscapeError, match="not numbered"):
        read_directions(tmp_path / "o.h5")
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 1, 3)
    reference_surface(tmp_path / "s.h5", np.zeros((3, 4)), x[:4], y)
    with h5py.File(tmp_path / "s.h5", "a") as file:
        del file["xcoordinates"]
        file["xcoordinates"] = x
    with pytest.raises(LandscapeError, match="12 values, but there are 15 points"):
        read_surface(tmp_path / "s.h5")


@pytest.mark.parametrize("kind", ["surface", "directions"])
def test_scrambled_files_never_end_the_process(tmp_path: Path, kind: str) -> None:
    """Whoever opens such a file gets a sentence that names it, or what is left of the numbers; HDF5 itself may crash of it."""
    path, told = tmp_path / "s.h5", 0
    if kind == "surface":
        reference_surface(path, np.ones((5, 7)), np.linspace(-1, 1, 7), np.linspace(0, 1, 5))
    else:
        write_directions(path, [[np.ones((3, 2), np.float32), np.ones(3, np.float32)]] * 2)
    whole, generator = path.read_bytes(), np.random.default_rng(1)
    structure = min(len(whole), 2500)  # the numbers themselves may be any
    for trial in range(12):
        data = bytearray(whole)
        for at in generator.integers(0, structure, 4 + 8 * trial):
            data[at] = generator.integers(256)
        path.write_bytes(data)
        try:
            (read_surface if kind == "surface" else read_directions)(path)
        except LandscapeError as error:
            told += str(path) in str(error)
    assert told >= 8


def test_a_file_whose_reading_kills_the_process_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\ncat > /dev/null; kill -SEGV $$\n")
    fake.chmod(0o755)
    monkeypatch.setattr("landscape_gui.store_guard.sys.executable", str(fake))
    reference_surface(tmp_path / "s.h5", np.ones((2, 2)), np.arange(2.0), np.arange(2.0))
    with pytest.raises(LandscapeError, match=r"s\.h5: This file is broken"):
        read_surface(tmp_path / "s.h5")


def test_an_answer_is_read_in_our_layout_or_else_in_the_reference_s(tmp_path: Path) -> None:
    ours = surface_result(4, 3)
    write_result(tmp_path / "ours.h5", ours)
    assert read_answer(tmp_path / "ours.h5").quantities.keys() == ours.quantities.keys()
    reference_surface(tmp_path / "theirs.h5", np.ones((2, 3)), np.arange(3.0), np.arange(2.0))
    assert "tomgoldstein" in read_answer(tmp_path / "theirs.h5").provenance.problem["read_from"]["format"]


def test_a_checkpoint_or_directions_in_the_place_of_an_answer_are_named(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"PK\x03\x04" + bytes(5000))
    for read in (read_directions, read_surface, read_answer):
        with pytest.raises(LandscapeError, match=r"net\.pt is not an HDF5 file\. .*landscape-gui surface"):
            read(tmp_path / "net.pt")  # type: ignore[operator]
    write_directions(tmp_path / "directions.h5", [[np.zeros(3, np.float32)]])
    with pytest.raises(LandscapeError, match=r"holds directions, and no answer\. .*--directions-from"):
        read_answer(tmp_path / "directions.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(LandscapeError, match="holds no answer of landscape_gui"):
        read_answer(tmp_path / "other.h5")


def test_what_hdf5_says_of_a_broken_file_is_not_passed_on(tmp_path: Path) -> None:
    (tmp_path / "b.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"nonsense" * 40)
    for read in (read_directions, read_answer):
        with pytest.raises(LandscapeError, match="broken") as error:
            read(tmp_path / "b.h5")  # type: ignore[operator]
        assert "synchronously" not in str(error.value) and "OSError" not in str(error.value)
