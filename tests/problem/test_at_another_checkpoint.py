"""Another checkpoint of the same network, as if it had been opened by itself: the same answers under the same keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from landscape_gui.errors import ProblemError
from landscape_gui.problem import locate, open_problem
from landscape_gui.problem.families import mlp
from landscape_gui.samples import folder


@pytest.mark.parametrize(("sample", "other"), [("digits-mlp", "epoch-007"), ("digits-resnet", "epoch-005")])
def test_it_is_the_problem_that_opening_the_file_gives(sample: str, other: str) -> None:
    """Fingerprint, weights and BatchNorm's statistics, what is said of the checkpoint, and the loss, to the bit."""
    path = folder() / sample / f"{other}.safetensors"
    last = open_problem(f"samples:{sample}")
    there, opened = last.at(last.reference(path)), open_problem(path)
    assert there.fingerprint == opened.fingerprint != last.fingerprint
    assert torch.equal(there.state, opened.state) and not torch.equal(there.state, last.state)
    assert there.description == opened.description and there.splits == opened.splits
    assert there.objective(limit=50).loss() == opened.objective(limit=50).loss()
    assert there.at_checkpoint() == opened.at_checkpoint()
    assert last.at(last.reference(last.checkpoint.path)) is last


def test_the_weights_must_be_those_that_were_chosen(tmp_path: Path) -> None:
    last = open_problem("samples:digits-mlp")
    module: nn.Module = mlp.create([64, 32, 10])
    chosen = tmp_path / "other.pt"
    torch.save({name: tensor + 1 for name, tensor in last.module.state_dict().items()}, chosen)
    reference = last.reference(chosen)
    torch.save({name: tensor + 2 for name, tensor in last.module.state_dict().items()}, chosen)
    with pytest.raises(ProblemError, match="holds other weights"):
        last.at(reference)
    torch.save(module.state_dict(), chosen)
    with pytest.raises(ProblemError, match=r"other\.pt"):
        last.reference(chosen)


def test_a_network_that_looks_the_same_and_is_another_is_told_by_its_card(tmp_path: Path) -> None:
    """Shortcuts have no weights: only the card says that the twin has none. Without a card the tensors decide."""
    here = open_problem("samples:digits-resnet")
    twin = folder() / "digits-resnet-plain" / "epoch-045.safetensors"
    with pytest.raises(ProblemError, match=r"is another network: its card says ResNet-44.*no shortcuts"):
        here.reference(twin)
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(twin.read_bytes())
    assert here.reference(alone).digest


def test_a_checkpoints_weights_cost_no_look_at_all_that_lies_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's log may hold ten thousand lines; it was read when the run was opened."""
    last = open_problem("samples:digits-mlp")
    assert last.run is not None
    monkeypatch.setattr(locate, "find_run", lambda *_, **__: pytest.fail("the folder was read again"))
    references = [last.reference(entry.path) for entry in last.run.checkpoints[:3]]
    assert [reference.label for reference in references] == [entry.label for entry in last.run.checkpoints[:3]]
    assert not torch.equal(last.state_of(references[1]), last.state) and last.at(references[2]).checkpoint.epoch == 2
    assert last.training_at(references[0])["optimizer"]
