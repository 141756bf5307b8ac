"""Files of other programs, written as their own scripts write them, from closed forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

MEASURED = ("tr_loss", "tr_nll", "tr_acc", "tr_err", "te_loss", "te_nll", "te_acc", "te_err")


def bowl(x: Any, y: Any) -> Any:
    """Not symmetric in any way, so that a turned or mirrored reading shows."""
    return 0.1 + 2 * x**2 + 0.5 * (y - 0.3) ** 2 + 0.2 * x * y


def reference_surface(path: Path, nx: int = 5, ny: int = 4, *, directions: str = "somewhere/else/directions.h5") -> None:
    """As tomgoldstein/loss-landscape writes it: declared (nx, ny), filled by flat index over a meshgrid of shape (ny, nx)."""
    x, y = np.linspace(-1, 1, nx), np.linspace(-1, 2, ny)
    with h5py.File(path, "w") as file:
        file["dir_file"] = directions
        file["xcoordinates"], file["ycoordinates"] = x, y
        for name, values in (("train_loss", bowl(*np.meshgrid(x, y))), ("train_acc", 100 * np.exp(-bowl(*np.meshgrid(x, y))))):
            filled = -np.ones((nx, ny))
            filled.ravel()[:] = values.ravel()
            file[name] = filled


def projection(path: Path, x: list[float], y: list[float]) -> None:
    """As project_trajectory of tomgoldstein/loss-landscape writes it."""
    with h5py.File(path, "w") as file:
        file["proj_xcoord"] = np.array(x)
        file["proj_ycoord"] = np.array(y)


def control_points(bends: int = 3) -> list[np.ndarray]:
    generator = np.random.default_rng(3)
    ends = [generator.normal(size=40) for _ in range(2)]
    return [ends[0], *(sum(ends) / 2 + generator.normal(size=40) for _ in range(bends - 2)), ends[1]]


def plane(path: Path, grid_points: int = 6, *, bends: int = 3) -> dict[str, Any]:
    """plane.npz as plane.py of dnn-mode-connectivity writes it, over `bowl` of the places in distances of the two ends."""
    w = control_points(bends)
    u = w[2] - w[0]
    dx = np.linalg.norm(u)
    u = u / dx
    v = w[1] - w[0]
    v = v - np.dot(u, v) * u
    dy = np.linalg.norm(v)
    v = v / dy
    xy = np.stack([[np.dot(p - w[0], u), np.dot(p - w[0], v)] for p in w])
    ts = np.linspace(0.0, 1.0, 11)
    curve = np.stack([(1 - t) ** 2 * xy[0] + 2 * t * (1 - t) * xy[1] + t**2 * xy[-1] for t in ts])
    alphas, betas = np.linspace(-0.2, 1.2, grid_points), np.linspace(-0.2, 1.4, grid_points)
    grid = np.zeros((grid_points, grid_points, 2))
    values = {name: np.zeros((grid_points, grid_points)) for name in MEASURED}
    for i, alpha in enumerate(alphas):
        for j, beta in enumerate(betas):
            grid[i, j] = [alpha * dx, beta * dy]
            nll = bowl(alpha, beta * dy / dx)
            fill(values, (i, j), nll)
    arrays = {
        "ts": ts,
        "bend_coordinates": xy,
        "curve_coordinates": curve,
        "alphas": alphas,
        "betas": betas,
        "grid": grid,
        **values,
    }
    np.savez(path, **arrays)
    return {**arrays, "dx": float(dx), "dy": float(dy)}


def curve(path: Path, points: int = 9) -> dict[str, Any]:
    """curve.npz as eval_curve.py of dnn-mode-connectivity writes it."""
    w = control_points()
    ts, dl = np.linspace(0.0, 1.0, points), np.zeros(points)
    values = {name: np.zeros(points) for name in MEASURED}
    before = None
    for i, t in enumerate(ts):
        weights = (1 - t) ** 2 * w[0] + 2 * t * (1 - t) * w[1] + t**2 * w[2]
        dl[i] = 0.0 if before is None else np.sqrt(np.sum(np.square(weights - before)))
        before = weights
        fill(values, i, 0.1 + t * (1 - t) + 0.3 * t)
    numbers = {f"{name}_{kind}": value for name in MEASURED for kind, value in statistics(values[name], dl).items()}
    arrays = {"ts": ts, "dl": dl, **values, **numbers}
    np.savez(path, **arrays)
    return arrays


def fill(values: dict[str, np.ndarray], at: Any, nll: float) -> None:
    for split, more in (("tr", 0.0), ("te", 0.25)):
        values[f"{split}_nll"][at] = nll + more
        values[f"{split}_loss"][at] = nll + more + 0.05
        values[f"{split}_acc"][at] = 100 * np.exp(-nll - more)
        values[f"{split}_err"][at] = 100 - 100 * np.exp(-nll - more)


def statistics(values: np.ndarray, dl: np.ndarray) -> dict[str, float]:
    return {
        "min": np.min(values),
        "max": np.max(values),
        "avg": np.mean(values),
        "int": np.sum(0.5 * (values[:-1] + values[1:]) * dl[1:]) / np.sum(dl[1:]),
    }


def landscape(path: Path, dim: int = 2, steps: int = 5) -> np.ndarray:
    """A LossLandscape as Landscaper saves it: axis k of the loss is direction k."""
    ranges = np.array([np.linspace(-1 - k, 1 + k, steps) for k in range(dim)])
    places = np.meshgrid(*ranges, indexing="ij")
    loss = sum((k + 1) * (place - 0.1 * (k + 1)) ** 2 for k, place in enumerate(places))
    np.savez(path, loss=loss, coordinates=ranges)
    return loss


def metrics(path: Path, epochs: int = 12) -> list[dict[str, float]]:
    """The list that training writes for each epoch."""
    entries = [
        {
            "epoch": k,
            "train_loss": 2.3 * 0.8**k,
            "test_loss": 2.3 * 0.85**k + 0.1,
            "test_accuracy": 1 - 0.9 * 0.8**k,
            "grad_norm": 3 * 0.9**k,
            "lambda_max": 150 * (1 - 0.7**k) + 1,
            "directional_sharpness": 0.01 * k,
            "lgdi": 1 + 0.1 * k,
            "stability_ratio": 0.0133 * (150 * (1 - 0.7**k) + 1),
        }
        for k in range(epochs)
    ]
    path.write_text(json.dumps(entries))
    return entries


def line(path: Path, points: int = 7) -> list[dict[str, float]]:
    entries = [{"alpha": float(a), "loss": float(bowl(a, 0.0))} for a in np.linspace(-0.25, 1.25, points)]
    path.write_text(json.dumps(entries))
    return entries
