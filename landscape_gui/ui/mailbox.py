"""How news reach the window's thread from others: one chute, one event under way, thirty takes a second at most."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal, Slot

INTERVAL = 33
"""Milliseconds between two takes from the mailbox."""
POSTED, HURRIED = b".", b"!"
MOST = 4096
"""Bytes that are taken from the socket at once; a byte wakes."""


class Put(Protocol):
    """`Chute.put`."""

    def __call__(self, item: object, slot: object = None, *, at_once: bool = False) -> None: ...


class Chute:
    """The end that other threads hold. An object of Python's alone, and it wakes the window through a socket: below Python 3.12
    PySide looks up what it knows of a class in one table without a lock, and the window's thread does so whenever Qt asks a widget
    what it is. Another thread that touches any of Qt's objects at that moment ends the process."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._lock = threading.Lock()
        self._items: dict[object, object] = {}
        self._count = 0
        self._called = 0
        """How the window was called for what lies here: 0 not yet, 1 in good time, 2 at once."""

    def put(self, item: object, slot: object = None, *, at_once: bool = False) -> None:
        """From any thread. An item put with a `slot` replaces the one that still waits under the same slot.

        at_once: with all that waits, in the next turn of the event loop; for what comes seldom.
        """
        with self._lock:
            self._count += 1
            key = ("last", slot) if slot is not None else ("each", self._count)
            self._items.pop(key, None)
            self._items[key] = item
            called, self._called = self._called, max(self._called, 1 + at_once)
            louder = self._called > called
        if louder:
            with contextlib.suppress(OSError):  # nobody listens any more
                self._writer.send(HURRIED if at_once else POSTED)

    def take(self) -> list[object]:
        with self._lock:
            items, self._items, self._called = list(self._items.values()), {}, 0
        return items


@dataclass(frozen=True)
class Errand:
    """Something to be done in the window's thread that is no news for anybody."""

    run: Callable[[], None]


class Mailbox(QObject):
    """Hands what is put into its chute, from any thread, to the one it was made in.

    However fast things are put in, one event at most is under way, so that timers and painting go on: of a hundred pictures of
    progress only the last is delivered.
    """

    received = Signal(object)
    """One item, in the mailbox's own thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.chute = Chute()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self.deliver)
        self.called = QSocketNotifier(self.chute.reader.fileno(), QSocketNotifier.Type.Read, self)
        self.called.activated.connect(self._arrived)

    @Slot()
    def _arrived(self) -> None:
        calls = b""
        with contextlib.suppress(OSError):
            calls = self.chute.reader.recv(MOST)
        if HURRIED in calls:
            self.deliver()
        elif calls and not self._timer.isActive():
            self._timer.start()

    @Slot()
    def deliver(self) -> None:
        """Give out what has come; in the mailbox's own thread."""
        for item in self.chute.take():
            if isinstance(item, Errand):
                item.run()
            else:
                self.received.emit(item)
