"""Rows of the library dragged onto one another; the drag's events are sent here, a real drag would hold the test."""

import pytest
from pairs import Among, Between, opener, zeros
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from landscape_gui.ui.answer_rows import document_above
from landscape_gui.ui.documents import Answer
from landscape_gui.ui.library import Library, children
from landscape_gui.ui.library_runs import SECOND
from landscape_gui.ui.library_tree import ROWS, WHAT, label_of, model_of
from landscape_gui.ui.services import Entry, Services

LINK, LEFT, NO_KEY = Qt.DropAction.LinkAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def services():
    entry = Entry("key", "surface", "Loss surface")
    return Services(
        opener=opener, answerer=zeros, probes=lambda: {"connect": Between, "barriers": Among}, stored=lambda fingerprint: [entry]
    )


@pytest.fixture
def library(qtbot, dressed, session):
    library = Library(session)
    qtbot.addWidget(library)
    library.resize(260, 500)
    library.show()
    documents = session.open(["a.pt", "b.pt", "run", "wide.pt"], asks=False)
    qtbot.waitUntil(lambda: all(d.answers for d in documents), timeout=5000)
    library.tree.expandAll()
    return library


@pytest.fixture
def said(library):
    words = []
    library.tree.said.connect(words.append)
    return words


def rows(library):
    """Every row by its name; answers by their document's name and theirs."""
    found = {}
    for top in library.tops():
        found[top.text(0)] = top
        for child in children(top):
            found[f"{top.text(0)}: {child.text(0)}"] = child
            found.update({f"{top.text(0)}: {leaf.text(0)}": leaf for leaf in children(child)})
    return found


def middle(library, name):
    return library.tree.visualItemRect(rows(library)[name]).center()


class Dragged:
    """Models under way: `over` a row, then `let_go`."""

    def __init__(self, library, *names):
        self.tree, self.library = library.tree, library
        self.tree.clearSelection()
        for name in names:
            rows(library)[name].setSelected(True)
        self.data = self.tree.carry(self.tree.selected_models())
        self.place = QPoint(5, 5)
        self.send(QDragEnterEvent(self.place, LINK, self.data, LEFT, NO_KEY))

    def send(self, event):
        QApplication.sendEvent(self.tree.viewport(), event)
        return event

    def over(self, name):
        bottom = QPoint(30, self.tree.viewport().height() - 4)
        self.place = middle(self.library, name) if name else bottom
        return self.send(QDragMoveEvent(self.place, LINK, self.data, LEFT, NO_KEY))

    def let_go(self):
        return self.send(QDropEvent(QPointF(self.place), LINK, self.data, LEFT, NO_KEY))


def test_a_row_let_go_on_another_connects_the_two(qtbot, library, session, said):
    drag = Dragged(library, "a")
    assert drag.over("b").isAccepted()
    assert said[-1] == "Connect a with b" and library.tree.fits
    assert library.tree.is_target(library.tree.indexFromItem(rows(library)["b"]))
    assert drag.let_go().isAccepted()
    assert said[-1] == "" and library.tree.target is None and library.tree.dragged == []
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    assert session.inquiries[0].document.path == "a.pt" and session.inquiries[0].probe.towards.label == "b"


def test_what_letting_go_would_do_stands_over_the_rows(library):
    hint = library.tree.hint
    drag = Dragged(library, "a")
    drag.over("b")
    assert hint.isVisible() and hint.text() == "Connect a with b" and hint.property("fits") is True
    assert library.tree.viewport().geometry().contains(hint.geometry())
    drag.over("wide")
    assert hint.property("fits") is False
    drag.let_go()
    assert not hint.isVisible()


def test_news_of_a_running_question_leave_the_selection_where_it_is(library, session):
    session.select(session.documents[1])
    library.tree.setCurrentItem(rows(library)["a"])
    session.shown_changed.emit()
    library.refresh()
    assert library.selected() == session.documents[:1], "else a drag would take another row than was pressed"
    session.current = session.documents[2]
    session.current_changed.emit()
    assert library.selected() == [session.documents[2]], "what is shown anew is selected"


def test_dragging_is_told_of_where_there_are_two_to_connect(qtbot, library, session):
    assert library.how.isVisible()
    for document in [d for d in session.documents if d.path != "run"]:
        session.close(document)
    assert library.how.isVisible(), "a run has checkpoints"
    session.documents[0].alone = True
    library._signature = None
    library.refresh()
    assert list(rows(library)) == ["run", "run: Loss surface"], "what was saved on the way belongs to no run"
    session.documents[0].problem.run = None
    library.refresh()
    assert not library.how.isVisible()


def test_several_rows_let_go_on_another_ask_for_their_barriers(qtbot, library, session, said):
    drag = Dragged(library, "a", "run: epoch2")
    drag.over("b")
    assert said[-1].startswith("Barriers between 3 models")
    drag.let_go()
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    assert [r.label for r in session.inquiries[0].probe.others] == ["epoch2", "b"]


def test_an_answers_row_stands_for_its_model(library, said):
    drag = Dragged(library, "a")
    drag.over("b: Loss surface")
    assert said[-1] == "Connect a with b"
    assert library.tree.is_target(library.tree.indexFromItem(rows(library)["b"])), "the model's row is framed"


def test_a_runs_checkpoint_is_a_target_of_its_own(library, said):
    drag = Dragged(library, "a")
    drag.over("run: epoch2")
    assert said[-1] == "Connect a with run/epoch2"
    targets = [name for name, row in rows(library).items() if library.tree.is_target(library.tree.indexFromItem(row))]
    assert targets == ["run: epoch2"]


def test_the_row_of_an_answer_that_is_shown_is_selected_for_its_model(library):
    library.tree.clearSelection()
    for name in ("a: Loss surface", "a", "run: 2 checkpoints", "b"):
        rows(library)[name].setSelected(True)
    assert library.selected() == library.session.documents[:2], "each once, and headings not at all"
    assert model_of(rows(library)["run: 2 checkpoints"]) is library.session.documents[2]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("a", "a cannot be connected with itself: choose another model."),
        ("wide", "a and wide are different architectures: fc1.weight is of shape [16, 64] in the first"),
        (None, "Let a go on another model, to connect them."),
    ],
)
def test_what_cannot_be_connected_is_said_before_and_after(qtbot, library, session, said, target, words):
    told = []
    session.said.connect(told.append)
    drag = Dragged(library, "a")
    drag.over(target)
    assert said[-1].startswith(words) and not library.tree.fits
    drag.let_go()
    qtbot.waitUntil(lambda: bool(told), timeout=5000)
    assert told[0].level == "warning" and told[0].remedy and session.inquiries == []


def test_a_drag_that_leaves_the_library_leaves_nothing_behind(library, session, said):
    drag = Dragged(library, "a")
    drag.over("b")
    drag.send(QDragLeaveEvent())
    assert said[-1] == "" and library.tree.target is None and session.inquiries == []


def test_files_from_elsewhere_are_left_to_the_window(library):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/tmp/a.pt")])
    event = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, LEFT, NO_KEY)
    QApplication.sendEvent(library.tree.viewport(), event)
    assert not event.isAccepted()


def test_rows_dragged_from_another_program_are_not_taken(library):
    data = QMimeData()
    data.setData(ROWS, b"1")
    event = QDragEnterEvent(QPoint(5, 5), LINK, data, LEFT, NO_KEY)
    QApplication.sendEvent(library.tree.viewport(), event)
    assert not event.isAccepted(), "nothing was dragged in this library"


def test_the_label_beside_the_cursor_names_what_is_dragged(library):
    one = label_of([library.session.documents[0]], lambda model: "a", library)
    several = label_of(library.session.documents, lambda model: "a", library)
    assert 0 < one.width() < several.width()
    long = label_of([library.session.documents[0]], lambda model: "a" * 500, library)
    assert long.width() <= 300 * library.devicePixelRatioF()


def test_the_target_is_framed_and_dashed_where_nothing_can_be_done(library):
    drag = Dragged(library, "a")
    plain = picture(library, "b")
    drag.over("b")
    fits = picture(library, "b")
    library.tree.fits = False
    assert len({plain, fits, picture(library, "b")}) == 3


def picture(library, name):
    grabbed = library.tree.viewport().grab(library.tree.visualItemRect(rows(library)[name])).toImage()
    return bytes(grabbed.constBits())


def test_two_selected_rows_are_connected_from_the_menu(qtbot, library, session):
    library.tree.clearSelection()
    for name in ("a", "b"):
        rows(library)[name].setSelected(True)
    menu = library.menu_of(rows(library)["a"])
    texts = {a.text(): a for a in menu.actions()}
    texts["Connect a with b"].trigger()
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    rows(library)["run"].setSelected(True)
    assert "Barriers between 3 models" in [a.text() for a in library.menu_of(rows(library)["a"]).actions()]
    library.tree.clearSelection()
    (entry,) = [a for a in library.menu_of(rows(library)["a"]).actions() if a.text().startswith("Connect")]
    assert entry.text() == "Connect (select two)" and not entry.isEnabled()


def test_a_row_keeps_what_it_stands_for(library):
    assert rows(library)["run: epoch1"].data(0, WHAT) == "run/epoch1.pt"


# answers about the same pair


def test_answers_about_one_other_model_stand_under_one_row(qtbot, library, session):
    document = session.documents[0]
    details = ["with b: linear, 21 points", "51 x 51", "with c: linear", "with b: bezier, 21 points", "b, c"]
    document.answers = [Answer(key=f"{k}", probe="connect", title="Path", detail=d) for k, d in enumerate(details)]
    session.documents_changed.emit()
    top = library.tops()[0]
    told = [(child.text(0), child.data(0, SECOND), [leaf.data(0, SECOND) for leaf in children(child)]) for child in children(top)]
    assert told == [
        ("With b", "2 answers", ["linear, 21 points", "bezier, 21 points"]), ("Path", "51 x 51", []),
        ("Path", "with c: linear", []), ("Path", "b, c", []),
    ]  # fmt: skip
    inside = children(children(top)[0])[1]
    assert model_of(inside) is document and document_above(inside) is document
    library.tree.clearSelection()
    inside.setSelected(True)
    assert library.to_compose() == [(document, document.answers[3])]


def test_a_group_that_was_closed_stays_so(qtbot, library, session):
    document = session.documents[0]
    document.answers = [Answer(key=f"{k}", probe="connect", title="Path", detail="with b: linear") for k in range(2)]
    session.documents_changed.emit()
    assert children(library.tops()[0])[0].isExpanded()
    children(library.tops()[0])[0].setExpanded(False)
    document.answers = [*document.answers, Answer(key="2", probe="surface", title="Loss surface")]
    session.documents_changed.emit()
    assert len(children(library.tops()[0])) == 2 and not children(library.tops()[0])[0].isExpanded()
