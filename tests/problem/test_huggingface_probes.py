"""Surface, spectrum and paths of a small language model, asked for as of any network: against the library's own loss."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("transformers", reason="the extra hf is not installed")

from small_transformers import VOCABULARY, gpt2, library, llama, save, tokens

from landscape_gui import cli
from landscape_gui.problem import open_problem

SMALL = {"n_layer": 1, "n_embd": 8, "vocab_size": 12}
TINY = {"num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 8, "vocab_size": 12}


def asked(tmp_path: Path, command: str, *arguments: Any) -> dict[str, Any]:
    place = tmp_path / f"{command}.json"
    assert cli.main([command, *map(str, arguments), "--quiet", "-o", str(place)]) == 0
    return json.loads(place.read_text())  # type: ignore[no-any-return]


def losses_of(folder: Path, blocks: Tensor, targets: Tensor, weights: list[dict[str, Tensor]]) -> list[float]:
    """transformers' own model at each of these weights, in float64."""
    module: nn.Module = library().AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").double().eval()
    found = []
    for named in weights:
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(named[name])
            logits = module(blocks).logits
            found.append(float(nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))))
    return found


@pytest.mark.parametrize(("make", "sizes"), [(gpt2, SMALL), (llama, TINY)], ids=["gpt2", "llama"])
def test_every_point_of_a_surface_is_the_librarys_loss_there(make: Any, sizes: dict[str, int], tmp_path: Path) -> None:
    folder, data = save(make, tmp_path / "net", **sizes), tokens(tmp_path / "ids.bin", most=12)
    found = asked(
        tmp_path, "surface", folder, "--data", data, "--steps", 3, 3, "--span", 0.5, "--save-directions", tmp_path / "d.h5"
    )
    problem = open_problem(folder, data=str(data))
    split = problem._parts.splits[0]
    loss = np.array(found["data_loss"])
    perplexity = np.array(found["data_perplexity"])
    np.testing.assert_allclose(perplexity, np.exp(loss), rtol=1e-9)
    assert loss.shape == (3, 3) and loss[1, 1] == pytest.approx(problem.at_checkpoint()["data_loss"], rel=1e-6)
    axes = axes_of(tmp_path / "d.h5", problem)
    places = [(x, y) for y in found["y"] for x in found["x"]]
    weights = [problem.layout.unflatten(problem.state.double() + x * axes[0] + y * axes[1]) for x, y in places]
    np.testing.assert_allclose(loss.ravel(), losses_of(folder, split.inputs, split.targets, weights), rtol=2e-6)


def axes_of(path: Path, problem: Any) -> list[Tensor]:
    """The directions that were saved, as vectors of the layout."""
    import h5py

    axes = []
    with h5py.File(path) as file:
        for name in ("xdirection", "ydirection"):
            parts = [torch.from_numpy(file[name][str(i)][()]).double().reshape(-1) for i in range(len(file[name]))]
            axes.append(torch.cat(parts))
    return axes


def test_the_spectrum_is_that_of_the_whole_hessian(tmp_path: Path) -> None:
    """A network so small that its Hessian is formed column by column, in float64, from the library's own loss."""
    folder, data = save(gpt2, tmp_path / "net", n_layer=1, n_embd=4, vocab_size=8, n_inner=4), tokens(tmp_path / "ids.bin", most=8)
    found = asked(tmp_path, "spectrum", folder, "--data", data, "--precision", "float64", "--top", 4)
    problem = open_problem(folder, data=str(data))
    split = problem._parts.splits[0]
    module = library().AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").double().eval()
    names = [segment.name for segment in problem.layout.segments]
    shapes = [segment.shape for segment in problem.layout.segments]

    def loss(vector: Tensor) -> Tensor:
        parts = vector.split([math.prod(shape) for shape in shapes])
        named = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        logits = torch.func.functional_call(module, named, (split.inputs,)).logits
        return nn.functional.cross_entropy(logits.reshape(-1, 8), split.targets.reshape(-1))

    matrix = torch.autograd.functional.hessian(loss, problem.state.double())
    exact = torch.linalg.eigvalsh(matrix)
    largest = sorted((value for value in found["eigenvalues"]), reverse=True)[:4]
    np.testing.assert_allclose(largest, exact.flip(0)[:4].tolist(), rtol=1e-4)


def test_paths_between_two_models_end_at_both_and_alignment_changes_no_end(tmp_path: Path) -> None:
    folders = [save(llama, tmp_path / f"net{seed}", seed=seed) for seed in (0, 1)]
    data = tokens(tmp_path / "ids.bin")
    found = asked(tmp_path, "connect", *folders, "--data", data, "--points", 3, "--path", "line", "aligned", "bezier", "--steps", 3)
    ends = [open_problem(folder, data=str(data)).at_checkpoint()["data_loss"] for folder in folders]
    assert abs(ends[0] - ends[1]) > 1e-3
    for path in ("line", "aligned", "bezier"):
        loss = losses_along(found, path)
        np.testing.assert_allclose([loss[0], loss[-1]], ends, rtol=2e-6)
    assert abs(losses_along(found, "line")[1] - losses_along(found, "aligned")[1]) > 1e-4


def losses_along(found: dict[str, Any], path: str) -> list[float]:
    alone: dict[str, Any] = found if found["path"] == path else found["paths"][path]
    return alone["data_loss"]  # type: ignore[no-any-return]


def test_the_vocabulary_may_be_as_large_as_a_block(tmp_path: Path) -> None:
    """Logits (examples, places, vocabulary) could then be taken for (examples, classes, places)."""
    folder, data = save(gpt2, tmp_path / "net", vocab_size=16), tokens(tmp_path / "ids.bin", most=16)
    problem = open_problem(folder, data=str(data), block=16)
    split = problem._parts.splits[0]
    assert split.inputs.shape[1] == 16 != VOCABULARY
    weights = {name: tensor.double() for name, tensor in problem.layout.unflatten(problem.state).items()}
    expected = losses_of(folder, split.inputs, split.targets, [weights])[0]
    assert problem.at_checkpoint()["data_loss"] == pytest.approx(expected, rel=1e-6)
