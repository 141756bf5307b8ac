"""Folders of the transformers library: loss and derivatives against its own, weights by our reader, no code, no network."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("transformers", reason="the extra hf is not installed")

from small_transformers import PLACES, VOCABULARY, bert, edit, gpt2, library, llama, reference, resnet, save, tokens, vit

from landscape_gui.core.curvature import Hessian
from landscape_gui.data_choice import DataNeeded
from landscape_gui.errors import LandscapeError, ProblemError, TrustNeeded
from landscape_gui.problem import Problem, open_problem
from landscape_gui.problem.huggingface import quietly

MAKERS = {"gpt2": gpt2, "llama": llama, "bert": bert, "vit": vit, "resnet": resnet}
LANGUAGE = ("gpt2", "llama")


def opened(name: str, folder: Path, **options: Any) -> Problem:
    """A small network of this kind with data of random tokens, texts' ids or images."""
    save(MAKERS[name], folder / name, **options)
    return open_problem(folder / name, data=str(data_for(name, folder)))


def data_for(name: str, folder: Path) -> Path:
    if name in LANGUAGE:
        return tokens(folder / "data.bin")
    generator = torch.Generator().manual_seed(1)
    y = torch.randint(0, 3, (24,), generator=generator)
    x = (
        torch.randint(1, VOCABULARY, (24, 9), generator=generator)
        if name == "bert"
        else torch.randn(24, 3, 8, 8, generator=generator)
    )
    np.savez(folder / "data.npz", x=x.numpy(), y=y.numpy())
    return folder / "data.npz"


def data_of(problem: Problem) -> tuple[Tensor, Tensor]:
    split = problem._parts.splits[0]
    return split.inputs, split.targets


def finish(steps: Generator[float, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def message(folder: Path, **options: Any) -> str:
    with pytest.raises(ProblemError) as found:
        open_problem(folder, **options)
    return str(found.value)


@pytest.mark.parametrize("name", MAKERS)
def test_the_loss_is_what_transformers_computes_when_labels_are_given(name: str, tmp_path: Path) -> None:
    problem = opened(name, tmp_path)
    x, y = data_of(problem)
    if name in LANGUAGE:  # the library shifts labels itself: each block by its own, without the token that follows it
        x, y = x[:, : PLACES // 2], x[:, : PLACES // 2]
        with torch.no_grad():
            rows = problem._parts.head.function(problem.module(x[:, :-1]), y[:, 1:])
        found, inputs = float(rows.double().mean()), {"input_ids": x}
    else:
        found = problem.at_checkpoint()["data_loss"]
        inputs = {"input_ids": x} if name == "bert" else {"pixel_values": x.double()}
    assert found == pytest.approx(reference(tmp_path / name, inputs, y), rel=2e-6)
    assert abs(found - math.log(3)) > 0.01


@pytest.mark.parametrize("name", LANGUAGE)
def test_perplexity_stands_beside_the_mean_loss_of_all_tokens(name: str, tmp_path: Path) -> None:
    problem = opened(name, tmp_path)
    values = problem.at_checkpoint()
    x, y = data_of(problem)
    with torch.no_grad():
        logits = problem.module(x).movedim(1, -1).double()
    loss = float(torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), y.reshape(-1)))
    assert values["data_loss"] == pytest.approx(loss, rel=1e-6)
    assert values["data_perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
    assert (problem.metrics, problem.classes, problem.loss_unit) == (("accuracy", "perplexity"), None, "nat")


@pytest.mark.parametrize("name", MAKERS)
def test_products_with_the_hessian_are_those_of_transformers_own_loss(name: str, tmp_path: Path) -> None:
    """Differentiated twice through the library's model in float64, loaded by the library."""
    problem = opened(name, tmp_path)
    objective = problem.objective(precision="float64")
    x, y = data_of(problem)
    t = library()
    kind = getattr(t, json.loads((tmp_path / name / "config.json").read_text())["architectures"][0])
    module = kind.from_pretrained(tmp_path / name, attn_implementation="eager").double().eval()
    own = dict(module.named_parameters())
    leaves = [own[segment.name] for segment in objective.segments]
    assert len(leaves) == len(own)
    logits = module(x if not x.is_floating_point() else x.double()).logits
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))
    gradient = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, leaves, create_graph=True)])
    vector = torch.randn(objective.size, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    product = torch.cat([h.reshape(-1) for h in torch.autograd.grad(gradient @ vector, leaves)])
    tolerance = 1e-9 if name != "llama" else 1e-5  # it computes its softmax and its norms in float32, in whatever precision
    found = Hessian(objective).apply(vector[None])[0]
    assert float((objective.gradient() - gradient.detach()).norm() / gradient.detach().norm()) < tolerance
    assert float((found - product).norm() / product.norm()) < tolerance


def test_the_second_derivative_is_that_of_the_loss_along_a_line(tmp_path: Path) -> None:
    """Tied weights move as one: finite differences of the loss itself, in float64."""
    problem = opened("gpt2", tmp_path)
    objective = problem.objective(precision="float64")
    vector = torch.randn(objective.size, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    step = 1e-4
    ends = [objective.loss(objective.origin + sign * step * vector) for sign in (1, 0, -1)]
    second = (ends[0] - 2 * ends[1] + ends[2]) / step**2
    assert float(vector @ Hessian(objective).apply(vector[None])[0]) == pytest.approx(second, rel=1e-4)


def test_tied_weights_are_one_and_those_that_the_file_holds_apart_are_two(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    data = str(tokens(tmp_path / "data.bin"))
    tied = open_problem(folder, data=data)
    names = [segment.name for segment in tied.layout.segments]
    assert "transformer.wte.weight" in names and "lm_head.weight" not in names
    weights = {**tied.checkpoint.tensors, "lm_head.weight": tied.checkpoint.tensors["transformer.wte.weight"] + 1}
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    apart = open_problem(folder, data=data)
    assert apart.layout.size == tied.layout.size + VOCABULARY * 16


@pytest.mark.parametrize("name", ["gpt2", "vit", "resnet"])
def test_another_folder_of_the_same_network_is_the_other_end_of_a_path(name: str, tmp_path: Path) -> None:
    """Files of ViT keep older names than the network's own; the loss at t = 1 is that of the other folder opened by itself."""
    problem = opened(name, tmp_path)
    other = save(MAKERS[name], tmp_path / "other", seed=1)
    alone = open_problem(other, data=str(data_for(name, tmp_path)))
    reference_ = problem.reference(other)
    assert torch.equal(problem.state_of(reference_), alone.state)
    assert problem.at(reference_).at_checkpoint() == alone.at_checkpoint()
    assert problem.at(reference_).fingerprint == alone.fingerprint != problem.fingerprint
    axis = alone.state - problem.state
    values = finish(problem.evaluator().evaluate(problem.state, [axis], [[0.0], [1.0]]))
    ends = [problem.at_checkpoint()["data_loss"], alone.at_checkpoint()["data_loss"]]
    if name != "resnet":  # whose statistics are frozen at the first end
        np.testing.assert_allclose(values.mean["data_loss"], ends, rtol=1e-5)


def test_a_saved_state_is_opened_by_naming_the_folder(tmp_path: Path) -> None:
    problem = opened("vit", tmp_path)
    problem.save_state(problem.state * 1.5, tmp_path / "saved.safetensors")
    again = open_problem(tmp_path / "saved.safetensors", architecture=str(tmp_path / "vit"), data=str(tmp_path / "data.npz"))
    assert torch.equal(again.state, problem.state * 1.5)


def test_weights_come_through_our_own_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save(gpt2, tmp_path / "net")
    data = str(tokens(tmp_path / "data.bin"))
    expected = open_problem(folder, data=data)
    (folder / "model.safetensors").unlink()
    torch.save(dict(expected.checkpoint.tensors), folder / "pytorch_model.bin")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("torch.load was called")

    monkeypatch.setattr(torch, "load", refuse)
    assert open_problem(folder, data=data).at_checkpoint() == expected.at_checkpoint()


def test_shards_are_one_network(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    data = str(tokens(tmp_path / "data.bin"))
    expected = open_problem(folder, data=data)
    library().GPT2LMHeadModel.from_pretrained(folder).save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    found = open_problem(tmp_path / "shards", data=data)
    assert (found.title, found.at_checkpoint()) == ("shards", expected.at_checkpoint())


def test_a_file_of_the_bare_network_with_masks_in_it_fits(tmp_path: Path) -> None:
    """As the first files of GPT-2 are: no prefix, and each layer's mask as a buffer. Stored as bfloat16, computed in float32."""
    folder = save(gpt2, tmp_path / "net")
    data = str(tokens(tmp_path / "data.bin"))
    expected = open_problem(folder, data=data)
    tensors = {name.removeprefix("transformer."): t.bfloat16() for name, t in expected.checkpoint.tensors.items()}
    masks = {f"h.{i}.attn.bias": torch.ones(1, 1, PLACES, PLACES).tril() for i in range(2)}
    (folder / "model.safetensors").unlink()
    torch.save({**tensors, **masks}, folder / "pytorch_model.bin")
    found = open_problem(folder, data=data)
    assert torch.equal(found.state, expected.state.bfloat16().float())
    assert "Stored as bfloat16, computed in float32." in found.notes


CANARY = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


def test_code_of_the_folder_is_never_run_unasked(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    for name in ("modeling_own", "configuration_own"):
        (folder / f"{name}.py").write_text(CANARY)
    edit(folder, auto_map={"AutoConfig": "configuration_own.Own", "AutoModelForCausalLM": "modeling_own.Own"})
    data = str(tokens(tmp_path / "data.bin"))
    problem = open_problem(folder, data=data, trusted=lambda digest: True)
    assert any("configuration_own.py" in note and "not run" in note for note in problem.notes)
    edit(folder, model_type="own", architectures=["OwnForCausalLM"])
    with pytest.raises(TrustNeeded, match=r"modeling_own\.py is Python code.*writes"):
        open_problem(folder, data=data)
    edit(folder, auto_map={"AutoModelForCausalLM": "someone/else--modeling_own.Own"})
    assert "modeling_own.py" in message(folder, data=data)
    assert not (folder / "ran").exists()


def test_nothing_reaches_the_network_and_settings_are_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    reached: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: reached.append(a) or (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(socket.socket, "connect", lambda *a: reached.append(a))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    folder = edit(save(gpt2, tmp_path / "net"), _name_or_path="openai-community/gpt2", _attn_implementation="someone/kernel")
    t = library()
    t.logging.set_verbosity_warning()
    t.logging.enable_progress_bar()
    torch.manual_seed(3), random.seed(3), np.random.seed(3)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    problem = open_problem(folder, data=str(tokens(tmp_path / "data.bin")))
    assert problem.module.config._attn_implementation == "eager"  # type: ignore[union-attr]
    assert reached == []
    assert not constants.HF_HUB_OFFLINE and "HF_HUB_OFFLINE" not in os.environ
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())
    assert t.logging.get_verbosity() == t.logging.WARNING and t.logging.is_progress_bar_enabled()


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    edit(folder, n_positions=PLACES + 1)
    text = message(folder, data="x.bin")
    assert f"'transformer.wpe.weight' has shape ({PLACES}, 16); ({PLACES + 1}, 16) was expected" in text
    edit(folder, n_positions=PLACES, n_layer=3)
    assert "'transformer.h.2.attn.c_attn.bias' of shape (48,) is missing (and 11 more)" in message(folder)
    edit(folder, n_layer=1)
    assert "'transformer.h.1.attn.c_attn.weight' of shape (16, 48) was not expected (and 10 more)" in message(folder)
    vision = edit(save(vit, tmp_path / "vit"), intermediate_size=25)  # the file has other names than the network
    assert "has shape (24,); (25,) was expected" in message(vision)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_layer": 10**6}, "more parts than the checkpoint has weights for"),
        ({"n_layer": 10**9}, "n_layer is 1,000,000,000"),
        ({"num_labels": 10**8}, "num_labels is 100,000,000"),
        ({"vocab_size": 90_000_000}, "(90000000, 16) was expected"),
        ({"n_embd": -16}, "cannot be built"),
        ({"n_layer": "two"}, "config.json"),
        ({"activation_function": "os.system"}, "cannot be built"),
        ({"to_dict": 1, "__class__": "x", "forward": "y"}, ""),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised weights (gptq)"),
        ({"architectures": ["GPT2Model"]}, "GPT2Model of gpt2"),
        ({"architectures": ["os"]}, "knows it as none of"),
        ({"architectures": None}, "names no architecture"),
        ({"model_type": "gpt9", "transformers_version": "9.1.0"}, '"transformers>=9.1.0"'),
        ({"model_type": "../x", "transformers_version": None}, "Install a newer transformers"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else next(iter(value)),
)
def test_a_strange_configuration_is_answered_in_words(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    folder = edit(save(gpt2, tmp_path / "net"), **changes)
    if words:
        assert words in message(folder)
    else:
        with pytest.raises(DataNeeded):
            open_problem(folder)


def test_a_configuration_that_is_no_json_is_told(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    (folder / "config.json").write_text("{" * 5000)
    assert "is no JSON" in message(folder)


def test_a_missing_library_is_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save(gpt2, tmp_path / "net")
    monkeypatch.setitem(sys.modules, "transformers", None)
    text = message(folder)
    assert "needs transformers" in text and 'pip install "landscape-gui[hf]"' in text


def test_without_data_the_network_is_told_and_what_it_wants(tmp_path: Path) -> None:
    with pytest.raises(DataNeeded, match=r"GPT2LMHeadModel.*--data text\.txt"):
        open_problem(save(gpt2, tmp_path / "net"))


def test_code_and_a_card_that_are_named_come_first(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    (folder / "landscape.json").write_text(json.dumps({"architecture": {"family": "mlp"}}))
    assert "mlp" in message(folder, data=str(tokens(tmp_path / "data.bin"))).lower()


def test_a_configuration_of_another_program_is_left_alone(tmp_path: Path) -> None:
    torch.save({"0.weight": torch.randn(4, 6), "0.bias": torch.zeros(4)}, tmp_path / "net.pt")
    (tmp_path / "config.json").write_text('{"lr": 0.1}')
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).normal(size=(8, 6)).astype("f4"), y=np.arange(8) % 4)
    assert "MLP" in open_problem(tmp_path / "net.pt", data=str(tmp_path / "data.npz")).description["model"]


def test_every_token_has_its_derivative_that_to_pad_by_too(tmp_path: Path) -> None:
    """torch leaves out the row of the token to pad by, though it is read like any other where it stands in a text."""
    folder = save(llama, tmp_path / "net", pad_token_id=3)
    problem = open_problem(folder, data=str(tokens(tmp_path / "data.bin")))
    objective = problem.objective(precision="float64")
    place = next(s for s in objective.segments if s.name == "model.embed_tokens.weight")
    row = slice(place.start + 3 * 16, place.start + 4 * 16)
    vector = torch.zeros(objective.size, dtype=torch.float64)
    vector[row] = 1.0
    step = 1e-3
    slope = (objective.loss(objective.origin + step * vector) - objective.loss(objective.origin - step * vector)) / (2 * step)
    assert float(objective.gradient() @ vector) == pytest.approx(slope, rel=1e-3) and abs(slope) > 1e-4


@pytest.mark.parametrize("said", [None, "0", "1"])
def test_inside_the_library_is_offline_and_silent_and_afterwards_as_it_was(
    said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants, is_offline_mode

    t = library()
    t.logging.set_verbosity_info()
    t.logging.enable_progress_bar()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", said == "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False) if said is None else monkeypatch.setenv("HF_HUB_OFFLINE", said)
    before = torch.get_rng_state()
    with contextlib.suppress(KeyError), quietly():
        assert is_offline_mode() and os.environ["HF_HUB_OFFLINE"] == "1"
        assert t.logging.get_verbosity() > t.logging.ERROR and not t.logging.is_progress_bar_enabled()
        torch.rand(3)
        raise KeyError
    assert is_offline_mode() is (said == "1") and os.environ.get("HF_HUB_OFFLINE") == said
    assert t.logging.get_verbosity() == t.logging.INFO and t.logging.is_progress_bar_enabled()
    assert torch.equal(before, torch.get_rng_state())


STRANGE: tuple[Any, ...] = (None, -1, 0, 999_999, 1e308, "x", "", [], {}, True, [10**6], {"a": 1}, "../../etc/passwd", ["a"])


@pytest.mark.parametrize("name", ["gpt2", "llama", "vit"])
def test_any_entry_of_a_configuration_may_be_anything(name: str, tmp_path: Path) -> None:
    """Opened or told, never anything else."""
    folder = save(MAKERS[name], tmp_path / "net")
    data = str(data_for(name, tmp_path))
    place = folder / "config.json"
    content = json.loads(place.read_text())
    keys = [*content, "rope_scaling", "text_config", "layer_types", "pad_token_id", "tie_word_embeddings"]
    draws = random.Random(0)
    told: list[str] = []
    for _ in range(25):
        place.write_text(json.dumps({**content, draws.choice(keys): draws.choice(STRANGE)}))
        try:
            open_problem(folder, data=data)
        except LandscapeError as error:
            told.append(str(error))
    assert 0 < len(told) < 25 and max(map(len, told)) < 1000
