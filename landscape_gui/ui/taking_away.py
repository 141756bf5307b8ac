"""What is taken away from the window: the shown answer as a file, or as a picture on the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit

from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup

if TYPE_CHECKING:
    from landscape_gui.ui.window import Window


def figure_of(window: Window, view: str) -> Figure | None:
    """The shown answer in a view, with the camera as it stands."""
    if window.stage is None or window.session.shown is None:
        return None
    if view == "chart":
        return window.stage._chart_figure()
    return window.session.figure(view=view, camera=window.stage.canvas3d.camera)


def export(window: Window) -> None:
    """Ask how and where, and write it."""
    from landscape_gui.ui.export_dialog import ExportDialog

    if window.stage is None or window.session.shown is None:
        return
    dialog = ExportDialog(window.session, lambda view: figure_of(window, view), window.stage.view, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def copy_picture(window: Window) -> None:
    """The picture as a paper would have it, on the clipboard; the marked text where a field has the focus."""
    focus = QApplication.focusWidget()
    if isinstance(focus, (QLineEdit, QPlainTextEdit)):
        focus.copy()
        return
    from landscape_gui.ui.export_dialog import draw_picture

    view = "3d" if window.stage is None or window.stage.view == "both" else window.stage.view
    figure = figure_of(window, view)
    if figure is None:
        return
    setup = PageSetup(width=6.0, dpi=200, theme=window.colours.figure, font_size=9.0)
    window.session.run(
        lambda: draw_picture(figure, setup),
        "The picture is on the clipboard.",
        then=lambda data: QGuiApplication.clipboard().setImage(QImage.fromData(data)),
    )
