"""The scripting facade against dense float64 Hessians, plain loops and closed forms; and that it leaves everything as it was."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader, TensorDataset

from landscape_gui import LandscapeError, LossLandscapeAnalyzer, answer, open_problem
from landscape_gui.analysis import FURTHER, SHARP, SPECTRAL
from landscape_gui.probes import Report
from landscape_gui.problem.families import mlp
from landscape_gui.store import Store

Batches = list[tuple[Tensor, Tensor]]


def examples(count: int = 90, classes: int = 3, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 5, generator=generator)
    return x, (x[:, :classes] + 0.5 * torch.randn(count, classes, generator=generator)).argmax(1)


def network(seed: int = 0, steps: int = 40) -> nn.Module:
    """A small net, trained a little so that its Hessian has both large and negative eigenvalues."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = mlp.create([5, 6, 3], "tanh")
    x, y = examples()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


def unequal(x: Tensor, y: Tensor) -> Batches:
    """Batches of 1, 50 and the rest: means over batches are not the mean over examples."""
    return [(x[a:b], y[a:b]) for a, b in ((0, 1), (1, 51), (51, len(x)))]


def analyzer(net: nn.Module | None = None, **options: Any) -> LossLandscapeAnalyzer:
    x, y = examples()
    held = examples(40, seed=2)
    given = {"criterion": nn.CrossEntropyLoss(), "device": "cpu", "threads": 1, **options}
    return LossLandscapeAnalyzer(net if net is not None else network(), unequal(x, y), [held], **given)


def dense_hessian(net: nn.Module, loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """float64, by differentiating twice, no code of the program."""
    wide = copy.deepcopy(net).double()
    shapes = [(name, p.shape, p.numel()) for name, p in wide.named_parameters()]
    flat = torch.cat([p.detach().reshape(-1) for p in wide.parameters()])

    def of(vector: Tensor) -> Tensor:
        parts = vector.split([count for *_, count in shapes])
        named = {name: part.view(shape) for (name, shape, _), part in zip(shapes, parts, strict=True)}
        return loss(functional_call(wide, named, (x.double(),)))

    found: Tensor = torch.autograd.functional.hessian(of, flat)
    return found


def test_numbers_of_the_hessian_are_those_of_the_dense_one() -> None:
    net, (x, y) = network(), examples()
    hessian = dense_hessian(net, lambda out: F.cross_entropy(out, y), x)
    values = torch.linalg.eigvalsh(hessian).flip(0).numpy()
    found = analyzer(net).compute_hessian_metrics(num_eigenvalues=20)
    slack = 1e-5 * values[0]  # float32 arithmetic against float64
    assert (np.abs(found["eigenvalues"] - values[:20]) <= found.errors["eigenvalues"] + slack)[found["converged"]].all()
    assert found["max_eigenvalue"] == pytest.approx(values[0], abs=slack)
    assert found["min_eigenvalue"] == pytest.approx(values[-1], abs=found.errors["min_eigenvalue"] + slack)
    assert found["spectral_gap"] == pytest.approx(values[0] - values[1], abs=2 * slack)
    assert found["condition_number"] == pytest.approx(values[0] / abs(values[-1]), rel=1e-3)
    assert found["resolved_condition_number"] <= values[0] / values[values > 0].min() * 1.001
    # 4 standard errors: four random vectors give a Student distribution
    assert abs(found["trace_hessian"] - float(hessian.trace())) <= 4 * found.errors["trace_hessian"] + slack
    assert abs(found["frobenius_norm"] - float(hessian.norm())) <= 4 * found.errors["frobenius_norm"] + slack
    assert found["num_negative_eigenvalues"] <= int((values < 0).sum())
    assert isinstance(found["num_negative_eigenvalues"], int) and found.kinds["num_negative_eigenvalues"] == "lower bound"
    ritz = sum(sorted(found["eigenvalues"])[-20:])
    assert abs(ritz - float(hessian.trace())) > 0.01 * abs(float(hessian.trace())), "a sum over twenty values is no trace"


def test_all_eigenvalues_of_a_small_net_make_its_numbers_exact() -> None:
    net, (x, y) = network(), examples()
    hessian = dense_hessian(net, lambda out: F.cross_entropy(out, y), x)
    found = analyzer(net, precision="float64").compute_hessian_metrics(num_eigenvalues=10_000)
    assert len(found["eigenvalues"]) == len(hessian)
    assert found["trace_hessian"] == pytest.approx(float(hessian.trace()), rel=1e-6)
    assert found["num_negative_eigenvalues"] <= int((torch.linalg.eigvalsh(hessian) < 0).sum())


def test_answers_equal_those_about_files_to_the_bit(tmp_path: Path) -> None:
    net, (x, y), (u, v) = network(), examples(), examples(40, seed=2)
    save_file(dict(net.state_dict()), tmp_path / "net.safetensors")
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=u, y_test=v)
    problem = open_problem(
        tmp_path / "net.safetensors", data=str(tmp_path / "data.npz"), architecture="mlp:activation=tanh", device="cpu"
    )
    theirs: Any = answer(Report(top=10, radius=0.05), problem, store=Store(tmp_path / "store"))
    ours = analyzer(net).full_analysis()
    assert problem.checkpoint.digest == ours.result.provenance.problem["checkpoint"]["digest"]  # type: ignore[union-attr]
    for own, name in {**SPECTRAL, **SHARP, **FURTHER}.items():
        if name in theirs.numbers:
            assert getattr(ours, own) == theirs.numbers[name].value, own
            assert ours.errors[own] == theirs.numbers[name].error or np.isnan(ours.errors[own]), own
    assert ours.train_loss == problem.at_checkpoint()["train_loss"]
    assert ours.test_accuracy == problem.at_checkpoint()["test_accuracy"]
    assert {"condition_number", "trace_hessian", "sharpness", "pac_bayes_bound"} <= ours.to_dict().keys()


def test_facts_are_means_over_examples_and_not_over_batches() -> None:
    net, (x, y), (u, v) = network(), examples(), examples(40, seed=2)
    found = analyzer(net).full_analysis(num_eigenvalues=2)
    wide = copy.deepcopy(net).double()
    train, test = (float(F.cross_entropy(wide(a.double()), b)) for a, b in ((x, y), (u, v)))
    assert found.train_loss == pytest.approx(train, rel=1e-6)
    assert found.generalization_gap == pytest.approx(test - train, rel=1e-4)
    F.cross_entropy(wide(x.double()), y).backward()
    norm = torch.cat([p.grad.reshape(-1) for p in wide.parameters()]).norm()  # type: ignore[union-attr]
    assert found.gradient_norm == pytest.approx(float(norm), rel=1e-4)
    assert found.num_parameters == sum(p.numel() for p in net.parameters())
    assert found.flatness == 1 / (1 + found.sharpness)


def test_sharpness_at_the_minimum_of_a_quadratic_is_half_lambda_r_squared() -> None:
    """Least squares at its solution: no slope, no higher order, so the worst case in a ball is r^2 lambda_max/2."""
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(60, 4, generator=generator, dtype=torch.float64)
    y = x @ torch.randn(4, 1, generator=generator, dtype=torch.float64) + 0.1
    design = torch.cat([x, torch.ones(60, 1, dtype=torch.float64)], 1)
    solution = torch.linalg.lstsq(design, y).solution
    net = nn.Linear(4, 1)
    with torch.no_grad():
        net.weight.copy_(solution[:4].T)
        net.bias.copy_(solution[4])
    largest = float(torch.linalg.eigvalsh(2 / 60 * design.T @ design)[-1])
    made = LossLandscapeAnalyzer(net, (x.float(), y.float()), None, nn.MSELoss(), "cpu", progress=False, precision="float64")
    found = made.compute_sharpness(epsilon=0.2, num_samples=5)
    assert found["max_eigenvalue"] == pytest.approx(largest, rel=1e-6)
    assert found["sharpness"] == pytest.approx(0.2**2 * largest / 2, rel=1e-5)
    assert found["flatness"] == pytest.approx(1 / (1 + found["sharpness"]))
    assert found["random_sharpness"] == found["random_rises"].max() < found["sharpness"]
    assert found["underestimation"] == pytest.approx(found["sharpness"] / found["random_sharpness"])


def test_a_line_between_two_models_is_that_of_a_plain_loop() -> None:
    first, second, (x, y) = network(0), network(1), examples()
    found = analyzer(first).compute_mode_connectivity(second, num_points=9)
    blend, ends = copy.deepcopy(first), (first.state_dict(), second.state_dict())
    losses = []
    for t in found["alphas"]:
        blend.load_state_dict({name: (1 - t) * ends[0][name] + t * ends[1][name] for name in ends[0]})
        losses.append(float(F.cross_entropy(blend.double()(x.double()), y)))
        blend.float()
    np.testing.assert_allclose(found["losses_train"], losses, rtol=2e-6)
    barrier = max(losses) - max(losses[0], losses[-1])
    assert found["barrier_height"] == pytest.approx(barrier, rel=1e-4) and barrier > 0.01
    assert found["barrier_above_line"] >= found["barrier_height"], "the facade's barrier is the smallest of the three"
    assert found["connectivity_score"] == pytest.approx(1 / (1 + found["barrier_height"]))
    difference = torch.cat([(ends[0][n] - ends[1][n]).double().reshape(-1) for n in ends[0]])
    assert found["path_norm"] == pytest.approx(float(difference.norm()), rel=1e-6)
    assert found["path_length"] == pytest.approx(found["path_norm"], rel=1e-6)
    assert found["max_loss"] == max(found["losses"]) and found["losses_test"].shape == (9,)


def test_a_surface_has_the_model_in_its_middle_and_is_written(tmp_path: Path) -> None:
    made = analyzer()
    files = [tmp_path / "s.pdf", tmp_path / "s.json"]
    found = made.visualize_2d_landscape(distance=0.5, resolution=5, save_path=files)
    assert found["losses"].shape == (5, 5) and found["x"].tolist() == [-0.5, -0.25, 0.0, 0.25, 0.5]
    assert found["losses"][2, 2] == pytest.approx(made.full_analysis(2).train_loss, rel=1e-6)
    assert found["min_loss"] == found["losses_train"].min() and found["accuracies_test"].max() <= 1
    assert files[0].read_bytes().startswith(b"%PDF") and b"train_loss" in files[1].read_bytes()
    again = made.visualize_2d_landscape(0.5, 5, tmp_path / "one.png", log=True)
    assert (again["losses"] == found["losses"]).all() and (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("method", ["momentum", "adam", "function"])
def test_a_trajectory_is_that_of_a_plain_training_loop(method: str) -> None:
    net, (x, y), (u, v) = network(), examples(), examples(40, seed=2)
    optimizer: Any = {
        "momentum": torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9),
        "adam": torch.optim.Adam(net.parameters(), lr=0.01),
        "function": None,
    }[method]
    if optimizer is not None:  # moments from before count
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()
    given = optimizer or (lambda parameters: torch.optim.SGD(parameters, lr=0.05))
    found = analyzer(net).analyze_optimization_trajectory(given, num_steps=7, track_interval=3)
    assert found["steps"].tolist() == [0, 3, 6, 7]
    twin, memo = copy.deepcopy(net), {}
    if optimizer is not None:
        twin, moved = copy.deepcopy((net, optimizer), memo)
    else:
        moved = given(twin.parameters())
    start = torch.nn.utils.parameters_to_vector(twin.parameters()).detach().double()
    batches, rows = unequal(x, y), {}
    for step in range(8):
        wide = copy.deepcopy(twin).double()
        loss = F.cross_entropy(wide(x.double()), y)
        slope = torch.autograd.grad(loss, list(wide.parameters()))
        here = torch.nn.utils.parameters_to_vector(twin.parameters()).detach().double()
        test = float(F.cross_entropy(wide(u.double()), v))
        rows[step] = (float(loss), test, float(torch.cat([g.reshape(-1) for g in slope]).norm()), float((here - start).norm()))
        inputs, targets = batches[step % 3]
        moved.zero_grad()
        F.cross_entropy(twin(inputs), targets).backward()
        moved.step()
    wanted = np.array([rows[step] for step in (0, 3, 6, 7)]).T
    for name, values in zip(("losses_train", "losses_test", "grad_norms", "distances"), wanted, strict=True):
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6, err_msg=name)  # float32 against float64
    assert (found["sharpness"] > 0).all() and (found["max_eigenvalues"] > 0).all()
    np.testing.assert_allclose(found["stability_ratios"], found["learning_rates"] * found["max_eigenvalues"])
    assert found.figure() is not None and len(found.figure().panels) >= 5  # type: ignore[union-attr]


class Noisy(nn.Module):
    """Adds noise by the global generator in every mode, as some networks do: whoever looks at it draws from it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.inner(x + 0.1 * torch.randn_like(x))
        return found


def test_looking_more_often_does_not_change_the_way() -> None:
    """Training draws the same noise, and its weights are the same to the bit, however often it is measured in between."""
    ways = []
    for every in (1, 6):
        found = analyzer(Noisy()).analyze_optimization_trajectory(lambda p: torch.optim.SGD(p, lr=0.1), 6, every)
        ways.append((found["batch_losses"][-1], found["distances"][-1]))
    assert ways[0] == ways[1]


def test_the_bound_says_what_it_is_made_of() -> None:
    net = network()
    plain = analyzer(net).compute_generalization_bound(pac_bayes=False)
    assert "pac_bayes_bound" not in plain and plain["generalization_gap"] == plain["test_loss"] - plain["train_loss"]
    found = analyzer(net).compute_generalization_bound()
    assert found["train_error"] == pytest.approx(1 - found["train_accuracy"])
    assert found["noisy_train_error"] < found["pac_bayes_bound"] <= 1 and found.kinds["pac_bayes_bound"] == "upper bound"
    assert found["vacuous"] is (found["pac_bayes_bound"] >= 2 / 3) and found["confidence"] == pytest.approx(0.965)
    norm = torch.nn.utils.parameters_to_vector(net.parameters()).norm()
    assert found["prior"] == "zero" and found["prior_distance"] == pytest.approx(float(norm), rel=1e-5)
    around = analyzer(net).compute_generalization_bound(initial_model=network(steps=0))
    assert around["prior_distance"] < found["prior_distance"] and "initial" in around["prior"]


def everything_global() -> list[Any]:
    cuda = torch.backends.cuda
    kernels = [cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.math_sdp_enabled()]
    modes = [torch.get_num_threads(), torch.is_grad_enabled(), torch.backends.mha.get_fastpath_enabled(), torch.get_default_dtype()]
    return [torch.get_rng_state().tolist(), random.getstate(), repr(np.random.get_state()), *kernels, *modes]


def test_everything_stays_as_it_was() -> None:
    """Weights, buffers, gradients, modes, what requires a gradient, every random state, the optimiser, the loader's generator."""
    net = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 3))
    net[0].bias.requires_grad_(False)
    net.train()
    net[1].eval()
    x, y = examples()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, generator=generator)
    criterion = nn.CrossEntropyLoss(reduction="none")
    # reduction "none" has no gradient by itself: training takes its mean

    def state() -> list[Any]:
        tensors = {name: (t.clone(), t.data_ptr()) for name, t in net.state_dict().items()}
        return [
            {name: t.tolist() for name, (t, _) in tensors.items()},
            {name: place for name, (_, place) in tensors.items()},
            [None if p.grad is None else (p.grad.tolist(), p.grad.data_ptr()) for p in net.parameters()],
            [(p.requires_grad, p.device, p.dtype, p.is_leaf) for p in net.parameters()],
            [m.training for m in net.modules()],
            [len(m._forward_hooks) for m in net.modules()],
            repr(optimizer.state_dict()),
            generator.get_state().tolist(),
            criterion.reduction,
            everything_global(),
        ]

    stranger, other = nn.Linear(3, 2), copy.deepcopy(net)
    nn.init.constant_(other[0].weight, 0.1)
    before = state()
    made = LossLandscapeAnalyzer(net, loader, (x, y), criterion, "cpu", threads=1, progress=False)
    made.full_analysis(2)
    made.compute_hessian_metrics(2, probes=1, steps=4)
    made.compute_sharpness(0.05, 2)
    made.compute_mode_connectivity(other, 3)
    made.visualize_2d_landscape(1.0, 3)
    made.analyze_optimization_trajectory(optimizer, 2, 1)
    made.compute_generalization_bound()
    with pytest.raises(LandscapeError, match="weight"):
        made.compute_mode_connectivity(stranger)
    with pytest.raises(LandscapeError, match="none of the model's parameters"):
        made.analyze_optimization_trajectory(torch.optim.SGD(stranger.parameters(), lr=0.1))
    for was, now in zip(before, state(), strict=True):
        assert was == now


def test_weights_count_as_they_are_at_the_call() -> None:
    net = network(steps=5)
    made = analyzer(net)
    first = made.compute_sharpness(0.05, 2)
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(1.5)
    second = made.compute_sharpness(0.05, 2)
    assert first["loss"] != second["loss"]
    with torch.no_grad():
        for p in net.parameters():
            p.div_(1.5)
    net.requires_grad_(False)
    with pytest.raises(LandscapeError, match="gradient"):
        made.compute_hessian_metrics(2)


def test_a_notebook_shows_table_and_figure_without_ipython() -> None:
    made = analyzer()
    found = made.compute_mode_connectivity(network(1), 3)
    page = found._repr_html_()
    assert "barrier_height" in page and "data:image/png;base64," in page and "<script" not in page
    assert (found._repr_png_() or b"").startswith(b"\x89PNG")
    assert "barrier_height" in repr(found) and "LossLandscapeAnalyzer(Chain" in repr(made)
    whole = made.full_analysis(2)
    assert "trace_hessian" in repr(whole) and "trace_hessian" in whole._repr_html_()
    code = "import sys; from landscape_gui import LossLandscapeAnalyzer; assert not {'IPython', 'PySide6'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x, y: LossLandscapeAnalyzer("net", (x, y), None, F.cross_entropy), "nn.Module was expected"),
        (lambda x, y: LossLandscapeAnalyzer(nn.ReLU(), (x, y), None, F.cross_entropy), "no parameters"),
        (lambda x, y: LossLandscapeAnalyzer(nn.LazyLinear(3), (x, y), None, F.cross_entropy), "no shape yet"),
        (lambda x, y: LossLandscapeAnalyzer(network(), [], None, F.cross_entropy), "gave no batch"),
        (lambda x, y: LossLandscapeAnalyzer(network(), x, None, F.cross_entropy), "loader is a Tensor"),
        (lambda x, y: LossLandscapeAnalyzer(network(), [x], None, F.cross_entropy), "no targets"),
        (lambda x, y: LossLandscapeAnalyzer(network(), (x[:, :4], y), None, F.cross_entropy), "forward pass"),
        (lambda x, y: LossLandscapeAnalyzer(network(), (x, y.float()), None, nn.MSELoss()), "shapes differ"),
        (lambda x, y: LossLandscapeAnalyzer(network(), (x, y), None, lambda o, t: 1.0), "not a tensor"),
        (lambda x, y: LossLandscapeAnalyzer(network(), (x, y), None, None), "No criterion"),
        (lambda x, y: LossLandscapeAnalyzer(network(), (x, y), None, F.cross_entropy, "abacus"), "no device called"),
        (lambda x, y: LossLandscapeAnalyzer(network(), (x, y), None, F.cross_entropy, max_examples=-1), "max_examples"),
        (lambda x, y: analyzer().compute_sharpness(epsilon=-1.0), "Radius"),
        (lambda x, y: analyzer().visualize_2d_landscape(save_path="s.docx", resolution=3), "suffix"),
        (lambda x, y: analyzer().analyze_optimization_trajectory("sgd"), "optimizer is a str"),
        (lambda x, y: analyzer().analyze_optimization_trajectory(torch.optim.SGD, num_steps=0), "num_steps"),
        (lambda x, y: analyzer().compute_mode_connectivity(network(), 3), "same weights"),
    ],
)
def test_what_cannot_be_done_is_said(make: Callable[[Tensor, Tensor], Any], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        make(*examples())
