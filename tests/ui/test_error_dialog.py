"""An error in a slot: a dialog that stands beside the window, and counts."""

import sys
import threading

import pytest
from bowls import shown_whole
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication

from landscape_gui import app
from landscape_gui.ui.error_dialog import ErrorDialog


@pytest.fixture
def hooked(window, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    app.install_excepthook(window)
    yield window
    for dialog in window.findChildren(ErrorDialog):
        dialog.close()
        dialog.deleteLater()


def dialogs(window):
    return window.findChildren(ErrorDialog)


def fail(words):
    raise ZeroDivisionError(words)


def test_an_error_in_a_slot_is_a_dialog_and_the_window_lives(qtbot, hooked, capsys):
    QTimer.singleShot(0, lambda: fail("nobody foresaw this"))
    qtbot.waitUntil(lambda: bool(dialogs(hooked)) and dialogs(hooked)[0].isVisible(), timeout=5000)
    dialog = dialogs(hooked)[0]
    assert not dialog.isModal()
    assert dialog.sentence.text() == "ZeroDivisionError: nobody foresaw this."
    dialog.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert "Traceback" in copied and "in fail" in copied
    assert "nobody foresaw this" in capsys.readouterr().err, "a terminal is told as well"
    hooked.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(hooked.session), timeout=10000)


def test_several_errors_share_one_dialog_with_a_count(qtbot, hooked):
    for words in ("one", "two", "two"):
        QTimer.singleShot(0, lambda words=words: fail(words))
    qtbot.waitUntil(lambda: bool(dialogs(hooked)) and dialogs(hooked)[0].count.text().startswith("3 errors"), timeout=5000)
    assert len(dialogs(hooked)) == 1
    dialog = dialogs(hooked)[0]
    assert "2 of them different" in dialog.count.text()
    assert "one" in dialog.details and "two" in dialog.details
    dialog.reject()
    QTimer.singleShot(0, lambda: fail("three"))
    qtbot.waitUntil(dialog.isVisible, timeout=5000)
    assert dialog.count.text() == "" and "one" not in dialog.details


def test_an_error_in_another_thread_reaches_the_same_dialog(qtbot, hooked):
    thread = threading.Thread(target=fail, args=("elsewhere",))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(dialogs(hooked)) and "elsewhere" in dialogs(hooked)[0].sentence.text(), timeout=5000)
