"""How far charts reach, and where the cells of a heat map end."""

import numpy as np
import pytest

from landscape_gui.chart_limits import bar_places, edges, limits, raster, whiskers
from landscape_gui.figure import Axis, Band, Bars, Line, Needles, Panel, Points, Rule, Surface


def test_an_axis_holds_its_data_with_air_and_its_own_limits_win():
    x = np.array([0.0, 10.0])
    line = Line(x=x, y=np.array([1.0, 3.0]))
    panel = Panel(marks=(line, Rule(at=12.0), Rule(at=-1.0, orientation="horizontal")))
    assert limits(panel, "x") == (0.0, 12.0)
    assert limits(panel, "y") == pytest.approx((-1.2, 3.2))
    assert limits(Panel(marks=(line,), y=Axis(limits=(0.0, 9.0))), "y") == (0.0, 9.0)
    low, high = limits(Panel(marks=(line, Points(x=x, y=x))), "x")
    assert low < 0 and high > 10, "a disc at the end is whole"


def test_needles_stand_on_zero_and_are_seen_on_a_logarithmic_axis_of_few_decades():
    needles = Needles(x=np.array([1.0, 2.0]), height=np.array([0.5, 0.1]))
    assert limits(Panel(marks=(needles,)), "y")[0] == 0.0
    tail = Line(x=np.array([0.0, 1.0]), y=np.array([1.0, 1e-200]))
    low, high = limits(Panel(marks=(needles, tail), y=Axis(scale="log")), "y")
    assert 1e-9 < low < 0.1 and high > 1


def test_nothing_finite_still_makes_an_axis():
    panel = Panel(marks=(Band(x=np.array([0.0, 1.0]), low=np.full(2, np.nan), high=np.full(2, np.inf)),), y=Axis(scale="log"))
    assert limits(panel, "y") == (0.1, 1.0)


def test_bars_reach_from_zero_over_their_whiskers_in_groups_from_the_top():
    bars = Bars(names=("a", "b"), values=np.array([-1.0, 4.0]), errors=np.array([0.5, np.nan]))
    panel = Panel(marks=(bars, Bars(names=("a", "b"), values=np.array([1.0, 2.0]))))
    low, high = limits(panel, "x")
    assert low < -1.5 and high > 4
    assert limits(panel, "y") == (-1.5, 0.5)
    (_, first, thick), (_, second, _) = bar_places(panel)
    assert (first > second).all() and first[0] - second[0] == pytest.approx(thick)
    assert np.abs((first + second) / 2 - [0, -1]).max() < 1e-12  # the groups are centred on their names
    np.testing.assert_array_equal(whiskers(bars)[0], [-1.5, np.nan])


def test_cells_end_half_way_to_their_neighbours():
    np.testing.assert_allclose(edges(np.array([0.0, 1.0, 3.0])), [-0.5, 0.5, 2.0, 4.0])
    np.testing.assert_allclose(edges(np.array([1.0, 100.0]), "log"), [0.1, 10.0, 1000.0])
    np.testing.assert_allclose(edges(np.array([7.0])), [6.5, 7.5])


@pytest.mark.parametrize("x", [np.array([0.0, 1.0, 8.0]), np.array([8.0, 1.0, 0.0]), np.array([2.0, 3.0, 4.0]), np.array([5.0])])
def test_a_raster_shows_each_cell_as_wide_as_it_is(x):
    y = np.array([0.0, 1.0])
    z = np.arange(len(x) * 2.0).reshape(2, len(x))
    values, (left, right, low, high) = raster(Surface(x=x, y=y, z=z, limits=(0.0, 5.0)))
    assert (low, high) == (-0.5, 1.5) and values.shape[0] == 2
    at = left + (np.arange(values.shape[1]) + 0.5) * (right - left) / values.shape[1]
    borders = edges(x)
    for k, place in enumerate(at):
        inside = [i for i in range(len(x)) if min(borders[i : i + 2]) <= place <= max(borders[i : i + 2])]
        assert values[0, k] in z[0, inside] and values[1, k] in z[1, inside]
