"""The window's toolbar and menus, made from its actions."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from landscape_gui.ui import theme
from landscape_gui.ui.actions import MENUS, Actions

if TYPE_CHECKING:
    from landscape_gui.ui.window import Window

GROUPS = (
    ("open", "compute", "cancel"),
    ("view_3d", "view_2d", "view_both", "view_chart"),
    ("reset",),
    ("compose", "export", "copy"),
)
SMALL = ("reset", "copy", "theme", "help")


def make_toolbar(window: Window, actions: Actions) -> QToolBar:
    """Open, compute, cancel; views; export; and at the far end the theme and help."""
    bar = QToolBar("Main", window)
    bar.setObjectName("toolbar")
    bar.setMovable(False)
    bar.setIconSize(QSize(18, 18))
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    for number, group in enumerate(GROUPS):
        if number:
            bar.addSeparator()
        for name in group:
            bar.addAction(actions[name])
    spring = QWidget()
    spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(spring)
    for name in ("theme", "help"):
        bar.addAction(actions[name])
    for name in SMALL:
        button = bar.widgetForAction(actions[name])
        if isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    window.addToolBar(bar)
    return bar


def make_menus(window: Window) -> QMenu:
    """The menu bar; answers the menu of recent files, which is filled when it opens."""
    recent = QMenu("Open &recent", window)
    recent.aboutToShow.connect(window.fill_recent)
    for title, names in MENUS.items():
        menu = window.menuBar().addMenu(title)
        menu.setToolTipsVisible(True)
        for name in names:
            if name == "-":
                menu.addSeparator()
            elif name == "recent":
                menu.addMenu(recent)
            elif name == "docks":
                menu.addActions([window.left.toggleViewAction(), window.right.toggleViewAction()])
            elif name == "themes":
                add_themes(menu, window)
            elif name == "about":
                menu.addAction("&About").triggered.connect(window.show_about)
            else:
                menu.addAction(window.actions_by_name[name])
    return recent


def add_themes(menu: QMenu, window: Window) -> None:
    """One entry a theme, of which the one that is worn is marked whenever the menu opens."""
    group = QActionGroup(menu)
    for mode in theme.MODES:
        action = QAction(f"{mode.capitalize()} theme", group, checkable=True)
        action.setObjectName(f"theme_{mode}")
        action.triggered.connect(functools.partial(window.use_theme, mode))
        menu.addAction(action)

    def mark() -> None:
        worn = window.session.settings.text("theme", "system")
        for action in group.actions():
            action.setChecked(action.objectName() == f"theme_{worn}")

    menu.aboutToShow.connect(mark)
