"""The width of the kernel that smooths a spectral density: a slider and a number. Redrawn at once; nothing is computed."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSlider, QToolButton, QWidget

from landscape_gui.figure import Figure
from landscape_gui.ui.icons import icon
from landscape_gui.ui.session import Session

STEPS = 200
REACH = 30.0
"""The slider reaches so many times below and above the width that is shown first, where a figure names no ends."""


class KernelWidth(QWidget):
    """Sets the look's `width`; hidden where a figure has no density."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("kernel")
        self.ends = (1e-3, 1.0)
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 0, 4, 0)
        line.setSpacing(6)
        words = "Standard deviation of the Gaussian kernel that smooths the density, in units of the eigenvalues"
        label = QLabel("Kernel width")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setFixedWidth(150)
        self.slider.setAccessibleName("Kernel width, as a slider")
        self.field = QLineEdit()
        self.field.setFixedWidth(72)
        self.field.setAccessibleName("Kernel width")
        self.field.setValidator(QDoubleValidator(0.0, 1e300, 12, self.field))
        self.usual = QToolButton()
        self.usual.setObjectName("quiet")
        self.usual.setIcon(icon("arrows-out-line-horizontal"))
        self.usual.setToolTip("The usual width: a hundredth of the range")
        self.usual.setAccessibleName("The usual kernel width")
        label.setBuddy(self.field)
        for widget in (label, self.slider, self.field):
            widget.setToolTip(words)
            line.addWidget(widget)
        line.addWidget(self.usual)
        self.slider.valueChanged.connect(lambda step: session.set_look(width=self.width_of(step)))
        self.field.editingFinished.connect(self._typed)
        self.usual.clicked.connect(lambda: session.set_look(width=0.0))
        self.hide()

    def refresh(self, figure: Figure) -> None:
        """After another figure; one with a density says in `extra` which width it used."""
        used = float(figure.extra.get("width", 0.0) or 0.0)
        self.setVisible(used > 0 and math.isfinite(used))
        if not used > 0 or not math.isfinite(used):
            return
        ends = figure.extra.get("widths")
        if ends is not None:
            self.ends = float(ends[0]), float(ends[1])
        elif self.session.look.width == 0.0:
            self.ends = used / REACH, used * REACH
        if not self.slider.isSliderDown():
            blocker = QSignalBlocker(self.slider)
            self.slider.setValue(self.step_of(used))
            blocker.unblock()
        if not self.field.hasFocus() or self.slider.isSliderDown():
            self.field.setText(f"{used:.3g}")
            self.field.setCursorPosition(0)
        self.usual.setEnabled(self.session.look.width != 0.0)

    def width_of(self, step: int) -> float:
        """The width at a step of the slider: even steps of its logarithm, three digits."""
        low, high = self.ends
        return float(f"{low * (high / low) ** (step / STEPS):.3g}")

    def step_of(self, width: float) -> int:
        low, high = self.ends
        return round(STEPS * min(max(math.log(width / low) / math.log(high / low), 0.0), 1.0))

    def _typed(self) -> None:
        try:
            width = float(self.field.text().replace("\N{MINUS SIGN}", "-"))
        except ValueError:
            return
        if width > 0 and math.isfinite(width):
            self.session.set_look(width=width)
