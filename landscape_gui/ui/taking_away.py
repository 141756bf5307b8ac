"""What is taken away from the window: the shown answer as a file, or as a picture on the clipboard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit

from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup
from landscape_gui.ui.documents import Message, message_of, views_of
from landscape_gui.ui.worker import Outcome

if TYPE_CHECKING:
    from landscape_gui.ui.exporting import Subject
    from landscape_gui.ui.window import Window


def figure_of(window: Window, view: str) -> Figure | None:
    """The shown answer in a view, with the camera as it stands; "both": surface and contours side by side; or the
    figure of several answers."""
    if window.figures.shown:
        return window.figures.figure()
    if window.stage is None or window.session.shown is None:
        return None
    if view == "chart":
        return window.stage._chart_figure()
    main = "2d" if view == "2d" else "3d"
    figure = window.session.figure(view=main, camera=window.stage.canvas3d.camera)
    flat = window.session.figure(view="2d") if view == "both" else None
    if figure is None or flat is None:
        return figure
    return replace(figure, panels=(*figure.panels, *flat.panels))


def subject_of(window: Window) -> Subject | None:
    """What stands in the window, to be taken away; None where nothing does."""
    from landscape_gui.ui.exporting import Subject

    session = window.session
    if window.figures.shown:
        composing = window.figures.composing
        name = session.current.name if session.current is not None else ""
        made = composing.composed
        return Subject(
            figure_of=lambda view: window.figures.figure(), name=name, page=made.page if made is not None else None,
            keep_page=composing.keep_page, letters=made is not None and len(made.composition.cells) > 1,
        )  # fmt: skip
    if window.stage is None or session.shown is None:
        return None
    views = sorted(views_of(session.shown.result), key=lambda view: window.stage is None or view != window.stage.view)
    name = session.shown.document.name if session.shown.document is not None else ""
    return Subject(
        figure_of=lambda view: figure_of(window, view), views=tuple(views), name=name,
        result_of=lambda: session.shown.result if session.shown is not None else None,
    )  # fmt: skip


def export(window: Window) -> None:
    """Ask how and where, and write it."""
    subject = subject_of(window)
    if subject is not None:
        open_dialog(window, subject)


def animate(window: Window) -> None:
    """Ask what moves and where, and write a film; where nothing shown has a surface, say so."""
    from landscape_gui.ui.animation_dialog import AnimationDialog

    subject = subject_of(window)
    if subject is None:
        return
    figure = subject.figure_of("3d" if "3d" in subject.views else subject.views[0])
    if figure is None or not turns(figure):
        text = "Nothing that is shown can be animated: it has no surface in three dimensions."
        window.session.said.emit(Message(level="info", text=text, remedy="Show a surface or a trajectory."))
        return
    dialog = AnimationDialog(window.session, subject, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def turns(figure: Figure) -> bool:
    """Whether it has a surface that is drawn in space."""
    return any(panel.surface is not None and not panel.heat_map for panel in figure.panels)


def open_dialog(window: Window, subject: Subject) -> None:
    from landscape_gui.ui.export_dialog import ExportDialog

    dialog = ExportDialog(window.session, subject, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def export_again(window: Window) -> None:
    """What is shown now, as the last time, to the same file, after asking; where nothing was exported yet, ask how and where."""
    from landscape_gui.ui import saving

    session = window.session
    last = session.drawing.last
    if last is None:
        export(window)
        return
    order = last.again()
    if not order.kind.fits(order.figure, order.result):
        text = f"What is shown now cannot be written as {order.kind.name}."
        session.said.emit(Message(level="info", text=text, remedy="Export it in another format."))
        return
    if order.path.exists() and not saving.may_replace(window, order.path):
        return

    def done(outcome: Outcome) -> None:
        if outcome.error is not None:
            session.said.emit(message_of(outcome.error))
        else:
            saving.tell(session, order, outcome.value)

    session.drawing.do(lambda: order.carry_out(session.drawing.drawer), done)


def copy_picture(window: Window) -> None:
    """The picture as a paper would have it, on the clipboard; the marked text where a field has the focus."""
    focus = QApplication.focusWidget()
    if isinstance(focus, (QLineEdit, QPlainTextEdit)):
        focus.copy()
        return
    session = window.session
    view = "3d" if window.stage is None or window.stage.view == "both" else window.stage.view
    figure = figure_of(window, view)
    if figure is None:
        return
    setup = PageSetup(width=6.0, dpi=200, theme=window.colours.figure, font_size=9.0)

    def done(outcome: Outcome) -> None:
        if outcome.error is not None:
            session.said.emit(message_of(outcome.error))
            return
        QGuiApplication.clipboard().setImage(QImage.fromData(outcome.value))
        session.said.emit(Message(level="info", text="The picture is on the clipboard."))

    session.drawing.draw("whole", figure, ".png", setup, then=done)
