"""The window: library on the left, canvases in the middle, question and facts on the right."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.errors import TrustNeeded
from landscape_gui.ui import choice_dialog, choosing_data, picked, reopening, taking_away, theme
from landscape_gui.ui.actions import Actions
from landscape_gui.ui.bars import make_menus, make_toolbar
from landscape_gui.ui.closing import Closing
from landscape_gui.ui.documents import Document, Message, views_of
from landscape_gui.ui.eigenvector_menu import EigenvectorMenu
from landscape_gui.ui.figures import Figures
from landscape_gui.ui.icons import icon
from landscape_gui.ui.messages import MessageBar
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session
from landscape_gui.ui.sides import LeftSide, RightSide, dock
from landscape_gui.ui.startup import Startup
from landscape_gui.ui.status import StatusLine
from landscape_gui.ui.welcome import Sample, Welcome

if TYPE_CHECKING:
    from landscape_gui.ui.stage import Stage

FILTER = (
    "Checkpoints, answers, figures (*.pt *.pth *.pt2 *.safetensors *.index.json *.ckpt *.bin *.npz *.npy *.gz *.h5 *.hdf5 *.tar "
    "*.pkl *.json *.pdf *.svg *.png *.tiff *.eps);;All files (*)"
)


class Window(QMainWindow):
    """Seen at once; the canvases are made right after the first paint (`stage` is None until then)."""

    stage_ready = Signal()
    """All canvases are there."""

    def __init__(self, session: Session, samples: Sequence[Sample] = ()) -> None:
        super().__init__()
        self.session = session
        self.startup = Startup(session, self)
        self.closing = Closing(session, self)
        self.stage: Stage | None = None
        self._home, self._docked = False, True
        self.setObjectName("window")
        self.setWindowTitle("Loss landscape")
        self.setAcceptDrops(True)
        room = self.screen().availableGeometry()
        self.resize(min(1500, room.width()), min(900, room.height()))
        self.setMinimumSize(1020, 560)
        self.colours = theme.current()
        self.actions_by_name = Actions(self, self._slots())
        self.welcome = Welcome(samples)
        self.welcome.sample_chosen.connect(lambda name: self.open_paths([f"samples:{name}"]))
        self.welcome.open_asked.connect(self.ask_open)
        self.welcome.folder_asked.connect(self.ask_folder)
        self.welcome.recent_chosen.connect(lambda path: self.open_paths([path]))
        self.messages = MessageBar()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.opening = plain("", "muted")
        self.opening.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages.addWidget(self.opening)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(middle)
        self._make_docks()
        self.figures = Figures(self)
        self.toolbar = make_toolbar(self, self.actions_by_name)
        self.recent_menu = make_menus(self)
        self.status = StatusLine(session)
        self.setStatusBar(self.status)
        self._connect()
        self._restore()
        self._refresh()

    def _slots(self) -> dict[str, Callable[..., object]]:
        return {
            "open": self.ask_open,
            "open_run": self.ask_folder,
            "export": lambda: taking_away.export(self),
            "export_again": lambda: taking_away.export_again(self),
            "animate": lambda: taking_away.animate(self),
            "copy": lambda: taking_away.copy_picture(self),
            "copy_caption": lambda: self.facts.copy(),
            "close": self.close_current,
            "quit": self.close,
            "data": self.ask_data,
            "architecture": self.ask_architecture,
            "compute": lambda: self.question.ask(),
            "compare": lambda: self.library.compare(),
            "compose": lambda: self.figures.compose_selected(),
            "save_figure": lambda: self.figures.ask_save(),
            "connect": lambda: self.library.connect_selected(),
            "barriers": lambda: self.library.table_of_selected(),
            "instability": lambda: self.library.runs_of_selected(),
            "dynamics": lambda: self.library.dynamics_of_selected(),
            "cancel": self.cancel,
            "recentre": lambda: picked.recentre(self.session),
            "view_3d": lambda: self.set_view("3d"),
            "view_2d": lambda: self.set_view("2d"),
            "view_both": lambda: self.set_view("both"),
            "view_chart": lambda: self.set_view("chart"),
            "log": lambda on: self.session.set_look(scale="log" if on else "linear", limits=None),
            "contours": lambda on: self.session.set_look(contour_lines=on),
            "reset": self.reset_view,
            "theme": self.toggle_theme,
            "help": self.show_help,
            "welcome": self.show_welcome,
        }

    # making

    def _make_docks(self) -> None:
        left = LeftSide(self.session)
        self.library, self.jobs = left.library, left.jobs
        right = RightSide(self.session, self.library.connecting)
        self.connectivity = right.connectivity
        self.question, self.facts, self.cell, self.tabs = right.question, right.facts, right.cell, right.tabs
        self.left = dock(self, "Library", "dock_library", left, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.right = dock(self, "Question and facts", "dock_question", right, Qt.DockWidgetArea.RightDockWidgetArea)
        self.resizeDocks([self.left, self.right], [250, 320], Qt.Orientation.Horizontal)

    def _connect(self) -> None:
        session = self.session
        session.said.connect(self.messages.say)
        self.startup.stage_due.connect(self.make_stage)
        self.startup.rest_due.connect(self.complete_stage)
        self.closing.ended.connect(QApplication.quit)
        session.trust_asked.connect(self._ask_trust)
        session.choice_asked.connect(lambda error, document: choice_dialog.offer(session, document, self, error))
        session.data_asked.connect(lambda error, document: choosing_data.offer(session, document, self, error))
        session.current_changed.connect(self._leave_home)
        session.documents_changed.connect(self._documents_changed)
        session.inquiries_changed.connect(self._refresh)
        session.shown_changed.connect(self._refresh)
        session.look_changed.connect(self._refresh)
        session.look_asked.connect(lambda look: reopening.take_view(self, look))
        self.library.compute_asked.connect(lambda: self.tabs.setCurrentIndex(0))
        self.library.compare_asked.connect(self.compare)
        self.cell.profile_asked.connect(lambda: self.set_view("chart"))
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_theme)

    # first paint, then the canvases

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.stage is None:
            QTimer.singleShot(0, self.startup.begin)

    def make_stage(self) -> None:
        """Make the middle of the window, once."""
        if self.stage is not None:
            return
        from landscape_gui.ui.stage import Stage

        self.stage = Stage(self.session, self.actions_by_name["log"], self.actions_by_name["contours"])
        self.stage.set_theme(self.colours.figure)
        self.stage.figure_shown.connect(self.figures.tell)
        self.stage.view_changed.connect(lambda view: self._refresh())
        self.stage.needle_picked.connect(EigenvectorMenu(self.session, self).offer)
        self.connectivity.join(self.stage)
        self.pages.addWidget(self.stage)
        self.figures.tell(self.stage.figure)
        self._refresh()

    def complete_stage(self) -> None:
        """Make the canvases in two dimensions, once."""
        if self.stage is not None:
            self.stage.complete()
            self.stage_ready.emit()

    # opening

    def open_paths(self, paths: Sequence[str]) -> None:
        """Open files, folders or samples, and show the stage."""
        self.session.open(list(paths))
        self._leave_home()

    def ask_open(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Open checkpoints or answers", self.session.settings.text("folder"), FILTER)
        if paths:
            self.session.settings.set("folder", str(Path(paths[0]).parent))
            self.open_paths(paths)

    def ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open the folder of a run", self.session.settings.text("folder"))
        if path:
            self.session.settings.set("folder", path)
            self.open_paths([path])

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if paths:
            self.open_paths(paths)

    def fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in self.session.settings.recent:
            self.recent_menu.addAction(path.replace("&", "&&")).triggered.connect(functools.partial(self._open_recent, path))
        self.recent_menu.setEnabled(True)
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction("Nothing yet").setEnabled(False)

    def _open_recent(self, path: str, checked: bool = False) -> None:
        self.open_paths([path])

    def _ask_trust(self, error: TrustNeeded, document: Document) -> None:
        from landscape_gui.ui.trust_dialog import TrustDialog

        dialog = TrustDialog(error, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.session.trust(document, error))
        dialog.rejected.connect(lambda: self._refused(document))
        dialog.open()

    def ask_data(self) -> None:
        """Other data for the current checkpoint."""
        if self.session.current is not None and self.session.current.problem is not None:
            choosing_data.offer(self.session, self.session.current, self)

    def ask_architecture(self) -> None:
        """Another of the architectures that the current checkpoint fits."""
        if self.session.current is not None:
            choice_dialog.change(self.session, self.session.current, self)

    def _refused(self, document: Document) -> None:
        self.session.close(document)
        text = f"{document.name} was not opened: its code was not allowed."
        self.session.said.emit(Message(level="info", text=text, remedy="Opening it again asks again."))

    def _documents_changed(self) -> None:
        self.welcome.show_recent(self.session.settings.recent)
        self._refresh()

    def show_welcome(self) -> None:
        self._home = True
        self._turn_page()

    def _leave_home(self) -> None:
        self._home = False
        if self.session.current is not None and self.session.current.is_answer and self.tabs.currentIndex() == 0:
            self.tabs.setCurrentIndex(1)  # there is nothing to ask of an answer without its model
        self._refresh()

    # what is enabled

    def _refresh(self) -> None:
        session, actions = self.session, self.actions_by_name
        shown, current = session.shown, session.current
        self._turn_page()
        if self.stage is not None:
            actions[f"view_{self.stage.view}"].setChecked(True)
        something = shown is not None
        views = views_of(shown.result) if shown is not None else ()
        for view in ("3d", "2d", "both", "chart"):
            actions[f"view_{view}"].setEnabled(view in views)
        for name in ("export", "export_again", "animate", "copy", "copy_caption", "reset", "log", "contours"):
            actions[name].setEnabled(something)
        actions["contours"].setEnabled(something and self.stage is not None and self.stage.view != "chart")
        for name in ("connect", "barriers", "instability", "dynamics"):
            actions[name].setEnabled(bool(session.documents))
        for name in ("compute", "compare", "data"):
            actions[name].setEnabled(current is not None and current.problem is not None)
        actions["architecture"].setEnabled(bool(choice_dialog.choices_of(current)[0]))
        actions["cancel"].setEnabled(session.running is not None)
        actions["close"].setEnabled(current is not None)
        actions["recentre"].setEnabled(session.cell is not None)
        self.figures.refresh_actions()
        for name, on in (("log", session.look.scale == "log"), ("contours", session.look.contour_lines)):
            actions[name].blockSignals(True)
            actions[name].setChecked(on)
            actions[name].blockSignals(False)
        if bool(session.documents) != self._docked:
            self._docked = bool(session.documents)
            self.left.setVisible(self._docked)
            self.right.setVisible(self._docked)
        self.setWindowTitle(f"{current.name} \N{EN DASH} Loss landscape" if current is not None else "Loss landscape")

    def _turn_page(self) -> None:
        """The first page while nothing is open or where it was asked for, else the stage."""
        current = self.session.current
        if current is None or self._home:
            self.pages.setCurrentWidget(self.welcome)
        elif current.composed is not None:
            self.pages.setCurrentWidget(self.figures.page())
        elif self.stage is not None:
            self.pages.setCurrentWidget(self.stage)
        else:
            self.opening.setText(f"Opening {current.name} \N{HORIZONTAL ELLIPSIS}")
            self.pages.setCurrentWidget(self.opening)

    def set_view(self, view: str) -> None:
        if self.stage is not None:
            self.stage.set_view(view)

    def reset_view(self) -> None:
        if self.figures.shown:
            self.figures.page().reset_view()
        elif self.stage is not None:
            self.stage.reset_view()

    def close_current(self) -> None:
        if self.session.current is not None:
            self.session.close(self.session.current)

    def cancel(self) -> None:
        """Esc: the running question; without one, the picked cell."""
        self.session.cancel()

    # theme

    def use_theme(self, mode: theme.Mode, checked: bool = False) -> None:
        self.session.settings.set("theme", mode)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.colours = theme.apply(app, mode)
        self.actions_by_name["theme"].setIcon(icon("sun" if self.colours is theme.DARK else "moon"))
        self.messages.restyle()
        self.library.tree.viewport().update()
        if self.stage is not None:
            self.stage.set_theme(self.colours.figure)
        self.connectivity.restyle()
        self.figures.restyle()

    def toggle_theme(self) -> None:
        self.use_theme("light" if self.colours is theme.DARK else "dark")

    def _system_theme(self) -> None:
        if self.session.settings.text("theme", "system") == "system":
            self.use_theme("system")

    # besides

    def compare(self, documents: list[Document]) -> None:
        """Reports side by side, in a window of their own."""
        self.figures.compare(documents)

    def show_help(self) -> None:
        from landscape_gui.ui.help_dialog import HelpDialog

        HelpDialog(self).open()

    def show_about(self) -> None:
        from landscape_gui import __version__

        QMessageBox.about(
            self,
            "Loss landscape",
            f"landscape-gui {__version__}\n\nOpens a checkpoint and explores the loss landscape of the network in it.",
        )

    # remembering and ending

    def _restore(self) -> None:
        settings = self.session.settings
        geometry = settings.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.actions_by_name["theme"].setIcon(icon("sun" if self.colours is theme.DARK else "moon"))
        self.welcome.show_recent(settings.recent)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.session.cell is not None:
            self.session.drop_cell()
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Goes at once; a question that still ends does so behind, and the program with it."""
        if self.isVisible():
            self.session.settings.set("geometry", self.saveGeometry())
            self.hide()
        event.setAccepted(self.closing.begin())
