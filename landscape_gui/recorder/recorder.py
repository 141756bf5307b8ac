"""Recorder: what two lines in anyone's training loop write is a run that the window opens, while it grows and afterwards."""

from __future__ import annotations

import atexit
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.errors import RecorderError
from landscape_gui.recorder import optimisers, snapshots
from landscape_gui.recorder.card import Card, architecture_of
from landscape_gui.recorder.costs import Summary
from landscape_gui.recorder.folder import LINES, prepare
from landscape_gui.recorder.geometry import EXAMPLES, make_geometry, untouched
from landscape_gui.recorder.rows import Entry, Row
from landscape_gui.recorder.scalars import EACH, handed, has_row, moment
from landscape_gui.recorder.thinning import KEEP, Mark

KEEP_BYTES = 4 << 30
"""What they may take together, where the caller does not say."""
FEWEST = 8
FLUSH_SECONDS = 0.5
"""How long rows wait at most, so that a window that follows the run is up to date."""


class RecorderWarning(UserWarning):
    """Something of a run could not be recorded; training goes on."""


class Recorder:
    """Writes checkpoints, learning rates, losses and geometry of a training run into a folder, as training goes on.

        rec = Recorder("runs/a", model, optimizer)
        ...
            optimizer.step()
            rec.step(loss=loss)

    folder: made; where it already holds a run RecorderError is raised, unless `resume` (the run goes on after its last step, or
    after `at_step`: what was recorded later is then moved into a folder `abandoned-1` in it). model: as it is trained, in
    DataParallel, DistributedDataParallel or torch.compile if need be; only rank 0 of several processes writes. optimizer: one, a
    list, a mapping by name, or None.

    keep: how many checkpoints are kept at most beside the last one (None: 80, or fewer where they would take more than 4 GB), by
    the rule of `recorder.thinning`: early ones dense. Names say step and epoch; each file appears whole or not at all.

    probes: names from `recorder.PROBES`, measured at the start, every `probe_every` steps (None: at every end of an epoch), and
    where `probe()` is called; on `probe_examples` of `data` (tensors (x, y), a Dataset or a DataLoader) drawn from `seed`, with
    `criterion` ("cross_entropy", "mse", "binary_cross_entropy", or your own), in evaluation mode, on a copy of the model: weights,
    statistics, gradients, modes and random generators stay as they are to the bit.

    The numbers of training are the same with it and without. Without probes it takes some 2 % of the time of steps of 2 ms, less of
    longer ones: copies are made between two steps, all else in a thread. What cannot be written (a full disk) is said by a
    RecorderWarning, and training goes on. Use as a context manager or call `close` for the last checkpoint to be the last step's
    for certain. measured: what the probes found last.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        model: nn.Module,
        optimizer: Any = None,
        *,
        keep: int | None = None,
        probes: Sequence[str] = (),
        probe_every: int | None = None,
        data: Any = None,
        criterion: str | Callable[..., Any] = "cross_entropy",
        probe_examples: int = EXAMPLES,
        seed: int = 0,
        resume: bool = False,
        at_step: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._off = not is_first()
        self._closed = False
        if self._off:
            return
        self._began = time.perf_counter()
        self._flush_at = self._began + FLUSH_SECONDS
        self._process = os.getpid()
        check(keep, probe_every)
        self._module = snapshots.unwrapped(model)
        self._optimizers = optimisers.named(optimizer)
        self._geometry = make_geometry(probes, self._module, data, criterion, examples=probe_examples, seed=seed)
        self._every = probe_every
        self._size = snapshots.size_of(self._module)
        self._out = prepare(self.folder, keep or affordable(self._size), began=self._began, resume=resume, at_step=at_step)
        self._step, self._epoch = self._out.step, self._out.epoch
        self._rates = optimisers.Rates(self._optimizers)
        self._entries: list[Entry] = []
        self._card = Card(self.folder)
        self._trained = snapshots.first_trained(self._module)
        self._version = self._trained._version
        self._skipped, self._recording_seconds, self._epoch_ended = 0, 0.0, -1
        self._missing: list[str] = []
        self._first: Row | None = None
        self.measured: dict[str, float] = {}
        self._begin(data)
        self._due = self._next_due()
        atexit.register(self._at_exit)

    # ------------------------------------------------------------------------------------------------------------ what is called

    def step(self, **scalars: Any) -> None:
        """After each step of the optimiser: its loss and whatever else is a number (`loss=`, `accuracy=`, ...).

        Tensors on a GPU are copied there and read later: it is not waited for. A row of the log holds means since the row before:
        each of the first 4,096 steps has one, later ones lie 2,048 to 4,096 to a doubling of the steps.
        """
        if self._off or self._closed:
            return
        start = time.perf_counter()
        step = self._step = self._step + 1
        for name, value in scalars.items():
            if type(value) is not float:
                scalars[name] = handed(name, value)
        self._entries.append((step, start, self._rates.now() if step <= EACH or has_row(step) else None, scalars))
        self._version = self._trained._version
        probing = self._do_seldom(start) if step >= self._due or start > self._flush_at else 0.0
        self._recording_seconds += time.perf_counter() - start - probing

    def epoch(self, number: int | None = None, /, **scalars: Any) -> None:
        """After each epoch: what was measured at its end (`test_loss=`, `test_accuracy=`, ...).

        number: the epoch's, where it is not the one after the last that was handed over (0 before the first step: what was measured
        of the weights that training starts from).

        The log gets a row with the epoch's number, the means of `loss` and `accuracy` over its steps as `train_loss` and
        `train_accuracy` (where they are not handed over here), and the probes where no `probe_every` is given.
        """
        if self._idle():
            return
        start = time.perf_counter()
        self._epoch = self._epoch + 1 if number is None else int(number)
        self._epoch_ended = self._step
        if self._out.has(0):
            self._out.rename(Mark(0, 0))
        self._add_row(only_if_any=True)
        probing = self._epoch_row(scalars)
        if self._step and self._out.thinning.wants_epoch(self._epoch):
            self._save(Mark(self._step, self._epoch))
        self.flush()
        self._recording_seconds += time.perf_counter() - start - probing

    def probe(self) -> dict[str, float]:
        """Measure the probes now: the numbers by name, which a row of the log at this step holds as well."""
        if self._idle() or self._geometry is None:
            return {}
        found, _ = self._measure()
        self._add_row(found=found)
        return found

    def describe(
        self, *, title: str = "", architecture: Any = None, data: Any = None, loss: str = "", metrics: Any = None, **training: Any
    ) -> None:
        """Say what the card (landscape.json) cannot know by itself, so that the folder opens with its data and its loss.

        architecture: {"family": "mlp", "activation": "tanh"}; data: a path, or {"file": ..., "normalise": ..., ...}; loss:
        "cross_entropy", "mse", "binary_cross_entropy"; metrics: at the last checkpoint; any other name is one of training's
        settings (`batch_size=64`). A card that lies there already and is not the recorder's is left as it is.
        """
        if self._idle():
            return
        entries = {
            "title": title,
            "architecture": architecture,
            "data": data,
            "loss": loss,
            "metrics": metrics,
            "training": training,
        }
        self._card.describe(**entries)
        self._out.run(self._card.write, "landscape.json")

    def flush(self) -> None:
        """Hand over what waits to the thread that writes; say what could not be written."""
        if self._idle():
            return
        self._flush_at, self._first = time.perf_counter() + FLUSH_SECONDS, None
        if self._entries:
            entries, self._entries = self._entries, []
            self._out.append(entries, moment())
        self._complain()

    def close(self) -> Summary | None:
        """Write the last checkpoint and all that waits, and stop. None on a process that does not write. May be called again."""
        if self._idle():
            return None
        self._finish(last=True)
        return self.summary()

    def summary(self) -> Summary | None:
        """What was recorded and what it cost, as numbers and, printed, as sentences. None on a process that does not write."""
        if self._off:
            return None
        geometry = self._geometry
        return Summary(
            folder=str(self.folder),
            steps=self._step,
            epochs=self._epoch,
            checkpoints=self._out.kept,
            bytes=self._out.bytes,
            seconds=(self._ended if self._closed else time.perf_counter()) - self._began,
            recording=self._recording_seconds,
            probing=geometry.seconds if geometry is not None else 0.0,
            probes=geometry.count if geometry is not None else 0,
            writing=self._out.writer.seconds,
            skipped=self._skipped,
            missing=tuple(self._missing),
        )

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._idle():
            self._finish(last=kind is None or self._unchanged())

    # -------------------------------------------------------------------------------------------------------------- how it is done

    def _begin(self, data: Any) -> None:
        """The card, and, of a run that begins, its first checkpoint and the first row of its log."""
        device = next((p.device for p in self._module.parameters()), torch.device("cpu"))
        if not self._card.foreign:
            with untouched(device):
                split = self._geometry.split if self._geometry is not None else None
                example = split.inputs if split is not None and isinstance(split.inputs, Tensor) else None
                known = architecture_of(self._module, example) if snapshots.is_begun(self._module) else {}
            loss = self._geometry.head.name if self._geometry is not None and self._geometry.head is not None else ""
            self._card.describe(
                title=self._card.entries.get("title") or self.folder.resolve().name,
                architecture=known,
                loss=loss if loss in ("cross_entropy", "mse", "binary_cross_entropy") else "",
                training=optimisers.settings(self._optimizers),
            )
            self._out.run(self._card.write, "landscape.json")
        if self._out.resumed:
            self._out.restore_start(self._geometry, self._module)
            return
        if self._geometry is not None:
            self._geometry.begin(self._module)
        if snapshots.is_begun(self._module):
            self._save(Mark(0))
            found = self._measure()[0] if self._geometry is not None else {}
            self._first = self._add_row(epoch=0, found=found)

    def _idle(self) -> bool:
        return self._off or self._closed or os.getpid() != self._process

    def _add_row(self, **said: Any) -> Row:
        """A row of the log at this step."""
        row = Row(step=self._step, at=time.perf_counter(), rates=self._rates.now(), **said)
        self._entries.append(row)
        return row

    def _epoch_row(self, scalars: dict[str, Any]) -> float:
        """A row of the log for the end of an epoch; of epoch 0 it is the first row. The probes' seconds."""
        kept = {name: handed(name, value) for name, value in scalars.items()}
        if self._first is not None and self._step == 0:
            self._first.scalars.update(kept)
            return 0.0
        found, probing = ({}, 0.0) if self._geometry is None or self._every is not None else self._measure()
        self._add_row(epoch=self._epoch, found=found, scalars=kept)
        return probing

    def _do_seldom(self, now: float) -> float:
        """What a step does that is not like most: a checkpoint, probes, handing over what waits. The probes' seconds."""
        if os.getpid() != self._process:  # a forked process has the recorder, but not its thread
            self._off = True
            return 0.0
        probing = self._do_due() if self._step >= self._due else 0.0
        if now > self._flush_at:
            self.flush()
        return probing

    def _do_due(self) -> float:
        """What is due at this step: a checkpoint, probes, or both. The probes' seconds."""
        if self._out.thinning.wants_step(self._step):
            self._save(Mark(self._step))
        probing = 0.0
        if self._probes_at(self._step):
            step, at, _, scalars = self._entries.pop()  # type: ignore[misc]  # the step's, whose row is the probes' as well
            self._entries.append((step, at, None, scalars))
            found, probing = self._measure()
            self._add_row(found=found)
        self._due = self._next_due()
        return probing

    def _next_due(self) -> float:
        """The next step with a checkpoint or probes; none comes before it."""
        wanted = self._out.thinning.next_step(self._step)
        if self._geometry is None or self._every is None:
            return wanted
        return min(wanted, (self._step // self._every + 1) * self._every)

    def _probes_at(self, step: int) -> bool:
        return self._geometry is not None and self._every is not None and step % self._every == 0

    def _measure(self) -> tuple[dict[str, float], float]:
        """The probes' numbers with what they cost, and their seconds. What they raise switches them off, and training goes on."""
        geometry = self._geometry
        assert geometry is not None
        start = time.perf_counter()
        try:
            found = geometry.measure(self._module, optimisers.first_rate(self._optimizers))
        except Exception as error:
            self._geometry = None
            self._missing.append(f"The probes failed at step {self._step} and are switched off: {type(error).__name__}: {error}")
            warnings.warn(self._missing[-1], RecorderWarning, stacklevel=4)
            return {}, time.perf_counter() - start
        spent = time.perf_counter() - start
        self.measured = found
        geometry.seconds, geometry.count = geometry.seconds + spent, geometry.count + 1
        share = geometry.seconds / max(time.perf_counter() - self._began, 1e-9)
        return {**found, "probe_seconds": round(spent, 6), "probe_share": round(share, 4)}, spent

    def _save(self, mark: Mark) -> None:
        """A checkpoint of the weights as they are; of a step that has one already, only its name changes."""
        if self._out.has(mark.step):
            self._out.rename(mark)
            return
        self._size = self._size or snapshots.size_of(self._module)
        if self._out.writer.has_room(self._size):
            self._out.save(mark, snapshots.take(self._module, self._out.written()))
        else:
            self._skipped += 1

    def _unchanged(self) -> bool:
        """Whether the weights are those of the last step: neither of one that was not finished, nor loaded afterwards."""
        return self._trained._version == self._version

    def _complain(self) -> None:
        for sentence in self._out.writer.failures():
            reason = sentence.partition(" could not be ")[2]
            if not any(known.endswith(reason) for known in self._missing):
                warnings.warn(f"{self.folder}: {sentence} Training goes on.", RecorderWarning, stacklevel=3)
            if sentence not in self._missing:
                self._missing.append(sentence)

    def _finish(self, *, last: bool) -> None:
        start = time.perf_counter()
        self._add_row(only_if_any=True)
        if last and snapshots.is_begun(self._module) and not self._out.has(self._step):
            ended = self._epoch if self._epoch_ended == self._step else None
            self._out.save(Mark(self._step, ended), snapshots.take(self._module), last=True)
        self.flush()
        self._out.close()
        self._complain()
        if self._out.complete:  # what failed at first has been written since
            self._missing = [sentence for sentence in self._missing if not sentence.startswith(LINES)]
        self._ended = time.perf_counter()
        self._closed = True
        self._recording_seconds += self._ended - start
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        if not self._idle():
            self._finish(last=self._unchanged())


def is_first() -> bool:
    """Whether this process writes: the only one, or rank 0 of several."""
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized() and distributed.get_rank() != 0)


def check(keep: int | None, probe_every: int | None) -> None:
    for name, value, least in (("keep", keep, 2), ("probe_every", probe_every, 1)):
        if value is not None and value < least:
            raise RecorderError(f"{name} is {value}.", remedy=f"Give {least} or more, or leave it out.")


def affordable(size: int) -> int:
    """How many checkpoints of so many bytes are kept where the caller does not say."""
    return max(FEWEST, min(KEEP, KEEP_BYTES // max(size, 1)))
