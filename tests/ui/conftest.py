"""A window on problems without torch, with a settings folder of its own for each test."""

from dataclasses import fields

import pytest
from bowls import Bowl, Gate, opener

from landscape_gui.figure import Look
from landscape_gui.ui import theme
from landscape_gui.ui.services import Services
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.welcome import Sample
from landscape_gui.ui.window import Window


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def services(gate):
    return Services(opener=opener, answerer=gate.answer, probes=lambda: {"surface": Bowl})


@pytest.fixture
def session(qtbot, services):
    session = Session(services, Settings())
    yield session
    assert session.shut()


@pytest.fixture
def dressed(qapp):
    theme.apply(qapp, "light")
    return qapp


@pytest.fixture
def own_window(qtbot, dressed, services):
    """A window for one test alone, to be closed by it."""
    window = Window(Session(services, Settings()), [Sample(name="bowl", title="A bowl", summary="It is round.")])
    with qtbot.waitSignal(window.stage_ready, timeout=20000):
        window.show()
    yield window
    window.close()
    window.deleteLater()


@pytest.fixture(scope="session")
def shared(qapp):
    """One window for many tests (a window with its canvases takes a second to make); `window` empties it for each of them."""
    theme.apply(qapp, "light")
    sample = Sample(name="bowl", title="A bowl", summary="It is round.")
    services = Services(opener=opener, answerer=Gate().answer, probes=lambda: {"surface": Bowl})
    window = Window(Session(services, Settings()), [sample])
    window.resize(1200, 760)
    window.show()
    yield window
    window.close()
    window.deleteLater()


@pytest.fixture
def window(qtbot, shared, services):
    qtbot.waitUntil(lambda: shared.stage is not None and shared.stage.canvas2d is not None, timeout=20000)
    session = shared.session
    session.settings, session.services = Settings(), services
    shared.use_theme("light")
    yield shared
    for document in list(session.documents):
        session.close(document)
    qtbot.waitUntil(lambda: not any(i.live for i in session.inquiries), timeout=5000)
    for inquiry in list(session.inquiries):
        session.forget(inquiry)
    session.set_look(**{f.name: f.default for f in fields(Look)})
    shared.set_view("both")
    for row in list(shared.messages.rows):
        shared.messages.remove(row)
