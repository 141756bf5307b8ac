"""The progress bar shows on a terminal only; tables line up; what a file says of itself cannot steer the terminal."""

from __future__ import annotations

import io

from landscape_gui.commands.terminal import ProgressBar, bar, duration, plain, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_nothing() -> None:
    stream = io.StringIO()
    progress = ProgressBar("Surface", stream)
    progress.update(0.5)
    progress.update(1.0)
    progress.close()
    assert stream.getvalue() == ""


def test_a_terminal_gets_one_line_that_is_taken_away() -> None:
    stream = Terminal()
    progress = ProgressBar("Surface", stream)
    progress.update(0.0)
    progress.update(1.0)
    progress.close()
    written = stream.getvalue()
    assert "100%" in written
    assert "\n" not in written
    assert written.endswith("\r\x1b[2K")


def test_the_time_left_counts_from_where_a_resumed_answer_starts() -> None:
    progress = ProgressBar("Surface", Terminal())
    progress.update(0.5)
    progress.fraction = 0.75
    assert "1:40 left" in progress.line(100.0)  # a quarter took 100 s, a quarter is left


def test_bars_and_durations() -> None:
    assert bar(0.0, 4) == "····"
    assert bar(1.0, 4) == "████"
    assert bar(0.5 + 1 / 32, 4) == "██▏·"
    assert [duration(s) for s in (7, 750, 3723)] == ["0:07", "12:30", "1:02:03"]


def test_columns_line_up() -> None:
    assert table([("a", "1"), ("long", "22")], right=(1,)) == "a      1\nlong  22"


def test_control_characters_are_written_out() -> None:
    assert plain("a\x1b[2Jb\nc") == "a\\x1b[2Jb\\nc"
    assert plain("x" * 300) == "x" * 200 + "..."
