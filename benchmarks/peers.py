"""Other tools' surfaces of the same network, each run as its own documentation says, and whether their values are right.

Packages are installed without their dependencies into a folder of their own and only the module that computes is imported, so that
neither our environment nor theirs is disturbed. A tool that cannot run is named with its reason.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

Visit = Callable[[nn.Module], None]


@dataclass(frozen=True)
class Setting:
    """A trained network, its data and two directions as lists of tensors in the order of `parameters()`."""

    network: nn.Module
    inputs: Tensor
    targets: Tensor
    directions: tuple[list[Tensor], list[Tensor]]
    visit: Visit = lambda network: None  # told of the network at each point, for checking

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output.flatten(0, -2), target.flatten())


@dataclass(frozen=True)
class Peer:
    """name; packages to install; run(setting, steps) -> losses (steps, steps), or None where the tool takes no such network."""

    name: str
    packages: tuple[str, ...]
    run: Callable[[Setting, int], np.ndarray]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def install(peer: Peer, cache: Path) -> str:
    """Install a peer's packages into the cache and put them on the path; the reason where that fails, else ""."""
    for package in peer.packages:
        folder = cache / "peers" / package.replace("=", "_")
        if not folder.exists():
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), package]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            if done.returncode:
                reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
                return f"pip could not install {package}: {reason}"
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return ""


def part_of(package: str, module: str) -> Any:
    """A module of an installed package without running the package's own __init__, which may want what is not there."""
    if package not in sys.modules:
        folder = next(Path(p) / package for p in sys.path if (Path(p) / package).is_dir())
        empty = types.ModuleType(package)
        empty.__path__ = [str(folder)]
        sys.modules[package] = empty
    return importlib.import_module(f"{package}.{module}")


def loss_landscapes(setting: Setting, steps: int) -> np.ndarray:
    library = importlib.import_module("loss_landscapes")
    metrics = importlib.import_module("loss_landscapes.metrics")

    def criterion(output: Tensor, target: Tensor) -> Tensor:
        setting.visit(setting.network)
        return setting.loss(output, target)

    with torch.no_grad(), quiet():
        metric = metrics.Loss(criterion, setting.inputs, setting.targets)
        return library.random_plane(setting.network, metric, 10, steps, normalization="filter", deepcopy_model=False)


def landscaper(setting: Setting, steps: int) -> np.ndarray:
    compute = part_of("landscaper", "compute")

    def scalar(network: nn.Module, data: tuple[Tensor, Tensor]) -> float:
        setting.visit(network)
        return setting.loss(network(data[0]), data[1]).item()

    directions = [[d.clone() for d in direction] for direction in setting.directions]
    with quiet():
        return compute.compute_loss_landscape(
            setting.network, (setting.inputs, setting.targets), directions, scalar, steps=steps, distance=0.5, dim=2, device="cpu"
        )[0]


def loss_landscape_anim(setting: Setting, steps: int) -> np.ndarray:
    """Its grid is 2 res x 2 res without the upper ends: `steps` is rounded down to an even number."""
    grid = part_of("loss_landscape_anim", "loss_landscape").LossGrid
    network, parameters = setting.network, list(setting.network.parameters())

    class Flat(nn.Module):
        def init_from_flat_params(self, flat: Tensor) -> None:  # as its GenericModel does, which needs Lightning to import
            parts = flat.split([p.numel() for p in parameters])
            shaped = zip(dict(network.named_parameters()).items(), parts, strict=True)
            network.load_state_dict({name: nn.Parameter(part.reshape(p.shape)) for (name, p), part in shaped}, strict=True)

        def forward(self, x: Tensor) -> Tensor:
            setting.visit(network)
            return network(x)

        def loss_fn(self, output: Tensor, target: Tensor) -> Tensor:
            return setting.loss(output, target)

    centre = nn.utils.parameters_to_vector(parameters).detach().clone()
    axes = [nn.utils.parameters_to_vector(d) for d in setting.directions]
    units = [a / a.norm() for a in axes]
    path = np.array([[0.0, 0.0], [1.0, 0.0]])[::-1] * float(axes[0].norm()) / 1.3
    with torch.no_grad(), quiet():
        found = grid(
            [centre], Flat(), (setting.inputs, setting.targets), path, units, res=steps // 2, tqdm_disable=True, save_grid=False
        )
    nn.utils.vector_to_parameters(centre, parameters)
    return found.loss_values_2d


def pylandscape(setting: Setting, steps: int) -> np.ndarray:
    surface = part_of("pylandscape", "surface").Surface
    loader = DataLoader(TensorDataset(setting.inputs, setting.targets), batch_size=len(setting.inputs))

    def criterion(output: Tensor, target: Tensor) -> Tensor:
        return setting.loss(output, target)

    class Watched(surface):
        @staticmethod
        def get_params(model: nn.Module, directions: Any, step_values: Any) -> nn.Module:
            moved = surface.get_params(model, directions, step_values)
            setting.visit(moved)
            return moved

    with torch.no_grad(), quiet():
        return Watched(setting.network, criterion, loader)._compute_hyperplane(
            list(setting.directions), list(np.linspace(-1, 1, steps))
        )


def loss_landscape_loop(setting: Setting, steps: int) -> np.ndarray:
    """tomgoldstein/loss-landscape, written out from its description: per point the weights go into the net, then a DataLoader and
    `.item()` per batch. Data are tensors in memory and no workers are started, which is kinder than its defaults."""
    origin = [p.detach().clone() for p in setting.network.parameters()]
    loader = DataLoader(TensorDataset(setting.inputs, setting.targets), batch_size=128)
    losses = np.zeros((steps, steps))
    for i, y in enumerate(np.linspace(-1, 1, steps)):
        for j, x in enumerate(np.linspace(-1, 1, steps)):
            for p, w, d1, d2 in zip(setting.network.parameters(), origin, *setting.directions, strict=True):
                p.data = w + (d1 * x + d2 * y).type(w.type())
            setting.visit(setting.network)
            total = count = 0
            with torch.no_grad():
                for inputs, targets in loader:
                    total += setting.loss(setting.network(inputs), targets).item() * len(inputs)
                    count += len(inputs)
            losses[i, j] = total / count
    for p, w in zip(setting.network.parameters(), origin, strict=True):
        p.data = w
    return losses


PEERS = (
    Peer("loss-landscape (its loop)", (), loss_landscape_loop),
    Peer("landscaper", ("landscaper", "tqdm"), landscaper),
    Peer("loss-landscape-anim", ("loss-landscape-anim", "tqdm"), loss_landscape_anim),
    Peer("loss-landscapes", ("loss-landscapes",), loss_landscapes),
    Peer("pylandscape", ("pylandscape", "pyhessian"), pylandscape),
)


def verdict(peer: Peer, setting: Setting, steps: int = 4) -> str:
    """ "" where a peer's values are the losses, in float64, on a regular grid of weights; else what is wrong with them.

    Entries of the array are matched with the points that the network was at. The largest entry is not looked at (landscaper adds
    noise to it on purpose); values must be right to 1e-4, places to a thousandth of a step.
    """
    places: list[Tensor] = []
    truths: list[float] = []
    wide = _double(setting.network)

    def visit(network: nn.Module) -> None:
        flat = nn.utils.parameters_to_vector(network.parameters()).detach().double()
        nn.utils.vector_to_parameters(flat, wide.parameters())
        inputs = setting.inputs.double() if setting.inputs.is_floating_point() else setting.inputs
        with torch.no_grad():
            truths.append(float(setting.loss(wide(inputs), setting.targets)))
        places.append(flat)

    watched = Setting(setting.network, setting.inputs, setting.targets, setting.directions, visit)
    losses = np.asarray(peer.run(watched, steps), dtype=float)
    if np.ptp(losses) == 0 and len(losses) > 1:
        return "the model never moves: a constant surface"
    rows, found = [], []
    for (i, j), value in np.ndenumerate(losses):
        if value == losses.max():
            continue
        k = int(np.argmin(np.abs(np.array(truths) - value)))
        if not abs(truths[k] - value) <= 1e-4 * abs(truths[k]):
            return f"a value is {abs(truths[k] / value - 1):.1e} off"
        rows.append((1.0, i, j))
        found.append(places[k])
    return _regular(np.array(rows), torch.stack(found))


def _regular(rows: np.ndarray, places: Tensor) -> str:
    design = torch.tensor(rows, dtype=torch.float64)
    plane = torch.linalg.pinv(design) @ places
    step = min(float(plane[1].norm()), float(plane[2].norm()))
    off = float((design @ plane - places).norm(dim=1).max())
    return "" if off <= 1e-3 * step else f"points stand up to {off / max(step, 1e-300):.1f} steps beside a regular grid"


def _double(network: nn.Module) -> nn.Module:
    import copy

    return copy.deepcopy(network).double().eval()
