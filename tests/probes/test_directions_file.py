"""Axes written for others and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_problem import TinyProblem

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.export.peers import read_directions, write_directions
from landscape_gui.jobs import answer
from landscape_gui.probes import Surface
from landscape_gui.probes.base import FileRef
from landscape_gui.probes.directions_file import tensors_of
from landscape_gui.probes.plane import resolve


def save_directions(path: Path, probe: Surface, problem: TinyProblem) -> None:
    write_directions(path, tensors_of(resolve(probe, problem), problem.layout))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["mlp", "batchnorm"])
def test_a_surface_along_saved_directions_is_the_same_to_the_bit(kind: str, tmp_path: Path) -> None:
    problem = TinyProblem(kind)
    save_directions(tmp_path / "d.h5", Surface(seed=5), problem)  # type: ignore[arg-type]
    drawn = answer(Surface(steps=(7, 5), seed=5), problem)  # type: ignore[arg-type]
    read = answer(Surface(steps=(7, 5), directions_file=FileRef(str(tmp_path / "d.h5"))), problem)  # type: ignore[arg-type]
    assert read.axes.kind == "file" and "d.h5" in read.axes.labels[0]
    assert np.array_equal(read.quantities["train_loss"].values, drawn.quantities["train_loss"].values)


def test_directions_in_the_order_of_the_state_dict_are_read_too(tmp_path: Path) -> None:
    problem = TinyProblem("batchnorm")
    whole = [
        np.full(t.shape, 0.5 * (k + 1)) if t.is_floating_point() else np.array(0)
        for k, t in enumerate(problem.module.state_dict().values())
    ]
    write_directions(tmp_path / "d.h5", [whole])
    probe = Surface(steps=(3, 2), directions_file=FileRef(str(tmp_path / "d.h5")), batchnorm="interpolated", span=(0.1,))
    result = answer(probe, problem)  # type: ignore[arg-type]
    loss = result.quantities["train_loss"].values
    assert np.array_equal(loss[0], loss[1]) and loss[0, 0] != loss[0, 2]  # the second axis is zero


def test_a_file_that_does_not_fit_names_the_tensor(tmp_path: Path) -> None:
    problem = TinyProblem()
    save_directions(tmp_path / "d.h5", Surface(), problem)  # type: ignore[arg-type]
    axes = [[*axis[:-1], axis[-1][:-1]] for axis in read_directions(tmp_path / "d.h5")]
    write_directions(tmp_path / "wrong.h5", axes)
    with pytest.raises(ProblemError, match=r"wrong\.h5"):
        answer(Surface(directions_file=FileRef(str(tmp_path / "wrong.h5"))), problem)  # type: ignore[arg-type]
    with pytest.raises(LandscapeError):
        answer(Surface(directions_file=FileRef(str(tmp_path / "none.h5"))), problem)  # type: ignore[arg-type]
