"""What goes to the clipboard from the export dialog: the picture, the caption as text and for LaTeX, the references."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget
from shiboken6 import isValid

from landscape_gui.errors import LandscapeError
from landscape_gui.export.report_latex import latex
from landscape_gui.export_formats import FORMATS
from landscape_gui.figure import Figure
from landscape_gui.ui.documents import message_of
from landscape_gui.ui.exporting import Order
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome

BIBTEX = next((f for f in FORMATS if f.suffix == ".bib"), None)
SHOWN = 1200
"""Milliseconds that a button says that it has copied."""


class CopyRow(QWidget):
    """order: what stands in the form now."""

    def __init__(self, session: Session, order: Callable[[], Order], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._order = session, order
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(plain("Copy", "muted", wrap=False))
        self.picture = self._button(
            "Pict&ure", "Copy picture", "The picture, with as many pixels as the file has", self.copy_picture
        )
        self.caption = self._button("C&aption", "Copy caption", "What the figure shows, in sentences", self.copy_caption)
        self.latex = self._button("LaTe&X", "Copy caption as LaTeX", "The caption, for \\caption{…}", self.copy_latex)
        self.bibtex = self._button("Bi&bTeX", "Copy BibTeX", "The papers whose methods the figure uses", self.copy_bibtex)
        for button in (self.picture, self.caption, self.latex, self.bibtex):
            line.addWidget(button)

    def _button(self, text: str, name: str, tip: str, slot: Callable[[], None]) -> QPushButton:
        button = QPushButton(icon("copy"), f" {text}")
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        button.clicked.connect(slot)
        return button

    def arrange(self, figure: Figure | None) -> None:
        """What there is to copy of a figure."""
        self.picture.setEnabled(figure is not None)
        for button in (self.caption, self.latex):
            button.setEnabled(figure is not None and bool(figure.caption))
        self.bibtex.setVisible(BIBTEX is not None)
        self.bibtex.setEnabled(BIBTEX is not None and figure is not None and BIBTEX.fits(figure, self._order().result))

    def copy_picture(self) -> None:
        order = self._asked()
        if order is not None and order.figure is not None:
            self.session.drawing.draw("whole", order.figure, ".png", order.setup, then=self._put(self.picture))

    def copy_caption(self) -> None:
        order = self._asked()
        if order is not None and order.figure is not None:
            QGuiApplication.clipboard().setText(order.figure.caption)
            self._say(self.caption)

    def copy_latex(self) -> None:
        order = self._asked()
        if order is not None and order.figure is not None:
            QGuiApplication.clipboard().setText(latex(order.figure.caption))
            self._say(self.latex)

    def copy_bibtex(self) -> None:
        order = self._asked()
        if order is not None and BIBTEX is not None:
            self.session.drawing.do(lambda: text_of(order), self._put(self.bibtex))

    def _asked(self) -> Order | None:
        try:
            return self._order()
        except LandscapeError as error:
            self.session.said.emit(message_of(error))
            return None

    def _put(self, button: QPushButton) -> Callable[[Outcome], None]:
        """What comes back, onto the clipboard."""

        def done(outcome: Outcome) -> None:
            if not isValid(button):
                return
            if outcome.error is not None:
                self.session.said.emit(message_of(outcome.error))
            elif isinstance(outcome.value, bytes):
                QGuiApplication.clipboard().setImage(QImage.fromData(outcome.value))
                self._say(button)
            else:
                QGuiApplication.clipboard().setText(outcome.value)
                self._say(button)

        return done

    def _say(self, button: QPushButton) -> None:
        words = button.text()
        if words != " Copied":
            button.setText(" Copied")
            QTimer.singleShot(SHOWN, button, lambda: button.setText(words))


def text_of(order: Order) -> str:
    """The references of a figure, in a thread."""
    assert BIBTEX is not None
    with tempfile.TemporaryDirectory(prefix="landscape_gui-") as folder:
        path = Path(folder) / f"copied{BIBTEX.suffix}"
        BIBTEX.write(path, order.figure, order.result, order.setup)
        return path.read_text(encoding="utf-8")
