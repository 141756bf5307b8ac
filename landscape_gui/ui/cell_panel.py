"""The picked cell: what is known of it, and what can be done with it."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from landscape_gui.ui import descend_dialog, picked
from landscape_gui.ui.documents import Cell, show_value
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import AXES, empty, plain
from landscape_gui.ui.session import Session

HINT = (
    "Click a place on the surface or on the contours: its loss and accuracy are shown here, "
    "and it can be measured again, saved as a checkpoint, or made the new centre, and an optimizer can descend from it."
)


class CellPanel(QWidget):
    """`profile_asked`: show the line profiles through the cell."""

    profile_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("cell")
        self.setAccessibleName("Picked cell")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        self.hint = plain(HINT, "muted")
        self.place = plain("", "heading")
        self.place.setToolTip(AXES)
        self.table = QWidget()
        self.grid = QGridLayout(self.table)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(12)
        self.grid.setVerticalSpacing(5)
        self.grid.setColumnStretch(1, 1)
        self.measured = plain("", "muted")
        column.addWidget(self.hint)
        column.addWidget(self.place)
        column.addWidget(self.table)
        column.addWidget(self.measured)
        self.measure_button = self._button(
            "Measure on all data", "crosshair", "Loss and accuracy here again, on every example of every split"
        )
        self.save_button = self._button(
            "Save these weights …", "floppy-disk", "The weights of this place as a checkpoint (safetensors)"
        )
        self.recentre_button = self._button("Recentre here", "arrows-in-cardinal", "Asks the same question around this place")
        self.descend_button = self._button(
            "Descend from here …", "path", "Let SGD, Adam or SAM run from here, and see its path grow on the surface"
        )
        self.profile_button = self._button(
            "Line profiles", "chart-line", "Loss along both axes through this place, from the points computed"
        )
        self.buttons = (
            self.measure_button, self.save_button, self.recentre_button, self.descend_button, self.profile_button
        )  # fmt: skip
        for button in self.buttons:
            column.addWidget(button)
        column.addStretch(1)
        self.measure_button.clicked.connect(self._measure)
        self.save_button.clicked.connect(self._save)
        self.recentre_button.clicked.connect(lambda: picked.recentre(session))
        self.descend_button.clicked.connect(lambda: descend_dialog.offer(session, self))
        self.profile_button.clicked.connect(self.profile_asked)
        session.cell_changed.connect(self.show_cell)
        session.cell_measured.connect(self._measured)
        self._cell: Cell | None = None
        self.show_cell(None)

    def _button(self, text: str, sign: str, tip: str) -> QPushButton:
        button = QPushButton(icon(sign), f" {text}")
        button.setObjectName(f"cell_{sign}")
        button.setAccessibleName(text)
        button.setToolTip(tip)
        return button

    def show_cell(self, cell: Cell | None) -> None:
        moved = cell is None or self._cell is None or (cell.x, cell.y) != (self._cell.x, self._cell.y)
        self._cell = cell
        for widget in (self.place, self.table, *self.buttons):
            widget.setVisible(cell is not None)
        self.hint.setVisible(cell is None)
        if moved:
            self.measured.setText("")
            self.measured.hide()
        if cell is None:
            return
        self.place.setText(
            f"\N{GREEK SMALL LETTER ALPHA} = {cell.x:+.4g}    \N{GREEK SMALL LETTER BETA} = {cell.y:+.4g}".replace(
                "-", "\N{MINUS SIGN}"
            )
        )
        self._fill(cell)
        shown = self.session.shown
        alive = shown is not None and shown.document.problem is not None
        for button, offered in (
            (self.measure_button, self.session.services.measure),
            (self.save_button, self.session.services.save),
        ):
            button.setEnabled(alive and offered is not None)
        self.recentre_button.setEnabled(alive)
        self.descend_button.setEnabled(descend_dialog.can_descend(self.session))

    def _fill(self, cell: Cell) -> None:
        empty(self.grid)
        plain_values = [(n, v) for n, v in cell.values.items() if not n.endswith(("_median", "_minimum", "_maximum", "_spread"))]
        for row, (name, (quantity, _, _)) in enumerate(plain_values):
            said = QLabel(cell.text(name))
            said.setTextFormat(Qt.TextFormat.PlainText)
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.grid.addWidget(plain(quantity.label or quantity.name, "muted"), row, 0)
            self.grid.addWidget(said, row, 1)

    def _measure(self) -> None:
        self.measured.setText("measuring …")
        self.measured.show()
        self.measure_button.setEnabled(False)
        picked.measure(self.session)

    def _measured(self, cell: Cell, result: Any) -> None:
        self.measure_button.setEnabled(True)
        if self._cell is None or (cell.x, cell.y) != (self._cell.x, self._cell.y):
            return
        self.measured.setVisible(result is not None)
        lines = []
        for q in result.quantities.values() if result is not None else ():
            error = float(q.standard_error) if q.standard_error is not None else math.nan
            lines.append(f"{q.label or q.name}  {show_value(q, float(q.values), error)}")
        self.measured.setText("On all data:\n" + "\n".join(lines))

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save these weights", "weights.safetensors", "safetensors (*.safetensors)")
        if path:
            picked.save(self.session, path if path.endswith(".safetensors") else path + ".safetensors")
