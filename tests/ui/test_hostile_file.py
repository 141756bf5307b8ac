"""The real program on files made to harm: each becomes a sentence in plain text, and the window answers meanwhile."""

import gzip
import os
import struct

import pytest
from PySide6.QtCore import Qt, QTimer

from landscape_gui import app
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.window import Window

EVIL = b"cos\nsystem\n(X\x0c\0\0\0touch canarytR"


def calls(place):
    place.write_bytes(b"\x80\x02" + EVIL + b".")


def takes_long(place):
    place.write_bytes(b"\x80\x02" + b"N0" * 1_000_000 + b"}.")


def never_ends(place):
    os.mkfifo(place)


def grows(place):
    place.write_bytes(gzip.compress(b"\x80\x02" + bytes(80 << 20), 1))


def speaks(place):
    """A dictionary whose name is HTML, a control sequence and a line end."""
    name = b"<img src='file:///etc/passwd'><b>bold</b>\x1b[2J\nsecond line"
    place.write_bytes(b"\x80\x02}X" + struct.pack("<I", len(name)) + name + b"K\x01s.")


FILES = {"calls": calls, "takes long": takes_long, "never ends": never_ends, "grows": grows, "speaks": speaks}


@pytest.fixture
def window(qtbot, dressed):
    window = Window(Session(app.services(), Settings()), [])
    with qtbot.waitSignal(window.stage_ready, timeout=20000):
        window.show()
    yield window
    window.close()
    window.deleteLater()


def test_hostile_files_are_sentences_and_the_window_answers_throughout(qtbot, window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said, ticks = [], []
    window.session.said.connect(said.append)
    clock = QTimer()
    clock.timeout.connect(lambda: ticks.append(len(said)))
    clock.start(5)
    for count, (name, make) in enumerate(FILES.items(), 1):
        place = tmp_path / f"{name}.pt"
        make(place)
        window.open_paths([str(place)])
        qtbot.waitUntil(lambda count=count: len(said) == count, timeout=60000)
        message = said[-1]
        assert message.level == "error" and place.name in message.text, message
        assert "not foreseen" not in message.remedy
        assert message.text.isprintable()
        label = next(row.label for row in window.messages.rows if row.message is message)
        assert label.textFormat() == Qt.TextFormat.PlainText and place.name in label.text()
    for slow in ("takes long", "grows"):
        assert ticks.count(list(FILES).index(slow)) >= 3, "timers ran while it was being read"
    assert window.session.documents == []
    assert not (tmp_path / "canary").exists()
