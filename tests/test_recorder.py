"""A recorder in someone's training loop: what it writes, and that training does not notice it."""

from __future__ import annotations

import json
import math
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.errors import RecorderError
from landscape_gui.problem.card import read_card
from landscape_gui.recorder import PROBES, Recorder, RecorderWarning
from landscape_gui.recorder.log import rows_in
from landscape_gui.run import find_run


def examples(count: int = 96) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(count, 1, 8, 8, generator=generator), torch.randint(0, 4, (count,), generator=generator)


def small_net() -> nn.Module:
    """Convolution, BatchNorm, dropout and a Linear layer."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(144, 4)
    )  # fmt: skip


def plain_net() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.Tanh(), nn.Linear(12, 4))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, rec: Recorder | None = None, *, epochs: int = 3) -> list[float]:
    """Plain training; the losses of all steps."""
    x, y = examples()
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(16):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if rec is not None:
                rec.step(loss=loss)
        if rec is not None:
            rec.epoch(test_loss=0.5, test_accuracy=0.75)
    return losses


def rows(folder: Path) -> list[dict[str, Any]]:
    return list(rows_in(folder / "metrics.jsonl"))


def everything(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[bytes]:
    """Weights, statistics, gradients, the optimiser's state, modes and the global random generators, to the bit."""
    for tensor in (*model.state_dict().values(), *(p.grad for p in model.parameters() if p.grad is not None)):
        yield tensor.numpy().tobytes()
    for state in optimizer.state_dict()["state"].values():
        yield from (value.numpy().tobytes() for value in state.values() if isinstance(value, Tensor))
    yield repr([part.training for part in model.modules()]).encode()
    yield torch.get_rng_state().numpy().tobytes() + repr((random.getstate(), np.random.get_state())).encode()


@pytest.mark.parametrize("make", [small_net, plain_net])
def test_training_is_the_same_to_the_bit_with_a_recorder_and_all_its_probes(tmp_path: Path, make: Any) -> None:
    left = []
    for recorded in (False, True):
        model = make()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        random.seed(1)
        np.random.seed(1)
        rec = Recorder(tmp_path / "run", model, optimizer, probes=PROBES, probe_every=5, data=examples()) if recorded else None
        train(model, optimizer, rec)
        left.append((list(everything(model, optimizer)), rec))
    assert left[0][0] == left[1][0]
    assert left[1][1] is not None and left[1][1].close().probes == 1 + 18 // 5
    assert all(math.isfinite(row[name]) for row in rows(tmp_path / "run") if "lambda_max" in row for name in PROBES)


def test_a_run_lists_with_its_epochs_and_steps_and_their_rows(tmp_path: Path) -> None:
    model = plain_net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recorder(tmp_path / "a", model, optimizer) as rec:
        losses = train(model, optimizer, rec)
    run = find_run(tmp_path / "a")
    assert run is not None and not run.notes
    assert [entry.step for entry in run.checkpoints] == [*range(9), 10, 12, 14, 16, 18]
    assert [entry.label for entry in run.checkpoints][5:8] == ["step 5", "epoch 1", "step 7"]
    assert [e.epoch for e in run.checkpoints if e.epoch is not None] == [0, 1, 2, 3]
    assert run.logged(run.checkpoints[4])["loss"] == pytest.approx(losses[3], rel=1e-6)
    last = run.logged(run.last)
    assert last["train_loss"] == pytest.approx(np.mean(losses[12:]), rel=1e-6) and last["test_accuracy"] == 0.75
    assert last["lr"] == 0.1


def test_every_checkpoint_holds_the_weights_of_its_step(tmp_path: Path) -> None:
    model = small_net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    kept: dict[int, dict[str, Tensor]] = {}
    with Recorder(tmp_path / "a", model, optimizer) as rec:
        x, y = examples(32)
        for step in range(1, 60):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            rec.step()
            kept[step] = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run = find_run(tmp_path / "a")
    assert run is not None and run.last.step == 59
    for entry in run.checkpoints[1:]:
        assert entry.step is not None
        found = read_checkpoint(entry.path).tensors
        assert set(found) == set(kept[entry.step])
        assert all(torch.equal(found[name], tensor) for name, tensor in kept[entry.step].items())


def test_no_more_than_are_kept_and_the_last_one(tmp_path: Path) -> None:
    model = plain_net()
    with Recorder(tmp_path / "a", model, keep=6) as rec:
        for _ in range(333):
            rec.step()
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == [0, 1, 4, 16, 64, 256, 333]


def test_the_last_checkpoint_is_that_of_an_epochs_end_where_it_is_one(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a", plain_net(), keep=6) as rec:
        for _ in range(37):
            rec.step()
            rec.epoch()
    run = find_run(tmp_path / "a")
    assert run is not None and run.last.label == "epoch 37" and run.logged(run.last)["epoch"] == 37


def test_a_folder_that_holds_a_run_is_left_alone(tmp_path: Path) -> None:
    model = plain_net()
    with Recorder(tmp_path / "a", model) as rec:
        rec.step(loss=1.0)
    before = {place.name: place.read_bytes() for place in (tmp_path / "a").iterdir()}
    with pytest.raises(RecorderError, match="already holds a recorded run") as caught:
        Recorder(tmp_path / "a", model)
    assert "resume=True" in caught.value.remedy
    assert {place.name: place.read_bytes() for place in (tmp_path / "a").iterdir()} == before


def test_a_run_goes_on_where_it_was_left(tmp_path: Path) -> None:
    model = plain_net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recorder(tmp_path / "a", model, optimizer) as rec:
        train(model, optimizer, rec, epochs=2)
    with (tmp_path / "a" / "metrics.jsonl").open("a") as log:
        log.write('{"step": 13, "lo')  # torn by a crash
    (tmp_path / "a" / ".step-00000013.safetensors.recorder-tmp").write_bytes(b"half")
    start = torch.cat([p.detach().reshape(-1) for p in plain_net().parameters()])
    with Recorder(tmp_path / "a", model, optimizer, resume=True, probes=("distance",)) as rec:
        train(model, optimizer, rec, epochs=1)
    run = find_run(tmp_path / "a")
    assert run is not None
    assert [entry.epoch for entry in run.checkpoints if entry.epoch is not None] == [0, 1, 2, 3]
    assert run.last.step == 18
    found = rows(tmp_path / "a")
    assert [row["step"] for row in found if "epoch" not in row] == list(range(1, 19))
    assert [row["seconds"] for row in found] == sorted(row["seconds"] for row in found)
    here = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    assert found[-1]["distance"] == pytest.approx(float((here - start).norm()), rel=1e-5)
    assert not list((tmp_path / "a").glob(".*"))


def test_going_back_to_an_earlier_step_sets_aside_what_came_later(tmp_path: Path) -> None:
    model = plain_net()
    with Recorder(tmp_path / "a", model) as rec:
        for step in range(1, 21):
            rec.step(loss=float(step))
    with Recorder(tmp_path / "a", model, resume=True, at_step=12) as rec:
        rec.step(loss=-1.0)
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == [*range(9), 10, 12, 13]
    assert run.logged(run.last)["loss"] == -1
    assert [row["step"] for row in rows(tmp_path / "a")] == list(range(14))
    aside = find_run(tmp_path / "a" / "abandoned-1")
    assert aside is not None and [entry.step for entry in aside.checkpoints] == [14, 16, 20]
    assert len(rows(tmp_path / "a" / "abandoned-1")) == 21


def test_rows_far_from_the_start_are_means_over_their_steps(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a", plain_net(), keep=2) as rec:
        for step in range(1, 4200):
            rec.step(loss=torch.tensor(float(step)), accuracy=0.5)
    found = rows(tmp_path / "a")[1:]
    assert [row["step"] for row in found[4094:4097]] == [4095, 4096, 4098]
    assert found[4096]["loss"] == (4097 + 4098) / 2 and found[-1] == {**found[-1], "step": 4199, "loss": 4199.0}


def test_values_that_are_not_finite_stay_and_are_read(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a", plain_net()) as rec:
        rec.step(loss=torch.tensor(math.nan))
        rec.step(loss=math.inf)
    run = find_run(tmp_path / "a")
    assert run is not None
    assert math.isnan(float(run.metrics[1]["loss"])) and run.metrics[2]["loss"] == math.inf


def test_learning_rates_of_groups_and_of_several_optimisers(tmp_path: Path) -> None:
    model = plain_net()
    first, last = model[1], model[3]  # type: ignore[index]
    one = torch.optim.AdamW([{"params": first.weight}, {"params": first.bias, "lr": 0.02}], lr=torch.tensor(0.25), weight_decay=0.1)
    other = torch.optim.SGD(last.parameters(), lr=0.5, momentum=0.8, nesterov=True)
    with Recorder(tmp_path / "a", model, {"body": one, "head": other}) as rec:
        rec.step(loss=1.0)
        other.param_groups[0]["lr"] = 0.125
        rec.step(loss=1.0)
    found = rows(tmp_path / "a")
    assert found[1]["lr_body"] == 0.25 and found[1]["lr_body_2"] == 0.02
    assert [row["lr_head"] for row in found] == [0.5, 0.5, 0.125]
    training = read_card(tmp_path / "a" / "landscape.json").training
    assert training["optimizer"] == "AdamW" and training["weight_decay"] == 0.1 and training["optimizers"] == ["AdamW", "SGD"]
    with Recorder(tmp_path / "b", model, other):
        pass
    known = read_card(tmp_path / "b" / "landscape.json").training
    assert (known["optimizer"], known["momentum"], known["nesterov"], known["lr"]) == ("SGD", 0.8, True, 0.125)


def test_weights_keep_their_own_names_in_wrappers(tmp_path: Path) -> None:
    model = plain_net()
    for name, wrapped in (("parallel", nn.DataParallel(model)), ("compiled", torch.compile(model, backend="eager"))):
        with Recorder(tmp_path / name, wrapped) as rec:  # type: ignore[arg-type]
            rec.step()
        run = find_run(tmp_path / name)
        assert run is not None
        assert set(read_checkpoint(run.last.path).tensors) == set(model.state_dict())


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_weights_keep_their_names_in_distributed_data_parallel(tmp_path: Path) -> None:
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(plain_net())
        optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
        with Recorder(tmp_path / "a", wrapped, optimizer, probes=("lambda_max",), data=examples()) as rec:
            train(wrapped, optimizer, rec, epochs=1)
    finally:
        torch.distributed.destroy_process_group()
    run = find_run(tmp_path / "a")
    assert run is not None and run.last.step == 6
    assert set(read_checkpoint(run.last.path).tensors) == set(plain_net().state_dict())
    assert rows(tmp_path / "a")[-1]["lambda_max"] > 0


def test_only_the_first_of_several_processes_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    rec = Recorder(tmp_path / "a", plain_net(), probes=("weight_norm",))
    rec.step(loss=1.0)
    rec.epoch(test_loss=1.0)
    assert rec.close() is None and rec.summary() is None and rec.probe() == {}
    assert not (tmp_path / "a").exists()


def test_the_folder_opens_as_a_problem_with_the_network_that_was_recognised(tmp_path: Path) -> None:
    from landscape_gui import open_problem

    x, y = examples()
    np.savez(tmp_path / "data.npz", x_train=x.numpy(), y_train=y.numpy())
    for name, make in (("conv", small_net), ("plain", plain_net)):
        model = make()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        with Recorder(tmp_path / name, model, optimizer, probes=("probe_loss",), data=(x, y), probe_examples=1000) as rec:
            train(model, optimizer, rec)
            rec.describe(data=str(tmp_path / "data.npz"), batch_size=16, title="Mine")
        problem = open_problem(tmp_path / name)
        model.eval()
        with torch.no_grad():
            expected = F.cross_entropy(model(x).double(), y).item()
        assert problem.at_checkpoint()["train_loss"] == pytest.approx(expected, rel=1e-5)
        assert problem.description["training"]["batch_size"] == 16 and problem.title == "Mine, epoch 3"
        assert rows(tmp_path / name)[-1]["probe_loss"] == pytest.approx(expected, rel=1e-5)


def test_a_card_of_the_callers_own_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "landscape.json").write_text('{"title": "by hand"}')
    with Recorder(tmp_path / "a", plain_net()) as rec:
        rec.describe(title="by machine")
    assert json.loads((tmp_path / "a" / "landscape.json").read_text()) == {"title": "by hand"}


def test_lazy_weights_are_recorded_from_the_first_step_on(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Recorder(tmp_path / "a", model) as rec:
            model(examples(4)[0])
            rec.step()
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == [1]


def test_weights_that_are_half_stepped_are_not_the_last_checkpoint(tmp_path: Path) -> None:
    model = plain_net()

    def interrupted() -> None:
        with Recorder(tmp_path / "a", model, keep=2) as rec:
            for _ in range(3):
                rec.step(loss=2.0)
            with torch.no_grad():
                next(model.parameters()).add_(1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == [0, 1]
    assert [row["step"] for row in rows(tmp_path / "a")] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"probes": ("sharpness",)}, "There is no probe 'sharpness'"),
        ({"probes": ("lambda_max",)}, "needs examples"),
        ({"keep": 1}, "keep is 1"),
        ({"probe_every": 0}, "probe_every is 0"),
        ({"optimizer": object()}, "no param_groups"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_training(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(RecorderError, match=words) as caught:
        Recorder(tmp_path / "a", plain_net(), **options)
    assert caught.value.remedy
    assert not (tmp_path / "a").exists()


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a", plain_net()) as rec, pytest.raises(RecorderError, match="loss is a str"):
        rec.step(loss="low")


def test_probes_that_fail_are_switched_off_and_training_goes_on(tmp_path: Path) -> None:
    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.bad = nn.Linear(64, 4), False

        def forward(self, x: Tensor) -> Tensor:
            if self.bad:
                raise RuntimeError("not today")
            return self.inner(x.flatten(1))

    model = Moody()
    with Recorder(tmp_path / "a", model, probes=("grad_norm",), probe_every=1, data=examples()) as rec:
        rec.step()
        rec._geometry._objective = None  # type: ignore[union-attr]
        model.bad = True
        with pytest.warns(RecorderWarning, match="switched off: RuntimeError: not today"):
            rec.step()
        rec.step()
        assert "not today" in str(rec.summary())
    assert [("grad_norm" in row) for row in rows(tmp_path / "a")] == [True, True, False, False]
