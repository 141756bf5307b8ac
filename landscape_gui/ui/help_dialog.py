"""What the keys and the mouse do, on one page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from landscape_gui.ui.panel import plain

PAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Surface (3-D)": (
        ("Drag", "turn"),
        ("Wheel", "zoom"),
        ("Shift-drag, middle drag", "move"),
        ("Click", "pick a cell"),
        ("Double click, Home", "camera as at the beginning"),
    ),
    "Contours (2-D)": (
        ("Click", "pick a cell"),
        ("Wheel, drag", "zoom, move"),
        ("Double click, Home", "the whole plane"),
    ),
    "Looking": (
        ("1  2  3  4", "surface, contours, both, lines"),
        ("L", "logarithmic height"),
        ("C", "contour lines"),
        ("Ctrl+D", "light or dark"),
    ),
    "Working": (
        ("Ctrl+O, drop", "open checkpoints, runs, answers"),
        ("Ctrl+R", "compute the question in the form"),
        ("Ctrl+M", "compare what is selected in the library"),
        ("Esc", "cancel; what there is stays"),
        ("Ctrl+E", "export the figure or its numbers"),
        ("Ctrl+C", "copy the picture"),
        ("Ctrl+Shift+C", "copy the caption"),
        ("Ctrl+Return", "recentre at the picked cell"),
    ),
}


class HelpDialog(QDialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keys and mouse")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        table = QGridLayout()
        table.setHorizontalSpacing(24)
        table.setVerticalSpacing(5)
        row = 0
        for title, lines in PAGES.items():
            table.addWidget(plain(title, "section", wrap=False), row, 0, 1, 2, Qt.AlignmentFlag.AlignBottom)
            table.setRowMinimumHeight(row, 30)
            row += 1
            for keys, words in lines:
                table.addWidget(plain(keys, wrap=False), row, 0)
                table.addWidget(plain(words, "muted", wrap=False), row, 1)
                row += 1
        column.addLayout(table)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
