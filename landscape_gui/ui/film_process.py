"""A film being written beside the window."""

from __future__ import annotations

import json

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from landscape_gui.errors import LandscapeError
from landscape_gui.export.film_apart import command, environment, order
from landscape_gui.film import Film, FilmSetup


class FilmProcess(QObject):
    """`advanced` (frames done, frames in all), then one of `written`, `stopped` and `failed` (an error)."""

    advanced = Signal(int, int)
    written = Signal()
    stopped = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.process = QProcess(self)
        surroundings = QProcessEnvironment()
        for name, value in environment().items():
            surroundings.insert(name, value)
        self.process.setProcessEnvironment(surroundings)
        self.process.readyReadStandardOutput.connect(self._read)
        self.process.finished.connect(self._finished)
        self.process.errorOccurred.connect(self._broken)
        self._said = ""

    @property
    def is_running(self) -> bool:
        return self.process.state() != QProcess.ProcessState.NotRunning

    def start(self, film: Film, path: str, setup: FilmSetup) -> None:
        self._said = ""
        program, *arguments = command()
        self.process.start(program, arguments)
        self.process.write(order(film, path, setup))

    def stop(self) -> None:
        """Ask it to end; it takes away what it has written."""
        if self.is_running:
            self.process.write(b"s")

    def _read(self) -> None:
        while self.process.canReadLine():
            words = bytes(self.process.readLine().data()).decode(errors="replace").strip()
            kind, _, rest = words.partition(" ")
            if kind == "frame":
                done, total = map(int, rest.split())
                self.advanced.emit(done, total)
            elif kind in ("written", "stopped", "failed"):
                self._said = words

    def _finished(self) -> None:
        self._read()
        kind, _, rest = self._said.partition(" ")
        if kind == "written":
            self.written.emit()
        elif kind == "stopped":
            self.stopped.emit()
        elif kind == "failed":
            message, remedy = json.loads(rest)
            self.failed.emit(LandscapeError(message, remedy=remedy))
        else:
            told = bytes(self.process.readAllStandardError().data()).decode(errors="replace").strip().splitlines()
            reason = f": {told[-1]}" if told else ""
            remedy = "Try fewer pixels, or write it on the command line: landscape-gui animate."
            self.failed.emit(LandscapeError(f"The film was not finished{reason}.", remedy=remedy))

    def _broken(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.failed.emit(LandscapeError("No process could be started to write the film.", remedy="Use the command line."))
