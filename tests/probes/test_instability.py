"""The barrier between two runs at each epoch, against networks run along the lines between their checkpoints."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_module
from torch import Tensor, nn

from landscape_gui.connection_results import InstabilityResult
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Line, Look
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes.base import CheckpointRef, Progress
from landscape_gui.probes.instability import Instability, run_names
from landscape_gui.store import Store

EPOCHS = (0, 2, 3, 5)
"""At which the second run has a checkpoint."""


class TwoRuns(TinyProblem):
    """A second run of the same network from the same start, that leaves the first one more and more."""

    def __post_init__(self) -> None:
        super().__post_init__()
        noise = torch.randn(self.layout.size, generator=torch.Generator().manual_seed(5))
        noise[self.layout.parameters :] = 0
        self.second = [state + 0.12 * k * noise for k, state in enumerate(self.every)]
        self.run.path, self.run.name = Path("runs/one"), "one"
        entries = tuple(SimpleNamespace(path=Path(f"other_{k}"), epoch=float(k), step=8 * k, label=f"epoch {k}") for k in EPOCHS)
        self.other_run: Any = SimpleNamespace(path=Path("runs/two"), name="two", checkpoints=entries)

    def run_at(self, path: str) -> Any:
        return self.other_run if str(path).startswith("other") else self.run

    def reference(self, path: str) -> CheckpointRef:
        k = int(str(path).rsplit("_", 1)[1])
        if not str(path).startswith("other") or k == 0:
            return CheckpointRef(str(path), digest=f"{k:032x}", label=f"epoch {k}")
        return CheckpointRef(str(path), digest=f"{100 + k:032x}", label=f"two/epoch-{k}.pt")

    def state_of(self, reference: CheckpointRef) -> Tensor:
        place = int(reference.digest, 16)
        return self.second[place - 100] if place >= 100 else super().state_of(reference)

    def at(self, reference: CheckpointRef) -> TinyProblem:
        place = int(reference.digest, 16)
        if place < 100:
            return super().at(reference)
        other = copy.copy(self)
        other.states = [self.second[place - 100]]
        other.checkpoint = SimpleNamespace(path=Path(reference.path), digest=reference.digest)
        other.fingerprint, other.title = f"{self.fingerprint}-{place}", reference.label
        return other


def asked(problem: TwoRuns, **fields: Any) -> Instability:
    return Instability(towards=problem.reference("other_5"), points=9, **fields)


def answered(problem: TwoRuns, store: Store | None = None, **fields: Any) -> InstabilityResult:
    found = answer(asked(problem, **fields), problem, store=store)  # type: ignore[arg-type]
    assert isinstance(found, InstabilityResult)
    return found


def measured(problem: TinyProblem, state: Tensor, split: str) -> tuple[float, float]:
    """Loss and error rate of the network itself."""
    module, part = make_module(problem.kind).eval(), problem.part(split)
    module.load_state_dict(problem.layout.unflatten(state), strict=False)
    with torch.no_grad():
        output = module(part.inputs)
    loss = float(nn.functional.cross_entropy(output.double(), part.targets))
    return loss, float((output.argmax(1) != part.targets).double().mean())


@pytest.mark.parametrize("split", ["train", "test"])
def test_barriers_are_those_of_the_networks_between_the_checkpoints(split: str) -> None:
    problem = TwoRuns()
    found = answered(problem, split=split)
    assert found.epochs.tolist() == list(EPOCHS)
    for k, epoch in enumerate(EPOCHS):
        a, b = problem.every[epoch], problem.second[epoch]
        line = np.array([measured(problem, torch.lerp(a, b, float(s)), split) for s in np.linspace(0, 1, 9)])
        mean = (line[0] + line[-1]) / 2
        assert found.barriers[k] == pytest.approx(line[:, 0].max() - mean[0], abs=2e-6)
        assert found.error_barriers[k] == pytest.approx(line[:, 1].max() - mean[1], abs=1e-9)
        assert found.first_losses[k] == pytest.approx(line[0, 0], rel=1e-5)
        assert found.second_losses[k] == pytest.approx(line[-1, 0], rel=1e-5)
        assert found.distances[k] == pytest.approx(float((b - a).double().norm()), rel=1e-5, abs=1e-12)
    assert found.barriers[-1] > 0.05
    assert (found.standard_errors[1:] > 0).all()
    assert found.names == ("one", "two")
    assert np.array_equal(found.barriers, found.quantities[f"{split}_loss_above_mean"].values)


def test_at_a_common_start_nothing_stands_between_them() -> None:
    found = answered(TwoRuns())
    assert found.barriers[0] == found.error_barriers[0] == found.distances[0] == found.standard_errors[0] == 0
    assert found.notes == ("Both runs have the same weights at epoch 0.",)
    assert all(q.values[0] == 0 for q in found.quantities.values())


def test_another_definition() -> None:
    mean, line = answered(TwoRuns()), answered(TwoRuns(), definition="above_line")
    assert line.definition == "above_line"
    assert np.array_equal(line.barriers, mean.quantities["train_loss_above_line"].values)
    assert (line.barriers <= mean.barriers + 1e-12).all()


def test_epochs_come_in_one_by_one_and_what_was_cancelled_is_gone_on_from(tmp_path: Path) -> None:
    made: list[object] = []
    problem, store = TwoRuns(broken=made.append), Store(tmp_path)
    partials: list[InstabilityResult] = []

    def see(progress: Progress) -> None:
        if isinstance(progress.partial, InstabilityResult):
            partials.append(progress.partial)

    with pytest.raises(Cancelled):
        answer(asked(problem), problem, store=store, on_progress=see, cancelled=lambda: len(partials) >= 1)  # type: ignore[arg-type]
    assert np.isnan(partials[-1].barriers[-1])
    assert not partials[-1].complete
    before = len(made)
    resumed = answered(problem, store)
    fresh: list[object] = []
    whole = answered(TwoRuns(broken=fresh.append))
    assert resumed.complete
    assert np.array_equal(resumed.barriers, whole.barriers)
    assert len(made) - before < len(fresh)


def test_steps_count_where_epochs_are_not_known() -> None:
    problem = TwoRuns()
    for run in (problem.run, problem.other_run):
        for entry in run.checkpoints:
            entry.step, entry.epoch = int(8 * entry.epoch), None
    found = answered(problem)
    assert found.unit == "step"
    assert found.epochs.tolist() == [0, 16, 24, 40]


def test_runs_that_do_not_fit_get_a_sentence() -> None:
    problem = TwoRuns()
    with pytest.raises(QuestionError, match="Both checkpoints are of the run one"):
        answer(Instability(towards=problem.reference("epoch_1")), problem)  # type: ignore[arg-type]
    with pytest.raises(QuestionError, match="which other run"):
        answer(Instability(), problem)  # type: ignore[arg-type]
    for entry in problem.other_run.checkpoints:
        entry.epoch, entry.step, entry.label = entry.epoch + 0.5, None, f"epoch {entry.epoch + 0.5:g}"
    with pytest.raises(QuestionError, match=r"no epoch in common: one has epoch 0, .* two has epoch 0\.5, epoch 2\.5"):
        answered(problem)
    problem.other_run = None
    with pytest.raises(QuestionError, match="belongs to no run"):
        answered(problem)


def test_runs_of_one_name_are_told_apart_by_their_folders() -> None:
    runs: Any = [SimpleNamespace(path=Path(f"/a/{name}/checkpoints"), name="checkpoints") for name in ("one", "two")]
    assert run_names(*runs) == ("one/checkpoints", "two/checkpoints")


def test_the_chart_has_a_line_a_split_and_the_limit_of_stability() -> None:
    problem = TwoRuns()
    found = answered(problem)
    figure = asked(problem).figure(found, Look())
    loss, error = figure.panels
    lines = {m.label: m for m in loss.marks if isinstance(m, Line)}
    assert np.array_equal(lines["training data"].y, found.barriers)
    assert np.array_equal(lines["test data"].y, found.quantities["test_loss_above_mean"].values)
    (limit,) = (m for m in error.marks if isinstance(m, Line) and "stable" in m.label)
    assert limit.y.tolist() == [0.02, 0.02]
    other = asked(problem).figure(found, Look(quantity="test_error_above_line"))
    assert not any(isinstance(m, Line) and "stable" in m.label for m in other.panels[0].marks)
    assert "line" not in other.panels[0].y.label
    assert "interpolation" in other.panels[0].title
    told = dict(figure.facts)
    assert told["Runs"] == "one and two"
    assert told["Epochs"] == "0, 2, 3, 5"
    assert "same weights at epoch 0" in figure.caption
    assert "Frankle et al. 2020" in figure.caption


def test_two_real_runs_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from landscape_gui.cli import main

    target = tmp_path / "i.json"
    assert main(["instability", "samples:digits-seed-a", "samples:digits-seed-b", "--points", "5", "-o", str(target)]) == 0
    found = json.loads(target.read_text())
    assert found["epochs"] == [0, 25]
    assert found["names"] == ["digits-seed-a", "digits-seed-b"]
    assert found["barriers"][0] < 0.1 < 1 < found["barriers"][1]
    assert main(["instability", "samples:digits-seed-a", "samples:digits-mlp"]) == 1
    assert "does not fit" in capsys.readouterr().err
