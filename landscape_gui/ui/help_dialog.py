"""What the keys and the mouse do, on one page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

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
    "Models that are connected": (
        ("Drag a row onto another", "what lies between the two"),
        ("Ctrl+K", "the same for what is selected in the library"),
        ("Ctrl+Shift+K", "barriers between every two of several"),
        ("Ctrl+Shift+I", "barriers between two runs, epoch by epoch"),
        ("Drag the handle, click", "the model on the way"),
        ("\N{LEFTWARDS ARROW}  \N{RIGHTWARDS ARROW}  (with Shift)", "a hundredth (a tenth) further on the path"),
        ("Click a cell of a table", "the path between its two models"),
    ),
    "Working": (
        ("Ctrl+O, drop", "open checkpoints, runs, answers"),
        ("Ctrl+R", "compute the question in the form"),
        ("Ctrl+M", "compare what is selected in the library"),
        ("Ctrl+G", "compose a figure of what is selected there"),
        ("Ctrl+S", "save the figure's file"),
        ("Esc", "cancel; what there is stays"),
        ("Ctrl+E", "export the figure or its numbers"),
        ("Ctrl+Shift+E", "export again, as the last time"),
        ("Ctrl+C", "copy the picture"),
        ("Ctrl+Shift+C", "copy the caption"),
        ("Ctrl+Return", "recentre at the picked cell"),
    ),
}


BESIDE = 3
"""So many parts stand in the first of two columns."""


def table_of(titles: list[str]) -> QGridLayout:
    """Keys on the left, what they do on the right, under headings."""
    table = QGridLayout()
    table.setHorizontalSpacing(24)
    table.setVerticalSpacing(5)
    row = 0
    for title in titles:
        table.addWidget(plain(title, "section", wrap=False), row, 0, 1, 2, Qt.AlignmentFlag.AlignBottom)
        table.setRowMinimumHeight(row, 30)
        row += 1
        for keys, words in PAGES[title]:
            table.addWidget(plain(keys, wrap=False), row, 0)
            table.addWidget(plain(words, "muted", wrap=False), row, 1)
            row += 1
    table.setRowStretch(row, 1)
    return table


class HelpDialog(QDialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keys and mouse")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        beside = QHBoxLayout()
        beside.setSpacing(36)
        titles = list(PAGES)
        for part in (titles[:BESIDE], titles[BESIDE:]):
            beside.addLayout(table_of(part))
        column.addLayout(beside)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
