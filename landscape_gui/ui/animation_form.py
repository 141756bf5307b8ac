"""The right of the animation dialog: what moves, how long, how large, in which format."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QLocale, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from landscape_gui.export.film_encoders import SUFFIXES
from landscape_gui.film import KINDS, PACES, FilmSetup
from landscape_gui.style import DARK, LIGHT
from landscape_gui.ui.editors import ChoiceBox, spin
from landscape_gui.ui.panel import plain

TITLES = {"turntable": "Turntable", "trajectory": "Growing path", "training": "Over training"}
SIZES = {
    "1280 × 720: for slides": (1280, 720), "1920 × 1080: for a large screen": (1920, 1080), "3840 × 2160: 4K": (3840, 2160),
    "1080 × 1080: square": (1080, 1080), "640 × 360: small": (640, 360),
}  # fmt: skip
RATES = (24, 25, 30, 60, 15, 10)
TURNS = {"turntable": 360, "trajectory": 0, "training": 0}
WIDTH = 300


class AnimationForm(QWidget):
    """`changed`: something else is wanted."""

    changed = Signal()

    def __init__(self, kinds: tuple[str, ...], dark: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self.kind = self._box("kind", [(f"{TITLES[name]}: {KINDS[name]}", name) for name in kinds])  # type: ignore[index]
        self.format = self._box("format", [(f"{s.lstrip('.').upper()}: {words}", s) for s, words in SUFFIXES.items()])
        self.pixels = self._box("pixels", list(SIZES.items()))
        self.rate = self._box("rate", [(f"{n} frames a second", n) for n in sorted(RATES)])
        self.rate.setCurrentIndex(self.rate.findData(30))
        self.seconds = QDoubleSpinBox()
        self.seconds.setLocale(QLocale.c())
        self.seconds.setRange(0.5, 120)
        self.seconds.setDecimals(1)
        self.seconds.setValue(6.0)
        self.seconds.setSuffix(" s")
        self.seconds.lineEdit().setTextMargins(5, 0, 5, 0)
        self.turn: QSpinBox = spin(-1440, 1440)
        self.turn.setSingleStep(15)
        self.turn.setSuffix(" °")
        self.ease = QCheckBox("Set off and halt gently")
        self.pace = self._box("pace", [(words.capitalize(), name) for name, words in PACES.items()])
        self.checkpoints: QSpinBox = spin(2, 500)
        self.checkpoints.setValue(12)
        self.morph = QCheckBox("Pass from one to the next")
        self.morph.setChecked(True)
        self.theme = self._box("theme", [("Light", LIGHT), ("Dark", DARK)])
        self.theme.setCurrentIndex(int(dark))
        self.titles = QCheckBox("Title")
        self.titles.setChecked(True)
        self.about = plain("", "muted")
        self._lay_out()
        self._connect()
        self._suit()

    def _box(self, name: str, items: list[tuple[str, Any]]) -> QComboBox:
        box = ChoiceBox()
        box.setObjectName(name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(10)
        for words, value in items:
            box.addItem(words, value)
        box.view().setMinimumWidth(min(box.view().sizeHintForColumn(0) + 28, 560))
        return box

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        grid = QGridLayout()
        grid.setVerticalSpacing(8)
        grid.setHorizontalSpacing(12)
        grid.setColumnStretch(1, 1)
        self.labels: dict[QWidget, QLabel] = {}
        rows: tuple[tuple[str, QWidget], ...] = (
            ("&Kind", self.kind), ("&Format", self.format), ("&Size", self.pixels), ("&Rate", self.rate), ("&Length", self.seconds),
            ("&Turn", self.turn), ("", self.ease), ("&Pace", self.pace), ("&Checkpoints", self.checkpoints), ("", self.morph),
            ("T&heme", self.theme), ("", self.titles),
        )  # fmt: skip
        for number, (words, field) in enumerate(rows):
            label = QLabel(words)
            label.setBuddy(field)
            field.setAccessibleName(words.replace("&", "") or getattr(field, "text", lambda: "")())
            grid.addWidget(label, number, 0)
            grid.addWidget(field, number, 1)
            self.labels[field] = label
        column.addLayout(grid)
        column.addSpacing(6)
        column.addWidget(self.about)
        column.addStretch(1)

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(self._suit)
        for box in (self.kind, self.format, self.pixels, self.rate, self.pace, self.theme):
            box.currentIndexChanged.connect(self._told)
        for number in (self.seconds, self.turn, self.checkpoints):
            number.valueChanged.connect(self._told)
        for check in (self.ease, self.morph, self.titles):
            check.toggled.connect(self._told)

    def _suit(self) -> None:
        """Only what has a meaning for the kind; and how far that kind usually turns."""
        kind = self.shown_kind
        for field, kinds in ((self.pace, ("trajectory",)), (self.checkpoints, ("training",)), (self.morph, ("training",))):
            field.setVisible(kind in kinds)
            self.labels[field].setVisible(kind in kinds)
        self.turn.blockSignals(True)
        self.turn.setValue(TURNS[kind])
        self.turn.blockSignals(False)

    def _told(self) -> None:
        setup = self.setup()
        words = f"{setup.count:,} frames of {setup.width} × {setup.height} pixels."
        if self.suffix == ".gif" and setup.count * setup.width * setup.height > 4e7:
            words += " A GIF of that size takes much room: fewer pixels or frames, or MP4, are better."
        self.about.setText(words)
        self.changed.emit()

    @property
    def shown_kind(self) -> str:
        return str(self.kind.currentData())

    @property
    def suffix(self) -> str:
        return str(self.format.currentData())

    def setup(self) -> FilmSetup:
        width, height = self.pixels.currentData()
        return FilmSetup(
            seconds=self.seconds.value(), rate=int(self.rate.currentData()), width=width, height=height,
            theme=self.theme.currentData(), titles=self.titles.isChecked(),
        )  # fmt: skip
