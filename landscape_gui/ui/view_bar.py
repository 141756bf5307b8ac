"""How an answer is looked at: which quantity, linear or logarithmic, contour lines, colours, range, camera."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QIcon, QImage, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QToolTip,
    QWidget,
)

from landscape_gui import style
from landscape_gui.figure import Figure, Surface, finite_limits
from landscape_gui.ui.documents import surface_of
from landscape_gui.ui.editors import capital
from landscape_gui.ui.icons import icon
from landscape_gui.ui.kernel_width import KernelWidth
from landscape_gui.ui.range_slider import RangeSlider
from landscape_gui.ui.session import Session

STEPS = 1000
NARROW, AROUND = 64, 20
"""Pixels of a number at least, and around one that needs more: ends grow where they must, so that the slider keeps its place."""
STATISTICS = {"first": "First seed", "median": "Median", "minimum": "Minimum", "maximum": "Maximum", "spread": "Spread"}
SUFFIXES = ("_median", "_minimum", "_maximum", "_spread")


class ViewBar(QFrame):
    """Changes the session's look; `preset_asked` names a camera."""

    preset_asked = Signal(str)

    def __init__(self, session: Session, log: QAction, contours: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("strip")
        line = QHBoxLayout(self)
        line.setContentsMargins(10, 4, 8, 4)
        line.setSpacing(4)
        self.quantity = combo("quantity", "Quantity shown", 11)
        self.statistic = combo("statistic", "Over the direction seeds", 8)
        self.colour_map = combo("colour_map", "Colour map", 0)
        self.colour_map.setIconSize(QSize(34, 12))
        self.colour_map.setFixedWidth(66)
        self.colour_map.view().setMinimumWidth(250)
        for name, words in style.COLOUR_MAPS.items():
            self.colour_map.addItem(swatch(name), f"  {name}: {words}", name)
        line.addWidget(self.quantity)
        line.addWidget(self.statistic)
        self.log, self.contours = action_button(log), action_button(contours)
        for button in (self.log, self.contours):
            line.addWidget(button)
        line.addWidget(self.colour_map)
        line.addSpacing(4)
        self._make_range(line)
        self.kernel = KernelWidth(session)
        line.addWidget(self.kernel)
        self.camera = self._camera_button()
        line.addWidget(self.camera)
        line.addStretch(1)
        self.quantity.activated.connect(lambda: self._choose_quantity())
        self.statistic.activated.connect(lambda: session.set_look(statistic=self.statistic.currentData(), limits=None))
        self.colour_map.activated.connect(lambda: session.set_look(colour_map=self.colour_map.currentData()))
        self.surface: Surface | None = None
        self._known: object = None

    def _make_range(self, line: QHBoxLayout) -> None:
        self.low, self.high = (number_field(f"{word} end of the range") for word in ("Lower", "Upper"))
        self.slider = RangeSlider(STEPS)
        self.slider.setObjectName("range")
        self.slider.setAccessibleName("Range of colours and heights")
        self.slider.setToolTip("Range of colours and heights; what lies outside is clipped")
        self.whole = QToolButton()
        self.whole.setObjectName("quiet")
        self.whole.setIcon(icon("arrows-out-line-horizontal"))
        self.whole.setToolTip("The whole range")
        self.whole.setAccessibleName("The whole range")
        for widget, stretch in ((self.low, 0), (self.slider, 100), (self.high, 0), (self.whole, 0)):
            line.addWidget(widget, stretch)
        self.slider.changed.connect(self._slid)
        self.low.editingFinished.connect(self._typed)
        self.high.editingFinished.connect(self._typed)
        self.whole.clicked.connect(lambda: self.session.set_look(limits=None))

    def _camera_button(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("cube-focus"))
        button.setToolTip("Camera")
        button.setAccessibleName("Camera presets")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for name in ("default", "top", "front", "side", "low"):
            menu.addAction(capital(name)).triggered.connect(lambda checked=False, n=name: self.preset_asked.emit(n))
        button.setMenu(menu)
        return button

    def offer_presets(self, names: list[str]) -> None:
        menu = self.camera.menu()
        menu.clear()
        for name in names:
            menu.addAction(capital(name)).triggered.connect(lambda checked=False, n=name: self.preset_asked.emit(n))

    def refresh(self, figure: Figure, surface: Surface | None, *, three: bool) -> None:
        """After another answer or look."""
        self.surface = surface
        self.camera.setVisible(three)
        self.contours.setVisible(surface is not None)
        self.kernel.refresh(figure)
        look, shown = self.session.look, self.session.shown
        plane = surface_of(shown.result) if shown is not None else None
        self.log.setVisible("quantity" in figure.extra or plane is not None)  # charts of curvature choose their scales themselves
        quantities = dict(plane.quantities if plane is not None else getattr(getattr(shown, "result", None), "quantities", {}))
        names = {n: q for n, q in quantities.items() if not n.endswith(SUFFIXES)}
        several = plane is not None and (len(plane.seeds) > 1 or any(n.endswith("_median") for n in quantities))
        charts = figure.extra.get("charts")
        labels = {n: capital(q.label or n.replace("_", " ")) for n, q in names.items()}
        self._offer({"": "All charts", **charts} if charts else labels)
        self.statistic.setVisible(several)
        if several and not self.statistic.count():
            for value, words in STATISTICS.items():
                self.statistic.addItem(words, value)
        self.statistic.setCurrentIndex(max(0, self.statistic.findData(look.statistic)))
        self.quantity.setCurrentIndex(max(0, self.quantity.findData(look.quantity)))
        self.colour_map.setCurrentIndex(max(0, self.colour_map.findData(look.colour_map)))
        for widget in (self.low, self.slider, self.high, self.whole, self.colour_map):
            widget.setVisible(surface is not None and surface.has_scale)
        if surface is not None and surface.has_scale:
            self._show_limits(surface)

    def _offer(self, labels: Mapping[str, str]) -> None:
        known = tuple(labels)
        if known == self._known:
            return
        self._known = known
        self.quantity.clear()
        for name, label in labels.items():
            self.quantity.addItem(label, name)
        self.quantity.setEnabled(len(labels) > 1)
        self.quantity.setVisible(bool(labels))

    def _show_limits(self, surface: Surface) -> None:
        low, high = surface.limits
        for field, value in ((self.low, low), (self.high, high)):
            if not field.hasFocus():
                field.setText(f"{value:.4g}")
                field.setCursorPosition(0)
                field.setFixedWidth(max(field.width(), field.fontMetrics().horizontalAdvance(field.text()) + AROUND))
        a, b = self._ends()
        share = [round(STEPS * float(np.clip((self._height(v) - a) / ((b - a) or 1.0), 0, 1))) for v in (low, high)]
        self.slider.set_values(*share)

    def _height(self, value: float) -> float:
        assert self.surface is not None
        return math.log10(max(value, 1e-300)) if self.surface.scale == "log" else value

    def _ends(self) -> tuple[float, float]:
        assert self.surface is not None
        low, high = finite_limits(self.surface.z, scale=self.surface.scale)
        return self._height(low), self._height(high)

    def _slid(self, *shares: int) -> None:
        if self.surface is None:
            return
        a, b = self._ends()
        low, high = (a + (b - a) * s / STEPS for s in shares)
        if self.surface.scale == "log":
            low, high = 10.0**low, 10.0**high
        self.session.set_look(limits=None if shares == (0, STEPS) else (low, high))

    def _typed(self) -> None:
        try:
            low, high = (float(f.text().replace("\N{MINUS SIGN}", "-")) for f in (self.low, self.high))
        except ValueError:
            low, high = math.nan, math.nan
        shown = self.surface.limits if self.surface is not None else (0.0, 1.0)
        if low < high and (f"{low:.4g}", f"{high:.4g}") != tuple(f"{v:.4g}" for v in shown):
            self.session.set_look(limits=(low, high))
        elif self.surface is not None and not low < high:
            self.low.setText(f"{shown[0]:.4g}")
            self.high.setText(f"{shown[1]:.4g}")

    def _choose_quantity(self) -> None:
        self.session.set_look(quantity=self.quantity.currentData() or "", limits=None)


class ElidedBox(QComboBox):
    """What does not fit into the closed list ends in an ellipsis, and is read at hover; the open list is as wide as it needs."""

    def showPopup(self) -> None:
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 28)
        super().showPopup()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and self.currentText():
            QToolTip.showText(event.globalPos(), f"{self.accessibleName()}: {self.currentText()}", self)  # type: ignore[attr-defined]
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )  # fmt: skip
        option.currentText = option.fontMetrics.elidedText(option.currentText, Qt.TextElideMode.ElideRight, field.width() - 4)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


def combo(name: str, label: str, letters: int) -> QComboBox:
    box = ElidedBox()
    box.setObjectName(name)
    box.setAccessibleName(label)
    box.setToolTip(label)
    if letters:
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(letters)
    return box


def number_field(label: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(label)
    field.setToolTip(label)
    field.setFixedWidth(NARROW)
    return field


def action_button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(
        Qt.ToolButtonStyle.ToolButtonIconOnly if not action.icon().isNull() else Qt.ToolButtonStyle.ToolButtonTextOnly
    )
    return button


def swatch(name: str) -> QIcon:
    """A colour map as a small strip."""
    table = np.round(style.colour_table(name) * 255).astype(np.uint8)
    data = np.ascontiguousarray(np.concatenate([table, np.full((256, 1), 255, np.uint8)], 1))
    strip = QImage(data.data, 256, 1, 1024, QImage.Format.Format_RGBA8888).scaled(68, 24)
    return QIcon(QPixmap.fromImage(strip))
