"""What leaves the window by the clipboard, and what an answer without its model offers."""

import dataclasses

import numpy as np
from bowls import bowl, shown_whole
from PySide6.QtGui import QGuiApplication, QImage

from landscape_gui.results import freeze
from landscape_gui.ui import taking_away


def test_the_picture_is_copied(qtbot, window):
    window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=10000)
    window.set_view("2d")
    QGuiApplication.clipboard().setImage(QImage())
    taking_away.copy_picture(window)
    qtbot.waitUntil(lambda: any("on the clipboard" in text for text in window.messages.texts), timeout=20000)
    image = QGuiApplication.clipboard().image()
    assert image.width() == 1200  # 6 inches at 200 dots
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) > 100


def test_an_answer_without_its_model_shows_its_facts_and_no_form(qtbot, window):
    window.session.services = dataclasses.replace(window.session.services, read=lambda path: bowl(9, 5))
    window.tabs.setCurrentIndex(0)
    window.open_paths(["answer.h5"])
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=10000)
    assert window.tabs.currentIndex() == 1
    window.tabs.setCurrentIndex(0)
    assert not window.question.isEnabled()
    assert "without its model" in window.question.cost.text()


def test_where_no_cell_is_finite_a_sentence_stands_in_the_plane_and_no_scale_beside_it(qtbot, window):
    whole = bowl(9, 5)
    lost = {n: dataclasses.replace(q, values=freeze(np.full((5, 9), np.nan))) for n, q in whole.quantities.items()}
    window.session.services = dataclasses.replace(
        window.session.services, read=lambda path: dataclasses.replace(whole, quantities=lost)
    )
    window.open_paths(["answer.h5"])
    note = window.stage.canvas2d.note
    qtbot.waitUntil(lambda: shown_whole(window.session) and note.isVisible(), timeout=10000)
    assert note.toPlainText() == "No finite value in 45 points."
    assert window.stage.bar.ticks() == []
    assert not window.stage.view_bar.low.isVisible()
