"""The fields of a page: venue, size, letters, lines, pixels, background."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, cast

from PySide6.QtCore import QLocale, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from landscape_gui.page_setup import FONTS, INCHES
from landscape_gui.ui.editors import spin
from landscape_gui.ui.page_choice import FREE, PageChoice, Unit
from landscape_gui.ui.panel import plain
from landscape_gui.venues import VENUES

OWN = "Own width"
NAMES = {"sans": "Sans serif", "serif": "Serif", "mathtext": "Computer Modern", "tex": "LaTeX"}
DECIMALS = {"in": 2, "cm": 2, "mm": 1, "pt": 0}
COLUMN = 108
"""Pixels of the labels."""


class PageFields(QWidget):
    """Shows a `PageChoice` and answers with the one that stands there."""

    changed = Signal()
    venue_chosen = Signal(str)
    """A person chose another venue; what is remembered for it is to be shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = PageChoice()
        self._exact: dict[QDoubleSpinBox, tuple[float, float]] = {}
        """What each length shows, and how long it really is."""
        self._make()
        self._lay_out()
        self._connect()
        self.show_choice(PageChoice())

    def _make(self) -> None:
        self.venue = chooser("venue", "Venue", [(v.title, k) for k, v in VENUES.items()])
        self.venue.insertItem(0, "Any size", FREE)
        self.venue.insertSeparator(1)
        self.columns = chooser("columns", "Columns", [])
        self.width_field, self.height_field = number_field("width", "Width"), number_field("height", "Height")
        self.height_field.setSpecialValueText("auto")
        self.unit = chooser("unit", "Unit of lengths", [(u, u) for u in DECIMALS])
        self.unit.setFixedWidth(58)
        self.font_field = chooser("font", "Font", [(NAMES[name], name) for name in FONTS])
        for row, words in enumerate(FONTS.values()):
            self.font_field.setItemData(row, words[:1].upper() + words[1:], Qt.ItemDataRole.ToolTipRole)
        self.font_size, self.line_width = points("font_size", "Font size"), points("line_width", "Line width")
        self.font_size.setRange(3, 40)
        self.font_size.setDecimals(1)
        self.line_width.setRange(0.1, 10)
        self.dpi = spin(20, 2400)
        self.dpi.setObjectName("dpi")
        self.dpi.setAccessibleName("Resolution")
        self.dpi.setSuffix(" dpi")
        self.theme_field = chooser("page_theme", "Background", [("Light", False), ("Dark", True)])
        self.transparent = QCheckBox("T&ransparent")
        self.titles, self.letters = QCheckBox("Tit&les"), QCheckBox("&Panel letters")
        self.letters.setToolTip("(a), (b), … in bold on the panels")

    def _lay_out(self) -> None:
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setVerticalSpacing(7)
        self.grid.setHorizontalSpacing(10)
        self.grid.setColumnMinimumWidth(0, COLUMN)
        self.grid.setColumnStretch(1, 1)
        self._row("&Venue", self.venue, self.columns)
        self._row(
            "Wi&dth, height", self.width_field, plain("\N{MULTIPLICATION SIGN}", "muted", wrap=False), self.height_field, self.unit
        )
        self._row("F&ont", self.font_field, self.font_size)
        self._row("L&ines", self.line_width)
        self._row("Re&solution", self.dpi)
        self._row("Bac&kground", self.theme_field, self.transparent)
        self._row("", self.titles, self.letters)

    def _row(self, text: str, *widgets: QWidget) -> None:
        number = self.grid.rowCount()
        label = plain(text, wrap=False)
        label.setBuddy(widgets[0])
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        for widget in widgets:
            stretches = not isinstance(widget, QLabel) and widget is not self.unit
            line.addWidget(widget, int(stretches))
        self.grid.addWidget(label, number, 0)
        self.grid.addLayout(line, number, 1)

    def _connect(self) -> None:
        self.venue.currentIndexChanged.connect(lambda: self.venue_chosen.emit(self.venue.currentData()))
        self.columns.currentIndexChanged.connect(self._columns_chosen)
        self.unit.currentIndexChanged.connect(self._unit_chosen)
        self.width_field.valueChanged.connect(self._width_typed)
        for box in (self.font_field, self.theme_field):
            box.currentIndexChanged.connect(self._tell)
        for number in (self.height_field, self.font_size, self.line_width, self.dpi):
            number.valueChanged.connect(self._tell)
        for switch in (self.transparent, self.titles, self.letters):
            switch.toggled.connect(self._tell)

    def _tell(self) -> None:
        self.changed.emit()

    # what stands there

    def choice(self) -> PageChoice:
        """A length keeps the digits that the field does not show, as long as nobody types another."""
        return dataclasses.replace(
            self._shown, columns=int(self.columns.currentData() or 0), width=self._inches(self.width_field),
            height=self._inches(self.height_field) or None, unit=self.unit.currentData(),
            font=self.font_field.currentData(), font_size=round(self.font_size.value(), 2),
            line_width=round(self.line_width.value(), 2), dpi=self.dpi.value(), dark=bool(self.theme_field.currentData()),
            transparent=self.transparent.isChecked(), titles=self.titles.isChecked(), letters=self.letters.isChecked(),
        )  # fmt: skip

    def _inches(self, field: QDoubleSpinBox) -> float:
        value, inches = self._exact[field]
        return inches if field.value() == value else field.value() * INCHES[self.unit.currentData()]

    def show_choice(self, choice: PageChoice) -> None:
        """Show it, telling nobody."""
        fields = (
            self.venue, self.columns, self.unit, self.width_field, self.height_field, self.font_field, self.font_size,
            self.line_width, self.dpi, self.theme_field, self.transparent, self.titles, self.letters,
        )  # fmt: skip
        blockers = [QSignalBlocker(field) for field in fields]
        self._shown = choice
        select(self.venue, choice.venue)
        self.venue.setToolTip(VENUES[choice.venue].source if choice.venue else "")
        self._offer_columns(choice)
        self._show_lengths(choice)
        select(self.font_field, choice.font)
        self.font_size.setValue(choice.font_size)
        self.line_width.setValue(choice.line_width)
        self.dpi.setValue(choice.dpi)
        select(self.theme_field, choice.dark)
        self.transparent.setChecked(choice.transparent)
        self.titles.setChecked(choice.titles)
        self.letters.setChecked(choice.letters)
        for blocker in blockers:
            blocker.unblock()

    def _offer_columns(self, choice: PageChoice) -> None:
        self.columns.clear()
        names = (
            ("Text width",)
            if len(choice.widths) == 1
            else tuple(f"{n + 1} column{'s' * (n > 0)}" for n in range(len(choice.widths)))
        )
        for number, name in enumerate(names, 1):
            self.columns.addItem(name, number)
        self.columns.addItem(OWN, 0)
        self.columns.setVisible(bool(choice.widths))
        select(self.columns, choice.columns)

    def _show_lengths(self, choice: PageChoice) -> None:
        scale = INCHES[choice.unit]
        select(self.unit, choice.unit)
        for field, inches, least in ((self.width_field, choice.inches, 0.5), (self.height_field, choice.height or 0.0, 0.0)):
            field.setDecimals(DECIMALS[choice.unit])
            field.setSingleStep(10.0 ** -(DECIMALS[choice.unit] - 1))
            field.setRange(least / scale, 60 / scale)
            field.setValue(inches / scale)
            self._exact[field] = field.value(), inches

    # changes that change other fields

    def _columns_chosen(self) -> None:
        self.show_choice(dataclasses.replace(self.choice(), columns=int(self.columns.currentData() or 0)))
        self._tell()

    def _unit_chosen(self) -> None:
        before = self._shown
        unit = cast(Unit, self.unit.currentData())
        with QSignalBlocker(self.unit):
            select(self.unit, before.unit)
        self.show_choice(dataclasses.replace(self.choice(), unit=unit))
        self._tell()

    def _width_typed(self) -> None:
        """A width of the venue's chooses its columns, any other is one's own."""
        unit, widths = self._shown.unit, self._shown.widths
        value, half = self.width_field.value(), 0.51 * 10.0 ** -DECIMALS[unit]
        columns = next((n for n, width in enumerate(widths, 1) if abs(value - width / INCHES[unit]) < half), 0)
        with QSignalBlocker(self.columns):
            select(self.columns, columns)
        self._tell()

    # what can be chosen

    def say_no_tex(self, why: str) -> None:
        """LaTeX greyed out, with what is missing, or not."""
        row = self.font_field.findData("tex")
        model = self.font_field.model()
        assert isinstance(model, QStandardItemModel)
        model.item(row).setEnabled(not why)
        words = f"Not here: {why}. Computer Modern looks the same." if why else FONTS["tex"]
        self.font_field.setItemData(row, words[:1].upper() + words[1:], Qt.ItemDataRole.ToolTipRole)
        self.font_field.setItemText(row, "LaTeX (not installed)" if why else "LaTeX")


def chooser(name: str, words: str, items: Iterable[tuple[str, Any]], box: QComboBox | None = None) -> QComboBox:
    box = box or QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(words)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(7)
    for text, value in items:
        box.addItem(text, value)
    return box


def select(box: QComboBox, value: Any) -> None:
    box.setCurrentIndex(max(box.findData(value), 0))


def number_field(name: str, words: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setAccessibleName(words)
    box.setLocale(QLocale.c())
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.lineEdit().setTextMargins(5, 0, 5, 0)
    box.setMinimumWidth(58)
    return box


def points(name: str, words: str) -> QDoubleSpinBox:
    box = number_field(name, words)
    box.setSuffix(" pt")
    box.setSingleStep(0.5 if name == "font_size" else 0.1)
    return box
