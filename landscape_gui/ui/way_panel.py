"""The strip "On the way" beneath the chart: the model at one place of a path, and a slider that goes there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from landscape_gui.connection_results import WaypointResult
from landscape_gui.export.number_table import value_words
from landscape_gui.probes.sampling import SPLIT_WORDS
from landscape_gui.results import Quantity
from landscape_gui.ui.class_bars import ClassBars
from landscape_gui.ui.documents import show_value
from landscape_gui.ui.editors import capital
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import Elided, empty, plain
from landscape_gui.ui.way import Way

STEPS = 1000
"""Of the slider, from one end of what was measured to the other."""
NAMES = 150
"""Pixels that the name of an end takes at most."""
MOST = 3
"""So many metrics are told beside the loss at most."""


class WayPanel(QFrame):
    """names: what the two ends are called; colour: the number of the path's colour."""

    def __init__(self, way: Way, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.way = way
        self.names = ("A", "B")
        self.colour = 0
        self.setObjectName("foot")
        self.setAccessibleName("On the way")
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 7, 14, 9)
        column.setSpacing(6)
        column.addLayout(self._head())
        column.addLayout(self._body())
        self._shape: object = None
        way.changed.connect(self.refresh)
        self.refresh()

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(8)
        self.title = plain("On the way", "heading", wrap=False)
        self.place = plain("", wrap=False)
        self.place.setMinimumWidth(64)
        self.first, self.second = (Elided("", "muted", Qt.TextElideMode.ElideMiddle) for _ in range(2))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setSingleStep(10)
        self.slider.setPageStep(100)
        self.slider.setMinimumWidth(110)
        self.slider.setAccessibleName("Place on the path")
        self.slider.setToolTip("Drag it or the handle on the chart; arrow keys go on by a hundredth, Page Up and Down by a tenth")
        self.slider.valueChanged.connect(self._slid)
        self.button = QPushButton(icon("floppy-disk"), " Save this model …")
        self.button.setAccessibleName("Save this model")
        self.button.setToolTip("The interpolated model as a checkpoint (safetensors), which then stands in the library")
        self.button.clicked.connect(self.ask_save)
        for widget, stretch in (
            (self.title, 0), (self.place, 0), (self.first, 0), (self.slider, 1), (self.second, 0), (self.button, 0)
        ):  # fmt: skip
            head.addWidget(widget, stretch)
        for name in (self.first, self.second):
            name.setMaximumWidth(NAMES)
        self.second.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.first.setAlignment(Qt.AlignmentFlag.AlignRight)
        return head

    def _body(self) -> QHBoxLayout:
        body = QHBoxLayout()
        body.setSpacing(18)
        self.table = QWidget()
        self.grid = QGridLayout(self.table)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(14)
        self.grid.setVerticalSpacing(3)
        self.cells: dict[tuple[int, int], QLabel] = {}
        middle = QVBoxLayout()
        middle.setSpacing(2)
        self.bars_title = plain("", "muted", wrap=False)
        self.bars = ClassBars()
        middle.addWidget(self.bars_title)
        middle.addWidget(self.bars, 1)
        self.flips = plain("", "muted")
        self.flips.setAccessibleName("Predictions that flip")
        self.flips.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.flips.setMinimumWidth(120)
        body.addWidget(self.table, 0, Qt.AlignmentFlag.AlignTop)
        body.addLayout(middle, 3)
        body.addWidget(self.flips, 2)
        return body

    def _slid(self, step: int) -> None:
        low, high = self.way.ends
        self.way.move(low + (high - low) * step / STEPS)

    def name_ends(self, names: Sequence[str], colour: int) -> None:
        """What the ends are called, and the colour of the path that one is on."""
        self.names, self.colour = (names[0], names[1]) if len(names) == 2 else ("A", "B"), colour
        self.first.setText(self.names[0])
        self.second.setText(self.names[1])
        self.refresh()

    def refresh(self) -> None:
        """Another place, or what is known of it."""
        way = self.way
        low, high = way.ends
        blocker = QSignalBlocker(self.slider)
        self.slider.setValue(round(STEPS * (way.t - low) / ((high - low) or 1.0)))
        blocker.unblock()
        self.slider.setEnabled(way.open)
        self.place.setText(f"t = {way.t:.3f}".replace("-", "\N{MINUS SIGN}"))
        self.button.setEnabled(way.open and way.result is not None and way.result.t == way.t)
        result = way.result
        if result is not None:
            self._fill(result)
        elif way.trouble or not way.open:
            self._clear()
        self.flips.setText(self.sentence())
        self.bars.show_result(result, self.colour, self.names)
        self.bars_title.setText(bars_words(result))

    def _fill(self, result: WaypointResult) -> None:
        """A row a metric, a column a split."""
        splits = list(dict.fromkeys(name.partition("_")[0] for name in result.quantities))
        metrics = list(dict.fromkeys(name.partition("_")[2] for name in result.quantities))[: 1 + MOST]
        shape = tuple(splits), tuple(metrics)
        if shape != self._shape:
            self._shape = shape
            empty(self.grid)
            self.cells = {}
            for column, split in enumerate(splits):
                self.grid.addWidget(plain(capital(SPLIT_WORDS.get(split, split)), "muted", wrap=False), 0, column + 1)
            for row, metric in enumerate(metrics):
                unit = next(q.unit for name, q in result.quantities.items() if name.partition("_")[2] == metric).removeprefix("1")
                words = capital(metric.replace("_", " ")) + (f" ({unit})" if unit else "")
                self.grid.addWidget(plain(words, "muted", wrap=False), row + 1, 0)
                for column in range(len(splits)):
                    self.cells[row, column] = cell = plain("", wrap=False)
                    self.grid.addWidget(cell, row + 1, column + 1)
        for (row, column), cell in self.cells.items():
            quantity = result.quantities.get(f"{splits[column]}_{metrics[row]}")
            if quantity is not None:
                cell.setText(quantity_words(quantity))
                cell.setMinimumWidth(max(cell.minimumWidth(), cell.sizeHint().width()))  # it never shrinks, so that nothing jumps

    def _clear(self) -> None:
        self._shape, self.cells = None, {}
        empty(self.grid)

    def sentence(self) -> str:
        """Predictions that flip, or why nothing is known."""
        way = self.way
        if way.trouble:
            return way.trouble
        if not way.open:
            return closed_words(way)
        if way.result is None:
            return "Looking at the model there \N{HORIZONTAL ELLIPSIS}"
        return flips_words(way.result, self.names) + ("\nOf a part of the data, while the handle moves." if way.rough else "")

    # saving

    def ask_save(self) -> None:
        folder = Path(self.way.session.settings.text("export_folder", str(Path.home())))
        name = f"{self.way.path or 'path'}-t{self.way.t:.2f}.safetensors"
        path, _ = QFileDialog.getSaveFileName(self, "Save this model", str(folder / name), "safetensors (*.safetensors)")
        if path:
            self.way.session.settings.set("export_folder", str(Path(path).parent))
            self.way.save(path if path.endswith(".safetensors") else path + ".safetensors")


def quantity_words(quantity: Quantity) -> str:
    """1.122 ± 0.012, its unit stands before the row; an accuracy in per cent. As many digits as the error leaves."""
    value = float(quantity.values)
    error = float(quantity.standard_error) if quantity.standard_error is not None else np.nan
    if "accuracy" in quantity.name or not np.isfinite(value):
        return show_value(quantity, value, error)
    return value_words(value, error)


def bars_words(result: WaypointResult | None) -> str:
    if result is None or not len(result.per_class):
        return ""
    return f"{capital(SPLIT_WORDS.get(result.split, result.split))} accuracy by class"


def closed_words(way: Way) -> str:
    path = way.measured
    if way.shown is not None and way.shown.document.problem is None:
        return "This answer came without its model: there is nothing to look at on the way."
    if path is not None and not path.complete:
        return "This path is still being trained."
    return "Choose a path."


def flips_words(result: WaypointResult, names: Sequence[str]) -> str:
    """23 of 360 test predictions are not those of A, 31 not those of B."""
    count = len(result.predicted)
    if not count:
        return ""
    flips = len(result.flips_from_first), len(result.flips_from_second)
    words = "\n".join(f"{flip:,} differ from {name}" for flip, name in zip(flips, names, strict=True))
    return f"Of {count:,} {SPLIT_WORDS.get(result.split, result.split)} predictions\n{words}"
