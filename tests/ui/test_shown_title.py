from dataclasses import replace
from types import SimpleNamespace

from landscape_gui.figure import Axis, Figure, Panel
from landscape_gui.ui.shown_title import title_of


def test_a_figure_with_a_title_of_its_own_is_called_by_it():
    shown = SimpleNamespace(result=SimpleNamespace(), probe=SimpleNamespace(title="Spectrum"))
    words = "Spectrum of the Hessian on all 1,437 train examples"
    assert title_of(Figure(panels=(Panel(marks=()),), title=words), shown) == words
    assert title_of(Figure(panels=(Panel(marks=()),)), shown) == "Spectrum"


def test_small_charts_over_one_axis_have_it_named_in_their_title():
    shown = SimpleNamespace(result=SimpleNamespace(), probe=SimpleNamespace(title="Dynamics"))
    over = tuple(Panel(marks=(), x=Axis(label=label)) for label in ("step", "step", "step", "PC 1"))
    assert title_of(Figure(panels=over, title="Dynamics of a", columns=3), shown) == "Dynamics of a  ·  x axis: step"
    other = (replace(over[0], x=Axis(label="epoch")), *over[1:])
    for figure in (Figure(panels=other, title="Dynamics of a", columns=3), Figure(panels=over, title="Dynamics of a", columns=2)):
        assert title_of(figure, shown) == "Dynamics of a"
