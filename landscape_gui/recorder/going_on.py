"""What a recorder knows that its folder does not say, so that a training which goes on is recorded as if it had never stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape_gui.errors import RecorderError
from landscape_gui.recorder.files import LOG, marks_in, name_of, write_whole
from landscape_gui.recorder.folder import set_aside
from landscape_gui.recorder.log import mend
from landscape_gui.recorder.recorder import Recorder
from landscape_gui.recorder.thinning import Mark


@dataclass(frozen=True, kw_only=True)
class Kept:
    """step, epoch: the last ones; log: bytes of the log that were written by then; marks: the checkpoints that were there, with the
    digits that they were thinned to; tensors: numbers that no row of the log holds yet, and where the search for lambda_max is."""

    step: int
    epoch: int
    log: int
    marks: tuple[Mark, ...]
    digits: tuple[float, float]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """All but the tensors, JSON-able."""
        return {"step": self.step, "epoch": self.epoch, "log": self.log, "marks": list(self.marks), "digits": list(self.digits)}

    @staticmethod
    def read(said: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Kept:
        """The other way. KeyError, TypeError, ValueError: it is nothing of the kind."""
        marks = tuple(Mark(int(step), None if epoch is None else int(epoch)) for step, epoch in said["marks"])
        steps, epochs = (float(value) for value in said["digits"])
        counts = {name: int(said[name]) for name in ("step", "epoch", "log")}
        return Kept(**counts, marks=marks, digits=(steps, epochs), tensors=dict(tensors))


def write_after(recorder: Recorder, name: str, content: Callable[[Kept], bytes], size: int, *, wait: bool) -> bool:
    """Write a file into the folder, whole or not at all, once what was recorded until now is on the disk.

    content: makes its bytes, in the thread that writes; of so many bytes (size), which must not change meanwhile. wait: whether it
    is written however much waits already. False: it is left out for that, or this process writes nothing.
    """
    if recorder._idle() or not (wait or recorder._out.writer.has_room(size)):
        return False
    recorder.flush()
    out, step, epoch = recorder._out, recorder._step, recorder._epoch
    marks, digits = tuple(out.thinning.marks), out.thinning.digits
    geometry = recorder._geometry
    tensors = {} if geometry is None or geometry.leading is None else {"leading": geometry.leading.detach().cpu().clone()}

    def write() -> None:
        out._log.append([])
        out._log.force()
        waiting = {f"rows/{place}": torch.tensor(values, dtype=torch.float64) for place, values in out._rows.waiting().items()}
        log = (out.path / LOG).stat().st_size
        kept = Kept(step=step, epoch=epoch, log=log, marks=marks, digits=digits, tensors={**tensors, **waiting})
        write_whole(out.path / name, content(kept))

    out.run(write, name, size)
    return True


def go_back(folder: Path, kept: Kept) -> None:
    """Bring a folder to where it was, before a recorder goes on in it: what was recorded later is moved into `abandoned-1`, ...

    Raises RecorderError: the folder's log does not reach as far, so that the two do not belong together.
    """
    log = folder / LOG
    try:
        mend(log)
        if not log.exists() or log.stat().st_size < kept.log:
            raise RecorderError(
                f"{log} ends before step {kept.step}, from which training would go on: they are of two runs, or the log was cut.",
                remedy="Put the log of that run back, or train from the start.",
            )
        set_aside(folder, kept.step)
        os.truncate(log, kept.log)
        before = {mark.step: mark for mark in kept.marks}
        for mark in set(marks_in(folder)) - set(kept.marks):
            if mark.step in before:
                os.replace(folder / name_of(mark), folder / name_of(before[mark.step]))
            else:
                (folder / name_of(mark)).unlink()
    except OSError as error:
        raise RecorderError(f"{folder} cannot be recorded into: {error.strerror}.", remedy="Make it writable.") from error


def restore(recorder: Recorder, kept: Kept) -> None:
    """Let a recorder that goes on in such a folder know what the one before it knew."""
    if recorder._idle():
        return
    out, geometry = recorder._out, recorder._geometry
    out.thinning.go_back(kept.marks, kept.digits)
    out._rows.go_back({name[5:]: t.tolist() for name, t in kept.tensors.items() if name.startswith("rows/")})
    if geometry is not None and "leading" in kept.tensors:
        geometry.leading = kept.tensors["leading"].to(next(recorder._module.parameters()).device)
    recorder._step, recorder._epoch = kept.step, kept.epoch
    recorder._due = recorder._next_due()
