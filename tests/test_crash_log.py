"""A process that dies of a signal leaves its trace; the next start finds it, tells it once, and clears away the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from landscape_gui import crash_log, doctor

DIE = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
START = "from landscape_gui.crash_log import CrashLog; log = CrashLog(); print(log.crashes)"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANDSCAPE_GUI_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def process(*lines: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONFAULTHANDLER"}
    code = "\n".join((START, *lines))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=environment)


@posix
def test_a_crash_is_told_once_with_every_thread(folder: Path) -> None:
    wait = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    assert process(wait, DIE).returncode == -signal.SIGSEGV
    told = crash_log.CrashLog().crashes
    assert len(told) == 1
    assert told[0].path.parent == folder and told[0].path.name.startswith("crash-")
    assert told[0].trace == told[0].path.read_text()
    assert told[0].trace.startswith("landscape_gui ") and "PySide6-Essentials" in told[0].trace.splitlines()[0]
    assert "Segmentation fault" in told[0].trace and told[0].trace.count("(most recent call first)") == 2
    assert crash_log.CrashLog().crashes == []
    assert crash_log.traces() == [told[0].path]


@posix
def test_a_crash_after_the_window_s_end_counts_and_a_trace_before_it_does_not(folder: Path) -> None:
    harmless = "import faulthandler; faulthandler.dump_traceback(log._file); log.end()"
    assert process(harmless).returncode == 0
    assert crash_log.CrashLog().crashes == [] and not list(folder.iterdir())
    process(harmless, DIE)
    assert len(crash_log.CrashLog().crashes) == 1


@posix
def test_killed_and_ended_processes_leave_nothing_and_one_that_runs_is_left_alone(folder: Path) -> None:
    process("log.end()")
    process("os = __import__('os'); os.kill(os.getpid(), 9)")
    assert len(list(folder.glob("running-*.txt"))) == 1  # the second start has cleared away what the first left
    code = f"{START}\nprint('ready', flush=True)\ninput()\n{DIE}"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline(), running.stdout.readline()
        assert crash_log.CrashLog().crashes == []
        assert [p.name for p in folder.glob("running-*.txt")] == [f"running-{running.pid}.txt"]
        running.communicate("\n")
    assert len(crash_log.CrashLog().crashes) == 1


def test_the_last_few_traces_are_kept(folder: Path) -> None:
    folder.mkdir()
    for day in range(1, 9):
        (folder / f"crash-2026-01-0{day}-120000-7.txt").write_text("a trace")
    crash_log.CrashLog()
    assert [p.name for p in crash_log.traces()] == [f"crash-2026-01-0{day}-120000-7.txt" for day in range(4, 9)]


def test_a_folder_that_cannot_be_made_keeps_no_window_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LANDSCAPE_GUI_LOG", str(tmp_path / "file" / "log"))
    assert crash_log.CrashLog().crashes == []
    assert doctor.check_log().state == "note" and "LANDSCAPE_GUI_LOG" in doctor.check_log().remedy


def test_the_doctor_names_the_folder(folder: Path) -> None:
    assert str(folder) in doctor.check_log().text
