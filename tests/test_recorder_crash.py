"""A process that is killed, and a disk that is full: what was recorded stays whole, and training goes on."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.recorder import Recorder, RecorderWarning
from landscape_gui.recorder.log import rows_in
from landscape_gui.run import find_run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills and limits are POSIX's")


def in_another_process(function: Callable[..., None], *arguments: Any) -> Any:
    """A process that runs a function: forked, so that torch is there at once."""
    process = multiprocessing.get_context("fork").Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(100, 300), nn.Tanh(), nn.Linear(300, 10))


def train_on(folder: Path, resume: bool) -> None:
    """The first weights are 0.01 times the step."""
    model = net()
    rec = Recorder(folder, model, torch.optim.SGD(model.parameters(), lr=0.1), resume=resume)
    summary = rec.summary()
    assert summary is not None
    for step in range(summary.steps + 1, 1 << 40):
        with torch.no_grad():
            next(model.parameters()).fill_(0.01 * step)
        rec.step(loss=0.5)
        if step % 3 == 0:
            rec.epoch(test_loss=0.25)
        time.sleep(0.002)  # a step of training


def test_killed_at_any_moment_it_leaves_whole_files_and_goes_on(tmp_path: Path) -> None:
    folder, seen = tmp_path / "run", 0
    for attempt in range(4):
        process = in_another_process(train_on, folder, attempt > 0)
        while len(list(folder.glob("epoch-*.safetensors"))) < 3 or not list(rows_in(folder / "metrics.jsonl"))[seen + 1 :]:
            assert process.is_alive()
            time.sleep(0.001 * (attempt + 1))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        run = find_run(folder)
        assert run is not None and not run.notes
        for entry in run.checkpoints:
            weight = read_checkpoint(entry.path).tensors["0.weight"]
            assert entry.step == 0 or torch.equal(weight, torch.full_like(weight, 0.01 * (entry.step or 0)))
        steps = [row["step"] for row in rows_in(folder / "metrics.jsonl")]
        assert steps == sorted(steps) and len(steps) > seen
        seen = len(steps)
    Recorder(folder, net(), resume=True).close()
    assert not list(folder.glob(".*"))


def train_with_little_room(folder: Path, results: Any) -> None:
    """Files of more than 20 kB cannot be written until half of training is over."""
    import warnings

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    model = net()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rec = Recorder(folder, model, torch.optim.SGD(model.parameters(), lr=0.1))
        for step in range(1, 1201):
            rec.step(loss=float(step))
            if step == 600:
                rec.flush()
                while rec._out.writer._held:
                    time.sleep(0.01)
                rec.flush()
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        summary = rec.close()
    said = [str(w.message) for w in caught if issubclass(w.category, RecorderWarning)]
    results.put((said, str(summary), step))


def test_a_full_disk_is_said_and_training_goes_on(tmp_path: Path) -> None:
    """EFBIG stands for ENOSPC: both are an OSError of a write that was begun."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = in_another_process(train_with_little_room, tmp_path / "run", results)
    process.join(60)
    assert process.exitcode == 0
    said, summary, step = results.get()
    assert step == 1200
    assert len(said) == 1 and "could not be written: File too large. Training goes on." in said[0]
    assert "step-00000016.safetensors could not be written: File too large." in summary and "Lines of the log" not in summary
    run = find_run(tmp_path / "run")
    assert run is not None and not run.notes
    assert [entry.step for entry in run.checkpoints][-1] == 1200
    assert all((entry.step or 0) > 600 for entry in run.checkpoints)
    assert [row["step"] for row in rows_in(tmp_path / "run" / "metrics.jsonl")] == list(range(1201))
    assert not list((tmp_path / "run").glob(".*"))


def test_a_reader_never_sees_half_a_line_or_half_a_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = in_another_process(train_on, folder, False)
    lines = 0
    while lines < 200:
        assert process.is_alive()
        found = list(rows_in(folder / "metrics.jsonl"))
        assert [row["step"] for row in found] == sorted(row["step"] for row in found)
        assert all("loss" in row or "epoch" in row for row in found)
        for place in folder.glob("*.safetensors"):
            try:
                content = place.read_bytes()
            except FileNotFoundError:  # thinned since it was listed, or called by its epoch's name by now
                continue
            length = int.from_bytes(content[:8], "little")
            assert len(content) == 8 + length + 4 * (100 * 300 + 300 + 3000 + 10)
        lines = len(found)
    os.kill(process.pid, signal.SIGKILL)
    process.join()


LOOP = """
import sys, torch
from landscape_gui.recorder import Recorder
model = torch.nn.Linear(2, 1)
rec = Recorder(sys.argv[1], model, keep=2)
for step in range(9):
    with torch.no_grad():
        model.weight.fill_(step + 1.0)
    rec.step(loss=1.0)
if sys.argv[2] == "changed":
    model.load_state_dict({name: tensor * 0 for name, tensor in model.state_dict().items()})
"""


@pytest.mark.parametrize("after", ["as it was", "changed"])
def test_a_script_that_never_closes_its_recorder_ends_with_the_last_step(tmp_path: Path, after: str) -> None:
    """But not with weights that were loaded into the network after it."""
    subprocess.run([sys.executable, "-c", LOOP, str(tmp_path / "a"), after], check=True)
    run = find_run(tmp_path / "a")
    assert run is not None
    assert [entry.step for entry in run.checkpoints] == ([0, 1, 9] if after == "as it was" else [0, 1])
    assert [row["step"] for row in rows_in(tmp_path / "a" / "metrics.jsonl")] == list(range(10))
    if after == "as it was":
        assert read_checkpoint(run.last.path).tensors["weight"].tolist() == [[9.0, 9.0]]
