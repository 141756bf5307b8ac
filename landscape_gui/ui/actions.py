"""Every command of the window: its name, shortcut and icon, in one place; menus, toolbar and view bar are made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow

from landscape_gui.ui.icons import icon


@dataclass(frozen=True)
class Command:
    text: str
    keys: str = ""
    sign: str = ""
    tip: str = ""
    check: bool = False


APART = " "
"""Between an icon and its word, which Qt sets close together."""
COMMANDS = {
    "open": Command("&Open …", "Ctrl+O", "folder-open", "Open checkpoints or answers"),
    "open_run": Command("Open &run …", "Ctrl+Shift+O", "folders", "Open a folder of checkpoints"),
    "save_figure": Command("&Save figure …", "Ctrl+S", "", "Save the figure's file, to open, change and export it again"),
    "export": Command("&Export …", "Ctrl+E", "export", "Export the figure or its numbers"),
    "export_again": Command("Export a&gain", "Ctrl+Shift+E", "", "What is shown now, as it was exported last, to the same file"),
    "animate": Command("Ani&mation …", "Ctrl+Shift+A", "", "A film: a turntable, a growing path, the surface over training"),
    "copy": Command("&Copy picture", "Ctrl+C", "copy", "Copy the picture to the clipboard"),
    "copy_caption": Command("Copy c&aption", "Ctrl+Shift+C", "", "Copy what the picture shows, in sentences"),
    "close": Command("&Close checkpoint", "Ctrl+W", "", "Close what is open; its answers are kept"),
    "quit": Command("&Quit", "Ctrl+Q"),
    "data": Command("&Data …", "Ctrl+Shift+D", "database", "Choose the data that the loss is computed on, and how they are read"),
    "architecture": Command("&Architecture …", "", "swap", "Take another of the architectures that this checkpoint fits"),
    "compute": Command("&Compute", "Ctrl+R", "play", "Ask the question in the form"),
    "compare": Command(
        "Co&mpare", "Ctrl+M", "", "Put the checkpoints selected in the library side by side: every number of curvature"
    ),
    "compose": Command(
        "Com&pose",
        "Ctrl+G",
        "columns",
        "Set what is selected in the library side by side in one figure: one camera, one scale, one colour bar",
    ),
    "connect": Command(
        "Co&nnect",
        "Ctrl+K",
        "path",
        "Connect the two models selected in the library: what lies between them (or drag one onto another)",
    ),
    "barriers": Command(
        "&Barriers",
        "Ctrl+Shift+K",
        "grid-four",
        "What stands between every two of the models selected in the library, or of all that are open",
    ),
    "instability": Command(
        "&Instability",
        "Ctrl+Shift+I",
        "chart-line",
        "The barrier between the runs of the two models selected in the library, epoch by epoch",
    ),
    "dynamics": Command(
        "Training d&ynamics",
        "Ctrl+Shift+Y",
        "chart-line",
        "How the runs of the models selected in the library were trained, on one axis; of all that are open where none are",
    ),
    "cancel": Command("C&ancel", "Esc", "stop", "Stop the running question; what there is stays"),
    "recentre": Command("Re&centre at the picked cell", "Ctrl+Return"),
    "view_3d": Command("&3-D", "1", "cube", "Surface", check=True),
    "view_2d": Command("&2-D", "2", "waves", "Contours", check=True),
    "view_both": Command("&Both", "3", "square-half", "Surface and contours", check=True),
    "view_chart": Command(
        "C&hart", "4", "chart-line", "Lines: profiles through a cell, losses along a line or over a run", check=True
    ),
    "log": Command("&Logarithmic height", "L", "", "Logarithmic height and colours (L)", check=True),
    "contours": Command("Contour &lines", "C", "", "Contour lines (C)", check=True),
    "reset": Command("&Reset view", "Home", "house-simple", "Camera and zoom as at the beginning"),
    "theme": Command("Light or &dark", "Ctrl+D", "moon", "Light or dark"),
    "help": Command("&Keys and mouse", "F1", "question", "What the keys and the mouse do"),
    "welcome": Command("&Samples", "Ctrl+N", "house-simple", "The first page"),
}


class Actions(dict[str, QAction]):
    """QActions by name, added to the window so that their shortcuts work everywhere in it."""

    def __init__(self, window: QMainWindow, slots: dict[str, Callable[..., object]]) -> None:
        super().__init__()
        for name, command in COMMANDS.items():
            action = QAction(command.text, window)
            action.setObjectName(f"action_{name}")
            if command.sign:
                action.setIcon(icon(command.sign))
            if command.keys:
                action.setShortcut(QKeySequence(command.keys))
                action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            keys = f" ({command.keys})" if command.keys and command.keys not in command.tip else ""
            action.setToolTip((command.tip or command.text.replace("&", "")) + keys)
            action.setIconText(APART + command.text.replace("&", "").replace(" …", ""))
            action.setCheckable(command.check)
            if name in slots:
                (action.toggled if name in ("log", "contours") else action.triggered).connect(slots[name])
            window.addAction(action)
            self[name] = action
        self.views = QActionGroup(window)
        for name in ("view_3d", "view_2d", "view_both", "view_chart"):
            self.views.addAction(self[name])
        self["log"].setIconText("Log")
        self["contours"].setIconText("Contours")


MENUS: dict[str, tuple[str, ...]] = {
    "&File": (
        "open",
        "open_run",
        "recent",
        "-",
        "save_figure",
        "export",
        "export_again",
        "animate",
        "copy",
        "copy_caption",
        "-",
        "close",
        "welcome",
        "-",
        "quit",
    ),
    "&Question": (
        "compute",
        "cancel",
        "-",
        "data",
        "architecture",
        "-",
        "connect",
        "barriers",
        "instability",
        "dynamics",
        "-",
        "compare",
        "compose",
        "-",
        "recentre",
    ),
    "&View": (
        "view_3d",
        "view_2d",
        "view_both",
        "view_chart",
        "-",
        "log",
        "contours",
        "reset",
        "-",
        "docks",
        "-",
        "themes",
        "theme",
    ),
    "&Help": ("help", "about"),
}
