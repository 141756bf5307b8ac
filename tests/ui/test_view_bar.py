from dataclasses import replace
from types import SimpleNamespace

from landscape_gui.figure import Axis, Figure, Panel
from landscape_gui.ui.stage import title_of
from landscape_gui.ui.view_bar import combo


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


def test_a_name_that_does_not_fit_ends_in_an_ellipsis(qtbot, dressed, monkeypatch):
    box = combo("quantity", "Quantity shown", 11)
    qtbot.addWidget(box)
    seen = []
    painted = "PySide6.QtWidgets.QStylePainter.drawControl"
    monkeypatch.setattr(painted, lambda self, element, option: seen.append(option.currentText))
    box.addItem("|smallest| over |largest| Hessian eigenvalue", "lambda_ratio")
    box.addItem("Loss", "loss")
    box.resize(130, 26)
    box.grab()
    box.setCurrentIndex(1)
    box.grab()
    assert seen[0].endswith("…") and seen[0].startswith("|smallest|") and seen[-1] == "Loss"
