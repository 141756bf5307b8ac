"""Eigenpairs, densities and traces beside PyHessian on the same network, data and batches: how fast, and how far from the truth.

Truth is a dense Hessian's spectrum at 1,660 parameters; at 109,000, a far more expensive run of ours. PyHessian is given our
batches as its data loader; it calls torch.eig, which torch no longer has, so that it is lent NumPy's eigh in its place.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from landscape_gui.core.krylov import gaussian
from landscape_gui.core.lanczos import eigenpairs
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import Hessian
from landscape_gui.core.quadrature import lanczos_quadrature
from landscape_gui.core.splits import Split
from landscape_gui.core.trace import trace
from landscape_gui.core.vector import Layout
from landscape_gui.density import measure as measure_of
from landscape_gui.density import resolve_weights, wasserstein
from torch import Tensor, nn

from curvature_products import PYHESSIAN
from peers import install
from timing import cpu_seconds
from workloads import WORKLOADS, _small_digits, trained

NAMES = ("top10", "density.small", "density.mlp", "trace")
EXAMPLES = 1_024
SEEDS = 5
TRACES = 40
Measure = tuple[np.ndarray, np.ndarray]


class Case:
    """A network on its data: the operator of ours, and PyHessian's own."""

    def __init__(self, network: nn.Module, x: Tensor, y: Tensor) -> None:
        self.network, self.x, self.y = network.requires_grad_(True), x, y
        self.objective = Objective(network, Layout.from_module(network), Split("train", x, y), CROSS_ENTROPY)
        self.batches = [(chunk.inputs.contiguous(), chunk.targets) for chunk in self.objective.chunks()]

    def hessian(self) -> Hessian:
        return Hessian(self.objective)

    def peer(self) -> Any:
        library = importlib.import_module("pyhessian")
        return library.hessian(self.network, nn.CrossEntropyLoss(), dataloader=self.batches, cuda=False)


def large(cache: Path) -> Case:
    """The MLP of 109,000 parameters."""
    network, x, y = trained(next(w for w in WORKLOADS if w.name == "surface.mlp"), cache)
    return Case(network, x[:EXAMPLES], y[:EXAMPLES])


def small() -> Case:
    """An MLP of 1,660 parameters on the digits, half trained."""
    torch.manual_seed(0)
    x, y = _small_digits()
    x, y = x[:EXAMPLES].flatten(1), y[:EXAMPLES]
    network = nn.Sequential(nn.Linear(64, 22), nn.Tanh(), nn.Linear(22, 10))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()
    return Case(network, x, y)


def finish(steps: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = cpu_seconds()
    answer = function()
    return cpu_seconds() - start, answer


def measure(cache: Path, *, only: tuple[str, ...] = NAMES, peerless: bool = False) -> list[dict[str, Any]]:
    """The figures as they go into latest.json."""
    skipped = "left out" if peerless else install(PYHESSIAN, cache)
    torch.eig = _eig
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "top10": lambda: top10(large(cache), skipped),
        "density.small": lambda: density_small(small(), skipped),
        "density.mlp": lambda: density_mlp(large(cache), skipped),
        "trace": lambda: trace_error(small()),
    }
    return [{"name": name, **made[name]()} for name in NAMES if name in only]


def _eig(matrix: Tensor, eigenvectors: bool = True) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(matrix)
    return values[:, None], vectors


def top10(case: Case, skipped: str) -> dict[str, Any]:
    true = finish(eigenpairs(case.hessian(), largest=12, tolerance=1e-6, seed=99)).values[:10]
    products, held, errors, seconds = [], True, [], []
    for seed in range(SEEDS):
        spent, found = timed(lambda seed=seed: finish(eigenpairs(case.hessian(), largest=10, seed=seed)))
        off = np.abs(found.values - true)
        seconds.append(spent)
        products.append(found.products)
        errors.append(float(off.max() / true[0]))
        held &= bool((off <= found.residuals).all())
    result = {
        "products": max(products),
        "error": max(errors),
        "bounds_held": held,
        "seconds": float(np.median(seconds)),
        "goal": 40,
    }
    if skipped:
        return {**result, "skipped": skipped}
    spent, (values, _) = timed(lambda: case.peer().eigenvalues(maxIter=100, tol=1e-3, top_n=10))
    peer_error = float(np.abs(np.sort(values)[::-1] - true).max() / true[0])
    ours = _seconds_at(case, true, peer_error)
    return {**result, "peer_error": peer_error, "faster_at_its_accuracy": spent / ours, "peer_goal": 10}


def _seconds_at(case: Case, true: np.ndarray, error: float) -> float:
    """CPU seconds of ours with the loosest tolerance that is at least as accurate on every seed."""
    for tolerance in (1.0, 0.6, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-5):
        runs = [
            timed(lambda t=tolerance, s=s: finish(eigenpairs(case.hessian(), largest=10, seed=s, tolerance=t, check=1)))
            for s in range(SEEDS)
        ]
        if all(np.abs(found.values - true).max() <= error * true[0] for _, found in runs):
            return float(np.median([seconds for seconds, _ in runs]))
    return float("nan")


def our_density(case: Case, top: int, probes: int, steps: int, seed: int = 0) -> Measure:
    operator = case.hessian()
    lines, deflate = np.zeros(0), None
    if top:
        pairs = finish(eigenpairs(operator, largest=top, tolerance=1e-3, check=1, seed=seed))
        lines, deflate = pairs.values[pairs.converged], pairs.vectors[torch.tensor(pairs.converged)]
    found = finish(lanczos_quadrature(operator, probes=probes, steps=steps, deflate=deflate, seed=seed))
    weights = resolve_weights(found.nodes, found.weights, found.residuals, lines, n=operator.size)
    return measure_of(found.nodes, weights, lines, n=operator.size)


def peer_density(case: Case, probes: int, steps: int) -> Measure:
    nodes, weights = case.peer().density(iter=steps, n_v=probes)
    return np.ravel(nodes), np.ravel(weights) / probes


def density_small(case: Case, skipped: str) -> dict[str, Any]:
    """End to end: PyHessian's two runs of 100 steps, and ours of 60, which come nearer to the dense Hessian's spectrum."""
    true = dense_spectrum(case)
    truth = true, np.full(len(true), 1 / len(true))
    probes, steps, peer_steps = 2, 60, 100
    runs = [timed(lambda s=s: our_density(case, 0, probes, steps, s)) for s in range(3)]
    seconds = float(np.median([spent for spent, _ in runs]))
    error = float(np.mean([wasserstein(*ours, *truth) for _, ours in runs]) / np.ptp(true))
    result = {"seconds": seconds, "error": error, "products": probes * steps}
    if skipped:
        return {**result, "skipped": skipped}
    peers = [timed(lambda: peer_density(case, probes, peer_steps)) for _ in range(3)]
    spent = float(np.median([seconds for seconds, _ in peers]))
    peer_error = float(np.mean([wasserstein(*theirs, *truth) for _, theirs in peers]) / np.ptp(true))
    return {**result, "peer_error": peer_error, "faster": spent / seconds, "peer_goal": 5}


def density_mlp(case: Case, skipped: str) -> dict[str, Any]:
    """Ours in few products against PyHessian's thousand, both against a far more expensive run of ours."""
    truth = our_density(case, 40, 8, 150, seed=77)
    span = float(np.ptp(truth[0]))
    spent, ours = timed(lambda: our_density(case, 10, 1, 80))
    result = {"seconds": spent, "error": wasserstein(*ours, *truth) / span}
    if skipped:
        return {**result, "skipped": skipped}
    peer_seconds, theirs = timed(lambda: peer_density(case, 10, 100))
    return {**result, "peer_error": wasserstein(*theirs, *truth) / span, "faster": peer_seconds / spent, "peer_goal": 8}


def dense_spectrum(case: Case) -> np.ndarray:
    rows = case.hessian().apply(torch.eye(case.objective.size))
    return np.linalg.eigvalsh(((rows + rows.T) / 2).double().numpy())


def trace_error(case: Case) -> dict[str, Any]:
    """Mean error at 120 products, and of Hutchinson's estimator with as many vectors."""
    true = dense_spectrum(case).sum()
    operator = case.hessian()
    found = [finish(trace(operator, budget=120, seed=seed)) for seed in range(TRACES)]
    signs = [torch.stack([gaussian(operator, seed=s, index=i) for i in range(120)]).sign() for s in range(TRACES // 4)]
    plain = [float((g * operator.apply(g)).sum(1).mean()) for g in signs]
    return {
        "error": float(np.mean([abs(t.value / true - 1) for t in found])),
        "covered": float(np.mean([t.low <= true <= t.high for t in found])),
        "peer_error": float(np.mean(np.abs(np.array(plain) / true - 1))),
        "goal": 0.008,
    }


def report(result: dict[str, Any]) -> None:
    parts = [
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in result.items() if key != "name"
    ]
    print(f"{result['name']:22s} {', '.join(parts)}", flush=True)
