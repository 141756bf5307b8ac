"""Several things fit a file: they are offered by name, and none is taken unasked."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QVBoxLayout, QWidget

from landscape_gui.errors import ChoiceNeeded
from landscape_gui.ui.documents import Document, message_of
from landscape_gui.ui.opening import start_opening
from landscape_gui.ui.panel import breakable, plain
from landscape_gui.ui.session import Session

TITLES = {"architecture": "Which architecture is it?", "code": "Which of these makes the network?"}
WHY = {
    "architecture": "All of these have tensors of these names and shapes; activations and pooling are not in the file. "
    "Loss and accuracy on data tell them apart.",
    "code": "Nothing of the code has run yet. What you choose is shown before it may.",
}


class ChoiceDialog(QDialog):
    """`chosen` is what was taken, once accepted. now: what it is open with."""

    def __init__(self, error: ChoiceNeeded, parent: QWidget | None = None, now: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("choice")
        title = TITLES.get(error.option, "Which of these is it?")
        self.setWindowTitle(title)
        self.resize(620, 420)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(plain(title, "title"))
        column.addWidget(plain(breakable(" ".join(error.message.split()))))
        column.addWidget(plain(WHY.get(error.option, ""), "muted"))
        self.choices = error.choices
        self.names = QListWidget()
        self.names.setAccessibleName("What fits")
        self.names.addItems([" ".join(choice.split()) for choice in error.choices])
        self.names.setSpacing(3)
        self.names.setCurrentRow(self.choices.index(now) if now in self.choices else 0)
        self.names.itemActivated.connect(lambda _: self.accept())
        column.addWidget(self.names, 1)
        buttons = QDialogButtonBox()
        self.cancel = buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        self.use = buttons.addButton("Open with this", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.use.setDefault(True)
        self.names.setFocus()

    @property
    def chosen(self) -> str:
        return self.choices[max(0, self.names.currentRow())]


def offer(session: Session, document: Document, parent: QWidget, error: ChoiceNeeded) -> ChoiceDialog:
    """Let a person choose; the document is then opened with it, and closed with the sentence where they do not."""
    dialog = ChoiceDialog(error, parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.accepted.connect(lambda: take(session, document, error, dialog.chosen))
    dialog.rejected.connect(lambda: leave(session, document, error))
    dialog.open()
    return dialog


def change(session: Session, document: Document, parent: QWidget) -> ChoiceDialog | None:
    """Let a person choose another of the architectures that the tensors fit; the document is then opened anew. None where there
    are no others."""
    fits, now = choices_of(document)
    if not fits:
        return None
    error = ChoiceNeeded(f"{document.name} is open as {now}; {len(fits)} fit.", option="architecture", choices=fits)
    dialog = ChoiceDialog(error, parent, now)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.accepted.connect(lambda: replace(session, document, error, dialog.chosen) if dialog.chosen != now else None)
    dialog.open()
    return dialog


def replace(session: Session, document: Document, error: ChoiceNeeded, value: str) -> None:
    """What runs on the document is stopped, and its question is asked anew of the other architecture."""
    for inquiry in [each for each in session.inquiries if each.document is document and each.live]:
        session.cancel(inquiry)
    document.answers, document.asks = [], True
    take(session, document, error, value)


def choices_of(document: Document | None) -> tuple[tuple[str, ...], str]:
    """The architectures that a document's tensors fit, and the one that was chosen; nothing where there was no choice."""
    about: Any = getattr(document.problem, "description", None) if document is not None else None
    fits = tuple(map(str, (about or {}).get("fits", ())))
    return fits, str(about.get("chosen", "")) if fits else ""


def take(session: Session, document: Document, error: ChoiceNeeded, value: str) -> None:
    if session.services.choose is not None and document in session.documents:
        session.services.choose(document.path, error.option, value)
        start_opening(session, document)
        session.documents_changed.emit()


def leave(session: Session, document: Document, error: ChoiceNeeded) -> None:
    if document in session.documents:
        session.said.emit(message_of(error, where=document.path))
        session.close(document)
