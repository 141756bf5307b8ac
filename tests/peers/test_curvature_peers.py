"""Our products, eigenvalues, traces and densities beside those of other packages, on the same network and data, in float64.

Each test skips where its package is not installed: `pip install --no-deps --target FOLDER hessian-eigenthings PyHessian
curvlinops-for-pytorch tqdm einops einconv linear_operator opt-einsum backpack-for-pytorch jaxtyping wadler_lindig sympy unfoldNd`,
and FOLDER on PYTHONPATH.
"""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem
from torch import Tensor, nn

from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import GaussNewton, Hessian
from landscape_gui.jobs import answer
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.spectrum import Spectrum

EXACT = 1e-10
"""Two orders of summation in float64, a few hundred roundings, relative to the largest entry."""


def peer(name: str) -> ModuleType:
    """The package, or a skip: also where it fails at its import on today's torch."""
    try:
        return __import__(name)
    except Exception as error:
        pytest.skip(f"{name}: {error}")


@pytest.fixture(scope="module")
def problem() -> TinyProblem:
    return TinyProblem()


@pytest.fixture(scope="module")
def objective(problem: TinyProblem) -> Objective:
    return problem.objective(precision="float64")


@pytest.fixture
def module(problem: TinyProblem) -> nn.Module:
    made = copy.deepcopy(problem.module).double().eval()
    made.load_state_dict({k: v.double() for k, v in problem.layout.unflatten(problem.state).items()})
    return made


@pytest.fixture
def data(problem: TinyProblem) -> tuple[Tensor, Tensor]:
    part = problem.part("train")
    return part.inputs.double(), part.targets


@pytest.fixture
def vectors(objective: Objective) -> Tensor:
    return torch.randn(3, objective.size, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    assert float((ours - theirs).abs().max()) <= EXACT * float(theirs.abs().max())


def test_products_of_hessian_eigenthings(
    objective: Objective, module: nn.Module, data: tuple[Tensor, Tensor], vectors: Tensor
) -> None:
    package = peer("hessian_eigenthings")
    loss = package.supervised_loss(nn.functional.cross_entropy)
    theirs = package.HessianOperator(module, [data], loss)
    assert_same(Hessian(objective).apply(vectors), torch.stack([theirs.matvec(v) for v in vectors]))


def test_leading_eigenvalues_of_hessian_eigenthings(problem: TinyProblem, module: nn.Module, data: tuple[Tensor, Tensor]) -> None:
    package = peer("hessian_eigenthings")
    operator = package.HessianOperator(module, [data], package.supervised_loss(nn.functional.cross_entropy))
    theirs = package.lanczos(operator, k=5, max_iter=80, tol=1e-9, reorthogonalize=True, which="LA", seed=0)
    ours: Any = answer(Eigenvalues(largest=5, smallest=0, precision="float64"), problem)
    found = np.sort(np.asarray(theirs.eigenvalues.detach(), float))[::-1]
    assert np.abs(ours.eigenvalues[:5] - found).max() <= 1e-5 * found[0]  # our tolerance
    assert (np.abs(ours.eigenvalues[:5] - found) <= ours.residuals[:5] + 1e-8 * found[0]).all()  # theirs to 1e-9


def test_products_of_curvlinops(objective: Objective, module: nn.Module, data: tuple[Tensor, Tensor], vectors: Tensor) -> None:
    package = peer("curvlinops")
    parameters = list(module.parameters())
    batches = [(data[0][:130], data[1][:130]), (data[0][130:], data[1][130:])]  # unequal: theirs weights them as well
    mean = nn.CrossEntropyLoss(reduction="mean")
    for ours, kind in ((Hessian, package.HessianLinearOperator), (GaussNewton, package.GGNLinearOperator)):
        theirs = kind(module, mean, parameters, batches)
        assert_same(ours(objective).apply(vectors), torch.as_tensor(theirs @ vectors.T).T)


def test_leading_eigenvalues_and_trace_of_pyhessian(problem: TinyProblem, module: nn.Module, data: tuple[Tensor, Tensor]) -> None:
    package = peer("pyhessian")
    torch.manual_seed(0)  # theirs draws from the global generator
    theirs = package.hessian(module, nn.CrossEntropyLoss(), data=data, cuda=False)
    values, _ = theirs.eigenvalues(maxIter=2000, tol=1e-9, top_n=3)
    samples = np.array(theirs.trace(maxIter=400, tol=0.0))
    ours: Any = answer(Spectrum(top=3, probes=4, steps=20, precision="float64"), problem)
    # power iteration stops by the change of its value: 1e-9 a step is some 1e-5 where neighbouring eigenvalues are close
    assert ours.eigenvalues[:3] == pytest.approx(values, rel=1e-3)
    error = float(np.hypot(samples.std(ddof=1) / np.sqrt(len(samples)), ours.trace_standard_error))
    assert abs(ours.trace - samples.mean()) <= 4 * error  # 1 in 16,000 for fixed seeds
