"""Code of the person's own, or a program in a checkpoint: shown in full, and asked for once per content, before any of it runs."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from landscape_gui.errors import TrustNeeded
from landscape_gui.ui.panel import breakable, plain

SEEN = "What it visibly does, beyond computing:"
UNSEEN = "Nothing in it visibly reads or writes files, starts programs or reaches the network."
NO_PROMISE = "This was read off its text as a help. It is no promise: Python can hide what it does."
CODE = (
    "It builds the model and its data, and can do whatever you can. Nothing of it has run yet. "
    "Allow it if you wrote it or have read it; you will be asked again only when its content changes."
)
PROGRAM = (
    "It is the model itself. Nothing of it has run yet. Allow it if you know where it comes from; you will be asked again only "
    "when it changes, not when it is trained on."
)
LISTED = (
    "Its text is interpreted: each operation is looked up in a list and computed by torch, and what is not on the list is not run. "
    "It cannot read or write files, start programs or reach the network, but it may take long or much memory."
)


class TrustDialog(QDialog):
    def __init__(self, error: TrustNeeded, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trust")
        self.setWindowTitle(f"Run this {'program' if error.program else 'code'}?")
        self.resize(820, 660)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(plain(f"This checkpoint comes with {error.program or 'Python code'}", "title"))
        column.addWidget(plain(PROGRAM if error.program else CODE, "muted"))
        column.addWidget(plain(breakable(one_line(error.path))))
        self.abilities = plain(abilities_text(error))
        self.abilities.setAccessibleName("What it visibly does")
        column.addWidget(self.abilities)
        if not error.program:
            column.addWidget(plain(NO_PROMISE, "muted"))
        self.source = source_view(error.source)
        column.addWidget(self.source, 1)
        column.addWidget(plain(f"SHA-256 {error.digest}", "muted"))
        buttons = QDialogButtonBox()
        self.refuse = buttons.addButton("Do not run", QDialogButtonBox.ButtonRole.RejectRole)
        self.allow = buttons.addButton(
            "Allow this program" if error.program else "Allow this code", QDialogButtonBox.ButtonRole.AcceptRole
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        # Only now: of a button that has no dialog yet, Qt forgets it and makes the accepting one the default.
        self.allow.setAutoDefault(False)
        self.refuse.setDefault(True)
        self.refuse.setFocus()


def source_view(text: str) -> QPlainTextEdit:
    view = QPlainTextEdit(text)
    view.setReadOnly(True)
    view.setAccessibleName("Source")
    view.setMinimumHeight(160)
    view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    return view


def abilities_text(error: TrustNeeded) -> str:
    """A line for each thing that the code visibly does; of a program in a checkpoint, what it can do."""
    if error.program:
        return "\n".join([LISTED, *(f"\N{BULLET} {breakable(one_line(f'It {ability}.'))}" for ability in error.abilities)])
    if not error.abilities:
        return UNSEEN
    return "\n".join([SEEN, *(f"\N{BULLET} {breakable(one_line(ability))}" for ability in error.abilities)])


def one_line(text: str) -> str:
    """Names of files may hold line ends."""
    return " ".join(text.split())
