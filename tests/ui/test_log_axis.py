"""Numbers on a logarithmic axis of a small chart do not run into one another."""

import pytest

from landscape_gui.ui.canvas2d import LOG_TICK
from landscape_gui.ui.chart_axis import NamedAxis


@pytest.fixture
def axis(dressed):
    made = NamedAxis("left")
    made.setLogMode(True, True)
    return made


@pytest.mark.parametrize("decades", [0.7, 1.5, 3.0, 8.0, 30.0])
@pytest.mark.parametrize("pixels", [40, 70, 140, 500])
def test_there_is_room_for_each_number(axis, decades, pixels):
    ((_, ticks),) = axis.tickValues(-decades / 2, decades / 2, pixels)
    assert 1 <= len(ticks) <= max(2, pixels / LOG_TICK)
    assert ticks == sorted(ticks) and all(-decades / 2 <= v <= decades / 2 for v in ticks)


def test_what_is_left_out_first_is_what_lies_between_decades(axis):
    ((_, few),) = axis.tickValues(-2.2, 1.2, 70)
    assert few == [-2, -1, 0, 1]
