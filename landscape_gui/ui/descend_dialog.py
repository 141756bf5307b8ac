"""Descend from here: with which optimizers, at which rate, for how long; then the question is put."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.errors import LandscapeError
from landscape_gui.probes.descend import Descend, asked_from
from landscape_gui.probes.descent import LABELS, OPTIMIZERS, RATES
from landscape_gui.training_results import DescentsResult
from landscape_gui.ui.documents import Cell, Inquiry, Shown, message_of, surface_of
from landscape_gui.ui.editors import NumbersEditor, spin
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session

NAME = Descend.name
KEPT = "descend"
"""Under which name the last choice is remembered."""
USUAL: dict[str, Any] = {"optimizer": ["sgd"], "lr": "", "updates": 1000, "seconds": 10, "batch": 64}
WHY = "Weights are copied: the model stays as it is. The path is what the plane sees of it; most of it may lead out of the plane."


def can_descend(session: Session) -> bool:
    """Whether a plane with its model is shown, from a place of which something could descend."""
    shown = session.shown
    if shown is None or shown.document.problem is None or NAME not in session.services.probes():
        return False
    surface = surface_of(shown.result)
    return surface is not None and bool(surface.quantities) and hasattr(shown.probe, "directions")


class DescendDialog(QDialog):
    """cell: where it begins. Once accepted, the question has been put; `inquiry` is it."""

    def __init__(self, session: Session, cell: Cell, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.cell = session, cell
        self.inquiry: Inquiry | None = None
        self.setObjectName("descend")
        self.setWindowTitle("Descend from here")
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        place = f"({cell.x:.4g}, {cell.y:.4g})".replace("-", "\N{MINUS SIGN}")
        column.addWidget(plain(f"Descend from {place}", "title"))
        column.addWidget(plain(WHY, "muted"))
        column.addLayout(self._form())
        self.trouble = plain("", "hint")
        self.trouble.setProperty("fits", "false")
        self.trouble.hide()
        column.addWidget(self.trouble)
        buttons = QDialogButtonBox()
        buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        self.go = buttons.addButton("Descend", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setObjectName("primary")
        self.go.setDefault(True)
        buttons.accepted.connect(self.ask)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.setMinimumWidth(430)
        self._fill()

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(8)
        self.boxes: dict[str, QCheckBox] = {}
        grid = QGridLayout()
        grid.setVerticalSpacing(8)
        for k, name in enumerate(OPTIMIZERS):
            box = self.boxes[name] = QCheckBox(LABELS[name][:1].upper() + LABELS[name][1:])
            box.setToolTip(OPTIMIZERS[name])
            box.toggled.connect(self._usual_rates)
            grid.addWidget(box, k // 2, k % 2)
        form.addRow("Optimizer", grid)
        self.lr = NumbersEditor("Learning rate", single=True)
        form.addRow("Learning rate", self.lr)
        self.updates, self.seconds, self.batch = spin(1, 10_000_000), spin(0, 86_400), spin(0, None)
        self.seconds.setSuffix(" s")
        self.seconds.setSpecialValueText("no limit")
        self.batch.setSpecialValueText("the full batch")
        for words, box_, name in (
            ("Updates", self.updates, "Updates"),
            ("At most", self.seconds, "Seconds at most"),
            ("Batch", self.batch, "Examples of an update"),
        ):
            box_.setAccessibleName(name)
            form.addRow(words, self._narrow(box_))
        self.keep = QCheckBox("Keep the descents that are there")
        self.keep.setChecked(True)
        self.keep.setVisible(bool(self.before()))
        form.addRow("", self.keep)
        return form

    @staticmethod
    def _narrow(box: QSpinBox) -> QHBoxLayout:
        row = QHBoxLayout()
        box.setMinimumWidth(120)
        row.addWidget(box)
        row.addWidget(QLabel(), 1)
        return row

    def before(self) -> tuple[Any, ...]:
        """Descents that are on the surface already; one that was stopped stays where it stood."""
        shown = self.session.shown
        if shown is None or not isinstance(shown.result, DescentsResult) or not isinstance(shown.probe, Descend):
            return ()
        return shown.probe.walked(shown.result)

    def _fill(self) -> None:
        """What was chosen the last time."""
        try:
            kept = {**USUAL, **json.loads(self.session.settings.text(KEPT, "{}"))}
            for name, box in self.boxes.items():
                box.setChecked(name in kept["optimizer"])
            self.lr.line.setText(str(kept["lr"]))
            for box_, name in ((self.updates, "updates"), (self.seconds, "seconds"), (self.batch, "batch")):
                box_.setValue(int(kept[name]))
        except (ValueError, TypeError, AttributeError):
            self.session.settings.set(KEPT, "{}")
            self.boxes["sgd"].setChecked(True)
        self._usual_rates()

    def chosen(self) -> tuple[str, ...]:
        return tuple(name for name, box in self.boxes.items() if box.isChecked())

    def _usual_rates(self) -> None:
        names = self.chosen()
        usual = ", ".join(f"{RATES[name]:g}" for name in names)
        self.lr.line.setPlaceholderText(f"usual: {usual}" if usual else "usual")
        self.go.setEnabled(bool(names)) if hasattr(self, "go") else None

    def fields(self) -> dict[str, Any]:
        """What the form says, as fields of the question. QuestionError where the learning rate is no number."""
        seconds = self.seconds.value()
        return {
            "optimizer": self.chosen(),
            "lr": float(self.lr.value()) if self.lr.line.text().strip() else 0.0,
            "updates": self.updates.value(),
            "seconds": float(seconds) if seconds else None,
            "batch": self.batch.value(),
        }

    def ask(self) -> None:
        """Put the question; what is wrong with it is said here."""
        shown: Shown | None = self.session.shown
        surface = surface_of(shown.result) if shown is not None else None
        if shown is None or surface is None:
            self.reject()
            return
        try:
            before = self.before() if self.keep.isChecked() else ()
            probe = asked_from(shown.probe, surface, (self.cell.x, self.cell.y), before=before, **self.fields())
        except LandscapeError as error:
            said = message_of(error)
            self.trouble.setText(f"{said.text} {said.remedy}".strip())
            self.trouble.show()
            return
        self._remember()
        self.inquiry = self.session.ask(probe, shown.document, first=True)
        self.accept()

    def _remember(self) -> None:
        kept = {
            "optimizer": list(self.chosen()),
            "lr": self.lr.line.text().strip(),
            "updates": self.updates.value(),
            "seconds": self.seconds.value(),
            "batch": self.batch.value(),
        }
        self.session.settings.set(KEPT, json.dumps(kept))


def offer(session: Session, parent: QWidget | None = None) -> DescendDialog | None:
    """The dialog for the picked cell, open; None where nothing can descend from it."""
    if session.cell is None or not can_descend(session):
        return None
    dialog = DescendDialog(session, session.cell, parent.window() if parent is not None else None)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    return dialog
