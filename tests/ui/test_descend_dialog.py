"""From a right click on a surface to a descent on it: the menu, the dialog, the question, and what is put after it."""

import dataclasses

import numpy as np
import pytest
from bowls import Bowl, bowl
from PySide6.QtCore import Qt

from landscape_gui.figure import Path
from landscape_gui.probes.descend import Descend, assembled
from landscape_gui.probes.surface import Surface
from landscape_gui.results import Provenance, Quantity, freeze
from landscape_gui.training_results import DescentResult, DescentsResult
from landscape_gui.ui import descend_dialog
from landscape_gui.ui.documents import is_whole, surface_of


def descent(probe, records):
    """A straight way from where it begins to the bottom, with `records` of ten records."""
    part = np.linspace(0, 1, 10)[:records]
    losses = freeze(1 - part)
    quantity = Quantity(name="train_loss", label="training loss", values=losses, unit="nat", axes=("record",))
    return DescentResult(
        name=probe.optimizer,
        label=f"{probe.optimizer}, lr {probe.lr:g}",
        step=freeze(np.arange(records)),
        x=freeze(probe.x * (1 - part)),
        y=freeze(probe.y * (1 - part)),
        off_plane=freeze(part),
        distance=freeze(2 * part),
        quantities={"train_loss": quantity},
        plane_quantities={"train_loss": quantity},
        batch=probe.batch,
        updates=9,
        split="train",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plain(Surface):
    """The real fields of a surface; its answer is a bowl."""


class Answers:
    """Answers surfaces with a bowl, and descents with straight ways that grow record by record."""

    def __init__(self):
        self.asked = []

    def answer(self, probe, problem, *, on_progress, cancelled):
        from landscape_gui.probes.base import Progress, question

        self.asked.append(probe)
        where = Provenance(probe=probe.name, key=str(len(self.asked)), question=question(probe))
        surface = dataclasses.replace(bowl(21, 11), provenance=Provenance(probe="surface", key="s"))
        if not isinstance(probe, Descend):
            return dataclasses.replace(surface, provenance=dataclasses.replace(where, key=f"s{probe.seed or ''}"))
        found = {}
        for k, each in enumerate(probe.every):
            for records in range(1, 11):
                found[f"{k + 1}. {each.optimizer}"] = descent(each, records)
                partial = assembled(surface, found, complete=False)
                on_progress(Progress(done=records, total=10.0 * len(probe.every), partial=partial))
        return dataclasses.replace(assembled(surface, found, complete=True), provenance=where)


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def services(services, answers):
    kinds = {"surface": Surface, "descend": Descend}
    return dataclasses.replace(services, answerer=answers.answer, probes=lambda: kinds)


@pytest.fixture
def surfaced(qtbot, window):
    window.session.open(["bowl.pt"])
    qtbot.waitUntil(lambda: window.session.shown is not None and not window.session.shown.partial, timeout=10000)
    return window


def scene_place(canvas, x, y):
    """Where a place of the plane is in the canvas's pixels."""
    from PySide6.QtCore import QPointF

    return canvas.mapFromScene(canvas.plot.vb.mapViewToScene(QPointF(x, y)))


def accepted(qtbot, window, dialog):
    dialog.ask()
    inquiry = dialog.inquiry
    assert inquiry is not None
    qtbot.waitUntil(lambda: inquiry.state == "done", timeout=10000)
    qtbot.waitUntil(lambda: isinstance(window.session.shown.result, DescentsResult), timeout=5000)
    return inquiry


def test_a_right_click_on_the_contours_picks_the_cell_and_offers_a_descent(qtbot, surfaced):
    canvas, menu = surfaced.stage.canvas2d, surfaced.stage.menu
    qtbot.mouseClick(canvas.viewport(), Qt.MouseButton.RightButton, pos=scene_place(canvas, 0.5, -0.4))
    qtbot.waitUntil(menu.isVisible, timeout=3000)
    assert (surfaced.session.cell.x, surfaced.session.cell.y) == pytest.approx((0.5, -0.4))
    assert menu.descend.isEnabled()
    menu.close()


def test_a_right_click_on_the_relief_does_the_same_and_a_drag_does_not(qtbot, surfaced):
    canvas, menu = surfaced.stage.canvas3d, surfaced.stage.menu
    if canvas.scene is None:
        pytest.skip("no OpenGL here")
    asked = []
    canvas.menu_asked.connect(lambda x, y: asked.append((x, y)))
    middle = canvas.view.rect().center()
    for button in (Qt.MouseButton.RightButton,):
        qtbot.mouseClick(canvas.view, button, pos=middle)
    qtbot.waitUntil(lambda: bool(asked), timeout=3000)
    assert surfaced.session.cell is not None
    menu.close()


def test_the_dialog_puts_the_question_and_the_path_is_on_the_surface(qtbot, surfaced, answers):
    session = surfaced.session
    session.pick(0.5, -0.4)
    dialog = descend_dialog.offer(session, surfaced)
    dialog.boxes["sam"].setChecked(True)
    dialog.boxes["sgd"].setChecked(False)
    assert dialog.lr.line.placeholderText() == "usual: 0.05" and not dialog.keep.isVisibleTo(dialog)
    dialog.lr.line.setText("0.2")
    dialog.updates.setValue(30)
    dialog.seconds.setValue(0)
    inquiry = accepted(qtbot, surfaced, dialog)
    asked = answers.asked[-1]
    assert isinstance(asked, Descend) and asked.optimizer == ("sam",) and asked.lr == 0.2 and asked.updates == 30
    assert asked.at == pytest.approx((0.5, -0.4)) and asked.seconds is None and asked.before == ()
    assert is_whole(inquiry.result) and surface_of(inquiry.result) is not None
    paths = [m for m in session.figure(view="2d").panels[0].marks if isinstance(m, Path)]
    assert [p.label for p in paths] == ["sam, lr 0.2: true loss 0, 1 off the plane"] and len(paths[0].x) == 10


def test_the_cell_stays_picked_under_a_descent_on_its_surface_and_not_on_another(qtbot, surfaced):
    session, tabs = surfaced.session, surfaced.tabs
    session.pick(0.5, -0.4)
    cell = tabs.currentIndex()
    assert surfaced.cell.isVisible() and cell != 0
    dialog = descend_dialog.offer(session, surfaced)
    tabs.setCurrentIndex(0)
    accepted(qtbot, surfaced, dialog)
    assert (session.cell.x, session.cell.y) == pytest.approx((0.5, -0.4)) and surfaced.cell.hint.isHidden()
    assert tabs.currentIndex() == 0, "what is read again does not bring its panel forward"
    session.pick(0.5, -0.4)
    assert tabs.currentIndex() == cell
    session.ask(Surface(seed=7))
    qtbot.waitUntil(lambda: isinstance(session.shown.probe, Surface) and session.shown.probe.seed == 7, timeout=10000)
    assert session.cell is None and not surfaced.cell.hint.isHidden()


def test_another_descent_joins_those_that_are_there(qtbot, surfaced, answers):
    session = surfaced.session
    for place, keep in (((0.5, -0.4), True), ((-0.5, 0.2), True), ((0.1, 0.2), False)):
        session.pick(*place)
        dialog = descend_dialog.offer(session, surfaced)
        dialog.keep.setChecked(keep)
        accepted(qtbot, surfaced, dialog)
    first, second, third = (probe for probe in answers.asked if isinstance(probe, Descend))
    assert len(first.every) == 1 and second.before == first.every and len(second.every) == 2
    assert third.before == () and second.surface == first.surface == third.surface


def test_one_that_was_stopped_stays_where_it_stood_when_another_joins_it(qtbot, surfaced, answers):
    session = surfaced.session
    session.pick(0.5, -0.4)
    first = accepted(qtbot, surfaced, descend_dialog.offer(session, surfaced))
    whole = first.result
    half = {name: dataclasses.replace(descent(first.probe.own[0], 4), complete=False) for name in whole.descents}
    session._show(dataclasses.replace(session.shown, result=dataclasses.replace(whole, descents=half, complete=False)))
    session.pick(0.0, 0.2)
    accepted(qtbot, surfaced, descend_dialog.offer(session, surfaced))
    (stopped,) = answers.asked[-1].before
    assert stopped.updates == 3 < first.probe.updates and (stopped.x, stopped.y) == pytest.approx((0.5, -0.4))


def test_names_with_numbers_stand_one_below_the_other(qtbot, surfaced):
    session = surfaced.session
    session.pick(0.5, -0.4)
    dialog = descend_dialog.offer(session, surfaced)
    dialog.boxes["adam"].setChecked(True)
    accepted(qtbot, surfaced, dialog)
    key = surfaced.stage.canvas2d.key
    qtbot.waitUntil(lambda: "adam" in key.text(), timeout=3000)
    assert key.text().count("<br>") == 1


def test_a_descent_is_bounded_in_time_and_comes_before_what_waits(qtbot, surfaced, monkeypatch):
    """A person waits for it, looking."""
    session, said = surfaced.session, []
    ask = session.ask
    monkeypatch.setattr(session, "ask", lambda *question, **how: said.append(how) or ask(*question, **how))
    session.pick(0.5, -0.4)
    dialog = descend_dialog.offer(session, surfaced)
    dialog.seconds.setValue(7)
    accepted(qtbot, surfaced, dialog)
    assert dialog.inquiry.probe.seconds == 7.0 and said == [{"first": True}]


def test_what_was_chosen_is_there_the_next_time(qtbot, surfaced):
    surfaced.session.pick(0.5, -0.4)
    dialog = descend_dialog.offer(surfaced.session, surfaced)
    dialog.boxes["adam"].setChecked(True)
    dialog.batch.setValue(0)
    accepted(qtbot, surfaced, dialog)
    surfaced.session.pick(0.0, 0.4)
    again = descend_dialog.offer(surfaced.session, surfaced)
    assert again.chosen() == ("sgd", "adam") and again.batch.value() == 0 and again.keep.isVisibleTo(again)
    again.reject()


def test_what_is_wrong_is_said_in_the_dialog_which_stays(qtbot, surfaced):
    surfaced.session.pick(0.5, -0.4)
    dialog = descend_dialog.offer(surfaced.session, surfaced)
    dialog.lr.line.setText("fast")
    dialog.ask()
    assert dialog.inquiry is None and dialog.isVisible() and "“fast”" in dialog.trouble.text()
    dialog.boxes["sgd"].setChecked(False)
    assert not dialog.go.isEnabled()
    dialog.reject()


def test_the_cells_panel_has_a_button_for_it(surfaced):
    surfaced.session.pick(0.5, -0.4)
    button = surfaced.cell.descend_button
    assert button.isEnabled() and not button.isHidden()


def test_without_a_model_or_a_plane_nothing_can_descend(qtbot, surfaced):
    session = surfaced.session
    session.pick(0.5, -0.4)
    session.shown = dataclasses.replace(session.shown, probe=Bowl())
    assert not descend_dialog.can_descend(session) and descend_dialog.offer(session) is None
