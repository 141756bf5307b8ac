"""What a click on a needle offers: the landscape along its eigenvector."""

from __future__ import annotations

import dataclasses
import functools

from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QWidget

from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Needles
from landscape_gui.probes.base import Probe
from landscape_gui.ui.chart_reading import needle_words
from landscape_gui.ui.documents import Message, message_of
from landscape_gui.ui.questions import make
from landscape_gui.ui.session import Session

CARRIED = ("limit", "seed", "precision")
"""Fields that a question along an eigenvector takes over from the spectrum, so that both are about the same loss."""


class EigenvectorMenu(QMenu):
    """`offer` fills and shows it at the cursor."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("eigenvector_menu")

    def offer(self, mark: Needles, number: int) -> None:
        """At the cursor, for one of the needles; a sentence where the answer holds no eigenvectors."""
        shown, current = self.session.shown, self.session.current
        if shown is None:
            return
        if current is None or current.problem is None:
            self.session.said.emit(Message(level="info", text="This answer came without its model: there is no landscape to ask."))
            return
        if not mark.vectors:
            text = "This needle stands for no eigenvector of the whole Hessian."
            self.session.said.emit(Message(level="info", text=text, remedy="Ask for the Hessian's spectrum over all layers."))
            return
        self.fill(shown.probe, mark, number)
        self.popup(QCursor.pos())

    def fill(self, asked: Probe, mark: Needles, number: int) -> None:
        """The entries; the first of them is what one most likely wants."""
        self.clear()
        self.addAction(needle_words(dataclasses.replace(mark, vectors=()), number)).setEnabled(False)
        this = mark.vectors[number]
        pair = this, partner(mark.vectors, number)
        for name, words in (
            ("surface", f"Surface along eigenvectors {told(pair[0])} and {told(pair[1])}"),
            ("line", f"Line along eigenvector {told(this)}"),
        ):
            if name in self.session.services.probes():
                action = self.addAction(words)
                action.setObjectName(f"along_{name}")
                action.triggered.connect(functools.partial(self.ask, asked, name, pair))

    def ask(self, asked: Probe, name: str, which: tuple[int, int], checked: bool = False) -> None:
        """Put the question."""
        carried = {field: getattr(asked, field) for field in CARRIED if hasattr(asked, field)}
        splits = getattr(self.session.current.problem, "splits", {}) if self.session.current is not None else {}
        split = getattr(asked, "split", "") or next(iter(splits), "")
        if split:
            carried["split"] = split
        try:
            probe = make(self.session.services.probes()[name], {"directions": "eigenvectors", "which": which, **carried})
        except LandscapeError as error:
            self.session.said.emit(message_of(error))
            return
        self.session.ask(probe)


def partner(vectors: tuple[int, ...], number: int) -> int:
    """The other axis of the plane: the next eigenvector, the one before for the last."""
    if len(vectors) == 1:
        return vectors[0] + 1 if vectors[0] > 0 else vectors[0] - 1
    return vectors[number + 1] if number + 1 < len(vectors) else vectors[number - 1]


def told(which: int) -> str:
    """1, 2, ... from the largest eigenvalue; −1 from the most negative."""
    return str(which).replace("-", "\N{MINUS SIGN}")
