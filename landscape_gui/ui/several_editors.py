"""Editors of fields that hold several values: choices that are ticked, files in a list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout

from landscape_gui.probes.base import CheckpointRef
from landscape_gui.ui.editors import Editor, capital

FILE = Qt.ItemDataRole.UserRole
"""Where an item keeps its reference."""


class ChecksEditor(Editor):
    """Some of several choices, in the order in which they were ticked."""

    def __init__(self, label: str, choices: Mapping[str, str]) -> None:
        super().__init__(label)
        column = QVBoxLayout()
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(3)
        self.row.addLayout(column, 1)
        self.boxes: dict[str, QCheckBox] = {}
        self.ticked: list[str] = []
        for value, words in choices.items():
            box = self.boxes[value] = QCheckBox(capital(value))
            box.setAccessibleName(f"{label}: {value}")
            box.setStatusTip(words)
            box.setWhatsThis(words)
            box.toggled.connect(lambda on, v=value: self._tick(v, on))
            column.addWidget(box)

    def _tick(self, value: str, on: bool) -> None:
        self.ticked = [v for v in self.ticked if v != value] + ([value] if on else [])
        self.changed.emit()

    def value(self) -> tuple[str, ...]:
        return tuple(self.ticked)

    def set_value(self, value: Any) -> None:
        wanted = [v for v in value if v in self.boxes]
        for name, box in self.boxes.items():
            box.setChecked(name in wanted)
        self.ticked = wanted
        self.changed.emit()


class FilesEditor(Editor):
    """Several other checkpoints: chosen by their files, or dropped together in the library."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.row.addLayout(column, 1)
        self.list = QListWidget()
        self.list.setAccessibleName(label)
        self.list.setMaximumHeight(96)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        column.addWidget(self.list)
        below = QHBoxLayout()
        self.add, self.remove = QPushButton("Add …"), QPushButton("Remove")
        self.add.setToolTip("Choose checkpoints of the same architecture")
        for button in (self.add, self.remove):
            below.addWidget(button)
        column.addLayout(below)
        self.add.clicked.connect(self._choose)
        self.remove.clicked.connect(self._remove)

    def _choose(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, self.label)
        if paths:
            self.set_value((*self._references(), *(CheckpointRef(p, label=Path(p).name) for p in paths)))

    def _remove(self) -> None:
        for item in self.list.selectedItems():
            self.list.takeItem(self.list.row(item))
        self.changed.emit()

    def _references(self) -> tuple[CheckpointRef, ...]:
        return tuple(self.list.item(k).data(FILE) for k in range(self.list.count()))

    def value(self) -> tuple[CheckpointRef, ...]:
        return self._references()

    def set_value(self, value: Any) -> None:
        self.list.clear()
        for reference in value or ():
            item = QListWidgetItem(reference.label or Path(reference.path).name or reference.digest[:12])
            item.setData(FILE, reference)
            item.setToolTip(reference.path)
            self.list.addItem(item)
        self.changed.emit()
