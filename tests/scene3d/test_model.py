"""Lines and pins lifted onto a surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import panel

from landscape_gui.figure import Path, Points
from landscape_gui.scene3d.model import DASHED, Trace, model_of

T = np.linspace(0, 1, 60)


def trace_of(mark: Path | Points) -> Trace:
    plain = panel(path=False)
    (found,) = model_of(replace(plain, marks=(*plain.marks, mark))).traces
    return found


def test_a_bare_line_lies_on_the_surface_and_marks_no_stops() -> None:
    line = Path(x=0.8 - 1.6 * T, y=T - 0.4, stops=False, colour=2)
    bare, run = trace_of(line), trace_of(replace(line, stops=True))
    assert len(bare.stops) == 0
    assert len(run.stops) == len(T)
    assert np.array_equal(bare.points, run.points)


@pytest.mark.parametrize("reach", [0.05, 0.4, 0.8])
def test_dashes_cover_their_share_of_the_line_and_leave_it_nowhere(reach: float) -> None:
    whole = trace_of(Path(x=reach * (1 - 2 * T), y=T - 0.4, stops=False))
    dashed = trace_of(Path(x=reach * (1 - 2 * T), y=T - 0.4, stops=False, dash=True))
    steps = np.linalg.norm(np.diff(dashed.points, axis=0), axis=1)
    length = np.linalg.norm(np.diff(whole.points, axis=0), axis=1).sum()
    assert np.nansum(steps) == pytest.approx(DASHED * length, rel=0.03)
    seen = dashed.points[np.isfinite(dashed.points).all(axis=1)]
    nearest = np.linalg.norm(seen[:, None] - whole.points[None], axis=2).min(axis=1)
    assert nearest.max() < 0.02
    assert np.array_equal(dashed.points[0], whole.points[0])


def test_a_line_of_no_length_can_be_dashed() -> None:
    still = trace_of(Path(x=np.zeros(3), y=np.zeros(3), stops=False, dash=True))
    assert np.isfinite(still.points).any()


def test_pins_keep_their_names() -> None:
    pins = trace_of(Points(x=np.array([0.0, 0.5]), y=np.array([0.1, 0.2]), names=("one", "two")))
    assert pins.pins
    assert pins.names == ("one", "two")
    assert pins.stops.shape == (2, 3)
