"""Light and dark: a palette and a style sheet of our own, because plain X11 has no colour scheme to set."""

from __future__ import annotations

import string
from dataclasses import asdict, dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from landscape_gui import style

Mode = Literal["system", "light", "dark"]
MODES: tuple[Mode, ...] = ("system", "light", "dark")


@dataclass(frozen=True, kw_only=True)
class Colours:
    """What the surroundings are painted with; `figure` is the theme of the canvases."""

    window: str
    base: str
    raised: str
    ink: str
    muted: str
    faint: str
    border: str
    hover: str
    pressed: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    warning: str
    warning_base: str
    error: str
    error_base: str
    info_base: str

    @property
    def figure(self) -> style.Theme:
        return style.DARK if self is DARK else style.LIGHT


LIGHT = Colours(
    window="#F4F5F7",
    base="#FFFFFF",
    raised="#FBFBFC",
    ink="#1F2328",
    muted="#646B76",
    faint="#9AA1AC",
    border="#DADDE3",
    hover="#E8EBF0",
    pressed="#DCE1E8",
    accent="#2563C9",
    accent_hover="#1E55B0",
    on_accent="#FFFFFF",
    selection="#DCE8FB",
    warning="#8A5A00",
    warning_base="#FFF4D9",
    error="#A8261C",
    error_base="#FDE8E6",
    info_base="#E8F0FC",
)
DARK = Colours(
    window="#1D1F24",
    base="#16181D",
    raised="#22252B",
    ink="#E2E4E9",
    muted="#9AA0AB",
    faint="#6B717C",
    border="#343841",
    hover="#2C3038",
    pressed="#373C46",
    accent="#4A86E8",
    accent_hover="#5E97F2",
    on_accent="#FFFFFF",
    selection="#27406B",
    warning="#F0C060",
    warning_base="#3A3018",
    error="#FF9A90",
    error_base="#43211F",
    info_base="#1E2C45",
)

SHEET = string.Template("""
QWidget { color: $ink; }
QMainWindow, QDialog { background: $window; }
QMainWindow::separator { background: $border; width: 1px; height: 1px; }
QSplitter { background: $base; }
QSplitter::handle { background: $base; }
QSplitter::handle:horizontal { border-left: 1px solid $border; }
QSplitter::handle:vertical { border-top: 1px solid $border; }
QToolTip { background: $raised; color: $ink; border: 1px solid $border; padding: 4px 6px; }

QToolBar { background: $window; border: none; border-bottom: 1px solid $border; spacing: 2px; padding: 4px 8px; }
QToolBar::separator { background: $border; width: 1px; margin: 5px 6px; }
QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 4px 8px; }
QToolBar QToolButton { padding: 4px 5px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $selection; }
QToolButton:disabled { color: $faint; }
QToolButton:checked:disabled { background: transparent; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton#quiet { padding: 2px 4px; }

QStatusBar { background: $window; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QMenuBar { background: $window; }
QMenuBar::item { padding: 4px 10px; background: transparent; }
QMenuBar::item:selected { background: $hover; border-radius: 4px; }
QMenu { background: $raised; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 28px 5px 24px; border-radius: 4px; }
QMenu::item:selected { background: $selection; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }

QDockWidget { color: $muted; }
QLineEdit#panel_title { background: transparent; border-color: transparent; font-weight: 600; padding: 1px 4px; }
QLineEdit#panel_title:hover, QLineEdit#panel_title:focus { background: $raised; border-color: $border; }
QFrame#composed_panel[target="true"] { border: 1px solid $accent; background: $selection; }
QLabel#heading { color: $ink; font-weight: 600; }
QLabel#title { color: $ink; font-weight: 600; font-size: 12pt; }
QLabel#display { color: $ink; font-weight: 600; font-size: 20pt; }
QLabel#muted, QLabel#caption { color: $muted; }
QLabel#section { color: $muted; font-weight: 600; }
QLabel#warning { color: $warning; background: $warning_base; border-radius: 4px; padding: 3px 8px; }
QLabel#hint { background: $info_base; border: 1px solid $accent; border-radius: 5px; padding: 7px 9px; }
QLabel#hint[fits="false"] { background: $error_base; border-color: $error; }
QFrame#strip { background: $window; border: none; border-bottom: 1px solid $border; }
QFrame#foot { background: $window; border: none; border-top: 1px solid $border; }
QFrame#card { background: $base; border: 1px solid $border; border-radius: 8px; }
QFrame#rule { background: $border; max-height: 1px; min-height: 1px; border: none; }
QWidget#page, QWidget#welcome { background: $base; }

QPushButton { outline: none; background: $raised; border: 1px solid $border; border-radius: 5px; padding: 5px 12px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faint; background: $window; }
QPushButton#primary { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton#primary:hover { background: $accent_hover; }
QPushButton#primary:disabled { background: $hover; color: $faint; border-color: $border; }
QPushButton#link { background: transparent; border: none; color: $accent; text-align: left; padding: 2px 0; }
QPushButton#link:hover { text-decoration: underline; }
QPushButton#link:disabled { color: $faint; }
QPushButton#fold { background: transparent; border: none; color: $muted; text-align: left; padding: 4px 0; font-weight: 600; }
QPushButton#fold:hover { color: $ink; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
  background: $base; border: 1px solid $border; border-radius: 5px; padding: 3px 6px;
  selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus { border-color: $accent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled { color: $faint; background: $window; }
QLineEdit[invalid="true"] { border-color: $error; }
QComboBox::drop-down { border: none; width: 18px; }
QComboBox::down-arrow { image: url($arrow); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; outline: none; padding: 2px;
  selection-background-color: $selection; selection-color: $ink; }

QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
  subcontrol-origin: border; width: 1px; border: none; background: transparent; }
QSpinBox::up-arrow, QSpinBox::down-arrow, QDoubleSpinBox::up-arrow, QDoubleSpinBox::down-arrow { image: none; width: 0; height: 0; }

QAbstractSpinBox QLineEdit { border: none; padding: 0; background: transparent; }
QCheckBox { spacing: 7px; }
QCheckBox::indicator { width: 13px; height: 13px; border: 1px solid $faint; border-radius: 3px; background: $base; }
QCheckBox::indicator:hover, QCheckBox::indicator:focus { border-color: $accent; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($tick); }

QTreeView, QListView, QListWidget { background: $base; border: none; outline: none; }
QTreeView::item { padding: 0; }
QTreeView::item:hover { background: $hover; }
QTreeView::item:selected, QListView::item:selected { background: $selection; color: $ink; }
QListView#paths { background: $base; border-top: 1px solid $border; border-bottom: 1px solid $border; }
QListView#paths::item:hover { background: $hover; }
QListView#paths::item:selected { background: $selection; }
QHeaderView::section { background: $window; border: none; border-bottom: 1px solid $border; padding: 4px; color: $muted; }

QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $muted; padding: 8px 9px 7px 9px; border: none;
  border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $ink; }
QTabBar::tab:selected { color: $ink; border-bottom: 2px solid $accent; }
QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar::handle:vertical { background: $border; border-radius: 3px; min-height: 28px; margin: 2px; }
QScrollBar::handle:vertical:hover { background: $faint; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle:horizontal { background: $border; border-radius: 3px; min-width: 28px; margin: 2px; }
QScrollBar::handle:horizontal:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

""")


def system_is_dark(app: QApplication) -> bool:
    """What the desktop asks for where it says so; light where it does not (plain X11)."""
    return app.styleHints().colorScheme() == Qt.ColorScheme.Dark


def palette(c: Colours) -> QPalette:
    """A Fusion palette in these colours."""
    p = QPalette(QColor(c.raised))
    role = QPalette.ColorRole
    pairs = (
        (role.Window, c.window),
        (role.WindowText, c.ink),
        (role.Base, c.base),
        (role.AlternateBase, c.raised),
        (role.Text, c.ink),
        (role.ButtonText, c.ink),
        (role.Button, c.raised),
        (role.ToolTipBase, c.raised),
        (role.ToolTipText, c.ink),
        (role.Highlight, c.accent),
        (role.HighlightedText, c.on_accent),
        (role.PlaceholderText, c.faint),
        (role.Link, c.accent),
        (role.Mid, c.border),
    )
    for name, colour in pairs:
        p.setColor(name, QColor(colour))
    for name in (role.Text, role.WindowText, role.ButtonText):
        p.setColor(QPalette.ColorGroup.Disabled, name, QColor(c.faint))
    return p


def apply(app: QApplication, mode: Mode) -> Colours:
    """Dress the whole program; answers the colours that it now wears."""
    from landscape_gui.ui.icons import arrow_file, check_file

    colours = DARK if mode == "dark" or (mode == "system" and system_is_dark(app)) else LIGHT
    app.setStyleSheet("")  # with a sheet on, the style has another name, and a new palette makes the next sheet three times as dear
    if app.style().objectName() != "fusion":
        app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(palette(colours))
    app.setStyleSheet(SHEET.substitute(asdict(colours), arrow=arrow_file(colours.muted), tick=check_file(colours.on_accent)))
    return colours


def current(app: QApplication | None = None) -> Colours:
    """The colours worn now."""
    app = app or QApplication.instance()  # type: ignore[assignment]
    window = app.palette().color(QPalette.ColorRole.Window).name().upper() if app else LIGHT.window
    return DARK if window == DARK.window else LIGHT
