"""A checkpoint's own loss, example by example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pair_problems import NORMED, PLAIN, data_of, module_of, opened, reference, trained

from landscape_gui.connection_results import EndpointResult
from landscape_gui.jobs import answer
from landscape_gui.probes.endpoint import Endpoint
from landscape_gui.problem import Problem
from landscape_gui.store import Store, key_of, read_result, write_result


def measure(problem: Problem, **fields: Any) -> EndpointResult:
    found = answer(Endpoint(**fields), problem)
    assert isinstance(found, EndpointResult)
    return found


def test_it_is_what_each_example_adds(tmp_path: Path) -> None:
    state = trained(PLAIN, 0)
    problem = opened(tmp_path, PLAIN, a=state)["a"]
    found = measure(problem)
    module = module_of(PLAIN)
    module.load_state_dict(state)
    for split in ("train", "test"):
        x, y = data_of(PLAIN, split)
        with torch.no_grad():
            losses = torch.nn.functional.cross_entropy(module(x), y, reduction="none").double().numpy()
        np.testing.assert_allclose(found.rows[f"{split}_loss"], losses, rtol=1e-4, atol=1e-6)
        assert found.weights[f"{split}_loss"].tolist() == [1.0] * len(x)
        quantity = found.quantities[f"{split}_loss"]
        assert quantity.values.shape == (1,) and quantity.examples == len(x)
        assert quantity.values[0] == pytest.approx(losses.mean(), rel=1e-5)
        assert quantity.standard_error is not None
        assert quantity.standard_error[0] == pytest.approx(losses.std(ddof=1) / np.sqrt(len(x)), rel=1e-5)
        assert quantity.values[0] == pytest.approx(problem.at_checkpoint()[f"{split}_loss"], rel=1e-7)


def test_it_may_run_with_the_statistics_of_another_checkpoint(tmp_path: Path) -> None:
    problems = opened(tmp_path, NORMED, a=trained(NORMED, 0), b=trained(NORMED, 1))
    a, b = problems["a"], problems["b"]
    own, foreign = measure(b), measure(b, statistics=reference(b, a))
    module = module_of(NORMED)
    n = b.layout.parameters
    state = b.state.clone()
    state[n:] = a.state[n:]
    module.load_state_dict({**module.state_dict(), **b.layout.unflatten(state)})
    x, y = data_of(NORMED)
    with torch.no_grad():
        expected = float(torch.nn.functional.cross_entropy(module.eval()(x), y))
    assert foreign.quantities["train_loss"].values[0] == pytest.approx(expected, rel=1e-5)
    assert own.quantities["train_loss"].values[0] == pytest.approx(b.at_checkpoint()["train_loss"], rel=1e-7)


def test_what_changes_nothing_is_no_part_of_the_question(tmp_path: Path) -> None:
    a = opened(tmp_path, PLAIN, a=trained(PLAIN, 0))["a"]

    def key(**fields: Any) -> str:
        return key_of(Endpoint(**fields).completed(a), a.fingerprint)

    assert key(batchnorm="recalculated", seed=3, split="test") == key(statistics=a.reference(a.checkpoint.path)) == key()
    assert key(limit=20, seed=3) != key(limit=20) != key()


def test_a_subset_is_the_one_of_the_seed(tmp_path: Path) -> None:
    a = opened(tmp_path, PLAIN, a=trained(PLAIN, 0))["a"]
    found = measure(a, limit=20, seed=4)
    assert len(found.rows["train_loss"]) == 20 and found.subset == "20 of 100 train, 20 of 60 test"


def test_it_is_written_and_read_as_it_is(tmp_path: Path) -> None:
    a = opened(tmp_path, PLAIN, a=trained(PLAIN, 0))["a"]
    found = answer(Endpoint(), a, store=Store(tmp_path / "store"))
    write_result(tmp_path / "end.h5", found)
    again = read_result(tmp_path / "end.h5")
    assert isinstance(found, EndpointResult) and isinstance(again, EndpointResult)
    assert again.rows["test_accuracy"].tolist() == found.rows["test_accuracy"].tolist()
    assert again.provenance.key == found.provenance.key
