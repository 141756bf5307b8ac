"""The window's composition root: the only file that knows everything. Heavy things are imported in the threads that use them."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from landscape_gui import samples
from landscape_gui.crash_log import CrashLog
from landscape_gui.data_choice import DataChoice, Preview
from landscape_gui.errors import LandscapeError, ProblemError, StoreError
from landscape_gui.growing import grow, growth_of
from landscape_gui.probes.base import CheckpointRef, Probe, Progress, Run
from landscape_gui.results import Result


def main(paths: Sequence[str] = (), *, sample: str | None = None) -> int:
    """Open the window on `paths` (files, folders, "samples:NAME") or on a sample; returns the exit status when it is closed."""
    log = CrashLog()
    app = make_application()
    wanted = [*(str(p) if str(p).startswith(samples.PREFIX) else str(Path(p).expanduser()) for p in paths)]
    if sample:
        wanted.append(sample if sample.startswith(samples.PREFIX) else samples.PREFIX + sample)
    window = open_window(wanted, log)
    status = int(app.exec())
    window.deleteLater()
    del window
    take_down(app)
    log.end()
    return status


def open_window(wanted: Sequence[str], log: CrashLog) -> Any:
    """The window, seen; what is wanted opens once it answers."""
    from PySide6.QtCore import QTimer

    from landscape_gui.ui.session import Session
    from landscape_gui.ui.window import Window

    window = Window(Session(services()), sample_cards())
    install_excepthook(window)
    window.show()
    tell_crashes(window.session, log)
    if wanted:
        QTimer.singleShot(0, lambda: window.open_paths(wanted))
    idle = QTimer(window)  # Ctrl+C is heard when Python runs
    idle.timeout.connect(lambda: None)
    idle.start(200)
    signal.signal(signal.SIGINT, lambda *_: window.close())
    return window


def take_down(app: Any) -> None:
    """Let the window and all that belongs to it end now, while Qt and Python are whole.

    Left to the end of Python it dies last, with the hook that holds it, when what it refers to is gone: now and then with a crash.
    """
    from PySide6.QtCore import QEvent

    sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for _ in range(3):  # what ends may ask for the end of others
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.unfreeze()
    gc.collect()


def tell_crashes(session: Any, log: CrashLog) -> None:
    """Earlier sessions that died, once: what it means, and the trace to copy or to find in its folder."""
    from landscape_gui.ui.documents import Message

    if log.crashes:
        last, others = log.crashes[-1], len(log.crashes) - 1
        more = f" {others} before it did, too." if others else ""
        text = f"The last session ended in a crash; what was computed is kept.{more} The trace is in {last.path}."
        trace = "\n\n".join(crash.trace for crash in log.crashes)
        session.said.emit(Message(level="warning", text=text, details=trace, reveal=str(last.path)))


def make_application() -> Any:
    """The QApplication, dressed; made once."""
    from PySide6.QtCore import QCoreApplication, QLocale, Qt
    from PySide6.QtWidgets import QApplication

    from landscape_gui.ui import theme
    from landscape_gui.ui.settings import Settings

    if sys.platform.startswith("linux") and os.environ.get("WAYLAND_DISPLAY") and Path("/proc/driver/nvidia").exists():
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    QLocale.setDefault(QLocale.c())
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setApplicationName("landscape-gui")
    mode = Settings().text("theme", "system")
    theme.apply(app, mode if mode in theme.MODES else "system")  # type: ignore[arg-type]
    return app


def install_excepthook(window: Any) -> None:
    """An error that nobody foresaw, in whichever thread, becomes a dialog; the window lives."""
    from landscape_gui.ui.error_dialog import Unforeseen

    tell = Unforeseen(window).mailbox.chute.put

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace)
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        tell(error, at_once=True)

    def thread_hook(raised: threading.ExceptHookArgs) -> None:
        hook(raised.exc_type, raised.exc_value or raised.exc_type(), raised.exc_traceback)

    sys.excepthook, threading.excepthook = hook, thread_hook


def services() -> Any:
    """The rest of the program as the window asks for it."""
    from landscape_gui.ui.services import Services

    return Services(
        opener=open_problem,
        answerer=answer,
        probes=probes,
        stored=stored,
        fetch=fetch,
        read=read_answer,
        is_answer=is_answer,
        reopen=reopen,
        is_figure=is_figure,
        measure=measure,
        save=save,
        way=way,
        warm_up=warm_up,
        preview=preview,
        known_data=known_data,
        data_beside=data_beside,
        keep_data=keep_data,
        choose=choose,
        sized=sized,
        growth_of=growth_of,
        grow=grow,
    )


def probes() -> Mapping[str, type[Probe]]:
    from landscape_gui.probes import PROBES

    return PROBES


def warm_up() -> None:
    """Import what opening and computing will need, while the first page is looked at."""
    import landscape_gui.jobs
    import landscape_gui.problem  # noqa: F401


def open_problem(path: str, *, trusted: Callable[[str], bool], code: str | None = None) -> Any:
    """With the data that a person chose for this checkpoint before, where none come with it."""
    from landscape_gui.data_choice import DataNeeded
    from landscape_gui.problem import open_problem as opened
    from landscape_gui.problem.remembered import choice_for_checkpoint

    said: dict[str, Any] = {"code": code, **opened_with(path)}
    try:
        problem = opened(path, trusted=trusted, **said)
    except DataNeeded as error:
        choice = choice_for_checkpoint(path)
        if choice is None:
            raise
        try:
            problem = opened(path, trusted=trusted, **said, **choice.options)
        except ProblemError:
            raise error from None
    keep_architecture(path, problem)
    return problem


def preview(path: str, choice: DataChoice, trusted: frozenset[str]) -> Preview:
    from landscape_gui.problem.preview import look_at

    seen = look_at(path, choice, trusted=trusted.__contains__, **opened_with(path))
    keep_architecture(path, seen.problem)
    return seen


_chosen: dict[str, dict[str, str]] = {}
"""What a person chose among several for a path that is open: arguments of `open_problem`."""


def opened_with(path: str) -> dict[str, Any]:
    """What was chosen for a path, as arguments: code; an architecture, now or when the same tensors were opened before."""
    from landscape_gui.problem.remembered import architecture_for

    said = _chosen.get(path, {})
    name = said.get("architecture", "")
    code = {"code": said["code"]} if "code" in said else {}
    return {"chosen": lambda digest: name or architecture_for(digest), **code}


def keep_architecture(path: str, problem: Any) -> None:
    """Remember what was chosen, now that it is known to open; settings that cannot be written are no reason not to."""
    from landscape_gui.problem.remembered import architecture_for, remember_architecture

    name, digest = problem.description.get("chosen", ""), problem.checkpoint.digest
    if name and name == _chosen.get(path, {}).get("architecture") != architecture_for(digest):
        with contextlib.suppress(OSError):
            remember_architecture(digest, name, path)


def choose(path: str, option: str, value: str) -> None:
    """Open a path with this code or architecture from now on; an empty option forgets what was chosen."""
    _chosen.pop(path, None)
    if option:
        _chosen[path] = {option: value}


def known_data(path: str) -> DataChoice | None:
    from landscape_gui.problem.remembered import choice_for_data

    return choice_for_data(path)


def data_beside(path: str) -> DataChoice | None:
    from landscape_gui.problem.remembered import choice_beside

    return choice_beside(path)


def keep_data(path: str, choice: DataChoice | None) -> None:
    from landscape_gui.problem.datasets import forget_raw
    from landscape_gui.problem.remembered import remember

    forget_raw()
    if choice is not None:
        remember(choice, "" if path.startswith(samples.PREFIX) else path)


def answer(probe: Probe, problem: Any, *, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result | None:
    from landscape_gui.jobs import Cancelled
    from landscape_gui.jobs import answer as answered
    from landscape_gui.store import Store

    try:
        return answered(named(probe, problem), problem, store=Store(), on_progress=on_progress, cancelled=cancelled)
    except Cancelled as error:
        return error.partial


def sized(probe: Probe, problem: Any) -> Probe:
    """A surface that nobody has given a size, at the one that some minutes allow."""
    from landscape_gui.default_size import affordable
    from landscape_gui.probes.surface import Surface
    from landscape_gui.store import Store

    return affordable(probe, problem, Store()) if isinstance(probe, Surface) else probe


def named(probe: Probe, problem: Any) -> Probe:
    """A question whose other checkpoint was typed as a path, with the digest and the name of what is there."""
    typed = {f.name: value for f in fields(probe) if isinstance(value := getattr(probe, f.name), CheckpointRef)}
    found = {name: problem.reference(value.path) for name, value in typed.items() if value.path and not value.digest}
    return replace(probe, **found) if found else probe


def stored(fingerprint: str) -> list[Any]:
    """What a person asked about a problem and the store holds, newest first."""
    from landscape_gui.probes import PROBES
    from landscape_gui.store import Store
    from landscape_gui.ui.services import Entry

    found = [e for e in Store().find(fingerprint) if e.probe in PROBES and not e.part]
    return [Entry(e.key, e.probe, PROBES[e.probe].title, e.created, e.asked) for e in found]


def fetch(key: str) -> Result | None:
    from landscape_gui.store import Store

    return Store().get(key)


def read_answer(path: str, projection: str = "") -> Result:
    from landscape_gui.export.peers_opening import read_answer as read

    return read(path, projection=projection or None)


def is_answer(path: str) -> bool:
    from landscape_gui.export.peers_kinds import is_answer as is_one

    return is_one(path)


def reopen(path: str) -> Any:
    from landscape_gui.reproduction.reopening import reopen as found

    return found(path)


def is_figure(path: str) -> bool:
    from landscape_gui.export.embedding import holds_record
    from landscape_gui.export_formats import FIGURES

    return path.lower().endswith(FIGURES) or holds_record(path)


def measure(probe: Probe, problem: Any, x: float, y: float) -> Result:
    """Loss and metrics of one place on all data, with standard errors."""
    from landscape_gui.jobs import answer as answered
    from landscape_gui.probes.cell import cell_of
    from landscape_gui.store import Store

    cell = cell_of(probe.completed(problem), x, y)
    return answered(cell, problem, store=Store() if cell.directions == "eigenvectors" else None)


def save(probe: Probe, problem: Any, x: float, y: float, path: str) -> None:
    """The weights of one place as a checkpoint."""
    from landscape_gui.jobs import answering
    from landscape_gui.probes.cell import state_at
    from landscape_gui.store import Store

    problem.save_state(state_at(probe, problem, x, y, lambda asked: answering(asked, problem, Store(), part=True)), path)


def way(probe: Any, problem: Any, path: str) -> Any:
    """The models on one path of a connection; a curve or alignment that it needs comes out of the store and is not sought again."""
    from landscape_gui.probes.waypoint import waypoints_of
    from landscape_gui.store import Store

    whole: Any = named(probe, problem).completed(problem)
    question = dict(whole.questions(problem))[path] if hasattr(whole, "questions") else whole
    steps = waypoints_of(question, problem, lambda asked, other=None: known_answer(Store(), asked, other or problem))
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def known_answer(store: Any, probe: Probe, problem: Any) -> Run:
    """An answer as a question's run gives it, without computing."""
    from landscape_gui.store import key_of

    found = store.get(key_of(probe.completed(problem), problem.fingerprint))
    if found is None:
        raise StoreError(f"The {probe.title.lower()} is not in the store any more.", remedy="Ask for this path again.")
    yield from ()
    return found  # type: ignore[no-any-return]


def sample_cards() -> list[Any]:
    """The samples for the first page; none where they are not installed."""
    from landscape_gui.ui.welcome import sample_of

    try:
        return [sample_of(name, samples.card(name), samples.pictures()) for name in samples.names()]
    except LandscapeError:
        return []
