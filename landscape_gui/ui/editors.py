"""One editor for each kind of field: what a person types or chooses, and the value that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QWidget,
)

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef, FileRef
from landscape_gui.ui.icons import icon

LARGEST = 2**31 - 1
NAMES = {"gauss-newton": "Gauss-Newton", "ntk": "NTK", "float32": "float32", "float64": "float64"}
"""Values that are not words to be written with a capital."""


class Editor(QWidget):
    """A field's editor. `value` raises QuestionError where what stands there means nothing."""

    changed = Signal()

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def value(self) -> Any:
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        raise NotImplementedError


class ChoiceBox(QComboBox):
    """Each value with its meaning in the list, the value alone when the list is closed: the meaning would be cut off."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.currentText().partition(":")[0]
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class ChoiceEditor(Editor):
    """A combo of values with their meanings."""

    def __init__(self, label: str, choices: Mapping[Any, str]) -> None:
        super().__init__(label)
        self.box = ChoiceBox()
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(8)
        for value, text in choices.items():
            name = NAMES.get(value) or capital(str(value)).replace("_", " ")
            self.box.addItem(f"{name}: {text}" if text and text != value else name, value)
            self.box.setItemData(self.box.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
        self.box.view().setMinimumWidth(min(self.box.view().sizeHintForColumn(0) + 28, 620))
        self.row.addWidget(self.box, 1)
        self.box.currentIndexChanged.connect(self.changed)

    def value(self) -> Any:
        return self.box.currentData()

    def set_value(self, value: Any) -> None:
        index = self.box.findData(value)
        if index >= 0:
            self.box.setCurrentIndex(index)


class SplitEditor(ChoiceEditor):
    """One of the data's splits; the first one is what a question means that names none ("")."""

    def __init__(self, label: str, choices: Mapping[str, str]) -> None:
        super().__init__(label, choices)
        self.first = next(iter(choices), "")

    def value(self) -> str:
        chosen = str(super().value() or "")
        return "" if chosen == self.first else chosen

    def set_value(self, value: Any) -> None:
        super().set_value(value or self.first)


class SwitchEditor(Editor):
    """Yes or no; its label stands beside the box."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.box = QCheckBox(label)
        self.row.addWidget(self.box, 1)
        self.box.toggled.connect(self.changed)

    def value(self) -> bool:
        return self.box.isChecked()

    def set_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))


def spin(minimum: float | None, maximum: float | None) -> QSpinBox:
    """A whole-number field in the C locale that the wheel does not change in passing."""
    box = QSpinBox()
    box.setLocale(QLocale.c())
    low, high = (-LARGEST if minimum is None else minimum), (LARGEST if maximum is None else maximum)
    box.setRange(int(max(low, -LARGEST)), int(min(high, LARGEST)))
    box.setKeyboardTracking(True)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.setMinimumWidth(44)
    box.lineEdit().setTextMargins(5, 0, 5, 0)
    return box


class WholeEditor(Editor):
    """A whole number."""

    def __init__(self, label: str, minimum: float | None, maximum: float | None, unit: str = "", zero: str = "") -> None:
        super().__init__(label)
        self.box = spin(minimum, maximum)
        if unit:
            self.box.setSuffix(f" {unit}")
        if zero:
            self.box.setSpecialValueText(zero)
        self.row.addWidget(self.box, 1)
        self.box.valueChanged.connect(self.changed)

    def value(self) -> int:
        return self.box.value()

    def set_value(self, value: Any) -> None:
        self.box.setValue(int(value))


class PairEditor(Editor):
    """Two whole numbers: points across and down."""

    def __init__(self, label: str, minimum: float | None, maximum: float | None) -> None:
        super().__init__(label)
        self.boxes = spin(minimum, maximum), spin(minimum, maximum)
        for box, name in zip(self.boxes, ("across", "down"), strict=True):
            box.setAccessibleName(f"{label} {name}")
            box.valueChanged.connect(self.changed)
        times = QLabel("\N{MULTIPLICATION SIGN}")
        times.setObjectName("muted")
        self.row.addWidget(self.boxes[0], 1)
        self.row.addWidget(times)
        self.row.addWidget(self.boxes[1], 1)

    def value(self) -> tuple[int, int]:
        return self.boxes[0].value(), self.boxes[1].value()

    def set_value(self, value: Any) -> None:
        pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
        for box, number in zip(self.boxes, (pair * 2)[:2], strict=True):
            box.setValue(int(number))


class TextEditor(Editor):
    """Plain words."""

    def __init__(self, label: str, placeholder: str = "") -> None:
        super().__init__(label)
        self.line = QLineEdit()
        self.line.setPlaceholderText(placeholder)
        self.row.addWidget(self.line, 1)
        self.line.textChanged.connect(self.changed)

    def value(self) -> Any:
        return self.line.text()

    def set_value(self, value: Any) -> None:
        self.line.setText(str(value))


class NamesEditor(Editor):
    """Names with commas between them, typed or chosen from a list; nothing: `placeholder`."""

    def __init__(self, label: str, names: Sequence[str], placeholder: str = "") -> None:
        super().__init__(label)
        self.box = QComboBox()
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(8)
        self.box.addItems(["", *names])
        line = self.box.lineEdit()
        assert line is not None
        line.setPlaceholderText(placeholder)
        line.setFrame(False)
        self.row.addWidget(self.box, 1)
        self.box.currentTextChanged.connect(self.changed)

    def value(self) -> str:
        return self.box.currentText()

    def set_value(self, value: Any) -> None:
        self.box.setCurrentText(str(value))


class NumbersEditor(TextEditor):
    """Numbers with blanks or commas between them, in the C locale; nothing: automatic."""

    def __init__(self, label: str, placeholder: str = "automatic", single: bool = False) -> None:
        super().__init__(label, placeholder)
        self.single = single

    def value(self) -> Any:
        words = [w for w in re.split(r"[,;\s]+", self.line.text().replace("\N{MINUS SIGN}", "-")) if w]
        try:
            numbers = tuple(float(w) for w in words)
        except ValueError:
            numbers = ()
            self._mark(bad=True)
            raise QuestionError(f"{self.label} is “{self.line.text()}”.", remedy="Write numbers like 0.5 or -1 1 -1 1.") from None
        self._mark(bad=self.single and len(numbers) != 1)
        if self.single and len(numbers) != 1:
            raise QuestionError(f"{self.label} is not one number.", remedy="Write a number like 0.05.")
        return numbers[0] if self.single else numbers

    def _mark(self, *, bad: bool) -> None:
        if bool(self.line.property("invalid")) != bad:
            self.line.setProperty("invalid", bad)
            self.line.style().polish(self.line)

    def set_value(self, value: Any) -> None:
        numbers = value if isinstance(value, (tuple, list)) else (value,)
        self.line.setText(" ".join(short(v) for v in numbers))


class OptionalEditor(NumbersEditor):
    """A number that may be left out."""

    def __init__(self, label: str) -> None:
        super().__init__(label, "none")

    def value(self) -> Any:
        numbers = super().value()
        self._mark(bad=len(numbers) > 1)
        if len(numbers) > 1:
            raise QuestionError(f"{self.label} is not one number.", remedy="Write a number like 0.05, or nothing.")
        return numbers[0] if numbers else None

    def set_value(self, value: Any) -> None:
        super().set_value(() if value is None else value)


class FileEditor(Editor):
    """Another file; its path is typed, chosen, or picked from the run's checkpoints."""

    def __init__(self, label: str, kind: type[CheckpointRef] | type[FileRef], offered: Mapping[str, str] | None = None) -> None:
        super().__init__(label)
        self.kind = kind
        self.given: CheckpointRef | FileRef | None = None
        """What was put in: its digest and name are kept while its path stands here."""
        self.box = QComboBox()
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(6)
        self.box.addItem("", "")
        for path, text in (offered or {}).items():
            self.box.addItem(text, path)
        line = self.box.lineEdit()
        if line is not None:
            line.setPlaceholderText("choose a file")
        self.box.setCurrentIndex(0)
        self.button = QToolButton()
        self.button.setIcon(icon("folder-open"))
        self.button.setToolTip("Choose a file")
        self.button.setAccessibleName(f"Choose a file for {label}")
        self.row.addWidget(self.box, 1)
        self.row.addWidget(self.button)
        self.button.clicked.connect(self._choose)
        self.box.currentTextChanged.connect(self.changed)

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.label)
        if path:
            self.set_value(self.kind(path))

    def value(self) -> Any:
        text = self.box.currentText().strip()
        if not text:
            return None
        index = self.box.findText(text)
        path = self.box.itemData(index) if index > 0 else text
        if self.given is not None and self.given.path == path:
            return self.given
        return self.kind(path, label=Path(path).name) if self.kind is CheckpointRef else self.kind(path)

    def set_value(self, value: Any) -> None:
        self.given = value
        path = value.path if value is not None else ""
        index = self.box.findData(path)
        if index >= 0:
            self.box.setCurrentIndex(index)
        else:
            self.box.setEditText(path)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def short(value: float) -> str:
    """As few characters as give the same number back: 0.05, 1e-5."""
    mantissa, e, exponent = f"{value:g}".partition("e")
    return mantissa + (f"e{int(exponent)}" if e else "")
