"""Probes of a recorder against dense matrices, and the edge of stability that they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from landscape_gui.core.dynamics import RADIUS, lgdi
from landscape_gui.recorder import PROBES, Recorder
from landscape_gui.recorder.log import rows_in

COUNT = 60


def examples() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(COUNT, 5, generator=generator), torch.randint(0, 3, (COUNT,), generator=generator)


def net(norm: bool) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(5, 6), *([nn.BatchNorm1d(6)] if norm else []), nn.Tanh(), nn.Linear(6, 3))


def dense(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, Tensor, Tensor]:
    """Loss, gradient and Hessian in evaluation mode, in float64, from torch.func."""
    names = [name for name, _ in model.named_parameters()]
    shapes = [p.shape for p in model.parameters()]
    buffers = {name: b.double() if b.is_floating_point() else b for name, b in model.named_buffers()}
    was = model.training
    model.eval()

    def loss(vector: Tensor) -> Tensor:
        parts = vector.split([shape.numel() for shape in shapes])
        state = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return F.cross_entropy(torch.func.functional_call(model, {**state, **buffers}, (x.double(),)), y)

    at = torch.cat([p.detach().double().reshape(-1) for p in model.parameters()])
    found = loss(at).item(), torch.func.grad(loss)(at), torch.func.hessian(loss)(at)
    model.train(was)
    return found


@pytest.mark.parametrize("norm", [False, True])
def test_probes_against_the_dense_hessian_while_the_weights_move(tmp_path: Path, norm: bool) -> None:
    """lambda_max to its tolerance of 1e-3; the gradient to float32's rounding."""
    x, y = examples()
    model = net(norm)
    start = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    with Recorder(tmp_path / "a", model, optimizer, probes=PROBES, data=(x, y)) as rec:
        for _ in range(4):
            for _ in range(5):
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                rec.step()
            found = rec.probe()
            loss, gradient, hessian = dense(model, x, y)
            here = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
            assert found["probe_loss"] == pytest.approx(loss, rel=1e-5)
            assert found["grad_norm"] == pytest.approx(float(gradient.norm()), rel=1e-4)
            assert found["lambda_max"] == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=2e-3)
            assert found["stability_ratio"] == pytest.approx(0.5 * found["lambda_max"])
            assert found["weight_norm"] == pytest.approx(float(here.norm()), rel=1e-5)
            assert found["distance"] == pytest.approx(float((here - start).norm()), rel=1e-4)
            mean = RADIUS**2 * float(hessian.trace()) / (2 * len(hessian))
            assert found["directional_sharpness"] == pytest.approx(mean, rel=1.0)  # five pairs: an estimate of the right size
            parts = [found[name] for name in ("lambda_max", "grad_norm", "directional_sharpness")]
            assert found["lgdi"] == lgdi(0.5, *parts)
    rows = [row for row in rows_in(tmp_path / "a" / "metrics.jsonl") if "lambda_max" in row]
    assert [row["step"] for row in rows] == [0, 5, 10, 15, 20]
    assert all(0 < row["probe_share"] < 1 and row["probe_seconds"] > 0 for row in rows)


def test_the_same_examples_are_drawn_from_tensors_a_dataset_and_a_loader(tmp_path: Path) -> None:
    x, y = examples()
    dataset = TensorDataset(x, y)
    kinds = {"tensors": (x, y), "dataset": dataset, "loader": DataLoader(dataset, batch_size=7, shuffle=True)}
    found = []
    for name, data in kinds.items():
        model, before = net(False), torch.get_rng_state()
        with Recorder(tmp_path / name, model, probes=("probe_loss",), data=data, probe_examples=20, seed=4) as rec:
            found.append(rec.probe()["probe_loss"])
        assert torch.equal(torch.get_rng_state(), before)
    assert found[0] == pytest.approx(found[1], rel=1e-6) and found[1] == pytest.approx(found[2], rel=1e-6)


def test_a_loss_of_ones_own(tmp_path: Path) -> None:
    x, y = examples()

    def scaled(output: Tensor, target: Tensor) -> Tensor:
        return 3 * F.cross_entropy(output, target)

    model = net(False)
    found = []
    for name, criterion in (("own", scaled), ("torch", nn.CrossEntropyLoss()), ("name", "cross_entropy")):
        with Recorder(tmp_path / name, model, probes=("lambda_max",), data=(x, y), criterion=criterion) as rec:
            found.append(rec.probe()["lambda_max"])
    assert found[0] == pytest.approx(3 * found[1], rel=3e-3) and found[1] == pytest.approx(found[2], rel=1e-6)


def test_full_batch_training_stays_at_the_edge_of_stability(tmp_path: Path) -> None:
    """Cohen et al. 2021: curvature grows until lr lambda_max = 2 and stays about there, while the loss still falls.

    Their one-dimensional task: a 1-100-1 tanh net on 20 evenly spaced points of a Chebyshev polynomial, with a step of 0.1. The
    loss is torch's mean over outputs, which for one output is twice their half sum: the limit is the same 2/lr for the Hessian of
    whichever loss is descended.
    """
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(1, 100), nn.Tanh(), nn.Linear(100, 1))
    for layer in (model[0], model[2]):
        nn.init.xavier_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
    x = torch.linspace(-1, 1, 20)[:, None]
    y = torch.from_numpy(np.polynomial.chebyshev.Chebyshev.basis(4)(x.numpy()))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    steps = 8000
    with Recorder(tmp_path / "edge", model, optimizer, probes=("lambda_max",), probe_every=50, data=(x, y), criterion="mse") as rec:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            rec.step(loss=loss)
    rows = [row for row in rows_in(tmp_path / "edge" / "metrics.jsonl") if "stability_ratio" in row]
    half = np.array([row["stability_ratio"] for row in rows]) / 2
    assert half[0] < 0.5
    last = half[3 * len(half) // 4 :]
    assert last.min() >= 0.98 and last.max() <= 1.10
