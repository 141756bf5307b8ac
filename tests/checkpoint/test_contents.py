"""Which weights are taken from a file that holds several things, under which names, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.checkpoint.contents import ORDER
from landscape_gui.errors import CheckpointError


def weights(fill: float = 0.0, prefix: str = "") -> dict[str, torch.Tensor]:
    return {f"{prefix}0.weight": torch.full((2, 3), fill), f"{prefix}0.bias": torch.full((2,), fill)}


def opened(tmp_path: Path, value: Any, group: str = "") -> Any:
    torch.save(value, tmp_path / "a.pt")
    return read_checkpoint(tmp_path / "a.pt", group=group)


@pytest.mark.parametrize("key", ORDER)
def test_known_names(tmp_path: Path, key: str) -> None:
    checkpoint = opened(tmp_path, {"epoch": 2, key: weights(1), "optimizer": {"state": {0: weights()}, "param_groups": []}})
    assert checkpoint.groups == (key,)
    assert list(checkpoint.tensors) == ["0.weight", "0.bias"]
    assert any(f"'{key}'" in note for note in checkpoint.notes)


def test_plain_state_dictionary_has_no_notes(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, weights())
    assert checkpoint.notes == ()
    assert checkpoint.groups == ("",)


def test_several_groups(tmp_path: Path) -> None:
    saved = {"ema": weights(2), "state_dict": weights(1), "discriminator": weights(3), "optim_d": {"exp_avg": weights(4)}}
    checkpoint = opened(tmp_path, saved)
    assert checkpoint.groups == ("state_dict", "ema", "discriminator")
    assert checkpoint.tensors["0.bias"][0] == 1
    assert "'ema'" in checkpoint.notes[0]
    assert "'discriminator'" in checkpoint.notes[0]
    assert opened(tmp_path, saved, "discriminator").tensors["0.bias"][0] == 3
    with pytest.raises(CheckpointError, match=r"no group 'generator'.*'ema'"):
        opened(tmp_path, saved, "generator")


def test_wrapped_twice(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, {"checkpoint": {"model": {"state_dict": weights()}, "epoch": 3}})
    assert checkpoint.groups == ("checkpoint.model.state_dict",)
    assert checkpoint.metadata["checkpoint.epoch"] == 3


def test_random_states_are_not_weights(tmp_path: Path) -> None:
    states = {"torch": torch.get_rng_state(), "cuda": [torch.zeros(16, dtype=torch.uint8)]}
    checkpoint = opened(tmp_path, {"states": states, "weights": weights()})
    assert checkpoint.notes == ("Weights taken from 'weights' of the file.",)


def test_pieces_of_sharded_training_are_refused(tmp_path: Path) -> None:
    """What one device of FSDP has: all its weights in a row, which no architecture takes."""
    for name in ("_fsdp_wrapped_module._flat_param", "block.flat_param_0"):
        with pytest.raises(CheckpointError, match=r"a piece of all weights in a row"):
            opened(tmp_path, {"model": {name: torch.ones(100)}})


def test_optimisers_are_not_weights(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    for name in ("optimizer", "optimizer_state_dict", "optimizers", "opt", "anything"):
        with pytest.raises(CheckpointError, match="no network's weights"):
            opened(tmp_path, {name: optimiser.state_dict(), "epoch": 1, "rng_state": {"torch": torch.get_rng_state()}})


def test_nested_parameters_are_joined(tmp_path: Path) -> None:
    """As functional code keeps them: a dictionary a layer."""
    saved = {"layer1": {"weight": torch.ones(2, 2), "bias": torch.ones(2)}, "layer2": {"weight": torch.ones(1, 2)}}
    assert list(opened(tmp_path, saved).tensors) == ["layer1.weight", "layer1.bias", "layer2.weight"]


def test_two_networks_are_not_joined(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, {"actor": weights(1), "critic": weights(2)})
    assert checkpoint.groups == ("actor", "critic")
    assert list(checkpoint.tensors) == ["0.weight", "0.bias"]


def test_lists_of_parameters(tmp_path: Path) -> None:
    assert list(opened(tmp_path, [torch.ones(2), torch.ones(3)]).tensors) == ["0", "1"]


@pytest.mark.parametrize(
    ("prefix", "clean"),
    [
        ("module.", ""),
        ("_orig_mod.", ""),
        ("module._orig_mod.", ""),
        ("_orig_mod.module.", ""),
        ("module.module.", ""),
        ("block._orig_mod.inner.", "block.inner."),
        ("module.block._orig_mod.", "block."),
        ("_fsdp_wrapped_module.", ""),
        ("block._checkpoint_wrapped_module.", "block."),
        ("features.module.", "features."),
        ("module.features.module.", "features."),
        ("a.module.b.module.", "a.b."),
        ("_fpw_module.block.", "block."),
        ("_forward_module.", ""),
        ("block._forward_module._orig_mod.", "block."),
        ("_orig_mod._orig_mod.", ""),
        ("a._orig_mod._orig_mod._orig_mod.", "a."),
        ("ema_model.", ""),
        ("model_ema.module.", ""),
        ("ema.", ""),
        ("ema_model.module._orig_mod.block.", "block."),
        ("modules.", "modules."),
    ],
)
def test_prefixes(tmp_path: Path, prefix: str, clean: str) -> None:
    checkpoint = opened(tmp_path, weights(prefix=prefix))
    assert list(checkpoint.tensors) == [f"{clean}0.weight", f"{clean}0.bias"]
    assert checkpoint.stored_names == {f"{clean}0.{name}": f"{prefix}0.{name}" for name in ("weight", "bias")}
    assert bool(checkpoint.notes) == (prefix != clean)


def test_a_prefix_that_only_some_carry_stays(tmp_path: Path) -> None:
    names = {"module.a": torch.ones(1, 1), "b": torch.ones(1, 1)}
    assert list(opened(tmp_path, names).tensors) == ["module.a", "b"]


def test_a_prefix_whose_loss_would_merge_names_stays(tmp_path: Path) -> None:
    names = {"_orig_mod.a": torch.ones(1, 1), "a": torch.ones(1, 1)}
    assert list(opened(tmp_path, names).tensors) == ["_orig_mod.a", "a"]


def test_a_layer_called_module_beside_others_stays(tmp_path: Path) -> None:
    names = {"a.module.w": torch.ones(1, 1), "a.other.w": torch.ones(1, 1), "b.module": torch.ones(1, 1)}
    assert list(opened(tmp_path, names).tensors) == list(names)


def test_an_average_beside_the_trained_network(tmp_path: Path) -> None:
    """As ema-pytorch saves both, with two counters."""
    saved = {"initted": torch.tensor(True), "step": torch.tensor(30), **weights(1, "online_model."), **weights(2, "ema_model.")}
    checkpoint = opened(tmp_path, saved)
    assert checkpoint.groups == ("online_model", "ema_model")
    assert list(checkpoint.tensors) == ["0.weight", "0.bias"]
    assert checkpoint.tensors["0.bias"][0] == 1
    assert opened(tmp_path, saved, "ema_model").tensors["0.bias"][0] == 2
    only = opened(tmp_path, {name: tensor for name, tensor in saved.items() if not name.startswith("online")})
    assert list(only.tensors) == ["0.weight", "0.bias"]
    assert any("initted, step left out" in note for note in only.notes)


def test_averaged_model(tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(3, 2))
    checkpoint = opened(tmp_path, averaged.state_dict())
    assert list(checkpoint.tensors) == ["weight", "bias"]
    assert any("n_averaged" in note for note in checkpoint.notes)


def test_names_may_hold_anything(tmp_path: Path) -> None:
    names = {"<b>x</b>\n": torch.ones(1, 2), "a/b": torch.ones(1, 2), "Gewicht-β": torch.ones(1, 2), "": torch.ones(1, 2)}
    assert list(opened(tmp_path, names).tensors) == list(names)


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ({}, "an empty dictionary"),
        ({"epoch": 3, "lr": 0.1}, "only 'epoch', 'lr'"),
        (torch.ones(3), "a single tensor"),
        (3, "only a number"),
        ("text", "only a text"),
        (None, "only None"),
        ({"w" * 2000: torch.ones(2, 2)}, "too long|more than"),
    ],
)
def test_no_weights(tmp_path: Path, value: Any, pattern: str) -> None:
    with pytest.raises(CheckpointError, match=pattern):
        opened(tmp_path, value)


def test_a_best_accuracy_kept_as_tensor_is_no_group(tmp_path: Path) -> None:
    """torch's ImageNet example saves `best_acc1` as a tensor of one element beside the weights."""
    checkpoint = opened(tmp_path, {"best_acc1": torch.tensor(76.1), "state_dict": weights(), "arch": "resnet18"})
    assert checkpoint.groups[0] == "state_dict"
    assert checkpoint.metadata["best_acc1"] == pytest.approx(76.1, abs=1e-5)  # float32 in the file
    assert checkpoint.notes == ("Weights taken from 'state_dict' of the file.",)


def test_extra_state_and_settings(tmp_path: Path) -> None:
    saved = {
        "state_dict": {**weights(), "head._extra_state": {"scale": 2}},
        "hyper_parameters": {"lr": 0.1, "nested": {"depth": 20}},
    }
    checkpoint = opened(tmp_path, saved)
    assert list(checkpoint.tensors) == ["0.weight", "0.bias"]
    assert checkpoint.metadata == {"hyper_parameters.lr": 0.1, "hyper_parameters.nested.depth": 20}


@pytest.mark.parametrize(
    ("value", "words"),
    [(b"cos\nsystem\n", r"the name of a class or function \('os.system'\)"), (b"K\x01Q", "a reference to something outside"),
     (b"\x88", "a truth value"), (b"K\x01", "a number"), (b"X\1\0\0\0a", "a text"), (b"N", "only None")],
)  # fmt: skip
def test_what_is_no_dictionary_is_named_in_words(tmp_path: Path, value: bytes, words: str) -> None:
    (tmp_path / "a.pt").write_bytes(b"\x80\x02" + value + b".")
    with pytest.raises(CheckpointError, match=f"it holds no weights.*{words}"):
        read_checkpoint(tmp_path / "a.pt")


CUT = f"({', '.join(map(str, range(16)))}, ...)"
KEYS: list[tuple[dict[Any, Any], dict[str, float], str]] = [
    (
        {("encoder", 0): 1, ("encoder", 1): 2, ("decoder", ("x", None)): 3},
        {"('encoder', 0)": 1, "('encoder', 1)": 2, "('decoder', ('x', None))": 3},
        "('encoder', 0)' and 2 more",
    ),
    ({0: 1, "0": 2, 1: 3}, {"0 (number)": 1, "0": 2, "1": 3}, "'0 (number)'"),
    (
        {1.5: 1, "1.5": 2, (1,): 3, "(1,)": 4},
        {"1.5 (number)": 1, "1.5": 2, "(1,) (tuple)": 3, "(1,)": 4},
        "'1.5 (number)' and 1 more",
    ),
    ({("a", 0): {"w": 1}, ("a", 1): {"w": 2}}, {"('a', 0).w": 1, "('a', 1).w": 2}, "('a', 0).w' and 1 more"),
    ({0: {"w": 1}, "0": {"w": 2}}, {"0 (number).w": 1, "0.w": 2}, "'0 (number).w'"),
    ({"a": {"b": {"c": 1}}, "a.b": {"c": 2}}, {"a.b.c": 1, "a.b.c (2)": 2}, "'a.b.c (2)'"),
    ({tuple(range(40)): 1, (*range(39), 7): 2}, {CUT: 1, f"{CUT} (tuple)": 2}, "and 1 more"),
    ({0: 1, 1: 2}, {"0": 1, "1": 2}, ""),
]
"""Tensors that hold these numbers -> what they are called; what a note says of it."""


@pytest.mark.parametrize(("content", "names", "words"), KEYS, ids=lambda value: str(value)[:24])
def test_keys_that_are_no_text_have_names_of_their_own(content: Any, names: Any, words: str, tmp_path: Path) -> None:
    def filled(value: Any) -> Any:
        return {key: filled(item) for key, item in value.items()} if isinstance(value, dict) else torch.full((2,), float(value))

    torch.save(filled(content), tmp_path / "net.pt")
    found = read_checkpoint(tmp_path / "net.pt")
    assert {name: float(tensor[0]) for name, tensor in found.tensors.items()} == names
    assert all(type(name) is str for name in (*found.tensors, *found.groups))
    notes = [note for note in found.notes if "written out" in note]
    assert words in notes[0] if words else not notes
    save_file(dict(found.tensors), tmp_path / "net.safetensors")
    assert read_checkpoint(tmp_path / "net.safetensors").digest == found.digest
