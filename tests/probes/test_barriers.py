"""Barriers between every two of several models, against lines that the networks themselves are run along."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_module
from torch import Tensor, nn

from landscape_gui.connection_order import clustering_order, spanning_tree
from landscape_gui.connection_results import BarriersResult
from landscape_gui.errors import QuestionError
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes.barriers import Barriers
from landscape_gui.probes.base import CheckpointRef, Progress
from landscape_gui.probes.model_names import model_names
from landscape_gui.store import Store

PLACES = (5, 0, 2, 3)
"""The problem's own state and the others, as the questions name them."""


def asked(problem: TinyProblem, others: tuple[int, ...] = PLACES[1:], **fields: object) -> Barriers:
    return Barriers(others=tuple(problem.reference(f"epoch_{k}") for k in others), points=9, **fields)  # type: ignore[arg-type]


def answered(
    problem: TinyProblem, others: tuple[int, ...] = PLACES[1:], store: Store | None = None, **fields: object
) -> BarriersResult:
    found = answer(asked(problem, others, **fields), problem, store=store)
    assert isinstance(found, BarriersResult)
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
def test_barriers_are_those_of_the_networks_on_the_line(split: str) -> None:
    problem = TinyProblem()
    found = answered(problem, split=split)
    t = np.linspace(0, 1, 9)
    for i, j in combinations(range(4), 2):
        a, b = problem.states[PLACES[i]], problem.states[PLACES[j]]
        line = np.array([measured(problem, torch.lerp(a, b, float(s)), split) for s in t])
        for column, metric in enumerate(("loss", "error")):
            values = line[:, column]
            ends = values[[0, -1]]
            expected = {
                "above_line": (values - (1 - t) * ends[0] - t * ends[1]).max(),
                "above_mean": values.max() - ends.mean(),
                "above_larger": values.max() - ends.max(),
            }
            for definition, barrier in expected.items():
                got = found.quantities[f"{split}_{metric}_{definition}"].values
                assert got[i, j] == pytest.approx(barrier, abs=2e-6)
                assert got[j, i] == got[i, j]
        assert found.distances[i, j] == pytest.approx(float((a - b).double().norm()), rel=1e-6)
        assert found.losses[i] == pytest.approx(measured(problem, a, split)[0], rel=1e-5)
    assert np.array_equal(np.diagonal(found.barriers), np.zeros(4))
    assert np.array_equal(found.barriers, found.quantities[f"{split}_loss_above_line"].values)


def test_the_choice_of_definition_metric_and_order() -> None:
    problem = TinyProblem()
    found = answered(problem, definition="above_mean", metric="error", split="test")
    shown = found.quantities["test_error_above_mean"]
    assert np.array_equal(found.barriers, shown.values)
    assert shown.standard_error is not None
    assert np.array_equal(found.standard_errors, shown.standard_error)
    assert (shown.standard_error[np.triu_indices(4, 1)] >= 0).all()
    assert found.order.tolist() == clustering_order(found.barriers).tolist()
    assert found.tree.tolist() == spanning_tree(found.barriers, found.distances).tolist()
    assert found.own["test_error"].values[0] == pytest.approx(measured(problem, problem.state, "test")[1])
    assert len(found.numbers) == 6
    assert found.numbers["epoch 5:epoch 2"].value == found.barriers[0, 2]


def test_named_in_another_order_it_is_the_same_matrix_to_the_bit() -> None:
    problem = TinyProblem()
    one, other = answered(problem), answered(problem, (3, 0, 2))
    place = [other.names.index(name) for name in one.names]
    assert place != [0, 1, 2, 3]
    assert np.array_equal(one.barriers, other.barriers[np.ix_(place, place)])
    assert np.array_equal(one.standard_errors, other.standard_errors[np.ix_(place, place)], equal_nan=True)


def test_another_model_costs_its_own_pairs_alone(tmp_path: Path) -> None:
    made: list[object] = []
    problem, store = TinyProblem(broken=made.append), Store(tmp_path)
    answered(problem, (0, 2), store)
    first = len(made)
    again = answered(problem, (2, 0), store)
    assert len(made) == first
    more = answered(problem, (2, 0, 3), store)
    assert first < len(made) <= 2 * first + 1  # three new pairs and one new end
    assert np.array_equal(more.barriers[:3, :3], again.barriers)


def test_pairs_come_in_one_by_one_and_what_was_cancelled_is_gone_on_from(tmp_path: Path) -> None:
    made: list[object] = []
    problem, store = TinyProblem(broken=made.append), Store(tmp_path)
    partials: list[BarriersResult] = []

    def see(progress: Progress) -> None:
        if isinstance(progress.partial, BarriersResult):
            partials.append(progress.partial)

    with pytest.raises(Cancelled):
        answer(asked(problem), problem, store=store, on_progress=see, cancelled=lambda: len(partials) >= 1)
    before, known = len(made), int(np.isfinite(partials[-1].barriers[np.triu_indices(4, 1)]).sum())
    assert 0 < known < 6
    assert not partials[-1].complete
    assert partials[-1].order.tolist() == [0, 1, 2, 3]
    assert np.isnan(partials[-1].barriers[2, 3])
    resumed = answered(problem, store=store)
    assert resumed.complete
    fresh: list[object] = []
    fresh_problem = TinyProblem(broken=fresh.append)
    fresh_found = answered(fresh_problem)
    assert np.array_equal(resumed.barriers, fresh_found.barriers)
    assert len(made) - before < len(fresh)


def test_frozen_statistics_are_those_of_the_model_named_first() -> None:
    problem = TinyProblem("batchnorm")
    found = answered(problem, (1, 3), batchnorm="frozen")
    assert any("named first" in note for note in found.notes)
    assert not answered(problem, (1, 3)).notes


def test_questions_that_make_no_sense_get_a_sentence() -> None:
    problem = TinyProblem()
    with pytest.raises(QuestionError, match="two or more"):
        answered(problem, ())
    with pytest.raises(QuestionError, match="epoch 2 holds the same weights as epoch 2"):
        answered(problem, (2, 2))
    with pytest.raises(QuestionError, match="epoch 5 holds the same weights as epoch 5"):
        answered(problem, (1, 5))
    with pytest.raises(QuestionError, match="valid"):
        answered(problem, split="valid")
    problem.metrics = ()
    with pytest.raises(QuestionError, match="no classifier"):
        answered(problem, metric="error")


def named(*labels: str) -> tuple[str, ...]:
    return model_names([CheckpointRef(f"/runs/{label}" if "/" in label else label, label=label) for label in labels])


def test_names_are_as_short_as_tells_models_apart() -> None:
    assert named("epoch 1", "epoch 2") == ("epoch 1", "epoch 2")
    assert named("a/epoch-3.pt", "b/epoch-3.pt") == ("a", "b")
    assert named("a/epoch-3.pt", "a/epoch-4.pt") == ("epoch-3", "epoch-4")
    assert named("a/epoch-3.pt", "a/epoch-4.pt", "b/epoch-3.pt") == ("a/epoch-3", "a/epoch-4", "b/epoch-3")
    assert named("a/b.pt", "a/b.pt", "c/b.pt") == ("a/b.pt (1)", "a/b.pt (2)", "c/b.pt")
    own = CheckpointRef("/runs/a/epoch-3.pt", label="epoch 3")
    assert model_names([own, CheckpointRef("/runs/b/epoch-3.pt", label="b/epoch-3.pt")]) == ("a", "b")
