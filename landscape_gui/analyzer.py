"""The scripting facade: one object around a network, its loaders and its loss, over the questions that the window asks.

    from landscape_gui import LossLandscapeAnalyzer

    analyzer = LossLandscapeAnalyzer(model, train_loader, test_loader, criterion, device="cpu")
    print(analyzer.full_analysis().trace_hessian)

docs/analyzer.md defines every name.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from landscape_gui.analysis import FURTHER, SHARP, SPECTRAL, Analysis, Measures, analysis_of, named
from landscape_gui.analyzer_numbers import connection_values, moments_of, number, pieces_of_bound, surface_values
from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes import Connect, Report, Sharpness, Spectrum, Surface, kind_of
from landscape_gui.probes.base import CheckpointRef, Probe
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.in_memory import InMemoryProblem, bare, checked, computing, in_memory
from landscape_gui.problem.loaders import kept_generators, read_loaders
from landscape_gui.problem.settings import own_randomness
from landscape_gui.problem.training_copy import Shuffled, Step, copied_together, train
from landscape_gui.progress_line import ProgressLine
from landscape_gui.results import Number, Result
from landscape_gui.store import Store

if TYPE_CHECKING:
    from landscape_gui.figure import Figure

TRAIN, TEST = "train", "test"
BATCH = 64
"""Examples of a training batch where the loader was an iterator that is used up."""
NO_WORK: dict[str, Any] = {"groups": 0, "bound": False, "scaled_points": 1}


class LossLandscapeAnalyzer:
    """Loss landscape measures of a network as it is in memory. The network, its gradients, modes and every random state stay as
    they are: all work is done on copies, of the weights at the time of each call.

    model: any nn.Module. train_loader, test_loader (None: no test data): DataLoaders, Datasets, pairs of tensors or iterables of
    (inputs, targets) batches or of mappings with labels; they are read once, here, and kept in memory (see `problem.loaders`).
    criterion: loss of (outputs, targets), any reduction; None: the network computes its own from a batch with labels. device:
    "auto", "cpu", "cuda". max_examples: of each split, 0 for all; what takes more than 4 GiB streams. seed: of every random vector,
    subset and direction. threads: of the processor, None for torch's own setting; answers equal the command line's to the bit at
    threads=1. precision: "float32" or "float64". progress: a line that shows how far it is. Raises LandscapeError, a sentence.
    """

    def __init__(
        self,
        model: nn.Module,
        train_loader: Any,
        test_loader: Any = None,
        criterion: Callable[..., Any] | str | None = None,
        device: str | torch.device = "auto",
        *,
        max_examples: int = 0,
        seed: int = 0,
        threads: int | None = None,
        precision: str = "float32",
        progress: bool = True,
    ) -> None:
        if max_examples < 0:
            raise QuestionError(f"max_examples is {max_examples}.", remedy="Give how many examples a split may have, 0 for all.")
        self.model, self.criterion, self.device = model, criterion, str(device)
        self.seed, self.precision, self.progress = seed, precision, progress
        self.threads = torch.get_num_threads() if threads is None else threads
        self._train_loader = train_loader
        loaders = {TRAIN: train_loader} | ({} if test_loader is None else {TEST: test_loader})
        with computing(self.threads):
            self.data: Data = read_loaders(loaders, most=max_examples, seed=seed, whole=criterion is None)
        self._folder = tempfile.TemporaryDirectory(prefix="landscape_gui-", ignore_cleanup_errors=True)
        self._store = Store(self._folder.name)
        self._known: tuple[object, InMemoryProblem] | None = None
        self._problem()

    def __repr__(self) -> str:
        splits = ", ".join(f"{split.examples:,} {split.name}" for split in self.data.splits)
        return f"LossLandscapeAnalyzer({type(bare(self.model)).__name__}, {splits} examples, device={self.device!r})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the data, the weights and the criterion."""
        return self._problem().notes

    # --------------------------------------------------------------------------------------------------------------- questions

    def full_analysis(self, num_eigenvalues: int = 10, epsilon: float = 0.05) -> Analysis:
        """Every measure of one network, as attributes with their `errors`: the column of `landscape-gui report`.

        num_eigenvalues: of the largest that are resolved; epsilon: radius of the ball in the 2-norm for sharpness. Cost: about 700
        gradients over the training data.
        """
        problem = self._problem()
        found = self._ask(Report(top=self._most(num_eigenvalues), radius=epsilon, seed=self.seed, precision=self.precision))
        numbers = named(found.numbers, {**SPECTRAL, **SHARP, **FURTHER})
        return analysis_of(
            f"Loss landscape of {problem.title}",
            {**self._facts(), **numbers},
            eigenvalues=found.eigenvalues,
            eigenvalue_bounds=found.residuals,
            result=found,
            notes=(*problem.notes, *found.notes),
            _draw=lambda: drawn(found),
        )

    def compute_hessian_metrics(self, num_eigenvalues: int = 20, *, probes: int = 4, steps: int = 60) -> Measures:
        """The Hessian's leading eigenvalues by Lanczos, its trace by random products and its spectral density.

        probes, steps: random vectors and Lanczos steps of the density. Cost: about probes * steps and 60 to 200 more products.
        """
        question = Spectrum(
            top=self._most(num_eigenvalues), probes=probes, steps=steps, seed=self.seed, precision=self.precision
        )  # fmt: skip
        found = self._ask(question)
        values = {
            "eigenvalues": found.eigenvalues,
            "smallest_eigenvalues": found.lowest,
            "converged": found.converged.astype(bool),
        }
        return Measures(
            f"Hessian of {self._problem().title}",
            values,
            numbers=named(found.numbers, SPECTRAL),
            errors={"eigenvalues": found.residuals, "smallest_eigenvalues": found.lowest_residuals},
            result=found,
            draw=lambda: drawn(found),
            notes=found.notes,
        )

    def compute_sharpness(self, epsilon: float = 0.05, num_samples: int = 10) -> Measures:
        """How far the loss rises within `epsilon` (2-norm of the step in all weights): `sharpness` is the worst case by ascent.

        num_samples: random directions, and pairs of Gaussian draws, of the measures that sample; `random_sharpness`, the best of
        them, underestimates the worst case `underestimation`-fold. Cost: about 200 gradients.
        """
        question = Sharpness(
            radius=epsilon, points=1, scaled_points=1, directions=num_samples, pairs=num_samples, bound=False,
            seed=self.seed, precision=self.precision,
        )  # fmt: skip
        found = self._ask(question)
        numbers = named(found.numbers, {**SHARP, "max_eigenvalue": "lambda_max", "gradient_norm": "gradient_norm"})
        values = {"epsilon": epsilon, "random_rises": found.random_rises[0], "loss": found.loss}
        title = f"Sharpness of {self._problem().title} at radius {epsilon:g}"
        return Measures(title, values, numbers=numbers, result=found, notes=found.notes)

    def compute_mode_connectivity(
        self,
        model2: nn.Module,
        num_points: int = 25,
        *,
        path: str | Sequence[str] = "line",
        split: str = "",
        batchnorm: str = "auto",
    ) -> Measures:
        """Loss and accuracy along a path from the model (t = 0) to another one of the same architecture (t = 1).

        path: "line", "bezier", "chain", "band", "aligned" or "repaired", or several; the numbers are of the first. split: whose
        loss, training's where none is named. `barrier_height` is the largest loss minus the larger end's. Cost: a forward pass a
        point, and recalculated BatchNorm statistics where there are any.
        """
        problem = self._problem()
        with computing(self.threads):
            other = problem.remember(bare(model2), f"{type(bare(model2)).__name__} 2")
        paths = (path,) if isinstance(path, str) else tuple(path)
        question = Connect(
            towards=other, path=paths, points=num_points, split=split, batchnorm=batchnorm, seed=self.seed, precision=self.precision
        )
        found = self._ask(question)
        values, numbers, errors = connection_values(found)
        title = f"{problem.title} and {other.label}: {', '.join(paths)}"
        return Measures(
            title,
            values,
            numbers=numbers,
            errors=errors,
            result=found,
            draw=lambda: drawn(found),
            notes=(*found.notes, *problem.notes),
        )

    def visualize_2d_landscape(
        self,
        distance: float = 1.0,
        resolution: int = 25,
        save_path: str | Path | Sequence[str | Path] | None = None,
        *,
        directions: str = "filter",
        log: bool = False,
    ) -> Measures:
        """The loss on a plane of two random directions around the model, every point computed.

        distance: how far to each side, in units of the directions (filter-normalised: 1 is as long as the weights); resolution:
        points a side, odd to hold the model itself; directions: "filter", "layer", "raw", "eigenvectors" or "gradient"; log:
        colours and heights. save_path: one file or several, by their suffix. Cost: resolution^2 forward passes over all splits.
        """
        question = Surface(
            steps=(resolution, resolution), span=(distance,), directions=directions, seed=self.seed, precision=self.precision
        )
        found = self._ask(question)
        values, errors = surface_values(found)
        measures = Measures(
            f"Loss around {self._problem().title}",
            values,
            errors=errors,
            result=found,
            draw=lambda: both_views(found, log=log),
            notes=found.notes,
        )
        for place in [] if save_path is None else [save_path] if isinstance(save_path, (str, Path)) else save_path:
            measures.save(place)
        return measures

    def analyze_optimization_trajectory(
        self,
        optimizer: torch.optim.Optimizer | Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
        num_steps: int = 100,
        track_interval: int = 10,
        *,
        epsilon: float = 0.05,
    ) -> Measures:
        """Trains a copy of the model with a copy of the optimizer, and measures it at every `track_interval`-th step.

        optimizer: one over model.parameters(), or a function that makes one from parameters. The model itself does not move.
        Lists by step: `steps`, `losses_train`, `losses_test`, `grad_norms` (of the mean loss over all training data), `sharpness`
        (worst case within epsilon), `max_eigenvalues`, `learning_rates`, `distances`. Cost: num_steps steps of training, and about
        100 gradients over the training data for each tracked step.
        """
        if num_steps < 1 or track_interval < 1:
            raise QuestionError(
                f"num_steps is {num_steps}, track_interval {track_interval}.", remedy="Both must be whole numbers from 1 on."
            )
        moments: list[dict[str, float]] = []
        with computing(self.threads), own_randomness(self.seed), ProgressLine("Training a copy", shown=self.progress) as line:
            for step in self._steps(optimizer, num_steps, track_interval):
                with own_randomness(self.seed):
                    moments.append(self._moment(step, epsilon))
                line.update(step.number / num_steps, f"step {step.number}")
        title = f"Training {self._problem().title} for {num_steps} steps"
        return moments_of(moments, optimizer, title, epsilon=epsilon, notes=self.notes)

    def compute_generalization_bound(self, pac_bayes: bool = True, *, initial_model: nn.Module | None = None) -> Measures:
        """The gap between test and training data, and, for classifiers, the PAC-Bayes bound on the error of the noisy network.

        pac_bayes: False leaves the bound out. initial_model: the network before training, around which the bound's prior stands
        (zero where it is not given). `vacuous` says that guessing is as good. Cost: some 300 losses over the training data.
        """
        numbers = self._facts()
        values: dict[str, Any] = {}
        if not pac_bayes:
            return Measures(f"Generalisation of {self._problem().title}", values, numbers=numbers, notes=self.notes)
        prior: CheckpointRef | None = None
        if initial_model is not None:
            with computing(self.threads):
                prior = self._problem().remember(bare(initial_model), "initial model")
        question = Sharpness(
            points=1, scaled_points=1, directions=2, pairs=2, groups=0, prior=prior, seed=self.seed, precision=self.precision
        )
        found = self._ask(question)
        more, values = pieces_of_bound(found)
        title = f"Generalisation of {self._problem().title}"
        return Measures(title, values, numbers={**numbers, **more}, result=found, notes=(*found.notes, *self.notes))

    # ------------------------------------------------------------------------------------------------------------------ inside

    def _problem(self) -> InMemoryProblem:
        """The model as it is now; the same one as long as neither weights nor what requires a gradient change."""
        from landscape_gui.checkpoint import digest

        source = checked(self.model)
        trained = tuple(name for name, p in source.named_parameters() if p.requires_grad)
        key = (digest(source.state_dict()), trained)
        if self._known is None or self._known[0] != key:
            with computing(self.threads):
                made = in_memory(self.model, self.data, self.criterion, device=self.device, threads=self.threads)
            self._known = (key, made)
        return self._known[1]

    def _most(self, count: int) -> int:
        """No more eigenvalues than there are parameters that require a gradient."""
        size = sum(p.numel() for p in bare(self.model).parameters() if p.requires_grad)
        return min(count, size) if size else count

    def _ask(self, question: Probe) -> Any:
        problem = self._problem()
        with computing(self.threads), ProgressLine(question.title, shown=self.progress) as line:
            return answer(question, problem, store=self._store, on_progress=line.tell)

    def _facts(self) -> dict[str, Number]:
        """Losses, accuracies, their gap and the size."""
        problem = self._problem()
        with computing(self.threads):
            found = problem.at_checkpoint()
        numbers = {"num_parameters": number("num_parameters", problem.layout.parameters)}
        for split in problem.splits:
            numbers[f"{split}_loss"] = number(f"{split}_loss", found[f"{split}_loss"], unit=problem.loss_unit)
            if f"{split}_accuracy" in found:
                numbers[f"{split}_accuracy"] = number(f"{split}_accuracy", found[f"{split}_accuracy"])
        if TEST in problem.splits:
            gap = found["test_loss"] - found["train_loss"]
            numbers["generalization_gap"] = number("generalization_gap", gap, unit=problem.loss_unit)
        return numbers

    def _steps(self, optimizer: Any, steps: int, every: int) -> Iterator[Step]:
        network, twin = copied_together(self.model, optimizer)
        criterion: Any = copy.deepcopy(self.criterion) if isinstance(self.criterion, nn.Module) else self.criterion
        if isinstance(criterion, str):
            raise QuestionError(
                f"The criterion is the name {criterion!r}.", remedy="Give the loss as a function, to train with it."
            )
        batches = self._batches()
        with kept_generators(batches):
            yield from train(
                network, twin, batches, criterion, steps=steps, every=every, device=self._problem().device
            )  # fmt: skip

    def _batches(self) -> Iterable[Any]:
        """The training loader, or what was read of it where it could be gone through once."""
        loader = self._train_loader
        split = self.data.splits[0]
        if isinstance(loader, (list, torch.utils.data.DataLoader)) or not (
            isinstance(loader, Iterator) or split.targets is not None
        ):
            return loader
        reiterable = not isinstance(loader, (Iterator, tuple, torch.utils.data.Dataset))
        return loader if reiterable else Shuffled(split, BATCH, torch.Generator().manual_seed(self.seed))

    def _moment(self, step: Step, epsilon: float) -> dict[str, float]:
        """One tracked step: losses, gradient, curvature and distance, measured about a copy of the weights."""
        problem = self._problem()
        start = problem.state
        reference = problem.remember(step.network.state_dict(), f"step {step.number}")
        there = problem.at(reference)
        question = Sharpness(radius=epsilon, points=1, directions=2, pairs=2, seed=self.seed, precision=self.precision, **NO_WORK)
        found = answer(question, there, store=self._store)
        n = problem.layout.parameters
        moved = float((there.state[:n] - start[:n]).double().norm())
        problem.forget(reference)
        numbers: dict[str, float] = {name: n.value for name, n in found.numbers.items()}  # type: ignore[union-attr]
        bound = found.numbers["lambda_max"].error  # type: ignore[union-attr]
        known = {"step": float(step.number), "batch_loss": step.batch_loss, "learning_rate": step.lr, "distance": moved}
        return {
            **numbers,
            **there.at_checkpoint(),
            **known,
            "lambda_max_bound": bound,
            "examples": float(self.data.splits[0].examples),
        }


def drawn(result: Result) -> Figure:
    """The figure of an answer, as the window draws it first."""
    from landscape_gui.figure import Look

    return kind_of(result)().figure(result, Look())


def both_views(result: Result, *, log: bool) -> Figure:
    """The surface in relief, and from above with its contours."""
    import dataclasses

    from landscape_gui.figure import Look

    probe, scale = kind_of(result)(), "log" if log else "linear"
    relief = probe.figure(result, Look(view="3d", scale=scale))  # type: ignore[arg-type]
    plane = probe.figure(result, Look(view="2d", scale=scale))  # type: ignore[arg-type]
    return dataclasses.replace(relief, panels=(*relief.panels, *plane.panels), columns=2)


__all__ = ["Analysis", "LossLandscapeAnalyzer", "Measures"]
