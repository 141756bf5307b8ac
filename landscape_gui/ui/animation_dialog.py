"""Animation: a film of what is shown, with any of its moments to look at before it is written, and written beside the window."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QColor, QImage, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget
from shiboken6 import isValid

from landscape_gui.errors import LandscapeError
from landscape_gui.export_formats import Format
from landscape_gui.figure import Figure
from landscape_gui.film import Film, FilmSetup, training, trajectory, turntable
from landscape_gui.results import TrajectoryResult
from landscape_gui.ui import saving, theme
from landscape_gui.ui.animation_form import AnimationForm
from landscape_gui.ui.documents import Message
from landscape_gui.ui.exporting import Subject, suggested_name, with_suffix
from landscape_gui.ui.film_process import FilmProcess
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session
from landscape_gui.ui.thin_bar import ThinBar
from landscape_gui.ui.worker import Outcome, Task

STEPS = 1000
"""Places of the slider."""
PREVIEW = 540
"""Pixels that a moment is high before the film is written."""
DELAY = 60


class AnimationDialog(QDialog):
    """Stays open while it writes; what it shows is what was shown when it was opened."""

    def __init__(self, session: Session, subject: Subject, parent: QWidget | None = None, suffix: str = "") -> None:
        super().__init__(parent)
        self.session, self.subject = session, subject
        self.setObjectName("animation")
        self.setWindowTitle("Animation")
        self.resize(980, 600)
        self.figure = subject.figure_of("3d" if "3d" in subject.views else subject.views[0])
        self.answer, self.shown = subject.result_of(), session.shown
        self.stages: dict[int, Any] = {}
        self.task: Task | None = None
        self.stop = threading.Event()
        self.part_done = 0.0
        self.form = AnimationForm(self._kinds(), theme.current() is theme.DARK)
        self.form.format.setCurrentIndex(max(self.form.format.findData(suffix), 0))
        self.process = FilmProcess(self)
        self.path = ""
        self._asked = False
        self._lay_out()
        self._connect()
        self.form._told()

    # what can be made

    def _kinds(self) -> tuple[str, ...]:
        found = ["turntable"]
        if isinstance(self.answer, TrajectoryResult):
            found.insert(0, "trajectory")
        if self._run_length() > 1:
            found.append("training")
        return tuple(found)

    def _run_length(self) -> int:
        """Checkpoints of the run whose surfaces can be computed; 0 where what is shown is no surface of an open checkpoint."""
        shown = self.shown
        problem = shown.document.problem if shown is not None and shown.document is not None else None
        run = getattr(problem, "run", None)
        if shown is None or run is None or type(shown.probe).__name__ != "Surface":
            return 0
        return len(run.checkpoints)

    def film(self) -> Film:
        """What the form describes. Raises LandscapeError where there is nothing to move, or surfaces are still to be computed."""
        form, figure = self.form, self.figure
        if figure is None:
            raise LandscapeError("Nothing is shown.", remedy="Compute a surface first.")
        turn = float(form.turn.value())
        if form.shown_kind == "training":
            found = self._course(turn)
        elif form.shown_kind == "trajectory" and isinstance(self.answer, TrajectoryResult):
            found = trajectory(figure, self.answer, turn=turn, pace=form.pace.currentData())
        else:
            found = turntable(figure, turn=turn)
        return dataclasses.replace(found, ease=form.ease.isChecked())

    def _course(self, turn: float) -> Film:
        stages = self.stages.get(self.form.checkpoints.value())
        if stages is None:
            raise LandscapeError("The surfaces are still to be computed.", remedy="“Compute” does that; they are kept.")
        found, axes = stages
        shown = self.shown
        assert shown is not None  # else there is no such kind
        from landscape_gui.probes.pictures import axis_labels

        look = dataclasses.replace(self.session.look, view="3d", limits=None)
        figures: list[Figure] = [shown.probe.figure(stage.result, look) for stage in found]
        labels, morph = axis_labels(axes), self.form.morph.isChecked()
        names = [stage.name for stage in found]
        return training(figures, [stage.order for stage in found], names, turn=turn, morph=morph, labels=labels)

    # making

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(12)
        line = QHBoxLayout()
        line.setSpacing(18)
        left = QVBoxLayout()
        self.screen_ = Screen()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("moment")
        self.slider.setRange(0, STEPS)
        self.slider.setAccessibleName("Moment of the film")
        self.time = plain("", "muted", wrap=False)
        scrub = QHBoxLayout()
        scrub.addWidget(self.slider, 1)
        scrub.addWidget(self.time)
        left.addWidget(self.screen_, 1)
        left.addLayout(scrub)
        line.addLayout(left, 1)
        line.addWidget(self.form)
        column.addLayout(line, 1)
        self.wrong = plain("", "warning")
        self.wrong.hide()
        column.addWidget(self.wrong)
        foot = QHBoxLayout()
        foot.setSpacing(10)
        self.bar, self.progress = ThinBar(), plain("", "muted", wrap=False)
        self.bar.hide()
        self.close_button, self.save = QPushButton("Close"), QPushButton("&Save film \N{HORIZONTAL ELLIPSIS}")
        self.save.setObjectName("primary")
        self.save.setDefault(True)
        self.close_button.setAutoDefault(False)
        foot.addWidget(self.bar, 1)
        foot.addWidget(self.progress)
        foot.addStretch(0)
        foot.addWidget(self.close_button)
        foot.addWidget(self.save)
        column.addLayout(foot)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(DELAY)
        self.clock = QTimer(self)
        self.clock.setInterval(100)

    def _connect(self) -> None:
        self.form.changed.connect(self.look_again)
        self.slider.valueChanged.connect(self.look_again)
        self.timer.timeout.connect(self.draw)
        self.clock.timeout.connect(self._tick)
        self.close_button.clicked.connect(self.reject)
        self.save.clicked.connect(self.ask_path)
        self.process.advanced.connect(self._advanced)
        self.process.written.connect(self._written)
        self.process.stopped.connect(lambda: self._ended("Stopped; nothing was written."))
        self.process.failed.connect(self._failed)

    # a moment

    def look_again(self) -> None:
        """Draw the moment at which the slider stands, soon."""
        setup = self.form.setup()
        self.time.setText(f"{self.slider.value() / STEPS * setup.seconds:.1f} of {setup.seconds:.1f} s")
        waiting = self.form.shown_kind == "training" and self.form.checkpoints.value() not in self.stages
        self.save.setText("&Compute" if waiting else "&Save film \N{HORIZONTAL ELLIPSIS}")
        self.timer.start()

    def draw(self) -> None:
        setup = self.form.setup()
        try:
            film = self.film()
        except LandscapeError as error:
            self.screen_.say(str(error))
            return
        small = smaller(setup)
        number = min(round(self.slider.value() / STEPS * small.count), small.count - 1)

        def done(outcome: Outcome) -> None:
            if not isValid(self):
                return
            if outcome.error is not None:
                self.screen_.say(str(outcome.error))
            else:
                self.screen_.show_frame(outcome.value)

        self.session.drawing.draw("frame", film, small, number, then=done, newest="moment")

    # writing

    def ask_path(self) -> None:
        """Under which name; surfaces that the film needs are computed first."""
        if self.process.is_running or self.task is not None:
            return
        if self.form.shown_kind == "training" and self.form.checkpoints.value() not in self.stages:
            self.compute()
            return
        kind = Format(suffix=self.form.suffix, group="animation", name=self.form.suffix.lstrip(".").upper(), words="film")
        name = suggested_name(self.subject.name, self.form.shown_kind, "")
        path = saving.ask_path(self, self.session.settings, kind, name)
        if path:
            target = with_suffix(path, kind.suffix)
            if not Path(target).exists() or saving.may_replace(self, Path(target)):
                self.write_to(str(target))

    def write_to(self, path: str) -> None:
        """Write to `path` beside the window."""
        self.wrong.hide()
        try:
            film = self.film()
        except LandscapeError as error:
            self._failed(error)
            return
        self.path = path
        self._busy("Starting \N{HORIZONTAL ELLIPSIS}")
        self.process.start(film, path, self.form.setup())

    def _busy(self, words: str) -> None:
        self.form.setEnabled(False)
        self.save.setEnabled(False)
        self.close_button.setText("Cancel")
        self.bar.set_percent(0)
        self.bar.show()
        self.progress.setText(words)

    def _ended(self, words: str) -> None:
        self.form.setEnabled(True)
        self.save.setEnabled(True)
        self.close_button.setText("Close")
        self.bar.hide()
        self.progress.setText(words)

    def _advanced(self, done: int, total: int) -> None:
        self.bar.set_percent(round(100 * done / total))
        self.progress.setText(f"frame {done:,} of {total:,}")

    def _written(self) -> None:
        self._ended("")
        self.session.said.emit(Message(level="info", text=f"Film written to {self.path}.", reveal=self.path))
        self.accept()

    def _failed(self, error: LandscapeError) -> None:
        self._ended("")
        self.wrong.setText(str(error))
        self.wrong.show()

    # surfaces over training

    def compute(self) -> None:
        """The surfaces around the checkpoints, in the thread that answers questions; they are kept as answers of their own."""
        shown = self.shown
        if shown is None or shown.document is None:
            return
        count, question, problem = self.form.checkpoints.value(), shown.probe, shown.document.problem
        self.stop = threading.Event()
        stop = self.stop
        self.part_done = 0.0

        def work() -> Any:
            from landscape_gui.store import Store
            from landscape_gui.training_course import course

            def told(part: float, name: str) -> None:
                self.part_done = part

            surface: Any = question
            return course(surface, problem, Store(), count=count, on_progress=told, cancelled=stop.is_set)

        def done(outcome: Outcome) -> None:
            if not isValid(self):
                return
            self.task = None
            self.clock.stop()
            if stop.is_set():
                self._ended("Stopped; surfaces that were computed are kept.")
            elif outcome.error is not None:
                error = outcome.error
                self._failed(error if isinstance(error, LandscapeError) else LandscapeError(str(error)))
            else:
                self.stages[count] = outcome.value
                self._ended("")
                self.look_again()

        self.task = Task(work, done, name="surfaces over training")
        self._busy("Computing surfaces \N{HORIZONTAL ELLIPSIS}")
        self.clock.start()
        self.session.thinker.submit(self.task)

    def _tick(self) -> None:
        self.bar.set_percent(round(100 * self.part_done))
        self.progress.setText(f"Computing surfaces, {self.part_done:.0%}")

    # ending

    def reject(self) -> None:
        """Cancel what is under way; where nothing is, close."""
        if self.process.is_running:
            self.progress.setText("Stopping \N{HORIZONTAL ELLIPSIS}")
            self.process.stop()
            return
        if self.task is not None:
            self.stop.set()
            self.progress.setText("Stopping \N{HORIZONTAL ELLIPSIS}")
            if self.session.thinker.withdraw(self.task):
                self.task = None
                self.clock.stop()
                self._ended("Stopped.")
            return
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.process.is_running or self.task is not None:
            self.reject()
            event.ignore()
            return
        super().closeEvent(event)


def smaller(setup: FilmSetup) -> FilmSetup:
    """The same film with fewer pixels, for looking at a moment."""
    part = min(1.0, PREVIEW / setup.height)
    width, height = (max(64, 2 * round(side * part / 2)) for side in (setup.width, setup.height))
    return dataclasses.replace(setup, width=width, height=height)


class Screen(QLabel):
    """One frame, as large as there is room, or a sentence."""

    def __init__(self) -> None:
        super().__init__("Drawing \N{HORIZONTAL ELLIPSIS}")
        self.setObjectName("card")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(360, 220)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAccessibleName("Preview of the film")
        self.image = QImage()

    def say(self, words: str) -> None:
        self.image = QImage()
        self.setText(words)

    def show_frame(self, pixels: Any) -> None:
        height, width = pixels.shape[:2]
        self.image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self._fit()

    def _fit(self) -> None:
        if not self.image.isNull():
            ratio = self.devicePixelRatioF()
            room = (self.contentsRect().size() - QSize(16, 16)) * ratio
            fitted = QPixmap.fromImage(self.image).scaled(
                room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            painter = QPainter(fitted)  # where the frame ends
            painter.setPen(QColor(theme.current().border))
            painter.drawRect(fitted.rect().adjusted(0, 0, -1, -1))
            painter.end()
            fitted.setDevicePixelRatio(ratio)
            self.setPixmap(fitted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
