"""What comes when: a first picture waits for its own canvas alone; the others come after it, or at once where nothing is asked."""

import subprocess
import sys
from pathlib import Path

import pytest
from bowls import opener

from landscape_gui.errors import CheckpointError
from landscape_gui.ui.services import Services
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.window import Window


@pytest.fixture
def made(qtbot, dressed):
    """Windows on services, closed at the end."""
    windows = []

    def make(**services):
        window = Window(Session(Services(**services), Settings()))
        windows.append(window)
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()


def test_the_first_picture_stands_before_the_canvases_in_two_dimensions(qtbot, made, services):
    window = made(opener=opener, answerer=services.answerer, probes=services.probes)
    seen = []
    window.session.shown_changed.connect(lambda: seen.append(window.stage.canvas2d if window.stage is not None else None))
    with qtbot.waitSignal(window.stage_ready, timeout=20000):
        window.show()
        window.open_paths(["a.pt"])
    assert seen and seen[0] is None
    assert window.stage.canvas2d is not None and window.stage.canvas2d.panel is not None


def test_a_file_that_cannot_be_opened_does_not_keep_the_canvases_waiting(qtbot, made, services):
    def refuse(path, *, trusted, code=None):
        raise CheckpointError("It is a letter.", remedy="Open a checkpoint.")

    window = made(opener=refuse, answerer=services.answerer)
    with qtbot.waitSignal(window.stage_ready, timeout=20000):
        window.show()
        window.open_paths(["letter.pt"])


def test_contours_asked_for_early_are_made_at_once(qtbot, made, services):
    window = made(opener=opener, answerer=services.answerer)
    window.make_stage()
    assert window.stage.canvas2d is None
    window.set_view("2d")
    assert not window.stage.canvas2d.isHidden() and window.stage.canvas3d.isHidden()


WATCHED = """
import sys, threading

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "pyqtgraph", "vispy"):
            seen.append((name, threading.current_thread() is threading.main_thread()))

seen = []
sys.meta_path.insert(0, Watch())
sys.path.insert(0, {tests!r})
from bowls import Bowl, Gate, opener
from landscape_gui import app
application = app.make_application()
from landscape_gui.ui.services import Services
from landscape_gui.ui.session import Session
from landscape_gui.ui.window import Window
gate = Gate()
gate.open.set()
services = Services(opener=opener, answerer=gate.answer, probes=lambda: {{"surface": Bowl}})
window = Window(Session(services))
window.stage_ready.connect(application.quit)
window.show()
window.open_paths(["a.pt"])
application.exec()
print(sorted({{name for name, main in seen if not main}}))
print("pyqtgraph" in {{name for name, main in seen}}, window.stage.canvas2d is not None)
window.close()
"""


def test_what_knows_of_qt_is_imported_in_the_window_s_thread():
    """PySide makes its classes when they are first asked for and without a lock: two threads that do so end the process."""
    code = WATCHED.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["[]", "True True"], done.stderr
