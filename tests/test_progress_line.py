"""The facade's line of progress: in a terminal, in a notebook, and nowhere else."""

from __future__ import annotations

import io
import sys
from types import ModuleType

import pytest

from landscape_gui.probes.base import Progress
from landscape_gui.progress_line import COLUMNS, ProgressLine


class OutStream(io.StringIO):
    """As a notebook's: no terminal."""


OutStream.__module__ = "ipykernel.iostream"


def test_a_notebook_gets_one_line_that_is_rewritten_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    stream = OutStream()
    with ProgressLine("Report", stream=stream) as line:
        line.tell(Progress(done=1, total=2, note="spectrum " * 30))
        line.update(1.0, "x")
    written = stream.getvalue()
    assert "\n" not in written and "\x1b" not in written and "50%" in written and "100%" in written
    parts = written.split("\r")
    assert max(map(len, parts)) == COLUMNS
    assert len(parts[2]) == len(parts[1]), "the rest of the longer line is written over"
    assert parts[-1] == "" and parts[-2].strip() == ""


def test_pipes_files_and_those_who_want_none_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    for stream, shown in ((io.StringIO(), True), (OutStream(), False)):
        with ProgressLine("Report", shown=shown, stream=stream) as line:
            line.update(0.5)
        assert stream.getvalue() == ""
