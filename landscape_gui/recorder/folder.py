"""A recorded run's folder: begun or gone on with, and what is written into it in the order of training."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.errors import CheckpointError, RecorderError
from landscape_gui.recorder.files import LOG, mark_of, marks_in, name_of, unfinished, write_whole
from landscape_gui.recorder.geometry import Geometry
from landscape_gui.recorder.log import Log, line_of, mend, rows_in
from landscape_gui.recorder.rows import Entry, Rows
from landscape_gui.recorder.safetensors_head import Head
from landscape_gui.recorder.snapshots import Snapshot
from landscape_gui.recorder.thinning import Mark, Thinning
from landscape_gui.recorder.writer import Writer
from landscape_gui.whole_files import force_names

LINES = "Lines of the log"
SPARE = 2
"""Snapshots that are kept to be copied into again, once they are written."""


class Folder:
    """What a recorder has written, and the thread that writes. step, epoch: the last ones recorded before."""

    def __init__(self, path: Path, keep: int, began: float) -> None:
        self.path = path
        self.thinning = Thinning(keep)
        self.writer = Writer()
        self.step = self.epoch = 0
        self.resumed = False
        self.bytes = 0
        self._log = Log(path / LOG)
        self._rows = Rows(began)
        self._unforced = False
        """Whether a checkpoint's name may not be on the disk yet."""
        self._head = Head()
        self._written: list[dict[str, Tensor]] = []

    def has(self, step: int) -> bool:
        return any(mark.step == step for mark in self.thinning.marks)

    def written(self) -> dict[str, Tensor] | None:
        """Tensors of a snapshot that is in its file, for the next one; None where none is."""
        return self._written.pop() if self._written else None

    def save(self, mark: Mark, snapshot: Snapshot, *, last: bool = False) -> None:
        """Write a checkpoint, and take away those that go for it; the last one stays whatever else is kept."""
        gone = self.thinning.add_last(mark) if last else self.thinning.add(mark)

        def write() -> None:
            counts = {"step": str(mark.step)} | ({} if mark.epoch is None else {"epoch": str(mark.epoch)})
            content = snapshot.content(self._head, **counts)
            write_whole(self.path / name_of(mark), *content, naming=False)
            self._unforced = True
            self.bytes += sum(map(len, content))
            if len(self._written) < SPARE:
                self._written.append(snapshot.tensors)

        if mark not in gone:
            self.run(write, name_of(mark), snapshot.size)
        self._remove(gone)

    def rename(self, mark: Mark) -> None:
        """Let the checkpoint after a step be that of an epoch's end as well."""
        old = next(other for other in self.thinning.marks if other.step == mark.step)
        if mark.epoch is None or old == mark:
            return
        before, after = self.path / name_of(old), self.path / name_of(mark)
        self.run(lambda: os.replace(before, after), name_of(mark))
        self._remove([other for other in self.thinning.add(mark) if other != mark])

    def append(self, entries: Sequence[Entry], ready: Any) -> None:
        """Write the rows of the log that these complete, once a GPU has come to `ready`."""

        def write() -> None:
            if ready is not None:
                ready.synchronize()
            self._log.append(self._rows.of(entries))
            self._force()

        self.run(write, LINES)

    def _force(self) -> None:
        """To the disk what was written since a checkpoint was: its name, and the log."""
        if self._unforced:
            self._unforced = False
            self._log.force()
            force_names(self.path)

    def run(self, job: Callable[[], None], what: str, size: int = 0) -> None:
        self.writer.submit(job, what, size)

    @property
    def kept(self) -> int:
        """Checkpoints that are there."""
        return len(marks_in(self.path)) if self.path.is_dir() else 0

    @property
    def complete(self) -> bool:
        """Whether every line of the log is in it."""
        return not self._log.waiting and not self._log.dropped

    def close(self) -> None:
        """Wait until all is written and on the disk."""
        self.run(lambda: self._log.append([]), LINES)
        self.run(self._force, "Names of checkpoints")
        self.run(self._log.force, "The log's end")
        self.writer.close()
        self._log.close()

    def restore_start(self, geometry: Geometry | None, module: nn.Module) -> None:
        """Take the run's first checkpoint as what distances are from."""
        if geometry is None or "distance" not in geometry.names:
            return
        first = next((mark for mark in self.thinning.marks if mark.step == 0), None)
        if first is None:
            return
        from landscape_gui.checkpoint import read_checkpoint

        try:
            tensors = read_checkpoint(self.path / name_of(first)).tensors
            parts = [tensors[name].reshape(-1).to(torch.float32) for name, _ in module.named_parameters()]
        except (CheckpointError, KeyError):
            return
        geometry.start = torch.cat(parts)

    def _remove(self, marks: Sequence[Mark]) -> None:
        def remove() -> None:
            for mark in marks:
                (self.path / name_of(mark)).unlink(missing_ok=True)

        if marks:
            self.run(remove, "A thinner series of checkpoints")


def prepare(path: Path, keep: int, *, began: float, resume: bool, at_step: int | None) -> Folder:
    """A folder to record into, from `began` on by the clock.

    RecorderError: it holds a run already and is not to be gone on with, or it cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        marks = marks_in(path)
        if (marks or (path / LOG).exists()) and not resume:
            raise RecorderError(
                f"{path} already holds a recorded run.",
                remedy="Name another folder, or go on with it by resume=True (--resume on the command line).",
            )
        for place in unfinished(path):
            place.unlink(missing_ok=True)
        mend(path / LOG)
        if at_step is not None and (marks or (path / LOG).exists()):
            set_aside(path, at_step)
        rows, marks = list(rows_in(path / LOG)), marks_in(path)
        before = max((float(row["seconds"]) for row in rows if isinstance(row.get("seconds"), (int, float))), default=0.0)
        folder = Folder(path, keep, began - before)
    except OSError as error:
        raise RecorderError(f"{path} cannot be recorded into: {error.strerror}.", remedy="Name another folder.") from error
    folder.resumed = bool(rows or marks)
    folder.step = max([number(row.get("step")) for row in rows] + [mark.step for mark in marks], default=0)
    folder.epoch = max([number(row.get("epoch")) for row in rows] + [mark.epoch or 0 for mark in marks], default=0)
    for mark in marks:
        folder._remove(folder.thinning.add(mark))
    return folder


def number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def set_aside(path: Path, step: int) -> None:
    """Move what was recorded after a step into a folder of its own: training went back to that step."""
    rows = list(rows_in(path / LOG))
    later = [place for place in path.iterdir() if (mark := mark_of(place.name)) is not None and mark.step > step]
    kept = [row for row in rows if number(row.get("step")) <= step]
    if not later and len(kept) == len(rows):
        return
    number_of = 1
    while (path / f"abandoned-{number_of}").exists():
        number_of += 1
    aside = path / f"abandoned-{number_of}"
    aside.mkdir()
    for place in later:
        os.replace(place, aside / place.name)
    if (path / LOG).exists():
        write_whole(aside / LOG, (path / LOG).read_bytes())
        write_whole(path / LOG, b"".join(map(line_of, kept)))
