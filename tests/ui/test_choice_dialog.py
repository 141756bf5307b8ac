"""Several things that fit: offered by name, opened with what was chosen, closed with the sentence where nothing was."""

import pytest
from bowls import Bowl, make_problem
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from landscape_gui.errors import ChoiceNeeded
from landscape_gui.ui.choice_dialog import ChoiceDialog, change, choices_of, offer
from landscape_gui.ui.services import Services

NAMES = ("timm:resnet18", "timm:resnetblur18", "torchvision:resnet18")


class Chooser:
    """Opens a path only with an architecture; counts what was chosen for which."""

    def __init__(self):
        self.chosen = {}

    def choose(self, path, option, value):
        self.chosen.pop(path, None)
        if option:
            self.chosen[path] = (option, value)

    def open(self, path, *, trusted, code=None):
        if path not in self.chosen:
            raise ChoiceNeeded("net.pt fits 3 architectures.", option="architecture", choices=NAMES, remedy="Choose one.")
        return make_problem(path)


@pytest.fixture
def chooser():
    return Chooser()


@pytest.fixture
def services(gate, chooser):
    return Services(opener=chooser.open, answerer=gate.answer, probes=lambda: {"surface": Bowl}, choose=chooser.choose)


@pytest.fixture
def asked(qtbot, session, chooser, dressed):
    """The dialog for a file that was opened, and its document."""
    found = []
    session.choice_asked.connect(lambda error, document: found.append((error, document)))
    with qtbot.waitSignal(session.choice_asked, timeout=5000):
        session.open(["net.pt"])
    error, document = found[0]
    return offer(session, document, None, error), document  # it deletes itself


def test_what_is_chosen_opens_the_file(qtbot, session, chooser, asked):
    dialog, document = asked
    assert [dialog.names.item(i).text() for i in range(3)] == list(NAMES)
    dialog.names.setCurrentRow(2)
    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: document.state == "ready", timeout=5000)
    assert chooser.chosen == {"net.pt": ("architecture", "torchvision:resnet18")}


def test_closing_the_file_forgets_the_choice(qtbot, session, chooser, asked):
    dialog, document = asked
    dialog.accept()
    qtbot.waitUntil(lambda: document.state == "ready", timeout=5000)
    session.close(document)
    assert chooser.chosen == {}


def test_choosing_nothing_closes_it_and_says_what_fits(qtbot, session, chooser, asked):
    dialog, document = asked
    with qtbot.waitSignal(session.said) as said:
        dialog.reject()
    assert "fits 3 architectures" in said.args[0].text
    assert document not in session.documents and chooser.chosen == {}


def test_names_are_neither_markup_nor_lines_of_their_own(qtbot, dressed):
    dialog = ChoiceDialog(ChoiceNeeded("It\nis <b>so</b>.", option="code", choices=("<i>a\nb</i>.py:f", "c.py:g")))
    qtbot.addWidget(dialog)
    assert dialog.names.item(0).text() == "<i>a b</i>.py:f"
    assert all(label.textFormat() == Qt.TextFormat.PlainText and "\n" not in label.text() for label in dialog.findChildren(QLabel))
    assert dialog.chosen == "<i>a\nb</i>.py:f", "what opens is the name as it is"


def test_another_can_be_taken_later_and_none_is_nothing_lost(qtbot, session, chooser, asked):
    dialog, document = asked
    assert change(session, document, None) is None, "nothing is open yet"
    dialog.accept()
    qtbot.waitUntil(lambda: document.state == "ready", timeout=5000)
    document.problem.description = {"fits": list(NAMES), "chosen": NAMES[0]}
    assert choices_of(document) == (NAMES, NAMES[0])
    before = document.problem
    kept = change(session, document, None)
    assert kept.chosen == NAMES[0]
    kept.reject()
    assert document in session.documents and document.problem is before
    change(session, document, None).accept()
    assert document.problem is before and document.state == "ready", "the same again is nothing to do"
    another = change(session, document, None)
    another.names.setCurrentRow(1)
    another.accept()
    qtbot.waitUntil(lambda: document.problem is not before, timeout=5000)
    assert chooser.chosen == {"net.pt": ("architecture", NAMES[1])}
    assert document.state == "ready" and choices_of(document) == ((), "")
