"""How much a product with the Hessian or the Gauss-Newton matrix costs, over one gradient on the same data, and beside PyHessian.

Everything runs in one process, with all examples in one batch: the gradient is forward and backward of the plain network; PyHessian
is given the same batch as its data loader, and a DataLoader at batch 128 over tensors in memory. Its products are checked against
ours.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import GaussNewton, Hessian
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from peers import Peer, install
from timing import interleave, ratio
from workloads import WORKLOADS, trained

LOADER_BATCH = 128
AGREEMENT = 1e-3
"""Relative difference of a peer's product from ours, in float32, above which it is said to be wrong."""

PYHESSIAN = Peer("PyHessian", ("pyhessian==0.1",), lambda setting, steps: NotImplemented)


@dataclass(frozen=True)
class Case:
    """Examples of a workload, and goals: of both products' cost in gradients, and over PyHessian with two kinds of loader."""

    name: str
    workload: str
    examples: int
    hessian: float
    gauss_newton: float
    equal_batches: float = 1.8
    loader: float | None = 3.0


CASES = (
    Case("mlp", "surface.mlp", 4096, 1.25, 1.15),
    Case("resnet20", "surface.resnet20", 64, 2.5, 1.4, loader=None),  # fewer examples than a loader's batch
)
NAMES = tuple(f"{kind}.{case.name}" for kind in ("hvp", "ggn") for case in CASES)


def measure(cache: Path, rounds: int, *, only: tuple[str, ...] = NAMES, peerless: bool = False) -> list[dict[str, Any]]:
    """The figures of hvp.* and ggn.* as they go into latest.json."""
    found: list[dict[str, Any]] = []
    for case in CASES:
        names = [name for name in (f"hvp.{case.name}", f"ggn.{case.name}") if name in only]
        if names:
            found.extend(result for result in measure_case(case, cache, rounds, peerless) if result["name"] in names)
    return found


def measure_case(case: Case, cache: Path, rounds: int, peerless: bool) -> list[dict[str, Any]]:
    workload = next(w for w in WORKLOADS if w.name == case.workload)
    network, x, y = trained(workload, cache)
    network.requires_grad_(True)
    x, y = x[: case.examples], y[: case.examples]
    objective = Objective(network, Layout.from_module(network), Split("train", x, y), CROSS_ENTROPY, batch=case.examples)
    batches = [(chunk.inputs.contiguous(), chunk.targets) for chunk in objective.chunks()]
    hessian, gauss_newton = Hessian(objective), GaussNewton(objective)
    vector = torch.randn(1, objective.size, generator=torch.Generator().manual_seed(0))
    work: dict[str, tuple[Callable[[], float | None], int]] = {
        "gradient": (silent(lambda: gradient(network, batches)), 1),
        "hvp": (silent(lambda: hessian.apply(vector)), 1),
        "ggn": (silent(lambda: gauss_newton.apply(vector)), 1),
    }
    skipped = "left out" if peerless else install(PYHESSIAN, cache)
    wrong = ""
    if not skipped:
        peers = {name: pyhessian(network, loader, vector[0]) for name, loader in loaders(x, y, batches).items()}
        wrong = verdict(peers, hessian.apply(vector)[0])
        work.update({name: (silent(product), 1) for name, product in peers.items()})
    times = interleave(work, rounds)
    peer = {"name": PYHESSIAN.name, "wrong": wrong, "skipped": skipped}
    if not skipped:
        peer |= {"equal_batches": ratio(times, "equal batches", "hvp"), "loader": ratio(times, "loader", "hvp")}
    return [
        {
            "name": f"{kind}.{case.name}",
            "ratio_to_gradient": round(ratio(times, kind, "gradient"), 3),
            "goal": goal,
            **({"peer": peer, "peer_goals": [case.equal_batches, case.loader]} if kind == "hvp" else {}),
            "examples": case.examples,
            "environment": objective.environment,
        }
        for kind, goal in (("hvp", case.hessian), ("ggn", case.gauss_newton))
    ]


def silent(function: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        function()

    return run


def gradient(network: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """The mean loss's gradient over the batches, by the plain network."""
    parameters = list(network.parameters())
    examples = sum(len(y) for _, y in batches)
    total: list[Tensor] = []
    for x, y in batches:
        parts = torch.autograd.grad(F.cross_entropy(network(x), y) * (len(y) / examples), parameters)
        total = [a + b for a, b in zip(total, parts, strict=True)] if total else list(parts)
    return total


def loaders(x: Tensor, y: Tensor, batches: list[tuple[Tensor, Tensor]]) -> dict[str, Any]:
    return {"equal batches": batches, "loader": DataLoader(TensorDataset(x, y), batch_size=LOADER_BATCH)}


def pyhessian(network: nn.Module, loader: Any, vector: Tensor) -> Callable[[], Tensor]:
    """PyHessian's product over a data loader."""
    library = importlib.import_module("pyhessian")
    operator = library.hessian(network, nn.CrossEntropyLoss(), dataloader=loader, cuda=False)
    parameters = list(network.parameters())
    parts = [part.view(p.shape) for part, p in zip(vector.split([p.numel() for p in parameters]), parameters, strict=True)]
    return lambda: torch.cat([t.flatten() for t in operator.dataloader_hv_product(parts)[1]])


def verdict(products: dict[str, Callable[[], Tensor]], ours: Tensor) -> str:
    """What is wrong with a peer's products; empty where they agree with ours."""
    for name, product in products.items():
        difference = float((product() - ours).norm() / ours.norm())
        if not difference <= AGREEMENT:
            return f"{name}: its product is {difference:.1e} off"
    return ""


def report(result: dict[str, Any]) -> None:
    line = f"{result['name']:22s} {result['ratio_to_gradient']:.2f} gradients (goal {result['goal']:.2f})"
    peer = result.get("peer")
    if peer and "loader" in peer:
        equal, loader = result["peer_goals"]
        line += f"  {peer['equal_batches']:.2f} times as fast as {peer['name']} at equal batches (goal {equal:.1f})"
        goal = "no goal: one batch" if loader is None else f"goal {loader:.1f}"
        line += f", {peer['loader']:.2f} over a DataLoader at batch {LOADER_BATCH} ({goal})"
    if peer and (peer["wrong"] or peer["skipped"]):
        line += f"  {peer['name']}: {peer['wrong'] or peer['skipped']}"
    print(line, flush=True)
