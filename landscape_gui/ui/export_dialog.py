"""Exporting: the current figure as PNG, PDF or SVG with a preview, or its numbers as CSV, JSON or HDF5."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLocale, Qt, QTimer
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from landscape_gui import style
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup
from landscape_gui.results import Result
from landscape_gui.ui.editors import spin
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

FORMATS = {
    ".pdf": "PDF: vector axes and text",
    ".svg": "SVG: vector axes and text",
    ".png": "PNG: picture",
    ".csv": "CSV: numbers, one row a point",
    ".json": "JSON: numbers and where they come from",
    ".h5": "HDF5: the whole answer, opens anywhere",
}
FIGURES = (".pdf", ".svg", ".png")
HELP = {
    ".csv": "Coordinates and every quantity of the answer, one row a point; for a spreadsheet.",
    ".json": "x, y, and for each split and metric an array whose rows are y, with the question, the problem and the versions.",
    ".h5": "Everything, with units and provenance. It opens in this program on any machine, without the model or the data.",
}
MILLIMETRES = 25.4


def write_figure(figure: Figure, path: str, setup: PageSetup) -> None:
    """In a thread: matplotlib is imported here and nowhere before."""
    from landscape_gui.export import export

    export(figure, path, setup)


def draw_picture(figure: Figure, setup: PageSetup) -> bytes:
    """The figure as a PNG, for the clipboard; in a thread."""
    from landscape_gui.export import render

    return render(figure, ".png", setup)


def write_numbers(result: Result, path: str) -> None:
    """In a thread: CSV, JSON or HDF5 by suffix."""
    if path.endswith(".h5"):
        from landscape_gui.store import write_result

        write_result(path, result)
        return
    from landscape_gui.export import tables

    (tables.write_csv if path.endswith(".csv") else tables.write_json)(path, result)


class ExportDialog(QDialog):
    def __init__(
        self, session: Session, figure_of: Callable[[str], Figure | None], view: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.figure_of = session, figure_of
        self.setObjectName("export")
        self.setWindowTitle("Export")
        self.resize(860, 520)
        line = QHBoxLayout(self)
        line.setContentsMargins(18, 18, 18, 16)
        line.setSpacing(18)
        self.preview = Preview()
        line.addWidget(self.preview, 1)
        side = QVBoxLayout()
        side.setSpacing(8)
        line.addLayout(side)
        self._fields(side, view)
        side.addStretch(1)
        self._buttons(side)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(250)
        self._timer.timeout.connect(self.draw_preview)
        self._round = 0
        self.folder = tempfile.TemporaryDirectory(prefix="landscape_gui-")
        self._changed()

    def _fields(self, side: QVBoxLayout, view: str) -> None:
        self.format = QComboBox()
        self.format.setObjectName("format")
        for suffix, words in FORMATS.items():
            self.format.addItem(words, suffix)
        self.format.insertSeparator(len(FIGURES))
        self.view = QComboBox()
        for name, words in offered_views(view):
            self.view.addItem(words, name)
        self.view.setObjectName("export_view")
        self.unit = QComboBox()
        self.unit.addItems(["in", "mm"])
        self.unit.setFixedWidth(62)
        self.width_field = QDoubleSpinBox()
        self.width_field.setLocale(QLocale.c())
        self.width_field.setRange(0.5, 1000)
        self.width_field.setDecimals(2)
        self.width_field.setValue(3.5)
        self.width_field.setAccessibleName("Width")
        self.width_field.lineEdit().setTextMargins(5, 0, 5, 0)
        self.dpi = spin(30, 2400)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.font_size = spin(4, 40)
        self.font_size.setValue(8)
        self.font_size.setSuffix(" pt")
        self.theme_field = QComboBox()
        self.theme_field.addItem("Light", style.LIGHT)
        self.theme_field.addItem("Dark", style.DARK)
        self.transparent = QCheckBox("Transparent background")
        width = QWidget()
        pair = QHBoxLayout(width)
        pair.setContentsMargins(0, 0, 0, 0)
        pair.addWidget(self.width_field, 1)
        pair.addWidget(self.unit)
        self.grid = QGridLayout()
        self.grid.setVerticalSpacing(8)
        self.grid.setHorizontalSpacing(12)
        self.figure_rows: list[QWidget] = []
        rows = (
            ("Format", self.format),
            ("View", self.view),
            ("Width", width),
            ("Resolution", self.dpi),
            ("Font size", self.font_size),
            ("Theme", self.theme_field),
            ("", self.transparent),
        )
        for number, (text, field) in enumerate(rows):
            label = plain(text, wrap=False)
            self.grid.addWidget(label, number, 0)
            self.grid.addWidget(field, number, 1)
            if number:
                self.figure_rows += [label, field]
        self.help = plain("", "muted")
        self.help.setFixedWidth(300)
        side.addLayout(self.grid)
        side.addWidget(self.help)
        for box in (self.format, self.view, self.theme_field):
            box.currentIndexChanged.connect(self._changed)
        for number_field in (self.dpi, self.font_size, self.width_field):
            number_field.valueChanged.connect(self._changed)
        self.transparent.toggled.connect(self._changed)
        self.unit.currentTextChanged.connect(self._convert)

    def _buttons(self, side: QVBoxLayout) -> None:
        buttons = QHBoxLayout()
        close = QPushButton("Close")
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        self.save = QPushButton("Export …")
        self.save.setObjectName("primary")
        self.save.setDefault(True)
        self.save.clicked.connect(self._ask_path)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.save)
        side.addLayout(buttons)

    @property
    def suffix(self) -> str:
        return str(self.format.currentData())

    def settings(self) -> PageSetup:
        width = self.width_field.value() / (MILLIMETRES if self.unit.currentText() == "mm" else 1.0)
        return PageSetup(
            width=width,
            dpi=self.dpi.value(),
            theme=self.theme_field.currentData(),
            transparent=self.transparent.isChecked(),
            font_size=float(self.font_size.value()),
        )

    def _convert(self, unit: str) -> None:
        factor = MILLIMETRES if unit == "mm" else 1 / MILLIMETRES
        self.width_field.setDecimals(0 if unit == "mm" else 2)
        self.width_field.setValue(self.width_field.value() * factor)

    def _changed(self) -> None:
        figure = self.suffix in FIGURES
        for widget in self.figure_rows:
            widget.setVisible(figure)
        self.help.setText(HELP.get(self.suffix, ""))
        self.help.setVisible(not figure)
        self.dpi.setEnabled(self.suffix == ".png" or self.view.currentData() == "3d")
        self._timer.start()

    def draw_preview(self) -> None:
        """The figure as it will be, drawn small in a thread."""
        figure = self.figure_of(str(self.view.currentData()))
        if self.suffix not in FIGURES or figure is None:
            self.preview.show_picture(None, "Numbers have no picture." if figure is not None else "Nothing is shown.")
            return
        self._round += 1
        mine, settings = self._round, self.settings()
        path = str(Path(self.folder.name) / f"preview-{mine}.png")
        small = dataclasses.replace(settings, dpi=int(min(200, max(60, 900 / (settings.width or 3.5)))))

        def done(outcome: Outcome) -> None:
            if not isValid(self) or mine != self._round:
                return
            if outcome.error is not None:
                self.preview.show_picture(None, f"No preview: {outcome.error}")
            else:
                self.preview.show_picture(QPixmap(path), "")

        self.session.helper.submit(Task(lambda: write_figure(figure, path, small), done, name="preview"))

    def _ask_path(self) -> None:
        name = f"landscape{self.suffix}"
        path, _ = QFileDialog.getSaveFileName(self, "Export", str(Path(self.session.settings.text("export_folder")) / name))
        if path:
            self.session.settings.set("export_folder", str(Path(path).parent))
            self.export_to(path if path.endswith(self.suffix) else path + self.suffix)

    def export_to(self, path: str) -> None:
        """Write to `path` in a thread; the message bar says when it is done."""
        shown = self.session.shown
        if shown is None:
            return
        work: Callable[[], Any]
        if self.suffix in FIGURES:
            figure = self.figure_of(str(self.view.currentData()))
            if figure is None:
                return
            work = bound(write_figure, figure, path, self.settings())
        else:
            work = bound(write_numbers, shown.result, path)
        self.session.run(work, f"Exported to {path}.", path)
        self.accept()


def bound(function: Callable[..., Any], *values: Any) -> Callable[[], Any]:
    return lambda: function(*values)


def offered_views(view: str) -> list[tuple[str, str]]:
    """The views to choose from, the one on the screen first."""
    words = {"3d": "Surface, 3-D", "2d": "Contours, 2-D", "chart": "Lines"}
    first = "3d" if view == "both" else view
    return sorted(words.items(), key=lambda item: item[0] != first)


class Preview(QLabel):
    """A picture that keeps its proportions, or a sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(360, 300)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAccessibleName("Preview")
        self.pixels: QPixmap | None = None
        self.setText("Drawing …")

    def show_picture(self, picture: QPixmap | None, sentence: str) -> None:
        self.pixels = picture
        if picture is None:
            self.setText(sentence)
        else:
            self._fit()

    def _fit(self) -> None:
        if self.pixels is not None and not self.pixels.isNull():
            size = self.size().shrunkBy(self.contentsMargins())
            fitted = self.pixels.scaled(size * 0.94, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
            self.setPixmap(fitted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
