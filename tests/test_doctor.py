"""The doctor finds what is missing and names the command that mends it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from landscape_gui import doctor

LDD = """\tlinux-vdso.so.1 (0x00007ffd)
\tlibQt6XcbQpa.so.6 => /x/libQt6XcbQpa.so.6 (0x00007f)
\tlibxcb-icccm.so.4 => not found
\tlibxcb-keysyms.so.1 => not found
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)
"""


def test_missing_libraries_become_the_packages_that_hold_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    missing = doctor.unresolved(LDD)
    assert missing == ("libxcb-icccm.so.4", "libxcb-keysyms.so.1")
    command = doctor.install_command(missing)
    assert command.endswith("apt-get install -y --no-install-recommends libxcb-icccm4 libxcb-keysyms1")
    assert "and what holds libstrange.so.1" in doctor.install_command([*missing, "libstrange.so.1"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is Linux's")
def test_a_display_that_is_not_set_or_does_not_answer_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert doctor.display_problem() == "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set."
    monkeypatch.setenv("DISPLAY", ":64999")
    assert doctor.display_problem() == "The display :64999 does not answer."


def test_a_crash_of_what_is_examined_does_not_kill_the_doctor() -> None:
    done = doctor.run_python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode != 0


def test_a_check_that_fails_is_reported_and_the_others_go_on() -> None:
    def check_nonsense() -> doctor.Check:
        raise RuntimeError("broken")

    assert doctor.run_check(check_nonsense) == doctor.Check(name="nonsense", state="note", text="could not be examined: broken")


def test_a_folder_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "file" / "answers"))
    check = doctor.check_cache()
    assert check.state == "missing"
    assert "LANDSCAPE_GUI_CACHE" in check.remedy


def test_the_report_s_exit_status_says_whether_the_program_is_usable(capsys: pytest.CaptureFixture[str]) -> None:
    fine = doctor.Check(name="torch", state="ok", text="2.13")
    note = doctor.Check(name="display", state="note", text="none", remedy="xvfb-run")
    missing = doctor.Check(name="Qt libraries", state="missing", text="libGL.so.1", remedy="apt-get install libgl1")
    assert doctor.print_report([fine, note]) == 0
    assert doctor.print_report([fine, missing]) == 1
    assert "-> apt-get install libgl1" in capsys.readouterr().out


def test_the_make_file_s_question_is_answered_by_the_exit_status() -> None:
    command = [sys.executable, "-m", "landscape_gui.doctor", "display"]
    done = subprocess.run(command, env={"DISPLAY": ":64999"}, capture_output=True, text=True, check=False)
    assert (done.returncode, "does not answer" in done.stdout) == ((1, True) if sys.platform.startswith("linux") else (0, False))
