"""The question before code of the person's own runs: all of it is shown, what it does is said, and refusing is the default."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from landscape_gui.errors import TrustNeeded
from landscape_gui.ui.trust_dialog import LISTED, NO_PROMISE, SEEN, UNSEEN, TrustDialog

CODE = "import os\n" + "x = 1\n" * 500 + "os.system('<b>ls</b>')\n"


@pytest.fixture
def ask(qtbot, dressed):
    def make(*abilities, path="/work/landscape.py"):
        dialog = TrustDialog(TrustNeeded(path, CODE, "d" * 64, abilities))
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return make


def texts(dialog):
    return [label.text() for label in dialog.findChildren(QLabel)]


def test_all_of_the_code_is_shown_as_it_is(ask):
    dialog = ask()
    assert dialog.source.toPlainText() == CODE
    assert dialog.source.isReadOnly()
    assert f"SHA-256 {'d' * 64}" in texts(dialog)


def test_what_it_visibly_does_is_said_and_that_this_is_no_promise(ask):
    dialog = ask("starts other programs (landscape.py, line 502: os.system)", "reads files (landscape.py, line 2: open)")
    lines = dialog.abilities.text().replace("\u200b", "").splitlines()
    assert lines[0] == SEEN
    assert lines[1:] == [
        "\u2022 starts other programs (landscape.py, line 502: os.system)",
        "\u2022 reads files (landscape.py, line 2: open)",
    ]
    assert NO_PROMISE in texts(dialog)


def test_code_that_visibly_does_nothing_has_its_sentence_and_the_same_warning(ask):
    dialog = ask()
    assert dialog.abilities.text() == UNSEEN
    assert NO_PROMISE in texts(dialog)


def test_names_of_files_are_neither_markup_nor_lines_of_their_own(ask):
    dialog = ask("reads files (<b>a\nb</b>.py, line 1: open)", path="/work/<i>a\nNothing to see.</i>.py")
    assert len(dialog.abilities.text().splitlines()) == 2
    assert all("\n" not in text or text.startswith(SEEN) for text in texts(dialog))
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in dialog.findChildren(QLabel))


def test_return_refuses(qtbot, ask):
    dialog = ask()
    with qtbot.waitSignal(dialog.rejected):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)


def test_allowing_takes_a_press_on_the_button(qtbot, ask):
    dialog = ask()
    with qtbot.waitSignal(dialog.accepted):
        qtbot.mouseClick(dialog.allow, Qt.MouseButton.LeftButton)


def test_a_program_in_the_checkpoint_is_no_python_code(qtbot, ask, dressed):
    """What it can do here is said, and what of it is not run."""
    dialog = TrustDialog(
        TrustNeeded("/work/net.pt", CODE, "d" * 64, ("names operators that are not run here",), "a TorchScript program")
    )
    qtbot.addWidget(dialog)
    assert dialog.windowTitle() == "Run this program?" and dialog.allow.text() == "Allow this program"
    assert "This checkpoint comes with a TorchScript program" in texts(dialog) and NO_PROMISE not in texts(dialog)
    lines = dialog.abilities.text().replace("\u200b", "").splitlines()
    assert lines == [LISTED, "\u2022 It names operators that are not run here."]


@pytest.mark.parametrize("count", [0, 8])
def test_nothing_is_cut_off_however_much_the_code_does(qtbot, ask, count):
    dialog = ask(*[f"does thing {i} (landscape.py, line {i}: {'a.b.' * 30}c)" for i in range(count)])
    qtbot.waitExposed(dialog)
    for label in dialog.findChildren(QLabel):
        assert label.height() >= label.heightForWidth(label.width()), label.text()
    assert dialog.source.height() >= 160
