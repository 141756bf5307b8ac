"""What was opened, in a line: parameters, layers, loss and accuracy on the data; and warnings, so that a wrong guess is seen."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from landscape_gui.ui.documents import Document, parameters
from landscape_gui.ui.follow_button import FollowButton
from landscape_gui.ui.panel import Elided, empty, plain
from landscape_gui.ui.session import Session

NO_BREAK = "\N{NO-BREAK SPACE}"


class Header(QFrame):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("strip")
        self.setAccessibleName("What is open")
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 9, 14, 9)
        column.setSpacing(3)
        self.name = Elided("", "title")
        self.facts = plain("", "muted")
        self.facts.setAccessibleName("Facts")
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self.name, 1)
        self.follow = FollowButton(session)
        line.addWidget(self.follow)
        column.addLayout(line)
        column.addWidget(self.facts)
        column.addWidget(self.follow.state)
        self.warnings = QVBoxLayout()
        self.warnings.setContentsMargins(0, 3, 0, 0)
        column.addLayout(self.warnings)
        session.current_changed.connect(self.refresh)
        session.documents_changed.connect(self.refresh)

    def refresh(self) -> None:
        document = self.session.current
        self.setVisible(document is not None)
        if document is None:
            return
        self.name.setText(document.name)
        self.facts.setText("  · ".join(fact.replace(" ", NO_BREAK) for fact in facts_of(document)))
        empty(self.warnings)
        for text in document.warnings:
            label: QLabel = plain(text, "warning")
            label.setAccessibleName("Warning")
            self.warnings.addWidget(label)


def facts_of(document: Document) -> list[str]:
    """Parameters, layers, epoch, loss and accuracy by split."""
    problem = document.problem
    if problem is None:
        return [document.summary]
    facts = []
    epoch = getattr(problem.checkpoint, "epoch", None)
    if epoch is not None and f"epoch {epoch:g}" not in document.name:
        facts.append(f"epoch {epoch:g}")
    if parameters(problem):
        facts.append(f"{parameters(problem):,} parameters")
    layers = getattr(problem.layout, "layers", None)
    if layers is not None:
        count = len(layers())
        facts.append(f"{count} layer{'s' if count != 1 else ''}")
    for name, value in document.facts.items():
        words = name.replace("_", " ")
        facts.append(f"{words} {value * 100:.1f} %" if name.endswith("accuracy") else f"{words} {value:.4g}")
    return facts
