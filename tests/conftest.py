"""What every test gets: one thread, folders of its own, a screen of its own, and failure on errors that vispy only logs."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before numpy, torch or a driver is imported: one thread each, so that two workers share two cores fairly and sums are repeatable.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Nothing of the person's own is read or written: not the answers, not the settings, not the recent files.
_HOME = Path(tempfile.mkdtemp(prefix="landscape-gui-tests-"))
for _name, _folder in (
    ("LANDSCAPE_GUI_CACHE", "cache"),
    ("LANDSCAPE_GUI_CONFIG", "config"),
    ("LANDSCAPE_GUI_LOG", "log"),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_CACHE_HOME", "xdg-cache"),
    ("XDG_DATA_HOME", "data"),
    ("MPLCONFIGDIR", "matplotlib"),
    ("XDG_RUNTIME_DIR", "runtime"),
):
    (_HOME / _folder).mkdir(mode=0o700, exist_ok=True)
    os.environ[_name] = str(_HOME / _folder)

_screen: subprocess.Popen[bytes] | None = None


class Collector(logging.Handler):
    """Keeps vispy's warnings and errors: it logs what a draw or mouse callback raises, and goes on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.levelname}: {record.getMessage()}")


_collector = Collector()


def start_screen() -> subprocess.Popen[bytes] | None:
    """An X server for this process alone, so that windows of two workers never take each other's focus. None: not here."""
    if not sys.platform.startswith("linux") or shutil.which("Xvfb") is None:
        return None
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=(write,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    if not number:
        server.kill()
        return None
    os.environ["DISPLAY"] = f":{number}"
    os.environ.pop("WAYLAND_DISPLAY", None)
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    return server


def pytest_configure(config: pytest.Config) -> None:
    global _screen
    controls_workers = not hasattr(config, "workerinput") and bool(getattr(config.option, "numprocesses", None))
    if not controls_workers and ("DISPLAY" not in os.environ or hasattr(config, "workerinput")):
        _screen = start_screen()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _screen is not None:
        _screen.terminate()
        _screen.wait()
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _vispy_logs_fail() -> Iterator[None]:
    """A test fails on what vispy logged while it ran."""
    logger = logging.getLogger("vispy")
    if _collector not in logger.handlers:
        logger.addHandler(_collector)
    _collector.messages.clear()
    yield
    messages, _collector.messages = _collector.messages[:], []
    assert not messages, "vispy logged: " + "; ".join(messages)


@pytest.fixture
def sample_folder() -> Path:
    """The shipped samples."""
    from landscape_gui import samples

    return Path(samples.folder())


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """pytest-qt asks for this before it makes the application: the last moment to let OpenGL contexts share."""
    from PySide6 import QtCore

    QtCore.QCoreApplication.setAttribute(QtCore.Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    return ["landscape-gui-tests"]
