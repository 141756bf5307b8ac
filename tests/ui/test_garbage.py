"""Cycles that hold Qt objects are collected in the window's thread, whatever other threads allocate."""

import gc
import sys
import threading

from PySide6.QtCore import QObject

from landscape_gui.ui.garbage import Collector
from landscape_gui.ui.mailbox import Mailbox
from landscape_gui.ui.worker import Task, Worker


class Cycle(QObject):
    """An object of Qt's that only the collector can free."""

    def __init__(self, told):
        super().__init__()
        self.me = self
        self.told = told

    def __del__(self):
        self.told.append(threading.current_thread() is threading.main_thread())


def test_a_working_thread_frees_no_object_of_the_window(qtbot):
    told, mailbox = [], Mailbox()
    worker = Worker(mailbox)
    before = gc.isenabled()

    def allocate():
        kept = [[k] for k in range(200_000)]  # many times the collector's threshold
        return len(kept)

    for _ in range(20):
        Cycle(told)
    with qtbot.waitSignal(mailbox.received, timeout=20000):
        worker.submit(Task(allocate, lambda outcome: None))
    assert not gc.isenabled()
    assert all(told)
    assert worker.shut()
    assert gc.isenabled() == before
    gc.collect()
    assert told == [True] * 20


def test_collection_is_held_until_the_last_thread_has_ended(qtbot):
    collector = Collector()
    collector.hold()
    collector.hold()
    collector.release()
    assert not gc.isenabled()
    collector.release()
    assert gc.isenabled()


def test_a_library_that_is_imported_is_not_looked_through(qtbot, monkeypatch):
    """Neither while its modules come nor afterwards: its objects stay."""
    collector, looked = Collector(), []
    monkeypatch.setattr(gc, "collect", looked.append)
    monkeypatch.setattr(gc, "freeze", lambda: looked.append("kept"))
    monkeypatch.setattr(gc, "get_count", lambda: (10**6, 0, 0))
    collector.hold()
    try:
        collector.collect()
        for batch in range(2):
            for k in range(30):
                monkeypatch.setitem(sys.modules, f"imported_{batch}_{k}", sys)
            collector.collect()
        assert looked == [0]
        collector.collect()
        collector.collect()
        assert looked == [0, "kept", 0, 0]
    finally:
        collector.release()
